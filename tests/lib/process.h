/* process.h: what tests ask of the process they run in. */
#ifndef TALUS_TESTS_PROCESS_H
#define TALUS_TESTS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Resident bytes of this process, from /proc/self/statm; 0 when that cannot be read. */
size_t process_resident(void);

/* Limits this process's address space. False: the system keeps no such limit. qemu-user is one of
 * those: it says yes and does nothing. */
bool process_limit_address_space(size_t bytes);

/* Monotonic milliseconds. */
uint64_t process_now_ms(void);

/* Asks `done` every few milliseconds until it says true or `timeout_ms` have passed. Returns the
 * last answer. */
bool process_wait_until(bool (*done)(void *context), void *context, uint64_t timeout_ms);

/* How a child ended. */
struct process_result {
    int  exit_code;    /* -1 when a signal ended it */
    int  signal;       /* 0 when none */
    char output[4096]; /* what it wrote to standard error, cut, 0-terminated */
};

/* Runs `body` in a forked child, whose exit code is what `body` returns; waits for it. */
struct process_result process_run_child(int (*body)(void *context), void *context);

/* Becomes the program argv[0], under the emulator where the tests run under one. Returns only when
 * that failed. */
void process_become(char *const argv[]);

/* Runs the program argv[0] with TALUS_OPTIONS set to `options` (NULL: unset); waits for it. */
struct process_result process_run_program(char *const argv[], const char *options);

/* The same in two steps, so that others may run meanwhile. Each that was started is to be awaited.
 * */
struct process {
    int child;
    int output; /* reading end of what it writes to standard error */
};
struct process        process_start_program(char *const argv[], const char *options);
struct process_result process_await(struct process process);

#endif

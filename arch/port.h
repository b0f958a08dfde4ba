/* port.h: everything that talus asks of an operating system, and what the system calls back.
 *
 * 1 Purpose     One contract; port/<system>/ implements it, and nothing else in talus knows a
 *               system.
 * 2 Units       Sizes in bytes. A page is the system's page: tl_port_page_size(), decided at run
 *               time (4, 16, 64 KiB).
 * 3 errno       Kept by every function, whether it succeeds or fails: failure is told by NULL or
 *               false alone.
 * 4 Contexts    "thread" unless a function says "any", which includes signal handlers.
 * 5 Locks       None is held inside. tl_port_wait may sleep; the memory functions may fault and
 *               take the kernel's locks, so the core calls them without holding its own.
 * 6 Allocation  No function calls malloc by itself. Four let the C library do it, three of them
 *               when its fixed tables are full, and say so. */
#ifndef TL_ARCH_PORT_H
#define TL_ARCH_PORT_H

#include "arch/atomic.h"

/* memcpy, memset: of the C library, or of the kernel that talus is part of. */
#if __STDC_HOSTED__
#include <string.h>
#else
void            *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void            *memset(void *to, int byte, size_t bytes);
#endif

/* In a kernel this much is a constant, or a function of the kernel's author's:
 * port/kernel/inline.h, below, has the bodies. */
#if TL_KERNEL
#define TL_PORT static inline
#else
#define TL_PORT
#endif

/* ---- memory ---- */

/* The system's page size in bytes, a power of two. Context: any. */
size_t tl_port_page_size(void);

/* Maps `bytes` (rounded up to pages; not 0) at a multiple of `align` (a power of two; at least a
 * page is given).
 * Returns memory that is readable, writable and zero, or NULL. */
TL_PORT void *tl_port_map(size_t bytes, size_t align);

/* Gives [p, p + bytes) back; both in whole pages, from tl_port_map or tl_port_reserve, or a part of
 * either. */
void tl_port_unmap(void *p, size_t bytes);

/* Takes `bytes` of addresses that read as zero and cannot be written. Costs neither memory nor
 * commit, so that strict overcommit accepts it; it does count against an address space limit. Left
 * out of core dumps. Returns NULL on failure. */
void *tl_port_reserve(size_t bytes);

/* Makes [p, p + bytes), rounded outwards to pages, of a reserved range writable. It still reads as
 * zero (where it was not writable before). False: no commit left; nothing changed. Several threads
 * may commit the same range at once. */
TL_PORT bool tl_port_commit(void *p, size_t bytes);

/* Lets the system take back the contents of all pages that lie wholly inside [p, p + bytes).
 * Returns true if every byte of the range now reads as zero; false if the edges or everything kept
 * its contents. */
bool tl_port_purge(void *p, size_t bytes);

/* Moves the pages of [from, from + bytes) onto [to, to + bytes), whose pages are given up; `from`
 * stays mapped and reads as zero. The two do not overlap, and both came from tl_port_map. False:
 * nothing changed; the caller copies. All in whole pages of the system's, else false. */
bool tl_port_move(void *from, void *to, size_t bytes);

/* The limit on the process's address space in bytes, SIZE_MAX if there is none. */
size_t tl_port_address_space(void);

/* ---- time, text, end ---- */

/* Milliseconds that only grow; resolution a few ms, cost a few ns. Context: any. */
TL_PORT uint64_t tl_port_now_ms(void);

/* Writes all of `text` to the standard error stream, unbuffered; gives up on errors. Context:
 * any. */
TL_PORT void tl_port_write_error(const char *text, size_t length);

/* Replaces the file `path` by `text`. Returns false when it could not. Context: thread. */
bool tl_port_write_file(const char *path, const char *text, size_t length);

/* Writes `line` and an end of line like tl_port_write_error, and ends the process with a core dump.
 * Context: any. */
TL_EXTERN_C TL_NORETURN void tl_port_panic(const char *line);

/* The text of TALUS_OPTIONS, or NULL; NULL also where the process runs with another's privileges.
 * It lies in the environment, or, where there is none yet, in `buffer`, cut off at its size. */
const char *tl_port_option_text(char *buffer, size_t size);

/* ---- errors ---- */

/* What a public function that fails tells its caller beside NULL or false. */
enum tl_error { TL_ERROR_INVALID, TL_ERROR_MEMORY };

/* Sets errno to EINVAL or ENOMEM, where there is an errno; returns NULL. Context: any. */
TL_PORT void *tl_port_fail(enum tl_error why);

/* errno, for who must leave it as it was; 0 where there is none. Context: any. */
TL_PORT int  tl_port_errno(void);
TL_PORT void tl_port_set_errno(int value);

/* ---- CPUs ---- */

/* In a kernel (port/kernel/): keeps the calling thread on its CPU and other threads off it, until
 * the matching unpin; nests; returns the CPU's number. In a process, where every thread has caches
 * of its own: nothing. Context: any but interrupt. */
static inline unsigned tl_port_pin(void);
static inline void     tl_port_unpin(void);

/* Around each lock of the heap, waiting for it included: pinned at least; nest as the locks do. */
static inline void tl_port_lock_enter(void);
static inline void tl_port_lock_leave(void);

/* Returns when nobody reads any more what was freed before the call. No lock held; may block. */
static inline void tl_port_synchronize(void);

/* In a kernel: one turn of waiting for a lock that another CPU holds. */
static inline void tl_port_relax(void);

/* Whether the provider may be called now. In a process: always. */
static inline bool tl_port_may_block(void);

/* ---- waiting ---- */

/* Sleeps until woken, if *word == expected; may return early for any reason, so the caller looks
 * again.
 * Orders nothing: the atomics on *word do that. */
TL_EXTERN_C void tl_port_wait(tl_atomic_u32 *word, uint32_t expected);

/* Whether it returns by itself when the word changed, so that nobody need be woken. */
#define TL_PORT_POLLS TL_KERNEL

/* Wakes up to `count` threads that sleep on `word`. The word may be unmapped already: that is
 * harmless. */
#if TL_KERNEL /* who waits yields, and looks again */
static inline void tl_port_wake(tl_atomic_u32 *word, uint32_t count);
#else
TL_EXTERN_C void tl_port_wake(tl_atomic_u32 *word, uint32_t count);
#endif

/* Sleeps for `ms` milliseconds at least. */
void tl_port_sleep(uint64_t ms);

/* ---- threads and processes ---- */

/* Starts a thread that runs `fn` with every signal blocked, on a small stack, under `name` (at most
 * 15 letters); nobody joins it. Once per process. False: it could not be started. The C library
 * calls calloc in here. */
bool tl_port_start_thread(const char *name, void (*fn)(void));

/* True: the process goes on without its first thread, and *others is set to the number of threads
 * that run beside the caller. False: the first thread runs, or the system does not tell. */
bool tl_port_first_thread_ended(unsigned *others);

/* A number for where the call runs: alike as long as it stays there, and seldom the same for calls
 * that run at once. Hosted: the stack's; in a kernel: the CPU's. It spreads what all would touch,
 * and nothing else rests on it. Context: any. */
TL_PORT uintptr_t tl_port_place(void);

/* Arranges that tl_thread_exit() runs when the calling thread ends. Called from within
 * tl_thread_exit() or a later destructor it asks for one more round (the C library grants about
 * four; after that nothing runs).
 * The C library may call calloc in here: the caller must stand being called back by its own
 * malloc. */
void tl_port_at_thread_exit(void);

/* Arranges that tl_fork_prepare, tl_fork_parent and tl_fork_child run around fork. Once per
 * process.
 * The C library may call malloc in here. */
void tl_port_fork_handlers(void);

/* Runs `fn` at a regular exit of the process. The C library may call calloc in here. */
void tl_port_at_process_exit(void (*fn)(void));

/* ---- other libraries ---- */

/* The address of `name` as code at `caller` would find it: among what every library sees, then
 * among what the caller's library and those it needs see; or NULL. May allocate a little, through
 * whatever malloc the process has. */
void *tl_port_symbol(void *caller, const char *name);

/* ---- what the system calls back: the core defines these ---- */

void tl_thread_exit(void);  /* the calling thread ends; it may still allocate and free afterwards */
void tl_fork_prepare(void); /* before fork, in the forking thread */
void tl_fork_parent(void);  /* after fork, in the parent */
void tl_fork_child(void);   /* after fork, in the child, which has no other threads */

#if TL_KERNEL
#include "arch/port/kernel/inline.h"
#else

static inline unsigned tl_port_pin(void)
{
    return 0;
}

static inline void tl_port_unpin(void)
{
}

static inline void tl_port_lock_enter(void)
{
}

static inline void tl_port_lock_leave(void)
{
}

static inline void tl_port_synchronize(void)
{
}

static inline void tl_port_relax(void)
{
}

static inline bool tl_port_may_block(void)
{
    return true;
}

#endif

#endif

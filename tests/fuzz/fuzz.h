/* fuzz.h: what the fuzz targets share. A target is one program: libFuzzer's LLVMFuzzerTestOneInput,
 * which reads its input as a list of calls and judges them by a model of its own.
 *
 * 1 Two mains  Built by the preset `fuzz`, libFuzzer drives a target and looks for new inputs. In
 *              every other build replay.c does, and runs the inputs that it is given.
 * 2 One input  The same input does the same thing each time: the heap's clock is the target's
 *              (fuzz_clock_ms), and what it says on standard error is kept (fuzz_lines).
 * 3 Findings   FUZZ_CHECK says what is wrong and aborts, which libFuzzer takes for a crash. With
 *              TALUS_FUZZ_SAY set, a target prints each call before it makes it. */
#ifndef TALUS_TESTS_FUZZ_H
#define TALUS_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input that is read from its beginning; behind its end there are zeroes. */
struct fuzz_bytes {
    const uint8_t *at, *end;
};

static inline bool fuzz_bytes_left(const struct fuzz_bytes *bytes)
{
    return bytes->at < bytes->end;
}

static inline uint8_t fuzz_u8(struct fuzz_bytes *bytes)
{
    return bytes->at < bytes->end ? *bytes->at++ : 0;
}

static inline uint16_t fuzz_u16(struct fuzz_bytes *bytes)
{
    uint16_t low = fuzz_u8(bytes);

    return (uint16_t)(low | fuzz_u8(bytes) << 8);
}

/* A number from 0 to bound - 1, from one byte or, where that is too little, two. */
static inline size_t fuzz_below(struct fuzz_bytes *bytes, size_t bound)
{
    return (bound <= 256 ? fuzz_u8(bytes) : fuzz_u16(bytes)) % bound;
}

/* Ends the process with a line that says what is wrong. */
_Noreturn void fuzz_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define FUZZ_FAIL(...) fuzz_fail(__FILE__, __LINE__, __VA_ARGS__)
#define FUZZ_CHECK(condition, ...)  \
    do {                            \
        if (!(condition))           \
            FUZZ_FAIL(__VA_ARGS__); \
    } while (0)

/* Prints a line when TALUS_FUZZ_SAY is set. */
void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What tl_port_now_ms answers. */
extern uint64_t fuzz_clock_ms;

/* What the heap wrote on standard error since the last fuzz_lines_clear, cut off at its size. */
#define FUZZ_LINES_BYTES ((size_t)64 * 1024)
extern char     fuzz_lines[FUZZ_LINES_BYTES];
extern unsigned fuzz_lines_count;

void fuzz_lines_clear(void);

#endif

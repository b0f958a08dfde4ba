/* bits.c: what stands in for libgcc on CPUs without an instruction that counts bits counts right
 * (arch/port/kernel/bits.c; R10: a kernel brings no more than the port asks for). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/rng.h"
#include <talus/port.h>

int __clzdi2(uint64_t x);
int __ctzdi2(uint64_t x);

void talus_port_panic(const char *line)
{
    fputs(line, stderr);
    abort();
}

static void check(uint64_t x)
{
    int low = 0, high = 0;
    while ((x >> low & 1) == 0)
        low++;
    while ((x >> (63 - high) & 1) == 0)
        high++;
    if (__clzdi2(x) != high || __ctzdi2(x) != low) {
        fprintf(stderr, "bits: %#llx: %d before and %d behind, not %d and %d\n",
                (unsigned long long)x, __clzdi2(x), __ctzdi2(x), high, low);
        exit(1);
    }
}

int main(void)
{
    struct rng rng = { 1 };
    for (unsigned top = 0; top < 64; top++)
        for (unsigned bottom = 0; bottom <= top; bottom++) {
            uint64_t between = (rng_next(&rng) | 1) << bottom;
            check((uint64_t)1 << top | (uint64_t)1 << bottom);
            check((between & (((uint64_t)1 << top) - 1)) | (uint64_t)1 << top);
        }
    return 0;
}

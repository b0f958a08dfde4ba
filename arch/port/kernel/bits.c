/* bits.c: what gcc calls, of libgcc, to count bits on a CPU that has no instruction for it, so that
 * a kernel needs no libgcc. Weak: where there is one, either will do. Used: the calls come up after
 * gcc has left out what nobody calls. In steps and not in loops, which a compiler could take for
 * the very thing and call it. */
#include "arch/compiler.h"

#if defined(__riscv) && !defined(__riscv_zbb)

int __clzdi2(uint64_t x);
int __ctzdi2(uint64_t x);

__attribute__((weak, used)) int __clzdi2(uint64_t x)
{
    int zeros = 0;
    if (x >> 32 == 0) {
        zeros += 32;
        x <<= 32;
    }
    if (x >> 48 == 0) {
        zeros += 16;
        x <<= 16;
    }
    if (x >> 56 == 0) {
        zeros += 8;
        x <<= 8;
    }
    if (x >> 60 == 0) {
        zeros += 4;
        x <<= 4;
    }
    if (x >> 62 == 0) {
        zeros += 2;
        x <<= 2;
    }
    return zeros + (x >> 63 == 0);
}

__attribute__((weak, used)) int __ctzdi2(uint64_t x)
{
    return 63 - __clzdi2(x & -x); /* the lowest bit alone */
}

#endif

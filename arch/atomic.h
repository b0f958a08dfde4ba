/* atomic.h: the atomic operations that talus is built from; the memory order is part of each name.
 *
 * 1 Purpose    One set of names, one header per kind of CPU behind it: mips/ (LL and SC), x86/,
 *              c11/ (every other CPU, and every build under ThreadSanitizer, or with TL_ARCH_C11),
 *              model/ (C++, simulated by relacy), explore/ (stress/explore's scheduler).
 * 2 Types      tl_atomic_word (uintptr_t), tl_atomic_u32 (uint32_t): structs with one value, so
 *              that nobody touches it with an operator. Memory filled with zeroes is a valid 0;
 *              statically: TL_ATOMIC_INIT(v).
 * 3 Operations Words, and the same with 32 in the name for tl_atomic_u32. A is
 *              tl_atomic_word *. Swap and add return the old value:
 *                uintptr_t tl_load_{relaxed,acquire}                  (const A)
 *                void      tl_store_{relaxed,release}                 (A, uintptr_t)
 *                uintptr_t tl_swap_{relaxed,acquire,release,acq_rel}  (A, uintptr_t)
 *                uintptr_t tl_add_{relaxed,acquire,release,acq_rel}   (A, uintptr_t)
 *                bool tl_cas_{relaxed,acquire,release,acq_rel}  (A, uintptr_t *expected, uintptr_t)
 *                bool tl_cas_weak_{the same orders}             (A, uintptr_t *expected, uintptr_t)
 *                bool tl_equals_relaxed                         (const A, uintptr_t)
 *                void tl_add_alone_relaxed                      (A, uintptr_t)
 *              tl_cas is strong: false means that the value differed, and *expected now holds it.
 *              tl_cas_weak may fail although it is equal (*expected holds the value here too): it
 *              is for loops that come back anyway, and spares them a loop within on CPUs with
 *              LL/SC.
 *              The failure order is relaxed for _relaxed and _release, acquire for _acquire and
 *              _acq_rel. tl_equals_relaxed is a relaxed load, compared; tl_add_alone_relaxed a
 *              relaxed load and store, for a word that nobody else writes meanwhile.
 * 4 Not here   Sequential consistency and stand-alone fences: nothing in talus needs the first, and
 *              ThreadSanitizer does not model the second. No width but word and 32 bits: 32-bit
 *              MIPS has no lock-free 8 bytes.
 * 5 Plain data What threads hand over under an atomic is declared TL_PLAIN(type) and used by tl_get
 *              and tl_put, so that the models can check each access for races. Elsewhere these are
 *              plain accesses. */
#ifndef TL_ARCH_ATOMIC_H
#define TL_ARCH_ATOMIC_H

#include "arch/compiler.h"
#include "arch/mutants.h"

#if defined(TL_ARCH_MODEL)
#include "arch/model/atomic.h"
#elif defined(TL_ARCH_EXPLORE)
#include "arch/explore/atomic.h"
#elif defined(TL_ARCH_C11) || TL_TSAN
#include "arch/c11/atomic.h"
#elif defined(__mips__) && !defined(__mips16)
#include "arch/mips/atomic.h"
#elif defined(__x86_64__) || defined(__i386__)
#include "arch/x86/atomic.h"
#else
#include "arch/c11/atomic.h"
#endif

#ifndef TL_HAVE_EQUALS
static TL_ALWAYS_INLINE bool tl_equals_relaxed(const tl_atomic_word *a, uintptr_t v)
{
    return tl_load_relaxed(a) == v;
}
#endif

#ifndef TL_HAVE_ADD_ALONE
static TL_ALWAYS_INLINE void tl_add_alone_relaxed(tl_atomic_word *a, uintptr_t v)
{
    tl_store_relaxed(a, tl_load_relaxed(a) + v);
}
#endif

/* What a plain field of at most a word holds, while its writer may be at it: some value that it
 * had. For who can do with any (core/inspect.c).
 * Such a field is written by tl_poke, whole and in one store, and else it is plain: its lock, or
 * its owner, orders those who write it, and who else reads it. tl_poke_add is for one writer at a
 * time, too: a load and a store. */
#ifndef tl_peek
#define tl_peek(field) __atomic_load_n(field, __ATOMIC_RELAXED)
#endif
#ifndef tl_poke
#define tl_poke(field, value)                          \
    (TL_MUTANT_poke_plain ? (void)(*(field) = (value)) \
                          : __atomic_store_n(field, value, __ATOMIC_RELAXED))
#endif
#ifndef tl_poke_add
#define tl_poke_add(field, n) tl_poke(field, (__typeof__(*(field)))(*(field) + (n)))
#define tl_poke_sub(field, n) tl_poke(field, (__typeof__(*(field)))(*(field) - (n)))
#endif

#ifndef TL_PLAIN
#define TL_PLAIN(type)       type
#define tl_get(field)        (*(field))
#define tl_put(field, value) (*(field) = (value))
#endif

#endif

/* model/atomic.h: the operations of arch/atomic.h as relacy simulates them: the headers of sync/,
 * compiled as C++.
 *
 * Every operation is a scheduling point and may see any value that the C11 memory model lets it
 * see; TL_PLAIN fields are checked for races. Everything is a macro, so that a trace names the line
 * of the algorithm. Atomics start at 0,
 * like memory filled with zeroes. */
#ifndef TL_ARCH_MODEL_ATOMIC_H
#define TL_ARCH_MODEL_ATOMIC_H

#include <relacy/relacy.hpp>

#define TL_ARCH_NAME "model"

/* The first value is a store like any other: relacy's own initialisation (the `true` that is not
 * asked for here) leaves in the variable's history who saw it in the schedule before, and then no
 * thread ever reads the first value once there is a second. */
struct tl_atomic_word {
    rl::generic_atomic<uintptr_t, false> value;

    tl_atomic_word()
    {
        value.store(0, rl::mo_relaxed, RL_INFO);
    }
};

struct tl_atomic_u32 {
    rl::generic_atomic<uint32_t, false> value;

    tl_atomic_u32()
    {
        value.store(0, rl::mo_relaxed, RL_INFO);
    }
};

#undef TL_ASSERT
#define TL_ASSERT(x) RL_ASSERT(x)

#define TL_PLAIN(type)   rl::var<type>
#define tl_get(field)    ((*(field))(RL_INFO).load())
#define tl_put(field, v) ((*(field))(RL_INFO).store(v))

#define tl_load_relaxed(a)     ((a)->value.load(rl::mo_relaxed, RL_INFO))
#define tl_load_acquire(a)     ((a)->value.load(rl::mo_acquire, RL_INFO))
#define tl_store_relaxed(a, v) ((a)->value.store((v), rl::mo_relaxed, RL_INFO))
#define tl_store_release(a, v) ((a)->value.store((v), rl::mo_release, RL_INFO))
#define tl_swap_relaxed(a, v)  ((a)->value.exchange((v), rl::mo_relaxed, RL_INFO))
#define tl_swap_acquire(a, v)  ((a)->value.exchange((v), rl::mo_acquire, RL_INFO))
#define tl_swap_release(a, v)  ((a)->value.exchange((v), rl::mo_release, RL_INFO))
#define tl_swap_acq_rel(a, v)  ((a)->value.exchange((v), rl::mo_acq_rel, RL_INFO))
#define tl_add_relaxed(a, v)   ((a)->value.fetch_add((v), rl::mo_relaxed, RL_INFO))
#define tl_add_acquire(a, v)   ((a)->value.fetch_add((v), rl::mo_acquire, RL_INFO))
#define tl_add_release(a, v)   ((a)->value.fetch_add((v), rl::mo_release, RL_INFO))
#define tl_add_acq_rel(a, v)   ((a)->value.fetch_add((v), rl::mo_acq_rel, RL_INFO))

/* relacy's one-order form: failure is relaxed for relaxed and release, acquire for acquire and
 * acq_rel. */
#define tl_cas_relaxed(a, e, v) \
    ((a)->value.compare_exchange_strong(*(e), (v), rl::mo_relaxed, RL_INFO))
#define tl_cas_acquire(a, e, v) \
    ((a)->value.compare_exchange_strong(*(e), (v), rl::mo_acquire, RL_INFO))
#define tl_cas_release(a, e, v) \
    ((a)->value.compare_exchange_strong(*(e), (v), rl::mo_release, RL_INFO))
#define tl_cas_acq_rel(a, e, v) \
    ((a)->value.compare_exchange_strong(*(e), (v), rl::mo_acq_rel, RL_INFO))

/* Weak: relacy lets one in four of those that could succeed fail, and in the exhaustive search each
 * atomic once. */
#define tl_cas_weak_relaxed(a, e, v) \
    ((a)->value.compare_exchange_weak(*(e), (v), rl::mo_relaxed, RL_INFO))
#define tl_cas_weak_acquire(a, e, v) \
    ((a)->value.compare_exchange_weak(*(e), (v), rl::mo_acquire, RL_INFO))
#define tl_cas_weak_release(a, e, v) \
    ((a)->value.compare_exchange_weak(*(e), (v), rl::mo_release, RL_INFO))
#define tl_cas_weak_acq_rel(a, e, v) \
    ((a)->value.compare_exchange_weak(*(e), (v), rl::mo_acq_rel, RL_INFO))

/* The types differ, the operations do not. */
#define tl_load32_relaxed     tl_load_relaxed
#define tl_load32_acquire     tl_load_acquire
#define tl_store32_relaxed    tl_store_relaxed
#define tl_store32_release    tl_store_release
#define tl_swap32_relaxed     tl_swap_relaxed
#define tl_swap32_acquire     tl_swap_acquire
#define tl_swap32_release     tl_swap_release
#define tl_swap32_acq_rel     tl_swap_acq_rel
#define tl_add32_relaxed      tl_add_relaxed
#define tl_add32_acquire      tl_add_acquire
#define tl_add32_release      tl_add_release
#define tl_add32_acq_rel      tl_add_acq_rel
#define tl_cas32_relaxed      tl_cas_relaxed
#define tl_cas32_acquire      tl_cas_acquire
#define tl_cas32_release      tl_cas_release
#define tl_cas32_acq_rel      tl_cas_acq_rel
#define tl_cas_weak32_relaxed tl_cas_weak_relaxed
#define tl_cas_weak32_acquire tl_cas_weak_acquire
#define tl_cas_weak32_release tl_cas_weak_release
#define tl_cas_weak32_acq_rel tl_cas_weak_acq_rel

#endif

/* explore/atomic.h: the operations of arch/atomic.h as stress/explore carries them out: one host
 * thread, one operation at a time, and before each a scheduler that may let another thread go on.
 *
 * 1 Order      Sequentially consistent, whatever a name says: what a relaxed order allows beyond
 *              that is for the models (arch/model).
 * 2 Plain data What is declared TL_PLAIN is told to the scheduler as well. So are the marked points
 *              (TL_PREEMPT_HOOK), which stand before plain accesses that are not.
 * 3 Weak       A weak exchange fails where the value differs, and nowhere else.
 * Everything is a macro, so that a schedule names the line of the algorithm. */
#ifndef TL_ARCH_EXPLORE_ATOMIC_H
#define TL_ARCH_EXPLORE_ATOMIC_H

#define TL_ARCH_NAME "explore"

typedef struct {
    uintptr_t value;
} tl_atomic_word;

typedef struct {
    uint32_t value;
} tl_atomic_u32;

#define TL_ATOMIC_INIT(v) \
    {                     \
        (v)               \
    }

/* The scheduler's: each may run other threads first. `where` names a line. */
TL_EXTERN_C uintptr_t tl_explore_load(const tl_atomic_word *a, const char *where);
TL_EXTERN_C uint32_t  tl_explore_load32(const tl_atomic_u32 *a, const char *where);
TL_EXTERN_C void tl_explore_access(const volatile void *address, bool writes, const char *where);
TL_EXTERN_C TL_NORETURN void tl_explore_assert_failed(const char *where, const char *text);

/* The seeded bug that is switched on, in programs that have them: a number; 0: none. */
TL_EXTERN_C int tl_explore_mutant;

#define TL_EXPLORE_TEXT_OF(x) #x
#define TL_EXPLORE_TEXT(x)    TL_EXPLORE_TEXT_OF(x)
#define TL_EXPLORE_WHERE      __FILE__ ":" TL_EXPLORE_TEXT(__LINE__)

/* The types by width, which is empty or 32. */
typedef tl_atomic_word tl_explore_box;
typedef tl_atomic_u32  tl_explore_box32;
typedef uintptr_t      tl_explore_value;
typedef uint32_t       tl_explore_value32;

#define TL_EXPLORE_OPERATIONS(width)                                                             \
    static inline void tl_explore_store##width(tl_explore_box##width  *a,                        \
                                               tl_explore_value##width v, const char *where)     \
    {                                                                                            \
        tl_explore_access(a, true, where);                                                       \
        a->value = v;                                                                            \
    }                                                                                            \
    static inline tl_explore_value##width tl_explore_swap##width(                                \
        tl_explore_box##width *a, tl_explore_value##width v, const char *where)                  \
    {                                                                                            \
        tl_explore_access(a, true, where);                                                       \
        tl_explore_value##width old = a->value;                                                  \
        a->value = v;                                                                            \
        return old;                                                                              \
    }                                                                                            \
    static inline tl_explore_value##width tl_explore_add##width(                                 \
        tl_explore_box##width *a, tl_explore_value##width v, const char *where)                  \
    {                                                                                            \
        tl_explore_access(a, true, where);                                                       \
        tl_explore_value##width old = a->value;                                                  \
        a->value = old + v;                                                                      \
        return old;                                                                              \
    }                                                                                            \
    static inline bool tl_explore_cas##width(tl_explore_box##width   *a,                         \
                                             tl_explore_value##width *expected,                  \
                                             tl_explore_value##width desired, const char *where) \
    {                                                                                            \
        tl_explore_access(a, true, where);                                                       \
        bool won = a->value == *expected;                                                        \
        *expected = a->value;                                                                    \
        if (won)                                                                                 \
            a->value = desired;                                                                  \
        return won;                                                                              \
    }

TL_EXPLORE_OPERATIONS()
TL_EXPLORE_OPERATIONS(32)
#undef TL_EXPLORE_OPERATIONS

#undef TL_ASSERT
#define TL_ASSERT(x) (TL_LIKELY(x) ? (void)0 : tl_explore_assert_failed(TL_EXPLORE_WHERE, #x))

#define TL_PLAIN(type) type
#define tl_get(field)  (*(tl_explore_access((field), false, TL_EXPLORE_WHERE), (field)))
#define tl_put(field, value) \
    (tl_explore_access((field), true, TL_EXPLORE_WHERE), *(field) = (value))

#define tl_peek(field)        tl_get(field)
#define tl_poke(field, value) ((void)tl_put(field, value))

#define tl_load_relaxed(a)     tl_explore_load((a), TL_EXPLORE_WHERE)
#define tl_load_acquire(a)     tl_explore_load((a), TL_EXPLORE_WHERE)
#define tl_store_relaxed(a, v) tl_explore_store((a), (v), TL_EXPLORE_WHERE)
#define tl_store_release(a, v) tl_explore_store((a), (v), TL_EXPLORE_WHERE)
#define tl_swap_relaxed(a, v)  tl_explore_swap((a), (v), TL_EXPLORE_WHERE)
#define tl_swap_acquire(a, v)  tl_explore_swap((a), (v), TL_EXPLORE_WHERE)
#define tl_swap_release(a, v)  tl_explore_swap((a), (v), TL_EXPLORE_WHERE)
#define tl_swap_acq_rel(a, v)  tl_explore_swap((a), (v), TL_EXPLORE_WHERE)
#define tl_add_relaxed(a, v)   tl_explore_add((a), (v), TL_EXPLORE_WHERE)
#define tl_add_acquire(a, v)   tl_explore_add((a), (v), TL_EXPLORE_WHERE)
#define tl_add_release(a, v)   tl_explore_add((a), (v), TL_EXPLORE_WHERE)
#define tl_add_acq_rel(a, v)   tl_explore_add((a), (v), TL_EXPLORE_WHERE)

#define tl_cas_relaxed(a, e, v)      tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_acquire(a, e, v)      tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_release(a, e, v)      tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_acq_rel(a, e, v)      tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak_relaxed(a, e, v) tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak_acquire(a, e, v) tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak_release(a, e, v) tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak_acq_rel(a, e, v) tl_explore_cas((a), (e), (v), TL_EXPLORE_WHERE)

#define tl_load32_relaxed(a)     tl_explore_load32((a), TL_EXPLORE_WHERE)
#define tl_load32_acquire(a)     tl_explore_load32((a), TL_EXPLORE_WHERE)
#define tl_store32_relaxed(a, v) tl_explore_store32((a), (v), TL_EXPLORE_WHERE)
#define tl_store32_release(a, v) tl_explore_store32((a), (v), TL_EXPLORE_WHERE)
#define tl_swap32_relaxed(a, v)  tl_explore_swap32((a), (v), TL_EXPLORE_WHERE)
#define tl_swap32_acquire(a, v)  tl_explore_swap32((a), (v), TL_EXPLORE_WHERE)
#define tl_swap32_release(a, v)  tl_explore_swap32((a), (v), TL_EXPLORE_WHERE)
#define tl_swap32_acq_rel(a, v)  tl_explore_swap32((a), (v), TL_EXPLORE_WHERE)
#define tl_add32_relaxed(a, v)   tl_explore_add32((a), (v), TL_EXPLORE_WHERE)
#define tl_add32_acquire(a, v)   tl_explore_add32((a), (v), TL_EXPLORE_WHERE)
#define tl_add32_release(a, v)   tl_explore_add32((a), (v), TL_EXPLORE_WHERE)
#define tl_add32_acq_rel(a, v)   tl_explore_add32((a), (v), TL_EXPLORE_WHERE)

#define tl_cas32_relaxed(a, e, v)      tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas32_acquire(a, e, v)      tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas32_release(a, e, v)      tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas32_acq_rel(a, e, v)      tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak32_relaxed(a, e, v) tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak32_acquire(a, e, v) tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak32_release(a, e, v) tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)
#define tl_cas_weak32_acq_rel(a, e, v) tl_explore_cas32((a), (e), (v), TL_EXPLORE_WHERE)

#endif

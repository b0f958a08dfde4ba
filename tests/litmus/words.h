/* words.h: litmus shapes of one or two variables: what the operations of arch/atomic.h promise.
 *
 * Each macro makes the shape for words (empty `w`) and for 32 bits. */
#ifndef TALUS_LITMUS_WORDS_H
#define TALUS_LITMUS_WORDS_H

#include "litmus/cell.h"

typedef uintptr_t litmus_value;
typedef uint32_t  litmus_value32;

/* ---- mp: message passing ----
 * The writer leaves its payload and publishes 1 in `x`; whoever takes 1 finds the payload. */

#define LITMUS_PUBLISH_store(w, order) tl_store##w##_##order(&cell->x##w, 1)
#define LITMUS_PUBLISH_swap(w, order)  ((void)tl_swap##w##_##order(&cell->x##w, 1))
#define LITMUS_PUBLISH_add(w, order)   ((void)tl_add##w##_##order(&cell->x##w, 1))
#define LITMUS_PUBLISH_cas(w, order)   ((void)tl_cas##w##_##order(&cell->x##w, &expected, 1))

/* a failure without cause leaves 0 expected */
#define LITMUS_PUBLISH_cas_weak(w, order) \
    do {                                  \
    } while (!tl_cas_weak##w##_##order(&cell->x##w, &expected, 1))

#define LITMUS_TAKE_load(w, order) tl_load##w##_##order(&cell->x##w)
#define LITMUS_TAKE_swap(w, order) tl_swap##w##_##order(&cell->x##w, 2)
#define LITMUS_TAKE_add(w, order)  tl_add##w##_##order(&cell->x##w, 2)
/* expects 1 */
#define LITMUS_TAKE_cas(w, order) \
    (expected = 1, tl_cas##w##_##order(&cell->x##w, &expected, 2) ? 1u : 0u)
#define LITMUS_TAKE_cas_weak(w, order) \
    (expected = 1, tl_cas_weak##w##_##order(&cell->x##w, &expected, 2) ? 1u : 0u)
/* expects what is never there: the exchange fails, and has read */
#define LITMUS_TAKE_failing_cas(w, order) \
    (expected = 7, (void)tl_cas##w##_##order(&cell->x##w, &expected, 8), expected)

#define LITMUS_TAKE_failing_cas_weak(w, order) \
    (expected = 7, (void)tl_cas_weak##w##_##order(&cell->x##w, &expected, 8), expected)

#define LITMUS_MP(name, w, PUBLISH, publish_order, TAKE, take_order)                    \
    static inline void mp_##name##w##_writer(struct litmus_cell *cell, uintptr_t *seen) \
    {                                                                                   \
        litmus_value##w expected = 0;                                                   \
        (void)expected;                                                                 \
        (void)seen;                                                                     \
        litmus_put_payload(cell);                                                       \
        if (litmus_broken == LITMUS_publish_relaxed)                                    \
            LITMUS_PUBLISH_##PUBLISH(w, relaxed);                                       \
        else                                                                            \
            LITMUS_PUBLISH_##PUBLISH(w, publish_order);                                 \
    }                                                                                   \
    static inline void mp_##name##w##_reader(struct litmus_cell *cell, uintptr_t *seen) \
    {                                                                                   \
        litmus_value##w expected = 0;                                                   \
        (void)expected;                                                                 \
        if (litmus_broken == LITMUS_take_relaxed)                                       \
            seen[0] = LITMUS_TAKE_##TAKE(w, relaxed);                                   \
        else                                                                            \
            seen[0] = LITMUS_TAKE_##TAKE(w, take_order);                                \
        litmus_get_payload(cell, seen);                                                 \
    }

#define LITMUS_MP_ALL(w)                                                        \
    LITMUS_MP(store, w, store, release, load, acquire)                          \
    LITMUS_MP(swap, w, swap, release, swap, acquire)                            \
    LITMUS_MP(add, w, add, release, add, acquire)                               \
    LITMUS_MP(cas, w, cas, release, cas, acquire)                               \
    LITMUS_MP(cas_failed, w, cas, release, failing_cas, acquire)                \
    LITMUS_MP(cas_weak, w, cas_weak, release, cas_weak, acquire)                \
    LITMUS_MP(cas_weak_failed, w, cas_weak, release, failing_cas_weak, acquire) \
    LITMUS_MP(swap_acq_rel, w, swap, acq_rel, swap, acq_rel)                    \
    LITMUS_MP(add_acq_rel, w, add, acq_rel, add, acq_rel)                       \
    LITMUS_MP(cas_acq_rel, w, cas, acq_rel, cas, acq_rel)
LITMUS_MP_ALL()
LITMUS_MP_ALL(32)

static inline enum litmus_verdict mp_judge(struct litmus_cell *cell, struct litmus_outcome *outcome)
{
    (void)cell;
    return litmus_forbid(litmus_is_payload_missing(outcome->seen[1]));
}

/* ---- co: coherence ----
 * All threads agree on one order of the values of one variable, without any acquire or release.
 * The twin is one of plain accesses, which the compiler may merge, repeat and move. */

#define LITMUS_WRITE(w, value)                           \
    do {                                                 \
        if (litmus_broken == LITMUS_plain_accesses)      \
            tl_put(&cell->plain, (uintptr_t)(value));    \
        else                                             \
            tl_store##w##_relaxed(&cell->x##w, (value)); \
    } while (0)
#define LITMUS_READ(w)                                             \
    (litmus_broken == LITMUS_plain_accesses ? tl_get(&cell->plain) \
                                            : tl_load##w##_relaxed(&cell->x##w))

#define LITMUS_CO(w)                                                                           \
    static inline void co_write_twice##w(struct litmus_cell *cell, uintptr_t *seen)            \
    {                                                                                          \
        (void)seen;                                                                            \
        LITMUS_WRITE(w, 1);                                                                    \
        LITMUS_WRITE(w, 2);                                                                    \
    }                                                                                          \
    static inline void co_read_twice##w(struct litmus_cell *cell, uintptr_t *seen)             \
    {                                                                                          \
        seen[0] = LITMUS_READ(w);                                                              \
        seen[1] = LITMUS_READ(w);                                                              \
    }                                                                                          \
    static inline void co_write_2##w(struct litmus_cell *cell, uintptr_t *seen)                \
    {                                                                                          \
        (void)seen;                                                                            \
        LITMUS_WRITE(w, 2);                                                                    \
    }                                                                                          \
    static inline void co_read_write##w(struct litmus_cell *cell, uintptr_t *seen)             \
    {                                                                                          \
        seen[0] = LITMUS_READ(w);                                                              \
        LITMUS_WRITE(w, 1);                                                                    \
    }                                                                                          \
    static inline void co_write_read##w(struct litmus_cell *cell, uintptr_t *seen)             \
    {                                                                                          \
        LITMUS_WRITE(w, 1);                                                                    \
        seen[0] = LITMUS_READ(w);                                                              \
    }                                                                                          \
    /* CoRR: nobody sees the older value after the newer; CoWW: the later write stays. */      \
    static inline enum litmus_verdict co_rr_judge##w(struct litmus_cell    *cell,              \
                                                     struct litmus_outcome *outcome)           \
    {                                                                                          \
        outcome->last = LITMUS_READ(w);                                                        \
        return litmus_forbid(outcome->seen[1][0] > outcome->seen[1][1] || outcome->last != 2); \
    }                                                                                          \
    /* CoRW: a read misses the own write behind it, which covers what was read. */             \
    static inline enum litmus_verdict co_rw_judge##w(struct litmus_cell    *cell,              \
                                                     struct litmus_outcome *outcome)           \
    {                                                                                          \
        uintptr_t saw = outcome->seen[0][0];                                                   \
        outcome->last = LITMUS_READ(w);                                                        \
        return litmus_forbid(saw == 1 || (saw == 2 && outcome->last == 2));                    \
    }                                                                                          \
    /* CoWR: a read after an own write sees that, or what came after it. */                    \
    static inline enum litmus_verdict co_wr_judge##w(struct litmus_cell    *cell,              \
                                                     struct litmus_outcome *outcome)           \
    {                                                                                          \
        uintptr_t saw = outcome->seen[0][0];                                                   \
        outcome->last = LITMUS_READ(w);                                                        \
        return litmus_forbid(saw == 0 || (saw == 2 && outcome->last == 1));                    \
    }
LITMUS_CO()
LITMUS_CO(32)

/* The compare in free reads its variable like any other load. */
static inline void co_equals_reader(struct litmus_cell *cell, uintptr_t *seen)
{
    if (litmus_broken == LITMUS_plain_accesses)
        seen[0] = tl_get(&cell->plain) == 2 ? 2 : 0;
    else
        seen[0] = tl_equals_relaxed(&cell->x, 2) ? 2 : 0;
    seen[1] = LITMUS_READ();
}

/* ---- rmw: read-modify-write is one step ---- */

#define LITMUS_RMW(w)                                                                         \
    static inline void rmw_add##w(struct litmus_cell *cell, uintptr_t *seen)                  \
    {                                                                                         \
        if (litmus_broken == LITMUS_split) {                                                  \
            seen[0] = tl_load##w##_relaxed(&cell->x##w);                                      \
            tl_store##w##_relaxed(&cell->x##w, (litmus_value##w)seen[0] + 1);                 \
        } else {                                                                              \
            seen[0] = tl_add##w##_relaxed(&cell->x##w, 1);                                    \
        }                                                                                     \
    }                                                                                         \
    static inline void rmw_swap##w(struct litmus_cell *cell, uintptr_t *seen, uintptr_t mine) \
    {                                                                                         \
        if (litmus_broken == LITMUS_split) {                                                  \
            seen[0] = tl_load##w##_relaxed(&cell->x##w);                                      \
            tl_store##w##_relaxed(&cell->x##w, (litmus_value##w)mine);                        \
        } else {                                                                              \
            seen[0] = tl_swap##w##_relaxed(&cell->x##w, (litmus_value##w)mine);               \
        }                                                                                     \
    }                                                                                         \
    /* Keeps what it found: 0 if it won. */                                                   \
    static inline void rmw_cas##w(struct litmus_cell *cell, uintptr_t *seen, uintptr_t mine)  \
    {                                                                                         \
        litmus_value##w found = 0;                                                            \
        bool            won;                                                                  \
        if (litmus_broken == LITMUS_split) {                                                  \
            found = tl_load##w##_relaxed(&cell->x##w);                                        \
            won = found == 0;                                                                 \
            if (won)                                                                          \
                tl_store##w##_relaxed(&cell->x##w, (litmus_value##w)mine);                    \
        } else {                                                                              \
            won = tl_cas##w##_relaxed(&cell->x##w, &found, (litmus_value##w)mine);            \
        }                                                                                     \
        seen[0] = found;                                                                      \
        seen[1] = won;                                                                        \
    }                                                                                         \
    static inline void rmw_swap##w##_1(struct litmus_cell *cell, uintptr_t *seen)             \
    {                                                                                         \
        rmw_swap##w(cell, seen, 1);                                                           \
    }                                                                                         \
    static inline void rmw_swap##w##_2(struct litmus_cell *cell, uintptr_t *seen)             \
    {                                                                                         \
        rmw_swap##w(cell, seen, 2);                                                           \
    }                                                                                         \
    static inline void rmw_cas##w##_1(struct litmus_cell *cell, uintptr_t *seen)              \
    {                                                                                         \
        rmw_cas##w(cell, seen, 1);                                                            \
    }                                                                                         \
    static inline void rmw_cas##w##_2(struct litmus_cell *cell, uintptr_t *seen)              \
    {                                                                                         \
        rmw_cas##w(cell, seen, 2);                                                            \
    }                                                                                         \
    static inline enum litmus_verdict rmw_add_judge##w(struct litmus_cell    *cell,           \
                                                       struct litmus_outcome *outcome)        \
    {                                                                                         \
        outcome->last = tl_load##w##_relaxed(&cell->x##w);                                    \
        return litmus_forbid(outcome->last != 2 ||                                            \
                             outcome->seen[0][0] + outcome->seen[1][0] != 1);                 \
    }                                                                                         \
    /* The first finds 0, the second what the first left; the second's own value stays. */    \
    static inline enum litmus_verdict rmw_swap_judge##w(struct litmus_cell    *cell,          \
                                                        struct litmus_outcome *outcome)       \
    {                                                                                         \
        uintptr_t one = outcome->seen[0][0], two = outcome->seen[1][0];                       \
        outcome->last = tl_load##w##_relaxed(&cell->x##w);                                    \
        return litmus_forbid(!(one == 0 && two == 1 && outcome->last == 2) &&                 \
                             !(two == 0 && one == 2 && outcome->last == 1));                  \
    }                                                                                         \
    /* One wins, the other finds the winner's value. */                                       \
    static inline enum litmus_verdict rmw_cas_judge##w(struct litmus_cell    *cell,           \
                                                       struct litmus_outcome *outcome)        \
    {                                                                                         \
        const uintptr_t *one = outcome->seen[0], *two = outcome->seen[1];                     \
        outcome->last = tl_load##w##_relaxed(&cell->x##w);                                    \
        return litmus_forbid(!(one[1] && !two[1] && two[0] == 1 && outcome->last == 1) &&     \
                             !(two[1] && !one[1] && one[0] == 2 && outcome->last == 2));      \
    }
LITMUS_RMW()
LITMUS_RMW(32)

#endif

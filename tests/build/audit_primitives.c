/* audit_primitives.c: every operation of arch/atomic.h and arch/cpu.h in a function of its own, for
 * audit.py to look at; never run.
 *
 * audit_<operation>_<width>_<order>: arguments in registers where the CPU has them, so that the
 * operation's own access is the only one. A compare-exchange answers twice: whether it won, and
 * what it found.
 * around_<operation>_<width>_<order>: plain accesses before and after. The one that the order holds
 * must still be there, on its side. */
#include "arch/atomic.h"
#include "arch/cpu.h"

typedef tl_atomic_word box_word;
typedef tl_atomic_u32  box_32;
typedef uintptr_t      value_word;
typedef uint32_t       value_32;

#define LOAD(width, infix, order)                                                    \
    value_##width audit_load_##width##_##order(const box_##width *a);                \
    value_##width audit_load_##width##_##order(const box_##width *a)                 \
    {                                                                                \
        return tl_load##infix##_##order(a);                                          \
    }                                                                                \
    value_##width around_load_##width##_##order(const box_##width *a, const int *p); \
    value_##width around_load_##width##_##order(const box_##width *a, const int *p)  \
    {                                                                                \
        int           before = *p;                                                   \
        value_##width found = tl_load##infix##_##order(a);                           \
        return found + (value_##width)(before + *p);                                 \
    }

#define STORE(width, infix, order)                                                \
    void audit_store_##width##_##order(box_##width *a, value_##width v);          \
    void audit_store_##width##_##order(box_##width *a, value_##width v)           \
    {                                                                             \
        tl_store##infix##_##order(a, v);                                          \
    }                                                                             \
    void around_store_##width##_##order(box_##width *a, value_##width v, int *p); \
    void around_store_##width##_##order(box_##width *a, value_##width v, int *p)  \
    {                                                                             \
        *p = 1;                                                                   \
        tl_store##infix##_##order(a, v);                                          \
        *p = 2;                                                                   \
    }

#define READ_MODIFY_WRITE(operation, width, infix, order)                                        \
    value_##width audit_##operation##_##width##_##order(box_##width *a, value_##width v);        \
    value_##width audit_##operation##_##width##_##order(box_##width *a, value_##width v)         \
    {                                                                                            \
        return tl_##operation##infix##_##order(a, v);                                            \
    }                                                                                            \
    int around_##operation##_##width##_##order(box_##width *a, value_##width v, int *p, int *q); \
    int around_##operation##_##width##_##order(box_##width *a, value_##width v, int *p, int *q)  \
    {                                                                                            \
        int before = *q;                                                                         \
        *p = 1;                                                                                  \
        int found = (int)tl_##operation##infix##_##order(a, v);                                  \
        *p = 2;                                                                                  \
        return before + *q + found;                                                              \
    }

#define CAS(operation, width, infix, order)                                            \
    bool audit_##operation##_##width##_##order(box_##width *a, value_##width expected, \
                                               value_##width v);                       \
    bool audit_##operation##_##width##_##order(box_##width *a, value_##width expected, \
                                               value_##width v)                        \
    {                                                                                  \
        return tl_##operation##infix##_##order(a, &expected, v);                       \
    }                                                                                  \
    value_##width audit_##operation##_found_##width##_##order(                         \
        box_##width *a, value_##width expected, value_##width v);                      \
    value_##width audit_##operation##_found_##width##_##order(                         \
        box_##width *a, value_##width expected, value_##width v)                       \
    {                                                                                  \
        (void)tl_##operation##infix##_##order(a, &expected, v);                        \
        return expected;                                                               \
    }

/* One width; `infix` is what its operations have in their names. */
#define READ_MODIFY_WRITES(operation, width, infix)     \
    READ_MODIFY_WRITE(operation, width, infix, relaxed) \
    READ_MODIFY_WRITE(operation, width, infix, acquire) \
    READ_MODIFY_WRITE(operation, width, infix, release) \
    READ_MODIFY_WRITE(operation, width, infix, acq_rel)

#define CASES(operation, width, infix)    \
    CAS(operation, width, infix, relaxed) \
    CAS(operation, width, infix, acquire) \
    CAS(operation, width, infix, release) \
    CAS(operation, width, infix, acq_rel)

#define ALL(width, infix)                  \
    LOAD(width, infix, relaxed)            \
    LOAD(width, infix, acquire)            \
    STORE(width, infix, relaxed)           \
    STORE(width, infix, release)           \
    READ_MODIFY_WRITES(swap, width, infix) \
    READ_MODIFY_WRITES(add, width, infix)  \
    CASES(cas, width, infix)               \
    CASES(cas_weak, width, infix)

ALL(word, )
ALL(32, 32)

bool audit_equals_word_relaxed(const tl_atomic_word *a, uintptr_t v);
bool audit_equals_word_relaxed(const tl_atomic_word *a, uintptr_t v)
{
    return tl_equals_relaxed(a, v);
}

void audit_relax(void);
void audit_relax(void)
{
    tl_cpu_relax();
}

uint64_t audit_cycles(void);
uint64_t audit_cycles(void)
{
    return tl_cpu_cycles();
}

/* conflicts.c: see conflicts.h. */
#include "explore/conflicts.h"

#include <stdio.h>
#include <stdlib.h>

enum { BITS = 16, PLACES = 1 << BITS };

/* Who touched an address: bits of threads, and of the locks that all of them held. */
struct accesses {
    uint8_t  readers, writers;
    uint32_t locks;
};

struct touched {
    uintptr_t       address; /* 0: empty */
    struct accesses noted, learnt;
};

struct ex_conflicts {
    struct touched touched[PLACES];
    size_t         addresses;
    bool           has_new;
};

struct ex_conflicts *ex_conflicts_new(void)
{
    struct ex_conflicts *conflicts = calloc(1, sizeof *conflicts);
    if (conflicts == NULL)
        abort();
    return conflicts;
}

static size_t place_of(const struct ex_conflicts *conflicts, uintptr_t address)
{
    size_t at = (address * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - BITS);
    while (conflicts->touched[at].address != address && conflicts->touched[at].address != 0)
        at = (at + 1) % PLACES;
    return at;
}

static struct touched *add(struct ex_conflicts *conflicts, uintptr_t address)
{
    struct touched *touched = &conflicts->touched[place_of(conflicts, address)];
    if (touched->address == 0) {
        if (++conflicts->addresses > PLACES / 2) {
            fputs("explore: more addresses than there is room for\n", stderr);
            abort();
        }
        touched->address = address;
        touched->noted.locks = touched->learnt.locks = UINT32_MAX;
    }
    return touched;
}

void ex_conflicts_note(struct ex_conflicts *conflicts, unsigned thread, uintptr_t address,
                       bool writes, uint32_t locks)
{
    struct accesses *noted = &add(conflicts, address)->noted;
    uint8_t         *who = writes ? &noted->writers : &noted->readers;
    if ((*who & 1u << thread) != 0 && (noted->locks & locks) == noted->locks)
        return;
    *who |= (uint8_t)(1u << thread);
    noted->locks &= locks;
    unsigned all = noted->readers | noted->writers;
    if (noted->locks == 0 && noted->writers != 0 && (all & (all - 1)) != 0)
        conflicts->has_new = true;
}

bool ex_conflicts_has(const struct ex_conflicts *conflicts, unsigned thread, uintptr_t address,
                      bool writes)
{
    const struct accesses *learnt = &conflicts->touched[place_of(conflicts, address)].learnt;
    unsigned               others = learnt->writers | (writes ? learnt->readers : 0u);
    return learnt->locks == 0 && (others & ~(1u << thread)) != 0;
}

bool ex_conflicts_learn(struct ex_conflicts *conflicts)
{
    if (!conflicts->has_new)
        return false;
    conflicts->has_new = false;
    for (size_t i = 0; i < PLACES; i++)
        conflicts->touched[i].learnt = conflicts->touched[i].noted;
    return true;
}

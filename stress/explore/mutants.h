/* mutants.h: the seeded bugs that the explorer claims. arch/mutants.h declares them all, and says
 * what each breaks. CMakeLists.txt reads the table: the program talus-explore-mutants has all of
 * them in it, each behind a switch, and for each entry there is a test that passes only if the
 * scenario finds the bug and its replay fails again.
 *
 * EX_MUTANT(NAME, SCENARIO, "how it shows")
 *
 * Not here: what is only a weaker order, since an exploration is sequentially consistent. */
#ifndef STRESS_EXPLORE_MUTANTS_H
#define STRESS_EXPLORE_MUTANTS_H

#include <stdbool.h>

#define EX_MUTANTS                                                                                 \
    EX_MUTANT(inbox_push_lost, "remote-free", "a batch is linked twice: lost at the end")          \
    EX_MUTANT(inbox_drain_split, "remote-free", "a push between load and store is lost")           \
    EX_MUTANT(remote_as_own, "remote-free", "two CPUs on one list: lost")                          \
    EX_MUTANT(cache_head_twice, "one-cpu", "a list in two places, without any preemption")         \
    EX_MUTANT(fast_unpinned, "one-cpu", "two threads of one CPU on one list: lost")                \
    EX_MUTANT(adopt_unclaimed, "adopt", "two CPUs in one idle cache: the claim's assertion")       \
    EX_MUTANT(handed_on_kept, "idle", "two CPUs in one cache: the claim's assertion")              \
    EX_MUTANT(slots_take_split, "reserve-take", "one block for two takers: overlap")               \
    EX_MUTANT(slots_put_store, "reserve-refill", "a block put over another: lost")                 \
    EX_MUTANT(interrupt_free_cached, "interrupt-free", "a handler pins itself")                    \
    EX_MUTANT(growth_early, "growth", "a run without a region is taken: a crash")                  \
    EX_MUTANT(growth_quota_kept, "rob", "pages are counted that nobody has")                       \
    EX_MUTANT(contract_in_bin, "contract", "pages that went back are in a bin")                    \
    EX_MUTANT(contract_quota_kept, "contract", "pages that went back are counted")                 \
    EX_MUTANT(extend_stale, "realloc", "a block grows into one that was taken meanwhile: a crash") \
    EX_MUTANT(claim_no_cas, "objects", "two CPUs in one magazine: an object is lost")              \
    EX_MUTANT(object_unclaimed, "objects", "two CPUs in one magazine: the claim's assertion")      \
    EX_MUTANT(align_run_lost, "interrupt-large", "a block that is not aligned")                    \
    EX_MUTANT(ticket_enter_early, "limit", "two hold one lock")                                    \
    EX_MUTANT(frees_counted_twice, "batches", "a span whose count ran ahead: misuse reported")     \
    EX_MUTANT(span_armed_late, "remote-free", "a span that is never seen empty: lost")             \
    EX_MUTANT(page_map_stale, "realloc", "a page maps to the run before")                          \
    EX_MUTANT(page_map_short, "realloc", "a page does not map to its span")                        \
    EX_MUTANT(batch_owner_asked_again, "adopt",                                                    \
              "a slot asked of a span that was adopted: a crash")                                  \
    EX_MUTANT(drain_tail_lost, "remote-free", "blocks of a batch are lost")                        \
    EX_MUTANT(adopted_span_listed, "adopt", "a span on two lists: overlap")                        \
    EX_MUTANT(pool_left_early, "limit", "two in the pool: its books")                              \
    EX_MUTANT(realloc_freed_first, "realloc", "contents are lost")

/* Switches on the seeded bug in this process. False: there is none of that name in the program. */
bool ex_mutant_switch_on(const char *name);

#endif

/* mutants.h: the seeded bugs that the stress suites claim, one entry each. arch/mutants.h declares
 * them all, and says what each breaks. stress/CMakeLists.txt reads the table: each entry becomes a
 * test of the whole core with the bug switched on, which passes only if the suite fails within the
 * time.
 *
 * ST_MUTANT(name, where, suite, seconds, "how it shows")
 *   where    hosted: in builds without a sanitizer; tsan: in the ThreadSanitizer build, which alone
 *            can see it on this CPU
 *   suite    which must catch it
 *   seconds  most time that it may take; TALUS_MUTANT_SECONDS may shorten it
 *
 * Left to the models (tests/model): claim_no_cas and claim_leave_relaxed, since the core takes
 * every claim of a cache, and leaves it, under a lock that hides them; once_early, since a process
 * initialises once. Left to a unit test, too: lock_no_wake, since the timer signals wake most of
 * whom it forgot. */
#ifndef STRESS_MUTANTS_H
#define STRESS_MUTANTS_H

#define ST_MUTANTS                                                                                \
    ST_MUTANT(inbox_push_lost, hosted, remote, 60,                                                \
              "a batch linked twice: overlap, damage, or lost at the end")                        \
    ST_MUTANT(inbox_drain_split, hosted, remote, 60,                                              \
              "a push between load and store is forgotten: lost at the end")                      \
    ST_MUTANT(cache_head_twice, hosted, fastpath, 60,                                             \
              "a list in two places: overlap, or seen by the heap itself")                        \
    ST_MUTANT(remote_as_own, hosted, remote, 60, "two threads on one list: overlap")              \
    ST_MUTANT(frees_counted_twice, hosted, fastpath, 60,                                          \
              "a span ends with blocks out: seen by the heap itself")                             \
    ST_MUTANT(drain_tail_lost, hosted, remote, 60, "batches forgotten: lost at the end")          \
    ST_MUTANT(avail_link_kept, hosted, mixed, 60, "a list runs astray: seen by the heap itself")  \
    ST_MUTANT(adopted_span_listed, hosted, churn, 60, "two caches with one span: a crash")        \
    ST_MUTANT(pool_left_early, hosted, options, 60, "two threads in the page pool: damage")       \
    ST_MUTANT(kept_put_twice, hosted, mixed, 60, "one run handed out twice: overlap")             \
    ST_MUTANT(adopt_unclaimed, hosted, churn, 60,                                                 \
              "two threads in one idle cache: overlap or damage")                                 \
    ST_MUTANT(lock_no_wait, hosted, mixed, 60, "two threads in the page pool: overlap or damage") \
    ST_MUTANT(extend_stale, hosted, realloc, 60, "two blocks over the same pages: overlap")       \
    ST_MUTANT(contract_in_bin, hosted, large, 60, "a block in pages that have left: overlap")     \
    ST_MUTANT(heap_id_reused, hosted, heaps, 60, "two threads in one cache: overlap or crash")    \
    ST_MUTANT(limit_dropped, hosted, options, 60, "growth beyond a limit that was set")           \
    ST_MUTANT(dump_one_buffer, hosted, walk, 60, "lines of two dumps in one")                     \
    ST_MUTANT(exit_keeps_cache, hosted, cancel, 60, "two threads in one cache: overlap")          \
    ST_MUTANT(fork_pool_held, hosted, fork, 60, "a child waits for a lock for ever")              \
    ST_MUTANT(fork_pool_unwaited, hosted, fork, 60, "a child's page pool miscounts, or crashes")  \
    ST_MUTANT(growth_quota_kept, hosted, oom, 60, "the heap counts pages that it does not have")  \
    ST_MUTANT(idle_kept, hosted, flow, 60, "memory stays after the load ended")                   \
    ST_MUTANT(slots_take_split, hosted, reserve, 60, "one block for two takers: overlap")         \
    ST_MUTANT(slots_put_store, hosted, reserve, 60, "a block put over another: lost at the end")  \
    ST_MUTANT(interrupt_free_cached, hosted, reserve, 60,                                         \
              "a list changed under its owner: overlap")                                          \
    ST_MUTANT(inbox_push_relaxed, tsan, remote, 60, "blocks sent without order: a data race")     \
    ST_MUTANT(inbox_drain_relaxed, tsan, remote, 60, "blocks taken without order: a data race")   \
    ST_MUTANT(claim_drop_relaxed, tsan, churn, 60,                                                \
              "an idle cache let go without order: a data race")                                  \
    ST_MUTANT(poke_plain, tsan, walk, 60, "a dump reads what is being written: a data race")

#endif

/* mutants.h: the seeded bugs. Each is 0 unless the build says -DTL_MUTANT_<name>=1 (cmake
 * -DTALUS_MUTANT=<name>); a mutant that no test catches is a hole in the tests. C says `if
 * (TL_MUTANT_x)`, so that mutants are compiled in every build; assembly says #if.
 * A build may hold them all (TALUS_MUTANT=any): any_mutant.h.
 * Which layer claims which mutant: docs/testing.md. */
#ifndef TL_ARCH_MUTANTS_H
#define TL_ARCH_MUTANTS_H

#ifdef TL_MUTANT_ANY
#include TL_MUTANT_ANY
#endif

/* arch/mips/atomic.h: what orders by acquire has no sync behind its SC. */
#ifndef TL_MUTANT_mips_sync_dropped
#define TL_MUTANT_mips_sync_dropped 0
#endif

/* arch/mips/atomic.h: a store between LL and SC. */
#ifndef TL_MUTANT_mips_store_inside
#define TL_MUTANT_mips_store_inside 0
#endif

/* arch/mips/atomic.h: whoever's SC failed does not go back to the LL. */
#ifndef TL_MUTANT_mips_no_retry
#define TL_MUTANT_mips_no_retry 0
#endif

/* sync/mpsc.h: after a failed exchange the batch keeps the link to the old head. */
#ifndef TL_MUTANT_inbox_push_lost
#define TL_MUTANT_inbox_push_lost 0
#endif

/* sync/mpsc.h: the push publishes with a relaxed exchange. */
#ifndef TL_MUTANT_inbox_push_relaxed
#define TL_MUTANT_inbox_push_relaxed 0
#endif

/* sync/mpsc.h: the drain loads the head and then stores 0, instead of one exchange. */
#ifndef TL_MUTANT_inbox_drain_split
#define TL_MUTANT_inbox_drain_split 0
#endif

/* sync/mpsc.h: the drain takes the list with a relaxed exchange. */
#ifndef TL_MUTANT_inbox_drain_relaxed
#define TL_MUTANT_inbox_drain_relaxed 0
#endif

/* sync/claim.h: a claim loads IDLE and then stores CLAIMED, instead of one compare-exchange. */
#ifndef TL_MUTANT_claim_no_cas
#define TL_MUTANT_claim_no_cas 0
#endif

/* sync/claim.h: a claim takes with a relaxed exchange. */
#ifndef TL_MUTANT_claim_try_relaxed
#define TL_MUTANT_claim_try_relaxed 0
#endif

/* sync/claim.h: an owner leaves with a relaxed store. */
#ifndef TL_MUTANT_claim_leave_relaxed
#define TL_MUTANT_claim_leave_relaxed 0
#endif

/* sync/claim.h: a claimer lets go with a relaxed store. */
#ifndef TL_MUTANT_claim_drop_relaxed
#define TL_MUTANT_claim_drop_relaxed 0
#endif

/* sync/slots.h: a take loads the slot and then stores 0, instead of one exchange. */
#ifndef TL_MUTANT_slots_take_split
#define TL_MUTANT_slots_take_split 0
#endif

/* sync/slots.h: a take gets the pointer with a relaxed exchange. */
#ifndef TL_MUTANT_slots_take_relaxed
#define TL_MUTANT_slots_take_relaxed 0
#endif

/* sync/slots.h: a put, of a refill or a handler, stores over the slot that it saw empty, without a
 * compare-exchange. */
#ifndef TL_MUTANT_slots_put_store
#define TL_MUTANT_slots_put_store 0
#endif

/* sync/slots.h: a put publishes with a relaxed compare-exchange. */
#ifndef TL_MUTANT_slots_put_relaxed
#define TL_MUTANT_slots_put_relaxed 0
#endif

/* sync/wants.h: who asks looks and then says so, in two steps. */
#ifndef TL_MUTANT_wanted_ask_split
#define TL_MUTANT_wanted_ask_split 0
#endif

/* sync/wants.h: an answer begins with a relaxed exchange. */
#ifndef TL_MUTANT_wanted_begin_relaxed
#define TL_MUTANT_wanted_begin_relaxed 0
#endif

/* sync/wants.h: a request is raised by a store, and cuts off what others raised before. */
#ifndef TL_MUTANT_wants_now_store
#define TL_MUTANT_wants_now_store 0
#endif

/* sync/wants.h: what was raised is taken with a relaxed exchange. */
#ifndef TL_MUTANT_wants_take_relaxed
#define TL_MUTANT_wants_take_relaxed 0
#endif

/* core/reserve.c: a free from an interrupt goes through the cache, like a thread's. */
#ifndef TL_MUTANT_interrupt_free_cached
#define TL_MUTANT_interrupt_free_cached 0
#endif

/* core/api.c: a kernel's malloc and free unpin before they use the cache of their CPU. */
#ifndef TL_MUTANT_fast_unpinned
#define TL_MUTANT_fast_unpinned 0
#endif

/* core/growth.c: a new block's pages are there to be taken before their descriptor is written. */
#ifndef TL_MUTANT_growth_early
#define TL_MUTANT_growth_early 0
#endif

/* core/adopt.c: blocks and spans are taken out of idle caches whether claimed by somebody or
 * not. */
#ifndef TL_MUTANT_adopt_unclaimed
#define TL_MUTANT_adopt_unclaimed 0
#endif

/* core/shrink.c: a CPU that idles keeps its cache, and with it what is free in its spans. */
#ifndef TL_MUTANT_idle_cpu_keeps
#define TL_MUTANT_idle_cpu_keeps 0
#endif

/* core/kernel/percpu.c: a CPU that handed its cache on goes on using it. */
#ifndef TL_MUTANT_handed_on_kept
#define TL_MUTANT_handed_on_kept 0
#endif

/* core/adopt.c: what idle caches hold never goes back, unless somebody asks for a trim. */
#ifndef TL_MUTANT_idle_kept
#define TL_MUTANT_idle_kept 0
#endif

/* core/object.c: objects are taken out of a magazine whether somebody is in it or not. */
#ifndef TL_MUTANT_object_unclaimed
#define TL_MUTANT_object_unclaimed 0
#endif

/* core/meta.c: the dump follows pointers wherever they lead. */
#ifndef TL_MUTANT_dump_unchecked
#define TL_MUTANT_dump_unchecked 0
#endif

/* core/growth.c: the quota of a growth that the provider refused is not given back. */
#ifndef TL_MUTANT_growth_quota_kept
#define TL_MUTANT_growth_quota_kept 0
#endif

/* core/contract.c: a region that is given back still counts as mapped. */
#ifndef TL_MUTANT_contract_quota_kept
#define TL_MUTANT_contract_quota_kept 0
#endif

/* core/contract.c: a region is given back while a run of it is in a bin. */
#ifndef TL_MUTANT_contract_in_bin
#define TL_MUTANT_contract_in_bin 0
#endif

/* core/pool.c: a block grows into pages of a region that is to drain. */
#ifndef TL_MUTANT_drain_extended
#define TL_MUTANT_drain_extended 0
#endif

/* core/pool.c: a block that grows looks for room before it has the lock, and not again. */
#ifndef TL_MUTANT_extend_stale
#define TL_MUTANT_extend_stale 0
#endif

/* core/heap.c: a heap has the number of the one that was where it is. */
#ifndef TL_MUTANT_heap_id_reused
#define TL_MUTANT_heap_id_reused 0
#endif

/* core/pool.c: a limit that is set while the heap grows is forgotten. */
#ifndef TL_MUTANT_limit_dropped
#define TL_MUTANT_limit_dropped 0
#endif

/* core/hosted/thread.c: a thread that ends goes on to use the caches that it left. */
#ifndef TL_MUTANT_exit_keeps_cache
#define TL_MUTANT_exit_keeps_cache 0
#endif

/* core/pool.c: the child of a fork finds the locks of page pools that hold any held. */
#ifndef TL_MUTANT_fork_pool_held
#define TL_MUTANT_fork_pool_held 0
#endif

/* core/pool.c: a fork does not wait for who changes a page pool. */
#ifndef TL_MUTANT_fork_pool_unwaited
#define TL_MUTANT_fork_pool_unwaited 0
#endif

/* core/inspect.c: all dumps make their lines in the same place. */
#ifndef TL_MUTANT_dump_one_buffer
#define TL_MUTANT_dump_one_buffer 0
#endif

/* arch/atomic.h: what the dump peeks at is written as any other memory. */
#ifndef TL_MUTANT_poke_plain
#define TL_MUTANT_poke_plain 0
#endif

/* core: a refill leaves the list in the span too, so that two caches hand out the same blocks. */
#ifndef TL_MUTANT_cache_head_twice
#define TL_MUTANT_cache_head_twice 0
#endif

/* core: the owner check is wrong now and then: a foreign block goes on the span's own list. */
#ifndef TL_MUTANT_remote_as_own
#define TL_MUTANT_remote_as_own 0
#endif

/* core/cache_span.c: the blocks of a span begin half a grain late. */
#ifndef TL_MUTANT_align_carve_late
#define TL_MUTANT_align_carve_late 0
#endif

/* core/pool.c: a run is aligned to a page, whatever was asked for. */
#ifndef TL_MUTANT_align_run_lost
#define TL_MUTANT_align_run_lost 0
#endif

/* core/meta.c: every other structure begins in the middle of a line. */
#ifndef TL_MUTANT_align_meta_half
#define TL_MUTANT_align_meta_half 0
#endif

/* core/hosted/options.c: a size that does not fit into a word is taken for what is left of it. */
#ifndef TL_MUTANT_options_overflow
#define TL_MUTANT_options_overflow 0
#endif

/* core/cache_span.c: what a span was given back since its last slow exit is counted twice. */
#ifndef TL_MUTANT_frees_counted_twice
#define TL_MUTANT_frees_counted_twice 0
#endif

/* core/cache_span.c: the free that empties a span is no slow exit. */
#ifndef TL_MUTANT_span_armed_late
#define TL_MUTANT_span_armed_late 0
#endif

/* core/cache_span.c: the span behind one that leaves the list still names it as the one before. */
#ifndef TL_MUTANT_avail_link_kept
#define TL_MUTANT_avail_link_kept 0
#endif

/* core/cache_span.c: a span that ends leaves its pages in the page map. */
#ifndef TL_MUTANT_page_map_stale
#define TL_MUTANT_page_map_stale 0
#endif

/* core/cache_span.c: a new span's last page is not entered into the page map. */
#ifndef TL_MUTANT_page_map_short
#define TL_MUTANT_page_map_short 0
#endif

/* core/remote.c: a full chain is sent by what its last block's span says of its owner by then. */
#ifndef TL_MUTANT_batch_owner_asked_again
#define TL_MUTANT_batch_owner_asked_again 0
#endif

/* core/cache.c: whoever drains takes the newest batch and forgets those behind it. */
#ifndef TL_MUTANT_drain_tail_lost
#define TL_MUTANT_drain_tail_lost 0
#endif

/* core/adopt.c: a span that is adopted stays on the list of the cache it came from. */
#ifndef TL_MUTANT_adopted_span_listed
#define TL_MUTANT_adopted_span_listed 0
#endif

/* core/pool.c: the pool's lock is left before the run that comes back is in a bin. */
#ifndef TL_MUTANT_pool_left_early
#define TL_MUTANT_pool_left_early 0
#endif

/* core/pool.c: what is put back counts as clean, so that calloc does not clear it. */
#ifndef TL_MUTANT_dirt_forgotten
#define TL_MUTANT_dirt_forgotten 0
#endif

/* core/pool.c: a block grows in place though the free pages behind it do not suffice. */
#ifndef TL_MUTANT_extend_into_neighbour
#define TL_MUTANT_extend_into_neighbour 0
#endif

/* core/large.c: the large block that a cache keeps goes back to the pool and stays kept. */
#ifndef TL_MUTANT_kept_put_twice
#define TL_MUTANT_kept_put_twice 0
#endif

/* core/realloc.c: the old block is freed before it is copied. */
#ifndef TL_MUTANT_realloc_freed_first
#define TL_MUTANT_realloc_freed_first 0
#endif

/* core/contract.c: a region goes back to its owner before the CPUs that may look at it have left.
 * */
#ifndef TL_MUTANT_contract_unsynchronized
#define TL_MUTANT_contract_unsynchronized 0
#endif

/* core/reserve.c: a reserve ends while a slow exit refills it. */
#ifndef TL_MUTANT_reserve_end_unwaited
#define TL_MUTANT_reserve_end_unwaited 0
#endif

/* core/heap.c: a heap ends while the purge thread is at work on it. */
#ifndef TL_MUTANT_heap_end_unwaited
#define TL_MUTANT_heap_end_unwaited 0
#endif

/* core/hosted/fork.c: the child of a fork finds a heap's lock held. */
#ifndef TL_MUTANT_fork_lock_held
#define TL_MUTANT_fork_lock_held 0
#endif

/* core/heap.c: the child of a fork believes that the purge thread is still at work on a heap. */
#ifndef TL_MUTANT_fork_visit_kept
#define TL_MUTANT_fork_visit_kept 0
#endif

/* sync/once.h: the first caller publishes "done" before it has initialised. */
#ifndef TL_MUTANT_once_early
#define TL_MUTANT_once_early 0
#endif

/* sync/once.h: "done" is published with a relaxed exchange. */
#ifndef TL_MUTANT_once_done_relaxed
#define TL_MUTANT_once_done_relaxed 0
#endif

/* sync/once.h: "done" is read with a relaxed load. */
#ifndef TL_MUTANT_once_look_relaxed
#define TL_MUTANT_once_look_relaxed 0
#endif

/* sync/ticket.c: the holder serves the next ticket with a relaxed store. */
#ifndef TL_MUTANT_ticket_release_relaxed
#define TL_MUTANT_ticket_release_relaxed 0
#endif

/* sync/ticket.c: whoever waits reads the ticket that is served with a relaxed load. */
#ifndef TL_MUTANT_ticket_acquire_relaxed
#define TL_MUTANT_ticket_acquire_relaxed 0
#endif

/* sync/ticket.c: the port is told that the lock is left while it is still held. */
#ifndef TL_MUTANT_ticket_leave_early
#define TL_MUTANT_ticket_leave_early 0
#endif

/* sync/ticket.c: a ticket below the one drawn is enough to enter. */
#ifndef TL_MUTANT_ticket_enter_early
#define TL_MUTANT_ticket_enter_early 0
#endif

/* sync/lock.c: a contended acquire enters without waiting. */
#ifndef TL_MUTANT_lock_no_wait
#define TL_MUTANT_lock_no_wait 0
#endif

/* sync/lock.h: a try takes a weak exchange's failure for an answer. */
#ifndef TL_MUTANT_lock_try_weak
#define TL_MUTANT_lock_try_weak 0
#endif

/* sync/lock.h: a release never wakes a waiter. */
#ifndef TL_MUTANT_lock_no_wake
#define TL_MUTANT_lock_no_wake 0
#endif

/* sync/lock.h: a free lock is taken with a relaxed exchange. */
#ifndef TL_MUTANT_lock_acquire_relaxed
#define TL_MUTANT_lock_acquire_relaxed 0
#endif

/* sync/lock.h: the lock is let go with a relaxed exchange. */
#ifndef TL_MUTANT_lock_release_relaxed
#define TL_MUTANT_lock_release_relaxed 0
#endif

/* sync/event.h: a signal moves the sequence on with a relaxed exchange. */
#ifndef TL_MUTANT_event_signal_relaxed
#define TL_MUTANT_event_signal_relaxed 0
#endif

/* sync/event.h: the ticket is read with a relaxed load. */
#ifndef TL_MUTANT_event_prepare_relaxed
#define TL_MUTANT_event_prepare_relaxed 0
#endif

/* sync/seqcount.h: a word is written with a relaxed store. */
#ifndef TL_MUTANT_seqcount_put_relaxed
#define TL_MUTANT_seqcount_put_relaxed 0
#endif

/* sync/seqcount.h: a word is read with a relaxed load. */
#ifndef TL_MUTANT_seqcount_get_relaxed
#define TL_MUTANT_seqcount_get_relaxed 0
#endif

/* sync/seqcount.h: a write ends with a relaxed store. */
#ifndef TL_MUTANT_seqcount_end_relaxed
#define TL_MUTANT_seqcount_end_relaxed 0
#endif

#endif

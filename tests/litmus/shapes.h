/* shapes.h: the table of litmus shapes, with the twins that each must lose to and the layers that
 * claim to see them. docs/memory-ordering.md says where the heap relies on each. */
#ifndef TALUS_LITMUS_SHAPES_H
#define TALUS_LITMUS_SHAPES_H

#include "litmus/chains.h"
#include "litmus/handover.h"
#include "litmus/words.h"

/* A payload that comes too late: x86 moves no store or load over another of its kind, so no run on
 * it shows this. */
#define LITMUS_LATE (LITMUS_MODEL | LITMUS_RACE)
/* The same for atomics alone: nothing is plain, so there is no race to report. */
#define LITMUS_LATE_ATOMIC LITMUS_MODEL
/* A step that another thread gets into. */
#define LITMUS_TORN (LITMUS_RUN | LITMUS_MODEL)

#define LITMUS_MP_ROW(label, name)                                  \
    {                                                               \
        "mp." label, 2, { name##_writer, name##_reader }, mp_judge, \
        {                                                           \
            { LITMUS_publish_relaxed, LITMUS_LATE },                \
            {                                                       \
                LITMUS_take_relaxed, LITMUS_LATE                    \
            }                                                       \
        }                                                           \
    }
#define LITMUS_CO_ROW(label, first, second, judge) \
    {                                              \
        "co." label, 2, { first, second }, judge,  \
        {                                          \
            {                                      \
                LITMUS_plain_accesses, LITMUS_LATE \
            }                                      \
        }                                          \
    }
#define LITMUS_RMW_ROW(label, first, second, judge) \
    {                                               \
        "rmw." label, 2, { first, second }, judge,  \
        {                                           \
            {                                       \
                LITMUS_split, LITMUS_TORN           \
            }                                       \
        }                                           \
    }

static const struct litmus_shape litmus_shapes[] = {
    LITMUS_MP_ROW("store", mp_store),
    LITMUS_MP_ROW("store32", mp_store32),
    LITMUS_MP_ROW("swap", mp_swap),
    LITMUS_MP_ROW("swap32", mp_swap32),
    LITMUS_MP_ROW("add", mp_add),
    LITMUS_MP_ROW("add32", mp_add32),
    LITMUS_MP_ROW("cas", mp_cas),
    LITMUS_MP_ROW("cas32", mp_cas32),
    LITMUS_MP_ROW("cas_failed", mp_cas_failed),
    LITMUS_MP_ROW("cas_failed32", mp_cas_failed32),
    LITMUS_MP_ROW("cas_weak", mp_cas_weak),
    LITMUS_MP_ROW("cas_weak32", mp_cas_weak32),
    LITMUS_MP_ROW("cas_weak_failed", mp_cas_weak_failed),
    LITMUS_MP_ROW("cas_weak_failed32", mp_cas_weak_failed32),
    LITMUS_MP_ROW("swap_acq_rel", mp_swap_acq_rel),
    LITMUS_MP_ROW("swap_acq_rel32", mp_swap_acq_rel32),
    LITMUS_MP_ROW("add_acq_rel", mp_add_acq_rel),
    LITMUS_MP_ROW("add_acq_rel32", mp_add_acq_rel32),
    LITMUS_MP_ROW("cas_acq_rel", mp_cas_acq_rel),
    LITMUS_MP_ROW("cas_acq_rel32", mp_cas_acq_rel32),

    LITMUS_CO_ROW("rr_ww", co_write_twice, co_read_twice, co_rr_judge),
    LITMUS_CO_ROW("rr_ww32", co_write_twice32, co_read_twice32, co_rr_judge32),
    LITMUS_CO_ROW("equals", co_write_twice, co_equals_reader, co_rr_judge),
    LITMUS_CO_ROW("rw", co_read_write, co_write_2, co_rw_judge),
    LITMUS_CO_ROW("rw32", co_read_write32, co_write_232, co_rw_judge32),
    LITMUS_CO_ROW("wr", co_write_read, co_write_2, co_wr_judge),
    LITMUS_CO_ROW("wr32", co_write_read32, co_write_232, co_wr_judge32),

    LITMUS_RMW_ROW("add", rmw_add, rmw_add, rmw_add_judge),
    LITMUS_RMW_ROW("add32", rmw_add32, rmw_add32, rmw_add_judge32),
    LITMUS_RMW_ROW("swap", rmw_swap_1, rmw_swap_2, rmw_swap_judge),
    LITMUS_RMW_ROW("swap32", rmw_swap32_1, rmw_swap32_2, rmw_swap_judge32),
    LITMUS_RMW_ROW("cas", rmw_cas_1, rmw_cas_2, rmw_cas_judge),
    LITMUS_RMW_ROW("cas32", rmw_cas32_1, rmw_cas32_2, rmw_cas_judge32),

    { "chain.release_sequence",
      3,
      { chain_publish, chain_mark, chain_take },
      chain_judge,
      { { LITMUS_publish_relaxed, LITMUS_LATE },
        { LITMUS_take_relaxed, LITMUS_LATE },
        /* ThreadSanitizer takes a relaxed store for a part of the sequence */
        { LITMUS_stored_over, LITMUS_MODEL } } },
    { "chain.passed_on",
      3,
      { chain_first, chain_second, chain_third },
      chain_judge,
      { { LITMUS_publish_relaxed, LITMUS_LATE }, { LITMUS_take_relaxed, LITMUS_LATE } } },
    { "chain.told",
      3,
      { chain_write, chain_read_and_tell, chain_hear_and_read },
      chain_told_judge,
      { { LITMUS_publish_relaxed, LITMUS_LATE_ATOMIC },
        { LITMUS_take_relaxed, LITMUS_LATE_ATOMIC } } },
    { "chain.writes",
      2,
      { chain_write_2, chain_overwrite },
      chain_writes_judge,
      { { LITMUS_publish_relaxed, LITMUS_LATE }, { LITMUS_take_relaxed, LITMUS_LATE } } },
    { "chain.reads",
      2,
      { chain_read_2, chain_overwrite },
      chain_reads_judge,
      { { LITMUS_publish_relaxed, LITMUS_LATE }, { LITMUS_take_relaxed, LITMUS_LATE } } },

    { "chain.asked",
      2,
      { chain_write_and_ask, chain_answer_and_look },
      chain_asked_judge,
      { { LITMUS_split, LITMUS_DELAY | LITMUS_MODEL } } },
    { "chain.raised",
      3,
      { chain_raise_for_y, chain_raise_for_data, chain_take_down },
      chain_raised_judge,
      { { LITMUS_stored_over, LITMUS_MODEL } } },

    { "weak.store_buffering",
      2,
      { weak_x_then_y, weak_y_then_x },
      weak_sb_judge,
      { { LITMUS_sound, 0 } } },
    { "weak.load_buffering",
      2,
      { weak_read_x_write_y, weak_read_y_write_x },
      weak_lb_judge,
      { { LITMUS_sound, 0 } } },
    { "weak.independent_reads",
      4,
      { weak_write_x, weak_write_y, weak_read_x_y, weak_read_y_x },
      weak_iriw_judge,
      { { LITMUS_sound, 0 } } },

    { "sync.inbox",
      3,
      { inbox_push_0, inbox_push_1, inbox_drain },
      inbox_judge,
      { { LITMUS_inbox_push_relaxed, LITMUS_LATE }, { LITMUS_inbox_drain_relaxed, LITMUS_LATE } } },
    { "sync.inbox_pair",
      2,
      { inbox_push_0, inbox_push_and_drain },
      inbox_pair_judge,
      { { LITMUS_inbox_push_lost, LITMUS_TORN }, { LITMUS_inbox_drain_split, LITMUS_TORN } } },
    { "sync.inbox_passed_on",
      3,
      { inbox_push_0, inbox_pass_on, inbox_drain_next },
      inbox_passed_judge,
      { { LITMUS_inbox_push_relaxed, LITMUS_LATE }, { LITMUS_inbox_drain_relaxed, LITMUS_LATE } } },
    { "sync.claim",
      2,
      { claim_take_and_leave, claim_take_and_drop },
      claim_judge,
      { { LITMUS_claim_no_cas, LITMUS_TORN },
        { LITMUS_claim_try_relaxed, LITMUS_LATE },
        { LITMUS_claim_leave_relaxed, LITMUS_LATE },
        { LITMUS_claim_drop_relaxed, LITMUS_LATE } } },
    { "sync.lock",
      2,
      { lock_count, lock_count },
      lock_judge,
      { { LITMUS_unlocked, LITMUS_TORN | LITMUS_RACE },
        { LITMUS_lock_acquire_relaxed, LITMUS_LATE },
        { LITMUS_lock_release_relaxed, LITMUS_LATE } } },
    { "sync.purger",
      2,
      { purger_sleep, purger_leave_dirt },
      purger_judge,
      { { LITMUS_unlocked, LITMUS_DELAY | LITMUS_MODEL } } },
    { "sync.once",
      3,
      { once_begin, once_begin, once_look },
      once_judge,
      { { LITMUS_once_early, LITMUS_LATE },
        { LITMUS_once_done_relaxed, LITMUS_LATE },
        { LITMUS_once_look_relaxed, LITMUS_LATE } } },
    { "sync.slots",
      2,
      { slots_put_and_take, slots_take },
      slots_judge,
      { { LITMUS_slots_put_relaxed, LITMUS_LATE },
        { LITMUS_slots_take_relaxed, LITMUS_LATE },
        { LITMUS_slots_take_split, LITMUS_TORN } } },
    { "sync.event",
      3,
      { event_signal, event_look, event_wait },
      event_judge,
      { { LITMUS_event_signal_relaxed, LITMUS_LATE },
        { LITMUS_event_prepare_relaxed, LITMUS_LATE } } },
    { "sync.seqcount",
      2,
      { seqcount_write, seqcount_read },
      seqcount_judge,
      { { LITMUS_no_second_look, LITMUS_TORN },
        { LITMUS_seqcount_put_relaxed, LITMUS_LATE_ATOMIC },
        { LITMUS_seqcount_get_relaxed, LITMUS_LATE_ATOMIC },
        { LITMUS_seqcount_end_relaxed, LITMUS_LATE_ATOMIC } } },
};

enum { LITMUS_SHAPES = sizeof(litmus_shapes) / sizeof(litmus_shapes[0]) };

static inline const char *litmus_twin_name(enum litmus_twin twin)
{
#define LITMUS_NAME(name, text) #name,
    static const char *const names[] = { "sound", LITMUS_TWINS(LITMUS_NAME) };
#undef LITMUS_NAME
    return names[twin];
}

#endif

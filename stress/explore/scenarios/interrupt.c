/* interrupt.c: handlers in the midst of everything: reserves, and frees from interrupts. */
#include "explore/scenarios/list.h"

static talus_reserve *reserve;

static void begin_one_cpu(void)
{
    ex_heap_begin_span(1, 12);
}

/* ---- interrupt-free ---- */

static void take_and_free(void)
{
    ex_alloc(8, EX_SIZE);
    ex_free(2);
    ex_alloc(9, EX_SIZE);
    ex_free(8);
}

static void handle_free_0(void)
{
    ex_free_from_interrupt(0);
    ex_free_from_interrupt(8);
}

static void handle_free_1(void)
{
    ex_free_from_interrupt(1);
    ex_free_from_interrupt(3);
}

const struct ex_scenario ex_interrupt_free = {
    "interrupt-free",
    "nested handlers free their CPU's own blocks",
    { begin_one_cpu,
      { EX_THREAD("thread", take_and_free, 0), EX_INTERRUPT("interrupt", handle_free_0, 0),
        EX_INTERRUPT("nested", handle_free_1, 0) },
      ex_heap_check },
};

/* ---- interrupt-large: blocks without an owner ---- */

static void begin_large(void)
{
    begin_one_cpu();
    ex_alloc_pages(4, 2);
    ex_alloc_pages(5, 2);
}

static void take_and_free_large(void)
{
    ex_alloc(8, EX_SIZE);
    ex_free(0);
    ex_alloc_pages(9, 2);
    ex_free(8);
}

static void handle_large_4(void)
{
    ex_free_from_interrupt(4);
    ex_free_from_interrupt(8);
}

static void handle_large_5(void)
{
    ex_free_from_interrupt(5);
    ex_free_from_interrupt(9);
}

const struct ex_scenario ex_interrupt_large = {
    "interrupt-large",
    "handlers of two CPUs free large blocks, which slow exits take in",
    { begin_large,
      { EX_THREAD("thread", take_and_free_large, 0), EX_INTERRUPT("interrupt", handle_large_4, 0),
        EX_INTERRUPT("elsewhere", handle_large_5, 1) },
      ex_heap_check },
};

/* ---- reserve-take, reserve-refill ---- */

static void begin_reserve(void)
{
    begin_one_cpu();
    reserve = talus_reserve_create(talus_heap_default(), EX_SIZE, 0, 2, 1, NULL, NULL);
    if (reserve == NULL)
        ex_fail("no reserve");
}

static void check_reserve(void)
{
    talus_reserve_stats_t stats;
    for (unsigned slot = 0; slot < EX_SLOTS; slot++)
        ex_free(slot);
    talus_reserve_stats(reserve, &stats);
    if (stats.available > 2)
        ex_fail("reserve: %zu blocks are in 2 slots", stats.available);
    if (!talus_reserve_destroy(reserve))
        ex_fail("reserve: it cannot be destroyed");
    ex_heap_check();
}

static void handle_take(void)
{
    if (ex_take(reserve, 10))
        ex_put(reserve, 10);
}

static void handle_take_and_free(void)
{
    if (ex_take(reserve, 11))
        ex_free_from_interrupt(11);
}

static void handle_take_nested(void)
{
    (void)ex_take(reserve, 12);
    ex_free_from_interrupt(1);
}

static void work(void)
{
    ex_free(0);
    ex_alloc(8, EX_SIZE);
    ex_alloc(9, EX_SIZE);
}

const struct ex_scenario ex_reserve_take = {
    "reserve-take",
    "handlers of two CPUs and a nested one take and put; slow exits refill",
    { begin_reserve,
      { EX_THREAD("thread", work, 0), EX_INTERRUPT("interrupt", handle_take, 0),
        EX_INTERRUPT("nested", handle_take_nested, 0),
        EX_INTERRUPT("elsewhere", handle_take_and_free, 1) },
      check_reserve },
};

static void refill(void)
{
    (void)talus_reserve_refill(reserve);
    ex_free(0);
    ex_alloc(8, EX_SIZE);
}

static void prepare_and_put(void)
{
    (void)talus_reserve_prepare(reserve, 2);
    if (ex_take(reserve, 13))
        ex_put(reserve, 13);
}

const struct ex_scenario ex_reserve_refill = {
    "reserve-refill",
    "two CPUs refill while handlers of both take and put",
    { begin_reserve,
      { EX_THREAD("refiller", refill, 0), EX_THREAD("preparer", prepare_and_put, 1),
        EX_INTERRUPT("interrupt", handle_take, 0),
        EX_INTERRUPT("elsewhere", handle_take_and_free, 1) },
      check_reserve },
};

/* pages.c: runs of pages, and the blocks of the provider and of the owner. */
#include "explore/scenarios/list.h"

#include "core/limits.h"

/* ---- growth ---- */

static void begin_growth(void)
{
    ex_heap_begin(4, true, (talus_heap_options){ .growth = 8 * TL_PAGE_SIZE });
    ex_alloc(0, EX_SIZE);
}

static void take_pages_a(void)
{
    ex_alloc_pages(8, 4);
    ex_alloc(9, EX_SIZE);
}

static void take_pages_b(void)
{
    ex_alloc_pages(10, 4);
    ex_free(10);
}

const struct ex_scenario ex_growth = {
    "growth",
    "two CPUs need more pages than there are; the provider gives some",
    { begin_growth,
      { EX_THREAD("first", take_pages_a, 0), EX_THREAD("second", take_pages_b, 1) },
      ex_heap_check },
};

/* ---- contract ---- */

static void begin_contract(void)
{
    begin_growth();
    ex_alloc_pages(1, 6);
    ex_free(1);
}

static void contract(void)
{
    (void)talus_heap_contract(talus_heap_default(), 0);
}

static void contract_and_take(void)
{
    contract();
    ex_alloc(12, EX_SIZE);
}

const struct ex_scenario ex_contract = {
    "contract",
    "a provider's block goes back while two CPUs want its pages",
    { begin_contract,
      { EX_THREAD("owner", contract_and_take, 2), EX_THREAD("first", take_pages_a, 0),
        EX_THREAD("second", take_pages_b, 1) },
      ex_heap_check },
};

/* ---- expand, drain: the owner's blocks ---- */

static void on_removed(void *context, talus_heap *heap, void *block, size_t bytes)
{
    (void)context;
    (void)heap;
    ex_memory_is_back(block, bytes);
}

static void give(size_t pages)
{
    void *block = ex_memory(pages << TL_PAGE_SHIFT);
    if (block == NULL || !talus_heap_expand(talus_heap_default(), block, pages << TL_PAGE_SHIFT))
        ex_fail("expand: the heap does not take a block");
}

static void begin_owned(void)
{
    ex_heap_begin(6, false, (talus_heap_options){ .on_removed = on_removed });
    ex_alloc(0, EX_SIZE);
}

static void give_four_and_take(void)
{
    give(4);
    ex_alloc_pages(10, 2);
}

static void take_pages_c(void)
{
    ex_alloc_pages(11, 4);
    ex_free(11);
}

const struct ex_scenario ex_expand = {
    "expand",
    "the owner gives pages, others take and free them, and a third contracts",
    { begin_owned,
      { EX_THREAD("owner", give_four_and_take, 0), EX_THREAD("taker", take_pages_c, 1),
        EX_THREAD("contractor", contract, 2) },
      ex_heap_check },
};

static char *drained;

static void begin_drain(void)
{
    begin_owned();
    drained = ex_memory(6 << TL_PAGE_SHIFT);
    if (!talus_heap_expand(talus_heap_default(), drained, 6 << TL_PAGE_SHIFT))
        ex_fail("expand: the heap does not take a block");
    ex_alloc_pages(1, 4);
    ex_alloc_pages(2, 4);
}

static void drain(void)
{
    if (!talus_heap_drain(talus_heap_default(), drained, true))
        ex_fail("drain: the heap does not take the mark");
    ex_alloc(12, EX_SIZE);
}

static void free_large(void)
{
    ex_free(1);
    ex_free(2);
}

static void take_large(void)
{
    ex_alloc_pages(9, 2);
    ex_free(9);
}

const struct ex_scenario ex_drain = {
    "drain",
    "a block is to be left while its pages are freed and taken",
    { begin_drain,
      { EX_THREAD("owner", drain, 0), EX_THREAD("freer", free_large, 1),
        EX_THREAD("taker", take_large, 2) },
      ex_heap_check },
};

/* ---- large: neighbours are cut and merged ---- */

static void begin_large(void)
{
    ex_heap_begin(12, false, (talus_heap_options){ 0 });
    for (unsigned slot = 0; slot < 3; slot++)
        ex_alloc_pages(slot, 2);
}

static void free_and_take_a(void)
{
    ex_free(0);
    ex_alloc_pages(8, 4);
}

static void free_and_take_b(void)
{
    ex_free(1);
    ex_alloc(9, EX_SIZE);
    ex_free(9);
}

static void free_and_take_c(void)
{
    ex_free(2);
    ex_alloc_pages(10, 2);
}

const struct ex_scenario ex_large = {
    "large",
    "three neighbours are freed at once, and cut again",
    { begin_large,
      { EX_THREAD("first", free_and_take_a, 0), EX_THREAD("second", free_and_take_b, 1),
        EX_THREAD("third", free_and_take_c, 2) },
      ex_heap_check },
};

/* ---- realloc: in place, into a neighbour that is being freed ---- */

enum { LARGE = TL_CLASS_MAX + 1 };

static void begin_realloc(void)
{
    ex_heap_begin(160, false, (talus_heap_options){ 0 });
    ex_alloc(0, LARGE);
    ex_alloc_pages(1, 4);
    ex_alloc(2, EX_SIZE);
}

static void grow(void)
{
    ex_realloc(0, LARGE + 3 * TL_PAGE_SIZE);
    ex_free(0);
}

static void free_neighbour(void)
{
    ex_free(1);
    ex_alloc_pages(8, 2);
}

static void move_small(void)
{
    ex_realloc(2, 4 * EX_SIZE);
    ex_realloc(0, LARGE);
}

const struct ex_scenario ex_realloc_in_place = {
    "realloc",
    "blocks grow and shrink in place while their neighbours are freed and taken",
    { begin_realloc,
      { EX_THREAD("grower", grow, 0), EX_THREAD("freer", free_neighbour, 1),
        EX_THREAD("mover", move_small, 2) },
      ex_heap_check },
};

/* ---- limit ---- */

static void begin_limit(void)
{
    ex_heap_begin(4, true, (talus_heap_options){ .growth = TL_PAGE_SIZE });
    talus_heap_stats_t stats;
    talus_heap_stats(talus_heap_default(), &stats);
    talus_heap_set_limit(talus_heap_default(), stats.mapped + 4 * TL_PAGE_SIZE);
    ex_alloc_pages(0, 4);
}

static void take_to_limit_a(void)
{
    ex_alloc_pages(8, 4);
    ex_alloc(10, EX_SIZE);
}

static void take_to_limit_b(void)
{
    ex_alloc_pages(9, 4);
    ex_free(9);
}

static void free_at_limit(void)
{
    ex_free(0);
    ex_alloc(11, EX_SIZE);
}

static void check_limit(void)
{
    talus_heap_stats_t stats;
    talus_heap_stats(talus_heap_default(), &stats);
    if (stats.mapped_peak > stats.limit)
        ex_fail("limit: %zu bytes were mapped, %zu are allowed", stats.mapped_peak, stats.limit);
    ex_heap_check();
}

const struct ex_scenario ex_limit = {
    "limit",
    "two CPUs reach the limit while a third frees",
    { begin_limit,
      { EX_THREAD("first", take_to_limit_a, 0), EX_THREAD("second", take_to_limit_b, 1),
        EX_THREAD("freer", free_at_limit, 2) },
      check_limit },
};

/* sizeclass.c: the class table, computed once. See sizeclass.h. */
#include "core/sizeclass.h"

#if TL_SMALL

/* Each as a constant: spans begin with one page, or one block. */
#define STEP(n) ((TL_GRAIN << (n) / TL_CLASS_STEPS) / 2)
#define SIZE(n)                                          \
    ((n) < TL_CLASS_STEPS ? ((n) + (size_t)1) * TL_GRAIN \
                          : (TL_CLASS_STEPS + (n) % TL_CLASS_STEPS + 1) * STEP(n))
#define PAGES(n) ((SIZE(n) + TL_PAGE_SIZE - 1) / TL_PAGE_SIZE)
#define CLASS(n)                                                                 \
    {                                                                            \
        .block_size = SIZE(n), .span_pages = PAGES(n),                           \
        .carve_blocks = SIZE(n) < TL_CARVE_BYTES ? TL_CARVE_BYTES / SIZE(n) : 1, \
    }

const struct tl_class tl_classes[TL_CLASS_COUNT] = {
    CLASS(0), CLASS(1), CLASS(2), CLASS(3), CLASS(4), CLASS(5), CLASS(6), CLASS(7),
#if TALUS_ALIGN_MIN == 8
    CLASS(8), CLASS(9),
#endif
};
TL_STATIC_ASSERT(TL_CLASS_COUNT == (TALUS_ALIGN_MIN == 8 ? 10 : 8), "one for each class");

#else

struct tl_class tl_classes[TL_CLASS_COUNT_MAX];
uint8_t         tl_small_class[TL_SMALL_MAX + 1];

#define PAGE_SIZE ((uint32_t)TL_PAGE_SIZE)

/* The least bytes a span should have to hold blocks of `size`. */
static uint32_t span_bytes_wanted(uint32_t size)
{
    if (size <= TL_SMALL_MAX)
        return size * TL_SPAN_BLOCKS_MIN;
    if (size <= TL_SPAN_BYTES_USUAL / 8)
        return TL_SPAN_BYTES_USUAL;
    return size;
}

/* The fewest pages that satisfy span_bytes_wanted and leave at most 1/8 of the span unused. */
static uint32_t span_pages_for(uint32_t size)
{
    uint32_t bytes = (span_bytes_wanted(size) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    while (bytes % size > bytes / 8)
        bytes += PAGE_SIZE;
    return bytes / PAGE_SIZE;
}

/* As many pieces of `size` as `bytes` are, `most` at most, and one at least. */
static TL_COLD uint32_t pieces(uint32_t bytes, uint32_t size, uint32_t most)
{
    uint32_t count = bytes / size;
    return count == 0 ? 1 : count < most ? count : most;
}

void tl_class_table_init(void)
{
    uint32_t size = 0, step = TL_GRAIN, small = 0;
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        size += step;
        uint32_t pages = span_pages_for(size);
        struct tl_class *class = &tl_classes[class_id];
        class->block_size = size;
        class->span_pages = pages;
        class->carve_blocks = (tl_blocks)pieces(TL_CARVE_BYTES, size, TL_CARVE_BLOCKS_MAX);
        class->foreign_max = (uint8_t)pieces(TL_FOREIGN_BYTES, size, TL_FOREIGN_BLOCKS_MAX);
        if (size >= TL_LINE_SIZE)
            class->credit = (uint8_t)pieces(TL_CREDIT_BYTES, size, TL_FOREIGN_BLOCKS_MAX);
        for (; small <= size && small <= TL_SMALL_MAX; small++)
            tl_small_class[small] = (uint8_t)class_id;
        if (size == 16 * step) /* eight steps to each doubling */
            step *= 2;
    }
}

#endif

/* sizeclass.c: the class table, computed once. See sizeclass.h. */
#include "core/sizeclass.h"

#if TL_SMALL

/* Each as a constant: spans begin with one page, or one block. */
#define STEP(n) ((TL_GRAIN << (n) / TL_CLASS_STEPS) / 2)
#define SIZE(n)                                          \
    ((n) < TL_CLASS_STEPS ? ((n) + (size_t)1) * TL_GRAIN \
                          : (TL_CLASS_STEPS + (n) % TL_CLASS_STEPS + 1) * STEP(n))
#define PAGES(n)  ((SIZE(n) + TL_PAGE_SIZE - 1) / TL_PAGE_SIZE)
#define BLOCKS(n) (PAGES(n) * TL_PAGE_SIZE / SIZE(n))
#define CLASS(n)                                                                 \
    {                                                                            \
        .block_size = SIZE(n), .span_pages = PAGES(n),                           \
        .carve_blocks = SIZE(n) < TL_CARVE_BYTES ? TL_CARVE_BYTES / SIZE(n) : 1, \
        .relist_frees = BLOCKS(n) < 16 ? 1 : BLOCKS(n) / 8                       \
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

static size_t size_of_class(unsigned class_id)
{
    if (class_id < 8)
        return (class_id + 1) * TL_GRAIN;
    unsigned doubling = (class_id - 8) / 8;
    size_t   step = TL_GRAIN << doubling;
    return (8 * TL_GRAIN << doubling) + ((class_id - 8) % 8 + 1) * step;
}

/* The least bytes a span should have to hold blocks of `size`. */
static size_t span_bytes_wanted(size_t size)
{
    if (size <= TL_SMALL_MAX)
        return size * TL_SPAN_BLOCKS_MIN;
    if (size <= TL_SPAN_BYTES_USUAL / 8)
        return TL_SPAN_BYTES_USUAL;
    return size;
}

/* The fewest pages that satisfy span_bytes_wanted and leave at most 1/8 of the span unused. */
static size_t span_pages_for(size_t size)
{
    size_t pages = (span_bytes_wanted(size) + TL_PAGE_SIZE - 1) / TL_PAGE_SIZE;
    while (pages * TL_PAGE_SIZE % size > pages * TL_PAGE_SIZE / 8)
        pages++;
    return pages;
}

static size_t clamp(size_t value, size_t low, size_t high)
{
    return value < low ? low : value > high ? high : value;
}

void tl_class_table_init(void)
{
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        size_t size = size_of_class(class_id);
        size_t pages = span_pages_for(size);
        size_t blocks = pages * TL_PAGE_SIZE / size;
        tl_classes[class_id] = (struct tl_class){
            .block_size = (uint32_t)size,
            .span_pages = (uint16_t)pages,
            .carve_blocks =
                (uint16_t)clamp(clamp(TL_CARVE_BYTES / size, 1, TL_CARVE_BLOCKS_MAX), 1, blocks),
            .foreign_max = (uint8_t)clamp(TL_FOREIGN_BYTES / size, 1, TL_FOREIGN_BLOCKS_MAX),
            .credit = size < TL_LINE_SIZE
                          ? 0
                          : (uint8_t)clamp(TL_CREDIT_BYTES / size, 1, TL_FOREIGN_BLOCKS_MAX),
            .relist_frees = (uint16_t)clamp(blocks / 8, 1, 32),
        };
    }
    for (size_t size = 0; size <= TL_SMALL_MAX; size++)
        tl_small_class[size] = (uint8_t)tl_class_of_size(size + (size == 0));
}

#endif

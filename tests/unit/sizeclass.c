/* sizeclass.c: the class table (core/sizeclass.h): fit, order, padding, alignment. */
#include "core/sizeclass.h"

#include "lib/test.h"

static int make_table(void **state)
{
    (void)state;
    tl_class_table_init();
    return 0;
}

/* R24: every size has the smallest class that holds it. */
static void every_size_has_the_smallest_class_that_holds_it(void **state)
{
    (void)state;
    for (size_t size = 1; size <= TL_CLASS_MAX; size += size < 20000 ? 1 : 97) {
        unsigned class_id = tl_class_of_size(size);

        assert_true(class_id < TL_CLASS_COUNT);
        assert_true(tl_class_size(class_id) >= size);
        if (class_id > 0)
            assert_true(tl_class_size(class_id - 1) < size);
    }
    assert_int_equal(tl_class_of_size(TL_CLASS_MAX), TL_CLASS_COUNT - 1);
    assert_int_equal(tl_class_size(TL_CLASS_COUNT - 1), TL_CLASS_MAX);
}

/* R24: the table for small sizes and the formula are one function. */
static void the_table_agrees_with_the_formula(void **state)
{
    (void)state;
    for (size_t size = 1; size <= TL_SMALL_MAX; size++)
        assert_int_equal(tl_small_class[size], tl_class_of_size(size));
    assert_int_equal(tl_small_class[0], tl_class_of_size(1));
}

/* R22: every class keeps the least alignment; sizes rise. */
static void classes_rise_and_are_aligned(void **state)
{
    (void)state;
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        assert_int_equal(tl_class_size(class_id) % TALUS_ALIGN_MIN, 0);
        if (class_id > 0)
            assert_true(tl_class_size(class_id) > tl_class_size(class_id - 1));
    }
}

/* R8: a request above eight grains is padded by less than an eighth of its block. */
static void padding_is_less_than_an_eighth(void **state)
{
    (void)state;
    for (size_t size = 8 * TL_GRAIN + 1; size <= TL_CLASS_MAX; size += size < 20000 ? 1 : 89) {
        size_t block = tl_class_size(tl_class_of_size(size));

        assert_true((block - size) * 8 < block);
    }
}

/* R8: a span wastes at most an eighth at its end, and its counts fit its shape. */
static void spans_waste_at_most_an_eighth(void **state)
{
    (void)state;
    for (unsigned class_id = 0; class_id < TL_CLASS_COUNT; class_id++) {
        const struct tl_class *class = &tl_classes[class_id];
        size_t bytes = class->span_pages * TL_PAGE_SIZE;
        size_t blocks = bytes / class->block_size;

        assert_true(blocks >= 1);
        assert_true(blocks <= TL_SPAN_BLOCKS_MAX);
        assert_true((bytes - blocks * class->block_size) * 8 <= bytes);
        assert_in_range(class->carve_blocks, 1, blocks);
        assert_in_range(class->foreign_max, 1, TL_FOREIGN_BLOCKS_MAX);
        /* a thread that reused another's block below a cache line would share the line */
        assert_int_equal(class->credit == 0, class->block_size < TL_LINE_SIZE);
        assert_in_range(class->credit, 0, TL_FOREIGN_BLOCKS_MAX);
        if (class->block_size <= TL_SMALL_MAX)
            assert_true(blocks >= TL_SPAN_BLOCKS_MIN);
    }
}

/* R20: the class for an alignment holds the size, and all its blocks are aligned: a span starts at
 * a page. */
static void aligned_classes_are_multiples(void **state)
{
    (void)state;
    for (size_t align = TL_GRAIN; align <= TL_PAGE_SIZE; align *= 2)
        for (size_t size = 1; size <= TL_CLASS_MAX; size += size / 5 + 1) {
            unsigned class_id = tl_class_of_size(tl_size_aligned(size, align));

            assert_true(tl_class_size(class_id) >= size);
            assert_int_equal(tl_class_size(class_id) % align, 0);
            for (unsigned less = tl_class_of_size(size); less < class_id; less++)
                assert_true(tl_class_size(less) % align != 0 || tl_class_size(less) < size);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_has_the_smallest_class_that_holds_it),
        cmocka_unit_test(the_table_agrees_with_the_formula),
        cmocka_unit_test(classes_rise_and_are_aligned),
        cmocka_unit_test(padding_is_less_than_an_eighth),
        cmocka_unit_test(spans_waste_at_most_an_eighth),
        cmocka_unit_test(aligned_classes_are_multiples),
    };

    return cmocka_run_group_tests(tests, make_table, NULL);
}

/* fragments.c: enough is free, but not in one piece, and the heap can say why: the textbook's 80
 * units, 16 and 32 of them in use, the 16 freed, 40 asked for with 48 free (R6). A unit is a page
 * of the small heap. */
#include <stdio.h>
#include <stdlib.h>

#include <talus/port.h>

#define PAGES(n) ((size_t)(n)*TALUS_PAGE_SIZE)

#define REQUIRE(condition)                                                  \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

void talus_port_panic(const char *line)
{
    fprintf(stderr, "panic: %s\n", line);
    abort();
}

int main(void)
{
    static char               first[4096];
    static _Alignas(512) char region[80 * 512];
    talus_heap_stats_t        stats;
    REQUIRE(sizeof region == PAGES(80));
    REQUIRE(talus_kernel_start(&(talus_kernel_options){
        .block = first, .bytes = sizeof first, .window = (size_t)1 << 17 }));
    talus_heap *heap = talus_heap_create(NULL);
    REQUIRE(heap != NULL);
    REQUIRE(talus_heap_expand(heap, region, sizeof region));
    void *sixteen = talus_heap_alloc(heap, PAGES(16), 0, NULL);
    void *thirty_two = talus_heap_alloc(heap, PAGES(32), 0, NULL);
    REQUIRE(sixteen != NULL && thirty_two != NULL);
    talus_heap_free(heap, sixteen);
    REQUIRE(talus_heap_alloc(heap, PAGES(40), 0, NULL) == NULL);
    talus_heap_stats(heap, &stats);
    printf("40 pages refused: %zu pages free, the longest run %zu\n",
           stats.free_pages / TALUS_PAGE_SIZE, stats.largest_free_run / TALUS_PAGE_SIZE);
    REQUIRE(stats.free_pages == PAGES(48));
    REQUIRE(stats.largest_free_run == PAGES(32));
    void *rest = talus_heap_alloc(heap, PAGES(32), 0, NULL); /* what the figure promises */
    REQUIRE(rest != NULL);
    talus_heap_free(heap, rest);
    talus_heap_free(heap, thirty_two);
    REQUIRE(talus_heap_alloc(heap, PAGES(80), 0, NULL) == region); /* all of it, once more */
    REQUIRE(talus_heap_destroy(heap));
    return 0;
}

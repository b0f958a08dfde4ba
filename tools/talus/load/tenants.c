/* tenants.c: many groups of blocks, each filled bit by bit and freed as a whole.
 * 1 Purpose     What servers do with a heap or arena per request, session or table, on plain
 *               malloc.
 *               The groups' blocks lie among each other, so that a page is empty only when several
 *               groups are gone.
 * 2 States      A group grows, a few blocks at a time, to a size drawn when it began; then all its
 *               blocks are freed in the order of allocation and it begins anew. */
#include "tools/talus/load/load.h"
#include "tools/talus/load/rss.h"

#define BLOCKS_MIN 64u /* of a group when it is freed */
#define BLOCKS_MAX 1024u
#define VISIT_MAX  16u /* blocks that a group gets in a row */

static uint32_t sizes[TL_SIZES_COUNT]; /* the one thread */

struct group {
    uint32_t count, until;
    void    *blocks[BLOCKS_MAX];
};

static uint32_t draw_until(struct tl_rng *rng)
{
    return BLOCKS_MIN + tl_rng_below(rng, BLOCKS_MAX - BLOCKS_MIN + 1);
}

static void group_free(struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++)
        tl_load_give(group->blocks[i]);
    group->count = 0;
}

/* n groups. */
void tl_run_tenants(const struct tl_load *load, struct tl_load_result *result)
{
    struct group *groups = tl_load_map(load->n * sizeof *groups);
    uint64_t      ops = tl_load_ops(load), done = 0;
    struct tl_rng rng = { load->seed };
    tl_load_sizes(sizes, load);
    for (uint32_t i = 0; i < load->n; i++)
        groups[i].until = draw_until(&rng);
    tl_rss_begin();
    uint64_t start = tl_load_now();
    while (done < ops) {
        struct group *group = &groups[tl_rng_below(&rng, load->n)];
        uint32_t      stop = group->count + 1 + tl_rng_below(&rng, VISIT_MAX);
        stop = stop < group->until ? stop : group->until;
        done += stop - group->count;
        while (group->count < stop)
            group->blocks[group->count++] = tl_load_take(sizes[tl_rng_next(&rng) % TL_SIZES_COUNT]);
        if (group->count == group->until) {
            group_free(group);
            group->until = draw_until(&rng);
            tl_rss_look();
        }
    }
    for (uint32_t i = 0; i < load->n; i++)
        group_free(&groups[i]);
    result->ns = tl_load_now() - start;
    result->ops = done;
    tl_load_unmap(groups, load->n * sizeof *groups);
}

/* block.h: a block that the suite holds, and the only ways in which suites touch the heap. Theory:
 * block.c. */
#ifndef STRESS_LIB_BLOCK_H
#define STRESS_LIB_BLOCK_H

#include "stress/lib/worker.h"

/* From this size on a block carries its own description, and may be passed on as a bare pointer. */
#define ST_BLOCK_PASSABLE ((size_t)16)

/* Held by one worker at a time. p == NULL: no block. */
struct st_block {
    unsigned char *p;
    size_t         size;
    uint32_t       owner; /* who allocated it, as the oracle knows him */
};

/* Constant while workers run: part of every block's contents. */
extern uint64_t st_block_seed;

/* Allocate; the block is claimed in the oracle and filled. False: refused (only where
 * worker->may_fail; else the run fails). */
bool st_block_alloc(struct st_worker *worker, struct st_block *block, size_t size);
bool st_block_zalloc(struct st_worker *worker, struct st_block *block,
                     size_t size); /* checks that it is zero */
bool st_block_aligned(struct st_worker *worker, struct st_block *block, size_t align, size_t size);

/* Resizes, checks that the contents came along. False: refused, and the block is as it was. */
bool st_block_resize(struct st_worker *worker, struct st_block *block, size_t size);

/* Checks the contents, gives the granules back to nobody, frees. block->p is NULL then. NULL is
 * ignored. */
void st_block_free(struct st_worker *worker, struct st_block *block);

/* For blocks that other calls than the target's give and take: claims and fills the `size` bytes at
 * `p`; checks a block and makes it nobody's, returns its address. Any context. */
void  st_block_own(const struct st_worker *worker, struct st_block *block, void *p, size_t size);
void *st_block_disown(struct st_block *block);

/* The block at `p`, of ST_BLOCK_PASSABLE bytes or more, which another worker handed over. */
struct st_block st_block_received(void *p);

/* Checks the contents of a block that is held. */
void st_block_check(const struct st_block *block);

#endif

/* meta.c: bump allocation of the heap's own structures. See meta.h. */
#include "core/meta.h"
#include "arch/port.h"

#define META_CHUNK ((size_t)256 * 1024)

struct tl_lock tl_meta_lock = TL_LOCK_INIT;

static char  *chunk; /* tl_meta_lock, as all below */
static size_t chunk_left;
static size_t handed_out;

void *tl_meta_new(size_t bytes)
{
    bytes = (bytes + TL_LINE_SIZE - 1) & ~(size_t)(TL_LINE_SIZE - 1);
    if (TL_MUTANT_align_meta_half)
        bytes += TL_LINE_SIZE / 2;
    void *memory = NULL;
    tl_lock_acquire(&tl_meta_lock);
    if (bytes > META_CHUNK / 4) {
        memory = tl_port_map(bytes, TL_LINE_SIZE);
    } else {
        if (bytes > chunk_left) {
            char *fresh = (char *)tl_port_map(META_CHUNK, TL_LINE_SIZE);
            if (fresh != NULL) {
                chunk = fresh; /* the rest of the old chunk, under a quarter, stays unused */
                chunk_left = META_CHUNK;
            }
        }
        if (bytes <= chunk_left) {
            memory = chunk;
            chunk += bytes;
            chunk_left -= bytes;
        }
    }
    if (memory != NULL)
        handed_out += bytes;
    tl_lock_release(&tl_meta_lock);
    return memory;
}

size_t tl_meta_bytes(void)
{
    tl_lock_acquire(&tl_meta_lock);
    size_t bytes = handed_out;
    tl_lock_release(&tl_meta_lock);
    return bytes;
}

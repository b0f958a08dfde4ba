/* shadow.h: the oracle's memory where there is no process. */
#ifndef STRESS_KERNEL_SHADOW_H
#define STRESS_KERNEL_SHADOW_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <talus/talus.h>

/* Words of a shadow over `bytes`. */
#define ST_SHADOW_WORDS(bytes) ((bytes) / TALUS_ALIGN_MIN)

/* All blocks of the heap under test lie in [start, start + bytes); `shadow` has a word for each of
 * its granules, all 0. Before any worker starts. */
void st_shadow_place(const void *start, size_t bytes, _Atomic uint32_t *shadow);

#endif

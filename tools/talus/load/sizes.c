/* sizes.c: tables of sizes; see load.h. Apart from common.c, so that programs which must be small
 * can do without libm. */
#include "tools/talus/load/load.h"

#include <math.h>

void tl_load_sizes(uint32_t *sizes, const struct tl_load *load)
{
    struct tl_rng rng = { load->seed * 2 + 1 };
    double        power = load->few_large ? -0.5 : 0;
    double        low = power != 0 ? pow(load->size_min, power) : log((double)load->size_min);
    double        high = power != 0 ? pow(load->size_max, power) : log((double)load->size_max + 1);
    for (unsigned i = 0; i < TL_SIZES_COUNT; i++) {
        double   at = low + (high - low) * (tl_rng_next(&rng) / 4294967296.0);
        uint32_t size = (uint32_t)(power != 0 ? pow(at, 1 / power) : exp(at));
        size = size < load->size_min ? load->size_min : size;
        sizes[i] = size > load->size_max ? load->size_max : size;
    }
}

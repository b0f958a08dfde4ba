/* main.c: an image that looks for the worst call of each of the heap's functions, in instructions
 * (R51): a heap over one fixed region, with its options for real time; tools/real-time compares
 * with what is promised. */
#include <talus/port.h>

#include "arch/port/bare/console.h"
#include "arch/port/bare/machine.h"
#include "arch/port/bare/options.h"
#include "tests/bare/realtime/count.h"
#include "tests/bare/realtime/states.h"

enum { PAGES_MAX = 3072 };

static TL_ALIGNED(TALUS_PAGE_SIZE) char region[PAGES_MAX * TALUS_PAGE_SIZE];

void bare_main(void)
{
    static const char *const keys[] = { "cpus", "icount", "pages", "rounds", "seed", "bounded" };
    bare_options_check(keys, sizeof keys / sizeof keys[0]);
    uint32_t             pages = bare_option_number("pages", PAGES_MAX);
    talus_kernel_options options = {
        .block = region,
        .bytes = (pages < PAGES_MAX ? pages : PAGES_MAX) * TALUS_PAGE_SIZE,
        .cpus = CPUS,
        .window = sizeof region * 2,
        .heap = { .real_time = bare_option_number("bounded", 1) != 0 },
    };
    if (!talus_kernel_start(&options))
        bare_panic("the heap did not start");
    count_start();
    states_made();
    states_drawn(bare_option_number("rounds", 50), bare_option_number("seed", 1));
    calls_of_many();
    count_print();
    machine_exit(BARE_PASSED);
}

/* init.c: the process's first call of talus, from wherever it comes: a constructor, or a malloc
 * before any constructor ran. */
#include "arch/port.h"
#include "core/heap.h"
#include "core/hosted/options.h"
#include "core/pagemap.h"
#include "core/purger.h"
#include "core/stats.h"
#include "core/thread.h"
#include "sync/once.h"

#define OPTION_TEXT_BYTES_MAX 1024 /* where the environment must be read before it is there */

static struct tl_once    once = TL_ONCE_INIT;
static struct tl_once    exit_once = TL_ONCE_INIT;
static struct tl_options options; /* written once, before `once` is done */

static bool initialise(void)
{
    tl_class_table_init();
    if (!tl_page_map_init())
        return false;
    char text[OPTION_TEXT_BYTES_MAX];
    tl_options_read(tl_port_option_text(text, sizeof text), &options);
    tl_misuse_set_policy(options.misuse);
    size_t limit = options.limit;
    if (limit != 0 && limit < TL_PAGE_SIZE) {
        tl_report_line("TALUS_OPTIONS: limit is less than a page of %z bytes; using one page",
                       TL_PAGE_SIZE);
        limit = TL_PAGE_SIZE;
    }
    tl_heap_init(
        &tl_default_heap,
        &(talus_heap_options){
            .name = "default",
            .provider = talus_provider_mmap(),
            .limit = limit,
            .growth = options.growth,
            .decay_ms = options.decay_ms < UINT32_MAX ? (uint32_t)options.decay_ms : UINT32_MAX,
            .keep_pages = options.keep_pages,
        });
    return true;
}

bool tl_init(void)
{
    if (TL_LIKELY(tl_once_is_done(&once)))
        return true;
    if (!tl_once_begin(&once))
        return true;
    if (!initialise()) {
        tl_report_line("no address space for the page map; every allocation fails. Raise the limit "
                       "(ulimit -v)");
        tl_once_undo(&once);
        return false;
    }
    tl_once_done(&once);
    return true;
}

/* Before main, so that the page map is in place before there are threads; and where asking for a
 * call at exit, or for a thread, is safe. */
__attribute__((constructor)) static void start(void)
{
    /* As early as can be: handlers of the program that are older than these run while the heap is
     * held for the fork. */
    tl_thread_fork_handlers();
    if (!tl_init() || !tl_once_begin(&exit_once))
        return;
    if (options.stats_file[0] != '\0')
        tl_stats_at_exit(options.stats_file);
    else if (options.stats)
        tl_stats_at_exit(NULL);
    if (options.purge_thread)
        tl_purger_start();
    tl_once_done(&exit_once);
}

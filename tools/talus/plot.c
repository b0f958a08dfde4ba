/* plot.c: pages, colours and legends of all charts; see plot.h. */
#define _GNU_SOURCE
#include "tools/talus/plot.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_HEIGHT 78.0
#define LEGEND_STEP 22.0

/* After Okabe and Ito: told apart by those who do not see red or green, too. NULL for allocators
 * without a colour of their own. */
static const char *known_colour(const char *name)
{
    static const struct {
        const char *name, *colour;
    } known[] = {
        { "talus", "#d55e00" },    { "libc", "#8c959f" },     { "mimalloc", "#0072b2" },
        { "jemalloc", "#e6ab02" }, { "tcmalloc", "#009e73" }, { "tbbmalloc", "#cc79a7" }
    };
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (strcmp(name, known[k].name) == 0)
            return known[k].colour;
    }
    return NULL;
}

const char *tl_plot_colour(const struct tl_peer_list *peers, size_t peer)
{
    static const char *const others[] = { "#56b4e9", "#332288", "#aa4499", "#999933", "#88ccee",
                                          "#661100", "#44aa99", "#ddcc77", "#117733", "#000000" };
    const char              *colour = known_colour(peers->peers[peer].name);
    size_t                   before = 0;
    for (size_t p = 0; p < peer; p++)
        before += known_colour(peers->peers[p].name) == NULL;
    return colour != NULL ? colour : others[before % (sizeof others / sizeof others[0])];
}

bool tl_plot_is_talus(const struct tl_peer_list *peers, size_t peer)
{
    return strcmp(peers->peers[peer].name, "talus") == 0;
}

/* The allocators with their colours, over as many lines as they need; draws unless `to` is NULL.
 * Returns the height. */
static double legend(const struct tl_plot_page *page, FILE *to, double top)
{
    double x = TL_PLOT_MARGIN, y = top;
    for (size_t p = 0; p < page->peers->count; p++) {
        const char *name = page->peers->peers[p].name;
        double      item = 36 + tl_svg_text_width(13, name);
        if (x > TL_PLOT_MARGIN && x + item > page->width - TL_PLOT_MARGIN) {
            x = TL_PLOT_MARGIN;
            y += LEGEND_STEP;
        }
        if (to != NULL) {
            struct tl_svg_font font = { 13, TL_PLOT_TEXT, tl_plot_is_talus(page->peers, p), 's' };
            tl_svg_box(to, &(struct tl_svg_box){ x, y, 13, 13 }, tl_plot_colour(page->peers, p),
                       NULL);
            tl_svg_text(to, x + 18, y + 11, &font, name);
        }
        x += item;
    }
    return y + LEGEND_STEP - top;
}

double tl_plot_begin(const struct tl_plot_page *page, FILE *to, double height)
{
    const struct tl_svg_font head = { 20, TL_PLOT_TEXT, true, 's' },
                             small = { 12, TL_PLOT_FAINT, false, 's' };
    double top = HEAD_HEIGHT + legend(page, NULL, HEAD_HEIGHT) + 8;
    tl_svg_begin(to, page->width, top + height + TL_PLOT_MARGIN, page->title);
    tl_svg_text(to, TL_PLOT_MARGIN, 36, &head, page->title);
    tl_svg_text(to, TL_PLOT_MARGIN, 58, &small, page->note);
    legend(page, to, HEAD_HEIGHT);
    return top;
}

bool tl_plot_folder(const char *folder)
{
    struct stat found;
    if (mkdir(folder, 0777) == 0 || (stat(folder, &found) == 0 && S_ISDIR(found.st_mode)))
        return true;
    tl_tool_error("--plot %s: cannot make this directory", folder);
    return false;
}

bool tl_plot_save(const char *folder, const char *name, bool (*draw)(const void *what, FILE *to),
                  const void *what)
{
    char path[TL_TOOL_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s.svg", folder, name);
    if (what == NULL)
        return unlink(path) == 0 || errno == ENOENT;
    FILE *to = fopen(path, "we");
    bool  written = to != NULL && draw(what, to);
    if (to != NULL)
        written = fclose(to) == 0 && written;
    if (!written)
        tl_tool_error("cannot write %s", path);
    return written;
}

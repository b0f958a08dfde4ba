/* plot.h: what all charts share: a page with a title and a legend, one colour for each allocator in
 * all of them, panels of lines. Bars: bench_plot.c. */
#ifndef TALUS_TOOLS_PLOT_H
#define TALUS_TOOLS_PLOT_H

#include "tools/talus/svg.h"
#include "tools/talus/tool.h"

#define TL_PLOT_MARGIN 24.0
#define TL_PLOT_TEXT   "#24292f"
#define TL_PLOT_FAINT  "#6e7781"
#define TL_PLOT_GRID   "#d8dee4"
#define TL_PLOT_SHADE  "#f3f5f7"

struct tl_plot_page {
    const struct tl_peer_list *peers;
    const char                *title, *note; /* the note stands below the title */
    double                     width;
};

/* talus and the usual peers keep their colours from chart to chart and run to run. */
const char *tl_plot_colour(const struct tl_peer_list *peers, size_t peer);
bool        tl_plot_is_talus(const struct tl_peer_list *peers, size_t peer);

/* Begins the SVG with title, note and legend; `height` is that of what follows. Returns y where
 * that begins. tl_svg_end ends it. */
double tl_plot_begin(const struct tl_plot_page *page, FILE *to, double height);

/* Makes the directory if it is not there, its parent being there; false after a message. */
bool tl_plot_folder(const char *folder);
/* Writes `what` to FOLDER/NAME.svg by `draw`. NULL: there is nothing to draw, and the chart of an
 * earlier run is removed. False after a message when it cannot be written. */
bool tl_plot_save(const char *folder, const char *name, bool (*draw)(const void *what, FILE *to),
                  const void *what);

/* --- panels of lines -------------------------------------------------------------------------- */

struct tl_plot_series {
    const double *x, *y; /* in the order of x */
    size_t        count; /* 0: this allocator has none */
};

struct tl_plot_panel {
    char                  title[96];
    struct tl_plot_series series[TL_PEERS_MAX];
};

/* Small multiples: each panel has a scale of its own. */
struct tl_plot_lines {
    struct tl_plot_page         page; /* its width is set by drawing */
    const struct tl_plot_panel *panels;
    size_t                      count;
    const char                 *x_unit, *y_unit;
    const char *const          *x_names; /* NULL: x is a quantity, else x 0, 1, ... are these
                                               * */
    size_t                      x_name_count;
    bool                        logarithmic; /* y, all above 0; else from 0 */
};

bool tl_plot_lines(const void *lines, FILE *to); /* for tl_plot_save */

#endif

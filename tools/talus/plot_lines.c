/* plot_lines.c: panels of lines, one line for each allocator; see plot.h.
 * 1 Form        Panels stand in rows of three, where x has names of two; a single one is wider. A
 *               quantity on x begins at 0 and is drawn as a line; where x has names, each
 *               allocator's dots are a little beside the others', so that none hides another. Every
 *               line and dot says under the mouse what it is. */
#define _GNU_SOURCE
#include "tools/talus/plot.h"

#include <math.h>
#include <string.h>

#define PANEL_WIDTH  380.0
#define PANEL_HEIGHT 250.0
#define LEFT         62.0 /* of the panel: numbers of y */
#define RIGHT        14.0
#define TOP          34.0 /* title */
#define BOTTOM       40.0 /* numbers and unit of x */

struct scale {
    double low, high, from, to; /* a value `low` is at pixel `from` */
    bool   logarithmic;
};

struct frame {
    const struct tl_plot_lines *lines;
    const struct tl_plot_panel *panel;
    FILE                       *to;
    double                      left, top;
    double                      width;
    struct scale                x, y;
};

static double at(const struct scale *scale, double value)
{
    double low = scale->low, high = scale->high;
    if (scale->logarithmic) {
        low = log10(low);
        high = log10(high);
        value = log10(fmax(value, scale->low)); /* 0 is at the bottom */
    }
    return scale->from + (value - low) / (high - low) * (scale->to - scale->from);
}

/* 1, 2 or 5 times a power of ten: about `count` of them up to `high`. */
static double step_of(double high, unsigned count)
{
    double rough = high / count, power = pow(10, floor(log10(rough))), left = rough / power;
    return power * (left <= 1 ? 1 : left <= 2 ? 2 : left <= 5 ? 5 : 10);
}

static void find_scales(struct frame *frame)
{
    double x_high = 0, y_low = INFINITY, y_high = 0;
    for (size_t p = 0; p < frame->lines->page.peers->count; p++) {
        const struct tl_plot_series *series = &frame->panel->series[p];
        for (size_t i = 0; i < series->count; i++) {
            x_high = fmax(x_high, series->x[i]);
            y_low = series->y[i] > 0 ? fmin(y_low, series->y[i]) : y_low;
            y_high = fmax(y_high, series->y[i]);
        }
    }
    frame->x = (struct scale){ 0, x_high > 0 ? x_high : 1, frame->left + LEFT,
                               frame->left + frame->width - RIGHT, false };
    if (frame->lines->x_names != NULL) {
        frame->x.low = -0.5;
        frame->x.high = (double)frame->lines->x_name_count - 0.5;
    }
    frame->y = (struct scale){ 0, 1, frame->top + PANEL_HEIGHT - BOTTOM, frame->top + TOP,
                               frame->lines->logarithmic };
    if (frame->lines->logarithmic) {
        frame->y.low = pow(10, floor(log10(y_low)));
        frame->y.high = fmax(pow(10, ceil(log10(y_high))), 10 * frame->y.low);
    } else if (y_high > 0) {
        double step = step_of(y_high, 4);
        frame->y.high = ceil(y_high / step) * step;
    }
}

/* 200, 2k, 2M */
static void write_number(char text[32], double number)
{
    if (number >= 1e6)
        snprintf(text, 32, "%gM", number / 1e6);
    else if (number >= 1e4)
        snprintf(text, 32, "%gk", number / 1e3);
    else
        snprintf(text, 32, "%g", number);
}

static void draw_y(const struct frame *frame)
{
    const struct tl_svg_font font = { 11, TL_PLOT_FAINT, false, 'e' };
    double                   step = frame->y.logarithmic ? 10 : step_of(frame->y.high, 4);
    for (double value = frame->y.low; value <= frame->y.high * 1.0001;
         value = frame->y.logarithmic ? value * step : value + step) {
        char   text[32];
        double y = at(&frame->y, value);
        write_number(text, value);
        tl_svg_line(frame->to, frame->x.from, y, frame->x.to, y, TL_PLOT_GRID, 1);
        tl_svg_text(frame->to, frame->x.from - 6, y + 4, &font, text);
    }
}

static void draw_x(const struct frame *frame)
{
    const struct tl_plot_lines *lines = frame->lines;
    const struct tl_svg_font    font = { 11, TL_PLOT_FAINT, false, 'm' },
                             unit = { 11, TL_PLOT_FAINT, false, 'e' };
    double y = frame->y.from;
    tl_svg_line(frame->to, frame->x.from, y, frame->x.to, y, TL_PLOT_TEXT, 1);
    for (size_t n = 0; lines->x_names != NULL && n < lines->x_name_count; n++)
        tl_svg_text(frame->to, at(&frame->x, (double)n), y + 16, &font, lines->x_names[n]);
    double step = step_of(frame->x.high, 5);
    for (double value = 0; lines->x_names == NULL && value <= frame->x.high * 1.0001;
         value += step) {
        char   text[32];
        double x = at(&frame->x, value);
        write_number(text, value);
        tl_svg_line(frame->to, x, y, x, y + 4, TL_PLOT_TEXT, 1);
        tl_svg_text(frame->to, fmin(x, frame->x.to - tl_svg_text_width(11, text) / 2 + RIGHT),
                    y + 16, &font, text);
    }
    tl_svg_text(frame->to, frame->x.to, y + 31, &unit, lines->x_unit);
}

/* One line through all points. */
static void draw_line(const struct frame *frame, size_t peer)
{
    const struct tl_plot_series *series = &frame->panel->series[peer];
    const struct tl_peer_list   *peers = frame->lines->page.peers;
    char                         about[160];
    snprintf(about, sizeof about, "%s, %s", frame->panel->title, peers->peers[peer].name);
    tl_svg_path_begin(frame->to, tl_plot_colour(peers, peer),
                      tl_plot_is_talus(peers, peer) ? 2.6 : 1.5);
    for (size_t i = 0; i < series->count; i++)
        tl_svg_path_point(frame->to, at(&frame->x, series->x[i]), at(&frame->y, series->y[i]));
    tl_svg_path_end(frame->to, about);
}

/* A dot on a stem for each name, beside those of the other allocators. */
static void draw_dots(const struct frame *frame, size_t peer)
{
    const struct tl_plot_series *series = &frame->panel->series[peer];
    const struct tl_peer_list   *peers = frame->lines->page.peers;
    bool                         ours = tl_plot_is_talus(peers, peer);
    const char                  *colour = tl_plot_colour(peers, peer);
    double                       count = (double)peers->count;
    double                       beside = ((double)peer - (count - 1) / 2) / count * 0.75;
    for (size_t i = 0; i < series->count; i++) {
        double x = at(&frame->x, series->x[i] + beside), y = at(&frame->y, series->y[i]);
        char   about[256];
        snprintf(about, sizeof about, "%s, %s: %s %.6g %s", frame->panel->title,
                 peers->peers[peer].name, frame->lines->x_names[(size_t)series->x[i]], series->y[i],
                 frame->lines->y_unit);
        tl_svg_line(frame->to, x, frame->y.from, x, y, colour, ours ? 3 : 2);
        tl_svg_dot(frame->to, x, y, ours ? 5 : 4, colour, about);
    }
}

static void draw_panel(struct frame *frame)
{
    const struct tl_svg_font   head = { 14, TL_PLOT_TEXT, true, 's' };
    const struct tl_svg_font   unit = { 11, TL_PLOT_FAINT, false, 'e' };
    const struct tl_peer_list *peers = frame->lines->page.peers;
    size_t                     talus = tl_peers_index(peers, "talus") % peers->count;
    find_scales(frame);
    tl_svg_text(frame->to, frame->left + LEFT, frame->top + 18, &head, frame->panel->title);
    tl_svg_text(frame->to, frame->x.from - 6, frame->top + 18, &unit, frame->lines->y_unit);
    draw_y(frame);
    draw_x(frame);
    for (size_t n = 1; n <= peers->count; n++) { /* talus last, above the others */
        size_t p = (talus + n) % peers->count;
        if (frame->lines->x_names != NULL)
            draw_dots(frame, p);
        else if (frame->panel->series[p].count != 0)
            draw_line(frame, p);
    }
}

bool tl_plot_lines(const void *what, FILE *to)
{
    const struct tl_plot_lines *lines = what;
    struct tl_plot_page         page = lines->page;
    size_t                      columns = lines->count < 3 || lines->x_names != NULL ? 2 : 3;
    double width = lines->count == 1 ? 2 * PANEL_WIDTH + TL_PLOT_MARGIN : PANEL_WIDTH;
    size_t rows = (lines->count + columns - 1) / columns;
    page.width = TL_PLOT_MARGIN + (double)columns * (PANEL_WIDTH + TL_PLOT_MARGIN);
    double top = tl_plot_begin(&page, to, (double)rows * PANEL_HEIGHT);
    for (size_t n = 0; n < lines->count; n++) {
        struct frame frame = {
            .lines = lines, .panel = &lines->panels[n], .to = to, .width = width
        };
        frame.left = TL_PLOT_MARGIN + (double)(n % columns) * (PANEL_WIDTH + TL_PLOT_MARGIN);
        frame.top = top + (double)(n / columns) * PANEL_HEIGHT;
        draw_panel(&frame);
    }
    return tl_svg_end(to);
}

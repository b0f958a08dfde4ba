/* svg.h: the few shapes that charts are made of, written as SVG. Lengths are pixels, y goes down.
 * */
#ifndef TALUS_TOOLS_SVG_H
#define TALUS_TOOLS_SVG_H

#include <stdbool.h>
#include <stdio.h>

struct tl_svg_box {
    double x, y, width, height;
};

struct tl_svg_font {
    double      size;
    const char *colour;
    bool        bold;
    char        anchor; /* where x is: 's'tart, 'm'iddle or 'e'nd of the text */
};

void tl_svg_begin(FILE *file, double width, double height, const char *title);
bool tl_svg_end(FILE *file); /* false: writing failed */

/* `about` (may be NULL) is shown when the mouse rests on the box. */
void tl_svg_box(FILE *file, const struct tl_svg_box *box, const char *colour, const char *about);
void tl_svg_line(FILE *file, double x1, double y1, double x2, double y2, const char *colour,
                 double width);
void tl_svg_text(FILE *file, double x, double y, const struct tl_svg_font *font, const char *text);

void tl_svg_dot(FILE *file, double x, double y, double radius, const char *colour,
                const char *about);

/* A line through the points that are given between its begin and its end. */
void tl_svg_path_begin(FILE *file, const char *colour, double width);
void tl_svg_path_point(FILE *file, double x, double y);
void tl_svg_path_end(FILE *file, const char *about);

/* About how wide the text will be: the font is the viewer's. Rather too much than too little. */
double tl_svg_text_width(double size, const char *text);

#endif

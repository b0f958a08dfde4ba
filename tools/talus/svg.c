/* svg.c: writes an SVG file as it is told; see svg.h. Numbers get one decimal: a tenth of a pixel
 * is more than an eye sees. */
#include "tools/talus/svg.h"

#include "tools/talus/text.h"

#include <string.h>

static const char fonts[] = "Helvetica, Arial, 'DejaVu Sans', sans-serif";

void tl_svg_begin(FILE *file, double width, double height, const char *title)
{
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"%s\">\n<title>",
            width, height, width, height, fonts);
    tl_text_xml(file, title);
    fputs("</title>\n", file);
    tl_svg_box(file, &(struct tl_svg_box){ 0, 0, width, height }, "#ffffff", NULL);
}

bool tl_svg_end(FILE *file)
{
    fputs("</svg>\n", file);
    return fflush(file) == 0 && ferror(file) == 0;
}

/* Ends an element, with what is shown under the mouse if there is any. */
static void end_element(FILE *file, const char *tag, const char *about)
{
    if (about == NULL) {
        fputs("/>\n", file);
        return;
    }
    fputs("><title>", file);
    tl_text_xml(file, about);
    fprintf(file, "</title></%s>\n", tag);
}

void tl_svg_box(FILE *file, const struct tl_svg_box *box, const char *colour, const char *about)
{
    fprintf(file, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"", box->x,
            box->y, box->width, box->height, colour);
    end_element(file, "rect", about);
}

void tl_svg_dot(FILE *file, double x, double y, double radius, const char *colour,
                const char *about)
{
    fprintf(file,
            "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" stroke=\"#ffffff\" "
            "stroke-width=\"0.8\"",
            x, y, radius, colour);
    end_element(file, "circle", about);
}

void tl_svg_path_begin(FILE *file, const char *colour, double width)
{
    fprintf(file,
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"%.1f\" "
            "stroke-linejoin=\"round\" points=\"",
            colour, width);
}

void tl_svg_path_point(FILE *file, double x, double y)
{
    fprintf(file, "%.1f,%.1f ", x, y);
}

void tl_svg_path_end(FILE *file, const char *about)
{
    fputc('"', file);
    end_element(file, "polyline", about);
}

void tl_svg_line(FILE *file, double x1, double y1, double x2, double y2, const char *colour,
                 double width)
{
    fprintf(file,
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
            "stroke-width=\"%.1f\"/>\n",
            x1, y1, x2, y2, colour, width);
}

void tl_svg_text(FILE *file, double x, double y, const struct tl_svg_font *font, const char *text)
{
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.0f\" fill=\"%s\"%s%s>", x, y,
            font->size, font->colour, font->bold ? " font-weight=\"bold\"" : "",
            font->anchor == 'e'   ? " text-anchor=\"end\""
            : font->anchor == 'm' ? " text-anchor=\"middle\""
                                  : "");
    tl_text_xml(file, text);
    fputs("</text>\n", file);
}

double tl_svg_text_width(double size, const char *text)
{
    return (double)strlen(text) * size * 0.6;
}

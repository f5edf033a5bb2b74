/* SPDX-License-Identifier: MIT
 * SVG by hand: axes, markers, labels that keep out of each other's way. No scripts, no outside
 * fonts; colours are classes, given once for light and once for dark.
 */
#ifndef UNS_REPORT_SVG_H
#define UNS_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Values low..high on pixels from..to (to < from for an upright axis). */
typedef struct uns_axis {
    double low, high;
    bool log;
    double from, to;
} uns_axis;

/* Pixel of a value; values beyond the ends are drawn at the ends. */
double uns_axis_place(const uns_axis *axis, double value);

/* Widens low..high to take `value` in; both start at NaN. Logarithmic axes ignore value <= 0.
 */
void uns_axis_include(uns_axis *axis, double value);

/* Room around the data: a share of the length at each end, and never an empty range. */
void uns_axis_pad(uns_axis *axis, double share);

void uns_svg_open(FILE *out, double width, double height, const char *title);
void uns_svg_close(FILE *out);

/* Text with its class ("ink", "muted", "f0"...), anchor "start", "middle" or "end". */
void uns_svg_text(FILE *out, double x, double y, const char *class, const char *anchor,
                  const char *text);

/* Gridlines and tick labels, and the title of the x axis; an upright axis has its title in the
 * panel's head. `grouped`: ticks as "10,000", else "1e4". */
void uns_svg_axis_x(FILE *out, const uns_axis *x, const uns_axis *y, bool grouped,
                    const char *title);
void uns_svg_axis_y(FILE *out, const uns_axis *x, const uns_axis *y);

/* Colours and shapes go round; the pair (colour, shape) does not repeat before 12. A hollow
 * marker lets one beneath it be seen. */
enum {
    UNS_SVG_COLOURS = 6,
    UNS_SVG_SHAPES = 4
};
void uns_svg_marker(FILE *out, double x, double y, size_t index, bool hollow);

/* About what a text takes at the label size, in pixels. */
double uns_svg_text_width(const char *text);

/* Where labels and marks are already, so that the next label can keep clear. */
typedef struct uns_svg_box {
    double left, top, right, bottom;
} uns_svg_box;

typedef struct uns_svg_room {
    uns_svg_box limits; /* labels stay inside */
    size_t count, capacity;
    uns_svg_box *taken;
} uns_svg_room;

/* Marks a spot as taken; forgotten without harm when the room is full. */
void uns_svg_take(uns_svg_room *room, uns_svg_box box);

/* Marks the line between two points as taken. */
void uns_svg_take_line(uns_svg_room *room, double x0, double y0, double x1, double y1);

/* Puts a label beside (x, y), where it overlaps least with what is there. */
void uns_svg_label(FILE *out, uns_svg_room *room, double x, double y, const char *class,
                   const char *text);

#endif

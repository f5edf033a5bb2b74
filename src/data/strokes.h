/* SPDX-License-Identifier: MIT
 * Skeletons of the ten digits: the strokes that glyphs.c bends and draws.
 */
#ifndef UNS_STROKES_H
#define UNS_STROKES_H

#include <stddef.h>

enum {
    UNS_FIGURE_POINTS = 24, /* at most, over all strokes */
    UNS_FIGURE_STROKES = 3,
    UNS_FIGURE_VARIANTS = 3
};

/* One way to write a digit: control points (x right, y down) in digit heights, (0, 0) in the
 * middle; stroke s is the points from begin[s] to before begin[s + 1]. A corner is where one
 * stroke ends and the next begins. */
typedef struct uns_figure {
    size_t strokes, begin[UNS_FIGURE_STROKES + 1];
    double x[UNS_FIGURE_POINTS], y[UNS_FIGURE_POINTS];
} uns_figure;

/* digit 0..9, variant below UNS_FIGURE_VARIANTS. */
void uns_figure_get(int digit, int variant, uns_figure *figure);

#endif

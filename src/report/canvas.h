/* SPDX-License-Identifier: MIT
 * What the panels of the picture share: where they stand, which colour a method has.
 */
#ifndef UNS_REPORT_CANVAS_H
#define UNS_REPORT_CANVAS_H

#include "report/parts.h"
#include "report/svg.h"

/* Pixels, but for UNS_NAME_COLUMNS. */
enum {
    UNS_PANEL_WIDTH = 340,
    UNS_PANEL_HEIGHT = 300,
    UNS_PANEL_GAP = 96,
    UNS_STRIP_ROW = 18,  /* a method's line above the escape curves */
    UNS_PANEL_FOOT = 50, /* tick labels and the axis title */
    UNS_EDGE = 28,
    UNS_NAME_COLUMNS = 34 /* of a method's name; longer ones are cut */
};

typedef struct uns_canvas {
    const uns_views *views;
    FILE *out;
    size_t methods;
    size_t *method; /* [count]: number of each cell's method, in order of appearance */
    size_t *order;  /* [count]: cells by method, then by median escape step */
    double *end;    /* [count]: scratch, where each line ends */
    int64_t *steps; /* scratch for the escape steps of one cell */
    uns_svg_room room;
    double margin; /* left of the first plot */
    double panel;  /* width of a plot */
    double top;    /* of the plots, below their heads */
    double bottom;
} uns_canvas;

typedef char uns_short_name[UNS_LABEL_SIZE + 4];

static inline const uns_result *uns_canvas_result(const uns_canvas *canvas, size_t index) {
    return canvas->views->view[index].result;
}

/* The method's name, cut to UNS_NAME_COLUMNS. */
void uns_canvas_name(const uns_canvas *canvas, size_t index, uns_short_name name);

/* The colour class of a cell: kind 'f' (fill) or 's' (stroke) and its number. */
const char *uns_canvas_paint(const uns_canvas *canvas, size_t index, char kind, char class[8]);

/* The two panels of an escape. */
void uns_draw_escape_curves(const uns_canvas *canvas);
void uns_draw_trade_off(uns_canvas *canvas);

/* One wide panel: value or gradient norm against step; and the room its labels need at the
 * right. */
double uns_values_margin(const uns_canvas *canvas);
void uns_draw_values(uns_canvas *canvas);

#endif

/* SPDX-License-Identifier: MIT
 * One wide panel for runs without an escape: the exact value against the step, or the batch
 * gradient's norm where the value was not recorded. Each line is named at its end.
 */
#include "report/canvas.h"

#include <math.h>

enum {
    LINE = 15, /* pixels between labels at the right */
    LABEL_SIZE = sizeof(uns_short_name) + UNS_NUMBER_SIZE + 16
};

static double row_value(const uns_metric_row *row, bool gradient) {
    return gradient ? row->gradient : row->value;
}

static bool has_values(const uns_canvas *canvas) {
    for (size_t i = 0; i < canvas->views->count; i++)
        for (size_t r = 0; r < uns_canvas_result(canvas, i)->rows; r++)
            if (isfinite(uns_canvas_result(canvas, i)->metrics[r].value))
                return true;
    return false;
}

/* Logarithmic where everything is positive and spans more than a factor of 20. */
static void scale_axes(const uns_canvas *canvas, bool gradient, uns_axis *x, uns_axis *y) {
    for (size_t i = 0; i < canvas->views->count; i++) {
        const uns_result *result = uns_canvas_result(canvas, i);
        for (size_t r = 0; r < result->rows; r++) {
            uns_axis_include(y, row_value(&result->metrics[r], gradient));
            uns_axis_include(x, (double)result->metrics[r].step);
        }
    }
    y->log = y->low > 0 && y->high > 20 * y->low;
    x->low = 0;
    if (!(x->high > 0))
        x->high = 1;
    uns_axis_pad(y, 0.05);
}

/* Draws one line and notes the height of its last point. */
static void draw_line(uns_canvas *canvas, size_t index, bool gradient, const uns_axis *x,
                      const uns_axis *y) {
    const uns_result *result = uns_canvas_result(canvas, index);
    bool begun = false;
    char class[8];
    for (size_t r = 0; r < result->rows; r++) {
        double value = row_value(&result->metrics[r], gradient);
        if (!isfinite(value))
            continue;
        if (!begun)
            fprintf(canvas->out, "<path class=\"line %s\" d=\"",
                    uns_canvas_paint(canvas, index, 's', class));
        canvas->end[index] = uns_axis_place(y, value);
        fprintf(canvas->out, "%s%.1f %.1f", begun ? "L" : "M",
                uns_axis_place(x, (double)result->metrics[r].step), canvas->end[index]);
        begun = true;
    }
    if (begun)
        fputs("\"/>\n", canvas->out);
}

static void print_label(const uns_canvas *canvas, size_t index, char text[LABEL_SIZE]) {
    const uns_result *result = uns_canvas_result(canvas, index);
    uns_short_name name;
    uns_canvas_name(canvas, index, name);
    if (isnan(result->final_accuracy))
        snprintf(text, LABEL_SIZE, "%s %s", name, canvas->views->view[index].eta);
    else
        snprintf(text, LABEL_SIZE, "%s %s · %.1f %%", name, canvas->views->view[index].eta,
                 100 * result->final_accuracy);
}

/* Cells by the height of their lines' ends, topmost first; those without a line last. */
static void sort_ends(uns_canvas *canvas) {
    for (size_t i = 0; i < canvas->views->count; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            double above = canvas->end[canvas->order[at - 1]];
            if (!(canvas->end[i] < above || (isnan(above) && !isnan(canvas->end[i]))))
                break;
            canvas->order[at] = canvas->order[at - 1];
        }
        canvas->order[at] = i;
    }
}

/* Moves the ends LINE apart, first downwards, then up from the bottom. */
static size_t spread_ends(uns_canvas *canvas) {
    double *end = canvas->end, limit = canvas->bottom;
    size_t count = 0;
    for (; count < canvas->views->count && !isnan(end[canvas->order[count]]); count++)
        if (count > 0)
            end[canvas->order[count]] =
                fmax(end[canvas->order[count]], end[canvas->order[count - 1]] + LINE);
    for (size_t i = count; i-- > 0; limit -= LINE)
        end[canvas->order[i]] = fmin(end[canvas->order[i]], limit);
    return count;
}

static void label_lines(uns_canvas *canvas, double x) {
    sort_ends(canvas);
    size_t count = spread_ends(canvas);
    for (size_t i = 0; i < count; i++) {
        size_t index = canvas->order[i];
        char text[LABEL_SIZE], class[8];
        print_label(canvas, index, text);
        uns_svg_text(canvas->out, x + 8, canvas->end[index] + 4,
                     uns_canvas_paint(canvas, index, 'f', class), "start", text);
    }
}

double uns_values_margin(const uns_canvas *canvas) {
    double widest = 0;
    char text[LABEL_SIZE];
    for (size_t i = 0; i < canvas->views->count; i++) {
        print_label(canvas, i, text);
        widest = fmax(widest, uns_svg_text_width(text));
    }
    return widest + 24;
}

void uns_draw_values(uns_canvas *canvas) {
    bool gradient = !has_values(canvas);
    uns_axis x = {NAN, NAN, false, canvas->margin, canvas->margin + canvas->panel};
    uns_axis y = {NAN, NAN, false, canvas->bottom, canvas->top + 10};
    scale_axes(canvas, gradient, &x, &y);
    uns_svg_text(canvas->out, x.from, canvas->top - 6, "head", "start",
                 gradient ? "Gradient norm of the batch" : "Value f, whole objective");
    uns_svg_axis_x(canvas->out, &x, &y, true, "step");
    uns_svg_axis_y(canvas->out, &x, &y);
    for (size_t i = 0; i < canvas->views->count; i++) {
        canvas->end[i] = NAN;
        draw_line(canvas, i, gradient, &x, &y);
    }
    label_lines(canvas, x.to);
}

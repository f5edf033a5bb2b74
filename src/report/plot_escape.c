/* SPDX-License-Identifier: MIT
 * The two panels of an escape: the share of replicas escaped against the step, under a strip
 * that names each curve by its η; and the floor against the median escape step, a point a cell.
 */
#include "report/canvas.h"

#include <math.h>
#include <stdlib.h>

static int by_step(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The step of the first escape; NaN: none. */
static double curve_start(const uns_result *result) {
    double start = NAN;
    for (int64_t r = 0; result->escape_steps && r < result->replicas; r++)
        if (result->escape_steps[r] > 0)
            start = fmin(isnan(start) ? INFINITY : start, (double)result->escape_steps[r]);
    for (size_t i = 0; !result->escape_steps && i < result->rows && isnan(start); i++)
        if (result->metrics[i].escaped > 0)
            start = (double)result->metrics[i].step;
    return start;
}

/* A curve under way: points less than a pixel on are left out. */
typedef struct pen {
    FILE *out;
    double x, y;
} pen;

static void move_pen(pen *pen, double x, double y, bool last) {
    if (!last && fabs(x - pen->x) < 1 && fabs(y - pen->y) < 2)
        return;
    fprintf(pen->out, "L%.1f %.1f", x, y);
    pen->x = x;
    pen->y = y;
}

static void draw_replicas(const uns_canvas *canvas, const uns_result *result, const uns_axis *x,
                          const uns_axis *y, pen *pen) {
    size_t escaped = 0;
    for (int64_t r = 0; r < result->replicas; r++)
        if (result->escape_steps[r] >= 0)
            canvas->steps[escaped++] = result->escape_steps[r];
    qsort(canvas->steps, escaped, sizeof *canvas->steps, by_step);
    for (size_t i = 0; i < escaped; i++)
        move_pen(pen, uns_axis_place(x, (double)canvas->steps[i]),
                 uns_axis_place(y, 100.0 * (double)(i + 1) / (double)result->replicas),
                 i + 1 == escaped);
}

static void draw_rows(const uns_result *result, const uns_axis *x, const uns_axis *y,
                      pen *pen) {
    for (size_t i = 0; i < result->rows; i++)
        if (!isnan(result->metrics[i].escaped))
            move_pen(pen, uns_axis_place(x, (double)result->metrics[i].step),
                     uns_axis_place(y, 100 * result->metrics[i].escaped),
                     i + 1 == result->rows);
}

static void draw_curve(const uns_canvas *canvas, size_t index, const uns_axis *x,
                       const uns_axis *y) {
    static const char *const dashes[] = {"none", "none", "7 5", "2 5"};
    const uns_result *result = uns_canvas_result(canvas, index);
    char class[8];
    pen pen = {canvas->out, uns_axis_place(x, fmax(x->low, curve_start(result))), y->from};
    fprintf(canvas->out, "<path class=\"line %s\" stroke-dasharray=\"%s\" d=\"M%.1f %.1f",
            uns_canvas_paint(canvas, index, 's', class), dashes[canvas->method[index] % 4],
            pen.x, pen.y);
    if (result->escape_steps)
        draw_replicas(canvas, result, x, y, &pen);
    else
        draw_rows(result, x, y, &pen);
    if (uns_view_sound(&canvas->views->view[index]) && result->escaped < result->replicas)
        fprintf(canvas->out, "H%.1f", uns_axis_place(x, (double)result->steps));
    fputs("\"/>\n", canvas->out);
}

static void draw_curves(const uns_canvas *canvas, const uns_axis *x, const uns_axis *y) {
    for (size_t i = 0; i < canvas->views->count; i++)
        draw_curve(canvas, i, x, y);
    for (size_t i = 0; i < canvas->views->count; i++) {
        double median = uns_canvas_result(canvas, i)->escape_median;
        if (!isnan(median))
            uns_svg_marker(canvas->out, uns_axis_place(x, median), uns_axis_place(y, 50),
                           canvas->method[i], canvas->views->view[i].oracle);
    }
}

/* η above its curve's median, or at the right end with an arrow where that was not reached;
 * returns where the next one may begin. */
static double draw_eta(const uns_canvas *canvas, size_t index, const uns_axis *x, double y,
                       double free_from) {
    double median = uns_canvas_result(canvas, index)->escape_median;
    char text[UNS_NUMBER_SIZE + 8], class[8];
    snprintf(text, sizeof text, "%s%s", canvas->views->view[index].eta,
             isnan(median) ? " ›" : "");
    double half = uns_svg_text_width(text) / 2;
    double at = isnan(median) ? x->to : uns_axis_place(x, median);
    at = fmax(fmin(at, x->to + 20 - half), free_from + half);
    uns_svg_text(canvas->out, at, y, uns_canvas_paint(canvas, index, 'f', class), "middle",
                 text);
    return at + half + 2;
}

/* A line for each method: its name, then its step sizes. */
static void draw_strip(const uns_canvas *canvas, const uns_axis *x) {
    double free_from = 0;
    for (size_t i = 0; i < canvas->views->count; i++) {
        size_t index = canvas->order[i], method = canvas->method[index];
        double y = canvas->top + 16 + (double)method * UNS_STRIP_ROW;
        if (i == 0 || canvas->method[canvas->order[i - 1]] != method) {
            uns_short_name name;
            char class[8];
            uns_canvas_name(canvas, index, name);
            uns_svg_text(canvas->out, x->from - 10, y,
                         uns_canvas_paint(canvas, index, 'f', class), "end", name);
            free_from = x->from;
        }
        free_from = draw_eta(canvas, index, x, y, free_from);
    }
}

void uns_draw_escape_curves(const uns_canvas *canvas) {
    double strip = (double)canvas->methods * UNS_STRIP_ROW + 14;
    uns_axis x = {NAN, NAN, true, canvas->margin, canvas->margin + canvas->panel};
    uns_axis y = {0, 100, false, canvas->bottom, canvas->top + strip};
    for (size_t i = 0; i < canvas->views->count; i++) {
        uns_axis_include(&x, curve_start(uns_canvas_result(canvas, i)));
        uns_axis_include(&x, (double)uns_canvas_result(canvas, i)->steps);
    }
    uns_axis_pad(&x, 0);
    x.low *= 0.8;
    uns_svg_text(canvas->out, x.from, canvas->top - 6, "head", "start",
                 "Replicas that left the saddle, %");
    uns_svg_text(canvas->out, x.from - 10, canvas->top - 6, "muted", "end", "η");
    draw_strip(canvas, &x);
    uns_svg_axis_x(canvas->out, &x, &y, true, "step");
    uns_svg_axis_y(canvas->out, &x, &y);
    draw_curves(canvas, &x, &y);
}

/* A cell's place in the trade-off; false: it has none. */
static bool find_point(const uns_canvas *canvas, size_t index, const uns_axis *x,
                       const uns_axis *y, double at[2]) {
    const uns_result *result = uns_canvas_result(canvas, index);
    if (isnan(result->escape_median) || !(result->floor.mean > 0))
        return false;
    at[0] = uns_axis_place(x, result->escape_median);
    at[1] = uns_axis_place(y, result->floor.mean);
    return true;
}

/* Lines through each method's points, sooner to later. */
static void draw_lines(uns_canvas *canvas, const uns_axis *x, const uns_axis *y) {
    double last[2] = {0, 0}, at[2];
    size_t method = canvas->methods;
    for (size_t i = 0; i < canvas->views->count; i++) {
        size_t index = canvas->order[i];
        char class[8];
        if (!find_point(canvas, index, x, y, at))
            continue;
        if (canvas->method[index] == method) {
            fprintf(canvas->out, "<path class=\"thin %s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n",
                    uns_canvas_paint(canvas, index, 's', class), last[0], last[1], at[0],
                    at[1]);
            uns_svg_take_line(&canvas->room, last[0], last[1], at[0], at[1]);
        }
        method = canvas->method[index];
        last[0] = at[0];
        last[1] = at[1];
    }
}

static void draw_points(uns_canvas *canvas, const uns_axis *x, const uns_axis *y) {
    double at[2];
    for (size_t i = 0; i < canvas->views->count; i++)
        if (find_point(canvas, i, x, y, at)) {
            uns_svg_marker(canvas->out, at[0], at[1], canvas->method[i],
                           canvas->views->view[i].oracle);
            uns_svg_take(&canvas->room,
                         (uns_svg_box){at[0] - 7, at[1] - 7, at[0] + 7, at[1] + 7});
        }
}

/* Whether the cell at this place in the order is the last point of its method. */
static bool ends_method(const uns_canvas *canvas, size_t place, const uns_axis *x,
                        const uns_axis *y) {
    double at[2];
    size_t method = canvas->method[canvas->order[place]];
    for (size_t i = place + 1; i < canvas->views->count; i++)
        if (canvas->method[canvas->order[i]] == method &&
            find_point(canvas, canvas->order[i], x, y, at))
            return false;
    return true;
}

/* η beside each point, with the method's name at its last one. The long labels come first. */
static void label_points(uns_canvas *canvas, const uns_axis *x, const uns_axis *y, bool named) {
    for (size_t i = 0; i < canvas->views->count; i++) {
        size_t index = canvas->order[i];
        uns_short_name name;
        char text[sizeof name + UNS_NUMBER_SIZE], class[8];
        double at[2];
        if (!find_point(canvas, index, x, y, at) || ends_method(canvas, i, x, y) != named)
            continue;
        uns_canvas_name(canvas, index, name);
        snprintf(text, sizeof text, "%s%s%s", named ? name : "", named ? " " : "",
                 canvas->views->view[index].eta);
        uns_svg_label(canvas->out, &canvas->room, at[0], at[1],
                      uns_canvas_paint(canvas, index, 'f', class), text);
    }
}

void uns_draw_trade_off(uns_canvas *canvas) {
    double left = canvas->margin + canvas->panel + UNS_PANEL_GAP;
    uns_axis x = {NAN, NAN, true, left, left + canvas->panel};
    uns_axis y = {NAN, NAN, true, canvas->bottom, canvas->top + 10};
    for (size_t i = 0; i < canvas->views->count; i++) {
        const uns_result *result = uns_canvas_result(canvas, i);
        uns_axis_include(&x, result->floor.mean > 0 ? result->escape_median : NAN);
        uns_axis_include(&y, isnan(result->escape_median) ? NAN : result->floor.mean);
    }
    uns_axis_pad(&x, 0.1);
    uns_axis_pad(&y, 0.1);
    uns_svg_text(canvas->out, left, canvas->top - 6, "head", "start",
                 "Distance kept from the minimum, f − f*");
    uns_svg_axis_x(canvas->out, &x, &y, true, "median escape step");
    uns_svg_axis_y(canvas->out, &x, &y);
    uns_svg_text(canvas->out, left + 10, canvas->bottom - 12, "muted", "start",
                 "↙ sooner and closer");
    canvas->room.limits = (uns_svg_box){left, y.to, x.to, canvas->bottom};
    uns_svg_take(&canvas->room,
                 (uns_svg_box){left, canvas->bottom - 26, left + 130, canvas->bottom});
    draw_lines(canvas, &x, &y);
    draw_points(canvas, &x, &y);
    label_points(canvas, &x, &y, true);
    label_points(canvas, &x, &y, false);
}

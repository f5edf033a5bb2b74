/* SPDX-License-Identifier: MIT
 * The picture of a record: chooses the panels and gives them their places.
 */
#include "base/base.h"
#include "report/canvas.h"
#include "report/prose.h"

#include <math.h>
#include <string.h>

static const double PROSE_COLUMN = 8.1; /* pixels of a character, on average */

enum {
    BOXES = 8192,    /* marks and labels that later labels keep clear of */
    STRIP_ROWS = 4,  /* that fit without a higher picture */
    PROSE_LINE = 19, /* pixels */
    PROSE_LINES = 4  /* what is longer is cut; the table has it whole */
};

void uns_canvas_name(const uns_canvas *canvas, size_t index, uns_short_name name) {
    const char *method = canvas->views->view[index].method;
    size_t bytes = uns_text_cut(method, UNS_NAME_COLUMNS);
    snprintf(name, sizeof(uns_short_name), "%.*s%s", (int)bytes, method,
             method[bytes] ? "…" : "");
}

const char *uns_canvas_paint(const uns_canvas *canvas, size_t index, char kind, char class[8]) {
    snprintf(class, 8, "%c%u", kind, (unsigned)(canvas->method[index] % UNS_SVG_COLOURS));
    return class;
}

static void number_methods(uns_canvas *canvas) {
    const uns_view *view = canvas->views->view;
    for (size_t i = 0; i < canvas->views->count; i++) {
        canvas->method[i] = canvas->methods;
        for (size_t j = 0; j < i; j++)
            if (strcmp(view[i].method, view[j].method) == 0)
                canvas->method[i] = canvas->method[j];
        canvas->methods += canvas->method[i] == canvas->methods;
    }
}

static bool comes_before(const uns_canvas *canvas, size_t a, size_t b) {
    if (canvas->method[a] != canvas->method[b])
        return canvas->method[a] < canvas->method[b];
    double first = uns_canvas_result(canvas, a)->escape_median;
    double second = uns_canvas_result(canvas, b)->escape_median;
    return first < second || (!isnan(first) && isnan(second));
}

/* Insertion sort: a plan has tens of cells. */
static void sort_cells(uns_canvas *canvas) {
    for (size_t i = 0; i < canvas->views->count; i++) {
        size_t at = i;
        for (; at > 0 && comes_before(canvas, i, canvas->order[at - 1]); at--)
            canvas->order[at] = canvas->order[at - 1];
        canvas->order[at] = i;
    }
}

static void find_margin(uns_canvas *canvas) {
    uns_short_name name;
    canvas->margin = 76;
    for (size_t i = 0; i < canvas->views->count; i++) {
        uns_canvas_name(canvas, i, name);
        canvas->margin = fmax(canvas->margin, UNS_EDGE + 8 + uns_svg_text_width(name));
    }
}

static size_t most_replicas(const uns_views *views) {
    int64_t most = 1;
    for (size_t i = 0; i < views->count; i++)
        if (views->view[i].result->replicas > most)
            most = views->view[i].result->replicas;
    return (size_t)most;
}

static bool any_escaped(const uns_views *views) {
    for (size_t i = 0; i < views->count; i++)
        if (views->view[i].result->escaped > 0)
            return true;
    return false;
}

static bool any_floor(const uns_views *views) {
    for (size_t i = 0; i < views->count; i++)
        if (views->view[i].result->floor.mean > 0)
            return true;
    return false;
}

static size_t prose_columns(double width) {
    return (size_t)((width - 2 * UNS_EDGE) / PROSE_COLUMN);
}

static size_t count_lines(const char *text, size_t columns) {
    char line[UNS_LINE_SIZE];
    size_t lines = 0;
    while (lines < PROSE_LINES && uns_prose_line(&text, columns, line))
        lines++;
    return lines;
}

/* The title, then the caption in as many lines as it takes; the plots stand below. */
static void draw_title(uns_canvas *canvas, const char *caption, double width) {
    char line[UNS_LINE_SIZE];
    fprintf(canvas->out, "<text class=\"title\" x=\"%d\" y=\"36\">", UNS_EDGE);
    uns_title_write(canvas->views, canvas->out);
    fputs("</text>\n", canvas->out);
    double y = 60;
    for (size_t i = 0; i < PROSE_LINES; i++, y += PROSE_LINE)
        if (uns_prose_line(&caption, prose_columns(width), line))
            uns_svg_text(canvas->out, UNS_EDGE, y, "prose", "start", line);
}

/* One panel is as wide as two. */
static double place_panels(uns_canvas *canvas, bool escaped, bool floors) {
    double all = 2 * UNS_PANEL_WIDTH + UNS_PANEL_GAP;
    double right = escaped ? UNS_EDGE : uns_values_margin(canvas);
    canvas->panel = floors ? UNS_PANEL_WIDTH : all - (right > UNS_EDGE ? right : UNS_EDGE);
    return canvas->margin + all + (floors ? right : 0);
}

static void draw(uns_canvas *canvas, const char *caption) {
    bool escaped = any_escaped(canvas->views), floors = escaped && any_floor(canvas->views);
    double width = place_panels(canvas, escaped, floors);
    size_t lines = count_lines(caption, prose_columns(width));
    canvas->top = 72 + (double)lines * PROSE_LINE + (lines ? 6 : 0);
    size_t more = escaped && canvas->methods > STRIP_ROWS ? canvas->methods - STRIP_ROWS : 0;
    canvas->bottom = canvas->top + UNS_PANEL_HEIGHT + (double)more * UNS_STRIP_ROW;
    uns_svg_open(canvas->out, width, canvas->bottom + UNS_PANEL_FOOT,
                 "unsaddle: results of a run");
    draw_title(canvas, caption, width);
    if (escaped)
        uns_draw_escape_curves(canvas);
    else
        uns_draw_values(canvas);
    if (floors)
        uns_draw_trade_off(canvas);
    uns_svg_close(canvas->out);
}

uns_status uns_plot_write(uns_context *context, const uns_views *views, const char *caption,
                          FILE *out) {
    uns_canvas canvas = {.views = views, .out = out, .room = {.capacity = BOXES}};
    size_t cells = uns_size_product(views->count + 1, sizeof(size_t));
    size_t replicas = uns_size_product(most_replicas(views), sizeof(int64_t));
    canvas.method = uns_allocate(context, cells);
    canvas.order = uns_allocate(context, cells);
    canvas.end = uns_allocate(context, uns_size_product(views->count + 1, sizeof(double)));
    canvas.steps = uns_allocate(context, replicas);
    canvas.room.taken = uns_allocate(context, BOXES * sizeof(uns_svg_box));
    bool complete =
        canvas.method && canvas.order && canvas.end && canvas.steps && canvas.room.taken;
    if (complete) {
        number_methods(&canvas);
        sort_cells(&canvas);
        find_margin(&canvas);
        draw(&canvas, caption);
    }
    uns_release(context, canvas.room.taken);
    uns_release(context, canvas.steps);
    uns_release(context, canvas.end);
    uns_release(context, canvas.order);
    uns_release(context, canvas.method);
    return complete ? UNS_OK : UNS_ERROR_MEMORY;
}

/* SPDX-License-Identifier: MIT
 * The table: a list of columns, each of which prints one cell. A column that no cell fills is
 * left out; where the width is short, columns go by weight until the rest fits.
 */
#include "base/base.h"
#include "report/parts.h"

#include <math.h>
#include <string.h>

enum {
    CELL_SIZE = 160,
    GAP = 2
};

typedef struct column {
    const char *over; /* heading shared with neighbours, "" none */
    const char *heading;
    int weight; /* the heaviest columns go last when width is short; 0: never goes */
    bool left;  /* aligned left */
    void (*print)(const uns_view *view, char *text); /* "" leaves the cell empty */
} column;

static void print_optimizer(const uns_view *view, char *text) {
    strcpy(text, view->name);
}

static void print_setting(const uns_view *view, char *text) {
    strcpy(text, view->setting);
}

static void print_eta(const uns_view *view, char *text) {
    strcpy(text, view->eta);
}

static void print_escaped(const uns_view *view, char *text) {
    if (view->escape)
        uns_number_share((double)view->result->escaped, (double)view->result->replicas, text);
}

static void print_mean(const uns_view *view, char *text) {
    if (view->escape)
        uns_number_steps(view->result->escape_mean.mean, text);
}

static void print_interval(const uns_view *view, char *text) {
    const uns_estimate *mean = &view->result->escape_mean;
    if (!view->escape || isnan(mean->low) || isnan(mean->high))
        return;
    char low[UNS_NUMBER_SIZE], high[UNS_NUMBER_SIZE];
    uns_number_steps(mean->low, low);
    uns_number_steps(mean->high, high);
    snprintf(text, CELL_SIZE, "[%s – %s]", low, high);
}

static void print_median(const uns_view *view, char *text) {
    if (view->escape)
        uns_number_steps(view->result->escape_median, text);
}

static void print_escape_theory(const uns_view *view, char *text) {
    if (view->escape && !isnan(view->result->escape_theory))
        uns_number_steps(view->result->escape_theory, text);
}

static void print_floor(const uns_view *view, char *text) {
    if (view->escape)
        uns_number_figures(view->result->floor.mean, 3, text);
}

static void print_floor_theory(const uns_view *view, char *text) {
    if (view->escape && !isnan(view->result->floor_theory))
        uns_number_figures(view->result->floor_theory, 3, text);
}

static void print_value(const uns_view *view, char *text) {
    if (!view->escape)
        uns_number_figures(view->result->final_value, 4, text);
}

static void print_accuracy(const uns_view *view, char *text) {
    if (!isnan(view->result->final_accuracy))
        snprintf(text, CELL_SIZE, "%.2f %%", 100 * view->result->final_accuracy);
}

static void print_stop(const uns_view *view, char *text) {
    const uns_result *result = view->result;
    if (result->diverged > 0 && result->diverged < result->replicas)
        snprintf(text, CELL_SIZE, "%lld diverged", (long long)result->diverged);
    else if (!uns_view_sound(view))
        strcpy(text, uns_stop_text(result->stop));
}

static const column columns[] = {
    {"", "optimizer", 0, true, print_optimizer},
    {"", "setting", 0, true, print_setting},
    {"", "η", 0, true, print_eta},
    {"", "escaped", 2, false, print_escaped},
    {"escape step", "mean", 3, false, print_mean},
    {"escape step", "[95 %]", 5, false, print_interval},
    {"escape step", "median", 0, false, print_median},
    {"escape step", "theory", 4, false, print_escape_theory},
    {"floor f − f*", "mean", 0, false, print_floor},
    {"floor f − f*", "theory", 4, false, print_floor_theory},
    {"", "final value", 0, false, print_value},
    {"", "accuracy", 0, false, print_accuracy},
    {"", "stopped", 1, true, print_stop},
};

enum {
    COLUMNS = UNS_COUNT_OF(columns)
};

typedef struct grid {
    size_t rows;
    size_t width[COLUMNS]; /* 0: left out */
    char (*text)[COLUMNS][CELL_SIZE];
} grid;

static void fill_grid(grid *grid, const uns_views *views) {
    for (size_t c = 0; c < COLUMNS; c++) {
        size_t widest = 0;
        bool any = false;
        for (size_t r = 0; r < grid->rows; r++) {
            char *text = grid->text[r][c];
            columns[c].print(&views->view[r], text);
            size_t width = uns_text_columns(text);
            widest = width > widest ? width : widest;
            any |= width > 0 && strcmp(text, "–") != 0;
        }
        size_t heading = uns_text_columns(columns[c].heading);
        grid->width[c] = !any ? 0 : widest > heading ? widest : heading;
    }
}

/* Columns from `from` on that stand under the same heading; their width with gaps. */
static size_t span_end(const grid *grid, size_t from, size_t *width) {
    size_t end = from;
    *width = 0;
    while (end < COLUMNS && strcmp(columns[end].over, columns[from].over) == 0) {
        if (grid->width[end])
            *width += grid->width[end] + (*width ? GAP : 0);
        end++;
    }
    return end;
}

/* The width the table takes, upper headings included. */
static size_t grid_width(const grid *grid) {
    size_t all = 0, width, end;
    for (size_t c = 0; c < COLUMNS; c = end) {
        end = span_end(grid, c, &width);
        size_t needed = uns_text_columns(columns[c].over);
        if (width)
            all += (width > needed ? width : needed) + (all ? GAP : 0);
    }
    return all;
}

/* Takes out the least weighty columns until `width` holds the rest, or only weight 0 is left.
 */
static void fit_grid(grid *grid, size_t width) {
    while (width > 0 && grid_width(grid) > width) {
        int weight = 0;
        for (size_t c = 0; c < COLUMNS; c++)
            if (grid->width[c] && columns[c].weight > weight)
                weight = columns[c].weight;
        if (weight == 0)
            return;
        for (size_t c = 0; c < COLUMNS; c++)
            if (columns[c].weight == weight)
                grid->width[c] = 0;
    }
}

static void write_blanks(size_t count, FILE *out) {
    for (size_t i = 0; i < count; i++)
        fputc(' ', out);
}

static void write_rule(size_t count, FILE *out) {
    for (size_t i = 0; i < count; i++)
        fputs("─", out);
}

/* Room for the upper headings: the last column under one takes what is missing. */
static void widen_spans(grid *grid) {
    size_t width, end;
    for (size_t c = 0; c < COLUMNS; c = end) {
        end = span_end(grid, c, &width);
        size_t needed = uns_text_columns(columns[c].over), last = end;
        while (last > c && !grid->width[last - 1])
            last--;
        if (width && width < needed)
            grid->width[last - 1] += needed - width;
    }
}

/* The upper headings, each centred in a rule over its columns. Nothing where there are
 * none. */
static void write_over(const grid *grid, FILE *out) {
    size_t pending = 0, width, end;
    bool any = false;
    for (size_t c = 0; c < COLUMNS; c = end) {
        end = span_end(grid, c, &width);
        size_t length = uns_text_columns(columns[c].over);
        if (!width || !length) {
            pending += width ? width + GAP : 0;
            continue;
        }
        size_t rule = width >= length + 4 ? width - length - 2 : 0;
        write_blanks(pending, out);
        write_rule(rule / 2, out);
        fprintf(out, rule ? " %s " : "%s", columns[c].over);
        write_rule(rule - rule / 2, out);
        pending = GAP + (rule ? 0 : width - length);
        any = true;
    }
    if (any)
        fputc('\n', out);
}

/* One line: `row` of the grid, or the headings for row == rows. No blanks at its end. */
static void write_line(const grid *grid, size_t row, FILE *out) {
    size_t pending = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        if (!grid->width[c])
            continue;
        const char *text = row < grid->rows ? grid->text[row][c] : columns[c].heading;
        size_t blanks = grid->width[c] - uns_text_columns(text);
        if (text[0]) {
            write_blanks(pending + (columns[c].left ? 0 : blanks), out);
            fputs(text, out);
            pending = GAP + (columns[c].left ? blanks : 0);
        } else {
            pending += blanks + GAP;
        }
    }
    fputc('\n', out);
}

uns_status uns_table_write(uns_context *context, const uns_views *views, size_t width,
                           FILE *out) {
    grid grid = {.rows = views->count};
    grid.text = uns_allocate(context, uns_size_product(views->count + 1, sizeof *grid.text));
    if (!grid.text)
        return UNS_ERROR_MEMORY;
    fill_grid(&grid, views);
    fit_grid(&grid, width);
    widen_spans(&grid);
    write_over(&grid, out);
    write_line(&grid, grid.rows, out);
    write_rule(grid_width(&grid), out);
    fputc('\n', out);
    for (size_t row = 0; row < grid.rows; row++)
        write_line(&grid, row, out);
    uns_release(context, grid.text);
    return UNS_OK;
}

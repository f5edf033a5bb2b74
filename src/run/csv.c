/* SPDX-License-Identifier: MIT
 * metrics.csv, escapes.csv and points.csv, written and read. An empty field is NaN, or "did not
 * escape".
 */
#include "run/csv.h"
#include "run/record.h"

#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char metrics_head[] = "label,step,value,gradient,escaped";
static const char escapes_head[] = "label,replica,step";
static const char points_head[] = "label,index,value";

char *uns_metrics_text(const uns_record *record) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%s\n", metrics_head);
    for (size_t i = 0; i < record->count; i++) {
        const uns_result *result = &record->results[i];
        for (size_t k = 0; k < result->rows; k++) {
            uns_csv_put_text(out, result->cell->label);
            fprintf(out, ",%lld", (long long)result->metrics[k].step);
            uns_csv_put_real(out, result->metrics[k].value);
            uns_csv_put_real(out, result->metrics[k].gradient);
            uns_csv_put_real(out, result->metrics[k].escaped);
            putc('\n', out);
        }
    }
    return uns_csv_close(out, &text);
}

char *uns_escapes_text(const uns_record *record) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%s\n", escapes_head);
    for (size_t i = 0; i < record->count; i++) {
        const uns_result *result = &record->results[i];
        for (int64_t r = 0; r < result->replicas; r++) {
            uns_csv_put_text(out, result->cell->label);
            fprintf(out, ",%lld,", (long long)(result->cell->settings.first_replica + r));
            if (result->escape_steps[r] > 0)
                fprintf(out, "%lld", (long long)result->escape_steps[r]);
            putc('\n', out);
        }
    }
    return uns_csv_close(out, &text);
}

char *uns_points_text(const uns_record *record) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%s\n", points_head);
    for (size_t i = 0; i < record->count; i++) {
        const uns_result *result = &record->results[i];
        for (size_t k = 0; k < result->dimension; k++) {
            uns_csv_put_text(out, result->cell->label);
            fprintf(out, ",%zu", k);
            uns_csv_put_real(out, result->point[k]);
            putc('\n', out);
        }
    }
    return uns_csv_close(out, &text);
}

/* The cell that a row belongs to, from `cell` on: rows stand in the order of the cells, and a
 * step that does not grow begins the next one. */
static uns_status find_cell(const uns_record *record, const uns_csv *t, int64_t step,
                            int64_t last, size_t *cell) {
    const uns_result *result = &record->results[*cell];
    if (*cell < record->count && strcmp(result->cell->label, t->field[0]) == 0 && step > last)
        return UNS_OK;
    while (++*cell < record->count)
        if (strcmp(record->results[*cell].cell->label, t->field[0]) == 0)
            return UNS_OK;
    return uns_csv_fail(t, "no such label in config.yaml, or out of order");
}

static uns_status add_row(uns_record *record, size_t cell, size_t most,
                          const uns_metric_row *row) {
    uns_result *result = &record->results[cell];
    if (!result->metrics)
        result->metrics =
            uns_allocate(record->context, uns_size_product(most, sizeof *result->metrics));
    if (!result->metrics)
        return UNS_ERROR_MEMORY;
    ((uns_metric_row *)result->metrics)[result->rows++] = *row;
    return UNS_OK;
}

/* A cell that ran to its end has all its rows. */
static uns_status check_rows(const uns_record *record, const char *path) {
    for (size_t i = 0; i < record->count; i++) {
        const uns_result *result = &record->results[i];
        const uns_settings *settings = &result->cell->settings;
        int64_t due = settings->records < settings->steps ? settings->records : settings->steps;
        if (result->stop == UNS_STOP_STEPS && (int64_t)result->rows != due)
            return uns_fail(record->context, UNS_ERROR_FORMAT,
                            "%s: %zu rows of '%s' instead of %lld", path, result->rows,
                            result->cell->label, (long long)due);
    }
    return UNS_OK;
}

uns_status uns_metrics_parse(uns_record *record, const char *path, const char *text) {
    uns_csv t = {.context = record->context, .path = path, .at = text, .count = 5};
    size_t cell = 0, most = uns_csv_lines(text) + 1;
    int64_t last = 0;
    UNS_TRY(uns_csv_open(&t, metrics_head));
    for (bool more;;) {
        uns_metric_row row;
        UNS_TRY(uns_csv_next(&t, &more));
        if (!more)
            return check_rows(record, path);
        UNS_TRY(uns_csv_count(&t, 1, &row.step));
        UNS_TRY(uns_csv_real(&t, 2, &row.value));
        UNS_TRY(uns_csv_real(&t, 3, &row.gradient));
        UNS_TRY(uns_csv_real(&t, 4, &row.escaped));
        UNS_TRY(find_cell(record, &t, row.step, last, &cell));
        UNS_TRY(add_row(record, cell, most, &row));
        last = row.step;
    }
}

static uns_status read_escape(uns_csv *t, const uns_result *result, int64_t replica,
                              int64_t *escape) {
    bool more;
    int64_t number;
    UNS_TRY(uns_csv_next(t, &more));
    if (!more)
        return uns_csv_fail(t, "the table ends too early");
    UNS_TRY(uns_csv_count(t, 1, &number));
    if (strcmp(result->cell->label, t->field[0]) != 0 || number != replica)
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: expected replica %lld of '%s'",
                        t->path, t->line, (long long)replica, result->cell->label);
    *escape = -1;
    return *t->field[2] ? uns_csv_count(t, 2, escape) : UNS_OK;
}

uns_status uns_escapes_parse(uns_record *record, const char *path, const char *text) {
    uns_csv t = {.context = record->context, .path = path, .at = text, .count = 3};
    UNS_TRY(uns_csv_open(&t, escapes_head));
    for (size_t i = 0; i < record->count; i++) {
        uns_result *result = &record->results[i];
        size_t n = (size_t)result->replicas;
        if (n > uns_csv_lines(text))
            return uns_fail(t.context, UNS_ERROR_FORMAT, "%s: the table ends too early", path);
        int64_t *steps = uns_allocate(record->context, uns_size_product(n + 1, sizeof *steps));
        if (!steps)
            return UNS_ERROR_MEMORY;
        result->escape_steps = steps;
        for (size_t r = 0; r < n; r++)
            UNS_TRY(read_escape(&t, result, result->cell->settings.first_replica + (int64_t)r,
                                &steps[r]));
    }
    return *t.at ? uns_csv_fail(&t, "more rows than config.yaml has replicas") : UNS_OK;
}

static uns_status read_coordinate(uns_csv *t, const uns_result *result, size_t k,
                                  double *value) {
    bool more;
    int64_t index;
    UNS_TRY(uns_csv_next(t, &more));
    if (!more)
        return uns_csv_fail(t, "the table ends too early");
    UNS_TRY(uns_csv_count(t, 1, &index));
    UNS_TRY(uns_csv_real(t, 2, value));
    if (strcmp(result->cell->label, t->field[0]) != 0 || index != (int64_t)k)
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: expected number %zu of '%s'",
                        t->path, t->line, k, result->cell->label);
    return isfinite(*value) ? UNS_OK : uns_csv_fail(t, "expected a finite number");
}

uns_status uns_points_parse(uns_record *record, const char *path, const char *text) {
    uns_csv t = {.context = record->context, .path = path, .at = text, .count = 3};
    UNS_TRY(uns_csv_open(&t, points_head));
    for (size_t i = 0; i < record->count; i++) {
        uns_result *result = &record->results[i];
        size_t n = result->dimension;
        if (n > uns_csv_lines(text))
            return uns_fail(t.context, UNS_ERROR_FORMAT, "%s: the table ends too early", path);
        double *point =
            n ? uns_allocate(record->context, uns_size_product(n, sizeof *point)) : NULL;
        if (n && !point)
            return UNS_ERROR_MEMORY;
        result->point = point;
        for (size_t k = 0; k < n; k++)
            UNS_TRY(read_coordinate(&t, result, k, &point[k]));
    }
    return *t.at ? uns_csv_fail(&t, "more rows than summary.json has parameters") : UNS_OK;
}

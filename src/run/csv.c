/* SPDX-License-Identifier: MIT
 * metrics.csv, escapes.csv and points.csv, written and read. Fields are quoted as in RFC 4180,
 * lines end in
 * "\n" (and may end in "\r\n" when read); an empty field is NaN, or "did not escape".
 */
#include "run/record.h"

#include "base/base.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIELDS_MAX = 5,
    FIELD_SIZE = 256 /* a label has 96 at most, twice that when quoted */
};

static const char metrics_head[] = "label,step,value,gradient,escaped";
static const char escapes_head[] = "label,replica,step";
static const char points_head[] = "label,index,value";

static void put_text(FILE *out, const char *text) {
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

static void put_real(FILE *out, double x) {
    char text[40] = "";
    if (!isnan(x))
        uns_real_to_text(x, text, sizeof text);
    fprintf(out, ",%s", text);
}

/* The finished text, or NULL when memory ran out under way. */
static char *close_text(FILE *out, char **text) {
    bool whole = !ferror(out);
    if (fclose(out) == 0 && whole)
        return *text;
    free(*text);
    return NULL;
}

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
            put_text(out, result->cell->label);
            fprintf(out, ",%lld", (long long)result->metrics[k].step);
            put_real(out, result->metrics[k].value);
            put_real(out, result->metrics[k].gradient);
            put_real(out, result->metrics[k].escaped);
            putc('\n', out);
        }
    }
    return close_text(out, &text);
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
            put_text(out, result->cell->label);
            fprintf(out, ",%lld,", (long long)(result->cell->settings.first_replica + r));
            if (result->escape_steps[r] > 0)
                fprintf(out, "%lld", (long long)result->escape_steps[r]);
            putc('\n', out);
        }
    }
    return close_text(out, &text);
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
            put_text(out, result->cell->label);
            fprintf(out, ",%zu", k);
            put_real(out, result->point[k]);
            putc('\n', out);
        }
    }
    return close_text(out, &text);
}

/* A table being read, one line in `field` at a time. */
typedef struct table {
    uns_context *context;
    const char *path, *at;
    size_t line, count;
    char field[FIELDS_MAX][FIELD_SIZE];
} table;

static uns_status fail_line(const table *t, const char *what) {
    return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: %s", t->path, t->line, what);
}

/* One field, unquoted; *at ends on the comma, the line's end or the NUL. False: malformed. */
static bool read_field(const char **at, char field[FIELD_SIZE]) {
    size_t n = 0;
    bool quoted = **at == '"';
    for (*at += quoted; **at; (*at)++) {
        if (quoted && **at == '"' && *++*at != '"') {
            quoted = false;
            break;
        }
        if (!quoted && strchr(",\r\n", **at))
            break;
        if (n + 1 == FIELD_SIZE)
            return false;
        field[n++] = **at;
    }
    field[n] = '\0';
    return !quoted && (!**at || strchr(",\r\n", **at));
}

/* The next line into the fields; *more false at the end of the text. */
static uns_status read_line(table *t, bool *more) {
    t->line++;
    *more = *t->at != '\0';
    for (size_t i = 0; *more && i < t->count; i++) {
        if (!read_field(&t->at, t->field[i]))
            return fail_line(t, "malformed field");
        if (*t->at == ',' && i + 1 < t->count)
            t->at++;
        else if (i + 1 < t->count)
            return fail_line(t, "too few fields");
    }
    t->at += *t->at == '\r';
    if (*t->at == '\n')
        t->at++;
    else if (*t->at)
        return fail_line(t, "too many fields");
    return UNS_OK;
}

static uns_status open_table(table *t, const char *head) {
    size_t length = strlen(head);
    t->line = 1;
    if (strncmp(t->at, head, length) != 0 || !strchr("\r\n", t->at[length]))
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:1: expected the line '%s'", t->path,
                        head);
    if (t->at[strlen(t->at) - 1] != '\n')
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s: the last line is cut off", t->path);
    t->at += length;
    t->at += *t->at == '\r';
    t->at += *t->at == '\n';
    return UNS_OK;
}

static uns_status read_step(const table *t, size_t column, int64_t *step) {
    char *end;
    const char *text = t->field[column];
    *step = strtoll(text, &end, 10);
    if (!*text || *end || *step < 0)
        return fail_line(t, "expected a whole number");
    return UNS_OK;
}

static uns_status read_real(const table *t, size_t column, double *value) {
    *value = NAN;
    if (*t->field[column] && !uns_text_to_real(t->field[column], value))
        return fail_line(t, "expected a number");
    return UNS_OK;
}

static size_t count_lines(const char *text) {
    size_t lines = 0;
    for (; (text = strchr(text, '\n')); text++)
        lines++;
    return lines;
}

/* The cell that a row belongs to, from `cell` on: rows stand in the order of the cells, and a
 * step that does not grow begins the next one. */
static uns_status find_cell(const uns_record *record, const table *t, int64_t step,
                            int64_t last, size_t *cell) {
    const uns_result *result = &record->results[*cell];
    if (*cell < record->count && strcmp(result->cell->label, t->field[0]) == 0 && step > last)
        return UNS_OK;
    while (++*cell < record->count)
        if (strcmp(record->results[*cell].cell->label, t->field[0]) == 0)
            return UNS_OK;
    return fail_line(t, "no such label in config.yaml, or out of order");
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
    table t = {.context = record->context, .path = path, .at = text, .count = 5};
    size_t cell = 0, most = count_lines(text) + 1;
    int64_t last = 0;
    UNS_TRY(open_table(&t, metrics_head));
    for (bool more;;) {
        uns_metric_row row;
        UNS_TRY(read_line(&t, &more));
        if (!more)
            return check_rows(record, path);
        UNS_TRY(read_step(&t, 1, &row.step));
        UNS_TRY(read_real(&t, 2, &row.value));
        UNS_TRY(read_real(&t, 3, &row.gradient));
        UNS_TRY(read_real(&t, 4, &row.escaped));
        UNS_TRY(find_cell(record, &t, row.step, last, &cell));
        UNS_TRY(add_row(record, cell, most, &row));
        last = row.step;
    }
}

static uns_status read_escape(table *t, const uns_result *result, int64_t replica,
                              int64_t *escape) {
    bool more;
    int64_t number;
    UNS_TRY(read_line(t, &more));
    if (!more)
        return fail_line(t, "the table ends too early");
    UNS_TRY(read_step(t, 1, &number));
    if (strcmp(result->cell->label, t->field[0]) != 0 || number != replica)
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: expected replica %lld of '%s'",
                        t->path, t->line, (long long)replica, result->cell->label);
    *escape = -1;
    return *t->field[2] ? read_step(t, 2, escape) : UNS_OK;
}

uns_status uns_escapes_parse(uns_record *record, const char *path, const char *text) {
    table t = {.context = record->context, .path = path, .at = text, .count = 3};
    UNS_TRY(open_table(&t, escapes_head));
    for (size_t i = 0; i < record->count; i++) {
        uns_result *result = &record->results[i];
        size_t n = (size_t)result->replicas;
        if (n > count_lines(text))
            return uns_fail(t.context, UNS_ERROR_FORMAT, "%s: the table ends too early", path);
        int64_t *steps = uns_allocate(record->context, uns_size_product(n + 1, sizeof *steps));
        if (!steps)
            return UNS_ERROR_MEMORY;
        result->escape_steps = steps;
        for (size_t r = 0; r < n; r++)
            UNS_TRY(read_escape(&t, result, result->cell->settings.first_replica + (int64_t)r,
                                &steps[r]));
    }
    return *t.at ? fail_line(&t, "more rows than config.yaml has replicas") : UNS_OK;
}

static uns_status read_coordinate(table *t, const uns_result *result, size_t k, double *value) {
    bool more;
    int64_t index;
    UNS_TRY(read_line(t, &more));
    if (!more)
        return fail_line(t, "the table ends too early");
    UNS_TRY(read_step(t, 1, &index));
    UNS_TRY(read_real(t, 2, value));
    if (strcmp(result->cell->label, t->field[0]) != 0 || index != (int64_t)k)
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: expected number %zu of '%s'",
                        t->path, t->line, k, result->cell->label);
    return isfinite(*value) ? UNS_OK : fail_line(t, "expected a finite number");
}

uns_status uns_points_parse(uns_record *record, const char *path, const char *text) {
    table t = {.context = record->context, .path = path, .at = text, .count = 3};
    UNS_TRY(open_table(&t, points_head));
    for (size_t i = 0; i < record->count; i++) {
        uns_result *result = &record->results[i];
        size_t n = result->dimension;
        if (n > count_lines(text))
            return uns_fail(t.context, UNS_ERROR_FORMAT, "%s: the table ends too early", path);
        double *point =
            n ? uns_allocate(record->context, uns_size_product(n, sizeof *point)) : NULL;
        if (n && !point)
            return UNS_ERROR_MEMORY;
        result->point = point;
        for (size_t k = 0; k < n; k++)
            UNS_TRY(read_coordinate(&t, result, k, &point[k]));
    }
    return *t.at ? fail_line(&t, "more rows than summary.json has parameters") : UNS_OK;
}

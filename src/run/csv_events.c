/* SPDX-License-Identifier: MIT
 * readings.csv and episodes.csv, written and read: rows of one struct each, told by a list of
 * columns. Where there were none, the head line stands alone.
 */
#include "run/csv.h"
#include "run/record.h"

#include "base/base.h"

#include <stdlib.h>
#include <string.h>

typedef enum kind {
    KIND_COUNT,   /* int64_t >= 0 */
    KIND_LATER,   /* int64_t, empty for -1 */
    KIND_REAL,    /* double, empty for NaN */
    KIND_FLAG,    /* bool, 0 or 1 */
    KIND_VERDICT, /* uns_verdict, in words */
    KIND_ASSURANCE,
    KIND_RUNG /* empty for UNS_RUNG_BEST: none */
} kind;

typedef struct column {
    kind kind;
    size_t offset;
} column;

/* One kind of row and where its rows are. */
typedef struct events {
    const char *head;
    size_t size, count;
    const column *columns;
    size_t (*rows)(const uns_result *result);
    const void *(*row)(const uns_result *result);
    void (*keep)(uns_result *result, const void *rows);
} events;

#define AT(kind, field)                                                                        \
    { KIND_##kind, offsetof(uns_reading, field) }
static const column reading_columns[] = {
    AT(COUNT, replica), AT(COUNT, step),     AT(REAL, value),        AT(REAL, gradient),
    AT(REAL, noise),    AT(REAL, curvature), AT(REAL, residual),     AT(REAL, along),
    AT(REAL, drop),     AT(REAL, leave[0]),  AT(REAL, leave[1]),     AT(REAL, leave[2]),
    AT(COUNT, doubts),  AT(RUNG, rung),      AT(REAL, product_error)};
#undef AT
#define AT(kind, field)                                                                        \
    { KIND_##kind, offsetof(uns_episode, field) }
static const column episode_columns[] = {
    AT(COUNT, replica), AT(COUNT, step),        AT(REAL, value),      AT(REAL, norm),
    AT(REAL, gradient), AT(REAL, noise),        AT(VERDICT, verdict), AT(REAL, low),
    AT(REAL, high),     AT(REAL, curvature),    AT(REAL, drop),       AT(REAL, leave[0]),
    AT(REAL, leave[1]), AT(REAL, leave[2]),     AT(COUNT, doubts),    AT(FLAG, acted),
    AT(REAL, length),   AT(REAL, decrease),     AT(LATER, left),      AT(ASSURANCE, assurance),
    AT(RUNG, rung),     AT(REAL, product_error)};
#undef AT

_Static_assert(UNS_COUNT_OF(reading_columns) < UNS_CSV_FIELDS &&
                   UNS_COUNT_OF(episode_columns) < UNS_CSV_FIELDS,
               "a row and its label fit the fields of a line");

static size_t reading_rows(const uns_result *result) {
    return result->readings;
}

static const void *reading_row(const uns_result *result) {
    return result->reading;
}

static void keep_readings(uns_result *result, const void *rows) {
    result->reading = rows;
}

static size_t episode_rows(const uns_result *result) {
    return result->episodes;
}

static const void *episode_row(const uns_result *result) {
    return result->episode;
}

static void keep_episodes(uns_result *result, const void *rows) {
    result->episode = rows;
}

static const events readings = {
    "label,replica,step,value,gradient,noise,curvature,residual,along,drop,leave_05,leave_50,"
    "leave_95,doubts,rung,product_error",
    sizeof(uns_reading),
    UNS_COUNT_OF(reading_columns),
    reading_columns,
    reading_rows,
    reading_row,
    keep_readings};

static const events episodes = {
    "label,replica,step,value,norm,gradient,noise,verdict,low,high,curvature,drop,leave_05,"
    "leave_50,leave_95,doubts,acted,length,decrease,left,assurance,rung,product_error",
    sizeof(uns_episode),
    UNS_COUNT_OF(episode_columns),
    episode_columns,
    episode_rows,
    episode_row,
    keep_episodes};

/* The word for a value of an enum; NULL beyond its last. */
static const char *word_of(kind kind, int value) {
    switch (kind) {
    case KIND_VERDICT:
        return value < UNS_VERDICT_COUNT ? uns_verdict_text((uns_verdict)value) : NULL;
    case KIND_ASSURANCE:
        return value < UNS_ASSURANCE_COUNT ? uns_assurance_text((uns_assurance)value) : NULL;
    case KIND_RUNG:
        return value < UNS_RUNG_COUNT ? uns_rung_text((uns_rung)value) : NULL;
    default:
        return NULL;
    }
}

/* Enums are ints, by the ABI of every platform here; a table of columns needs that. */
_Static_assert(sizeof(uns_verdict) == sizeof(int) && sizeof(uns_assurance) == sizeof(int) &&
                   sizeof(uns_rung) == sizeof(int),
               "columns of words are ints");

static void put_field(FILE *out, const column *column, const char *row) {
    const void *field = row + column->offset;
    long long count = 0;
    switch (column->kind) {
    case KIND_REAL:
        uns_csv_put_real(out, *(const double *)field);
        return;
    case KIND_VERDICT:
    case KIND_ASSURANCE:
    case KIND_RUNG: {
        int value = *(const int *)field;
        fprintf(out, ",%s", value < 0 ? "" : word_of(column->kind, value));
        return;
    }
    case KIND_FLAG:
        count = *(const bool *)field;
        break;
    case KIND_COUNT:
    case KIND_LATER:
        count = *(const int64_t *)field;
    }
    if (column->kind == KIND_LATER && count < 0)
        putc(',', out);
    else
        fprintf(out, ",%lld", count);
}

static char *write_events(const uns_record *record, const events *events) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%s\n", events->head);
    for (size_t i = 0; i < record->count; i++) {
        const uns_result *result = &record->results[i];
        const char *row = events->row(result);
        for (size_t k = 0; k < events->rows(result); k++, row += events->size) {
            uns_csv_put_text(out, result->cell->label);
            for (size_t c = 0; c < events->count; c++)
                put_field(out, &events->columns[c], row);
            putc('\n', out);
        }
    }
    return uns_csv_close(out, &text);
}

char *uns_readings_text(const uns_record *record) {
    return write_events(record, &readings);
}

char *uns_episodes_text(const uns_record *record) {
    return write_events(record, &episodes);
}

static uns_status read_word(const uns_csv *t, size_t field, kind kind, int *value) {
    if (kind == KIND_RUNG && !*t->field[field]) {
        *value = UNS_RUNG_BEST;
        return UNS_OK;
    }
    const char *word;
    for (int i = 0; (word = word_of(kind, i)) != NULL; i++)
        if (strcmp(t->field[field], word) == 0) {
            *value = i;
            return UNS_OK;
        }
    return uns_csv_fail(t, kind == KIND_VERDICT     ? "expected a verdict"
                           : kind == KIND_ASSURANCE ? "expected what stands behind a verdict"
                                                    : "expected where products come from");
}

static uns_status read_field(const uns_csv *t, size_t field, const column *column, char *row) {
    void *place = row + column->offset;
    int64_t count = -1;
    if (column->kind == KIND_REAL)
        return uns_csv_real(t, field, place);
    if (column->kind >= KIND_VERDICT)
        return read_word(t, field, column->kind, place);
    if (column->kind != KIND_LATER || *t->field[field])
        UNS_TRY(uns_csv_count(t, field, &count));
    if (column->kind == KIND_FLAG)
        *(bool *)place = count != 0;
    else
        *(int64_t *)place = count;
    return UNS_OK;
}

static uns_status read_row(uns_csv *t, const uns_result *result, const events *events,
                           char *row) {
    bool more;
    UNS_TRY(uns_csv_next(t, &more));
    if (!more)
        return uns_csv_fail(t, "the table ends too early");
    if (strcmp(result->cell->label, t->field[0]) != 0)
        return uns_fail(t->context, UNS_ERROR_FORMAT, "%s:%zu: expected a row of '%s'", t->path,
                        t->line, result->cell->label);
    for (size_t c = 0; c < events->count; c++)
        UNS_TRY(read_field(t, c + 1, &events->columns[c], row));
    return UNS_OK;
}

static uns_status read_events(uns_record *record, const char *path, const char *text,
                              const events *events) {
    uns_csv t = {
        .context = record->context, .path = path, .at = text, .count = events->count + 1};
    UNS_TRY(uns_csv_open(&t, events->head));
    for (size_t i = 0; i < record->count; i++) {
        uns_result *result = &record->results[i];
        size_t n = events->rows(result);
        if (n > uns_csv_lines(text))
            return uns_fail(t.context, UNS_ERROR_FORMAT, "%s: the table ends too early", path);
        char *rows = uns_allocate(record->context, uns_size_product(n + 1, events->size));
        if (!rows)
            return UNS_ERROR_MEMORY;
        events->keep(result, rows);
        for (size_t k = 0; k < n; k++)
            UNS_TRY(read_row(&t, result, events, rows + k * events->size));
    }
    return *t.at ? uns_csv_fail(&t, "more rows than summary.json counts") : UNS_OK;
}

uns_status uns_readings_parse(uns_record *record, const char *path, const char *text) {
    return read_events(record, path, text, &readings);
}

uns_status uns_episodes_parse(uns_record *record, const char *path, const char *text) {
    return read_events(record, path, text, &episodes);
}

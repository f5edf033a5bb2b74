/* SPDX-License-Identifier: MIT
 * summary.json: one result as a JSON object, and back. Every figure has 17 digits, so that it
 * reads back to the same bits; NaN is null. What the keys mean: docs/record.md.
 */
#include "run/record.h"

#include "base/base.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *encode_number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *encode_pair(double low, double high) {
    return json_pack("[o,o]", encode_number(low), encode_number(high));
}

static json_t *encode_escape(const uns_result *r) {
    const double *q = r->escape_quantile;
    return json_pack(
        "{s:o,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o}}", "mean", encode_number(r->escape_mean.mean),
        "median", encode_number(r->escape_median), "ci95",
        encode_pair(r->escape_mean.low, r->escape_mean.high), "median_ci95",
        encode_pair(r->escape_median_low, r->escape_median_high), "deviation",
        encode_number(r->escape_deviation), "quantiles", "0.05", encode_number(q[0]), "0.25",
        encode_number(q[1]), "0.75", encode_number(q[2]), "0.95", encode_number(q[3]));
}

static json_t *encode_structure(const uns_structure_report *of) {
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "matrices", (json_int_t)of->dense,
                     "diagonal", (json_int_t)of->diagonal, "largest", (json_int_t)of->largest,
                     "columns", (json_int_t)of->rank, "bytes", (json_int_t)of->bytes, "roots",
                     (json_int_t)of->roots, "root_error", encode_number(of->error),
                     "root_seconds", encode_number(of->seconds));
}

/* Counts of the episodes. */
static json_t *encode_stalls(const uns_result *r) {
    json_int_t saddles = 0, acted = 0, left = 0;
    for (size_t i = 0; i < r->episodes; i++) {
        saddles += r->episode[i].verdict == UNS_VERDICT_SADDLE;
        acted += r->episode[i].acted;
        left += r->episode[i].left >= 0;
    }
    return json_pack("{s:I,s:I,s:I,s:I}", "episodes", (json_int_t)r->episodes, "saddles",
                     saddles, "acted", acted, "left", left);
}

json_t *uns_summary_encode(const uns_result *r) {
    const uns_cell *cell = r->cell;
    return json_pack(
        "{s:s,s:s,s:o,s:I,s:I,s:o,s:{s:o,s:o},s:{s:o,s:o,s:I,s:I,s:I},s:{s:o,s:o},s:o,s:I,s:o,"
        "s:o,s:o,"
        "s:s}",
        "optimizer", cell->preset, "label", cell->label, "eta", encode_number(cell->spec.eta),
        "replicas", (json_int_t)r->replicas, "escaped", (json_int_t)r->escaped, "escape_steps",
        encode_escape(r), "floor", "mean", encode_number(r->floor.mean), "ci95",
        encode_pair(r->floor.low, r->floor.high), "final", "value",
        encode_number(r->final_value), "accuracy", encode_number(r->final_accuracy), "steps",
        (json_int_t)r->steps, "diverged", (json_int_t)r->diverged, "parameters",
        (json_int_t)r->dimension, "theory", "escape_median", encode_number(r->escape_theory),
        "floor", encode_number(r->floor_theory), "structure", encode_structure(&r->structure),
        "readings", (json_int_t)r->readings, "stalls", encode_stalls(r), "steps_per_second",
        encode_number(r->steps_per_second), "wall_s", encode_number(r->wall_s), "stop",
        uns_stop_text(r->stop));
}

uns_status uns_record_summary(uns_context *context, const uns_record *record, char **json) {
    json_t *runs = json_array(), *root;
    for (size_t i = 0; i < record->count; i++)
        json_array_append_new(runs, uns_summary_encode(&record->results[i]));
    root = json_pack("{s:s,s:o}", "version", UNS_VERSION, "runs", runs);
    char *text = NULL;
    if (root && json_array_size(runs) == record->count)
        text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    char *line = text ? realloc(text, strlen(text) + 2) : NULL;
    if (!line) {
        free(text);
        return uns_fail(context, UNS_ERROR_MEMORY, "the summary could not be made");
    }
    *json = strcat(line, "\n");
    return UNS_OK;
}

/* A reader walks an object and keeps the first complaint. */
typedef struct reader {
    uns_context *context;
    const char *place;
    uns_status status;
} reader;

static const json_t *look(reader *reader, const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value && reader->status == UNS_OK)
        reader->status = uns_fail(reader->context, UNS_ERROR_FORMAT, "%s: '%s' is missing",
                                  reader->place, key);
    return value;
}

static void complain(reader *reader, const char *key, const char *expected) {
    if (reader->status == UNS_OK)
        reader->status = uns_fail(reader->context, UNS_ERROR_FORMAT, "%s: '%s' should be %s",
                                  reader->place, key, expected);
}

static double decode_number(reader *reader, const json_t *object, const char *key) {
    const json_t *value = look(reader, object, key);
    if (json_is_number(value))
        return json_number_value(value);
    if (!json_is_null(value))
        complain(reader, key, "a number or null");
    return NAN;
}

static int64_t decode_count(reader *reader, const json_t *object, const char *key) {
    const json_t *value = look(reader, object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        complain(reader, key, "a whole number");
        return 0;
    }
    return json_integer_value(value);
}

static const json_t *decode_object(reader *reader, const json_t *object, const char *key) {
    const json_t *value = look(reader, object, key);
    if (!json_is_object(value))
        complain(reader, key, "an object");
    return value;
}

static const char *decode_text(reader *reader, const json_t *object, const char *key) {
    const json_t *value = look(reader, object, key);
    if (!json_is_string(value))
        complain(reader, key, "a string");
    return json_is_string(value) ? json_string_value(value) : "";
}

static void decode_pair(reader *reader, const json_t *object, const char *key, double *low,
                        double *high) {
    const json_t *value = look(reader, object, key);
    const json_t *ends[2] = {json_array_get(value, 0), json_array_get(value, 1)};
    double *out[2] = {low, high};
    for (int i = 0; i < 2; i++) {
        *out[i] = json_is_number(ends[i]) ? json_number_value(ends[i]) : NAN;
        if (!json_is_number(ends[i]) && !json_is_null(ends[i]))
            complain(reader, key, "a pair of numbers or nulls");
    }
}

static void decode_escape(reader *reader, const json_t *object, uns_result *r) {
    static const char *const keys[4] = {"0.05", "0.25", "0.75", "0.95"};
    r->escape_mean.mean = decode_number(reader, object, "mean");
    decode_pair(reader, object, "ci95", &r->escape_mean.low, &r->escape_mean.high);
    r->escape_median = decode_number(reader, object, "median");
    decode_pair(reader, object, "median_ci95", &r->escape_median_low, &r->escape_median_high);
    r->escape_deviation = decode_number(reader, object, "deviation");
    const json_t *quantiles = decode_object(reader, object, "quantiles");
    for (size_t i = 0; i < UNS_COUNT_OF(keys); i++)
        r->escape_quantile[i] = decode_number(reader, quantiles, keys[i]);
}

static void decode_stop(reader *reader, const json_t *object, uns_result *r) {
    const char *text = decode_text(reader, object, "stop");
    for (int i = 0; i < UNS_STOP_COUNT; i++)
        if (strcmp(text, uns_stop_text((uns_stop)i)) == 0) {
            r->stop = (uns_stop)i;
            return;
        }
    complain(reader, "stop", "a stop reason");
}

static void decode_parts(reader *reader, const json_t *run, uns_result *r) {
    decode_escape(reader, decode_object(reader, run, "escape_steps"), r);
    const json_t *part = decode_object(reader, run, "floor");
    r->floor.mean = decode_number(reader, part, "mean");
    decode_pair(reader, part, "ci95", &r->floor.low, &r->floor.high);
    part = decode_object(reader, run, "final");
    r->final_value = decode_number(reader, part, "value");
    r->final_accuracy = decode_number(reader, part, "accuracy");
    r->steps = decode_count(reader, part, "steps");
    r->diverged = decode_count(reader, part, "diverged");
    r->dimension = (size_t)decode_count(reader, part, "parameters");
    part = decode_object(reader, run, "theory");
    r->escape_theory = decode_number(reader, part, "escape_median");
    r->floor_theory = decode_number(reader, part, "floor");
    r->readings = (size_t)decode_count(reader, run, "readings");
    part = decode_object(reader, run, "stalls");
    r->episodes = (size_t)decode_count(reader, part, "episodes");
}

static void decode_structure(reader *reader, const json_t *of, uns_structure_report *out) {
    out->dense = (size_t)decode_count(reader, of, "matrices");
    out->diagonal = (size_t)decode_count(reader, of, "diagonal");
    out->largest = (size_t)decode_count(reader, of, "largest");
    out->rank = (size_t)decode_count(reader, of, "columns");
    out->bytes = (size_t)decode_count(reader, of, "bytes");
    out->roots = (uint64_t)decode_count(reader, of, "roots");
    out->error = decode_number(reader, of, "root_error");
    out->seconds = decode_number(reader, of, "root_seconds");
}

uns_status uns_summary_decode(uns_context *context, const json_t *run, const char *place,
                              uns_result *r) {
    reader reader = {context, place, UNS_OK};
    if (strcmp(decode_text(&reader, run, "label"), r->cell->label) != 0)
        complain(&reader, "label", "that of the cell in config.yaml");
    r->replicas = decode_count(&reader, run, "replicas");
    if (r->replicas != r->cell->settings.replicas)
        complain(&reader, "replicas", "as many as in config.yaml");
    r->escaped = decode_count(&reader, run, "escaped");
    decode_parts(&reader, run, r);
    decode_structure(&reader, decode_object(&reader, run, "structure"), &r->structure);
    r->steps_per_second = decode_number(&reader, run, "steps_per_second");
    r->wall_s = decode_number(&reader, run, "wall_s");
    decode_stop(&reader, run, r);
    return reader.status;
}

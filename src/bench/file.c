/* SPDX-License-Identifier: MIT
 * The bench's JSON: rows and machine out, an earlier file's rows in.
 */
#include "bench/bench.h"

#include "base/base.h"
#include "base/machine.h"

#include <jansson.h>
#include <math.h>
#include <string.h>
#include <time.h>

static const char format[] = "unsaddle-bench-1";

/* NaN is null: JSON has no other word for it. */
static json_t *encode_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *encode_time(uns_bench_time time) {
    return json_pack("{s:o,s:o}", "best", encode_real(time.best), "median",
                     encode_real(time.median));
}

static json_t *encode_row(const uns_bench_row *row) {
    return json_pack(
        "{s:s,s:I,s:I,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rule",
        row->rule, "tensors", (json_int_t)row->tensors, "length", (json_int_t)row->length,
        "threads", row->threads, "bytes", encode_real(row->bytes), "warm",
        encode_time(row->warm), "cold", encode_time(row->cold), "limit_warm",
        encode_time(row->limit_warm), "limit_cold", encode_time(row->limit_cold), "checked",
        encode_time(row->checked), "apart", encode_time(row->apart), "share",
        encode_real(row->share), "share_checked", encode_real(row->share_checked),
        "share_apart", encode_real(row->share_apart), "wide", encode_time(row->wide),
        "share_wide", encode_real(row->share_wide), "subnormal", encode_time(row->faint),
        "share_subnormal", encode_real(row->share_faint));
}

static json_t *encode_dense(const uns_bench_dense_row *row) {
    return json_pack("{s:s,s:I,s:I,s:i,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rule",
                     row->rule, "rows", (json_int_t)row->rows, "cols", (json_int_t)row->cols,
                     "threads", row->threads, "state_bytes", (json_int_t)row->state, "steps",
                     (json_int_t)row->steps, "roots", (json_int_t)row->roots, "step_s",
                     encode_real(row->step), "least_s", encode_real(row->least), "root_share",
                     encode_real(row->root_share), "gemm_s", encode_real(row->gemm), "read_s",
                     encode_real(row->read), "step_gemms", encode_real(row->step_gemms),
                     "least_reads", encode_real(row->least_reads));
}

static json_t *encode(const uns_bench *bench) {
    char cpu[256], date[32] = "unknown";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    uns_machine_cpu(cpu, sizeof cpu);
    json_t *rows = json_array();
    for (size_t i = 0; rows && i < bench->row_count; i++)
        json_array_append_new(rows, bench->dense ? encode_dense(&bench->dense[i])
                                                 : encode_row(&bench->rows[i]));
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "format", format, "version",
                     UNS_VERSION, "values", bench->values, "date", date, "cpu", cpu, "isa",
                     uns_context_isa(bench->context), "blas", uns_context_blas(NULL), "unit",
                     bench->dense ? "s" : "ns a parameter", bench->dense ? "dense" : "rows",
                     rows);
}

uns_status uns_bench_json(const uns_bench *bench, char **json) {
    json_t *root = encode(bench);
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(root);
    if (!text)
        return uns_fail(bench->context, UNS_ERROR_MEMORY, "out of memory");
    *json = text;
    return UNS_OK;
}

static bool is_whole(const json_t *object, const char *key, size_t value) {
    const json_t *number = json_object_get(object, key);
    return json_is_integer(number) && json_integer_value(number) == (json_int_t)value;
}

static bool is_row(const json_t *earlier, const uns_bench_row *row) {
    const char *rule = json_string_value(json_object_get(earlier, "rule"));
    return rule && strcmp(rule, row->rule) == 0 && is_whole(earlier, "tensors", row->tensors) &&
           is_whole(earlier, "length", row->length) &&
           is_whole(earlier, "threads", (size_t)row->threads);
}

static void fill_before(uns_bench_row *row, const json_t *rows) {
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *earlier = json_array_get(rows, i);
        const json_t *best = json_object_get(json_object_get(earlier, "warm"), "best");
        if (is_row(earlier, row) && json_is_number(best))
            row->before = json_number_value(best);
    }
}

/* Rows of other values are other rules by the same name. */
static uns_status check_values(const uns_bench *bench, const char *path, const json_t *root) {
    const char *values = json_string_value(json_object_get(root, "values"));
    if (strcmp(values ? values : "", bench->values) == 0)
        return UNS_OK;
    return uns_fail(bench->context, UNS_ERROR_PAIR,
                    "%s: its rules were timed with '%s' over them, these are with '%s'", path,
                    values ? values : "", bench->values);
}

static uns_status fill_all_before(uns_bench *bench, const char *path, const json_t *root,
                                  size_t *found) {
    const char *kind = json_string_value(json_object_get(root, "format"));
    const json_t *rows = json_object_get(root, "rows");
    if (!kind || strcmp(kind, format) != 0 || !json_is_array(rows))
        return uns_fail(bench->context, UNS_ERROR_FORMAT,
                        "%s: not what 'unsaddle bench --json' writes (%s)", path, format);
    UNS_TRY(check_values(bench, path, root));
    *found = 0;
    for (size_t i = 0; i < bench->row_count; i++) {
        fill_before(&bench->rows[i], rows);
        *found += isfinite(bench->rows[i].before);
    }
    return UNS_OK;
}

uns_status uns_bench_compare(uns_bench *bench, const char *path, size_t *found) {
    json_error_t error;
    if (bench->dense)
        return uns_fail(bench->context, UNS_ERROR_UNAVAILABLE,
                        "bench: the dense part is not compared with earlier files");
    json_t *root = json_load_file(path, 0, &error);
    if (!root && error.line <= 0)
        return uns_fail(bench->context, UNS_ERROR_IO, "%s: %s", path, error.text);
    if (!root)
        return uns_fail(bench->context, UNS_ERROR_FORMAT, "%s:%d:%d: %s", path, error.line,
                        error.column, error.text);
    const uns_status status = fill_all_before(bench, path, root, found);
    json_decref(root);
    return status;
}

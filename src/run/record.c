/* SPDX-License-Identifier: MIT
 * The record object, and the whole run directory written and read back. The single files are
 * summary.c, csv.c and meta.c; how they reach the disk is folder.c.
 */
#include "run/record.h"

#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uns_estimate unknown = {NAN, NAN, NAN};

static void reset_result(uns_result *result) {
    *result = (uns_result){.escape_mean = unknown, .floor = unknown};
    result->escape_median = result->escape_median_low = result->escape_median_high = NAN;
    for (size_t i = 0; i < UNS_COUNT_OF(result->escape_quantile); i++)
        result->escape_quantile[i] = NAN;
    result->escape_deviation = result->escape_theory = result->floor_theory = NAN;
    result->final_value = result->final_accuracy = NAN;
}

uns_status uns_record_create(uns_context *context, size_t count, const char *text,
                             uns_record **out) {
    uns_record *record = uns_allocate(context, sizeof *record);
    if (!record)
        return UNS_ERROR_MEMORY;
    record->context = context;
    record->count = count;
    record->results = uns_allocate(context, uns_size_product(count + 1, sizeof(uns_result)));
    record->config = uns_allocate(context, strlen(text) + 1);
    if (!record->results || !record->config) {
        record->count = 0;
        uns_record_destroy(record);
        return UNS_ERROR_MEMORY;
    }
    memcpy(record->config, text, strlen(text) + 1);
    for (size_t i = 0; i < count; i++)
        reset_result(&record->results[i]);
    *out = record;
    return UNS_OK;
}

void uns_record_destroy(uns_record *record) {
    if (!record)
        return;
    for (size_t i = 0; i < record->count; i++) {
        uns_release(record->context, (void *)record->results[i].metrics);
        uns_release(record->context, (void *)record->results[i].escape_steps);
        uns_release(record->context, (void *)record->results[i].point);
        uns_release(record->context, (void *)record->results[i].reading);
        uns_release(record->context, (void *)record->results[i].episode);
    }
    if (record->plan)
        uns_plan_destroy(record->plan);
    free(record->meta);
    uns_release(record->context, record->results);
    uns_release(record->context, record->config);
    uns_release(record->context, record);
}

size_t uns_record_count(const uns_record *record) {
    return record->count;
}

const uns_result *uns_record_result(const uns_record *record, size_t index) {
    return index < record->count ? &record->results[index] : NULL;
}

uns_status uns_record_write(uns_context *context, const uns_record *record,
                            const char *folder) {
    char *meta = record->meta ? NULL : uns_meta_text(record);
    char *metrics = uns_metrics_text(record), *escapes = uns_escapes_text(record);
    char *points = uns_points_text(record), *summary = NULL;
    char *readings = uns_readings_text(record), *episodes = uns_episodes_text(record);
    uns_status status = uns_record_summary(context, record, &summary);
    const char *texts[UNS_FILE_COUNT] = {[UNS_FILE_CONFIG] = record->config,
                                         [UNS_FILE_META] = record->meta ? record->meta : meta,
                                         [UNS_FILE_METRICS] = metrics,
                                         [UNS_FILE_ESCAPES] = escapes,
                                         [UNS_FILE_POINTS] = points,
                                         [UNS_FILE_READINGS] = readings,
                                         [UNS_FILE_EPISODES] = episodes,
                                         [UNS_FILE_SUMMARY] = summary};
    for (int i = 0; i < UNS_FILE_COUNT && status == UNS_OK; i++)
        if (!texts[i])
            status = uns_fail(context, UNS_ERROR_MEMORY, "out of memory writing %s",
                              uns_file_name((uns_file)i));
    if (status == UNS_OK)
        status = uns_folder_write(context, folder, texts);
    free(meta);
    free(metrics);
    free(escapes);
    free(points);
    free(readings);
    free(episodes);
    free(summary);
    return status;
}

/* The plan that config.yaml is; `texts` as read. */
static uns_status read_plan(uns_context *context, const char *folder, const char *text,
                            uns_plan **plan) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, uns_file_name(UNS_FILE_CONFIG));
    uns_plan_source source = {.size = sizeof source, .path = path, .text = text};
    return uns_plan_create(context, &source, plan);
}

static uns_status decode_runs(uns_record *record, const char *path, const json_t *runs) {
    if (!json_is_array(runs) || json_array_size(runs) != record->count)
        return uns_fail(record->context, UNS_ERROR_FORMAT,
                        "%s: expected %zu runs, as many as config.yaml has", path,
                        record->count);
    for (size_t i = 0; i < record->count; i++) {
        char place[4200];
        snprintf(place, sizeof place, "%s: runs[%zu]", path, i);
        record->results[i].cell = uns_plan_cell(record->plan, i);
        UNS_TRY(uns_summary_decode(record->context, json_array_get(runs, i), place,
                                   &record->results[i]));
    }
    return UNS_OK;
}

static uns_status parse_summary(uns_record *record, const char *path, const char *text) {
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return uns_fail(record->context, UNS_ERROR_FORMAT, "%s:%d:%d: %s", path, error.line,
                        error.column, error.text);
    uns_status status = decode_runs(record, path, json_object_get(root, "runs"));
    json_decref(root);
    return status;
}

static uns_status parse_all(uns_record *record, const char *folder, char *const *texts) {
    char path[UNS_FILE_COUNT][4096];
    for (int i = 0; i < UNS_FILE_COUNT; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", folder, uns_file_name((uns_file)i));
    UNS_TRY(parse_summary(record, path[UNS_FILE_SUMMARY], texts[UNS_FILE_SUMMARY]));
    UNS_TRY(uns_metrics_parse(record, path[UNS_FILE_METRICS], texts[UNS_FILE_METRICS]));
    UNS_TRY(uns_escapes_parse(record, path[UNS_FILE_ESCAPES], texts[UNS_FILE_ESCAPES]));
    UNS_TRY(uns_points_parse(record, path[UNS_FILE_POINTS], texts[UNS_FILE_POINTS]));
    UNS_TRY(uns_readings_parse(record, path[UNS_FILE_READINGS], texts[UNS_FILE_READINGS]));
    return uns_episodes_parse(record, path[UNS_FILE_EPISODES], texts[UNS_FILE_EPISODES]);
}

static uns_status build(uns_context *context, const char *folder, char **texts,
                        uns_record **out) {
    uns_plan *plan = NULL;
    uns_record *record;
    UNS_TRY(read_plan(context, folder, texts[UNS_FILE_CONFIG], &plan));
    uns_status status =
        uns_record_create(context, uns_plan_count(plan), texts[UNS_FILE_CONFIG], &record);
    if (status != UNS_OK) {
        uns_plan_destroy(plan);
        return status;
    }
    record->plan = plan;
    record->meta = texts[UNS_FILE_META];
    texts[UNS_FILE_META] = NULL;
    status = parse_all(record, folder, texts);
    if (status != UNS_OK)
        uns_record_destroy(record);
    else
        *out = record;
    return status;
}

/* A file is missing, or is not as it should be: it may be by a version that knew no such file,
 * or another layout of it. */
static uns_status name_version(uns_context *context, const char *folder, uns_status status) {
    char *meta = NULL, told[1024];
    snprintf(told, sizeof told, "%s", uns_context_message(context));
    bool known = uns_folder_read(context, folder, UNS_FILE_META, &meta) == UNS_OK;
    json_t *root = known ? json_loads(meta, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *version = json_string_value(json_object_get(root, "version"));
    if (version && (status == UNS_ERROR_IO || strcmp(version, UNS_VERSION) != 0))
        status = uns_fail(context, status, "%s; the record is by version %s, this is %s", told,
                          version, UNS_VERSION);
    else
        status = uns_fail(context, status, "%s", told);
    json_decref(root);
    free(meta);
    return status;
}

uns_status uns_record_read(uns_context *context, const char *folder, uns_record **out) {
    char *texts[UNS_FILE_COUNT] = {NULL};
    uns_status status = UNS_OK;
    for (int i = UNS_FILE_COUNT - 1; i >= 0 && status == UNS_OK; i--)
        status = uns_folder_read(context, folder, (uns_file)i, &texts[i]);
    if (status == UNS_OK)
        status = build(context, folder, texts, out);
    if (status == UNS_ERROR_IO || status == UNS_ERROR_FORMAT)
        status = name_version(context, folder, status);
    for (int i = 0; i < UNS_FILE_COUNT; i++)
        free(texts[i]);
    return status;
}

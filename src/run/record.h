/* SPDX-License-Identifier: MIT
 * The record of a run: results and the files they are kept in. Everything a report needs is
 * here; nothing here looks at a problem or an optimizer.
 */
#ifndef UNS_RECORD_H
#define UNS_RECORD_H

#include <jansson.h>
#include <unsaddle/run.h>

struct uns_record {
    uns_context *context;
    size_t count;
    uns_result *results; /* metrics, escape_steps and point of each belong to the record */
    char *config;        /* the resolved plan as YAML */
    char *meta;          /* meta.json as read back; NULL: made when written */
    uns_plan *plan;      /* of a record read back, owned; NULL: the caller's */
};

/* The files of a run directory, in the order in which they are put in place. */
#define UNS_FILE_LIST(X)                                                                       \
    X(UNS_FILE_CONFIG, "config.yaml")                                                          \
    X(UNS_FILE_META, "meta.json")                                                              \
    X(UNS_FILE_METRICS, "metrics.csv")                                                         \
    X(UNS_FILE_ESCAPES, "escapes.csv")                                                         \
    X(UNS_FILE_POINTS, "points.csv")                                                           \
    X(UNS_FILE_READINGS, "readings.csv")                                                       \
    X(UNS_FILE_EPISODES, "episodes.csv")                                                       \
    X(UNS_FILE_SUMMARY, "summary.json")
#define UNS_FILE_CODE(code, name) code,
typedef enum uns_file {
    UNS_FILE_LIST(UNS_FILE_CODE) UNS_FILE_COUNT
} uns_file;
#undef UNS_FILE_CODE
const char *uns_file_name(uns_file file);

/* A record of `count` empty results (everything NaN, 0 or −1). `text` is copied. */
uns_status uns_record_create(uns_context *context, size_t count, const char *text,
                             uns_record **out);

/* uns_run for cells that come from elsewhere than a plan; `text` stands for its YAML. */
uns_status uns_run_cells(uns_context *context, const uns_cell *const *cells, size_t count,
                         const char *text, const uns_run_config *config, uns_record **out);

/* summary.c: result ↔ JSON object. The reader checks every key and names `place` in messages;
 * result->cell must be set. */
json_t *uns_summary_encode(const uns_result *result);
uns_status uns_summary_decode(uns_context *context, const json_t *run, const char *place,
                              uns_result *result);

/* meta.c: meta.json as text, to be freed with free(); NULL when memory is short. */
char *uns_meta_text(const uns_record *record);

/* csv.c: text to be freed with free(); NULL when memory is short. The readers fill metrics,
 * escape_steps and point of the record's results. */
char *uns_metrics_text(const uns_record *record);
char *uns_escapes_text(const uns_record *record);
char *uns_points_text(const uns_record *record);
uns_status uns_metrics_parse(uns_record *record, const char *path, const char *text);
uns_status uns_escapes_parse(uns_record *record, const char *path, const char *text);
uns_status uns_points_parse(uns_record *record, const char *path, const char *text);

/* csv_events.c: likewise, rows as many as the results say. */
char *uns_readings_text(const uns_record *record);
char *uns_episodes_text(const uns_record *record);
uns_status uns_readings_parse(uns_record *record, const char *path, const char *text);
uns_status uns_episodes_parse(uns_record *record, const char *path, const char *text);

/* folder.c: puts UNS_FILE_COUNT texts into a folder, each file whole or not at all; whole file
 * into memory, to be freed with free(). */
uns_status uns_folder_write(uns_context *context, const char *folder, const char *const *texts);
uns_status uns_folder_read(uns_context *context, const char *folder, uns_file file,
                           char **text);

#endif

/* SPDX-License-Identifier: MIT
 * Run directories: what is written reads back to the same bits, folders and disks that cannot
 * take it are refused whole, and a damaged record is an error that says where.
 */
#define _GNU_SOURCE
#include "base/base.h"
#include "run/record.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unsaddle/problems.h>

static uns_context *context;
static char root[64]; /* a folder of the test's own */

static void open_root(void) {
    strcpy(root, "/tmp/unsaddle-record-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    uns_context_config config = {.size = sizeof config, .threads = 2};
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void close_root(void) {
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    uns_context_destroy(context);
}

TestSuite(record, .init = open_root, .fini = close_root);

static const char *under(const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

/* Two cells, one of which escapes; ten replicas. */
static const char plan_text[] = "problem: {name: saddle2d, noise: gaussian}\n"
                                "steps: 1500\n"
                                "replicas: 10\n"
                                "first_replica: 3\n"
                                "records: 5\n"
                                "settle: 20\n"
                                "optimizers:\n"
                                "  - sgd: {eta: 1e-3}\n"
                                "  - rmsprop: {eta: 1e-2, burn_in: auto}\n";

static uns_plan *make_plan(void) {
    uns_plan *plan;
    uns_plan_source source = {.size = sizeof source, .path = "test.yaml", .text = plan_text};
    cr_assert_eq(uns_plan_create(context, &source, &plan), UNS_OK, "%s",
                 uns_context_message(context));
    return plan;
}

static uns_record *make_record(const uns_plan *plan) {
    uns_record *record;
    cr_assert_eq(uns_run(context, plan, NULL, &record), UNS_OK);
    return record;
}

static char *read_file(const char *folder, uns_file file) {
    char *text;
    cr_assert_eq(uns_folder_read(context, folder, file, &text), UNS_OK);
    return text;
}

static bool exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

static bool same_number(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void expect_same_escape(const uns_result *a, const uns_result *b) {
    cr_expect(same_number(a->escape_mean.mean, b->escape_mean.mean));
    cr_expect(same_number(a->escape_mean.low, b->escape_mean.low));
    cr_expect(same_number(a->escape_mean.high, b->escape_mean.high));
    cr_expect(same_number(a->escape_median, b->escape_median));
    cr_expect(same_number(a->escape_median_low, b->escape_median_low));
    cr_expect(same_number(a->escape_median_high, b->escape_median_high));
    cr_expect(same_number(a->escape_deviation, b->escape_deviation));
    for (int i = 0; i < 4; i++)
        cr_expect(same_number(a->escape_quantile[i], b->escape_quantile[i]));
    cr_expect_arr_eq(a->escape_steps, b->escape_steps, (size_t)a->replicas * sizeof(int64_t));
}

static void expect_same(const uns_result *a, const uns_result *b) {
    cr_expect_str_eq(a->cell->label, b->cell->label);
    cr_expect_str_eq(a->cell->problem, b->cell->problem);
    cr_expect_eq(a->stop, b->stop);
    cr_assert_eq(a->replicas, b->replicas);
    cr_assert_eq(a->rows, b->rows);
    cr_expect(a->escaped == b->escaped && a->diverged == b->diverged && a->steps == b->steps);
    expect_same_escape(a, b);
    cr_expect(same_number(a->floor.mean, b->floor.mean));
    cr_expect(same_number(a->floor.low, b->floor.low));
    cr_expect(same_number(a->floor.high, b->floor.high));
    cr_expect(same_number(a->escape_theory, b->escape_theory));
    cr_expect(same_number(a->floor_theory, b->floor_theory));
    cr_expect(same_number(a->final_value, b->final_value));
    cr_expect(same_number(a->final_accuracy, b->final_accuracy));
    cr_expect(same_number(a->wall_s, b->wall_s));
    cr_expect(same_number(a->steps_per_second, b->steps_per_second));
    cr_assert_eq(a->dimension, b->dimension);
    for (size_t i = 0; i < a->dimension; i++)
        cr_expect_eq(a->point[i], b->point[i]);
    for (size_t i = 0; i < a->rows; i++) {
        cr_expect_eq(a->metrics[i].step, b->metrics[i].step);
        cr_expect(same_number(a->metrics[i].value, b->metrics[i].value));
        cr_expect(same_number(a->metrics[i].gradient, b->metrics[i].gradient));
        cr_expect(same_number(a->metrics[i].escaped, b->metrics[i].escaped));
    }
}

static void expect_same_events(const uns_result *a, const uns_result *b) {
    cr_assert_eq(a->readings, b->readings);
    cr_assert_eq(a->episodes, b->episodes);
    for (size_t i = 0; i < a->readings; i++) {
        const uns_reading *x = &a->reading[i], *y = &b->reading[i];
        cr_expect(x->replica == y->replica && x->step == y->step && x->doubts == y->doubts);
        cr_expect(same_number(x->value, y->value) && same_number(x->gradient, y->gradient));
        cr_expect(same_number(x->noise, y->noise) && same_number(x->along, y->along));
        cr_expect(same_number(x->curvature, y->curvature) && same_number(x->drop, y->drop));
        cr_expect(same_number(x->residual, y->residual) && x->rung == y->rung);
        cr_expect(same_number(x->product_error, y->product_error));
        for (int k = 0; k < 3; k++)
            cr_expect(same_number(x->leave[k], y->leave[k]));
    }
    for (size_t i = 0; i < a->episodes; i++) {
        const uns_episode *x = &a->episode[i], *y = &b->episode[i];
        cr_expect(x->replica == y->replica && x->step == y->step && x->doubts == y->doubts);
        cr_expect(x->verdict == y->verdict && x->acted == y->acted && x->left == y->left);
        cr_expect(same_number(x->value, y->value) && same_number(x->norm, y->norm));
        cr_expect(same_number(x->gradient, y->gradient) && same_number(x->noise, y->noise));
        cr_expect(same_number(x->low, y->low) && same_number(x->high, y->high));
        cr_expect(same_number(x->curvature, y->curvature) && same_number(x->drop, y->drop));
        cr_expect(same_number(x->length, y->length));
        cr_expect(same_number(x->decrease, y->decrease));
        cr_expect(x->assurance == y->assurance && x->rung == y->rung);
        cr_expect(same_number(x->product_error, y->product_error));
        for (int k = 0; k < 3; k++)
            cr_expect(same_number(x->leave[k], y->leave[k]));
    }
}

Test(record, what_is_written_reads_back_to_the_same_bits) {
    uns_plan *plan = make_plan();
    uns_record *record = make_record(plan), *again;
    cr_expect_gt(uns_record_result(record, 1)->escaped, 5);
    cr_assert_eq(uns_record_result(record, 1)->dimension, 2);
    cr_expect(fabs(uns_record_result(record, 1)->point[1]) > 0.1, "it has left the origin");
    cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
    cr_assert_eq(uns_record_read(context, under("run"), &again), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_record_count(again), 2);
    for (size_t i = 0; i < 2; i++)
        expect_same(uns_record_result(record, i), uns_record_result(again, i));
    cr_expect_null(uns_record_result(again, 2));
    cr_assert_eq(uns_record_write(context, again, under("copy")), UNS_OK);
    for (int i = 0; i < UNS_FILE_COUNT; i++) {
        char *a = read_file(under("run"), (uns_file)i),
             *b = read_file(under("copy"), (uns_file)i);
        cr_expect_str_eq(a, b, "%s", uns_file_name((uns_file)i));
        free(a);
        free(b);
    }
    uns_record_destroy(again);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

static void expect_keys(const json_t *object, const char *keys) {
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%s", keys);
    for (char *key; (key = strsep(&rest, " "));)
        cr_expect_not_null(json_object_get(object, key), "%s is missing", key);
}

Test(record, the_summary_has_the_documented_shape) {
    uns_plan *plan = make_plan();
    uns_record *record = make_record(plan);
    char *text;
    cr_assert_eq(uns_record_summary(context, record, &text), UNS_OK);
    json_t *summary = json_loads(text, 0, NULL), *runs = json_object_get(summary, "runs");
    expect_keys(summary, "version runs");
    cr_assert_eq(json_array_size(runs), 2);
    for (size_t i = 0; i < 2; i++) {
        const json_t *run = json_array_get(runs, i);
        expect_keys(run, "optimizer label eta replicas escaped escape_steps floor final theory "
                         "structure steps_per_second wall_s stop");
        expect_keys(json_object_get(run, "escape_steps"), "mean median ci95");
        expect_keys(json_object_get(run, "floor"), "mean ci95");
    }
    const json_t *sgd = json_object_get(json_array_get(runs, 0), "escape_steps");
    cr_expect(json_is_null(json_object_get(sgd, "median")));
    const json_t *rmsprop = json_array_get(runs, 1);
    cr_expect_eq(json_number_value(json_object_get(rmsprop, "eta")), 1e-2);
    cr_expect_str_eq(json_string_value(json_object_get(rmsprop, "optimizer")), "rmsprop");
    json_decref(summary);
    free(text);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

/* The summary without its timings. */
static char *timeless(const uns_record *record) {
    char *text;
    cr_assert_eq(uns_record_summary(context, record, &text), UNS_OK);
    json_t *summary = json_loads(text, 0, NULL), *run;
    size_t i;
    free(text);
    json_array_foreach(json_object_get(summary, "runs"), i, run) {
        json_object_del(run, "wall_s");
        json_object_del(run, "steps_per_second");
        json_object_del(json_object_get(run, "structure"), "root_seconds");
    }
    text = json_dumps(summary, 0);
    json_decref(summary);
    return text;
}

Test(record, two_runs_of_one_plan_differ_in_the_timings_only) {
    uns_plan *plan = make_plan();
    uns_record *a = make_record(plan), *b = make_record(plan);
    char *first = timeless(a), *second = timeless(b);
    cr_expect_str_eq(first, second);
    free(first);
    free(second);
    uns_record_destroy(a);
    uns_record_destroy(b);
    uns_plan_destroy(plan);
}

/* One cell with a label that needs quotes, and figures of every kind. */
static uns_cell odd_cell = {.settings = {.replicas = 3, .first_replica = 7},
                            .preset = "sgd",
                            .label = "sgd \"a, b\"\teta=1e-3"};

static uns_record *make_odd_record(bool filled) {
    static const uns_metric_row rows[2] = {{10, 1.0 / 3.0, NAN, 0.0}, {20, -1e-300, 2.5, NAN}};
    static const int64_t escapes[3] = {5, -1, 123456789012345};
    uns_record *record;
    cr_assert_eq(uns_record_create(context, 1, "", &record), UNS_OK);
    uns_result *result = &record->results[0];
    result->cell = &odd_cell;
    result->replicas = 3;
    if (filled) {
        result->rows = 2;
        result->metrics = memcpy(uns_allocate(context, sizeof rows), rows, sizeof rows);
        result->escape_steps =
            memcpy(uns_allocate(context, sizeof escapes), escapes, sizeof escapes);
    }
    return record;
}

Test(record, tables_quote_and_read_any_label) {
    uns_record *record = make_odd_record(true), *again = make_odd_record(false);
    char *metrics = uns_metrics_text(record), *escapes = uns_escapes_text(record);
    cr_expect_str_eq(escapes, "label,replica,step\n"
                              "\"sgd \"\"a, b\"\"\teta=1e-3\",7,5\n"
                              "\"sgd \"\"a, b\"\"\teta=1e-3\",8,\n"
                              "\"sgd \"\"a, b\"\"\teta=1e-3\",9,123456789012345\n");
    cr_assert_eq(uns_metrics_parse(again, "m", metrics), UNS_OK);
    cr_assert_eq(uns_escapes_parse(again, "e", escapes), UNS_OK);
    expect_same(uns_record_result(record, 0), uns_record_result(again, 0));
    free(metrics);
    free(escapes);
    uns_record_destroy(record);
    uns_record_destroy(again);
}

Test(record, damaged_tables_are_refused_with_the_line) {
    static const char *const damaged[][2] = {
        {"label,replica\n", "e:1: expected the line"},
        {"label,replica,step\n\"sgd,7,5\n\n\n", "e:2: malformed"},
        {"label,replica,step\nsgd,7,5\n", "ends too early"},
        {"label,replica,step\nsgd,7,5", "cut off"},
        {"label,replica,step\nsgd,7,5\nsgd,7,5\nsgd,7,5\n", "e:2: expected replica 7"},
        {"label,replica,step\nx,7\nx,7\nx,7\n", "e:2: too few fields"},
        {"label,replica,step\nx,7,5,6\nx\nx\n", "e:2: too many fields"},
        {"label,replica,step\nx,seven,5\nx\nx\n", "e:2: expected a whole number"},
    };
    for (size_t i = 0; i < UNS_COUNT_OF(damaged); i++) {
        uns_record *record = make_odd_record(false);
        cr_expect_eq(uns_escapes_parse(record, "e", damaged[i][0]), UNS_ERROR_FORMAT);
        cr_expect(strstr(uns_context_message(context), damaged[i][1]), "%s",
                  uns_context_message(context));
        uns_record_destroy(record);
    }
    uns_record *record = make_odd_record(false);
    cr_expect_eq(
        uns_metrics_parse(record, "m", "label,step,value,gradient,escaped\ny,1,2,3,4\n"),
        UNS_ERROR_FORMAT);
    cr_expect(strstr(uns_context_message(context), "m:2: no such label"));
    uns_record_destroy(record);
}

/* A record that is quick to make, for tests of folders. */
static uns_status write_odd(const char *folder) {
    uns_record *record = make_odd_record(true);
    uns_status status = uns_record_write(context, record, folder);
    uns_record_destroy(record);
    return status;
}

Test(record, folders_are_made_with_their_parents) {
    cr_assert_eq(uns_record_check(context, under("a/b/c")), UNS_OK);
    cr_expect_not(exists(under("a")));
    cr_assert_eq(write_odd(under("a/b/c")), UNS_OK);
    for (int i = 0; i < UNS_FILE_COUNT; i++)
        free(read_file(under("a/b/c"), (uns_file)i));
    cr_expect_eq(write_odd(under("a/b/c")), UNS_OK, "a record may replace one");
}

Test(record, a_folder_of_something_else_is_refused) {
    cr_assert_eq(mkdir(under("home"), 0777), 0);
    fclose(fopen(under("home/thesis.tex"), "w"));
    cr_expect_eq(uns_record_check(context, under("home")), UNS_ERROR_IO);
    cr_expect_eq(write_odd(under("home")), UNS_ERROR_IO);
    cr_expect(strstr(uns_context_message(context), "thesis.tex"));
    cr_expect_not(exists(under("home/config.yaml")));
    cr_expect(exists(under("home/thesis.tex")));
}

Test(record, places_that_cannot_be_folders_are_refused) {
    fclose(fopen(under("file"), "w"));
    cr_expect_eq(uns_record_check(context, under("file")), UNS_ERROR_IO);
    cr_expect_eq(uns_record_check(context, under("file/run")), UNS_ERROR_IO);
    cr_expect_eq(write_odd(under("file/run")), UNS_ERROR_IO);
    cr_expect_eq(write_odd("/proc/unsaddle/run"), UNS_ERROR_IO);
    cr_expect_eq(write_odd(""), UNS_ERROR_ARGUMENT);
    cr_expect_str_not_empty(uns_context_message(context));
}

/* A limit on file size stands in for a full disk: write() fails just so. */
static uns_status write_on_full_disk(const char *folder) {
    struct rlimit old, none;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    none = old;
    none.rlim_cur = 60; /* config.yaml fits, meta.json does not */
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
    uns_status status = write_odd(folder);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    return status;
}

Test(record, a_full_disk_leaves_nothing_half_written) {
    cr_expect_eq(write_on_full_disk(under("new")), UNS_ERROR_IO);
    cr_expect(strstr(uns_context_message(context), "meta.json"), "%s",
              uns_context_message(context));
    cr_expect_not(exists(under("new")));
    cr_assert_eq(write_odd(under("old")), UNS_OK);
    char *before = read_file(under("old"), UNS_FILE_META);
    cr_expect_eq(write_on_full_disk(under("old")), UNS_ERROR_IO);
    char *after = read_file(under("old"), UNS_FILE_META);
    cr_expect_str_eq(before, after);
    cr_expect_not(exists(under("old/config.yaml.part")));
    free(before);
    free(after);
}

static void write_text(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fwrite(text, 1, size, file);
    fclose(file);
}

Test(record, a_missing_file_is_named) {
    uns_plan *plan = make_plan();
    uns_record *record = make_record(plan), *again = NULL;
    for (int i = 0; i < UNS_FILE_COUNT; i++) {
        const char *name = uns_file_name((uns_file)i);
        char path[64];
        cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
        snprintf(path, sizeof path, "run/%s", name);
        cr_assert_eq(unlink(under(path)), 0);
        cr_expect_eq(uns_record_read(context, under("run"), &again), UNS_ERROR_IO);
        cr_expect(strstr(uns_context_message(context), name));
        cr_expect(i == UNS_FILE_META ||
                      strstr(uns_context_message(context), "the record is by version "),
                  "%s", uns_context_message(context));
    }
    cr_expect_eq(uns_record_read(context, under("nowhere"), &again), UNS_ERROR_IO);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

Test(record, a_truncated_file_is_no_record) {
    uns_plan *plan = make_plan();
    uns_record *record = make_record(plan);
    cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
    const uns_file files[4] = {UNS_FILE_SUMMARY, UNS_FILE_METRICS, UNS_FILE_ESCAPES,
                               UNS_FILE_POINTS};
    for (int i = 0; i < 4; i++) {
        char *text = read_file(under("run"), files[i]), path[64];
        size_t size = strlen(text);
        snprintf(path, sizeof path, "run/%s", uns_file_name(files[i]));
        for (size_t cut = 0; cut + 2 < size; cut += size / 40 + 1) {
            uns_record *again = NULL;
            write_text(under(path), text, cut);
            uns_status status = uns_record_read(context, under("run"), &again);
            cr_assert_neq(status, UNS_OK, "%s cut at %zu", path, cut);
            cr_expect(strstr(uns_context_message(context), uns_file_name(files[i])));
        }
        write_text(under(path), text, size);
        free(text);
    }
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

/* Replaces the first `old` in summary.json and expects the record to be refused. */
static void expect_refused(const char *text, const char *old, const char *new) {
    char changed[16384];
    const char *at = strstr(text, old);
    cr_assert_not_null(at, "%s", old);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, new,
             at + strlen(old));
    write_text(under("run/summary.json"), changed, strlen(changed));
    uns_record *again = NULL;
    cr_expect_eq(uns_record_read(context, under("run"), &again), UNS_ERROR_FORMAT);
    cr_expect(strstr(uns_context_message(context), "summary.json"), "%s",
              uns_context_message(context));
}

Test(record, a_summary_of_another_run_is_refused) {
    uns_plan *plan = make_plan();
    uns_record *record = make_record(plan);
    cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
    char *text = read_file(under("run"), UNS_FILE_SUMMARY);
    expect_refused(text, "\"replicas\": 10", "\"replicas\": 11");
    expect_refused(text, "\"replicas\": 10", "\"replicas\": -1");
    expect_refused(text, "\"escaped\": 0", "\"escaped\": \"none\"");
    expect_refused(text, "\"label\": \"", "\"label\": \"x");
    expect_refused(text, "\"stop\": \"steps\"", "\"stop\": \"tired\"");
    expect_refused(text, "\"quantiles\"", "\"quartiles\"");
    expect_refused(text, "\"runs\"", "\"walks\"");
    expect_refused(text, "{", "[");
    free(text);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

static uns_record *run_with_events(uns_plan **plan) {
    uns_plan_source source = {
        .size = sizeof source,
        .path = "t.yaml",
        .text = "problem: {name: saddle2d, noise: gaussian}\n"
                "steps: 3000\nreplicas: 6\nfirst_replica: 9\n"
                "optimizers: [sgd: {eta: 1e-3}, adam: {eta: 3e-3}]\n"
                "instruments: {every: 500, replicas: 2, curvature: [false, true]}\n"
                "stall: {every: 500, act: witness}\n"};
    uns_record *record;
    cr_assert_eq(uns_plan_create(context, &source, plan), UNS_OK);
    cr_assert_eq(uns_run(context, *plan, NULL, &record), UNS_OK);
    return record;
}

Test(record, another_version_is_named_when_its_tables_differ) {
    static const char meta[] = "{\"version\": \"0.0.9\"}", head[] = "label,replica\n";
    uns_plan *plan = make_plan();
    uns_record *record = make_record(plan), *again = NULL;
    cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
    write_text(under("run/readings.csv"), head, sizeof head - 1);
    cr_expect_eq(uns_record_read(context, under("run"), &again), UNS_ERROR_FORMAT);
    cr_expect_not(strstr(uns_context_message(context), "by version"));
    write_text(under("run/meta.json"), meta, sizeof meta - 1);
    cr_expect_eq(uns_record_read(context, under("run"), &again), UNS_ERROR_FORMAT);
    cr_expect(strstr(uns_context_message(context), "the record is by version 0.0.9, this is "),
              "%s", uns_context_message(context));
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

Test(record, readings_and_episodes_read_back_to_the_same_bits) {
    uns_plan *plan;
    uns_record *record = run_with_events(&plan), *again;
    cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
    cr_assert_eq(uns_record_read(context, under("run"), &again), UNS_OK, "%s",
                 uns_context_message(context));
    bool left = false, stays = false;
    for (size_t i = 0; i < 4; i++) {
        const uns_result *a = uns_record_result(record, i);
        cr_expect_eq(a->readings, 12);
        cr_expect_gt(a->episodes, 5);
        for (size_t k = 0; k < a->episodes; k++) {
            left |= a->episode[k].left >= 0;
            stays |= a->episode[k].left < 0;
        }
        expect_same(a, uns_record_result(again, i));
        expect_same_events(a, uns_record_result(again, i));
    }
    cr_expect(left && stays);
    uns_record_destroy(again);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

/* Replaces `old` in one of the tables: the record is refused with the file's name. */
static void expect_table_refused(uns_file file, const char *old, const char *new) {
    const char *name = uns_file_name(file);
    char path[64], *text = read_file(under("run"), file), *at = strstr(text, old);
    size_t size = strlen(text) + strlen(new) + 1;
    char *changed = malloc(size);
    cr_assert_not_null(at, "%s", old);
    snprintf(changed, size, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    snprintf(path, sizeof path, "run/%s", name);
    write_text(under(path), changed, strlen(changed));
    uns_record *again = NULL;
    cr_expect_eq(uns_record_read(context, under("run"), &again), UNS_ERROR_FORMAT, "%s", new);
    cr_expect(strstr(uns_context_message(context), name), "%s", uns_context_message(context));
    write_text(under(path), text, strlen(text));
    free(changed);
    free(text);
}

Test(record, damaged_readings_and_episodes_are_refused) {
    uns_plan *plan;
    uns_record *record = run_with_events(&plan);
    cr_assert_eq(uns_record_write(context, record, under("run")), UNS_OK);
    expect_table_refused(UNS_FILE_READINGS, "curvature", "curve");
    expect_table_refused(UNS_FILE_READINGS, ",9,500,", ",9,many,");
    expect_table_refused(UNS_FILE_READINGS, "\nsgd", "\ngd");
    expect_table_refused(UNS_FILE_READINGS, "\nsgd", "\nsgd,1\nsgd");
    expect_table_refused(UNS_FILE_EPISODES, "saddle,", "sadle,");
    expect_table_refused(UNS_FILE_EPISODES, "\nsgd", "\n\nsgd");
    expect_table_refused(UNS_FILE_SUMMARY, "\"readings\": 12", "\"readings\": -12");
    uns_record_destroy(record);
    uns_plan_destroy(plan);
}

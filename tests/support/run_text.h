/* SPDX-License-Identifier: MIT
 * Runs from plans as text, for tests of the runner on the built-in problems: three pieces of
 * YAML one after the other, their results, and whether two trajectories have the same bits.
 */
#ifndef UNS_TEST_RUN_TEXT_H
#define UNS_TEST_RUN_TEXT_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unsaddle/problems.h>
#include <unsaddle/run.h>

enum {
    RUN_TEXT_CELLS = 8
};

typedef struct run_text {
    uns_plan *plan;
    uns_record *record;
    size_t count;
    const uns_result *result[RUN_TEXT_CELLS];
} run_text;

static uns_context *run_text_made;

static inline uns_context *run_text_context(void) {
    return run_text_made;
}

static inline uns_context *run_text_make(const uns_context_config *config) {
    uns_context *made = NULL;
    cr_assert_eq(uns_context_create(config, &made), UNS_OK);
    cr_assert_eq(uns_problems_register(made), UNS_OK);
    return made;
}

static inline void run_text_open(void) {
    uns_context_config config = {.size = sizeof config, .threads = 2};
    run_text_made = run_text_make(&config);
}

static inline void run_text_close(void) {
    uns_context_destroy(run_text_made);
}

static int run_text_workers = 2;

/* Of the runs to come: their setting `threads`. */
static inline void run_text_threads(int threads) {
    run_text_workers = threads;
}

static inline uns_plan *run_text_plan(const char *a, const char *b, const char *c) {
    char text[2048];
    snprintf(text, sizeof text, "threads: %d\n%s%s%s", run_text_workers, a, b, c);
    uns_plan_source source = {.size = sizeof source, .path = "t.yaml", .text = text};
    uns_plan *plan = NULL;
    cr_assert_eq(uns_plan_create(run_text_made, &source, &plan), UNS_OK, "%s",
                 uns_context_message(run_text_made));
    return plan;
}

static inline run_text run_text_run(const char *a, const char *b, const char *c) {
    run_text run = {.plan = run_text_plan(a, b, c)};
    cr_assert_eq(uns_run(run_text_made, run.plan, NULL, &run.record), UNS_OK, "%s",
                 uns_context_message(run_text_made));
    run.count = uns_record_count(run.record);
    for (size_t i = 0; i < run.count && i < RUN_TEXT_CELLS; i++)
        run.result[i] = uns_record_result(run.record, i);
    return run;
}

static inline void run_text_end(run_text *run) {
    uns_record_destroy(run->record);
    uns_plan_destroy(run->plan);
}

static inline bool run_text_same(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/* Everything that tells of the trajectories. */
static inline void run_text_expect_same(const uns_result *a, const uns_result *b) {
    cr_assert_eq(a->replicas, b->replicas);
    cr_assert_eq(a->rows, b->rows);
    cr_expect_arr_eq(a->escape_steps, b->escape_steps, (size_t)a->replicas * sizeof(int64_t));
    for (size_t i = 0; i < a->rows; i++)
        cr_expect(run_text_same(a->metrics[i].value, b->metrics[i].value) &&
                  run_text_same(a->metrics[i].gradient, b->metrics[i].gradient));
    cr_assert_eq(a->dimension, b->dimension);
    cr_expect_arr_eq(a->point, b->point, a->dimension * sizeof(double));
    cr_expect(run_text_same(a->floor.mean, b->floor.mean));
    cr_expect(run_text_same(a->final_value, b->final_value));
}

#endif

/* SPDX-License-Identifier: MIT
 * What a structure will keep is told before anything runs, and what it has kept and how many
 * roots it took is in the record.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/problems.h>
#include <unsaddle/run.h>

#include "run/record.h"

enum {
    CELLS = 4
};

/* U is 20×3. 300 replicas run in slices of 160 and 140. */
static const char plan_text[] =
    "problem: matrix-factorization\n"
    "steps: 20\n"
    "replicas: 300\n"
    "optimizers:\n"
    "  - shampoo: {structure.cap: 64, refresh: 8, structure.every: 1}\n"
    "  - shampoo: {structure.cap: 10, structure.over: diagonal, label: diagonal}\n"
    "  - adafactor\n"
    "  - rmsprop\n";

static uns_context *make_context(int threads) {
    uns_context *context;
    uns_context_config config = {.size = sizeof config, .threads = threads};
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    return context;
}

static uns_plan *make_plan(uns_context *context) {
    uns_plan *plan;
    uns_plan_source source = {.size = sizeof source, .path = "test.yaml", .text = plan_text};
    cr_assert_eq(uns_plan_create(context, &source, &plan), UNS_OK, "%s",
                 uns_context_message(context));
    return plan;
}

typedef struct visits {
    size_t count;
    uns_footprint of[CELLS];
    int interrupt;
} visits;

static void visit(void *user, const uns_footprint *footprint) {
    visits *all = user;
    cr_assert_lt(all->count, CELLS);
    all->of[all->count++] = *footprint;
    all->interrupt = 1;
}

static void expect_pieces(const uns_structure_report *of, size_t dense, size_t diagonal,
                          size_t largest) {
    cr_expect_eq(of->dense, dense);
    cr_expect_eq(of->diagonal, diagonal);
    cr_expect_eq(of->largest, largest);
    cr_expect_eq(of->roots, 0);
}

static void expect_footprints(const visits *all, const uns_plan *plan) {
    cr_assert_eq(all->count, CELLS);
    for (size_t i = 0; i < CELLS; i++) {
        cr_expect_eq(all->of[i].cell, uns_plan_cell(plan, i));
        cr_expect_eq(all->of[i].replicas, 160);
        cr_expect_geq(all->of[i].bytes, all->of[i].structure.bytes);
    }
    expect_pieces(&all->of[0].structure, 1, 0, 20);
    expect_pieces(&all->of[1].structure, 0, 1, 0);
    expect_pieces(&all->of[2].structure, 0, 0, 0);
    expect_pieces(&all->of[3].structure, 0, 0, 0);
    const size_t factors = 160 * 8 * 2 * (20 * 20 + 3 * 3); /* each with its root */
    cr_expect(all->of[0].structure.bytes >= factors &&
              all->of[0].structure.bytes < factors + factors / 2);
    cr_expect_geq(all->of[1].structure.bytes, 160 * 8 * 60);
    cr_expect_geq(all->of[2].structure.bytes, 160 * 8 * (20 + 3));
    cr_expect_eq(all->of[3].structure.bytes, 0, "elementwise");
}

Test(footprint, it_is_told_before_the_first_step) {
    uns_context *context = make_context(2);
    uns_plan *plan = make_plan(context);
    visits all = {0};
    uns_record *record;
    uns_run_config config = {.size = sizeof config,
                             .interrupt = &all.interrupt,
                             .footprint = visit,
                             .footprint_user = &all};
    cr_assert_eq(uns_run(context, plan, &config, &record), UNS_OK);
    expect_footprints(&all, plan);
    for (size_t i = 0; i < CELLS; i++) {
        cr_expect_eq(uns_record_result(record, i)->stop, UNS_STOP_INTERRUPTED);
        cr_expect_lt(uns_record_result(record, i)->steps, 20);
    }
    uns_record_destroy(record);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(footprint, a_check_tells_the_same) {
    uns_context *context = make_context(1);
    uns_plan *plan = make_plan(context);
    visits all = {0};
    cr_assert_eq(uns_run_check(context, plan, visit, &all), UNS_OK);
    expect_footprints(&all, plan);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

/* Roots are due at 1, 2, 4, 8 and 16 of 20 observations, on two sides of 300 replicas. */
static void expect_counts(const uns_record *record) {
    const uns_structure_report *of = &uns_record_result(record, 0)->structure;
    cr_expect_eq(of->roots, 5 * 2 * 300, "%llu", (unsigned long long)of->roots);
    cr_expect(of->error > 0.0 && of->error < 1e-8, "%g", of->error);
    cr_expect_gt(of->seconds, 0.0);
    cr_expect_eq(of->largest, 20);
    cr_expect_geq(of->bytes, 300 * 8 * 2 * (20 * 20 + 3 * 3), "of both slices");
    for (size_t i = 1; i < CELLS; i++)
        cr_expect_eq(uns_record_result(record, i)->structure.roots, 0);
    cr_expect_eq(uns_record_result(record, 1)->structure.diagonal, 1);
}

static void expect_back(uns_context *context, const uns_record *record) {
    char folder[] = "/tmp/unsaddle-footprint-XXXXXX", path[64];
    uns_record *again;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(uns_record_write(context, record, folder), UNS_OK);
    cr_assert_eq(uns_record_read(context, folder, &again), UNS_OK, "%s",
                 uns_context_message(context));
    expect_counts(again);
    for (size_t i = 0; i < CELLS; i++) {
        const uns_structure_report *a = &uns_record_result(record, i)->structure;
        const uns_structure_report *b = &uns_record_result(again, i)->structure;
        cr_expect(a->bytes == b->bytes && a->error == b->error && a->seconds == b->seconds);
    }
    uns_record_destroy(again);
    for (int i = 0; i < UNS_FILE_COUNT; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, uns_file_name((uns_file)i));
        (void)remove(path);
    }
    cr_expect_eq(remove(folder), 0);
}

Test(footprint, roots_and_memory_are_in_the_record_for_any_number_of_threads) {
    for (int threads = 1; threads <= 3; threads += 2) {
        uns_context *context = make_context(threads);
        uns_plan *plan = make_plan(context);
        uns_record *record;
        cr_assert_eq(uns_run(context, plan, NULL, &record), UNS_OK, "%s",
                     uns_context_message(context));
        expect_counts(record);
        expect_back(context, record);
        uns_record_destroy(record);
        uns_plan_destroy(plan);
        uns_context_destroy(context);
    }
}

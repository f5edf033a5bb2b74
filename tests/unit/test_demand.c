/* SPDX-License-Identifier: MIT
 * Plans beyond the machine's memory are refused before any of it is taken, by `check` and `run`
 * alike, with what to change. Nothing here allocates what it asks for.
 */
#include "run/demand.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/problems.h>

static uns_context *make_context(int threads) {
    uns_context *context;
    uns_context_config config = {.size = sizeof config, .threads = threads};
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    return context;
}

static uns_plan *make_plan(uns_context *context, const char *text) {
    uns_plan *plan;
    uns_plan_source source = {.size = sizeof source, .path = "test.yaml", .text = text};
    cr_assert_eq(uns_plan_create(context, &source, &plan), UNS_OK, "%s",
                 uns_context_message(context));
    return plan;
}

/* By both, with the place and each word. */
static void refused(int threads, const char *text, const char *first, const char *second) {
    uns_context *context = make_context(threads);
    uns_plan *plan = make_plan(context, text);
    const char *message = uns_context_message(context);
    for (int run = 0; run < 2; run++) {
        uns_record *record = NULL;
        uns_status status = run ? uns_run(context, plan, NULL, &record)
                                : uns_run_check(context, plan, NULL, NULL);
        cr_expect_eq(status, UNS_ERROR_RANGE, "run %d: %d", run, (int)status);
        cr_expect_null(record);
        cr_expect(strstr(message, "GiB of memory are needed"), "%s", message);
        cr_expect(strstr(message, "test.yaml:") == message, "%s", message);
        cr_expect(strstr(message, first) && strstr(message, second), "%s", message);
    }
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(demand, a_window_beyond_memory_is_refused) {
    refused(1,
            "problem: matrix-factorization\nsteps: 10\n"
            "optimizers:\n  - ggt: {structure.window: 9007199254740992}\n",
            "lower structure.window", "'ggt'");
}

/* 256 at a time of a million parameters each, on each of 256 threads. */
Test(demand, many_replicas_of_many_parameters_are_refused) {
    refused(256,
            "problem: {name: quadratic, d: 1000000, rotation: none, noise_rotation: "
            "none}\nsteps: 10\nreplicas: 100000\n"
            "optimizers: [rmsprop]\n",
            "fewer replicas", "lower threads");
}

/* 20,000² entries twice and more, for 256 replicas on 256 threads: about a PiB. */
Test(demand, full_matrices_of_many_replicas_are_refused) {
    refused(256,
            "problem: {name: quadratic, d: 20000, rotation: none, noise_rotation: "
            "none}\nsteps: 10\nreplicas: 100000\n"
            "optimizers:\n  - rmsprop: {structure: full}\n",
            "structure=block", "replicas");
}

static uns_demand demand_of(uns_context *context, const uns_plan *plan, uns_cast *cast) {
    uns_demand demand;
    uns_demand_open(context, &demand);
    cr_assert_eq(uns_cast_open(context, uns_plan_count(plan), cast), UNS_OK);
    for (size_t i = 0; i < uns_plan_count(plan); i++) {
        uns_work work = {0};
        cr_assert_eq(uns_cast_prepare(cast, uns_plan_cell(plan, i), &work), UNS_OK);
        uns_demand_add(&demand, &work);
    }
    return demand;
}

/* 600 replicas are three slices of 208, 208 and 184. Two threads take two of the large cell's
 * slices at a time, whichever they are, and the figures of both cells. */
Test(demand, the_largest_slices_that_can_meet_count_and_no_more) {
    uns_context *context = make_context(2);
    uns_plan *plan = make_plan(context, "problem: {name: quadratic, d: 50}\nsteps: 10\n"
                                        "replicas: 600\n"
                                        "optimizers: [sgd, {rmsprop: {structure: full}}]\n");
    uns_cast cast;
    uns_demand demand = demand_of(context, plan, &cast);
    cr_assert_eq(demand.slices, 6);
    cr_expect_str_eq(demand.largest.cell->label, "rmsprop");
    cr_expect_eq(demand.slice[2], (double)demand.largest.slice);
    cr_expect_lt(demand.slice[3], demand.slice[2]);
    cr_expect_gt(demand.largest.slice, demand.largest.bytes + 2 * 8 * 50 * 208);
    cr_expect_gt(demand.figures, 2.0 * 600 * (5 * 8 + 1));
    const double need = 2.0 * (double)demand.largest.slice + demand.figures;
    cr_expect_eq(uns_demand_check(&demand, need), UNS_OK);
    cr_expect_eq(uns_demand_check(&demand, need - 1.0), UNS_ERROR_RANGE);
    cr_expect_eq(uns_demand_check(&demand, 0.0), UNS_ERROR_RANGE);
    uns_cast_close(&cast);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

static size_t taken;

static void *count_and_take(void *user, size_t bytes, size_t align) {
    (void)user;
    taken += bytes;
    return aligned_alloc(align, bytes);
}

static void give_back(void *user, void *memory) {
    (void)user;
    free(memory);
}

/* A run's own allocations, on one thread and in one slice, never given back in the count: what
 * is foreseen is most of it, and not more. */
Test(demand, what_is_foreseen_is_what_a_run_takes) {
    uns_context_config config = {
        .size = sizeof config, .allocate = count_and_take, .release = give_back, .threads = 1};
    uns_context *context;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    uns_plan *plan = make_plan(context, "problem: {name: quadratic, d: 300, rotation: none, "
                                        "noise_rotation: none}\nsteps: 2\n"
                                        "replicas: 16\n"
                                        "optimizers: [{rmsprop: {structure: full}}]\n");
    uns_cast cast;
    uns_record *record;
    uns_demand demand = demand_of(context, plan, &cast);
    const double need = demand.slice[0] + demand.figures;
    const size_t before = taken;
    cr_assert_eq(uns_run(context, plan, NULL, &record), UNS_OK);
    const double took = (double)(taken - before);
    cr_expect(need <= took && need > 0.9 * took, "%g foreseen, %g taken", need, took);
    uns_record_destroy(record);
    uns_cast_close(&cast);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

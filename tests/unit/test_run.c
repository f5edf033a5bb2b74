/* SPDX-License-Identifier: MIT
 * The runner: the loop against one written out here, bits that threads and cuts must not
 * change, what happens when a run goes wrong or is stopped.
 */
#include "base/base.h"
#include "run/record.h"
#include "support/toy_saddle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static uns_context *context;
static saddle_counters counters;

static uns_context *make_context(int threads) {
    uns_context *made;
    uns_context_config config = {.size = sizeof config, .threads = threads};
    cr_assert_eq(uns_context_create(&config, &made), UNS_OK);
    cr_assert_eq(uns_context_register(made, UNS_KIND_PROBLEM, &saddle_ops), UNS_OK);
    return made;
}

static void open_context(void) {
    context = make_context(2);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(run, .init = open_context, .fini = close_context);

static const saddle_config plain = {.curvature = 0.5, .noise = 0.1, .counters = &counters};

static uns_cell make_cell(const char *preset, double eta, const saddle_config *config) {
    uns_cell cell = {.settings = {.steps = 2000,
                                  .replicas = 40,
                                  .seed = 1,
                                  .batch = 1,
                                  .records = 10,
                                  .settle = 100},
                     .problem = "toy-saddle",
                     .problem_config = config};
    snprintf(cell.preset, sizeof cell.preset, "%s", preset);
    snprintf(cell.label, sizeof cell.label, "%s eta=%g", preset, eta);
    cr_assert_eq(uns_spec_preset(context, preset, &cell.spec), UNS_OK);
    cell.spec.eta = eta;
    return cell;
}

static uns_record *run_in(uns_context *where, const uns_cell *cell,
                          const uns_run_config *config) {
    uns_record *record = NULL;
    cr_assert_eq(uns_run_cells(where, &cell, 1, "", config, &record), UNS_OK, "%s",
                 uns_context_message(where));
    return record;
}

static uns_record *run_one(const uns_cell *cell) {
    return run_in(context, cell, NULL);
}

static bool same_number(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void expect_same(const uns_result *a, const uns_result *b) {
    cr_assert_eq(a->replicas, b->replicas);
    cr_assert_eq(a->rows, b->rows);
    cr_expect_arr_eq(a->escape_steps, b->escape_steps, (size_t)a->replicas * sizeof(int64_t));
    cr_expect_arr_eq(a->metrics, b->metrics, a->rows * sizeof(uns_metric_row));
    cr_expect(same_number(a->floor.mean, b->floor.mean));
    cr_expect(same_number(a->floor.low, b->floor.low));
    cr_expect(same_number(a->escape_mean.mean, b->escape_mean.mean));
    cr_expect(same_number(a->final_value, b->final_value));
}

/* The loop by hand for one slice: escape steps, floor, final value. */
typedef struct by_hand {
    int64_t escape[8];
    double floor, final;
} by_hand;

static void observe_by_hand(const uns_cell *cell, const void *self, uns_optimizer *optimizer,
                            uns_tensors x, uns_tensors g) {
    size_t n = (size_t)cell->settings.replicas;
    int64_t length = uns_spec_burn_in(context, &cell->spec);
    for (int64_t i = 0; i < length; i++) {
        uns_batch batch = {{1, (uint64_t)i, 0, UNS_STREAM_BURN_IN}, 1, NULL};
        uns_eval eval = {n, uns_tensors_const(x), &batch, NULL};
        cr_assert_eq(saddle_gradient(self, &eval, g), UNS_OK);
        cr_assert_eq(
            uns_optimizer_observe(optimizer, uns_tensors_const(x), uns_tensors_const(g)),
            UNS_OK);
    }
}

static by_hand run_by_hand(const uns_cell *cell) {
    double x[8] = {0}, g[8], f[8], sum = 0.0, count = 0.0;
    by_hand out = {{0}, 0, 0};
    void *x_block[1] = {x}, *g_block[1] = {g};
    uns_tensors xs = {x_block, 1}, gs = {g_block, 1};
    size_t n = (size_t)cell->settings.replicas;
    uns_block block = {"x", 1, 1, 0};
    uns_layout_config shape = {sizeof shape, UNS_F64, n, 1, &block};
    uns_layout *layout;
    uns_optimizer *optimizer;
    uns_truth truth;
    saddle_truth(cell->problem_config, &truth);
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &cell->spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK);
    observe_by_hand(cell, cell->problem_config, optimizer, xs, gs);
    for (int64_t t = 1; t <= cell->settings.steps; t++) {
        uns_batch batch = {{1, (uint64_t)t - 1, 0, UNS_STREAM_GRADIENT}, 1, NULL};
        uns_eval eval = {n, uns_tensors_const(xs), &batch, NULL};
        cr_assert_eq(saddle_gradient(cell->problem_config, &eval, gs), UNS_OK);
        cr_assert_eq(uns_optimizer_step(optimizer, xs, uns_tensors_const(gs)), UNS_OK);
        cr_assert_eq(saddle_value(cell->problem_config, &eval, f), UNS_OK);
        for (size_t r = 0; r < n; r++) {
            if (!out.escape[r] && f[r] < truth.escape_value)
                out.escape[r] = t;
            if (out.escape[r] && t - out.escape[r] >= cell->settings.settle &&
                5 * t > 4 * cell->settings.steps) {
                sum += f[r] - truth.minimum;
                count++;
            }
        }
    }
    for (size_t r = 0; r < n; r++)
        out.final += f[r] / (double)n;
    out.floor = sum / count;
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    return out;
}

Test(run, the_loop_is_batch_gradient_step_and_look) {
    const char *presets[2] = {"sgd", "rmsprop"};
    const double eta[2] = {0.02, 0.005};
    for (int i = 0; i < 2; i++) {
        uns_cell cell = make_cell(presets[i], eta[i], &plain);
        cell.settings.replicas = 8;
        cell.settings.settle = 1400; /* replicas join the floor within the last fifth */
        cell.spec.burn_in = 30;
        by_hand expected = run_by_hand(&cell);
        uns_record *record = run_one(&cell);
        const uns_result *result = uns_record_result(record, 0);
        cr_expect_eq(result->escaped, 8);
        cr_expect_arr_eq(result->escape_steps, expected.escape, sizeof expected.escape);
        cr_expect_float_eq(result->floor.mean, expected.floor, 1e-12 * expected.floor);
        cr_expect_float_eq(result->final_value, expected.final, 1e-14);
        cr_expect_eq(result->stop, UNS_STOP_STEPS);
        cr_expect_eq(result->steps, 2000);
        uns_record_destroy(record);
    }
}

Test(run, threads_do_not_change_a_bit) {
    uns_context *single = make_context(1);
    uns_cell cell = make_cell("rmsprop", 0.005, &plain);
    cell.settings.replicas = 300;
    uns_record *one = run_in(single, &cell, NULL), *two = run_one(&cell);
    cr_expect_gt(uns_record_result(one, 0)->escaped, 250);
    expect_same(uns_record_result(one, 0), uns_record_result(two, 0));
    uns_record_destroy(one);
    uns_record_destroy(two);
    uns_context_destroy(single);
}

/* Cut at 256 and 512 in the whole, at 256 and 500 and 756 in the halves: no cut may show. */
Test(run, halves_of_the_replicas_are_the_whole) {
    uns_cell cell = make_cell("sgd", 0.02, &plain);
    cell.settings.replicas = 1000;
    cell.settings.steps = 600;
    uns_record *whole = run_one(&cell);
    const uns_result *all = uns_record_result(whole, 0);
    cr_expect_gt(all->escaped, 100);
    for (int64_t first = 0; first < 1000; first += 500) {
        cell.settings.replicas = 500;
        cell.settings.first_replica = first;
        uns_record *half = run_one(&cell);
        cr_expect_arr_eq(uns_record_result(half, 0)->escape_steps, all->escape_steps + first,
                         500 * sizeof(int64_t));
        uns_record_destroy(half);
    }
    uns_record_destroy(whole);
}

Test(run, rows_are_evenly_spaced_and_end_with_the_last_step) {
    uns_cell cell = make_cell("sgd", 0.02, &plain);
    cell.settings.steps = 1003;
    cell.settings.records = 10;
    uns_record *record = run_one(&cell);
    const uns_result *result = uns_record_result(record, 0);
    cr_assert_eq(result->rows, 10);
    for (size_t i = 0; i < 10; i++) {
        cr_expect_eq(result->metrics[i].step, (int64_t)(i + 1) * 1003 / 10);
        cr_expect(isfinite(result->metrics[i].value) && result->metrics[i].gradient > 0.0);
        cr_expect(i == 0 || result->metrics[i].escaped >= result->metrics[i - 1].escaped);
    }
    cr_expect_eq(result->metrics[9].escaped, (double)result->escaped / 40.0);
    cr_expect_float_eq(result->metrics[9].value, result->final_value, 1e-15);
    uns_record_destroy(record);
    cell.settings.steps = 7;
    record = run_one(&cell);
    cr_expect_eq(uns_record_result(record, 0)->rows, 7);
    uns_record_destroy(record);
}

Test(run, divergence_ends_a_cell_and_is_no_success) {
    uns_cell cell = make_cell("sgd", 50.0, &plain);
    uns_record *record = run_one(&cell);
    const uns_result *result = uns_record_result(record, 0);
    cr_expect_eq(result->stop, UNS_STOP_DIVERGED);
    cr_expect_eq(result->diverged, 40);
    cr_expect_eq(result->escaped, 0);
    cr_expect_lt(result->steps, 200);
    cr_expect(isnan(result->final_value) && isnan(result->floor.mean));
    cr_expect(isnan(result->escape_median));
    uns_record_destroy(record);
}

Test(run, one_diverged_replica_leaves_the_others_alone) {
    saddle_config bad = plain;
    bad.bad_replica = 17;
    bad.bad_step = 1500;
    uns_cell good_cell = make_cell("sgd", 0.02, &plain),
             bad_cell = make_cell("sgd", 0.02, &bad);
    uns_record *good = run_one(&good_cell), *one = run_one(&bad_cell);
    const uns_result *a = uns_record_result(good, 0), *b = uns_record_result(one, 0);
    cr_expect_eq(a->escaped, 40);
    cr_expect_eq(b->escaped, 39);
    cr_expect_eq(b->diverged, 1);
    cr_expect_eq(b->stop, UNS_STOP_DIVERGED);
    for (size_t r = 0; r < 40; r++)
        cr_expect_eq(b->escape_steps[r], r == 17 ? -1 : a->escape_steps[r]);
    cr_expect_lt(b->metrics[9].escaped, b->metrics[6].escaped);
    uns_record_destroy(good);
    uns_record_destroy(one);
}

static int by_step(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

Test(run, a_diverged_replica_stays_among_those_at_risk) {
    saddle_config bad = plain;
    bad.bad_replica = 17;
    bad.bad_step = 3;
    uns_cell cell = make_cell("sgd", 0.02, &bad);
    uns_record *record = run_one(&cell);
    const uns_result *result = uns_record_result(record, 0);
    int64_t escapes[40];
    memcpy(escapes, result->escape_steps, sizeof escapes);
    qsort(escapes, 40, sizeof *escapes, by_step);
    cr_assert(escapes[0] == -1 && escapes[1] > 3 && escapes[20] < escapes[21]);
    /* 20 of 40 are half; of 39 they would be more. */
    cr_expect_eq(result->escape_median, 0.5 * (double)(escapes[20] + escapes[21]));
    uns_record_destroy(record);
}

Test(run, an_interrupt_finishes_the_record) {
    saddle_config stopped = plain;
    stopped.interrupt_at = 1000;
    uns_cell cell = make_cell("sgd", 0.02, &stopped), later = make_cell("sgd", 0.03, &stopped);
    cell.settings.threads = 1;
    cell.settings.steps = later.settings.steps = 1000000;
    const uns_cell *cells[2] = {&cell, &later};
    uns_run_config config = {.size = sizeof config, .interrupt = &counters.interrupt};
    uns_record *record;
    cr_assert_eq(uns_run_cells(context, cells, 2, "", &config, &record), UNS_OK);
    const uns_result *result = uns_record_result(record, 0);
    cr_expect_eq(result->stop, UNS_STOP_INTERRUPTED);
    cr_expect(result->steps >= 1000 && result->steps < 5000, "%d", (int)result->steps);
    cr_expect_gt(result->escaped, 20);
    cr_expect(isfinite(result->final_value) && isfinite(result->escape_median));
    result = uns_record_result(record, 1);
    cr_expect_eq(result->stop, UNS_STOP_INTERRUPTED);
    cr_expect_eq(result->steps, 0);
    cr_expect(isnan(result->final_value));
    uns_record_destroy(record);
}

Test(run, a_failing_problem_is_reported_with_its_cell) {
    saddle_config failing = plain;
    failing.fail_step = 700;
    uns_cell cell = make_cell("sgd", 0.02, &failing);
    uns_record *record = NULL;
    const uns_cell *cells[1] = {&cell};
    cr_expect_eq(uns_run_cells(context, cells, 1, "", NULL, &record), UNS_ERROR_CALLBACK);
    cr_expect_null(record);
    cr_expect(strstr(uns_context_message(context), "sgd eta=0.02"), "%s",
              uns_context_message(context));
    cr_expect_eq(counters.created, counters.destroyed);
}

Test(run, cells_share_a_problem_of_one_config) {
    saddle_config same = plain, other = plain;
    other.noise = 0.2;
    uns_cell a = make_cell("sgd", 0.02, &plain), b = make_cell("sgd", 0.03, &same),
             c = make_cell("sgd", 0.02, &other);
    const uns_cell *cells[3] = {&a, &b, &c};
    uns_record *record;
    cr_assert_eq(uns_run_cells(context, cells, 3, "", NULL, &record), UNS_OK);
    cr_expect_eq(counters.created, 2);
    cr_expect_eq(counters.destroyed, 2);
    uns_record_destroy(record);
}

/* 2 passes an epoch: 2·2000·8/4000 = 8 evaluations on 20 rows, and the final one is the last.
 */
Test(run, a_large_sum_is_evaluated_seldom) {
    saddle_config large = plain;
    large.samples = 4000;
    large.no_criterion = 1;
    uns_cell cell = make_cell("sgd", 0.02, &large);
    cell.settings.batch = 8;
    cell.settings.records = 20;
    cell.settings.replicas = 1;
    uns_record *record = run_one(&cell);
    const uns_result *result = uns_record_result(record, 0);
    size_t valued = 0;
    for (size_t i = 0; i < result->rows; i++)
        valued += !isnan(result->metrics[i].value);
    cr_expect_eq(valued, 8);
    cr_expect_eq(counters.values, 8);
    cr_expect(!isnan(result->metrics[result->rows - 1].value));
    cr_expect(isnan(result->metrics[0].escaped));
    uns_record_destroy(record);
}

Test(run, without_a_criterion_there_is_a_floor_and_no_escape) {
    saddle_config well = plain;
    well.no_criterion = 1;
    uns_cell cell = make_cell("sgd", 0.02, &well);
    uns_record *record = run_one(&cell);
    const uns_result *result = uns_record_result(record, 0);
    cr_expect_eq(result->escaped, 0);
    cr_expect(isnan(result->escape_mean.mean) && isnan(result->escape_theory));
    cr_expect(result->floor.low < result->floor_theory * 1.2 &&
              result->floor.high > result->floor_theory * 0.8);
    uns_record_destroy(record);
}

Test(run, accuracy_is_that_of_the_first_replica) {
    uns_cell cell = make_cell("sgd", 0.02, &plain);
    uns_record *all = run_one(&cell);
    cell.settings.replicas = 1;
    uns_record *one = run_one(&cell);
    double x = uns_record_result(one, 0)->final_accuracy;
    cr_expect_eq(uns_record_result(all, 0)->final_accuracy, x);
    cr_expect_eq(saddle_at(&plain, x), uns_record_result(one, 0)->final_value);
    uns_record_destroy(all);
    uns_record_destroy(one);
}

Test(run, theory_stands_where_the_metric_is_known) {
    const char *known[3] = {"sgd", "idealized", "rmsprop"};
    const char *unknown[4] = {"lion", "adagrad", "amsgrad", "lamb"};
    for (int i = 0; i < 7; i++) {
        uns_cell cell = make_cell(i < 3 ? known[i] : unknown[i - 3], 1e-3, &plain);
        cell.settings.steps = 10;
        uns_record *record = run_one(&cell);
        const uns_result *result = uns_record_result(record, 0);
        cr_expect_eq(isfinite(result->escape_theory), i < 3, "%s", cell.preset);
        cr_expect_eq(isfinite(result->floor_theory), i < 3, "%s", cell.preset);
        uns_record_destroy(record);
    }
}

/* Noise so small that the mean gradient counts: q = 12, and two thirds of the way are delay. */
Test(run, theory_meets_the_simulated_median) {
    saddle_config quiet = plain;
    quiet.noise = 0.02;
    for (int about = UNS_ABOUT_SECOND_MOMENT; about <= UNS_ABOUT_COVARIANCE; about++) {
        uns_cell cell = make_cell("idealized", 0.001, &quiet);
        cell.spec.about = about;
        cell.settings.replicas = 400;
        uns_record *record = run_one(&cell);
        const uns_result *result = uns_record_result(record, 0);
        cr_expect(result->escape_theory > result->escape_median_low * 0.98 &&
                      result->escape_theory < result->escape_median_high * 1.02,
                  "%g, not in %g..%g", result->escape_theory, result->escape_median_low,
                  result->escape_median_high);
        uns_record_destroy(record);
    }
}

/* Progress as it was told. */
typedef struct told {
    const char *caller;
    int calls, elsewhere, backward;
    double last;
} told;

static const char *thread_mark(void) {
    static _Thread_local const char mark = 0;
    return &mark;
}

static void listen(void *user, const uns_progress *progress) {
    told *all = user;
    all->calls++;
    all->elsewhere += thread_mark() != all->caller;
    all->backward += progress->done < all->last || progress->done > 1.0;
    all->last = progress->done;
}

Test(run, progress_is_told_by_the_caller_and_seldom) {
    told all = {.caller = thread_mark()};
    uns_run_config config = {.size = sizeof config, .progress = listen, .user = &all};
    uns_cell cell = make_cell("sgd", 1e-4, &plain);
    cell.settings.steps = 40000;
    cell.settings.replicas = 200;
    uns_record *record = run_in(context, &cell, &config);
    double wall = uns_record_result(record, 0)->wall_s;
    cr_expect(all.calls >= 1 && all.calls <= 10.0 * wall + 1.0, "%d in %g s", all.calls, wall);
    cr_expect_eq(all.elsewhere, 0);
    cr_expect_eq(all.backward, 0);
    uns_record_destroy(record);
}

/* Memory as a test instrument. */
typedef struct meter {
    atomic_int taken, live;
    int fail_at; /* 0: never */
} meter;

static void *meter_allocate(void *user, size_t bytes, size_t align) {
    meter *all = user;
    if (++all->taken == all->fail_at)
        return NULL;
    all->live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void meter_release(void *user, void *memory) {
    meter *all = user;
    all->live -= memory != NULL;
    free(memory);
}

static uns_status run_metered(meter *all, const uns_cell *cell) {
    uns_context *made;
    uns_record *record = NULL;
    uns_context_config config = {sizeof config, meter_allocate, meter_release, all, 1, 0};
    uns_status status = uns_context_create(&config, &made);
    if (status != UNS_OK)
        return status;
    status = uns_context_register(made, UNS_KIND_PROBLEM, &saddle_ops);
    if (status == UNS_OK)
        status = uns_run_cells(made, &cell, 1, "", NULL, &record);
    uns_record_destroy(record);
    uns_context_destroy(made);
    return status;
}

Test(run, steps_do_not_allocate) {
    meter few = {0}, many = {0};
    uns_cell cell = make_cell("rmsprop", 0.005, &plain);
    cell.settings.steps = 100;
    cr_assert_eq(run_metered(&few, &cell), UNS_OK);
    cell.settings.steps = 3000;
    cr_assert_eq(run_metered(&many, &cell), UNS_OK);
    cr_expect_eq(few.taken, many.taken);
    cr_expect_eq(few.live, 0);
}

Test(run, a_refused_allocation_fails_cleanly_wherever_it_is) {
    uns_cell cell = make_cell("rmsprop", 0.005, &plain);
    uns_status status = UNS_ERROR_MEMORY;
    int k = 1;
    cell.settings.steps = 20;
    for (; k < 500 && status == UNS_ERROR_MEMORY; k++) {
        meter all = {.fail_at = k};
        status = run_metered(&all, &cell);
        cr_expect_eq(all.live, 0, "allocation %d leaks", k);
    }
    cr_expect_eq(status, UNS_OK);
    cr_expect_gt(k, 15);
    cr_expect_eq(counters.created, counters.destroyed);
}

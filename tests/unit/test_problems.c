/* SPDX-License-Identifier: MIT
 * The built-in problems as registered: whatever is registered passes its check, variants too,
 * wrong configs and failing memory are reported, and batches are addressed by their key.
 */
#include "support/problem_bench.h"

static void check_passes(uns_context *context, const char *name, const char *pairs) {
    uns_problem_report report;
    uns_problem *problem = make(context, name, pairs);
    cr_assert_eq(uns_problem_check(context, problem, 1, &report), UNS_OK, "%s",
                 uns_context_message(context));
    cr_expect(report.passed,
              "%s %s: gradient %g product %g symmetry %g replicas %g sampling %g samples %g "
              "moment %g",
              name, pairs, report.gradient_error, report.product_error, report.symmetry_error,
              report.replica_error, report.sampling_sigmas, report.per_sample_error,
              report.moment_error);
    uns_problem_destroy(problem);
}

/* The registry */

Test(problems, every_registered_problem_passes_its_check_by_default) {
    uns_context *context = open_context();
    size_t count = uns_context_count(context, UNS_KIND_PROBLEM);
    cr_assert_geq(count, 4);
    for (size_t i = 0; i < count; i++) {
        const uns_problem_ops *ops = uns_context_entry(context, UNS_KIND_PROBLEM, i);
        check_passes(context, ops->name, "");
    }
    uns_context_destroy(context);
}

Test(problems, every_variant_passes_its_check) {
    uns_context *context = open_context();
    for (size_t i = 0; i < UNS_COUNT_OF(variants); i++)
        check_passes(context, variants[i].name, variants[i].pairs);
    uns_context_destroy(context);
}

Test(problems, replicas_at_once_give_the_bits_of_each_alone) {
    uns_context *context = open_context();
    for (size_t i = 0; i < UNS_COUNT_OF(variants); i++) {
        uns_problem_report report;
        uns_problem *problem = make(context, variants[i].name, variants[i].pairs);
        cr_assert_eq(uns_problem_check(context, problem, 3, &report), UNS_OK);
        cr_expect_eq(report.replica_error, 0.0, "%s %s: %g", variants[i].name,
                     variants[i].pairs, report.replica_error);
        uns_problem_destroy(problem);
    }
    uns_context_destroy(context);
}

Test(problems, a_second_registration_is_refused) {
    uns_context *context = open_context();
    cr_assert_eq(uns_problems_register(context), UNS_ERROR_NAME);
    uns_context_destroy(context);
}

Test(problems, an_unknown_name_is_answered_with_the_nearest) {
    uns_context *context = open_context();
    uns_problem *problem = NULL;
    cr_assert_eq(uns_problem_create(context, "sadle2d", NULL, &problem), UNS_ERROR_NAME);
    cr_assert(strstr(uns_context_message(context), "saddle2d"));
    cr_assert_null(problem);
    uns_context_destroy(context);
}

Test(problems, layout_describes_the_blocks) {
    uns_context *context = open_context();
    uns_problem *problem = make(context, "matrix-factorization", "n=7 rank=2 width=3");
    uns_layout *layout = NULL;
    cr_assert_eq(uns_problem_layout(context, problem, 5, &layout), UNS_OK);
    cr_expect_eq(uns_layout_count(layout), 1);
    cr_expect_eq(uns_layout_replicas(layout), 5);
    cr_expect_eq(uns_layout_parameters(layout), 21);
    cr_expect_eq(uns_problem_dimension(problem), 21);
    cr_expect_eq(uns_layout_block(layout, 0)->rows, 7);
    cr_expect_eq(uns_problem_samples(problem), 49);
    uns_layout_destroy(layout);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

/* Wrong configs are refused with a message that names the key. */
Test(problems, bad_configs_are_refused_by_key) {
    static const struct {
        const char *name, *pairs, *word;
    } cases[] = {
        {"saddle", "d=3 hessian=1,-1", "hessian: the list has 2 values, but d is 3"},
        {"saddle", "hessian=1,-1 noise=1,1,1", "noise: the list has 3 values, but d is 2"},
        {"saddle", "hessian=1,2", "quadratic"},
        {"saddle", "drop=0.5", "drop"},
        {"saddle", "d=2000", "rotation"},
        {"saddle", "negative=0.1", "negative"},
        {"saddle", "starv=0.1", "starve"},
        {"quadratic", "hessian=1,-2", "saddle"},
        {"quadratic", "condition=0.5", "condition"},
        {"matrix-factorization", "n=3 rank=4", "rank"},
        {"matrix-factorization", "rank=2 spectrum=1,2", "largest"},
        {"matrix-factorization", "rank=2 spectrum=1", "spectrum: the list has 1 values"},
        {"saddle2d", "noise=finit", "finite"},
        {"saddle2d", "samples=2", "samples"},
    };
    uns_context *context = open_context();
    for (size_t i = 0; i < UNS_COUNT_OF(cases); i++) {
        uns_problem *problem = NULL;
        uns_status status = try_problem(context, cases[i].name, cases[i].pairs, &problem);
        cr_expect(status == UNS_ERROR_RANGE || status == UNS_ERROR_NAME, "%s: %d",
                  cases[i].pairs, status);
        cr_expect(strstr(uns_context_message(context), cases[i].word), "%s: %s", cases[i].pairs,
                  uns_context_message(context));
        cr_expect_null(problem);
    }
    uns_context_destroy(context);
}

static long calls_left, live;

static void *failing_allocate(void *user, size_t bytes, size_t align) {
    (void)user;
    if (calls_left-- == 0)
        return NULL;
    live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void counting_release(void *user, void *memory) {
    (void)user;
    live--;
    free(memory);
}

/* Creates and checks with the k-th allocation failing; true when none was left to fail. */
static bool survives(uns_context *context, const char *name, const char *pairs, long k) {
    uns_problem *problem = NULL;
    uns_problem_report report;
    long before = live;
    calls_left = k;
    uns_status status = try_problem(context, name, pairs, &problem);
    if (status == UNS_OK)
        status = uns_problem_check(context, problem, 1, &report);
    bool whole = calls_left >= 0;
    uns_problem_destroy(problem);
    cr_expect_eq(live, before, "%s %s: allocation %ld leaks", name, pairs, k);
    cr_expect_eq(status, whole ? UNS_OK : UNS_ERROR_MEMORY, "%s %s: %d", name, pairs, status);
    return whole;
}

Test(problems, any_failing_allocation_is_reported_and_leaks_nothing) {
    static const struct variant some[] = {
        {"saddle2d", "noise=finite samples=3"},
        {"saddle", "d=2 starve=0.003"},
        {"quadratic", "d=2"},
        {"matrix-factorization", "n=3 rank=1 noise=0.1"},
    };
    uns_context_config config = {.size = sizeof config,
                                 .allocate = failing_allocate,
                                 .release = counting_release,
                                 .threads = 1};
    uns_context *context = NULL;
    calls_left = 1000000;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    for (size_t i = 0; i < UNS_COUNT_OF(some); i++) {
        long k = 0;
        while (k < 100 && !survives(context, some[i].name, some[i].pairs, k))
            k++;
        cr_expect(k > 2 && k < 100, "%s: %ld allocations", some[i].name, k);
    }
    calls_left = 1000000;
    uns_context_destroy(context);
    cr_expect_eq(live, 0);
}

/* Sampling */

Test(sampling, an_epoch_visits_every_sample_once) {
    enum {
        n = 30,
        size = 4
    };
    for (uint32_t replica = 0; replica < 3; replica++) {
        int seen[2][n] = {{0}};
        for (size_t position = 0; position < 2 * n; position++) {
            uns_batch batch = {{7, position / size, 5, UNS_STREAM_CHECK}, size, NULL};
            seen[position / n][uns_batch_sample(&batch, replica, n, position % size)]++;
        }
        for (size_t i = 0; i < n; i++)
            cr_expect(seen[0][i] == 1 && seen[1][i] == 1);
    }
}

Test(sampling, indices_go_before_the_draw) {
    const uint32_t indices[] = {9, 2};
    uns_batch batch = {{1, 0, 0, UNS_STREAM_GRADIENT}, 2, indices};
    cr_expect_eq(uns_batch_sample(&batch, 3, 10, 0), 9);
    cr_expect_eq(uns_batch_sample(&batch, 4, 10, 1), 2);
}

/* How many of the first 100 samples two addresses have in common. */
static size_t matches(uns_key a, size_t replica_a, uns_key b, size_t replica_b) {
    uns_batch first = {a, 100, NULL}, second = {b, 100, NULL};
    size_t equal = 0;
    for (size_t i = 0; i < 100; i++)
        equal += uns_batch_sample(&first, replica_a, 1000, i) ==
                 uns_batch_sample(&second, replica_b, 1000, i);
    return equal;
}

Test(sampling, is_addressed_by_key_and_replica) {
    uns_key base = {1, 3, 10, UNS_STREAM_CHECK}, moved = base, stream = base, epoch = base;
    moved.replica = 8;
    stream.stream = UNS_STREAM_NOISE;
    epoch.step += 10; /* ten batches of 100 on: the next epoch, at the same place */
    cr_expect_eq(matches(base, 0, moved, 2), 100);
    cr_expect_lt(matches(base, 0, base, 1), 10);
    cr_expect_lt(matches(base, 0, stream, 0), 10);
    cr_expect_lt(matches(base, 0, epoch, 0), 10);
}

Test(sampling, finite_noise_has_exactly_the_claimed_moments) {
    enum {
        n = 1000
    };
    uns_context *context = open_context();
    uns_problem *problem = make(context, "saddle2d", "noise=finite samples=1000");
    static uint32_t indices[n];
    static double rows[n][2];
    double x[2] = {0, 0}, sums[5] = {0};
    for (size_t i = 0; i < n; i++)
        indices[i] = (uint32_t)i;
    uns_batch batch = {{1, 0, 0, UNS_STREAM_CHECK}, n, indices};
    bench b;
    bench_open(&b, problem, 1, x, &batch);
    cr_assert_eq(b.ops->per_sample(b.self, &b.eval, rows[0]), UNS_OK);
    for (size_t i = 0; i < n; i++) {
        sums[0] += rows[i][0] / n;
        sums[1] += rows[i][1] / n;
        sums[2] += rows[i][0] * rows[i][0] / n;
        sums[3] += rows[i][0] * rows[i][1] / n;
        sums[4] += rows[i][1] * rows[i][1] / n;
    }
    const double expected[5] = {0, 0, 1, 0, 0.01};
    for (size_t i = 0; i < 5; i++)
        cr_expect(fabs(sums[i] - expected[i]) < 1e-14, "%zu: %.17g", i, sums[i]);
    bench_close(&b);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

Test(sampling, a_slice_of_replicas_has_the_bits_of_the_whole_run) {
    enum {
        d = 6,
        all = 10,
        part = 3,
        first = 5
    };
    uns_context *context = open_context();
    uns_problem *problem = make(context, "saddle", "d=6");
    double x[d * all], g[d * all], y[d * part], h[d * part];
    for (size_t k = 0; k < d * all; k++)
        x[k] = 0.01 * (double)k;
    for (size_t k = 0; k < d; k++)
        memcpy(y + k * part, x + k * all + first, part * sizeof *y);
    uns_batch batch = {{4, 17, 100, UNS_STREAM_GRADIENT}, 8, NULL}, slice = batch;
    slice.key.replica += first;
    gradient_at(problem, all, x, &batch, g);
    gradient_at(problem, part, y, &slice, h);
    for (size_t k = 0; k < d; k++)
        cr_expect_eq(memcmp(h + k * part, g + k * all + first, part * sizeof *h), 0);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

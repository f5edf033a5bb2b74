/* SPDX-License-Identifier: MIT
 * Stalls within a run: told from minima, left along the witness, the same for any threads and
 * cuts, and nothing of the run is touched unless the plan says so.
 */
#include "base/base.h"
#include "run/record.h"
#include "run/stall.h"
#include "support/run_text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <unsaddle/forecast.h>

TestSuite(stall, .init = run_text_open, .fini = run_text_close);

static const char saddle[] = "problem: {name: saddle2d, noise: gaussian}\n"
                             "steps: 12000\n"
                             "replicas: 40\n"
                             "seed: 1\n";

static size_t count_saddles(const uns_result *result, size_t *acted) {
    size_t count = 0;
    *acted = 0;
    for (size_t i = 0; i < result->episodes; i++) {
        count += result->episode[i].verdict == UNS_VERDICT_SADDLE;
        *acted += result->episode[i].acted;
    }
    return count;
}

Test(stall, watching_does_not_change_a_bit) {
    const char *optimizers[2] = {"optimizers: {sgd: {eta: 1e-2}}\n",
                                 "optimizers: {adam: {eta: 1e-3}}\n"};
    for (int i = 0; i < 2; i++) {
        run_text with = run_text_run(saddle, optimizers[i], "stall: {every: 500}\n");
        run_text without = run_text_run(saddle, optimizers[i], "");
        run_text_expect_same(with.result[0], without.result[0]);
        cr_expect_gt(with.result[0]->episodes, 20);
        cr_expect_eq(without.result[0]->episodes, 0);
        run_text_end(&with);
        run_text_end(&without);
    }
}

Test(stall, the_witness_leaves_sooner_than_waiting) {
    run_text run = run_text_run(saddle, "optimizers: {sgd: {eta: 1e-3}}\n",
                                "stall: {every: 1000, act: [none, witness]}\n");
    const uns_result *none = run.result[0], *witness = run.result[1];
    size_t acted;
    cr_expect_geq(count_saddles(none, &acted), 40);
    cr_expect_eq(acted, 0);
    cr_expect_leq(none->escaped, 2);
    cr_expect_geq(count_saddles(witness, &acted), 40);
    cr_expect_geq(acted, 40);
    cr_expect_eq(witness->escaped, 40);
    cr_expect_lt(witness->escape_quantile[3], 9000.0);
    run_text_end(&run);
}

Test(stall, every_step_taken_is_verified_and_clears_the_noise) {
    run_text run = run_text_run(saddle, "optimizers: {sgd: {eta: 1e-3}}\n",
                                "stall: {every: 1000, act: witness}\n");
    /* three times s·sqrt(eta/(2 gamma)), s = 0.1, gamma = 0.1 */
    double floor = 3.0 * 0.1 * sqrt(1e-3 / 0.2);
    size_t steps = 0;
    for (size_t i = 0; i < run.result[0]->episodes; i++) {
        const uns_episode *e = &run.result[0]->episode[i];
        if (!e->acted)
            continue;
        steps++;
        cr_expect(e->assurance == UNS_ASSURANCE_PROOF && e->rung == UNS_RUNG_EXACT &&
                  e->product_error == 0.0);
        cr_expect(e->length > 0.6 * floor && e->length < 0.8, "%g", e->length);
        cr_expect_geq(e->decrease, -0.25 * e->curvature * e->length * e->length);
        cr_expect_float_eq(e->drop, -0.25 * e->curvature * e->length * e->length, 1e-15);
        cr_expect(e->left > 0, "replica %lld", (long long)e->replica);
    }
    cr_expect_geq(steps, 40);
    run_text_end(&run);
}

/* f has no floor, and the promise is kept at any length. */
Test(stall, without_a_floor_a_step_goes_as_far_as_escaping_takes) {
    run_text run = run_text_run("problem: {name: saddle, hessian: [1, -0.1], "
                                "confinement: none, drop: 1}\nsteps: 60000\nreplicas: 4\n",
                                "optimizers: {sgd: {eta: 1e-3}}\n",
                                "stall: {every: 100, act: [witness, larger]}\n");
    for (int c = 0; c < 2; c++) {
        size_t acted, left = 0;
        cr_expect_geq(count_saddles(run.result[c], &acted), 4);
        cr_expect_geq(acted, 4);
        for (size_t i = 0; i < run.result[c]->episodes; i++) {
            const uns_episode *e = &run.result[c]->episode[i];
            cr_expect(e->drop > 0.999 && e->drop < 1.001, "%g", e->drop);
            cr_expect(c == 1 || fabs(e->length - sqrt(4.0 * e->drop / 0.1)) < 1e-9, "%g",
                      e->length);
            left += e->left > 0;
        }
        cr_expect_geq(left, 4, "%zu", left);
    }
    run_text_end(&run);
}

/* The same from a problem that says nothing of itself: f = ½x² − ½y² from 0. */
static size_t slide_blocks(const void *self, const uns_block **out) {
    static const uns_block block = {"x", 2, 1, 0};
    (void)self;
    *out = &block;
    return 1;
}

static uns_status slide_create(uns_context *context, const void *config, void **self) {
    static int nothing;
    (void)context, (void)config;
    *self = &nothing;
    return UNS_OK;
}

static uns_status slide_start(const void *self, uns_key key, size_t replicas, uns_tensors x) {
    (void)self, (void)key;
    for (size_t i = 0; i < 2 * replicas; i++)
        ((double *)x.data[0])[i] = 0.0;
    return UNS_OK;
}

static uns_status slide_value(const void *self, const uns_eval *eval, double *f) {
    const double *x = eval->x.data[0];
    (void)self;
    for (size_t r = 0; r < eval->replicas; r++) {
        double y = x[eval->replicas + r];
        f[r] = 0.5 * x[r] * x[r] - 0.5 * y * y;
    }
    return UNS_OK;
}

static uns_status slide_gradient(const void *self, const uns_eval *eval, uns_tensors g) {
    const double *x = eval->x.data[0];
    size_t n = eval->replicas;
    (void)self;
    for (size_t r = 0; r < n; r++) {
        double z[2] = {0.0, 0.0};
        if (eval->batch) {
            uns_key key = eval->batch->key;
            key.replica += (uint32_t)r;
            uns_random_normal(key, 0, 2, z);
        }
        ((double *)g.data[0])[r] = x[r] + 0.01 * z[0];
        ((double *)g.data[0])[n + r] = -x[n + r] + 0.01 * z[1];
    }
    return UNS_OK;
}

Test(stall, a_problem_that_does_not_say_when_it_is_left_bounds_the_step_too) {
    static const uns_problem_ops slide = {.size = sizeof slide,
                                          .name = "slide",
                                          .create = slide_create,
                                          .blocks = slide_blocks,
                                          .start = slide_start,
                                          .value = slide_value,
                                          .gradient = slide_gradient};
    cr_assert_eq(uns_context_register(run_text_context(), UNS_KIND_PROBLEM, &slide), UNS_OK);
    run_text run =
        run_text_run("problem: {name: slide}\nsteps: 2000\nreplicas: 4\n",
                     "optimizers: {sgd: {eta: 1e-3}}\n", "stall: {every: 100, act: witness}\n");
    size_t acted;
    cr_expect_geq(count_saddles(run.result[0], &acted), 4);
    cr_expect_geq(acted, 4);
    for (size_t i = 0; i < run.result[0]->episodes; i++) {
        const uns_episode *e = &run.result[0]->episode[i];
        double longest = fmax(2.0 * sqrt(fabs(e->value)), fmax(e->norm, 1.0));
        cr_expect(!e->acted || fabs(e->length - longest) < 1e-6, "%g %g", e->length, longest);
    }
    run_text_end(&run);
}

/* No length along the witness is both longer than a thousand noise floors and downhill. */
Test(stall, no_step_is_taken_that_the_noise_would_swallow) {
    run_text run = run_text_run(saddle, "optimizers: {sgd: {eta: 1e-3}}\n",
                                "stall: {every: 1000, act: witness, clearance: 1000}\n");
    size_t acted;
    cr_expect_geq(count_saddles(run.result[0], &acted), 40);
    cr_expect_eq(acted, 0);
    run_text_end(&run);
}

Test(stall, the_larger_step_moves_and_is_recorded) {
    run_text run = run_text_run(saddle, "optimizers: {sgd: {eta: 1e-3}}\n",
                                "stall: {every: 1000, act: larger, larger: [0.05, auto]}\n");
    for (int c = 0; c < 2; c++) {
        size_t acted, saddles = count_saddles(run.result[c], &acted);
        cr_expect_geq(saddles, 40);
        cr_expect_eq(acted, saddles);
    }
    cr_expect_neq(run.result[0]->final_value, run.result[1]->final_value);
    run_text_end(&run);
}

/* At the saddle itself and without noise Ag is 0: nothing moves, and nothing is said to. */
Test(stall, a_larger_step_of_length_zero_is_none) {
    run_text run = run_text_run("problem: {name: saddle, hessian: [-1], noise: [0]}\n"
                                "steps: 2000\n",
                                "optimizers: {sgd: {eta: 1e-3}}\n",
                                "stall: {every: 100, act: larger, larger: [auto, 0.05]}\n");
    for (int c = 0; c < 2; c++) {
        size_t acted;
        cr_expect_geq(count_saddles(run.result[c], &acted), 1);
        cr_expect_eq(acted, 0);
        for (size_t i = 0; i < run.result[c]->episodes; i++)
            cr_expect(isnan(run.result[c]->episode[i].length) &&
                      isnan(run.result[c]->episode[i].decrease));
    }
    run_text_end(&run);
}

/* Four problems that start at, or reach, a minimum: many looks, and not one saddle. */
Test(stall, a_minimum_is_never_called_a_saddle) {
    static const char *const minima[] = {
        "problem: {name: quadratic}\nsteps: 6000\nreplicas: 500\n",
        "problem: {name: quadratic, dimension: 2}\nsteps: 6000\nreplicas: 500\n",
        "problem: {name: quadratic, condition: 1000}\nsteps: 6000\nreplicas: 500\n",
    };
    for (size_t i = 0; i < UNS_COUNT_OF(minima); i++) {
        run_text run = run_text_run(minima[i], "optimizers: [sgd: {eta: 1e-2}, adam]\n",
                                    "stall: {every: 500, act: witness}\n");
        for (size_t c = 0; c < run.count; c++) {
            size_t acted;
            cr_expect_geq(run.result[c]->episodes, 500, "%zu", run.result[c]->episodes);
            cr_expect_eq(count_saddles(run.result[c], &acted), 0);
            cr_expect_eq(acted, 0);
        }
        run_text_end(&run);
    }
}

static void expect_same_episodes(const uns_result *a, size_t first, const uns_result *b) {
    for (size_t i = 0; i < b->episodes; i++) {
        const uns_episode *x = &a->episode[first + i], *y = &b->episode[i];
        cr_assert_eq(x->replica, y->replica);
        cr_assert_eq(x->step, y->step);
        cr_assert_eq(x->verdict, y->verdict);
        cr_assert_eq(x->left, y->left);
        cr_assert(run_text_same(x->value, y->value) &&
                  run_text_same(x->curvature, y->curvature));
        cr_assert(run_text_same(x->length, y->length) &&
                  run_text_same(x->decrease, y->decrease));
        cr_assert(run_text_same(x->gradient, y->gradient) &&
                  run_text_same(x->leave[1], y->leave[1]));
    }
}

/* 300 replicas are cut at 160; 120 to 299 alone elsewhere. */
Test(stall, neither_threads_nor_cuts_show) {
    static const char whole[] = "problem: {name: saddle2d, noise: gaussian}\nsteps: 5000\n"
                                "replicas: 300\nseed: 3\n",
                      part[] = "problem: {name: saddle2d, noise: gaussian}\nsteps: 5000\n"
                               "replicas: 180\nfirst_replica: 120\nseed: 3\n";
    static const char method[] = "optimizers: {adam: {eta: 3e-4}}\n";
    static const char *const acts[] = {"stall: {every: 400, act: witness}\n",
                                       "stall: {every: 400, act: larger}\n"};
    for (int i = 0; i < 2; i++) {
        run_text one = run_text_run(whole, method, acts[i]);
        run_text_threads(1);
        run_text two = run_text_run(whole, method, acts[i]),
                 cut = run_text_run(part, method, acts[i]);
        run_text_threads(2);
        size_t first = 0;
        cr_assert_eq(one.result[0]->episodes, two.result[0]->episodes);
        cr_expect_gt(one.result[0]->episodes, 300);
        expect_same_episodes(one.result[0], 0, two.result[0]);
        run_text_expect_same(one.result[0], two.result[0]);
        while (one.result[0]->episode[first].replica < 120)
            first++;
        cr_assert_eq(one.result[0]->episodes - first, cut.result[0]->episodes);
        expect_same_episodes(one.result[0], first, cut.result[0]);
        cr_expect_arr_eq(one.result[0]->escape_steps + 120, cut.result[0]->escape_steps,
                         180 * sizeof(int64_t));
        run_text_end(&one);
        run_text_end(&two);
        run_text_end(&cut);
    }
}

/* State of all replicas of one piece, copied. */
static size_t copy_state(uns_slice *slice, const char *name, double *copy) {
    uns_state_view view;
    cr_assert_eq(uns_optimizer_state(slice->optimizer, 0, name, &view), UNS_OK);
    memcpy(copy, view.data, view.count * sizeof(double));
    return view.count;
}

Test(stall, an_escape_zeroes_momentum_and_keeps_the_second_moment) {
    enum {
        REPLICAS = 16,
        CHOSEN = 5
    };
    uns_plan *plan = run_text_plan("problem: {name: saddle2d, noise: gaussian}\nsteps: 1000\n"
                                   "replicas: 16\n",
                                   "optimizers: {adam: {eta: 1e-3}}\n",
                                   "stall: {every: 500, act: witness}\n");
    uns_problem *problem;
    const uns_cell *cell = uns_plan_cell(plan, 0);
    uns_work work = {0};
    uns_slice slice;
    double moment[2][64], momentum[2][64];
    cr_assert_eq(
        uns_problem_create(run_text_context(), cell->problem, cell->problem_config, &problem),
        UNS_OK);
    uns_work_outline(cell, problem, &work);
    cr_assert_eq(uns_work_furnish(run_text_context(), &work), UNS_OK);
    cr_assert_eq(uns_slice_open(run_text_context(), &work, 0, &slice), UNS_OK);
    for (int64_t t = 0; t < 50; t++) {
        uns_batch batch = uns_slice_batch(&slice, t, UNS_STREAM_GRADIENT);
        cr_assert_eq(uns_slice_gradient(&slice, &batch), UNS_OK);
        cr_assert_eq(uns_optimizer_step(slice.optimizer, slice.x, uns_tensors_const(slice.g)),
                     UNS_OK);
    }
    size_t count = copy_state(&slice, "moment", moment[0]);
    copy_state(&slice, "momentum", momentum[0]);
    cr_assert_eq(uns_episode_begin(&slice, slice.stall, CHOSEN, 500, 0.0, 1.0), UNS_OK);
    cr_assert(work.episode[CHOSEN * cell->settings.stall.most].acted);
    copy_state(&slice, "moment", moment[1]);
    copy_state(&slice, "momentum", momentum[1]);
    cr_expect_arr_eq(moment[0], moment[1], count * sizeof(double));
    for (size_t k = 0; k < count; k++) {
        cr_expect_neq(momentum[0][k], 0.0);
        cr_expect_eq(momentum[1][k], k % REPLICAS == CHOSEN ? 0.0 : momentum[0][k]);
    }
    uns_slice_close(&slice);
    uns_work_release(run_text_context(), &work);
    uns_problem_destroy(problem);
    uns_plan_destroy(plan);
}

/* The forecast is made before the fact; 400 replicas tell how it was. Each one's first episode:
 * later ones begin where the way down has begun to bend. */
Test(stall, the_forecast_of_leaving_comes_true) {
    run_text run = run_text_run("problem: {name: saddle2d, noise: gaussian}\nsteps: 80000\n"
                                "replicas: 400\nseed: 2\n",
                                "optimizers: {sgd: {eta: 1e-3}}\n", "stall: {every: 500}\n");
    size_t all = 0, inside = 0, below = 0;
    int64_t last = -1;
    for (size_t i = 0; i < run.result[0]->episodes; i++) {
        const uns_episode *e = &run.result[0]->episode[i];
        if (e->verdict != UNS_VERDICT_SADDLE || e->doubts || e->replica == last)
            continue;
        last = e->replica;
        all++;
        inside += (double)e->left >= e->leave[0] && (double)e->left <= e->leave[2];
        below += e->left >= 0 && (double)e->left <= e->leave[1];
    }
    cr_assert_gt(all, 390);
    double share = (double)inside / (double)all;
    cr_expect(share > 0.86 && share < 0.94, "%g", share);
    share = (double)below / (double)all;
    cr_expect(share > 0.43 && share < 0.57, "%g", share);
    run_text_end(&run);
}

/* The first episode of each replica that is at a saddle: the doubts all have and those any
 * has, how many left within the interval, and before its median. */
typedef struct firsts {
    size_t count, inside, below;
    unsigned all, any;
} firsts;

static firsts first_episodes(const uns_result *result) {
    firsts f = {.all = ~0u};
    int64_t last = -1;
    for (size_t i = 0; i < result->episodes; i++) {
        const uns_episode *e = &result->episode[i];
        if (e->verdict != UNS_VERDICT_SADDLE || e->replica == last)
            continue;
        last = e->replica;
        f.count++;
        f.below += e->left >= 0 && (double)e->left <= e->leave[1];
        f.inside += (double)e->left >= e->leave[0] && (double)e->left <= e->leave[2];
        f.all &= (unsigned)e->doubts;
        f.any |= (unsigned)e->doubts;
    }
    return f;
}

/* A saddle with next to no noise along the way out: few gradients, a clip, a moment that no
 * product turns round are said to be; what an uncentred matrix loses to the mean gradient on
 * the way (a fifth of the median here) is in the number. */
Test(stall, a_forecast_says_what_it_leaves_out) {
    static const char starved[] = "problem: {name: saddle, d: 10, starve: 0.003, "
                                  "confinement: power10, negative: -0.3}\n"
                                  "steps: 3000\nreplicas: 40\n";
    run_text run =
        run_text_run(starved,
                     "optimizers:\n  - sgd: {eta: 0.003, clip.norm: [off, 0.01]}\n"
                     "  - rmsprop: {eta: 1e-3, exponent: 0.3}\n"
                     "  - rmsprop-full: {eta: 1e-3, beta.rule: fixed, beta: [0.9, 0.99]}\n",
                     "stall: {every: 100}\n");
    const unsigned doubts[4] = {0, UNS_DOUBT_NOT_LINEAR, UNS_DOUBT_MEAN_GRADIENT,
                                UNS_DOUBT_ONLINE};
    for (size_t i = 0; i < run.count; i++) {
        firsts f = first_episodes(run.result[i]);
        cr_assert_geq(f.count, 25);
        cr_expect_eq(f.all, i < 4 ? doubts[i] : 0, "%zu: %u", i, f.all);
        if (i < 4)
            continue;
        cr_expect_eq(f.any, 0);
        double share = (double)f.below / (double)f.count;
        cr_expect(share > 0.3 && share < 0.7, "%g", share);
        cr_expect_geq(10 * f.inside, 8 * f.count);
    }
    run_text_end(&run);
}

/* Factorization next to its zero saddle: three saddles on the way, then a minimum. */
Test(stall, a_factorization_is_led_to_a_second_order_stationary_point) {
    run_text run = run_text_run("problem: {name: matrix-factorization, n: 20, rank: 3, "
                                "start_scale: 1e-8}\nsteps: 8000\nbatch: 16\nreplicas: 3\n",
                                "optimizers: {sgd: {eta: 0.1}}\n",
                                "stall: {every: 500, act: [none, witness]}\n");
    const uns_result *none = run.result[0], *witness = run.result[1];
    size_t acted;
    cr_expect_geq(count_saddles(witness, &acted), 6);
    cr_expect_lt(witness->escape_median, 0.6 * none->escape_median);
    uns_problem *problem;
    uns_certificate_config config;
    uns_certificate found;
    cr_assert_eq(uns_problem_create(run_text_context(), witness->cell->problem,
                                    witness->cell->problem_config, &problem),
                 UNS_OK);
    cr_assert_eq(uns_param_defaults(run_text_context(), uns_certificate_table(), &config),
                 UNS_OK);
    const void *block[1] = {witness->point};
    cr_assert_eq(uns_certify_problem(run_text_context(), problem, (uns_const_tensors){block, 1},
                                     &config, NULL, &found),
                 UNS_OK);
    cr_expect_eq(found.verdict, UNS_VERDICT_STATIONARY, "%s", uns_verdict_text(found.verdict));
    uns_problem_destroy(problem);
    run_text_end(&run);
}

/* SPDX-License-Identifier: MIT
 * The measurement of a point, on saddles whose H and Σ are known, and the path of a run.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/measure.h>
#include <unsaddle/problems.h>
#include <unsaddle/run.h>

#include "la/dense.h"
#include "support/failing_memory.h"

enum {
    D = 10,
    ROOM = 64
};

typedef struct ground {
    uns_context *context;
    uns_problem *problem;
    void *config;
    double x[ROOM];
    void *blocks[8];
    uns_tensors tensors;
    uns_spec spec;
    uns_measure_config measure;
} ground;

static void open_in(uns_context *context, ground *g, const char *problem, const char *pairs) {
    const void *entry;
    uns_layout *layout;
    g->context = context;
    cr_assert_eq(uns_context_find(context, UNS_KIND_PROBLEM, problem, &entry), UNS_OK);
    const uns_problem_ops *ops = entry;
    g->config = malloc(ops->params->config_size);
    cr_assert_eq(uns_param_defaults(context, ops->params, g->config), UNS_OK);
    cr_assert_eq(uns_param_assign(context, ops->params, g->config, pairs), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_problem_create(context, problem, g->config, &g->problem), UNS_OK);
    cr_assert_leq(uns_problem_dimension(g->problem), ROOM);
    cr_assert_eq(uns_problem_layout(context, g->problem, 1, &layout), UNS_OK);
    uns_layout_spread(layout, g->x, g->blocks);
    g->tensors = (uns_tensors){g->blocks, uns_layout_count(layout)};
    uns_layout_destroy(layout);
    uns_key key = {1, 0, 0, UNS_STREAM_START};
    cr_assert_eq(ops->start(uns_problem_self(g->problem), key, 1, g->tensors), UNS_OK);
    cr_assert_eq(uns_param_defaults(context, uns_measure_table(), &g->measure), UNS_OK);
}

static void open_ground(ground *g, const char *problem, const char *pairs) {
    uns_context *context;
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    open_in(context, g, problem, pairs);
}

static void set_spec(ground *g, const char *preset, const char *pairs) {
    cr_assert_eq(uns_spec_preset(g->context, preset, &g->spec), UNS_OK);
    cr_assert_eq(uns_param_assign(g->context, uns_spec_table(), &g->spec, pairs), UNS_OK, "%s",
                 uns_context_message(g->context));
}

static void set(ground *g, const char *pairs) {
    cr_assert_eq(uns_param_assign(g->context, uns_measure_table(), &g->measure, pairs), UNS_OK,
                 "%s", uns_context_message(g->context));
}

static uns_measure_site site_of(const ground *g) {
    uns_measure_site site = {
        sizeof site, g->problem, uns_tensors_const(g->tensors), &g->spec, 1, 1000, NULL};
    return site;
}

static uns_measurement *look(ground *g) {
    uns_measure_site site = site_of(g);
    uns_measurement *m = NULL;
    cr_assert_eq(uns_measure(g->context, &site, &g->measure, &m), UNS_OK, "%s",
                 uns_context_message(g->context));
    return m;
}

static void close_ground(ground *g) {
    uns_context *context = g->context;
    uns_problem_destroy(g->problem);
    free(g->config);
    uns_context_destroy(context);
}

static const uns_measured_metric *named(const uns_measurement *m, const char *name) {
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->metric[i].name, name) == 0)
            return &m->metric[i];
    return NULL;
}

/* tr Σ = Σ of the problem's own list; along the way out as starved. */
static const char starved[] = "hessian=-0.1,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,1.1 "
                              "noise=0.01,0.02,0.05,0.1,0.2,0.3,0.5,0.7,0.9,1"
                              " confinement=none seed=3";

Test(measure, figures_of_a_known_saddle_are_unbiased) {
    enum {
        TRIALS = 40
    };
    ground g;
    double off = 0.0, square = 0.0, claimed = 0.0, rank = 0.0, rank_square = 0.0;
    const double noise[D] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0};
    double trace = 0.0, squares = 0.0;
    for (size_t i = 0; i < D; i++) {
        trace += noise[i];
        squares += noise[i] * noise[i];
    }
    open_ground(&g, "saddle", starved);
    set_spec(&g, "sgd", "eta=1e-3");
    set(&g, "draws=256 uncentred=false centred=false model=never probes=0 pairs=2");
    for (int64_t seed = 0; seed < TRIALS; seed++) {
        g.measure.seed = seed;
        uns_measurement *m = look(&g);
        double miss = m->metric[0].trace.value - trace;
        off += miss / TRIALS;
        square += miss * miss / TRIALS;
        claimed += pow(m->metric[0].trace.error, 2.0) / TRIALS;
        rank += m->noise.rank.value / TRIALS;
        rank_square += pow(m->noise.rank.value, 2.0) / TRIALS;
        cr_assert_float_eq(m->gradient, 0.0, 1e-15);
        cr_assert_float_eq(m->low[0], -0.1, 1e-12);
        cr_assert_float_eq(m->high[0], 1.1, 1e-12);
        uns_measurement_destroy(g.context, m);
    }
    double spread = sqrt(rank_square - rank * rank), expected = trace * trace / squares;
    cr_assert_leq(fabs(off), 4.0 * sqrt(square / TRIALS), "tr S is off by %g", off);
    cr_assert(claimed / square > 0.5 && claimed / square < 2.0, "%g", claimed / square);
    cr_assert_leq(fabs(rank - expected), 4.0 * spread / sqrt(TRIALS) + 0.01 * expected);
    close_ground(&g);
}

/* Of a mean of n gradients the error is as 1/√n. */
Test(measure, error_of_the_own_estimate_falls_at_the_monte_carlo_rate) {
    enum {
        TRIALS = 12
    };
    ground g;
    double error[2] = {0.0, 0.0};
    open_ground(&g, "saddle", starved);
    set_spec(&g, "rmsprop-inside", "eta=1e-3 moment=mean beta=0 epsilon=0");
    set(&g, "draws=8192 uncentred=false centred=false model=never probes=0 pairs=1");
    for (int k = 0; k < 2; k++)
        for (int64_t seed = 0; seed < TRIALS; seed++) {
            g.measure.seed = seed;
            g.measure.settle = k ? 1024 : 64;
            uns_measurement *m = look(&g);
            error[k] += pow(m->metric[0].estimate_error.value, 2.0) / TRIALS;
            cr_assert_eq(m->metric[0].observed, g.measure.settle);
            uns_measurement_destroy(g.context, m);
        }
    double ratio = sqrt(error[0] / error[1]); /* 4, were it not for few trials */
    cr_assert(ratio > 2.5 && ratio < 6.5, "%g", ratio);
    close_ground(&g);
}

Test(measure, the_whole_matrix_makes_the_noise_isotropic) {
    ground g;
    open_ground(&g, "saddle", starved);
    set_spec(&g, "sgd", "eta=1e-3");
    set(&g, "draws=4096 model=never");
    uns_measurement *m = look(&g);
    const uns_measured_metric *diagonal = named(m, "diagonal p=0.5");
    const uns_measured_metric *full = named(m, "full p=0.5 centred");
    cr_assert(diagonal && diagonal->known);
    cr_assert_lt(m->noise.rank.value, 0.7 * D);
    if (uns_dense_available()) {
        cr_assert(full && full->known, "%s", full ? full->reason : "not listed");
        cr_assert_gt(full->step.rank.value, 0.95 * D);
        cr_assert_float_eq(full->step.second_trace.value, D, 0.6);
        cr_assert_float_eq(full->way.share.value, 1.0 / D, 0.02);
        cr_assert_float_eq(full->least, 1.0, 0.1); /* 1/√(largest of Σ) */
        cr_assert_float_eq(full->norm, 10.0, 1.0);
    }
    uns_measurement_destroy(g.context, m);
    close_ground(&g);
}

/* Against the closed form with the problem's own H and Σ. */
Test(measure, forecasts_are_those_of_the_true_spectra) {
    double hessian[D * D], noise[D * D];
    ground g;
    uns_modes modes;
    open_ground(&g, "saddle", starved);
    set_spec(&g, "sgd", "eta=1e-3");
    set(&g, "draws=8192 model=never limit=1e6");
    const uns_problem_ops *ops = uns_problem_get_ops(g.problem);
    cr_assert_eq(ops->spectra(uns_problem_self(g.problem), UNS_POINT_START, hessian, noise),
                 UNS_OK);
    cr_assert_eq(uns_forecast_modes(g.context, D, hessian, noise, NULL, &modes), UNS_OK);
    uns_forecast_site site = uns_forecast_site_of(&modes, 0.05);
    uns_forecast expected;
    cr_assert_eq(uns_forecast_make(g.context, &g.spec, &site, &expected), UNS_OK);
    uns_measurement *m = look(&g);
    const uns_measured_metric *own = &m->metric[0];
    cr_assert(own->today && own->known);
    cr_assert_eq(m->target_from, UNS_DROP_PROBLEM);
    cr_assert_float_eq(own->drop, 0.05, 1e-9);
    cr_assert_float_eq(own->now.escape[2], expected.escape[2], 0.02 * expected.escape[2]);
    cr_assert_float_eq(own->now.floor, expected.floor, 0.05 * expected.floor);
    cr_assert_eq(own->now.open, 0);
    cr_assert_eq(m->certificate.verdict, UNS_VERDICT_SADDLE);
    for (size_t i = 1; i < m->count; i++) {
        const uns_measured_metric *other = &m->metric[i];
        if (isfinite(other->equal_eta))
            cr_assert_float_eq(other->equal.floor, own->now.floor, 1e-9, "%s", other->name);
    }
    uns_measurement_destroy(g.context, m);
    close_ground(&g);
}

Test(measure, a_start_off_the_saddle_is_sooner_out) {
    ground g;
    open_ground(&g, "saddle2d", "noise=gaussian");
    set_spec(&g, "sgd", "eta=1e-3");
    set(&g, "uncentred=false centred=false draws=1024 limit=1e6");
    uns_measurement *at = look(&g);
    g.x[1] = 0.2;
    uns_measurement *off = look(&g);
    cr_assert_float_eq(at->metric[0].distance, 0.0, 1e-12);
    cr_assert_float_eq(off->metric[0].distance, 0.2, 0.01);
    cr_assert_lt(off->metric[0].now.escape[2], 0.5 * at->metric[0].now.escape[2]);
    uns_measurement_destroy(g.context, at);
    uns_measurement_destroy(g.context, off);
    close_ground(&g);
}

/* The moment of a single gradient about itself is 0: replicas run out of the numbers. */
Test(measure, a_model_that_leaves_the_numbers_leaves_the_formula) {
    ground g;
    open_ground(&g, "saddle", "d=3");
    set_spec(&g, "rmsprop", "eta=0.01 beta=0");
    set(&g, "draws=64 uncentred=false");
    uns_measurement *m = look(&g);
    const uns_measured_metric *centred = named(m, "diagonal p=0.5 centred");
    cr_assert(centred && centred->known);
    cr_expect_eq(centred->equal.open & UNS_DOUBT_ONLINE, UNS_DOUBT_ONLINE);
    cr_expect_neq(centred->equal.method, UNS_METHOD_MODEL);
    uns_measurement_destroy(g.context, m);
    close_ground(&g);
}

/* A d×d factor and a window of gradients are estimated as one, as the full matrix is. */
Test(measure, few_gradients_are_few_for_whole_factors_and_low_rank_too) {
    const char *pairs[3] = {"structure=full", "structure=lowrank structure.rank=20",
                            "structure=kron structure.side=left"};
    ground g;
    open_ground(&g, "saddle", starved);
    for (int i = 0; i < 3 && uns_dense_available(); i++) {
        set_spec(&g, "rmsprop-full", "eta=1e-3 beta.rule=fixed beta=0.95 centred=true");
        cr_assert_eq(uns_param_assign(g.context, uns_spec_table(), &g.spec, pairs[i]), UNS_OK);
        set(&g, "draws=256 uncentred=false centred=false model=never limit=1e6");
        uns_measurement *m = look(&g);
        cr_expect_eq(m->metric[0].now.open, UNS_DOUBT_ONLINE, "%s", pairs[i]);
        uns_measurement_destroy(g.context, m);
    }
    close_ground(&g);
}

Test(measure, what_cannot_be_looked_at_says_why) {
    ground g;
    open_ground(&g, "saddle", starved);
    set_spec(&g, "lion", "");
    set(&g, "draws=64 memory=1 model=never");
    uns_measurement *m = look(&g);
    cr_assert_not(m->metric[0].known);
    cr_assert_gt(strlen(m->metric[0].reason), 10);
    cr_assert_gt(m->noise.trace.value, 0.0);
    cr_assert_gt(m->count, 2);
    for (size_t i = 1; i < m->count; i++) {
        if (strcmp(m->metric[i].name, "identity") == 0)
            continue; /* keeps next to nothing */
        cr_assert_not(m->metric[i].known);
        cr_assert(strstr(m->metric[i].reason, "memory="), "%s", m->metric[i].reason);
    }
    uns_measurement_destroy(g.context, m);
    close_ground(&g);
}

Test(measure, an_optimizer_at_work_is_left_as_it_is) {
    ground g;
    uns_layout *layout;
    uns_optimizer *optimizer;
    uns_state_view view;
    double gradient[ROOM], before[ROOM];
    void *blocks[8];
    open_ground(&g, "saddle", starved);
    set_spec(&g, "rmsprop", "eta=1e-3");
    set(&g, "draws=64 model=never");
    cr_assert_eq(uns_problem_layout(g.context, g.problem, 1, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &g.spec};
    cr_assert_eq(uns_optimizer_create(g.context, &config, &optimizer), UNS_OK);
    uns_layout_spread(layout, gradient, blocks);
    uns_const_tensors tensors = {(const void *const *)blocks, g.tensors.count};
    for (size_t i = 0; i < D; i++)
        gradient[i] = 1.0 + (double)i;
    cr_assert_eq(uns_optimizer_observe(optimizer, uns_tensors_const(g.tensors), tensors), 0);
    cr_assert_eq(uns_optimizer_state(optimizer, 0, "moment", &view), UNS_OK);
    memcpy(before, view.data, D * sizeof(double));
    uns_measure_site site = site_of(&g);
    uns_measurement *m;
    site.optimizer = optimizer;
    cr_assert_eq(uns_measure(g.context, &site, &g.measure, &m), UNS_OK);
    cr_assert_eq(m->metric[0].observed, 0);
    cr_assert_float_eq(m->metric[0].norm, 10.0, 1e-5); /* 1/√(0.01·1²) */
    cr_assert_float_eq(m->metric[0].least, 1.0, 1e-6); /* 1/√(0.01·10²) */
    cr_assert_eq(memcmp(before, view.data, D * sizeof(double)), 0);
    uns_measurement_destroy(g.context, m);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
    close_ground(&g);
}

Test(measure, bad_requests_are_refused_with_a_reason) {
    ground g;
    uns_measurement *m;
    uns_path path;
    open_ground(&g, "saddle", starved);
    set_spec(&g, "sgd", "");
    uns_measure_site site = site_of(&g);
    g.measure.draws = 1;
    cr_assert_eq(uns_measure(g.context, &site, &g.measure, &m), UNS_ERROR_RANGE);
    cr_assert(strstr(uns_context_message(g.context), "draws"));
    site.batch = 0;
    g.measure.draws = 64;
    cr_assert_eq(uns_measure(g.context, &site, &g.measure, &m), UNS_ERROR_ARGUMENT);
    uns_path_plan plan = {sizeof plan, g.problem, &g.spec, 1, 1, 0, 10, 1, 64};
    cr_assert_eq(uns_path_measure(g.context, &plan, NULL, &path), UNS_ERROR_ARGUMENT);
    close_ground(&g);
}

static ground failing;

static uns_status use_measure(uns_context *context) {
    uns_measure_site site = site_of(&failing);
    uns_measurement *m = NULL;
    uns_status status = uns_measure(context, &site, &failing.measure, &m);
    uns_measurement_destroy(context, m);
    return status;
}

static uns_status use_path(uns_context *context) {
    uns_path_plan plan = {sizeof plan, failing.problem, &failing.spec, 1, 1, 0, 4, 2, 64};
    uns_path path;
    return uns_path_measure(context, &plan, NULL, &path);
}

Test(measure, every_failing_allocation_is_survived) {
    failing_memory memory = {0, 0};
    uns_context *context = failing_context(&memory);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    open_in(context, &failing, "saddle", starved);
    set_spec(&failing, "rmsprop", "eta=1e-3");
    set(&failing, "draws=64 uncentred=false centred=false pairs=1 ends=1 model=never");
    expect_survived(context, &memory, use_measure);
    expect_survived(context, &memory, use_path);
    close_ground(&failing);
}

Test(measure, a_path_tells_what_it_has_seen) {
    ground g;
    uns_path path;
    double end[ROOM];
    open_ground(&g, "saddle2d", "noise=gaussian");
    set_spec(&g, "rmsprop", "eta=1e-2 burn_in=auto");
    uns_path_plan plan = {sizeof plan, g.problem, &g.spec, 1, 1, 0, 2000, 9, 256};
    cr_assert_eq(uns_path_measure(g.context, &plan, end, &path), UNS_OK);
    cr_assert_eq(path.steps, 2000);
    cr_assert_eq(path.looks, 9);
    cr_assert_float_eq(fabs(end[1]), 0.56, 0.1);
    cr_assert_lt(path.value_to, -0.006);
    cr_assert_gt(path.largest_gradient, 2.5); /* of 2,000 normals */
    cr_assert_gt(path.largest_deviation, 2.5);
    cr_assert_gt(path.length, 0.3);
    cr_assert(path.least > 0.5 && path.norm > 5.0 && path.largest_step > 1.0);
    cr_assert_gt(path.estimate, 0.0);
    close_ground(&g);
}

/* The noise of a factorization grows with x. */
Test(measure, change_of_the_second_moment_is_seen) {
    ground g;
    uns_path path;
    open_ground(&g, "matrix-factorization", "n=8 rank=1");
    set_spec(&g, "sgd", "eta=0.3");
    uns_path_plan plan = {sizeof plan, g.problem, &g.spec, 8, 1, 0, 1000, 9, 512};
    cr_assert_eq(uns_path_measure(g.context, &plan, NULL, &path), UNS_OK);
    cr_assert_gt(path.lipschitz.value, 3.0 * path.lipschitz.error);
    cr_assert_float_eq(path.norm, 1.0, 1e-12); /* A = I */
    cr_assert(isnan(path.estimate));
    close_ground(&g);
}

/* The path walks the run itself: it ends on the same bits. */
Test(measure, a_path_is_the_run_again) {
    static const char text[] = "problem: {name: saddle2d, noise: gaussian}\n"
                               "steps: 500\nseed: 5\nfirst_replica: 3\n"
                               "optimizers: [{rmsprop: {eta: 1e-2, burn_in: auto}}]\n";
    ground g;
    uns_plan *plan;
    uns_record *record;
    uns_path path;
    double end[ROOM];
    open_ground(&g, "saddle2d", "noise=gaussian");
    uns_plan_source source = {.size = sizeof source, .path = "text", .text = text};
    cr_assert_eq(uns_plan_create(g.context, &source, &plan), UNS_OK);
    cr_assert_eq(uns_run(g.context, plan, NULL, &record), UNS_OK);
    const uns_cell *cell = uns_plan_cell(plan, 0);
    uns_path_plan walk = {sizeof walk, g.problem, &cell->spec, 1, 5, 3, 500, 5, 64};
    cr_assert_eq(uns_path_measure(g.context, &walk, end, &path), UNS_OK);
    cr_assert_eq(memcmp(end, uns_record_result(record, 0)->point, 2 * sizeof *end), 0);
    uns_record_destroy(record);
    uns_plan_destroy(plan);
    close_ground(&g);
}

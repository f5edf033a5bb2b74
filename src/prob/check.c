/* SPDX-License-Identifier: MIT
 * The self-check of a problem: sets up, calls the checks and judges. It cannot tell whether f
 * is the function that its author had in mind, only whether the parts of a problem agree.
 */
#include "prob/check.h"

#include <math.h>

#include "base/arena.h"
#include "base/base.h"

enum {
    LANES_MAX = 16
};

/* Steps of UNS_STREAM_CHECK; batches use the small ones. */
static const uint64_t step_point = (uint64_t)1 << 40;
static const uint64_t step_direction = (uint64_t)1 << 41;

static const double difference_bound = 1e-6;
static const double agreement_bound = 1e-9;
static const double sigma_bound = 4.5;

uns_eval uns_check_eval(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                        const double *x) {
    uns_layout_spread(lane->layout, (void *)x, lane->x);
    return (uns_eval){
        lane->replicas, {(const void *const *)lane->x, check->blocks}, batch, check->scratch};
}

uns_status uns_check_value(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                           const double *x, double *f) {
    uns_eval eval = uns_check_eval(check, lane, batch, x);
    return check->ops->value(check->self, &eval, f);
}

uns_status uns_check_gradient(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                              const double *x, double *g) {
    uns_eval eval = uns_check_eval(check, lane, batch, x);
    uns_layout_spread(lane->layout, g, lane->out);
    return check->ops->gradient(check->self, &eval, (uns_tensors){lane->out, check->blocks});
}

uns_status uns_check_product(uns_check *check, uns_check_lane *lane, const uns_batch *batch,
                             const double *x, const double *v, double *out) {
    uns_eval eval = uns_check_eval(check, lane, batch, x);
    uns_layout_spread(lane->layout, (void *)v, lane->v);
    uns_layout_spread(lane->layout, out, lane->out);
    uns_const_tensors from = {(const void *const *)lane->v, check->blocks};
    return check->ops->product(check->self, &eval, from,
                               (uns_tensors){lane->out, check->blocks});
}

uns_batch uns_check_draw(const uns_check *check, uint64_t step, uint32_t replica) {
    uns_key key = {check->seed, step, replica, UNS_STREAM_CHECK};
    return (uns_batch){key, UNS_CHECK_BATCH, NULL};
}

void uns_check_direction(const uns_check *check, uint64_t which, double *v) {
    uns_key key = {check->seed, step_direction + which, 0, UNS_STREAM_CHECK};
    uns_random_normal(key, 0, check->d, v);
    double square = 0.0;
    for (size_t i = 0; i < check->d; i++)
        square += v[i] * v[i];
    for (size_t i = 0; i < check->d; i++)
        v[i] /= sqrt(square);
}

static size_t scratch_bytes(const uns_check *check) {
    if (!check->ops->scratch)
        return 1;
    size_t all = check->samples <= UNS_CHECK_WHOLE ? (size_t)check->samples : 1;
    const size_t sizes[][2] = {{1, 0},
                               {1, 1},
                               {1, UNS_CHECK_BATCH},
                               {1, all},
                               {check->many.replicas, 0},
                               {check->many.replicas, UNS_CHECK_BATCH}};
    size_t most = 1;
    for (size_t i = 0; i < UNS_COUNT_OF(sizes); i++) {
        size_t bytes = check->ops->scratch(check->self, sizes[i][0], sizes[i][1]);
        most = bytes > most ? bytes : most;
    }
    return most;
}

static size_t moment_count(const uns_check *check) {
    size_t diagonal = check->d * check->many.replicas;
    return check->d <= UNS_CHECK_DENSE ? diagonal * check->d : diagonal;
}

/* Both passes of the arena: sizes, then places. */
static void take_all(uns_check *check, uns_arena *arena) {
    size_t d = check->d, wide = d * check->many.replicas, functionals = d + UNS_CHECK_FORMS;
    const struct {
        double **place;
        size_t count;
    } buffers[] = {{&check->point, d},
                   {&check->moved, d},
                   {&check->direction, d},
                   {&check->other, d},
                   {&check->gradient, d},
                   {&check->low, d},
                   {&check->high, d},
                   {&check->sum, d},
                   {&check->points, wide},
                   {&check->gradients, wide},
                   {&check->products, wide},
                   {&check->values, check->many.replicas},
                   {&check->rows, UNS_CHECK_BATCH * d},
                   {&check->whole, functionals},
                   {&check->claims, functionals},
                   {&check->forms, UNS_CHECK_FORMS * d},
                   {&check->stats, UNS_CHECK_STATS * functionals},
                   {&check->moment, moment_count(check)}};
    for (size_t i = 0; i < UNS_COUNT_OF(buffers); i++)
        *buffers[i].place = uns_arena_take(arena, buffers[i].count * sizeof(double));
    void ***pointers[] = {&check->one.x,  &check->one.v,  &check->one.out,
                          &check->many.x, &check->many.v, &check->many.out};
    for (size_t i = 0; i < UNS_COUNT_OF(pointers); i++)
        *pointers[i] = uns_arena_take(arena, check->blocks * sizeof(void *));
    size_t indices = check->samples > UNS_CHECK_WHOLE ? UNS_CHECK_BATCH : check->samples;
    check->indices = uns_arena_take(arena, (indices + UNS_CHECK_BATCH) * sizeof(uint32_t));
    check->scratch = uns_arena_take(arena, scratch_bytes(check));
}

static uns_status prepare(uns_check *check, const uns_problem *problem) {
    UNS_TRY(uns_problem_layout(check->context, problem, 1, &check->one.layout));
    UNS_TRY(
        uns_problem_layout(check->context, problem, check->many.replicas, &check->many.layout));
    check->blocks = uns_layout_count(check->one.layout);
    uns_arena arena = {NULL, 0};
    take_all(check, &arena);
    check->memory = uns_allocate(check->context, arena.used);
    if (!check->memory)
        return UNS_ERROR_MEMORY;
    arena = (uns_arena){check->memory, 0};
    take_all(check, &arena);
    return UNS_OK;
}

/* Start plus noise: ½ a coordinate for few, less for many, so that sums of coordinates (a
 * classifier's scores) stay of order 1. */
static uns_status choose_point(uns_check *check) {
    uns_key key = {check->seed, step_point, 0, UNS_STREAM_CHECK};
    uns_layout_spread(check->one.layout, check->point, check->one.x);
    UNS_TRY(check->ops->start(check->self, key, 1, (uns_tensors){check->one.x, check->blocks}));
    key.step++;
    uns_random_normal(key, 0, check->d, check->moved);
    double scale = 0.5 / sqrt(sqrt((double)check->d));
    for (size_t i = 0; i < check->d; i++)
        check->point[i] += scale * check->moved[i];
    return UNS_OK;
}

static bool within(double error, double bound, bool offered) {
    return offered ? error <= bound : true;
}

static void judge(const uns_check *check, uns_problem_report *report) {
    bool product = check->ops->product != NULL;
    bool samples = check->ops->per_sample || check->samples;
    report->passed = within(report->gradient_error, difference_bound, true) &&
                     within(report->product_error, difference_bound, product) &&
                     within(report->symmetry_error, agreement_bound, product) &&
                     within(report->imaginary_error, difference_bound, check->ops->imaginary) &&
                     within(report->replica_error, agreement_bound, true) &&
                     within(report->per_sample_error, agreement_bound, samples) &&
                     within(report->sampling_sigmas, sigma_bound, true) &&
                     within(report->moment_error, sigma_bound, !isnan(report->moment_error));
}

static uns_status carry_out(uns_check *check, const uns_problem *problem,
                            uns_problem_report *report) {
    UNS_TRY(prepare(check, problem));
    UNS_TRY(choose_point(check));
    UNS_TRY(uns_check_differences(check, report));
    UNS_TRY(uns_check_replicas(check, report));
    UNS_TRY(uns_check_samples(check, report));
    UNS_TRY(uns_check_sampling(check, report));
    judge(check, report);
    return UNS_OK;
}

uns_status uns_problem_check(uns_context *context, uns_problem *problem, uint64_t seed,
                             uns_problem_report *report) {
    if (!context || !problem || !report)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "uns_problem_check: context, problem or report is NULL");
    uns_check check = {.context = context, .seed = seed, .one = {.replicas = 1}};
    check.ops = uns_problem_get_ops(problem);
    check.self = uns_problem_self(problem);
    check.d = uns_problem_dimension(problem);
    check.samples = uns_problem_samples(problem);
    size_t lanes = 65536 / check.d;
    check.many.replicas = lanes < 3 ? 3 : lanes > LANES_MAX ? LANES_MAX : lanes;
    uns_problem_report found = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, false};
    uns_status status = carry_out(&check, problem, &found);
    uns_layout_destroy(check.one.layout);
    uns_layout_destroy(check.many.layout);
    uns_release(context, check.memory);
    if (status == UNS_OK)
        *report = found;
    return status;
}

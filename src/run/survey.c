/* SPDX-License-Identifier: MIT
 * The survey: memory once, then readings out of it. What its numbers mean: docs/theory.md,
 * "Stalls".
 */
#include "run/survey.h"

#include "base/arena.h"
#include "base/base.h"

#include <math.h>
#include <string.h>
#include <unsaddle/hessian.h>

enum {
    SMALL_SUM = 1024,
    NUMBER_BITS = 24 /* of the draws of one replica */
};

size_t uns_survey_samples(const uns_problem *problem, int64_t asked) {
    uint64_t samples = uns_problem_samples(problem);
    uint64_t most = asked > 0 ? (uint64_t)asked : SMALL_SUM;
    return samples <= most ? 0 : (size_t)most;
}

static size_t stride_of(const uns_survey *s) {
    return (s->slice->work->dimension + 7) / 8 * 8;
}

static size_t scratch_bytes(const uns_survey *s) {
    const uns_slice *slice = s->slice;
    if (!slice->ops->scratch)
        return 1;
    size_t whole = slice->ops->scratch(slice->self, 1, 0);
    size_t set = slice->ops->scratch(slice->self, 1, s->plan.samples);
    return (whole > set ? whole : set) + 1;
}

static void carve(uns_survey *s, uns_arena *arena) {
    size_t bytes = uns_size_product(stride_of(s), sizeof(double));
    size_t pointers = uns_layout_count(s->single) * sizeof(void *);
    s->x = uns_arena_take(arena, bytes);
    s->v = uns_arena_take(arena, bytes);
    s->g = uns_arena_take(arena, bytes);
    s->w = uns_arena_take(arena, bytes);
    s->start = uns_arena_take(arena, bytes);
    s->work[0] = uns_arena_take(arena, bytes);
    s->work[1] = uns_arena_take(arena, bytes);
    s->in = uns_arena_take(arena, pointers);
    s->out = uns_arena_take(arena, pointers);
    s->scratch = uns_arena_take(arena, scratch_bytes(s));
}

static uns_const_tensors reading_view(const uns_survey *s, const double *flat) {
    uns_layout_spread(s->single, (void *)(uintptr_t)flat, s->in);
    return (uns_const_tensors){(const void *const *)s->in, uns_layout_count(s->single)};
}

static uns_tensors writing_view(const uns_survey *s, double *flat) {
    uns_layout_spread(s->single, flat, s->out);
    return (uns_tensors){s->out, uns_layout_count(s->single)};
}

uns_status uns_survey_apply(uns_survey *s, uns_product product, const double *in, double *out) {
    if (s->metric)
        return uns_metric_product(s->metric, product, reading_view(s, in),
                                  writing_view(s, out));
    if (in != out)
        memcpy(out, in, s->slice->work->dimension * sizeof *out);
    return UNS_OK;
}

static uns_status multiply_root(void *self, const double *in, double *out) {
    return uns_survey_apply(self, UNS_PRODUCT_A_SQRT, in, out);
}

/* A^{1/2}HA^{1/2}. */
static uns_status multiply_both(void *self, const double *in, double *out) {
    uns_survey *s = self;
    UNS_TRY(uns_survey_apply(s, UNS_PRODUCT_A_SQRT, in, s->work[0]));
    UNS_TRY(s->hessian.product(s->hessian.self, s->work[0], s->work[1]));
    return uns_survey_apply(s, UNS_PRODUCT_A_SQRT, s->work[1], out);
}

static uns_status open_noise(uns_survey *s) {
    uns_slice *slice = s->slice;
    const uns_settings *settings = &slice->work->cell->settings;
    size_t directions = s->plan.curvature ? 1 : 0;
    uns_noise_config config = {.size = sizeof config,
                               .dimension = slice->work->dimension,
                               .directions = directions,
                               .direction = s->v};
    UNS_TRY(uns_problem_sampler_create(slice->context, slice->work->problem,
                                       (size_t)settings->batch, (uint64_t)settings->seed,
                                       &s->sampler));
    UNS_TRY(uns_noise_create(slice->context, &config, &s->noise[0]));
    if (!s->plan.forecast || s->identity)
        return UNS_OK;
    config.direction = s->w;
    config.metric = &s->root;
    return uns_noise_create(slice->context, &config, &s->noise[1]);
}

/* Lanczos' basis and vectors, the Hessian's, and a draw; numbers on T_k. */
static size_t reserve_bytes(const uns_survey *s) {
    size_t d = s->slice->work->dimension;
    size_t vectors = (s->plan.products < d ? s->plan.products : d) + 40;
    size_t bytes = uns_size_product(vectors, stride_of(s) * sizeof(double));
    if (!s->plan.beforehand)
        return 0;
    size_t small = (s->plan.products + 64) * 64 * sizeof(double);
    return bytes + small + scratch_bytes(s);
}

static uns_status open_parts(uns_survey *s) {
    uns_slice *slice = s->slice;
    uns_arena arena = {NULL, 0};
    UNS_TRY(uns_problem_layout(slice->context, slice->work->problem, 1, &s->single));
    carve(s, &arena);
    s->memory = uns_allocate(slice->context, arena.used);
    if (!s->memory)
        return UNS_ERROR_MEMORY;
    arena = (uns_arena){(unsigned char *)s->memory, 0};
    carve(s, &arena);
    if (s->plan.noise)
        UNS_TRY(open_noise(s));
    return uns_reserve_open(slice->context, reserve_bytes(s), &s->reserve);
}

size_t uns_survey_bytes(uns_slice *slice, const uns_survey_plan *plan) {
    uns_arena arena = {NULL, 0};
    uns_survey s = {.plan = *plan, .slice = slice, .single = slice->layout};
    carve(&s, &arena);
    uns_arena_take(&arena, reserve_bytes(&s));
    return arena.used;
}

uns_status uns_survey_open(uns_slice *slice, const uns_survey_plan *plan, uns_survey *s) {
    const uns_cell *cell = slice->work->cell;
    *s = (uns_survey){.plan = *plan, .slice = slice};
    s->plan.forecast = plan->forecast && plan->noise && plan->curvature;
    s->identity = strcmp(cell->spec.structure, "identity") == 0;
    s->root = (uns_operator){.size = sizeof s->root,
                             .dimension = slice->work->dimension,
                             .self = s,
                             .product = multiply_root};
    s->set = uns_slice_batch(slice, 0, UNS_STREAM_STALL);
    s->set.key.step = UINT64_C(1) << 40;
    s->set.size = s->plan.samples;
    uns_status status = open_parts(s);
    if (status != UNS_OK)
        uns_survey_close(s);
    return status;
}

void uns_survey_close(uns_survey *s) {
    if (!s->slice)
        return;
    uns_reserve_close(&s->reserve);
    uns_metric_destroy(s->metric);
    uns_noise_destroy(s->noise[1]);
    uns_noise_destroy(s->noise[0]);
    uns_problem_sampler_destroy(s->sampler);
    uns_layout_destroy(s->single);
    uns_release(s->slice->context, s->memory);
    *s = (uns_survey){0};
}

void uns_survey_place(const uns_survey *s, size_t r, double *flat) {
    const double *x = s->slice->x.data[0]; /* the blocks lie one after the other */
    for (size_t k = 0; k < s->slice->work->dimension; k++)
        flat[k] = x[k * s->slice->replicas + r];
}

uns_status uns_survey_value(uns_survey *s, const double *x, double *f) {
    uns_eval eval = {1, reading_view(s, x), s->plan.samples ? &s->set : NULL, s->scratch};
    return s->slice->ops->value(s->slice->self, &eval, f);
}

/* A of replica r as it is now. One that cannot be had, an oracle's for instance, leaves the
 * metric NULL and the forecast out. */
static uns_status take_metric(uns_survey *s, size_t r, bool *known) {
    uns_status status;
    *known = s->identity;
    if (s->identity)
        return UNS_OK;
    if (s->metric)
        status = uns_metric_renew(s->metric, r);
    else
        status = uns_metric_create(s->slice->optimizer, r, 1, &s->metric);
    *known = status == UNS_OK;
    if (*known || status == UNS_ERROR_UNAVAILABLE || status == UNS_ERROR_STATE ||
        status == UNS_ERROR_RANGE)
        return UNS_OK;
    return status;
}

static double dot(const uns_survey *s, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t i = 0; i < s->slice->work->dimension; i++)
        sum += a[i] * b[i];
    return sum;
}

/* What f can fall by along −g off v, where the other modes, up in the noise, will let go of it
 * anyhow: at most ½gᵀH⁻¹g of them. */
static uns_status find_held(uns_survey *s, uns_finding *out) {
    double *other = s->work[0], along = dot(s, s->v, s->g);
    for (size_t i = 0; i < s->slice->work->dimension; i++)
        other[i] = s->g[i] - along * s->v[i];
    UNS_TRY(s->hessian.product(s->hessian.self, other, s->work[1]));
    double square = dot(s, other, other), curved = dot(s, other, s->work[1]);
    out->held = curved > 0.0 ? 0.5 * square * square / curved : 0.0;
    return UNS_OK;
}

/* Where Lanczos starts: half by chance, so that nothing is missed, half along `pull`, the
 * gradient: of several ways down that are alike the one to find is where the run is headed. */
static void make_start(uns_survey *s, uns_key key, const double *pull) {
    size_t d = s->slice->work->dimension;
    uns_random_normal(key, 0, d, s->start);
    double length = sqrt(dot(s, pull, pull)), scale = sqrt((double)d) / length;
    for (size_t i = 0; length > 0.0 && i < d; i++)
        s->start[i] += scale * pull[i];
}

/* The lowest pairs of H, and of B where they differ; *gamma is −λ_min(B). */
static uns_status find_pairs(uns_survey *s, uns_finding *out, bool known, double *gamma) {
    uns_reserve *reserve = &s->reserve;
    uns_key key = {(uint64_t)s->slice->work->cell->settings.seed, (uint64_t)out->reading.step,
                   (uint32_t)out->reading.replica, UNS_STREAM_CURVATURE};
    make_start(s, key, s->g);
    UNS_TRY(uns_operator_lowest(reserve->context, &s->hessian, s->plan.products, 1e-6, s->start,
                                key, &out->reading.curvature, &out->reading.residual, s->v));
    *gamma = -out->reading.curvature;
    memcpy(s->w, s->v, s->slice->work->dimension * sizeof *s->w);
    if (!s->plan.forecast || !known)
        return UNS_OK;
    UNS_TRY(find_held(s, out));
    if (s->identity)
        return UNS_OK;
    uns_operator both = s->hessian;
    double residual;
    both.self = s;
    both.product = multiply_both;
    UNS_TRY(uns_survey_apply(s, UNS_PRODUCT_A_SQRT, s->g, s->work[0]));
    make_start(s, key, s->work[0]);
    UNS_TRY(uns_operator_lowest(reserve->context, &both, s->plan.products, 1e-6, s->start, key,
                                gamma, &residual, s->w));
    *gamma = -*gamma;
    return UNS_OK;
}

static uns_status read_curvature(uns_survey *s, uns_finding *out, bool known, double *gamma) {
    uns_problem_hessian *hessian;
    uns_const_tensors x = reading_view(s, s->x);
    uns_status status =
        uns_problem_hessian_create(s->reserve.context, s->slice->work->problem, x,
                                   s->plan.samples ? &s->set : NULL, &hessian);
    if (status == UNS_OK) {
        s->hessian = uns_problem_hessian_view(hessian);
        out->reading.rung = s->hessian.rung;
        out->reading.product_error = s->hessian.error;
        status = find_pairs(s, out, known, gamma);
        uns_problem_hessian_destroy(hessian);
    }
    return uns_reserve_report(&s->reserve, status);
}

static uns_status read_noise(uns_survey *s, uint64_t number, uns_finding *out,
                             uns_noise_report *second) {
    uns_noise_report report;
    uns_sampler sampler = uns_problem_sampler_view(s->sampler);
    uint64_t first = ((uint64_t)out->reading.replica << NUMBER_BITS) +
                     (number & ((UINT64_C(1) << NUMBER_BITS) - 1));
    bool both = s->noise[1] && s->metric;
    UNS_TRY(uns_reserve_report(&s->reserve,
                               uns_noise_measure(s->reserve.context, &sampler, s->x, first,
                                                 s->plan.draws, both ? 2 : 1, s->noise)));
    UNS_TRY(uns_noise_read(s->noise[0], &report));
    out->reading.noise = report.trace.value;
    *second = report;
    if (both)
        UNS_TRY(uns_noise_read(s->noise[1], second));
    if (s->plan.samples)
        out->reading.gradient = report.gradient_square.value;
    if (s->plan.curvature)
        out->reading.along = uns_noise_direction(s->noise[0], 0).variance.value;
    return UNS_OK;
}

/* f, the gradient and its square, of the whole objective or the set. */
static uns_status read_value(uns_survey *s, uns_finding *out) {
    uns_eval eval = {1, reading_view(s, s->x), s->plan.samples ? &s->set : NULL, s->scratch};
    UNS_TRY(s->slice->ops->value(s->slice->self, &eval, &out->reading.value));
    UNS_TRY(s->slice->ops->gradient(s->slice->self, &eval, writing_view(s, s->g)));
    if (!s->plan.samples)
        out->reading.gradient = dot(s, s->g, s->g);
    return UNS_OK;
}

uns_status uns_survey_take(uns_survey *s, size_t r, int64_t t, uint64_t number,
                           uns_finding *out) {
    const uns_slice *slice = s->slice;
    bool known = false;
    double gamma = NAN;
    uns_noise_report report = {0};
    *out = (uns_finding){.floor = NAN, .kick = NAN, .length = NAN, .decrease = NAN};
    out->reading = (uns_reading){.replica = slice->work->cell->settings.first_replica +
                                            (int64_t)(slice->first + r),
                                 .step = t,
                                 .gradient = NAN,
                                 .noise = NAN,
                                 .curvature = NAN,
                                 .residual = NAN,
                                 .along = NAN,
                                 .drop = NAN,
                                 .leave = {NAN, NAN, NAN},
                                 .rung = UNS_RUNG_BEST,
                                 .product_error = NAN};
    s->set.key.replica = (uint32_t)out->reading.replica;
    uns_survey_place(s, r, s->x);
    UNS_TRY(read_value(s, out));
    if (s->plan.forecast)
        UNS_TRY(take_metric(s, r, &known));
    if (s->plan.curvature)
        UNS_TRY(read_curvature(s, out, known, &gamma));
    if (s->plan.noise)
        UNS_TRY(read_noise(s, number, out, &report));
    return s->plan.curvature ? uns_survey_leave(s, known, gamma, &report, out) : UNS_OK;
}

/* SPDX-License-Identifier: MIT
 * Hessian–vector products of a problem. The step of differences is found, not assumed: down a
 * ladder of steps the truncation, h²·∇⁴f/6, falls and the rounding, ε‖∇f‖/h, rises; neighbours
 * agree best where they cross, and their disagreement there estimates the error.
 */
#include "inst/hessian.h"

#include "base/arena.h"
#include "base/base.h"
#include "la/complex_step.h"

#include <math.h>
#include <string.h>

enum {
    RUNGS = 8, /* steps of 0.1, 0.1/8, … 5e-8 of the scale of x */
    PROBES = 2 /* one direction at random, one axis: ∇⁴f may be along axes, which a random
                  direction sees d times too small */
};

const uns_named uns_rung_wishes[] = {{"auto", UNS_RUNG_BEST},
                                     {"exact", UNS_RUNG_EXACT},
                                     {"complex-step", UNS_RUNG_COMPLEX_STEP},
                                     {"differences", UNS_RUNG_DIFFERENCES},
                                     {NULL, 0}};

static double length(size_t d, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* One pointer a block into a flat vector. */
static void spread(const uns_hessian *h, const double *flat, void **pointers) {
    const uns_problem_ops *ops = uns_problem_get_ops(h->problem);
    const uns_block *blocks = NULL;
    size_t count = ops->blocks(uns_problem_self(h->problem), &blocks);
    for (size_t i = 0; i < count; i++) {
        pointers[i] = (double *)flat;
        flat += blocks[i].rows * blocks[i].cols;
    }
}

static uns_const_tensors reading(const uns_hessian *h, const double *flat, int place) {
    spread(h, flat, h->pointers[place]);
    return (uns_const_tensors){(const void *const *)h->pointers[place], h->blocks};
}

static uns_tensors writing(const uns_hessian *h, double *flat, int place) {
    spread(h, flat, h->pointers[place]);
    return (uns_tensors){h->pointers[place], h->blocks};
}

static uns_status gradient_at(uns_hessian *h, const double *x, double *out) {
    uns_eval eval = {1, reading(h, x, 0), h->batch, h->scratch};
    h->gradients++;
    return uns_problem_get_ops(h->problem)
        ->gradient(uns_problem_self(h->problem), &eval, writing(h, out, 2));
}

uns_status uns_hessian_gradient(uns_hessian *h, double *gradient) {
    return gradient_at(h, h->x, gradient);
}

uns_status uns_hessian_difference(uns_hessian *h, double step, const double *v, double *out) {
    size_t d = h->dimension;
    double size = length(d, v), along = step / size;
    if (size == 0.0) {
        memset(out, 0, d * sizeof *out);
        return UNS_OK;
    }
    for (size_t i = 0; i < d; i++)
        h->near[0][i] = h->x[i] + along * v[i];
    UNS_TRY(gradient_at(h, h->near[0], out));
    for (size_t i = 0; i < d; i++)
        h->near[0][i] = h->x[i] - along * v[i];
    UNS_TRY(gradient_at(h, h->near[0], h->near[1]));
    for (size_t i = 0; i < d; i++)
        out[i] = (out[i] - h->near[1][i]) / (2.0 * along);
    return UNS_OK;
}

static uns_status complex_product(uns_hessian *h, const double *v, double *out) {
    size_t d = h->dimension;
    double step = uns_complex_step(d, v, h->near[0]);
    if (step == 0.0) {
        memset(out, 0, d * sizeof *out);
        return UNS_OK;
    }
    uns_eval eval = {1, reading(h, h->x, 0), h->batch, h->scratch};
    h->gradients++;
    UNS_TRY(uns_problem_get_ops(h->problem)
                ->imaginary(uns_problem_self(h->problem), &eval, reading(h, h->near[0], 1),
                            writing(h, out, 2)));
    for (size_t i = 0; i < d; i++)
        out[i] /= step;
    return UNS_OK;
}

static uns_status product(void *self, const double *v, double *out) {
    uns_hessian *h = self;
    if (h->op.rung == UNS_RUNG_DIFFERENCES)
        return uns_hessian_difference(h, h->step, v, out);
    if (h->op.rung == UNS_RUNG_COMPLEX_STEP)
        return complex_product(h, v, out);
    uns_eval eval = {1, reading(h, h->x, 0), h->batch, h->scratch};
    return uns_problem_get_ops(h->problem)
        ->product(uns_problem_self(h->problem), &eval, reading(h, v, 1), writing(h, out, 2));
}

static void draw_probe(const uns_hessian *h, int probe, uns_key key, double *v) {
    if (probe == 0) {
        uns_random_normal(key, 0, h->dimension, v);
        return;
    }
    memset(v, 0, h->dimension * sizeof *v);
    key.replica++;
    v[uns_random_below(key, 0, h->dimension < UINT32_MAX ? h->dimension : UINT32_MAX)] = 1.0;
}

/* Walks the ladder along one direction: change[i] grows to how much products of rungs i and
 * i + 1 differ. three: v and two products. */
static uns_status walk(uns_hessian *h, double scale, double *const three[3], double *change) {
    size_t d = h->dimension;
    double step = 0.1 * scale, size = length(d, three[0]);
    for (int i = 0; i < RUNGS; i++, step /= 8.0) {
        double *now = three[1 + i % 2], *before = three[2 - i % 2], sum = 0.0;
        UNS_TRY(uns_hessian_difference(h, step, three[0], now));
        for (size_t j = 0; i > 0 && j < d; j++)
            sum += (now[j] - before[j]) * (now[j] - before[j]);
        if (i > 0)
            change[i - 1] = fmax(change[i - 1], isfinite(sum) ? sqrt(sum) / size : INFINITY);
    }
    return UNS_OK;
}

static uns_status choose_step(uns_hessian *h, uns_key key) {
    size_t d = h->dimension, stride = (d + 7) / 8 * 8;
    double change[RUNGS - 1] = {0}, scale = fmax(length(d, h->x), 1.0);
    double *v = uns_allocate(h->context, uns_size_product(stride, 3 * sizeof(double)));
    if (!v)
        return UNS_ERROR_MEMORY;
    double *const three[3] = {v, v + stride, v + 2 * stride};
    uns_status status = UNS_OK;
    for (int probe = 0; probe < PROBES && status == UNS_OK; probe++) {
        draw_probe(h, probe, key, v);
        status = walk(h, scale, three, change);
    }
    uns_release(h->context, v);
    int best = 0;
    for (int i = 1; i < RUNGS - 1; i++)
        if (change[i] < change[best])
            best = i;
    h->step = ldexp(0.1 * scale, -3 * best);
    h->op.error = 2.0 * change[best];
    if (status == UNS_OK && isinf(change[best]))
        status = uns_fail(h->context, UNS_ERROR_CALLBACK,
                          "gradients around the point are not finite");
    return status;
}

static void place(uns_hessian *h, uns_arena *arena, size_t scratch) {
    size_t bytes = uns_size_product(h->dimension, sizeof(double));
    h->x = uns_arena_take(arena, bytes);
    h->near[0] = uns_arena_take(arena, bytes);
    h->near[1] = uns_arena_take(arena, bytes);
    for (int i = 0; i < 3; i++)
        h->pointers[i] = uns_arena_take(arena, uns_size_product(h->blocks, sizeof(void *)));
    h->scratch = uns_arena_take(arena, scratch);
}

static size_t scratch_bytes(const uns_problem *problem, size_t batch_size) {
    const uns_problem_ops *ops = uns_problem_get_ops(problem);
    if (!ops->scratch)
        return 0;
    size_t whole = ops->scratch(uns_problem_self(problem), 1, 0);
    size_t batch = batch_size ? ops->scratch(uns_problem_self(problem), 1, batch_size) : 0;
    return whole > batch ? whole : batch;
}

/* The best rung, or the one wished for if the problem offers it. */
static uns_status settle_rung(uns_hessian *h, int wish) {
    const uns_problem_ops *ops = uns_problem_get_ops(h->problem);
    const bool offered[UNS_RUNG_COUNT] = {ops->product != NULL, ops->imaginary != NULL, true};
    int rung = wish == UNS_RUNG_BEST ? UNS_RUNG_EXACT : wish;
    while (wish == UNS_RUNG_BEST && !offered[rung])
        rung++;
    h->op.rung = (uns_rung)rung;
    if (offered[rung])
        return UNS_OK;
    return uns_fail(h->context, UNS_ERROR_UNAVAILABLE,
                    "problem '%s' offers no products by '%s'", ops->name,
                    uns_rung_wishes[rung + 1].name);
}

uns_status uns_hessian_open(uns_context *context, const uns_problem *problem,
                            uns_const_tensors x, const uns_batch *batch, size_t batch_size,
                            int rung, uns_key probe, uns_hessian *h) {
    const uns_block *blocks = NULL;
    *h = (uns_hessian){.context = context, .problem = problem, .batch = batch};
    h->dimension = uns_problem_dimension(problem);
    h->blocks = uns_problem_get_ops(problem)->blocks(uns_problem_self(problem), &blocks);
    if (x.count != h->blocks)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "%zu tensors for a problem of %zu blocks",
                        x.count, h->blocks);
    for (size_t i = 0; i < x.count; i++)
        if (!x.data[i])
            return uns_fail(context, UNS_ERROR_ARGUMENT, "block '%s' of the point is NULL",
                            blocks[i].name);
    h->op = (uns_operator){sizeof h->op, h->dimension, h, product, UNS_RUNG_EXACT, 0.0};
    UNS_TRY(settle_rung(h, rung));
    uns_arena arena = {NULL, 0};
    place(h, &arena, scratch_bytes(problem, batch_size));
    h->memory = uns_allocate(context, arena.used);
    if (!h->memory)
        return UNS_ERROR_MEMORY;
    arena = (uns_arena){h->memory, 0};
    place(h, &arena, scratch_bytes(problem, batch_size));
    spread(h, h->x, h->pointers[0]);
    for (size_t i = 0; i < h->blocks; i++)
        memcpy(h->pointers[0][i], x.data[i], blocks[i].rows * blocks[i].cols * sizeof(double));
    if (h->op.rung != UNS_RUNG_DIFFERENCES)
        return UNS_OK;
    uns_status status = choose_step(h, probe);
    if (status != UNS_OK)
        uns_hessian_close(h);
    return status;
}

void uns_hessian_close(uns_hessian *h) {
    uns_release(h->context, h->memory);
    h->memory = NULL;
}

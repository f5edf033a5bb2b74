/* SPDX-License-Identifier: MIT
 * A problem's batches as a sampler: flat vectors in, flat vectors out, its own random stream.
 */
#include <unsaddle/sampler.h>

#include "base/base.h"
#include "la/complex_step.h"

#include <string.h>

struct uns_problem_sampler {
    uns_context *context;
    const uns_problem *problem;
    const uns_problem_ops *ops;
    const void *self;
    uns_layout *layout;
    size_t batch;
    uint64_t seed;
    void *scratch;
    double *step;         /* [d] of a complex one, where products are made of it */
    void **x, **v, **out; /* block pointers into flat vectors */
};

static size_t scratch_bytes(const uns_problem_sampler *s) {
    if (!s->ops->scratch)
        return 1;
    size_t batch = s->ops->scratch(s->self, 1, s->batch);
    size_t whole = s->ops->scratch(s->self, 1, 0);
    return (batch > whole ? batch : whole) + 1;
}

static uns_status open_parts(uns_problem_sampler *s) {
    UNS_TRY(uns_problem_layout(s->context, s->problem, 1, &s->layout));
    size_t blocks = uns_layout_count(s->layout);
    s->scratch = uns_allocate(s->context, scratch_bytes(s));
    s->x = uns_allocate(s->context, 3 * blocks * sizeof(void *));
    bool steps = !s->ops->product && s->ops->imaginary;
    if (steps)
        s->step = uns_allocate(
            s->context, uns_size_product(uns_layout_parameters(s->layout), sizeof *s->step));
    if (!s->scratch || !s->x || (steps && !s->step))
        return UNS_ERROR_MEMORY;
    s->v = s->x + blocks;
    s->out = s->v + blocks;
    return UNS_OK;
}

uns_status uns_problem_sampler_create(uns_context *context, const uns_problem *problem,
                                      size_t batch, uint64_t seed, uns_problem_sampler **out) {
    if (batch == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "sampler: a batch has at least 1 sample");
    uns_problem_sampler *s = uns_allocate(context, sizeof *s);
    if (!s)
        return UNS_ERROR_MEMORY;
    *s = (uns_problem_sampler){.context = context,
                               .problem = problem,
                               .ops = uns_problem_get_ops(problem),
                               .self = uns_problem_self(problem),
                               .batch = batch,
                               .seed = seed};
    uns_status status = open_parts(s);
    if (status != UNS_OK) {
        uns_problem_sampler_destroy(s);
        return status;
    }
    *out = s;
    return UNS_OK;
}

void uns_problem_sampler_destroy(uns_problem_sampler *s) {
    if (!s)
        return;
    uns_layout_destroy(s->layout);
    uns_release(s->context, s->scratch);
    uns_release(s->context, s->x);
    uns_release(s->context, s->step);
    uns_release(s->context, s);
}

/* Flat vectors are read only where a problem is given const tensors. */
static uns_const_tensors view(const uns_problem_sampler *s, const double *flat, void **blocks) {
    uns_layout_spread(s->layout, (void *)(uintptr_t)flat, blocks);
    uns_const_tensors tensors = {(const void *const *)blocks, uns_layout_count(s->layout)};
    return tensors;
}

static uns_tensors target(const uns_problem_sampler *s, double *flat) {
    uns_layout_spread(s->layout, flat, s->out);
    uns_tensors tensors = {s->out, uns_layout_count(s->layout)};
    return tensors;
}

static uns_status gradient(void *self, const double *x, uint64_t number, double *out) {
    const uns_problem_sampler *s = self;
    uns_batch batch = {{s->seed, number, 0, UNS_STREAM_NOISE}, s->batch, NULL};
    uns_eval eval = {1, view(s, x, s->x), &batch, s->scratch};
    return s->ops->gradient(s->self, &eval, target(s, out));
}

static uns_status whole(void *self, const double *x, double *out) {
    const uns_problem_sampler *s = self;
    uns_eval eval = {1, view(s, x, s->x), NULL, s->scratch};
    return s->ops->gradient(s->self, &eval, target(s, out));
}

static uns_status product(void *self, const double *x, const double *v, double *out) {
    const uns_problem_sampler *s = self;
    uns_eval eval = {1, view(s, x, s->x), NULL, s->scratch};
    return s->ops->product(s->self, &eval, view(s, v, s->v), target(s, out));
}

static uns_status complex_product(void *self, const double *x, const double *v, double *out) {
    const uns_problem_sampler *s = self;
    size_t d = uns_layout_parameters(s->layout);
    double step = uns_complex_step(d, v, s->step);
    uns_eval eval = {1, view(s, x, s->x), NULL, s->scratch};
    memset(out, 0, d * sizeof *out);
    if (step == 0.0)
        return UNS_OK;
    UNS_TRY(s->ops->imaginary(s->self, &eval, view(s, s->step, s->v), target(s, out)));
    for (size_t i = 0; i < d; i++)
        out[i] /= step;
    return UNS_OK;
}

uns_sampler uns_problem_sampler_view(uns_problem_sampler *s) {
    uns_sampler sampler = {.size = sizeof sampler,
                           .dimension = uns_problem_dimension(s->problem),
                           .self = s,
                           .gradient = gradient,
                           .whole = whole,
                           .product = s->ops->product ? product
                                      : s->step       ? complex_product
                                                      : NULL};
    return sampler;
}

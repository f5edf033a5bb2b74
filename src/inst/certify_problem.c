/* SPDX-License-Identifier: MIT
 * The certificate of a problem: binds its Hessian and its gradient at a point to the engine.
 * The whole objective is certified as it is; of a sample set the saddle is tested once more, on
 * fresh samples, since the set was searched for it.
 */
#include "inst/certify.h"
#include "inst/fresh.h"
#include "inst/hessian.h"

#include "base/base.h"
#include "la/sphere.h"

#include <math.h>

typedef struct binding {
    uns_certify_plan plan;
    uns_hessian hessian;
    uns_batch set; /* the fixed samples */
    double *v;     /* [d] the witness */
    double *work;  /* [2d] */
} binding;

static const char not_finite[] = "the gradient at the point is not finite";

static uns_key draw(const uns_certificate_config *config, uint32_t replica) {
    return (uns_key){(uint64_t)config->seed, (uint64_t)config->occasion, replica,
                     UNS_STREAM_CERTIFICATE};
}

/* The norm on the whole objective. */
static uns_status whole_gradient(binding *b) {
    double sum = 0.0;
    UNS_TRY(uns_hessian_gradient(&b->hessian, b->work));
    for (size_t i = 0; i < b->hessian.dimension; i++)
        sum += b->work[i] * b->work[i];
    double norm = sqrt(sum);
    if (!isfinite(norm))
        return uns_fail(b->plan.context, UNS_ERROR_CALLBACK, "%s", not_finite);
    b->plan.gradient = b->plan.gradient_low = b->plan.gradient_high = norm;
    return UNS_OK;
}

static uns_status sampled_gradient(binding *b) {
    const uns_certificate_config *config = b->plan.config;
    uns_mean_test square;
    UNS_TRY(uns_fresh_gradient(&b->hessian, (size_t)config->samples,
                               draw(config, UNS_DRAW_GRADIENT), config->delta, b->work,
                               &square));
    if (!isfinite(square.mean))
        return uns_fail(b->plan.context, UNS_ERROR_CALLBACK, "%s", not_finite);
    b->plan.gradient = sqrt(fmax(square.mean, 0.0));
    b->plan.gradient_low = sqrt(fmax(square.low, 0.0));
    b->plan.gradient_high = sqrt(fmax(square.high, 0.0));
    return UNS_OK;
}

static void withdraw(uns_certificate *out) {
    out->verdict = UNS_VERDICT_UNDECIDED;
    out->assurance = UNS_ASSURANCE_NONE;
}

/* Differenced products: the witness is looked at with a step 8 times shorter too. What changes
 * is the error along this very direction, where the ladder had seen others. */
static uns_status check_difference(binding *b, uns_certificate *out) {
    double shorter = 0.0;
    UNS_TRY(uns_hessian_difference(&b->hessian, b->hessian.step / 8.0, b->v, b->work));
    for (size_t i = 0; i < b->hessian.dimension; i++)
        shorter += b->v[i] * b->work[i];
    out->products++;
    out->curvature_error = fmax(out->curvature_error, fabs(shorter - out->curvature));
    if (!(out->curvature + out->curvature_error < -out->tau_h))
        withdraw(out);
    return UNS_OK;
}

/* The saddle of a sample set must stand before samples that had no part in finding it. */
static uns_status test_saddle(binding *b, uns_certificate *out) {
    const uns_certificate_config *config = b->plan.config;
    size_t fresh = (size_t)(config->fresh ? config->fresh : config->samples);
    uns_mean_test test;
    UNS_TRY(uns_fresh_curvature(&b->hessian, fresh, draw(config, UNS_DRAW_FRESH), config->delta,
                                b->v, b->work, &test));
    out->products += UNS_FRESH_BATCHES;
    out->sample_mean = test.mean;
    out->sample_error = test.error;
    out->sample_limit = test.high + b->hessian.op.error;
    if (out->sample_limit < -out->tau_h)
        out->assurance = b->hessian.step > 0.0 ? UNS_ASSURANCE_ESTIMATE : UNS_ASSURANCE_TEST;
    else
        withdraw(out);
    return UNS_OK;
}

static uns_status certify(binding *b, double *witness, uns_certificate *out) {
    const uns_certificate_config *config = b->plan.config;
    size_t d = b->hessian.dimension;
    UNS_TRY(config->samples ? sampled_gradient(b) : whole_gradient(b));
    b->plan.op = &b->hessian.op;
    b->plan.coordinate = uns_sphere_quantile(d, config->delta / (double)config->starts);
    UNS_TRY(uns_certify_run(&b->plan, b->v, out));
    if (out->verdict == UNS_VERDICT_SADDLE && b->hessian.step > 0.0)
        UNS_TRY(check_difference(b, out));
    if (out->verdict == UNS_VERDICT_SADDLE && config->samples)
        UNS_TRY(test_saddle(b, out));
    out->gradients = b->hessian.gradients;
    for (size_t i = 0; witness && i < d; i++)
        witness[i] = b->v[i];
    return UNS_OK;
}

uns_status uns_certify_problem(uns_context *context, const uns_problem *problem,
                               uns_const_tensors x, const uns_certificate_config *config,
                               double *witness, uns_certificate *out) {
    if (!context || !problem || !x.data || !config || !out)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "uns_certify_problem: context, problem, x, config or result is NULL");
    UNS_TRY(uns_certify_check(context, config, 0.0));
    binding b = {.plan = {.context = context, .config = config}};
    int64_t largest = config->samples > config->fresh ? config->samples : config->fresh;
    size_t stride = (uns_problem_dimension(problem) + 7) / 8 * 8;
    b.set = (uns_batch){draw(config, UNS_DRAW_SET), (size_t)config->samples, NULL};
    b.v = uns_allocate(context, uns_size_product(stride, 3 * sizeof(double)));
    if (!b.v)
        return UNS_ERROR_MEMORY;
    b.work = b.v + stride;
    uns_certificate found;
    uns_status status =
        uns_hessian_open(context, problem, x, config->samples ? &b.set : NULL, (size_t)largest,
                         config->rung, draw(config, UNS_DRAW_PROBE), &b.hessian);
    if (status == UNS_OK) {
        status = certify(&b, witness, &found);
        uns_hessian_close(&b.hessian);
    }
    uns_release(context, b.v);
    if (status == UNS_OK)
        *out = found;
    return status;
}

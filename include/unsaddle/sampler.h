/* SPDX-License-Identifier: MIT
 * A sampler: independent gradients of one law at any point, numbered, so that instruments work
 * for a problem as well as for a user's own code.
 */
#ifndef UNSADDLE_SAMPLER_H
#define UNSADDLE_SAMPLER_H

#include <unsaddle/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* d parameters, flat. Called from the calling thread only. */
typedef struct uns_sampler {
    size_t size;      /* sizeof(uns_sampler) */
    size_t dimension; /* d */
    void *self;       /* borrowed */
    /* REQUIRED. out = gradient of draw `number` at x, d doubles each. The same number is the
     * same samples wherever x is; different numbers are independent. */
    uns_status (*gradient)(void *self, const double *x, uint64_t number, double *out);
    /* OPTIONAL; NULL: not known. out = ∇f(x), exact. */
    uns_status (*whole)(void *self, const double *x, double *out);
    /* OPTIONAL; NULL: no local model (model.h). out = ∇²f(x)·v, up to rounding; v and out
     * distinct. Of a problem: its own product, else by a complex step. */
    uns_status (*product)(void *self, const double *x, const double *v, double *out);
} uns_sampler;

/* Batches of a problem as a sampler: draw n is the batch at (seed, UNS_STREAM_NOISE, replica 0,
 * step n), so that no run's trajectory has seen it. Batches of 1 are per-sample gradients.
 * Where the problem shuffles a finite sum, batches of one epoch exclude each other and are not
 * quite independent. UNS_ERROR_MEMORY. The problem is borrowed and must outlive it. */
typedef struct uns_problem_sampler uns_problem_sampler;
UNS_NODISCARD UNS_API uns_status uns_problem_sampler_create(uns_context *context,
                                                            const uns_problem *problem,
                                                            size_t batch, uint64_t seed,
                                                            uns_problem_sampler **out);
UNS_API void uns_problem_sampler_destroy(uns_problem_sampler *sampler);
UNS_API uns_sampler uns_problem_sampler_view(uns_problem_sampler *sampler);

#ifdef __cplusplus
}
#endif
#endif

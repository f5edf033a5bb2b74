/* SPDX-License-Identifier: MIT
 * The local model: forecasts where no formula holds. The optimizer itself runs, replicated, on
 * a stand-in for the problem around the present point that costs next to nothing a step.
 *
 *   mean    ∇f(x₀) + H(x − x₀), H on a block Krylov space of at most 60 products; scaled by a
 *           profile a(ρ) of what whole gradients at the replicas' own places say
 *   noise   resampled deviations of at most 200 drawn gradients, the first at x₀, the others at
 *           places that the replicas have come to meanwhile; their variance follows p + qρ²,
 * fitted. That is a full diagonal and a low rank; where the optimizer's structure feels the
 *           rank, a share of independent noise with the same diagonal takes its place
 *   ρ       the distance from the saddle, x₀ less its part along the modes of b < 0
 *
 * Nothing is assumed of Σ(x) but that it depends on the replicas' way mostly through ρ, and of
 * f that the way down bends as a whole. Source: docs/theory.md, "Local model" (this project's
 * own). Single-owner. Draws from UNS_STREAM_FORECAST and the sampler.
 */
#ifndef UNSADDLE_MODEL_H
#define UNSADDLE_MODEL_H

#include <unsaddle/forecast.h>
#include <unsaddle/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    UNS_MODEL_GRADIENTS = 200,
    UNS_MODEL_PRODUCTS = 60 /* with H; whole gradients count as one each */
};

typedef struct uns_model_config {
    size_t size;                /* sizeof(uns_model_config) */
    const uns_sampler *sampler; /* draws are gradients as the optimizer gets them: of its batch.
                                   With `product`; without `whole` the mean is that of the first
                                   draws, and doubted. Borrowed */
    const double *x;            /* [d] the present point; copied */
    size_t count;               /* blocks of x, in order: what a structure may see */
    const uns_block *blocks;
    size_t products; /* whole evaluations at most, 8 to UNS_MODEL_PRODUCTS; 0: all */
    uint64_t seed;
} uns_model_config;

typedef struct uns_model uns_model;

/* Makes two thirds of the products. UNS_ERROR_ARGUMENT, _UNAVAILABLE (no product), _MEMORY, or
 * the sampler's status. Memory: about 60·d doubles. */
UNS_NODISCARD UNS_API uns_status uns_model_create(uns_context *context,
                                                  const uns_model_config *config,
                                                  uns_model **out);
UNS_API void uns_model_destroy(uns_model *model);

/* Lowest Ritz values of H found, ascending; count at most `room`. */
UNS_API size_t uns_model_curvatures(const uns_model *model, size_t room, double *values);

typedef struct uns_model_run {
    size_t size;      /* sizeof(uns_model_run) */
    uns_spec spec;    /* any optimizer but the moment `exact` */
    double drop;      /* Δ: escaped when f is so far below its value at x₀ */
    int64_t limit;    /* steps looked ahead */
    size_t replicas;  /* 0: 128, or 64 for a whole structure; the first pass takes a fourth */
    size_t gradients; /* drawn at most, 32 to UNS_MODEL_GRADIENTS; 0: all */
    uint64_t first;   /* number of the first draw */
} uns_model_run;

/* What a forecast took. */
typedef struct uns_model_cost {
    size_t gradients, wholes, products; /* of the sampler; products of create among them */
    int64_t steps;                      /* of the replicas */
    double growth, bend; /* qρ²/(p + qρ²) and a(ρ) where the replicas ended */
} uns_model_cost;

/* Quantiles of the escape step for the run's optimizer, burn-in included (it starts anew),
 * wider than the replicas' own by what the model was counted to err and their median may. The
 * floor is left NaN. method is UNS_METHOD_MODEL; open holds UNS_DOUBT_FAR_NOISE where the
 * replicas go twice as far as was measured, _CURVED where f itself falls otherwise on the way
 * down than the model (by whole gradients along it) or a(ρ) falls below ½, _MEAN_GRADIENT
 * without `whole`, _NOT_REACHED, _NO_SADDLE (nothing found leads down; quantiles may still be
 * given, by the slope). cost may be NULL. Fails as create does, and as the optimizer's own. */
UNS_NODISCARD UNS_API uns_status uns_model_forecast(uns_model *model, const uns_model_run *run,
                                                    uns_forecast *out, uns_model_cost *cost);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * The noise instrument: second moment G = E[ggᵀ] and covariance Σ = Cov(g) of the gradient at a
 * point, from draws, before and after a preconditioner A.
 *
 * Unbiased: squares of means are products of means of different eighths of the draws; an
 * eigenvector found in the first half is judged by the second. Every number comes with its
 * sampling error, a standard deviation (jackknife over the parts; up to √2 too large for a
 * square that is lost in its noise). Streaming: (2k + 36)·d
 * doubles of memory, no draw is kept.
 *
 *   trace          tr G = E‖g‖², tr Σ
 *   noise scale    tr Σ/‖∇f‖²: with a batch's draws, how many such batches outweigh the noise
 *   dimension      tr G/‖G‖: as many directions as hold it if all held the same
 *   rank           (tr Σ)²/tr(Σ²), between 1 and d; d for isotropic noise
 *   condition      λ_max/λ_min of Σ, where all d eigenpairs are asked for
 * Fed with Ag instead of g (config.metric) these are E‖Ag‖², the isotropy of AΣA, and so on.
 *
 * Source: docs/theory.md, "Noise". Single-owner; calls the sampler and the metric from the
 * calling thread. Never touches a run: draws come from the sampler, its stream is its own.
 */
#ifndef UNSADDLE_NOISE_H
#define UNSADDLE_NOISE_H

#include <unsaddle/operator.h>
#include <unsaddle/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    UNS_NOISE_PAIRS = 64, /* k at most */
    UNS_NOISE_DRAWS = 64  /* draws at least; their number is rounded up to a multiple of 32 */
};

/* A number and the standard error of its sampling. NaN: not defined. */
typedef struct uns_measured {
    double value, error;
} uns_measured;

/* A diagonal matrix as an operator; both borrowed. */
typedef struct uns_diagonal {
    size_t dimension;
    const double *values;
} uns_diagonal;
UNS_API uns_operator uns_operator_diagonal(const uns_diagonal *diagonal);

/* λ_min and ‖·‖ of a symmetric operator, a preconditioner A say: exact for a diagonal; else the
 * ends of `products` Lanczos steps from a drawn start, so *lowest is at least λ_min and *norm
 * at most ‖A‖. UNS_ERROR_ARGUMENT: no products; UNS_ERROR_MEMORY, or the operator's status. */
UNS_NODISCARD UNS_API uns_status uns_operator_range(uns_context *context,
                                                    const uns_operator *op, size_t products,
                                                    uint64_t seed, double *lowest,
                                                    double *norm);

typedef struct uns_noise_config {
    size_t size; /* sizeof(uns_noise_config) */
    size_t dimension;
    size_t pairs;               /* k eigenpairs of Σ, at most UNS_NOISE_PAIRS and d */
    size_t directions;          /* how many directions below */
    const double *direction;    /* [directions][d], borrowed until the last draw; any length */
    const uns_operator *metric; /* draws go through it first; NULL: as they come; borrowed */
    const uns_operator *estimate; /* an Ĝ of what is fed (after `metric`) to hold against fresh
                                   draws; NULL: none; borrowed */
} uns_noise_config;

typedef struct uns_noise uns_noise;

/* UNS_ERROR_ARGUMENT: no dimension, too many pairs; UNS_ERROR_MEMORY. */
UNS_NODISCARD UNS_API uns_status uns_noise_create(uns_context *context,
                                                  const uns_noise_config *config,
                                                  uns_noise **out);
UNS_API void uns_noise_destroy(uns_noise *noise);

/* Streaming: begin with the number of draws, add each, then read. Adding more than begun with,
 * or reading before all are added, is UNS_ERROR_STATE. A draw that is not finite:
 * UNS_ERROR_CALLBACK. begin forgets what came before. g is aligned to
 * 64 where there is a metric or an estimate. Cost of a draw: (k + 20)·d operations,
 * and every 32 draws 16·(k + 16)·d more in the first half. */
UNS_NODISCARD UNS_API uns_status uns_noise_begin(uns_noise *noise, size_t draws);
UNS_NODISCARD UNS_API uns_status uns_noise_add(uns_noise *noise, const double *g);

/* The same with the sampler's draws first, first + 1, ..., each fed to all `count` instruments:
 * before and after a metric from the same draws. */
UNS_NODISCARD UNS_API uns_status uns_noise_measure(uns_context *context,
                                                   const uns_sampler *sampler, const double *x,
                                                   uint64_t first, size_t draws, size_t count,
                                                   uns_noise *const *noises);

typedef struct uns_noise_report {
    size_t draws;
    uns_measured gradient_square; /* ‖∇f‖² (‖A∇f‖² after a metric) */
    uns_measured second_trace;    /* tr G */
    uns_measured trace;           /* tr Σ */
    uns_measured scale;           /* tr Σ/‖∇f‖²; infinite where that is not above 0 */
    uns_measured norm;      /* ‖G‖, along the top vector of the first half; low by what
                               that vector misses */
    uns_measured dimension; /* tr G/‖G‖, of all draws and of the second half: no number is
                               cut off, so it may exceed d by its error */
    uns_measured square;    /* tr Σ² */
    uns_measured rank;      /* (tr Σ)²/tr Σ² */
    uns_measured condition; /* λ_max/λ_min of Σ; NaN unless k = d. The ends are chosen
                               among measured numbers: high by a little */
    uns_measured top;       /* d·λ_max/tr Σ: 1 for isotropic noise; NaN at k = 0 */
    uns_measured estimate_error; /* ‖Ĝ − G‖_F/‖G‖_F; NaN without an estimate */
    double largest;              /* largest norm of a draw seen */
} uns_noise_report;

UNS_NODISCARD UNS_API uns_status uns_noise_read(uns_noise *noise, uns_noise_report *out);

/* The i-th eigenpair of Σ, i < k, in the first half's order: the vector (d doubles, owned by
 * the instrument) and the variance along it. */
UNS_API const double *uns_noise_vector(const uns_noise *noise, size_t i);
UNS_API uns_measured uns_noise_value(const uns_noise *noise, size_t i);

/* Along the i-th given direction w: wᵀΣw, its share of tr Σ (for a unit w), wᵀ∇f. */
typedef struct uns_noise_along {
    uns_measured variance, share, slope;
} uns_noise_along;
UNS_API uns_noise_along uns_noise_direction(const uns_noise *noise, size_t i);

/* Diagonals, d doubles each, of Σ and of G; the mean. NULL: not wanted. */
UNS_API void uns_noise_diagonal(const uns_noise *noise, double *covariance,
                                double *second_moment, double *mean);

/* ‖c − diag G‖/‖diag G‖ for an optimizer's own diagonal estimate c. */
UNS_API uns_measured uns_noise_diagonal_error(const uns_noise *noise, const double *c);

/* ‖diag G(x₁) − diag G(x₀)‖/‖x₁ − x₀‖ of two instruments that were fed the same draw numbers at
 * two points: a lower bound of G's Lipschitz constant between them. */
UNS_API uns_measured uns_noise_lipschitz(const uns_noise *at_x0, const uns_noise *at_x1,
                                         double distance);

#ifdef __cplusplus
}
#endif
#endif

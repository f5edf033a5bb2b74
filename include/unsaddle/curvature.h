/* SPDX-License-Identifier: MIT
 * Curvature: eigenpairs at the ends of a symmetric operator and the density of its spectrum,
 * plain or in the metric A^{1/2}HA^{1/2} of a preconditioner.
 *
 * Not a certificate: an eigenvalue found here bounds the end of the spectrum from one side
 * only. Whether there is a lower one is certificate.h's question.
 *
 * Source: docs/theory.md, "Curvature". Stochastic Lanczos quadrature: Golub and Meurant 1994;
 * Ubaru, Chen, Saad 2017. Draws from UNS_STREAM_CURVATURE. Calls operators from the calling
 * thread.
 */
#ifndef UNSADDLE_CURVATURE_H
#define UNSADDLE_CURVATURE_H

#include <stdbool.h>
#include <unsaddle/noise.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    UNS_CURVATURE_DENSE = 64 /* dimensions up to which the whole spectrum is taken */
};

/* S·H·S as an operator: A^{1/2}HA^{1/2}. All borrowed. */
typedef struct uns_sandwich {
    const uns_operator *outer, *inner; /* S and H, of one dimension */
    double norm;                       /* ‖S‖, for the error of H seen through it */
    double *work[2];                   /* [d] each, aligned to 64 */
} uns_sandwich;
UNS_API uns_operator uns_operator_sandwich(const uns_sandwich *sandwich);

typedef struct uns_curvature_plan {
    size_t size;              /* sizeof(uns_curvature_plan) */
    size_t smallest, largest; /* pairs at each end; 1 to d in all */
    size_t products;          /* at most, in all */
    double tolerance;         /* residual ‖Hv − λv‖, in units of λ_max − λ_min */
    uint64_t seed;
} uns_curvature_plan;

typedef struct uns_curvature {
    size_t smallest, largest; /* found */
    bool whole;               /* from all d eigenpairs: nothing was missed */
    bool converged;           /* all wanted were found to the tolerance */
    size_t products;
    uns_rung rung;
    double error; /* of each product, ‖E‖; an eigenvalue is off by no more */
} uns_curvature;

/* The ends of a spectrum; of the lowest pair alone, from a start of one's own, hessian.h's
 * uns_operator_lowest is cheaper.
 *
 * values, residuals: [smallest + largest], the smallest ascending, then the largest descending;
 * vectors: unit, in rows of d, or NULL. Up to UNS_CURVATURE_DENSE dimensions (and as many
 * products) from the whole matrix; else Lanczos runs, one for each of the smallest, with those
 * found moved to the other end, so that multiple eigenvalues are found as often as they are.
 * UNS_ERROR_ARGUMENT: no pairs, more than d, fewer than 4 products a pair; UNS_ERROR_MEMORY; or
 * the operator's status. Memory: up to `products`·d doubles. */
UNS_NODISCARD UNS_API uns_status uns_curvature_find(uns_context *context,
                                                    const uns_operator *op,
                                                    const uns_curvature_plan *plan,
                                                    double *values, double *residuals,
                                                    double *vectors, uns_curvature *out);

/* The density of a spectrum: what share of the eigenvalues lies where. */
typedef struct uns_density uns_density;

/* By stochastic Lanczos quadrature: `probes` Lanczos runs of `products` steps each from drawn
 * starts; the mean of their Gauss quadratures is unbiased for (1/d)·tr p(H) for polynomials p
 * of degree up to 2·products − 1. UNS_ERROR_ARGUMENT: no probes or no products;
 * UNS_ERROR_MEMORY; or the operator's status. Memory: products·d doubles. */
UNS_NODISCARD UNS_API uns_status uns_density_create(uns_context *context,
                                                    const uns_operator *op, size_t probes,
                                                    size_t products, uint64_t seed,
                                                    uns_density **out);
/* Of eigenvalues that are all known: without error. */
UNS_NODISCARD UNS_API uns_status uns_density_of(uns_context *context, size_t count,
                                                const double *values, uns_density **out);
UNS_API void uns_density_destroy(uns_density *density);

/* Share of the eigenvalues below x; (1/d)·tr H^power; with standard errors over the probes
 * (NaN with fewer than two of them). */
UNS_API uns_measured uns_density_below(const uns_density *density, double x);
UNS_API uns_measured uns_density_moment(const uns_density *density, unsigned power);
/* The outermost nodes. */
UNS_API void uns_density_range(const uns_density *density, double *low, double *high);

#ifdef __cplusplus
}
#endif
#endif

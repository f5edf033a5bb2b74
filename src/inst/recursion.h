/* SPDX-License-Identifier: MIT
 * The linear recursion behind every forecast: one mode of curvature b under a spec's momentum
 * row, schedule and larger steps,
 *
 *     u = γm + δg,  m ← αm + βg,  x ← x − ηu,   g = bx + ξ,  Var ξ = s²
 *
 * and the mean and covariance of (x, m) carried along exactly. Not a simulation.
 */
#ifndef UNS_RECURSION_H
#define UNS_RECURSION_H

#include <unsaddle/forecast.h>

/* (x, m) ← M·(x, m) + v·ξ */
typedef struct uns_linear {
    double m[4], v[2];
} uns_linear;

/* Mean of x and m, and their covariance. */
typedef struct uns_gauss {
    double x, m, xx, xm, mm;
} uns_gauss;

/* The moves of a spec, one after the other. */
typedef struct uns_walk {
    const uns_spec *spec;
    uint64_t t; /* moves taken */
    double product, eta, row[4];
} uns_walk;

/* Stands after `moves` moves; uns_walk_next makes eta and row those of the next one. */
void uns_walk_begin(uns_walk *walk, const uns_spec *spec, uint64_t moves);
void uns_walk_next(uns_walk *walk);

uns_linear uns_linear_of(double b, double eta, const double row[4]);
void uns_gauss_step(uns_gauss *p, const uns_linear *step, double noise);

/* Constant η from now on but for the warm-up's and a correction's end; with or without larger
 * steps. */
bool uns_spec_steady(const uns_spec *spec);
bool uns_spec_uniform(const uns_spec *spec); /* ... without, and without momentum or warm-up */

/* Mean of ½·b·Var(x) over a period of the stationary state, for b > 0; NaN beyond stability or
 * for a spec that is not steady. `moves`: the momentum row taken is that move's. */
double uns_stationary_energy(const uns_spec *spec, double b, double noise, uint64_t moves);

/* Quantiles of the first step at which |x| of the lowest mode reaches R² = 2(Δ + F_other(t))/γ,
 * as a real number of steps between those two where the probability passes q[i]; NaN beyond
 * site->limit. q ascending. Every mode of b > 0 adds its exact energy to F_other. */
void uns_recursion_escape(const uns_spec *spec, const uns_forecast_site *site, size_t count,
                          const double *q, double *out);

/* The constant step that a spec amounts to for the growth, and for the noise: mean of η, and
 * mean of η² over it, over a period, times the gain of momentum; and the largest. */
typedef struct uns_steps {
    double growth, noise, largest;
} uns_steps;
uns_steps uns_steps_of(const uns_spec *spec, uint64_t moves);

#endif

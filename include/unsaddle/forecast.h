/* SPDX-License-Identifier: MIT
 * Forecasts: how long an optimizer with a fixed preconditioner A takes to leave a strict
 * saddle, and how far from a minimum its noise keeps it. Closed forms from the Hessian H and
 * the noise covariance Σ of a step's gradient; nothing is simulated.
 *
 * In z = A^{-1/2}x the Hessian is B = A^{1/2}HA^{1/2}. Its least eigenvalue is −γ, with unit
 * eigenvector w; s² = wᵀA^{1/2}ΣA^{1/2}w is the noise along it. All functions are pure.
 */
#ifndef UNSADDLE_FORECAST_H
#define UNSADDLE_FORECAST_H

#include <stddef.h>
#include <stdint.h>
#include <unsaddle/context.h>
#include <unsaddle/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    UNS_FORECAST_DIMENSION = 64
};

/* What H, Σ and A come to in the eigenvectors of B. */
typedef struct uns_modes {
    size_t count;                             /* d */
    double curvature[UNS_FORECAST_DIMENSION]; /* b_i, ascending: b_0 = −γ */
    double noise[UNS_FORECAST_DIMENSION];     /* s_i² */
    double direction[UNS_FORECAST_DIMENSION]; /* A^{1/2}w: the way out, in x */
    double gamma;                             /* γ; at most 0: no saddle */
    double trace;                             /* tr(AΣ) */
} uns_modes;

/* Finds the modes. hessian and noise: d×d, row-major, symmetric; metric: the diagonal of A, all
 * above 0, NULL: A = I. UNS_ERROR_ARGUMENT: d is 0 or above UNS_FORECAST_DIMENSION, or a number
 * is not finite. Cost: about 10·d³ operations, 100 KiB of stack. */
UNS_NODISCARD UNS_API uns_status uns_forecast_modes(uns_context *context, size_t dimension,
                                                    const double *hessian, const double *noise,
                                                    const double *metric, uns_modes *modes);

/* Why the escape forecast may be off; 0: it holds to about a per cent. That the threshold lies
 * inside the quadratic region only the caller can tell. */
enum {
    UNS_DOUBT_NO_SADDLE = 1u,   /* γ <= 0 or no noise along w */
    UNS_DOUBT_SMALL_DROP = 2u,  /* K = 4Δ/(ηs²) < 30: no first-passage time */
    UNS_DOUBT_OTHER_MODES = 4u, /* F_other > 0.2·Δ */
    UNS_DOUBT_LARGE_STEP = 8u,  /* ηγ > 0.05 */
    UNS_DOUBT_SECOND_WAY = 16u  /* a second mode with b < −γ/2 */
};
UNS_API unsigned uns_forecast_doubts(const uns_modes *modes, double eta, double drop);

/* What the modes other than w add to f while the run waits: F_other = Σ_{b_i > 0} η s_i²/4. */
UNS_API double uns_forecast_other(const uns_modes *modes, double eta);

/* The q-quantile of the escape step from the saddle itself, f having to drop by Δ:
 *     T_q = ln(1 + (a² − 1)(R/z_q)²/(η²s²)) / (2 ln a)
 *     a = 1 + ηγ,  R² = 2(Δ + F_other)/γ,  z_q = Φ⁻¹(1 − q/2)
 * NaN where γ, s², η, Δ or q is outside its range (all > 0, q < 1). */
UNS_API double uns_forecast_escape(double gamma, double noise, double eta, double drop,
                                   double other, double quantile);

/* Mean and standard deviation of the same: T_½ + 0.241/ln a and 1.111/ln a. */
UNS_API double uns_forecast_escape_mean(double gamma, double noise, double eta, double drop,
                                        double other);
UNS_API double uns_forecast_escape_deviation(double gamma, double eta);

/* Steps that the idealized metric G = Σ + ∇f∇fᵀ loses against Σ, q = √(mᵀΣ⁻¹m) at the
 * threshold:  (1/ηγ)·[√(1+q²) − 1 − ln((1 + √(1+q²))/2)]. */
UNS_API double uns_forecast_delay(double gamma, double eta, double q);

/* f − min f that the noise keeps up around a minimum: F = Σ_{b_i > 0} η s_i²/(4(1 − η b_i/2)),
 * to first order η·tr(AΣ)/4. NaN at no minimum (a b_i < 0) and beyond stability. */
UNS_API double uns_forecast_floor(const uns_modes *modes, double eta);

/* The constant step without momentum that a spec's η and its momentum row of move `moves`
 * amount to: η·(δ + γβ/(1−α)); η/(1−μ) for the heavy ball and Nesterov, η for the moving
 * average. */
UNS_API double uns_forecast_spec_eta(const uns_spec *spec, int64_t moves);

/* The same two for a spec whose metric is the A of the modes, with its momentum, schedule and
 * larger steps: the covariance of (x, m) along w propagated exactly, step by step (escape,
 * at most `limit` steps, NaN beyond), and their stationary state for the momentum row of move
 * `moves` (floor; NaN with a schedule that has no stationary state). */
UNS_API double uns_forecast_spec_escape(const uns_spec *spec, const uns_modes *modes,
                                        double drop, double quantile, int64_t limit);
UNS_API double uns_forecast_spec_floor(const uns_spec *spec, const uns_modes *modes,
                                       int64_t moves);

#ifdef __cplusplus
}
#endif
#endif

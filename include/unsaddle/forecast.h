/* SPDX-License-Identifier: MIT
 * Forecasts: how long an optimizer takes to leave a strict saddle, and how far from a minimum
 * its noise keeps it, from the Hessian H and the noise covariance Σ of a step's gradient.
 *
 * For a fixed preconditioner A: in z = A^{-1/2}x the Hessian is B = A^{1/2}HA^{1/2}. Its least
 * eigenvalue is −γ, with unit eigenvector w; s² = wᵀA^{1/2}ΣA^{1/2}w is the noise along it.
 * Where A is estimated on the way and follows neither Σ nor ∇f∇fᵀ in closed form, see model.h.
 *
 * Source: docs/theory.md, "Escape" and "Floor" (the project's own derivations). All functions
 * are pure and may be called from any thread; none keeps what it is given.
 */
#ifndef UNSADDLE_FORECAST_H
#define UNSADDLE_FORECAST_H

#include <stdbool.h>
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

/* The same for any A, given by its root: d×d, row-major, symmetric; NULL: A = I. */
UNS_NODISCARD UNS_API uns_status uns_forecast_modes_dense(uns_context *context,
                                                          size_t dimension,
                                                          const double *hessian,
                                                          const double *noise,
                                                          const double *root, uns_modes *modes);

/* A^{1/2} (d×d) of a spec at a point, where A is known in closed form: identity, diagonal or
 * full structure, a moment that tends to Σ (gradient NULL, or a spec that leaves the mean
 * gradient out) or to Σ + gradient·gradientᵀ, and slots that leave the step linear in g.
 * UNS_ERROR_UNAVAILABLE with the reason: not known; UNS_ERROR_ARGUMENT as above. */
UNS_NODISCARD UNS_API uns_status uns_forecast_root(uns_context *context, const uns_spec *spec,
                                                   size_t dimension, const double *noise,
                                                   const double *gradient, double *root);

/* √(mᵀΣ⁻¹m) of the mean gradient m where f has dropped by `drop` along w, for a spec whose A
 * follows Σ + ∇f∇fᵀ (diagonal structure: of the diagonal of Σ); 0 where it does not. *alone:
 * whether ΔT holds, A being the whole matrix or the way out one axis alone. NULL: not asked. */
UNS_API double uns_forecast_pull(const uns_spec *spec, size_t dimension, const double *hessian,
                                 const double *noise, const uns_modes *modes, double drop,
                                 bool *alone);

/* Why the closed form may be off; 0: it holds to about a per cent. */
enum {
    UNS_DOUBT_NO_SADDLE = 1u,      /* γ <= 0 or no noise along w */
    UNS_DOUBT_SMALL_DROP = 2u,     /* K = 4Δ/(ηs²) < 30: no first-passage time */
    UNS_DOUBT_OTHER_MODES = 4u,    /* F_other > 0.2·Δ */
    UNS_DOUBT_LARGE_STEP = 8u,     /* ηγ > 0.05 */
    UNS_DOUBT_SECOND_WAY = 16u,    /* a second mode with b < −γ/2 */
    UNS_DOUBT_CURVED = 32u,        /* the threshold lies outside the quadratic region */
    UNS_DOUBT_MEAN_GRADIENT = 64u, /* A feels ∇f on the way out, in no closed form */
    UNS_DOUBT_ONLINE = 128u,       /* A is estimated from few gradients */
    UNS_DOUBT_NOT_LINEAR = 256u,   /* a slot (clipping, trust, decay...) is not linear in g */
    UNS_DOUBT_NOT_REACHED = 512u,  /* some quantile lies beyond the limit of steps */
    UNS_DOUBT_FAR_NOISE = 1024u    /* local model: the noise changes beyond what was measured */
};
/* The first five, for a constant step η. */
UNS_API unsigned uns_forecast_doubts(const uns_modes *modes, double eta, double drop);

/* What the modes other than w add to f while the run waits: F_other = Σ_{b_i > 0} η s_i²/4. */
UNS_API double uns_forecast_other(const uns_modes *modes, double eta);

/* The q-quantile of the escape step from the saddle itself, f having to drop by Δ:
 *     T_q = ln(1 + (a² − 1)(R/z_q)²/(η²s²)) / (2 ln a)
 *     a = 1 + ηγ,  R² = 2(Δ + F_other)/γ,  z_q = Φ⁻¹(1 − q/2)
 * NaN where γ, s², η, Δ or q is outside its range (all > 0, q < 1). */
UNS_API double uns_forecast_escape(double gamma, double noise, double eta, double drop,
                                   double other, double quantile);

/* The same from a point off the saddle, `offset` = |wᵀz| away along w; the drop counts from
 * there, so R² = offset² + 2(Δ + F_other)/γ. The smallest t, a real number, with
 *     Φ((m − R)/σ) + Φ((−m − R)/σ) >= q,   m = offset·a^t,   σ² = η²s²(a^{2t} − 1)/(a² − 1)
 * For offset 0 it is the formula above. NaN as above, and for an offset that is not >= 0. */
UNS_API double uns_forecast_escape_from(double gamma, double noise, double eta, double drop,
                                        double other, double offset, double quantile);

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

/* n: parameters in the largest matrix that the spec's A estimates as one, in d dimensions;
 * `largest`: its rows (uns_structure_report; 0: none). d for the full matrix and for low rank,
 * whose columns are gradients; of a Kronecker factor m²/d, by columns seen at once; else 1. */
UNS_API size_t uns_forecast_spec_together(const uns_spec *spec, size_t dimension,
                                          size_t largest);

/* What about a spec's own A no formula covers, wherever it is: UNS_DOUBT_NOT_LINEAR, and
 * UNS_DOUBT_ONLINE where `together` parameters are estimated from few gradients. */
UNS_API unsigned uns_forecast_spec_doubts(const uns_spec *spec, size_t together);

/* k with A^{k/2} = C^{-1/2}, for √(mᵀC⁻¹m) by products with A^{1/2}, where A follows
 * Σ + ∇f∇fᵀ; 0: it does not follow it; −1: no whole number below 9 is. */
UNS_API int uns_forecast_spec_roots(const uns_spec *spec);

/* The same two for a spec whose metric is the A of the modes, with its momentum, schedule and
 * larger steps: the covariance of (x, m) along w propagated exactly, step by step (escape,
 * at most `limit` steps, NaN beyond), and their stationary state for the momentum row of move
 * `moves` (floor; the mean over a period of larger steps; NaN with a schedule that has no
 * stationary state). */
UNS_API double uns_forecast_spec_escape(const uns_spec *spec, const uns_modes *modes,
                                        double drop, double quantile, int64_t limit);
UNS_API double uns_forecast_spec_floor(const uns_spec *spec, const uns_modes *modes,
                                       int64_t moves);

/* What was measured, or is known, at one point: the way to a forecast on any problem. Modes are
 * eigenpairs of B, ascending, as many as were found; the lowest is the way out. */
typedef struct uns_forecast_site {
    size_t size;             /* sizeof(uns_forecast_site) */
    size_t count;            /* modes listed, 1 to UNS_FORECAST_DIMENSION */
    const double *curvature; /* [count] b_i */
    const double *noise;     /* [count] s_i² of a step's gradient */
    const double *slope; /* [count] w_iᵀA^{1/2}∇f here: how far the saddle is; NULL: 0 */
    double rest_noise;   /* Σ s_i² of modes with b > 0 not listed: tr(AΣ) − Σ listed */
    double drop;         /* Δ > 0: escaped when f is so far below its value at the saddle */
    double bend;         /* |f(saddle ± R·A^{1/2}w) + Δ|/Δ; NaN: not known, not doubted */
    double pull;         /* √(mᵀΣ⁻¹m), m = ∇f at the threshold, where A follows
                            Σ + ∇f∇fᵀ; 0: A is fixed or centred */
    bool pull_alone;     /* A is the full matrix, or one axis is the way out: ΔT holds */
    const uns_modes *minimum; /* modes at the destination; NULL: A and Σ carry over from here */
    uint64_t moves;           /* moves taken before: schedule and bias correction go on */
    int64_t limit;            /* steps looked ahead, at most */
    uint64_t seed;            /* of the replicas, where it comes to that */
    size_t together; /* uns_forecast_spec_together: above 0.06·N, N = (1 + β)/(1 − β), the error
                        of A is felt (UNS_DOUBT_ONLINE); 0: that of `count` dimensions */
} uns_forecast_site;

/* A site at the saddle itself: modes borrowed, bend unknown, pull 0, limit 10⁶. */
UNS_API uns_forecast_site uns_forecast_site_of(const uns_modes *modes, double drop);

/* How a forecast was made. */
typedef enum uns_forecast_method {
    UNS_METHOD_NONE,      /* nothing to escape from */
    UNS_METHOD_CLOSED,    /* T_q and ΔT as above */
    UNS_METHOD_RECURSION, /* mean and covariance of (x, m) along w, step by step */
    UNS_METHOD_PASSAGE,   /* the scalar first-passage problem, integrated */
    UNS_METHOD_ENSEMBLE,  /* replicas of the linear recursion in all modes */
    UNS_METHOD_MODEL      /* replicas of the optimizer itself on a local model (model.h) */
} uns_forecast_method;

/* "none", "closed form", "recursion", ...; never NULL. Static storage. */
UNS_API const char *uns_forecast_method_text(uns_forecast_method method);

enum {
    UNS_FORECAST_QUANTILES = 5
};
/* 5, 25, 50, 75 and 95 %. */
UNS_API const double *uns_forecast_quantiles(void);

typedef struct uns_forecast {
    uns_forecast_method method;
    double escape[UNS_FORECAST_QUANTILES]; /* smallest t with P(escaped by step t) >= q, steps
                                              from here; NaN: beyond the limit, or never */
    double floor;    /* f − min f kept up at the destination; NaN: no stationary state */
    double gamma;    /* γ of the way out */
    double eta;      /* the constant step that the spec amounts to */
    double K;        /* 4Δ/(ηs²) */
    double other;    /* F_other */
    double delay;    /* ΔT, contained in escape */
    unsigned doubts; /* UNS_DOUBT_*: conditions of the closed form that fail */
    unsigned open;   /* of these, what the method does not make good: flagged */
} uns_forecast;

/* The forecast for a spec whose metric is the A of the site. The closed form where its
 * conditions hold and steps are constant; else the recursion (momentum, schedule, larger steps,
 * a start off the saddle); where the drop is small, the first-passage problem along w; where
 * other modes are high or several lead out, 1,000 replicas of the recursion in all listed modes
 * (quantiles to about 2 %). Bits depend on the arguments alone.
 * UNS_ERROR_ARGUMENT: no modes, not ascending, not finite, drop or limit not above 0;
 * UNS_ERROR_MEMORY. *out is untouched then. Cost: microseconds (closed) to a second. */
UNS_NODISCARD UNS_API uns_status uns_forecast_make(uns_context *context, const uns_spec *spec,
                                                   const uns_forecast_site *site,
                                                   uns_forecast *out);

/* A preconditioner to compare with: Σ^{-p} or G^{-p} in some structure, or any A. */
typedef struct uns_candidate {
    const char *structure; /* "identity", "diagonal" or "full" */
    double exponent;       /* p */
    bool centred;          /* of Σ instead of G = Σ + ∇f∇fᵀ: no ΔT */
    const double *root;    /* A^{1/2}, d×d, of another structure (then p and centred are not
                              looked at, structure is only a name); NULL */
} uns_candidate;

/* Where candidates are compared: dense H and Σ, d <= UNS_FORECAST_DIMENSION. */
typedef struct uns_forecast_point {
    size_t size; /* sizeof(uns_forecast_point) */
    size_t dimension;
    const double *hessian, *noise;
    const double *gradient; /* here; NULL: 0, at the saddle itself */
    double drop;
    const double *minimum_hessian; /* at the destination; NULL: floors to first order */
    int64_t limit;
    uint64_t seed;
} uns_forecast_point;

typedef struct uns_comparison {
    double equal_eta;   /* η with the floor of the first candidate; NaN: none */
    double merit;       /* γ_A/tr(AΣ), over the first candidate's */
    uns_forecast today; /* at the spec's η, larger step and all */
    uns_forecast equal; /* at equal_eta, the larger step scaled along */
} uns_comparison;

/* Forecasts for `count` candidates, each with the spec's momentum, schedule and larger steps;
 * the first sets the floor that the others are brought to. Fails as uns_forecast_make does. */
UNS_NODISCARD UNS_API uns_status uns_forecast_compare(
    uns_context *context, const uns_spec *spec, const uns_forecast_point *point, size_t count,
    const uns_candidate *candidates, uns_comparison *out);

#ifdef __cplusplus
}
#endif
#endif

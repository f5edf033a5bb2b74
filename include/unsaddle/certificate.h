/* SPDX-License-Identifier: MIT
 * The certificate: is x a (τ_g, τ_h)-second-order stationary point, ‖∇f(x)‖ <= τ_g and
 * λ_min(∇²f(x)) >= −τ_h? With what certainty, and if not, which way is down.
 *
 * Method. One Lanczos run from a direction drawn at random; after every product two questions.
 *   Saddle?      Where the smallest Ritz value is below −τ_h, its vector v is the witness: vᵀHv
 *                is computed by a fresh product and must lie below −τ_h by more than its error.
 *   Stationary?  (vᵀb)²·Σ_{j<=k} φ_j(λ_min)² <= 1, with b the start, v the eigenvector of λ_min
 *                and φ_j the run's orthonormal polynomials. Only the start is random: |vᵀb| is
 *                below t_δ with probability δ, (vᵀb)² ~ Beta(½, (d−1)/2). So λ_min >= −τ_h once
 *                the sum at −τ_h reaches 1/t_δ², and one δ covers every look.
 * Where samples leave the gradient on either side of τ_g, only "saddle" can still be shown: the
 * run goes on until the second question has its answer, and the verdict is undecided.
 * A sampled start is what makes it a bound: a fixed one certifies saddles that it is orthogonal
 * to. δ is divided only over independent starts, because among them one selects.
 *
 * Thresholds carry a margin for rounding, 4kε‖T‖, for the operator's own error ‖E‖ and for its
 * measured asymmetry; where λ_min lies within it of −τ_h the verdict is undecided.
 *
 * Source: docs/theory.md, "Certificates" (the project's own sharpening of van Dorsselaer,
 * Hochstenbach and van der Vorst 2000). The a-priori bound is of the kind of Kuczyński and
 * Woźniakowski (1992), "Estimating the largest eigenvalue by the power and Lanczos algorithms
 * with a random start".
 */
#ifndef UNSADDLE_CERTIFICATE_H
#define UNSADDLE_CERTIFICATE_H

#include <stdbool.h>
#include <unsaddle/operator.h>
#include <unsaddle/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Never a yes or no where the mathematics gives none: "undecided" is a verdict. */
#define UNS_VERDICT_LIST(X)                                                                    \
    X(UNS_VERDICT_STATIONARY, "second-order stationary")                                       \
    X(UNS_VERDICT_SADDLE, "saddle")                                                            \
    X(UNS_VERDICT_GRADIENT, "gradient too large")                                              \
    X(UNS_VERDICT_UNDECIDED, "undecided")

/* What stands behind a verdict.
 *   proof      an inequality that was computed, up to the stated rounding
 *   bound      holds with probability 1 − δ over the drawn start, whatever the Hessian
 *   test       a mean test at level δ on fresh samples
 *   empirical  as bound, but from the three-term recurrence: up to rounding
 *   estimate   rests on differenced products or on a fixed sample set
 *   none       undecided */
#define UNS_ASSURANCE_LIST(X)                                                                  \
    X(UNS_ASSURANCE_PROOF, "proof")                                                            \
    X(UNS_ASSURANCE_BOUND, "bound")                                                            \
    X(UNS_ASSURANCE_TEST, "test")                                                              \
    X(UNS_ASSURANCE_EMPIRICAL, "empirical")                                                    \
    X(UNS_ASSURANCE_ESTIMATE, "estimate")                                                      \
    X(UNS_ASSURANCE_NONE, "none")

#define UNS_LIST_CODE(code, text) code,
typedef enum uns_verdict {
    UNS_VERDICT_LIST(UNS_LIST_CODE) UNS_VERDICT_COUNT
} uns_verdict;
typedef enum uns_assurance {
    UNS_ASSURANCE_LIST(UNS_LIST_CODE) UNS_ASSURANCE_COUNT
} uns_assurance;
#undef UNS_LIST_CODE

/* The text above; never NULL. Static storage. */
UNS_API const char *uns_verdict_text(uns_verdict verdict);
UNS_API const char *uns_assurance_text(uns_assurance assurance);

/* What to certify and at what cost. Defaults and ranges: uns_certificate_table(), filled in by
 * uns_param_defaults. */
typedef struct uns_certificate_config {
    double tau_g;      /* τ_g >= 0 */
    double tau_h;      /* τ_h > 0 */
    double delta;      /* δ: the probability, at most, of calling a saddle stationary */
    double resolution; /* σ: the automatic budget settles all λ_min that are at least σ·τ_h
                          above −τ_h, whatever the spectrum, and with probability about 1 − δ
                          those as far below */
    double spread; /* λ_max − λ_min where known, for the budget; 0: from the run itself */
    int64_t products; /* products with H for each start, at most; 0: the a-priori budget */
    int64_t starts;   /* independent starts, tried one after the other; each has δ/starts */
    int64_t memory;   /* bytes of the basis, at most; beyond, the three-term recurrence */
    int64_t samples;  /* 0: the whole objective; else a fixed set of so many samples */
    int64_t fresh;    /* samples of the mean test of a saddle; 0: as many as `samples` */
    int64_t seed;
    int64_t occasion; /* number of the certificate within a run: each has a start of its own */
    int rung; /* uns_rung of a problem's products; UNS_RUNG_BEST: the best that it offers */
    const volatile int *interrupt; /* non-zero: undecided, with what is known; NULL: never */
} uns_certificate_config;

UNS_API const uns_param_table *uns_certificate_table(void);

/* The finding. NaN: not defined for this verdict. */
typedef struct uns_certificate {
    uns_verdict verdict;
    uns_assurance assurance;
    uns_rung rung;        /* of the products */
    bool whole;           /* of the whole objective; else of a fixed sample set */
    bool full;            /* fully reorthogonalised; else three-term in the end */
    bool interrupted;     /* before its budget was spent: more products may decide */
    bool exhausted;       /* the Krylov space was: nothing is left to be seen from the start */
    double tau_g, tau_h;  /* as asked */
    double delta;         /* as asked; each start had delta/starts */
    double gradient;      /* ‖∇f‖; from samples, the square's unbiased estimate */
    double gradient_low;  /* from samples, one-sided limits at level δ; else = gradient */
    double gradient_high; /* the verdicts go by these two */
    double low;       /* λ_min >= low, with probability 1 − δ; −infinity: nothing known */
    double high;      /* λ_min <= high: the smallest Ritz value and its margin */
    double curvature; /* vᵀHv of the unit witness by a fresh product */
    double curvature_error; /* its error, ‖E‖ included */
    double margin;          /* for rounding, ‖E‖ and asymmetry, already in low and high */
    double product_error;   /* ‖E‖: 0 for exact products, else estimated */
    double spread;          /* largest less smallest Ritz value */
    double sample_mean;     /* mean of vᵀH_zv over fresh samples z */
    double sample_error;    /* its standard error */
    double sample_limit;    /* its upper limit at level δ */
    int64_t products;       /* with H, all of them: Lanczos', the witness's, those made again */
    int64_t gradients;      /* batch or whole gradients, those of such products too */
    int64_t steps;          /* of them, Lanczos' own, of all starts; the rest are checks */
    int64_t budget;         /* of Lanczos' products, for the last start */
    int64_t starts;         /* begun */
    size_t basis_bytes;     /* taken for the basis */
} uns_certificate;

/* Certifies an operator H at a point where the gradient's norm is `gradient`. `witness` (d
 * doubles, or NULL) receives the unit vector of least curvature found: the witness of a saddle;
 * zeros where there is none (no product made, or three-term and no saddle).
 *
 * UNS_ERROR_ARGUMENT or _RANGE: a config out of its ranges, a gradient that is no number >= 0;
 * UNS_ERROR_CALLBACK: a product is not finite; else the operator's own status or
 * UNS_ERROR_MEMORY. On failure `out` is untouched, `witness` undefined.
 *
 * Cost: out->products products; k²·d·2 multiplications for reorthogonalising. Memory: the basis
 * (k·d doubles, at most config->memory but at least one vector, growing in chunks of 1 MiB or
 * one vector) and 5 vectors, 2 more for a three-term witness. Never prints; re-entrant; the
 * same bits for any thread count. */
UNS_NODISCARD UNS_API uns_status uns_certify_operator(uns_context *context,
                                                      const uns_operator *op, double gradient,
                                                      const uns_certificate_config *config,
                                                      double *witness, uns_certificate *out);

/* Certifies a problem at x (one replica; one pointer a block, borrowed). `witness`: d doubles
 * in block order, or NULL.
 *
 * config->samples = 0: the whole objective, an exact expectation or a full finite sum. Else one
 * fixed set of that many samples stands for it: what says "stationary" is an estimate then. A
 * saddle of the set must stand a mean test of vᵀH_zv, in 32 batches, on fresh samples;
 * ‖∇f‖² is the mean of products of independent batches, since that of one batch is biased.
 * Products are exact where the problem has them, else by a complex step of the gradient, Im
 * ∇f(x + ihv)/h at h‖v‖ about 2⁻²⁵⁰, where it offers one (its error, of order h², is below
 * rounding: a proof is one still), else central differences of gradients along the
 * direction: of a ladder of steps, each an eighth of the one before, the one whose product
 * differs least from the next one's, and that difference, doubled, estimates ‖E‖.
 *
 * Fails as above and as the problem does; UNS_ERROR_UNAVAILABLE: config->rung is not offered.
 * Memory: 6 further vectors, 3 more while the step of differences is looked for, and the
 * problem's scratch. */
UNS_NODISCARD UNS_API uns_status uns_certify_problem(uns_context *context,
                                                     const uns_problem *problem,
                                                     uns_const_tensors x,
                                                     const uns_certificate_config *config,
                                                     double *witness, uns_certificate *out);

/* The a-priori budget: products after which λ_min >= −τ_h is certified whatever the start and
 * the spectrum, in d dimensions, when λ_min lies ratio·(λ_max − λ_min) above −τ_h; at most d.
 * k = acosh(1/t_δ) / acosh(1 + 2·ratio). d >= 1, 0 < delta <= ½, ratio > 0. */
UNS_API int64_t uns_certificate_budget(size_t d, double delta, double ratio);

#ifdef __cplusplus
}
#endif
#endif

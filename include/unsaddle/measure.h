/* SPDX-License-Identifier: MIT
 * The measurement of a point: the gradient against its noise, the noise before and after each
 * preconditioner, the curvature, the verdict, and who would leave from here how soon and come
 * how close. One call over noise.h, curvature.h, certificate.h, forecast.h and model.h.
 *
 * A preconditioner is what an optimizer makes of gradients observed at the point. The one in
 * use observes as many as it remembers, or is handed over as it is; candidates observe `draws`
 * of them in equal weights, so that they are compared at the same knowledge. What is measured
 * comes from other draws than what A was made of.
 *
 * Source: docs/theory.md, "Measuring a point". Draws from UNS_STREAM_NOISE, _CURVATURE,
 * _CERTIFICATE and _FORECAST; never touches a run. Single-owner, one thread.
 */
#ifndef UNSADDLE_MEASURE_H
#define UNSADDLE_MEASURE_H

#include <unsaddle/certificate.h>
#include <unsaddle/curvature.h>
#include <unsaddle/forecast.h>
#include <unsaddle/metric.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    UNS_MEASURE_ENDS = 8,       /* eigenpairs at each end, at most */
    UNS_MEASURE_PAIRS = 16,     /* eigenpairs of Σ, at most */
    UNS_MEASURE_CANDIDATES = 64 /* preconditioners, the one in use among them */
};

/* When the local model is asked. */
typedef enum uns_model_use {
    UNS_MODEL_AUTO, /* where the formulas' conditions fail: for the optimizer in use, and at
                       equal floor for elementwise candidates */
    UNS_MODEL_NEVER,
    UNS_MODEL_ALWAYS
} uns_model_use;

/* Defaults and ranges: uns_measure_table(). */
typedef struct uns_measure_config {
    int64_t draws;       /* of gradients, for the noise and again for each candidate's A */
    int64_t pairs;       /* eigenpairs of Σ */
    int64_t ends;        /* eigenpairs at each end of a spectrum */
    int64_t products;    /* with H, for each spectrum at most */
    int64_t probes;      /* Lanczos runs of a density; 0: none */
    int64_t probe_steps; /* products of each */
    int64_t settle;      /* gradients observed by the optimizer in use; 0: what it remembers */
    char structures[UNS_TEXT_SIZE]; /* of the candidates: "all", or names with commas between */
    uns_reals exponents;            /* p of the candidates */
    bool uncentred, centred;        /* which candidates */
    int64_t memory;                 /* bytes a candidate's optimizer may take */
    double drop;   /* Δ, from f here; 0: to where the problem calls it escaped */
    int64_t limit; /* steps looked ahead; 0: ten times the plan's, at least 10⁴ */
    int model;     /* uns_model_use */
    double work;   /* elements times steps that a local model may cost each */
    int64_t seed;
    double tau_g, tau_h, delta; /* of the verdict; certificate.h */
    int64_t samples;
    int64_t path; /* steps of the path behind the assumptions; 0: the plan's */
    int rung;     /* uns_rung of the products; UNS_RUNG_BEST: the best that there is */
    const volatile int *interrupt; /* non-zero: no more candidates; NULL: never */
} uns_measure_config;

UNS_API const uns_param_table *uns_measure_table(void);

/* What is measured. */
typedef struct uns_measure_site {
    size_t size; /* sizeof(uns_measure_site) */
    const uns_problem *problem;
    uns_const_tensors x; /* one replica; one pointer a block */
    const uns_spec *spec;
    size_t batch;             /* samples of a gradient, as the optimizer gets them */
    int64_t steps;            /* of the plan; 0: not known */
    uns_optimizer *optimizer; /* at work on the problem's layout (one replica), to be looked at
                                 and left as it is; NULL: one is made and settles here */
} uns_measure_site;

/* Where the drop Δ comes from. */
typedef enum uns_drop_from {
    UNS_DROP_GIVEN,
    UNS_DROP_PROBLEM, /* down to the problem's own escape value */
    UNS_DROP_MINIMUM, /* half of the way to the minimum */
    UNS_DROP_TENTH,   /* a tenth of |f|, for want of anything known */
    UNS_DROP_NONE     /* at the known minimum nothing lies lower; as UNS_DROP_TENTH */
} uns_drop_from;

/* One preconditioner, at this point. */
typedef struct uns_measured_metric {
    uns_spec spec; /* candidates: the plan's with another structure, exponent, centring */
    char name[64]; /* "full p=0.5 centred" */
    bool today;    /* the optimizer in use */
    bool known;    /* A can be looked at; else `reason` says why not and the rest is NaN */
    char reason[160];
    size_t bytes;                /* of the optimizer's state and work space */
    size_t matrix;               /* rows of its largest matrix; 0: none */
    int64_t observed;            /* gradients behind A; 0: the optimizer's own, handed over */
    double least, norm;          /* λ_min(A), ‖A‖ */
    uns_measured trace;          /* tr(AΣ) */
    uns_measured estimate_error; /* ‖Ĝ − G‖/‖G‖ against fresh draws, in the Frobenius norm;
                                    diagonal structures: of the diagonals. NaN: no estimate */
    uns_noise_report step;  /* of Ag: E‖Ag‖² is its second_trace; rank and top tell how
                               isotropic AΣA is */
    uns_noise_along way;    /* Ag along v, the unit eigenvector of λ_min(H): wᵀAΣAw */
    size_t lowest, highest; /* eigenvalues of A^{1/2}HA^{1/2} below */
    double low[UNS_MEASURE_ENDS], high[UNS_MEASURE_ENDS];
    bool whole;             /* all its eigenvalues were looked at */
    double gamma;           /* −λ_min(A^{1/2}HA^{1/2}); at most 0: no way down */
    uns_measured way_noise; /* s² along it */
    double distance;        /* ‖x − saddle‖ along the ways down; NaN: none */
    double drop;            /* Δ from the saddle */
    double merit;           /* γ/tr(AΣ), over today's */
    double equal_eta;       /* η with today's floor; NaN: none */
    uns_forecast now;       /* at today's step size */
    uns_forecast equal;     /* at equal_eta */
    double growth; /* of the noise's variance where the way ended in the local model: the share
                      that was not there at the saddle; NaN: no model was asked */
    int64_t now_limit, equal_limit; /* steps looked ahead for each */
} uns_measured_metric;

typedef struct uns_measurement {
    size_t dimension, batch;
    double value, gradient; /* f and ‖∇f‖, of the whole objective */
    double target;          /* f that counts as escaped */
    uns_drop_from target_from;
    uns_noise_report noise; /* of g as drawn */
    size_t pairs;
    uns_measured variance[UNS_MEASURE_PAIRS]; /* Σ's largest eigenvalues */
    uns_noise_along way; /* along v: vᵀΣv, its share, the slope; NaN without a way down */
    size_t lowest, highest;
    double low[UNS_MEASURE_ENDS], high[UNS_MEASURE_ENDS]; /* eigenvalues of H */
    double low_residual[UNS_MEASURE_ENDS], high_residual[UNS_MEASURE_ENDS];
    uns_curvature curvature;
    uns_density *density; /* of H's spectrum; NULL: not asked for */
    uns_certificate certificate;
    double *witness;             /* [d] unit, direction of least curvature */
    size_t count, listed;        /* looked at; to be looked at: more after an interrupt */
    uns_measured_metric *metric; /* [count]; the one in use first */
} uns_measurement;

/* Measures. A candidate that cannot be made, or does not fit, is listed with its reason.
 * UNS_ERROR_ARGUMENT or _RANGE: a config out of its ranges; UNS_ERROR_MEMORY; or the problem's
 * status. Cost: 2·draws gradients for each preconditioner, `products` products for each
 * spectrum, and what the certificate and the forecasts take. */
UNS_NODISCARD UNS_API uns_status uns_measure(uns_context *context, const uns_measure_site *site,
                                             const uns_measure_config *config,
                                             uns_measurement **out);
UNS_API void uns_measurement_destroy(uns_context *context, uns_measurement *measurement);

/* The path: the assumptions behind the theorems, along a run of the plan's own optimizer. */
typedef struct uns_path_plan {
    size_t size; /* sizeof(uns_path_plan) */
    const uns_problem *problem;
    const uns_spec *spec;
    size_t batch;
    uint64_t seed;    /* of the run: the batches are the run's own, bit by bit */
    uint32_t replica; /* which one */
    int64_t steps;
    size_t looks; /* places where G is measured, 2 at least */
    size_t draws; /* of gradients, at each */
} uns_path_plan;

typedef struct uns_path {
    int64_t steps;            /* taken; fewer where a gradient was not finite */
    double largest_gradient;  /* ‖g‖ over all steps */
    double largest_deviation; /* ‖g − ∇f‖ over the draws of all looks */
    double largest_step; /* ‖Ag‖ over the draws of all looks; NaN: A cannot be looked at */
    double mean_step;    /* largest E‖Ag‖² of a look */
    double least, norm;  /* smallest λ_min(A), largest ‖A‖ of the looks */
    uns_measured lipschitz; /* largest ‖diag G(x) − diag G(y)‖/‖x − y‖ of successive looks */
    size_t looks;
    double length;   /* Σ‖x − y‖ over successive looks */
    double estimate; /* largest relative error of Ĝ's diagonal; NaN: none is kept */
    double value_from, value_to; /* f at the start and where it ended */
} uns_path;

/* Walks the run again, one replica of it. x: d doubles in block order, or NULL; receives where
 * the path ended, for a finished run its very end point. Fails as uns_measure does. */
UNS_NODISCARD UNS_API uns_status uns_path_measure(uns_context *context,
                                                  const uns_path_plan *plan, double *x,
                                                  uns_path *out);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * The spec: everything that makes one optimizer what it is, as a plain struct of slots.
 *
 *     signal × moment × structure × root × momentum × scale × schedule
 *
 * One step, at step t = 1, 2, ... with gradient g at x, in this order:
 *
 *     0 guard           unscale, finite check, clip, g += λx (decay = l2)
 *     1 momentum first  u = γm + δg,  m ← αm + βg             (otherwise u = g)
 *     2 signal s        gradient: g | deviation: g − m | direction: u
 *     3 moment          C ← aC + b·ssᵀ + eI, or an elementwise fold C ← fold(C, s)
 *     4 root            R = (cC + εI)^-p | ((cC)^p + ε)^-1 | c^-p (C^p + ε)^-1
 *                       at ε = 0, 0 → 0; p = 0 is R = I; damped, C + damping·λ_max(C)·I for C
 *     5 precondition    d = R·u   (d = u while the moment's ρ is 0)
 *     6 scale           d ← scale(ρd [+ λx], x, g)
 *     7 momentum last   the same 2×2, on d
 *     8 move            x ← (1 − ηλ)x − ηd
 *
 * A named method (preset) is a row of values for these fields and nothing else.
 */
#ifndef UNSADDLE_SPEC_H
#define UNSADDLE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unsaddle/param.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the 2×2 row of momentum is made; m starts at 0.
 *   none      u = g
 *   heavy     m ← μm + (1−τ)g, u = m; the first step takes m = g when τ ≠ 0 (torch's dampening)
 *   nesterov  m ← μm + g, u = g + μm
 *   ema       m ← μm + (1−μ)g, u = m / (1−μ^t) with correction, else m
 *   nadam     m ← μm + (1−μ)g, u = μ_{t+1}m/(1 − Π_{i≤t+1} μ_i) + (1−μ_t)g/(1 − Π_{i≤t} μ_i)
 *             with μ_t = μ(1 − ½·0.96^{tψ}) (Dozat 2016 as Keras and torch >= 2 run it)
 *   lion      u = μm + (1−μ)g, m ← μ₂m + (1−μ₂)g
 *   dozat     nadam with m ← μ_t m + (1−μ_t)g, as published */
typedef enum uns_momentum {
    UNS_MOMENTUM_NONE,
    UNS_MOMENTUM_HEAVY,
    UNS_MOMENTUM_NESTEROV,
    UNS_MOMENTUM_EMA,
    UNS_MOMENTUM_NADAM,
    UNS_MOMENTUM_LION,
    UNS_MOMENTUM_DOZAT
} uns_momentum;

/* Momentum acts on the gradient (first) or on the preconditioned direction (last). */
typedef enum uns_place {
    UNS_PLACE_FIRST,
    UNS_PLACE_LAST
} uns_place;

typedef enum uns_signal {
    UNS_SIGNAL_GRADIENT,
    UNS_SIGNAL_DEVIATION,
    UNS_SIGNAL_DIRECTION
} uns_signal;

/* Where ε stands in the root; see slot 4. `uncorrected` is RAdam's third form; refused where C
 * is corrected before the root (centred, ceiling = corrected). */
typedef enum uns_epsilon_form {
    UNS_EPSILON_INSIDE,
    UNS_EPSILON_OUTSIDE,
    UNS_EPSILON_UNCORRECTED
} uns_epsilon_form;

/* AMSGrad: the root sees the running maximum of C (raw, torch's) or of cC (corrected). */
typedef enum uns_ceiling {
    UNS_CEILING_NONE,
    UNS_CEILING_RAW,
    UNS_CEILING_CORRECTED
} uns_ceiling;

/* What the `exact` moment returns at x: G(x) = E[ggᵀ], Σ(x) = Cov(g), or Σ frozen where the run
 * began. */
typedef enum uns_about {
    UNS_ABOUT_SECOND_MOMENT,
    UNS_ABOUT_COVARIANCE,
    UNS_ABOUT_FROZEN
} uns_about;

/* A block and replica at a time, but for adadelta:
 *   none       d, or d + λx with decay = scaled; the others go on from there
 *   trust      d ← d·κ‖x‖/(‖d‖ + ε_trust); 1 for the ratio where ‖x‖ or ‖d‖ is 0 (LAMB)
 *   trust_sum  the same with ‖d‖ + λ‖x‖ for ‖d + λx‖ (LARS as published); decay = scaled only
 *   adadelta   d ← √(D + ε)·d, then D ← βD + (1−β)d²
 *   graft      d ← d·‖δ‖/‖d‖ with δ = u/(√(cD) + ε_graft), D the diagonal of the same moment:
 *              the step length of the diagonal method; whole structures only
 *   rms_clip   d ← d/max(1, RMS(d)/threshold), times max(RMS(x), ε₂) where ε₂ > 0 (Adafactor)
 *   shape      d ← √max(1, rows/cols)·d where rows, cols > 1 (Muon)
 *   shape_rms  d ← 0.2·√max(rows, cols)·d there (Muon in the RMS of Adam's steps) */
typedef enum uns_scale {
    UNS_SCALE_NONE,
    UNS_SCALE_TRUST,
    UNS_SCALE_ADADELTA,
    UNS_SCALE_TRUST_SUM,
    UNS_SCALE_GRAFT,
    UNS_SCALE_RMS_CLIP,
    UNS_SCALE_SHAPE,
    UNS_SCALE_SHAPE_RMS
} uns_scale;

/*   l2         g += λx before everything else
 *   decoupled  x ← (1 − ηλ)x at the move
 *   scaled     d += λx before the scale (LAMB, LARS) */
typedef enum uns_decay {
    UNS_DECAY_L2,
    UNS_DECAY_DECOUPLED,
    UNS_DECAY_SCALED
} uns_decay;

/* A gradient that is not finite, or whose norm exceeds clip_norm so far that the factor between
 * them is subnormal in the parameters' precision: stop (that replica stays where it is, and is
 * reported), skip (the whole step is left out for that replica, atomically), or ignore (no
 * check: saves one pass over the gradient; the iterate may become NaN). */
typedef enum uns_nonfinite {
    UNS_NONFINITE_STOP,
    UNS_NONFINITE_SKIP,
    UNS_NONFINITE_IGNORE
} uns_nonfinite;

/* η_t = η·s(t)·(t/warmup while t < warmup); t counts moves from 1; T = schedule_steps. Where
 * larger_step_every divides t, η_t is larger_step itself, whatever the schedule says.
 *   constant      1
 *   cosine        φ + (1−φ)·½(1 + cos π·min((t−1)/T, 1))     φ = schedule_floor
 *   step          f^⌊(t−1)/every⌋                            f = schedule_factor
 *   exponential   f^(t−1)
 *   inverse_sqrt  1/√max(1, t/every)                         every = 0: 1/√t
 *   inverse_time  1/(1 + f·(t−1))                            (torch's lr_decay)
 *   polynomial    φ + (1−φ)(1 − min((t−1)/T, 1))^power */
typedef enum uns_schedule {
    UNS_SCHEDULE_CONSTANT,
    UNS_SCHEDULE_COSINE,
    UNS_SCHEDULE_STEP,
    UNS_SCHEDULE_EXPONENTIAL,
    UNS_SCHEDULE_INVERSE_SQRT,
    UNS_SCHEDULE_INVERSE_TIME,
    UNS_SCHEDULE_POLYNOMIAL
} uns_schedule;

/* β fixed, or the paper's rule β = 1 − C·η^{2/3} with the group's base η, not the scheduled
 * one; C·η^{2/3} >= 1 is refused. */
typedef enum uns_beta_rule {
    UNS_BETA_FIXED,
    UNS_BETA_ETA_TWO_THIRDS
} uns_beta_rule;

enum {
    UNS_BURN_IN_AUTO = -1,
    UNS_REFRESH_ADAPTIVE = -1
};

/* What state is kept in, for parameters in f32 or bf16 and one replica:
 *   auto  as wide as the step works: f64 for an f64 layout, else f32
 *   f32   the same, and refused for an f64 layout
 *   bf16  half of that; each number is off by less than 2^-7 of itself, at every step
 *   q8    8-bit codes and a scale for every 256: off by less than 1/8 of itself, if it is above
 *         2^-14 (m), 2^-30 (C and what is like it) of the largest of its 256
 * Roundings are dithered: right on average over the steps. docs/theory.md has the bounds. */
typedef enum uns_state {
    UNS_STATE_AUTO,
    UNS_STATE_F32,
    UNS_STATE_BF16,
    UNS_STATE_Q8
} uns_state;

/* How parameters in bf16 move:
 *   master  as f32 would: the 16 bits below the bf16 are kept with the state
 *   random  rounded up or down by chance, right on average; nothing more is kept */
typedef enum uns_rounding {
    UNS_ROUNDING_MASTER,
    UNS_ROUNDING_RANDOM
} uns_rounding;

/* What the structure `block` does with a layer of more than structure.cap parameters, and the
 * Kronecker ones with a side of more: cut it evenly into ⌈n/cap⌉ pieces, or keep the diagonal
 * of that layer only; or leave that side without a factor (Kronecker). */
typedef enum uns_over {
    UNS_OVER_CUT,
    UNS_OVER_DIAGONAL,
    UNS_OVER_LEAVE
} uns_over;

/* What the structure `lowrank` puts into the directions it cannot hold, when it makes room by
 * shrinking all its eigenvalues by σ (d parameters, the k largest of the λ_i are held):
 *   mean    σ = Σ_{i>k} λ_i/(d − k); σI is added: the trace and the eigenvalues held stay
 *   robust  σ = λ_{k+1}; ½σI is added (robust frequent directions)
 *   none    σ = λ_{k+1}; nothing is added (frequent directions) */
typedef enum uns_complement {
    UNS_COMPLEMENT_MEAN,
    UNS_COMPLEMENT_ROBUST,
    UNS_COMPLEMENT_NONE
} uns_complement;

/* Which factors the Kronecker structures give a matrix: rows, columns, or the smaller. */
typedef enum uns_side {
    UNS_SIDE_BOTH,
    UNS_SIDE_LEFT,
    UNS_SIDE_RIGHT,
    UNS_SIDE_SMALLER
} uns_side;

/* How kron-eigen renews its basis: by eigen-decomposition, or by a power step and QR. */
typedef enum uns_basis_by {
    UNS_BASIS_EIGEN,
    UNS_BASIS_QR
} uns_basis_by;

/* How R·u is had: by the root itself, or, for the polar factor alone, by five steps of Muon's
 * quintic. */
typedef enum uns_root_by {
    UNS_ROOT_EXACT,
    UNS_ROOT_QUINTIC
} uns_root_by;

/* Ranges, defaults and units of every field: uns_spec_table(), printed by `unsaddle list`. */
typedef struct uns_spec {
    double eta; /* base step size */

    /* 0 guard */
    double clip_norm;  /* ‖g‖ of the group is cut to this; infinity: off */
    double clip_value; /* each |g_i| is cut to this; infinity: off */
    int nonfinite;     /* uns_nonfinite */
    double decay;      /* λ */
    int decay_form;    /* uns_decay */

    /* 1, 7 momentum */
    int momentum;       /* uns_momentum */
    int momentum_at;    /* uns_place */
    double mu;          /* μ, Adam's β₁ */
    double mu_memory;   /* Lion's β₂ */
    double dampening;   /* τ */
    bool mu_correction; /* bias-corrected ema momentum */
    double nadam_psi;   /* ψ */

    /* 2, 3 signal and moment */
    int signal; /* uns_signal */
    char moment[UNS_NAME_SIZE];
    double beta;       /* memory of the moment, Adam's β₂ */
    int beta_rule;     /* uns_beta_rule */
    double beta_c;     /* C of the rule */
    double beta_power; /* of the moment `power`: β_t = 1 − t^-power */
    bool bias_correction;
    double initial;       /* C₀ = initial·I */
    double increment;     /* e, AdaBelief's ε inside the average */
    bool rectify;         /* RAdam's ρ */
    double rectify_above; /* precondition where RAdam's ρ_t exceeds this: 5 in torch, else 4 */
    bool centred;         /* the root sees cC − (cḡ)(cḡ)ᵀ */
    int about;            /* uns_about, for the moment `exact` */
    int ceiling;          /* uns_ceiling */

    /* 4, 5 structure and root */
    char structure[UNS_NAME_SIZE];
    int64_t structure_block;  /* parameters in a piece; 0: a layer is a piece */
    int64_t structure_cap;    /* of a layer that is one piece */
    int structure_over;       /* uns_over */
    int64_t structure_rank;   /* columns that lowrank keeps of a moment without a window */
    int structure_complement; /* uns_complement */
    int64_t structure_window; /* signals that the moment `window` keeps */
    int64_t refresh;          /* a root every so many observations; or UNS_REFRESH_ADAPTIVE */
    double refresh_tolerance; /* adaptive: drift of R allowed, in errors of estimate of C */
    int64_t refresh_lag;      /* a root taken at t is in force from t + lag on; 0: at once */
    int structure_side;       /* uns_side */
    int64_t structure_every;  /* a signal enters the factors every so many observations */
    int basis;                /* uns_basis_by */
    int root;                 /* uns_root_by */
    double exponent;          /* p */
    double epsilon;           /* ε */
    int epsilon_form;         /* uns_epsilon_form */
    double damping;           /* added to C's eigenvalues, in units of the largest of them */

    /* 6 scale */
    int scale;    /* uns_scale */
    double trust; /* κ */
    double trust_epsilon;
    double graft_epsilon;
    double rms_threshold;
    double rms_relative; /* ε₂; 0: not in units of RMS(x) */

    /* 8 move */
    int schedule; /* uns_schedule */
    int64_t warmup;
    int64_t schedule_steps;
    int64_t schedule_every;
    double schedule_factor;
    double schedule_power;
    double schedule_floor;
    double larger_step;        /* r: the step size taken every larger_step_every moves */
    int64_t larger_step_every; /* t_thresh; 0: off */
    int64_t burn_in;           /* gradients observed before the first move */

    /* in memory */
    int state;    /* uns_state */
    int rounding; /* uns_rounding, of bf16 parameters */
} uns_spec;

/* The parameter table behind uns_spec. Static storage. */
UNS_API const uns_param_table *uns_spec_table(void);

/* A named method: values for the spec as "key=value ..." over the defaults. */
typedef struct uns_preset {
    size_t size; /* sizeof(uns_preset) */
    const char *name;
    const char *values;  /* read by uns_param_assign */
    const char *summary; /* one line */
    const char *source;  /* whom to cite */
} uns_preset;

/* Fills *spec with the defaults and then the preset's values. UNS_ERROR_NAME: no such preset
 * (the message names the nearest). */
UNS_NODISCARD UNS_API uns_status uns_spec_preset(uns_context *context, const char *preset,
                                                 uns_spec *spec);

/* Checks the whole spec: names known, combination legal, rules within range; the message gives
 * the reason and the mend. UNS_ERROR_NAME, UNS_ERROR_RANGE, UNS_ERROR_PAIR. */
UNS_NODISCARD UNS_API uns_status uns_spec_check(uns_context *context, const uns_spec *spec);

/* β in force: beta, or 1 − C·η^{2/3}. */
UNS_API double uns_spec_beta(const uns_spec *spec);

/* Burn-in length in force: the number, or for auto ⌈5/(1−β)⌉ for a moment with memory β, W for
 * a window of W signals, 0 for a moment without memory (exact, sum, identity structure...). The
 * quotient is cut by 1e-12 of itself first, so that β = 0.9 gives 50 although 1 − 0.9 < 0.1 in
 * binary. 0 for unknown names. */
UNS_API int64_t uns_spec_burn_in(uns_context *context, const uns_spec *spec);

/* η_t of move t = 1, 2, ...: schedule, warm-up and the larger step. */
UNS_API double uns_spec_eta(const uns_spec *spec, uint64_t t);

/* The momentum row [γ δ; α β] of step t = 1, 2, ... `product` is the running Π μ_i that nadam
 * needs: 1 before the first step, updated by the call; others ignore it (NULL allowed). */
UNS_API void uns_spec_momentum_row(const uns_spec *spec, uint64_t t, double *product,
                                   double row[4]);

#ifdef __cplusplus
}
#endif
#endif

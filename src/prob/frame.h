/* SPDX-License-Identifier: MIT
 * A frame: the orthonormal coordinates y = Qᵀx in which a problem's Hessian is diagonal, and
 * Gaussian gradient noise b = Sn of a chosen spectrum and rotation. What `saddle` and
 * `quadratic` have in common. Rows of replicas are innermost throughout.
 *
 * Rotations are Haar: Gaussian rows made orthonormal by Gram–Schmidt (done twice), in frozen
 * random numbers and striped sums, so that they are the same bits everywhere. No BLAS.
 */
#ifndef UNS_PROB_FRAME_H
#define UNS_PROB_FRAME_H

#include <unsaddle/problem.h>

struct uns_kernels;

typedef enum uns_rotation {
    UNS_ROTATION_NONE,   /* the axes */
    UNS_ROTATION_RANDOM, /* Haar, by the problem's seed */
    UNS_ROTATION_ALIGNED /* noise only: the Hessian's own eigenvectors */
} uns_rotation;

extern const uns_named uns_rotation_names[];       /* none, random */
extern const uns_named uns_noise_rotation_names[]; /* none, random, aligned */

typedef struct uns_frame_config {
    int64_t d;         /* 0: as many as the lists have, or the problem's own default */
    uns_reals hessian; /* empty: generated */
    uns_reals noise;   /* variances; empty: log-even from noise_low to noise_high */
    double noise_low, noise_high;
    int rotation, noise_rotation; /* uns_rotation */
    int64_t seed;
} uns_frame_config;

/* The parameter rows of a config struct `type` that has a uns_frame_config member `frame`;
 * `low` is the default of noise_low. */
/* clang-format off */
#define UNS_FRAME_ROWS(type, low)                                                              \
    {"d", "dimension", UNS_PARAM_COUNT, offsetof(type, frame.d), 1, 1e7, 0, uns_frame_words,   \
     "auto", "", "parameters; auto: as many as the lists of eigenvalues have"},                \
    {"hessian", NULL, UNS_PARAM_REALS, offsetof(type, frame.hessian), -1e100, 1e100, 0, NULL,  \
     "", "", "eigenvalues of the Hessian; empty: generated"},                                  \
    {"rotation", NULL, UNS_PARAM_CHOICE, offsetof(type, frame.rotation), 0, 0, 0,              \
     uns_rotation_names, "random", "", "eigenvectors of the Hessian: axes or random"},         \
    {"noise", NULL, UNS_PARAM_REALS, offsetof(type, frame.noise), 0, 1e100, 0, NULL, "", "",   \
     "eigenvalues of the noise covariance of one sample; empty: log-even"},                    \
    {"noise_low", NULL, UNS_PARAM_REAL, offsetof(type, frame.noise_low), 0, 1e100,             \
     UNS_OPEN_LOW, NULL, low, "", "first eigenvalue of log-even noise"},                       \
    {"noise_high", NULL, UNS_PARAM_REAL, offsetof(type, frame.noise_high), 0, 1e100,           \
     UNS_OPEN_LOW, NULL, "1", "", "last eigenvalue of log-even noise"},                        \
    {"noise_rotation", NULL, UNS_PARAM_CHOICE, offsetof(type, frame.noise_rotation), 0, 0, 0,  \
     uns_noise_rotation_names, "random", "",                                                   \
     "eigenvectors of the noise: axes, random, or aligned with the Hessian's"},                \
    {"seed", NULL, UNS_PARAM_COUNT, offsetof(type, frame.seed), 0, 9007199254740992.0, 0,      \
     NULL, "1", "", "seed of the rotations"}
/* clang-format on */

extern const uns_named uns_frame_words[];

typedef struct uns_frame {
    uns_context *context;
    const struct uns_kernels *kernels;
    uint64_t seed;
    size_t d, draws;    /* draws: normal deviates behind one b */
    double *curvature;  /* [d] eigenvalues of H */
    double *vectors;    /* d×d, row i the eigenvector i: Qᵀ; NULL: the axes */
    double *basis;      /* Q */
    double *factor;     /* d×draws: b in the frame is factor·n; NULL: deviation∘n */
    double *deviation;  /* [d] */
    double *variance;   /* [d] diagonal of Σ, in x */
    double *covariance; /* d×d Σ in x; NULL: diagonal */
} uns_frame;

/* Settles d, takes the listed curvature or leaves it for the caller to fill (all zero), and
 * checks the config. `auto_d` is the default dimension. A failed open needs uns_frame_close. */
uns_status uns_frame_open(uns_context *context, const uns_frame_config *config, size_t auto_d,
                          uns_frame *frame);

/* Draws the rotations and builds the noise. starve >= 0: Σ ← (I−uuᵀ)Σ(I−uuᵀ) + starve·uuᵀ for u
 * the eigenvector `starved` of H. */
uns_status uns_frame_draw(uns_frame *frame, const uns_frame_config *config, size_t starved,
                          double starve);
void uns_frame_close(uns_frame *frame);

/* from + (to − from)·i/(n−1), and its logarithmic twin (from, to > 0); `from` for n = 1. */
double uns_spectrum_even(double from, double to, size_t i, size_t n);
double uns_spectrum_log(double from, double to, size_t i, size_t n);

/* `count` <= d orthonormal rows of d, uniformly distributed (Haar). */
void uns_rotation_rows(const struct uns_kernels *kernels, uns_key key, size_t count, size_t d,
                       double *rows);

/* y = Qᵀx and x = Qy for R replicas; x and y do not overlap. */
void uns_frame_enter(const uns_frame *frame, size_t replicas, const double *x, double *y);
void uns_frame_leave(const uns_frame *frame, size_t replicas, const double *y, double *x);

/* b of `draws` rows of deviates, in the frame; overwrites z. */
void uns_frame_noise(const uns_frame *frame, size_t replicas, const double *deviates,
                     double *z);

/* out = share·Σ + ggᵀ in x, diagonal or dense, for each replica; g NULL: without that term. */
void uns_frame_moment(const uns_frame *frame, size_t replicas, double share, const double *g,
                      uns_shape shape, double *out);

/* out += Q·diag(values)·Qᵀ: dense (d×d), and its diagonal with a stride. */
void uns_frame_add_dense(const uns_frame *frame, const double *values, double *out);
void uns_frame_add_diagonal(const uns_frame *frame, size_t stride, const double *values,
                            double *out);

/* Σ, dense (d×d). */
void uns_frame_covariance(const uns_frame *frame, double *out);

#endif

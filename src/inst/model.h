/* SPDX-License-Identifier: MIT
 * The local model from within: mean, noise pool and profile (model.h says what they are).
 */
#ifndef UNS_INST_MODEL_H
#define UNS_INST_MODEL_H

#include "kern/kern.h"

#include <unsaddle/model.h>

enum {
    UNS_MODEL_STAGES = 40,
    /* deviations resampled from at a time: near ones where coordinates are felt one by one, as
     * many as there are where directions are */
    UNS_MODEL_NEAR = 64,
    UNS_MODEL_POOL = UNS_MODEL_GRADIENTS
};

struct uns_model {
    uns_context *context;
    const uns_kernels *kernels;
    uns_sampler sampler;
    uns_block *blocks;
    size_t d, count, modes, products, wholes, drawn, allowed;
    uint64_t seed;
    double *memory;
    double *x, *mean; /* [d] x₀, ∇f(x₀) */
    double *saddle;   /* [d] */
    double *vectors;  /* [modes][d]; then the same transposed, [d][modes] */
    double *transposed;
    double curvature[UNS_MODEL_PRODUCTS]; /* of modes, ascending */
    double rest;                          /* curvature of everything else */
};

/* out = ∇f(x₀) + H(at − x₀) for R replicas, innermost; offset is work of d·R, coordinate of
 * modes·R, and hold at − x₀ and its coordinates afterwards. */
void uns_model_mean(const uns_model *model, size_t replicas, const double *at, double *offset,
                    double *coordinate, double *out);

/* Deviations of draws, each with the ρ where it was drawn. */
typedef struct uns_pool {
    size_t d, count;
    double *rows;   /* [UNS_MODEL_GRADIENTS][d] */
    double *ready;  /* [UNS_MODEL_POOL][d] scaled to variance 1, centred, what is resampled */
    size_t usable;  /* rows of ready */
    double *spread; /* [d] standard deviation of ready, a coordinate */
    double rho[UNS_MODEL_GRADIENTS]; /* of each row */
    double at;                       /* ρ that ready was made for */
    double level, growth;            /* p, q: E‖n‖² = p + qρ² */
    double share;                    /* ω, the part of independent noise */
    double scatter;                  /* relative variance of a coordinate's variance */
    bool even;                       /* no skew is seen: either sign of a row is as likely */
    double blur;                     /* h, what of a second row is mixed in; 0: nothing */
    size_t ways;                     /* modes of the model that lead down */
    double way[UNS_MODEL_PRODUCTS];  /* deviation of the rows along each, over what independent
                                        coordinates have there */
} uns_pool;

/* p + qρ² */
double uns_pool_variance(const uns_pool *pool, double rho);

/* Fits p and q to all rows. */
void uns_pool_fit(uns_pool *pool);

/* Makes ready what the rows nearest to ρ say. */
void uns_pool_prepare(uns_pool *pool, double rho, bool whole_structure);

/* Then, for independent noise: what the rows have along the model's ways down. */
void uns_pool_look(uns_pool *pool, const uns_model *model);

/* a(ρ) between the stages where it was measured, and its mean ∫a(r)r dr·2/ρ² for f. */
typedef struct uns_profile {
    size_t count;
    double rho[UNS_MODEL_STAGES], a[UNS_MODEL_STAGES];
} uns_profile;

void uns_profile_add(uns_profile *profile, double rho, double a);
double uns_profile_slope(const uns_profile *profile, double rho);
double uns_profile_height(const uns_profile *profile, double rho);

/* Replicas of the optimizer on their way, and what one knows of the noise and the mean. */
typedef struct uns_walkers {
    const uns_model *model;
    const uns_spec *spec;
    uns_pool *pool;
    uns_profile *profile;
    size_t d, replicas, escaped;
    uint32_t number; /* of the pass: its random numbers */
    uns_layout *layout;
    uns_optimizer *optimizer;
    void **x_blocks, **g_blocks;
    double *memory;
    double *x, *g, *mean, *offset, *coordinate; /* replicas innermost; mean: the quadratic's */
    double *rho, *size, *height, *random;
    unsigned char *gone;
    size_t latest;       /* the last of them that left */
    double fallen;       /* how far the model's f was below f(x₀) there */
    double drop, bottom; /* Δ; f at the saddle of the model, less f(x₀) */
    double least;        /* ρ below which nothing is told apart */
    bool whole_structure;
} uns_walkers;

/* Whether the named structure is a whole one (structure.h). */
uns_status uns_structure_is_whole(uns_context *context, const char *name, bool *whole);

/* At x₀. The caller sets model ... number, drop, least and whole_structure first; a failed open
 * needs uns_walkers_close. */
uns_status uns_walkers_open(uns_walkers *w);
void uns_walkers_close(uns_walkers *w);

/* mean, ρ and height of the replicas where they are. */
void uns_walkers_look(uns_walkers *w);

/* The spec's burn-in; step t = 1, 2, ...: gradient, step, look, and who is out now. */
uns_status uns_walkers_observe(uns_walkers *w);
uns_status uns_walkers_step(uns_walkers *w, uint64_t t);

/* Typical ρ of those not out (a geometric mean). */
double uns_walkers_rho(const uns_walkers *w);

#endif

/* SPDX-License-Identifier: MIT
 * The measurement from within: the scene (a problem at a point, and what everything else needs
 * of it), an optimizer settled there with its metric, and the steps of the work, a file each.
 */
#ifndef UNS_INST_MEASURE_H
#define UNS_INST_MEASURE_H

#include "inst/hessian.h"

#include <unsaddle/measure.h>
#include <unsaddle/model.h>

typedef struct uns_scene {
    uns_context *context;
    const uns_measure_site *site;
    const uns_measure_config *config;
    uns_layout *layout;
    size_t d;
    void *memory;
    double *x, *gradient, *way; /* [d]; ∇f; v, where λ_min(H) < 0 */
    double *spare[4];           /* [d] each, aligned */
    void **blocks[3];           /* one pointer a block */
    void *scratch;              /* the problem's, for the whole and the batch */
    uns_hessian hessian;
    uns_problem_sampler *source;
    uns_sampler sampler;
    bool leads_down; /* λ_min(H) < 0 beyond rounding */
    uns_model *model;
    double today_trace, today_gamma, today_floor; /* of the first metric; NaN before */
} uns_scene;

UNS_NODISCARD uns_status uns_scene_open(uns_context *context, const uns_measure_site *site,
                                        const uns_measure_config *config, uns_scene *scene);
void uns_scene_close(uns_scene *scene);

/* f of the whole objective at a flat point. */
UNS_NODISCARD uns_status uns_scene_value(uns_scene *scene, const double *x, double *value);

/* An optimizer that has observed gradients at one point, and the metric it has come to. */
typedef struct uns_settled {
    uns_context *context;
    uns_optimizer *optimizer;
    bool own;
    uns_metric *metric;
    size_t blocks;
    uns_layout *layout;
    void **pointers[2]; /* [blocks], for in and out */
} uns_settled;

/* What an optimizer is to settle on. */
typedef struct uns_settling {
    uns_context *context;
    const uns_problem *problem;
    uns_layout *layout; /* of one replica */
    const uns_spec *spec;
    size_t batch;
    void *scratch;              /* the problem's, for the whole objective (an oracle's) */
    const uns_sampler *sampler; /* gradients first, first + 1, ... */
    const double *x;
    uint64_t first;
    size_t count;
    double *g; /* [d] work */
} uns_settling;

UNS_NODISCARD uns_status uns_settle(const uns_settling *settling, uns_settled *out);
/* The same for an optimizer at work: nothing is observed. */
UNS_NODISCARD uns_status uns_settle_on(uns_context *context, uns_layout *layout,
                                       uns_optimizer *optimizer, uns_settled *out);
void uns_settled_close(uns_settled *settled);

/* The problem's oracle for the moment `exact`; `self` must live as long as the optimizer. */
typedef struct uns_oracle_of {
    const uns_problem *problem;
    size_t batch;
    void *scratch;
} uns_oracle_of;
uns_oracle uns_oracle_make(uns_oracle_of *self);

/* Products with the metric as an operator over flat vectors. */
typedef struct uns_settled_view {
    uns_settled *settled;
    uns_product product;
} uns_settled_view;
uns_operator uns_operator_settled(uns_settled_view *view, size_t dimension);

/* out = product · (1, ..., 1): the diagonal, of an elementwise structure. ones: [d] work. */
UNS_NODISCARD uns_status uns_settled_diagonal(uns_settled *settled, uns_product product,
                                              double *ones, double *out);
/* λ_min(A) and ‖A‖. work: 2 vectors of d. */
UNS_NODISCARD uns_status uns_settled_range(uns_settled *settled, const uns_spec *spec,
                                           uint64_t seed, double *const work[2], double *least,
                                           double *norm);

/* Whether the spec's structure is elementwise, so that a product with C on ones is C. */
bool uns_spec_elementwise(uns_context *context, const uns_spec *spec);
/* Whether its C tends to G or Σ, so that it can be held against them. */
bool uns_spec_estimates(const uns_spec *spec);

/* measure_candidate.c: fills in spec, name and bytes of the one in use and of each candidate;
 * a reason where there is one against it. At most UNS_MEASURE_CANDIDATES. An optimizer in use
 * that cannot be made fails with its own status. */
UNS_NODISCARD uns_status uns_candidates_list(uns_scene *scene, uns_measured_metric *metrics,
                                             size_t *count);
/* UNS_ERROR_NAME: one of the list is no structure; the message has the nearest. */
UNS_NODISCARD uns_status uns_candidates_check(uns_context *context, const char *list);
/* How many factors an exponent of the spec is of: A is C^{-p·factors}, in scale. */
double uns_structure_factors(const char *structure);
/* The spec that gives A from `draws` gradients in equal weights. */
uns_spec uns_candidate_settling(uns_context *context, const uns_spec *spec, size_t draws);

/* measure_look.c: everything of one metric; measurement->noise too, with the first. */
UNS_NODISCARD uns_status uns_metric_look(uns_scene *scene, uns_measurement *measurement,
                                         uns_measured_metric *metric);

/* measure_forecast.c: fills in gamma ... equal of a metric whose A^{1/2} is `root`. */
typedef struct uns_outlook_ground {
    const uns_operator *root;
    size_t modes;            /* of A^{1/2}HA^{1/2}, ascending */
    const double *curvature; /* [modes] */
    const double *direction; /* [modes][d]: A^{1/2}w_i */
    const double *noise;     /* [modes] s_i² */
    bool whole;              /* all d modes are there */
} uns_outlook_ground;
UNS_NODISCARD uns_status uns_metric_forecast(uns_scene *scene,
                                             const uns_measurement *measurement,
                                             const uns_outlook_ground *ground,
                                             uns_measured_metric *metric);
/* The local model alone, where there is no metric to look at. */
UNS_NODISCARD uns_status uns_metric_model(uns_scene *scene, const uns_measurement *measurement,
                                          uns_measured_metric *metric);

#endif

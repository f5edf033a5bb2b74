/* SPDX-License-Identifier: MIT
 * The plan: a YAML file read, checked and unrolled into cells. A cell is one run of one
 * optimizer on one problem; a list where the file expects a scalar is a grid of cells.
 *
 *     problem: {name: saddle2d, noise: gaussian}      # or the name alone; or a list of both
 *     steps: 100000                                   # or epochs; the rest has defaults
 *     optimizers:
 *       - sgd: {eta: [1e-3, 1e-2], label: plain}      # preset: {key: value}; or its name alone
 *       - rmsprop: {beta: {rule: eta^2/3, C: 1}}      # the keys beta.rule and beta.C
 *
 * Keys are those of the tables: uns_settings_table() at the top, the problem's own, and
 * uns_spec_table() with `label`. beta.C alone means the rule, beta alone a fixed beta. A row of
 * UNS_PARAM_REALS takes a list as its value and a list of lists as a grid; `threads` takes no
 * grid. Cells are the product of all lists in the file's order, the last varying fastest; at
 * most 10,000. Of YAML: one document, no tags, every value in one line; 1 MiB.
 */
#ifndef UNSADDLE_PLAN_H
#define UNSADDLE_PLAN_H

#include <stdbool.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Instruments read while a run goes on: noise and curvature at chosen steps, for the cell's
 * first replicas. They draw from streams of their own and never change a trajectory. */
typedef struct uns_instruments {
    int64_t every;    /* steps between two readings; 0: none; -1: as often as costs 1 % */
    int64_t replicas; /* read: the first so many */
    bool noise, curvature, forecast; /* which; a forecast takes the other two */
    int64_t draws;                   /* gradients of a reading */
    int64_t products;                /* Hessian products of an eigenpair */
    int64_t samples; /* that stand for a large sum; 0: the whole up to 1,024, else 1,024 */
} uns_instruments;

/* What a run does about a stall. */
typedef enum uns_stall_act {
    UNS_STALL_NONE,    /* records it */
    UNS_STALL_WITNESS, /* steps along the witness of negative curvature, decrease verified */
    UNS_STALL_LARGER   /* takes one larger step with a fresh gradient */
} uns_stall_act;

/* The watch for stalls: a cheap test every so many steps, a certificate where it says so. */
typedef struct uns_stall {
    int64_t every;       /* steps between two tests; 0: none */
    int act;             /* uns_stall_act */
    int64_t window;      /* fresh gradients of a test, in two halves */
    double ratio;        /* small: ‖∇f‖² <= ratio·tr Σ of a batch ... */
    double tau_g;        /* ... or ‖∇f‖ <= tau_g */
    double plateau;      /* f fell by less than this share of its size or range */
    double tau_h, delta; /* of the certificate */
    double clearance;    /* step along the witness, at least, in noise floors */
    double larger;       /* step size of the larger step; 0: from curvature and clearance */
    int64_t most;        /* episodes recorded of a replica, and acted on */
    int64_t samples;     /* as for instruments */
} uns_stall;

/* The top-level keys of the file; table: uns_settings_table(). */
typedef struct uns_settings {
    int64_t steps;         /* moves of each replica; 0: take epochs */
    double epochs;         /* passes over a finite sum; 0: take steps */
    int64_t replicas;      /* independent copies */
    int64_t first_replica; /* number of the first: its random stream */
    int64_t seed;
    int64_t threads; /* 0: one a core */
    int64_t batch;   /* samples in a gradient */
    int64_t records; /* rows of the metrics, evenly spaced; the last step is one of them */
    int64_t settle;  /* steps after the escape before a replica counts for the floor */
    uns_instruments instruments; /* keys "instruments.every" and so on */
    uns_stall stall;             /* keys "stall.every" and so on */
} uns_settings;

UNS_API const uns_param_table *uns_settings_table(void);

typedef struct uns_cell {
    uns_settings settings; /* with steps worked out; epochs is 0 then */
    char problem[UNS_NAME_SIZE];
    const void *problem_config; /* of the problem's table; owned by the plan */
    char preset[UNS_NAME_SIZE];
    uns_spec spec;
    /* "rmsprop eta=1e-3 seed=2": the preset, or the file's label, and what differs among the
     * cells of that name; then what the problem's and the settings' lists vary. */
    char label[96];
    /* Where the problem and the optimizer stand, for messages: "file:line:column" or "override
     * '...'"; owned by the plan. NULL: the cell is of no plan. */
    const char *problem_place, *optimizer_place;
} uns_cell;

typedef struct uns_plan uns_plan;

/* Where a plan comes from: a file, or text (then `path` names it in messages). */
typedef struct uns_plan_source {
    size_t size; /* sizeof(uns_plan_source) */
    const char *path;
    const char *text; /* NULL: read the file at path */
    /* In order: "steps=1000", "problem.noise=finite", "optimizers.rmsprop.eta=[1e-3, 1e-2]" (of
     * every rmsprop), "optimizers[0].eta=1", "problem=quadratic", "optimizers=[sgd, adam]". The
     * value is YAML. steps takes away the file's epochs, beta its rule, and the reverse. */
    size_t override_count;
    const char *const *overrides;
} uns_plan_source;

/* Reads, checks and unrolls. Every error is one message "file:line:column: what is wrong, and
 * the nearest right name" (overrides: "override 'text': ..."); nothing is created then.
 * Problems are created, and destroyed again, only to count samples where epochs are given.
 * UNS_ERROR_IO, UNS_ERROR_FORMAT, UNS_ERROR_NAME, UNS_ERROR_RANGE, UNS_ERROR_PAIR. */
UNS_NODISCARD UNS_API uns_status uns_plan_create(uns_context *context,
                                                 const uns_plan_source *source, uns_plan **out);
UNS_API void uns_plan_destroy(uns_plan *plan);
UNS_API size_t uns_plan_count(const uns_plan *plan);
UNS_API const uns_cell *uns_plan_cell(const uns_plan *plan, size_t index);

/* The whole resolved plan as YAML that reads back to the same cells: every key written out, the
 * grid's lists as lists; epochs as steps, unless cells differ in them. Owned by the plan. */
UNS_API const char *uns_plan_resolved(const uns_plan *plan);

#ifdef __cplusplus
}
#endif
#endif

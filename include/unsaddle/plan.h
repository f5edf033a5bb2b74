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

#include <unsaddle/optimizer.h>
#include <unsaddle/problem.h>

#ifdef __cplusplus
extern "C" {
#endif

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

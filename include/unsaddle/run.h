/* SPDX-License-Identifier: MIT
 * The runner: carries out the cells of a plan and gathers what happened. It never prints;
 * progress goes to a callback, results into a record.
 */
#ifndef UNSADDLE_RUN_H
#define UNSADDLE_RUN_H

#include <unsaddle/certificate.h>
#include <unsaddle/plan.h>
#include <unsaddle/structure.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A mean with its 95 % interval; NaN where there is nothing to average. */
typedef struct uns_estimate {
    double mean, low, high;
} uns_estimate;

/* One row of a cell's metrics: means over the replicas still running. */
typedef struct uns_metric_row {
    int64_t step;
    double value;    /* f, exact; NaN where the problem is too large for that each record */
    double gradient; /* ‖∇f‖ of the batch that led to this step */
    double escaped;  /* share of replicas escaped so far; NaN without an escape criterion */
} uns_metric_row;

/* One reading of the instruments, of one replica. NaN: not read, or not defined there. */
typedef struct uns_reading {
    int64_t replica, step; /* replica: its number; step: moves taken before */
    double value;          /* f, of the whole objective or the fixed samples */
    double gradient; /* ‖∇f‖² of the whole; from samples its unbiased estimate, which may be
                        below 0 */
    double noise;    /* tr Σ of a batch's gradient */
    double curvature;     /* smallest Ritz value of the Hessian */
    double residual;      /* an eigenvalue lies within this of it */
    double along;         /* variance of a batch's gradient along its vector */
    double drop;          /* fall of f along that vector as far as the quadratic model holds */
    double leave[3];      /* steps from here to such a fall: 5, 50 and 95 %, forecast */
    int64_t doubts;       /* UNS_DOUBT_* bits of the forecast (forecast.h) */
    uns_rung rung;        /* of the products behind curvature; UNS_RUNG_BEST: none were made */
    double product_error; /* ‖E‖ of each of them */
} uns_reading;

/* One stall looked into. NaN: not defined. */
typedef struct uns_episode {
    int64_t replica, step;
    double value, gradient, noise; /* as in a reading; gradient and noise of the cheap test */
    double norm;                   /* ‖x‖ */
    uns_verdict verdict;           /* of the certificate, at tau_g infinite */
    double low, high;              /* limits of λ_min, by the certificate */
    double curvature;              /* along the witness; of a saddle */
    double drop, leave[3];         /* as in a reading */
    int64_t doubts;
    bool acted;      /* a step was taken; else none was asked for, or none could be verified */
    double length;   /* of that step, as long as it is in x; NaN: none */
    double decrease; /* of f by that step alone */
    int64_t left;    /* steps from here until f had fallen by `drop`; -1: not seen */
    uns_assurance assurance; /* of the verdict */
    uns_rung rung;           /* of the certificate's products */
    double product_error;    /* ‖E‖ of each of them */
} uns_episode;

/* What came of one cell. NaN: not defined for this problem, or not reached. */
typedef struct uns_result {
    const uns_cell *cell;
    uns_stop stop;                       /* diverged when any replica did */
    int64_t replicas, escaped, diverged; /* a diverged replica never counts as escaped */
    uns_estimate escape_mean;            /* over the escaped */
    double escape_median;                /* Kaplan–Meier over all; NaN when not reached */
    double escape_median_low, escape_median_high;
    double escape_quantile[4];          /* 5, 25, 75, 95 %, Kaplan–Meier */
    double escape_deviation;            /* standard deviation over the escaped */
    uns_estimate floor;                 /* mean of f − f*, interval clustered by replica */
    double escape_theory, floor_theory; /* median and floor of the idealized method, fixed A;
                                           NaN where no closed form holds */
    double final_value;                 /* mean exact f at the end, of those not diverged */
    double final_accuracy;              /* held-out, of replica 0 */
    int64_t steps;                      /* moves taken */
    double wall_s, steps_per_second;    /* replica-steps a second; the only figures that vary */
    size_t rows;
    const uns_metric_row *metrics;
    size_t dimension;            /* numbers in point; 0: none */
    const double *point;         /* where the first replica ended, blocks in order; NULL when it
                                    diverged         or the problem has more than 2^20 parameters */
    const int64_t *escape_steps; /* [replicas]; −1: not escaped */
    /* Of its optimizers: memory, roots and their time over all replicas, pieces of one of them;
     * zeros for an elementwise structure. Of the figures only `seconds` varies. */
    uns_structure_report structure;
    size_t readings; /* replica by replica, in order of steps */
    const uns_reading *reading;
    size_t episodes; /* likewise */
    const uns_episode *episode;
} uns_result;

/* What a cell's optimizer will keep, known before any of it is allocated: for the replicas that
 * run side by side, at most 256. */
typedef struct uns_footprint {
    const uns_cell *cell;
    size_t replicas;
    size_t bytes; /* of the whole optimizer's state */
    size_t slice; /* at least, of all that those replicas take while they run: the state, x, g,
                     the problem's and the instruments' work space */
    size_t figures; /* of the cell's results, all replicas, from start to end */
    uns_structure_report structure;
} uns_footprint;

/* The footprint is the callee's for the time of the call only. */
typedef void uns_footprint_visit(void *user, const uns_footprint *footprint);

/* Progress of the whole plan, at most about ten times a second, from the calling thread. */
typedef struct uns_progress {
    double done;   /* share of all replica-steps, 0 to 1 */
    double wall_s; /* since the start */
    double rate;   /* replica-steps a second */
    size_t cells_done, cells;
    const char *label; /* of a cell being worked on */
    double value;      /* its latest mean f; NaN before the first */
} uns_progress;

typedef struct uns_run_config {
    size_t size;                                                /* sizeof(uns_run_config) */
    void (*progress)(void *user, const uns_progress *progress); /* NULL: none */
    void *user;
    const volatile int *interrupt; /* non-zero: finish the record and return; NULL: never */
    uns_footprint_visit
        *footprint; /* once a cell, in order, before the first one runs; NULL: none */
    void *footprint_user;
} uns_run_config;

typedef struct uns_record uns_record;

/* Whether every cell could start: creates each distinct problem once, measures each cell's
 * optimizer on it, and whether the machine has memory for what runs at the same time
 * (UNS_ERROR_RANGE); nothing runs and nothing is kept. `visit`, unless NULL, is shown what each
 * cell would keep. The message of the first failure has the
 * place of what cannot be made: "file:line:column: ...". uns_run refuses the same plans with
 * the same messages, before its first step. */
UNS_NODISCARD UNS_API uns_status uns_run_check(uns_context *context, const uns_plan *plan,
                                               uns_footprint_visit *visit, void *user);

/* Runs every cell. Replicas, grids and seeds are spread over the context's threads in slices of
 * at most 256 replicas; results are the same bits for any thread count. An interrupt is no
 * error: cells not finished carry UNS_STOP_INTERRUPTED and what they had. The plan is borrowed
 * and must outlive the record. */
UNS_NODISCARD UNS_API uns_status uns_run(uns_context *context, const uns_plan *plan,
                                         const uns_run_config *config, uns_record **out);
UNS_API void uns_record_destroy(uns_record *record);
UNS_API size_t uns_record_count(const uns_record *record);
UNS_API const uns_result *uns_record_result(const uns_record *record, size_t index);

/* Writes the run directory: config.yaml (resolved), meta.json (version, machine, seeds, date),
 * metrics.csv, escapes.csv, points.csv and summary.json. The folder is made if it is missing;
 * one that holds anything but a run's files is refused. Each file appears whole (temporary
 * name, fsync, then rename), and none does when one cannot be written. UNS_ERROR_IO with the
 * file's name. */
UNS_NODISCARD UNS_API uns_status uns_record_write(uns_context *context,
                                                  const uns_record *record, const char *folder);

/* Whether uns_record_write would accept the folder; nothing is created. For asking before a
 * long run instead of after it. UNS_ERROR_IO. */
UNS_NODISCARD UNS_API uns_status uns_record_check(uns_context *context, const char *folder);

/* Reads a run directory back; all figures have the bits that were written. The cells belong to
 * the record. UNS_ERROR_IO: a file is missing or cannot be read; UNS_ERROR_FORMAT: it is not
 * what uns_record_write writes, or the files are not of one run; or what uns_plan_create says
 * of config.yaml. The message names the file and the place. */
UNS_NODISCARD UNS_API uns_status uns_record_read(uns_context *context, const char *folder,
                                                 uns_record **out);

/* summary.json as a string that ends its last line, to be freed with free(). */
UNS_NODISCARD UNS_API uns_status uns_record_summary(uns_context *context,
                                                    const uns_record *record, char **json);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * What is under way while a plan runs: one work a cell, filled by its slices, which run on any
 * thread; and the clock, counters and flags that all slices share.
 *
 * A slice is at most 256 replicas of one cell side by side. How a cell is cut depends on its
 * replica count alone, and everything kept is kept a replica, so that neither threads nor the
 * cut show in a trajectory.
 */
#ifndef UNS_WORK_H
#define UNS_WORK_H

#include <stdatomic.h>
#include <unsaddle/run.h>

/* One row of the metrics, summed over a slice. */
typedef struct uns_row_sum {
    double value, gradient; /* over the running; value NaN where f was not evaluated */
    int64_t reached, running, escaped; /* replicas: in slices that got here, of them not
                                          diverged, of them escaped */
} uns_row_sum;

typedef struct uns_work {
    const uns_cell *cell;
    const uns_problem *problem; /* shared between cells, read-only */
    uns_truth truth;
    uns_footprint footprint; /* of the first slice */
    size_t width, slices;    /* replicas of a slice but the last; slices */
    size_t rows;             /* rows of the metrics */
    size_t values;           /* of them with exact f: all, or as many as a large sum can bear */
    int64_t
        watch_from; /* first step from which exact f is evaluated at each; INT64_MAX: none */
    int64_t floor_from; /* first step of the floor's window; INT64_MAX: no minimum known */
    /* Of each replica. */
    int64_t *escape, *seen; /* escape step or −1; moves taken */
    double *floor_sum, *floor_count, *last_value;
    unsigned char *diverged;
    uns_row_sum *sums;               /* [slices][rows] */
    uns_structure_report *structure; /* [slices], at their ends */
    int64_t reading_every;           /* steps between readings; 0: none */
    size_t readings;                 /* of each replica read */
    uns_reading *reading;            /* [replicas read][readings]; step 0: not taken */
    uns_episode *episode;            /* [replicas][stall.most] */
    unsigned short *episodes;        /* of each replica */
    double accuracy;
    size_t dimension;
    double *point;      /* [dimension], of the first replica at the end; NULL: not kept */
    bool reached;       /* it is filled in */
    uns_status status;  /* of the first slice that failed */
    atomic_size_t left; /* slices not finished */
    atomic_bool interrupted;
    _Atomic(double) begin_s, end_s; /* wall time of the first slice's start, the latest end */
} uns_work;

/* Shared by all slices of a run. */
typedef struct uns_shift {
    const uns_run_config *config;
    const char *caller;     /* uns_thread_mark() of the calling thread */
    double start_s, told_s; /* told_s: of the last progress call; calling thread only */
    double budget;          /* replica-steps of the whole plan */
    size_t cells;
    const char *label; /* calling thread only */
    double value;
    atomic_size_t cells_done;
    _Atomic(uint64_t) taken;  /* replica-steps carried out */
    _Atomic(uint64_t) spared; /* and those that an early end left out */
    atomic_bool failed;       /* some slice failed: the others end as soon as they look */
} uns_shift;

/* Seconds on the monotonic clock. */
double uns_clock_s(void);

/* An address that is this thread's alone. */
const char *uns_thread_mark(void);

/* Counts replica-steps in, calls progress when it is due and this is the calling thread, and
 * tells whether the slice should end (interrupt, or failure elsewhere). */
bool uns_shift_poll(uns_shift *shift, uint64_t replica_steps, const char *label, double value);

/* A cell's work in figures: cuts, rows, what is to be watched. It has no memory yet. */
void uns_work_outline(const uns_cell *cell, const uns_problem *problem, uns_work *work);
/* Gives an outlined work its arrays. */
uns_status uns_work_furnish(uns_context *context, uns_work *work);
/* What that will take. */
size_t uns_work_bytes(const uns_work *work);
void uns_work_release(uns_context *context, uns_work *work);

/* First replica of a slice, counted from the cell's first; replicas in it. */
size_t uns_work_first(const uns_work *work, size_t slice);
size_t uns_work_replicas(const uns_work *work, size_t slice);

/* The step of a row: rows are evenly spaced, the last is the last step. Whether f is exact
 * there. */
int64_t uns_work_row_step(const uns_work *work, size_t row);
bool uns_work_row_valued(const uns_work *work, size_t row);

/* Puts `place`, where there is one, before what failed, and words for a failure without any. */
uns_status uns_run_blame(uns_context *context, uns_status status, const char *place);

/* prepare.c: the problems of a run, each made once, shared by cells of one name and config. */
typedef struct uns_cast {
    uns_context *context;
    size_t count;
    struct uns_cast_member *members; /* [one a cell] */
} uns_cast;
uns_status uns_cast_open(uns_context *context, size_t cells, uns_cast *cast);
void uns_cast_close(uns_cast *cast);
/* Outlines the cell's work on its problem, and finds out whether its optimizer can be made
 * there. A failure names the place of what cannot. */
uns_status uns_cast_prepare(uns_cast *cast, const uns_cell *cell, uns_work *work);

/* slice.c: whether the optimizer of an outlined work can be made, and its footprint; takes none
 * of its memory. */
uns_status uns_slice_measure(uns_context *context, uns_work *work);

/* run.c: the main job, one slice of one cell from start to end. */
uns_status uns_run_slice(uns_context *context, uns_work *work, size_t slice, uns_shift *shift);

/* spread.c: all slices of all works over the context's threads. */
uns_status uns_spread(uns_context *context, uns_work *works, size_t count,
                      const uns_run_config *config);

/* reading.c: steps between two readings, "auto" worked out; 0: none. */
int64_t uns_reading_every(const uns_work *work);
/* stall.c: the sample set that f is watched on; 0: the whole, or no watch. */
size_t uns_stall_samples(const uns_work *work);

/* gather.c: a finished work as a result; takes the arrays it needs out of the work. */
uns_status uns_gather(uns_context *context, uns_work *work, uns_result *result);

/* theory.c: fills escape_theory and floor_theory; NaN where no closed form holds. */
void uns_theory_fill(uns_context *context, const uns_cell *cell, const uns_problem *problem,
                     uns_result *result);

#endif

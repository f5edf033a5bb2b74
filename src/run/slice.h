/* SPDX-License-Identifier: MIT
 * One slice at work: at most 256 replicas of one cell, their point, gradient and optimizer, and
 * what the instruments keep of each. One thread at a time.
 */
#ifndef UNS_SLICE_H
#define UNS_SLICE_H

#include "run/work.h"

typedef struct uns_slice {
    uns_context *context;
    uns_work *work;
    size_t index, first, replicas; /* first: counted from the cell's first replica */
    const uns_problem_ops *ops;
    const void *self; /* of the problem */
    uns_layout *layout;
    uns_optimizer *optimizer;
    void *memory, *scratch; /* all arrays; the problem's part of them */
    void **x_blocks, **g_blocks;
    uns_tensors x, g;
    /* Of each replica. */
    double *value;    /* exact f after step valued */
    double *low;      /* f below this is news: escape_value; −DBL_MAX once escaped */
    double *settled;  /* step from which it counts for the floor; infinite before */
    double *square;   /* ‖g‖² at a row */
    int64_t valued;   /* step at which value was evaluated; −1: never */
    size_t row;       /* next row of the metrics */
    int64_t row_step; /* its step; INT64_MAX: no more */
    size_t running, escaped;
    int64_t moves, polled;     /* moves taken; as of the last poll */
    int64_t quiet, poll_every; /* gradients since the last poll; between two */
    bool interrupted;
    struct uns_reader *reader;     /* NULL: nothing of this slice is read */
    struct uns_stall_watch *stall; /* NULL: no watch */
} uns_slice;

/* Allocates everything, draws the starting points. On failure nothing is left behind. */
uns_status uns_slice_open(uns_context *context, uns_work *work, size_t index, uns_slice *slice);
void uns_slice_close(uns_slice *slice);

/* Batch number `number` of a stream for this slice's replicas. */
uns_batch uns_slice_batch(const uns_slice *slice, int64_t number, uns_stream stream);
/* g ← mean gradient over the batch at x. */
uns_status uns_slice_gradient(uns_slice *slice, const uns_batch *batch);
/* watch.c: exact f where it is due at step t; escapes, floor, divergence from it. */
uns_status uns_slice_watch(uns_slice *slice, int64_t t);
/* watch.c: the metrics row due at step t, if one is. */
void uns_slice_record(uns_slice *slice, int64_t t);
/* reading.c: the periodic instruments of the slice; their readings due after t moves. */
typedef struct uns_reader uns_reader;
uns_status uns_reader_open(uns_slice *slice);
/* Of what open will take, of an outlined slice with its layout; without what noise takes. */
size_t uns_reader_bytes(uns_slice *slice);
void uns_reader_close(uns_slice *slice);
uns_status uns_slice_read(uns_slice *slice, int64_t t);
/* stall.c: the watch for stalls; its test due after t moves, and what follows from it. Uses g;
 * moves a replica only where the plan says so. */
uns_status uns_stall_open(uns_slice *slice);
size_t uns_stall_bytes(uns_slice *slice);
void uns_stall_close(uns_slice *slice);
uns_status uns_slice_stall(uns_slice *slice, int64_t t);
/* watch.c: final values of the replicas, after the last step taken. */
uns_status uns_slice_finish(uns_slice *slice);
/* Polls the shift when it is time. True: the slice ends here (interrupt, or none running). */
bool uns_slice_over(uns_slice *slice, uns_shift *shift);

#endif

/* SPDX-License-Identifier: MIT
 * What the files of the structure `lowrank` share: the state, the work space, passes over the
 * columns. The mathematics is in lowrank.c.
 *
 * "Slots" are the columns that are stored: with a centred spec ḡ in slot 0, then the signals.
 * Numbers of several replicas: replicas are innermost in columns and their sums, and outermost
 * in what belongs to the small eigenproblem.
 */
#ifndef UNS_LOWRANK_PARTS_H
#define UNS_LOWRANK_PARTS_H

#include "base/pool.h"
#include "kern/kern.h"

#include <unsaddle/structure.h>

enum {
    UNS_LOWRANK_STRIP = 512, /* elements of a column in a strip */
    UNS_LOWRANK_LIMIT = 8192 /* order of the small eigenproblem: half a GB, minutes */
};

typedef struct lowrank_shape {
    size_t d, replicas;
    size_t columns; /* signals that are stored */
    size_t slots;   /* columns, and one for ḡ */
    size_t order;   /* of the small eigenproblem: slots, or d where exact */
    size_t gram;    /* doubles a replica kept for it */
    bool windowed;
    bool exact; /* d is at most the rank: the d×d matrix itself */
    bool centred;
} lowrank_shape;

/* One replica: C = Σ_q weight_q·column_q columnᵀ_q + complement·I. */
typedef struct lowrank_mark {
    uint64_t held, next; /* signals stored; where the next one goes */
    double complement;
} lowrank_mark;

/* R of one replica: base·I + Σ_i gain_i·F_i F_iᵀ, F_i = Σ_q basis[i][q]·column_q unit vectors
 * (of the coordinates themselves where exact). */
typedef struct lowrank_root {
    size_t order, rows;
    double base;
} lowrank_root;

/* A part of one block: [begin, begin + n) of it, at `offset` of the group's vector. The
 * columns' parts in a strip lie one after the other: so a pass goes straight through memory,
 * which is worth a third of its time. */
typedef struct lowrank_strip {
    size_t block, begin, offset, n;
} lowrank_strip;

/* At site->scratch. The first four point into the state. */
typedef struct lowrank_work {
    uint64_t *roots;        /* taken so far */
    lowrank_mark *marks;    /* [R] */
    double *weights, *gram; /* [R][columns]; [R][shape.gram] */
    unsigned char *columns; /* [strips][slots][n] of the layout's type */
    lowrank_shape shape;
    size_t strip_count;
    lowrank_strip *strips;
    double *partials;    /* [strips][2][slots]; only for R = 1 */
    double *wide;        /* [d·R]; only for R > 1 */
    double *sums[2];     /* [slots][R]: of s or ḡ, of u */
    double *weighting;   /* [slots][R] */
    unsigned char *full; /* [R] */
    lowrank_root *root;  /* [R] */
    double *basis;       /* [R][order²] */
    double *values;      /* [R][order]: eigenvalues without the complement */
    double *gains;       /* [R][order] */
    size_t lanes, lane_bytes;
    unsigned char *lane; /* [lanes][lane_bytes] */
} lowrank_work;

/* Work space of one thread. */
typedef struct lowrank_lane {
    double *square, *other; /* [order²]; other: centred only */
    double *values;         /* [order] */
    double *vector[2];      /* [max(order, d if exact)] */
    double *rows[2];        /* [columns][UNS_LOWRANK_PANEL]; [UNS_LOWRANK_PANEL] */
    void *eigen;
} lowrank_lane;

enum {
    UNS_LOWRANK_PANEL = 128 /* elements of the columns that are recombined at a time */
};

lowrank_lane uns_lowrank_lane(const lowrank_work *work, size_t index);

/* A slot's part in a strip. */
static inline void *uns_lowrank_at(const uns_structure_site *site, const lowrank_work *work,
                                   size_t slot, const lowrank_strip *strip) {
    size_t element = strip->offset * work->shape.slots + slot * strip->n;
    return work->columns + element * uns_dtype_size(site->dtype);
}

static inline double uns_lowrank_get(uns_dtype dtype, const void *from, size_t i) {
    return dtype == UNS_F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static inline void uns_lowrank_put(uns_dtype dtype, void *to, size_t i, double value) {
    if (dtype == UNS_F32)
        ((float *)to)[i] = (float)value;
    else
        ((double *)to)[i] = value;
}

/* First slot of signals; slots in use by replica r. */
static inline size_t uns_lowrank_first(const lowrank_work *work) {
    return work->shape.centred ? 1 : 0;
}
static inline size_t uns_lowrank_used(const lowrank_work *work, size_t r) {
    return uns_lowrank_first(work) + work->marks[r].held;
}
/* The most of all replicas. */
size_t uns_lowrank_most(const lowrank_work *work);

/* task(user, k) for k < count over the pool, where `elements` of work are worth waking it. */
void uns_lowrank_run(const uns_structure_site *site, size_t elements, size_t count,
                     uns_task *task, void *user);

/* lowrank_columns.c: passes over the first `count` slots.
 *   project       sums[v][slot·R + r] = columnᵀx_v for v < vectors <= 2; NULL blocks are 0, for
 * both vectors the same project_mean  the same for ḡ alone, into sums[0] combine       d =
 * base_r·u + Σ_slot weighting[slot·R + r]·column */
void uns_lowrank_project(const uns_structure_site *site, size_t count, size_t vectors,
                         const uns_const_tensors *x, double *const *sums);
void uns_lowrank_project_mean(const uns_structure_site *site);
void uns_lowrank_combine(const uns_structure_site *site, size_t count, uns_const_tensors u,
                         uns_tensors d);

/* One replica's numbers, one after the other; NULL blocks are 0, and are not written. */
void uns_lowrank_gather(const uns_structure_site *site, uns_const_tensors from, size_t r,
                        double *to);
void uns_lowrank_scatter(const uns_structure_site *site, const double *from, size_t r,
                         uns_tensors to);

/* lowrank_sketch.c: makes room in replicas whose columns are all held (`full` says which). */
uns_status uns_lowrank_shrink(const uns_structure_site *site);

/* Element by element: replica r's numbers in a slot. */
void uns_lowrank_column(const uns_structure_site *site, size_t slot, size_t r, double *to);

/* lowrank_root.c: the root without its complement's part, K = diag(√w)·GᵀG·diag(√w) over
 * replica r's signals, lower triangle, order mark.held. */
void uns_lowrank_gram(const lowrank_work *work, size_t r, double *out);
/* What is nearer to 0 than this is rounding. */
double uns_lowrank_floor(size_t n, double largest);
/* Eigenvalues ascending, unit eigenvectors in rows; false: not finite. Those below `least` or
 * the floor become 0. */
bool uns_lowrank_eigen(size_t n, double *square, double *values, double least, void *room);
/* Fills root, basis and values of replica r but for the gains; false: C is not finite. With a
 * centred spec, sums[0] must hold the products with ḡ. */
bool uns_lowrank_decompose(const uns_structure_site *site, const uns_root *root, size_t r,
                           const lowrank_lane *lane);
/* The root to take of values + complement, corrected already where centred; that complement. */
uns_root uns_lowrank_root_of(const lowrank_work *work, const uns_root *root);
double uns_lowrank_complement(const lowrank_work *work, const uns_root *root, size_t r);
/* w = Σ_i gain_i·b_i·(b_iᵀy) over the rows b_i of the basis. */
void uns_lowrank_small(const uns_structure_site *site, const lowrank_root *root,
                       const double *basis, const double *gains, const double *y, double *w);

/* lowrank_step.c, lowrank_metric.c: members of the table of operations. */
uns_status uns_lowrank_retire(const uns_structure_site *site, void *state);
uns_status uns_lowrank_observe(const uns_structure_site *site, void *state,
                               const uns_coeffs *coeffs, uns_const_tensors s);
uns_status uns_lowrank_refresh(const uns_structure_site *site, void *state,
                               const uns_root *root, uns_const_tensors mean, uint64_t t);
uns_status uns_lowrank_precondition(const uns_structure_site *site, void *state,
                                    uns_const_tensors u, uns_tensors d);
size_t uns_lowrank_metric_bytes(const uns_structure_site *site);
uns_status uns_lowrank_metric_open(const uns_structure_site *site, const void *state,
                                   const uns_root *root, uns_const_tensors mean, size_t first,
                                   size_t count, void *metric);
uns_status uns_lowrank_product(const uns_structure_site *site, const void *metric,
                               uns_product product, uns_const_tensors in, uns_tensors out);

#endif

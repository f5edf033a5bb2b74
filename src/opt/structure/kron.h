/* SPDX-License-Identifier: MIT
 * What the files of the Kronecker family share: how blocks are cut into tiles, the state of a
 * tile, and work spread over threads.
 *
 * A tile of h×w signals S keeps a left factor L ← aL + b·SSᵀ + eI (h×h), a right factor
 * ← a· + b·SᵀS + eI (w×w), or one of them, each with its root (structure kron) or its
 * eigenbasis (kron-eigen). All in f64, whatever the layout's type. Tiles share nothing.
 *
 * The rule. structure.side says which factors a matrix has: both, left, right, or that of its
 * smaller side. With both and smaller, a block of one row or one column keeps its diagonal.
 * Where a side that has a factor is larger than structure.cap, structure.over says: cut, the
 * block is cut evenly into ⌈n/cap⌉ along it; leave, it has no factor, and the diagonal when
 * none is left; diagonal, the block keeps its diagonal.
 */
#ifndef UNS_KRON_H
#define UNS_KRON_H

#include "kern/kern.h"

#include <stdatomic.h>
#include <unsaddle/structure.h>

enum {
    UNS_KRON_LEFT,
    UNS_KRON_RIGHT,
    UNS_KRON_SIDES,
    UNS_KRON_PROBES = 2 /* vectors by which drift is estimated */
};

/* Of one tile and replica. Observations that do not enter the factors are carried in a, b, e
 * until one does: then factor ← a·factor + b·ssᵀ + e·I. */
typedef struct kron_mark {
    uint64_t observed, sampled; /* by the tile; when one last entered the factors */
    uint64_t taken;             /* observation of the last root or basis; 0: none yet */
    uint64_t samples;           /* that entered the factors */
    double a, b, e;
    double weight, square; /* Σw and Σw² over them */
    /* Where refresh is adaptive: tr M and ‖M‖² of each factor (kron_drift.c), what the last
     * look found, and that a factor was singular at ε = 0, so that R does not see what is new.
     */
    double trace[UNS_KRON_SIDES], size[UNS_KRON_SIDES];
    bool drifted, blind[UNS_KRON_SIDES];
    bool broken[UNS_KRON_SIDES]; /* a factor is not finite; told on after the run */
} kron_mark;

typedef struct kron_tile {
    size_t block, row, col, rows, cols;
    bool diagonal; /* no factors: `moment` alone, over all replicas at once */
    bool has[UNS_KRON_SIDES];
    double share;     /* exponent of a factor's root, or the diagonal's, in spec's */
    kron_mark *marks; /* [R] */
    double *factor[UNS_KRON_SIDES]; /* [R][n][n] */
    double *root[UNS_KRON_SIDES];   /* [R][n][n]: the root, or eigenvectors in rows */
    double *probes[UNS_KRON_SIDES]; /* kron: [R][PROBES][2][n] */
    double *moment; /* diagonal: [rows·cols·R]; kron-eigen: [R][rows·cols]; else NULL */
} kron_tile;

/* Of the whole group, first in the state. */
typedef struct kron_head {
    uns_root root;  /* of the last refresh; correction apart */
    uint64_t roots; /* taken so far */
    double error;   /* largest error estimate among them */
    bool opened;    /* something has been observed */
} kron_head;

/* Work space of one thread, for the largest tile and side. */
typedef struct kron_lane {
    double *rect[3], *square[2];
    double *row;         /* [R] */
    void *decomposition; /* for roots, eigenvectors, orthogonal bases */
    size_t taken;
    double error;
    uns_status status;
} kron_lane;

/* What one structure of the family keeps. */
typedef struct kron_kind {
    bool direct; /* nothing: the direction is made of u alone (kron_polar.c) */
    bool eigen;  /* a private diagonal moment in the eigenbasis; else a root of each factor */
} kron_kind;

/* At site->scratch; of no consequence for results. */
typedef struct kron_work {
    kron_kind kind;
    kron_head *head;
    size_t count;
    kron_tile *tiles;
    size_t lanes;
    kron_lane *lane;
    size_t *jobs;           /* (tile·R + replica)·2 + side */
    uns_root root;          /* of the step under way */
    uns_const_tensors mean; /* likewise; data NULL: not centred */
} kron_work;

/* kron_cut.c */
uns_status uns_kron_check(const uns_structure_site *site);
size_t uns_kron_bytes(const uns_structure_site *site);
size_t uns_kron_scratch(const uns_structure_site *site);
uns_status uns_kron_prepare(const uns_structure_site *site, void *state);
void uns_kron_report(const uns_structure_site *site, const void *state,
                     uns_structure_report *report);

static inline size_t uns_kron_side(const kron_tile *tile, int side) {
    return side == UNS_KRON_LEFT ? tile->rows : tile->cols;
}

static inline double *uns_kron_at(double *const *matrices, const kron_tile *tile, int side,
                                  size_t replica) {
    size_t n = uns_kron_side(tile, side);
    return matrices[side] + replica * n * n;
}

/* kron_run.c: the tile of one replica as an f64 matrix: in place with row length *ld where the
 * layout allows, else copied into `room`. */
const double *uns_kron_gather(const uns_structure_site *site, const kron_tile *tile,
                              size_t replica, const void *block, double *room, size_t *ld);
/* Where to write the tile's result, and carrying it over where that is `room`. */
double *uns_kron_target(const uns_structure_site *site, const kron_tile *tile, void *block,
                        double *room, size_t *ld);
void uns_kron_scatter(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                      const double *from, void *block);

/* Runs task for jobs 0 ... count − 1 of work->jobs over the pool; the lanes' findings go to the
 * head. The status is the first failure's. */
typedef void uns_kron_task(const uns_structure_site *site, const void *user,
                           const kron_tile *tile, size_t replica, int side, kron_lane *lane);
uns_status uns_kron_run(const uns_structure_site *site, size_t count, uns_kron_task *task,
                        const void *user);
/* The same for tasks that take roots or bases: the time goes to site->root_seconds. */
uns_status uns_kron_run_roots(const uns_structure_site *site, size_t count, uns_kron_task *task,
                              const void *user);
/* Lists every tile and replica whose block is present; diagonal tiles once, as replica 0. */
size_t uns_kron_list(const uns_structure_site *site, const void *const *blocks);

/* Whether a root or basis is due at `observed`, the last one from `taken`: every k, and in the
 * beginning whenever the observations have doubled. */
static inline bool uns_kron_due(uint64_t observed, uint64_t taken, int64_t k) {
    uint64_t wait = taken < (uint64_t)k ? taken : (uint64_t)k;
    return observed > 0 && observed - taken >= (wait > 0 ? wait : 1);
}

/* Counts an observation in the mark; true when this one enters the factors. */
bool uns_kron_count(const uns_structure_site *site, kron_mark *mark, const uns_coeffs *k);
/* factor ← a·factor + b·ssᵀ + e·I of one side, with the mark's a, b, e. */
void uns_kron_accumulate(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                         int side, const void *block, kron_lane *lane);

/* kron_diagonal.c: diagonal tiles, all replicas; `row` is a lane's. */
void uns_kron_diagonal_observe(const uns_structure_site *site, const kron_tile *tile,
                               const uns_coeffs *k, const void *s);
void uns_kron_diagonal_apply(const uns_structure_site *site, const kron_tile *tile,
                             const uns_root *root, const void *mean, const void *u, void *d,
                             double *row);
/* The same for C = uuᵀ of this step alone. */
void uns_kron_diagonal_direct(const uns_structure_site *site, const kron_tile *tile,
                              const uns_root *root, const void *u, void *d, double *row);

/* kron_polar.c: d = (uuᵀ)^-½ u, the orthogonal polar factor, or its approximation by five steps
 * of a quintic. */
void uns_kron_polar(const uns_structure_site *site, const uns_root *root, const kron_tile *tile,
                    size_t replica, const void *u, void *d, kron_lane *lane);

/* kron.c: the root of one side's factor, centred where work->mean says so, and whether a zero
 * of it at ε = 0 stayed zero. UNS_ERROR_RANGE: it is not finite. */
uns_status uns_kron_take_root(const uns_structure_site *site, const uns_root *root,
                              const kron_tile *tile, size_t replica, int side, double *out,
                              kron_lane *lane, bool *blind);
/* kF, centred where work->mean says so: in place, or in lane->square[0]; own_k: what is left of
 * k for the root. */
const double *uns_kron_moment(const uns_structure_site *site, const kron_tile *tile,
                              size_t replica, int side, double k, double *own_k,
                              kron_lane *lane);

/* kron_drift.c: measures a new root of k·moment by probes; and marks the tiles and replicas
 * whose roots have drifted. */
void uns_kron_probe(const uns_structure_site *site, const kron_tile *tile, size_t replica,
                    int side, double k, const double *moment, kron_lane *lane);
uns_status uns_kron_look(const uns_structure_site *site, const uns_root *root);

/* kron_eigen.c: eigenvectors of a factor in rows, of descending eigenvalue. `room` has
 * lane->decomposition's size. */
uns_status uns_kron_decompose(size_t n, const double *factor, double *basis, void *room);

/* kron_metric.c: members of uns_structure_ops as they are. */
size_t uns_kron_metric_bytes(const uns_structure_site *site);
uns_status uns_kron_metric_open(const uns_structure_site *site, const void *state,
                                const uns_root *root, uns_const_tensors mean, size_t first,
                                size_t count, void *metric);
uns_status uns_kron_product(const uns_structure_site *site, const void *metric,
                            uns_product product, uns_const_tensors in, uns_tensors out);

#endif

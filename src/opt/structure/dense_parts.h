/* SPDX-License-Identifier: MIT
 * What the files of the dense pieces share: the state, the work space, and sums over replicas.
 *
 * State, all f64 with replicas innermost, whatever the layout's type:
 *   head; signal[d]; ḡ[d] if centred; then of each piece
 *     dense     C and R packed, n(n + 1)/2 each; marks; and, not tiny, H[2][n] behind C, probes
 *               W[2][n] and Y[2][n], and where roots may lag, once more C and H, of a root that
 *               is not in force yet, and its mark
 *     diagonal  c[n] and r[n]
 * so that a dense piece takes 8·n(n + 1) bytes and 48(n + 2) beside, a replica.
 */
#ifndef UNS_DENSE_PARTS_H
#define UNS_DENSE_PARTS_H

#include "base/arena.h"
#include "base/pool.h"
#include "kern/kern.h"
#include "opt/structure/dense.h"

enum {
    UNS_DENSE_PROBES = 2, /* vectors by which drift is estimated */
    /* Largest n whose roots are taken many at a time, and at every observation where the policy
     * is adaptive: they cost no more than a few steps. */
    UNS_DENSE_TINY = 16,
    UNS_DENSE_BATCH = 32, /* replicas of a tiny piece at a time: work space stays in L2 */
    /* Largest n for which R·x goes in the replicas' order of summation also for R = 1, so that
     * a replica alone gives the bits of a replica among many. */
    UNS_DENSE_SMALL = 64,
    UNS_DENSE_STRIPS = 8,         /* fixed cut of a large piece's rows between threads */
    UNS_DENSE_STRIPED_FROM = 512, /* n from which waking threads pays */
    UNS_DENSE_LIMIT = 32767       /* LAPACK counts its 2n² of work space in 32 bits */
};

/* Of the whole group. */
typedef struct dense_head {
    uint64_t version;      /* observations so far */
    uint64_t settled;      /* those that the last refresh saw */
    uint64_t signalled;    /* version that `signal` belongs to */
    double weight, square; /* Σw and Σw² over the observations in C */
    double latest;         /* w of the last one */
    double correction;     /* c of the last observation */
    uns_root root;         /* of the last refresh */
    uint64_t roots;        /* taken so far */
    double error;          /* the largest error estimate among them */
} dense_head;

/* Of one piece and replica: its last root, and what has come since. Tiny pieces use `taken`. */
typedef struct dense_mark {
    uint64_t taken;        /* version; 0: none yet */
    uint64_t blind;        /* C was singular at ε = 0: R does not see what is new */
    double trace, size;    /* tr M and tr M² of M = R(cC)R then, as the probes have them, */
    double third;          /* and tr M³; where C is an oracle's: n, tr M, tr M² */
    double level;          /* tr cC then */
    double weight, square; /* Σw, Σw² then */
    double kept;           /* Π a since */
    double signals;        /* Σ|Rs|² since, over `count` signals */
    uint64_t count;
    uint64_t cut; /* version at which R last lacked the signal, and what it is too long by */
    double share; /* along it: κ of dense_step.c */
} dense_mark;

/* Of one piece and replica: a root that is not in force yet (dense_lag.c). */
typedef struct dense_later {
    uint64_t taken, due;         /* versions; taken 0: there is none */
    uns_root root;               /* that of its C */
    double weight, square, kept; /* as in dense_mark */
} dense_later;

typedef struct dense_piece {
    size_t begin, n;
    bool dense;
    double *c, *r, *w, *y; /* in the state; H follows C */
    dense_mark *marks;
    double *later_c; /* as c; NULL: roots do not lag */
    dense_later *later;
    struct dense_beside *beside; /* [R], in the work space; NULL: nobody to compute there */
} dense_piece;

/* Work space of one thread that takes roots. */
typedef struct dense_lane {
    double *c, *h, *r, *z, *w, *y, *m;
    void *root;
    double error;
    size_t taken;
    uns_status status;
} dense_lane;

/* At site->scratch; of no consequence for results. */
typedef struct dense_work {
    dense_head *head;
    double *signal, *mean; /* in the state; mean NULL: not centred */
    size_t count, d;
    size_t lanes;  /* threads that may take roots side by side */
    size_t beside; /* and those that may beside the steps: the lanes after the others */
    size_t lane_bytes;
    unsigned char *lane;
    uint64_t fresh; /* version of v = Rs, s the signal, less ḡ if centred */
    dense_piece *pieces;
    double *v, *u, *out;       /* [d·R] */
    double *room[2];           /* [largest n · R] */
    double *strip;             /* [STRIPS · largest n] */
    double *q, *drift, *a, *b; /* [R] */
    size_t *jobs, *lagging;    /* piece·R + replica; [pieces·R] */
    size_t *units;             /* jobs that are done together start here; [pieces·R + 1] */
} dense_work;

static inline size_t uns_triangle(size_t n) {
    return n * (n + 1) / 2;
}

/* Rows of what a root is taken of: C and, but for tiny pieces, H. */
static inline size_t uns_dense_rows(size_t n) {
    return uns_triangle(n) + (n > UNS_DENSE_TINY ? UNS_DENSE_PROBES * n : 0);
}

/* ±1 at (k, i): the top bit of a SplitMix64 output (Steele, Lea, Flood 2014). Constants, no
 * random numbers of the run. */
double uns_dense_sign(uint64_t k, uint64_t i);

/* The blocks one after the other, f64; NULL blocks are 0. The first block itself where that is
 * the same thing. */
const double *uns_dense_gather(const uns_structure_site *site, uns_const_tensors from,
                               double *room);
void uns_dense_scatter(const uns_structure_site *site, const double *from, uns_tensors to);

/* The fixed cut of n rows: the row at which strip k starts, all strips of about the same area;
 * and task(user, strip) for every strip, over the pool where that pays. */
size_t uns_dense_strip(size_t n, size_t k);
void uns_dense_for_strips(const uns_structure_site *site, size_t n, uns_task *task, void *user);

/* out = M·x for a packed M of all replicas (uns_kernels.symmetric_rows). `strip` as in
 * dense_work. */
void uns_dense_multiply(const uns_structure_site *site, size_t n, const double *packed,
                        const double *x, double *strip, double *out);
/* The same bits for replica r alone. */
void uns_dense_multiply_one(const uns_structure_site *site, size_t n, size_t r,
                            const double *packed, const double *x, double *strip, double *out);

/* acc[r] = Σ_i x[i·R + r]·y[i·R + r] */
void uns_dense_dots(size_t n, size_t replicas, const double *x, const double *y, double *acc);

/* A piece's signal, less ḡ if centred (in room[0] then). */
const double *uns_dense_deviation(const uns_structure_site *site, dense_work *work,
                                  const dense_piece *piece);

/* dense_root.c: takes the roots work->jobs[0 ... count) of C now, or with root NULL those of
 * the pieces' later_c. Sets site->failed where C is not finite; any other failure ends it. */
uns_status uns_dense_take_roots(const uns_structure_site *site, const uns_root *root,
                                size_t count);
/* Lane k for pieces up to n. */
dense_lane uns_dense_lane(const dense_work *work, size_t k, size_t n);
size_t uns_dense_lane_bytes(size_t n);
/* Takes the root of lane->c into r, marks and, if asked for, w and y of a piece and replica,
 * by the probes of lane->h. */
uns_status uns_dense_root_into(uns_context *context, const dense_piece *to, size_t replicas,
                               size_t r, const uns_root *root, bool probed, dense_lane *lane);

/* dense_lag.c. Bytes of what a piece has in the work space, and placing it: jobs from `first`
 * on are the piece's. */
void uns_dense_place_beside(const uns_structure_site *site, uns_arena *arena, dense_work *work,
                            dense_piece *piece, size_t first);
/* Brings the roots into force that are due. */
uns_status uns_dense_settle_late(const uns_structure_site *site);
/* Has the roots of work->lagging[0 ... count) taken of C as it is now, for later. */
void uns_dense_take_late(const uns_structure_site *site, const uns_root *root, size_t count);
/* Forgets those under way of work->jobs[0 ... count). */
void uns_dense_drop_late(const uns_structure_site *site, size_t count);
/* The root of later_c into force, as uns_dense_root_into. */
uns_status uns_dense_take_kept(const uns_structure_site *site, const dense_piece *piece,
                               size_t r, dense_lane *lane);
/* Eigenvalues (ascending) and eigenvectors (rows) of replica r's R in force; of root(C) where
 * none has been taken. */
uns_status uns_dense_decompose(const uns_structure_site *site, const dense_piece *piece,
                               const uns_root *root, size_t r, double *vectors, double *values);
/* One replica's C, n×n row-major, lower triangle; centred where ḡ is kept: kC − (kḡ)(kḡ)ᵀ. */
void uns_dense_unpack(const dense_work *work, const dense_piece *piece, size_t replicas,
                      size_t r, double k, double *full);
/* The same into later_c, packed, and H, which is √k·H where centred. */
void uns_dense_pack_moment(const dense_work *work, const dense_piece *piece, size_t replicas,
                           size_t r, double k);
/* What pack_moment has written, of replica r, to lane->c and lane->h. */
void uns_dense_load(size_t n, size_t replicas, size_t r, const double *packed,
                    const dense_lane *lane);
/* The root to take of that: corrected already where centred. */
uns_root uns_dense_root_of(const dense_work *work, const uns_root *root);

#endif

/* SPDX-License-Identifier: MIT
 * Structures: which part of the matrix C is kept, and how R = root(C) acts on a direction.
 *
 * Two families share the interface. An *elementwise* structure (identity, diagonal) treats
 * every coordinate alone; the step runs it fused, a chunk at a time, and it provides only
 * `elements`. A *whole* structure (scalar; dense, block, Kronecker, low rank) sees all blocks
 * of its group at once and provides observe, refresh and precondition. Steps and metrics call a
 * structure with subnormal numbers flushed, rounding to nearest and no traps, whatever the
 * caller's mode; threads that it makes itself are its own business.
 */
#ifndef UNSADDLE_STRUCTURE_H
#define UNSADDLE_STRUCTURE_H

#include <stdbool.h>
#include <unsaddle/layout.h>
#include <unsaddle/moment.h>
#include <unsaddle/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* R as a function of C in force at one step: see slot 4 of spec.h. */
typedef struct uns_root {
    double exponent, epsilon, correction; /* p, ε, c */
    int64_t form;   /* uns_epsilon_form; this wide because states hold roots, without padding */
    double damping; /* for C read C + damping·λ_max(C)·I; 0 for elementwise structures */
} uns_root;

/* What a structure is built for: the blocks of one group, R replicas innermost. "The group's
 * vector" is its blocks one after the other. */
typedef struct uns_structure_site {
    uns_context *context;
    const struct uns_kernels *kernels;
    const uns_spec *spec;
    uns_dtype dtype;
    size_t replicas;
    size_t count; /* blocks in the group */
    const uns_block *const *blocks;
    const unsigned char *active; /* [replicas]; 0: leave that replica's state as it is */
    void *scratch;               /* scratch(site) bytes, zeroed once, kept between calls */
    unsigned char *failed;       /* [replicas]; refresh sets 1 where C has no root */
    /* In observe: the u that precondition will get in the same step, so that one pass can serve
     * both; s itself where they are equal. In that precondition: the same. Else data is NULL.
     */
    uns_const_tensors ahead;
    double *root_seconds; /* the structure adds the time that it spends on roots */
} uns_structure_site;

/* What a structure keeps and what it has done since it was created. */
typedef struct uns_structure_report {
    size_t bytes;    /* of state, all replicas */
    size_t scratch;  /* bytes of work space, no part of the state */
    size_t dense;    /* pieces with a matrix of their own */
    size_t diagonal; /* pieces that fell back to their diagonal */
    size_t largest;  /* rows of the largest matrix */
    size_t rank;     /* columns of a low-rank structure, at most */
    uint64_t roots;  /* dense roots taken, over pieces and replicas */
    double error;    /* largest error estimate among them, relative; NaN: they report none */
    double seconds;  /* that steps spent on roots, or waited for them; not part of the state */
} uns_structure_report;

/* The powers of the metric that instruments ask for: A = R, its square root, its inverse, and
 * the estimate C itself (corrected). */
typedef enum uns_product {
    UNS_PRODUCT_A,
    UNS_PRODUCT_A_SQRT,
    UNS_PRODUCT_A_INVERSE,
    UNS_PRODUCT_C
} uns_product;

typedef struct uns_structure_ops {
    size_t size; /* sizeof(uns_structure_ops) */
    const char *name;
    const char *summary;
    bool elementwise;
    bool needs_lapack;
    /* REQUIRED. Elements of dtype that C needs for one block of one replica: 0 for identity,
     * rows·cols for diagonal. */
    size_t (*elements)(const uns_spec *spec, const uns_block *block);
    /* Whole structures only, all REQUIRED there. `state` is `bytes(site)` zeroed bytes, aligned
     * to 64, kept and owned by the optimizer, and all that the structure may remember. */
    size_t (*bytes)(const uns_structure_site *site);
    uns_status (*prepare)(const uns_structure_site *site, void *state);
    /* C ← aC + b·ssᵀ + eI over the group; a block whose pointer is NULL counts as s = 0. */
    uns_status (*observe)(const uns_structure_site *site, void *state, const uns_coeffs *coeffs,
                          uns_const_tensors s);
    /* Brings R up to date with C for observation t; decides by t and state alone whether. With
     * a centred spec, `mean` is the blocks' ḡ and the root is of cC − (cḡ)(cḡ)ᵀ; else mean.data
     * is NULL. It stays where it is until the step's precondition. */
    uns_status (*refresh)(const uns_structure_site *site, void *state, const uns_root *root,
                          uns_const_tensors mean, uint64_t t);
    /* d = R·u; d and u may be the same buffers; NULL blocks are left out. */
    uns_status (*precondition)(const uns_structure_site *site, void *state, uns_const_tensors u,
                               uns_tensors d);
    /* OPTIONAL; NULL: no metric access. out = product·in, from a metric that metric_open made;
     * site->replicas is that metric's own. in and out may be the same buffers. */
    uns_status (*product)(const uns_structure_site *site, const void *metric,
                          uns_product product, uns_const_tensors in, uns_tensors out);
    /* OPTIONAL; NULL: moments with a window are refused, as only a structure that holds the
     * signals themselves can give one up without cancellation. Called before observe: where
     * spec.structure_window signals are held, C loses the oldest. */
    uns_status (*retire)(const uns_structure_site *site, void *state);
    /* OPTIONAL; NULL: `exact` is refused. Takes C over from the oracle: DENSE, d×d a replica,
     * replicas outermost, over the group's vector. */
    uns_status (*adopt)(const uns_structure_site *site, void *state, const double *dense);
    /* Whether refresh obeys spec.refresh and refresh_tolerance; else those are refused. */
    bool refreshes;
    /* Whether refresh obeys spec.refresh_lag; else that is refused. */
    bool lags;
    /* Whether a centred spec's ḡ is kept in the structure's own state; `mean` is NULL then. */
    bool keeps_mean;
    /* OPTIONAL; NULL: no further conditions. Whether the group's shape can be served, before
     * anything is allocated; UNS_ERROR_RANGE with the reason. */
    uns_status (*check)(const uns_structure_site *site);
    /* OPTIONAL; NULL: none. Bytes at site->scratch, aligned to 64; there from prepare on. */
    size_t (*scratch)(const uns_structure_site *site);
    /* REQUIRED with product. A metric is a snapshot of A and C for replicas first ... first +
     * count − 1, in metric_bytes(site) bytes, zeroed and aligned to 64, where site->replicas is
     * `count` for metric_bytes and the state's own for metric_open. A is the R in force; where
     * none has been taken yet, root(C). `mean` as for refresh. */
    size_t (*metric_bytes)(const uns_structure_site *site);
    uns_status (*metric_open)(const uns_structure_site *site, const void *state,
                              const uns_root *root, uns_const_tensors mean, size_t first,
                              size_t count, void *metric);
    /* OPTIONAL; NULL: bytes and scratch alone are known. Fills dense, diagonal, largest, and
     * with a state (NULL: not yet made) roots and error; the rest is the optimizer's. */
    void (*report)(const uns_structure_site *site, const void *state,
                   uns_structure_report *report);
    /* Whole structures: observations that only open them. Until then a step observes and does
     * no more (momentum, d and x stay, no move is counted). The t of coeffs counts from there,
     * at least 1. */
    uint64_t opening;
    /* OPTIONAL; NULL: nothing runs beside the steps. Ends what does; called once, before state
     * and scratch go. */
    void (*quit)(const uns_structure_site *site);
    /* Whether refresh obeys root->damping; else a spec with damping is refused. */
    bool damps;
} uns_structure_ops;

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * The optimizer's insides, shared by the files of src/opt: groups with their specs, blocks with
 * their state, and the fixed cut of the work into chunks.
 */
#ifndef UNS_OPT_H
#define UNS_OPT_H

#include <stdbool.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/structure.h>

#include "base/arena.h"
#include "kern/kern.h"

/* The cut of the work, in multiples of 256 elements. A chunk's few temporaries stay in the
 * first-level cache. An item at most, and a task at least, is enough work (some microseconds)
 * to be worth handing to a thread; two tasks or fewer do not wake threads. With one replica,
 * sums are formed chunk by chunk and item by item: there, and nowhere else, bits hang on these
 * two. */
enum {
    UNS_CHUNK = 1024,
    UNS_ITEM = 32768
};

/* Pieces of state a block may keep, each of the block's shape. */
typedef enum uns_piece {
    UNS_PIECE_MOMENT,       /* C */
    UNS_PIECE_MOMENTUM,     /* m */
    UNS_PIECE_MEAN,         /* ḡ */
    UNS_PIECE_CEILING,      /* AMSGrad's maximum */
    UNS_PIECE_STEPS_SQUARE, /* Adadelta's D */
    UNS_PIECE_GRAFT,        /* second moment of the diagonal method grafted from */
    UNS_PIECE_BELOW,        /* the 16 bits of x below its bf16 */
    UNS_PIECE_SIGNAL,       /* s of this step, for whole structures */
    UNS_PIECE_DIRECTION,    /* d of this step, where it cannot stay in a chunk */
    UNS_PIECE_COUNT
} uns_piece;

typedef struct uns_block_state {
    size_t elements; /* rows·cols·R */
    size_t group;
    void *piece[UNS_PIECE_COUNT]; /* NULL: not kept */
    uns_block_counts counts;
    /* Of the step under way. */
    bool present; /* has a gradient */
    const void *g;
    const void *x; /* read by the front, moved by advance */
    void *x_out, *d;
    void *g_out;    /* to be zeroed, or NULL */
    uint16_t *copy; /* for x in bf16, or NULL */
    bool one_pass;  /* known only where there are extras */
    uns_coeffs coeffs;
    uns_root root;
    double momentum_row[4];
    double eta;
} uns_block_state;

typedef struct uns_group {
    uns_spec spec;
    const uns_moment_ops *moment;
    const uns_structure_ops *structure;
    size_t first, count; /* its blocks: optimizer->order[first ... first + count) */
    uns_structure_site site;
    const uns_block **blocks;
    void *structure_state, *structure_scratch;
    size_t structure_bytes, scratch_bytes;
    bool adopting;       /* the oracle has been asked for a dense C this step */
    double root_seconds; /* that site.root_seconds points to */
    void **views[3];     /* room for tensors over the group's blocks: s, d, ḡ */
    double *clip_factor; /* [R], of this step */
    bool clipping;
    const uns_block_state *twin; /* prepared in this step, when its counts were these */
    uns_block_counts twin_counts;
    unsigned allowed; /* UNS_PASS_* of this step: a structure not yet open observes alone */
    bool bf16;        /* its parameters and gradients are */
    bool has_root;    /* p > 0 and something is kept: d differs from u */
} uns_group;

/* A piece of one block: what sums are formed over. Items go to threads in tasks. */
typedef struct uns_item {
    size_t block, begin, end;
} uns_item;

struct uns_optimizer {
    uns_context *context;
    const uns_layout *layout;
    const uns_kernels *kernels;
    uns_dtype stored;              /* the layout's, of parameters and gradients */
    uns_dtype dtype;               /* that steps work in: the same, f32 for bf16 */
    const uns_elementwise *kernel; /* of that dtype */
    uint64_t seed;                 /* of roundings */
    uns_oracle oracle;
    size_t replicas, width; /* width: bytes of an element of dtype */
    size_t group_count, block_count, item_count;
    size_t chunk; /* elements of a chunk at most: UNS_CHUNK, or less in tests */
    uns_group *groups;
    uns_block_state *blocks;
    size_t *order; /* blocks sorted by group */
    uns_item *items;
    size_t task_count;
    size_t *tasks; /* [task_count + 1]: items tasks[k] ... tasks[k + 1] − 1 are task k */
    double unscale;
    bool partial; /* some replica sits this step out */
    bool in_runs; /* those that do not stand in long runs, see uns_partial_next */
    bool extras;  /* g_out and copy of the blocks are in force */
    bool unfused; /* slot by slot even where one pass would do: for tests */
    uint64_t skipped;
    unsigned char *stopped, *bad, *active; /* [R] */
    unsigned char *failed;                 /* [R], by a whole structure's refresh */
    double *norms[3];                      /* [blocks][R] */
    double *partials;                      /* [items] */
    unsigned char *bad_items;              /* [items] */
    void **oracle_views;
    double *oracle_dense; /* [R][d][d]; NULL: no whole structure takes C from the oracle */
    void *books;          /* the allocation behind the arrays above */
    void *state;          /* the one allocation behind all pieces */
    size_t state_bytes;
};

/* What is asked of a step. */
enum {
    UNS_PASS_OBSERVE = 1u,      /* C takes in the gradient */
    UNS_PASS_PRECONDITION = 2u, /* m (first) and d = R·u */
    UNS_PASS_SCALE = 4u,        /* slot 6 */
    UNS_PASS_ADVANCE = 8u       /* m (last) and x */
};

/* How it is carried out: fused groups do all in stage FRONT, a chunk at a time; groups whose d
 * must be whole in between (whole structures, ratios) go through all three. */
typedef enum uns_stage {
    UNS_STAGE_FRONT,
    UNS_STAGE_SCALE,
    UNS_STAGE_ADVANCE
} uns_stage;

typedef struct uns_plan_of_step {
    unsigned passes;
    uns_stage stage;
} uns_plan_of_step;

/* The first block of the group that has a gradient in this step, NULL when none has: its
 * numbers are those of a whole structure. */
const uns_block_state *uns_group_present(const uns_optimizer *optimizer,
                                         const uns_group *group);

/* Which pieces a spec needs. */
bool uns_spec_keeps(const uns_group *group, uns_piece piece);
/* Whether slot 6 multiplies whole blocks by one number each. */
bool uns_scale_has_ratio(const uns_spec *spec);
/* Whether d of a block must be stored between passes. */
bool uns_group_is_staged(const uns_group *group);

/* The same work for every item of the present blocks, over the pool where it pays. */
typedef void uns_item_work(uns_optimizer *optimizer, void *user, size_t item);
void uns_for_items(uns_optimizer *optimizer, uns_item_work *work, void *user);

/* The same for every chunk of those items, or of one item. A chunk has at most UNS_CHUNK
 * elements: a whole number of replica rows, or part of one. */
typedef void uns_chunk_work(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                            size_t n);
void uns_for_chunks(uns_optimizer *optimizer, uns_chunk_work *work, void *user);
/* The items of a block in order, blocks side by side. */
void uns_for_chunks_in_order(uns_optimizer *optimizer, uns_chunk_work *work, void *user);
void uns_item_chunks(uns_optimizer *optimizer, size_t item, uns_chunk_work *work, void *user);
/* Items of at most `longest` elements, UNS_ITEM but in tests, in the arrays of the optimizer.
 */
size_t uns_count_items(const uns_layout *layout, size_t longest);
void uns_fill_items(uns_optimizer *optimizer, size_t longest);

/* Σ x² of every present block and replica into sums[block·R + r]; the source hands over a
 * chunk's values, in place or in `buffer` (UNS_CHUNK doubles), or NULL: not wanted. Same bits
 * for any threads. */
typedef const void *uns_chunk_source(const uns_optimizer *optimizer,
                                     const uns_block_state *block, size_t begin, size_t n,
                                     void *buffer);
void uns_squares(uns_optimizer *optimizer, uns_chunk_source *source, double *sums);

/* The same for a chunk of several replicas, added to what is there. */
void uns_add_squares(const uns_optimizer *optimizer, size_t block, size_t begin, size_t n,
                     const void *x, double *sums);

/* With one replica: what the items hold in partials, added up by block. */
void uns_sum_partials(const uns_optimizer *optimizer, double *sums);

/* A chunk scaled by k[r], replica by replica. */
void uns_scale_replicas(const uns_optimizer *optimizer, const double *k, size_t begin, size_t n,
                        const void *in, void *out);

/* Guard: marks replicas that sit out, counting skipped ones, and works out the clip factors;
 * false when nobody steps. One pass over the gradients. */
bool uns_guard(uns_optimizer *optimizer, bool counting);
/* Slot 0 of a chunk, whose parameters are x: g itself, or the guarded gradient in `buffer`. */
const void *uns_guard_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                            size_t begin, size_t n, const void *x, void *buffer);

/* A chunk's parameters and state in the type that steps work in. */
typedef struct uns_strip {
    void *piece[UNS_PIECE_SIGNAL + 1]; /* NULL: not kept, or not needed */
    void *x;                           /* written by advance only */
} uns_strip;

typedef struct uns_strip_room {
    _Alignas(64) float piece[UNS_PIECE_BELOW][UNS_CHUNK];
    _Alignas(64) float x[UNS_CHUNK];
} uns_strip_room;

uns_form uns_piece_form(const uns_group *group, uns_piece piece);
/* Element `begin` of a block's piece, whatever its form; NULL: not kept. */
void *uns_piece_at(const uns_optimizer *optimizer, const uns_block_state *block,
                   uns_piece piece, size_t begin);
/* Bytes of a block's piece; 0: not kept. */
size_t uns_piece_bytes(const uns_optimizer *optimizer, size_t block, uns_piece piece);
/* Whether anything of the group is kept in fewer bits than steps work in. */
bool uns_group_is_narrow(const uns_group *group);

/* Where all is plain: pointers to it, for any number of elements. Else: what the passes need,
 * widened into `room` for n <= UNS_CHUNK elements, and back what the passes have written. */
void uns_strip_point(const uns_optimizer *optimizer, const uns_block_state *block, size_t begin,
                     uns_strip *strip);
void uns_strip_widen(const uns_optimizer *optimizer, const uns_block_state *block,
                     unsigned passes, size_t begin, size_t n, uns_strip_room *room,
                     uns_strip *strip);
void uns_strip_narrow(const uns_optimizer *optimizer, const uns_block_state *block,
                      unsigned passes, size_t begin, size_t n, const uns_strip *strip);

/* The forms of everything from element `begin` on, a multiple of 256. */
void uns_describe_narrow(const uns_optimizer *optimizer, const uns_block_state *block,
                         size_t begin, uns_reduced *narrow);

/* Of a chunk: g, x or a piece itself, or widened into `room`. A piece that is not kept: NULL.
 */
const void *uns_wide_gradient(const uns_optimizer *optimizer, const uns_block_state *block,
                              size_t begin, size_t n, void *room);
void *uns_wide_x(const uns_optimizer *optimizer, const uns_block_state *block, size_t begin,
                 size_t n, void *room);
const void *uns_wide_piece(const uns_optimizer *optimizer, const uns_block_state *block,
                           uns_piece piece, size_t begin, size_t n, void *room);
/* The chunk `from` of a piece that is not plain. */
void uns_narrow_piece(const uns_optimizer *optimizer, const uns_block_state *block,
                      uns_piece piece, size_t begin, size_t n, const float *from);

/* Where some replicas sit a step out. Whether the others stand in long runs, and the first
 * stretch of such elements in from ... end − 1; false: there is none. */
bool uns_partial_is_long(const uns_optimizer *optimizer);
bool uns_partial_next(const uns_optimizer *optimizer, size_t from, size_t end, size_t *first,
                      size_t *last);

/* Arrays of n <= UNS_CHUNK elements, from element `begin` of their block on. Those who sit out
 * get the values back that were taken. */
typedef struct uns_unmoved {
    size_t count;
    void *array[UNS_PIECE_SIGNAL + 1];
    double old[UNS_PIECE_SIGNAL + 1][UNS_CHUNK];
} uns_unmoved;
void uns_unmoved_keep(const uns_optimizer *optimizer, size_t n, uns_unmoved *unmoved);
void uns_unmoved_restore(const uns_optimizer *optimizer, size_t begin, size_t n,
                         const uns_unmoved *unmoved);

/* Chunk work: what a stage does for one chunk. `user`: const uns_plan_of_step *. */
void uns_step_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin, size_t n);

/* All passes of a step for elements begin ... end − 1 of a prepared block at once, begin being
 * a multiple of 256; false when its group cannot be done so, and nothing is done then. */
bool uns_fuse_range(const uns_optimizer *optimizer, size_t block, size_t begin, size_t end);

/* The same for an item, with the step's extras piece by piece. uns_finish_extras does those of
 * blocks that have not gone in one pass. */
void uns_bind_extras(uns_optimizer *optimizer, uns_tensors g, const uns_step_extras *extras);
bool uns_fuse_item(uns_optimizer *optimizer, size_t item);
void uns_finish_extras(uns_optimizer *optimizer);

/* Slot 6's ratios on block->d of every block whose group has one; and before, while d still is
 * u, the length of the direction grafted from. */
void uns_scale_ratio(uns_optimizer *optimizer);
void uns_scale_graft(uns_optimizer *optimizer);

/* whole.c: observations of a group, those of its most observed block; the oracles, before
 * anything is changed; slots 3 to 5 of a whole structure. */
uint64_t uns_group_observed(const uns_optimizer *optimizer, const uns_group *group);
uns_status uns_ask_oracles(uns_optimizer *optimizer, uns_const_tensors x);
uns_status uns_run_structure(uns_optimizer *optimizer, uns_group *group, unsigned passes);
/* The root of a group's spec with the c of an observation, not yet corrected otherwise. */
uns_root uns_group_root(const uns_group *group, const uns_coeffs *coeffs);
/* A piece of the group's blocks as tensors, in group->views[which]. */
uns_tensors uns_group_view(uns_optimizer *optimizer, uns_group *group, int which,
                           uns_piece piece);

/* The t of the moment's coefficients: observations but for those that open the structure. */
static inline uint64_t uns_moment_time(const uns_group *group, uint64_t observed) {
    uint64_t opening = group->structure->opening;
    return observed > opening ? observed - opening : 1;
}

static inline void *uns_at(const uns_optimizer *optimizer, const void *base, size_t element) {
    return (char *)base + element * optimizer->width;
}

static inline void *uns_element_at(const void *base, size_t element, uns_dtype dtype) {
    return (char *)base + element * uns_dtype_size(dtype);
}

#endif

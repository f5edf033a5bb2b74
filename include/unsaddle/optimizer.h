/* SPDX-License-Identifier: MIT
 * The optimizer: specs at work on a layout. It owns its state (one arena, sized at create) and
 * borrows parameters and gradients call by call. No call after create allocates, except
 * uns_optimizer_append.
 *
 * Single-owner: one thread at a time; a step itself spreads over the context's threads, and its
 * results are the same bits for any number of them and on every instruction set.
 */
#ifndef UNSADDLE_OPTIMIZER_H
#define UNSADDLE_OPTIMIZER_H

#include <unsaddle/layout.h>
#include <unsaddle/spec.h>
#include <unsaddle/structure.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uns_optimizer uns_optimizer;

/* Which part of the second moment an oracle hands over. */
typedef enum uns_shape {
    UNS_SHAPE_DIAGONAL,
    UNS_SHAPE_DENSE
} uns_shape;

/* The oracle behind the moment `exact`: writes the second moment at x, about `about`.
 * DIAGONAL: out.data[i] has block i's shape, replicas innermost, in the layout's dtype; NULL
 * blocks are not asked for. DENSE: out.data[0] is double[R][d][d]. Any status but UNS_OK ends
 * the step with that status and nothing moved. */
typedef struct uns_oracle {
    void *self;
    uns_status (*second_moment)(void *self, uns_const_tensors x, uns_about about,
                                uns_shape shape, uns_tensors out);
} uns_oracle;

typedef struct uns_optimizer_config {
    size_t size;              /* sizeof(uns_optimizer_config) */
    const uns_layout *layout; /* borrowed; must outlive the optimizer */
    size_t count;             /* specs: one a group of the layout */
    const uns_spec *specs;    /* copied */
    uns_oracle oracle;        /* needed only by the moment `exact` */
    uint64_t seed;            /* of the roundings of bf16 parameters and reduced state */
} uns_optimizer_config;

/* Creates an optimizer with all state zero (C at spec.initial). Fails with what uns_spec_check
 * reports, UNS_ERROR_ARGUMENT, UNS_ERROR_UNAVAILABLE (dense structure without LAPACK, exact
 * without oracle) or UNS_ERROR_MEMORY; *out is untouched then. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_create(uns_context *context,
                                                      const uns_optimizer_config *config,
                                                      uns_optimizer **out);
UNS_API void uns_optimizer_destroy(uns_optimizer *optimizer);

/* Bytes of state and work space the config would take, computed without allocating them. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_bytes(uns_context *context,
                                                     const uns_optimizer_config *config,
                                                     size_t *bytes);

/* What a group's structure keeps and has done: pieces, memory, roots taken and the time they
 * took. Survey: the same for a config, nothing allocated; fails as create does.
 * UNS_ERROR_ARGUMENT: no such group. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_structure_report(const uns_optimizer *optimizer,
                                                                size_t group,
                                                                uns_structure_report *report);
UNS_NODISCARD UNS_API uns_status uns_optimizer_survey(uns_context *context,
                                                      const uns_optimizer_config *config,
                                                      size_t group,
                                                      uns_structure_report *report);

/* One step: observe + direction + advance, fused. Parameters and gradients in bf16 are worked
 * on in f32. x is updated in place. g.data[i] may be NULL: that block, its state and its step
 * counts stay as they are. x and g must not overlap. UNS_ERROR_ARGUMENT: wrong number of
 * blocks, NULL x. A status from the oracle is passed on; the step has then changed nothing.
 * Non-finite gradients are no error: see uns_optimizer_stopped. Cost: one pass over x, g and
 * state; no allocation. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_step(uns_optimizer *optimizer, uns_tensors x,
                                                    uns_const_tensors g);

/* What a step may do beside, to save passes over memory: each piece while it is in the cache.
 * Both are also done where nothing moves because gradients were not finite. */
typedef struct uns_step_extras {
    size_t size;         /* sizeof(uns_step_extras) */
    bool zero_gradients; /* g is zero afterwards */
    void *const *copies; /* [blocks]: where to write x in bf16 (uint16_t, to the nearest), NULL
                            for a block that needs none; NULL: none at all. f32 layouts only */
} uns_step_extras;

/* uns_optimizer_step with extras. UNS_ERROR_ARGUMENT also: copies of an f64 layout. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_step_and(uns_optimizer *optimizer, uns_tensors x,
                                                        uns_tensors g,
                                                        const uns_step_extras *extras);

/* The halves. Together they give the bits of uns_optimizer_step; with state=bf16 or q8 but for
 * d, which is then taken from C and m as they are kept, after their rounding.
 *   observe    slots 0–3: C takes in g; x, m and u stay. Burn-in is repeated observe.
 *   direction  slots 0–1 and 4–6: writes d (same shapes as x; f32 where x is bf16), updates m
 * (momentum first) advance    slots 7–8: x moves along d; d may be overwritten */
UNS_NODISCARD UNS_API uns_status uns_optimizer_observe(uns_optimizer *optimizer,
                                                       uns_const_tensors x,
                                                       uns_const_tensors g);
UNS_NODISCARD UNS_API uns_status uns_optimizer_direction(uns_optimizer *optimizer,
                                                         uns_const_tensors x,
                                                         uns_const_tensors g, uns_tensors d);
UNS_NODISCARD UNS_API uns_status uns_optimizer_advance(uns_optimizer *optimizer, uns_tensors x,
                                                       uns_tensors d);

/* Multiplies gradients by 1/scale from the next step on: mixed-precision training's unscale.
 * 1/scale must be a normal number of the type that steps work in (f32 for bf16). Default 1. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_unscale(uns_optimizer *optimizer, double scale);

/* Whether replica r met a non-finite gradient under the policy `stop`, or a second moment that
 * overflowed and has no root, under any policy; it no longer moves. */
UNS_API bool uns_optimizer_stopped(const uns_optimizer *optimizer, size_t replica);

/* Stops a replica from the next step on, or lets it go on: for a run that is resumed.
 * UNS_ERROR_ARGUMENT: no such replica. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_set_stopped(uns_optimizer *optimizer,
                                                           size_t replica, bool stopped);

/* Steps left out under the policy `skip`, over all replicas, since create. */
UNS_API uint64_t uns_optimizer_skipped(const uns_optimizer *optimizer);

/* Replaces a group's spec between steps: η and every other value at once. What changes the
 * state itself (moment, structure, momentum on or off, ceiling, centred, scale) is refused with
 * UNS_ERROR_PAIR. uns_group_get copies the spec in force. */
UNS_NODISCARD UNS_API uns_status uns_group_set(uns_optimizer *optimizer, size_t group,
                                               const uns_spec *spec);
UNS_NODISCARD UNS_API uns_status uns_group_get(const uns_optimizer *optimizer, size_t group,
                                               uns_spec *spec);

/* Goes over to `layout`, whose first blocks must equal the present ones (dtype, replicas, rows,
 * cols, group); new blocks start from zero state, old ones keep theirs to the bit. Groups that
 * are new take specs[0..count) in order. The only call after create that allocates. Elementwise
 * structures only: a whole structure whose group grows is refused with UNS_ERROR_PAIR. */
UNS_NODISCARD UNS_API uns_status uns_optimizer_append(uns_optimizer *optimizer,
                                                      const uns_layout *layout, size_t count,
                                                      const uns_spec *specs);

/* A writable view of one piece of state, valid until the optimizer is destroyed or appended to.
 * Names: "moment" (C), "momentum" (m), "mean" (ḡ), "ceiling", "steps_square" (Adadelta's D),
 * "graft" (second moment of the diagonal method that lends its step length);
 * whole structures keep one "structure" piece of bytes with the group's first block.
 * "parameters_low" is the lower 16 bits of each f32 whose upper half is a bf16 parameter. A
 * piece of n numbers in UNS_Q8 is n codes and then one scale E for every 256 of them (the last
 * for the rest). Code 0 is 0; c > 0 is the float whose bits from 20 up are max(8E + 8 − top, 0)
 * + c, with top = 255. Numbers with a sign ("momentum") have it in bit 7, and top = 127. */
typedef struct uns_state_view {
    const char *name;
    void *data;
    size_t count; /* elements; bytes for "structure" and UNS_Q8 */
    uns_dtype dtype;
} uns_state_view;

/* What a block counts, beside its pieces. A resumed run goes on with the same bits where it has
 * the parameters, the state views, these, which replicas have stopped, and of its optimizer the
 * same config, specs in force and unscale. uns_optimizer_skipped, and the seconds of a
 * structure report, begin anew. With R > 1 the counts are shared by all replicas: one that
 * skips a step ages with the others. */
typedef struct uns_block_counts {
    uint64_t observed; /* gradients taken into C; the group's, where the structure is whole */
    uint64_t moved;    /* steps taken */
    double product;    /* Nadam's Π μ_i; 1 before the first step */
} uns_block_counts;

UNS_NODISCARD UNS_API uns_status uns_optimizer_counts(const uns_optimizer *optimizer,
                                                      size_t block, uns_block_counts *counts);
UNS_NODISCARD UNS_API uns_status uns_optimizer_set_counts(uns_optimizer *optimizer,
                                                          size_t block,
                                                          const uns_block_counts *counts);

/* How many pieces a block has; the index-th of them; the one with this name. */
UNS_API size_t uns_optimizer_state_count(const uns_optimizer *optimizer, size_t block);
UNS_NODISCARD UNS_API uns_status uns_optimizer_state_at(uns_optimizer *optimizer, size_t block,
                                                        size_t index, uns_state_view *view);
UNS_NODISCARD UNS_API uns_status uns_optimizer_state(uns_optimizer *optimizer, size_t block,
                                                     const char *name, uns_state_view *view);

#ifdef __cplusplus
}
#endif
#endif

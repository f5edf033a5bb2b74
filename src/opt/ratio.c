/* SPDX-License-Identifier: MIT
 * The scales of slot 6 that multiply d by one number a block and replica.
 *
 * trust and trust_sum: κ‖x‖/(‖d‖ + ε) and κ‖x‖/(‖d‖ + λ‖x‖ + ε), 1 where either norm is 0; λx
 * joins d after the sum (You, Gitman, Ginsburg 2017; You et al. 2020).
 *
 * graft: ‖δ‖/‖d‖ with δ the diagonal direction (Agarwal, Anil, Hazan, Koren, Zhang 2020).
 *
 * rms_clip: [max(RMS(x), ε₂)]/max(1, RMS(d)/threshold) (Shazeer, Stern 2018).
 *
 * shape and shape_rms: √max(1, rows/cols) and 0.2·√max(rows, cols), matrices only (Jordan et
 * al. 2024; Liu et al. 2025).
 */
#include "opt/opt.h"

#include <math.h>

bool uns_scale_has_ratio(const uns_spec *spec) {
    return spec->scale != UNS_SCALE_NONE && spec->scale != UNS_SCALE_ADADELTA;
}

static bool needs_x(const uns_optimizer *optimizer, const uns_block_state *block) {
    const uns_group *group = &optimizer->groups[block->group];
    const uns_spec *spec = &group->spec;
    if (!(group->allowed & UNS_PASS_SCALE))
        return false;
    return spec->scale == UNS_SCALE_TRUST || spec->scale == UNS_SCALE_TRUST_SUM ||
           (spec->scale == UNS_SCALE_RMS_CLIP && spec->rms_relative != 0.0);
}

static bool needs_d(const uns_optimizer *optimizer, const uns_block_state *block) {
    const uns_group *group = &optimizer->groups[block->group];
    const uns_spec *spec = &group->spec;
    return (group->allowed & UNS_PASS_SCALE) && uns_scale_has_ratio(spec) &&
           spec->scale != UNS_SCALE_SHAPE && spec->scale != UNS_SCALE_SHAPE_RMS;
}

static const void *x_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                           size_t begin, size_t n, void *buffer) {
    return needs_x(optimizer, block) ? uns_wide_x(optimizer, block, begin, n, buffer) : NULL;
}

static const void *d_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                           size_t begin, size_t n, void *buffer) {
    (void)n;
    (void)buffer;
    if (!needs_d(optimizer, block))
        return NULL;
    return uns_at(optimizer, block->d, begin);
}

/* δ, while d still is u. */
static const void *graft_chunk(const uns_optimizer *optimizer, const uns_block_state *block,
                               size_t begin, size_t n, void *buffer) {
    const uns_group *group = &optimizer->groups[block->group];
    const uns_spec *spec = &group->spec;
    if (spec->scale != UNS_SCALE_GRAFT || !(group->allowed & UNS_PASS_SCALE))
        return NULL;
    uns_root root = {.exponent = 0.5,
                     .epsilon = spec->graft_epsilon,
                     .correction = block->coeffs.c,
                     .form = UNS_EPSILON_OUTSIDE};
    optimizer->kernel->precondition(n, &root,
                                    uns_at(optimizer, block->piece[UNS_PIECE_GRAFT], begin),
                                    uns_at(optimizer, block->d, begin), buffer);
    return buffer;
}

void uns_scale_graft(uns_optimizer *optimizer) {
    uns_squares(optimizer, graft_chunk, optimizer->norms[2]);
}

static double trust(const uns_spec *spec, double x_square, double d_square) {
    if (x_square == 0.0 || d_square == 0.0)
        return 1.0;
    double x = sqrt(x_square), below = sqrt(d_square) + spec->trust_epsilon;
    if (spec->scale == UNS_SCALE_TRUST_SUM)
        below += spec->decay * x;
    return spec->trust * x / below;
}

static double rms_clip(const uns_spec *spec, double n, double x_square, double d_square) {
    double rms = sqrt(d_square / n) / spec->rms_threshold;
    double unit =
        spec->rms_relative != 0.0 ? fmax(sqrt(x_square / n), spec->rms_relative) : 1.0;
    return rms > 1.0 ? unit / rms : unit;
}

static double shape(const uns_spec *spec, const uns_block *block) {
    double rows = (double)block->rows, cols = (double)block->cols;
    if (block->rows == 1 || block->cols == 1)
        return 1.0;
    return spec->scale == UNS_SCALE_SHAPE ? sqrt(fmax(1.0, rows / cols))
                                          : 0.2 * sqrt(fmax(rows, cols));
}

/* The number for block `index`; k: its place, and the replica's, in the norms. */
static double ratio(const uns_optimizer *optimizer, size_t index, size_t k) {
    const uns_block_state *block = &optimizer->blocks[index];
    const uns_spec *spec = &optimizer->groups[block->group].spec;
    const uns_block *of = uns_layout_block(optimizer->layout, index);
    double x = optimizer->norms[0][k], d = optimizer->norms[1][k],
           graft = optimizer->norms[2][k];
    switch ((uns_scale)spec->scale) {
    case UNS_SCALE_TRUST:
    case UNS_SCALE_TRUST_SUM:
        return trust(spec, x, d);
    case UNS_SCALE_GRAFT:
        return block->coeffs.rho != 0.0 && d > 0.0 ? block->coeffs.rho * sqrt(graft / d) : 1.0;
    case UNS_SCALE_RMS_CLIP:
        return rms_clip(spec, (double)(of->rows * of->cols), x, d);
    case UNS_SCALE_SHAPE:
    case UNS_SCALE_SHAPE_RMS:
        return shape(spec, of);
    case UNS_SCALE_NONE:
    case UNS_SCALE_ADADELTA:
        break;
    }
    return 1.0;
}

static void scale_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin,
                        size_t n) {
    const double *ratios = user;
    size_t index = optimizer->items[item].block;
    const uns_block_state *block = &optimizer->blocks[index];
    const uns_group *group = &optimizer->groups[block->group];
    const uns_spec *spec = &group->spec;
    if (!uns_scale_has_ratio(spec) || !(group->allowed & UNS_PASS_SCALE))
        return;
    double room[UNS_CHUNK];
    void *d = uns_at(optimizer, block->d, begin);
    if (spec->scale == UNS_SCALE_TRUST_SUM && spec->decay != 0.0)
        optimizer->kernel->mix(n, 1.0, d, spec->decay,
                               uns_wide_x(optimizer, block, begin, n, room), d);
    uns_scale_replicas(optimizer, ratios + index * optimizer->replicas, begin, n, d, d);
}

void uns_scale_ratio(uns_optimizer *optimizer) {
    size_t replicas = optimizer->replicas;
    uns_squares(optimizer, x_chunk, optimizer->norms[0]);
    uns_squares(optimizer, d_chunk, optimizer->norms[1]);
    for (size_t k = 0; k < optimizer->block_count * replicas; k++)
        optimizer->norms[1][k] = ratio(optimizer, k / replicas, k);
    uns_for_chunks(optimizer, scale_chunk, optimizer->norms[1]);
}

/* SPDX-License-Identifier: MIT
 * A chunk of a block whose parameters, gradient or state are kept in fewer bits than the step
 * works in: widened before the slots, narrowed after them, while it is in the first-level
 * cache. What is kept plain is used where it lies.
 *
 * Roundings are dithered (kern.h) and a pure function of (seed, block, piece, step, index), so
 * that the cut of the work does not matter, and a resumed run goes on with the same bits.
 * docs/theory.md has the bounds.
 */
#include "opt/opt.h"

uns_form uns_piece_form(const uns_group *group, uns_piece piece) {
    if (piece == UNS_PIECE_BELOW)
        return UNS_FORM_HALF;
    if (piece >= UNS_PIECE_GRAFT) /* whole structures' */
        return UNS_FORM_PLAIN;
    switch ((uns_state)group->spec.state) {
    case UNS_STATE_BF16:
        return UNS_FORM_BF16;
    case UNS_STATE_Q8:
        return piece == UNS_PIECE_MOMENTUM || piece == UNS_PIECE_MEAN ? UNS_FORM_Q8_SIGNED
                                                                      : UNS_FORM_Q8;
    case UNS_STATE_AUTO:
    case UNS_STATE_F32:
        break;
    }
    return UNS_FORM_PLAIN;
}

bool uns_group_is_narrow(const uns_group *group) {
    return group->bf16 || group->spec.state == UNS_STATE_BF16 ||
           group->spec.state == UNS_STATE_Q8;
}

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t mixed(uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static uint64_t key_of(const uns_optimizer *optimizer, const uns_block_state *block,
                       int piece) {
    const uint64_t which = (uint64_t)(block - optimizer->blocks) * 8 + (uint64_t)piece + 1;
    return mixed(mixed(optimizer->seed) + which * 0x9E3779B97F4A7C15u);
}

/* Where the thresholds of a piece's element `begin` stand at this step. */
static uint32_t dither_of(const uns_optimizer *optimizer, const uns_block_state *block,
                          uns_piece piece, size_t begin) {
    const bool observed =
        piece == UNS_PIECE_MOMENT || piece == UNS_PIECE_MEAN || piece == UNS_PIECE_CEILING;
    const uint64_t t = observed ? block->counts.observed : block->counts.moved;
    return (uint32_t)key_of(optimizer, block, piece) + (uint32_t)t * 0x9E3779B9u +
           (uint32_t)begin * 0x91E10DA5u;
}

/* The codes come first, then one scale for every 256 of them. */
static uint8_t *scales_of(const uns_block_state *block, void *codes, size_t begin) {
    return (uint8_t *)codes + block->elements + begin / 256;
}

void *uns_piece_at(const uns_optimizer *optimizer, const uns_block_state *block,
                   uns_piece piece, size_t begin) {
    char *base = block->piece[piece];
    if (!base)
        return NULL;
    switch (uns_piece_form(&optimizer->groups[block->group], piece)) {
    case UNS_FORM_BF16:
    case UNS_FORM_HALF:
        return base + begin * sizeof(uint16_t);
    case UNS_FORM_Q8:
    case UNS_FORM_Q8_SIGNED:
        return base + begin;
    case UNS_FORM_PLAIN:
        break;
    }
    return uns_at(optimizer, base, begin);
}

static void *widened(const uns_optimizer *optimizer, const uns_block_state *block,
                     uns_piece piece, size_t begin, size_t n, float *room) {
    const uns_form form = uns_piece_form(&optimizer->groups[block->group], piece);
    void *at = uns_piece_at(optimizer, block, piece, begin);
    if (form == UNS_FORM_PLAIN)
        return at;
    if (form == UNS_FORM_BF16)
        optimizer->kernels->bf16_to_f32(n, at, room);
    else
        optimizer->kernels->q8_to_f32(n, form == UNS_FORM_Q8_SIGNED, at,
                                      scales_of(block, block->piece[piece], begin), room);
    return room;
}

void uns_narrow_piece(const uns_optimizer *optimizer, const uns_block_state *block,
                      uns_piece piece, size_t begin, size_t n, const float *from) {
    const uns_kernels *kernels = optimizer->kernels;
    const uns_form form = uns_piece_form(&optimizer->groups[block->group], piece);
    const uint32_t start = dither_of(optimizer, block, piece, begin);
    void *at = uns_piece_at(optimizer, block, piece, begin);
    if (form == UNS_FORM_BF16)
        kernels->f32_to_bf16_dithered(n, start, from, at);
    if (form == UNS_FORM_Q8 || form == UNS_FORM_Q8_SIGNED)
        kernels->f32_to_q8(n, form == UNS_FORM_Q8_SIGNED, start, from, at,
                           scales_of(block, block->piece[piece], begin));
}

const void *uns_wide_piece(const uns_optimizer *optimizer, const uns_block_state *block,
                           uns_piece piece, size_t begin, size_t n, void *room) {
    return block->piece[piece] ? widened(optimizer, block, piece, begin, n, room) : NULL;
}

const void *uns_wide_gradient(const uns_optimizer *optimizer, const uns_block_state *block,
                              size_t begin, size_t n, void *room) {
    const void *g = uns_element_at(block->g, begin, optimizer->stored);
    if (optimizer->stored != UNS_BF16)
        return g;
    optimizer->kernels->bf16_to_f32(n, g, room);
    return room;
}

void *uns_wide_x(const uns_optimizer *optimizer, const uns_block_state *block, size_t begin,
                 size_t n, void *room) {
    const uint16_t *low = uns_piece_at(optimizer, block, UNS_PIECE_BELOW, begin);
    void *x = uns_element_at(block->x, begin, optimizer->stored);
    if (optimizer->stored != UNS_BF16)
        return x;
    if (low)
        optimizer->kernels->halves_to_f32(n, x, low, room);
    else
        optimizer->kernels->bf16_to_f32(n, x, room);
    return room;
}

/* The chance by which x is rounded. A chunk's indices agree in all but the lower 32 bits. */
static uint64_t chance_of(const uns_optimizer *optimizer, const uns_block_state *block,
                          size_t begin) {
    const uint64_t key = key_of(optimizer, block, UNS_PIECE_BELOW) + block->counts.moved;
    return mixed(mixed(key) + ((uint64_t)begin >> 32));
}

static void narrow_x(const uns_optimizer *optimizer, const uns_block_state *block, size_t begin,
                     size_t n, const float *x) {
    uint16_t *out = (uint16_t *)block->x_out + begin, *low = block->piece[UNS_PIECE_BELOW];
    if (low)
        optimizer->kernels->f32_to_halves(n, x, out, low + begin);
    else
        optimizer->kernels->f32_to_bf16_random(n, chance_of(optimizer, block, begin),
                                               (uint32_t)begin, x, out);
}

void uns_describe_narrow(const uns_optimizer *optimizer, const uns_block_state *block,
                         size_t begin, uns_reduced *narrow) {
    static const uns_piece pieces[UNS_KEPT_COUNT] = {
        [UNS_KEPT_M] = UNS_PIECE_MOMENTUM,
        [UNS_KEPT_C] = UNS_PIECE_MOMENT,
        [UNS_KEPT_CEILING] = UNS_PIECE_CEILING,
        [UNS_KEPT_SQUARE] = UNS_PIECE_STEPS_SQUARE,
    };
    const uns_group *group = &optimizer->groups[block->group];
    narrow->state = uns_piece_form(group, UNS_PIECE_MOMENT);
    for (int i = 0; i < UNS_KEPT_COUNT; i++) {
        void *codes = block->piece[pieces[i]];
        narrow->start[i] = dither_of(optimizer, block, pieces[i], begin);
        narrow->scales[i] = codes ? scales_of(block, codes, begin) : NULL;
    }
    narrow->bf16 = group->bf16;
    narrow->low = uns_piece_at(optimizer, block, UNS_PIECE_BELOW, begin);
    narrow->key = chance_of(optimizer, block, begin);
    narrow->first = (uint32_t)begin;
}

/* Pieces that some of the passes read or write; all that are written are read. */
static bool takes_part(const uns_group *group, uns_piece piece, unsigned passes) {
    const unsigned fronts = UNS_PASS_OBSERVE | UNS_PASS_PRECONDITION;
    switch (piece) {
    case UNS_PIECE_MOMENTUM:
        return passes &
               (group->spec.momentum_at == UNS_PLACE_FIRST ? fronts : UNS_PASS_ADVANCE);
    case UNS_PIECE_STEPS_SQUARE:
        return passes & UNS_PASS_SCALE;
    case UNS_PIECE_BELOW:
        return false;
    default:
        return passes & fronts;
    }
}

static bool is_written(const uns_group *group, uns_piece piece, unsigned passes) {
    switch (piece) {
    case UNS_PIECE_MOMENTUM:
        return passes & (group->spec.momentum_at == UNS_PLACE_FIRST ? UNS_PASS_PRECONDITION
                                                                    : UNS_PASS_ADVANCE);
    case UNS_PIECE_STEPS_SQUARE:
        return passes & UNS_PASS_SCALE;
    default:
        return passes & UNS_PASS_OBSERVE;
    }
}

void uns_strip_point(const uns_optimizer *optimizer, const uns_block_state *block, size_t begin,
                     uns_strip *strip) {
    for (int p = 0; p <= UNS_PIECE_SIGNAL; p++)
        strip->piece[p] = uns_piece_at(optimizer, block, (uns_piece)p, begin);
    strip->x = uns_at(optimizer, block->x, begin);
}

void uns_strip_widen(const uns_optimizer *optimizer, const uns_block_state *block,
                     unsigned passes, size_t begin, size_t n, uns_strip_room *room,
                     uns_strip *strip) {
    const uns_group *group = &optimizer->groups[block->group];
    for (int p = 0; p <= UNS_PIECE_SIGNAL; p++)
        strip->piece[p] = block->piece[p] && takes_part(group, (uns_piece)p, passes)
                              ? widened(optimizer, block, (uns_piece)p, begin, n,
                                        p < UNS_PIECE_BELOW ? room->piece[p] : NULL)
                              : NULL;
    strip->x = uns_wide_x(optimizer, block, begin, n, room->x);
}

void uns_strip_narrow(const uns_optimizer *optimizer, const uns_block_state *block,
                      unsigned passes, size_t begin, size_t n, const uns_strip *strip) {
    const uns_group *group = &optimizer->groups[block->group];
    for (int p = 0; p < UNS_PIECE_BELOW; p++)
        if (strip->piece[p] && is_written(group, (uns_piece)p, passes))
            uns_narrow_piece(optimizer, block, (uns_piece)p, begin, n, strip->piece[p]);
    if (group->bf16 && (passes & UNS_PASS_ADVANCE))
        narrow_x(optimizer, block, begin, n, strip->x);
}

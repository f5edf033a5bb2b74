/* SPDX-License-Identifier: MIT
 * A whole step of a range of a block in one pass over x, g and state, for the combinations of
 * slots that kern.h's `update` knows. The same numbers, in the same order, as chunk.c's slots
 * one by one, hence the same bits; whatever is not known here goes that way.
 */
#include "opt/builtin.h"
#include "opt/opt.h"

#include <math.h>

typedef struct fusion {
    const uns_optimizer *optimizer;
    const uns_group *group;
    const uns_block_state *block;
} fusion;

static unsigned guard_slot(const fusion *f) {
    const uns_spec *spec = &f->group->spec;
    bool decays = spec->decay != 0.0 && spec->decay_form == UNS_DECAY_L2;
    return f->optimizer->unscale != 1.0 || isfinite(spec->clip_value) || f->group->clipping ||
                   decays
               ? UNS_SLOT_GUARD
               : 0u;
}

static unsigned momentum_slot(const uns_update *u, const uns_spec *spec) {
    if (!u->m)
        return 0;
    return spec->momentum_at == UNS_PLACE_FIRST ? UNS_SLOT_MOMENTUM_FIRST
                                                : UNS_SLOT_MOMENTUM_LAST;
}

/* How C takes in s; none for a fold that is not ours, see `is_ours`. */
static unsigned moment_slot(const uns_update *u, const uns_moment_ops *moment) {
    if (!u->c || moment->oracle)
        return 0;
    if (moment == &uns_moment_max)
        return UNS_SLOT_MAX;
    return moment == &uns_moment_sign ? UNS_SLOT_SIGN : UNS_SLOT_ACCUMULATE;
}

static unsigned signal_slot(const uns_spec *spec) {
    switch ((uns_signal)spec->signal) {
    case UNS_SIGNAL_DEVIATION:
        return UNS_SLOT_DEVIATION;
    case UNS_SIGNAL_DIRECTION:
        return UNS_SLOT_DIRECTION;
    case UNS_SIGNAL_GRADIENT:
        break;
    }
    return 0;
}

static unsigned root_slot(const fusion *f, const uns_update *u) {
    if (!f->group->has_root || u->coeffs.rho == 0.0)
        return 0;
    unsigned rho = u->coeffs.rho != 1.0 ? UNS_SLOT_RHO : 0;
    if (f->group->moment->memoryless)
        return rho | UNS_SLOT_ROOT_OF_SIGNAL;
    return u->c ? rho | UNS_SLOT_ROOT : rho;
}

static unsigned slots_of(const fusion *f, const uns_update *u) {
    unsigned moment = moment_slot(u, f->group->moment), root = root_slot(f, u);
    unsigned slots = guard_slot(f) | momentum_slot(u, &f->group->spec) | moment | root;
    if (moment || (root & UNS_SLOT_ROOT_OF_SIGNAL) || u->mean)
        slots |= signal_slot(&f->group->spec);
    slots |= u->mean ? UNS_SLOT_MEAN : 0u;
    slots |= u->ceiling ? UNS_SLOT_CEILING : 0u;
    return slots | (u->square ? UNS_SLOT_ADADELTA : 0u);
}

/* What `update` has no slot for: d that must be whole, a plug-in's fold, λx added to d, factors
 * that differ between replicas. */
static bool is_ours(const fusion *f) {
    const uns_spec *spec = &f->group->spec;
    const uns_moment_ops *moment = f->group->moment;
    if (uns_group_is_staged(f->group))
        return false;
    if (moment->fold && moment != &uns_moment_max && moment != &uns_moment_sign)
        return false;
    if (spec->decay != 0.0 && spec->decay_form == UNS_DECAY_SCALED)
        return false;
    return !f->group->clipping || f->optimizer->replicas == 1;
}

static void fill_guard(const fusion *f, uns_update *u) {
    const uns_spec *spec = &f->group->spec;
    u->unscale = 1.0 / f->optimizer->unscale;
    u->clamp = spec->clip_value;
    u->clips = f->group->clipping;
    u->clip = u->clips ? f->group->clip_factor[0] : 1.0;
    u->l2 = spec->decay_form == UNS_DECAY_L2 ? spec->decay : 0.0;
}

static void fill_numbers(const fusion *f, uns_update *u) {
    const uns_spec *spec = &f->group->spec;
    const uns_block_state *block = f->block;
    for (int i = 0; i < 4; i++)
        u->row[i] = block->momentum_row[i];
    u->coeffs = block->coeffs;
    u->root = block->root;
    u->top = spec->ceiling == UNS_CEILING_RAW ? 1.0 : block->coeffs.c;
    u->square_keep = uns_spec_beta(spec);
    u->square_epsilon = spec->epsilon;
    u->eta = block->eta;
    u->keep = spec->decay_form == UNS_DECAY_DECOUPLED ? 1.0 - block->eta * spec->decay : 1.0;
}

static void fill_arrays(const uns_optimizer *optimizer, const uns_block_state *block,
                        size_t begin, uns_update *u) {
    u->g = uns_element_at(block->g, begin, optimizer->stored);
    u->x = uns_element_at(block->x_out, begin, optimizer->stored);
    u->m = uns_piece_at(optimizer, block, UNS_PIECE_MOMENTUM, begin);
    u->c = uns_piece_at(optimizer, block, UNS_PIECE_MOMENT, begin);
    u->mean = uns_piece_at(optimizer, block, UNS_PIECE_MEAN, begin);
    u->ceiling = uns_piece_at(optimizer, block, UNS_PIECE_CEILING, begin);
    u->square = uns_piece_at(optimizer, block, UNS_PIECE_STEPS_SQUARE, begin);
}

/* Those that step, stretch by stretch. */
static void fuse_stretches(const fusion *f, size_t begin, size_t end, uns_update *u) {
    size_t first, last = begin;
    while (uns_partial_next(f->optimizer, last, end, &first, &last)) {
        fill_arrays(f->optimizer, f->block, first, u);
        f->optimizer->kernel->update(last - first, u);
    }
}

static void add_unmoved(uns_unmoved *unmoved, void *array) {
    if (array)
        unmoved->array[unmoved->count++] = array;
}

/* All, chunk by chunk, of which some take back what they were. */
static void fuse_chunks(const fusion *f, size_t begin, size_t end, uns_update *u) {
    uns_unmoved unmoved; /* not initialised: large */
    for (size_t n; begin < end; begin += n) {
        n = end - begin < UNS_CHUNK ? end - begin : UNS_CHUNK;
        fill_arrays(f->optimizer, f->block, begin, u);
        unmoved.count = 0;
        add_unmoved(&unmoved, u->x);
        add_unmoved(&unmoved, u->m);
        add_unmoved(&unmoved, u->c);
        add_unmoved(&unmoved, u->mean);
        add_unmoved(&unmoved, u->ceiling);
        add_unmoved(&unmoved, u->square);
        uns_unmoved_keep(f->optimizer, n, &unmoved);
        f->optimizer->kernel->update(n, u);
        uns_unmoved_restore(f->optimizer, begin, n, &unmoved);
    }
}

static bool fuse_partial(const fusion *f, size_t begin, size_t end, uns_update *u) {
    if (!f->optimizer->kernel->update(0, u))
        return false;
    if (f->optimizer->in_runs)
        fuse_stretches(f, begin, end, u);
    else
        fuse_chunks(f, begin, end, u);
    return true;
}

bool uns_fuse_range(const uns_optimizer *optimizer, size_t index, size_t begin, size_t end) {
    const uns_block_state *block = &optimizer->blocks[index];
    const fusion f = {optimizer, &optimizer->groups[block->group], block};
    uns_update u;
    uns_reduced narrow;
    if (optimizer->unfused || !is_ours(&f))
        return false;
    fill_arrays(optimizer, block, begin, &u);
    fill_guard(&f, &u);
    fill_numbers(&f, &u);
    u.slots = slots_of(&f, &u);
    if (optimizer->partial)
        return fuse_partial(&f, begin, end, &u);
    if (!uns_group_is_narrow(f.group))
        return optimizer->kernel->update(end - begin, &u) != 0;
    uns_describe_narrow(optimizer, block, begin, &narrow);
    return optimizer->kernels->update_narrow(end - begin, &u, &narrow) != 0;
}

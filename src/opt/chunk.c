/* SPDX-License-Identifier: MIT
 * One chunk of a step, slot by slot (spec.h has the formulas). Temporaries live in the chunk;
 * state is read and written once.
 */
#include "opt/opt.h"

#include <string.h>

typedef struct chunk {
    uns_optimizer *optimizer;
    const uns_elementwise *kernel;
    const uns_group *group;
    uns_block_state *block;
    size_t begin, n;
    unsigned passes;
    const void *g, *u, *s; /* guarded gradient, direction before the root, signal */
    uns_strip strip;
    void *d;
    double room[4][UNS_CHUNK]; /* for g, u, s and d; any dtype */
} chunk;

static void *piece(const chunk *c, uns_piece which) {
    return c->strip.piece[which];
}

static bool has(const chunk *c, unsigned pass) {
    return (c->passes & pass) != 0;
}

/* Slot 1. When only observing, m stays as it is. */
static void momentum_first(chunk *c) {
    void *m = piece(c, UNS_PIECE_MOMENTUM);
    c->u = c->g;
    if (!m || c->group->spec.momentum_at != UNS_PLACE_FIRST)
        return;
    c->kernel->momentum(c->n, c->block->momentum_row, m, c->g, c->room[1],
                        has(c, UNS_PASS_PRECONDITION) ? m : NULL);
    c->u = c->room[1];
}

/* g − m with the m that this step's gradient is part of. */
static void deviation(chunk *c) {
    const void *m = piece(c, UNS_PIECE_MOMENTUM);
    const double *row = c->block->momentum_row;
    if (!has(c, UNS_PASS_PRECONDITION)) {
        c->kernel->mix(c->n, row[2], m, row[3], c->g, c->room[2]);
        m = c->room[2];
    }
    c->kernel->mix(c->n, 1.0, c->g, -1.0, m, c->room[2]);
    c->s = c->room[2];
}

/* Slot 2. */
static void signal(chunk *c) {
    switch ((uns_signal)c->group->spec.signal) {
    case UNS_SIGNAL_GRADIENT:
        c->s = c->g;
        break;
    case UNS_SIGNAL_DIRECTION:
        c->s = c->u;
        break;
    case UNS_SIGNAL_DEVIATION:
        deviation(c);
        break;
    }
}

/* Slot 3. */
static void observe(chunk *c) {
    const uns_coeffs *k = &c->block->coeffs;
    void *moment = piece(c, UNS_PIECE_MOMENT), *mean = piece(c, UNS_PIECE_MEAN);
    void *top = piece(c, UNS_PIECE_CEILING), *signals = piece(c, UNS_PIECE_SIGNAL);
    void *graft = piece(c, UNS_PIECE_GRAFT);
    if (signals)
        memcpy(signals, c->s, c->n * c->optimizer->width);
    if (mean)
        c->kernel->mix(c->n, k->a, mean, k->b, c->s, mean);
    if (moment && !c->group->moment->oracle) {
        if (c->group->moment->fold)
            c->group->moment->fold(c->optimizer->kernels, c->optimizer->dtype, k, c->n, c->s,
                                   moment);
        else
            c->kernel->accumulate(c->n, k->a, k->b, k->e, c->s, moment);
    }
    if (graft)
        c->kernel->accumulate(c->n, k->a, k->b, k->e, c->s, graft);
    if (top)
        c->kernel->ceiling(c->n, c->group->spec.ceiling == UNS_CEILING_RAW ? 1.0 : k->c, moment,
                           top);
}

/* Slots 4 and 5 for elementwise structures; whole ones only get u here. */
static void precondition(chunk *c) {
    const uns_group *group = c->group;
    const void *moment = piece(c, UNS_PIECE_MOMENT), *mean = piece(c, UNS_PIECE_MEAN);
    const void *top = piece(c, UNS_PIECE_CEILING);
    bool kept = moment || group->moment->memoryless;
    if (!group->structure->elementwise || !group->has_root || !kept ||
        c->block->coeffs.rho == 0.0) {
        memcpy(c->d, c->u, c->n * c->optimizer->width);
    } else if (group->moment->memoryless) {
        c->kernel->precondition_signal(c->n, &c->block->root, c->s, c->u, c->d);
    } else if (mean) {
        c->kernel->variance(c->n, c->block->coeffs.c, moment, mean, c->room[2]);
        c->kernel->precondition(c->n, &c->block->root, c->room[2], c->u, c->d);
    } else {
        c->kernel->precondition(c->n, &c->block->root, top ? top : moment, c->u, c->d);
    }
}

/* Slot 6 but for the ratios, which need whole norms. */
static void scale(chunk *c) {
    const uns_spec *spec = &c->group->spec;
    double rho = c->block->coeffs.rho;
    void *square = piece(c, UNS_PIECE_STEPS_SQUARE);
    if (rho != 0.0 && rho != 1.0)
        c->kernel->scale(c->n, rho, c->d, c->d);
    if (square)
        c->kernel->adadelta(c->n, uns_spec_beta(spec), spec->epsilon, square, c->d);
    if (spec->decay != 0.0 && spec->decay_form == UNS_DECAY_SCALED &&
        spec->scale != UNS_SCALE_TRUST_SUM)
        c->kernel->mix(c->n, 1.0, c->d, spec->decay, c->strip.x, c->d);
}

/* Slots 7 and 8. */
static void advance(chunk *c) {
    const uns_spec *spec = &c->group->spec;
    void *m = piece(c, UNS_PIECE_MOMENTUM);
    double eta = c->block->eta;
    double keep = spec->decay_form == UNS_DECAY_DECOUPLED ? 1.0 - eta * spec->decay : 1.0;
    if (m && spec->momentum_at == UNS_PLACE_LAST)
        c->kernel->momentum(c->n, c->block->momentum_row, m, c->d, c->d, m);
    c->kernel->move(c->n, keep, eta, c->d, c->strip.x);
}

static void run_chunk(chunk *c) {
    if (has(c, UNS_PASS_OBSERVE | UNS_PASS_PRECONDITION)) {
        c->g = uns_guard_chunk(c->optimizer, c->block, c->begin, c->n, c->strip.x, c->room[0]);
        momentum_first(c);
        signal(c);
    }
    if (has(c, UNS_PASS_OBSERVE))
        observe(c);
    if (has(c, UNS_PASS_PRECONDITION))
        precondition(c);
    if (has(c, UNS_PASS_SCALE))
        scale(c);
    if (has(c, UNS_PASS_ADVANCE))
        advance(c);
}

/* Lets the chunk run and then gives the replicas that sit out their old values back. */
static void run_partial_chunk(chunk *c) {
    uns_unmoved unmoved; /* not initialised, as the chunk */
    unmoved.count = 0;
    for (int i = 0; i < UNS_PIECE_SIGNAL; i++)
        if (piece(c, (uns_piece)i))
            unmoved.array[unmoved.count++] = piece(c, (uns_piece)i);
    if (has(c, UNS_PASS_ADVANCE))
        unmoved.array[unmoved.count++] = c->strip.x;
    uns_unmoved_keep(c->optimizer, c->n, &unmoved);
    run_chunk(c);
    uns_unmoved_restore(c->optimizer, c->begin, c->n, &unmoved);
}

/* One replica, which is not sitting out. */
static void run_narrow_chunk(chunk *c) {
    uns_strip_room room;
    uns_strip_widen(c->optimizer, c->block, c->passes, c->begin, c->n, &room, &c->strip);
    run_chunk(c);
    uns_strip_narrow(c->optimizer, c->block, c->passes, c->begin, c->n, &c->strip);
}

static unsigned passes_of(const uns_group *group, const uns_plan_of_step *plan) {
    bool whole = !group->structure->elementwise;
    unsigned passes = plan->passes & group->allowed;
    switch (plan->stage) {
    case UNS_STAGE_FRONT:
        if (!uns_group_is_staged(group))
            return passes;
        return passes &
               (whole ? UNS_PASS_OBSERVE | UNS_PASS_PRECONDITION : ~(unsigned)UNS_PASS_ADVANCE);
    case UNS_STAGE_SCALE:
        return whole ? passes & UNS_PASS_SCALE : 0;
    case UNS_STAGE_ADVANCE:
        return uns_group_is_staged(group) ? passes & UNS_PASS_ADVANCE : 0;
    }
    return 0;
}

void uns_step_chunk(uns_optimizer *optimizer, void *user, size_t item, size_t begin, size_t n) {
    chunk c; /* not initialised: its room is large and written before it is read */
    c.optimizer = optimizer;
    c.kernel = optimizer->kernel;
    c.block = &optimizer->blocks[optimizer->items[item].block];
    c.group = &optimizer->groups[c.block->group];
    c.begin = begin;
    c.n = n;
    c.passes = passes_of(c.group, user);
    c.d = c.block->d ? uns_at(optimizer, c.block->d, begin) : c.room[3];
    if (!c.passes)
        return;
    if (uns_group_is_narrow(c.group)) {
        run_narrow_chunk(&c);
        return;
    }
    uns_strip_point(optimizer, c.block, begin, &c.strip);
    (optimizer->partial ? run_partial_chunk : run_chunk)(&c);
}

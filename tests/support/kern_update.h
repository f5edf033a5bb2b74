/* SPDX-License-Identifier: MIT
 * The case of the kernel `update`: a whole step, for each rule it knows, and its oracle from
 * the equations. A part of kern_cases.h, which includes it where the helpers are there.
 */
#ifndef UNS_TEST_KERN_UPDATE_H
#define UNS_TEST_KERN_UPDATE_H

#include "kern/rules.h"

#define COUNT_RULE(slots, root) +2
enum {
    UPDATE_VARIANTS = 0 UNS_RULES(COUNT_RULE)
};
#undef COUNT_RULE

/* Arrays: g, x, m, C, and ceiling, mean or square. Variants: a rule, with or without guard. */
static inline unsigned update_slots(const trial *t) {
#define SLOTS(slots, root) (slots),
    static const unsigned rules[] = {UNS_RULES(SLOTS)};
#undef SLOTS
    return rules[t->variant / 2] | (t->variant % 2 ? UNS_SLOT_GUARD : 0u);
}
static inline uns_update update_of(const trial *t) {
    static const double corrections[3] = {1, 1.0625, 2.6};
    const unsigned slots = update_slots(t);
    const bool lion = slots & UNS_SLOT_ROOT_OF_SIGNAL, max = slots & UNS_SLOT_MAX;
    return (uns_update){
        .slots = slots,
        .clips = t->n % 3 != 0,
        .unscale = t->n % 2 ? 0.25 : 1,
        .clamp = t->n % 4 == 1 ? 0.75 : (double)INFINITY,
        .clip = 0.8125,
        .l2 = t->n % 4 == 2 ? 0 : 0.03,
        .row = {0.9, 0.4, 0.8, 0.2},
        .coeffs = {.a = 0.9, .b = 0.2, .c = 1.5, .e = t->n % 3 ? 0 : 1e-3, .rho = 0.75},
        .root = {.exponent = max ? 1 : 0.5,
                 .epsilon = lion ? 0 : 1e-4,
                 .correction = lion ? 1 : corrections[t->n % 3],
                 .form = lion ? UNS_EPSILON_INSIDE : (int)(t->n % 3)},
        .top = 1.25,
        .square_keep = 0.9,
        .square_epsilon = 1e-3,
        .keep = 0.99,
        .eta = 0.1,
    };
}
static inline void run_update(const uns_kernels *k, trial *t) {
    uns_update u = update_of(t);
    u.g = t->data[0];
    u.x = t->data[1];
    u.m = t->data[2];
    u.c = t->data[3];
    u.mean = u.ceiling = u.square = t->data[4];
    t->result = elements_of(k, t)->update(t->n, &u);
}

/* A number and the size of the terms whose roundings are in it. */
typedef struct rough {
    real value, size;
} rough;

static inline rough rough_mix(real a, rough x, real b, rough y) {
    return (rough){a * x.value + b * y.value, fabsl(a) * x.size + fabsl(b) * y.size};
}

/* The size behind x²: of 16 roundings of `size`, as expect_rough allows, x² has 2|x| times as
 * many, and their square. */
static inline real square_size(rough x) {
    return 2 * fabsl(x.value) * x.size + 16 * FLT_EPSILON * x.size * x.size;
}

static inline rough want_guarded(const uns_update *u, real g, rough x) {
    g *= u->unscale;
    if (fabsl(g) > u->clamp)
        g = g > 0 ? u->clamp : -u->clamp;
    if (u->clips)
        g *= u->clip;
    const rough cut = {g, fabsl(g)};
    return u->l2 != 0 ? rough_mix(1, cut, u->l2, x) : cut;
}

static inline rough want_moment(const uns_update *u, rough s, rough c) {
    const real square = s.value * s.value, room = square_size(s), b = u->coeffs.b;
    if (u->slots & UNS_SLOT_MAX) {
        const real kept = u->coeffs.a * c.value, now = fabsl(s.value) + u->coeffs.e;
        return (rough){kept > now ? kept : now, c.size + s.size + 1};
    }
    if (u->slots & UNS_SLOT_SIGN) {
        const real v = c.value, step = b * square;
        return (rough){v > square ? v - step : v < square ? v + step : v, c.size + b * room};
    }
    if (!(u->slots & UNS_SLOT_ACCUMULATE))
        return c;
    return (rough){u->coeffs.a * c.value + b * square + u->coeffs.e,
                   c.size + b * room + u->coeffs.e};
}

/* u over the root of an estimate; roundings of the estimate count by their share in it. */
static inline rough want_divided(const uns_update *u, rough c, rough in) {
    const real p = u->root.exponent, k = u->root.correction, epsilon = u->root.epsilon;
    real below = powl(k * c.value, p) + epsilon;
    if (u->root.form == UNS_EPSILON_INSIDE)
        below = powl(k * c.value + epsilon, p);
    else if (u->root.form == UNS_EPSILON_UNCORRECTED)
        below = (powl(c.value, p) + epsilon) * powl(k, p);
    const real d = below == 0 ? 0 : in.value / below;
    const real lost = c.value > 0 && isfinite(c.value) ? c.size / c.value : 0;
    return (rough){d, below == 0 ? 0 : in.size / below + fabsl(d) * lost};
}

/* sign(u): nothing is known of it where u may be all rounding. */
static inline rough want_sign(rough u, bool narrow) {
    const real least = 64 * u.size * (narrow ? FLT_EPSILON : DBL_EPSILON);
    const real sign = u.value > 0 ? 1 : u.value < 0 ? -1 : 0;
    if (!isfinite(u.value))
        return (rough){(real)NAN, 1};
    return (rough){sign, fabsl(u.value) > least || u.size == 0 ? 1 : HUGE_VALL};
}

static inline void expect_rough(trial *t, int array, size_t i, rough want) {
    expect(t, array, i, want.value, isinf(want.value) ? 0 : 2 * want.size);
}

/* Slots 3 to 6 of an element. */
static inline rough want_direction(trial *t, const uns_update *u, size_t i, rough s, rough in) {
    const rough c0 = {t->in[3][i], fabsl(t->in[3][i])}, e0 = {t->in[4][i], fabsl(t->in[4][i])};
    rough c = want_moment(u, s, c0), d = in;
    if (u->slots & (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN))
        expect_rough(t, 3, i, c);
    if (u->slots & UNS_SLOT_CEILING) {
        c = u->top * c.value < e0.value ? e0 : (rough){u->top * c.value, 2 * c.size};
        expect_rough(t, 4, i, c);
    }
    if (u->slots & UNS_SLOT_MEAN) {
        const rough mean = rough_mix(u->coeffs.a, e0, u->coeffs.b, s);
        const real first = u->coeffs.c * mean.value, spread = u->coeffs.c * c.value;
        expect_rough(t, 4, i, mean);
        c.size = u->coeffs.c * c.size + 4 * u->coeffs.c * u->coeffs.c * mean.size * mean.size;
        c.value = spread - first * first;
        if (c.value < 1e-2L * c.size) /* what is left may be all rounding */
            c.size = HUGE_VALL;
        c.value = c.value < 0 ? 0 : c.value;
    }
    if (u->slots & UNS_SLOT_ROOT)
        d = want_divided(u, c, in);
    if (u->slots & UNS_SLOT_ROOT_OF_SIGNAL)
        d = want_sign(in, t->dtype == UNS_F32);
    if (u->slots & UNS_SLOT_RHO)
        d = (rough){u->coeffs.rho * d.value, u->coeffs.rho * d.size};
    if (u->slots & UNS_SLOT_ADADELTA) {
        const real longer = sqrtl(e0.value + u->square_epsilon);
        d = (rough){longer * d.value, 2 * longer * d.size};
        expect_rough(
            t, 4, i,
            (rough){u->square_keep * e0.value + (1 - u->square_keep) * d.value * d.value,
                    e0.size + square_size(d)});
    }
    return d;
}

static inline void want_update(trial *t) {
    const uns_update u = update_of(t);
    const real *row = (const real[]){u.row[0], u.row[1], u.row[2], u.row[3]};
    t->wanted_result = 1;
    EACH(i) {
        const rough x = {t->in[1][i], fabsl(t->in[1][i])};
        const rough m = {t->in[2][i], fabsl(t->in[2][i])};
        rough g = {t->in[0][i], fabsl(t->in[0][i])};
        if (u.slots & UNS_SLOT_GUARD)
            g = want_guarded(&u, t->in[0][i], x);
        rough in = g, s = g;
        if (u.slots & UNS_SLOT_MOMENTUM_FIRST) {
            const rough kept = rough_mix(row[2], m, row[3], g);
            in = rough_mix(row[0], m, row[1], g);
            expect_rough(t, 2, i, kept);
            if (u.slots & UNS_SLOT_DEVIATION)
                s = rough_mix(1, g, -1, kept);
        }
        if (u.slots & UNS_SLOT_DIRECTION)
            s = in;
        rough d = want_direction(t, &u, i, s, in);
        if (u.slots & UNS_SLOT_MOMENTUM_LAST) {
            expect_rough(t, 2, i, rough_mix(row[2], m, row[3], d));
            d = rough_mix(row[0], m, row[1], d);
        }
        expect_rough(t, 1, i, rough_mix(u.keep, x, -u.eta, d));
    }
}

#endif

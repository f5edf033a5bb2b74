/* SPDX-License-Identifier: MIT
 * Template: a whole elementwise step, one register at a time through all its slots, so that
 * parameters, gradient and state are read and written once and nothing is stored in between.
 * Instantiated for the rules of rules.h; names of elements.inc.h. Where `strip` is not NULL,
 * state is kept in fewer bits (update_narrow.inc.h).
 */

#define NUMBERS KERNEL(numbers)
#define MIDWAY  KERNEL(midway)

/* The numbers of an update in registers. */
typedef struct KERNEL(numbers) {
    VECTOR row[4], a, b, e, rise, c, rho, top, square_keep, square_take, square_epsilon, keep,
        eta;
    KERNEL(divisor) divisor;
} KERNEL(numbers);

/* Opaque, lest compilers make them anew from their scalars for every register. */
UNS_ALWAYS_INLINE VECTOR KERNEL(number)(double x) {
    VECTOR v = V(set)((ELEMENT)x);
    UNS_AS_COMPUTED(v);
    return v;
}

UNS_ALWAYS_INLINE NUMBERS KERNEL(numbers_of)(const uns_update *k, root_kind kind) {
    NUMBERS
    of = {
        .a = KERNEL(number)(k->coeffs.a),
        .b = KERNEL(number)(k->coeffs.b),
        .e = KERNEL(number)(k->coeffs.e),
        .rise = KERNEL(rise)(k->coeffs.e),
        .c = KERNEL(number)(k->coeffs.c),
        .rho = KERNEL(number)(k->coeffs.rho),
        .top = KERNEL(number)(k->top),
        .square_keep = KERNEL(number)(k->square_keep),
        .square_take = KERNEL(number)(1 - k->square_keep),
        .square_epsilon = KERNEL(number)(k->square_epsilon),
        .keep = KERNEL(number)(k->keep),
        .eta = KERNEL(number)(k->eta),
        .divisor = KERNEL(divisor_of)(&k->root, kind),
    };
    for (int i = 0; i < 4; i++)
        of.row[i] = KERNEL(number)(k->row[i]);
    UNS_AS_COMPUTED(of.rise);
    UNS_AS_COMPUTED(of.divisor.k);
    UNS_AS_COMPUTED(of.divisor.inner);
    UNS_AS_COMPUTED(of.divisor.outer);
    UNS_AS_COMPUTED(of.divisor.factor);
    return of;
}

UNS_ALWAYS_INLINE VECTOR KERNEL(guarded)(const uns_update *k, VECTOR g, VECTOR x) {
    if (k->unscale != 1)
        g = V(mul)(V(set)((ELEMENT)k->unscale), g);
    if (isfinite(k->clamp))
        g = KERNEL(clamped)(k->clamp, g);
    if (k->clips)
        g = V(mul)(V(set)((ELEMENT)k->clip), g);
    if (k->l2 != 0)
        g = KERNEL(mixed)(V(set)(1), g, V(set)((ELEMENT)k->l2), x);
    return g;
}

/* [u; m] from the old m and `in`; m is stored. */
UNS_ALWAYS_INLINE VECTOR KERNEL(update_momentum)(const uns_update *k, const NUMBERS *of,
                                                 narrow_strip *strip, size_t i, size_t room,
                                                 VECTOR in, VECTOR *m) {
    const VECTOR old = STATE_LOAD(strip, UNS_KEPT_M, k->m, i, room);
    *m = KERNEL(mixed)(of->row[2], old, of->row[3], in);
    STATE_STORE(strip, UNS_KEPT_M, k->m, i, *m, room);
    return KERNEL(mixed)(of->row[0], old, of->row[1], in);
}

/* C takes in s and is stored. */
UNS_ALWAYS_INLINE VECTOR KERNEL(update_moment)(const uns_update *k, const NUMBERS *of,
                                               unsigned slots, narrow_strip *strip, size_t i,
                                               size_t room, VECTOR s) {
    VECTOR c = STATE_LOAD(strip, UNS_KEPT_C, k->c, i, room);
    if (slots & UNS_SLOT_ACCUMULATE)
        c = KERNEL(affine)(of->a, of->b, of->rise, s, c);
    if (slots & UNS_SLOT_MAX)
        c = KERNEL(decaying_max)(of->a, of->e, s, c);
    if (slots & UNS_SLOT_SIGN)
        c = KERNEL(additive)(of->b, s, c);
    if (slots & (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN))
        STATE_STORE(strip, UNS_KEPT_C, k->c, i, c, room);
    return c;
}

/* What the root is taken of: C, the ceiling above it, or the variance. */
UNS_ALWAYS_INLINE VECTOR KERNEL(update_estimate)(const uns_update *k, const NUMBERS *of,
                                                 unsigned slots, narrow_strip *strip, size_t i,
                                                 size_t room, VECTOR s, VECTOR c) {
    if (slots & UNS_SLOT_CEILING) {
        const VECTOR before = STATE_LOAD(strip, UNS_KEPT_CEILING, k->ceiling, i, room);
        c = KERNEL(topped)(of->top, c, before);
        STATE_STORE(strip, UNS_KEPT_CEILING, k->ceiling, i, c, room);
    }
    if (slots & UNS_SLOT_MEAN) {
        ELEMENT *at = (ELEMENT *)k->mean + i;
        const VECTOR mean = KERNEL(mixed)(of->a, V(load)(at, room), of->b, s);
        V(store)(at, mean, room);
        c = KERNEL(spread)(of->c, c, mean);
    }
    return c;
}

/* A register between the two halves of an update: up to the root, and from there on. */
typedef struct KERNEL(midway) {
    VECTOR x, s, u, estimate;
} KERNEL(midway);

UNS_ALWAYS_INLINE MIDWAY KERNEL(update_front)(const uns_update *k, const NUMBERS *of,
                                              unsigned slots, narrow_strip *strip, size_t i,
                                              size_t room) {
    const unsigned with_c = UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN | UNS_SLOT_ROOT;
    const VECTOR x = V(load)((const ELEMENT *)k->x + i, room);
    VECTOR g = V(load)((const ELEMENT *)k->g + i, room), m;
    if (slots & UNS_SLOT_GUARD)
        g = KERNEL(guarded)(k, g, x);
    MIDWAY at = {.x = x, .s = g, .u = g, .estimate = g};
    if (slots & UNS_SLOT_MOMENTUM_FIRST)
        at.u = KERNEL(update_momentum)(k, of, strip, i, room, g, &m);
    if (slots & UNS_SLOT_DEVIATION)
        at.s = KERNEL(mixed)(V(set)(1), g, V(set)(-1), m);
    if (slots & UNS_SLOT_DIRECTION)
        at.s = at.u;
    if (slots & with_c) {
        const VECTOR c = KERNEL(update_moment)(k, of, slots, strip, i, room, at.s);
        at.estimate = KERNEL(update_estimate)(k, of, slots, strip, i, room, at.s, c);
    }
    return at;
}

UNS_ALWAYS_INLINE void KERNEL(update_back)(const uns_update *k, const NUMBERS *of,
                                           unsigned slots, root_kind kind, narrow_strip *strip,
                                           size_t i, size_t room, MIDWAY at) {
    VECTOR d = at.u, m;
    if (slots & UNS_SLOT_ROOT)
        d = KERNEL(divide)(&of->divisor, kind, at.estimate, d);
    if (slots & UNS_SLOT_ROOT_OF_SIGNAL)
        d = KERNEL(divide)(&of->divisor, kind, KERNEL(own_square)(kind, at.s), d);
    if (slots & UNS_SLOT_RHO)
        d = V(mul)(of->rho, d);
    if (slots & UNS_SLOT_ADADELTA) {
        const VECTOR old = STATE_LOAD(strip, UNS_KEPT_SQUARE, k->square, i, room);
        d = KERNEL(lengthened)(of->square_epsilon, old, d);
        const VECTOR square =
            KERNEL(affine)(of->square_keep, of->square_take, KERNEL(rise)(0), d, old);
        STATE_STORE(strip, UNS_KEPT_SQUARE, k->square, i, square, room);
    }
    if (slots & UNS_SLOT_MOMENTUM_LAST)
        d = KERNEL(update_momentum)(k, of, strip, i, room, d, &m);
    V(store)((ELEMENT *)k->x + i, KERNEL(moved)(of->keep, of->eta, d, at.x), room);
}

/* `slots` and `kind` are constants. The copy tells the compiler that no store changes it. */
UNS_ALWAYS_INLINE void KERNEL(update_as)(size_t n, const uns_update *update, unsigned slots,
                                         root_kind kind) {
    const uns_update k = *update;
    const NUMBERS of = KERNEL(numbers_of)(update, kind);
    for (size_t i = 0; i < n; i += LANES)
        KERNEL(update_back)
    (&k, &of, slots, kind, NULL, i, n - i,
     KERNEL(update_front)(&k, &of, slots, NULL, i, n - i));
}

#define RULE_CASE(slots, kind)                                                                 \
    case RULE_KEY(slots, kind):                                                                \
        KERNEL(update_as)(n, update, slots, kind);                                             \
        return 1;                                                                              \
    case RULE_KEY((slots) | UNS_SLOT_GUARD, kind):                                             \
        KERNEL(update_as)(n, update, (slots) | UNS_SLOT_GUARD, kind);                          \
        return 1;

static int KERNEL(update)(size_t n, const uns_update *update) {
    switch (RULE_KEY(update->slots, update_kind_of(update))) {
        UNS_RULES(RULE_CASE)
    default:
        return 0;
    }
}

#undef RULE_CASE
#undef NUMBERS
#undef MIDWAY

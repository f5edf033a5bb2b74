/* SPDX-License-Identifier: MIT
 * Template: a whole elementwise step, one register at a time through all its slots, so that
 * parameters, gradient and state are read and written once and nothing is stored in between.
 * Instantiated for the rules of rules.h; names of elements.inc.h. Where `strip` is not NULL,
 * arrays are kept in fewer bits (update_narrow.inc.h).
 */

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
UNS_ALWAYS_INLINE VECTOR KERNEL(update_momentum)(const uns_update *k, narrow_strip *strip,
                                                 size_t i, size_t room, VECTOR in, VECTOR *m) {
    const VECTOR old = STATE_LOAD(strip, UNS_KEPT_M, k->m, i, room);
    *m = KERNEL(mixed)(V(set)((ELEMENT)k->row[2]), old, V(set)((ELEMENT)k->row[3]), in);
    STATE_STORE(strip, UNS_KEPT_M, k->m, i, *m, room);
    return KERNEL(mixed)(V(set)((ELEMENT)k->row[0]), old, V(set)((ELEMENT)k->row[1]), in);
}

/* C takes in s and is stored. */
UNS_ALWAYS_INLINE VECTOR KERNEL(update_moment)(const uns_update *k, unsigned slots,
                                               narrow_strip *strip, size_t i, size_t room,
                                               VECTOR s) {
    const uns_coeffs *of = &k->coeffs;
    VECTOR c = STATE_LOAD(strip, UNS_KEPT_C, k->c, i, room);
    if (slots & UNS_SLOT_ACCUMULATE)
        c = KERNEL(affine)(of->a, of->b, of->e, s, c);
    if (slots & UNS_SLOT_MAX)
        c = KERNEL(decaying_max)(of->a, of->e, s, c);
    if (slots & UNS_SLOT_SIGN)
        c = KERNEL(additive)(of->b, s, c);
    if (slots & (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN))
        STATE_STORE(strip, UNS_KEPT_C, k->c, i, c, room);
    return c;
}

/* What the root is taken of: C, the ceiling above it, or the variance. */
UNS_ALWAYS_INLINE VECTOR KERNEL(update_estimate)(const uns_update *k, unsigned slots,
                                                 narrow_strip *strip, size_t i, size_t room,
                                                 VECTOR s, VECTOR c) {
    if (slots & UNS_SLOT_CEILING) {
        const VECTOR before = STATE_LOAD(strip, UNS_KEPT_CEILING, k->ceiling, i, room);
        c = KERNEL(topped)(k->top, c, before);
        STATE_STORE(strip, UNS_KEPT_CEILING, k->ceiling, i, c, room);
    }
    if (slots & UNS_SLOT_MEAN) {
        ELEMENT *at = (ELEMENT *)k->mean + i;
        const VECTOR a = V(set)((ELEMENT)k->coeffs.a), b = V(set)((ELEMENT)k->coeffs.b);
        const VECTOR mean = KERNEL(mixed)(a, V(load)(at, room), b, s);
        V(store)(at, mean, room);
        c = KERNEL(spread)(k->coeffs.c, c, mean);
    }
    return c;
}

/* Slots 3 to 6: d from s and u. */
UNS_ALWAYS_INLINE VECTOR KERNEL(update_direction)(const uns_update *k, const denominator *of,
                                                  unsigned slots, root_kind kind,
                                                  narrow_strip *strip, size_t i, size_t room,
                                                  VECTOR s, VECTOR u) {
    VECTOR d = u;
    if (slots & (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN | UNS_SLOT_ROOT)) {
        const VECTOR c = KERNEL(update_moment)(k, slots, strip, i, room, s);
        const VECTOR estimate = KERNEL(update_estimate)(k, slots, strip, i, room, s, c);
        if (slots & UNS_SLOT_ROOT)
            d = KERNEL(divide)(of, kind, estimate, u);
    }
    if (slots & UNS_SLOT_ROOT_OF_SIGNAL)
        d = KERNEL(divide)(of, kind, KERNEL(own_square)(kind, s), u);
    if (slots & UNS_SLOT_RHO)
        d = V(mul)(V(set)((ELEMENT)k->coeffs.rho), d);
    if (slots & UNS_SLOT_ADADELTA) {
        const VECTOR old = STATE_LOAD(strip, UNS_KEPT_SQUARE, k->square, i, room);
        d = KERNEL(lengthened)(k->square_epsilon, old, d);
        const VECTOR square = KERNEL(affine)(k->square_keep, 1 - k->square_keep, 0, d, old);
        STATE_STORE(strip, UNS_KEPT_SQUARE, k->square, i, square, room);
    }
    return d;
}

/* One register through all slots. */
UNS_ALWAYS_INLINE void KERNEL(update_at)(const uns_update *k, const denominator *of,
                                         unsigned slots, root_kind kind, narrow_strip *strip,
                                         size_t i, size_t room) {
    const VECTOR x = X_LOAD(strip, k->x, i, room);
    VECTOR g = G_LOAD(strip, k->g, i, room), m;
    if (slots & UNS_SLOT_GUARD)
        g = KERNEL(guarded)(k, g, x);
    VECTOR u = g, s = g;
    if (slots & UNS_SLOT_MOMENTUM_FIRST)
        u = KERNEL(update_momentum)(k, strip, i, room, g, &m);
    if (slots & UNS_SLOT_DEVIATION)
        s = KERNEL(mixed)(V(set)(1), g, V(set)(-1), m);
    if (slots & UNS_SLOT_DIRECTION)
        s = u;
    VECTOR d = KERNEL(update_direction)(k, of, slots, kind, strip, i, room, s, u);
    if (slots & UNS_SLOT_MOMENTUM_LAST)
        d = KERNEL(update_momentum)(k, strip, i, room, d, &m);
    X_STORE(strip, k->x, i, KERNEL(moved)(k->keep, k->eta, d, x), room);
}

/* `slots` and `kind` are constants. The copy tells the compiler that no store changes it. */
UNS_ALWAYS_INLINE void KERNEL(update_as)(size_t n, const uns_update *update, unsigned slots,
                                         root_kind kind) {
    const uns_update k = *update;
    const denominator of = denominator_of(&k.root, kind);
    for (size_t i = 0; i < n; i += LANES)
        KERNEL(update_at)(&k, &of, slots, kind, NULL, i, n - i);
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

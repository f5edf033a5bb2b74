/* SPDX-License-Identifier: MIT
 * Template: update.inc.h's step with arrays in fewer bits, a strip of 256 elements at a time.
 */

/* What has been written becomes codes. */
UNS_ALWAYS_INLINE void strip_close(const narrow_strip *strip, const uns_reduced *narrow,
                                   const uns_update *update, unsigned slots, size_t n) {
    if (strip->state != UNS_FORM_Q8)
        return;
    if (slots & (UNS_SLOT_MOMENTUM_FIRST | UNS_SLOT_MOMENTUM_LAST))
        strip_encode(narrow, UNS_KEPT_M, strip->begin, n, q8_scale(strip->most[UNS_KEPT_M]),
                     strip->wait[UNS_KEPT_M], update->m);
    if (slots & (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN))
        strip_encode(narrow, UNS_KEPT_C, strip->begin, n, q8_scale(strip->most[UNS_KEPT_C]),
                     strip->wait[UNS_KEPT_C], update->c);
    if (slots & UNS_SLOT_CEILING)
        strip_encode(narrow, UNS_KEPT_CEILING, strip->begin, n,
                     q8_scale(strip->most[UNS_KEPT_CEILING]), strip->wait[UNS_KEPT_CEILING],
                     update->ceiling);
    if (slots & UNS_SLOT_ADADELTA)
        strip_encode(narrow, UNS_KEPT_SQUARE, strip->begin, n,
                     q8_scale(strip->most[UNS_KEPT_SQUARE]), strip->wait[UNS_KEPT_SQUARE],
                     update->square);
}

/* Guards whose numbers are neutral do nothing. */
static inline uns_update unguarded(const uns_update *update) {
    uns_update k = *update;
    if (k.slots & UNS_SLOT_GUARD)
        return k;
    k.unscale = 1;
    k.clamp = (double)INFINITY;
    k.clips = false;
    k.l2 = 0;
    return k;
}

/* `slots`, `kind` and `state` are constants. No pointer to the local copies leaves. */
UNS_ALWAYS_INLINE void update_narrow_as(size_t n, const uns_update *update,
                                        const uns_reduced *narrow, unsigned slots,
                                        root_kind kind, uns_form state) {
    const uns_update k = unguarded(update);
    const denominator of = denominator_of(&k.root, kind);
    _Alignas(64) float wait[UNS_KEPT_COUNT][Q8_BLOCK];
    narrow_strip strip = {.state = state, .how = *narrow, .wait = wait};
    for (size_t begin = 0; begin < n; begin += Q8_BLOCK) {
        const size_t end = n - begin < Q8_BLOCK ? n : begin + Q8_BLOCK;
        const size_t whole = end - (end - begin) % F32_LANES;
        strip_open(&strip, begin);
        for (size_t i = begin; i < whole; i += F32_LANES) {
            update_at_f32(&k, &of, slots, kind, &strip, i, F32_LANES);
            strip.dither = dither_next(strip.dither);
        }
        if (whole < end)
            update_at_f32(&k, &of, slots, kind, &strip, whole, end - whole);
        strip_close(&strip, narrow, update, slots, end - begin);
    }
}

UNS_ALWAYS_INLINE void update_narrow_by(size_t n, const uns_update *update,
                                        const uns_reduced *narrow, unsigned slots,
                                        root_kind kind) {
    if (narrow->state == UNS_FORM_Q8)
        update_narrow_as(n, update, narrow, slots, kind, UNS_FORM_Q8);
    else if (narrow->state == UNS_FORM_BF16)
        update_narrow_as(n, update, narrow, slots, kind, UNS_FORM_BF16);
    else
        update_narrow_as(n, update, narrow, slots, kind, UNS_FORM_PLAIN);
}

#define RULE_CASE(slots, kind)                                                                 \
    case RULE_KEY((slots) | UNS_SLOT_GUARD, kind):                                             \
        update_narrow_by(n, update, narrow, (slots) | UNS_SLOT_GUARD, kind);                   \
        return 1;

/* Always with the guard's slot, to halve what is compiled. */
static int update_narrow(size_t n, const uns_update *update, const uns_reduced *narrow) {
    switch (RULE_KEY(update->slots | UNS_SLOT_GUARD, update_kind_of(update))) {
        UNS_RULES(RULE_CASE)
    default:
        return 0;
    }
}

#undef RULE_CASE

/* SPDX-License-Identifier: MIT
 * Template: f32 registers of state from and to arrays that are kept in fewer bits. A strip is
 * at most 256 elements: 8-bit codes need the largest of them, so what becomes codes waits in
 * the strip until its end. Registers go in pairs, which words of 16 bits are made of: what is
 * fetched with the first is there for the second, and what is kept of the first waits for the
 * second. A strip that is NULL at compile time: all is plain.
 */

typedef struct narrow_strip {
    uns_form state; /* constant: bf16 or codes */
    bool second;    /* constant: the pair's second register */
    uint32_t start[UNS_KEPT_COUNT];
    uint16_t base[UNS_KEPT_COUNT]; /* of the codes */
    u32v dither; /* of the pair's first register, but for each array's start */
    u32v dithers[2];
    f32v fetched[UNS_KEPT_COUNT]; /* the second's */
    u32v sum[UNS_KEPT_COUNT];     /* the first's, for its top half */
    u32v most[UNS_KEPT_COUNT];    /* largest sizes so far of what waits */
    u32v before[UNS_KEPT_COUNT];  /* the strip's before */
    float (*wait)[Q8_BLOCK];      /* [UNS_KEPT_COUNT] */
    size_t waiting;               /* that many before element 0 of the arrays */
} narrow_strip;

UNS_ALWAYS_INLINE f32v narrow_fetch(narrow_strip *strip, int which, const void *from, size_t i,
                                    size_t room) {
    if (!strip)
        return f32_load((const float *)from + i, room);
    if (strip->second)
        return strip->fetched[which];
    const f32_pair x = strip->state == UNS_FORM_BF16
                           ? narrow_under(u16_load((const uint16_t *)from + i))
                           : q8_numbers(which == UNS_KEPT_M, strip->base[which],
                                        u16_load_u8((const uint8_t *)from + i));
    strip->fetched[which] = x.second;
    return x.first;
}

UNS_ALWAYS_INLINE void narrow_keep(narrow_strip *strip, int which, void *to, size_t i, f32v v,
                                   size_t room) {
    if (!strip) {
        f32_store((float *)to + i, v, room);
        return;
    }
    if (strip->state == UNS_FORM_Q8) {
        f32_store(strip->wait[which] + strip->waiting + i, v, F32_LANES);
        strip->most[which] = q8_larger(strip->most[which], v);
        return;
    }
    const uint32_t ahead = strip->second ? (uint32_t)F32_LANES * DITHER_STEP : 0;
    const u32v dither = u32_add(strip->dither, u32_set(strip->start[which] + ahead));
    const u32v sum = narrow_sum(v, u32_shift_right(dither, 16));
    if (strip->second)
        u16_store((uint16_t *)to + i - F32_LANES, u16_top(strip->sum[which], sum));
    strip->sum[which] = sum;
}

UNS_ALWAYS_INLINE void strip_open_array(narrow_strip *strip, const uns_reduced *narrow,
                                        int which, size_t begin) {
    const uint8_t *scales = narrow->scales[which];
    const bool coded = strip->state == UNS_FORM_Q8 && scales;
    strip->start[which] = narrow->start[which];
    strip->most[which] = u32_set(0);
    strip->base[which] = coded ? q8_base(scales[begin / Q8_BLOCK], which == UNS_KEPT_M) : 0;
}

/* The strip of element `begin`, a multiple of 256. Here and below no loop over the arrays:
 * compilers then keep them in registers. */
UNS_ALWAYS_INLINE void strip_open(narrow_strip *strip, const uns_reduced *narrow, size_t begin,
                                  float (*wait)[Q8_BLOCK]) {
    strip->wait = wait;
    strip->waiting = 0;
    strip->dithers[0] = strip->dithers[1] = dither_at(0, begin);
    strip_open_array(strip, narrow, UNS_KEPT_M, begin);
    strip_open_array(strip, narrow, UNS_KEPT_C, begin);
    strip_open_array(strip, narrow, UNS_KEPT_CEILING, begin);
    strip_open_array(strip, narrow, UNS_KEPT_SQUARE, begin);
}

/* n numbers from element `begin` on, which have been waiting, become codes at `to`. */
UNS_NEVER_INLINE void strip_encode(const uns_reduced *how, int which, size_t begin, size_t n,
                                   uint8_t scale, const float *wait, void *to) {
    const uint32_t start = how->start[which] + (uint32_t)begin * DITHER_STEP;
    uint8_t *codes = (uint8_t *)to + begin;
    how->scales[which][begin / Q8_BLOCK] = scale;
    if (which == UNS_KEPT_M)
        q8_encode(n, true, start, scale, wait, codes);
    else
        q8_encode(n, false, start, scale, wait, codes);
}

UNS_ALWAYS_INLINE void strip_close_array(const narrow_strip *strip, const uns_reduced *narrow,
                                         int which, size_t begin, size_t n, const float *wait,
                                         void *to) {
    strip_encode(narrow, which, begin, n, q8_scale(strip->before[which]), wait, to);
}

/* Another strip may be opened before the codes of this one are made: then their scale is known
 * without waiting. */
UNS_ALWAYS_INLINE void strip_wait(narrow_strip *strip) {
    strip->before[UNS_KEPT_M] = strip->most[UNS_KEPT_M];
    strip->before[UNS_KEPT_C] = strip->most[UNS_KEPT_C];
    strip->before[UNS_KEPT_CEILING] = strip->most[UNS_KEPT_CEILING];
    strip->before[UNS_KEPT_SQUARE] = strip->most[UNS_KEPT_SQUARE];
}

/* What waits becomes codes. */
UNS_ALWAYS_INLINE void strip_close(const narrow_strip *strip, const uns_reduced *narrow,
                                   const uns_update *update, unsigned slots, size_t begin,
                                   size_t n, float (*wait)[Q8_BLOCK]) {
    if (strip->state != UNS_FORM_Q8)
        return;
    if (slots & (UNS_SLOT_MOMENTUM_FIRST | UNS_SLOT_MOMENTUM_LAST))
        strip_close_array(strip, narrow, UNS_KEPT_M, begin, n, wait[UNS_KEPT_M], update->m);
    if (slots & (UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN))
        strip_close_array(strip, narrow, UNS_KEPT_C, begin, n, wait[UNS_KEPT_C], update->c);
    if (slots & UNS_SLOT_CEILING)
        strip_close_array(strip, narrow, UNS_KEPT_CEILING, begin, n, wait[UNS_KEPT_CEILING],
                          update->ceiling);
    if (slots & UNS_SLOT_ADADELTA)
        strip_close_array(strip, narrow, UNS_KEPT_SQUARE, begin, n, wait[UNS_KEPT_SQUARE],
                          update->square);
}

/* SPDX-License-Identifier: MIT
 * Template: f32 registers from and to arrays that are kept in fewer bits, as uns_reduced says.
 * A strip is 256 elements: 8-bit codes need the largest of them, so what becomes codes waits in
 * the strip until its end. A strip that is NULL at compile time: all is plain.
 */

typedef struct narrow_strip {
    uns_form state; /* constant */
    uns_reduced how;
    uint32_t base[UNS_KEPT_COUNT]; /* of the codes */
    size_t begin;                  /* the strip's first element */
    u32v dither;                   /* of the register under way, but for each array's start */
    u32v most[UNS_KEPT_COUNT];     /* largest sizes so far of what waits */
    float (*wait)[Q8_BLOCK];       /* [UNS_KEPT_COUNT] */
} narrow_strip;

UNS_ALWAYS_INLINE f32v narrow_fetch(const narrow_strip *strip, int which, const void *from,
                                    size_t i, size_t room) {
    if (strip && strip->state == UNS_FORM_BF16)
        return narrow_load_bf16((const uint16_t *)from + i, room);
    if (strip && strip->state == UNS_FORM_Q8)
        return q8_load(which == UNS_KEPT_M, strip->base[which], (const uint8_t *)from + i,
                       room);
    return f32_load((const float *)from + i, room);
}

UNS_ALWAYS_INLINE void narrow_keep(narrow_strip *strip, int which, void *to, size_t i, f32v v,
                                   size_t room) {
    if (strip && strip->state == UNS_FORM_BF16)
        narrow_store_dithered(u32_add(strip->dither, u32_set(strip->how.start[which])), v,
                              (uint16_t *)to + i, room);
    else if (strip && strip->state == UNS_FORM_Q8) {
        float *at = strip->wait[which] + (i - strip->begin);
        f32_store(at, v, room);
        strip->most[which] =
            q8_larger(strip->most[which], room < F32_LANES ? f32_load(at, room) : v);
    } else
        f32_store((float *)to + i, v, room);
}

UNS_ALWAYS_INLINE f32v narrow_fetch_g(const narrow_strip *strip, const void *from, size_t i,
                                      size_t room) {
    if (strip && strip->how.bf16)
        return narrow_load_bf16((const uint16_t *)from + i, room);
    return f32_load((const float *)from + i, room);
}

UNS_ALWAYS_INLINE f32v narrow_fetch_x(const narrow_strip *strip, const void *from, size_t i,
                                      size_t room) {
    if (strip && strip->how.bf16 && strip->how.low)
        return narrow_load_halves((const uint16_t *)from + i, strip->how.low + i, room);
    return narrow_fetch_g(strip, from, i, room);
}

UNS_ALWAYS_INLINE void narrow_keep_x(const narrow_strip *strip, void *to, size_t i, f32v v,
                                     size_t room) {
    if (strip && strip->how.bf16) {
        uint16_t *out = (uint16_t *)to + i;
        if (strip->how.low)
            narrow_store_halves(v, out, strip->how.low + i, room);
        else
            narrow_store_random(strip->how.key, strip->how.first + (uint32_t)i, v, out, room);
        return;
    }
    f32_store((float *)to + i, v, room);
}

UNS_ALWAYS_INLINE void strip_open_array(narrow_strip *strip, int which) {
    const uint8_t *scales = strip->how.scales[which];
    const bool coded = strip->state == UNS_FORM_Q8 && scales;
    const uint32_t top = which == UNS_KEPT_M ? 127 : 255;
    strip->most[which] = u32_set(0);
    strip->base[which] = coded ? q8_base(scales[strip->begin / Q8_BLOCK], top) : 0;
}

/* The strip of element `begin`, a multiple of 256. Here and below no loop over the arrays:
 * compilers then keep them in registers. */
UNS_ALWAYS_INLINE void strip_open(narrow_strip *strip, size_t begin) {
    strip->begin = begin;
    strip->dither = dither_at(0, begin);
    strip_open_array(strip, UNS_KEPT_M);
    strip_open_array(strip, UNS_KEPT_C);
    strip_open_array(strip, UNS_KEPT_CEILING);
    strip_open_array(strip, UNS_KEPT_SQUARE);
}

/* n numbers from element `begin` on, which have been waiting, become codes at `to`. Not inline:
 * all that it is given pointers to would be read anew for every register. */
static void strip_encode(const uns_reduced *how, int which, size_t begin, size_t n,
                         uint8_t scale, const float *wait, void *to) {
    const uint32_t start = how->start[which] + (uint32_t)begin * DITHER_STEP;
    uint8_t *codes = (uint8_t *)to + begin;
    how->scales[which][begin / Q8_BLOCK] = scale;
    if (which == UNS_KEPT_M)
        q8_encode(n, true, start, scale, wait, codes);
    else
        q8_encode(n, false, start, scale, wait, codes);
}

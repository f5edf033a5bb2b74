/* SPDX-License-Identifier: MIT
 * Template: f32 in fewer bits, as kern.h defines it: bf16 by nearest, dithered or in two
 * halves; 8-bit codes below one exponent for 256 numbers. Integer arithmetic on the bits
 * throughout, so that flushing modes do not matter.
 */

/* `number` where x is none of the NaNs, else `special`. */
static inline u32v narrow_select(f32v x, u32v number, u32v special) {
    return f32_bits(f32_select(f32_eq(x, x), f32_from_bits(number), f32_from_bits(special)));
}

/* x + plus, plus < 2^16, for its top half: infinity stays, and NaN becomes the quiet one. */
static inline u32v narrow_sum(f32v x, u32v plus) {
    return narrow_select(x, u32_add(f32_bits(x), plus), u32_set(0x7fc00000));
}

static inline u32v narrow_top(f32v x, u32v plus) {
    return u32_shift_right(narrow_sum(x, plus), 16);
}

/* Two registers, whose numbers make one of 16-bit words. */
#define PAIR (2 * F32_LANES)

typedef struct f32_pair {
    f32v first, second;
} f32_pair;

static inline f32_pair narrow_under(u16v top) {
    return (f32_pair){f32_from_bits(u32_under_first(top)),
                      f32_from_bits(u32_under_second(top))};
}

static inline f32v narrow_load_bf16(const uint16_t *x, size_t room) {
    return f32_from_bits(u32_shift_left(u32_load_u16(x, room), 16));
}

static void bf16_to_f32(size_t n, const uint16_t *x, float *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        f32_store(out + i, narrow_load_bf16(x + i, n - i), n - i);
    }
}

static void f32_to_bf16(size_t n, const float *x, uint16_t *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const f32v xi = f32_load(x + i, n - i);
        const u32v odd = u32_and(u32_shift_right(f32_bits(xi), 16), u32_set(1));
        const u32v plus = u32_add(u32_set(0x7fff), odd);
        u32_store_u16(out + i, narrow_top(xi, plus), n - i);
    }
}

/* Thresholds, 32 bits each, of element i and its neighbours, and from there those of the next
 * register: one sum instead of a product. */
#define DITHER_STEP 0x91E10DA5u

static inline u32v dither_at(uint32_t start, size_t i) {
    return u32_add(u32_set(start + (uint32_t)i * DITHER_STEP),
                   u32_multiply(u32_ascending(), u32_set(DITHER_STEP)));
}

static inline u32v dither_next(u32v dither) {
    return u32_add(dither, u32_set((uint32_t)F32_LANES * DITHER_STEP));
}

/* C. Wellons' 32-bit mixer "lowbias32" over a counter. */
static inline u32v narrow_hash(uint64_t key, uint32_t counter) {
    u32v x = u32_xor(u32_add(u32_set(counter), u32_ascending()), u32_set((uint32_t)key));
    x = u32_multiply(u32_xor(x, u32_shift_right(x, 16)), u32_set(0x7feb352du));
    x = u32_xor(x, u32_set((uint32_t)(key >> 32)));
    x = u32_multiply(u32_xor(x, u32_shift_right(x, 15)), u32_set(0x846ca68bu));
    return u32_xor(x, u32_shift_right(x, 16));
}

static inline void narrow_store_dithered(u32v dither, f32v x, uint16_t *out, size_t room) {
    u32_store_u16(out, narrow_top(x, u32_shift_right(dither, 16)), room);
}

static inline void narrow_store_random(uint64_t key, uint32_t counter, f32v x, uint16_t *out,
                                       size_t room) {
    const u32v plus = u32_shift_right(narrow_hash(key, counter), 16);
    u32_store_u16(out, narrow_top(x, plus), room);
}

static void f32_to_bf16_dithered(size_t n, uint32_t start, const float *x, uint16_t *out) {
    u32v dither = dither_at(start, 0);
    for (size_t i = 0; i < n; i += F32_LANES) {
        narrow_store_dithered(dither, f32_load(x + i, n - i), out + i, n - i);
        dither = dither_next(dither);
    }
}

static void f32_to_bf16_random(size_t n, uint64_t key, uint32_t first, const float *x,
                               uint16_t *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        narrow_store_random(key, first + (uint32_t)i, f32_load(x + i, n - i), out + i, n - i);
    }
}

static inline void narrow_store_halves(f32v x, uint16_t *high, uint16_t *low, size_t room) {
    const u32v kept = u32_and(f32_bits(x), u32_set(0xffff));
    u32_store_u16(high, narrow_top(x, u32_set(0x8000)), room);
    u32_store_u16(low, narrow_select(x, kept, u32_set(0)), room);
}

/* Where low has its top bit, `high` has been rounded up. */
static inline f32v narrow_load_halves(const uint16_t *high, const uint16_t *low, size_t room) {
    const u32v bottom = u32_load_u16(low, room);
    const u32v top = u32_sub(u32_load_u16(high, room), u32_shift_right(bottom, 15));
    return f32_from_bits(u32_or(u32_shift_left(top, 16), bottom));
}

static void f32_to_halves(size_t n, const float *x, uint16_t *high, uint16_t *low) {
    for (size_t i = 0; i < n; i += F32_LANES)
        narrow_store_halves(f32_load(x + i, n - i), high + i, low + i, n - i);
}

static void halves_to_f32(size_t n, const uint16_t *high, const uint16_t *low, float *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        f32_store(out + i, narrow_load_halves(high + i, low + i, n - i), n - i);
    }
}

#define Q8_BLOCK 256

/* The upper bits that code 0 stands for. */
static inline uint16_t q8_base(uint8_t scale, bool is_signed) {
    const int base = 8 * scale + 8 - (is_signed ? 127 : 255);
    return (uint16_t)(base > 0 ? base : 0);
}

static inline u32v q8_larger(u32v most, f32v x) {
    return u32_max(most, u32_and(f32_bits(x), u32_set(0x7fffffffu)));
}

/* The exponent field of the largest size in any lane. */
static inline uint8_t q8_scale(u32v most) {
    return (uint8_t)(u32_largest(most) >> 23);
}

/* Codes of a pair, the first register's thresholds being `dither`. NaN is the quiet one, so
 * that nothing is carried into the sign. */
UNS_ALWAYS_INLINE u16v q8_codes(bool is_signed, uint16_t base, u32v dither, f32_pair x) {
    const u32v ahead = u32_shift_right(dither_next(dither), 12);
    const u32v first = u32_add(f32_bits(x.first), u32_shift_right(dither, 12));
    const u16v top = u16_top(first, u32_add(f32_bits(x.second), ahead));
    const u16v upper = u16_shift_right(u16_and(top, u16_set(0x7fff)), 4);
    const u16v code = u16_sub_to_zero(upper, u16_set(base));
    if (is_signed)
        return u16_or(code, u16_and(u16_shift_right(top, 8), u16_set(128)));
    return u16_min(u16_max(code, u16_set(1)), upper);
}

static inline f32_pair f32_pair_at(const float *x) {
    return (f32_pair){f32_load(x, F32_LANES), f32_load(x + F32_LANES, F32_LANES)};
}

UNS_ALWAYS_INLINE void q8_encode_pairs(size_t n, bool is_signed, uint32_t start, uint16_t base,
                                       const float *x, uint8_t *codes) {
    u32v dither = dither_at(start, 0);
    for (size_t i = 0; i < n; i += PAIR) {
        u16_store_u8(codes + i, q8_codes(is_signed, base, dither, f32_pair_at(x + i)));
        dither = dither_next(dither_next(dither));
    }
}

/* Fewer numbers than a pair. */
UNS_NEVER_INLINE void q8_encode_rest(size_t n, bool is_signed, uint32_t start, uint16_t base,
                                     const float *x, uint8_t *codes) {
    const f32_pair number = {
        f32_load(x, n), n > F32_LANES ? f32_load(x + F32_LANES, n - F32_LANES) : f32_set(0)};
    uint8_t code[PAIR];
    u16_store_u8(code, q8_codes(is_signed, base, dither_at(start, 0), number));
    memcpy(codes, code, n);
}

/* n <= 256 numbers with one scale. */
UNS_ALWAYS_INLINE void q8_encode_finite(size_t n, bool is_signed, uint32_t start, uint8_t scale,
                                        const float *x, uint8_t *codes) {
    const uint16_t base = q8_base(scale, is_signed);
    const size_t whole = n - n % PAIR;
    q8_encode_pairs(whole, is_signed, start, base, x, codes);
    if (whole < n)
        q8_encode_rest(n - whole, is_signed, start + (uint32_t)whole * DITHER_STEP, base,
                       x + whole, codes + whole);
}

/* The same where there may be NaN: which one came out of an operation is left open, its code is
 * not. */
UNS_NEVER_INLINE void q8_encode_any(size_t n, bool is_signed, uint32_t start, uint8_t scale,
                                    const float *x, uint8_t *codes) {
    float number[Q8_BLOCK];
    for (size_t i = 0; i < n; i += F32_LANES) {
        const f32v xi = f32_load(x + i, n - i);
        const u32v bits = narrow_select(xi, f32_bits(xi), u32_set(0x7fc00000));
        f32_store(number + i, f32_from_bits(bits), n - i);
    }
    q8_encode_finite(n, is_signed, start, scale, number, codes);
}

/* Only the largest scale has NaN below it. */
UNS_ALWAYS_INLINE void q8_encode(size_t n, bool is_signed, uint32_t start, uint8_t scale,
                                 const float *x, uint8_t *codes) {
    if (scale == 255)
        q8_encode_any(n, is_signed, start, scale, x, codes);
    else
        q8_encode_finite(n, is_signed, start, scale, x, codes);
}

static void f32_to_q8(size_t n, bool is_signed, uint32_t start, const float *x, uint8_t *codes,
                      uint8_t *scales) {
    for (size_t i = 0; i < n; i += Q8_BLOCK) {
        const size_t some = n - i < Q8_BLOCK ? n - i : Q8_BLOCK;
        const uint32_t from = start + (uint32_t)i * DITHER_STEP;
        u32v most = u32_set(0);
        for (size_t j = 0; j < some; j += F32_LANES)
            most = q8_larger(most, f32_load(x + i + j, some - j));
        const uint8_t scale = scales[i / Q8_BLOCK] = q8_scale(most);
        if (is_signed)
            q8_encode(some, true, from, scale, x + i, codes + i);
        else
            q8_encode(some, false, from, scale, x + i, codes + i);
    }
}

/* Of codes with their upper bits 4 bits higher, as in an f32's upper half: a signed one's sign
 * goes to the top, and the base is added to all but 0. */
UNS_ALWAYS_INLINE f32_pair q8_numbers(bool is_signed, uint16_t base, u16v codes) {
    u16v top = u16_shift_left(codes, 4);
    if (is_signed)
        top = u16_add_to_nonzero(top, u16_set(0x800), u16_set(0x7800));
    const u16v bits = u16_set(is_signed ? 0x7f0 : 0xff0);
    return narrow_under(u16_add_to_nonzero(top, bits, u16_set((uint16_t)(base << 4))));
}

UNS_ALWAYS_INLINE void q8_decode(size_t n, bool is_signed, const uint8_t *codes, uint8_t scale,
                                 float *out) {
    const uint16_t base = q8_base(scale, is_signed);
    for (size_t i = 0; i < n; i += PAIR) {
        uint8_t rest[PAIR] = {0};
        if (n - i < PAIR)
            memcpy(rest, codes + i, n - i);
        const u16v code = u16_load_u8(n - i < PAIR ? rest : codes + i);
        const f32_pair x = q8_numbers(is_signed, base, code);
        f32_store(out + i, x.first, n - i);
        if (n - i > F32_LANES)
            f32_store(out + i + F32_LANES, x.second, n - i - F32_LANES);
    }
}

static void q8_to_f32(size_t n, bool is_signed, const uint8_t *codes, const uint8_t *scales,
                      float *out) {
    for (size_t i = 0; i < n; i += Q8_BLOCK) {
        const size_t some = n - i < Q8_BLOCK ? n - i : Q8_BLOCK;
        if (is_signed)
            q8_decode(some, true, codes + i, scales[i / Q8_BLOCK], out + i);
        else
            q8_decode(some, false, codes + i, scales[i / Q8_BLOCK], out + i);
    }
}

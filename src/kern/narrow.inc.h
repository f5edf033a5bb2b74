/* SPDX-License-Identifier: MIT
 * Template: f32 in fewer bits, as kern.h defines it: bf16 by nearest, dithered or in two
 * halves; 8-bit codes below one exponent for 256 numbers. Integer arithmetic on the bits
 * throughout, so that flushing modes do not matter.
 */

/* `number` where x is none of the NaNs, else `special`. */
static inline u32v narrow_select(f32v x, u32v number, u32v special) {
    return f32_bits(f32_select(f32_eq(x, x), f32_from_bits(number), f32_from_bits(special)));
}

/* The top half of x + plus, plus < 2^16: infinity stays, and NaN becomes the quiet one. */
static inline u32v narrow_top(f32v x, u32v plus) {
    const u32v sum = narrow_select(x, u32_add(f32_bits(x), plus), u32_set(0x7fc00000));
    return u32_shift_right(sum, 16);
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
static inline uint32_t q8_base(uint32_t scale, uint32_t top) {
    return 8 * scale + 8 > top ? 8 * scale + 8 - top : 0;
}

static inline u32v q8_larger(u32v most, f32v x) {
    return u32_max(most, u32_and(f32_bits(x), u32_set(0x7fffffffu)));
}

/* The exponent field of the largest size in any lane. */
static inline uint8_t q8_scale(u32v most) {
    return (uint8_t)(u32_largest(most) >> 23);
}

static inline u32v q8_code(bool is_signed, u32v base, u32v dither, f32v x) {
    const u32v bits = f32_bits(x), size = u32_and(bits, u32_set(0x7fffffffu));
    const u32v sum = u32_add(size, u32_shift_right(dither, 12));
    const u32v upper = u32_shift_right(sum, 20), one = u32_set(1);
    if (is_signed) {
        const u32v sign = u32_and(u32_shift_right(bits, 24), u32_set(128));
        return u32_or(u32_sub(u32_max(upper, base), base), sign);
    }
    const u32v code = u32_sub(u32_max(upper, u32_add(base, one)), base);
    return u32_multiply(code, u32_min(size, one));
}

/* x, or the quiet NaN: which one came out of an operation is left open, its code is not. */
static inline f32v q8_one_nan(f32v x) {
    return f32_from_bits(narrow_select(x, f32_bits(x), u32_set(0x7fc00000)));
}

/* Codes of n numbers of one scale, `room` of them in a register at most. */
UNS_ALWAYS_INLINE void q8_encode_by(size_t n, size_t room, bool is_signed, bool finite,
                                    u32v dither, u32v base, const float *x, uint8_t *codes) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const f32v xi = f32_load(x + i, room);
        const u32v code = q8_code(is_signed, base, dither, finite ? xi : q8_one_nan(xi));
        u32_store_u8(codes + i, code, room);
        dither = dither_next(dither);
    }
}

/* n <= 256 numbers with one scale: registers without a look at what is left, and the rest. */
UNS_ALWAYS_INLINE void q8_encode_as(size_t n, bool is_signed, bool finite, uint32_t start,
                                    uint8_t scale, const float *x, uint8_t *codes) {
    const u32v base = u32_set(q8_base(scale, is_signed ? 127 : 255));
    const size_t whole = n - n % F32_LANES;
    q8_encode_by(whole, F32_LANES, is_signed, finite, dither_at(start, 0), base, x, codes);
    if (whole < n)
        q8_encode_by(n - whole, n - whole, is_signed, finite, dither_at(start, whole), base,
                     x + whole, codes + whole);
}

/* Only the largest scale has NaNs below it, and pays for them. */
UNS_ALWAYS_INLINE void q8_encode(size_t n, bool is_signed, uint32_t start, uint8_t scale,
                                 const float *x, uint8_t *codes) {
    if (scale == 255)
        q8_encode_as(n, is_signed, false, start, scale, x, codes);
    else
        q8_encode_as(n, is_signed, true, start, scale, x, codes);
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

UNS_ALWAYS_INLINE f32v q8_load(bool is_signed, uint32_t base, const uint8_t *codes,
                               size_t room) {
    const u32v byte = u32_load_u8(codes, room);
    const u32v code = is_signed ? u32_and(byte, u32_set(127)) : byte;
    const u32v upper = u32_multiply(u32_add(u32_set(base), code), u32_min(code, u32_set(1)));
    u32v bits = u32_shift_left(upper, 20);
    if (is_signed)
        bits = u32_or(bits, u32_and(u32_shift_left(byte, 24), u32_set(0x80000000u)));
    return f32_from_bits(bits);
}

UNS_ALWAYS_INLINE void q8_decode(size_t n, bool is_signed, const uint8_t *codes, uint8_t scale,
                                 float *out) {
    const uint32_t base = q8_base(scale, is_signed ? 127 : 255);
    for (size_t i = 0; i < n; i += F32_LANES)
        f32_store(out + i, q8_load(is_signed, base, codes + i, n - i), n - i);
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

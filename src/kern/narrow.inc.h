/* SPDX-License-Identifier: MIT
 * Template: f32 in fewer bits, as kern.h defines it: bf16 by nearest, dithered or in two
 * halves; 8-bit codes below one exponent for 256 numbers. Integer arithmetic on the bits
 * throughout, so that flushing modes do not matter.
 */

/* `finite` where x is finite, else `special`. */
static inline u32v narrow_select(f32v x, u32v finite, u32v special) {
    const f32_mask is_finite = f32_eq(f32_sub(x, x), f32_set(0));
    return f32_bits(f32_select(is_finite, f32_from_bits(finite), f32_from_bits(special)));
}

/* The top half of x + plus; of NaN (which the sum makes quiet) and ∞ their own. */
static inline u32v narrow_top(f32v x, u32v plus) {
    const u32v special = f32_bits(f32_add(x, x));
    return u32_shift_right(narrow_select(x, u32_add(f32_bits(x), plus), special), 16);
}

static void bf16_to_f32(size_t n, const uint16_t *x, float *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v top = u32_load_u16(x + i, n - i);
        f32_store(out + i, f32_from_bits(u32_shift_left(top, 16)), n - i);
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

/* Thresholds of element i and its neighbours, 32 bits each. */
static inline u32v narrow_dither(uint32_t start, size_t i) {
    const uint32_t step = 0x91E10DA5u;
    return u32_add(u32_set(start + (uint32_t)i * step),
                   u32_multiply(u32_ascending(), u32_set(step)));
}

/* C. Wellons' 32-bit mixer "lowbias32" over a counter. */
static inline u32v narrow_hash(uint64_t key, uint32_t counter) {
    u32v x = u32_xor(u32_add(u32_set(counter), u32_ascending()), u32_set((uint32_t)key));
    x = u32_multiply(u32_xor(x, u32_shift_right(x, 16)), u32_set(0x7feb352du));
    x = u32_xor(x, u32_set((uint32_t)(key >> 32)));
    x = u32_multiply(u32_xor(x, u32_shift_right(x, 15)), u32_set(0x846ca68bu));
    return u32_xor(x, u32_shift_right(x, 16));
}

static void f32_to_bf16_dithered(size_t n, uint32_t start, const float *x, uint16_t *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v plus = u32_shift_right(narrow_dither(start, i), 16);
        u32_store_u16(out + i, narrow_top(f32_load(x + i, n - i), plus), n - i);
    }
}

static void f32_to_bf16_random(size_t n, uint64_t key, uint32_t first, const float *x,
                               uint16_t *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v plus = u32_shift_right(narrow_hash(key, first + (uint32_t)i), 16);
        u32_store_u16(out + i, narrow_top(f32_load(x + i, n - i), plus), n - i);
    }
}

static void f32_to_halves(size_t n, const float *x, uint16_t *high, uint16_t *low) {
    const u32v lower = u32_set(0xffff);
    for (size_t i = 0; i < n; i += F32_LANES) {
        const f32v xi = f32_load(x + i, n - i);
        const u32v kept = u32_and(f32_bits(xi), lower);
        u32_store_u16(high + i, narrow_top(xi, u32_set(0x8000)), n - i);
        u32_store_u16(low + i, narrow_select(xi, kept, u32_set(0)), n - i);
    }
}

/* Where low has its top bit, `high` has been rounded up. */
static void halves_to_f32(size_t n, const uint16_t *high, const uint16_t *low, float *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v bottom = u32_load_u16(low + i, n - i);
        const u32v top = u32_sub(u32_load_u16(high + i, n - i), u32_shift_right(bottom, 15));
        const u32v bits = u32_or(u32_shift_left(top, 16), bottom);
        f32_store(out + i, f32_from_bits(bits), n - i);
    }
}

#define Q8_BLOCK 256

/* The upper bits that code 0 stands for. */
static inline uint32_t q8_base(uint32_t scale, uint32_t top) {
    return 8 * scale + 8 > top ? 8 * scale + 8 - top : 0;
}

/* Largest exponent field of n <= 256 numbers. */
static inline uint32_t q8_scale(size_t n, const float *x) {
    uint32_t part[F32_LANES], largest = 0;
    u32v most = u32_set(0);
    for (size_t i = 0; i < n; i += F32_LANES)
        most = u32_max(most, u32_and(f32_bits(f32_load(x + i, n - i)), u32_set(0x7fffffffu)));
    u32_store(part, most);
    for (size_t j = 0; j < F32_LANES; j++)
        largest = part[j] > largest ? part[j] : largest;
    return largest >> 23;
}

UNS_ALWAYS_INLINE void q8_encode(size_t n, bool is_signed, uint32_t start, const float *x,
                                 uint8_t *codes, uint8_t *scale) {
    *scale = (uint8_t)q8_scale(n, x);
    const u32v base = u32_set(q8_base(*scale, is_signed ? 127 : 255)), one = u32_set(1);
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v bits = f32_bits(f32_load(x + i, n - i));
        const u32v size = u32_and(bits, u32_set(0x7fffffffu));
        const u32v plus = u32_shift_right(narrow_dither(start, i), 12);
        const u32v upper = u32_shift_right(u32_add(size, plus), 20);
        u32v code;
        if (is_signed) {
            const u32v sign = u32_shift_left(u32_shift_right(bits, 31), 7);
            code = u32_or(u32_sub(u32_max(upper, base), base), sign);
        } else {
            const u32v least = u32_add(base, one);
            code = u32_sub(u32_max(upper, least), base);
            code = u32_multiply(code, u32_min(size, one));
        }
        u32_store_u8(codes + i, code, n - i);
    }
}

static void f32_to_q8(size_t n, bool is_signed, uint32_t start, const float *x, uint8_t *codes,
                      uint8_t *scales) {
    for (size_t i = 0; i < n; i += Q8_BLOCK) {
        const size_t some = n - i < Q8_BLOCK ? n - i : Q8_BLOCK;
        const uint32_t from = start + (uint32_t)i * 0x91E10DA5u;
        if (is_signed)
            q8_encode(some, true, from, x + i, codes + i, scales + i / Q8_BLOCK);
        else
            q8_encode(some, false, from, x + i, codes + i, scales + i / Q8_BLOCK);
    }
}

UNS_ALWAYS_INLINE void q8_decode(size_t n, bool is_signed, const uint8_t *codes, uint8_t scale,
                                 float *out) {
    const u32v base = u32_set(q8_base(scale, is_signed ? 127 : 255)), one = u32_set(1);
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v byte = u32_load_u8(codes + i, n - i);
        const u32v code = is_signed ? u32_and(byte, u32_set(127)) : byte;
        const u32v upper = u32_multiply(u32_add(base, code), u32_min(code, one));
        u32v bits = u32_shift_left(upper, 20);
        if (is_signed)
            bits = u32_or(bits, u32_shift_left(u32_shift_right(byte, 7), 31));
        f32_store(out + i, f32_from_bits(bits), n - i);
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

#undef Q8_BLOCK

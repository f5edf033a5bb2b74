/* SPDX-License-Identifier: MIT
 * Template: f32 in fewer bits, as kern.h defines it: bf16 by nearest, dithered or in two
 * halves; 8-bit codes below one exponent for 256 numbers. Integer arithmetic on the bits
 * throughout, so that flushing modes do not matter.
 */

/* 1 in lanes that hold NaN, else 0. */
static inline u32v narrow_is_nan(u32v bits) {
    const u32v infinite = u32_set(0x7f800000u);
    const u32v size = u32_and(bits, u32_set(0x7fffffffu));
    return u32_min(u32_sub(u32_max(size, infinite), infinite), u32_set(1));
}

/* The top half of bits + plus; of NaN a quiet NaN, of ∞ itself. */
static inline u32v narrow_top(u32v bits, u32v plus) {
    const u32v size = u32_and(bits, u32_set(0x7fffffffu)), one = u32_set(1);
    const u32v finite =
        u32_min(u32_sub(u32_max(size, u32_set(0x7f800000u)), size), one); /* 0 or 1 */
    const u32v top = u32_shift_right(u32_add(bits, u32_multiply(plus, finite)), 16);
    return u32_or(top, u32_shift_left(narrow_is_nan(bits), 6));
}

static void bf16_to_f32(size_t n, const uint16_t *x, float *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v top = u32_load_u16(x + i, n - i);
        f32_store(out + i, f32_from_bits(u32_shift_left(top, 16)), n - i);
    }
}

static void f32_to_bf16(size_t n, const float *x, uint16_t *out) {
    for (size_t i = 0; i < n; i += F32_LANES) {
        const u32v bits = f32_bits(f32_load(x + i, n - i));
        const u32v odd = u32_and(u32_shift_right(bits, 16), u32_set(1));
        const u32v plus = u32_add(u32_set(0x7fff), odd);
        u32_store_u16(out + i, narrow_top(bits, plus), n - i);
    }
}

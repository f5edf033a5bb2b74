/* SPDX-License-Identifier: MIT
 * The cases of the kernels between f32 and fewer bits; see kern_cases.h.
 */
#ifndef UNS_TEST_KERN_CASES_NARROW_H
#define UNS_TEST_KERN_CASES_NARROW_H

#include "support/kern_cases.h"

/* Rounded beyond the largest f32: ∞. */
static inline real finite_in_f32(real x) {
    return fabsl(x) < ldexpl(1, 128) ? x : copysignl(HUGE_VALL, x);
}

/* x to a multiple of 2^(e − bits), x in [2^(e−1), 2^e), or of the least subnormal's; ties to
 * even. */
static inline real nearest_in_bits(real x, int bits) {
    int exponent = 0;
    if (x == 0 || !isfinite(x))
        return x;
    frexpl(x, &exponent);
    const int lowest = -125 - bits;
    const real quantum = ldexpl(1, exponent - bits > lowest ? exponent - bits : lowest);
    return finite_in_f32(rintl(x / quantum) * quantum);
}

static inline void run_bf16_to_f32(const uns_kernels *k, trial *t) {
    k->bf16_to_f32(t->n, (const uint16_t *)t->data[0], (float *)t->data[1]);
}
static inline void want_bf16_to_f32(trial *t) {
    EACH(i)
    expect(t, 1, i, t->in[0][i], 0);
}

static inline void run_f32_to_bf16(const uns_kernels *k, trial *t) {
    k->f32_to_bf16(t->n, (const float *)t->data[0], (uint16_t *)t->data[1]);
}
static inline void want_f32_to_bf16(trial *t) {
    EACH(i)
    expect(t, 1, i, nearest_in_bits(t->in[0][i], 8), 0);
}

/* Thresholds of kern.h, of 32 bits; variants start elsewhere. */
static inline uint32_t dither_start(const trial *t) {
    return 0x9E3779B9u * (uint32_t)(t->variant + 3);
}
static inline real threshold_from(uint32_t start, size_t i) {
    return (real)(uint32_t)(start + (uint32_t)i * 0x91E10DA5u);
}
static inline real dither_of(const trial *t, size_t i) {
    return threshold_from(dither_start(t), i);
}

/* |x| up or down to `bits` bits by a threshold of `fine` bits, and x's sign. */
static inline real dithered(real x, int bits, real threshold, int fine) {
    int exponent = 0;
    if (x == 0 || !isfinite(x))
        return x;
    frexpl(x, &exponent);
    const int lowest = -125 - bits;
    const real quantum = ldexpl(1, exponent - bits > lowest ? exponent - bits : lowest);
    const real tau = floorl(ldexpl(threshold, fine - 32));
    const real size = floorl(fabsl(x) / quantum + ldexpl(tau, -fine)) * quantum;
    return finite_in_f32(copysignl(size, x));
}

static inline void run_f32_to_bf16_dithered(const uns_kernels *k, trial *t) {
    k->f32_to_bf16_dithered(t->n, dither_start(t), (const float *)t->data[0],
                            (uint16_t *)t->data[1]);
}
static inline void want_f32_to_bf16_dithered(trial *t) {
    EACH(i)
    expect(t, 1, i, dithered(t->in[0][i], 8, dither_of(t, i), 16), 0);
}

static const uint64_t random_key = 0x1234567890abcdefu;

static inline void run_f32_to_bf16_random(const uns_kernels *k, trial *t) {
    k->f32_to_bf16_random(t->n, random_key, 77u << t->variant, (const float *)t->data[0],
                          (uint16_t *)t->data[1]);
}
static inline uint32_t random_threshold(uint64_t key, uint32_t counter) {
    uint32_t x = counter ^ (uint32_t)key;
    x = (x ^ x >> 16) * 0x7feb352du;
    x ^= (uint32_t)(key >> 32);
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}
static inline void want_f32_to_bf16_random(trial *t) {
    EACH(i) {
        const real threshold = random_threshold(random_key, (77u << t->variant) + (uint32_t)i);
        expect(t, 1, i, dithered(t->in[0][i], 8, threshold, 16), 0);
    }
}

/* Arrays: x, high, and low as bytes. */
static inline void shape_halves(trial *t) {
    shape_flat(t);
    t->length[2] = 2 * t->n;
}
static inline void run_f32_to_halves(const uns_kernels *k, trial *t) {
    k->f32_to_halves(t->n, (const float *)t->data[0], (uint16_t *)t->data[1],
                     (uint16_t *)t->data[2]);
}
static inline void want_f32_to_halves(trial *t) {
    EACH(i) {
        const float x = (float)t->in[0][i];
        uint32_t bits;
        memcpy(&bits, &x, 4);
        const real nearest = dithered(x, 8, 2147483648.0L, 16);
        expect(t, 1, i, nearest, 0);
        expect(t, 2, 2 * i, isnan(x) ? 0 : bits & 0xff, 0);
        expect(t, 2, 2 * i + 1, isnan(x) ? 0 : bits >> 8 & 0xff, 0);
    }
}

static inline void run_halves_to_f32(const uns_kernels *k, trial *t) {
    k->halves_to_f32(t->n, (const uint16_t *)t->data[1], (const uint16_t *)t->data[2],
                     (float *)t->data[0]);
}
/* low counts from high in units of 2^−16 of its last place: −2^15 ... 2^15 − 1. */
static inline void want_halves_to_f32(trial *t) {
    EACH(i) {
        const real high = t->in[1][i];
        const int low = (int)t->in[2][2 * i] + 256 * (int)t->in[2][2 * i + 1];
        int exponent = 0;
        frexpl(high, &exponent);
        const bool tiny = fabsl(high) < ldexpl(1, -126),
                   power = fabsl(frexpl(high, &(int){0})) == 0.5L;
        real unit = ldexpl(1, tiny ? -149 : exponent - 24);
        if (low >= 32768 && power && !tiny && exponent > -125)
            unit /= 2; /* below a power of two the places are finer */
        const real value = high + copysignl(1, high) * (low < 32768 ? low : low - 65536) * unit;
        /* zero has nothing below it, and specials no neighbours: bits, not numbers */
        const bool plain = isfinite(high) && (high != 0 || low < 32768);
        expect(t, 0, i, plain ? value : 0, plain ? 0 : HUGE_VALL);
    }
}

/* Arrays: x, codes, scales. Odd variants are signed. */
static inline void shape_q8(trial *t) {
    shape_flat(t);
    t->length[2] = (t->n + 255) / 256;
}
static inline void run_f32_to_q8(const uns_kernels *k, trial *t) {
    k->f32_to_q8(t->n, t->variant & 1, dither_start(t), (const float *)t->data[0], t->data[1],
                 t->data[2]);
}
static inline int exponent_field(real x) {
    int exponent = 0;
    if (!isfinite(x))
        return 255;
    frexpl(x, &exponent);
    return x == 0 || exponent < -125 ? 0 : exponent + 126;
}
/* 8·(exponent field) + 3 bits of mantissa of a number that has no more bits. */
static inline int upper_bits(real x) {
    const int field = exponent_field(x);
    if (isnan(x))
        return 2044;
    if (field == 255)
        return 2040;
    return field == 0 ? (int)ldexpl(x, 129) : 8 * field + (int)ldexpl(x, 130 - field) - 8;
}
static inline int q8_base_of(int scale, int top) {
    return 8 * scale + 8 > top ? 8 * scale + 8 - top : 0;
}
/* The byte that x becomes. */
static inline int q8_code_of(real x, bool is_signed, int scale, real threshold) {
    const real near = dithered(fabsl(x), 4, threshold, 20);
    const int code = upper_bits(near) - q8_base_of(scale, is_signed ? 127 : 255);
    if (is_signed)
        return (code < 0 ? 0 : code) + (signbit(x) && !isnan(x) ? 128 : 0);
    return near == 0 ? 0 : code < 1 ? 1 : code;
}
static inline void want_f32_to_q8(trial *t) {
    for (size_t block = 0; block < t->length[2]; block++) {
        int scale = 0;
        for (size_t i = 256 * block; i < 256 * (block + 1) && i < t->n; i++)
            scale = exponent_field(t->in[0][i]) > scale ? exponent_field(t->in[0][i]) : scale;
        expect(t, 2, block, scale, 0);
    }
    EACH(i) {
        const int scale = (int)t->want[2][i / 256];
        expect(t, 1, i, q8_code_of(t->in[0][i], t->variant & 1, scale, dither_of(t, i)), 0);
    }
}

static inline void run_q8_to_f32(const uns_kernels *k, trial *t) {
    k->q8_to_f32(t->n, t->variant & 1, t->data[1], t->data[2], (float *)t->data[0]);
}
/* The number that a byte stands for. */
static inline real q8_number_of(int byte, bool is_signed, int scale) {
    const int code = is_signed ? byte & 127 : byte;
    const int upper = q8_base_of(scale, is_signed ? 127 : 255) + code;
    const int field = upper / 8 & 255, mantissa = upper % 8;
    real size = field == 0 ? ldexpl(mantissa, -129) : ldexpl(8 + mantissa, field - 130);
    if (field == 255)
        size = mantissa ? (real)NAN : HUGE_VALL;
    if (code == 0)
        size = 0;
    return is_signed && byte > 127 ? -size : size;
}
static inline void want_q8_to_f32(trial *t) {
    const bool is_signed = t->variant & 1;
    EACH(i) {
        const int byte = (int)t->in[1][i], scale = (int)t->in[2][i / 256];
        const int upper =
            q8_base_of(scale, is_signed ? 127 : 255) + (byte & (is_signed ? 127 : 255));
        const bool beyond = upper >= 2048; /* no encoder writes such a code */
        expect(t, 0, i, beyond ? 0 : q8_number_of(byte, is_signed, scale),
               beyond ? HUGE_VALL : 0);
    }
}

#include "support/kern_update_narrow.h"

/* CASE(kernel, types, inputs, outputs, positive, degree, variants, shape) */
#define NARROW_CASES(CASE)                                                                     \
    CASE(bf16_to_f32, "hf", 1, 2, 0, 0, 1, shape_flat)                                         \
    CASE(f32_to_bf16, "fh", 1, 2, 0, 0, 1, shape_flat)                                         \
    CASE(f32_to_bf16_dithered, "fh", 1, 2, 0, 0, 3, shape_flat)                                \
    CASE(f32_to_bf16_random, "fh", 1, 2, 0, 0, 3, shape_flat)                                  \
    CASE(f32_to_halves, "fhc", 1, 6, 0, 0, 1, shape_halves)                                    \
    CASE(halves_to_f32, "fhc", 6, 1, 0, 1, 1, shape_halves)                                    \
    CASE(f32_to_q8, "fcc", 1, 6, 0, 0, 4, shape_q8)                                            \
    CASE(q8_to_f32, "fcc", 6, 1, 0, 0, 2, shape_q8)

#define NARROW_CASE(kernel, ...)                                                               \
    {#kernel, offsetof(uns_kernels, kernel), __VA_ARGS__, run_##kernel, want_##kernel},
#define UPDATE_NARROW_CASE(types)                                                              \
    NARROW_CASE(update_narrow, types, 31, 30, 24, 3, UPDATE_VARIANTS, shape_update_narrow)
static const kern_case narrow_cases[] = {NARROW_CASES(NARROW_CASE)
                                             UPDATE_NARROW_FORMS(UPDATE_NARROW_CASE)};

#endif

/* SPDX-License-Identifier: MIT
 * Numbers in fewer bits: what the roundings promise beyond single numbers (kern_cases_narrow.h
 * has those): nothing is lost by halves, means are right, bounds hold.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/kern.h"

static const uns_kernels *kernels(void) {
    return uns_kernels_select(0);
}

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Every sign and exponent, the mantissas next to all ties of bf16. */
Test(narrow, halves_keep_every_number) {
    enum {
        MANY = 512 * 128 * 5
    };
    float *x = malloc(MANY * sizeof *x), *back = malloc(MANY * sizeof *back);
    uint16_t *high = malloc(MANY * sizeof *high), *low = malloc(MANY * sizeof *low);
    static const uint32_t lows[5] = {0, 0x7fff, 0x8000, 0x8001, 0xffff};
    for (uint32_t i = 0; i < MANY; i++)
        x[i] = from_bits(i / 5 << 16 | lows[i % 5]);
    kernels()->f32_to_halves(MANY, x, high, low);
    kernels()->halves_to_f32(MANY, high, low, back);
    for (size_t i = 0; i < MANY; i++) {
        const float top = from_bits((uint32_t)high[i] << 16);
        cr_assert(isnan(x[i]) ? isnan(back[i]) && isnan(top)
                              : memcmp(&x[i], &back[i], sizeof *x) == 0,
                  "%a came back as %a", (double)x[i], (double)back[i]);
        cr_assert(!isfinite(top) || !isfinite(x[i]) ||
                      fabsf(top - x[i]) <= ldexpf(fabsf(top), -8) + 0x1p-134f,
                  "%a is %a in bf16", (double)x[i], (double)top);
    }
    free(x);
    free(back);
    free(high);
    free(low);
}

Test(narrow, the_nearest_bf16_is_even_on_ties) {
    const float x[4] = {from_bits(0x3f808000), from_bits(0x3f818000), from_bits(0x7f7fffff),
                        from_bits(0x7f800001)};
    uint16_t out[4];
    kernels()->f32_to_bf16(4, x, out);
    cr_assert_eq(out[0], 0x3f80);
    cr_assert_eq(out[1], 0x3f82);
    cr_assert_eq(out[2], 0x7f80);
    cr_assert(out[3] > 0x7f80);
}

/* Mean over steps of one number rounded again and again. */
static double mean_of(bool dithered, float x, size_t element, int steps) {
    float all[64];
    uint16_t out[64];
    double sum = 0;
    for (int i = 0; i < 64; i++)
        all[i] = x;
    for (int t = 0; t < steps; t++) {
        if (dithered)
            kernels()->f32_to_bf16_dithered(64, 0x9E3779B9u * (uint32_t)t, all, out);
        else
            kernels()->f32_to_bf16_random(64, 0x9E3779B97F4A7C15u * (uint64_t)(t + 1), 0, all,
                                          out);
        sum += (double)from_bits((uint32_t)out[element] << 16);
    }
    return sum / steps;
}

/* The dither's error of the mean falls as 1/steps, chance's as 1/√steps. */
Test(narrow, the_mean_of_many_roundings_is_the_number) {
    const int steps = 4000;
    for (size_t element = 0; element < 64; element += 9) {
        const float x = from_bits(0x3fa01234u + 997u * (uint32_t)element);
        const double unit = 0x1p-7;
        cr_assert_float_eq(mean_of(true, x, element, steps), (double)x, 4 * unit / steps);
        cr_assert_float_eq(mean_of(false, x, element, steps), (double)x,
                           4 * 0.5 * unit / sqrt(steps));
    }
}

static void expect_within(bool is_signed, size_t n, const float *x, const float *back) {
    for (size_t block = 0; block < n; block += 256) {
        const size_t end = n < block + 256 ? n : block + 256;
        double largest = 0;
        for (size_t i = block; i < end; i++)
            largest = fmax(largest, fabs((double)x[i]));
        const double least = ldexp(largest, is_signed ? -14 : -30);
        for (size_t i = block; i < end; i++) {
            const double error = fabs((double)back[i] - (double)x[i]);
            const double size = fabs((double)x[i]);
            cr_assert(size >= least ? error <= size / 8 : error <= least, "%g came back as %g",
                      (double)x[i], (double)back[i]);
            cr_assert((back[i] == 0) == (x[i] == 0) || is_signed);
            cr_assert(signbit(back[i]) == signbit(x[i]));
        }
    }
}

/* One number far above the others, at every place of blocks of every length. */
Test(narrow, the_largest_number_sets_the_scale_wherever_it_is) {
    static const unsigned sets[] = {UNS_ISA_SCALAR, UNS_ISA_AVX2, UNS_ISA_AVX512, UNS_ISA_NEON};
    float x[256];
    uint8_t codes[256], scale, first = 0;
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++)
        for (size_t n = 1; n <= 256; n++)
            for (int is_signed = 0; is_signed < 2; is_signed++) {
                const uns_kernels *table = uns_kernels_select(sets[set]);
                for (size_t i = 0; i < 256; i++)
                    x[i] = 1e-3f;
                for (size_t at = 0; at < n; at++) {
                    x[at] = 1.0f;
                    table->f32_to_q8(n, is_signed, UINT32_MAX, x, codes, &scale);
                    x[at] = 1e-3f;
                    first = at ? first : scale;
                    cr_assert_eq(scale, first, "%s: scale %d of %zu with 1 at %zu", table->isa,
                                 scale, n, at);
                }
                x[0] = 1.0f;
                uns_kernels_select(UNS_ISA_SCALAR)
                    ->f32_to_q8(1, is_signed, UINT32_MAX, x, codes, &scale);
                cr_assert_eq(scale, first);
            }
}

Test(narrow, eight_bits_keep_their_bounds) {
    enum {
        MANY = 5000
    };
    static float x[MANY], back[MANY];
    static double normal[MANY], uniform[MANY];
    uint8_t codes[MANY], scales[MANY / 256 + 1];
    const uns_key key = {.seed = 5, .stream = UNS_STREAM_USER};
    uns_random_normal(key, 0, MANY, normal);
    uns_random_uniform(key, MANY, MANY, uniform);
    for (int is_signed = 0; is_signed < 2; is_signed++)
        for (int octaves = 0; octaves < 40; octaves += 13) {
            for (size_t i = 0; i < MANY; i++) {
                x[i] = (float)(normal[i] * exp2(-octaves * uniform[i]) * 1e-3);
                x[i] = is_signed ? x[i] : fabsf(x[i]);
            }
            kernels()->f32_to_q8(MANY, is_signed, 12345, x, codes, scales);
            kernels()->q8_to_f32(MANY, is_signed, codes, scales, back);
            expect_within(is_signed, MANY, x, back);
        }
}

/* What has been through once goes through again unchanged, whatever the thresholds: a piece of
 * state that a step only reads stays as it is. */
Test(narrow, eight_bits_and_bf16_are_stable) {
    enum {
        MANY = 1024
    };
    static float x[MANY], once[MANY], twice[MANY];
    uint8_t codes[MANY], scales[MANY / 256];
    uint16_t tops[MANY];
    for (uint32_t i = 0; i < MANY; i++)
        x[i] = (float)((i * 2654435761u) % 10007u) * 1e-4f;
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        kernels()->f32_to_q8(MANY, is_signed, 7, x, codes, scales);
        kernels()->q8_to_f32(MANY, is_signed, codes, scales, once);
        kernels()->f32_to_q8(MANY, is_signed, 0xfedcba98u, once, codes, scales);
        kernels()->q8_to_f32(MANY, is_signed, codes, scales, twice);
        cr_assert_eq(memcmp(once, twice, sizeof once), 0);
    }
    kernels()->f32_to_bf16(MANY, x, tops);
    kernels()->bf16_to_f32(MANY, tops, once);
    kernels()->f32_to_bf16_dithered(MANY, 0xfedcba98u, once, tops);
    kernels()->bf16_to_f32(MANY, tops, twice);
    cr_assert_eq(memcmp(once, twice, sizeof once), 0);
}

/* A moving average of memory 0.999 whose input falls from 1 to 0.01: rounding to the nearest
 * would stop at once, its steps being 60 times finer than a code. A staircase takes its slope
 * at the upper edge of each step, hence falls a little too fast; chance would be right on
 * average and off by a factor of 2.5. */
Test(narrow, a_slow_average_in_eight_bits_follows) {
    float v[256], exact = 1;
    uint8_t codes[256], scale;
    for (size_t i = 0; i < 256; i++)
        v[i] = 1;
    kernels()->f32_to_q8(256, false, 0, v, codes, &scale);
    for (uint32_t t = 1; t <= 9000; t++) {
        float mean = 0;
        kernels()->q8_to_f32(256, false, codes, &scale, v);
        for (size_t i = 0; i < 256; i++)
            v[i] = 0.999f * v[i] + 0.001f * 0.01f;
        kernels()->f32_to_q8(256, false, 0x9E3779B9u * t, v, codes, &scale);
        exact = 0.999f * exact + 0.001f * 0.01f;
        for (size_t i = 0; i < 256; i++) {
            mean += v[i] / 256;
            cr_assert(v[i] > 0.6f * exact && v[i] < 1.25f * exact, "step %u: %g, not %g", t,
                      (double)v[i], (double)exact);
        }
        cr_assert(mean > (t < 8000 ? 0.8f : 0.95f) * exact && mean < 1.05f * exact,
                  "step %u: %g, not %g", t, (double)mean, (double)exact);
    }
}

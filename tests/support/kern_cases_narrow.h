/* SPDX-License-Identifier: MIT
 * The cases of the kernels between f32 and fewer bits; see kern_cases.h.
 */
#ifndef UNS_TEST_KERN_CASES_NARROW_H
#define UNS_TEST_KERN_CASES_NARROW_H

#include "support/kern_cases.h"

/* x to a multiple of 2^(e − bits), x in [2^(e−1), 2^e), or of the least subnormal's; ties to
 * even. */
static inline real nearest_in_bits(real x, int bits) {
    int exponent = 0;
    if (x == 0 || !isfinite(x))
        return x;
    frexpl(x, &exponent);
    const int lowest = -126 - bits + 2;
    const real quantum = ldexpl(1, exponent - bits > lowest ? exponent - bits : lowest);
    return rintl(x / quantum) * quantum;
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

#define NARROW_CASE(kernel, ...)                                                               \
    { #kernel, offsetof(uns_kernels, kernel), __VA_ARGS__, run_##kernel, want_##kernel }

static const kern_case narrow_cases[] = {
    NARROW_CASE(bf16_to_f32, "hf", 1, 2, 0, 1, shape_flat),
    NARROW_CASE(f32_to_bf16, "fh", 1, 2, 0, 1, shape_flat),
};

#endif

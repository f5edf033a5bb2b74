/* SPDX-License-Identifier: MIT
 * The cases of the kernel `update_narrow`: each rule of `update` with state in bf16 and in
 * 8-bit codes, beside f32 and bf16 parameters, and in f32 beside bf16 parameters. Its oracle:
 * the numbers that the arrays stand for, the equations of the step (kern_update.h), and both
 * ends of what f32 may make of the result, rounded to fewer bits by the thresholds of kern.h.
 * Rounding is monotone, so what the kernel keeps lies between the two, and nearly always the
 * two are one. A part of kern_cases_narrow.h, which includes it where the helpers are there.
 */
#ifndef UNS_TEST_KERN_UPDATE_NARROW_H
#define UNS_TEST_KERN_UPDATE_NARROW_H

#include "support/kern_cases.h"

/* Arrays as in kern_update.h: g, x, m, C, and ceiling, mean or square. Codes are followed by
 * their scales. */
static inline bool has_halves(const trial *t) {
    return t->types[1] == 'l';
}
static inline bool has_codes(const trial *t) {
    return t->types[2] == 'c';
}
static inline void shape_update_narrow(trial *t) {
    const size_t codes = t->n + (t->n + 255) / 256;
    t->length[0] = t->n;
    t->length[1] = has_halves(t) ? 2 * t->n : t->n;
    for (int j = 2; j < 5; j++)
        t->length[j] = has_codes(t) ? codes : t->n;
}

/* A mean is kept in f32 only. */
static inline bool is_left_out(const trial *t) {
    return (update_slots(t) & UNS_SLOT_MEAN) && t->types[4] != 'f';
}

/* Scales of ordinary numbers, instead of any. */
static inline int tame_scale(int scale) {
    return 110 + scale % 24;
}
static inline void tame_scales(const trial *t, unsigned char *codes) {
    for (size_t i = t->n; has_codes(t) && i < t->length[2]; i++)
        codes[i] = (unsigned char)tame_scale(codes[i]);
}

static inline uns_reduced narrow_of(const trial *t, unsigned char *const *arrays) {
    uns_reduced narrow = {.state = has_codes(t)         ? UNS_FORM_Q8
                                   : t->types[2] == 'h' ? UNS_FORM_BF16
                                                        : UNS_FORM_PLAIN,
                          .bf16 = t->types[0] == 'h',
                          .key = 0x123456789abcdefu * (t->n + 1),
                          .first = 0xfffffff0u};
    for (int j = 0; j < UNS_KEPT_COUNT; j++) {
        narrow.start[j] = 0x9E3779B9u * (uint32_t)(j + 3);
        narrow.scales[j] = has_codes(t) ? arrays[j < 2 ? 2 + j : 4] + t->n : NULL;
    }
    narrow.low = has_halves(t) ? (uint16_t *)(void *)arrays[1] + t->n : NULL;
    return narrow;
}

static inline void run_update_narrow(const uns_kernels *k, trial *t) {
    uns_update u = update_of(t);
    t->result = 1;
    if (is_left_out(t))
        return;
    for (int j = 2; j < 5; j++)
        tame_scales(t, t->data[j]);
    const uns_reduced narrow = narrow_of(t, t->data);
    u.g = t->data[0];
    u.x = t->data[1];
    u.m = t->data[2];
    u.c = t->data[3];
    u.mean = u.ceiling = u.square = t->data[4];
    t->result = k->update_narrow(t->n, &u, &narrow);
}

/* The number that element i stands for. */
static inline real number_at(const trial *t, int array, size_t i) {
    if (t->types[array] != 'c')
        return t->in[array][i];
    return q8_number_of((int)t->in[array][i], array == 2, (int)t->in[array][t->n + i / 256]);
}

/* Between these a result of f32 arithmetic lies. */
typedef struct bounds {
    real low, high;
} bounds;

static inline bounds bounds_at(const trial *t, int array, size_t i) {
    const real want = t->want[array][i];
    const real off = room_of(t->scale[array][i], true);
    return !(off > 0) || !isfinite(want) ? (bounds){want, want}
                                         : (bounds){want - off, want + off};
}

static inline void expect_between(trial *t, int array, size_t i, real one, real other) {
    const real half = fabsl(other - one) / 2;
    if (one == other || isnan(one))
        expect(t, array, i, one, 0);
    else
        expect(t, array, i, (one + other) / 2, half * 1.001L / (ROUNDINGS * DBL_EPSILON));
}

/* What stands in want and scale, in bf16: x at random, state dithered. */
static inline void expect_bf16(trial *t, int array, const uns_reduced *narrow, uint32_t start) {
    EACH(i) {
        const bounds b = bounds_at(t, array, i);
        const real tau = array == 1 ? random_threshold(narrow->key, narrow->first + (uint32_t)i)
                                    : threshold_from(start, i);
        if (!isinf(t->scale[array][i]))
            expect_between(t, array, i, dithered(b.low, 8, tau, 16),
                           dithered(b.high, 8, tau, 16));
    }
}

/* The scale of a block; −1 where it hangs on roundings. */
static inline int block_scale(const trial *t, int array, size_t begin) {
    int least = 0, most = 0;
    for (size_t i = begin; i < begin + 256 && i < t->n; i++) {
        const bounds b = bounds_at(t, array, i);
        const int low = exponent_field(b.low), high = exponent_field(b.high);
        const int smaller = signbit(b.low) != signbit(b.high) ? 0 : low < high ? low : high;
        const int larger = low < high ? high : low;
        if (isinf(t->scale[array][i]))
            return -1;
        least = smaller > least ? smaller : least;
        most = larger > most ? larger : most;
    }
    return least == most ? most : -1;
}

/* What stands in want and scale, in codes, and the scales of these. */
static inline void expect_codes(trial *t, int array, uint32_t start) {
    const bool is_signed = array == 2;
    for (size_t begin = 0; begin < t->n; begin += 256) {
        const int scale = block_scale(t, array, begin);
        expect(t, array, t->n + begin / 256, scale, scale < 0 ? HUGE_VALL : 0);
        for (size_t i = begin; i < begin + 256 && i < t->n; i++) {
            const bounds b = bounds_at(t, array, i);
            const real tau = threshold_from(start, i), low = is_signed || b.low > 0 ? b.low : 0;
            if (scale < 0 || signbit(low) != signbit(b.high))
                expect(t, array, i, 0, HUGE_VALL);
            else
                expect_between(t, array, i, q8_code_of(low, is_signed, scale, tau),
                               q8_code_of(b.high, is_signed, scale, tau));
        }
    }
}

/* Its place among UNS_KEPT_... */
static inline int kept_of(unsigned slots, int array) {
    return array == 4 && (slots & UNS_SLOT_ADADELTA) ? UNS_KEPT_SQUARE : array - 2;
}

static inline bool update_writes(unsigned slots, int array) {
    static const unsigned writers[ARRAYS] = {
        0, 0, UNS_SLOT_MOMENTUM_FIRST | UNS_SLOT_MOMENTUM_LAST,
        UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN,
        UNS_SLOT_CEILING | UNS_SLOT_MEAN | UNS_SLOT_ADADELTA};
    return array == 1 || (slots & writers[array]);
}

/* Two halves that do not belong together give any x: roundings of a subnormal may grow by what
 * the root divides by, and steps of the largest overflow on the way. */
static inline void blur_extremes(trial *t, int array) {
    EACH(i) {
        const real x = fabsl(t->in[1][i]);
        if (x > 0 && x < FLT_MIN && t->scale[array][i] > 0)
            t->scale[array][i] += 128 * FLT_MIN;
        if (x > ldexpl(1, 120) && isfinite(x))
            t->scale[array][i] = HUGE_VALL;
    }
}

static inline void want_update_narrow(trial *t) {
    const unsigned slots = update_slots(t);
    const uns_reduced narrow = narrow_of(t, t->initial);
    t->wanted_result = 1;
    if (is_left_out(t))
        return;
    for (int j = 0; j < ARRAYS; j++) {
        for (size_t i = t->n; has_codes(t) && j >= 2 && i < t->length[j]; i++)
            t->in[j][i] = t->want[j][i] = tame_scale((int)t->in[j][i]);
        EACH(i)
        t->in[j][i] = number_at(t, j, i);
    }
    want_update(t);
    for (int j = 1; j < ARRAYS; j++) {
        if (!update_writes(slots, j))
            continue;
        blur_extremes(t, j);
        if (t->types[j] == 'h')
            expect_bf16(t, j, &narrow, j == 1 ? 0 : narrow.start[kept_of(slots, j)]);
        else if (t->types[j] == 'c')
            expect_codes(t, j, narrow.start[kept_of(slots, j)]);
    }
}

/* FORM(types) */
#define UPDATE_NARROW_FORMS(FORM)                                                              \
    FORM("hhhhh")                                                                              \
    FORM("hlhhh")                                                                              \
    FORM("ffhhh")                                                                              \
    FORM("hhccc")                                                                              \
    FORM("hlccc")                                                                              \
    FORM("ffccc")                                                                              \
    FORM("hhfff")                                                                              \
    FORM("hlfff")

#endif

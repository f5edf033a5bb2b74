/* SPDX-License-Identifier: MIT
 * The cases of the kernel `update_narrow`: each rule of `update` with state in bf16 and in
 * 8-bit codes, beside f32 and bf16 parameters, and in f32 beside bf16 parameters. Its oracle is
 * its definition: widening, `update` and narrowing by the scalar kernels, whose own oracles are
 * in the files beside.
 */
#ifndef UNS_TEST_KERN_UPDATE_NARROW_H
#define UNS_TEST_KERN_UPDATE_NARROW_H

#include "support/kern_cases.h"

/* Arrays as in kern_update.h: g, x, m, C, and ceiling, mean or square. Codes are followed by
 * their scales; bf16 parameters in halves by the lower ones. */
static inline bool has_halves(const trial *t) {
    return t->types[1] == 'h' && t->n % 3 == 1;
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
static inline void tame_scales(const trial *t, unsigned char *codes) {
    for (size_t i = t->n; has_codes(t) && i < t->length[2]; i++)
        codes[i] = (unsigned char)(110 + codes[i] % 24);
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

/* A piece of state from and to its form; `which` is UNS_KEPT_...  */
static inline void widen_kept(const trial *t, const uns_reduced *narrow, int which,
                              const void *from, float *to) {
    if (narrow->state == UNS_FORM_Q8)
        uns_kernels_scalar.q8_to_f32(t->n, which == UNS_KEPT_M, from, narrow->scales[which],
                                     to);
    else if (narrow->state == UNS_FORM_BF16)
        uns_kernels_scalar.bf16_to_f32(t->n, from, to);
    else
        memcpy(to, from, t->n * sizeof *to);
}
static inline void narrow_kept(const trial *t, const uns_reduced *narrow, int which,
                               const float *from, void *to) {
    const uint32_t start = narrow->start[which];
    if (narrow->state == UNS_FORM_Q8)
        uns_kernels_scalar.f32_to_q8(t->n, which == UNS_KEPT_M, start, from, to,
                                     narrow->scales[which]);
    else if (narrow->state == UNS_FORM_BF16)
        uns_kernels_scalar.f32_to_bf16_dithered(t->n, start, from, to);
    else
        memcpy(to, from, t->n * sizeof *from);
}

static inline void widen_both(const trial *t, const uns_reduced *narrow,
                              unsigned char *const *arrays, float *g, float *x) {
    const uns_kernels *k = &uns_kernels_scalar;
    if (!narrow->bf16) {
        memcpy(g, arrays[0], t->n * sizeof *g);
        memcpy(x, arrays[1], t->n * sizeof *x);
        return;
    }
    k->bf16_to_f32(t->n, (const uint16_t *)(void *)arrays[0], g);
    if (narrow->low)
        k->halves_to_f32(t->n, (const uint16_t *)(void *)arrays[1], narrow->low, x);
    else
        k->bf16_to_f32(t->n, (const uint16_t *)(void *)arrays[1], x);
}
static inline void narrow_x_back(const trial *t, const uns_reduced *narrow, const float *x,
                                 void *to) {
    const uns_kernels *k = &uns_kernels_scalar;
    if (!narrow->bf16)
        memcpy(to, x, t->n * sizeof *x);
    else if (narrow->low)
        k->f32_to_halves(t->n, x, to, narrow->low);
    else
        k->f32_to_bf16_random(t->n, narrow->key, narrow->first, x, to);
}

static inline void compose_update(const trial *t, unsigned char *const *arrays) {
    static float wide[ARRAYS][LARGE];
    const uns_reduced narrow = narrow_of(t, arrays);
    uns_update u = update_of(t);
    const unsigned moves_m = UNS_SLOT_MOMENTUM_FIRST | UNS_SLOT_MOMENTUM_LAST;
    const unsigned moves_c = UNS_SLOT_ACCUMULATE | UNS_SLOT_MAX | UNS_SLOT_SIGN;
    const int last = u.slots & UNS_SLOT_ADADELTA ? UNS_KEPT_SQUARE : UNS_KEPT_CEILING;
    widen_both(t, &narrow, arrays, wide[0], wide[1]);
    widen_kept(t, &narrow, UNS_KEPT_M, arrays[2], wide[2]);
    widen_kept(t, &narrow, UNS_KEPT_C, arrays[3], wide[3]);
    widen_kept(t, &narrow, last, arrays[4], wide[4]);
    u.g = wide[0];
    u.x = wide[1];
    u.m = wide[2];
    u.c = wide[3];
    u.mean = u.ceiling = u.square = wide[4];
    uns_kernels_scalar.of[UNS_F32].update(t->n, &u);
    narrow_x_back(t, &narrow, wide[1], arrays[1]);
    if (u.slots & moves_m)
        narrow_kept(t, &narrow, UNS_KEPT_M, wide[2], arrays[2]);
    if (u.slots & moves_c)
        narrow_kept(t, &narrow, UNS_KEPT_C, wide[3], arrays[3]);
    if (u.slots & (UNS_SLOT_CEILING | UNS_SLOT_MEAN | UNS_SLOT_ADADELTA))
        narrow_kept(t, &narrow, last, wide[4], arrays[4]);
}

static inline void want_update_narrow(trial *t) {
    unsigned char *arrays[ARRAYS];
    t->wanted_result = 1;
    for (int j = 0; j < ARRAYS; j++) {
        arrays[j] = malloc(trial_bytes(t, j) + 1);
        memcpy(arrays[j], t->initial[j], trial_bytes(t, j));
        if (j >= 2 && !is_left_out(t))
            tame_scales(t, arrays[j]);
    }
    if (!is_left_out(t))
        compose_update(t, arrays);
    for (int j = 0; j < ARRAYS; j++) {
        for (size_t i = 0; i < t->length[j]; i++)
            expect(t, j, i, trial_get(t, arrays[j], j, i), 0);
        free(arrays[j]);
    }
}

#define UPDATE_NARROW_CASE(types)                                                              \
    NARROW_CASE(update_narrow, types, 31, 30, 24, UPDATE_VARIANTS, shape_update_narrow)

#endif

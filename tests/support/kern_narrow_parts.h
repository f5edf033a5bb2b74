/* SPDX-License-Identifier: MIT
 * What kern.h promises of `update_narrow`: the bits of widening, `update` and narrowing by
 * kernels of their own. Not an oracle: these are kernels too, whose oracles are in the files
 * beside.
 */
#ifndef UNS_TEST_KERN_NARROW_PARTS_H
#define UNS_TEST_KERN_NARROW_PARTS_H

#include "support/kern_cases_narrow.h"

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

#endif

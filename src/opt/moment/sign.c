/* SPDX-License-Identifier: MIT
 * Yogi's fold: C ← C − (1−β)·sign(C − s²)·s² (Zaheer, Reddi, Sachan, Kale, Kumar 2018).
 */
#include "kern/kern.h"
#include "opt/builtin.h"

#include <unsaddle/elementary.h>

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    double beta = uns_spec_beta(spec);
    *out = (uns_coeffs){.a = 1.0, .b = 1.0 - beta, .c = 1.0, .e = 0.0, .rho = 1.0};
    if (spec->bias_correction)
        out->c = 1.0 / (1.0 - uns_pow(beta, (double)t));
}

static void fold(const struct uns_kernels *kernels, uns_dtype dtype, const uns_coeffs *k,
                 size_t n, const void *s, void *c) {
    kernels->of[dtype].accumulate_sign(n, k->b, s, c);
}

const uns_moment_ops uns_moment_sign = {
    .size = sizeof(uns_moment_ops),
    .name = "sign",
    .summary = "additive: C = C - (1 - beta) sign(C - s^2) s^2",
    .coeffs = coeffs,
    .fold = fold,
};

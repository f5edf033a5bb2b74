/* SPDX-License-Identifier: MIT
 * AdaMax's fold: C ← max(βC, |s| + ε), of the size of a gradient, not of its square: root p = 1
 * (Kingma & Ba 2015; ε inside the maximum as in torch).
 */
#include "kern/kern.h"
#include "opt/builtin.h"

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    (void)t;
    *out = (uns_coeffs){
        .a = uns_spec_beta(spec), .b = 1.0, .c = 1.0, .e = spec->increment, .rho = 1.0};
}

static void fold(const struct uns_kernels *kernels, uns_dtype dtype, const uns_coeffs *k,
                 size_t n, const void *s, void *c) {
    kernels->of[dtype].accumulate_max(n, k->a, k->e, s, c);
}

const uns_moment_ops uns_moment_max = {
    .size = sizeof(uns_moment_ops),
    .name = "max",
    .summary = "decaying maximum: C = max(beta C, |s| + e)",
    .coeffs = coeffs,
    .fold = fold,
};

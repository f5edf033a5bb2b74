/* SPDX-License-Identifier: MIT
 * Mean of all signals so far: C ← ((t−1)/t)C + (1/t)ssᵀ. With step η/√t it is AdaGrad's sum
 * with step η.
 */
#include "opt/builtin.h"

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    double n = (double)t;
    *out = (uns_coeffs){
        .a = (n - 1.0) / n, .b = 1.0 / n, .c = 1.0, .e = spec->increment, .rho = 1.0};
}

const uns_moment_ops uns_moment_mean = {
    .size = sizeof(uns_moment_ops),
    .name = "mean",
    .summary = "mean of all: C = ((t-1) C + ss') / t",
    .coeffs = coeffs,
};

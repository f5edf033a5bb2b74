/* SPDX-License-Identifier: MIT
 * Plain sum: C ← C + ssᵀ (AdaGrad; Duchi, Hazan, Singer 2011).
 */
#include "opt/builtin.h"

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    (void)t;
    *out = (uns_coeffs){.a = 1.0, .b = 1.0, .c = 1.0, .e = spec->increment, .rho = 1.0};
}

const uns_moment_ops uns_moment_sum = {
    .size = sizeof(uns_moment_ops),
    .name = "sum",
    .summary = "sum of all: C = C + ss'",
    .coeffs = coeffs,
};

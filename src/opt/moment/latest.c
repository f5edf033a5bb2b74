/* SPDX-License-Identifier: MIT
 * No memory: C = ssᵀ of this step alone, which is not stored. With signal = direction, p = ½
 * and ε = 0 the diagonal gives sign(u) (Lion; Chen et al. 2023).
 */
#include "opt/builtin.h"

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    (void)spec;
    (void)t;
    *out = (uns_coeffs){.a = 0.0, .b = 1.0, .c = 1.0, .e = 0.0, .rho = 1.0};
}

const uns_moment_ops uns_moment_latest = {
    .size = sizeof(uns_moment_ops),
    .name = "latest",
    .summary = "this step alone: C = ss'",
    .memoryless = true,
    .coeffs = coeffs,
};

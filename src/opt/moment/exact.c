/* SPDX-License-Identifier: MIT
 * The oracle: C is handed over by the problem, as second moment, as covariance, or frozen. The
 * idealized method of the paper.
 */
#include "opt/builtin.h"

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    (void)spec;
    (void)t;
    *out = (uns_coeffs){.a = 1.0, .b = 0.0, .c = 1.0, .e = 0.0, .rho = 1.0};
}

const uns_moment_ops uns_moment_exact = {
    .size = sizeof(uns_moment_ops),
    .name = "exact",
    .summary = "the problem's own E[gg'] or Cov(g): the idealized method",
    .oracle = true,
    .coeffs = coeffs,
};

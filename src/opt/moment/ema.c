/* SPDX-License-Identifier: MIT
 * Exponential moving average: C ← βC + (1−β)ssᵀ + eI (RMSProp, Adam, AdaBelief, RAdam).
 *
 * Bias correction: c = 1/(1 − β^t). RAdam's rectification (Liu et al. 2020): ρ∞ = 2/(1−β) − 1,
 * ρ_t = ρ∞ − 2tβ^t/(1−β^t), r_t = √((ρ_t−4)(ρ_t−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ_t)) where ρ_t exceeds
 * rectify.above (torch 5, published 4), else the step is not preconditioned.
 */
#include "opt/builtin.h"

#include <math.h>
#include <unsaddle/elementary.h>

static double rectification(double beta, double t, double power, double above) {
    double longest = 2.0 / (1.0 - beta) - 1.0;
    double length = longest - 2.0 * t * power / (1.0 - power);
    if (!(length > above))
        return 0.0;
    return sqrt((length - 4.0) * (length - 2.0) * longest /
                ((longest - 4.0) * (longest - 2.0) * length));
}

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    double beta = uns_spec_beta(spec);
    double power = uns_pow(beta, (double)t);
    *out = (uns_coeffs){.a = beta, .b = 1.0 - beta, .c = 1.0, .e = spec->increment, .rho = 1.0};
    if (spec->bias_correction)
        out->c = 1.0 / (1.0 - power);
    if (spec->rectify)
        out->rho = rectification(beta, (double)t, power, spec->rectify_above);
}

const uns_moment_ops uns_moment_ema = {
    .size = sizeof(uns_moment_ops),
    .name = "ema",
    .summary = "exponential moving average: C = beta C + (1 - beta) ss'",
    .coeffs = coeffs,
};

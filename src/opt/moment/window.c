/* SPDX-License-Identifier: MIT
 * The last W signals, fading by β an age: C = Σ_{k<W} β^{2k} ssᵀ, as GGT has it (Agarwal,
 * Bullins, Chen, Hazan, Singh, Zhang, Zhang 2019: columns β^k g). With bias correction their
 * mean: c = 1/Σ_{k<min(t,W)} β^{2k}. The structure takes the oldest out (retire).
 */
#include "opt/builtin.h"

#include <math.h>
#include <unsaddle/elementary.h>

static double correction(double fade, double signals) {
    if (fade == 1.0)
        return 1.0 / signals;
    return (1.0 - fade) / (1.0 - uns_pow(fade, signals));
}

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    double beta = uns_spec_beta(spec), fade = beta * beta;
    *out = (uns_coeffs){.a = fade, .b = 1.0, .c = 1.0, .e = 0.0, .rho = 1.0};
    if (spec->bias_correction)
        out->c = correction(fade, fmin((double)t, (double)spec->structure_window));
}

const uns_moment_ops uns_moment_window = {
    .size = sizeof(uns_moment_ops),
    .name = "window",
    .summary = "the last W signals: C = sum of beta^(2 age) ss'",
    .coeffs = coeffs,
    .windowed = true,
};

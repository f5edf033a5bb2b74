/* SPDX-License-Identifier: MIT
 * A moving average whose memory grows: C ← β_t C + (1 − β_t)(ssᵀ + eI), β_t = 1 − t^-c with
 * c = beta.power (Adafactor; Shazeer, Stern 2018). β_1 = 0, so there is no bias to correct;
 * c = 1 is the mean of all.
 */
#include "opt/builtin.h"

#include <unsaddle/elementary.h>

static void coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    double fresh = uns_pow((double)t, -spec->beta_power);
    *out = (uns_coeffs){
        .a = 1.0 - fresh, .b = fresh, .c = 1.0, .e = fresh * spec->increment, .rho = 1.0};
}

const uns_moment_ops uns_moment_power = {
    .size = sizeof(uns_moment_ops),
    .name = "power",
    .summary = "moving average of growing memory: beta = 1 - t^-c",
    .coeffs = coeffs,
};

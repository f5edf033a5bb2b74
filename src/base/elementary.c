/* SPDX-License-Identifier: MIT
 * The frozen elementary functions, one number at a time: the scalar instance of frozen.inc.h.
 * Whole arrays are faster through the kernels exp, log and pow, with the same bits.
 */
#include <unsaddle/elementary.h>

#include "base/vec_scalar.h"

#include "base/frozen.inc.h"

double uns_exp(double x) {
    return frozen_exp(x);
}

double uns_log(double x) {
    return frozen_log(x);
}

double uns_pow(double x, double y) {
    return frozen_pow(x, y);
}

double uns_cospi(double x) {
    return frozen_turn_any(x).cosine;
}

double uns_sinpi(double x) {
    return frozen_turn_any(x).sine;
}

/* SPDX-License-Identifier: MIT
 * The root of slot 4 for a single number, by the frozen pow. Not the fused kernels' root, which
 * divides instead of multiplying.
 */
#ifndef UNS_ROOT_NUMBER_H
#define UNS_ROOT_NUMBER_H

#include <unsaddle/elementary.h>
#include <unsaddle/structure.h>

/* R(c); 0 where the denominator is 0. */
static inline double uns_root_number(const uns_root *root, double c) {
    double p = root->exponent, k = root->correction, below = 0.0;
    switch ((uns_epsilon_form)root->form) {
    case UNS_EPSILON_INSIDE:
        below = uns_pow(k * c + root->epsilon, p);
        break;
    case UNS_EPSILON_OUTSIDE:
        below = uns_pow(k * c, p) + root->epsilon;
        break;
    case UNS_EPSILON_UNCORRECTED:
        below = uns_pow(k, p) * (uns_pow(c, p) + root->epsilon);
        break;
    }
    return below > 0.0 ? 1.0 / below : 0.0;
}

/* An entry of a diagonal, damped by the largest of them, its λ_max. */
static inline double uns_damped(const uns_root *root, double c, double largest) {
    return root->damping > 0.0 ? c + root->damping * largest : c; /* ∞ stays where it is */
}

#endif

/* SPDX-License-Identifier: MIT
 * The root as a function of one eigenvalue λ of A, in the three forms of slot 4 of spec.h, and
 * its derivatives: f = 1/(k·(b^p + rest)) with b = inner·λ + constant.
 */
#include "la/root_parts.h"

#include <math.h>
#include <unsaddle/elementary.h>

/* x^y for x > 0; square roots where they suffice, for the last digits. */
static double power(double x, double y) {
    if (y == 1)
        return x;
    if (y == 0.5)
        return sqrt(x);
    if (y == 0.25)
        return sqrt(sqrt(x));
    return uns_pow(x, y);
}

/* Where something is added before the power is taken, rounding about λ = 0 does not matter, and
 * leaving λ alone keeps f smooth (and is what products of matrices give). */
double uns_root_edge(const root_function *f) {
    bool inside = f->root->form == UNS_EPSILON_INSIDE;
    bool smooth = f->shift > 0 || (inside && f->root->epsilon > 0);
    return smooth ? -f->floor : f->floor;
}

static double counted(const root_function *f, double lambda) {
    return lambda < uns_root_edge(f) ? 0 : lambda;
}

typedef struct parts {
    double base, inner; /* b, db/dλ */
    double rest, factor;
} parts;

static parts split(const root_function *f, double lambda) {
    const uns_root *root = f->root;
    double c = root->correction, scale = f->scale, x = scale * (counted(f, lambda) + f->shift);
    switch (root->form) {
    case UNS_EPSILON_INSIDE:
        return (parts){c * x + root->epsilon, c * scale, 0, 1};
    case UNS_EPSILON_OUTSIDE:
        return (parts){c * x, c * scale, root->epsilon, 1};
    default:
        return (parts){x, scale, root->epsilon, power(c, root->exponent)};
    }
}

double uns_root_value(const root_function *f, double lambda) {
    if (f->root->exponent == 0)
        return 1;
    parts s = split(f, lambda);
    double raised = s.base > 0 ? power(s.base, f->root->exponent) : 0;
    double below = s.factor * (raised + s.rest);
    return below > 0 ? f->unit / below : 0;
}

/* f′ = −f·share·p·inner/b with share = b^p/(b^p + rest). */
double uns_root_slope(const root_function *f, double lambda) {
    parts s = split(f, lambda);
    if (!(s.base > 0))
        return 0;
    double p = f->root->exponent, raised = power(s.base, p);
    double share = raised / (raised + s.rest);
    return -uns_root_value(f, lambda) * share * p * (s.inner / s.base);
}

/* |f″| = |2f′/f + (p − 1)·inner/b|·|f′| */
double uns_root_bend(const root_function *f, double lambda) {
    parts s = split(f, lambda);
    if (!(s.base > 0))
        return 0;
    double slope = uns_root_slope(f, lambda), value = uns_root_value(f, lambda);
    return fabs((2 * (slope / value) + (f->root->exponent - 1) * (s.inner / s.base)) * slope);
}

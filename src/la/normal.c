/* SPDX-License-Identifier: MIT
 * The normal distribution: its quantile and its distribution function. Wichura 1988, "Algorithm
 * AS 241: the percentage points of the normal distribution", Applied Statistics 37, routine
 * PPND16.
 */
#include "la/jacobi.h"

#include <math.h>
#include <unsaddle/elementary.h>

static double ratio(const double *up, const double *down, double r) {
    double a = up[7], b = down[7];
    for (int i = 6; i >= 0; i--) {
        a = a * r + up[i];
        b = b * r + down[i];
    }
    return a / b;
}

/* |p − ½| <= 0.425 */
static double centre(double q) {
    static const double up[8] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                 1.9715909503065514427e3, 1.3731693765509461125e4,
                                 4.5921953931549871457e4, 6.7265770927008700853e4,
                                 3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double down[8] = {1.0,
                                   4.2313330701600911252e1,
                                   6.8718700749205790830e2,
                                   5.3941960214247511077e3,
                                   2.1213794301586595867e4,
                                   3.9307895800092710610e4,
                                   2.8729085735721942674e4,
                                   5.2264952788528545610e3};
    return q * ratio(up, down, 0.180625 - q * q);
}

/* √(−ln tail) <= 5 */
static double shoulder(double r) {
    static const double up[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                 5.76949722146069140550e0,  3.64784832476320460504e0,
                                 1.27045825245236838258e0,  2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double down[8] = {1.0,
                                   2.05319162663775882187e0,
                                   1.67638483018380384940e0,
                                   6.89767334985100004550e-1,
                                   1.48103976427480074590e-1,
                                   1.51986665636164571966e-2,
                                   5.47593808499534494600e-4,
                                   1.05075007164441684324e-9};
    return ratio(up, down, r - 1.6);
}

static double tail(double r) {
    static const double up[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                 1.78482653991729133580e0,  2.96560571828504891230e-1,
                                 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double down[8] = {1.0,
                                   5.99832206555887937690e-1,
                                   1.36929880922735805310e-1,
                                   1.48753612908506148525e-2,
                                   7.86869131145613259100e-4,
                                   1.84631831751005468180e-5,
                                   1.42151175831644588870e-7,
                                   2.04426310338993978564e-15};
    return ratio(up, down, r - 5.0);
}

double uns_normal_quantile(double p) {
    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    if (p == 0.0 || p == 1.0)
        return p == 0.0 ? -INFINITY : INFINITY;
    double q = p - 0.5;
    if (fabs(q) <= 0.425)
        return centre(q);
    double r = sqrt(-uns_log(q < 0.0 ? p : 1.0 - p));
    return copysign(r <= 5.0 ? shoulder(r) : tail(r), q);
}

/* Φ(x) − ½ over the density: x + x³/3 + x⁵/15 + ..., all of one sign. */
static double centre_series(double x) {
    double term = x, sum = x;
    for (int k = 3; term > 1e-17 * sum; k += 2) {
        term *= x * x / k;
        sum += term;
    }
    return sum;
}

/* (1 − Φ(x)) over the density: Laplace's continued fraction 1/(x + 1/(x + 2/(x + ...))). 60
 * levels leave 1e-16 at x = 2.5. */
static double mills(double x) {
    double rest = x;
    for (int k = 60; k >= 1; k--)
        rest = x + k / rest;
    return 1.0 / rest;
}

double uns_normal_below(double x) {
    double size = fabs(x), density = 0.39894228040143267794 * uns_exp(-0.5 * x * x);
    if (isnan(x))
        return NAN;
    if (size > 38.0)
        return x < 0.0 ? 0.0 : 1.0;
    if (size == 0.0)
        return 0.5;
    double upper = size < 2.5 ? 0.5 - density * centre_series(size) : density * mills(size);
    return x < 0.0 ? upper : 1.0 - upper;
}

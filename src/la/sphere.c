/* SPDX-License-Identifier: MIT
 * The law of one coordinate of a random unit vector. Density c_d·(1 − t²)^((d−3)/2) of |b_1| on
 * [0, 1], c_d = 2Γ(d/2) / (√π·Γ((d−1)/2)); its integral by the series of the incomplete beta
 * function whose terms are all positive (Abramowitz & Stegun 26.5.4).
 */
#include "la/sphere.h"

#include <float.h>
#include <math.h>
#include <unsaddle/elementary.h>

enum {
    SERIES_FROM = 256, /* there the first neglected term of the Γ ratio is below 1e-16 */
    TERMS = 100000,
    HALVINGS = 200
};

#define PI 3.14159265358979323846

double uns_log_plus_one(double x) {
    double w = 1.0 + x; /* the rounding in w cancels in the quotient (Kahan) */
    return w == 1.0 ? x : uns_log(w) * (x / (w - 1.0));
}

/* c_d, d >= 2: by c_{d+2} = c_d·d/(d−1) from c_2 = 2/π, c_3 = 1, else by the expansion of
 * Γ(x+½)/Γ(x), x = (d−1)/2. */
static double density_at_zero(size_t d) {
    if (d >= SERIES_FROM) {
        double x = 0.5 * (double)(d - 1), r = 1.0 / x;
        double sum =
            1.0 + r * (-1.0 / 8 +
                       r * (1.0 / 128 +
                            r * (5.0 / 1024 + r * (-21.0 / 32768 + r * (-399.0 / 262144)))));
        return 2.0 / sqrt(PI) * sqrt(x) * sum;
    }
    double c = d % 2 == 0 ? 2.0 / PI : 1.0;
    for (size_t j = d % 2 == 0 ? 2 : 3; j < d; j += 2)
        c *= (double)j / (double)(j - 1);
    return c;
}

/* (1 − t²)^m */
static double arc_power(double t, double m) {
    double log = t < 0.5 ? uns_log_plus_one(-t * t) : uns_log((1.0 - t) * (1.0 + t));
    return uns_exp(m * log);
}

double uns_sphere_probability(size_t d, double t) {
    if (d < 2)
        return t < 1.0 ? 0.0 : 1.0;
    double x = t * t, term = 1.0, sum = 1.0;
    for (int n = 0; n < TERMS && term > 0.1 * DBL_EPSILON * sum; n++) {
        term *= x * ((0.5 * (double)d + n) / (1.5 + n));
        sum += term;
    }
    return density_at_zero(d) * t * arc_power(t, 0.5 * ((double)d - 1.0)) * sum;
}

/* Newton inside a bracket that halves when it would be left. */
double uns_sphere_quantile(size_t d, double p) {
    if (d < 2)
        return 1.0;
    double low = 0.0, high = 1.0, t = p / density_at_zero(d);
    for (int i = 0; i < HALVINGS; i++) {
        if (!(t > low && t < high))
            t = 0.5 * (low + high);
        double excess = uns_sphere_probability(d, t) - p;
        *(excess > 0.0 ? &high : &low) = t;
        double density = density_at_zero(d) * arc_power(t, 0.5 * ((double)d - 3.0));
        double move = excess / density;
        if (fabs(move) <= 2.0 * DBL_EPSILON * t || high - low <= DBL_EPSILON * high)
            return t;
        t -= move;
    }
    return t;
}

double uns_student_quantile(size_t freedom, double p) {
    if (p == 0.5)
        return 0.0;
    double centre = p > 0.5 ? 2.0 * p - 1.0 : 1.0 - 2.0 * p;
    double b = uns_sphere_quantile(freedom + 1, centre);
    double t = b * sqrt((double)freedom / ((1.0 - b) * (1.0 + b)));
    return p > 0.5 ? t : -t;
}

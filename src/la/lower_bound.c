/* SPDX-License-Identifier: MIT
 * The Christoffel sum of a Lanczos run, its root and its budget; the mathematics is in the
 * header.
 */
#include "la/lower_bound.h"

#include "la/sphere.h"
#include "la/tridiagonal.h"

#include <float.h>
#include <math.h>
#include <unsaddle/elementary.h>

enum {
    DOUBLINGS = 2200, /* from the smallest double to the largest and some */
    HALVINGS = 120
};

/* With the pivots δ_j = (α_j − x) − β_{j−1}²/δ_{j−1} of T − xI, |φ_j/φ_{j−1}| = δ_j/β_j. */
double uns_christoffel_sum(size_t k, const double *alpha, const double *beta, double x) {
    double pivot = 1.0, size = 1.0, sum = 1.0;
    for (size_t j = 0; j < k; j++) {
        double fill = j > 0 ? beta[j - 1] * (beta[j - 1] / pivot) : 0.0;
        pivot = (alpha[j] - x) - fill;
        if (!(pivot > 0.0))
            return 0.0;
        size *= pivot / beta[j];
        sum += size * size;
    }
    return sum;
}

double uns_christoffel_root(size_t k, const double *alpha, const double *beta, double sum) {
    double high = uns_tridiagonal_value(k, alpha, beta, 0);
    double norm = uns_tridiagonal_norm(k, alpha, beta) + beta[k - 1];
    double step = DBL_EPSILON * norm + DBL_MIN, low = high - step;
    for (int i = 0; i < DOUBLINGS && uns_christoffel_sum(k, alpha, beta, low) < sum; i++) {
        high = low;
        step *= 2.0;
        low = high - step;
    }
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + 0.5 * (high - low);
        if (!(middle > low && middle < high))
            break;
        if (uns_christoffel_sum(k, alpha, beta, middle) >= sum)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t uns_christoffel_budget(double t, double ratio) {
    if (t >= 1.0)
        return 1;
    /* T_k(1 + 2r) = cosh(k·acosh(1 + 2r)), and acosh(1 + 2r) = 2·asinh(√r) */
    ratio = fmin(ratio, 1e300); /* infinite where the spread is 0 */
    double root = sqrt(ratio);
    double rate = 2.0 * uns_log_plus_one(root + ratio / (1.0 + sqrt(1.0 + ratio)));
    double need = uns_log((1.0 + sqrt((1.0 - t) * (1.0 + t))) / t);
    double k = ceil(need / rate * (1.0 - 4.0 * DBL_EPSILON));
    return k < 9007199254740992.0 ? (int64_t)fmax(k, 1.0) : INT64_C(9007199254740992);
}

/* SPDX-License-Identifier: MIT
 * Eigenvalues of symmetric tridiagonal matrices by bisection on Sturm counts, at the ends
 * between limits that Laguerre's iteration finds, eigenvectors by inverse iteration. Golub &
 * Van Loan, Matrix Computations, §8.4; Parlett, The Symmetric Eigenvalue Problem, ch. 4 and 7.
 */
#include "la/tridiagonal.h"

#include <float.h>
#include <math.h>

enum {
    HALVINGS = 120, /* from any interval of doubles that is not mostly zeros */
    LAGUERRE = 40,  /* 5 to 10 do */
    ITERATIONS = 3  /* two suffice from a start that is not orthogonal to the vector */
};

double uns_tridiagonal_norm(size_t k, const double *alpha, const double *beta) {
    double norm = 0.0;
    for (size_t i = 0; i < k; i++) {
        double left = i > 0 ? beta[i - 1] : 0.0, right = i + 1 < k ? beta[i] : 0.0;
        norm = fmax(norm, fabs(alpha[i]) + left + right);
    }
    return norm;
}

size_t uns_tridiagonal_below(size_t k, const double *alpha, const double *beta, double x) {
    size_t below = 0;
    double pivot = 1.0;
    for (size_t i = 0; i < k; i++) {
        double fill = i > 0 ? beta[i - 1] * (beta[i - 1] / pivot) : 0.0;
        pivot = (alpha[i] - x) - fill;
        if (pivot == 0.0) /* as if x were a little larger: moves no eigenvalue by more */
            pivot = -DBL_MIN;
        below += pivot < 0.0;
    }
    return below;
}

/* Laguerre's step from x to the smallest eigenvalue θ_1 of sign·T, which x lies below: at most
 * θ_1 − x, and cubic near it, for a polynomial with real roots only. With the pivots δ_j of
 * T − xI it takes Σ 1/(θ_i − x) and Σ 1/(θ_i − x)², the derivatives of −Σ ln δ_j, by
 * recurrences without a difference. 0 where x does not lie below. */
static double laguerre_step(size_t k, const double *alpha, const double *beta, double sign,
                            double x) {
    double pivot = 1.0, slope = 0.0, bend = 0.0; /* δ, −δ′, −δ″ */
    double first = 0.0, second = 0.0, n = (double)k;
    for (size_t i = 0; i < k; i++) {
        double link = i > 0 ? beta[i - 1] / pivot : 0.0,
               fill = i > 0 ? beta[i - 1] * link : 0.0;
        bend = link * link * (bend + 2.0 * slope * (slope / pivot));
        slope = 1.0 + link * link * slope;
        pivot = (sign * alpha[i] - x) - fill;
        if (!(pivot > 0.0))
            return 0.0;
        double share = slope / pivot;
        first += share;
        second += share * share + bend / pivot;
    }
    return n / (first + sqrt(fmax((n - 1.0) * (n * second - first * first), 0.0)));
}

/* Close limits of an eigenvalue at an end of the spectrum: index 0 or k − 1. */
static void close_in(size_t k, const double *alpha, const double *beta, size_t index,
                     double *low, double *high) {
    double sign = index == 0 ? 1.0 : -1.0, x = *low, norm = *high, step;
    for (int i = 0; i < LAGUERRE; i++) {
        step = laguerre_step(k, alpha, beta, sign, x);
        x += step;
        if (!(step > DBL_EPSILON * norm))
            break;
    }
    if (!(fabs(x) <= norm))
        return;
    for (double gap = DBL_EPSILON * norm; gap < norm; gap *= 4.0) {
        double below = fmax(sign * x - gap, -norm), above = fmin(sign * x + gap, norm);
        if (uns_tridiagonal_below(k, alpha, beta, below) > index ||
            uns_tridiagonal_below(k, alpha, beta, above) <= index)
            continue;
        *low = below;
        *high = above;
        return;
    }
}

double uns_tridiagonal_value(size_t k, const double *alpha, const double *beta, size_t index) {
    double high = uns_tridiagonal_norm(k, alpha, beta) * (1.0 + 4.0 * DBL_EPSILON);
    double low = -high;
    if (index == 0 || index == k - 1)
        close_in(k, alpha, beta, index, &low, &high);
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + 0.5 * (high - low);
        if (!(middle > low && middle < high))
            break;
        if (uns_tridiagonal_below(k, alpha, beta, middle) > index)
            high = middle;
        else
            low = middle;
    }
    return low + 0.5 * (high - low);
}

/* LU with row exchanges of T − value: u0, u1, u2 the three diagonals of U, l the multipliers;
 * an exchange at i is told by the sign bit kept in `swapped`, ±1. */
typedef struct factors {
    double *u0, *u1, *u2, *l, *swapped;
} factors;

static factors factor(size_t k, const double *alpha, const double *beta, double value,
                      double *work) {
    factors f = {work, work + k, work + 2 * k, work + 3 * k, work + 4 * k};
    double tiny = DBL_EPSILON * uns_tridiagonal_norm(k, alpha, beta) + DBL_MIN;
    double diagonal = alpha[0] - value, right = k > 1 ? beta[0] : 0.0;
    for (size_t i = 0; i + 1 < k; i++) {
        double below = beta[i], next = alpha[i + 1] - value;
        double beyond = i + 2 < k ? beta[i + 1] : 0.0;
        if (fabs(diagonal) >= fabs(below)) {
            f.u0[i] = diagonal == 0.0 ? tiny : diagonal;
            f.u1[i] = right, f.u2[i] = 0.0, f.swapped[i] = 1.0;
            f.l[i] = below / f.u0[i];
            diagonal = next - f.l[i] * right, right = beyond;
        } else {
            f.u0[i] = below, f.u1[i] = next, f.u2[i] = beyond, f.swapped[i] = -1.0;
            f.l[i] = diagonal / below;
            diagonal = right - f.l[i] * next, right = -f.l[i] * beyond;
        }
    }
    f.u0[k - 1] = fabs(diagonal) < tiny ? tiny : diagonal;
    return f;
}

static void solve(size_t k, const factors *f, double *x) {
    for (size_t i = 0; i + 1 < k; i++) {
        if (f->swapped[i] < 0.0) {
            double kept = x[i];
            x[i] = x[i + 1];
            x[i + 1] = kept;
        }
        x[i + 1] -= f->l[i] * x[i];
    }
    for (size_t i = k; i-- > 0;) {
        double sum = x[i];
        if (i + 1 < k)
            sum -= f->u1[i] * x[i + 1];
        if (i + 2 < k)
            sum -= f->u2[i] * x[i + 2];
        x[i] = sum / f->u0[i];
    }
}

static void normalise(size_t k, double *x) {
    double most = 0.0, sum = 0.0;
    for (size_t i = 0; i < k; i++)
        most = fmax(most, fabs(x[i]));
    for (size_t i = 0; i < k; i++) {
        x[i] /= most;
        sum += x[i] * x[i];
    }
    for (size_t i = 0; i < k; i++)
        x[i] /= sqrt(sum);
}

static void remove_rows(size_t k, size_t others, const double *before, double *x) {
    for (size_t j = 0; j < others; j++) {
        double along = 0.0;
        for (size_t i = 0; i < k; i++)
            along += before[j * k + i] * x[i];
        for (size_t i = 0; i < k; i++)
            x[i] -= along * before[j * k + i];
    }
}

void uns_tridiagonal_vector(size_t k, const double *alpha, const double *beta, double value,
                            size_t others, const double *before, double *vector, double *work) {
    factors f = factor(k, alpha, beta, value, work);
    /* a start without any symmetry, so orthogonal to no eigenvector */
    for (size_t i = 0; i < k; i++)
        vector[i] = 1.0 + fmod(0.6180339887498949 * (double)(i + 1 + others), 1.0);
    for (int i = 0; i < ITERATIONS; i++) {
        remove_rows(k, others, before, vector);
        normalise(k, vector);
        solve(k, &f, vector);
        normalise(k, vector);
    }
    remove_rows(k, others, before, vector);
    normalise(k, vector);
}

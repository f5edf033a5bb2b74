/* SPDX-License-Identifier: MIT
 * Eigenvalues of symmetric tridiagonal matrices by bisection on Sturm counts, eigenvectors by
 * inverse iteration. Golub & Van Loan, Matrix Computations, §8.4; Parlett, The Symmetric
 * Eigenvalue Problem, ch. 4 and 7.
 */
#include "la/tridiagonal.h"

#include <float.h>
#include <math.h>

enum {
    HALVINGS = 120, /* from any interval of doubles that is not mostly zeros */
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

double uns_tridiagonal_value(size_t k, const double *alpha, const double *beta, size_t index) {
    double high = uns_tridiagonal_norm(k, alpha, beta) * (1.0 + 4.0 * DBL_EPSILON);
    double low = -high;
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

/* SPDX-License-Identifier: MIT
 * The cyclic Jacobi method (Golub & Van Loan, Matrix Computations, §8.5): plain loops in
 * + − × ÷ √, so that a problem's truth is the same bits everywhere. No match for LAPACK in
 * speed.
 */
#include "prob/eigenvalues.h"

#include <math.h>

static double off_diagonal(size_t n, const double *a) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            sum += a[i * n + j] * a[i * n + j];
    return sum;
}

static double diagonal(size_t n, const double *a) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i * n + i] * a[i * n + i];
    return sum;
}

/* Turns the pair (x, y) by the angle with cosine c and sine s. */
static void turn(double c, double s, double *x, double *y) {
    double old = *x;
    *x = c * old - s * *y;
    *y = s * old + c * *y;
}

/* The rotation in the plane (p, q) that makes a_pq zero; the smaller of the two angles. */
static void rotate(size_t n, double *a, size_t p, size_t q) {
    double entry = a[p * n + q];
    if (entry == 0.0)
        return;
    double ratio = (a[q * n + q] - a[p * n + p]) / (2.0 * entry);
    double tangent = 1.0 / (fabs(ratio) + sqrt(1.0 + ratio * ratio));
    if (ratio < 0.0)
        tangent = -tangent;
    double c = 1.0 / sqrt(1.0 + tangent * tangent), s = tangent * c;
    for (size_t k = 0; k < n; k++)
        turn(c, s, &a[p * n + k], &a[q * n + k]);
    for (size_t k = 0; k < n; k++)
        turn(c, s, &a[k * n + p], &a[k * n + q]);
}

static void sort_descending(size_t n, double *values) {
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && values[j] > values[j - 1]; j--) {
            double swap = values[j];
            values[j] = values[j - 1];
            values[j - 1] = swap;
        }
}

void uns_symmetric_eigenvalues(size_t n, double *a, double *values) {
    /* converges quadratically; 30 sweeps are never needed */
    for (int sweep = 0; sweep < 30 && off_diagonal(n, a) > 1e-30 * diagonal(n, a); sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++)
                rotate(n, a, p, q);
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    sort_descending(n, values);
}

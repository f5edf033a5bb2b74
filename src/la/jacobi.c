/* SPDX-License-Identifier: MIT
 * Cyclic Jacobi for small symmetric matrices. Not Lanczos, not LAPACK: it needs neither and
 * gives the same bits everywhere. Golub & Van Loan, Matrix Computations, §8.5.
 */
#include "la/jacobi.h"

#include <float.h>
#include <math.h>

enum {
    SWEEPS = 40 /* 6 to 10 suffice for n = 64; convergence is quadratic */
};

static double off_diagonal(size_t n, const double *a) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            sum += a[i * n + j] * a[i * n + j];
    return sqrt(2.0 * sum);
}

/* The rotation that annuls a_pq: cosine and sine of the smaller of the two angles. */
static void rotation(double app, double aqq, double apq, double *c, double *s) {
    double theta = (aqq - app) / (2.0 * apq);
    double t = copysign(1.0, theta) / (fabs(theta) + sqrt(1.0 + theta * theta));
    *c = 1.0 / sqrt(1.0 + t * t);
    *s = t * *c;
}

/* Rows p and q of m (n columns): [p; q] ← [c −s; s c]·[p; q]. */
static void rotate_rows(size_t n, double *m, size_t p, size_t q, double c, double s) {
    for (size_t k = 0; k < n; k++) {
        double x = m[p * n + k], y = m[q * n + k];
        m[p * n + k] = c * x - s * y;
        m[q * n + k] = s * x + c * y;
    }
}

static void rotate_columns(size_t n, double *m, size_t p, size_t q, double c, double s) {
    for (size_t k = 0; k < n; k++) {
        double x = m[k * n + p], y = m[k * n + q];
        m[k * n + p] = c * x - s * y;
        m[k * n + q] = s * x + c * y;
    }
}

static void sweep(size_t n, double *a, double *vectors) {
    for (size_t p = 0; p + 1 < n; p++)
        for (size_t q = p + 1; q < n; q++) {
            double c, s;
            if (a[p * n + q] == 0.0)
                continue;
            rotation(a[p * n + p], a[q * n + q], a[p * n + q], &c, &s);
            rotate_rows(n, a, p, q, c, s);
            rotate_columns(n, a, p, q, c, s);
            rotate_rows(n, vectors, p, q, c, s);
            a[p * n + q] = a[q * n + p] = 0.0;
        }
}

/* Selection sort: n is small, and swaps move whole rows. */
static void sort_ascending(size_t n, double *values, double *vectors) {
    for (size_t i = 0; i < n; i++) {
        size_t least = i;
        for (size_t j = i + 1; j < n; j++)
            if (values[j] < values[least])
                least = j;
        if (least == i)
            continue;
        double value = values[i];
        values[i] = values[least];
        values[least] = value;
        for (size_t k = 0; k < n; k++) {
            double v = vectors[i * n + k];
            vectors[i * n + k] = vectors[least * n + k];
            vectors[least * n + k] = v;
        }
    }
}

void uns_eigen_symmetric(size_t n, double *a, double *values, double *vectors) {
    double size = 0.0;
    for (size_t i = 0; i < n * n; i++) {
        vectors[i] = i % (n + 1) == 0 ? 1.0 : 0.0;
        size = fmax(size, fabs(a[i]));
    }
    for (int k = 0; k < SWEEPS && off_diagonal(n, a) > DBL_EPSILON * 0.1 * size; k++)
        sweep(n, a, vectors);
    for (size_t i = 0; i < n; i++)
        values[i] = a[i * n + i];
    sort_ascending(n, values, vectors);
}

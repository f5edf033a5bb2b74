/* SPDX-License-Identifier: MIT
 * The true root of the very matrix given, in double-double arithmetic: cyclic Jacobi of VᵀCV,
 * where V are the eigenvectors of ordinary arithmetic made orthogonal to 106 bits. They only
 * shorten the way: Jacobi goes on until what is off the diagonal is below 2^-100 of the norm.
 *
 * Source: G. H. Golub, C. F. Van Loan, Matrix Computations, 8.5 (cyclic Jacobi).
 */
#ifndef UNS_TEST_ROOT_TRUTH_H
#define UNS_TEST_ROOT_TRUTH_H

#include "double_double.h"

#include <float.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/structure.h>

/* Rows of v are eigenvectors. */
typedef struct truth {
    size_t n;
    dd *a, *v;
} truth;

/* Tangent of the angle that makes off = 0 for diagonal entries gap apart; the smaller one. */
static inline dd truth_tangent(dd off, dd gap) {
    if (fabs(gap.hi) >= 1e30 * fabs(off.hi))
        return dd_divide(off, gap);
    dd one = dd_from(1), theta = dd_divide(gap, dd_add(off, off));
    dd root = dd_sqrt(dd_add(dd_multiply(theta, theta), one));
    if (theta.hi < 0)
        return dd_negate(dd_divide(one, dd_subtract(root, theta)));
    return dd_divide(one, dd_add(theta, root));
}

static inline void truth_rotate(size_t n, dd c, dd s, dd *x, dd *y) {
    for (size_t k = 0; k < n; k++) {
        dd p = x[k], q = y[k];
        x[k] = dd_subtract(dd_multiply(c, p), dd_multiply(s, q));
        y[k] = dd_add(dd_multiply(s, p), dd_multiply(c, q));
    }
}

static inline void truth_annihilate(truth *t, size_t p, size_t q) {
    size_t n = t->n;
    dd *a = t->a, off = a[p * n + q], one = dd_from(1);
    dd tangent = truth_tangent(off, dd_subtract(a[q * n + q], a[p * n + p]));
    dd c = dd_divide(one, dd_sqrt(dd_add(dd_multiply(tangent, tangent), one)));
    dd s = dd_multiply(tangent, c), shift = dd_multiply(tangent, off);
    dd low = dd_subtract(a[p * n + p], shift), high = dd_add(a[q * n + q], shift);
    truth_rotate(n, c, s, a + p * n, a + q * n);
    truth_rotate(n, c, s, t->v + p * n, t->v + q * n);
    a[p * n + p] = low;
    a[q * n + q] = high;
    a[p * n + q] = a[q * n + p] = dd_from(0);
    for (size_t k = 0; k < n; k++) {
        a[k * n + p] = a[p * n + k];
        a[k * n + q] = a[q * n + k];
    }
}

static inline void truth_jacobi(truth *t) {
    double largest = 0;
    for (size_t i = 0; i < t->n; i++)
        largest = fmax(largest, fabs(t->a[i * t->n + i].hi));
    bool rotated = true;
    for (int sweep = 0; sweep < 60 && rotated; sweep++) {
        rotated = false;
        for (size_t p = 0; p + 1 < t->n; p++)
            for (size_t q = p + 1; q < t->n; q++)
                if (fabs(t->a[p * t->n + q].hi) > 0x1p-100 * largest) {
                    truth_annihilate(t, p, q);
                    rotated = true;
                }
    }
}

static inline dd truth_dot(size_t n, const dd *x, const dd *y) {
    dd sum = dd_from(0);
    for (size_t k = 0; k < n; k++)
        sum = dd_add(sum, dd_multiply(x[k], y[k]));
    return sum;
}

/* Gram–Schmidt: once is enough for what is orthogonal to some digits. */
static inline void truth_orthogonalize(truth *t) {
    for (size_t i = 0; i < t->n; i++) {
        dd *row = t->v + i * t->n;
        for (size_t j = 0; j < i; j++) {
            const dd *other = t->v + j * t->n;
            dd share = truth_dot(t->n, row, other);
            for (size_t k = 0; k < t->n; k++)
                row[k] = dd_subtract(row[k], dd_multiply(share, other[k]));
        }
        dd scale = dd_divide(dd_from(1), dd_sqrt(truth_dot(t->n, row, row)));
        for (size_t k = 0; k < t->n; k++)
            row[k] = dd_multiply(row[k], scale);
    }
}

/* a = V C Vᵀ */
static inline void truth_project(truth *t, const double *c) {
    size_t n = t->n;
    dd *row = calloc(n, sizeof *row);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            dd sum = dd_from(0);
            for (size_t k = 0; k < n; k++) {
                double entry = j > k ? c[j * n + k] : c[k * n + j];
                sum = dd_add(sum, dd_multiply(t->v[i * n + k], dd_from(entry)));
            }
            row[j] = sum;
        }
        for (size_t j = 0; j <= i; j++)
            t->a[i * n + j] = t->a[j * n + i] = truth_dot(n, row, t->v + j * n);
    }
    free(row);
}

/* `vectors`: rows, orthogonal to some digits, n×n; any orthogonal matrix will do. */
static inline truth truth_create(size_t n, const double *c, const double *vectors) {
    truth t = {n, calloc(n * n, sizeof(dd)), calloc(n * n, sizeof(dd))};
    for (size_t i = 0; i < n * n; i++)
        t.v[i] = dd_from(vectors[i]);
    truth_orthogonalize(&t);
    truth_project(&t, c);
    truth_jacobi(&t);
    return t;
}

static inline void truth_destroy(truth *t) {
    free(t->a);
    free(t->v);
}

static inline double truth_largest(const truth *t) {
    double largest = t->a[0].hi;
    for (size_t i = 1; i < t->n; i++)
        largest = fmax(largest, t->a[i * t->n + i].hi);
    return largest;
}

/* Slot 4 of spec.h for one eigenvalue of C; those below `floor` count as 0. The exponent is a
 * multiple of 1/16. */
static inline dd truth_value(const uns_root *root, dd damping, dd x, double floor) {
    unsigned sixteenths = (unsigned)lrint(16 * root->exponent);
    dd c = dd_from(root->correction), epsilon = dd_from(root->epsilon), base;
    if (x.hi < floor)
        x = dd_from(0);
    x = dd_add(x, damping);
    if (root->form == UNS_EPSILON_INSIDE)
        base = dd_power(dd_add(dd_multiply(c, x), epsilon), sixteenths);
    else if (root->form == UNS_EPSILON_OUTSIDE)
        base = dd_add(dd_power(dd_multiply(c, x), sixteenths), epsilon);
    else
        base = dd_multiply(dd_power(c, sixteenths), dd_add(dd_power(x, sixteenths), epsilon));
    return base.hi > 0 ? dd_divide(dd_from(1), base) : dd_from(0);
}

/* out = root(C), n×n. */
static inline void truth_root(const truth *t, const uns_root *root, double damping, dd *out) {
    size_t n = t->n;
    double largest = truth_largest(t);
    bool smooth = damping > 0 || (root->form == UNS_EPSILON_INSIDE && root->epsilon > 0);
    double floor = (smooth ? -1.0 : 1.0) * (double)n * DBL_EPSILON * largest;
    dd top = t->a[0];
    for (size_t i = 1; i < n; i++)
        if (t->a[i * n + i].hi > top.hi)
            top = t->a[i * n + i];
    dd delta = dd_multiply(dd_from(damping), top);
    memset(out, 0, n * n * sizeof *out);
    for (size_t m = 0; m < n; m++) {
        dd f = truth_value(root, delta, t->a[m * n + m], floor);
        const dd *v = t->v + m * n;
        for (size_t i = 0; i < n; i++) {
            dd fv = dd_multiply(f, v[i]);
            for (size_t j = 0; j <= i; j++)
                out[i * n + j] = dd_add(out[i * n + j], dd_multiply(fv, v[j]));
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            out[i * n + j] = out[j * n + i];
}

/* ‖r − R‖/‖R‖, Frobenius. */
static inline double truth_error(size_t n, const dd *exact, const double *r) {
    double square = 0, norm = 0;
    for (size_t i = 0; i < n * n; i++) {
        double difference = dd_subtract(exact[i], dd_from(r[i])).hi;
        square += difference * difference;
        norm += exact[i].hi * exact[i].hi;
    }
    return norm > 0 ? sqrt(square / norm) : sqrt(square);
}

#endif

/* SPDX-License-Identifier: MIT
 * What the files of the root engine share: the root as a function of one eigenvalue, products
 * more exact than f64, and the two methods. Nothing outside root*.c includes it.
 *
 * The methods work on A = C/scale with `scale` a power of two, so that no digit is lost and
 * entries are near 1. In error formulas u = 2⁻⁵³.
 */
#ifndef UNS_LA_ROOT_PARTS_H
#define UNS_LA_ROOT_PARTS_H

#include "la/root.h"

#define ROOT_UNIT 0x1p-53

enum {
    ROOT_PANEL = 64 /* rows of a product split at a time */
};

/* One root to be taken; arguments checked, n > 0, p > 0. */
typedef struct root_task {
    size_t n;
    const uns_root *root;
    double damping;
    const double *c; /* lower triangle counts */
    double scale;
    double *r;       /* may be c: written last */
    double *values;  /* [n] or NULL */
    double *vectors; /* [n·n] or NULL */
    size_t worth; /* Newton–Schulz is taken while its products times n are not above this */
    void *scratch;
    uns_root_report *report;
} root_task;

/* root_function.c: f with R·unit = f(A), for one eigenvalue λ of A. */
typedef struct root_function {
    const uns_root *root;
    double scale; /* C = scale·A */
    double unit;  /* a power of two that brings the largest f near 1 */
    double shift; /* damping·λ_max(A) */
    double floor; /* n·2⁻⁵²·λ_max(A): what is nearer to 0 is rounding */
} root_function;

double uns_root_value(const root_function *f, double lambda);
double uns_root_edge(const root_function *f);                 /* λ below counts as 0 */
double uns_root_slope(const root_function *f, double lambda); /* f′; 0 where λ counts as 0 */
double uns_root_bend(const root_function *f, double lambda);  /* |f″|; likewise */

/* root_product.c: full symmetric A = C/scale into a. */
void uns_root_scaled_copy(const root_task *task, double *a);
/* out = xA + diag(shifts)·x for n×n x, rounded once but for an error of ROOT_UNIT·|x||A| times
 * what is returned (about 2⁻²²). `square` has n² doubles, `panel` n·ROOT_PANEL; no overlaps. */
double uns_root_product(const root_task *task, const double *x, const double *shifts,
                        double *out, double *square, double *panel);
double uns_root_square_sum(size_t count, const double *x);
/* Error of the last roundings of any root, relative: measured, see docs/theory.md. */
double uns_root_rounding(size_t n);

/* root_eigen.c: any form and size. */
uns_status uns_root_by_eigen(const root_task *task);
size_t uns_root_eigen_bytes(size_t n);

/* root_correct.c: the root from computed eigenpairs, corrected by their measured residual;
 * writes r and report->error. */
typedef struct root_pairs {
    double *vectors, *values; /* of A: rows; ascending */
    double *roots, *slopes;   /* [n] f and f′ at each; slopes is for root_correct.c to fill */
    double *square[2];        /* [n·n] scratch */
    double *panel;            /* [n·ROOT_PANEL] scratch */
} root_pairs;
void uns_root_correct(const root_task *task, const root_function *f, const root_pairs *pairs);

/* root_newton.c: false where it does not apply, would be slower or went wrong; r and *report
 * are untouched then. */
bool uns_root_by_newton(const root_task *task);
size_t uns_root_newton_bytes(size_t n); /* 0 where n is beyond it */

#endif

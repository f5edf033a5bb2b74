/* SPDX-License-Identifier: MIT
 * One coordinate of a point drawn uniformly from the unit sphere in R^d, and Student's t, which
 * is the same law in other clothes. Frozen elementary functions only: the same bits everywhere.
 */
#ifndef UNS_SPHERE_H
#define UNS_SPHERE_H

#include <stddef.h>

/* P(|b_1| <= t) for b uniform on the sphere in R^d, d >= 1 and 0 <= t < 1: b_1² is distributed
 * as Beta(½, (d−1)/2). Relative error about 1e-14, for any d. */
double uns_sphere_probability(size_t d, double t);

/* The t with that probability p, 0 < p < 1 (1 for d = 1, where |b_1| = 1 always). */
double uns_sphere_quantile(size_t d, double p);

/* Student's t with `freedom` degrees of freedom: P(T <= quantile) = p, 0 < p < 1. */
double uns_student_quantile(size_t freedom, double p);

/* ln(1 + x) for x > −1, to a few ulp also where x is tiny. */
double uns_log_plus_one(double x);

#endif

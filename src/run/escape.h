/* SPDX-License-Identifier: MIT
 * Statistics of escape steps and of floors over the replicas of a cell.
 */
#ifndef UNS_ESCAPE_H
#define UNS_ESCAPE_H

#include <unsaddle/run.h>

/* The survival curve of escape steps: share not yet escaped after time[i], i ascending over the
 * distinct steps at which something escaped. */
typedef struct uns_survival {
    size_t count;
    double *time, *share;
    double *greenwood; /* Σ d/(n(n − d)) up to time[i]; infinite once share is 0 */
} uns_survival;

/* Kaplan–Meier. escape[i] > 0: replica i escaped then; −1: it had not when last seen, after
 * seen[i] steps, and leaves the count of those at risk (at a tie, after the escapes). */
uns_status uns_survival_create(uns_context *context, size_t n, const int64_t *escape,
                               const int64_t *seen, uns_survival *out);
void uns_survival_release(uns_context *context, uns_survival *survival);

/* The first time with share <= 1 − q, or, where the share is exactly 1 − q, halfway to the next
 * escape (the sample quantile's convention); NaN when not reached. */
double uns_survival_quantile(const uns_survival *survival, double q);

/* Its 95 % interval: times whose log(−log) interval holds 1 − q (Brookmeyer & Crowley 1982).
 * NaN: that end is not reached. */
void uns_survival_interval(const uns_survival *survival, double q, double *low, double *high);

/* Fills the escape_ fields and `escaped` of a result from the replicas' escapes. */
uns_status uns_escape_fill(uns_context *context, size_t n, const int64_t *escape,
                           const int64_t *seen, uns_result *result);

/* Mean of n values and its Student 95 % interval; values[i] NaN are left out. */
uns_estimate uns_estimate_mean(size_t n, const double *values, double *deviation);

/* Σ sum / Σ count with an interval clustered by replica: the pairs of one replica are as
 * dependent as they like, replicas are independent. */
uns_estimate uns_estimate_ratio(size_t n, const double *sum, const double *count);

/* 97.5 % point of Student's t, within 0.05 % for any number of degrees of freedom >= 1. */
double uns_student_point(size_t freedom);

#endif

/* SPDX-License-Identifier: MIT
 * What the numbers bear out between two cells, and the pair or the cell that stands out.
 *
 * Escape steps are compared by their medians, which count the replicas that did not escape.
 * "Equally" is within a factor of 1.1; "sooner" and "closer" must be more than that, and the
 * 95 % intervals must not overlap. Cells that diverged or were cut short are no members of a
 * field and never compared.
 */
#ifndef UNS_REPORT_COMPARE_H
#define UNS_REPORT_COMPARE_H

#include "report/view.h"

/* The sound cells of one group. */
typedef struct uns_field {
    const uns_views *views;
    size_t group;
} uns_field;

/* The index-th view if it belongs to the field, else NULL. */
const uns_view *uns_field_member(const uns_field *field, size_t index);

/* Median escape step and mean floor; NaN: not known. Steps taken by each replica. */
double uns_view_median(const uns_view *view);
double uns_view_floor(const uns_view *view);
double uns_view_steps(const uns_view *view);

bool uns_equally_fast(const uns_view *a, const uns_view *b);
bool uns_equally_close(const uns_view *a, const uns_view *b);

/* How many times sooner `a` escapes than `b`, or at least that where b's median was not
 * reached; 0: not shown to be sooner. */
double uns_sooner(const uns_view *a, const uns_view *b);

/* How many times closer to the minimum `a` stays; 0: not shown to be closer. */
double uns_closer(const uns_view *a, const uns_view *b);

/* The cell of b's method at a's step size; NULL: none. */
const uns_view *uns_twin(const uns_field *field, const uns_view *a, const uns_view *b);

/* How much there is to say for `a` against `b`; 0: nothing.
 *   equal speed   how many times closer a stays where both are equally fast, times how many
 *                 times sooner it is than b's method at its own step size
 *   dominance     how many times sooner, where it stays no farther away; against b's method
 *                 at the same step size, or at its soonest
 *   equal step    how many times sooner at the same step size */
typedef double uns_gain(const uns_field *field, const uns_view *a, const uns_view *b);
uns_gain uns_gain_at_equal_speed, uns_gain_by_dominance, uns_gain_at_equal_step;

/* A pair of cells of different methods, and the gain of the first; better NULL: none has any.
 */
typedef struct uns_pair {
    const uns_view *better, *other;
    double gain;
} uns_pair;

/* The pair with the largest gain; one whose better cell is no oracle comes before any other. */
uns_pair uns_best_pair(const uns_field *field, uns_gain *gain);

/* The cells that stand out; NULL where none has the number. */
typedef struct uns_extremes {
    size_t count;  /* members */
    bool complete; /* every one has both numbers: only then "all" may be said */
    const uns_view *soonest, *latest, *closest, *farthest;
} uns_extremes;
uns_extremes uns_find_extremes(const uns_field *field);

#endif

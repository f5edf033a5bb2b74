/* SPDX-License-Identifier: MIT
 * Comparisons between cells.
 */
#include "report/compare.h"

#include <math.h>
#include <string.h>

static const double TOLERANCE = 1.1;

const uns_view *uns_field_member(const uns_field *field, size_t index) {
    const uns_view *view = &field->views->view[index];
    return view->group == field->group && uns_view_sound(view) ? view : NULL;
}

double uns_view_median(const uns_view *view) {
    return view->result->escape_median;
}

double uns_view_floor(const uns_view *view) {
    return view->result->floor.mean;
}

double uns_view_steps(const uns_view *view) {
    return (double)view->result->cell->settings.steps;
}

static bool same_method(const uns_view *a, const uns_view *b) {
    return strcmp(a->method, b->method) == 0;
}

static bool within_tolerance(double a, double b) {
    return a <= b * TOLERANCE && b <= a * TOLERANCE; /* false for NaN */
}

bool uns_equally_fast(const uns_view *a, const uns_view *b) {
    return within_tolerance(uns_view_median(a), uns_view_median(b));
}

bool uns_equally_close(const uns_view *a, const uns_view *b) {
    return within_tolerance(uns_view_floor(a), uns_view_floor(b));
}

double uns_sooner(const uns_view *a, const uns_view *b) {
    double median = uns_view_median(b), low = b->result->escape_median_low;
    if (isnan(median)) {
        median = uns_view_steps(b);
        if (isnan(low) && b->result->replicas > 1)
            low = median; /* not even the interval's lower end was reached */
    }
    bool apart = a->result->escape_median_high < low;
    return apart && median > uns_view_median(a) * TOLERANCE ? median / uns_view_median(a) : 0;
}

double uns_closer(const uns_view *a, const uns_view *b) {
    bool apart = a->result->floor.high < b->result->floor.low && uns_view_floor(a) > 0;
    return apart && uns_view_floor(b) > uns_view_floor(a) * TOLERANCE
               ? uns_view_floor(b) / uns_view_floor(a)
               : 0;
}

const uns_view *uns_twin(const uns_field *field, const uns_view *a, const uns_view *b) {
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        if (view && same_method(view, b) && strcmp(view->eta, a->eta) == 0)
            return view;
    }
    return NULL;
}

double uns_gain_at_equal_speed(const uns_field *field, const uns_view *a, const uns_view *b) {
    const uns_view *slow = uns_twin(field, a, b);
    double ratio = slow ? uns_sooner(a, slow) : 0;
    return uns_equally_fast(a, b) ? uns_closer(a, b) * fmax(ratio, 1) : 0;
}

static bool soonest_of_method(const uns_field *field, const uns_view *view) {
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *other = uns_field_member(field, i);
        if (other && same_method(other, view) && uns_view_median(other) < uns_view_median(view))
            return false;
    }
    return !isnan(uns_view_median(view));
}

double uns_gain_by_dominance(const uns_field *field, const uns_view *a, const uns_view *b) {
    if (strcmp(a->eta, b->eta) != 0 && !soonest_of_method(field, b))
        return 0; /* a badly chosen step size says nothing about the method */
    return uns_closer(a, b) > 0 || uns_equally_close(a, b) ? uns_sooner(a, b) : 0;
}

double uns_gain_at_equal_step(const uns_field *field, const uns_view *a, const uns_view *b) {
    (void)field;
    return strcmp(a->eta, b->eta) == 0 ? uns_sooner(a, b) : 0;
}

/* Whether a pair of this gain takes the place of the best so far. */
static bool replaces(const uns_pair *best, const uns_view *a, double gain) {
    if (!(gain > 0))
        return false;
    if (best->better && best->better->oracle != a->oracle)
        return best->better->oracle;
    return gain > best->gain;
}

uns_pair uns_best_pair(const uns_field *field, uns_gain *gain) {
    uns_pair best = {NULL, NULL, 0};
    for (size_t i = 0; i < field->views->count; i++)
        for (size_t j = 0; j < field->views->count; j++) {
            const uns_view *a = uns_field_member(field, i), *b = uns_field_member(field, j);
            if (!a || !b || same_method(a, b))
                continue;
            double value = gain(field, a, b);
            if (replaces(&best, a, value))
                best = (uns_pair){a, b, value};
        }
    return best;
}

/* Keeps the view with the smaller number (sign 1) or the larger (sign −1). */
static void keep(const uns_view **best, const uns_view *view,
                 double (*number)(const uns_view *), double sign) {
    if (!isnan(number(view)) && (!*best || sign * number(view) < sign * number(*best)))
        *best = view;
}

uns_extremes uns_find_extremes(const uns_field *field) {
    uns_extremes found = {.complete = true};
    for (size_t i = 0; i < field->views->count; i++) {
        const uns_view *view = uns_field_member(field, i);
        if (!view)
            continue;
        found.count++;
        found.complete &= !isnan(uns_view_median(view)) && !isnan(uns_view_floor(view));
        keep(&found.soonest, view, uns_view_median, 1);
        keep(&found.latest, view, uns_view_median, -1);
        keep(&found.closest, view, uns_view_floor, 1);
        keep(&found.farthest, view, uns_view_floor, -1);
    }
    return found;
}

/* SPDX-License-Identifier: MIT
 * The room along a direction of negative curvature. With a third derivative of at most ρ,
 *
 *     f(x) − f(x + ℓv) >= γℓ²/2 − ρℓ³/6 >= γℓ²/4    for ℓ <= 3γ/(2ρ),
 *
 * so the longest step that keeps half of the promise measures 3γ/(2ρ), whatever ρ is.
 * Lengths are tried on a ladder, by exact f or on the fixed samples. Where ρ is 0 any length
 * keeps the promise, and the ladder ends at longest_length.
 */
#include "run/survey.h"

#include "base/base.h"

#include <float.h>
#include <math.h>

enum {
    RUNGS = 40,    /* eightfold: from 1e-8 beyond any length there is */
    FINE_RUNGS = 2 /* then twofold */
};

typedef struct ladder {
    uns_survey *survey;
    double value, gamma, sign, longest;
    double length, decrease; /* of the longest step that kept the promise; 0: none */
} ladder;

static uns_status try_length(ladder *l, double length, bool *kept) {
    uns_survey *s = l->survey;
    double f, *probe = s->work[0];
    for (size_t i = 0; i < s->slice->work->dimension; i++)
        probe[i] = s->x[i] + l->sign * length * s->v[i];
    UNS_TRY(uns_survey_value(s, probe, &f));
    *kept = l->value - f >= 0.25 * l->gamma * length * length;
    if (*kept) {
        l->length = length;
        l->decrease = l->value - f;
    }
    return UNS_OK;
}

static uns_status climb(ladder *l, double first) {
    bool kept = true;
    double factor = 8.0;
    UNS_TRY(try_length(l, first, &kept));
    if (!kept)
        return UNS_OK;
    for (int i = 0, fine = 0; fine <= FINE_RUNGS && l->length < l->longest && i < RUNGS; i++) {
        UNS_TRY(try_length(l, l->length * factor, &kept));
        fine += fine > 0 || !kept;
        factor = kept && fine == 0 ? 8.0 : 2.0;
    }
    if (first < l->longest && l->length > l->longest)
        UNS_TRY(try_length(l, l->longest, &kept));
    return UNS_OK;
}

static double norm_of(const uns_survey *s) {
    double square = 0.0;
    for (size_t i = 0; i < s->slice->work->dimension; i++)
        square += s->x[i] * s->x[i];
    return sqrt(square);
}

/* Shorter steps drown in the rounding of f, or in the noise of the way. */
static double first_length(const uns_survey *s, const uns_finding *finding, double gamma) {
    double size = fabs(finding->reading.value);
    double rounding = 16.0 * sqrt(256.0 * DBL_EPSILON * (size + DBL_MIN) / gamma);
    double first = fmax(rounding, 64.0 * DBL_EPSILON * norm_of(s));
    return fmax(fmax(first, 1e-12), finding->floor >= 0.0 ? finding->floor : 0.0);
}

/* ¼γℓ² need not be more than what the problem counts as escaped from its saddle, or from here
 * where f is higher. Where it does not say, ℓ is at most the largest of 2√(|f|/γ), beyond which
 * no f >= 0 has room, of ‖x‖ and of 1. */
static double longest_length(const uns_survey *s, const uns_finding *finding, double gamma) {
    const uns_truth *truth = &s->slice->work->truth;
    double value = finding->reading.value;
    double depth = fmax(value, truth->start_value) - truth->escape_value;
    if (depth > 0.0)
        return 2.0 * sqrt(depth / gamma);
    return fmax(2.0 * sqrt(fabs(value) / gamma), fmax(norm_of(s), 1.0));
}

uns_status uns_survey_room(uns_survey *s, uns_finding *finding) {
    ladder l = {.survey = s,
                .value = finding->reading.value,
                .gamma = -finding->reading.curvature,
                .sign = finding->slope > 0.0 ? -1.0 : 1.0};
    double first = first_length(s, finding, l.gamma);
    l.longest = longest_length(s, finding, l.gamma);
    UNS_TRY(climb(&l, first));
    if (l.length == 0.0) {
        l.sign = -l.sign;
        UNS_TRY(climb(&l, first));
    }
    if (l.length == 0.0)
        return UNS_OK;
    finding->length = l.sign * l.length;
    finding->decrease = l.decrease;
    finding->reading.drop = 0.25 * l.gamma * l.length * l.length;
    return UNS_OK;
}

/* SPDX-License-Identifier: MIT
 * A survey of one replica's place: f, gradient noise, the lowest eigenpair, how far down it
 * leads, how long the optimizer takes to leave. The periodic instruments and the episodes of
 * stalls are surveys; nothing here moves anything.
 */
#ifndef UNS_SURVEY_H
#define UNS_SURVEY_H

#include "run/reserve.h"
#include "run/slice.h"

#include <unsaddle/metric.h>
#include <unsaddle/noise.h>

/* What is wanted, and at what cost. */
typedef struct uns_survey_plan {
    bool noise, curvature, forecast; /* a forecast takes both others */
    size_t draws, products;
    size_t samples;   /* a fixed set of so many; 0: the whole objective */
    bool beforehand;  /* memory for readings is set aside; else taken when needed */
    double clearance; /* noise floors that the shortest step along v is to measure */
} uns_survey_plan;

typedef struct uns_survey {
    uns_survey_plan plan;
    uns_slice *slice;
    uns_reserve reserve;
    uns_layout *single; /* the problem's, of one replica */
    uns_problem_sampler *sampler;
    uns_noise *noise[2]; /* of g, of A^{1/2}g; the second NULL where A is I or not known */
    uns_metric *metric;  /* of one replica; made at the first survey */
    bool identity;       /* A = I */
    uns_operator root;   /* A^{1/2} */
    uns_operator hessian;
    double *memory;
    double *x;       /* [d] the place */
    double *v;       /* [d] unit vector of the lowest curvature */
    double *g;       /* [d] gradient there, of the whole objective or the set */
    double *w;       /* [d] the same of A^{1/2}HA^{1/2} */
    double *start;   /* [d] of Lanczos */
    double *work[2]; /* [d] */
    void **in, **out;
    void *scratch; /* the problem's, for one replica */
    uns_batch set;
} uns_survey;

/* What a survey finds besides a reading. NaN: not known. */
typedef struct uns_finding {
    uns_reading reading;
    double held;     /* f − f with the other modes at rest, at least */
    double slope;    /* vᵀ∇f */
    double floor;    /* clearance times the length along v that noise makes up for on the way */
    double kick;     /* clearance times √(η/(2γ)): the larger step's size */
    double length;   /* signed length along v of the verified step; NaN: none */
    double decrease; /* of f by it */
} uns_finding;

/* Samples that stand for a sum of n: 0 means the whole. */
size_t uns_survey_samples(const uns_problem *problem, int64_t asked);

/* Takes all memory. On failure nothing is left behind. */
UNS_NODISCARD uns_status uns_survey_open(uns_slice *slice, const uns_survey_plan *plan,
                                         uns_survey *survey);
/* Bytes of it, noise and metric not counted; the slice needs its layout only. */
size_t uns_survey_bytes(uns_slice *slice, const uns_survey_plan *plan);
void uns_survey_close(uns_survey *survey);

/* Surveys replica r of the slice after t moves; `number` tells its draws from others of the
 * same replica, below 2^24 with the draws. v and the place stay in the survey. */
UNS_NODISCARD uns_status uns_survey_take(uns_survey *survey, size_t r, int64_t t,
                                         uint64_t number, uns_finding *out);

/* x of replica r, flat; f at a flat point; A of replica r as it is now times a flat vector, or
 * the vector itself where A is I or not known. */
void uns_survey_place(const uns_survey *survey, size_t r, double *flat);
UNS_NODISCARD uns_status uns_survey_value(uns_survey *survey, const double *x, double *f);
UNS_NODISCARD uns_status uns_survey_apply(uns_survey *survey, uns_product product,
                                          const double *in, double *out);

/* leave.c: floor, room and forecast where something leads down beyond doubt: gamma is −λ_min(B)
 * of the metric, if `known`, and report is of the noise in it. v and w are found. */
UNS_NODISCARD uns_status uns_survey_leave(uns_survey *survey, bool known, double gamma,
                                          const uns_noise_report *report, uns_finding *finding);

/* room.c: fills length, decrease and the reading's drop: along v, how far f falls by at least
 * half of what its curvature says. Needs value, curvature, slope and floor. */
UNS_NODISCARD uns_status uns_survey_room(uns_survey *survey, uns_finding *finding);

#endif

/* SPDX-License-Identifier: MIT
 * The periodic instruments: when to read, and where readings go. A reading is a survey
 * (survey.c) of one replica; it draws from streams of its own and writes nothing of the run's.
 */
#include "run/slice.h"
#include "run/survey.h"

#include "base/base.h"

#include <math.h>

struct uns_reader {
    uns_survey survey;
    size_t replicas; /* of this slice that are read: the first so many */
};

/* A reading's cost in steps of one replica, from instruction counts with the built-in problems
 * (9 to 163 steps at the defaults where a pass is cheap, 3,800 for softmax on batches of 8) and
 * rounded up: a draw is a step's gradient and its bookkeeping; a pass over the whole, or over
 * the sample set, takes a share of what as many batches take; the rest is Lanczos and what
 * calls cost. Counted, not timed: readings must not depend on a clock. */
#define FIXED_COST 150.0
#define VALUES     25.0 /* of f, up the ladder */
#define PASS_GAIN  2.0  /* a batch's cost a sample over a pass's */
#define SIDE_GAIN  48.0 /* replicas side by side that cost as much as one */
#define AUTO_SHARE 0.01

static double reading_steps(const uns_work *work) {
    const uns_settings *settings = &work->cell->settings;
    const uns_instruments *in = &settings->instruments;
    double pass = 1.0; /* of an expectation */
    if (uns_problem_samples(work->problem) > 0) {
        size_t set = uns_survey_samples(work->problem, in->samples);
        double samples = set ? (double)set : (double)uns_problem_samples(work->problem);
        pass = 1.0 + samples / (double)settings->batch / PASS_GAIN;
    }
    double steps = FIXED_COST + pass, products = (double)in->products;
    if (in->noise)
        steps += 2.0 * (double)in->draws;
    if (in->curvature)
        steps += (VALUES + (in->forecast ? 2.0 : 1.0) * products) * pass;
    return steps;
}

int64_t uns_reading_every(const uns_work *work) {
    const uns_settings *settings = &work->cell->settings;
    const uns_instruments *in = &settings->instruments;
    if (in->every >= 0)
        return in->every;
    double replicas = (double)settings->replicas;
    double read = fmin((double)in->replicas, replicas);
    double every = ceil(read * reading_steps(work) / (1.0 + replicas / SIDE_GAIN) / AUTO_SHARE);
    every = fmax(every, ceil((double)settings->steps / (double)settings->records));
    return every <= (double)settings->steps ? (int64_t)every : 0;
}

static uns_survey_plan reader_plan(const uns_slice *slice) {
    const uns_instruments *in = &slice->work->cell->settings.instruments;
    return (uns_survey_plan){.noise = in->noise,
                             .curvature = in->curvature,
                             .forecast = in->forecast,
                             .draws = (size_t)in->draws,
                             .products = (size_t)in->products,
                             .samples = uns_survey_samples(slice->work->problem, in->samples),
                             .beforehand = true};
}

/* Replicas of the slice that are read. */
static size_t count_read(const uns_slice *slice) {
    const uns_settings *settings = &slice->work->cell->settings;
    const uns_instruments *in = &settings->instruments;
    size_t read =
        (size_t)(in->replicas < settings->replicas ? in->replicas : settings->replicas);
    if (slice->work->reading_every == 0 || slice->first >= read)
        return 0;
    size_t left = read - slice->first;
    return left < slice->replicas ? left : slice->replicas;
}

uns_status uns_reader_open(uns_slice *slice) {
    size_t read = count_read(slice);
    if (read == 0)
        return UNS_OK;
    uns_reader *reader = uns_allocate(slice->context, sizeof *reader);
    if (!reader)
        return UNS_ERROR_MEMORY;
    reader->replicas = read;
    uns_survey_plan plan = reader_plan(slice);
    uns_status status = uns_survey_open(slice, &plan, &reader->survey);
    if (status != UNS_OK)
        uns_release(slice->context, reader);
    else
        slice->reader = reader;
    return status;
}

size_t uns_reader_bytes(uns_slice *slice) {
    const uns_survey_plan plan = reader_plan(slice);
    return count_read(slice) > 0 ? uns_survey_bytes(slice, &plan) : 0;
}

void uns_reader_close(uns_slice *slice) {
    if (!slice->reader)
        return;
    uns_survey_close(&slice->reader->survey);
    uns_release(slice->context, slice->reader);
    slice->reader = NULL;
}

uns_status uns_slice_read(uns_slice *slice, int64_t t) {
    uns_reader *reader = slice->reader;
    uns_work *work = slice->work;
    if (!reader || t % work->reading_every != 0)
        return UNS_OK;
    size_t index = (size_t)(t / work->reading_every) - 1;
    uint64_t draws = (uint64_t)reader->survey.plan.draws + 32; /* they are rounded up */
    for (size_t r = 0; r < reader->replicas; r++) {
        uns_finding finding;
        size_t replica = slice->first + r;
        if (work->diverged[replica])
            continue;
        uns_status status = uns_survey_take(&reader->survey, r, t, index * draws, &finding);
        if (status == UNS_ERROR_CALLBACK) /* on its way out of the numbers: no reading */
            continue;
        UNS_TRY(status);
        work->reading[replica * work->readings + index] = finding.reading;
    }
    return UNS_OK;
}

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

/* What a replica-step costs beside its d·batch numbers, and calls on one replica likewise: both
 * measured with saddle2d, in numbers. */
#define STEP_COST    120.0
#define CALL_COST    200.0
#define READING_COST 20000.0
#define AUTO_SHARE   0.01

/* A reading's cost by its parts, in numbers touched. */
static double reading_cost(const uns_work *work) {
    const uns_settings *settings = &work->cell->settings;
    const uns_instruments *in = &settings->instruments;
    double d = (double)work->dimension, samples = 4.0; /* of an expectation: some passes */
    if (uns_problem_samples(work->problem) > 0) {
        size_t set = uns_survey_samples(work->problem, in->samples);
        samples = set ? (double)set : (double)uns_problem_samples(work->problem);
    }
    double whole = 2.0 * d * samples + CALL_COST, products = (double)in->products;
    double draw = d * (double)settings->batch + 60.0 * d + CALL_COST;
    double cost = READING_COST + whole;
    if (in->noise)
        cost += (double)in->draws * (in->forecast ? draw + 60.0 * d : draw);
    if (in->curvature)
        cost += 25.0 * whole + (in->forecast ? 2.0 : 1.0) * products * (whole + products * d);
    return cost;
}

int64_t uns_reading_every(const uns_work *work) {
    const uns_settings *settings = &work->cell->settings;
    const uns_instruments *in = &settings->instruments;
    if (in->every >= 0)
        return in->every;
    double replicas = (double)settings->replicas;
    double read = fmin((double)in->replicas, replicas);
    double step = replicas * (double)work->dimension * (double)settings->batch +
                  STEP_COST * (double)work->slices;
    double every = ceil(read * reading_cost(work) / (AUTO_SHARE * step));
    double row = (double)settings->steps / (double)settings->records;
    every = fmax(every, ceil(row)); /* no more readings than rows */
    return every <= (double)settings->steps ? (int64_t)every : 0;
}

uns_status uns_reader_open(uns_slice *slice) {
    const uns_settings *settings = &slice->work->cell->settings;
    const uns_instruments *in = &settings->instruments;
    size_t read =
        (size_t)(in->replicas < settings->replicas ? in->replicas : settings->replicas);
    if (slice->work->reading_every == 0 || slice->first >= read)
        return UNS_OK;
    uns_reader *reader = uns_allocate(slice->context, sizeof *reader);
    if (!reader)
        return UNS_ERROR_MEMORY;
    size_t left = read - slice->first;
    reader->replicas = left < slice->replicas ? left : slice->replicas;
    uns_survey_plan plan = {.noise = in->noise,
                            .curvature = in->curvature,
                            .forecast = in->forecast,
                            .draws = (size_t)in->draws,
                            .products = (size_t)in->products,
                            .samples = uns_survey_samples(slice->work->problem, in->samples),
                            .clearance = 0.0};
    uns_status status = uns_survey_open(slice, &plan, &reader->survey);
    if (status != UNS_OK)
        uns_release(slice->context, reader);
    else
        slice->reader = reader;
    return status;
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
        UNS_TRY(uns_survey_take(&reader->survey, r, t, index * draws, &finding));
        work->reading[replica * work->readings + index] = finding.reading;
    }
    return UNS_OK;
}

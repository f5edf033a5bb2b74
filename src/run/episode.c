/* SPDX-License-Identifier: MIT
 * An episode: a replica that has stalled is certified; at a saddle its witness is refined and
 * surveyed, and, where the plan says so, the replica is moved. Every episode is recorded,
 * whatever came of it. Unlike the test, an episode may allocate.
 */
#include "run/stall.h"

#include "base/base.h"

#include <math.h>
#include <string.h>

enum {
    PRODUCTS = 48 /* to refine a witness that has been proved already */
};

/* A slice that never stalls never takes this memory. */
static uns_status open_survey(uns_slice *s, uns_stall_watch *w) {
    uns_survey_plan plan = {.noise = true,
                            .curvature = true,
                            .forecast = true,
                            .draws = UNS_NOISE_DRAWS,
                            .products = PRODUCTS,
                            .samples = w->samples,
                            .clearance = s->work->cell->settings.stall.clearance};
    return w->survey.slice ? UNS_OK : uns_survey_open(s, &plan, &w->survey);
}

static uns_status certify(uns_slice *s, uns_stall_watch *w, const uns_episode *episode,
                          uns_certificate *out) {
    const uns_settings *settings = &s->work->cell->settings;
    const uns_stall *stall = &settings->stall;
    uns_certificate_config config;
    uns_survey *survey = &w->survey;
    uns_layout_spread(survey->single, survey->x, survey->in);
    uns_const_tensors x = {(const void *const *)survey->in, uns_layout_count(survey->single)};
    UNS_TRY(uns_param_defaults(s->context, uns_certificate_table(), &config));
    config.tau_g = INFINITY; /* the cheap test has seen to the gradient */
    config.tau_h = stall->tau_h;
    config.delta = stall->delta;
    config.samples = (int64_t)w->samples;
    config.seed = settings->seed;
    config.occasion = (episode->replica << 8) + (episode->step / stall->every & 255);
    return uns_certify_problem(s->context, s->work->problem, x, &config, NULL, out);
}

/* Momentum of replica r to zero in every block; C stays. */
static uns_status clear_momentum(uns_slice *s, size_t r) {
    for (size_t i = 0; i < uns_layout_count(s->layout); i++)
        for (size_t k = 0; k < uns_optimizer_state_count(s->optimizer, i); k++) {
            uns_state_view view;
            UNS_TRY(uns_optimizer_state_at(s->optimizer, i, k, &view));
            if (strcmp(view.name, "momentum") != 0)
                continue;
            for (size_t j = r; j < view.count; j += s->replicas)
                ((double *)view.data)[j] = 0.0;
        }
    return UNS_OK;
}

/* x of replica r += scale * direction, and what hangs on it; a step of length 0 is none. */
static uns_status move(uns_slice *s, size_t r, double scale, const double *direction,
                       uns_episode *episode) {
    double *x = s->x.data[0], sum = 0.0;
    for (size_t k = 0; k < s->work->dimension; k++)
        sum += direction[k] * direction[k];
    if (sum == 0.0)
        return UNS_OK;
    for (size_t k = 0; k < s->work->dimension; k++)
        x[k * s->replicas + r] += scale * direction[k];
    s->valued = -1;
    episode->acted = true;
    episode->length = fabs(scale) * sqrt(sum);
    return clear_momentum(s, r);
}

/* The larger step x − r·Ag with a gradient of its own; nothing is verified, the decrease is
 * only told. */
static uns_status kick(uns_slice *s, uns_stall_watch *w, size_t r, const uns_finding *finding,
                       uns_episode *episode) {
    const uns_stall *stall = &s->work->cell->settings.stall;
    uns_survey *survey = &w->survey;
    double size = stall->larger > 0.0 ? stall->larger : finding->kick, f;
    if (!(size > 0.0))
        return UNS_OK;
    uns_sampler sampler = uns_problem_sampler_view(survey->sampler);
    uint64_t number = ((uint64_t)episode->replica << 24) + (UINT64_C(1) << 24) - 1 -
                      (uint64_t)s->work->episodes[s->first + r];
    UNS_TRY(sampler.gradient(sampler.self, survey->x, number, survey->work[0]));
    UNS_TRY(uns_survey_apply(survey, UNS_PRODUCT_A, survey->work[0], survey->work[1]));
    UNS_TRY(move(s, r, -size, survey->work[1], episode));
    if (!episode->acted)
        return UNS_OK;
    uns_survey_place(survey, r, survey->x);
    UNS_TRY(uns_survey_value(survey, survey->x, &f));
    episode->decrease = finding->reading.value - f;
    return UNS_OK;
}

static uns_status act(uns_slice *s, uns_stall_watch *w, size_t r, const uns_finding *finding,
                      uns_episode *episode) {
    switch ((uns_stall_act)s->work->cell->settings.stall.act) {
    case UNS_STALL_WITNESS:
        if (isnan(finding->length))
            return UNS_OK;
        episode->decrease = finding->decrease;
        return move(s, r, finding->length, w->survey.v, episode);
    case UNS_STALL_LARGER:
        return kick(s, w, r, finding, episode);
    case UNS_STALL_NONE:
        break;
    }
    return UNS_OK;
}

/* The eigenpair, how far it leads down, and what is done about it. */
static uns_status meet_saddle(uns_slice *s, uns_stall_watch *w, size_t r,
                              uns_episode *episode) {
    uns_finding finding;
    size_t before = s->work->episodes[s->first + r];
    uint64_t number = (UINT64_C(1) << 23) + before * (w->survey.plan.draws + 32);
    UNS_TRY(uns_survey_take(&w->survey, r, episode->step, number, &finding));
    episode->curvature = finding.reading.curvature;
    episode->drop = finding.reading.drop;
    memcpy(episode->leave, finding.reading.leave, sizeof episode->leave);
    episode->doubts = finding.reading.doubts;
    UNS_TRY(act(s, w, r, &finding, episode));
    if (finding.reading.drop > 0.0) {
        w->goal[r] = episode->value - finding.reading.drop;
        w->open++;
    }
    return UNS_OK;
}

static uns_status look(uns_slice *s, uns_stall_watch *w, size_t r, uns_episode *episode) {
    uns_certificate found;
    UNS_TRY(open_survey(s, w));
    uns_survey_place(&w->survey, r, w->survey.x);
    for (size_t k = 0; k < s->work->dimension; k++)
        episode->norm += w->survey.x[k] * w->survey.x[k];
    episode->norm = sqrt(episode->norm);
    UNS_TRY(certify(s, w, episode, &found));
    episode->verdict = found.verdict;
    episode->low = found.low;
    episode->high = found.high;
    episode->assurance = found.assurance;
    episode->rung = found.rung;
    episode->product_error = found.product_error;
    return found.verdict == UNS_VERDICT_SADDLE ? meet_saddle(s, w, r, episode) : UNS_OK;
}

uns_status uns_episode_begin(uns_slice *s, uns_stall_watch *w, size_t r, int64_t t,
                             double gradient, double noise) {
    uns_work *work = s->work;
    size_t replica = s->first + r, most = (size_t)work->cell->settings.stall.most;
    uns_episode episode = {.replica = work->cell->settings.first_replica + (int64_t)replica,
                           .step = t,
                           .value = w->value[r],
                           .gradient = gradient,
                           .noise = noise,
                           .curvature = NAN,
                           .drop = NAN,
                           .leave = {NAN, NAN, NAN},
                           .length = NAN,
                           .decrease = NAN,
                           .left = -1};
    uns_status status = look(s, w, r, &episode);
    uns_stall_pause(s, r, t);
    if (status == UNS_ERROR_CALLBACK) /* on its way out of the numbers: the run will say so */
        return UNS_OK;
    UNS_TRY(status);
    work->episode[replica * most + work->episodes[replica]++] = episode;
    return UNS_OK;
}

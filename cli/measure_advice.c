/* SPDX-License-Identifier: MIT
 * What follows from a measurement, in sentences. Nothing here that the numbers above it do not
 * carry: a forecast with a doubt is called one.
 */
#include "measure.h"

#include <math.h>
#include <string.h>

static bool sound(const uns_forecast *f) {
    return (f->open & ~(unsigned)UNS_DOUBT_NOT_REACHED) == 0;
}

/* The soonest at equal floor of those without a doubt; NULL: none. */
static const uns_measured_metric *soonest(const uns_measurement *a) {
    const uns_measured_metric *best = NULL;
    for (size_t i = 0; i < a->count; i++) {
        const uns_measured_metric *m = &a->metric[i];
        if (!isnan(m->equal.escape[2]) && sound(&m->equal) &&
            (!best || m->equal.escape[2] < best->equal.escape[2]))
            best = m;
    }
    return best;
}

static void advise_leaving(const cli_measured *m) {
    const uns_measured_metric *today = &m->all->metric[0], *best = soonest(m->all);
    double now = today->now.escape[2], limit = (double)today->now_limit;
    if (isnan(now) && today->now_limit > 0)
        printf("  '%s' would not be out within %.0f steps.\n", m->place->cell->label, limit);
    else if (!isnan(now))
        printf("  '%s' would be out in about %.0f steps%s.\n", m->place->cell->label, now,
               sound(&today->now) ? "" : ", so far as can be told");
    if (!best || best->today)
        printf("  Of the others none can be said to leave sooner at an equal floor.\n");
    else if (isnan(now) || !sound(&today->now))
        printf("  At an equal floor %s at eta = %.3g would take about %.0f.\n", best->name,
               best->equal_eta, best->equal.escape[2]);
    else
        printf(
            "  At an equal floor %s at eta = %.3g would take about %.0f, %.3g times sooner.\n",
            best->name, best->equal_eta, best->equal.escape[2], now / best->equal.escape[2]);
    printf("  Or take the step down yourself: 'unsaddle certify' with --witness writes the "
           "direction.\n");
}

static void advise_descending(const cli_measured *m) {
    const uns_measurement *a = m->all;
    double ratio = sqrt(fmax(a->noise.trace.value, 0.0)) / a->gradient;
    if (ratio > 10.0)
        printf("  The gradient drowns in the noise of a batch: a smaller eta or batches about "
               "%.0e times\n  as large would let it be seen.\n",
               ratio * ratio);
    else
        printf("  The gradient leads on: keep going, and measure again when f stalls.\n");
}

/* At a saddle for which no time of leaving can be given. */
static void advise_stepping(const cli_measured *m) {
    const uns_measurement *a = m->all;
    if (a->noise.trace.value > 0.0)
        printf("  This is a saddle, though no time of leaving it can be given.\n");
    else if (a->gradient > 0.0)
        printf(
            "  No noise pushes along the way down, only a gradient of %.2g: waiting may take "
            "for ever.\n",
            a->gradient);
    else
        printf("  Nothing pushes here, neither noise nor a gradient: no gradient method leaves "
               "by itself,\n  whatever its metric.\n");
    printf(
        "  Take the step down: 'unsaddle certify' with --witness writes the direction, and a "
        "run with\n  stall.act=witness takes it by itself.\n");
}

static void advise_deciding(const cli_measured *m) {
    const uns_certificate *c = &m->all->certificate;
    printf("  Whether there is anything to leave is undecided: 'unsaddle certify' with more "
           "products,\n  or a tau_h other than %g, would tell.\n",
           c->tau_h);
}

static void advise_staying(const cli_measured *m) {
    const uns_measured_metric *today = &m->all->metric[0];
    printf("  There is nothing to leave. ");
    if (isfinite(today->now.floor))
        printf("The noise keeps '%s' about %.3g above the minimum;\n  a smaller eta "
               "brings it closer in proportion.\n",
               m->place->cell->label, today->now.floor);
    else
        printf("A smaller eta brings it closer to the minimum.\n");
}

/* G^{-1/2} would make E|Ag|^2 = d; far above it, epsilon does not cover what the estimate has
 * not seen. */
static void warn_of_epsilon(const uns_measurement *a) {
    const uns_measured_metric *today = &a->metric[0];
    double times = today->step.second_trace.value / (double)a->dimension;
    if (today->known && today->spec.exponent == 0.5 && times > 10.0 &&
        isfinite(today->estimate_error.value))
        printf("  Steps are wild: E|Ag|^2 is %.2g times what G^(-1/2) would give. epsilon = %g "
               "does "
               "not\n  cover what the estimate has not seen; a larger one or a longer burn-in "
               "does.\n",
               times, today->spec.epsilon);
}

void cli_advice_print(const cli_measured *m) {
    const uns_measurement *a = m->all;
    printf("\nWhat to do\n");
    warn_of_epsilon(a);
    if (a->low[0] < 0.0 && a->metric[0].now.method != UNS_METHOD_NONE)
        advise_leaving(m);
    else if (a->certificate.verdict == UNS_VERDICT_GRADIENT)
        advise_descending(m);
    else if (a->certificate.verdict == UNS_VERDICT_SADDLE)
        advise_stepping(m);
    else if (a->certificate.verdict != UNS_VERDICT_STATIONARY)
        advise_deciding(m);
    else
        advise_staying(m);
}

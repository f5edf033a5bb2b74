/* SPDX-License-Identifier: MIT
 * The engine of the certificate: one unrestarted Lanczos run a start, both questions after
 * every product, the budget when it is needed. The mathematics is in certificate.h and
 * la/lower_bound.h.
 */
#include "inst/certify.h"

#include "base/base.h"
#include "la/lanczos.h"
#include "la/lower_bound.h"
#include "la/tridiagonal.h"

#include <math.h>
#include <string.h>

enum {
    FIRST_LOOK = 10 /* products before the spread tells anything about the budget */
};

typedef struct trial {
    const uns_certify_plan *plan;
    uns_lanczos lanczos;
    double *v, *work;    /* d each: a Ritz vector, a product */
    double need;         /* 1/t², what the Christoffel sum must reach */
    uint64_t budget;     /* of this start */
    size_t next_attempt; /* no witness before this many steps: the last one failed */
    uns_certificate *out;
} trial;

static double spread_of(const uns_lanczos *l) {
    return uns_tridiagonal_value(l->steps, l->alpha, l->beta, l->steps - 1) -
           uns_tridiagonal_value(l->steps, l->alpha, l->beta, 0);
}

/* The a-priori bound for the spread seen so far, which near the budget falls short of the true
 * one by far less than the resolution. */
static uint64_t budget_now(const trial *t) {
    const uns_certificate_config *config = t->plan->config;
    if (config->products > 0)
        return (uint64_t)config->products;
    double spread = config->spread > 0.0 ? config->spread : spread_of(&t->lanczos);
    int64_t budget = uns_christoffel_budget(t->plan->coordinate,
                                            config->resolution * config->tau_h / spread);
    bool early = config->spread == 0.0 && budget < FIRST_LOOK;
    return early ? FIRST_LOOK : (uint64_t)budget;
}

/* The spread is looked at only when it matters. */
static bool spent(trial *t) {
    if (t->lanczos.steps >= t->budget)
        t->budget = budget_now(t);
    return t->lanczos.steps >= t->budget;
}

static bool is_stationary(const trial *t) {
    const uns_lanczos *l = &t->lanczos;
    double threshold = -t->plan->config->tau_h + uns_lanczos_margin(l);
    return uns_christoffel_sum(l->steps, l->alpha, l->beta, threshold) >= t->need;
}

static bool has_negative(const trial *t) {
    const uns_lanczos *l = &t->lanczos;
    double threshold = -t->plan->config->tau_h - uns_lanczos_margin(l);
    return uns_tridiagonal_below(l->steps, l->alpha, l->beta, threshold) > 0;
}

/* The witness and its fresh product. */
static uns_status try_witness(trial *t, bool *proved) {
    double value = 0.0, curvature = 0.0, error = 0.0;
    UNS_TRY(uns_lanczos_lowest(&t->lanczos, &value, t->v));
    UNS_TRY(uns_rayleigh(t->plan->context, t->plan->op, t->v, t->work, &curvature, &error));
    t->lanczos.products++;
    t->next_attempt = t->lanczos.steps + t->lanczos.steps / 8 + 1;
    *proved = curvature + error < -t->plan->config->tau_h;
    if (*proved) {
        t->out->curvature = curvature;
        t->out->curvature_error = error;
    }
    return UNS_OK;
}

static bool is_interrupted(const trial *t) {
    const volatile int *interrupt = t->plan->config->interrupt;
    return interrupt && *interrupt;
}

/* Steps until something decides or nothing more can. */
static uns_status run_start(trial *t) {
    uns_certificate *out = t->out;
    for (;;) {
        UNS_TRY(uns_lanczos_step(&t->lanczos));
        bool last = t->lanczos.exhausted || spent(t), proved = false;
        if (!last && is_interrupted(t))
            last = out->interrupted = true;
        if (has_negative(t) && (last || t->lanczos.steps >= t->next_attempt))
            UNS_TRY(try_witness(t, &proved));
        if (proved)
            out->verdict = UNS_VERDICT_SADDLE;
        else if (is_stationary(t)) {
            last = true; /* the gradient decides what is left: products tell no more */
            if (t->plan->gradient_high <= t->plan->config->tau_g)
                out->verdict = UNS_VERDICT_STATIONARY;
        }
        if (out->verdict != UNS_VERDICT_UNDECIDED)
            out->interrupted = false;
        if (last || out->verdict != UNS_VERDICT_UNDECIDED)
            return UNS_OK;
    }
}

/* What a start has shown, whatever the verdict. Bounds of several starts hold together, each
 * with its share of δ, so the best of each side counts. */
static void take_down(trial *t) {
    const uns_lanczos *l = &t->lanczos;
    uns_certificate *out = t->out;
    double margin = uns_lanczos_margin(l);
    double low = uns_christoffel_root(l->steps, l->alpha, l->beta, t->need) - margin;
    double high = uns_tridiagonal_value(l->steps, l->alpha, l->beta, 0) + margin;
    out->low = fmax(out->low, low);
    out->high = isnan(out->high) ? high : fmin(out->high, high);
    out->margin = margin;
    out->spread = spread_of(l);
    out->full = l->full;
    out->steps += (int64_t)l->steps;
    out->exhausted = l->exhausted;
    uint64_t budget = budget_now(t), d = l->basis.dimension;
    out->budget = (int64_t)(l->full && budget > d ? d : budget); /* exhausted by then */
}

static uns_assurance assurance_of(const uns_certificate *out) {
    bool exact = out->whole && out->rung != UNS_RUNG_DIFFERENCES;
    switch (out->verdict) {
    case UNS_VERDICT_GRADIENT:
        return out->whole ? UNS_ASSURANCE_PROOF : UNS_ASSURANCE_TEST;
    case UNS_VERDICT_SADDLE:
        return exact ? UNS_ASSURANCE_PROOF : UNS_ASSURANCE_ESTIMATE;
    case UNS_VERDICT_STATIONARY:
        return !exact      ? UNS_ASSURANCE_ESTIMATE
               : out->full ? UNS_ASSURANCE_BOUND
                           : UNS_ASSURANCE_EMPIRICAL;
    default:
        return UNS_ASSURANCE_NONE;
    }
}

static uns_status run_starts(trial *t) {
    const uns_certificate_config *config = t->plan->config;
    for (int64_t i = 0; i < config->starts; i++) {
        uns_key key = {(uint64_t)config->seed, (uint64_t)config->occasion, (uint32_t)i,
                       UNS_STREAM_CERTIFICATE};
        t->out->starts = i + 1;
        t->budget = 1;
        t->next_attempt = 0;
        UNS_TRY(uns_lanczos_begin(&t->lanczos, t->plan->start, key));
        UNS_TRY(run_start(t));
        take_down(t);
        bool settled =
            t->out->verdict != UNS_VERDICT_UNDECIDED || t->out->low >= -config->tau_h;
        if (settled || t->out->interrupted)
            break;
    }
    /* no product is needed for the vector while all of the basis is there */
    double value;
    if (t->out->verdict != UNS_VERDICT_SADDLE && t->lanczos.full)
        UNS_TRY(uns_lanczos_lowest(&t->lanczos, &value, t->v));
    else if (t->out->verdict != UNS_VERDICT_SADDLE)
        memset(t->v, 0, t->lanczos.basis.dimension * sizeof *t->v);
    return UNS_OK;
}

/* Vectors that fit in the memory asked for: one at least, d at most. */
static size_t capacity_of(size_t d, int64_t memory) {
    uint64_t fit = (uint64_t)memory / (((uint64_t)d + 7) / 8 * 64);
    return fit < 1 ? 1 : fit < d ? (size_t)fit : d;
}

static uns_status run_lanczos(const uns_certify_plan *plan, double *witness,
                              uns_certificate *out) {
    size_t d = plan->op->dimension, stride = (d + 7) / 8 * 8;
    trial t = {.plan = plan, .out = out};
    t.need = 1.0 / (plan->coordinate * plan->coordinate);
    t.v = uns_allocate(plan->context, uns_size_product(stride, 2 * sizeof(double)));
    if (!t.v)
        return UNS_ERROR_MEMORY;
    t.work = t.v + stride;
    uns_status status = uns_lanczos_open(plan->context, plan->op,
                                         capacity_of(d, plan->config->memory), &t.lanczos);
    if (status == UNS_OK) {
        status = run_starts(&t);
        out->products = (int64_t)t.lanczos.products;
        out->basis_bytes = uns_basis_bytes(&t.lanczos.basis);
        if (status == UNS_OK && witness)
            memcpy(witness, t.v, d * sizeof *witness);
        uns_lanczos_close(&t.lanczos);
    }
    uns_release(plan->context, t.v);
    return status;
}

uns_status uns_certify_run(const uns_certify_plan *plan, double *witness,
                           uns_certificate *out) {
    const uns_certificate_config *config = plan->config;
    uns_certificate found = {.verdict = UNS_VERDICT_UNDECIDED,
                             .rung = plan->op->rung,
                             .whole = config->samples == 0,
                             .full = true,
                             .tau_g = config->tau_g,
                             .tau_h = config->tau_h,
                             .delta = config->delta,
                             .gradient = plan->gradient,
                             .gradient_low = plan->gradient_low,
                             .gradient_high = plan->gradient_high,
                             .low = -INFINITY,
                             .high = NAN,
                             .curvature = NAN,
                             .curvature_error = NAN,
                             .product_error = plan->op->error,
                             .spread = NAN,
                             .sample_mean = NAN,
                             .sample_error = NAN,
                             .sample_limit = NAN};
    if (plan->gradient_low > config->tau_g) {
        found.verdict = UNS_VERDICT_GRADIENT;
        if (witness)
            memset(witness, 0, plan->op->dimension * sizeof *witness);
    } else {
        UNS_TRY(run_lanczos(plan, witness, &found));
    }
    found.assurance = assurance_of(&found);
    *out = found;
    return UNS_OK;
}

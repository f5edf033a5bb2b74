/* SPDX-License-Identifier: MIT
 * The certificate counted: how often it calls a saddle stationary, on 20,000 saddles for each
 * δ, and that the count can fail, by mutants whose t_δ or start is wrong.
 *
 * Seeds, sizes and thresholds are fixed here, before any count was seen.
 */
#include "honesty.h"

#include "base/base.h"
#include "base/pool.h"
#include "inst/certify.h"
#include "la/sphere.h"
#include "spectra.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SEED = 4,
    CHUNK = 50, /* problems a task */
    STATIONARY = 20000,
    THREE_TERM = 2000, /* of each family */
    MUTANT = 4000      /* saddles shown to each mutant */
};

/* Saddles of each family for each δ: 20,000 together. */
static const size_t counts[SPECTRA_FAMILIES] = {6000, 8000, 6000};
static const double deltas[] = {0.1, 0.01, 0.001};
static const double ratios[] = {0.3, 0.1, 0.01, 0.001}; /* τ_h/D, D = 1 */
static const double level = 0.01;                       /* of the binomial tests */

typedef enum mutant {
    MUTANT_NONE,
    MUTANT_ROOT_D, /* t_δ without the 1/√d */
    MUTANT_TWICE,  /* 2t_δ: halved the wrong way */
    MUTANT_FIXED,  /* a fixed start, the first axis */
    MUTANTS
} mutant;

static const char *const mutant_names[MUTANTS] = {"", "t without 1/sqrt(d)", "t twice as large",
                                                  "a fixed start"};

/* One kind of problems and what became of each. */
typedef struct batch {
    uns_context *context;
    spectra_family family;
    double delta, lowest;
    uint32_t number; /* of the batch: part of the key */
    bool three_term; /* no memory for a basis */
    mutant mutant;
    size_t count;
    unsigned char *verdict; /* [count], + 8 where the space was exhausted, 255: an error */
    int64_t *products;
} batch;

static double mutated(mutant kind, size_t d, double t) {
    return kind == MUTANT_ROOT_D ? t * sqrt((double)d) : kind == MUTANT_TWICE ? 2.0 * t : t;
}

static void certify_one(batch *b, size_t i, spectra_matrix *matrix, double *axis) {
    uns_key key = {SEED, i, b->number, UNS_STREAM_USER};
    uns_certificate_config config;
    uns_certificate found;
    double tau = ratios[i % 4];
    b->verdict[i] = 255;
    if (uns_param_defaults(b->context, uns_certificate_table(), &config) != UNS_OK)
        return;
    config.tau_h = tau;
    config.delta = b->delta;
    if (b->three_term)
        config.memory = 0;
    config.seed = SEED + b->number;
    config.occasion = (int64_t)i;
    spectra_draw(b->family, tau, b->lowest, key, matrix);
    uns_operator op = spectra_operator(matrix);
    double t = uns_sphere_quantile(op.dimension, b->delta);
    uns_certify_plan plan = {.context = b->context,
                             .op = &op,
                             .config = &config,
                             .coordinate = mutated(b->mutant, op.dimension, t),
                             .start = b->mutant == MUTANT_FIXED ? axis : NULL};
    if (uns_certify_run(&plan, NULL, &found) != UNS_OK)
        return;
    b->verdict[i] = (unsigned char)(found.verdict + (found.exhausted ? 8 : 0));
    b->products[i] = found.products;
}

static void run_task(void *user, size_t task) {
    batch *b = user;
    spectra_matrix *matrix = malloc(sizeof *matrix);
    double *axis = calloc(SPECTRA_ROOM, sizeof *axis);
    if (axis)
        axis[0] = 1.0;
    for (size_t i = task * CHUNK; i < (task + 1) * CHUNK && i < b->count; i++) {
        b->verdict[i] = 255;
        if (matrix && axis)
            certify_one(b, i, matrix, axis);
    }
    free(matrix);
    free(axis);
}

static bool run_batch(batch *b) {
    b->verdict = malloc(b->count);
    b->products = calloc(b->count, sizeof *b->products);
    if (!b->verdict || !b->products)
        return false;
    uns_pool_run(uns_context_pool(b->context), (b->count + CHUNK - 1) / CHUNK, run_task, b);
    return true;
}

static void close_batch(batch *b) {
    free(b->verdict);
    free(b->products);
}

static size_t count_verdict(const batch *b, uns_verdict verdict) {
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        n += b->verdict[i] != 255 && (b->verdict[i] & 7) == (unsigned)verdict;
    return n;
}

static size_t count_byte(const batch *b, unsigned char byte) {
    size_t n = 0;
    for (size_t i = 0; i < b->count; i++)
        n += b->verdict[i] == byte;
    return n;
}

/* Tallies over all batches that are not mutants. */
typedef struct tally {
    size_t errors, exhausted_undecided, saddles, undecided, false_saddles;
    int64_t products;
} tally;

static void add(tally *t, const batch *b) {
    t->errors += count_byte(b, 255);
    t->exhausted_undecided += count_byte(b, 8 + UNS_VERDICT_UNDECIDED);
    t->undecided += count_verdict(b, UNS_VERDICT_UNDECIDED);
    for (size_t i = 0; i < b->count; i++)
        t->products += b->products[i];
}

static void judge_rate(claims *all, const char *what, double delta, size_t n, size_t wrong) {
    double p = binomial_tail(n, delta, wrong);
    claim(all, p >= level,
          "delta %-5g %-8s: %zu saddles, %zu called stationary, rate %.4f, "
          "P(so many | rate = delta) = %.3g",
          delta, what, n, wrong, (double)wrong / (double)n, p);
}

/* All three families at one δ. */
static bool count_delta(claims *all, uns_context *context, size_t index, tally *t) {
    size_t n = 0, wrong = 0;
    for (int family = 0; family < SPECTRA_FAMILIES; family++) {
        batch b = {.context = context,
                   .family = (spectra_family)family,
                   .delta = deltas[index],
                   .lowest = -1.01,
                   .number = (uint32_t)(100 * index + 10 * (size_t)family),
                   .count = counts[family]};
        bool ran = run_batch(&b);
        size_t called = ran ? count_verdict(&b, UNS_VERDICT_STATIONARY) : 0;
        if (ran) {
            judge_rate(all, spectra_names[family], b.delta, b.count, called);
            add(t, &b);
            t->saddles += b.count;
        }
        if (ran && family == SPECTRA_CLUSTERS && index == 0)
            claim(all, (double)called > b.delta / 3.0 * (double)b.count,
                  "delta %g clusters: the rate exceeds delta/3, so the count has power",
                  b.delta);
        n += b.count;
        wrong += called;
        close_batch(&b);
        if (!ran)
            return false;
    }
    judge_rate(all, "all", deltas[index], n, wrong);
    return true;
}

/* The same families lifted to λ_min = −0.99τ_h: no saddle among them. */
static bool count_stationary(uns_context *context, tally *t) {
    for (int family = 0; family < SPECTRA_FAMILIES; family++) {
        batch b = {.context = context,
                   .family = (spectra_family)family,
                   .delta = 0.01,
                   .lowest = -0.99,
                   .number = (uint32_t)(1000 + 10 * family),
                   .count = STATIONARY / SPECTRA_FAMILIES};
        bool ran = run_batch(&b);
        if (ran) {
            add(t, &b);
            t->false_saddles += count_verdict(&b, UNS_VERDICT_SADDLE);
        }
        close_batch(&b);
        if (!ran)
            return false;
    }
    return true;
}

/* Without a basis the bound is empirical; it is counted like the other, at δ = 0.1. */
static bool count_three_term(claims *all, uns_context *context) {
    static const char *const names[] = {"worst, 3-term", "clusters, 3-term", "axes, 3-term"};
    for (int family = 0; family < SPECTRA_FAMILIES; family++) {
        batch b = {.context = context,
                   .family = (spectra_family)family,
                   .delta = 0.1,
                   .lowest = -1.01,
                   .number = (uint32_t)(3000 + 10 * family),
                   .three_term = true,
                   .count = THREE_TERM};
        bool ran = run_batch(&b);
        if (ran)
            judge_rate(all, names[family], b.delta, b.count,
                       count_verdict(&b, UNS_VERDICT_STATIONARY));
        close_batch(&b);
        if (!ran)
            return false;
    }
    return true;
}

/* A mutant must be caught on the family where it errs. */
static bool show_mutant(claims *all, uns_context *context, mutant kind) {
    batch b = {.context = context,
               .family = kind == MUTANT_FIXED ? SPECTRA_AXES : SPECTRA_CLUSTERS,
               .delta = 0.1,
               .lowest = -1.01,
               .number = (uint32_t)(2000 + 10 * (int)kind),
               .mutant = kind,
               .count = MUTANT};
    bool ran = run_batch(&b);
    size_t wrong = ran ? count_verdict(&b, UNS_VERDICT_STATIONARY) : 0;
    if (ran)
        claim(all, binomial_tail(b.count, b.delta, wrong) < level,
              "mutant '%s' is caught: %zu of %zu saddles called stationary at delta %g",
              mutant_names[kind], wrong, b.count, b.delta);
    close_batch(&b);
    return ran;
}

bool count_honesty(claims *all, uns_context *context) {
    tally t = {0};
    for (size_t i = 0; i < UNS_COUNT_OF(deltas); i++)
        if (!count_delta(all, context, i, &t))
            return false;
    size_t undecided = t.undecided;
    if (!count_stationary(context, &t))
        return false;
    claim(all, t.false_saddles == 0,
          "%d points with lambda_min = -0.99 tau_h: %zu called saddle", STATIONARY / 3 * 3,
          t.false_saddles);
    claim(all, t.errors == 0, "%zu certificates failed to run", t.errors);
    claim(all, t.exhausted_undecided == 0,
          "an exhausted Krylov space always decides: %zu did not", t.exhausted_undecided);
    claim(all, undecided * 100 <= t.saddles,
          "%zu of %zu saddles undecided; %.1f products a certificate", undecided, t.saddles,
          (double)t.products / (double)(t.saddles + STATIONARY / 3 * 3));
    if (!count_three_term(all, context))
        return false;
    for (int kind = 1; kind < MUTANTS; kind++)
        if (!show_mutant(all, context, (mutant)kind))
            return false;
    return true;
}

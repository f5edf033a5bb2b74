/* SPDX-License-Identifier: MIT
 * What a certificate costs, in products, against the a-priori budget that needs to know
 * nothing but d, δ, the spread and the distance of λ_min from −τ_h; and, where the lowest
 * eigenvalues have a gap above them, against what the gap promises (docs/theory.md,
 * "Certificates").
 */
#include "honesty.h"

#include "base/base.h"
#include "la/lower_bound.h"
#include "la/sphere.h"
#include "shapes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unsaddle/certificate.h>

enum {
    ROOM = 5000,
    STARTS = 3,
    MOST = 4000,
    WIDE = 20 /* a gap so many times the distance of λ_min from −τ_h is wide */
};

static const size_t dimensions[] = {100, 1000, ROOM};
static const double deltas[] = {0.1, 0.001};
static const double ratios[] = {0.1, 0.01, 0.001}; /* τ_h/D */
static const double lowest[] = {-0.95, -0.5, 0.0}; /* λ_min/τ_h */

static const double cheap = 0.4;    /* of the budget, where there is a wide gap */
static const double gap_here = 0.1; /* above SHAPE_EDGE's cluster and SHAPE_ISOLATED's lowest */
static const double cluster = 1e-5; /* SHAPE_EDGE's, at most */

typedef struct cell {
    shape kind;
    size_t d;
    double delta, ratio, lowest;
    int64_t seed;
    bool three_term;
} cell;

typedef struct costs {
    size_t count, undecided, dearer, fat;
    double share[MOST]; /* products over budget */
    size_t gapped[3];   /* isolated and clustered edges: a wide gap, a budget of d, others */
    size_t cheap[3];    /* of them, at most 0.4 of the budget */
    double most[3];     /* their largest share of the budget */
    size_t broken;      /* beyond what the gap promises */
    double table[SHAPES][2]; /* d = 5000, δ = 0.001, −0.95τ_h: mean products at 0.01 and 0.1 */
} costs;

static bool certify(uns_context *context, const cell *c, double *lambda,
                    uns_certificate *found) {
    uns_certificate_config config;
    double gap = (c->lowest + 1.0) * c->ratio;
    int64_t budget = uns_certificate_budget(c->d, c->delta, gap);
    shape_fill(c->kind, c->d, c->lowest * c->ratio, (size_t)budget + 1, lambda);
    shape_diagonal diagonal = {c->d, lambda, 0};
    uns_operator op = shape_operator(&diagonal);
    if (uns_param_defaults(context, uns_certificate_table(), &config) != UNS_OK)
        return false;
    config.tau_h = c->ratio;
    config.delta = c->delta;
    config.seed = c->seed;
    if (c->three_term)
        config.memory = 0;
    return uns_certify_operator(context, &op, 0.0, &config, NULL, found) == UNS_OK;
}

/* ln T_n(x) of Chebyshev's polynomial, x >= 1. */
static double chebyshev(int n, double x) {
    double steps = n * acosh(x);
    return steps + log(0.5 + 0.5 * exp(-2.0 * steps));
}

/* ln of what p = q_j·T_{k−j} makes of S_k(−τ_h)^½: q_j is small on the lowest eigenvalues,
 * T_{k−j} on those above the gap. One eigenvalue: q_1 = λ − λ_1. A cluster: its own T_j. */
static double reach(const cell *c, int k, int j) {
    double below = (c->lowest + 1.0) * c->ratio, rest = 1.0 - gap_here;
    double far = chebyshev(k - j, 1.0 + 2.0 * (below + gap_here) / rest);
    if (c->kind == SHAPE_ISOLATED)
        return log(below) + far;
    double here = chebyshev(j, 1.0 + 2.0 * below / cluster);
    double low = chebyshev(k - j, 1.0 + 2.0 * gap_here / rest);
    return here + far - fmax(low, chebyshev(j, 2.0 / cluster - 1.0));
}

/* Products after which a gap settles it whatever the start. */
static int64_t promised(const cell *c) {
    double need = -log(uns_sphere_quantile(c->d, c->delta));
    int most = c->kind == SHAPE_ISOLATED ? 1 : 12;
    for (int k = 1; k < (int)c->d; k++)
        for (int j = 1; j <= most && j <= k; j++)
            if (reach(c, k, j) >= need)
                return k;
    return (int64_t)c->d;
}

/* A gap above the lowest eigenvalues, or a cluster of them. */
static void note_gapped(costs *all, const cell *c, int64_t products, double share) {
    double below = (c->lowest + 1.0) * c->ratio;
    int64_t budget = uns_christoffel_budget(uns_sphere_quantile(c->d, c->delta), below);
    int kind = budget >= (int64_t)c->d ? 1 : WIDE * below <= gap_here * (1.0 + 1e-12) ? 0 : 2;
    all->gapped[kind]++;
    all->cheap[kind] += share <= cheap;
    all->most[kind] = fmax(all->most[kind], share);
    all->broken += products > promised(c);
}

static void note(costs *all, const cell *c, const uns_certificate *found) {
    double gap = (c->lowest + 1.0) * c->ratio;
    int64_t budget = uns_certificate_budget(c->d, c->delta, gap);
    double share = (double)found->products / (double)budget;
    size_t chunk = 16 * 8 * ((c->d + 7) / 8 * 8);
    all->undecided += found->verdict != UNS_VERDICT_STATIONARY;
    all->dearer += found->products > budget;
    all->fat += found->basis_bytes > (size_t)found->products * 8 * ((c->d + 7) / 8 * 8) + chunk;
    all->share[all->count++] = share;
    if (c->kind >= SHAPE_EDGE)
        note_gapped(all, c, found->products, share);
    if (c->lowest == lowest[0] && c->d == ROOM && c->delta == 0.001 && c->ratio > 0.005)
        all->table[c->kind][c->ratio > 0.05] += (double)found->products / STARTS;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static cell cell_of(size_t i) {
    cell c = {.three_term = false};
    c.seed = 1 + (int64_t)(i % STARTS), i /= STARTS;
    c.kind = (shape)(i % SHAPES), i /= SHAPES;
    c.d = dimensions[i % UNS_COUNT_OF(dimensions)], i /= UNS_COUNT_OF(dimensions);
    c.delta = deltas[i % UNS_COUNT_OF(deltas)], i /= UNS_COUNT_OF(deltas);
    c.ratio = ratios[i % UNS_COUNT_OF(ratios)], i /= UNS_COUNT_OF(ratios);
    c.lowest = lowest[i];
    return c;
}

static void report_gapped(claims *all, const costs *sums) {
    static const char *const others[] = {"", "a budget of d", "a gap less wide"};
    claim(
        all, sums->most[0] <= cheap && sums->gapped[0] > 0,
        "cost: isolated and clustered lowest eigenvalues, the gap above them at least %d times "
        "as wide as what lies between them and -tau_h (%zu certificates): at most %.2f of the "
        "budget",
        WIDE, sums->gapped[0], sums->most[0]);
    for (int i = 1; i < 3; i++)
        printf("        %s: %zu certificates, %zu at most %.1f of it, the dearest %.2f\n",
               others[i], sums->gapped[i], sums->cheap[i], cheap, sums->most[i]);
    claim(all, sums->broken == 0, "cost: %zu of %zu took more products than their gap promises",
          sums->broken, sums->gapped[0] + sums->gapped[1] + sums->gapped[2]);
}

static void report(claims *all, costs *sums) {
    qsort(sums->share, sums->count, sizeof *sums->share, ascending);
    double median = sums->share[sums->count / 2];
    claim(all, sums->undecided == 0, "cost: %zu certificates, %zu of them undecided",
          sums->count, sums->undecided);
    claim(all, sums->dearer == 0, "cost: %zu took more products than the a-priori budget",
          sums->dearer);
    claim(all, median <= 0.8,
          "cost: median %.2f of the a-priori budget (10 %% %.2f, 90 %% %.2f)", median,
          sums->share[sums->count / 10], sums->share[sums->count * 9 / 10]);
    report_gapped(all, sums);
    claim(all, sums->fat == 0, "cost: %zu took more memory than (k + 16) d doubles", sums->fat);
    for (int kind = 0; kind < SHAPES; kind++)
        printf(
            "        d = 5000, delta = 0.001, lambda_min = -0.95 tau_h: %-14s %4.0f products "
            "at tau_h/D = 0.01, %3.0f at 0.1\n",
            shape_names[kind], sums->table[kind][0], sums->table[kind][1]);
    printf("        the a-priori budget there: %lld and %lld\n",
           (long long)uns_certificate_budget(ROOM, 0.001, 0.0005),
           (long long)uns_certificate_budget(ROOM, 0.001, 0.005));
}

/* The same cells of d = 1000, λ_min = −0.95τ_h with and without memory for a basis. */
static bool compare_three_term(claims *all, uns_context *context, double *lambda) {
    double most = 0.0;
    size_t differ = 0, count = 0, empirical = 0, dearer = 0;
    for (int kind = 0; kind < SHAPES; kind++)
        for (size_t r = 0; r < UNS_COUNT_OF(ratios); r++) {
            cell c = {(shape)kind, 1000, 0.001, ratios[r], lowest[0], 1, false};
            uns_certificate found[2];
            for (int i = 0; i < 2; i++) {
                c.three_term = i == 1;
                if (!certify(context, &c, lambda, &found[i]))
                    return false;
            }
            count++;
            differ += found[0].verdict != found[1].verdict;
            empirical += found[1].assurance == UNS_ASSURANCE_EMPIRICAL;
            dearer += found[1].products > found[1].budget;
            most = fmax(most, (double)found[1].products / (double)found[0].products);
        }
    claim(all, differ == 0 && empirical == count && dearer == 0,
          "cost: three-term recurrence, %zu certificates: %zu verdicts differ, %zu labelled "
          "empirical, %zu beyond the budget; at most %.2f times the products with a basis",
          count, differ, empirical, dearer, most);
    return true;
}

bool measure_cost(claims *all, uns_context *context) {
    size_t cells = STARTS * SHAPES * UNS_COUNT_OF(dimensions) * UNS_COUNT_OF(deltas) *
                   UNS_COUNT_OF(ratios) * UNS_COUNT_OF(lowest);
    double *lambda = malloc(ROOM * sizeof *lambda);
    costs *sums = calloc(1, sizeof *sums);
    bool ran = lambda && sums;
    for (size_t i = 0; ran && i < cells && i < MOST; i++) {
        cell c = cell_of(i);
        uns_certificate found;
        ran = certify(context, &c, lambda, &found);
        if (ran)
            note(sums, &c, &found);
    }
    if (ran)
        report(all, sums);
    ran = ran && compare_three_term(all, context, lambda);
    free(lambda);
    free(sums);
    return ran;
}

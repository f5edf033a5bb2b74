/* SPDX-License-Identifier: MIT
 * Dense pieces: when R is taken anew. Every k observations; or adaptively: tiny pieces at every
 * observation, others when one of these holds.
 *
 *   none    There is no root yet, its parameters have changed, or it is blind: C was singular
 *           at ε = 0, so that R is 0 where a later signal may be.
 *   signal  The signal just seen should be in R. With it, of weight b in C, R would make the
 *           step along it shorter by √(1 + b·sᵀC⁻¹s); more than 3 is not let pass. This bounds
 *           steps while C is of low rank. It waits where the last root is younger than n³/2²⁰
 *           observations (nothing for small n, thrice what a root costs at n = 2048), and R is
 *           cut back.
 *   moved   C has moved: E = R(cC − c₀C₀)R, less what sampling alone puts there, exceeds
 *           refresh.tolerance × the error that R had from the start because C₀ was an estimate.
 *           A root need not be more exact than the estimate it is taken of, and while the
 *           signals' law stays what it was, an old root is as good as a new one. Where C is
 *           hardly known, its memory being no longer than n, tr cC has doubled or halved.
 *   gone    Of what the root was taken of, less than a twentieth is left in C, and so many
 *           observations have come: errors should not be the same for ever.
 *
 * R is cut back (dense_step.c) wherever u = s and s has come since the root: along s it is then
 * as long as it would be with s in it, as the definition of RMSProp has it. But by √2 at most
 * for p = ½ where no root waits: much of a signal that is new to C along one direction need not
 * be so along others, and all of it is shortened alike.
 *
 * With refresh.lag the last two, and every k, come into force later (dense_lag.c); the others
 * and tiny pieces do not wait.
 *
 * Sizes are seen by the probes z of dense_root.c: |Ez|² ~ tr(EME), M = R(c₀C₀)R being the
 * second moment of the preconditioned signal v = Rs, of effective rank n = (tr M)²/tr M²; M = I
 * for p = ½, and sizes are Frobenius's. Sampling: a sum with weights w of vvᵀ puts Σw²·K there,
 * K ~ tr M·tr M² + tr M³ with M in the scale of q, the mean of |v|²; since the root have come
 * Σw² − (Π a)²·Σw₀² of it. Error: with ρ = n·Σw²/(Σw)² and u = 1/(1 − ρ) the inverse of a
 * sample covariance has E‖RGR − M‖² = (u³ − 2u + 1)·‖M‖² (Marchenko, Pastur 1967), about ρ‖M‖².
 * The decision knows the step count and the state, never a clock.
 */
#include "opt/root_number.h"
#include "opt/structure/dense_parts.h"

#include "base/base.h"

#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

enum {
    LOOKS = 16,           /* looks at C in one effective memory (Σw)²/Σw² */
    SURPRISE = 3 * 3 - 1, /* b·sᵀC⁻¹s let pass */
    SPARING = 1 << 20     /* n³ over this: observations between roots that can wait */
};

static const double least_error = 0.01; /* drift let pass where C is known exactly */
static const double least_left = 0.05;
static const double most_cut = 1.0; /* b·sᵀC⁻¹s by which R is cut back where no root waits */
static const double most_waiting = 1e12; /* b·sᵀC⁻¹s beyond which nothing waits: rounding, ∞ */
static const double most_known = 0.9; /* ρ beyond which C is hardly known at all */
static const double most_grown = 2.0; /* tr cC, where it is hardly known */

static void refresh_diagonal(const uns_structure_site *site, const dense_work *work,
                             const dense_piece *piece, const uns_root *root) {
    size_t replicas = site->replicas;
    double k = root->correction, *largest = work->a;
    uns_root own = uns_dense_root_of(work, root);
    memset(largest, 0, replicas * sizeof *largest);
    for (size_t i = 0; i < piece->n * replicas; i++) {
        double c = piece->c[i];
        if (work->mean) {
            double mean = k * work->mean[piece->begin * replicas + i];
            c = fmax(k * c - mean * mean, 0.0);
        }
        piece->r[i] = c;
        largest[i % replicas] = fmax(largest[i % replicas], c);
    }
    for (size_t i = 0; i < piece->n * replicas; i++)
        piece->r[i] =
            uns_root_number(&own, uns_damped(&own, piece->r[i], largest[i % replicas]));
}

const double *uns_dense_deviation(const uns_structure_site *site, dense_work *work,
                                  const dense_piece *piece) {
    size_t from = piece->begin * site->replicas, n = piece->n * site->replicas;
    const double *s = work->signal + from;
    if (!work->mean)
        return s;
    site->kernels->of[UNS_F64].mix(n, 1.0, s, -1.0, work->mean + from, work->room[0]);
    return work->room[0];
}

/* v and q = |v|² of each replica. */
static void measure_signal(const uns_structure_site *site, dense_work *work,
                           const dense_piece *piece) {
    size_t replicas = site->replicas, from = piece->begin * replicas;
    uns_dense_multiply(site, piece->n, piece->r, uns_dense_deviation(site, work, piece),
                       work->strip, work->v + from);
    uns_dense_dots(piece->n, replicas, work->v + from, work->v + from, work->q);
    for (size_t r = 0; r < replicas; r++)
        if (site->active[r] && piece->marks[r].taken) {
            piece->marks[r].signals += work->q[r];
            piece->marks[r].count++;
        }
}

/* x = k·(C x0) − y, less (kḡ)(kḡ)ᵀx0 where centred. */
static void moment_change(const uns_structure_site *site, dense_work *work,
                          const dense_piece *piece, double k, const double *x0, const double *y,
                          double *x) {
    size_t replicas = site->replicas, n = piece->n * replicas;
    uns_dense_multiply(site, piece->n, piece->c, x0, work->strip, x);
    site->kernels->of[UNS_F64].mix(n, k, x, -1.0, y, x);
    if (!work->mean)
        return;
    const double *mean = work->mean + piece->begin * replicas;
    uns_dense_dots(piece->n, replicas, mean, x0, work->a);
    for (size_t i = 0; i < piece->n; i++)
        for (size_t r = 0; r < replicas; r++)
            x[i * replicas + r] -= k * k * mean[i * replicas + r] * work->a[r];
}

/* drift[r] = |Ez|² */
static void measure_drift(const uns_structure_site *site, dense_work *work,
                          const dense_piece *piece, double k) {
    size_t replicas = site->replicas, n = piece->n * replicas;
    double *x = work->room[0], *out = work->room[1];
    memset(work->drift, 0, replicas * sizeof *work->drift);
    for (size_t p = 0; p < UNS_DENSE_PROBES; p++) {
        moment_change(site, work, piece, k, piece->w + p * n, piece->y + p * n, x);
        uns_dense_multiply(site, piece->n, piece->r, x, work->strip, out);
        uns_dense_dots(piece->n, replicas, out, out, work->b);
        for (size_t r = 0; r < replicas; r++)
            work->drift[r] += work->b[r] / UNS_DENSE_PROBES;
    }
}

/* Looks fall on multiples of a power of two, so that they need no memory of the last one. */
static bool looks_now(const dense_head *head) {
    uint64_t period = 1;
    double memory = head->square > 0.0 ? head->weight * head->weight / head->square : 0.0;
    while ((double)(2 * period) * LOOKS <= memory)
        period *= 2;
    return (head->version & (period - 1)) == 0;
}

/* E‖RGR − M‖²/‖M‖² of a root of an estimate, from ρ. */
static double estimation_error(double ratio) {
    double u = 1.0 / (1.0 - ratio);
    return fmax(u * u * u - 2.0 * u + 1.0, least_error * least_error);
}

static bool gone(const dense_head *head, const dense_mark *mark) {
    return head->square > 0.0 && mark->kept * mark->weight < least_left * head->weight;
}

/* The last root is too young for one that can be done without. */
static bool too_young(const dense_head *head, const dense_piece *piece, size_t r) {
    uint64_t n = piece->n;
    return head->version - piece->marks[r].taken < n * n * n / SPARING;
}

typedef struct look {
    const uns_structure_site *site;
    const dense_head *head;
    bool changed, adaptive, signalled, drift; /* parameters changed; what has been measured */
    bool straight;                            /* u = s: steps go along v */
} look;

/* Momentum of the gradients goes where signals of earlier steps were, and so does ḡ. */
static bool straight(const uns_spec *spec) {
    bool first = spec->momentum != UNS_MOMENTUM_NONE && spec->momentum_at == UNS_PLACE_FIRST;
    return spec->signal == UNS_SIGNAL_DIRECTION ||
           (spec->signal == UNS_SIGNAL_GRADIENT && !first);
}

/* b·sᵀ(cC)⁻¹s from q = |Rs|²: the same thing for p = ½, in units of M else. */
static double surprise(const look *at, const dense_mark *mark, double q) {
    double weight = at->head->correction * at->head->latest;
    return weight * q * (at->site->spec->exponent == 0.5 ? 1.0 : mark->trace / mark->size);
}

/* For these nothing can wait: steps would have no measure until a root comes. */
static bool due_now(const look *at, const dense_work *work, const dense_piece *piece,
                    size_t r) {
    const dense_mark *mark = &piece->marks[r];
    if (mark->taken == 0 || at->changed)
        return true;
    if (!at->adaptive)
        return false;
    bool waits = at->straight && !work->mean && too_young(at->head, piece, r);
    return piece->n <= UNS_DENSE_TINY || mark->blind ||
           (at->signalled &&
            !(surprise(at, mark, work->q[r]) <= (waits ? most_waiting : SURPRISE)));
}

/* R along v as it would be with the signal in it. */
static void cut_back(const look *at, const dense_work *work, const dense_piece *piece,
                     size_t r) {
    dense_mark *mark = &piece->marks[r];
    double x =
        at->signalled && piece->n > UNS_DENSE_TINY ? surprise(at, mark, work->q[r]) : 0.0;
    if (!at->straight || !(x > 0.0) || mark->taken == at->head->version)
        return;
    if (x <= SURPRISE)
        x = fmin(x, most_cut);
    mark->cut = at->head->version;
    mark->share = 1.0 - uns_pow(1.0 + x, -at->site->spec->exponent);
}

static double level_of(const dense_work *work, const dense_piece *piece, size_t replicas,
                       size_t r) {
    double k = work->head->correction, level = 0.0;
    for (size_t i = 0; i < piece->n; i++) {
        double mean = work->mean ? k * work->mean[(piece->begin + i) * replicas + r] : 0.0;
        level += k * piece->c[(uns_triangle(i) + i) * replicas + r] - mean * mean;
    }
    return level;
}

static bool moved(const look *at, const dense_work *work, const dense_piece *piece, size_t r) {
    const dense_head *head = at->head;
    const dense_mark *mark = &piece->marks[r];
    double c = head->correction, rank = mark->trace * mark->trace / mark->size;
    double ratio = rank * head->square / (head->weight * head->weight);
    if (ratio > most_known) {
        double level = level_of(work, piece, at->site->replicas, r);
        return level > most_grown * mark->level || most_grown * level < mark->level;
    }
    double q = mark->count ? mark->signals / (double)mark->count : 0.0;
    double fresh = head->square - mark->kept * mark->kept * mark->square;
    double size = q / mark->trace; /* v against M */
    double spread = size * size * (mark->trace * mark->size + mark->third);
    double sampling = c * c * fresh * spread;
    double tolerance = at->site->spec->refresh_tolerance;
    double error = tolerance * tolerance * estimation_error(ratio) * mark->third;
    return !(work->drift[r] - sampling <= error);
}

static bool due(const look *at, const dense_work *work, const dense_piece *piece, size_t r) {
    const dense_mark *mark = &piece->marks[r];
    if (!at->adaptive)
        return at->head->version - mark->taken >= (uint64_t)at->site->spec->refresh;
    return (gone(at->head, mark) && !too_young(at->head, piece, r)) ||
           (at->drift && moved(at, work, piece, r));
}

/* Jobs to be done now, and those whose roots lag. */
typedef struct found {
    size_t now, later;
} found;

static void sort_out(const look *at, dense_work *work, size_t k, found *jobs) {
    const dense_piece *piece = &work->pieces[k];
    size_t replicas = at->site->replicas;
    for (size_t r = 0; r < replicas; r++) {
        if (!at->site->active[r])
            continue;
        if (due_now(at, work, piece, r)) {
            work->jobs[jobs->now++] = k * replicas + r;
            continue;
        }
        cut_back(at, work, piece, r);
        if ((piece->later && piece->later[r].taken) || !due(at, work, piece, r))
            continue; /* of roots that lag, one at a time */
        else if (piece->later)
            work->lagging[jobs->later++] = k * replicas + r;
        else
            work->jobs[jobs->now++] = k * replicas + r;
    }
}

static found collect(const look *at, dense_work *work, double correction) {
    found jobs = {0, 0};
    for (size_t k = 0; k < work->count; k++) {
        const dense_piece *piece = &work->pieces[k];
        if (!piece->dense)
            continue;
        if (at->signalled && piece->n > UNS_DENSE_TINY)
            measure_signal(at->site, work, piece);
        if (at->drift && piece->n > UNS_DENSE_TINY)
            measure_drift(at->site, work, piece, correction);
        sort_out(at, work, k, &jobs);
    }
    return jobs;
}

/* v of the replicas whose R is new; tiny pieces have none. */
static void renew_products(const uns_structure_site *site, dense_work *work, size_t count) {
    for (size_t job = 0; job < count; job++) {
        const dense_piece *piece = &work->pieces[work->jobs[job] / site->replicas];
        size_t from = piece->begin * site->replicas;
        if (piece->n <= UNS_DENSE_TINY)
            continue;
        uns_dense_multiply_one(site, piece->n, work->jobs[job] % site->replicas, piece->r,
                               work->signal + from, work->strip, work->v + from);
    }
}

static bool same_root(const uns_root *a, const uns_root *b) {
    return a->exponent == b->exponent && a->epsilon == b->epsilon && a->form == b->form &&
           a->damping == b->damping;
}

static uns_status bring_up(const look *at, dense_work *work, const uns_root *root) {
    const uns_structure_site *site = at->site;
    for (size_t k = 0; k < work->count; k++)
        if (!work->pieces[k].dense)
            refresh_diagonal(site, work, &work->pieces[k], root);
    UNS_TRY(uns_dense_settle_late(site));
    found jobs = collect(at, work, root->correction);
    uns_dense_take_late(site, root, jobs.later);
    uns_dense_drop_late(site, jobs.now);
    if (jobs.now)
        UNS_TRY(uns_dense_take_roots(site, root, jobs.now));
    if (at->signalled && !work->mean)
        renew_products(site, work, jobs.now);
    if (at->signalled)
        work->fresh = at->head->version;
    return UNS_OK;
}

uns_status uns_dense_refresh(const uns_structure_site *site, void *state, const uns_root *root,
                             uns_const_tensors mean, uint64_t t) {
    (void)mean;
    (void)t;
    dense_work *work = site->scratch;
    dense_head *head = state;
    bool adaptive = site->spec->refresh == UNS_REFRESH_ADAPTIVE;
    look at = {.site = site,
               .head = head,
               .changed = !same_root(root, &head->root),
               .adaptive = adaptive,
               .straight = straight(site->spec),
               .signalled = adaptive && head->signalled == head->version,
               .drift = adaptive && looks_now(head)};
    if (!at.changed && head->settled == head->version)
        return UNS_OK;
    uns_status status = bring_up(&at, work, root);
    head->root = *root;
    head->settled = head->version;
    return status;
}

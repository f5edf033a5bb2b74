/* SPDX-License-Identifier: MIT
 * What depends on the step count: the step size η_t and the momentum row [γ δ; α β].
 *
 * All powers and cosines are the frozen ones of elementary.h, so a schedule is the same bits on
 * every machine. The occasional larger step is that of Daneshmand, Kohler, Lucchi, Hofmann
 * 2018, "Escaping Saddles with Stochastic Gradients".
 */
#include <math.h>
#include <unsaddle/elementary.h>
#include <unsaddle/spec.h>

/* Part of the schedule's length that lies behind move t; 1 from the end on. */
static double elapsed(const uns_spec *spec, double before) {
    double part = before / (double)spec->schedule_steps;
    return part < 1.0 ? part : 1.0;
}

static double cosine(const uns_spec *spec, double before) {
    double wave = 0.5 * (1.0 + uns_cospi(elapsed(spec, before)));
    return spec->schedule_floor + (1.0 - spec->schedule_floor) * wave;
}

static double polynomial(const uns_spec *spec, double before) {
    double rest = uns_pow(1.0 - elapsed(spec, before), spec->schedule_power);
    return spec->schedule_floor + (1.0 - spec->schedule_floor) * rest;
}

static double inverse_sqrt(const uns_spec *spec, double t) {
    double stage = spec->schedule_every > 0 ? (double)spec->schedule_every : 1.0;
    return t > stage ? 1.0 / sqrt(t / stage) : 1.0;
}

/* s(t), by the number of moves before move t. */
static double schedule(const uns_spec *spec, double before) {
    switch ((uns_schedule)spec->schedule) {
    case UNS_SCHEDULE_COSINE:
        return cosine(spec, before);
    case UNS_SCHEDULE_STEP:
        return uns_pow(spec->schedule_factor, floor(before / (double)spec->schedule_every));
    case UNS_SCHEDULE_EXPONENTIAL:
        return uns_pow(spec->schedule_factor, before);
    case UNS_SCHEDULE_INVERSE_SQRT:
        return inverse_sqrt(spec, before + 1.0);
    case UNS_SCHEDULE_INVERSE_TIME:
        return 1.0 / (1.0 + spec->schedule_factor * before);
    case UNS_SCHEDULE_POLYNOMIAL:
        return polynomial(spec, before);
    case UNS_SCHEDULE_CONSTANT:
        break;
    }
    return 1.0;
}

double uns_spec_eta(const uns_spec *spec, uint64_t t) {
    if (spec->larger_step_every > 0 && t % (uint64_t)spec->larger_step_every == 0)
        return spec->larger_step;
    double eta = spec->eta * schedule(spec, (double)(t - 1));
    if (spec->warmup > 0 && t < (uint64_t)spec->warmup)
        eta *= (double)t / (double)spec->warmup;
    return eta;
}

/* Nadam's μ_t. */
static double nadam_mu(const uns_spec *spec, double t) {
    return spec->mu * (1.0 - 0.5 * uns_pow(0.96, t * spec->nadam_psi));
}

/* u = μ_{t+1}·m/(1 − Π_{i≤t+1} μ_i) + (1 − μ_t)·g/(1 − Π_{i≤t} μ_i) with m ← memory·m +
 * (1 − memory)·g put in. The numerator is Dozat's; memory is μ there and μ_t as he published.
 */
static void nadam_row(const uns_spec *spec, double t, double *product, double row[4]) {
    double mu = nadam_mu(spec, t), next = nadam_mu(spec, t + 1.0);
    double memory = spec->momentum == UNS_MOMENTUM_DOZAT ? mu : spec->mu;
    *product *= mu;
    double of_m = next / (1.0 - *product * next);
    double of_g = (1.0 - mu) / (1.0 - *product);
    row[0] = of_m * memory;
    row[1] = of_m * (1.0 - memory) + of_g;
    row[2] = memory;
    row[3] = 1.0 - memory;
}

static void set_row(double row[4], double gamma, double delta, double alpha, double beta) {
    row[0] = gamma;
    row[1] = delta;
    row[2] = alpha;
    row[3] = beta;
}

void uns_spec_momentum_row(const uns_spec *spec, uint64_t t, double *product, double row[4]) {
    double mu = spec->mu, weight = 1.0;
    switch ((uns_momentum)spec->momentum) {
    case UNS_MOMENTUM_NONE:
        set_row(row, 0.0, 1.0, 0.0, 0.0);
        break;
    case UNS_MOMENTUM_HEAVY:
        weight = t > 1 ? 1.0 - spec->dampening : 1.0;
        set_row(row, mu, weight, mu, weight);
        break;
    case UNS_MOMENTUM_NESTEROV:
        set_row(row, mu * mu, 1.0 + mu, mu, 1.0);
        break;
    case UNS_MOMENTUM_EMA:
        weight = spec->mu_correction ? 1.0 / (1.0 - uns_pow(mu, (double)t)) : 1.0;
        set_row(row, mu * weight, (1.0 - mu) * weight, mu, 1.0 - mu);
        break;
    case UNS_MOMENTUM_NADAM:
    case UNS_MOMENTUM_DOZAT:
        nadam_row(spec, (double)t, product, row);
        break;
    case UNS_MOMENTUM_LION:
        set_row(row, mu, 1.0 - mu, spec->mu_memory, 1.0 - spec->mu_memory);
        break;
    }
}

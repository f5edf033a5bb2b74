/* SPDX-License-Identifier: MIT
 * The report of unsaddle measure, for people: what is, section by section. What follows from
 * it is measure_advice.c.
 */
#include "measure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    BARS = 24,
    NAME = 22
};

static void print_head(const cli_measured *m) {
    printf("%s · %zu parameters · at %s of '%s' · batch %zu\n", m->place->cell->problem,
           m->all->dimension, cli_place_text(m->place), m->place->cell->label, m->all->batch);
}

static const char *target_text(uns_drop_from from) {
    static const char *const text[] = {"as asked", "the problem's own mark",
                                       "half of the way to the minimum",
                                       "a tenth lower, for want of a known minimum"};
    return text[from];
}

static void print_gradient(const uns_measurement *a) {
    double noise = sqrt(fmax(a->noise.trace.value, 0.0));
    printf("\nGradient against noise (%zu draws)\n", a->noise.draws);
    if (a->target_from == UNS_DROP_NONE)
        printf("  f                    %.6g, the minimum of the problem: nothing lies lower\n",
               a->value);
    else
        printf("  f                    %.6g; escaped below %.6g, %s\n", a->value, a->target,
               target_text(a->target_from));
    printf("  gradient             %.4g, of the whole objective\n", a->gradient);
    printf("  noise of a batch     %.4g (root of tr S %.4g +- %.1g)", noise,
           a->noise.trace.value, a->noise.trace.error);
    if (a->gradient > 0.0 && noise > 0.0)
        printf(": %.3g times the gradient", noise / a->gradient);
    printf("\n");
    if (isfinite(a->noise.scale.value))
        printf("  noise scale          %.3g +- %.2g batches would outweigh the noise\n",
               a->noise.scale.value, a->noise.scale.error);
    else if (noise > 0.0)
        printf("  noise scale          the gradient is lost in the noise of these draws\n");
    else
        printf("  noise scale          none: %s\n",
               a->gradient > 0.0 ? "the draws do not differ" : "neither noise nor a gradient");
    if (isfinite(a->noise.dimension.value))
        printf("  effective dimension  %.3g +- %.1g of %zu (tr G/|G|%s)\n",
               a->noise.dimension.value, a->noise.dimension.error, a->dimension,
               a->noise.dimension.value > (double)a->dimension
                   ? ", each of draws of its own: above by chance"
                   : "");
    else
        printf("  effective dimension  none: every draw is 0\n");
    printf("  largest draw         %.4g\n", a->noise.largest);
}

static void print_values(const char *name, size_t count, const double *values) {
    printf("  %-20s", name);
    for (size_t i = 0; i < count; i++)
        printf(" %.5g", values[i]);
    printf("\n");
}

/* One bar a bin, taller where there are more eigenvalues, in the logarithm of their share. */
static void print_density(const uns_measurement *a) {
    static const char *const bar[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low, high, before = 0.0, least = 0.2 / (double)a->dimension;
    uns_density_range(a->density, &low, &high);
    uns_measured negative = uns_density_below(a->density, 0.0);
    if (!(high > low))
        return;
    printf("  density              ");
    for (int i = 1; i <= BARS; i++) {
        double x = i == BARS ? INFINITY : low + (high - low) * i / BARS;
        double below = uns_density_below(a->density, x).value, share = below - before;
        double height = share > least ? 1.0 + 7.0 * log(share / least) / log(1.0 / least) : 0.0;
        printf("%s", bar[(int)fmin(height, 8.0)]);
        before = below;
    }
    printf(" from %.3g to %.3g\n  below 0              %.3g %%", low, high,
           100.0 * negative.value);
    if (isfinite(negative.error))
        printf(" +- %.1g %%", 100.0 * negative.error);
    printf(" of the eigenvalues\n");
}

/* The worst of all that were asked for, and at which end. */
static void print_unconverged(const uns_measurement *a) {
    double low = 0.0, high = 0.0;
    for (size_t i = 0; i < a->lowest; i++)
        low = fmax(low, a->low_residual[i]);
    for (size_t i = 0; i < a->highest; i++)
        high = fmax(high, a->high_residual[i]);
    printf("  not converged        residual %.2g among the %s; products=... for more\n",
           fmax(low, high), low >= high ? "smallest" : "largest");
}

static void print_curvature(const uns_measurement *a) {
    printf("\nCurvature (%s products%s)\n", uns_rung_text(a->curvature.rung),
           a->curvature.whole ? ", whole spectrum" : "");
    print_values("smallest", a->lowest, a->low);
    print_values("largest", a->highest, a->high);
    if (a->curvature.error > 0.0)
        printf("  error of a product   %.2g\n", a->curvature.error);
    if (!a->curvature.converged)
        print_unconverged(a);
    if (a->density)
        print_density(a);
    if (a->low[0] < 0.0 && !isfinite(a->way.share.value) && a->noise.trace.value == 0.0)
        printf("  way down             no noise here, along it or elsewhere\n");
    else if (a->low[0] < 0.0 && isfinite(a->way.share.value))
        printf("  way down             holds %.3g +- %.1g of the noise; 1/d is %.3g\n",
               a->way.share.value, a->way.share.error, 1.0 / (double)a->dimension);
}

static void print_verdict(const uns_certificate *c) {
    printf("\nIs this a saddle?\n  ");
    switch (c->verdict) {
    case UNS_VERDICT_SADDLE:
        printf("Yes (%s): curvature %.5g +- %.1g along a direction, below -%g, and the\n"
               "  gradient is at most %g. 'unsaddle certify --witness FILE' writes the way "
               "down.\n",
               uns_assurance_text(c->assurance), c->curvature, c->curvature_error, c->tau_h,
               c->tau_g);
        break;
    case UNS_VERDICT_STATIONARY:
        printf("No (%s): no curvature below -%g, except with probability %g. The gradient\n"
               "  is at most %g: this is a second-order stationary point.\n",
               uns_assurance_text(c->assurance), c->tau_h, c->delta, c->tau_g);
        break;
    case UNS_VERDICT_GRADIENT:
        printf("Not stationary: the gradient, %.3g, is above tau_g = %g.\n", c->gradient,
               c->tau_g);
        break;
    default:
        printf("Undecided: the least curvature lies in [%.3g, %.3g]; tau_h = %g.\n", c->low,
               c->high, c->tau_h);
        if (c->gradient_high > c->tau_g)
            printf("  By these samples the gradient lies in [%.3g, %.3g]; tau_g = %g.\n",
                   c->gradient_low, c->gradient_high, c->tau_g);
    }
}

/* " 12.3", or as many blanks. */
static void print_cell(double value) {
    if (isfinite(value))
        printf(" %9.3g", value);
    else
        printf(" %9s", "");
}

/* Rare large draws can leave a rank that no noise of d dimensions has: too few draws. */
static void print_noise_row(const char *name, const uns_noise_report *r,
                            const uns_noise_along *way, size_t d) {
    bool clear = r->rank.value >= 0.9 &&
                 r->rank.value <= 1.1 * (double)d + 3.0 * r->rank.error &&
                 r->rank.error < 0.5 * r->rank.value;
    printf("  %-*s", NAME, name);
    if (clear)
        printf(" %9.4g %9.4g", r->rank.value, r->top.value);
    else if (r->trace.value == 0.0)
        printf(" %9s %9s", "none", "none");
    else
        printf(" %9s %9s", "unclear", "unclear");
    if (isfinite(way->share.value))
        printf(" %9.3g", way->share.value);
}

static void print_isotropy(const uns_measurement *a) {
    printf("\nNoise of the step (isotropic: rank %zu, top 1, share %.3g)\n", a->dimension,
           1.0 / (double)a->dimension);
    printf("  %-*s %9s %9s %9s %9s %9s %9s\n", NAME, "", "rank", "top", "share", "l_min(A)",
           "|A|", "E|Ag|^2");
    print_noise_row("gradient as drawn", &a->noise, &a->way, a->dimension);
    printf("\n");
    for (size_t i = 0; i < a->count; i++) {
        const uns_measured_metric *m = &a->metric[i];
        if (!m->known || strcmp(m->spec.structure, "identity") == 0)
            continue;
        print_noise_row(m->name, &m->step, &m->way, a->dimension);
        if (!isfinite(m->way.share.value))
            printf(" %9s", "");
        printf(" %9.3g %9.3g %9.3g%s\n", m->least, m->norm, m->step.second_trace.value,
               m->today ? "  <- in use" : "");
    }
    printf("  rank: directions that the noise fills; top: its largest variance over the mean "
           "one;\n  share: of the noise along the direction of least curvature.\n");
    const uns_measured *off = &a->metric[0].estimate_error;
    if (isfinite(off->value) && isfinite(off->error))
        printf("  The estimate in use, from %" PRId64
               " gradients, is off by %.3g +- %.1g of what it estimates.\n",
               a->metric[0].observed, off->value, off->error);
}

/* "3214" and "[1600 - 9600]"; a question mark where something is left to doubt. between: more
 * follows in the line. */
static void print_escape(const uns_forecast *f, int64_t limit, bool between) {
    char median[64] = "", range[64] = "";
    bool doubted = f->open & ~(unsigned)UNS_DOUBT_NOT_REACHED;
    if (f->method != UNS_METHOD_NONE && isnan(f->escape[2]))
        snprintf(median, sizeof median, ">%" PRId64, limit);
    else if (f->method != UNS_METHOD_NONE)
        snprintf(median, sizeof median, "%.0f", f->escape[2]);
    if (isnan(f->escape[4]) && !isnan(f->escape[2]))
        snprintf(range, sizeof range, "[%.0f - ...]", f->escape[0]);
    else if (!isnan(f->escape[4]))
        snprintf(range, sizeof range, "[%.0f - %.0f]", f->escape[0], f->escape[4]);
    printf(" %9s%s", median, doubted && !isnan(f->escape[2]) ? "?" : "");
    if (range[0] || between)
        printf("%*s", 18 + !(doubted && !isnan(f->escape[2])), range);
}

static void print_row(const uns_measured_metric *m) {
    printf("  %-*s", NAME, m->name);
    if (!m->known && m->now.method != UNS_METHOD_MODEL) {
        printf(" %s%s\n", m->reason, m->today ? "  <- in use" : "");
        return;
    }
    print_escape(&m->now, m->now_limit, true);
    print_cell(m->now.floor);
    if (m->today)
        printf("   <- in use");
    else if (isfinite(m->equal_eta)) {
        printf(" |");
        print_cell(m->equal_eta);
        if (m->equal.method != UNS_METHOD_NONE)
            print_escape(&m->equal, m->equal_limit, false);
    }
    printf("\n");
}

const char *cli_doubt_text(size_t bit) {
    static const char *const text[] = {
        "nothing leads down, or no noise does",
        "the drop is so small that the walk is mostly noise",
        "the other directions add a visible part to f",
        "steps are large against the curvature",
        "there is more than one way down",
        "the way down leaves the quadratic region",
        "the preconditioner feels the mean gradient on the way",
        "the preconditioner is estimated from few gradients",
        "clipping, decay, trust ratios or the like are not linear in the gradient",
        "some quantile lies beyond the steps looked ahead",
        "on the way the noise changes beyond what was measured"};
    return bit < sizeof text / sizeof *text ? text[bit] : NULL;
}

static void print_doubts(const uns_measurement *a) {
    unsigned open = 0;
    bool modelled = false, grows = false;
    for (size_t i = 0; i < a->count; i++) {
        open |= a->metric[i].now.open | a->metric[i].equal.open;
        modelled = modelled || a->metric[i].now.method == UNS_METHOD_MODEL;
        grows = grows || a->metric[i].growth > 0.5;
    }
    open &= ~(unsigned)(UNS_DOUBT_NO_SADDLE | UNS_DOUBT_NOT_REACHED);
    if (modelled)
        printf("  By a local model: the optimizer itself on what some gradients and products "
               "tell.\n");
    if (grows)
        printf("  The noise grows on the way out: floors, and what is equal by them, will be "
               "others.\n");
    for (size_t bit = 0; cli_doubt_text(bit); bit++)
        if (open >> bit & 1u)
            printf("  ? %s\n", cli_doubt_text(bit));
}

static void print_forecast(const cli_measured *m) {
    const uns_measurement *a = m->all;
    bool leaves = a->metric[0].now.method != UNS_METHOD_NONE;
    if (!leaves && a->certificate.verdict == UNS_VERDICT_SADDLE) {
        printf("\nWho would leave, and when?\n  No forecast: %s.\n",
               a->noise.trace.value > 0.0 ? "none could be made for the way down"
                                          : "no noise pushes along the way down");
        return;
    }
    printf("\nWho would %s? (floors by the noise measured here)\n",
           leaves ? "leave, and when" : "come how close");
    printf("  %-*s %-38s | %s\n", NAME, "", "at today's eta", "at an equal floor");
    printf("  %-*s %9s %18s %9s | %9s%s\n", NAME, "", leaves ? "steps" : "",
           leaves ? "[5 % - 95 %]" : "", "floor", "eta",
           leaves ? "     steps       [5 % - 95 %]" : "");
    for (size_t i = 0; i < a->count; i++)
        print_row(&a->metric[i]);
    print_doubts(a);
    if (isfinite(a->metric[0].distance) && leaves)
        printf("  The saddle is %.3g away; escaped means a drop of %.4g from it.\n",
               a->metric[0].distance, a->metric[0].drop);
}

static void print_path(const uns_path *p) {
    printf("\nAssumptions, along %" PRId64 " steps of the run (%zu looks)\n", p->steps,
           p->looks);
    printf("  f                    %.6g to %.6g\n", p->value_from, p->value_to);
    printf("  largest gradient     %.4g of a batch\n", p->largest_gradient);
    printf("  largest noise        %.4g away from the whole gradient\n", p->largest_deviation);
    if (isfinite(p->largest_step))
        printf("  largest step         |Ag| %.4g, E|Ag|^2 at most %.4g\n", p->largest_step,
               p->mean_step);
    if (isfinite(p->norm))
        printf("  preconditioner       l_min(A) at least %.4g, |A| at most %.4g\n", p->least,
               p->norm);
    if (isfinite(p->lipschitz.value))
        printf("  change of G          %.4g +- %.1g a unit of way at most, over %.4g of it\n",
               p->lipschitz.value, p->lipschitz.error, p->length);
    if (isfinite(p->estimate))
        printf("  error of the estimate  %.3g of G's diagonal at most\n", p->estimate);
}

void cli_measure_print(const cli_measured *m) {
    print_head(m);
    print_gradient(m->all);
    print_curvature(m->all);
    print_verdict(&m->all->certificate);
    print_isotropy(m->all);
    print_forecast(m);
    if (m->path)
        print_path(m->path);
    cli_advice_print(m);
}

/* SPDX-License-Identifier: MIT
 * The isotropy of the gradient noise of softmax regression on glyphs, before and after diagonal
 * preconditioning and behind the block matrix, at the start of a run and well into it:
 * `make noise`.
 */
#include "long/cases.h"

#include "inst/measure.h"
#include "la/dense.h"

#include <unsaddle/noise.h>

enum {
    BATCH = 8,
    STEPS = 3750, /* three epochs of 10,000 glyphs */
    DRAWS = 4096,
    PAIRS = 16
};

static void check(uns_context *context, uns_status status, const char *what) {
    if (status != UNS_OK)
        give_up(context, what);
}

/* Trains x in place with RMSProp and the rule β = 1 − η^{2/3}. */
static void train(uns_context *context, const uns_problem *problem, double *x) {
    const uns_problem_ops *ops = uns_problem_get_ops(problem);
    const void *self = uns_problem_self(problem);
    uns_layout *layout;
    uns_optimizer *optimizer;
    uns_cell cell = {.label = ""};
    read_spec(context, "rmsprop eta=1e-3 beta.rule=eta^2/3", &cell);
    check(context, uns_problem_layout(context, problem, 1, &layout), "layout");
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &cell.spec};
    check(context, uns_optimizer_create(context, &config, &optimizer), "optimizer");
    double *g = calloc(uns_problem_dimension(problem), sizeof *g);
    void *scratch = aligned_alloc(64, (ops->scratch(self, 1, BATCH) + 127) / 64 * 64);
    void *xs[4], *gs[4];
    uns_layout_spread(layout, x, xs);
    uns_layout_spread(layout, g, gs);
    uns_tensors tx = {xs, uns_layout_count(layout)}, tg = {gs, tx.count};
    for (uint64_t t = 0; t < STEPS; t++) {
        uns_batch batch = {{1, t, 0, UNS_STREAM_GRADIENT}, BATCH, NULL};
        uns_eval eval = {1, uns_tensors_const(tx), &batch, scratch};
        check(context, ops->gradient(self, &eval, tg), "gradient");
        check(context, uns_optimizer_step(optimizer, tx, uns_tensors_const(tg)), "step");
    }
    free(scratch);
    free(g);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
}

static uns_noise *open_noise(uns_context *context, size_t d, const uns_operator *metric,
                             const double *direction) {
    uns_noise_config config = {.size = sizeof config,
                               .dimension = d,
                               .pairs = PAIRS,
                               .directions = direction ? 1 : 0,
                               .direction = direction,
                               .metric = metric};
    uns_noise *noise;
    check(context, uns_noise_create(context, &config, &noise), "noise");
    return noise;
}

static void print_report(const char *name, uns_noise *noise, const uns_noise_report *r) {
    printf("  %-7s tr G %.4g +- %.1g, tr S %.4g +- %.1g, scale %.3g +- %.1g, dimension %.3g +- "
           "%.1g,\n          rank %.4g +- %.2g, d*l1/tr %.4g +- %.2g, largest %.3g; l1..l4",
           name, r->second_trace.value, r->second_trace.error, r->trace.value, r->trace.error,
           r->scale.value, r->scale.error, r->dimension.value, r->dimension.error,
           r->rank.value, r->rank.error, r->top.value, r->top.error, r->largest);
    for (size_t i = 0; i < 4; i++)
        printf(" %.3g", uns_noise_value(noise, i).value);
    uns_noise_along along = uns_noise_direction(noise, 0);
    printf("; share along the mean %.3g +- %.1g\n", along.share.value, along.share.error);
}

/* Both sides of diag(G + ε)^{-½}, G from draws of its own. */
static void look(uns_context *context, claims *all, const char *where, uns_sampler *sampler,
                 const double *x) {
    size_t d = sampler->dimension;
    double *moment = calloc(d, sizeof *moment), *a = calloc(d, sizeof *a);
    double *mean = calloc(d, sizeof *mean), low, high;
    uns_noise *first = open_noise(context, d, NULL, NULL);
    check(context, uns_noise_measure(context, sampler, x, 0, DRAWS, 1, &first), "first");
    uns_noise_diagonal(first, NULL, moment, mean);
    for (size_t i = 0; i < d; i++)
        a[i] = 1.0 / (sqrt(moment[i]) + 1e-4);
    uns_diagonal diagonal = {d, a};
    uns_operator metric = uns_operator_diagonal(&diagonal);
    uns_noise *noises[2] = {open_noise(context, d, NULL, mean),
                            open_noise(context, d, &metric, mean)};
    uns_noise_report r[2];
    check(context, uns_noise_measure(context, sampler, x, DRAWS, DRAWS, 2, noises), "measure");
    check(context, uns_operator_range(context, &metric, 1, 1, &low, &high), "range");
    printf("%s, d = %zu, %d draws of batch %d\n", where, d, DRAWS, BATCH);
    for (int i = 0; i < 2; i++) {
        check(context, uns_noise_read(noises[i], &r[i]), "read");
        print_report(i ? "after" : "before", noises[i], &r[i]);
    }
    uns_measured own = uns_noise_diagonal_error(noises[0], moment);
    printf("  l_min(A) %.4g, |A| %.4g, E|Ag|^2 %.4g; the estimate from %d draws is off by %.3g "
           "+- %.1g\n",
           low, high, r[1].second_trace.value, DRAWS, own.value, own.error);
    claim(
        all,
        r[1].rank.value - 3.0 * r[1].rank.error >
            2.0 * (r[0].rank.value + 3.0 * r[0].rank.error),
        "%s: diagonal preconditioning more than doubles the effective rank of the noise, %.3g "
        "to %.3g of %zu",
        where, r[0].rank.value, r[1].rank.value, d);
    claim(all, r[1].top.value < 0.8 * r[0].top.value,
          "%s: it takes the largest eigenvalue from %.3g to %.3g times the mean", where,
          r[0].top.value, r[1].top.value);
    for (int i = 0; i < 2; i++)
        uns_noise_destroy(noises[i]);
    uns_noise_destroy(first);
    free(moment);
    free(mean);
    free(a);
}

/* The block matrix of as many gradients: a real optimizer observes them in equal weights. With
 * 256 parameters a piece and 4096 gradients it is known well enough to be judged. */
static void look_behind_blocks(uns_context *context, claims *all, const char *where,
                               const uns_problem *problem, const uns_sampler *sampler,
                               const double *x) {
    size_t d = sampler->dimension;
    uns_layout *layout;
    uns_cell cell = {.label = ""};
    uns_settled settled;
    uns_noise_report before, after;
    if (!uns_dense_available()) {
        printf("skipped  %s: blocks need LAPACK\n", where);
        all->skipped += 2;
        return;
    }
    read_spec(context,
              "rmsprop-block moment=mean beta=0 beta.rule=fixed burn_in=0 refresh=4096 "
              "epsilon=1e-8",
              &cell);
    check(context, uns_problem_layout(context, problem, 1, &layout), "layout");
    double *g = aligned_alloc(64, (d * sizeof *g + 63) / 64 * 64);
    uns_settling settling = {.context = context,
                             .problem = problem,
                             .layout = layout,
                             .spec = &cell.spec,
                             .batch = BATCH,
                             .sampler = sampler,
                             .x = x,
                             .first = 4 * DRAWS,
                             .count = DRAWS + 1,
                             .g = g};
    check(context, uns_settle(&settling, &settled), "blocks");
    uns_settled_view view = {&settled, UNS_PRODUCT_A};
    uns_operator metric = uns_operator_settled(&view, d);
    uns_noise *noises[2] = {open_noise(context, d, NULL, NULL),
                            open_noise(context, d, &metric, NULL)};
    check(context, uns_noise_measure(context, sampler, x, 6 * DRAWS, DRAWS, 2, noises),
          "draws");
    check(context, uns_noise_read(noises[0], &before), "read");
    check(context, uns_noise_read(noises[1], &after), "read");
    printf("  blocks  E|Ag|^2 %.4g +- %.1g, rank %.4g +- %.2g, d*l1/tr %.4g +- %.2g\n",
           after.second_trace.value, after.second_trace.error, after.rank.value,
           after.rank.error, after.top.value, after.top.error);
    claim(all,
          after.rank.value - 3.0 * after.rank.error >
              2.0 * (before.rank.value + 3.0 * before.rank.error),
          "%s: the block matrix takes the effective rank of the noise from %.3g to %.3g of %zu",
          where, before.rank.value, after.rank.value, d);
    claim(all, after.top.value < before.top.value,
          "%s: and its largest eigenvalue from %.3g to %.3g times the mean", where,
          before.top.value, after.top.value);
    uns_noise_destroy(noises[0]);
    uns_noise_destroy(noises[1]);
    uns_settled_close(&settled);
    uns_layout_destroy(layout);
    free(g);
}

int main(void) {
    claims all = {0, 0, 0};
    uns_context *context = open_all();
    void *config = make_config(context, "softmax", "");
    uns_problem *problem;
    uns_problem_sampler *source;
    check(context, uns_problem_create(context, "softmax", config, &problem), "softmax");
    check(context, uns_problem_sampler_create(context, problem, BATCH, 1, &source), "sampler");
    uns_sampler sampler = uns_problem_sampler_view(source);
    double *x = calloc(sampler.dimension, sizeof *x);
    look(context, &all, "softmax on glyphs, at the start", &sampler, x);
    look_behind_blocks(context, &all, "softmax on glyphs, at the start", problem, &sampler, x);
    train(context, problem, x);
    look(context, &all, "softmax on glyphs, after three epochs of RMSProp", &sampler, x);
    look_behind_blocks(context, &all, "softmax on glyphs, after three epochs of RMSProp",
                       problem, &sampler, x);
    free(x);
    uns_problem_sampler_destroy(source);
    uns_problem_destroy(problem);
    free(config);
    uns_context_destroy(context);
    return close_claims(&all);
}

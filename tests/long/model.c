/* SPDX-License-Identifier: MIT
 * The local model against runs of online optimizers, on matrix factorization, whose f is
 * quartic and whose noise grows with the distance from the saddle, and on saddles where a
 * diagonal estimate feels the mean gradient off its axes: part of `make forecast`.
 *
 * usage: model [REPLICAS] [FIRST LAST]
 */
#include "long/cases.h"

#include <time.h>
#include <unsaddle/model.h>

enum {
    SLICE = 250
};

/* The drop is a share of the whole depth. flagged: the model must say that it cannot. */
typedef struct setting {
    const char *optimizer, *problem, *keys;
    size_t batch;
    double drop;
    int64_t limit;
    bool flagged;
} setting;

#define MF "matrix-factorization"
static const setting settings[] = {
    {"rmsprop eta=1e-3 beta.rule=eta^2/3 burn_in=auto", MF, "", 20, 0.1, 4000, false},
    {"rmsprop eta=3e-4 beta.rule=eta^2/3 burn_in=auto", MF, "", 20, 0.25, 8000, false},
    {"rmsprop eta=1e-3 beta=0.99", MF, "start_scale=0.1", 8, 0.1, 4000, false},
    {"rmsprop eta=1e-3 beta=0.9", MF, "n=30 rank=2 seed=3", 16, 0.25, 8000, false},
    {"adam eta=1e-3", MF, "start_scale=0.03 seed=2", 16, 0.1, 8000, false},
    {"adam eta=5e-4 beta=0.99", MF, "n=30 rank=4 seed=4", 32, 0.1, 8000, false},
    {"rmsprop-centered eta=1e-3", MF, "start_scale=0.05 seed=5", 16, 0.1, 8000, false},
    {"amsgrad eta=1e-3", MF, "start_scale=0.05 seed=8", 16, 0.1, 8000, false},
    {"sgd eta=1", MF, "start_scale=0.01 seed=6", 16, 0.25, 4000, false},
    {"momentum eta=0.1", MF, "start_scale=0.01 seed=7", 16, 0.1, 4000, false},
    {"rmsprop eta=1e-3 beta.rule=eta^2/3 burn_in=auto", "saddle",
     "negative=-0.5 noise_low=1e-4 noise_high=0.01 starve=1e-4 seed=3", 1, 0.5, 20000, false},
    {"rmsprop eta=2e-3 beta=0.9", "saddle", "negative=-0.3 noise_high=0.1 seed=4", 1, 0.5,
     20000, false},
    {"adam eta=1e-3 beta=0.99", "saddle", "negative=-0.5 noise_high=0.01 seed=5", 1, 0.5, 20000,
     false},
    {"rmsprop-inside structure=full eta=2e-3 beta.rule=eta^2/3 burn_in=auto epsilon=1e-4",
     "saddle", "negative=-0.3 starve=0.003 d=6", 1, 0.5, 20000, false},
    {"rmsprop-inside structure=full eta=2e-3 beta=0.99 epsilon=1e-3", "saddle",
     "negative=-0.3 d=6 seed=4", 1, 0.5, 20000, false},
    {"rmsprop-inside structure=full eta=1e-3 beta=0.99 epsilon=1e-5", MF,
     "n=8 rank=2 start_scale=0.05", 16, 0.1, 8000, false},
    /* written after the model stood, and not looked at while it was made */
    {"rmsprop eta=2e-3 beta.rule=eta^2/3 burn_in=auto", MF, "n=25 seed=11", 16, 0.1, 8000,
     false},
    {"rmsprop eta=5e-4 beta=0.95", MF, "n=16 rank=2 start_scale=0.02 seed=12", 24, 0.2, 8000,
     false},
    {"nadam eta=1e-3", MF, "start_scale=0.02 seed=13", 12, 0.15, 8000, false},
    {"adam eta=2e-3 beta=0.99", MF, "n=24 rank=3 condition=4 seed=14", 16, 0.1, 8000, false},
    {"rmsprop eta=1e-4 momentum=heavy mu=0.9", MF, "noise=0.3 start_scale=0.05 seed=15", 32,
     0.1, 8000, false},
    {"nesterov eta=0.05", MF, "rank=5 start_scale=0.03 seed=16", 16, 0.2, 8000, false},
    /* not looked at when the model's own error was chosen */
    {"rmsprop eta=1e-3 beta=0.98", MF, "n=24 rank=2 start_scale=0.03 seed=21", 16, 0.1, 8000,
     false},
    {"sgd eta=0.5", MF, "n=16 rank=3 start_scale=0.02 seed=22", 16, 0.15, 8000, false},
    {"adam eta=5e-4", MF, "start_scale=0.05 seed=23", 20, 0.15, 8000, false},
    {"amsgrad eta=5e-4", MF, "n=25 rank=2 start_scale=0.04 seed=24", 16, 0.1, 8000, false},
    {"nadam eta=5e-4 beta=0.99", MF, "n=16 start_scale=0.02 seed=25", 24, 0.1, 8000, false},
    {"momentum eta=0.05", MF, "start_scale=0.02 seed=26", 8, 0.2, 8000, false},
    /* as far as the problem's own mark, half of the depth: beyond what is quadratic */
    {"sgd eta=0.1", MF, "n=20 rank=3 noise=0.1 start_scale=1e-3", 16, 0.5, 20000, false},
    {"sgd eta=1", MF, "start_scale=0.01 seed=6", 16, 0.5, 8000, false},
    {"momentum eta=0.1", MF, "start_scale=0.01 seed=7", 16, 0.5, 8000, false},
    {"nesterov eta=0.05", MF, "rank=5 start_scale=0.03 seed=16", 16, 0.5, 8000, false},
    {"rmsprop eta=1e-3 beta.rule=eta^2/3 burn_in=auto", MF, "", 20, 0.5, 8000, false},
    {"rmsprop eta=1e-3 beta=0.9", MF, "n=30 rank=2 seed=3", 16, 0.5, 8000, false},
    {"adam eta=1e-3", MF, "start_scale=0.03 seed=2", 16, 0.5, 8000, false},
    {"adam eta=5e-4 beta=0.99", MF, "n=30 rank=4 seed=4", 32, 0.5, 8000, false},
    {"amsgrad eta=1e-3", MF, "start_scale=0.05 seed=8", 16, 0.5, 8000, false},
    {"nadam eta=1e-3", MF, "start_scale=0.02 seed=13", 12, 0.5, 8000, false},
    /* single entries: 64 deviations do not tell the coordinates' variances */
    {"rmsprop eta=1e-3 beta.rule=eta^2/3 burn_in=auto", MF, "", 1, 0.1, 8000, true},
};

static void check(uns_context *context, uns_status status, const char *what) {
    if (status != UNS_OK)
        give_up(context, what);
}

typedef struct bench {
    uns_context *context;
    const setting *setting;
    const uns_problem *problem;
    const uns_problem_ops *ops;
    const void *self;
    uns_spec spec;
    double threshold;
    double *start; /* [d], of every replica */
} bench;

/* One slice from the start until all are out: times[r], infinite beyond the limit. */
static void run_slice(const bench *b, uint32_t first, size_t n, double *times) {
    uns_layout *layout;
    uns_optimizer *optimizer;
    size_t d = uns_problem_dimension(b->problem), out = 0;
    check(b->context, uns_problem_layout(b->context, b->problem, n, &layout), "layout");
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &b->spec};
    check(b->context, uns_optimizer_create(b->context, &config, &optimizer), "optimizer");
    double *x = malloc(d * n * sizeof *x), *g = malloc(d * n * sizeof *g);
    double *f = malloc(n * sizeof *f);
    void *scratch =
        aligned_alloc(64, (b->ops->scratch(b->self, n, b->setting->batch) + 127) / 64 * 64);
    void *xs[1] = {x}, *gs[1] = {g};
    uns_tensors tx = {xs, 1}, tg = {gs, 1};
    for (size_t i = 0; i < d * n; i++)
        x[i] = b->start[i / n];
    for (size_t r = 0; r < n; r++)
        times[r] = INFINITY;
    int64_t burn_in = uns_spec_burn_in(b->context, &b->spec);
    for (int64_t t = -burn_in; t < b->setting->limit && out < n; t++) {
        uns_stream stream = t < 0 ? UNS_STREAM_BURN_IN : UNS_STREAM_GRADIENT;
        uint64_t step = (uint64_t)(t < 0 ? t + burn_in : t);
        uns_batch batch = {{1, step, first, (uint32_t)stream}, b->setting->batch, NULL};
        uns_eval eval = {n, uns_tensors_const(tx), &batch, scratch};
        check(b->context, b->ops->gradient(b->self, &eval, tg), "gradient");
        if (t < 0) {
            check(
                b->context,
                uns_optimizer_observe(optimizer, uns_tensors_const(tx), uns_tensors_const(tg)),
                "observe");
            continue;
        }
        check(b->context, uns_optimizer_step(optimizer, tx, uns_tensors_const(tg)), "step");
        eval.batch = NULL;
        check(b->context, b->ops->value(b->self, &eval, f), "value");
        for (size_t r = 0; r < n; r++)
            if (times[r] == INFINITY && f[r] < b->threshold) {
                times[r] = (double)t + 1.0;
                out++;
            }
    }
    free(x);
    free(g);
    free(f);
    free(scratch);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
}

static double cpu_s(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

static uns_forecast forecast(const bench *b, double drop, uns_model_cost *cost) {
    uns_problem_sampler *source;
    uns_model *model;
    uns_forecast out;
    const uns_block *blocks;
    check(b->context,
          uns_problem_sampler_create(b->context, b->problem, b->setting->batch, 1, &source),
          "sampler");
    uns_sampler sampler = uns_problem_sampler_view(source);
    uns_model_config config = {
        .size = sizeof config, .sampler = &sampler, .x = b->start, .seed = 1};
    config.count = b->ops->blocks(b->self, &blocks);
    config.blocks = blocks;
    check(b->context, uns_model_create(b->context, &config, &model), "model");
    uns_model_run run = {
        .size = sizeof run, .spec = b->spec, .drop = drop, .limit = b->setting->limit};
    check(b->context, uns_model_forecast(model, &run, &out, cost), "forecast");
    uns_model_destroy(model);
    uns_problem_sampler_destroy(source);
    return out;
}

typedef struct tally {
    double median[64], share;
    size_t count, flagged;
    double dearest, least; /* least: share of the escapes within a 90 % interval */
    claims all;
} tally;

static void judge(const setting *s, size_t replicas, double *times, const uns_forecast *f,
                  const uns_model_cost *cost, double run_s, double model_s, tally *all) {
    size_t inside = 0;
    for (size_t r = 0; r < replicas; r++)
        inside += times[r] > f->escape[0] && times[r] <= f->escape[4];
    double median = median_of(replicas, times), miss = f->escape[2] / median - 1.0;
    double part = model_s / run_s;
    char line[512];
    snprintf(
        line, sizeof line,
        "median %.0f, model %.0f (%+.1f %%), 90 %%: %.0f..%.0f, model %.0f..%.0f (%.1f %%), "
        "cost %.1f %% (%zu gradients, %zu + %zu wholes), growth %.2f, a %.2f, open %u: %s | "
        "%s %s | batch %zu | drop %g",
        median, f->escape[2], 100.0 * miss, times[replicas / 20], times[replicas * 19 / 20],
        f->escape[0], f->escape[4], 100.0 * (double)inside / (double)replicas, 100.0 * part,
        cost->gradients, cost->products, cost->wholes, cost->growth, cost->bend, f->open,
        s->optimizer, s->problem, s->keys, s->batch, s->drop);
    if (s->flagged) {
        claim(&all->all, f->open != 0, "flagged: %s", line);
        return;
    }
    double covered = (double)inside / (double)replicas;
    if (f->open != 0 && s->drop > 0.15) {
        claim(&all->all, f->open & UNS_DOUBT_CURVED, "flagged by itself: %s", line);
        all->flagged++;
        return;
    }
    claim(&all->all, fabs(miss) <= 0.25 && covered >= 0.75 && f->open == 0, "%s", line);
    all->least = fmin(all->least, covered);
    all->median[all->count++] = isnan(miss) ? INFINITY : fabs(miss);
    if (strcmp(s->problem, MF) == 0) /* no stand-in is cheaper than a ten-dimensional saddle */
        all->dearest = fmax(all->dearest, part);
}

static bool missing(uns_context *context, const uns_spec *spec, tally *all) {
    const void *entry;
    if (uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &entry) == UNS_OK)
        return false;
    printf("skipped no structure '%s' in this build\n", spec->structure);
    all->all.skipped++;
    return true;
}

static void run_setting(uns_context *context, const setting *s, size_t replicas, tally *all) {
    uns_cell cell = {.label = ""};
    uns_problem *problem;
    uns_truth truth;
    read_spec(context, s->optimizer, &cell);
    if (missing(context, &cell.spec, all))
        return;
    void *config = make_config(context, s->problem, s->keys);
    check(context, uns_problem_create(context, s->problem, config, &problem), "problem");
    bench b = {context,   s,   problem, uns_problem_get_ops(problem), uns_problem_self(problem),
               cell.spec, 0.0, NULL};
    double f0, *times = malloc(replicas * sizeof *times);
    b.start = malloc(uns_problem_dimension(problem) * sizeof *b.start);
    void *blocks[1] = {b.start};
    uns_tensors x = {blocks, 1};
    void *scratch = aligned_alloc(64, (b.ops->scratch(b.self, 1, 0) + 127) / 64 * 64);
    uns_eval eval = {1, uns_tensors_const(x), NULL, scratch};
    check(context, b.ops->start(b.self, (uns_key){1, 0, 0, UNS_STREAM_START}, 1, x), "start");
    check(context, b.ops->value(b.self, &eval, &f0), "value");
    free(scratch);
    uns_problem_truth(problem, &truth);
    double drop = s->drop * (truth.start_value - truth.minimum);
    b.threshold = f0 - drop;
    uns_model_cost cost;
    double before = cpu_s();
    uns_forecast f = forecast(&b, drop, &cost);
    double model_s = cpu_s() - before;
    before = cpu_s();
    for (size_t r = 0; r < replicas; r += SLICE)
        run_slice(&b, (uint32_t)r, replicas - r < SLICE ? replicas - r : SLICE, times + r);
    judge(s, replicas, times, &f, &cost, cpu_s() - before, model_s, all);
    free(times);
    free(b.start);
    uns_problem_destroy(problem);
    free(config);
}

int main(int count, char **arguments) {
    tally all = {.least = 1.0};
    size_t replicas = count > 1 ? (size_t)atoll(arguments[1]) : 1000;
    size_t first = count > 3 ? (size_t)atoll(arguments[2]) : 1;
    size_t last = count > 3 ? (size_t)atoll(arguments[3]) : UNS_COUNT_OF(settings);
    uns_context *context = open_all();
    double worst = 0.0;
    for (size_t i = first; i <= last && i <= UNS_COUNT_OF(settings); i++)
        run_setting(context, &settings[i - 1], replicas, &all);
    for (size_t i = 0; i < all.count; i++)
        worst = fmax(worst, all.median[i]);
    double median = median_of(all.count, all.median);
    claim(&all.all, median <= 0.1, "local model: medians off by %.1f %% in the median of %zu",
          100.0 * median, all.count);
    claim(&all.all, worst <= 0.25, "local model: medians off by %.1f %% at worst",
          100.0 * worst);
    claim(&all.all, all.least >= 0.75 && all.count >= 2 * all.flagged,
          "local model: at least %.1f %% of the escapes within the 90 %% intervals of each of "
          "the %zu that were not flagged; %zu whose drop was above 0.15 of the depth "
          "flagged themselves",
          100.0 * all.least, all.count, all.flagged);
    claim(&all.all, all.dearest <= 0.1,
          "local model: at most %.1f %% of the cost of %zu replicas", 100.0 * all.dearest,
          replicas);
    uns_context_destroy(context);
    return close_claims(&all.all);
}

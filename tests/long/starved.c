/* SPDX-License-Identifier: MIT
 * Starved saddles: who leaves first where the noise is least along the way out, and whether the
 * forecast says so: `make starved`. Twenty draws of the rotations of H and Σ, d = 10, start at
 * the saddle; step sizes at the equal floor 0.002; medians of the escape step over at least 400
 * replicas, all of which are followed until half are out. Seeds and bounds were fixed before
 * the first run. At d = 10 the adaptive refresh takes a root at every step; so the online rows
 * once more at d = 24, where it takes a few in all. Four or five minutes on two cores.
 */
#include "long/cases.h"

#include "base/pool.h"

#include <unsaddle/forecast.h>

enum {
    D = 10,
    D_LARGER = 24, /* roots are adaptive */
    DRAWS = 20,
    FIRST_SEED = 1,
    SLICE = 200, /* replicas that go through an optimizer together */
    METHODS = 8,
    STEPS_MOST = 100000
};

static const double equal_floor = 0.002, drop = 0.05;

typedef struct method {
    const char *name, *spec;
    size_t d, replicas;
    bool delayed; /* by ΔT */
    double bound; /* of |simulated/formula − 1|, in the median over the draws */
} method;

enum {
    SGD,
    DIAGONAL,
    FULL
};

static const method methods[METHODS] = {
    {"sgd", "sgd", D, 400, false, 0.05},
    {"diagonal, frozen", "idealized about=frozen", D, 400, false, 0.05},
    {"full, frozen", "idealized structure=full about=frozen", D, 2000, false, 0.05},
    {"full, exact second moment", "idealized structure=full", D, 1000, true, 0.08},
    {"full, online by the rule", "rmsprop-full epsilon=0", D, 1000, true, 0.08},
    {"full, online, centred", "rmsprop-full epsilon=0 centred=true", D, 1000, false, 0.08},
    {"full, online by the rule, d = 24", "rmsprop-full epsilon=0", D_LARGER, 400, true, 0.08},
    {"full, online, centred, d = 24", "rmsprop-full epsilon=0 centred=true", D_LARGER, 400,
     false, 0.08},
};

/* One method on one draw. */
typedef struct cell {
    const method *method;
    uint64_t seed;
    double median, formula;
} cell;

typedef struct bench {
    uns_context *context;
    cell cells[METHODS][DRAWS];
} bench;

static void check(uns_context *context, uns_status status, const char *what) {
    if (status != UNS_OK)
        give_up(context, what);
}

static uns_problem *make_problem(uns_context *context, size_t d, uint64_t seed) {
    char values[160];
    uns_problem *problem;
    snprintf(
        values, sizeof values,
        "d=%zu rotation=random noise_rotation=random starve=0.003 confinement=none drop=%g "
        "seed=%llu",
        d, drop, (unsigned long long)seed);
    void *config = make_config(context, "saddle", values);
    check(context, uns_problem_create(context, "saddle", config, &problem), "saddle");
    free(config);
    return problem;
}

/* η at the equal floor, and the median that the formula gives. */
static double forecast(uns_context *context, const uns_problem *problem, const method *method,
                       uns_spec *spec) {
    enum {
        SQUARE = D_LARGER * D_LARGER
    };
    const size_t d = method->d;
    double hessian[SQUARE], noise[SQUARE], root[SQUARE], delay = 0.0;
    uns_modes modes;
    check(context,
          uns_problem_get_ops(problem)->spectra(uns_problem_self(problem), UNS_POINT_START,
                                                hessian, noise),
          "spectra");
    uns_spec limit = *spec; /* the known matrix that an online estimate stands for, at any η */
    if (strcmp(spec->moment, "ema") == 0)
        snprintf(limit.moment, sizeof limit.moment, "exact");
    check(context, uns_forecast_root(context, &limit, d, noise, NULL, root), "root");
    check(context, uns_forecast_modes_dense(context, d, hessian, noise, root, &modes), "modes");
    spec->eta = 4.0 * equal_floor / modes.trace;
    if (method->delayed)
        delay =
            uns_forecast_delay(modes.gamma, spec->eta,
                               uns_forecast_pull(spec, d, hessian, noise, &modes, drop, NULL));
    return uns_forecast_escape(modes.gamma, modes.noise[0], spec->eta, drop,
                               uns_forecast_other(&modes, spec->eta), 0.5) +
           delay;
}

/* Replicas that go together. */
typedef struct slice {
    const uns_problem_ops *ops;
    const void *self;
    uns_layout *layout;
    uns_optimizer *optimizer;
    void *scratch;
    double x[D_LARGER * SLICE], g[D_LARGER * SLICE], f[SLICE];
    bool out[SLICE];
    uint32_t first;
} slice;

static uns_status second_moment(void *raw, uns_const_tensors x, uns_about about,
                                uns_shape shape, uns_tensors out) {
    const slice *s = raw;
    uns_eval eval = {SLICE, x, NULL, s->scratch};
    return s->ops->second_moment(s->self, &eval, 1, about, shape, out);
}

static slice *open_slice(uns_context *context, const uns_problem *problem, const uns_spec *spec,
                         size_t index) {
    slice *s = calloc(1, sizeof *s);
    if (!s)
        give_up(context, "memory");
    s->ops = uns_problem_get_ops(problem);
    s->self = uns_problem_self(problem);
    s->first = (uint32_t)(index * SLICE);
    size_t drawn = s->ops->scratch(s->self, SLICE, 1),
           whole = s->ops->scratch(s->self, SLICE, 0);
    s->scratch = aligned_alloc(64, (drawn + whole + 63) / 64 * 64);
    check(context, uns_problem_layout(context, problem, SLICE, &s->layout), "layout");
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = s->layout,
                                   .count = 1,
                                   .specs = spec,
                                   .oracle = {s, second_moment}};
    check(context, uns_optimizer_create(context, &config, &s->optimizer), "optimizer");
    return s;
}

static void close_slice(slice *s) {
    uns_optimizer_destroy(s->optimizer);
    uns_layout_destroy(s->layout);
    free(s->scratch);
    free(s);
}

/* The gradient of batch t, observed only or stepped along. */
static void advance(uns_context *context, slice *s, uint64_t seed, uint64_t t,
                    uns_stream stream) {
    void *xs[1] = {s->x}, *gs[1] = {s->g};
    uns_tensors x = {xs, 1}, g = {gs, 1};
    uns_const_tensors at = uns_tensors_const(x), along = uns_tensors_const(g);
    uns_batch batch = {{seed, t, s->first, (uint32_t)stream}, 1, NULL};
    uns_eval eval = {SLICE, at, &batch, s->scratch};
    check(context, s->ops->gradient(s->self, &eval, g), "gradient");
    if (stream == UNS_STREAM_BURN_IN)
        check(context, uns_optimizer_observe(s->optimizer, at, along), "observe");
    else
        check(context, uns_optimizer_step(s->optimizer, x, along), "step");
}

/* How many have f below −Δ for the first time. */
static size_t escapes(uns_context *context, slice *s) {
    const void *xs[1] = {s->x};
    uns_eval eval = {SLICE, {xs, 1}, NULL, s->scratch};
    size_t count = 0;
    check(context, s->ops->value(s->self, &eval, s->f), "value");
    for (size_t r = 0; r < SLICE; r++) {
        bool now = s->f[r] < -drop;
        count += now && !s->out[r];
        s->out[r] = s->out[r] || now;
    }
    return count;
}

/* The step after which half of the replicas are out. */
static double median_escape(uns_context *context, const uns_problem *problem,
                            const uns_spec *spec, const cell *c) {
    enum {
        SLICES = 10
    };
    slice *all[SLICES];
    size_t slices = c->method->replicas / SLICE, out = 0;
    uint64_t t = 0, burn_in = (uint64_t)uns_spec_burn_in(context, spec);
    for (size_t i = 0; i < slices; i++) {
        all[i] = open_slice(context, problem, spec, i);
        for (uint64_t k = 0; k < burn_in; k++)
            advance(context, all[i], c->seed, k, UNS_STREAM_BURN_IN);
    }
    for (; 2 * out < slices * SLICE && t < STEPS_MOST; t++)
        for (size_t i = 0; i < slices; i++) {
            advance(context, all[i], c->seed, t, UNS_STREAM_GRADIENT);
            out += escapes(context, all[i]);
        }
    for (size_t i = 0; i < slices; i++)
        close_slice(all[i]);
    return 2 * out < slices * SLICE ? INFINITY : (double)t;
}

static void run_cell(void *user, size_t index) {
    bench *b = user;
    cell *c = &b->cells[index % METHODS][index / METHODS];
    uns_cell settings;
    uns_problem *problem = make_problem(b->context, c->method->d, c->seed);
    read_spec(b->context, c->method->spec, &settings);
    c->formula = forecast(b->context, problem, c->method, &settings.spec);
    c->median = median_escape(b->context, problem, &settings.spec, c);
    uns_problem_destroy(problem);
}

/* Median over the draws, and the extremes. */
typedef struct spread {
    double median, low, high;
} spread;

static spread spread_of(double values[DRAWS]) {
    spread s = {.median = median_of(DRAWS, values)}; /* which sorts */
    s.low = values[0];
    s.high = values[DRAWS - 1];
    return s;
}

static spread against_formula(const bench *b, int m) {
    double ratios[DRAWS];
    for (int k = 0; k < DRAWS; k++)
        ratios[k] = b->cells[m][k].median / b->cells[m][k].formula;
    return spread_of(ratios);
}

static spread against_full(const bench *b, int m) {
    double ratios[DRAWS];
    for (int k = 0; k < DRAWS; k++)
        ratios[k] = b->cells[m][k].median / b->cells[FULL][k].median;
    return spread_of(ratios);
}

static void judge(const bench *b, claims *all) {
    spread sgd = against_full(b, SGD), diagonal = against_full(b, DIAGONAL);
    claim(all, sgd.low >= 8.0,
          "SGD/full, frozen: at least 8 on each draw; median %.2f, %.2f to %.2f", sgd.median,
          sgd.low, sgd.high);
    claim(all, diagonal.median >= 8.0,
          "diagonal/full, frozen: at least 8 in the median; median %.2f, %.2f to %.2f",
          diagonal.median, diagonal.low, diagonal.high);
    for (int m = 0; m < METHODS; m++) {
        spread s = against_formula(b, m);
        claim(all, fabs(s.median - 1.0) <= methods[m].bound,
              "%s: median escape step within %g %% of the formula%s; median of the draws "
              "%.4f, %.4f to %.4f",
              methods[m].name, 100.0 * methods[m].bound, methods[m].delayed ? " + ΔT" : "",
              s.median, s.low, s.high);
    }
}

static void show(const bench *b) {
    printf("median escape steps, simulated/formula%s\n%6s", "; draws in rows", "seed");
    for (int m = 0; m < METHODS; m++)
        printf("  %s%s", methods[m].name, m + 1 < METHODS ? "," : "\n");
    for (int k = 0; k < DRAWS; k++) {
        printf("%6d", FIRST_SEED + k);
        for (int m = 0; m < METHODS; m++)
            printf("  %7.0f/%-7.0f", b->cells[m][k].median, b->cells[m][k].formula);
        printf("\n");
    }
}

int main(void) {
    static bench b;
    claims all = {0, 0, 0};
    b.context = open_all();
    for (int m = 0; m < METHODS; m++)
        for (int k = 0; k < DRAWS; k++)
            b.cells[m][k] = (cell){.method = &methods[m], .seed = (uint64_t)(FIRST_SEED + k)};
    uns_pool_run(uns_context_pool(b.context), (size_t)METHODS * DRAWS, run_cell, &b);
    show(&b);
    judge(&b, &all);
    uns_context_destroy(b.context);
    return close_claims(&all);
}

/* SPDX-License-Identifier: MIT
 * The path: a run is walked again, one replica with the run's own batches, and looked at now
 * and then. What the theorems assume (gradients bounded, G Lipschitz) is only ever seen from
 * below: a largest value so far.
 */
#include "inst/measure.h"

#include "base/arena.h"
#include "base/base.h"

#include <math.h>
#include <string.h>

typedef struct walk {
    uns_context *context;
    const uns_path_plan *plan;
    const uns_problem_ops *ops;
    const void *self;
    uns_layout *layout;
    size_t d;
    void *memory;
    double *x, *g, *mean, *before, *spare[2];
    void **x_blocks, **g_blocks;
    void *scratch;
    uns_oracle_of oracle;
    uns_optimizer *optimizer;
    uns_problem_sampler *source;
    uns_sampler sampler;
    uns_noise *plain[2], *after; /* of two successive looks; behind A */
    uns_path *out;
} walk;

static uns_tensors at(const walk *w, void **blocks) {
    uns_tensors tensors = {blocks, uns_layout_count(w->layout)};
    return tensors;
}

static uns_status batch_gradient(walk *w, uns_stream stream, int64_t number) {
    uns_batch batch = {
        {w->plan->seed, (uint64_t)number, w->plan->replica, stream}, w->plan->batch, NULL};
    uns_eval eval = {1, uns_tensors_const(at(w, w->x_blocks)), &batch, w->scratch};
    return w->ops->gradient(w->self, &eval, at(w, w->g_blocks));
}

static uns_status value_here(walk *w, double *value) {
    uns_eval eval = {1, uns_tensors_const(at(w, w->x_blocks)), NULL, w->scratch};
    return w->ops->value(w->self, &eval, value);
}

static double distance(size_t d, const double *a, const double *b) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

static double length(size_t d, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* The same draws at every look; `after` NULL: no metric. */
static uns_status draw_here(walk *w, uns_noise *plain, uns_noise *after) {
    uns_path *out = w->out;
    size_t draws = (w->plan->draws + 31) / 32 * 32;
    UNS_TRY(w->sampler.whole(w->sampler.self, w->x, w->mean));
    UNS_TRY(uns_noise_begin(plain, draws));
    if (after)
        UNS_TRY(uns_noise_begin(after, draws));
    for (size_t i = 0; i < draws; i++) {
        UNS_TRY(w->sampler.gradient(w->sampler.self, w->x, i, w->g));
        out->largest_deviation = fmax(out->largest_deviation, distance(w->d, w->g, w->mean));
        UNS_TRY(uns_noise_add(plain, w->g));
        if (after)
            UNS_TRY(uns_noise_add(after, w->g));
    }
    return UNS_OK;
}

static uns_status read_metric(walk *w, uns_settled *settled, const uns_noise *plain) {
    double least, norm;
    uns_noise_report report;
    UNS_TRY(uns_noise_read(w->after, &report));
    w->out->largest_step = fmax(w->out->largest_step, report.largest); /* NaN gives way */
    w->out->mean_step = fmax(w->out->mean_step, report.second_trace.value);
    UNS_TRY(uns_settled_range(settled, w->plan->spec, w->plan->seed, w->spare, &least, &norm));
    w->out->least = fmin(w->out->least, least);
    w->out->norm = fmax(w->out->norm, norm);
    if (!uns_spec_estimates(w->plan->spec) || w->plan->spec->centred ||
        !uns_spec_elementwise(w->context, w->plan->spec))
        return UNS_OK;
    UNS_TRY(uns_settled_diagonal(settled, UNS_PRODUCT_C, w->spare[0], w->spare[1]));
    double error = uns_noise_diagonal_error(plain, w->spare[1]).value;
    w->out->estimate = fmax(w->out->estimate, error);
    return UNS_OK;
}

static uns_status draw_with_metric(walk *w, uns_settled *settled, uns_noise *plain) {
    uns_settled_view view = {settled, UNS_PRODUCT_A};
    uns_operator a = uns_operator_settled(&view, w->d);
    uns_noise_config config = {.size = sizeof config, .dimension = w->d, .metric = &a};
    UNS_TRY(uns_noise_create(w->context, &config, &w->after));
    uns_status status = draw_here(w, plain, w->after);
    if (status == UNS_OK)
        status = read_metric(w, settled, plain);
    uns_noise_destroy(w->after);
    w->after = NULL;
    return status;
}

static void compare_looks(walk *w, const uns_noise *now) {
    uns_path *out = w->out;
    double way = distance(w->d, w->x, w->before);
    if (out->looks > 0 && way > 0.0) {
        uns_measured quotient = uns_noise_lipschitz(w->plain[(out->looks + 1) % 2], now, way);
        if (!(out->lipschitz.value >= quotient.value))
            out->lipschitz = quotient;
        out->length += way;
    }
    memcpy(w->before, w->x, w->d * sizeof *w->x);
    out->looks++;
}

static uns_status look(walk *w) {
    uns_settled settled;
    uns_noise *now = w->plain[w->out->looks % 2];
    uns_status status = uns_settle_on(w->context, w->layout, w->optimizer, &settled);
    if (status == UNS_OK) {
        status = draw_with_metric(w, &settled, now);
        uns_settled_close(&settled);
    } else if (status == UNS_ERROR_STATE || status == UNS_ERROR_UNAVAILABLE) {
        status = draw_here(w, now, NULL);
    }
    if (status == UNS_OK)
        compare_looks(w, now);
    return status;
}

static bool due(const walk *w, int64_t step) {
    double share = (double)w->out->looks / (double)(w->plan->looks - 1);
    return (double)step >= floor(share * (double)w->plan->steps);
}

static uns_status follow(walk *w) {
    int64_t burn_in = uns_spec_burn_in(w->context, w->plan->spec);
    for (int64_t i = 0; i < burn_in; i++) {
        UNS_TRY(batch_gradient(w, UNS_STREAM_BURN_IN, i));
        UNS_TRY(uns_optimizer_observe(w->optimizer, uns_tensors_const(at(w, w->x_blocks)),
                                      uns_tensors_const(at(w, w->g_blocks))));
    }
    UNS_TRY(value_here(w, &w->out->value_from));
    UNS_TRY(look(w));
    for (int64_t t = 1; t <= w->plan->steps && !uns_optimizer_stopped(w->optimizer, 0); t++) {
        UNS_TRY(batch_gradient(w, UNS_STREAM_GRADIENT, t - 1));
        w->out->largest_gradient = fmax(w->out->largest_gradient, length(w->d, w->g));
        UNS_TRY(uns_optimizer_step(w->optimizer, at(w, w->x_blocks),
                                   uns_tensors_const(at(w, w->g_blocks))));
        w->out->steps = t;
        if (due(w, t) && !uns_optimizer_stopped(w->optimizer, 0))
            UNS_TRY(look(w));
    }
    return value_here(w, &w->out->value_to);
}

static void place(walk *w, uns_arena *arena) {
    size_t bytes = uns_size_product(w->d, sizeof(double)), batch = 0, whole = 0;
    size_t pointers = uns_size_product(uns_layout_count(w->layout), sizeof(void *));
    w->x = uns_arena_take(arena, bytes);
    w->g = uns_arena_take(arena, bytes);
    w->mean = uns_arena_take(arena, bytes);
    w->before = uns_arena_take(arena, bytes);
    w->spare[0] = uns_arena_take(arena, bytes);
    w->spare[1] = uns_arena_take(arena, bytes);
    w->x_blocks = uns_arena_take(arena, pointers);
    w->g_blocks = uns_arena_take(arena, pointers);
    if (w->ops->scratch) {
        batch = w->ops->scratch(w->self, 1, w->plan->batch);
        whole = w->ops->scratch(w->self, 1, 0);
    }
    w->scratch = uns_arena_take(arena, (batch > whole ? batch : whole) + 1);
}

static uns_status open_walk(walk *w) {
    const uns_path_plan *plan = w->plan;
    uns_arena arena = {NULL, 0};
    UNS_TRY(uns_problem_layout(w->context, plan->problem, 1, &w->layout));
    w->d = uns_layout_parameters(w->layout);
    place(w, &arena);
    arena.base = w->memory = uns_allocate(w->context, arena.used);
    if (!w->memory)
        return UNS_ERROR_MEMORY;
    arena.used = 0;
    place(w, &arena);
    uns_layout_spread(w->layout, w->x, w->x_blocks);
    uns_layout_spread(w->layout, w->g, w->g_blocks);
    w->oracle = (uns_oracle_of){plan->problem, plan->batch, w->scratch};
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = w->layout,
                                   .count = 1,
                                   .specs = plan->spec,
                                   .oracle = uns_oracle_make(&w->oracle)};
    UNS_TRY(uns_optimizer_create(w->context, &config, &w->optimizer));
    UNS_TRY(uns_problem_sampler_create(w->context, plan->problem, plan->batch, plan->seed,
                                       &w->source));
    w->sampler = uns_problem_sampler_view(w->source);
    uns_noise_config noise = {.size = sizeof noise, .dimension = w->d};
    UNS_TRY(uns_noise_create(w->context, &noise, &w->plain[0]));
    UNS_TRY(uns_noise_create(w->context, &noise, &w->plain[1]));
    uns_key key = {plan->seed, 0, plan->replica, UNS_STREAM_START};
    return w->ops->start(w->self, key, 1, at(w, w->x_blocks));
}

static void close_walk(walk *w) {
    uns_noise_destroy(w->plain[0]);
    uns_noise_destroy(w->plain[1]);
    uns_problem_sampler_destroy(w->source);
    if (w->optimizer)
        uns_optimizer_destroy(w->optimizer);
    uns_layout_destroy(w->layout);
    uns_release(w->context, w->memory);
}

uns_status uns_path_measure(uns_context *context, const uns_path_plan *plan, double *x,
                            uns_path *out) {
    uns_path found = {.largest_step = NAN,
                      .mean_step = NAN,
                      .least = INFINITY,
                      .norm = NAN,
                      .lipschitz = {NAN, NAN},
                      .estimate = NAN};
    if (!context || !plan || !plan->problem || !plan->spec || plan->batch == 0 || !out ||
        plan->looks < 2 || plan->steps < 1 || plan->draws < UNS_NOISE_DRAWS)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "a path takes a problem, a spec, a batch, at least 1 step, 2 looks and "
                        "%d draws",
                        UNS_NOISE_DRAWS);
    walk w = {.context = context,
              .plan = plan,
              .ops = uns_problem_get_ops(plan->problem),
              .self = uns_problem_self(plan->problem),
              .out = &found};
    uns_status status = open_walk(&w);
    if (status == UNS_OK)
        status = follow(&w);
    if (status == UNS_OK && isinf(found.least))
        found.least = NAN;
    if (status == UNS_OK && x)
        memcpy(x, w.x, w.d * sizeof *x);
    close_walk(&w);
    if (status == UNS_OK)
        *out = found;
    return status;
}

/* SPDX-License-Identifier: MIT
 * Products with the metric: A, A^{1/2}, A⁻¹ and C must fit together and with the optimizer's
 * own directions, for every preset in the registry.
 */
#include "support/bowl.h"
#include "support/fixture.h"

#include <unsaddle/metric.h>

enum {
    REPLICAS = 3,
    STEPS = 60
};

static const fixture_size shape = {5, 4, REPLICAS, UNS_F64};

/* A vector over both blocks. */
typedef struct pair {
    void *data[2];
    size_t elements[2];
} pair;

static void open_pair(const fixture *f, size_t replicas, pair *p) {
    for (size_t i = 0; i < 2; i++) {
        p->elements[i] = f->elements[i] / f->size.replicas * replicas;
        p->data[i] = calloc(p->elements[i], sizeof(double));
    }
}

static void close_pair(pair *p) {
    free(p->data[0]);
    free(p->data[1]);
}

static uns_status multiply(uns_metric *metric, uns_product product, const pair *in, pair *out) {
    return uns_metric_product(metric, product,
                              (uns_const_tensors){(const void *const *)in->data, 2},
                              (uns_tensors){out->data, 2});
}

static double pair_distance(const pair *a, const pair *b) {
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < a->elements[i]; k++) {
            double x = ((double *)a->data[i])[k], y = ((double *)b->data[i])[k];
            difference += (x - y) * (x - y);
            size += y * y;
        }
    return sqrt(difference / size);
}

/* A's root taken of all that was seen: one of few observations is ill-conditioned. */
static void refresh_always(uns_context *context, uns_spec *spec) {
    const void *structure;
    cr_assert_eq(uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &structure),
                 UNS_OK);
    if (((const uns_structure_ops *)structure)->refreshes)
        spec->refresh = 1;
}

/* An optimizer after STEPS steps. */
static bool open_trained(fixture *f, uns_context *context, const uns_spec *spec) {
    if (!fixture_can(context, spec))
        return false;
    cr_assert(fixture_open(f, context, spec, shape), "%s", uns_context_message(context));
    for (uint64_t t = 0; t < STEPS; t++)
        cr_assert_eq(fixture_step(f, t), UNS_OK);
    return true;
}

/* A moment without memory, kept by nobody: there is no metric between steps. */
static bool forgets(uns_context *context, const uns_spec *spec) {
    const void *moment;
    cr_assert_eq(uns_context_find(context, UNS_KIND_MOMENT, spec->moment, &moment), UNS_OK);
    return ((const uns_moment_ops *)moment)->memoryless;
}

static void check_fit(uns_context *context, const char *name, const uns_spec *preset) {
    uns_spec fresh = *preset, *spec = &fresh;
    fixture f;
    pair in, once, twice, back;
    uns_metric *metric = NULL;
    refresh_always(context, spec);
    if (!open_trained(&f, context, spec))
        return;
    if (forgets(context, spec)) {
        cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &metric),
                     UNS_ERROR_UNAVAILABLE, "%s", name);
        fixture_close(&f);
        return;
    }
    cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &metric), UNS_OK, "%s: %s", name,
                 uns_context_message(context));
    open_pair(&f, REPLICAS, &in);
    open_pair(&f, REPLICAS, &once);
    open_pair(&f, REPLICAS, &twice);
    open_pair(&f, REPLICAS, &back);
    for (size_t i = 0; i < 2; i++)
        memcpy(in.data[i], f.g[i], f.bytes[i]);
    cr_assert_eq(multiply(metric, UNS_PRODUCT_A, &in, &once), UNS_OK);
    cr_assert_eq(multiply(metric, UNS_PRODUCT_A_INVERSE, &once, &back), UNS_OK);
    cr_assert_lt(pair_distance(&back, &in), 1e-10, "%s: A⁻¹A", name);
    cr_assert_eq(multiply(metric, UNS_PRODUCT_A_SQRT, &in, &twice), UNS_OK);
    cr_assert_eq(multiply(metric, UNS_PRODUCT_A_SQRT, &twice, &twice), UNS_OK);
    cr_assert_lt(pair_distance(&twice, &once), 1e-12, "%s: A^{1/2}A^{1/2}", name);
    uns_metric_destroy(metric);
    close_pair(&in);
    close_pair(&once);
    close_pair(&twice);
    close_pair(&back);
    fixture_close(&f);
}

static void for_presets(void (*check)(uns_context *, const char *, const uns_spec *)) {
    uns_context *context = open_context(1);
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *row = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec = spec_of(context, row->name, "");
        check(context, row->name, &spec);
    }
    uns_context_destroy(context);
}

Test(metric, inverse_and_root_fit_the_metric_for_every_preset) {
    for_presets(check_fit);
}

/* A later replica, some steps on: the same bits as a metric made then and there. */
static void check_renewal(uns_context *context, const char *name, const uns_spec *spec) {
    enum {
        LATER = 2
    };
    fixture f;
    uns_metric *old = NULL, *new = NULL;
    pair in, was, is;
    if (!open_trained(&f, context, spec))
        return;
    if (uns_metric_create(f.optimizer, 0, 1, &old) != UNS_OK) {
        fixture_close(&f);
        return;
    }
    for (uint64_t t = STEPS; t < STEPS + 3; t++)
        cr_assert_eq(fixture_step(&f, t), UNS_OK);
    cr_assert_eq(uns_metric_renew(old, LATER), UNS_OK);
    cr_assert_eq(uns_metric_create(f.optimizer, LATER, 1, &new), UNS_OK);
    open_pair(&f, 1, &in);
    open_pair(&f, 1, &was);
    open_pair(&f, 1, &is);
    for (size_t i = 0; i < 2; i++)
        memcpy(in.data[i], f.g[i], f.bytes[i] / f.size.replicas);
    cr_assert_eq(multiply(old, UNS_PRODUCT_A_SQRT, &in, &was), UNS_OK);
    cr_assert_eq(multiply(new, UNS_PRODUCT_A_SQRT, &in, &is), UNS_OK);
    for (size_t i = 0; i < 2; i++)
        cr_assert(memcmp(was.data[i], is.data[i], f.bytes[i] / f.size.replicas) == 0, "%s",
                  name);
    cr_assert_eq(uns_metric_renew(old, REPLICAS), UNS_ERROR_ARGUMENT);
    uns_metric_destroy(old);
    uns_metric_destroy(new);
    close_pair(&in);
    close_pair(&was);
    close_pair(&is);
    fixture_close(&f);
}

Test(metric, renewed_is_the_same_as_new_for_every_preset) {
    for_presets(check_renewal);
}

/* Without momentum and scale, a direction is A·g. */
static void check_direction(uns_context *context, const char *name, const uns_spec *preset) {
    uns_spec spec = *preset;
    fixture f;
    pair in, made, asked;
    uns_metric *metric = NULL;
    if (spec.scale != UNS_SCALE_NONE || forgets(context, &spec))
        return;
    spec.momentum = UNS_MOMENTUM_NONE;
    spec.mu = spec.mu_memory = 0.0;
    spec.mu_correction = false;
    spec.signal = UNS_SIGNAL_GRADIENT;
    spec.rectify = false;
    if (uns_spec_check(context, &spec) != UNS_OK || !open_trained(&f, context, &spec))
        return;
    open_pair(&f, REPLICAS, &in);
    open_pair(&f, REPLICAS, &made);
    open_pair(&f, REPLICAS, &asked);
    for (size_t i = 0; i < 2; i++)
        memcpy(in.data[i], f.g[i], f.bytes[i]);
    cr_assert_eq(uns_optimizer_direction(f.optimizer, uns_tensors_const(fixture_x(&f)),
                                         fixture_g(&f), (uns_tensors){made.data, 2}),
                 UNS_OK);
    cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &metric), UNS_OK);
    cr_assert_eq(multiply(metric, UNS_PRODUCT_A, &in, &asked), UNS_OK);
    /* Where the step is shortened, numbers of 1/√ε are cut down to those of 1. */
    cr_assert_lt(pair_distance(&asked, &made), 1e-11, "%s: %g", name,
                 pair_distance(&asked, &made));
    uns_metric_destroy(metric);
    close_pair(&in);
    close_pair(&made);
    close_pair(&asked);
    fixture_close(&f);
}

Test(metric, directions_are_products_with_it) {
    for_presets(check_direction);
}

/* A = C^{-1/2}: ACA = I on what has been seen. */
Test(metric, the_moment_is_the_one_whose_root_is_the_metric) {
    static const char *const cases[][2] = {
        {"rmsprop-full", "epsilon=0 refresh=1"},
        {"rmsprop-full", "epsilon=0 centred=true refresh=1"},
        {"rmsprop-block", "epsilon=0 structure.block=4 refresh=1"},
        {"adam-full", "epsilon=0 damping=0 refresh=1"},
        {"adam", "epsilon=0"},
        {"rmsprop-centered", "epsilon=0"},
        {"rmsprop-block", "epsilon=0 structure.cap=2 structure.over=diagonal"},
        {"idealized", "structure=full refresh=1"},
        {"adagrad-norm", "initial=0"},
    };
    uns_context *context = open_context(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uns_spec spec = spec_of(context, cases[i][0], cases[i][1]);
        fixture f;
        pair in, out;
        uns_metric *metric = NULL;
        if (!open_trained(&f, context, &spec))
            continue;
        open_pair(&f, REPLICAS, &in);
        open_pair(&f, REPLICAS, &out);
        for (size_t k = 0; k < 2; k++)
            memcpy(in.data[k], f.g[k], f.bytes[k]);
        cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &metric), UNS_OK);
        cr_assert_eq(multiply(metric, UNS_PRODUCT_A, &in, &out), UNS_OK);
        cr_assert_eq(multiply(metric, UNS_PRODUCT_C, &out, &out), UNS_OK);
        cr_assert_eq(multiply(metric, UNS_PRODUCT_A, &out, &out), UNS_OK);
        cr_assert_lt(pair_distance(&out, &in), 1e-8, "%s %s: %g", cases[i][0], cases[i][1],
                     pair_distance(&out, &in));
        uns_metric_destroy(metric);
        close_pair(&in);
        close_pair(&out);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* Replica 1 alone against its column of all. */
static void check_one_replica(uns_context *context, const char *name, const uns_spec *spec) {
    fixture f;
    pair all, one;
    uns_metric *of_all = NULL, *of_one = NULL;
    if (forgets(context, spec) || !open_trained(&f, context, spec))
        return;
    open_pair(&f, REPLICAS, &all);
    open_pair(&f, 1, &one);
    for (size_t i = 0; i < 2; i++) {
        memcpy(all.data[i], f.g[i], f.bytes[i]);
        for (size_t k = 0; k < one.elements[i]; k++)
            ((double *)one.data[i])[k] = ((double *)f.g[i])[k * REPLICAS + 1];
    }
    cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &of_all), UNS_OK);
    cr_assert_eq(uns_metric_create(f.optimizer, 1, 1, &of_one), UNS_OK);
    cr_assert_eq(multiply(of_all, UNS_PRODUCT_A_SQRT, &all, &all), UNS_OK);
    cr_assert_eq(multiply(of_one, UNS_PRODUCT_A_SQRT, &one, &one), UNS_OK);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < one.elements[i]; k++)
            cr_assert_eq(((double *)one.data[i])[k], ((double *)all.data[i])[k * REPLICAS + 1],
                         "%s", name);
    uns_metric_destroy(of_all);
    uns_metric_destroy(of_one);
    close_pair(&all);
    close_pair(&one);
    fixture_close(&f);
}

Test(metric, of_one_replica_is_its_part_of_the_metric_of_all) {
    for_presets(check_one_replica);
}

Test(metric, asking_disturbs_nothing) {
    uns_context *context = open_context(1);
    static const char *const names[] = {"adam", "rmsprop-full", "adagrad-norm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uns_spec spec = spec_of(context, names[i], "");
        fixture asked, plain;
        if (!open_trained(&asked, context, &spec) || !open_trained(&plain, context, &spec))
            continue;
        for (uint64_t t = STEPS; t < STEPS + 5; t++) {
            uns_metric *metric = NULL;
            cr_assert_eq(uns_metric_create(asked.optimizer, 0, 2, &metric), UNS_OK);
            uns_metric_destroy(metric);
            cr_assert_eq(fixture_step(&asked, t), UNS_OK);
            cr_assert_eq(fixture_step(&plain, t), UNS_OK);
        }
        cr_assert(fixture_same(&asked, &plain), "%s", names[i]);
        fixture_close(&asked);
        fixture_close(&plain);
    }
    uns_context_destroy(context);
}

/* Observed, never preconditioned: A is root(C) of what has been seen. */
Test(metric, is_there_after_burn_in) {
    uns_context *context = open_context(1);
    uns_spec spec = spec_of(context, "rmsprop-full", "epsilon=0 refresh=1");
    fixture f, stepped;
    pair in, out, want;
    uns_metric *metric = NULL, *later = NULL;
    if (uns_dense_available()) {
        cr_assert(fixture_open(&f, context, &spec, shape));
        cr_assert(fixture_open(&stepped, context, &spec, shape));
        cr_assert_eq(uns_metric_create(f.optimizer, 0, 1, &metric), UNS_ERROR_STATE);
        for (uint64_t t = 0; t < STEPS; t++) {
            fixture_gradient(&f, t);
            cr_assert_eq(uns_optimizer_observe(f.optimizer, uns_tensors_const(fixture_x(&f)),
                                               fixture_g(&f)),
                         UNS_OK);
            cr_assert_eq(fixture_step(&stepped, t), UNS_OK);
        }
        open_pair(&f, REPLICAS, &in);
        open_pair(&f, REPLICAS, &out);
        open_pair(&f, REPLICAS, &want);
        for (size_t k = 0; k < 2; k++)
            memcpy(in.data[k], f.g[k], f.bytes[k]);
        cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &metric), UNS_OK);
        cr_assert_eq(uns_metric_create(stepped.optimizer, 0, REPLICAS, &later), UNS_OK);
        cr_assert_eq(multiply(metric, UNS_PRODUCT_A, &in, &out), UNS_OK);
        cr_assert_eq(multiply(later, UNS_PRODUCT_A, &in, &want), UNS_OK);
        cr_assert_lt(pair_distance(&out, &want), 1e-10);
        uns_metric_destroy(metric);
        uns_metric_destroy(later);
        close_pair(&in);
        close_pair(&out);
        close_pair(&want);
        fixture_close(&f);
        fixture_close(&stepped);
    }
    uns_context_destroy(context);
}

Test(metric, what_is_not_there_is_refused) {
    uns_context *context = open_context(1);
    uns_spec spec = spec_of(context, "sgd", "");
    fixture f;
    uns_metric *metric = NULL;
    cr_assert(open_trained(&f, context, &spec));
    cr_assert_eq(uns_metric_create(f.optimizer, 2, 2, &metric), UNS_ERROR_ARGUMENT);
    cr_assert_eq(uns_metric_create(f.optimizer, 0, 0, &metric), UNS_ERROR_ARGUMENT);
    cr_assert_eq(uns_metric_create(f.optimizer, 0, REPLICAS, &metric), UNS_OK);
    uns_const_tensors in = fixture_g(&f);
    cr_assert_eq(uns_metric_product(metric, UNS_PRODUCT_C, in, fixture_x(&f)),
                 UNS_ERROR_UNAVAILABLE);
    cr_assert(strstr(uns_context_message(context), "identity"));
    in.count = 1;
    cr_assert_eq(uns_metric_product(metric, UNS_PRODUCT_A, in, fixture_x(&f)),
                 UNS_ERROR_ARGUMENT);
    uns_metric_destroy(metric);
    fixture_close(&f);
    uns_context_destroy(context);
}

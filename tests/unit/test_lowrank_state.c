/* SPDX-License-Identifier: MIT
 * Low rank beside its arithmetic, where d is above the rank: the same bits however a step is
 * carried out, windows that forget, replicas that sit out, the metric, what is refused.
 */
#include "support/bowl.h"
#include "support/failing_memory.h"
#include "support/fixture.h"

#include <stdio.h>
#include <unsaddle/metric.h>

#define SKETCH                                                                                 \
    "momentum=none mu=0 moment=ema beta=0.95 bias_correction=true structure.window=100 "       \
    "structure.rank=9 epsilon=1e-3"

/* Over the preset ggt. The last two have a mean, a complement, and momentum behind. */
static const char *const variants[] = {
    "structure.window=9 beta=0.95",
    "structure.window=9 momentum=none mu=0",
    SKETCH,
    SKETCH " centred=true initial=0.1",
    SKETCH " structure.complement=robust momentum=ema mu=0.9 momentum.at=last",
};

enum {
    VARIANTS = sizeof variants / sizeof variants[0],
    STEPS = 25 /* two windows and some; several times a full sketch */
};

static const fixture_size shapes[] = {
    {40, 9, 1, UNS_F64},
    {3000, 700, 1, UNS_F32},
    {30, 9, 7, UNS_F64},
    {6, 5, 600, UNS_F32},
};

enum {
    SHAPES = sizeof shapes / sizeof shapes[0]
};

static uns_context *open_with(int threads, unsigned isa) {
    uns_context_config config = {.size = sizeof config, .threads = threads, .isa = isa};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

static void open(fixture *f, uns_context *context, const char *values, fixture_size size) {
    uns_spec spec = spec_of(context, "ggt", values);
    cr_assert(fixture_open(f, context, &spec, size), "%s: %s", values,
              uns_context_message(context));
}

static void step_many(fixture *f, uint64_t from, uint64_t to) {
    for (uint64_t t = from; t < to; t++)
        cr_assert_eq(fixture_step(f, t), UNS_OK, "%s", uns_context_message(f->context));
}

static void compare(uns_context *a, uns_context *b, const char *what) {
    for (int v = 0; v < VARIANTS; v++)
        for (int i = 0; i < SHAPES; i++) {
            fixture one, two;
            open(&one, a, variants[v], shapes[i]);
            open(&two, b, variants[v], shapes[i]);
            step_many(&one, 0, STEPS);
            step_many(&two, 0, STEPS);
            cr_assert(fixture_same(&one, &two), "%s: %s, shape %d", what, variants[v], i);
            fixture_close(&one);
            fixture_close(&two);
        }
    uns_context_destroy(a);
    uns_context_destroy(b);
}

Test(lowrank_state, threads_do_not_change_bits) {
    compare(open_with(1, 0), open_with(3, 0), "threads");
}

Test(lowrank_state, instruction_sets_do_not_change_bits) {
    compare(open_with(1, UNS_ISA_SCALAR), open_with(1, 0), "the widest");
    compare(open_with(1, UNS_ISA_SCALAR), open_with(1, UNS_ISA_AVX2), "avx2");
}

static void step_by_halves(fixture *f, uint64_t t) {
    void *d[2] = {malloc(f->bytes[0]), malloc(f->bytes[1])};
    fixture_gradient(f, t);
    uns_const_tensors x = uns_tensors_const(fixture_x(f));
    cr_assert_eq(uns_optimizer_observe(f->optimizer, x, fixture_g(f)), UNS_OK);
    cr_assert_eq(uns_optimizer_direction(f->optimizer, x, fixture_g(f), (uns_tensors){d, 2}),
                 UNS_OK);
    cr_assert_eq(uns_optimizer_advance(f->optimizer, fixture_x(f), (uns_tensors){d, 2}),
                 UNS_OK);
    free(d[0]);
    free(d[1]);
}

Test(lowrank_state, halves_give_the_bits_of_a_step) {
    uns_context *context = open_with(2, 0);
    for (int v = 0; v < VARIANTS; v++)
        for (int i = 0; i < SHAPES; i++) {
            fixture whole, halves;
            open(&whole, context, variants[v], shapes[i]);
            open(&halves, context, variants[v], shapes[i]);
            step_many(&whole, 0, STEPS);
            for (uint64_t t = 0; t < STEPS; t++)
                step_by_halves(&halves, t);
            cr_assert(fixture_same(&whole, &halves), "%s, shape %d", variants[v], i);
            fixture_close(&whole);
            fixture_close(&halves);
        }
    uns_context_destroy(context);
}

/* All state and counts of one optimizer into another, and x. */
static void carry_over(fixture *from, fixture *to) {
    for (size_t block = 0; block < 2; block++) {
        uns_block_counts counts;
        for (size_t i = 0; i < uns_optimizer_state_count(from->optimizer, block); i++) {
            uns_state_view a, b;
            cr_assert_eq(uns_optimizer_state_at(from->optimizer, block, i, &a), UNS_OK);
            cr_assert_eq(uns_optimizer_state(to->optimizer, block, a.name, &b), UNS_OK);
            bool bytes = strcmp(a.name, "structure") == 0;
            memcpy(b.data, a.data, a.count * (bytes ? 1 : uns_dtype_size(a.dtype)));
        }
        cr_assert_eq(uns_optimizer_counts(from->optimizer, block, &counts), UNS_OK);
        cr_assert_eq(uns_optimizer_set_counts(to->optimizer, block, &counts), UNS_OK);
        memcpy(to->x[block], from->x[block], from->bytes[block]);
    }
}

Test(lowrank_state, state_carried_over_gives_the_same_bits) {
    uns_context *context = open_with(1, 0);
    for (int v = 0; v < VARIANTS; v++)
        for (int i = 0; i < SHAPES; i++) {
            fixture whole, early, late;
            open(&whole, context, variants[v], shapes[i]);
            open(&early, context, variants[v], shapes[i]);
            open(&late, context, variants[v], shapes[i]);
            step_many(&whole, 0, STEPS);
            step_many(&early, 0, 12);
            carry_over(&early, &late);
            step_many(&late, 12, STEPS);
            cr_assert(fixture_same(&whole, &late), "%s, shape %d", variants[v], i);
            fixture_close(&whole);
            fixture_close(&early);
            fixture_close(&late);
        }
    uns_context_destroy(context);
}

static void poison(fixture *f, size_t r) {
    fixture_put(f, f->g[1], 2 * f->size.replicas + r, NAN);
}

/* Replica 3 of seven skips steps 4 and 17, so that its columns fall out of step with the
 * others'. Those must not notice, and it must do what a run alone does that skips them too.
 * That run sums in another order; and it does not count what it skips, hence no correction. */
Test(lowrank_state, a_replica_that_sits_out_keeps_its_columns) {
    enum {
        REPLICAS = 7,
        LAME = 3
    };
    uns_context *context = open_with(1, 0);
    for (int v = 0; v < VARIANTS; v++) {
        char values[300];
        fixture some, all, alone;
        snprintf(values, sizeof values, "%s nonfinite=skip epsilon=0.1 bias_correction=false",
                 variants[v]);
        open(&some, context, values, (fixture_size){30, 9, REPLICAS, UNS_F64});
        open(&all, context, values, (fixture_size){30, 9, REPLICAS, UNS_F64});
        open(&alone, context, values, (fixture_size){30, 9, 1, UNS_F64});
        for (uint64_t t = 0; t < STEPS; t++) {
            step_many(&all, t, t + 1);
            fixture_gradient(&some, t);
            for (size_t i = 0; i < 2; i++)
                for (size_t k = 0; k < alone.elements[i]; k++)
                    fixture_put(&alone, alone.g[i], k,
                                fixture_get(&some, some.g[i], k * REPLICAS + LAME));
            if (t == 4 || t == 17) {
                poison(&some, LAME);
                poison(&alone, 0);
            }
            cr_assert_eq(uns_optimizer_step(some.optimizer, fixture_x(&some), fixture_g(&some)),
                         UNS_OK);
            cr_assert_eq(
                uns_optimizer_step(alone.optimizer, fixture_x(&alone), fixture_g(&alone)),
                UNS_OK);
        }
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < some.elements[i]; k++) {
                double a = fixture_get(&some, some.x[i], k);
                bool lame = k % REPLICAS == LAME;
                double b = lame ? fixture_get(&alone, alone.x[i], k / REPLICAS)
                                : fixture_get(&all, all.x[i], k);
                double bound = lame ? 1e-10 * fabs(b) : 0.0;
                cr_assert(fabs(a - b) <= bound, "%s: element %zu: %a and %a", values, k, a, b);
            }
        fixture_close(&some);
        fixture_close(&all);
        fixture_close(&alone);
    }
    uns_context_destroy(context);
}

/* Gradients of 1e100 leave C with the last of them, to the last digit; a sum that had them
 * subtracted again would keep 1e184. */
Test(lowrank_state, a_window_forgets_without_a_trace) {
    uns_context *context = open_with(1, 0);
    for (size_t d = 5; d <= 50; d += 45) { /* C itself, and columns */
        fixture burnt, fresh;
        open(&burnt, context, "structure.window=20 momentum=none mu=0",
             (fixture_size){d, d, 1, UNS_F64});
        open(&fresh, context, "structure.window=20 momentum=none mu=0",
             (fixture_size){d, d, 1, UNS_F64});
        step_many(&burnt, 50, 57);
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < burnt.elements[i]; k++)
                fixture_put(&burnt, burnt.g[i], k, 1e100 * (double)(1 + k % 3));
        uns_const_tensors x = uns_tensors_const(fixture_x(&burnt));
        cr_assert_eq(uns_optimizer_observe(burnt.optimizer, x, fixture_g(&burnt)), UNS_OK);
        for (uint64_t t = 0; t < 20; t++) {
            fixture_gradient(&burnt, t);
            cr_assert_eq(uns_optimizer_observe(burnt.optimizer, x, fixture_g(&burnt)), UNS_OK);
            step_many(&fresh, t, t + 1);
        }
        double *d1 = calloc(burnt.elements[0], sizeof *d1);
        double *d2 = calloc(burnt.elements[1], sizeof *d2);
        double *e1 = calloc(burnt.elements[0], sizeof *e1);
        double *e2 = calloc(burnt.elements[1], sizeof *e2);
        void *one[2] = {d1, d2}, *two[2] = {e1, e2};
        cr_assert_eq(uns_optimizer_direction(burnt.optimizer, x, fixture_g(&burnt),
                                             (uns_tensors){one, 2}),
                     UNS_OK);
        cr_assert_eq(uns_optimizer_direction(fresh.optimizer, x, fixture_g(&burnt),
                                             (uns_tensors){two, 2}),
                     UNS_OK);
        for (size_t k = 0; k < burnt.elements[0]; k++)
            cr_assert_float_eq(d1[k], e1[k], 1e-9, "%zu parameters", 4 * d);
        free(d1);
        free(d2);
        free(e1);
        free(e2);
        fixture_close(&burnt);
        fixture_close(&fresh);
    }
    uns_context_destroy(context);
}

/* One vector over both blocks. */
typedef struct vector {
    double *part[2];
    size_t n[2];
} vector;

static vector make_vector(const fixture *f) {
    vector v = {{NULL, NULL}, {f->elements[0], f->elements[1]}};
    for (size_t i = 0; i < 2; i++) {
        v.part[i] = calloc(v.n[i], sizeof(double));
        uns_key key = {.seed = 5, .stream = UNS_STREAM_USER + (uint32_t)i};
        uns_random_normal(key, 0, v.n[i], v.part[i]);
    }
    return v;
}

static void drop_vector(vector *v) {
    free(v->part[0]);
    free(v->part[1]);
}

static void multiply(uns_metric *metric, uns_product product, const vector *in, vector *out) {
    const void *from[2] = {in->part[0], in->part[1]};
    void *to[2] = {out->part[0], out->part[1]};
    cr_assert_eq(
        uns_metric_product(metric, product, (uns_const_tensors){from, 2}, (uns_tensors){to, 2}),
        UNS_OK);
}

static void expect_near(const vector *a, const vector *b, double tolerance, const char *what) {
    double error = 0.0, size = 0.0;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < a->n[i]; k++) {
            error += pow(a->part[i][k] - b->part[i][k], 2.0);
            size += pow(b->part[i][k], 2.0);
        }
    cr_expect(sqrt(error) <= tolerance * sqrt(size), "%s: off by %.2e", what,
              sqrt(error / size));
}

Test(lowrank_state, the_metric_fits_together_and_with_the_direction) {
    uns_context *context = open_with(1, 0);
    for (int v = 0; v < VARIANTS; v++)
        for (int i = 0; i < 3; i += 2) {
            fixture f;
            uns_metric *metric = NULL;
            char values[300];
            snprintf(values, sizeof values, "%s epsilon=0.03", variants[v]);
            open(&f, context, values, shapes[i]);
            step_many(&f, 0, STEPS);
            cr_assert_eq(uns_metric_create(f.optimizer, 0, f.size.replicas, &metric), UNS_OK);
            vector x = make_vector(&f), y = make_vector(&f), z = make_vector(&f);
            multiply(metric, UNS_PRODUCT_A, &x, &y);
            multiply(metric, UNS_PRODUCT_A_INVERSE, &y, &z);
            expect_near(&z, &x, 1e-11, "A^-1 A");
            multiply(metric, UNS_PRODUCT_A_SQRT, &x, &z);
            multiply(metric, UNS_PRODUCT_A_SQRT, &z, &z);
            expect_near(&z, &y, 1e-11, "A^1/2 A^1/2");
            if (strstr(values, "momentum=none")) { /* then d = A·g */
                const void *g[2] = {x.part[0], x.part[1]}, *at[2] = {f.x[0], f.x[1]};
                void *d[2] = {z.part[0], z.part[1]};
                cr_assert_eq(uns_optimizer_direction(f.optimizer, (uns_const_tensors){at, 2},
                                                     (uns_const_tensors){g, 2},
                                                     (uns_tensors){d, 2}),
                             UNS_OK);
                expect_near(&z, &y, 1e-11, values);
            }
            drop_vector(&x);
            drop_vector(&y);
            drop_vector(&z);
            uns_metric_destroy(metric);
            fixture_close(&f);
        }
    uns_context_destroy(context);
}

/* C·x = Σ_k β^{2k} s_k(s_kᵀx) over the last nine gradients. */
Test(lowrank_state, the_metric_has_the_second_moment_of_the_window) {
    uns_context *context = open_with(1, 0);
    for (size_t rows = 2; rows <= 30; rows += 28) { /* d = 8, 120 */
        fixture f;
        uns_metric *metric = NULL;
        open(&f, context, "structure.window=9 beta=0.9", (fixture_size){rows, 2, 1, UNS_F64});
        step_many(&f, 0, STEPS);
        cr_assert_eq(uns_metric_create(f.optimizer, 0, 1, &metric), UNS_OK);
        vector x = make_vector(&f), y = make_vector(&f), want = make_vector(&f);
        memset(want.part[0], 0, f.bytes[0]);
        memset(want.part[1], 0, f.bytes[1]);
        for (uint64_t k = 0; k < 9; k++) {
            double dot = 0.0;
            fixture_gradient(&f, STEPS - 1 - k);
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < f.elements[i]; j++)
                    dot += ((double *)f.g[i])[j] * x.part[i][j];
            for (size_t i = 0; i < 2; i++)
                for (size_t j = 0; j < f.elements[i]; j++)
                    want.part[i][j] += pow(0.9, 2.0 * (double)k) * dot * ((double *)f.g[i])[j];
        }
        multiply(metric, UNS_PRODUCT_C, &x, &y);
        expect_near(&y, &want, 1e-12, "C");
        drop_vector(&x);
        drop_vector(&y);
        drop_vector(&want);
        uns_metric_destroy(metric);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* tr C of a sketch with the complement `mean` is the trace of what it has seen. */
Test(lowrank_state, the_mean_complement_keeps_the_trace) {
    uns_context *context = open_with(1, 0);
    fixture f;
    uns_metric *metric = NULL;
    double trace = 0.0, seen = 0.0;
    open(&f, context, SKETCH, (fixture_size){10, 5, 1, UNS_F64});
    for (uint64_t t = 0; t < STEPS; t++) {
        fixture_gradient(&f, t);
        seen *= 0.95;
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < f.elements[i]; k++)
                seen += 0.05 * pow(((double *)f.g[i])[k], 2.0);
        step_many(&f, t, t + 1);
    }
    cr_assert_eq(uns_metric_create(f.optimizer, 0, 1, &metric), UNS_OK);
    vector x = make_vector(&f), y = make_vector(&f);
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < f.elements[i]; k++) {
            memset(x.part[0], 0, f.bytes[0]);
            memset(x.part[1], 0, f.bytes[1]);
            x.part[i][k] = 1.0;
            multiply(metric, UNS_PRODUCT_C, &x, &y);
            trace += y.part[i][k];
        }
    seen /= 1.0 - pow(0.95, STEPS);
    cr_assert(fabs(trace - seen) <= 1e-12 * seen, "%g of %g", trace, seen);
    drop_vector(&x);
    drop_vector(&y);
    uns_metric_destroy(metric);
    fixture_close(&f);
    uns_context_destroy(context);
}

Test(lowrank_state, a_step_allocates_nothing) {
    failing_memory memory = {0};
    uns_context *context = failing_context(&memory);
    for (int v = 0; v < VARIANTS; v++) {
        fixture f;
        open(&f, context, variants[v], shapes[1]);
        long before = memory.left;
        step_many(&f, 0, STEPS);
        cr_assert_eq(memory.left, before, "%s", variants[v]);
        fixture_close(&f);
    }
    uns_context_destroy(context);
    cr_assert_eq(memory.live, 0);
}

Test(lowrank_state, a_second_moment_that_overflows_stops_the_replica) {
    uns_context *context = open_with(1, 0);
    for (int v = 0; v < VARIANTS; v++)
        for (size_t rows = 1; rows <= 30; rows += 29) {
            fixture f;
            open(&f, context, variants[v], (fixture_size){rows, 2, 2, UNS_F64});
            step_many(&f, 0, 3);
            for (uint64_t t = 3; t < STEPS; t++) {
                fixture_gradient(&f, t);
                fixture_put(&f, f.g[0], 1, t == 3 ? 1e200 : 1.0);
                cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)),
                             UNS_OK);
            }
            cr_expect(uns_optimizer_stopped(f.optimizer, 1), "%s", variants[v]);
            cr_expect_not(uns_optimizer_stopped(f.optimizer, 0), "%s", variants[v]);
            for (size_t k = 0; k < f.elements[0]; k++)
                cr_expect(isfinite(fixture_get(&f, f.x[0], k)), "%s", variants[v]);
            fixture_close(&f);
        }
    uns_context_destroy(context);
}

Test(lowrank_state, memory_is_known_before_anything_is_taken) {
    uns_context *context = open_with(1, 0);
    const uns_block block = {"x", 1000000, 100, 0};
    const uns_layout_config shape = {sizeof shape, UNS_F32, 1, 1, &block};
    uns_layout *layout = NULL;
    uns_structure_report report;
    uns_spec spec = spec_of(context, "ggt", "structure.window=200");
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    cr_assert_eq(uns_optimizer_survey(context, &config, 0, &report), UNS_OK);
    cr_expect_eq(report.rank, 200);
    double columns = 4.0 * 200.0 * 1e8;
    cr_expect((double)report.bytes >= columns && (double)report.bytes <= 1.001 * columns);
    spec = spec_of(context, "ggt", "structure.window=20000");
    cr_expect_eq(uns_optimizer_survey(context, &config, 0, &report), UNS_ERROR_RANGE);
    cr_expect(strstr(uns_context_message(context), "structure.window"), "%s",
              uns_context_message(context));
    uns_layout_destroy(layout);
    uns_context_destroy(context);
}

Test(lowrank_state, what_decides_the_columns_cannot_change_between_steps) {
    uns_context *context = open_with(1, 0);
    fixture f;
    open(&f, context, variants[0], shapes[0]);
    uns_spec spec = spec_of(context, "ggt", "structure.window=10 beta=0.95");
    cr_expect_eq(uns_group_set(f.optimizer, 0, &spec), UNS_ERROR_PAIR);
    cr_expect(strstr(uns_context_message(context), "structure.window"));
    spec = spec_of(context, "ggt", "structure.window=9 beta=0.9 eta=1e-2");
    cr_expect_eq(uns_group_set(f.optimizer, 0, &spec), UNS_OK);
    fixture_close(&f);
    uns_context_destroy(context);
}

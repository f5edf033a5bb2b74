/* SPDX-License-Identifier: MIT
 * The Kronecker family and the row and column sums: how blocks are cut, what they equal where
 * something else is equal, products with the metric, and what is refused. The methods made of
 * them are held to outside references in test_matrix_methods.c.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/metric.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/random.h>
#include <unsaddle/structure.h>

#include "la/dense.h"

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(kron, .init = open_context, .fini = close_context);

static const char *message(void) {
    return uns_context_message(context);
}

/* One block and its optimizer, f64, one replica. */
typedef struct rig {
    size_t rows, cols, n;
    uns_layout *layout;
    uns_optimizer *optimizer;
    double *x, *g, *d;
} rig;

static uns_spec spec_of(const char *preset, const char *values) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK, "%s: %s",
                 values, message());
    return spec;
}

static rig open_rig(size_t rows, size_t cols, const char *preset, const char *values) {
    rig my = {.rows = rows, .cols = cols, .n = rows * cols};
    uns_block block = {"w", rows, cols, 0};
    uns_layout_config shape = {sizeof shape, UNS_F64, 1, 1, &block};
    uns_spec spec = spec_of(preset, values);
    cr_assert_eq(uns_layout_create(context, &shape, &my.layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = my.layout, .count = 1, .specs = &spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &my.optimizer), UNS_OK, "%s: %s",
                 values, message());
    my.x = calloc(my.n, sizeof *my.x);
    my.g = calloc(my.n, sizeof *my.g);
    my.d = calloc(my.n, sizeof *my.d);
    return my;
}

static void close_rig(rig *my) {
    uns_optimizer_destroy(my->optimizer);
    uns_layout_destroy(my->layout);
    free(my->x);
    free(my->g);
    free(my->d);
}

static void make_gradient(rig *my, uint64_t t) {
    uns_key key = {11, t, 0, UNS_STREAM_USER};
    uns_random_normal(key, 0, my->n, my->g);
    for (size_t i = 0; i < my->n; i++) /* an ill-conditioned covariance */
        my->g[i] *= pow(10.0, -2.0 * (double)(i % 5) / 4.0);
}

static void step(rig *my) {
    void *x[1] = {my->x};
    const void *g[1] = {my->g};
    cr_assert_eq(
        uns_optimizer_step(my->optimizer, (uns_tensors){x, 1}, (uns_const_tensors){g, 1}),
        UNS_OK, "%s", message());
}

static void observe(rig *my) {
    const void *x[1] = {my->x}, *g[1] = {my->g};
    cr_assert_eq(uns_optimizer_observe(my->optimizer, (uns_const_tensors){x, 1},
                                       (uns_const_tensors){g, 1}),
                 UNS_OK);
}

static void direction(rig *my) {
    const void *x[1] = {my->x}, *g[1] = {my->g};
    void *d[1] = {my->d};
    cr_assert_eq(uns_optimizer_direction(my->optimizer, (uns_const_tensors){x, 1},
                                         (uns_const_tensors){g, 1}, (uns_tensors){d, 1}),
                 UNS_OK, "%s", message());
}

static void run(rig *my, uint64_t steps) {
    for (uint64_t t = 0; t < steps; t++) {
        make_gradient(my, t);
        step(my);
    }
}

/* Largest difference, in units of the largest entry. */
static double difference(size_t n, const double *a, const double *b) {
    double worst = 0.0, largest = 0.0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs(a[i] - b[i]));
        largest = fmax(largest, fabs(a[i]));
    }
    return worst / largest;
}

#define AVERAGE                                                                                \
    "eta=0.01 moment=ema beta=0.9 bias_correction=true epsilon=1e-4 epsilon.form=inside "
#define POLAR                                                                                  \
    "moment=latest beta=0 signal=direction momentum=ema mu=0.9 structure=kron exponent=0.5 "   \
    "structure.side=smaller epsilon=0 "

/* ---- what equals what */

#define OUTSIDE                                                                                \
    "exponent=0.5 epsilon.form=outside moment=sum initial=0.1 bias_correction=false "

Test(kron, the_left_factor_of_a_column_is_the_full_matrix) {
    static const char *const more[] = {"exponent=0.5 ", "exponent=0.25 ", "exponent=1 ",
                                       "exponent=0.5 centred=true ", OUTSIDE};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, AVERAGE "%sstructure=full refresh=1", more[i]);
        rig full = open_rig(9, 1, "sgd", text);
        (void)snprintf(text, sizeof text,
                       AVERAGE "%sstructure=kron structure.side=left refresh=1", more[i]);
        rig left = open_rig(9, 1, "sgd", text);
        (void)snprintf(text, sizeof text,
                       AVERAGE "%sstructure=kron structure.side=right refresh=1", more[i]);
        rig right = open_rig(1, 9, "sgd", text);
        run(&full, 500);
        run(&left, 500);
        run(&right, 500);
        cr_expect_lt(difference(9, full.x, left.x), 1e-10, "%s", more[i]);
        cr_expect_lt(difference(9, full.x, right.x), 1e-10, "%s", more[i]);
        close_rig(&full);
        close_rig(&left);
        close_rig(&right);
    }
}

/* A plane rotation of rows 0 and 1, and of columns 1 and 2. */
static void rotate_ends(const rig *my, double *g) {
    double c = cos(0.7), s = sin(0.7), e = cos(1.9), f = sin(1.9);
    for (size_t j = 0; j < my->cols; j++) {
        double a = g[j], b = g[my->cols + j];
        g[j] = c * a - s * b;
        g[my->cols + j] = s * a + c * b;
    }
    for (size_t i = 0; i < my->rows; i++) {
        double a = g[i * my->cols + 1], b = g[i * my->cols + 2];
        g[i * my->cols + 1] = e * a - f * b;
        g[i * my->cols + 2] = f * a + e * b;
    }
}

Test(kron, a_rotated_run_is_the_run_rotated) {
    static const char *const specs[] = {
        AVERAGE "structure=kron exponent=0.25 refresh=4 structure.every=2",
        AVERAGE "structure=kron exponent=0.5 refresh=1 structure.side=smaller centred=true",
        AVERAGE "structure=kron-eigen exponent=0.5 refresh=5 basis=eigen", POLAR "root=exact",
        POLAR "root=quintic"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        rig plain = open_rig(6, 6, "sgd", specs[i]), turned = open_rig(6, 6, "sgd", specs[i]);
        for (uint64_t t = 0; t < 500; t++) {
            make_gradient(&plain, t);
            make_gradient(&turned, t);
            rotate_ends(&turned, turned.g);
            step(&plain);
            step(&turned);
        }
        double unturned = difference(36, plain.x, turned.x);
        rotate_ends(&plain, plain.x);
        cr_expect_lt(difference(36, plain.x, turned.x), 1e-9, "%s", specs[i]);
        cr_expect_gt(unturned, 1e-2, "%s: the rotation shows", specs[i]);
        close_rig(&plain);
        close_rig(&turned);
    }
}

/* With one gradient for ever, one signal that stands for all of them is all of them. */
Test(kron, a_signal_in_five_has_the_weight_of_five) {
    rig every = open_rig(4, 3, "sgd", AVERAGE "increment=1e-3 structure=kron refresh=5");
    rig fifth = open_rig(4, 3, "sgd",
                         AVERAGE "increment=1e-3 structure=kron refresh=5 structure.every=5");
    make_gradient(&every, 1);
    make_gradient(&fifth, 1);
    for (int t = 1; t <= 63; t++) { /* 1, 2, 4, 8, 13, 18, ... 63 */
        observe(&every);
        observe(&fifth);
    }
    direction(&every);
    direction(&fifth);
    cr_expect_lt(difference(12, every.d, fifth.d), 1e-12);
    close_rig(&every);
    close_rig(&fifth);
}

/* A gradient of rank one has rank-one squares, which row and column sums hold exactly. */
Test(kron, factored_is_the_diagonal_where_squares_have_rank_one) {
    rig sums = open_rig(4, 3, "sgd", AVERAGE "structure=factored");
    rig diagonal = open_rig(4, 3, "sgd", AVERAGE "structure=diagonal");
    for (uint64_t t = 0; t < 20; t++) {
        for (size_t i = 0; i < 12; i++) {
            double row = 1.0 + (double)(i / 3), col = pow(0.2, (double)(i % 3));
            sums.g[i] = diagonal.g[i] = (t % 3 ? 0.3 : -1.0) * row * col;
        }
        step(&sums);
        step(&diagonal);
    }
    cr_expect_lt(difference(12, diagonal.x, sums.x), 1e-13);
    close_rig(&sums);
    close_rig(&diagonal);
}

Test(kron, the_exact_polar_factor_is_orthogonal_and_the_quintic_near) {
    static const size_t shapes[][2] = {{6, 6}, {9, 4}, {4, 9}};
    for (size_t k = 0; k < 3; k++) {
        size_t rows = shapes[k][0], cols = shapes[k][1], n = rows < cols ? rows : cols;
        rig exact = open_rig(rows, cols, "muon", "root=exact epsilon=0 scale=none");
        rig quintic = open_rig(rows, cols, "muon", "scale=none");
        double gram[36], values[6], work[4096];
        make_gradient(&exact, k);
        make_gradient(&quintic, k);
        observe(&exact);
        observe(&quintic);
        direction(&exact);
        direction(&quintic);
        uns_dense_syrk(rows > cols, n, rows + cols - n, 1.0, exact.d, cols, 0.0, gram);
        for (size_t i = 0; i < n * n; i++)
            cr_expect_float_eq(gram[i], i % (n + 1) ? 0.0 : 1.0, 1e-11);
        uns_dense_syrk(rows > cols, n, rows + cols - n, 1.0, quintic.d, cols, 0.0, gram);
        cr_assert_leq(uns_dense_eigen_bytes(n), sizeof work);
        cr_assert_eq(uns_dense_eigen(n, gram, values, work), UNS_OK);
        cr_expect_gt(sqrt(values[0]), 0.6);
        cr_expect_lt(sqrt(values[n - 1]), 1.2);
        cr_expect_gt(fabs(sqrt(values[n - 1]) - 1.0), 1e-3, "not the exact one");
        close_rig(&exact);
        close_rig(&quintic);
    }
}

/* ---- the rule */

static uns_structure_report survey(size_t rows, size_t cols, const char *values) {
    uns_block block = {"w", rows, cols, 0};
    uns_layout_config shape = {sizeof shape, UNS_F32, 3, 1, &block};
    uns_layout *layout = NULL;
    uns_spec spec = spec_of("shampoo", values);
    uns_structure_report report = {0};
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    cr_assert_eq(uns_optimizer_survey(context, &config, 0, &report), UNS_OK, "%s", message());
    uns_layout_destroy(layout);
    return report;
}

static void expect_cut(size_t rows, size_t cols, const char *values, size_t dense,
                       size_t diagonal, size_t largest) {
    uns_structure_report found = survey(rows, cols, values);
    cr_expect_eq(found.dense, dense, "%zux%zu %s: %zu tiles", rows, cols, values, found.dense);
    cr_expect_eq(found.diagonal, diagonal, "%zux%zu %s", rows, cols, values);
    cr_expect_eq(found.largest, largest, "%zux%zu %s: %zu", rows, cols, values, found.largest);
    cr_expect_gt(found.bytes, 0);
}

Test(kron, large_sides_are_cut_left_or_diagonal_by_the_rule) {
    expect_cut(100, 60, "structure.cap=100", 1, 0, 100);
    expect_cut(100, 60, "structure.cap=99", 2, 0, 60);
    expect_cut(100, 60, "structure.cap=40", 6, 0, 34);
    expect_cut(100, 60, "structure.cap=40 structure.over=diagonal", 0, 1, 0);
    expect_cut(100, 60, "structure.cap=80 structure.over=leave", 1, 0, 60);
    expect_cut(100, 60, "structure.cap=40 structure.over=leave", 0, 1, 0);
    expect_cut(100, 60, "structure.cap=60 structure.side=smaller", 1, 0, 60);
    expect_cut(100, 60, "structure.cap=30 structure.side=smaller", 2, 0, 30);
    expect_cut(100, 60, "structure.cap=70 structure.side=left", 2, 0, 50);
    expect_cut(100, 60, "structure.cap=70 structure.side=right", 1, 0, 60);
    expect_cut(100, 1, "structure.cap=200", 0, 1, 0);
    expect_cut(1, 100, "structure.cap=200 structure.side=smaller", 0, 1, 0);
    expect_cut(100, 1, "structure.cap=200 structure.side=left", 1, 0, 100);
}

Test(kron, memory_is_what_the_rule_says_before_anything_is_allocated) {
    uns_structure_report two = survey(100, 60, "structure.cap=100");
    size_t numbers = 3 * 2 * (100 * 100 + 60 * 60); /* replicas; factor and root */
    cr_expect_geq(two.bytes, 8 * numbers);
    size_t probes = 3 * 4 * (100 + 60);
    cr_expect_leq(two.bytes, 8 * (numbers + probes) + 2048);
    uns_structure_report none =
        survey(100, 60,
               "moment=latest initial=0 scale=none signal=direction beta=0 structure.every=1 "
               "refresh=1 structure.side=smaller");
    cr_expect_leq(none.bytes, 128, "a polar factor of the direction keeps nothing");
    uns_spec spec = spec_of("shampoo", "structure.cap=40000");
    uns_block block = {"w", 33000, 2, 0};
    uns_layout_config shape = {sizeof shape, UNS_F32, 1, 1, &block};
    uns_layout *layout = NULL;
    size_t bytes;
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    cr_expect_eq(uns_optimizer_bytes(context, &config, &bytes), UNS_ERROR_RANGE);
    cr_expect(strstr(message(), "structure.cap"), "%s", message());
    uns_layout_destroy(layout);
}

Test(kron, roots_are_taken_when_observations_have_doubled_and_every_k) {
    rig my = open_rig(4, 3, "sgd", AVERAGE "structure=kron refresh=8");
    static const uint64_t due[] = {1, 2, 4, 8, 16, 24, 32, 40};
    uint64_t roots = 0;
    for (uint64_t t = 1, k = 0; t <= 40; t++) {
        uns_structure_report report;
        make_gradient(&my, t);
        step(&my);
        if (k < sizeof due / sizeof *due && due[k] == t) {
            roots += 2;
            k++;
        }
        cr_assert_eq(uns_optimizer_structure_report(my.optimizer, 0, &report), UNS_OK);
        cr_expect_eq(report.roots, roots, "after %d: %d", (int)t, (int)report.roots);
        cr_expect_lt(report.error, 1e-10);
    }
    close_rig(&my);
}

static uint64_t roots_of(const rig *my) {
    uns_structure_report report;
    cr_assert_eq(uns_optimizer_structure_report(my->optimizer, 0, &report), UNS_OK);
    return report.roots;
}

/* Gradients of one law, then a hundred times larger in one row. */
Test(kron, adaptive_roots_rest_without_change_and_follow_one) {
    rig my = open_rig(6, 4, "sgd", AVERAGE "beta=0.99 structure=kron exponent=0.25");
    rig every =
        open_rig(6, 4, "sgd", AVERAGE "beta=0.99 structure=kron exponent=0.25 refresh=1");
    uint64_t settled = 0;
    double worst = 0.0;
    for (uint64_t t = 0; t < 1200; t++) {
        make_gradient(&my, t);
        for (size_t j = 0; t >= 1000 && j < my.cols; j++)
            my.g[2 * my.cols + j] *= 100.0;
        memcpy(every.g, my.g, my.n * sizeof *my.g);
        observe(&my);
        observe(&every);
        direction(&my);
        direction(&every);
        if (t == 500)
            settled = roots_of(&my);
        if (t == 999)
            cr_expect_lt(roots_of(&my) - settled, 60, "%d roots in 500 quiet steps",
                         (int)(roots_of(&my) - settled));
        if (t > 500 && t < 1000)
            worst = fmax(worst, difference(my.n, every.d, my.d));
    }
    cr_expect_lt(worst, 0.2, "quiet: off by %g", worst);
    cr_expect_gt(worst, 0.0, "old roots show");
    cr_expect_lt(difference(my.n, every.d, my.d), 0.2, "after the change");
    close_rig(&my);
    close_rig(&every);
}

/* ---- openings */

Test(kron, the_first_gradient_of_soap_opens_and_moves_nothing) {
    rig my = open_rig(4, 3, "soap", "weight_decay=0.1 decay=decoupled");
    for (size_t i = 0; i < my.n; i++)
        my.x[i] = 1.0;
    uns_block_counts counts;
    uns_state_view momentum;
    make_gradient(&my, 0);
    step(&my);
    cr_assert_eq(uns_optimizer_counts(my.optimizer, 0, &counts), UNS_OK);
    cr_assert_eq(uns_optimizer_state(my.optimizer, 0, "momentum", &momentum), UNS_OK);
    cr_expect_eq(counts.observed, 1);
    cr_expect_eq(counts.moved, 0);
    cr_expect_eq(my.x[5], 1.0);
    cr_expect_eq(((double *)momentum.data)[5], 0.0);
    my.d[5] = 7.0;
    direction(&my);
    cr_expect_eq(my.d[5], 0.0, "nothing to go by yet");
    step(&my);
    cr_assert_eq(uns_optimizer_counts(my.optimizer, 0, &counts), UNS_OK);
    cr_expect_eq(counts.moved, 1);
    cr_expect_neq(my.x[5], 1.0);
    close_rig(&my);
}

/* ---- the metric */

static void multiply(uns_metric *metric, uns_product product, const double *in, double *out) {
    const void *from[1] = {in};
    void *to[1] = {out};
    cr_assert_eq(
        uns_metric_product(metric, product, (uns_const_tensors){from, 1}, (uns_tensors){to, 1}),
        UNS_OK, "%s", message());
}

static const char *const kept[] = {
    AVERAGE "structure=kron exponent=0.25 refresh=1",
    AVERAGE "structure=kron exponent=0.5 refresh=1 structure.side=right",
    AVERAGE "structure=kron exponent=0.25 refresh=1 structure.cap=2",
    AVERAGE "structure=kron exponent=0.25 refresh=1 structure.cap=2 structure.over=diagonal",
    AVERAGE "structure=kron exponent=0.25 refresh=1 centred=true",
    AVERAGE "structure=kron-eigen exponent=0.5 refresh=3",
    AVERAGE "structure=kron-eigen exponent=0.5 refresh=3 structure.side=smaller",
    AVERAGE "structure=factored exponent=0.5",
    AVERAGE "structure=factored exponent=0.5 centred=true",
};

Test(kron, the_metric_is_the_preconditioner_in_force) {
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        rig my = open_rig(5, 4, "sgd", kept[i]);
        uns_metric *metric = NULL;
        double a[20], half[20], whole[20], back[20];
        run(&my, 12);
        cr_assert_eq(uns_metric_create(my.optimizer, 0, 1, &metric), UNS_OK, "%s", message());
        make_gradient(&my, 99);
        direction(&my);
        multiply(metric, UNS_PRODUCT_A, my.g, a);
        multiply(metric, UNS_PRODUCT_A_SQRT, my.g, half);
        multiply(metric, UNS_PRODUCT_A_SQRT, half, whole);
        multiply(metric, UNS_PRODUCT_A_INVERSE, a, back);
        cr_expect_lt(difference(20, my.d, a), 1e-12, "%s", kept[i]);
        cr_expect_lt(difference(20, a, whole), 1e-11, "%s", kept[i]);
        cr_expect_lt(difference(20, my.g, back), 1e-9, "%s", kept[i]);
        uns_metric_destroy(metric);
        close_rig(&my);
    }
}

/* C at work: d of exponent 1 without ε undoes it where C is held exactly; the trace always is
 * that of the second moment. */
Test(kron, c_of_the_metric_has_the_second_moments_trace) {
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strstr(kept[i], "centred"))
            continue;
        rig my = open_rig(5, 4, "sgd", kept[i]);
        double expected = 0.0, found = 0.0, c = 0.0;
        uint64_t first = strstr(kept[i], "kron-eigen") ? 1 : 0; /* opens */
        uns_metric *metric = NULL;
        for (uint64_t t = 0; t < 12; t++) {
            make_gradient(&my, t);
            step(&my);
            double square = 0.0;
            for (size_t k = 0; k < 20; k++)
                square += my.g[k] * my.g[k];
            if (t < first)
                continue;
            expected = 0.9 * expected + 0.1 * square;
            c = 0.9 * c + 0.1;
        }
        cr_assert_eq(uns_metric_create(my.optimizer, 0, 1, &metric), UNS_OK);
        for (size_t k = 0; k < 20; k++) {
            double unit[20] = {0}, column[20];
            unit[k] = 1.0;
            multiply(metric, UNS_PRODUCT_C, unit, column);
            found += column[k];
        }
        cr_expect_float_eq(found, expected / c, 1e-11 * found, "%s: %g, not %g", kept[i], found,
                           expected / c);
        uns_metric_destroy(metric);
        close_rig(&my);
    }
}

/* ---- an oracle */

/* C = a ⊗ b with diagonal a (4) and b (3). */
static const double left[4] = {1.0, 0.1, 4.0, 0.01}, right[3] = {2.0, 0.5, 0.02};

static uns_status product_oracle(void *self, uns_const_tensors x, uns_about about,
                                 uns_shape shape, uns_tensors out) {
    double *dense = out.data[0];
    (void)self, (void)x, (void)about;
    if (shape != UNS_SHAPE_DENSE)
        return UNS_ERROR_CALLBACK;
    for (size_t i = 0; i < 12; i++)
        for (size_t j = 0; j < 12; j++)
            dense[i * 12 + j] = i == j ? left[i / 3] * right[i % 3] : 0.0;
    return UNS_OK;
}

Test(kron, an_oracle_is_taken_over_by_its_partial_traces) {
    static const char *const specs[] = {
        "structure=kron exponent=0.25 refresh=1", "structure=factored exponent=0.5",
        "structure=kron exponent=0.5 refresh=1 structure.side=left"};
    for (size_t k = 0; k < 3; k++) {
        char text[160];
        (void)snprintf(text, sizeof text, "eta=1 moment=exact epsilon=0 %s", specs[k]);
        uns_spec spec = spec_of("sgd", text);
        uns_block block = {"w", 4, 3, 0};
        uns_layout_config shape = {sizeof shape, UNS_F64, 1, 1, &block};
        uns_layout *layout = NULL;
        uns_optimizer *optimizer = NULL;
        cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
        uns_optimizer_config config = {.size = sizeof config,
                                       .layout = layout,
                                       .count = 1,
                                       .specs = &spec,
                                       .oracle = {NULL, product_oracle}};
        cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK, "%s",
                     message());
        double x[12] = {0}, ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, trace = 0.0;
        void *px[1] = {x};
        const void *pg[1] = {ones};
        cr_assert_eq(
            uns_optimizer_step(optimizer, (uns_tensors){px, 1}, (uns_const_tensors){pg, 1}),
            UNS_OK, "%s", message());
        for (size_t i = 0; i < 12; i++)
            trace += left[i / 3] * right[i % 3];
        for (size_t i = 0; i < 12; i++) {
            double c = left[i / 3] * right[i % 3];
            double below = k == 0   ? pow(c * trace, 0.25) /* L ⊗ M = trace·C */
                           : k == 1 ? sqrt(c)
                                    : sqrt(left[i / 3] * (2.0 + 0.5 + 0.02));
            cr_expect_float_eq(x[i], -1.0 / below, 1e-12 / below, "%s: %zu", specs[k], i);
        }
        uns_optimizer_destroy(optimizer);
        uns_layout_destroy(layout);
    }
}

/* ---- what is refused, and failures */

static void refused(const char *preset, const char *values, const char *word) {
    uns_spec spec = spec_of(preset, values);
    cr_expect_neq(uns_spec_check(context, &spec), UNS_OK, "%s passes", values);
    cr_expect(strstr(message(), word), "%s: %s", values, message());
}

Test(kron, pairs_without_sense_are_refused_with_the_mend) {
    refused("sgd", "structure=kron-eigen", "refresh=10");
    refused("sgd", "structure.side=left", "structure=kron");
    refused("sgd", "structure.every=2 structure=full", "structure=kron");
    refused("sgd", "basis=qr structure=kron refresh=1", "structure=kron-eigen");
    refused("sgd", "structure=block structure.over=leave", "structure=kron");
    refused("sgd", "structure=factored refresh=10", "leave them out");
    refused("sgd", "structure=factored structure.cap=10", "leave them out");
    refused("sgd", "structure=kron refresh=1 centred=true structure.every=2",
            "structure.every");
    refused("sgd", "structure=kron-eigen refresh=1 centred=true", "centred=false");
    refused("sgd", "structure=kron-eigen refresh=1 moment=latest beta=0", "ema");
    refused("sgd", "structure=kron refresh=1 moment=max", "elementwise");
    refused("sgd", "structure=kron refresh=1 ceiling=raw", "elementwise");
    refused("sgd", "structure=kron-eigen refresh=1 moment=exact", "oracle");
    refused("sgd", "structure=kron refresh=1 root=quintic", "moment=latest");
    refused("muon", "structure.side=both", "structure.side=smaller");
    refused("muon", "exponent=0.25", "exponent=0.5");
    refused("muon", "refresh=10", "leave refresh out");
    refused("muon", "structure.every=2", "structure.every must be 1");
}

Test(kron, a_state_that_is_not_finite_stops_its_replica) {
    static const char *const specs[] = {
        AVERAGE "structure=kron refresh=1 nonfinite=ignore",
        AVERAGE "structure=kron-eigen exponent=0.5 refresh=1 nonfinite=ignore"};
    for (size_t i = 0; i < 2; i++) {
        rig my = open_rig(4, 3, "sgd", specs[i]);
        run(&my, 3);
        my.g[2] = NAN;
        step(&my);
        make_gradient(&my, 4);
        step(&my);
        cr_expect(uns_optimizer_stopped(my.optimizer, 0), "%s", specs[i]);
        close_rig(&my);
    }
}

Test(kron, a_group_keeps_its_cut_for_life) {
    static const char *const changes[] = {"structure.side=left", "structure.cap=2",
                                          "structure.over=leave"};
    rig my = open_rig(4, 3, "sgd", AVERAGE "structure=kron refresh=4");
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, AVERAGE "structure=kron refresh=4 %s", changes[i]);
        uns_spec spec = spec_of("sgd", text);
        cr_expect_eq(uns_group_set(my.optimizer, 0, &spec), UNS_ERROR_PAIR, "%s", changes[i]);
    }
    uns_spec spec = spec_of("sgd", AVERAGE "structure=kron refresh=7 exponent=0.4");
    cr_expect_eq(uns_group_set(my.optimizer, 0, &spec), UNS_OK, "%s", message());
    run(&my, 3);
    close_rig(&my);
}

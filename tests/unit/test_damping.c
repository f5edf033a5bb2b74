/* SPDX-License-Identifier: MIT
 * The root's damping: what it is for every structure that has one, and that with it Adam and
 * AdaGrad by the whole matrix stay where they are while their C is singular.
 */
#include "support/problem_bench.h"

#include <stdio.h>
#include <unsaddle/metric.h>
#include <unsaddle/optimizer.h>

enum {
    MOST = 64
};

typedef struct rig {
    size_t d;
    uns_layout *layout;
    uns_optimizer *optimizer;
    uns_spec spec;
    double x[MOST];
} rig;

/* Blocks of `first` and d − first parameters; first = d: one column of a matrix. */
static void open_rig(uns_context *context, size_t d, size_t first, const char *preset,
                     const char *values, rig *r) {
    uns_block blocks[2] = {{"a", first, 1, 0}, {"b", d - first, 1, 0}};
    uns_layout_config shape = {sizeof shape, UNS_F64, 1, 1 + (first < d), blocks};
    *r = (rig){.d = d};
    cr_assert_eq(uns_spec_preset(context, preset, &r->spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &r->spec, values), UNS_OK, "%s",
                 uns_context_message(context));
    cr_assert_eq(uns_layout_create(context, &shape, &r->layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = r->layout, .count = 1, .specs = &r->spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &r->optimizer), UNS_OK, "%s",
                 uns_context_message(context));
}

static void close_rig(rig *r) {
    uns_optimizer_destroy(r->optimizer);
    uns_layout_destroy(r->layout);
}

static void act(rig *r, const double *g, bool moving) {
    void *x[1] = {r->x};
    const void *at[1] = {r->x}, *from[1] = {g};
    uns_status status = moving ? uns_optimizer_step(r->optimizer, (uns_tensors){x, 1},
                                                    (uns_const_tensors){from, 1})
                               : uns_optimizer_observe(r->optimizer, (uns_const_tensors){at, 1},
                                                       (uns_const_tensors){from, 1});
    cr_assert_eq(status, UNS_OK);
}

/* Column k of the Householder reflection I − 2vvᵀ/|v|², v_i = 1 + i. */
static void axis(size_t d, size_t k, double *e) {
    double square = (double)(d * (d + 1) * (2 * d + 1)) / 6.0;
    for (size_t i = 0; i < d; i++)
        e[i] = (i == k ? 1.0 : 0.0) - 2.0 * (double)((1 + i) * (1 + k)) / square;
}

static double root_of(const uns_spec *spec, double c, double eigenvalue, double delta) {
    double p = spec->exponent, x = eigenvalue + delta, epsilon = spec->epsilon;
    switch ((uns_epsilon_form)spec->epsilon_form) {
    case UNS_EPSILON_INSIDE:
        return pow(x + epsilon, -p);
    case UNS_EPSILON_OUTSIDE:
        return 1.0 / (pow(x, p) + epsilon);
    default:
        return pow(c, -p) / (pow(x / c, p) + epsilon);
    }
}

/* C has the axes as eigenvectors, the last observation being a step's or not. */
static void check_root(uns_context *context, size_t d, const char *values, bool moving) {
    rig r;
    uns_metric *metric = NULL;
    double eigenvalue[MOST], e[MOST], out[MOST], largest = 0.0;
    const double beta = 0.9, c = 1.0 / (1.0 - pow(beta, (double)d));
    open_rig(context, d, d, "sgd", values, &r);
    for (size_t k = 0; k < d; k++) {
        double size = pow(10.0, -3.0 * (double)(k % 5) / 4.0);
        axis(d, k, e);
        eigenvalue[k] = c * (1.0 - beta) * pow(beta, (double)(d - 1 - k)) * size * size;
        largest = fmax(largest, eigenvalue[k]);
        for (size_t i = 0; i < d; i++)
            e[i] *= size;
        act(&r, e, moving && k + 1 == d);
    }
    cr_assert_eq(uns_metric_create(r.optimizer, 0, 1, &metric), UNS_OK);
    for (size_t k = 0; k < d; k++) {
        double wanted = root_of(&r.spec, c, eigenvalue[k], r.spec.damping * largest);
        axis(d, k, e);
        cr_assert_eq(uns_metric_product(metric, UNS_PRODUCT_A,
                                        (uns_const_tensors){(const void *[]){e}, 1},
                                        (uns_tensors){(void *[]){out}, 1}),
                     UNS_OK);
        for (size_t i = 0; i < d; i++)
            cr_assert(fabs(out[i] - wanted * e[i]) <= 1e-10 * wanted, "%s, d = %zu: %g for %g",
                      values, d, out[i], wanted * e[i]);
    }
    uns_metric_destroy(metric);
    close_rig(&r);
}

/* Tiny pieces, larger ones, and the left factor of a column. */
Test(damping, it_is_added_in_units_of_the_largest_eigenvalue) {
    static const char *const forms[] = {"inside", "outside", "uncorrected"};
    uns_context *context = open_context();
    for (size_t form = 0; form < 3; form++)
        for (size_t d = 8; d <= 24; d += 16)
            for (int i = 0; i < 6; i++) {
                char values[200];
                snprintf(values, sizeof values,
                         "moment=ema beta=0.9 bias_correction=true eta=0 refresh=1 exponent=%s "
                         "epsilon=1e-3 epsilon.form=%s damping=%s structure=%s",
                         i % 2 ? "0.5" : "0.75", forms[form], i % 2 ? "1e-2" : "2",
                         i < 2   ? "full"
                         : i < 4 ? "block"
                                 : "kron structure.side=left");
                check_root(context, d, values, i % 2 == 0);
                check_root(context, d, values, i % 2 == 1);
            }
    uns_context_destroy(context);
}

/* What is damped out of all proportion has one eigenvalue, √(ρ·λ_max) for p = ½. */
static void check_overwhelmed(uns_context *context, const char *structure) {
    uns_block block = {"w", 5, 4, 0};
    uns_layout_config shape = {sizeof shape, UNS_F64, 1, 1, &block};
    char values[160];
    uns_spec spec;
    uns_layout *layout = NULL;
    uns_optimizer *optimizer = NULL;
    double x[20] = {0}, g[20], shares[20];
    snprintf(values, sizeof values,
             "eta=1 moment=sum initial=1e-3 epsilon=0 exponent=0.5 damping=1e12 structure=%s",
             structure);
    cr_assert_eq(uns_spec_preset(context, "sgd", &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK);
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK, "%s",
                 uns_context_message(context));
    for (uint64_t t = 0; t < 4; t++) {
        double before[20];
        memcpy(before, x, sizeof x);
        uns_random_normal((uns_key){3, t, 0, UNS_STREAM_USER}, 0, 20, g);
        cr_assert_eq(uns_optimizer_step(optimizer, (uns_tensors){(void *[]){x}, 1},
                                        (uns_const_tensors){(const void *[]){g}, 1}),
                     UNS_OK);
        for (size_t i = 0; i < 20; i++)
            shares[i] = (before[i] - x[i]) / g[i];
    }
    cr_assert_gt(shares[0], 0.0, "%s", structure);
    for (size_t i = 1; i < 20; i++)
        cr_assert_float_eq(shares[i], shares[0], 1e-9 * shares[0], "%s: %g and %g", structure,
                           shares[i], shares[0]);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
}

Test(damping, all_there_is_of_it_leaves_the_direction_as_it_is) {
    uns_context *context = open_context();
    static const char *const structures[] = {"full", "block structure.block=20", "kron",
                                             "kron structure.side=smaller",
                                             "kron-eigen refresh=2"};
    for (size_t i = 0; i < sizeof structures / sizeof *structures; i++)
        check_overwhelmed(context, structures[i]);
    uns_context_destroy(context);
}

enum {
    LONG = 7,
    COPIES = 3
};

/* By hand: the moment of every entry, about the mean or not. */
typedef struct diagonal {
    double v[LONG * COPIES], m[LONG * COPIES];
    uint64_t seen;
} diagonal;

/* Wanted A of replica r's entries; `factors` that the exponent stands for. */
static void diagonal_root(const uns_spec *spec, const diagonal *my, size_t r, double factors,
                          double *wanted) {
    double c = spec->bias_correction ? 1.0 / (1.0 - pow(spec->beta, (double)my->seen)) : 1.0;
    double entry[LONG], largest = 0.0;
    uns_spec own = *spec;
    own.exponent *= factors;
    for (size_t i = 0; i < LONG; i++) {
        double m = c * my->m[i * COPIES + r];
        entry[i] = c * my->v[i * COPIES + r] - (spec->centred ? m * m : 0.0);
        largest = fmax(largest, entry[i]);
    }
    for (size_t i = 0; i < LONG; i++)
        wanted[i] = root_of(&own, c, entry[i], spec->damping * largest);
}

static void take_in(const uns_spec *spec, const double *g, diagonal *my) {
    for (size_t i = 0; i < LONG * COPIES; i++) {
        my->v[i] = spec->beta * my->v[i] + (1.0 - spec->beta) * g[i] * g[i];
        my->m[i] = spec->beta * my->m[i] + (1.0 - spec->beta) * g[i];
    }
    my->seen++;
}

static void check_diagonal_metric(uns_optimizer *optimizer, const uns_spec *spec,
                                  const diagonal *my, double factors, const char *values) {
    uns_metric *metric = NULL;
    double ones[LONG * COPIES], out[LONG * COPIES], wanted[LONG];
    for (size_t i = 0; i < LONG * COPIES; i++)
        ones[i] = 1.0;
    cr_assert_eq(uns_metric_create(optimizer, 0, COPIES, &metric), UNS_OK);
    cr_assert_eq(uns_metric_product(metric, UNS_PRODUCT_A,
                                    (uns_const_tensors){(const void *[]){ones}, 1},
                                    (uns_tensors){(void *[]){out}, 1}),
                 UNS_OK);
    for (size_t r = 0; r < COPIES; r++) {
        diagonal_root(spec, my, r, factors, wanted);
        for (size_t i = 0; i < LONG; i++)
            cr_expect_float_eq(out[i * COPIES + r], wanted[i], 1e-12 * wanted[i], "%s", values);
    }
    uns_metric_destroy(metric);
}

static void check_diagonal(uns_context *context, const char *values, double factors,
                           uint64_t opening) {
    uns_block block = {"b", LONG, 1, 0};
    uns_layout_config shape = {sizeof shape, UNS_F64, COPIES, 1, &block};
    uns_spec spec;
    uns_layout *layout = NULL;
    uns_optimizer *optimizer = NULL;
    diagonal by_hand = {.seen = 0};
    double x[LONG * COPIES] = {0}, before[LONG * COPIES], g[LONG * COPIES], wanted[LONG];
    cr_assert_eq(uns_spec_preset(context, "sgd", &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK, "%s: %s",
                 values, uns_context_message(context));
    cr_assert_eq(uns_layout_create(context, &shape, &layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = layout, .count = 1, .specs = &spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &optimizer), UNS_OK, "%s: %s", values,
                 uns_context_message(context));
    for (uint64_t t = 0; t < 5; t++) {
        memcpy(before, x, sizeof x);
        uns_random_normal((uns_key){9, t, 0, UNS_STREAM_USER}, 0, LONG * COPIES, g);
        for (size_t i = 0; i < LONG * COPIES; i++)
            g[i] *= pow(10.0, (double)(i % COPIES) - (double)i / LONG);
        if (t >= opening)
            take_in(&spec, g, &by_hand);
        cr_assert_eq(uns_optimizer_step(optimizer, (uns_tensors){(void *[]){x}, 1},
                                        (uns_const_tensors){(const void *[]){g}, 1}),
                     UNS_OK);
        bool known = by_hand.seen > (spec.centred ? 2 : 0); /* of one or two a mean takes all */
        for (size_t r = 0; r < COPIES && known; r++) {
            diagonal_root(&spec, &by_hand, r, factors, wanted);
            for (size_t i = r; i < LONG * COPIES; i += COPIES)
                cr_expect_float_eq(before[i] - x[i], wanted[i / COPIES] * g[i],
                                   1e-9 * fabs(wanted[i / COPIES] * g[i]), "%s, %d: %g", values,
                                   (int)t, (before[i] - x[i]) / g[i] / wanted[i / COPIES]);
        }
    }
    if (strcmp(spec.moment, "latest") != 0)
        check_diagonal_metric(optimizer, &spec, &by_hand, factors, values);
    uns_optimizer_destroy(optimizer);
    uns_layout_destroy(layout);
}

/* Their largest eigenvalue is their largest entry, of each replica for itself. */
Test(damping, what_falls_back_to_its_diagonal_is_damped_as_well) {
    static const struct {
        const char *values;
        double factors;
        uint64_t opening;
    } cases[] = {
        {"structure=block structure.cap=2 structure.over=diagonal refresh=1 beta=0.9", 1, 0},
        {"structure=block structure.cap=2 structure.over=diagonal refresh=1 beta=0.9 "
         "centred=true",
         1, 0},
        {"structure=kron refresh=1 beta=0.9", 2, 0},
        {"structure=kron refresh=1 beta=0.9 centred=true", 2, 0},
        {"structure=kron-eigen refresh=2 beta=0.9", 1, 1},
        {"structure=kron structure.side=smaller beta=0 moment=latest signal=direction", 1, 0},
    };
    uns_context *context = open_context();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int damped = 0; damped < 2; damped++) {
            char values[240];
            bool latest = strstr(cases[i].values, "latest") != NULL;
            snprintf(values, sizeof values,
                     "eta=1 moment=ema bias_correction=%s exponent=0.5 epsilon=1e-3 damping=%s "
                     "%s",
                     latest ? "false" : "true", damped ? "0.5" : "0", cases[i].values);
            check_diagonal(context, values, cases[i].factors, cases[i].opening);
        }
    uns_context_destroy(context);
}

/* g of f = ½xᵀHx with H of condition 1e4 in axes of its own, and noise; returns f. */
static double slope(size_t d, uint64_t step, double noise, const double *x, double *g) {
    double f = 0.0, e[MOST];
    uns_random_normal((uns_key){5, step, 0, UNS_STREAM_USER}, 0, d, g);
    for (size_t i = 0; i < d; i++)
        g[i] *= noise;
    for (size_t k = 0; k < d; k++) {
        double along = 0.0, h = pow(1e4, -(double)k / (double)(d - 1));
        axis(d, k, e);
        for (size_t i = 0; i < d; i++)
            along += e[i] * x[i];
        f += 0.5 * h * along * along;
        for (size_t i = 0; i < d; i++)
            g[i] += h * along * e[i];
    }
    return f;
}

/* 1,000 steps from t = 1 on; with `absent` the second block has gradients only now and then, so
 * that momentum points where no gradient has been. */
static void check_quadratic(uns_context *context, const char *preset, const char *values,
                            bool absent, double noise) {
    enum {
        D = 20,
        FIRST = 12
    };
    rig r;
    double g[D], start = 0.0, highest = 0.0, f = 0.0;
    open_rig(context, D, FIRST, preset, values, &r);
    for (size_t i = 0; i < D; i++)
        r.x[i] = 1.0;
    for (uint64_t t = 0; t < 1000; t++) {
        f = slope(D, t, noise, r.x, g);
        start = t == 0 ? f : start;
        highest = fmax(highest, f);
        void *x[2] = {r.x, r.x + FIRST};
        const void *from[2] = {g, absent && t % 50 != 0 ? NULL : g + FIRST};
        cr_assert_eq(
            uns_optimizer_step(r.optimizer, (uns_tensors){x, 2}, (uns_const_tensors){from, 2}),
            UNS_OK);
    }
    cr_expect(highest <= 1.01 * start, "%s %s: f rises from %g to %g", preset, values, start,
              highest);
    cr_expect(f <= 0.8 * start, "%s %s: f ends at %g of %g", preset, values, f, start);
    close_rig(&r);
}

Test(damping, whole_matrices_descend_an_ill_conditioned_bowl_from_the_first_step) {
    static const char *const presets[] = {"adam-full", "adagrad-full"};
    uns_context *context = open_context();
    for (int p = 0; p < 2; p++)
        for (int absent = 0; absent < 2; absent++)
            for (double noise = 0.0; noise <= 0.01; noise += 0.01) {
                check_quadratic(context, presets[p], "", absent, noise);
                check_quadratic(context, presets[p], "refresh=1", absent, noise);
            }
    check_quadratic(context, "adam-full", "refresh=10", false, 0.01);
    check_quadratic(context, "adagrad-full", "refresh=10", false, 0.01);
    uns_context_destroy(context);
}

/* Sampled entries of a matrix: at first most rows have had no gradient at all. */
static void check_factorization(uns_context *context, const char *preset, const char *values) {
    uns_problem *problem =
        make(context, "matrix-factorization", "n=20 rank=3 noise=0.1 start_scale=1e-3");
    rig r;
    double g[60], start = 0.0, highest = 0.0;
    open_rig(context, 60, 60, preset, values, &r);
    uns_random_normal((uns_key){7, 0, 0, UNS_STREAM_USER}, 0, 60, r.x);
    for (size_t i = 0; i < 60; i++)
        r.x[i] *= 1e-3;
    start = value_at(problem, r.x);
    for (uint64_t t = 0; t < 1000; t++) {
        uns_batch batch = {{1, t, 0, UNS_STREAM_GRADIENT}, 16, NULL};
        gradient_at(problem, 1, r.x, &batch, g);
        act(&r, g, true);
        highest = t % 10 ? highest : fmax(highest, value_at(problem, r.x));
    }
    double f = value_at(problem, r.x);
    cr_expect(highest <= 1.01 * start, "%s %s: f rises from %g to %g", preset, values, start,
              highest);
    cr_expect(f <= 0.99 * start, "%s %s: f ends at %g of %g", preset, values, f, start);
    close_rig(&r);
    uns_problem_destroy(problem);
}

Test(damping, whole_matrices_leave_the_saddle_of_a_factorization_from_the_first_step) {
    uns_context *context = open_context();
    check_factorization(context, "adam-full", "");
    check_factorization(context, "adagrad-full", "");
    uns_context_destroy(context);
}

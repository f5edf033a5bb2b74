/* SPDX-License-Identifier: MIT
 * The certificate of problems: exact and differenced products, the whole objective and fixed
 * sample sets. The problems here are made so that every answer is known.
 */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/certificate.h>
#include <unsaddle/hessian.h>
#include <unsaddle/sampler.h>

#include "base/base.h"
#include "inst/hessian.h"

enum {
    D = 40,
    FIRST = 15 /* elements of the first of two blocks */
};

/* f = ½Σ h_i·x_i² + ¼q·Σ x_i⁴ + a·Σ x_i, and for a batch of n samples, with normal z's over √n,
 * + σ·½x_0²·z + ν·Σ ξ_i·x_i. */
typedef struct toy {
    double h[D], quartic, slope, sigma, nu;
    bool only_samples; /* the whole objective is refused */
    bool broken;       /* gradients are not finite */
} toy;

static toy now; /* what the next problem created is */

static uns_status create(uns_context *context, const void *config, void **self) {
    (void)context, (void)config;
    *self = &now;
    return UNS_OK;
}

static size_t blocks(const void *self, const uns_block **out) {
    static const uns_block two[2] = {{"u", FIRST, 1, 0}, {"v", D - FIRST, 1, 0}};
    (void)self;
    *out = two;
    return 2;
}

static uns_status start(const void *self, uns_key key, size_t replicas, uns_tensors x) {
    (void)self, (void)key, (void)replicas, (void)x;
    return UNS_OK;
}

static uns_status value(const void *self, const uns_eval *eval, double *f) {
    (void)self, (void)eval, (void)f;
    return UNS_ERROR_UNAVAILABLE;
}

static const double *at(uns_const_tensors x, size_t i) {
    const double *u = x.data[0], *v = x.data[1];
    return i < FIRST ? u + i : v + (i - FIRST);
}

static double *to(uns_tensors x, size_t i) {
    double *u = x.data[0], *v = x.data[1];
    return i < FIRST ? u + i : v + (i - FIRST);
}

/* z[0] for the Hessian, z[1...] for the gradient. */
static void draw(const uns_batch *batch, double *z) {
    memset(z, 0, (D + 1) * sizeof *z);
    if (!batch)
        return;
    uns_random_normal(batch->key, 0, D + 1, z);
    for (size_t i = 0; i <= D; i++)
        z[i] /= sqrt((double)batch->size);
}

static uns_status gradient(const void *self, const uns_eval *eval, uns_tensors g) {
    const toy *t = self;
    double z[D + 1];
    if (t->only_samples && !eval->batch)
        return UNS_ERROR_UNAVAILABLE;
    draw(eval->batch, z);
    for (size_t i = 0; i < D; i++) {
        double x = *at(eval->x, i), h = t->h[i] + (i == 0 ? t->sigma * z[0] : 0.0);
        *to(g, i) = h * x + t->quartic * x * x * x + t->slope + t->nu * z[i + 1];
    }
    if (t->broken)
        *to(g, 3) = NAN;
    return UNS_OK;
}

static uns_status product(const void *self, const uns_eval *eval, uns_const_tensors v,
                          uns_tensors out) {
    const toy *t = self;
    double z[D + 1];
    draw(eval->batch, z);
    for (size_t i = 0; i < D; i++) {
        double x = *at(eval->x, i), h = t->h[i] + (i == 0 ? t->sigma * z[0] : 0.0);
        *to(out, i) = (h + 3.0 * t->quartic * x * x) * *at(v, i);
    }
    return UNS_OK;
}

static const uns_problem_ops exact = {.size = sizeof exact,
                                      .name = "toy",
                                      .create = create,
                                      .blocks = blocks,
                                      .start = start,
                                      .value = value,
                                      .gradient = gradient,
                                      .product = product};
/* The gradient in complex numbers; what is drawn is real. */
static uns_status imaginary(const void *self, const uns_eval *eval, uns_const_tensors y,
                            uns_tensors out) {
    const toy *t = self;
    double z[D + 1];
    draw(eval->batch, z);
    for (size_t i = 0; i < D; i++) {
        double complex w = *at(eval->x, i) + *at(y, i) * I;
        double h = t->h[i] + (i == 0 ? t->sigma * z[0] : 0.0);
        *to(out, i) = cimag(h * w + t->quartic * w * w * w + t->slope);
    }
    return UNS_OK;
}

static const uns_problem_ops stepped = {.size = sizeof stepped,
                                        .name = "toy-stepped",
                                        .create = create,
                                        .blocks = blocks,
                                        .start = start,
                                        .value = value,
                                        .gradient = gradient,
                                        .imaginary = imaginary};
static const uns_problem_ops differenced = {.size = sizeof differenced,
                                            .name = "toy-differenced",
                                            .create = create,
                                            .blocks = blocks,
                                            .start = start,
                                            .value = value,
                                            .gradient = gradient};

static uns_context *context;
static uns_problem *problem;
static uns_certificate_config config;
static uns_certificate found;
static double x[D], witness[D];
static const void *pointers[2] = {x, x + FIRST};
static const uns_const_tensors point = {pointers, 2};

static void open_problem(const uns_problem_ops *ops) {
    cr_assert_eq(uns_problem_create(context, ops->name, NULL, &problem), UNS_OK);
}

static void setup(void) {
    cr_assert_eq(uns_context_open(NULL, &context), UNS_OK);
    cr_assert_eq(uns_context_register(context, UNS_KIND_PROBLEM, &exact), UNS_OK);
    cr_assert_eq(uns_context_register(context, UNS_KIND_PROBLEM, &differenced), UNS_OK);
    cr_assert_eq(uns_context_register(context, UNS_KIND_PROBLEM, &stepped), UNS_OK);
    cr_assert_eq(uns_param_defaults(context, uns_certificate_table(), &config), UNS_OK);
    config.tau_h = 0.1;
    config.tau_g = 0.01;
    now = (toy){.quartic = 1.0};
    for (size_t i = 0; i < D; i++)
        now.h[i] = 0.5 + 0.02 * (double)i;
}

static void teardown(void) {
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

TestSuite(certify_problem, .init = setup, .fini = teardown);

static uns_verdict verdict(void) {
    cr_assert_eq(uns_certify_problem(context, problem, point, &config, witness, &found), UNS_OK,
                 "%s", uns_context_message(context));
    return found.verdict;
}

Test(certify_problem, exact_products_prove_a_saddle_and_bound_a_minimum) {
    open_problem(&exact);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_BOUND);
    cr_expect(found.whole && found.rung == UNS_RUNG_EXACT && found.gradients == 1);
    now.h[20] = -0.3;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_PROOF);
    cr_expect_gt(fabs(witness[20]), 0.7);
    cr_expect(isnan(found.sample_mean));
}

Test(certify_problem, gradient_is_that_of_the_point) {
    open_problem(&exact);
    now.slope = 0.03;
    cr_expect_eq(verdict(), UNS_VERDICT_GRADIENT);
    cr_expect(fabs(found.gradient - 0.03 * sqrt((double)D)) < 1e-15);
    cr_expect(found.products == 0 && found.assurance == UNS_ASSURANCE_PROOF);
}

Test(certify_problem, hessian_is_taken_at_the_point) {
    open_problem(&exact);
    now.h[5] = -0.3;
    x[5] = sqrt(0.3); /* the minimum beside the saddle */
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    x[5] = 0.0;
}

Test(certify_problem, differences_give_the_same_verdicts_as_estimates) {
    open_problem(&differenced);
    for (size_t i = 0; i < D; i++)
        now.h[i] = -0.2, x[i] = sqrt(0.2);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.rung == UNS_RUNG_DIFFERENCES && found.assurance == UNS_ASSURANCE_ESTIMATE);
    cr_expect(found.product_error > 0.0 && found.product_error < 1e-6, "%g",
              found.product_error);
    cr_expect_geq(found.gradients, 2 * found.products);
    memset(x, 0, sizeof x);
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_ESTIMATE);
    cr_expect(fabs(found.curvature + 0.2) < 1e-6);
}

Test(certify_problem, differenced_products_are_as_good_as_their_stated_error) {
    uns_hessian h;
    double v[D], out[D], error = 0.0, size = 0.0;
    open_problem(&differenced);
    for (size_t i = 0; i < D; i++)
        x[i] = 0.3 + 0.05 * (double)i;
    uns_key key = {3, 0, 0, UNS_STREAM_USER};
    cr_assert_eq(uns_hessian_open(context, problem, point, NULL, 0, UNS_RUNG_BEST, key, &h),
                 UNS_OK);
    uns_random_normal(key, 0, D, v);
    cr_assert_eq(h.op.product(h.op.self, v, out), UNS_OK);
    for (size_t i = 0; i < D; i++) {
        double truth = (now.h[i] + 3.0 * x[i] * x[i]) * v[i];
        error += (out[i] - truth) * (out[i] - truth);
        size += v[i] * v[i];
    }
    cr_expect_leq(sqrt(error / size), h.op.error);
    cr_expect_lt(h.op.error, 1e-5);
    uns_hessian_close(&h);
    memset(x, 0, sizeof x);
}

Test(certify_problem, complex_steps_prove_what_exact_products_prove) {
    open_problem(&stepped);
    for (size_t i = 0; i < D; i++)
        now.h[i] = -0.2, x[i] = sqrt(0.2);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.rung == UNS_RUNG_COMPLEX_STEP && found.assurance == UNS_ASSURANCE_BOUND);
    cr_expect_eq(found.product_error, 0.0);
    cr_expect_eq(found.gradients, found.products + 1);
    memset(x, 0, sizeof x);
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_PROOF);
    cr_expect_float_eq(found.curvature, -0.2, 1e-14);
}

/* Largest error of H·v, relative to its largest element, by each rung; v of length `size`. */
static double product_error(int rung, double size) {
    uns_hessian h;
    double v[D], out[D], error = 0.0, most = 0.0;
    uns_key key = {3, 0, 0, UNS_STREAM_USER};
    cr_assert_eq(uns_hessian_open(context, problem, point, NULL, 0, rung, key, &h), UNS_OK);
    cr_expect_eq(h.op.rung, (uns_rung)rung);
    uns_random_normal(key, 0, D, v);
    for (size_t i = 0; i < D; i++)
        v[i] *= size;
    cr_assert_eq(h.op.product(h.op.self, v, out), UNS_OK);
    for (size_t i = 0; i < D; i++) {
        double truth = (now.h[i] + 3.0 * now.quartic * x[i] * x[i]) * v[i];
        error = fmax(error, fabs(out[i] - truth));
        most = fmax(most, fabs(truth));
    }
    uns_hessian_close(&h);
    return error / most;
}

Test(certify_problem, complex_step_is_exact_to_1e_14_where_differences_are_not) {
    open_problem(&stepped);
    for (size_t i = 0; i < D; i++)
        x[i] = 0.3 + 0.05 * (double)i;
    x[7] = 0.0;
    x[8] = 1e-9;
    for (double size = 1e-30; size < 1e31; size *= 1e10) {
        double error = product_error(UNS_RUNG_COMPLEX_STEP, size);
        cr_expect_leq(error, 1e-14, "%g at %g", error, size);
    }
    cr_expect_gt(product_error(UNS_RUNG_DIFFERENCES, 1.0), 1e-14);
    memset(x, 0, sizeof x);
}

Test(certify_problem, rung_asked_for_is_taken_or_refused) {
    open_problem(&stepped);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_eq(found.rung, UNS_RUNG_COMPLEX_STEP, "the best that there is");
    config.rung = UNS_RUNG_DIFFERENCES;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_eq(found.rung, UNS_RUNG_DIFFERENCES);
    config.rung = UNS_RUNG_EXACT;
    cr_expect_eq(uns_certify_problem(context, problem, point, &config, NULL, &found),
                 UNS_ERROR_UNAVAILABLE);
    cr_expect(
        strstr(uns_context_message(context), "'toy-stepped' offers no products by 'exact'"),
        "%s", uns_context_message(context));
    config.rung = UNS_RUNG_COUNT;
    cr_expect_eq(uns_certify_problem(context, problem, point, &config, NULL, &found),
                 UNS_ERROR_RANGE);
}

/* What the local model multiplies with. */
Test(certify_problem, sampler_offers_products_by_complex_step) {
    double v[D], out[D];
    uns_problem_sampler *source;
    open_problem(&stepped);
    for (size_t i = 0; i < D; i++)
        x[i] = 0.5, v[i] = (double)i;
    cr_assert_eq(uns_problem_sampler_create(context, problem, 4, 1, &source), UNS_OK);
    uns_sampler sampler = uns_problem_sampler_view(source);
    cr_assert(sampler.product);
    cr_assert_eq(sampler.product(sampler.self, x, v, out), UNS_OK);
    for (size_t i = 0; i < D; i++)
        cr_expect_float_eq(out[i], (now.h[i] + 0.75) * v[i], 1e-14 * (v[i] + 1.0));
    memset(v, 0, sizeof v);
    cr_assert_eq(sampler.product(sampler.self, x, v, out), UNS_OK);
    for (size_t i = 0; i < D; i++)
        cr_expect_eq(out[i], 0.0);
    uns_problem_sampler_destroy(source);
    memset(x, 0, sizeof x);
}

Test(certify_problem, sample_set_is_an_estimate_and_its_saddle_a_test) {
    open_problem(&exact);
    now.sigma = 0.2;
    now.nu = 1e-3;
    now.only_samples = true;
    config.samples = 4096;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(!found.whole && found.assurance == UNS_ASSURANCE_ESTIMATE);
    cr_expect(found.gradient_low <= found.gradient && found.gradient <= found.gradient_high);
    now.h[0] = -0.2;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_TEST);
    cr_expect(fabs(found.sample_mean - found.curvature) < 0.05);
    cr_expect(found.sample_error > 0.0 && found.sample_limit < -0.1);
    cr_expect_gt(found.sample_limit, found.sample_mean);
}

Test(certify_problem, saddle_of_the_sample_set_alone_is_withdrawn) {
    open_problem(&exact);
    now.h[0] = 0.05; /* no saddle, but sets of 16 samples see sd 0.5 there */
    now.sigma = 2.0;
    config.samples = 16;
    int saddles = 0, withdrawn = 0;
    for (config.seed = 1; config.seed <= 60; config.seed++) {
        saddles += verdict() == UNS_VERDICT_SADDLE;
        withdrawn += found.verdict == UNS_VERDICT_UNDECIDED && !isnan(found.sample_mean);
    }
    cr_expect_eq(saddles, 0);
    cr_expect_gt(withdrawn, 10);
}

Test(certify_problem, noise_alone_is_not_taken_for_a_gradient) {
    open_problem(&exact);
    now.nu = 1.0; /* one batch of 256 has norm 0.4, forty times τ_g */
    config.samples = 256;
    for (config.seed = 1; config.seed <= 20; config.seed++)
        cr_expect_neq(verdict(), UNS_VERDICT_GRADIENT, "seed %d", (int)config.seed);
    now.slope = 1.0;
    cr_expect_eq(verdict(), UNS_VERDICT_GRADIENT);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_TEST);
}

/* No product tells whether the gradient is small; a saddle may still be shown. */
Test(certify_problem, an_open_gradient_costs_no_products_beyond_the_curvature) {
    open_problem(&exact);
    config.samples = 256;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    int64_t products = found.products;
    now.nu = 1.0;
    for (config.starts = 1; config.starts <= 3; config.starts += 2) {
        cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED);
        cr_expect(found.gradient_low <= 0.01 && found.gradient_high > 0.01);
        cr_expect_geq(found.low, -config.tau_h);
        cr_expect_leq(found.products, products + 1, "%d", (int)found.products);
        cr_expect_eq(found.starts, 1);
    }
    config.starts = 1;
    now.h[0] = -0.2;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_gt(found.gradient_high, 0.01);
}

Test(certify_problem, gradient_that_is_not_finite_is_an_error) {
    now.broken = true;
    open_problem(&exact);
    cr_expect_eq(uns_certify_problem(context, problem, point, &config, NULL, &found),
                 UNS_ERROR_CALLBACK);
    config.samples = 64;
    cr_expect_eq(uns_certify_problem(context, problem, point, &config, NULL, &found),
                 UNS_ERROR_CALLBACK);
    uns_problem_destroy(problem);
    open_problem(&differenced);
    cr_expect_eq(uns_certify_problem(context, problem, point, &config, NULL, &found),
                 UNS_ERROR_CALLBACK);
    cr_expect(strstr(uns_context_message(context), "finite"));
}

Test(certify_problem, point_of_another_shape_is_refused) {
    const void *one[2] = {x, NULL};
    open_problem(&exact);
    cr_expect_eq(uns_certify_problem(context, problem, (uns_const_tensors){one, 1}, &config,
                                     NULL, &found),
                 UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_certify_problem(context, problem, (uns_const_tensors){one, 2}, &config,
                                     NULL, &found),
                 UNS_ERROR_ARGUMENT);
    cr_expect(strstr(uns_context_message(context), "'v'"));
}

Test(certify_problem, whole_objective_that_is_not_there_is_the_problems_error) {
    now.only_samples = true;
    open_problem(&exact);
    cr_expect_eq(uns_certify_problem(context, problem, point, &config, NULL, &found),
                 UNS_ERROR_UNAVAILABLE);
}

/* The lowest pair through the public Hessian, exact and differenced: -3 along axis 20. */
Test(certify_problem, the_lowest_eigenpair_is_found) {
    const uns_problem_ops *both[2] = {&exact, &differenced};
    for (int i = 0; i < 2; i++) {
        double value, residual, vector[D], square = 0.0;
        uns_problem_hessian *hessian;
        open_problem(both[i]);
        now.h[20] = -3.0;
        cr_assert_eq(uns_problem_hessian_create(
                         context, problem, (uns_const_tensors){pointers, 2}, NULL, &hessian),
                     UNS_OK);
        uns_operator op = uns_problem_hessian_view(hessian);
        cr_expect_eq(op.rung, i == 0 ? UNS_RUNG_EXACT : UNS_RUNG_DIFFERENCES);
        uns_key key = {5, 0, 0, UNS_STREAM_USER};
        cr_assert_eq(
            uns_operator_lowest(context, &op, 40, 1e-9, NULL, key, &value, &residual, vector),
            UNS_OK);
        cr_expect_float_eq(value, -3.0, 1e-5, "%.17g", value);
        cr_expect_leq(residual, 1e-4);
        for (size_t k = 0; k < D; k++)
            square += vector[k] * vector[k];
        cr_expect_float_eq(square, 1.0, 1e-12);
        cr_expect_float_eq(fabs(vector[20]), 1.0, 1e-6);
        cr_expect_eq(
            uns_operator_lowest(context, &op, 0, 1e-9, NULL, key, &value, &residual, NULL),
            UNS_ERROR_ARGUMENT);
        uns_problem_hessian_destroy(hessian);
        if (i == 0)
            uns_problem_destroy(problem);
    }
}

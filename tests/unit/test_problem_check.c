/* SPDX-License-Identifier: MIT
 * The self-check of problems: deliberately broken ones must be caught, each for its fault, and
 * plug-ins are held to the interface.
 */
#include "support/problem_bench.h"

#include "prob/builtin.h"

/* Broken problems. Each is saddle2d or matrix-factorization with one function replaced. */

static uns_status flipped_gradient(const void *self, const uns_eval *eval, uns_tensors g) {
    UNS_TRY(uns_saddle2d.gradient(self, eval, g));
    double *second = (double *)g.data[0] + eval->replicas;
    for (size_t r = 0; r < eval->replicas; r++)
        second[r] = -second[r];
    return UNS_OK;
}

/* Right on batches, wrong on the whole. */
static uns_status flipped_whole(const void *self, const uns_eval *eval, uns_tensors g) {
    return eval->batch ? uns_saddle2d.gradient(self, eval, g) : flipped_gradient(self, eval, g);
}

static uns_status wrong_product(const void *self, const uns_eval *eval, uns_const_tensors v,
                                uns_tensors out) {
    UNS_TRY(uns_saddle2d.product(self, eval, v, out));
    ((double *)out.data[0])[0] *= 1.00001;
    return UNS_OK;
}

static uns_status wrong_imaginary(const void *self, const uns_eval *eval, uns_const_tensors y,
                                  uns_tensors out) {
    UNS_TRY(uns_saddle2d.imaginary(self, eval, y, out));
    ((double *)out.data[0])[0] *= 1.00001;
    return UNS_OK;
}

static uns_status skew_product(const void *self, const uns_eval *eval, uns_const_tensors v,
                               uns_tensors out) {
    UNS_TRY(uns_saddle2d.product(self, eval, v, out));
    const double *from = v.data[0];
    double *to = out.data[0];
    for (size_t r = 0; r < eval->replicas; r++)
        to[r] += 1e-8 * from[eval->replicas + r];
    return UNS_OK;
}

/* A gradient and a value that agree, but lean to one side by a fifth of the noise. */
static uns_status leaning_gradient(const void *self, const uns_eval *eval, uns_tensors g) {
    UNS_TRY(uns_saddle2d.gradient(self, eval, g));
    for (size_t r = 0; r < eval->replicas && eval->batch; r++)
        ((double *)g.data[0])[eval->replicas + r] += 0.02;
    return UNS_OK;
}

static uns_status leaning_value(const void *self, const uns_eval *eval, double *f) {
    UNS_TRY(uns_saddle2d.value(self, eval, f));
    for (size_t r = 0; r < eval->replicas && eval->batch; r++)
        f[r] += 0.02 * ((const double *)eval->x.data[0])[eval->replicas + r];
    return UNS_OK;
}

static uns_status leaning_rows(const void *self, const uns_eval *eval, double *rows) {
    UNS_TRY(uns_saddle2d.per_sample(self, eval, rows));
    for (size_t i = 0; i < eval->batch->size; i++)
        rows[2 * i + 1] += 0.02;
    return UNS_OK;
}

static uns_status wrong_rows(const void *self, const uns_eval *eval, double *rows) {
    UNS_TRY(uns_saddle2d.per_sample(self, eval, rows));
    rows[1] += 1e-6;
    return UNS_OK;
}

/* Forgets that a batch of B has 1/B of the variance. */
static uns_status wrong_moment(const void *self, const uns_eval *eval, size_t batch,
                               uns_about about, uns_shape shape, uns_tensors out) {
    (void)batch;
    return uns_saddle2d.second_moment(self, eval, 1, about, shape, out);
}

/* Wrong off the diagonal only. */
static uns_status wrong_corner(const void *self, const uns_eval *eval, size_t batch,
                               uns_about about, uns_shape shape, uns_tensors out) {
    UNS_TRY(uns_saddle2d.second_moment(self, eval, batch, about, shape, out));
    for (size_t r = 0; r < eval->replicas && shape == UNS_SHAPE_DENSE; r++) {
        ((double *)out.data[0])[4 * r + 1] += 0.1;
        ((double *)out.data[0])[4 * r + 2] += 0.1;
    }
    return UNS_OK;
}

/* Every replica draws what the first one draws. */
static uns_status one_for_all(const void *self, const uns_eval *eval, uns_tensors g) {
    UNS_TRY(uns_saddle2d.gradient(self, eval, g));
    double drawn[2], *out = g.data[0];
    size_t replicas = eval->replicas;
    uns_eval whole = *eval;
    whole.batch = NULL;
    for (size_t k = 0; k < 2; k++)
        drawn[k] = out[k * replicas];
    UNS_TRY(uns_saddle2d.gradient(self, &whole, g));
    for (size_t k = 0; k < 2; k++)
        drawn[k] -= out[k * replicas];
    for (size_t k = 0; k < 2 * replicas; k++)
        out[k] += drawn[k / replicas];
    return UNS_OK;
}

/* A finite sum whose last sample is never drawn but counts in the whole. */
static uns_status biased_gradient(const void *self, const uns_eval *eval, uns_tensors g) {
    if (!eval->batch || eval->batch->indices || eval->replicas == 1)
        return uns_matrix_factorization.gradient(self, eval, g);
    uint32_t indices[16];
    uns_batch few = *eval->batch;
    for (size_t i = 0; i < few.size; i++)
        indices[i] = uns_random_below(few.key, (uint32_t)i, 300);
    few.indices = indices;
    uns_eval other = *eval;
    other.batch = &few;
    return uns_matrix_factorization.gradient(self, &other, g);
}

static uns_problem_report check_broken(const uns_problem_ops *ops) {
    uns_context *context = open_context();
    uns_problem *problem = NULL;
    uns_problem_report report;
    cr_assert_eq(uns_context_register(context, UNS_KIND_PROBLEM, ops), UNS_OK);
    cr_assert_eq(uns_problem_create(context, ops->name, NULL, &problem), UNS_OK);
    cr_assert_eq(uns_problem_check(context, problem, 1, &report), UNS_OK);
    uns_problem_destroy(problem);
    uns_context_destroy(context);
    return report;
}

#define BREAK(original, member, wrong)                                                         \
    uns_problem_ops ops = original;                                                            \
    ops.name = "broken";                                                                       \
    ops.member = wrong;                                                                        \
    uns_problem_report report = check_broken(&ops);                                            \
    cr_expect_not(report.passed)

Test(self_check, catches_a_wrong_sign_in_one_gradient_coordinate) {
    BREAK(uns_saddle2d, gradient, flipped_gradient);
    cr_expect_gt(report.gradient_error, 1e-3);
}

Test(self_check, catches_a_wrong_sign_in_the_whole_gradient) {
    BREAK(uns_saddle2d, gradient, flipped_whole);
    cr_expect_gt(report.gradient_error, 1e-3);
    cr_expect_gt(report.sampling_sigmas, 4.5);
}

Test(self_check, catches_a_product_wrong_in_the_fifth_place) {
    BREAK(uns_saddle2d, product, wrong_product);
    cr_expect_gt(report.product_error, 1e-6);
    cr_expect_leq(report.gradient_error, 1e-6);
}

Test(self_check, catches_a_complex_step_wrong_in_the_fifth_place) {
    BREAK(uns_saddle2d, imaginary, wrong_imaginary);
    cr_expect_gt(report.imaginary_error, 1e-6);
    cr_expect_leq(report.product_error, 1e-6);
}

Test(self_check, catches_an_asymmetric_product) {
    BREAK(uns_saddle2d, product, skew_product);
    cr_expect_gt(report.symmetry_error, 1e-9);
    cr_expect_leq(report.product_error, 1e-6);
}

Test(self_check, catches_noise_that_leans_to_one_side) {
    uns_problem_ops ops = uns_saddle2d;
    ops.name = "broken";
    ops.gradient = leaning_gradient;
    ops.value = leaning_value;
    ops.per_sample = leaning_rows;
    uns_problem_report report = check_broken(&ops);
    cr_expect_not(report.passed);
    cr_expect_gt(report.sampling_sigmas, 4.5);
    cr_expect_leq(report.gradient_error, 1e-6);
    cr_expect_leq(report.per_sample_error, 1e-9);
}

Test(self_check, catches_per_sample_gradients_that_miss_their_mean) {
    BREAK(uns_saddle2d, per_sample, wrong_rows);
    cr_expect_gt(report.per_sample_error, 1e-9);
}

Test(self_check, catches_a_second_moment_of_the_wrong_batch) {
    BREAK(uns_saddle2d, second_moment, wrong_moment);
    cr_expect_gt(report.moment_error, 4.5);
    cr_expect_leq(report.sampling_sigmas, 4.5);
}

Test(self_check, catches_a_dense_moment_wrong_off_the_diagonal) {
    BREAK(uns_saddle2d, second_moment, wrong_corner);
    cr_expect_gt(report.moment_error, 4.5);
}

Test(self_check, catches_replicas_that_share_one_draw) {
    BREAK(uns_saddle2d, gradient, one_for_all);
    cr_expect_gt(report.replica_error, 1e-3);
    cr_expect_leq(report.gradient_error, 1e-6);
}

Test(self_check, catches_biased_sampling_of_a_finite_sum) {
    BREAK(uns_matrix_factorization, gradient, biased_gradient);
    cr_expect_gt(report.sampling_sigmas, 4.5);
}

Test(self_check, passes_the_same_problem_unbroken) {
    uns_problem_ops ops = uns_saddle2d;
    ops.name = "unbroken";
    cr_expect(check_broken(&ops).passed);
}

Test(self_check, needs_no_optional_function) {
    uns_problem_ops ops = uns_saddle2d;
    ops.name = "bare";
    ops.product = NULL;
    ops.imaginary = NULL;
    ops.per_sample = NULL;
    ops.second_moment = NULL;
    ops.truth = NULL;
    ops.spectra = NULL;
    ops.samples = NULL;
    uns_problem_report report = check_broken(&ops);
    cr_expect(report.passed);
    cr_expect(isnan(report.product_error) && isnan(report.symmetry_error) &&
              isnan(report.imaginary_error));
    cr_expect(isnan(report.per_sample_error) && isnan(report.moment_error));
}

Test(plug_in, without_a_required_function_is_refused) {
    uns_context *context = open_context();
    uns_problem_ops ops = uns_saddle2d;
    ops.name = "legless";
    ops.gradient = NULL;
    cr_expect_eq(uns_context_register(context, UNS_KIND_PROBLEM, &ops), UNS_ERROR_ARGUMENT);
    cr_expect(strstr(uns_context_message(context), "gradient"));
    uns_context_destroy(context);
}

Test(plug_in, of_an_older_header_has_null_for_newer_members) {
    uns_context *context = open_context();
    uns_problem_ops ops = uns_saddle2d;
    ops.name = "older";
    ops.size = offsetof(uns_problem_ops, truth);
    uns_problem *problem = NULL;
    uns_truth truth;
    cr_assert_eq(uns_context_register(context, UNS_KIND_PROBLEM, &ops), UNS_OK);
    cr_assert_eq(uns_problem_create(context, "older", NULL, &problem), UNS_OK);
    cr_expect_null(uns_problem_get_ops(problem)->spectra);
    uns_problem_truth(problem, &truth);
    cr_expect(isnan(truth.minimum));
    uns_problem_destroy(problem);
    uns_context_destroy(context);
}

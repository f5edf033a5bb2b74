/* SPDX-License-Identifier: MIT
 * The certificate on operators: verdicts, edges, failures. How often it errs is counted by
 * tests/honesty, what it does with problems is in test_certify_problem.c.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/certificate.h>

#include "base/base.h"

enum {
    ROOM = 3000
};

/* diag(λ) + skew·(e₀e₁ᵀ − e₁e₀ᵀ). */
typedef struct matrix {
    size_t d;
    double lambda[ROOM], skew;
    long products, fail_at;
    bool poison;
} matrix;

static uns_status product(void *self, const double *v, double *out) {
    matrix *m = self;
    m->products++;
    if (m->products == m->fail_at && !m->poison)
        return UNS_ERROR_IO;
    for (size_t i = 0; i < m->d; i++)
        out[i] = m->lambda[i] * v[i];
    if (m->d > 1) {
        out[0] += m->skew * v[1];
        out[1] -= m->skew * v[0];
    }
    if (m->products == m->fail_at)
        out[m->d - 1] = NAN;
    return UNS_OK;
}

static uns_context *context;
static uns_certificate_config config;
static matrix m;
static uns_certificate found;
static double witness[ROOM];

static void open_context(void) {
    cr_assert_eq(uns_context_open(NULL, &context), UNS_OK);
    cr_assert_eq(uns_param_defaults(context, uns_certificate_table(), &config), UNS_OK);
    config.tau_h = 0.1;
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(certificate, .init = open_context, .fini = close_context);

static void constant(size_t d, double value) {
    m = (matrix){.d = d};
    for (size_t i = 0; i < d; i++)
        m.lambda[i] = value;
}

static void evenly(size_t d, double low, double high) {
    m = (matrix){.d = d};
    for (size_t i = 0; i < d; i++)
        m.lambda[i] = low + (high - low) * (double)i / (double)(d - 1);
}

/* Dense at the lower edge, so that no Ritz value converges there soon. */
static void dense_edge(size_t d, double low) {
    m = (matrix){.d = d};
    for (size_t i = 0; i < d; i++)
        m.lambda[i] = low + (double)(i * i) / (double)(d * d);
}

static uns_status certify(double gradient) {
    uns_operator op = {sizeof op, m.d, &m, product, UNS_RUNG_EXACT, 0.0};
    return uns_certify_operator(context, &op, gradient, &config, witness, &found);
}

static uns_verdict verdict(void) {
    cr_assert_eq(certify(0.0), UNS_OK, "%s", uns_context_message(context));
    return found.verdict;
}

Test(certificate, one_dimension_takes_one_product) {
    constant(1, 3.0);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.products == 1 && found.exhausted && fabs(found.low - 3.0) < 1e-13);
    constant(1, -3.0);
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect(found.curvature == -3.0 && fabs(witness[0]) == 1.0 && found.products == 2);
}

Test(certificate, two_dimensions_are_settled_by_two_products) {
    evenly(2, -0.09, 5.0);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.products <= 2 && found.budget == 2);
    evenly(2, -0.11, 5.0);
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_leq(found.products, 3);
    cr_expect(fabs(fabs(witness[0]) - 1.0) < 1e-9 && fabs(witness[1]) < 1e-6);
}

Test(certificate, zero_operator_is_stationary) {
    constant(100, 0.0);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.products == 1 && found.exhausted);
    cr_expect(found.low <= 0.0 && found.low > -1e-15 && found.high >= 0.0);
}

Test(certificate, multiples_of_the_identity_take_one_product) {
    constant(500, 2.0);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_eq(found.products, 1);
    constant(500, -0.0999);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    constant(500, -0.1001);
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_PROOF);
    cr_expect_eq(found.products, 2, "one of Lanczos, one of the witness");
}

Test(certificate, lambda_at_the_threshold_up_to_rounding_stays_undecided) {
    constant(500, -0.1);
    cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_NONE);
    cr_expect(found.exhausted && found.low < -0.1 && found.high > -0.1);
    cr_expect_lt(found.high - found.low, 1e-10);
}

Test(certificate, scale_of_the_operator_does_not_matter) {
    int64_t products = 0;
    for (double scale = 1e-100; scale < 1e101; scale *= 1e100) {
        evenly(300, -0.09 * scale, scale);
        config.tau_h = 0.1 * scale;
        cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY, "scale %g", scale);
        if (scale < 1e-99)
            products = found.products;
        cr_expect_eq(found.products, products);
        evenly(300, -0.11 * scale, scale);
        cr_expect_eq(verdict(), UNS_VERDICT_SADDLE, "scale %g", scale);
    }
}

Test(certificate, axis_aligned_saddle_is_found_with_its_axis) {
    evenly(ROOM, 0.0, 1.0);
    m.lambda[1234] = -0.3;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    double along = 0.0, size = 0.0;
    for (size_t i = 0; i < ROOM; i++) {
        along += m.lambda[i] * witness[i] * witness[i];
        size += witness[i] * witness[i];
    }
    cr_expect(fabs(size - 1.0) < 1e-12);
    cr_expect(fabs(along - found.curvature) < 1e-12 && along < -0.1);
    cr_expect(found.curvature_error < 1e-10);
    cr_expect_gt(fabs(witness[1234]), 0.8);
}

Test(certificate, exhausted_space_decides_however_small_the_gap) {
    m = (matrix){.d = 1000};
    for (size_t i = 0; i < 1000; i++)
        m.lambda[i] = (double)(i % 4) * 0.3 - 0.1 + 1e-9;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_leq(found.products, 4);
    for (size_t i = 0; i < 1000; i++)
        m.lambda[i] -= 2e-9;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_leq(found.products, 6);
}

Test(certificate, gradient_too_large_costs_no_product) {
    evenly(100, -1.0, 1.0);
    cr_assert_eq(certify(0.5), UNS_OK);
    cr_expect_eq(found.verdict, UNS_VERDICT_GRADIENT);
    cr_expect(m.products == 0 && found.products == 0 && found.starts == 0);
    cr_expect(isinf(found.low) && witness[0] == 0.0);
    cr_expect_eq(found.gradient, 0.5);
}

Test(certificate, budget_that_is_spent_leaves_it_undecided) {
    evenly(2000, -0.095, 1.0);
    config.products = 5;
    cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED);
    cr_expect(found.products == 5 && m.products == 5 && found.budget == 5);
    cr_expect(found.low < -0.1 && found.high > -0.1);
}

Test(certificate, interrupt_leaves_what_is_known) {
    volatile int stop = 1;
    evenly(2000, -0.095, 1.0);
    config.interrupt = &stop;
    config.starts = 3;
    cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED);
    cr_expect(found.interrupted && found.assurance == UNS_ASSURANCE_NONE);
    cr_expect(found.products == 1 && found.steps == 1 && found.starts == 1);
    cr_expect(isfinite(found.low) && found.low <= -0.095 && found.high >= -0.095);
    stop = 0;
    config.starts = 1;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_not(found.interrupted);
}

Test(certificate, automatic_budget_settles_what_is_a_resolution_away) {
    evenly(2000, -0.095, 0.905);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    int64_t budget = uns_certificate_budget(2000, config.delta, 0.05 * 0.1);
    cr_expect(llabs(found.budget - budget) <= 1, "%lld, not %lld", (long long)found.budget,
              (long long)budget);
    cr_expect_leq(found.products, budget);
    dense_edge(2000, -0.0999);
    cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED, "too close for it");
    cr_expect(llabs(found.products - budget) <= 1);
}

Test(certificate, budget_is_the_formula_and_at_most_d) {
    cr_expect_eq(uns_certificate_budget(5000, 0.001, 0.0005), 261);
    cr_expect_eq(uns_certificate_budget(5000, 0.001, 0.005), 83);
    cr_expect_eq(uns_certificate_budget(50, 0.001, 1e-9), 50);
    cr_expect_eq(uns_certificate_budget(1, 0.5, 0.1), 1);
}

Test(certificate, memory_limit_forces_the_three_term_recurrence_and_says_so) {
    evenly(2000, -0.05, 1.0);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.full && found.assurance == UNS_ASSURANCE_BOUND);
    int64_t products = found.products;
    size_t bytes = found.basis_bytes;
    config.memory = 5 * 2000 * 8;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(!found.full && found.assurance == UNS_ASSURANCE_EMPIRICAL);
    cr_expect(found.basis_bytes <= 5 * 2000 * 8 && bytes > found.basis_bytes);
    cr_expect((double)found.products <= 1.4 * (double)products);
    evenly(2000, -0.12, 1.0);
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect(!found.full && found.assurance == UNS_ASSURANCE_PROOF,
              "a witness is a proof however it was found");
    config.memory = 0;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
    cr_expect_eq(found.basis_bytes, 2000 * 8, "one vector at least");
}

Test(certificate, long_three_term_run_keeps_its_verdicts) {
    config.memory = 0;
    config.tau_h = 1e-3;
    evenly(600, -0.9e-3, 1.0);
    m.lambda[599] = 50.0; /* converges at once: orthogonality to it is lost for good */
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(found.products > 130 && !found.full);
    evenly(600, -1.1e-3, 1.0);
    m.lambda[599] = 50.0;
    cr_expect_eq(verdict(), UNS_VERDICT_SADDLE);
}

Test(certificate, independent_starts_share_delta) {
    dense_edge(2000, -0.0999);
    config.starts = 3;
    cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED);
    cr_expect_eq(found.starts, 3);
    int64_t budget = uns_certificate_budget(2000, config.delta / 3.0, 0.05 * 0.1);
    cr_expect(llabs(found.budget - budget) <= 1);
    cr_expect_eq(found.products, m.products);
    cr_expect_gt(found.products, 2 * budget);
}

Test(certificate, occasion_and_seed_choose_the_start_and_nothing_else_does) {
    uns_certificate first;
    evenly(500, -0.05, 1.0);
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    first = found;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect(first.low == found.low && first.high == found.high, "same bits again");
    config.occasion = 1;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_neq(first.high, found.high);
    config.occasion = 0;
    config.seed = 2;
    cr_expect_eq(verdict(), UNS_VERDICT_STATIONARY);
    cr_expect_neq(first.high, found.high);
}

Test(certificate, finding_is_the_same_bits_on_every_instruction_set) {
    static const unsigned sets[] = {UNS_ISA_SCALAR, UNS_ISA_SCALAR | UNS_ISA_AVX2, 0};
    uns_certificate first;
    double lowest[700];
    evenly(700, -0.05, 1.0);
    uns_operator op = {sizeof op, 700, &m, product, UNS_RUNG_EXACT, 0.0};
    for (size_t i = 0; i < UNS_COUNT_OF(sets); i++) {
        uns_context_config isa = {.size = sizeof isa, .isa = sets[i]};
        uns_context *own = NULL;
        memset(&found, 0, sizeof found);
        cr_assert_eq(uns_context_open(&isa, &own), UNS_OK);
        cr_assert_eq(uns_certify_operator(own, &op, 0.0, &config, witness, &found), UNS_OK);
        uns_context_destroy(own);
        if (i == 0) {
            first = found;
            memcpy(lowest, witness, sizeof lowest);
        }
        cr_expect(found.low == first.low && found.high == first.high);
        cr_expect_eq(memcmp(lowest, witness, sizeof lowest), 0);
    }
}

Test(certificate, operator_that_is_not_symmetric_is_not_certified) {
    evenly(400, -0.05, 1.0);
    m.skew = 0.5;
    cr_expect_eq(verdict(), UNS_VERDICT_UNDECIDED);
    cr_expect_gt(found.margin, 1e-3, "the asymmetry was measured");
}

Test(certificate, stated_error_of_products_widens_everything) {
    evenly(400, -0.05, 1.0);
    uns_operator op = {sizeof op, 400, &m, product, UNS_RUNG_DIFFERENCES, 0.04};
    cr_assert_eq(uns_certify_operator(context, &op, 0.0, &config, NULL, &found), UNS_OK);
    cr_expect_eq(found.verdict, UNS_VERDICT_STATIONARY);
    cr_expect_eq(found.assurance, UNS_ASSURANCE_ESTIMATE);
    cr_expect_eq(found.product_error, 0.04);
    op.error = 0.06;
    cr_assert_eq(uns_certify_operator(context, &op, 0.0, &config, NULL, &found), UNS_OK);
    cr_expect_eq(found.verdict, UNS_VERDICT_UNDECIDED);
}

Test(certificate, failing_product_is_an_error_and_leaves_the_result_alone) {
    for (int poison = 0; poison < 2; poison++) {
        evenly(100, -0.05, 1.0);
        m.fail_at = 4;
        m.poison = poison;
        memset(&found, 7, sizeof found);
        uns_certificate before = found;
        cr_expect_eq(certify(0.0), poison ? UNS_ERROR_CALLBACK : UNS_ERROR_IO);
        cr_expect_eq(memcmp(&before, &found, sizeof found), 0);
        cr_expect(strstr(uns_context_message(context), "product"));
    }
}

Test(certificate, config_out_of_range_is_refused_with_the_name_of_the_field) {
    const uns_certificate_config good = config;
    evenly(10, 0.0, 1.0);
#define REFUSED(field, value)                                                                  \
    do {                                                                                       \
        config = good;                                                                         \
        config.field = value;                                                                  \
        cr_expect_eq(certify(0.0), UNS_ERROR_RANGE, #field " = " #value);                      \
        cr_expect(strstr(uns_context_message(context), #field));                               \
    } while (0)
    REFUSED(tau_g, -1.0);
    REFUSED(tau_g, NAN);
    REFUSED(tau_h, 0.0);
    REFUSED(tau_h, INFINITY);
    REFUSED(delta, 0.0);
    REFUSED(delta, 0.6);
    REFUSED(resolution, 0.0);
    REFUSED(spread, -1.0);
    REFUSED(products, -1);
    REFUSED(starts, 0);
    REFUSED(memory, -1);
    REFUSED(samples, -1);
    config = good;
    cr_expect_eq(certify(-1.0), UNS_ERROR_ARGUMENT);
    cr_expect_eq(certify(NAN), UNS_ERROR_ARGUMENT);
    cr_expect_eq(m.products, 0);
}

/* Refuses the n-th allocation and counts what is out. */
typedef struct counter {
    long left, held;
} counter;

static void *count_allocate(void *user, size_t bytes, size_t align) {
    counter *c = user;
    if (c->left-- == 0)
        return NULL;
    c->held++;
    return aligned_alloc(align, bytes);
}

static void count_release(void *user, void *memory) {
    ((counter *)user)->held--;
    free(memory);
}

Test(certificate, every_failing_allocation_is_reported_and_leaks_nothing) {
    uns_context *own = NULL;
    counter c = {-1, 0};
    uns_context_config hooks = {.size = sizeof hooks,
                                .allocate = count_allocate,
                                .release = count_release,
                                .user = &c,
                                .threads = 1};
    cr_assert_eq(uns_context_open(&hooks, &own), UNS_OK);
    evenly(500, -0.5, 1.0);
    uns_operator op = {sizeof op, 500, &m, product, UNS_RUNG_EXACT, 0.0};
    long k = 0, held = c.held;
    uns_status status = UNS_ERROR_MEMORY;
    for (; k < 100 && status != UNS_OK; k++) {
        c.left = k;
        status = uns_certify_operator(own, &op, 0.0, &config, witness, &found);
        cr_expect(status == UNS_OK || status == UNS_ERROR_MEMORY);
        cr_expect_eq(c.held, held, "allocation %ld", k);
    }
    c.left = -1;
    cr_expect(status == UNS_OK && k > 5);
    uns_context_destroy(own);
}

Test(certificate, defaults_come_from_the_table_and_words_are_words) {
    cr_assert_eq(uns_param_assign(context, uns_certificate_table(), &config,
                                  "tau_g=0.5 tau_h=2e-2 delta=0.01 products=auto samples=64"),
                 UNS_OK);
    cr_expect(config.tau_g == 0.5 && config.tau_h == 2e-2 && config.samples == 64);
    cr_expect_str_eq(uns_verdict_text(UNS_VERDICT_SADDLE), "saddle");
    cr_expect_str_eq(uns_verdict_text((uns_verdict)99), "unknown verdict");
    cr_expect_str_eq(uns_assurance_text(UNS_ASSURANCE_BOUND), "bound");
    cr_expect_str_eq(uns_rung_text(UNS_RUNG_DIFFERENCES), "differences");
}

/* SPDX-License-Identifier: MIT
 * Low rank against the full matrix: where the rank suffices they are the same method.
 */
#include <criterion/criterion.h>

#include "support/twins.h"

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

#define AVERAGE "moment=ema beta=0.95 bias_correction=true "
#define INSIDE  "epsilon=1e-6 epsilon.form=inside "

TestSuite(lowrank_full, .init = open_context, .fini = close_context);

/* Both structures with the same values beside. */
static void expect_equal(size_t d, size_t m, uint64_t steps, const char *lowrank,
                         const char *both) {
    twins_problem p;
    char left[400], right[400];
    snprintf(left, sizeof left, "eta=1e-2 structure=full refresh=1 %s", both);
    snprintf(right, sizeof right, "eta=1e-2 structure=lowrank %s %s", lowrank, both);
    twins_open(&p, d, m);
    double apart = twins_apart(context, &p, steps, left, right);
    cr_expect(apart <= 1e-9, "%s: apart by %.2e; %s", right, apart,
              uns_context_message(context));
    twins_close(&p);
}

/* After a single signal a centred C is 0 up to rounding, which an initial C covers. */
Test(lowrank_full, a_rank_above_d_is_the_full_matrix_for_500_steps) {
    static const char *const rows[] = {
        AVERAGE "epsilon=1e-4 epsilon.form=outside",
        AVERAGE INSIDE "momentum=ema mu=0.9 mu.correction=true",
        "moment=sum epsilon=1e-3 increment=1e-4",
        "moment=mean exponent=0.25 epsilon=1e-4 initial=1e-3",
        AVERAGE "epsilon=1e-3 centred=true initial=1e-2",
        AVERAGE "rectify=true epsilon=1e-3 epsilon.form=uncorrected",
        AVERAGE
        "signal=deviation momentum=ema mu=0.9 exponent=1 epsilon=1e-4 epsilon.form=inside",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_equal(24, 24, 500, "", rows[i]);
}

Test(lowrank_full, a_sketch_of_gradients_of_low_rank_is_the_full_matrix_for_500_steps) {
    static const char *const rows[] = {
        AVERAGE INSIDE,
        "moment=sum epsilon=1e-3",
        AVERAGE "epsilon=1e-3 centred=true initial=1e-2",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_equal(64, 18, 500, "structure.rank=40", rows[i]);
}

Test(lowrank_full, a_rank_above_the_number_of_steps_is_the_full_matrix) {
    static const char *const rows[] = {
        AVERAGE "epsilon=1e-4 momentum=heavy mu=0.9",
        AVERAGE INSIDE "exponent=0.25 initial=1e-3",
        AVERAGE "epsilon=1e-3 centred=true initial=1e-2",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_equal(132, 132, 128, "structure.rank=128", rows[i]);
}

Test(lowrank_full, a_window_that_never_closes_is_the_sum) {
    twins_problem p;
    twins_open(&p, 132, 132);
    double apart = twins_apart(context, &p, 100,
                               "eta=1e-2 structure=full refresh=1 moment=sum epsilon=1e-3",
                               "eta=1e-2 structure=lowrank moment=window beta=1 epsilon=1e-3");
    cr_expect(apart <= 1e-9, "apart by %.2e; %s", apart, uns_context_message(context));
    twins_close(&p);
}

/* SPDX-License-Identifier: MIT
 * The kernel check on kernels that are wrong on purpose, each in another way: it must find
 * every one, or what it says of the right ones is worth nothing.
 */
#include <criterion/criterion.h>
#include <signal.h>

#include "base/base.h"

#include "support/kern_cases_narrow.h"
#include "support/kern_check.h"

static const kern_case *case_of(const char *name) {
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        if (strcmp(element_cases[i].name, name) == 0)
            return &element_cases[i];
    for (size_t i = 0; i < UNS_COUNT_OF(narrow_cases); i++)
        if (strcmp(narrow_cases[i].name, name) == 0)
            return &narrow_cases[i];
    cr_assert_fail("no case %s", name);
    return NULL;
}

static uns_kernels wrong_table(void) {
    uns_kernels table = uns_kernels_scalar;
    table.isa = "wrong";
    return table;
}

/* The check compares the table and must say `finding` of this kernel, in f32. */
static void expect_found(const uns_kernels *table, const char *name, const char *finding) {
    const uns_kernels *tables[] = {table};
    kern_check check;
    cr_assert(check_open(&check, tables, 1));
    cr_assert_not(check_bits(&check, case_of(name), UNS_F32), "%s went unnoticed", name);
    cr_assert(strstr(check.finding, "wrong ") && strstr(check.finding, finding), "%s",
              check.finding);
    check_close(&check);
}

static void fused_move(size_t n, double k, double eta, const void *d, void *x) {
    const float *from = d;
    float *to = x;
    for (size_t i = 0; i < n; i++)
        to[i] =
            (float)((double)(float)k * (double)to[i] - (double)(float)eta * (double)from[i]);
}

Test(kern_check, one_rounding_too_few_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].move = fused_move;
    expect_found(&table, "move", "other bits");
}

static void scale_without_tail(size_t n, double k, const void *x, void *out) {
    uns_kernels_scalar.of[UNS_F32].scale(n / 16 * 16, k, x, out);
}

Test(kern_check, a_tail_left_out_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].scale = scale_without_tail;
    expect_found(&table, "scale", "n=1 ");
}

static void scale_and_one_more(size_t n, double k, const void *x, void *out) {
    uns_kernels_scalar.of[UNS_F32].scale(n, k, x, out);
    if (n == 257)
        ((float *)out)[-1] = 0;
}

Test(kern_check, writing_beside_an_array_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].scale = scale_and_one_more;
    expect_found(&table, "scale", "n=257 variant=0: writes beside");
}

static void mix_in_two_goes(size_t n, double alpha, const void *x, double beta, const void *y,
                            void *out) {
    uns_kernels_scalar.of[UNS_F32].mix(n, alpha, x, 0, x, out);
    uns_kernels_scalar.of[UNS_F32].mix(n, 1, out, beta, y, out);
}

Test(kern_check, an_output_taken_for_an_input_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].mix = mix_in_two_goes;
    expect_found(&table, "mix", "has other bits");
}

static double square_backwards(size_t n, const void *x) {
    const float *from = x;
    double sum = 0;
    for (size_t i = n; i > 0; i--)
        sum += (double)from[i - 1] * (double)from[i - 1];
    return sum;
}

Test(kern_check, another_order_of_summation_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].square = square_backwards;
    expect_found(&table, "square", "f32 n=");
}

static int blind_at_the_end(size_t n, const void *x) {
    return uns_kernels_scalar.of[UNS_F32].nonfinite(n ? n - 1 : 0, x);
}

Test(kern_check, a_nonfinite_number_overlooked_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].nonfinite = blind_at_the_end;
    expect_found(&table, "nonfinite", "not 0x1p+0");
}

static void clamp_nan_too(size_t n, double limit, const void *x, void *out) {
    const float *from = x;
    float *to = out;
    for (size_t i = 0; i < n; i++)
        to[i] = fabsf(from[i]) <= (float)limit ? from[i] : copysignf((float)limit, from[i]);
}

Test(kern_check, a_special_value_treated_like_others_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].clamp = clamp_nan_too;
    expect_found(&table, "clamp", "other bits");
}

/* Right but for one rule: momentum on the direction. */
static int update_without_last(size_t n, const uns_update *update) {
    uns_update other = *update;
    other.slots &= ~UNS_SLOT_MOMENTUM_LAST;
    return uns_kernels_scalar.of[UNS_F32].update(n, &other);
}

Test(kern_check, one_wrong_rule_of_many_is_found) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].update = update_without_last;
    expect_found(&table, "update", "other bits");
}

/* Right but for the last strip's momentum, which stays. */
static int update_narrow_forgetful(size_t n, const uns_update *update, const uns_reduced *how) {
    uint16_t last = 0;
    if (how->state == UNS_FORM_BF16 && n > 256)
        last = ((uint16_t *)update->m)[256];
    const int known = uns_kernels_scalar.update_narrow(n, update, how);
    if (how->state == UNS_FORM_BF16 && n > 256)
        ((uint16_t *)update->m)[256] = last;
    return known;
}

Test(kern_check, a_number_not_narrowed_back_is_found) {
    uns_kernels table = wrong_table();
    table.update_narrow = update_narrow_forgetful;
    expect_found(&table, "update_narrow", "other bits");
}

/* Before the reads below: AddressSanitizer would report the signal and exit instead. */
static void leave_the_signal_alone(void) {
    signal(SIGSEGV, SIG_DFL);
}

static void reads_behind(size_t n, double k, const void *x, void *out) {
    const volatile float *from = x;
    (void)from[n];
    uns_kernels_scalar.of[UNS_F32].scale(n, k, x, out);
}

Test(kern_check, reading_behind_an_array_is_found, .signal = SIGSEGV,
     .init = leave_the_signal_alone) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].scale = reads_behind;
    expect_found(&table, "scale", "");
}

static void reads_before(size_t n, double k, const void *x, void *out) {
    const volatile float *from = x;
    (void)from[-1];
    uns_kernels_scalar.of[UNS_F32].scale(n, k, x, out);
}

Test(kern_check, reading_before_an_array_is_found, .signal = SIGSEGV,
     .init = leave_the_signal_alone) {
    uns_kernels table = wrong_table();
    table.of[UNS_F32].scale = reads_before;
    expect_found(&table, "scale", "");
}

/* Wrong in every table alike, so that only the oracle can tell. */
static void uncorrected(size_t n, const uns_root *root, const void *c, const void *u, void *d) {
    uns_root other = *root;
    other.correction = 1;
    uns_kernels_scalar.of[UNS_F32].precondition(n, &other, c, u, d);
}

Test(kern_check, a_wrong_formula_is_found) {
    uns_kernels table = wrong_table();
    kern_check check;
    table.of[UNS_F32].precondition = uncorrected;
    cr_assert(check_open(&check, NULL, 0));
    cr_assert_not(check_equations(&check, case_of("precondition"), UNS_F32, &table));
    cr_assert(strstr(check.finding, "wrong precondition f32"), "%s", check.finding);
    check_close(&check);
}

/* Right but for numbers far from 1. */
static void mix_near_one(size_t n, double alpha, const void *x, double beta, const void *y,
                         void *out) {
    float *to = out;
    uns_kernels_scalar.of[UNS_F32].mix(n, alpha, x, beta, y, out);
    for (size_t i = 0; i < n; i++)
        if (isfinite(to[i]) && fabsf(to[i]) > 1e25f)
            to[i] = 0;
}
static void move_near_one(size_t n, double k, double eta, const void *d, void *x) {
    float *to = x;
    uns_kernels_scalar.of[UNS_F32].move(n, k, eta, d, x);
    for (size_t i = 0; i < n; i++)
        if (fabsf(to[i]) < 1e-25f)
            to[i] = 0;
}

Test(kern_check, a_formula_wrong_only_far_from_one_is_found) {
    uns_kernels table = wrong_table();
    kern_check check;
    table.of[UNS_F32].mix = mix_near_one;
    table.of[UNS_F32].move = move_near_one;
    cr_assert(check_open(&check, NULL, 0));
    cr_assert_not(check_equations(&check, case_of("mix"), UNS_F32, &table));
    cr_assert_not(check_equations(&check, case_of("move"), UNS_F32, &table));
    check_close(&check);
}

/* Right but for infinity. */
static void scale_to_numbers(size_t n, double k, const void *x, void *out) {
    float *to = out;
    uns_kernels_scalar.of[UNS_F32].scale(n, k, x, out);
    for (size_t i = 0; i < n; i++)
        to[i] = isinf(to[i]) ? 1 : to[i];
}

Test(kern_check, a_number_in_place_of_infinity_is_found) {
    uns_kernels table = wrong_table();
    kern_check check;
    table.of[UNS_F32].scale = scale_to_numbers;
    cr_assert(check_open(&check, NULL, 0));
    cr_assert_not(check_equations(&check, case_of("scale"), UNS_F32, &table));
    cr_assert(strstr(check.finding, "inf"), "%s", check.finding);
    check_close(&check);
}

/* Right but for a threshold: of momentum, and of x. */
static int update_narrow_misplaced(size_t n, const uns_update *update, const uns_reduced *how) {
    uns_reduced other = *how;
    other.start[UNS_KEPT_M] += 0x01000000u;
    return uns_kernels_scalar.update_narrow(n, update, &other);
}
static int update_narrow_misdrawn(size_t n, const uns_update *update, const uns_reduced *how) {
    uns_reduced other = *how;
    other.first++;
    return uns_kernels_scalar.update_narrow(n, update, &other);
}

Test(kern_check, a_wrong_rounding_to_fewer_bits_is_found) {
    uns_kernels tables[2] = {wrong_table(), wrong_table()};
    kern_check check;
    tables[0].update_narrow = update_narrow_misplaced;
    tables[1].update_narrow = update_narrow_misdrawn;
    cr_assert(check_open(&check, NULL, 0));
    for (int i = 0; i < 2; i++) {
        cr_assert_not(check_equations(&check, case_of("update_narrow"), UNS_F32, &tables[i]));
        cr_assert(strstr(check.finding, i ? "array 1[" : "array 2["), "%s", check.finding);
    }
    for (size_t i = 0; i < UNS_COUNT_OF(narrow_cases); i++)
        if (strcmp(narrow_cases[i].types, "ffccc") == 0)
            cr_assert_not(check_equations(&check, &narrow_cases[i], UNS_F32, &tables[0]));
    check_close(&check);
}

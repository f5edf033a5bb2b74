/* SPDX-License-Identifier: MIT
 * Every kernel of every instruction set that this CPU has: the same bits as the scalar table,
 * and the scalar table against a long double oracle. What a kernel's arrays and equations are
 * stands in kern_cases.h; a kernel without a case fails here.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/base.h"

#include "support/kern_cases.h"
#include "support/kern_cases_f64.h"

enum {
    MOST_TABLES = 4,
    MOST_ALIASES = 9
};

static const unsigned isa_bits[MOST_TABLES] = {UNS_ISA_SCALAR, UNS_ISA_AVX2, UNS_ISA_AVX512,
                                               UNS_ISA_NEON};
static const char *const isa_names[MOST_TABLES] = {"scalar", "avx2", "avx512", "neon"};

static size_t tables_here(const uns_kernels *tables[MOST_TABLES]) {
    size_t count = 0;
    for (int i = 0; i < MOST_TABLES; i++) {
        const uns_kernels *table = uns_kernels_select(isa_bits[i]);
        if (strcmp(table->isa, isa_names[i]) == 0)
            tables[count++] = table;
    }
    return count;
}

/* Alias maps: each output on itself or on an array that is only read and has its type and
 * length, no two outputs on one. */
typedef int alias_map[ARRAYS];

static bool may_lie_on(const trial *t, const kern_case *c, int output, int input) {
    if (output == input)
        return true;
    return (c->inputs >> input & 1) && !(c->outputs >> input & 1) && c->shape != shape_matrix &&
           t->types[input] == t->types[output] && t->length[input] == t->length[output];
}

static bool is_legal(const trial *t, const kern_case *c, const alias_map map) {
    for (int j = 0; j < ARRAYS; j++) {
        const bool output = c->outputs >> j & 1;
        if (map[j] != j && (!output || !may_lie_on(t, c, j, map[j])))
            return false;
        for (int i = 0; i < j; i++)
            if (map[j] != j && map[i] == map[j] && i != map[j])
                return false;
    }
    return true;
}

static size_t aliases_of(const trial *t, const kern_case *c, alias_map maps[MOST_ALIASES]) {
    size_t count = 0;
    for (int code = 0; code < 4 * 4 * 4 * 4; code++) {
        const alias_map map = {code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6};
        if (is_legal(t, c, map) && count < MOST_ALIASES)
            memcpy(maps[count++], map, sizeof map);
    }
    return count;
}

static const alias_map apart = {0, 1, 2, 3};

/* What the scalar table made of the arrays apart. */
typedef struct reference {
    unsigned char *after[ARRAYS];
    double result;
} reference;

static void keep_reference(const trial *t, reference *kept) {
    for (int j = 0; j < ARRAYS; j++) {
        kept->after[j] = realloc(kept->after[j], trial_bytes(t, j) + 1);
        cr_assert_not_null(kept->after[j]);
        memcpy(kept->after[j], t->after[j], trial_bytes(t, j));
    }
    kept->result = t->result;
}

static void describe(const trial *t, const kern_case *c, const char *isa, char text[200]) {
    snprintf(text, 200, "%s %s %s n=%zu variant=%d", isa, c->name,
             t->dtype == UNS_F32 ? "f32" : "f64", t->n, t->variant);
}

static void expect_reference(const trial *t, const kern_case *c, const char *isa,
                             const alias_map map, const reference *kept) {
    char where[200];
    describe(t, c, isa, where);
    for (int j = 0; j < ARRAYS; j++) {
        int from = j;
        for (int o = 0; o < ARRAYS; o++)
            if (o != j && map[o] == j)
                from = o;
        cr_assert(memcmp(t->after[j], kept->after[from], trial_bytes(t, j)) == 0,
                  "%s: array %d, lying on %d", where, j, map[j]);
    }
    cr_assert(memcmp(&t->result, &kept->result, sizeof t->result) == 0, "%s: %a, not %a", where,
              t->result, kept->result);
}

/* The scalar table with the arrays apart, then all tables with this map, at two places. */
static void compare_map(trial *t, const kern_case *c, const alias_map map, reference *kept) {
    const uns_kernels *tables[MOST_TABLES];
    const size_t table_count = tables_here(tables);
    for (int j = 0; j < ARRAYS; j++)
        if (map[j] != j)
            memcpy(t->initial[j], t->initial[map[j]], trial_bytes(t, j));
    cr_assert(trial_run(t, c, &uns_kernels_scalar, 0, apart), "%s writes beside", c->name);
    keep_reference(t, kept);
    for (size_t k = 0; k < table_count; k++)
        for (size_t gap = 0; gap < 2; gap++) {
            cr_assert(trial_run(t, c, tables[k], gap, map), "%s %s writes beside",
                      tables[k]->isa, c->name);
            expect_reference(t, c, tables[k]->isa, map, kept);
        }
}

/* Filled anew for each map, and unflushed, to have subnormals. */
static void compare_tables(trial *t, const kern_case *c, bool extreme, bool flushed,
                           reference *kept) {
    alias_map maps[MOST_ALIASES];
    const size_t count = aliases_of(t, c, maps);
    cr_assert(count > 0 && count < MOST_ALIASES);
    for (size_t m = 0; m < count; m++) {
        trial_fill(t, c, extreme);
        const uint64_t mode = flushed ? uns_flush_enter() : 0;
        compare_map(t, c, maps[m], kept);
        if (flushed)
            uns_flush_restore(mode);
    }
}

static size_t next_size(size_t n) {
    return n < 67 ? n + 1 : n == 67 ? 255 : n == 257 ? 4095 : n + 1;
}

static void compare_case(const kern_case *c, uns_dtype dtype) {
    trial t;
    reference kept = {{NULL}, 0};
    cr_assert(trial_open(&t));
    for (size_t n = 0; n <= 4097; n = next_size(n))
        for (int variant = 0; variant < c->variants; variant++) {
            trial_shape(&t, c, dtype, n, variant);
            for (int kind = 0; kind < 4; kind++)
                compare_tables(&t, c, kind >> 1, kind & 1, &kept);
        }
    trial_close(&t);
    for (int j = 0; j < ARRAYS; j++)
        free(kept.after[j]);
}

/* Rounded to the element type, with room for a few roundings of terms as large as `scale`. */
static bool is_near(double got, real want, real scale, bool narrow) {
    const real epsilon = narrow ? FLT_EPSILON : DBL_EPSILON;
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    return got == want || fabsl(got - want) <= 8 * epsilon * scale;
}

static void judge_arrays(const trial *t, const kern_case *c) {
    char where[200];
    describe(t, c, "oracle", where);
    for (int j = 0; j < ARRAYS; j++)
        for (size_t i = 0; i < t->length[j]; i++) {
            const real want = t->want[j][i];
            const double got = (double)trial_get(t, t->after[j], j, i);
            cr_assert(is_near(got, want, t->scale[j][i], trial_is_f32(t, j)),
                      "%s: array %d[%zu] is %a, not %La", where, j, i, got, want);
        }
    cr_assert(is_near(t->result, t->wanted_result, t->result_scale, false), "%s: %a, not %a",
              where, t->result, t->wanted_result);
}

static void judge_case(const kern_case *c, uns_dtype dtype) {
    trial t;
    cr_assert(trial_open(&t));
    for (size_t n = 0; n <= 4097; n = next_size(n))
        for (int variant = 0; variant < c->variants; variant++) {
            trial_shape(&t, c, dtype, n, variant);
            trial_fill(&t, c, false);
            for (int j = 0; j < ARRAYS; j++)
                for (size_t i = 0; i < t.length[j]; i++) {
                    t.in[j][i] = t.want[j][i] = trial_get(&t, t.initial[j], j, i);
                    t.scale[j][i] = 0;
                }
            c->oracle(&t);
            trial_run(&t, c, &uns_kernels_scalar, 0, apart);
            judge_arrays(&t, c);
        }
    trial_close(&t);
}

Test(kern, every_table_gives_the_scalar_bits_in_f64, .timeout = 200) {
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        compare_case(&element_cases[i], UNS_F64);
}

Test(kern, every_table_gives_the_scalar_bits_in_f32, .timeout = 200) {
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        compare_case(&element_cases[i], UNS_F32);
}

Test(kern, every_table_gives_the_scalar_bits_beyond_the_elements, .timeout = 200) {
    for (size_t i = 0; i < UNS_COUNT_OF(f64_cases); i++)
        compare_case(&f64_cases[i], UNS_F64);
}

Test(kern, the_scalar_table_follows_the_equations_in_f64) {
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        judge_case(&element_cases[i], UNS_F64);
}

Test(kern, the_scalar_table_follows_the_equations_in_f32) {
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        judge_case(&element_cases[i], UNS_F32);
}

Test(kern, the_scalar_table_follows_the_equations_beyond_the_elements) {
    for (size_t i = 0; i < UNS_COUNT_OF(f64_cases); i++)
        judge_case(&f64_cases[i], UNS_F64);
}

/* The tables of functions are read as arrays of pointers, so nothing can be left out. */
static void expect_all_covered(const kern_case *cases, size_t count, size_t begin, size_t end) {
    typedef void pointer(void);
    for (size_t offset = begin; offset < end; offset += sizeof(pointer *)) {
        size_t covered = 0;
        for (size_t i = 0; i < count; i++)
            covered += cases[i].offset == offset;
        cr_assert_eq(covered, 1, "the kernel at byte %zu has %zu cases", offset, covered);
    }
}

Test(kern, every_kernel_has_one_case) {
    expect_all_covered(element_cases, UNS_COUNT_OF(element_cases), 0, sizeof(uns_elementwise));
    expect_all_covered(f64_cases, UNS_COUNT_OF(f64_cases), offsetof(uns_kernels, dot),
                       sizeof(uns_kernels));
    cr_assert_eq(offsetof(uns_kernels, of) + 2 * sizeof(uns_elementwise),
                 offsetof(uns_kernels, dot));
}

Test(kern, every_table_is_complete) {
    const uns_kernels *tables[MOST_TABLES];
    const size_t count = tables_here(tables);
    for (size_t k = 0; k < count; k++)
        for (size_t at = 0; at < sizeof(uns_kernels); at += sizeof(void *)) {
            const unsigned char none[sizeof(void *)] = {0};
            cr_assert(memcmp((const unsigned char *)tables[k] + at, none, sizeof none) != 0,
                      "%s lacks the kernel at byte %zu", tables[k]->isa, at);
        }
}

Test(kern, a_signal_of_any_size_has_its_sign_as_root) {
    const uns_root root = {.exponent = 0.5, .correction = 1, .form = UNS_EPSILON_INSIDE};
    const double s[6] = {1e-300, -1e300, 3e-200, -0.3, 0, 2e200};
    double d[6];
    uns_kernels_scalar.of[UNS_F64].precondition_signal(6, &root, s, s, d);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(d[i], (s[i] > 0) - (s[i] < 0));
}

Test(kern, functions_of_arrays_are_those_of_numbers) {
    const double x[7] = {0, 1e-310, 0.3, 1, 7.5, INFINITY, 700};
    double many[3][7];
    uns_kernels_select(0)->exp(7, x, many[0]);
    uns_kernels_select(0)->log(7, x, many[1]);
    uns_kernels_select(0)->pow(7, x, -0.4, many[2]);
    for (int i = 0; i < 7; i++) {
        cr_assert_eq(many[0][i], uns_exp(x[i]));
        cr_assert_eq(many[1][i], uns_log(x[i]));
        cr_assert_eq(many[2][i], uns_pow(x[i], -0.4));
    }
}

Test(dispatch, the_mask_chooses_and_scalar_is_always_left) {
    const uns_kernels *tables[MOST_TABLES];
    const size_t count = tables_here(tables);
    cr_assert_eq(uns_kernels_select(UNS_ISA_SCALAR), &uns_kernels_scalar);
    cr_assert_eq(uns_kernels_select(1u << 31), &uns_kernels_scalar);
    cr_assert_eq(uns_kernels_select(0), tables[count - 1]);
    for (size_t k = 0; k < count; k++)
        cr_log_info("%s", tables[k]->isa);
}

Test(dispatch, a_context_narrows_the_choice) {
    uns_context_config config = {.size = sizeof config, .threads = 1, .isa = UNS_ISA_SCALAR};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_open(&config, &context), UNS_OK);
    cr_assert_str_eq(uns_context_isa(context), "scalar");
    cr_assert_eq(uns_kernels_of(context), &uns_kernels_scalar);
    uns_context_destroy(context);
}

Test(flush, subnormals_are_zero_between_enter_and_restore) {
    volatile double least = DBL_MIN, half = 0.5;
    cr_assert(least * half > 0);
    const uint64_t mode = uns_flush_enter();
    const double flushed = least * half;
    const uint64_t inner = uns_flush_enter();
    uns_flush_restore(inner);
    const double still = least * half;
    uns_flush_restore(mode);
    cr_assert_eq(flushed, 0);
    cr_assert_eq(still, 0);
    cr_assert(least * half > 0);
}

/* SPDX-License-Identifier: MIT
 * Every kernel of every instruction set that this CPU has: the same bits as the scalar table,
 * and the scalar table against a long double oracle. What a kernel's arrays and equations are
 * stands in kern_cases.h; a kernel without a case fails here.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/base.h"

#include "support/kern_check.h"
#include "support/kern_narrow_parts.h"

enum {
    MOST_TABLES = 4
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

static void compare(const kern_case *cases, size_t count, uns_dtype dtype) {
    const uns_kernels *tables[MOST_TABLES];
    kern_check check;
    cr_assert(check_open(&check, tables, tables_here(tables)));
    for (size_t i = 0; i < count; i++)
        cr_assert(check_bits(&check, &cases[i], dtype), "%s", check.finding);
    check_close(&check);
}

static void judge(const kern_case *cases, size_t count, uns_dtype dtype) {
    kern_check check;
    cr_assert(check_open(&check, NULL, 0));
    for (size_t i = 0; i < count; i++)
        cr_assert(check_equations(&check, &cases[i], dtype, &uns_kernels_scalar), "%s",
                  check.finding);
    check_close(&check);
}

Test(kern, every_table_gives_the_scalar_bits_in_f64, .timeout = 200) {
    compare(element_cases, UNS_COUNT_OF(element_cases), UNS_F64);
}

Test(kern, every_table_gives_the_scalar_bits_in_f32, .timeout = 200) {
    compare(element_cases, UNS_COUNT_OF(element_cases), UNS_F32);
}

Test(kern, every_table_gives_the_scalar_bits_beyond_the_elements, .timeout = 200) {
    compare(f64_cases, UNS_COUNT_OF(f64_cases), UNS_F64);
}

Test(kern, every_table_gives_the_scalar_bits_in_fewer_bits, .timeout = 200) {
    compare(narrow_cases, UNS_COUNT_OF(narrow_cases), UNS_F32);
}

Test(kern, the_scalar_table_follows_the_equations_in_f64) {
    judge(element_cases, UNS_COUNT_OF(element_cases), UNS_F64);
}

Test(kern, the_scalar_table_follows_the_equations_in_f32) {
    judge(element_cases, UNS_COUNT_OF(element_cases), UNS_F32);
}

Test(kern, the_scalar_table_follows_the_equations_beyond_the_elements) {
    judge(f64_cases, UNS_COUNT_OF(f64_cases), UNS_F64);
}

Test(kern, the_scalar_table_follows_the_equations_in_fewer_bits) {
    judge(narrow_cases, UNS_COUNT_OF(narrow_cases), UNS_F32);
}

/* A kernel without a case does not compile: tables of functions are arrays of pointers, the
 * lists cannot name what is not in them nor anything twice, and are as long as they are. */
typedef void kernel(void);
#define CASE_OF(kernel, ...) CASE_OF_##kernel,
enum element_case {
    ELEMENT_CASES(CASE_OF) ELEMENT_CASE_COUNT
};
enum f64_case {
    F64_CASES(CASE_OF) F64_CASE_COUNT
};
enum narrow_case {
    NARROW_CASES(CASE_OF) CASE_OF_update_narrow,
    NARROW_CASE_COUNT
};
_Static_assert(ELEMENT_CASE_COUNT == sizeof(uns_elementwise) / sizeof(kernel *),
               "kern_cases.h: one case for each kernel of uns_elementwise");
_Static_assert(offsetof(uns_kernels, dot) ==
                   offsetof(uns_kernels, of) + 2 * sizeof(uns_elementwise),
               "kern.h: kernels of f64 alone begin behind those of both types");
_Static_assert(F64_CASE_COUNT ==
                   (offsetof(uns_kernels, bf16_to_f32) - offsetof(uns_kernels, dot)) /
                       sizeof(kernel *),
               "kern_cases_f64.h: one case for each kernel of f64 alone");
_Static_assert(NARROW_CASE_COUNT == (sizeof(uns_kernels) - offsetof(uns_kernels, bf16_to_f32)) /
                                        sizeof(kernel *),
               "kern_cases_narrow.h: one case for each kernel of fewer bits");

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

/* Whether touch is stopped by this page of array `which`, of `count`; in a child, by the signal
 * that ends it. */
static bool touch_ends(const uns_elementwise *kernel, size_t n, size_t count, size_t which,
                       int protection, size_t page) {
    const size_t bytes = 2 * page;
    unsigned char *base =
        mmap(NULL, 4 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(base != MAP_FAILED);
    void *arrays[4];
    for (size_t j = 0; j < count; j++)
        arrays[j] = base + j * bytes;
    int status = 0;
    const pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGBUS, SIG_DFL);
        if (mprotect(base + which * bytes + page, page, protection) == 0)
            kernel->touch(n, count, arrays);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    (void)munmap(base, 4 * bytes);
    return WIFSIGNALED(status);
}

/* That nothing changes is all that its case can say: a touch of nothing would pass. */
Test(kern, touch_reads_every_array_and_writes_all_but_the_first) {
    const uns_kernels *tables[MOST_TABLES];
    const size_t count = tables_here(tables), page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t k = 0; k < count; k++)
        for (int dtype = 0; dtype < 2; dtype++)
            for (size_t j = 0; j < 4; j++) {
                const uns_elementwise *kernel = &tables[k]->of[dtype];
                const size_t n = 2 * page / uns_dtype_size((uns_dtype)dtype);
                cr_expect(touch_ends(kernel, n, 4, j, PROT_NONE, page), "%s: not read",
                          tables[k]->isa);
                cr_expect_eq(touch_ends(kernel, n, 4, j, PROT_READ, page), j > 0,
                             "%s: array %zu", tables[k]->isa, j);
            }
}

/* What `update_narrow` writes are the bits that its parts write; one NaN is as good as another
 * where f32 keeps it. */
static void expect_bits_of_parts(trial *t, const kern_case *c, size_t n, int variant,
                                 trial_sizes sizes) {
    unsigned char *arrays[ARRAYS];
    trial_shape(t, c, UNS_F32, n, variant);
    if (is_left_out(t))
        return;
    trial_fill(t, c, sizes);
    for (int j = 0; j < ARRAYS; j++) {
        arrays[j] = malloc(trial_bytes(t, j) + 1);
        memcpy(arrays[j], t->initial[j], trial_bytes(t, j));
        if (j >= 2)
            tame_scales(t, arrays[j]);
    }
    compose_update(t, arrays);
    cr_assert(trial_run(t, c, &uns_kernels_scalar, (trial_place){0, false}, apart));
    for (int j = 0; j < ARRAYS; j++) {
        trial_one_nan(t, j, arrays[j]);
        cr_assert_eq(memcmp(arrays[j], t->after[j], trial_bytes(t, j)), 0,
                     "%s n=%zu variant=%d array %d", c->types, n, variant, j);
        free(arrays[j]);
    }
}

Test(kern, update_narrow_has_the_bits_of_its_parts, .timeout = 200) {
    static trial t;
    cr_assert(trial_open(&t));
    for (size_t i = NARROW_CASE_COUNT - 1; i < UNS_COUNT_OF(narrow_cases); i++)
        for (size_t n = 0; n <= 4097; n = next_size(n))
            for (int kind = 0; kind < 4 * narrow_cases[i].variants; kind++) {
                const uint64_t mode = kind & 1 ? uns_flush_enter() : 0;
                expect_bits_of_parts(&t, &narrow_cases[i], n, kind / 4,
                                     kind >> 1 & 1 ? SIZES_EXTREME : SIZES_ORDINARY);
                if (kind & 1)
                    uns_flush_restore(mode);
            }
    trial_close(&t);
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

/* SPDX-License-Identifier: MIT
 * Prints a digest of what every kernel of every instruction set here makes of the trials of
 * test_kern.c, and of the frozen functions and deviates one by one. Two builds, or two
 * machines, agree if they print the same lines; check_kernels.sh compares them.
 *
 * With an argument, trials of extreme numbers under flush-to-zero are left out: whether a
 * result just below the least normal number is flushed differs between architectures.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/base.h"

#include "support/kern_cases.h"
#include "support/kern_cases_f64.h"
#include "support/kern_cases_narrow.h"

/* FNV-1a. */
static uint64_t digest(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *from = data;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ from[i]) * 0x100000001b3u;
    return hash;
}

static const uint64_t digest_start = 0xcbf29ce484222325u;

static uint64_t digest_run(uint64_t hash, trial *t, const kern_case *c,
                           const uns_kernels *table, bool extreme) {
    const int apart[ARRAYS] = {0, 1, 2, 3, 4};
    const trial_place last = {0, false};
    trial_fill(t, c, extreme);
    trial_run(t, c, table, last, apart);
    for (int j = 0; j < ARRAYS; j++)
        hash = digest(hash, t->after[j], trial_bytes(t, j));
    return digest(hash, &t->result, sizeof t->result);
}

static void print_case(trial *t, const kern_case *c, uns_dtype dtype, const uns_kernels *table,
                       bool all) {
    for (int kind = 0; kind < (all ? 4 : 3); kind++) {
        uint64_t hash = digest_start;
        for (size_t n = 0; n < 70; n++)
            for (int variant = 0; variant < c->variants; variant++) {
                trial_shape(t, c, dtype, n, variant);
                trial_fill(t, c, kind >> 1);
                hash = digest_run(hash, t, c, table, kind & 1);
            }
        printf("%s %s %s%s %016" PRIx64 "\n", c->name, dtype == UNS_F32 ? "f32" : "f64",
               kind >> 1 ? "extreme" : "ordinary", kind & 1 ? " flushed" : "", hash);
    }
}

static void print_table(trial *t, const uns_kernels *table, bool all) {
    printf("table %s\n", table->isa);
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        for (int dtype = 0; dtype < 2; dtype++)
            print_case(t, &element_cases[i], (uns_dtype)dtype, table, all);
    for (size_t i = 0; i < UNS_COUNT_OF(f64_cases); i++)
        print_case(t, &f64_cases[i], UNS_F64, table, all);
    for (size_t i = 0; i < UNS_COUNT_OF(narrow_cases); i++)
        print_case(t, &narrow_cases[i], UNS_F32, table, all);
}

static void print_numbers(const trial *t) {
    const uns_key key = {.seed = 9, .step = 4, .replica = 2, .stream = UNS_STREAM_USER};
    uint64_t hash = digest_start;
    for (uint32_t i = 0; i < 20000; i++) {
        const double x = t->normals[i % POOL] * 30;
        const double y[5] = {uns_exp(x), uns_log(fabs(x)), uns_pow(fabs(x), 0.3), uns_sinpi(x),
                             uns_cospi(x)};
        const uint64_t whole[2] = {uns_random_below(key, i, 1000),
                                   uns_random_permuted(key, 20000, i)};
        hash = digest(digest(hash, y, sizeof y), whole, sizeof whole);
    }
    printf("numbers %016" PRIx64 "\n", hash);
}

int main(int count, char **arguments) {
    static const unsigned bits[] = {UNS_ISA_SCALAR, UNS_ISA_AVX2, UNS_ISA_AVX512, UNS_ISA_NEON};
    trial t;
    (void)arguments;
    if (!trial_open(&t))
        return 1;
    print_numbers(&t);
    for (size_t i = 0; i < UNS_COUNT_OF(bits); i++)
        if (i == 0 || uns_kernels_select(bits[i]) != &uns_kernels_scalar)
            print_table(&t, uns_kernels_select(bits[i]), count == 1);
    trial_close(&t);
    return 0;
}

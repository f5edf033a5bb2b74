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

#include "support/kern_check.h"

/* FNV-1a. */
static uint64_t digest(uint64_t hash, const void *data, size_t bytes) {
    const unsigned char *from = data;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ from[i]) * 0x100000001b3u;
    return hash;
}

static const uint64_t digest_start = 0xcbf29ce484222325u;

static uint64_t digest_run(uint64_t hash, kern_check *k, const uns_kernels *table,
                           trial_place place, const alias_map map) {
    trial *t = &k->trial;
    trial_run(t, k->of, table, place, map);
    for (int j = 0; j < ARRAYS; j++)
        hash = digest(hash, t->after[j], trial_bytes(t, j));
    return digest(hash, &t->result, sizeof t->result);
}

/* The last output on the last input that it may lie on; false if there is none. */
static bool some_alias(const kern_check *k, alias_map map) {
    bool any = false;
    memcpy(map, apart, sizeof apart);
    for (int pair = 0; pair < ARRAYS * ARRAYS; pair++)
        if (may_lie_on(&k->trial, k->of, pair / ARRAYS, pair % ARRAYS)) {
            memcpy(map, apart, sizeof apart);
            map[pair / ARRAYS] = pair % ARRAYS;
            any = true;
        }
    return any;
}

/* At the end of a page, the arrays apart; and of some sizes either elsewhere, each aligned in
 * another way, or one array on another. */
static uint64_t digest_places(uint64_t hash, kern_check *k, const uns_kernels *table,
                              trial_sizes sizes, bool flushed) {
    alias_map map;
    trial_fill(&k->trial, k->of, sizes);
    const uint64_t mode = flushed ? uns_flush_enter() : 0;
    hash = digest_run(hash, k, table, (trial_place){0, false}, apart);
    if (k->trial.n % 8 == 5 || k->trial.n == 257)
        hash = digest_run(hash, k, table, (trial_place){1, true}, apart);
    if ((k->trial.n % 8 == 3 || k->trial.n == 511) && some_alias(k, map)) {
        share_contents(&k->trial, map);
        hash = digest_run(hash, k, table, (trial_place){0, false}, map);
    }
    if (flushed)
        uns_flush_restore(mode);
    return hash;
}

/* Whole registers and the rest of them, then the ends of blocks and strips. */
static size_t next_of_bits(size_t n) {
    return n < 69 ? n + 1 : n == 69 ? 255 : n == 257 ? 511 : n == 513 ? 1025 : n + 1;
}

static void print_case(kern_check *k, const kern_case *c, uns_dtype dtype,
                       const uns_kernels *table, bool all) {
    k->of = c;
    for (int kind = 0; kind < (all ? 4 : 3); kind++) {
        const bool extreme = kind >> 1, flushed = kind & 1;
        uint64_t hash = digest_start;
        for (size_t n = 0; n <= 1025; n = next_of_bits(n))
            for (int variant = 0; variant < c->variants; variant++) {
                trial_shape(&k->trial, c, dtype, n, variant);
                hash = digest_places(hash, k, table, extreme ? SIZES_EXTREME : SIZES_ORDINARY,
                                     flushed);
            }
        printf("%s %s %s%s %016" PRIx64 "\n", c->name, dtype == UNS_F32 ? "f32" : "f64",
               extreme ? "extreme" : "ordinary", flushed ? " flushed" : "", hash);
    }
}

static void print_table(kern_check *k, const uns_kernels *table, bool all) {
    printf("table %s\n", table->isa);
    for (size_t i = 0; i < UNS_COUNT_OF(element_cases); i++)
        for (int dtype = 0; dtype < 2; dtype++)
            print_case(k, &element_cases[i], (uns_dtype)dtype, table, all);
    for (size_t i = 0; i < UNS_COUNT_OF(f64_cases); i++)
        print_case(k, &f64_cases[i], UNS_F64, table, all);
    for (size_t i = 0; i < UNS_COUNT_OF(narrow_cases); i++)
        print_case(k, &narrow_cases[i], UNS_F32, table, all);
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
    kern_check check;
    (void)arguments;
    if (!check_open(&check, NULL, 0))
        return 1;
    print_numbers(&check.trial);
    for (size_t i = 0; i < UNS_COUNT_OF(bits); i++)
        if (i == 0 || uns_kernels_select(bits[i]) != &uns_kernels_scalar)
            print_table(&check, uns_kernels_select(bits[i]), count == 1);
    check_close(&check);
    return 0;
}

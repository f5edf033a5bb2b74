/* SPDX-License-Identifier: MIT
 * Randomness: the generator against its published answers and against Random123, the deviates
 * against their definition and their distribution, permutations, and what an address means.
 * The vector kernels are held to these functions by test_kern.c.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/elementary.h>
#include <unsaddle/random.h>

#if defined(__has_include)
#if __has_include(<Random123/philox.h>)
#define HAVE_RANDOM123
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <Random123/philox.h>
#pragma GCC diagnostic pop
#endif
#endif

static const uns_key plain = {
    .seed = 20240229, .step = 3, .replica = 5, .stream = UNS_STREAM_USER};

/* The address whose counter and key are these words. */
static uns_key key_of(const uint32_t counter[4], const uint32_t key[2]) {
    uns_key at = {.seed = (uint64_t)key[1] << 32 | key[0],
                  .step = (uint64_t)(counter[3] & 0xffffff) << 32 | counter[1],
                  .replica = counter[2],
                  .stream = counter[3] >> 24};
    return at;
}

static void expect_words(const uint32_t counter[4], const uint32_t key[2],
                         const uint32_t want[4]) {
    uint32_t got[4];
    uns_random_words(key_of(counter, key), counter[0], got);
    cr_assert(memcmp(got, want, sizeof got) == 0, "%08x %08x %08x %08x", got[0], got[1], got[2],
              got[3]);
}

/* kat_vectors of Random123: philox4x32, 10 rounds. */
Test(philox, known_answers_hold) {
    const uint32_t counters[3][4] = {
        {0, 0, 0, 0}, {~0u, ~0u, ~0u, ~0u}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    const uint32_t keys[3][2] = {{0, 0}, {~0u, ~0u}, {0xa4093822, 0x299f31d0}};
    const uint32_t answers[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                    {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                    {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++)
        expect_words(counters[i], keys[i], answers[i]);
}

Test(philox, agrees_with_random123) {
#ifdef HAVE_RANDOM123
    uint32_t drawn[8];
    for (uint32_t i = 0; i < 20000; i++) {
        uns_random_words(plain, 2 * i, drawn);
        uns_random_words(plain, 2 * i + 1, drawn + 4);
        philox4x32_ctr_t counter = {{drawn[0], drawn[1], drawn[2], drawn[3]}};
        philox4x32_key_t key = {{drawn[4], drawn[5]}};
        philox4x32_ctr_t want = philox4x32(counter, key);
        expect_words(drawn, drawn + 4, want.v);
    }
#else
    cr_skip_test("librandom123-dev is not installed");
#endif
}

Test(random, every_part_of_the_address_counts) {
    const uns_key keys[] = {
        plain,
        {plain.seed + 1, plain.step, plain.replica, plain.stream},
        {plain.seed + (1ull << 32), plain.step, plain.replica, plain.stream},
        {plain.seed, plain.step + 1, plain.replica, plain.stream},
        {plain.seed, plain.step + (1ull << 32), plain.replica, plain.stream},
        {plain.seed, plain.step + (1ull << 55), plain.replica, plain.stream},
        {plain.seed, plain.step, plain.replica + 1, plain.stream},
        {plain.seed, plain.step, plain.replica, plain.stream + 1}};
    const size_t count = sizeof keys / sizeof *keys;
    uint32_t words[2 * sizeof keys / sizeof *keys][4];
    for (size_t i = 0; i < 2 * count; i++)
        uns_random_words(keys[i / 2], (uint32_t)(i % 2), words[i]);
    for (size_t i = 0; i < 2 * count; i++)
        for (size_t j = 0; j < i; j++)
            for (int w = 0; w < 4; w++)
                cr_assert_neq(words[i][w], words[j][w], "%zu and %zu", i, j);
}

Test(random, uniforms_are_the_middles_of_the_upper_52_bits) {
    double got[200];
    uns_random_uniform(plain, 7, 200, got);
    for (uint32_t j = 7; j < 207; j++) {
        uint32_t w[4];
        uns_random_words(plain, j / 2, w);
        const uint64_t half = (uint64_t)w[j % 2 * 2 + 1] << 32 | w[j % 2 * 2];
        const double want = (double)(half >> 12) * 0x1p-52 + 0x1p-53;
        cr_assert_eq(got[j - 7], want);
        cr_assert(got[j - 7] > 0 && got[j - 7] < 1);
    }
}

Test(random, normals_are_box_muller_by_the_frozen_functions) {
    double u[2000], z[2000];
    uns_random_uniform(plain, 0, 2000, u);
    uns_random_normal(plain, 0, 2000, z);
    for (int j = 0; j < 2000; j += 2) {
        const double radius = sqrt(-2 * uns_log(u[j])), turn = 2 * u[j + 1];
        cr_assert_eq(z[j], radius * uns_cospi(turn));
        cr_assert_eq(z[j + 1], radius * uns_sinpi(turn));
    }
}

/* Far from the threads, lanes and chunks that might cut a range differently. */
Test(random, a_range_is_the_same_drawn_in_pieces) {
    double whole[64], piece[64];
    for (int kind = 0; kind < 2; kind++) {
        void (*draw)(uns_key, uint32_t, size_t, double *) =
            kind ? uns_random_normal : uns_random_uniform;
        draw(plain, 1001, 64, whole);
        for (uint32_t cut = 0; cut <= 64; cut++) {
            draw(plain, 1001 + cut, 64 - cut, piece + cut);
            draw(plain, 1001, cut, piece);
            cr_assert(memcmp(whole, piece, sizeof whole) == 0, "cut at %u", cut);
        }
    }
}

Test(random, a_range_reaches_the_last_index) {
    double last[3], alone;
    uns_random_normal(plain, UINT32_MAX - 2, 3, last);
    uns_random_normal(plain, UINT32_MAX, 1, &alone);
    cr_assert_eq(last[2], alone);
}

enum {
    MANY = 1000000
};

static double *many_normals(void) {
    double *z = malloc(MANY * sizeof *z);
    cr_assert_not_null(z);
    uns_random_normal(plain, 0, MANY, z);
    return z;
}

/* Standard deviations of the k-th sample moment: 1, √2, √15, √96 over √n. */
Test(random, normals_have_the_moments_of_a_normal) {
    double *z = many_normals(), sum[5] = {0};
    for (int i = 0; i < MANY; i++)
        for (int k = 1; k < 5; k++)
            sum[k] += pow(z[i], k) / MANY;
    const double want[5] = {0, 0, 1, 0, 3}, variance[5] = {0, 1, 2, 15, 96};
    for (int k = 1; k < 5; k++)
        cr_assert(fabs(sum[k] - want[k]) < 4 * sqrt(variance[k] / MANY), "moment %d: %g", k,
                  sum[k]);
    free(z);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov–Smirnov: √n·distance is beyond 2 with probability 7e-4. */
Test(random, normals_have_the_distribution_of_a_normal) {
    double *z = many_normals(), distance = 0;
    qsort(z, MANY, sizeof *z, ascending);
    for (int i = 0; i < MANY; i++) {
        const double below = 0.5 * erfc(-z[i] / sqrt(2));
        distance = fmax(distance, fmax(below - (double)i / MANY, (i + 1.0) / MANY - below));
    }
    cr_assert(distance * sqrt(MANY) < 2, "%g", distance * sqrt(MANY));
    cr_assert(z[0] < -4.3 && z[0] > -6.5 && z[MANY - 1] > 4.3 && z[MANY - 1] < 6.5);
    free(z);
}

/* Products of deviates that differ by one in one part of the address have mean 0, variance 1.
 */
Test(random, neighbouring_addresses_are_uncorrelated) {
    double sum[4] = {0};
    const uint32_t count = 200000;
    for (uint32_t i = 0; i < count; i++) {
        uns_key key = plain, next_step = plain, next_replica = plain, next_stream = plain;
        key.step = i;
        next_step.step = i + 1;
        next_replica.step = next_stream.step = i;
        next_replica.replica++;
        next_stream.stream++;
        double z[2], other;
        uns_random_normal(key, 0, 2, z);
        sum[0] += z[0] * z[1];
        uns_random_normal(next_step, 0, 1, &other);
        sum[1] += z[0] * other;
        uns_random_normal(next_replica, 0, 1, &other);
        sum[2] += z[0] * other;
        uns_random_normal(next_stream, 0, 1, &other);
        sum[3] += z[0] * other;
    }
    for (int i = 0; i < 4; i++)
        cr_assert(fabs(sum[i]) < 4 * sqrt(count), "pair %d: %g", i, sum[i] / sqrt(count));
}

Test(random, below_is_the_upper_part_of_the_product) {
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t w[4];
        uns_random_words(plain, i, w);
        cr_assert_eq(uns_random_below(plain, i, 1), 0);
        cr_assert_eq(uns_random_below(plain, i, 1ull << 32), w[1]);
        cr_assert_eq(uns_random_below(plain, i, 1 << 20), w[1] >> 12);
        const uint32_t seventh = uns_random_below(plain, i, 7);
        cr_assert(seventh < 7 &&
                  (seventh == 0 || w[1] >= (uint32_t)(seventh * 4294967296.0 / 7)));
    }
}

/* χ² with cells − 1 degrees of freedom, as a normal deviate (Wilson and Hilferty). */
static double chi_square_deviate(const int *count, int cells, double expected) {
    double chi = 0;
    const double freedom = cells - 1;
    for (int i = 0; i < cells; i++)
        chi += (count[i] - expected) * (count[i] - expected) / expected;
    return (cbrt(chi / freedom) - (1 - 2 / (9 * freedom))) / sqrt(2 / (9 * freedom));
}

Test(random, below_is_even) {
    int count[10] = {0};
    for (uint32_t i = 0; i < 100000; i++)
        count[uns_random_below(plain, i, 10)]++;
    cr_assert(fabs(chi_square_deviate(count, 10, 10000)) < 4);
}

static void expect_permutation(uns_key key, uint64_t n) {
    unsigned char *seen = calloc(n, 1);
    cr_assert_not_null(seen);
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t j = uns_random_permuted(key, n, i);
        cr_assert(j < n && !seen[j], "n = %zu, i = %zu", (size_t)n, (size_t)i);
        seen[j] = 1;
    }
    free(seen);
}

Test(permutation, hits_everything_once) {
    uns_key key = plain;
    for (uint64_t n = 1; n <= 300; n++) {
        key.step = n;
        expect_permutation(key, n);
    }
    const uint64_t sizes[] = {1000, 1023, 1024, 1025, 4095, 4096, 4097, 60000, 65536, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        expect_permutation(key, sizes[i]);
}

Test(permutation, takes_the_largest_size) {
    for (uint64_t i = 0; i < 1000; i++) {
        const uint64_t at = uns_random_permuted(plain, 1ull << 32, i);
        cr_assert(at < 1ull << 32);
        cr_assert_neq(at, uns_random_permuted(plain, 1ull << 32, i + 1));
    }
}

/* Where each element goes, and where two neighbours go together, evenly over keys. */
Test(permutation, is_even_over_keys) {
    for (int n = 3; n <= 12; n += 3) {
        int pairs[12 * 12] = {0}, count = 0, cells[12 * 11];
        uns_key key = plain;
        for (key.step = 0; key.step < 20000; key.step++) {
            const uint64_t first = uns_random_permuted(key, (uint64_t)n, 0);
            pairs[first * (uint64_t)n + uns_random_permuted(key, (uint64_t)n, 1)]++;
        }
        for (int i = 0; i < n * n; i++)
            if (i / n != i % n)
                cells[count++] = pairs[i];
        const double deviate = chi_square_deviate(cells, count, 20000.0 / count);
        cr_assert(fabs(deviate) < 4, "n = %d: %g", n, deviate);
    }
}

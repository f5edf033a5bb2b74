/* SPDX-License-Identifier: MIT
 * Counter-based randomness, one number at a time: the scalar instance of philox.inc.h, and
 * what needs whole numbers only (bounded integers, permutations). Rows of replicas and long
 * arrays are faster through the kernels normal_rows, normal and uniform, with the same bits.
 */
#include <unsaddle/random.h>

#include "base/inline.h"
#include "base/vec_scalar.h"

#include "base/frozen.inc.h"
#include "base/philox.inc.h"

static philox_block block_at(uns_key key, uint64_t index) {
    const philox_schedule schedule = philox_schedule_of(key.seed);
    philox_block block = philox_counter(key, index, key.replica);
    philox_rounds(&schedule, 1, &block);
    return block;
}

void uns_random_words(uns_key key, uint32_t index, uint32_t out[4]) {
    const philox_block block = block_at(key, index);
    for (int i = 0; i < 4; i++)
        out[i] = (uint32_t)block.word[i];
}

/* Deviates first .. first + n − 1, two from each block. */
UNS_ALWAYS_INLINE void fill(uns_key key, uint32_t first, size_t n, double *out,
                            philox_deviates *deviates) {
    const uint64_t end = (uint64_t)first + n;
    for (uint64_t j = first & ~1u; j < end; j += 2) {
        const philox_block block = block_at(key, j / 2);
        philox_pair pair;
        deviates(1, &block, &pair);
        if (j >= first)
            out[j - first] = pair.even;
        if (j + 1 < end)
            out[j + 1 - first] = pair.odd;
    }
}

void uns_random_uniform(uns_key key, uint32_t first, size_t n, double *out) {
    fill(key, first, n, out, philox_uniforms);
}

void uns_random_normal(uns_key key, uint32_t first, size_t n, double *out) {
    fill(key, first, n, out, philox_normals);
}

/* ⌊w·bound / 2^64⌋ by halves, w the block's first 64 bits; the sum stays below 2^64. */
uint32_t uns_random_below(uns_key key, uint32_t index, uint64_t bound) {
    const philox_block block = block_at(key, index);
    const uint64_t low = (uint32_t)block.word[0], high = (uint32_t)block.word[1];
    return (uint32_t)((high * bound + (low * bound >> 32)) >> 32);
}

/* Bits of each half of the smallest even-width domain that holds 0..n−1. */
static int half_width(uint64_t n) {
    int half = 1;
    while (half < 16 && (uint64_t)1 << 2 * half < n)
        half++;
    return half;
}

/* One pass of the network. The round number and a half (16 bits) are the block's index. Pairs
 * of images are visibly uneven over keys with 4 rounds for n <= 64, with 6 for n <= 16. */
static uint64_t feistel(uns_key key, int half, uint64_t value) {
    const uint32_t mask = (1u << half) - 1;
    const uint32_t rounds = half <= 3 ? 10 : 6;
    uint32_t left = (uint32_t)(value >> half), right = (uint32_t)value & mask;
    for (uint32_t round = 0; round < rounds; round++) {
        const uint32_t mixed = (uint32_t)block_at(key, round << 16 | right).word[0];
        const uint32_t next = left ^ (mixed & mask);
        left = right;
        right = next;
    }
    return (uint64_t)left << half | right;
}

/* The walk ends: a permutation's cycle through i < n comes back below n. */
uint64_t uns_random_permuted(uns_key key, uint64_t n, uint64_t i) {
    const int half = half_width(n);
    do
        i = feistel(key, half, i);
    while (i >= n);
    return i;
}

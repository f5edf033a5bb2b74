/* SPDX-License-Identifier: MIT
 * Counter-based randomness: every number is a pure function of (seed, stream, replica, step,
 * index), so that resume, thread count and the order of evaluation cannot change it.
 *
 * Generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy
 * as 1, 2, 3"). Key = the seed's two halves, low first. Counter, word by word: index; low 32
 * bits of step; replica; stream << 24 | bits 32..55 of step. Streams: 0..255, steps below 2^56,
 * replicas and indices below 2^32.
 */
#ifndef UNSADDLE_RANDOM_H
#define UNSADDLE_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <unsaddle/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who draws. Instruments own theirs, so switching one on never changes a trajectory. */
typedef enum uns_stream {
    UNS_STREAM_START = 1,    /* initial points */
    UNS_STREAM_GRADIENT = 2, /* batches and gradient noise of the run */
    UNS_STREAM_PROBLEM = 3,  /* a problem's own construction: rotations, data */
    UNS_STREAM_SHUFFLE = 4,  /* epoch permutations */
    UNS_STREAM_BURN_IN = 5,  /* gradients observed before the first move */
    UNS_STREAM_CHECK = 6,    /* self-checks */
    UNS_STREAM_NOISE = 7,    /* noise instrument */
    UNS_STREAM_CURVATURE = 8,
    UNS_STREAM_CERTIFICATE = 9,
    UNS_STREAM_ROUNDING = 10,
    UNS_STREAM_FORECAST = 11,
    UNS_STREAM_STALL = 12, /* looking for stalls, and leaving them */
    UNS_STREAM_USER = 128  /* 128..255 are the caller's */
} uns_stream;

/* The address of one draw. */
typedef struct uns_key {
    uint64_t seed;
    uint64_t step;
    uint32_t replica;
    uint32_t stream; /* uns_stream */
} uns_key;

/* Four 32-bit words at (key, index). Cost: about 10 ns. */
UNS_API void uns_random_words(uns_key key, uint32_t index, uint32_t out[4]);

/* n deviates at indices first, first+1, ... Each index j draws from block j/2, half j%2.
 *   uniform: (w + 1/2)·2^-52 with w the block half's top 52 bits; in (0, 1), exact. Halves
 *            are words 0, 1 and 2, 3, the later word on top
 *   normal:  Box–Muller on the block's two uniforms (u0, u1):
 *            even j: √(−2 ln u0)·cos 2πu1;  odd j: √(−2 ln u0)·sin 2πu1
 * log, cos and sin are the frozen ones of elementary.h: identical bits on every machine. */
UNS_API void uns_random_uniform(uns_key key, uint32_t first, size_t n, double *out);
UNS_API void uns_random_normal(uns_key key, uint32_t first, size_t n, double *out);

/* A whole number below `bound` (1 to 2^32), unbiased to 2^-32: ⌊w·bound / 2^64⌋ with w the
 * first half of the block at (key, index). */
UNS_API uint32_t uns_random_below(uns_key key, uint32_t index, uint64_t bound);

/* The i-th element, i < n, of a pseudorandom permutation of 0..n-1 chosen by the key: a keyed
 * Feistel network with cycle walking, so that an epoch's order needs no memory and no state.
 * 1 <= n <= 2^32. Cost: 6 Philox blocks (10 for n <= 64), on average up to 4 times that by the
 * walking. */
UNS_API uint64_t uns_random_permuted(uns_key key, uint64_t n, uint64_t i);

#ifdef __cplusplus
}
#endif
#endif

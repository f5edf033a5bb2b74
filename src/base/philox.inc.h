/* SPDX-License-Identifier: MIT
 * Template: Philox4x32-10 and the deviates made from its blocks, over one vector vocabulary;
 * base/inline.h and frozen.inc.h to be included before. random.h says what an address means.
 *
 * J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1,
 * 2, 3" (SC 2011). G. E. P. Box, M. E. Muller, "A note on the generation of random normal
 * deviates" (1958).
 */

/* The four 32-bit words of a block, or of a counter: each in the low half of its lane, with
 * anything in the high half, which saves a mask after every product. */
typedef struct philox_block {
    u64v word[4];
} philox_block;

/* The round keys: key + round·(golden ratio, √3 − 1), the halves apart. */
typedef struct philox_schedule {
    u64v low[10], high[10];
} philox_schedule;

static inline philox_schedule philox_schedule_of(uint64_t seed) {
    philox_schedule schedule;
    uint32_t low = (uint32_t)seed, high = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        schedule.low[round] = u64_set(low);
        schedule.high[round] = u64_set(high);
        low += 0x9E3779B9u;
        high += 0xBB67AE85u;
    }
    return schedule;
}

/* `count` registers of blocks, a constant: one block's rounds wait for each other some 80
 * cycles, several side by side fill the gaps. */
UNS_ALWAYS_INLINE void philox_rounds(const philox_schedule *schedule, int count,
                                     philox_block *x) {
    const u64v first = u64_set(0xD2511F53u), second = u64_set(0xCD9E8D57u);
    for (int round = 0; round < 10; round++) {
        const u64v low = schedule->low[round], high = schedule->high[round];
        for (int i = 0; i < count; i++) {
            u64v *w = x[i].word;
            const u64v a = u64_multiply(w[0], first), b = u64_multiply(w[2], second);
            w[0] = u64_xor(u64_shift_right(b, 32), u64_xor(w[1], low));
            w[2] = u64_xor(u64_shift_right(a, 32), u64_xor(w[3], high));
            w[1] = b;
            w[3] = a;
        }
    }
}

/* The counter of random.h at (key, index); replica in place of key's. */
static inline philox_block philox_counter(uns_key key, u64v index, u64v replica) {
    const uint64_t top = (uint64_t)key.stream << 24 | (key.step >> 32 & 0xffffffu);
    philox_block counter = {{index, u64_set(key.step), replica, u64_set(top)}};
    return counter;
}

/* Two numbers from one block. */
typedef struct philox_pair {
    f64v even, odd;
} philox_pair;

/* (w + ½)·2^-52, w the upper 52 bits of a block half: w read as a fraction above 1, less 1. */
static inline f64v philox_uniform(u64v low, u64v high) {
    const u64v fraction = u64_shift_right(u64_join(low, high), 12);
    return f64_sub(f64_from_bits(u64_or(fraction, u64_set(0x3ff0000000000000u))),
                   f64_set(1 - 0x1p-53));
}

UNS_ALWAYS_INLINE void philox_uniforms(int count, const philox_block *x, philox_pair *out) {
    for (int i = 0; i < count; i++) {
        out[i].even = philox_uniform(x[i].word[0], x[i].word[1]);
        out[i].odd = philox_uniform(x[i].word[2], x[i].word[3]);
    }
}

/* Box–Muller. The uniforms are in (0, 1) and the double of one is no multiple of ½, so the
 * frozen functions' special cases cannot occur and are left out. Two loops, not one: the
 * registers' logarithms overlap only when they are near each other in the instruction stream.
 */
UNS_ALWAYS_INLINE void philox_normals(int count, const philox_block *x, philox_pair *out) {
    philox_uniforms(count, x, out);
    for (int i = 0; i < count; i++)
        out[i].even = f64_sqrt(f64_mul(f64_set(-2), frozen_log_normal(out[i].even)));
    for (int i = 0; i < count; i++) {
        const f64v radius = out[i].even;
        const frozen_turn turn = frozen_turn_normal(f64_add(out[i].odd, out[i].odd));
        out[i].even = f64_mul(radius, turn.cosine);
        out[i].odd = f64_mul(radius, turn.sine);
    }
}

typedef void philox_deviates(int count, const philox_block *x, philox_pair *out);

/* SPDX-License-Identifier: MIT
 * The vector vocabulary with one lane, in plain C: the words that the templates (*.inc.h) are
 * written in. vec_avx2.h, vec_avx512.h and vec_neon.h of src/kern say the same words for wider
 * registers; a file includes exactly one of the four, then templates. Not a vector library:
 * only what the templates use.
 *
 *   f64v f32v u64v u32v  registers of F64_LANES doubles, F32_LANES floats, and as many words
 *   f64_mask f32_mask  the result of a comparison, one truth value a lane
 *   load, store        the first m elements (m >= 1); m at or above the lanes means all of
 *                      them; lanes beyond m are loaded as 0 and not stored
 *   load_f32 store_f32 the same on floats in memory, converted from and to f64 lanes
 *   select(c, a, b)    c ? a : b. There is no max: hardware max flushes subnormals under DAZ,
 *                      a select does not, and compilers swap one for the other
 *   zip_low zip_high   the two halves of a[0] b[0] a[1] b[1] ...
 *   u64_multiply       product of the low 32 bits of each lane, 64 bits wide
 *   load_u16 store_u16 of 32-bit lanes: 16-bit words in memory, widened with zeros; what is
 *                      stored must fit
 *   u16v               2·F32_LANES words of 16 bits; loads and stores are of all of them, and
 *                      load_u8 and store_u8 of as many bytes
 *   u16_sub_to_zero    a − b, 0 where b is larger
 *   u16_add_to_nonzero a + b where a & bits is not 0, else a
 *   u16_top            the upper halves of a's lanes, then of b's; u32_under_first and _second
 *                      make such lanes of v's first or second half, with zeros below
 *   u64_join           low's low 32 bits below high's low 32 bits
 */
#ifndef UNS_VEC_SCALAR_H
#define UNS_VEC_SCALAR_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define F64_LANES 1
#define F32_LANES 1

typedef double f64v;
typedef float f32v;
typedef uint64_t u64v;
typedef uint32_t u32v;
typedef struct u16v {
    uint16_t at[2];
} u16v;
typedef bool f64_mask;
typedef bool f32_mask;

static inline f64v f64_load(const double *from, size_t m) {
    (void)m;
    return *from;
}
static inline void f64_store(double *to, f64v v, size_t m) {
    (void)m;
    *to = v;
}
static inline f64v f64_load_f32(const float *from, size_t m) {
    (void)m;
    return (double)*from;
}
static inline void f64_store_f32(float *to, f64v v, size_t m) {
    (void)m;
    *to = (float)v;
}
static inline f64v f64_set(double x) {
    return x;
}
static inline f64v f64_add(f64v a, f64v b) {
    return a + b;
}
static inline f64v f64_sub(f64v a, f64v b) {
    return a - b;
}
static inline f64v f64_mul(f64v a, f64v b) {
    return a * b;
}
static inline f64v f64_div(f64v a, f64v b) {
    return a / b;
}
static inline f64v f64_sqrt(f64v a) {
    return sqrt(a);
}
static inline f64_mask f64_gt(f64v a, f64v b) {
    return a > b;
}
static inline f64_mask f64_eq(f64v a, f64v b) {
    return a == b;
}
static inline f64v f64_select(f64_mask c, f64v a, f64v b) {
    return c ? a : b;
}
static inline bool f64_all(f64_mask c) {
    return c;
}
static inline u64v f64_bits(f64v a) {
    u64v bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
static inline f64v f64_from_bits(u64v bits) {
    f64v a;
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline f64v f64_abs(f64v a) {
    return f64_from_bits(f64_bits(a) & 0x7fffffffffffffffu);
}
static inline f64v f64_copysign(f64v size, f64v sign) {
    const u64v top = 0x8000000000000000u;
    return f64_from_bits((f64_bits(size) & ~top) | (f64_bits(sign) & top));
}
static inline f64v f64_zip_low(f64v a, f64v b) {
    (void)b;
    return a;
}
static inline f64v f64_zip_high(f64v a, f64v b) {
    (void)a;
    return b;
}

static inline u64v u64_set(uint64_t x) {
    return x;
}
static inline u64v u64_ascending(void) {
    return 0;
}
static inline u64v u64_add(u64v a, u64v b) {
    return a + b;
}
static inline u64v u64_xor(u64v a, u64v b) {
    return a ^ b;
}
static inline u64v u64_and(u64v a, u64v b) {
    return a & b;
}
static inline u64v u64_or(u64v a, u64v b) {
    return a | b;
}
static inline u64v u64_shift_left(u64v a, int by) {
    return a << by;
}
static inline u64v u64_shift_right(u64v a, int by) {
    return a >> by;
}
static inline u64v u64_multiply(u64v a, u64v b) {
    return (a & 0xffffffffu) * (b & 0xffffffffu);
}
static inline u64v u64_join(u64v low, u64v high) {
    return (low & 0xffffffffu) | (high << 32);
}
static inline f64_mask u64_odd(u64v a) {
    return a & 1;
}

static inline f32v f32_load(const float *from, size_t m) {
    (void)m;
    return *from;
}
static inline void f32_store(float *to, f32v v, size_t m) {
    (void)m;
    *to = v;
}
static inline f32v f32_set(float x) {
    return x;
}
static inline f32v f32_add(f32v a, f32v b) {
    return a + b;
}
static inline f32v f32_sub(f32v a, f32v b) {
    return a - b;
}
static inline f32v f32_mul(f32v a, f32v b) {
    return a * b;
}
static inline f32v f32_div(f32v a, f32v b) {
    return a / b;
}
static inline f32v f32_sqrt(f32v a) {
    return sqrtf(a);
}
static inline f32_mask f32_gt(f32v a, f32v b) {
    return a > b;
}
static inline f32_mask f32_eq(f32v a, f32v b) {
    return a == b;
}
static inline f32v f32_select(f32_mask c, f32v a, f32v b) {
    return c ? a : b;
}
static inline bool f32_all(f32_mask c) {
    return c;
}
static inline f32v f32_abs(f32v a) {
    uint32_t bits;
    memcpy(&bits, &a, sizeof bits);
    bits &= 0x7fffffffu;
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline f32v f32_copysign(f32v size, f32v sign) {
    uint32_t a, b;
    memcpy(&a, &size, sizeof a);
    memcpy(&b, &sign, sizeof b);
    a = (a & 0x7fffffffu) | (b & 0x80000000u);
    memcpy(&size, &a, sizeof size);
    return size;
}

static inline u32v f32_bits(f32v a) {
    u32v bits;
    memcpy(&bits, &a, sizeof bits);
    return bits;
}
static inline f32v f32_from_bits(u32v bits) {
    f32v a;
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline u32v u32_set(uint32_t x) {
    return x;
}
static inline u32v u32_ascending(void) {
    return 0;
}
static inline uint32_t u32_largest(u32v v) {
    return v;
}
static inline u32v u32_load_u16(const uint16_t *from, size_t m) {
    (void)m;
    return *from;
}
static inline void u32_store_u16(uint16_t *to, u32v v, size_t m) {
    (void)m;
    *to = (uint16_t)v;
}
static inline u32v u32_add(u32v a, u32v b) {
    return a + b;
}
static inline u32v u32_sub(u32v a, u32v b) {
    return a - b;
}
static inline u32v u32_multiply(u32v a, u32v b) {
    return a * b;
}
static inline u32v u32_and(u32v a, u32v b) {
    return a & b;
}
static inline u32v u32_or(u32v a, u32v b) {
    return a | b;
}
static inline u32v u32_xor(u32v a, u32v b) {
    return a ^ b;
}
static inline u32v u32_max(u32v a, u32v b) {
    return a > b ? a : b;
}
static inline u32v u32_shift_left(u32v a, int by) {
    return a << by;
}
static inline u32v u32_shift_right(u32v a, int by) {
    return a >> by;
}

static inline u16v u16_load(const uint16_t *from) {
    return (u16v){{from[0], from[1]}};
}
static inline void u16_store(uint16_t *to, u16v v) {
    to[0] = v.at[0];
    to[1] = v.at[1];
}
static inline u16v u16_load_u8(const uint8_t *from) {
    return (u16v){{from[0], from[1]}};
}
static inline void u16_store_u8(uint8_t *to, u16v v) {
    to[0] = (uint8_t)v.at[0];
    to[1] = (uint8_t)v.at[1];
}
static inline u16v u16_set(uint16_t x) {
    return (u16v){{x, x}};
}
#define UNS_EACH_U16(name, expression)                                                         \
    static inline uint16_t name##_one(uint16_t x, uint16_t y) {                                \
        return (uint16_t)(expression);                                                         \
    }                                                                                          \
    static inline u16v name(u16v a, u16v b) {                                                  \
        return (u16v){{name##_one(a.at[0], b.at[0]), name##_one(a.at[1], b.at[1])}};           \
    }
UNS_EACH_U16(u16_and, x &y)
UNS_EACH_U16(u16_or, x | y)
UNS_EACH_U16(u16_min, x < y ? x : y)
UNS_EACH_U16(u16_max, x > y ? x : y)
UNS_EACH_U16(u16_sub_to_zero, x > y ? x - y : 0)
#undef UNS_EACH_U16
static inline u16v u16_add_to_nonzero(u16v a, u16v bits, u16v b) {
    for (int i = 0; i < 2; i++)
        if (a.at[i] & bits.at[i])
            a.at[i] = (uint16_t)(a.at[i] + b.at[i]);
    return a;
}
static inline u16v u16_shift_left(u16v a, int by) {
    return (u16v){{(uint16_t)(a.at[0] << by), (uint16_t)(a.at[1] << by)}};
}
static inline u16v u16_shift_right(u16v a, int by) {
    return (u16v){{(uint16_t)(a.at[0] >> by), (uint16_t)(a.at[1] >> by)}};
}
static inline u16v u16_top(u32v a, u32v b) {
    return (u16v){{(uint16_t)(a >> 16), (uint16_t)(b >> 16)}};
}
static inline u32v u32_under_first(u16v v) {
    return (u32v)v.at[0] << 16;
}
static inline u32v u32_under_second(u16v v) {
    return (u32v)v.at[1] << 16;
}

#endif

/* SPDX-License-Identifier: MIT
 * The vector vocabulary of base/vec_scalar.h (which says what each word means) for AArch64
 * Advanced SIMD: 2 doubles, 4 floats. Fused multiply-add is left out on purpose.
 */
#ifndef UNS_VEC_NEON_H
#define UNS_VEC_NEON_H

#include <arm_neon.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define F64_LANES 2
#define F32_LANES 4

typedef float64x2_t f64v;
typedef float32x4_t f32v;
typedef uint64x2_t u64v;
typedef uint32x4_t u32v;
typedef uint16x8_t u16v;
typedef uint64x2_t f64_mask;
typedef uint32x4_t f32_mask;

static inline f64v f64_load(const double *from, size_t m) {
    return m >= F64_LANES ? vld1q_f64(from) : vsetq_lane_f64(*from, vdupq_n_f64(0), 0);
}
static inline void f64_store(double *to, f64v v, size_t m) {
    if (m >= F64_LANES)
        vst1q_f64(to, v);
    else
        vst1q_lane_f64(to, v, 0);
}
static inline f64v f64_load_f32(const float *from, size_t m) {
    const float32x2_t zero = vdup_n_f32(0);
    return vcvt_f64_f32(m >= F64_LANES ? vld1_f32(from) : vset_lane_f32(*from, zero, 0));
}
static inline void f64_store_f32(float *to, f64v v, size_t m) {
    if (m >= F64_LANES)
        vst1_f32(to, vcvt_f32_f64(v));
    else
        vst1_lane_f32(to, vcvt_f32_f64(v), 0);
}
static inline f64v f64_set(double x) {
    return vdupq_n_f64(x);
}
static inline f64v f64_add(f64v a, f64v b) {
    return vaddq_f64(a, b);
}
static inline f64v f64_sub(f64v a, f64v b) {
    return vsubq_f64(a, b);
}
static inline f64v f64_mul(f64v a, f64v b) {
    return vmulq_f64(a, b);
}
static inline f64v f64_div(f64v a, f64v b) {
    return vdivq_f64(a, b);
}
static inline f64v f64_sqrt(f64v a) {
    return vsqrtq_f64(a);
}
static inline f64_mask f64_gt(f64v a, f64v b) {
    return vcgtq_f64(a, b);
}
static inline f64_mask f64_eq(f64v a, f64v b) {
    return vceqq_f64(a, b);
}
static inline f64v f64_select(f64_mask c, f64v a, f64v b) {
    return vbslq_f64(c, a, b);
}
static inline bool f64_all(f64_mask c) {
    return (vgetq_lane_u64(c, 0) & vgetq_lane_u64(c, 1)) != 0;
}
static inline u64v f64_bits(f64v a) {
    return vreinterpretq_u64_f64(a);
}
static inline f64v f64_from_bits(u64v bits) {
    return vreinterpretq_f64_u64(bits);
}
static inline f64v f64_abs(f64v a) {
    return vabsq_f64(a);
}
static inline f64v f64_copysign(f64v size, f64v sign) {
    return vbslq_f64(vdupq_n_u64(0x8000000000000000u), sign, size);
}
static inline f64v f64_zip_low(f64v a, f64v b) {
    return vzip1q_f64(a, b);
}
static inline f64v f64_zip_high(f64v a, f64v b) {
    return vzip2q_f64(a, b);
}

static inline u64v u64_set(uint64_t x) {
    return vdupq_n_u64(x);
}
static inline u64v u64_ascending(void) {
    return vsetq_lane_u64(1, vdupq_n_u64(0), 1);
}
static inline u64v u64_add(u64v a, u64v b) {
    return vaddq_u64(a, b);
}
static inline u64v u64_xor(u64v a, u64v b) {
    return veorq_u64(a, b);
}
static inline u64v u64_and(u64v a, u64v b) {
    return vandq_u64(a, b);
}
static inline u64v u64_or(u64v a, u64v b) {
    return vorrq_u64(a, b);
}
static inline u64v u64_shift_left(u64v a, int by) {
    return vshlq_u64(a, vdupq_n_s64(by));
}
static inline u64v u64_shift_right(u64v a, int by) {
    return vshlq_u64(a, vdupq_n_s64(-by));
}
static inline u64v u64_multiply(u64v a, u64v b) {
    return vmull_u32(vmovn_u64(a), vmovn_u64(b));
}
static inline u64v u64_join(u64v low, u64v high) {
    return vsliq_n_u64(low, high, 32);
}
static inline f64_mask u64_odd(u64v a) {
    return vtstq_u64(a, vdupq_n_u64(1));
}

/* Part of a register goes by way of memory: it happens once at the end of an array. */
static inline f32v f32_load(const float *from, size_t m) {
    if (m >= F32_LANES)
        return vld1q_f32(from);
    float part[F32_LANES] = {0};
    memcpy(part, from, m * sizeof *part);
    return vld1q_f32(part);
}
static inline void f32_store(float *to, f32v v, size_t m) {
    if (m >= F32_LANES) {
        vst1q_f32(to, v);
        return;
    }
    float part[F32_LANES];
    vst1q_f32(part, v);
    memcpy(to, part, m * sizeof *part);
}
static inline f32v f32_set(float x) {
    return vdupq_n_f32(x);
}
static inline f32v f32_add(f32v a, f32v b) {
    return vaddq_f32(a, b);
}
static inline f32v f32_sub(f32v a, f32v b) {
    return vsubq_f32(a, b);
}
static inline f32v f32_mul(f32v a, f32v b) {
    return vmulq_f32(a, b);
}
static inline f32v f32_div(f32v a, f32v b) {
    return vdivq_f32(a, b);
}
static inline f32v f32_sqrt(f32v a) {
    return vsqrtq_f32(a);
}
static inline f32_mask f32_gt(f32v a, f32v b) {
    return vcgtq_f32(a, b);
}
static inline f32_mask f32_eq(f32v a, f32v b) {
    return vceqq_f32(a, b);
}
static inline f32v f32_select(f32_mask c, f32v a, f32v b) {
    return vbslq_f32(c, a, b);
}
static inline bool f32_all(f32_mask c) {
    return vminvq_u32(c) != 0;
}
static inline f32v f32_abs(f32v a) {
    return vabsq_f32(a);
}
static inline f32v f32_copysign(f32v size, f32v sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, size);
}

static inline u32v f32_bits(f32v a) {
    return vreinterpretq_u32_f32(a);
}
static inline f32v f32_from_bits(u32v bits) {
    return vreinterpretq_f32_u32(bits);
}
static inline u32v u32_set(uint32_t x) {
    return vdupq_n_u32(x);
}
static inline u32v u32_ascending(void) {
    static const uint32_t ascending[F32_LANES] = {0, 1, 2, 3};
    return vld1q_u32(ascending);
}
static inline uint32_t u32_largest(u32v v) {
    return vmaxvq_u32(v);
}
static inline u32v u32_load_u16(const uint16_t *from, size_t m) {
    uint16_t part[F32_LANES] = {0};
    if (m >= F32_LANES)
        return vmovl_u16(vld1_u16(from));
    memcpy(part, from, m * sizeof *part);
    return vmovl_u16(vld1_u16(part));
}
static inline void u32_store_u16(uint16_t *to, u32v v, size_t m) {
    uint16_t part[F32_LANES];
    vst1_u16(part, vmovn_u32(v));
    memcpy(to, part, (m < F32_LANES ? m : F32_LANES) * sizeof *part);
}
static inline u32v u32_add(u32v a, u32v b) {
    return vaddq_u32(a, b);
}
static inline u32v u32_sub(u32v a, u32v b) {
    return vsubq_u32(a, b);
}
static inline u32v u32_multiply(u32v a, u32v b) {
    return vmulq_u32(a, b);
}
static inline u32v u32_and(u32v a, u32v b) {
    return vandq_u32(a, b);
}
static inline u32v u32_or(u32v a, u32v b) {
    return vorrq_u32(a, b);
}
static inline u32v u32_xor(u32v a, u32v b) {
    return veorq_u32(a, b);
}
static inline u32v u32_max(u32v a, u32v b) {
    return vmaxq_u32(a, b);
}
static inline u32v u32_shift_left(u32v a, int by) {
    return vshlq_u32(a, vdupq_n_s32(by));
}
static inline u32v u32_shift_right(u32v a, int by) {
    return vshlq_u32(a, vdupq_n_s32(-by));
}

static inline u16v u16_load(const uint16_t *from) {
    return vld1q_u16(from);
}
static inline void u16_store(uint16_t *to, u16v v) {
    vst1q_u16(to, v);
}
static inline u16v u16_load_u8(const uint8_t *from) {
    return vmovl_u8(vld1_u8(from));
}
static inline void u16_store_u8(uint8_t *to, u16v v) {
    vst1_u8(to, vmovn_u16(v));
}
static inline u16v u16_set(uint16_t x) {
    return vdupq_n_u16(x);
}
static inline u16v u16_and(u16v a, u16v b) {
    return vandq_u16(a, b);
}
static inline u16v u16_or(u16v a, u16v b) {
    return vorrq_u16(a, b);
}
static inline u16v u16_min(u16v a, u16v b) {
    return vminq_u16(a, b);
}
static inline u16v u16_max(u16v a, u16v b) {
    return vmaxq_u16(a, b);
}
static inline u16v u16_sub_to_zero(u16v a, u16v b) {
    return vqsubq_u16(a, b);
}
static inline u16v u16_add_to_nonzero(u16v a, u16v bits, u16v b) {
    return vaddq_u16(a, vandq_u16(vtstq_u16(a, bits), b));
}
static inline u16v u16_shift_left(u16v a, int by) {
    return vshlq_u16(a, vdupq_n_s16((int16_t)by));
}
static inline u16v u16_shift_right(u16v a, int by) {
    return vshlq_u16(a, vdupq_n_s16((int16_t)-by));
}
static inline u16v u16_top(u32v a, u32v b) {
    return vuzp2q_u16(vreinterpretq_u16_u32(a), vreinterpretq_u16_u32(b));
}
static inline u32v u32_under_first(u16v v) {
    return vshll_n_u16(vget_low_u16(v), 16);
}
static inline u32v u32_under_second(u16v v) {
    return vshll_n_u16(vget_high_u16(v), 16);
}

#endif

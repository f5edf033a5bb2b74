/* SPDX-License-Identifier: MIT
 * The vector vocabulary of base/vec_scalar.h (which says what each word means) for AVX-512 (F,
 * BW, DQ and VL): 8 doubles, 16 floats. FMA is left out on purpose.
 */
#ifndef UNS_VEC_AVX512_H
#define UNS_VEC_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define F64_LANES 8
#define F32_LANES 16

typedef __m512d f64v;
typedef __m512 f32v;
typedef __m512i u64v;
typedef __m512i u32v;
typedef __m512i u16v;
typedef __mmask8 f64_mask;
typedef __mmask16 f32_mask;

static inline __mmask8 avx512_first_f64(size_t m) {
    return (__mmask8)((1u << m) - 1);
}
static inline __mmask16 avx512_first_f32(size_t m) {
    return (__mmask16)((1u << m) - 1);
}

static inline f64v f64_load(const double *from, size_t m) {
    return m >= F64_LANES ? _mm512_loadu_pd(from)
                          : _mm512_maskz_loadu_pd(avx512_first_f64(m), from);
}
static inline void f64_store(double *to, f64v v, size_t m) {
    if (m >= F64_LANES)
        _mm512_storeu_pd(to, v);
    else
        _mm512_mask_storeu_pd(to, avx512_first_f64(m), v);
}
static inline f64v f64_load_f32(const float *from, size_t m) {
    if (m >= F64_LANES)
        return _mm512_cvtps_pd(_mm256_loadu_ps(from));
    const __m512 part = _mm512_maskz_loadu_ps(avx512_first_f32(m), from);
    return _mm512_cvtps_pd(_mm512_castps512_ps256(part));
}
static inline void f64_store_f32(float *to, f64v v, size_t m) {
    if (m >= F64_LANES)
        _mm256_storeu_ps(to, _mm512_cvtpd_ps(v));
    else
        _mm512_mask_storeu_ps(to, avx512_first_f32(m),
                              _mm512_castps256_ps512(_mm512_cvtpd_ps(v)));
}
static inline f64v f64_set(double x) {
    return _mm512_set1_pd(x);
}
static inline f64v f64_add(f64v a, f64v b) {
    return _mm512_add_pd(a, b);
}
static inline f64v f64_sub(f64v a, f64v b) {
    return _mm512_sub_pd(a, b);
}
static inline f64v f64_mul(f64v a, f64v b) {
    return _mm512_mul_pd(a, b);
}
static inline f64v f64_div(f64v a, f64v b) {
    return _mm512_div_pd(a, b);
}
static inline f64v f64_sqrt(f64v a) {
    return _mm512_sqrt_pd(a);
}
static inline f64_mask f64_gt(f64v a, f64v b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ);
}
static inline f64_mask f64_eq(f64v a, f64v b) {
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}
static inline f64v f64_select(f64_mask c, f64v a, f64v b) {
    return _mm512_mask_blend_pd(c, b, a);
}
static inline bool f64_all(f64_mask c) {
    return c == 0xff;
}
static inline u64v f64_bits(f64v a) {
    return _mm512_castpd_si512(a);
}
static inline f64v f64_from_bits(u64v bits) {
    return _mm512_castsi512_pd(bits);
}
static inline f64v f64_abs(f64v a) {
    return _mm512_andnot_pd(_mm512_set1_pd(-0.0), a);
}
static inline f64v f64_copysign(f64v size, f64v sign) {
    const __m512d top = _mm512_set1_pd(-0.0);
    return _mm512_or_pd(_mm512_andnot_pd(top, size), _mm512_and_pd(top, sign));
}
static inline f64v f64_zip_low(f64v a, f64v b) {
    const __m512i order = _mm512_set_epi64(11, 3, 10, 2, 9, 1, 8, 0);
    return _mm512_permutex2var_pd(a, order, b);
}
static inline f64v f64_zip_high(f64v a, f64v b) {
    const __m512i order = _mm512_set_epi64(15, 7, 14, 6, 13, 5, 12, 4);
    return _mm512_permutex2var_pd(a, order, b);
}

static inline u64v u64_set(uint64_t x) {
    return _mm512_set1_epi64((int64_t)x);
}
static inline u64v u64_ascending(void) {
    return _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
}
static inline u64v u64_add(u64v a, u64v b) {
    return _mm512_add_epi64(a, b);
}
static inline u64v u64_xor(u64v a, u64v b) {
    return _mm512_xor_si512(a, b);
}
static inline u64v u64_and(u64v a, u64v b) {
    return _mm512_and_si512(a, b);
}
static inline u64v u64_or(u64v a, u64v b) {
    return _mm512_or_si512(a, b);
}
static inline u64v u64_shift_left(u64v a, int by) {
    return _mm512_slli_epi64(a, (unsigned)by);
}
static inline u64v u64_shift_right(u64v a, int by) {
    return _mm512_srli_epi64(a, (unsigned)by);
}
static inline u64v u64_multiply(u64v a, u64v b) {
    return _mm512_mul_epu32(a, b);
}
static inline u64v u64_join(u64v low, u64v high) {
    return _mm512_mask_shuffle_epi32(low, 0xaaaa, high, (_MM_PERM_ENUM)0xa0);
}
static inline f64_mask u64_odd(u64v a) {
    return _mm512_test_epi64_mask(a, _mm512_set1_epi64(1));
}

static inline f32v f32_load(const float *from, size_t m) {
    return m >= F32_LANES ? _mm512_loadu_ps(from)
                          : _mm512_maskz_loadu_ps(avx512_first_f32(m), from);
}
static inline void f32_store(float *to, f32v v, size_t m) {
    if (m >= F32_LANES)
        _mm512_storeu_ps(to, v);
    else
        _mm512_mask_storeu_ps(to, avx512_first_f32(m), v);
}
static inline f32v f32_set(float x) {
    return _mm512_set1_ps(x);
}
static inline f32v f32_add(f32v a, f32v b) {
    return _mm512_add_ps(a, b);
}
static inline f32v f32_sub(f32v a, f32v b) {
    return _mm512_sub_ps(a, b);
}
static inline f32v f32_mul(f32v a, f32v b) {
    return _mm512_mul_ps(a, b);
}
static inline f32v f32_div(f32v a, f32v b) {
    return _mm512_div_ps(a, b);
}
static inline f32v f32_sqrt(f32v a) {
    return _mm512_sqrt_ps(a);
}
static inline f32_mask f32_gt(f32v a, f32v b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
static inline f32_mask f32_eq(f32v a, f32v b) {
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
static inline f32v f32_select(f32_mask c, f32v a, f32v b) {
    return _mm512_mask_blend_ps(c, b, a);
}
static inline bool f32_all(f32_mask c) {
    return c == 0xffff;
}
static inline f32v f32_abs(f32v a) {
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}
static inline f32v f32_copysign(f32v size, f32v sign) {
    const __m512 top = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(top, size), _mm512_and_ps(top, sign));
}

static inline u32v f32_bits(f32v a) {
    return _mm512_castps_si512(a);
}
static inline f32v f32_from_bits(u32v bits) {
    return _mm512_castsi512_ps(bits);
}
static inline u32v u32_set(uint32_t x) {
    return _mm512_set1_epi32((int)x);
}
static inline u32v u32_ascending(void) {
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}
static inline uint32_t u32_largest(u32v v) {
    return _mm512_reduce_max_epu32(v);
}
static inline u32v u32_load_u16(const uint16_t *from, size_t m) {
    return _mm512_cvtepu16_epi32(m >= F32_LANES
                                     ? _mm256_loadu_si256((const __m256i *)from)
                                     : _mm256_maskz_loadu_epi16(avx512_first_f32(m), from));
}
static inline void u32_store_u16(uint16_t *to, u32v v, size_t m) {
    if (m >= F32_LANES)
        _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi32_epi16(v));
    else
        _mm256_mask_storeu_epi16(to, avx512_first_f32(m), _mm512_cvtepi32_epi16(v));
}
static inline u32v u32_add(u32v a, u32v b) {
    return _mm512_add_epi32(a, b);
}
static inline u32v u32_sub(u32v a, u32v b) {
    return _mm512_sub_epi32(a, b);
}
static inline u32v u32_multiply(u32v a, u32v b) {
    return _mm512_mullo_epi32(a, b);
}
static inline u32v u32_and(u32v a, u32v b) {
    return _mm512_and_si512(a, b);
}
static inline u32v u32_or(u32v a, u32v b) {
    return _mm512_or_si512(a, b);
}
static inline u32v u32_xor(u32v a, u32v b) {
    return _mm512_xor_si512(a, b);
}
static inline u32v u32_max(u32v a, u32v b) {
    return _mm512_max_epu32(a, b);
}
static inline u32v u32_shift_left(u32v a, int by) {
    return _mm512_slli_epi32(a, (unsigned)by);
}
static inline u32v u32_shift_right(u32v a, int by) {
    return _mm512_srli_epi32(a, (unsigned)by);
}

static inline u16v u16_load(const uint16_t *from) {
    return _mm512_loadu_si512(from);
}
static inline void u16_store(uint16_t *to, u16v v) {
    _mm512_storeu_si512(to, v);
}
static inline u16v u16_load_u8(const uint8_t *from) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)from));
}
static inline void u16_store_u8(uint8_t *to, u16v v) {
    _mm256_storeu_si256((__m256i *)to, _mm512_cvtepi16_epi8(v));
}
static inline u16v u16_set(uint16_t x) {
    return _mm512_set1_epi16((short)x);
}
static inline u16v u16_and(u16v a, u16v b) {
    return _mm512_and_si512(a, b);
}
static inline u16v u16_or(u16v a, u16v b) {
    return _mm512_or_si512(a, b);
}
static inline u16v u16_min(u16v a, u16v b) {
    return _mm512_min_epu16(a, b);
}
static inline u16v u16_max(u16v a, u16v b) {
    return _mm512_max_epu16(a, b);
}
static inline u16v u16_sub_to_zero(u16v a, u16v b) {
    return _mm512_subs_epu16(a, b);
}
static inline u16v u16_add_to_nonzero(u16v a, u16v bits, u16v b) {
    return _mm512_mask_add_epi16(a, _mm512_test_epi16_mask(a, bits), a, b);
}
static inline u16v u16_shift_left(u16v a, int by) {
    return _mm512_slli_epi16(a, (unsigned)by);
}
static inline u16v u16_shift_right(u16v a, int by) {
    return _mm512_srli_epi16(a, (unsigned)by);
}
/* 0, 0, 1, 1, 2, ... and 1, 3, 5, ..., with `first` added */
static inline __m512i avx512_twice(short first) {
    const __m512i to_word = _mm512_mullo_epi32(u32_ascending(), _mm512_set1_epi32(0x10001));
    return _mm512_add_epi16(to_word, _mm512_set1_epi16(first));
}
static inline __m512i avx512_odd(void) {
    const __m512i step = _mm512_mullo_epi32(u32_ascending(), _mm512_set1_epi32(0x40004));
    return _mm512_add_epi16(step, _mm512_set1_epi32(0x30001));
}
static inline u16v u16_top(u32v a, u32v b) {
    return _mm512_permutex2var_epi16(a, avx512_odd(), b);
}
static inline u32v u32_under_first(u16v v) {
    return _mm512_maskz_permutexvar_epi16(0xaaaaaaaau, avx512_twice(0), v);
}
static inline u32v u32_under_second(u16v v) {
    return _mm512_maskz_permutexvar_epi16(0xaaaaaaaau, avx512_twice(F32_LANES), v);
}

#endif

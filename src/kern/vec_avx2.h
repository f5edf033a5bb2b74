/* SPDX-License-Identifier: MIT
 * The vector vocabulary of base/vec_scalar.h (which says what each word means) for AVX2: 4
 * doubles, 8 floats. FMA is left out on purpose.
 */
#ifndef UNS_VEC_AVX2_H
#define UNS_VEC_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define F64_LANES 4
#define F32_LANES 8

typedef __m256d f64v;
typedef __m256 f32v;
typedef __m256i u64v;
typedef __m256i u32v;
typedef __m256i u16v;
typedef __m256d f64_mask; /* the top bit of a lane decides */
typedef __m256 f32_mask;

/* Lanes below m: all ones; read from a sliding window. */
static inline __m256i avx2_first_f64(size_t m) {
    static const int64_t window[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(window + 4 - m));
}
static inline __m256i avx2_first_f32(size_t m) {
    static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(window + 8 - m));
}
static inline __m128i avx2_first_half(size_t m) {
    static const int32_t window[8] = {-1, -1, -1, -1};
    return _mm_loadu_si128((const __m128i *)(window + 4 - m));
}

static inline f64v f64_load(const double *from, size_t m) {
    return m >= F64_LANES ? _mm256_loadu_pd(from) : _mm256_maskload_pd(from, avx2_first_f64(m));
}
static inline void f64_store(double *to, f64v v, size_t m) {
    if (m >= F64_LANES)
        _mm256_storeu_pd(to, v);
    else
        _mm256_maskstore_pd(to, avx2_first_f64(m), v);
}
static inline f64v f64_load_f32(const float *from, size_t m) {
    return _mm256_cvtps_pd(m >= F64_LANES ? _mm_loadu_ps(from)
                                          : _mm_maskload_ps(from, avx2_first_half(m)));
}
static inline void f64_store_f32(float *to, f64v v, size_t m) {
    if (m >= F64_LANES)
        _mm_storeu_ps(to, _mm256_cvtpd_ps(v));
    else
        _mm_maskstore_ps(to, avx2_first_half(m), _mm256_cvtpd_ps(v));
}
static inline f64v f64_set(double x) {
    return _mm256_set1_pd(x);
}
static inline f64v f64_add(f64v a, f64v b) {
    return _mm256_add_pd(a, b);
}
static inline f64v f64_sub(f64v a, f64v b) {
    return _mm256_sub_pd(a, b);
}
static inline f64v f64_mul(f64v a, f64v b) {
    return _mm256_mul_pd(a, b);
}
static inline f64v f64_div(f64v a, f64v b) {
    return _mm256_div_pd(a, b);
}
static inline f64v f64_sqrt(f64v a) {
    return _mm256_sqrt_pd(a);
}
static inline f64_mask f64_gt(f64v a, f64v b) {
    return _mm256_cmp_pd(a, b, _CMP_GT_OQ);
}
static inline f64_mask f64_eq(f64v a, f64v b) {
    return _mm256_cmp_pd(a, b, _CMP_EQ_OQ);
}
static inline f64v f64_select(f64_mask c, f64v a, f64v b) {
    return _mm256_blendv_pd(b, a, c);
}
static inline bool f64_all(f64_mask c) {
    return _mm256_movemask_pd(c) == 0xf;
}
static inline u64v f64_bits(f64v a) {
    return _mm256_castpd_si256(a);
}
static inline f64v f64_from_bits(u64v bits) {
    return _mm256_castsi256_pd(bits);
}
static inline f64v f64_abs(f64v a) {
    return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
}
static inline f64v f64_copysign(f64v size, f64v sign) {
    const __m256d top = _mm256_set1_pd(-0.0);
    return _mm256_or_pd(_mm256_andnot_pd(top, size), _mm256_and_pd(top, sign));
}
static inline f64v f64_zip_low(f64v a, f64v b) {
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x20);
}
static inline f64v f64_zip_high(f64v a, f64v b) {
    return _mm256_permute2f128_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b), 0x31);
}

static inline u64v u64_set(uint64_t x) {
    return _mm256_set1_epi64x((int64_t)x);
}
static inline u64v u64_ascending(void) {
    return _mm256_set_epi64x(3, 2, 1, 0);
}
static inline u64v u64_add(u64v a, u64v b) {
    return _mm256_add_epi64(a, b);
}
static inline u64v u64_xor(u64v a, u64v b) {
    return _mm256_xor_si256(a, b);
}
static inline u64v u64_and(u64v a, u64v b) {
    return _mm256_and_si256(a, b);
}
static inline u64v u64_or(u64v a, u64v b) {
    return _mm256_or_si256(a, b);
}
static inline u64v u64_shift_left(u64v a, int by) {
    return _mm256_slli_epi64(a, by);
}
static inline u64v u64_shift_right(u64v a, int by) {
    return _mm256_srli_epi64(a, by);
}
static inline u64v u64_multiply(u64v a, u64v b) {
    return _mm256_mul_epu32(a, b);
}
static inline u64v u64_join(u64v low, u64v high) {
    return _mm256_blend_epi32(low, _mm256_slli_epi64(high, 32), 0xaa);
}
static inline f64_mask u64_odd(u64v a) {
    return _mm256_castsi256_pd(_mm256_slli_epi64(a, 63));
}

static inline f32v f32_load(const float *from, size_t m) {
    return m >= F32_LANES ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, avx2_first_f32(m));
}
static inline void f32_store(float *to, f32v v, size_t m) {
    if (m >= F32_LANES)
        _mm256_storeu_ps(to, v);
    else
        _mm256_maskstore_ps(to, avx2_first_f32(m), v);
}
static inline f32v f32_set(float x) {
    return _mm256_set1_ps(x);
}
static inline f32v f32_add(f32v a, f32v b) {
    return _mm256_add_ps(a, b);
}
static inline f32v f32_sub(f32v a, f32v b) {
    return _mm256_sub_ps(a, b);
}
static inline f32v f32_mul(f32v a, f32v b) {
    return _mm256_mul_ps(a, b);
}
static inline f32v f32_div(f32v a, f32v b) {
    return _mm256_div_ps(a, b);
}
static inline f32v f32_sqrt(f32v a) {
    return _mm256_sqrt_ps(a);
}
static inline f32_mask f32_gt(f32v a, f32v b) {
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
static inline f32_mask f32_eq(f32v a, f32v b) {
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}
static inline f32v f32_select(f32_mask c, f32v a, f32v b) {
    return _mm256_blendv_ps(b, a, c);
}
static inline bool f32_all(f32_mask c) {
    return _mm256_movemask_ps(c) == 0xff;
}
static inline f32v f32_abs(f32v a) {
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
static inline f32v f32_copysign(f32v size, f32v sign) {
    const __m256 top = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(top, size), _mm256_and_ps(top, sign));
}

static inline u32v f32_bits(f32v a) {
    return _mm256_castps_si256(a);
}
static inline f32v f32_from_bits(u32v bits) {
    return _mm256_castsi256_ps(bits);
}
static inline u32v u32_set(uint32_t x) {
    return _mm256_set1_epi32((int)x);
}
static inline u32v u32_ascending(void) {
    return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
}
static inline uint32_t u32_largest(u32v v) {
    __m128i most = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    most = _mm_max_epu32(most, _mm_shuffle_epi32(most, 0x4e));
    most = _mm_max_epu32(most, _mm_shuffle_epi32(most, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(most);
}

/* There are no masks for words this short: part of a register goes by way of memory. */
static inline u32v u32_load_u16(const uint16_t *from, size_t m) {
    if (m >= F32_LANES)
        return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)from));
    uint16_t part[F32_LANES] = {0};
    memcpy(part, from, m * sizeof *part);
    return _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)part));
}
static inline __m128i avx2_to_u16(u32v v) {
    return _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
}
static inline void u32_store_u16(uint16_t *to, u32v v, size_t m) {
    if (m >= F32_LANES) {
        _mm_storeu_si128((__m128i *)to, avx2_to_u16(v));
        return;
    }
    uint16_t part[F32_LANES];
    _mm_storeu_si128((__m128i *)part, avx2_to_u16(v));
    memcpy(to, part, m * sizeof *part);
}
static inline u32v u32_add(u32v a, u32v b) {
    return _mm256_add_epi32(a, b);
}
static inline u32v u32_sub(u32v a, u32v b) {
    return _mm256_sub_epi32(a, b);
}
static inline u32v u32_multiply(u32v a, u32v b) {
    return _mm256_mullo_epi32(a, b);
}
static inline u32v u32_and(u32v a, u32v b) {
    return _mm256_and_si256(a, b);
}
static inline u32v u32_or(u32v a, u32v b) {
    return _mm256_or_si256(a, b);
}
static inline u32v u32_xor(u32v a, u32v b) {
    return _mm256_xor_si256(a, b);
}
static inline u32v u32_max(u32v a, u32v b) {
    return _mm256_max_epu32(a, b);
}
static inline u32v u32_shift_left(u32v a, int by) {
    return _mm256_slli_epi32(a, by);
}
static inline u32v u32_shift_right(u32v a, int by) {
    return _mm256_srli_epi32(a, by);
}

static inline u16v u16_load(const uint16_t *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}
static inline void u16_store(uint16_t *to, u16v v) {
    _mm256_storeu_si256((__m256i *)to, v);
}
static inline u16v u16_load_u8(const uint8_t *from) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)from));
}
static inline void u16_store_u8(uint8_t *to, u16v v) {
    const __m256i bytes = _mm256_packus_epi16(v, v);
    _mm_storeu_si128((__m128i *)to,
                     _mm256_castsi256_si128(_mm256_permute4x64_epi64(bytes, 0x08)));
}
static inline u16v u16_set(uint16_t x) {
    return _mm256_set1_epi16((short)x);
}
static inline u16v u16_and(u16v a, u16v b) {
    return _mm256_and_si256(a, b);
}
static inline u16v u16_or(u16v a, u16v b) {
    return _mm256_or_si256(a, b);
}
static inline u16v u16_min(u16v a, u16v b) {
    return _mm256_min_epu16(a, b);
}
static inline u16v u16_max(u16v a, u16v b) {
    return _mm256_max_epu16(a, b);
}
static inline u16v u16_sub_to_zero(u16v a, u16v b) {
    return _mm256_subs_epu16(a, b);
}
static inline u16v u16_add_to_nonzero(u16v a, u16v bits, u16v b) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i none = _mm256_cmpeq_epi16(_mm256_and_si256(a, bits), zero);
    return _mm256_add_epi16(a, _mm256_andnot_si256(none, b));
}
static inline u16v u16_shift_left(u16v a, int by) {
    return _mm256_slli_epi16(a, by);
}
static inline u16v u16_shift_right(u16v a, int by) {
    return _mm256_srli_epi16(a, by);
}
/* Packing and unpacking work on the halves of a register apart: quarters change places. */
static inline u16v u16_top(u32v a, u32v b) {
    const __m256i both =
        _mm256_packus_epi32(_mm256_srli_epi32(a, 16), _mm256_srli_epi32(b, 16));
    return _mm256_permute4x64_epi64(both, 0xd8);
}
static inline u32v u32_under_first(u16v v) {
    return _mm256_unpacklo_epi16(_mm256_setzero_si256(), _mm256_permute4x64_epi64(v, 0xd8));
}
static inline u32v u32_under_second(u16v v) {
    return _mm256_unpackhi_epi16(_mm256_setzero_si256(), _mm256_permute4x64_epi64(v, 0xd8));
}

#endif

/* SPDX-License-Identifier: MIT
 * Which table of kernels runs here, and the flush-to-zero mode that they run under.
 */
#include "base/base.h"
#include "kern/kern.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__x86_64__)

static int has_avx2(void) {
    return __builtin_cpu_supports("avx2");
}

static int has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

#elif defined(__aarch64__)

/* Advanced SIMD is part of the architecture. */
static int has_neon(void) {
    return 1;
}

#endif

typedef struct candidate {
    unsigned bit;
    const uns_kernels *kernels;
    int (*supported)(void);
} candidate;

/* Fastest first. */
static const candidate candidates[] = {
#if defined(__x86_64__)
    {UNS_ISA_AVX512, &uns_kernels_avx512, has_avx512},
    {UNS_ISA_AVX2, &uns_kernels_avx2, has_avx2},
#elif defined(__aarch64__)
    {UNS_ISA_NEON, &uns_kernels_neon, has_neon},
#endif
    {UNS_ISA_SCALAR, &uns_kernels_scalar, NULL},
};

const uns_kernels *uns_kernels_select(unsigned mask) {
    for (size_t i = 0; i < UNS_COUNT_OF(candidates); i++) {
        const candidate *c = &candidates[i];
        if ((mask == 0 || (mask & c->bit)) && (!c->supported || c->supported()))
            return c->kernels;
    }
    return &uns_kernels_scalar;
}

const uns_kernels *uns_kernels_of(const uns_context *context) {
    return uns_kernels_select(uns_context_isa_mask(context));
}

const char *uns_context_isa(const uns_context *context) {
    return uns_kernels_of(context)->isa;
}

#if defined(__x86_64__)

/* FTZ (bit 15) and DAZ (bit 6) of MXCSR; to nearest (bits 13 and 14 off), because the threads
 * of a pool have the mode of whoever made them; exceptions masked (bits 7 to 12), because lanes
 * beyond the end may meet what no element does. */
uint64_t uns_flush_enter(void) {
    const unsigned mode = _mm_getcsr();
    _mm_setcsr((mode & ~0x6000u) | 0x9fc0u);
    return mode;
}

void uns_flush_restore(uint64_t mode) {
    _mm_setcsr((unsigned)mode);
}

#elif defined(__aarch64__)

/* FZ (bit 24) of FPCR does both; to nearest (bits 22 and 23 off). */
uint64_t uns_flush_enter(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"((mode & ~(UINT64_C(3) << 22)) | UINT64_C(1) << 24));
    return mode;
}

void uns_flush_restore(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#else

uint64_t uns_flush_enter(void) {
    return 0;
}

void uns_flush_restore(uint64_t mode) {
    (void)mode;
}

#endif

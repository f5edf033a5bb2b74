/* SPDX-License-Identifier: MIT
 * What compilers are told about functions and values.
 */
#ifndef UNS_INLINE_H
#define UNS_INLINE_H

/* For functions that take a constant count or a constant function and must be unrolled around
 * it: left to its own judgement gcc keeps one common copy, with the registers in memory. */
#define UNS_ALWAYS_INLINE static inline __attribute__((always_inline))

/* For functions beside a loop over registers: all that they are given pointers to would be read
 * anew for every register, and instances of the loop are many. */
#define UNS_NEVER_INLINE static __attribute__((noinline))

/* Asks for the memory that will be wanted soon. */
#define UNS_PREFETCH(address) __builtin_prefetch(address)

/* Keeps a floating-point value as it was computed: a compiler that turned a selected sum into a
 * sum with a selected term would flush a subnormal that was to be left alone. */
#if defined(__AVX512F__)
#define UNS_AS_COMPUTED(value) __asm__("" : "+v"(value))
#elif defined(__x86_64__)
#define UNS_AS_COMPUTED(value) __asm__("" : "+x"(value))
#elif defined(__aarch64__)
#define UNS_AS_COMPUTED(value) __asm__("" : "+w"(value))
#else
#define UNS_AS_COMPUTED(value) __asm__("" : "+m"(value))
#endif

#endif

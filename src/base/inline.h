/* SPDX-License-Identifier: MIT
 * For functions that take a constant count or a constant function and must be unrolled around
 * it: left to its own judgement gcc keeps one common copy, with the registers in memory.
 */
#ifndef UNS_INLINE_H
#define UNS_INLINE_H

#define UNS_ALWAYS_INLINE static inline __attribute__((always_inline))

#endif

/* SPDX-License-Identifier: MIT
 * Template: the kernels of element type f32; see elements.inc.h.
 */
#define ELEMENT      float
#define VECTOR       f32v
#define LANES        F32_LANES
#define V(word)      f32_##word
#define KERNEL(name) name##_f32
#define WIDE_LOAD    f64_load_f32
#define WIDE_STORE   f64_store_f32

#include "kern/elements.inc.h"

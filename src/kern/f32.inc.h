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

#define STATE_LOAD  narrow_fetch
#define STATE_STORE narrow_keep

#include "kern/strip.inc.h"

#include "kern/elements.inc.h"

#include "kern/update_narrow.inc.h"

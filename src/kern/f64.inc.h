/* SPDX-License-Identifier: MIT
 * Template: the kernels of element type f64; see elements.inc.h.
 */
#define ELEMENT      double
#define VECTOR       f64v
#define LANES        F64_LANES
#define V(word)      f64_##word
#define KERNEL(name) name##_f64
#define WIDE_LOAD    f64_load
#define WIDE_STORE   f64_store

#include "kern/elements.inc.h"

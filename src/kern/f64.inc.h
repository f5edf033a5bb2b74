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

/* Nothing of it is kept in fewer bits. */
#define STATE_LOAD(strip, which, from, i, room)                                                \
    ((void)(strip), f64_load((const double *)(from) + (i), room))
#define STATE_STORE(strip, which, to, i, v, room) f64_store((double *)(to) + (i), v, room)

#include "kern/elements.inc.h"

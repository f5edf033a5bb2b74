/* SPDX-License-Identifier: MIT
 * Template: all kernels of one element type. The including file defines, and this one undoes:
 *   ELEMENT         the type in memory
 *   VECTOR, LANES   the register and how many elements it holds
 *   V(word)         a word of the vocabulary (base/vec_scalar.h)
 *   KERNEL(name)    the name with the type behind it
 *   WIDE_LOAD, WIDE_STORE   F64_LANES elements in memory from and to doubles
 *   STATE_LOAD, STATE_STORE a register of state: plain, or as a strip (strip.inc.h) says
 */
#include "kern/slots.inc.h"

#include "kern/columns.inc.h"
#include "kern/elementwise.inc.h"
#include "kern/precondition.inc.h"
#include "kern/rows.inc.h"
#include "kern/touch.inc.h"
#include "kern/update.inc.h"

#undef WIDE_LOAD
#undef WIDE_STORE
#undef STATE_LOAD
#undef STATE_STORE
#undef ELEMENT
#undef VECTOR
#undef LANES
#undef V
#undef KERNEL

/* SPDX-License-Identifier: MIT
 * The table of kernels "neon".
 */
#include "kern/vec_neon.h"

#define ISA_NAME  "neon"
#define ISA_TABLE uns_kernels_neon

#include "kern/kernels.inc.h"

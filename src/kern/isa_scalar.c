/* SPDX-License-Identifier: MIT
 * The table of kernels "scalar".
 */
#include "base/vec_scalar.h"

#define ISA_NAME  "scalar"
#define ISA_TABLE uns_kernels_scalar

#include "kern/kernels.inc.h"

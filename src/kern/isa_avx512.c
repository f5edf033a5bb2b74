/* SPDX-License-Identifier: MIT
 * The table of kernels "avx512". Compiled with AVX-512 on, so nothing of it
 * may run before dispatch.c has asked the CPU.
 */
#include "kern/vec_avx512.h"

#define ISA_NAME  "avx512"
#define ISA_TABLE uns_kernels_avx512

#include "kern/kernels.inc.h"

/* SPDX-License-Identifier: MIT
 * The table of kernels "avx2". Compiled with AVX2 on, so nothing of it
 * may run before dispatch.c has asked the CPU.
 */
#include "kern/vec_avx2.h"

#define ISA_NAME  "avx2"
#define ISA_TABLE uns_kernels_avx2

#include "kern/kernels.inc.h"

/* SPDX-License-Identifier: MIT
 * The process's part of dense algebra, which the library leaves alone: OpenBLAS shall use one
 * thread, because the threads are ours, and the kernels that this processor can run.
 *
 * OpenBLAS 0.3.21 (Debian 12) takes SSE3 kernels, "Prescott", on processors younger than
 * itself. It picks them while it is loaded, so the mend is to name better ones in the
 * environment and to start the program anew: once at most, since then the variable is set.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of OpenBLAS; NULL in a build without it. */
extern void openblas_set_num_threads(int count) __attribute__((weak));

/* What OpenBLAS should have taken, or NULL where Prescott is right. */
static const char *right_core(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return "SkylakeX"; /* on AMD's too: 110 against 43 GFLOP/s with Haswell, 30 with Zen */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
#endif
    return NULL;
}

void cli_core_settle(char **words) {
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    const char *core = right_core();
    if (!core || strcmp(uns_context_blas(NULL), "Prescott") != 0 || getenv("OPENBLAS_CORETYPE"))
        return;
    if (setenv("OPENBLAS_CORETYPE", core, 1) == 0)
        execv("/proc/self/exe", words);
    /* Still here: slower, but right. */
}

/* SPDX-License-Identifier: MIT
 * Gradients and state below the least normal number, for the bench: a processor that computes
 * with them takes ten times as long. Not a test that they are flushed: tests/unit/test_cut.c.
 */
#include "bench/bench.h"

#include "base/base.h"

#include <string.h>

/* A subnormal number as bf16, and twice in a row as f32. */
static const uint16_t faint = 0x0030;

void uns_bench_fill_faint(void *array, size_t bytes) {
    uint16_t *to = array;
    for (size_t i = 0; i < bytes / sizeof faint; i++)
        to[i] = faint;
}

/* Codes below 8 of the lowest scale are subnormal. What a structure keeps for its whole group
 * is left: it may be no numbers. */
uns_status uns_bench_make_faint(uns_optimizer *optimizer, size_t tensors, size_t length) {
    for (size_t i = 0; i < tensors; i++)
        for (size_t j = 0; j < uns_optimizer_state_count(optimizer, i); j++) {
            uns_state_view view;
            UNS_TRY(uns_optimizer_state_at(optimizer, i, j, &view));
            if (strcmp(view.name, "structure") == 0)
                continue;
            if (view.dtype == UNS_Q8) {
                memset(view.data, 0, view.count);
                memset(view.data, 5, length < view.count ? length : view.count);
            } else {
                uns_bench_fill_faint(view.data, view.count * uns_dtype_size(view.dtype));
            }
        }
    return UNS_OK;
}

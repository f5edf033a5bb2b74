/* SPDX-License-Identifier: MIT
 * The second moment of consecutive parameters only: a matrix for each piece of a layer, nothing
 * between pieces. No piece goes across two layers.
 *
 * The rule. structure.block = k: every layer is cut into pieces of k parameters, the last one
 * being what is left. structure.block = layer: a layer of n <= structure.cap parameters is one
 * piece; a larger one is cut into ⌈n/cap⌉ pieces whose sizes differ by one at most
 * (structure.over = cut), or keeps its diagonal only (structure.over = diagonal).
 */
#include "opt/builtin.h"
#include "opt/structure/dense.h"

static void cut_by_size(size_t begin, size_t n, size_t size, uns_visit_piece *visit,
                        void *user) {
    for (size_t at = 0; at < n; at += size)
        visit(user, begin + at, n - at < size ? n - at : size, true);
}

static void cut_evenly(size_t begin, size_t n, size_t cap, uns_visit_piece *visit, void *user) {
    size_t pieces = (n - 1) / cap + 1, size = n / pieces, longer = n % pieces;
    for (size_t i = 0; i < pieces; i++) {
        size_t here = size + (i < longer);
        visit(user, begin, here, true);
        begin += here;
    }
}

void uns_block_cut(const uns_structure_site *site, uns_visit_piece *visit, void *user) {
    const uns_spec *spec = site->spec;
    size_t begin = 0;
    for (size_t i = 0; i < site->count; i++) {
        size_t n = site->blocks[i]->rows * site->blocks[i]->cols;
        if (spec->structure_block > 0)
            cut_by_size(begin, n, (size_t)spec->structure_block, visit, user);
        else if (n > (size_t)spec->structure_cap && spec->structure_over == UNS_OVER_DIAGONAL)
            visit(user, begin, n, false);
        else
            cut_evenly(begin, n, (size_t)spec->structure_cap, visit, user);
        begin += n;
    }
}

const uns_structure_ops uns_structure_block = {
    .size = sizeof(uns_structure_ops),
    .name = "block",
    .summary = "a matrix for each layer, or for each piece of one",
    .needs_lapack = true,
    .elements = uns_no_elements,
    .bytes = uns_dense_bytes,
    .prepare = uns_dense_prepare,
    .observe = uns_dense_observe,
    .refresh = uns_dense_refresh,
    .precondition = uns_dense_precondition,
    .product = uns_dense_product,
    .adopt = uns_dense_adopt,
    .refreshes = true,
    .lags = true,
    .keeps_mean = true,
    .check = uns_dense_check,
    .scratch = uns_dense_scratch,
    .metric_bytes = uns_dense_metric_bytes,
    .metric_open = uns_dense_metric_open,
    .report = uns_dense_report,
    .quit = uns_dense_quit,
    .damps = true,
};

/* SPDX-License-Identifier: MIT
 * The full second moment E[ssᵀ] over all blocks of the group together, d×d a replica: the
 * paper's own object (Staib, Reddi, Kale, Kumar, Sra 2019; full-matrix AdaGrad: Duchi, Hazan,
 * Singer 2011). One dense piece.
 */
#include "opt/builtin.h"
#include "opt/structure/dense.h"

void uns_full_cut(const uns_structure_site *site, uns_visit_piece *visit, void *user) {
    size_t d = 0;
    for (size_t i = 0; i < site->count; i++)
        d += site->blocks[i]->rows * site->blocks[i]->cols;
    visit(user, 0, d, true);
}

const uns_structure_ops uns_structure_full = {
    .size = sizeof(uns_structure_ops),
    .name = "full",
    .summary = "the whole matrix over all parameters of the group",
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

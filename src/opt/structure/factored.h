/* SPDX-License-Identifier: MIT
 * What the two files of the structure `factored` share: one block's sums and the work space.
 */
#ifndef UNS_FACTORED_H
#define UNS_FACTORED_H

#include <unsaddle/structure.h>

/* One block's sums, replicas innermost; no cols where the block keeps its diagonal. */
typedef struct factored_sums {
    double *rows, *cols;
} factored_sums;

/* At site->scratch. */
typedef struct factored_work {
    uns_root root;
    uns_const_tensors mean; /* data NULL: not centred */
    factored_sums fresh;    /* of the signal; then r/Σr in rows */
    double *total;          /* [R] */
    factored_sums *kept;    /* [blocks] in the state */
} factored_work;

static inline bool uns_factored_is_thin(const uns_block *block) {
    return block->rows == 1 || block->cols == 1;
}

/* r/Σr of each replica into work->fresh.rows; 0 where nothing has been seen. */
void uns_factored_shares(const uns_structure_site *site, size_t block);

/* factored_metric.c: members of uns_structure_ops as they are. */
uns_status uns_factored_adopt(const uns_structure_site *site, void *state, const double *dense);
size_t uns_factored_metric_bytes(const uns_structure_site *site);
uns_status uns_factored_metric_open(const uns_structure_site *site, const void *state,
                                    const uns_root *root, uns_const_tensors mean, size_t first,
                                    size_t count, void *metric);
uns_status uns_factored_product(const uns_structure_site *site, const void *metric,
                                uns_product which, uns_const_tensors in, uns_tensors out);

#endif

/* SPDX-License-Identifier: MIT
 * The diagonal of C: one number a parameter; what RMSProp and Adam run.
 */
#include "opt/builtin.h"

static size_t elements(const uns_spec *spec, const uns_block *block) {
    (void)spec;
    return block->rows * block->cols;
}

const uns_structure_ops uns_structure_diagonal = {
    .size = sizeof(uns_structure_ops),
    .name = "diagonal",
    .summary = "the diagonal of C: one number a parameter",
    .elementwise = true,
    .elements = elements,
};

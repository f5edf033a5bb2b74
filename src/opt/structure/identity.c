/* SPDX-License-Identifier: MIT
 * The identity: R = I, no second moment is kept (SGD and its momentum forms).
 */
#include "opt/builtin.h"

static size_t elements(const uns_spec *spec, const uns_block *block) {
    (void)spec;
    (void)block;
    return 0;
}

const uns_structure_ops uns_structure_identity = {
    .size = sizeof(uns_structure_ops),
    .name = "identity",
    .summary = "R = I: nothing is kept",
    .elementwise = true,
    .elements = elements,
};

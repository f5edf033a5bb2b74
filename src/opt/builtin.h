/* SPDX-License-Identifier: MIT
 * The built-in moments and structures, each defined in a file of its own.
 */
#ifndef UNS_BUILTIN_H
#define UNS_BUILTIN_H

#include <unsaddle/moment.h>
#include <unsaddle/structure.h>

extern const uns_moment_ops uns_moment_ema, uns_moment_sum, uns_moment_mean, uns_moment_exact,
    uns_moment_max, uns_moment_sign, uns_moment_latest, uns_moment_window, uns_moment_power;

extern const uns_structure_ops uns_structure_identity, uns_structure_scalar,
    uns_structure_diagonal, uns_structure_block, uns_structure_full, uns_structure_lowrank,
    uns_structure_kron, uns_structure_kron_eigen, uns_structure_factored;

/* `elements` of the whole structures: 0. */
size_t uns_no_elements(const uns_spec *spec, const uns_block *block);

#endif

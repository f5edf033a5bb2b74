/* SPDX-License-Identifier: MIT
 * Dense pieces: what the structures `full` and `block` have in common. The group's vector is
 * cut into pieces; a dense piece of n parameters keeps its own n×n second moment C and
 * R = root(C), a diagonal one the diagonals of both. How it is cut is all that a structure
 * says.
 *
 * Not Kronecker factors, and no sketch: C is exact within a piece and nothing is kept between
 * pieces. The policy of refreshing R is the project's own (docs/theory.md).
 */
#ifndef UNS_DENSE_PIECES_H
#define UNS_DENSE_PIECES_H

#include <unsaddle/structure.h>

/* Tells `visit` of each piece in order: parameters begin ... begin + n − 1 of the group's
 * vector. */
typedef void uns_visit_piece(void *user, size_t begin, size_t n, bool dense);
typedef void uns_cut(const uns_structure_site *site, uns_visit_piece *visit, void *user);
uns_cut uns_full_cut, uns_block_cut;

/* Members of uns_structure_ops as they are; the cut is that of site->spec->structure. */
uns_status uns_dense_check(const uns_structure_site *site);
size_t uns_dense_bytes(const uns_structure_site *site);
size_t uns_dense_scratch(const uns_structure_site *site);
uns_status uns_dense_prepare(const uns_structure_site *site, void *state);
void uns_dense_report(const uns_structure_site *site, const void *state,
                      uns_structure_report *report);
uns_status uns_dense_observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                             uns_const_tensors s);
uns_status uns_dense_refresh(const uns_structure_site *site, void *state, const uns_root *root,
                             uns_const_tensors mean, uint64_t t);
uns_status uns_dense_precondition(const uns_structure_site *site, void *state,
                                  uns_const_tensors u, uns_tensors d);
void uns_dense_quit(const uns_structure_site *site);
uns_status uns_dense_adopt(const uns_structure_site *site, void *state, const double *dense);
size_t uns_dense_metric_bytes(const uns_structure_site *site);
uns_status uns_dense_metric_open(const uns_structure_site *site, const void *state,
                                 const uns_root *root, uns_const_tensors mean, size_t first,
                                 size_t count, void *metric);
uns_status uns_dense_product(const uns_structure_site *site, const void *metric,
                             uns_product product, uns_const_tensors in, uns_tensors out);

#endif

/* SPDX-License-Identifier: MIT
 * The metric: products with the preconditioner A that an optimizer has at this moment, with its
 * square root and inverse, and with the second moment C it comes from. For instruments.
 *
 *     A = R of slot 4 (spec.h), block diagonal over the groups;  A^{1/2}A^{1/2} = A,  AA⁻¹ = I
 *
 * A is slot 4 alone: momentum, RAdam's ρ, scales and the step size are not in it. Whole
 * structures give the R in force, which a lazy refresh may have taken earlier, and root(C)
 * where none has been taken. Where A sends a direction to 0, so do A^{1/2} and A⁻¹. C is
 * corrected for bias, centred with a centred spec, the ceiling with AMSGrad.
 */
#ifndef UNSADDLE_METRIC_H
#define UNSADDLE_METRIC_H

#include <unsaddle/optimizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uns_metric uns_metric;

/* Takes a snapshot for replicas first ... first + count − 1 of the optimizer, which goes on
 * undisturbed and must outlive the metric; products then take tensors of `count` replicas.
 * UNS_ERROR_ARGUMENT: no such replicas. UNS_ERROR_STATE: nothing has been observed yet.
 * UNS_ERROR_UNAVAILABLE: a moment that keeps nothing between steps, or a structure without
 * metric access. UNS_ERROR_RANGE: C is not finite. UNS_ERROR_MEMORY. *out is untouched then.
 * Cost: a pass over the state; dense structures an eigen-decomposition of each piece and
 * replica. Memory: elementwise structures 16 bytes a parameter, dense ones 12n² a piece. */
UNS_NODISCARD UNS_API uns_status uns_metric_create(uns_optimizer *optimizer, size_t first,
                                                   size_t count, uns_metric **out);
UNS_API void uns_metric_destroy(uns_metric *metric);

/* Takes the snapshot anew, now, from replica `first` on and in the memory it has. Fails as
 * create does, but not for memory; the metric is undefined then until the next renewal. */
UNS_NODISCARD UNS_API uns_status uns_metric_renew(uns_metric *metric, size_t first);

/* out = product·in over all blocks of the layout, in its dtype (f32 for bf16); a block that is
 * NULL in `in` counts as 0, one that is NULL in `out` is not written. in and out may be the
 * same buffers. UNS_ERROR_ARGUMENT: wrong number of blocks. UNS_ERROR_UNAVAILABLE: C of a group
 * whose structure keeps none (identity). One thread at a time; not beside a step of the
 * optimizer. Cost: elementwise one pass, dense 4n² operations a piece and replica. */
UNS_NODISCARD UNS_API uns_status uns_metric_product(uns_metric *metric, uns_product product,
                                                    uns_const_tensors in, uns_tensors out);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * Template: one whole table of kernels. The including file has chosen a vector vocabulary, and
 * defines ISA_NAME (a string) and ISA_TABLE (the table's name).
 */
#include "base/inline.h"
#include "kern/kern.h"
#include "kern/root.h"
#include "kern/rules.h"

#include "base/frozen.inc.h"
#include "base/philox.inc.h"

#include "kern/stripe.inc.h"

#include "kern/narrow.inc.h"

#include "kern/dense.inc.h"
#include "kern/draw.inc.h"
#include "kern/eigen.inc.h"
#include "kern/f32.inc.h"
#include "kern/f64.inc.h"
#include "kern/symmetric.inc.h"

#define ELEMENTWISE(type)                                                                      \
    {                                                                                          \
        .mix = mix_##type, .momentum = momentum_##type, .accumulate = accumulate_##type,       \
        .accumulate_max = accumulate_max_##type, .accumulate_sign = accumulate_sign_##type,    \
        .ceiling = ceiling_##type, .variance = variance_##type,                                \
        .precondition = precondition_##type,                                                   \
        .precondition_signal = precondition_signal_##type, .adadelta = adadelta_##type,        \
        .move = move_##type, .clamp = clamp_##type, .scale = scale_##type,                     \
        .scale_rows = scale_rows_##type, .square_rows = square_rows_##type,                    \
        .nonfinite_rows = nonfinite_rows_##type, .square = square_##type,                      \
        .nonfinite = nonfinite_##type, .touch = touch_##type, .update = update_##type,         \
        .dots = dots_##type, .combine = combine_##type, .dot_rows = dot_rows_##type,           \
        .combine_rows = combine_rows_##type                                                    \
    }

const uns_kernels ISA_TABLE = {
    .isa = ISA_NAME,
    .of = {[UNS_F32] = ELEMENTWISE(f32), [UNS_F64] = ELEMENTWISE(f64)},
    .dot = dot,
    .axpy = axpy,
    .matrix_rows = matrix_rows,
    .outer_rows = outer_rows,
    .symmetric_rows = symmetric_rows,
    .eigen_rows = eigen_rows,
    .normal_rows = normal_rows,
    .normal = normal,
    .uniform = uniform,
    .exp = exp_all,
    .log = log_all,
    .pow = pow_all,
    .saddle_gradient = saddle_gradient,
    .saddle_value = saddle_value,
    .bf16_to_f32 = bf16_to_f32,
    .f32_to_bf16 = f32_to_bf16,
    .f32_to_bf16_dithered = f32_to_bf16_dithered,
    .f32_to_bf16_random = f32_to_bf16_random,
    .f32_to_halves = f32_to_halves,
    .halves_to_f32 = halves_to_f32,
    .f32_to_q8 = f32_to_q8,
    .q8_to_f32 = q8_to_f32,
    .update_narrow = update_narrow,
};

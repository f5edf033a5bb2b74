/* SPDX-License-Identifier: MIT
 * Which specs have a metric that a formula can know.
 */
#ifndef UNS_METRIC_H
#define UNS_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <unsaddle/spec.h>

/* Slots that leave the step a metric times the gradient: linear in g for a fixed metric. */
bool uns_spec_linear(const uns_spec *spec);

/* Whether C is the moment itself, or an average long enough to be near it: the relative error
 * of a root is (n + 1)/N on average, n parameters being estimated together from a memory of N =
 * (1 + β)/(1 − β) gradients; up to 0.06 the formulas hold within some 5 %. */
bool uns_spec_settled(const uns_spec *spec, size_t together);

#endif

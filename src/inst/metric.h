/* SPDX-License-Identifier: MIT
 * Which specs have a metric that a formula can know.
 */
#ifndef UNS_METRIC_H
#define UNS_METRIC_H

#include <stdbool.h>
#include <unsaddle/spec.h>

/* Slots that leave the step a metric times the gradient: linear in g for a fixed metric. */
bool uns_spec_linear(const uns_spec *spec);

/* Whether C is the moment itself, or an average long enough to be near it: at β = 0.9 its
 * relative deviation is 0.3 already. */
bool uns_spec_settled(const uns_spec *spec);

#endif

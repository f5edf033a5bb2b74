/* SPDX-License-Identifier: MIT
 * Whether two cells of the toy problem are the same, field by field: what a plan and its
 * resolved file must agree on.
 */
#ifndef UNS_TEST_PLAN_COMPARE_H
#define UNS_TEST_PLAN_COMPARE_H

#include "support/toy_problem.h"

#include <string.h>
#include <unsaddle/plan.h>

static inline bool plan_same_rows(const uns_param_table *table, const void *a, const void *b) {
    char left[UNS_REALS_MAX * 40], right[UNS_REALS_MAX * 40];
    for (size_t i = 0; i < table->count; i++) {
        uns_param_print(&table->rows[i], a, left, sizeof left);
        uns_param_print(&table->rows[i], b, right, sizeof right);
        if (strcmp(left, right) != 0)
            return false;
    }
    return true;
}

static inline bool plan_same_cell(const uns_cell *a, const uns_cell *b) {
    return plan_same_rows(uns_settings_table(), &a->settings, &b->settings) &&
           strcmp(a->problem, b->problem) == 0 && strcmp(a->preset, b->preset) == 0 &&
           plan_same_rows(&toy_table, a->problem_config, b->problem_config) &&
           plan_same_rows(uns_spec_table(), &a->spec, &b->spec) &&
           strcmp(a->label, b->label) == 0;
}

#endif

/* SPDX-License-Identifier: MIT
 * Plans from text, for tests: a context that knows the toy problem, creation with overrides,
 * and the exact message of a failure.
 */
#ifndef UNS_TEST_PLAN_TEXT_H
#define UNS_TEST_PLAN_TEXT_H

#include "support/plan_compare.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unsaddle/plan.h>

enum {
    MOST_OVERRIDES = 8
};

typedef struct plan_text {
    const char *text;
    const char *overrides[MOST_OVERRIDES]; /* up to the first NULL */
} plan_text;

typedef struct plan_error {
    plan_text plan;
    uns_status status;
    const char *message;
} plan_error;

static inline uns_context *plan_context(const uns_context_config *config) {
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(config, &context), UNS_OK);
    cr_assert_eq(uns_context_register(context, UNS_KIND_PROBLEM, &toy_problem), UNS_OK);
    return context;
}

static inline uns_status plan_make(uns_context *context, const plan_text *plan,
                                   uns_plan **out) {
    uns_plan_source source = {.size = sizeof source, .path = "f.yaml", .text = plan->text};
    source.overrides = plan->overrides;
    while (source.override_count < MOST_OVERRIDES && plan->overrides[source.override_count])
        source.override_count++;
    return uns_plan_create(context, &source, out);
}

static inline uns_plan *plan_open(uns_context *context, plan_text plan) {
    uns_plan *made = NULL;
    uns_status status = plan_make(context, &plan, &made);
    cr_assert_eq(status, UNS_OK, "%s", uns_context_message(context));
    return made;
}

static inline void plan_expect_errors(const plan_error *errors, size_t count) {
    uns_context *context = plan_context(NULL);
    for (size_t i = 0; i < count; i++) {
        uns_plan *plan = NULL;
        uns_status status = plan_make(context, &errors[i].plan, &plan);
        cr_expect_eq(status, errors[i].status, "%s: %d, %s", errors[i].plan.text, status,
                     uns_context_message(context));
        cr_expect_str_eq(uns_context_message(context), errors[i].message);
        cr_expect_null(plan);
    }
    uns_context_destroy(context);
}

#define PLAN_EXPECT_ERRORS(errors)                                                             \
    plan_expect_errors(errors, sizeof(errors) / sizeof((errors)[0]))

#endif

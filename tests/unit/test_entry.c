/* SPDX-License-Identifier: MIT
 * Tables that lack something are refused when they are registered, by name: a working built-in
 * one with one member taken out is each time what is registered.
 */
#include "base/base.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unsaddle/moment.h>
#include <unsaddle/problem.h>
#include <unsaddle/spec.h>
#include <unsaddle/structure.h>

#include "toy_problem.h"

static uns_context *context;

static void open_context(void) {
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(entry, .init = open_context, .fini = close_context);

static const void *built_in(uns_kind kind, const char *name) {
    const void *entry = NULL;
    cr_assert_eq(uns_context_find(context, kind, name, &entry), UNS_OK);
    return entry;
}

static uns_structure_ops structure_like(const char *name) {
    uns_structure_ops ops = *(const uns_structure_ops *)built_in(UNS_KIND_STRUCTURE, name);
    ops.name = "mine";
    return ops;
}

/* Refused with both words in the message, and not to be found afterwards. */
static void refused(uns_kind kind, const void *entry, const char *word) {
    const size_t before = uns_context_count(context, kind);
    char wanted[64];
    snprintf(wanted, sizeof wanted, " %s", word);
    cr_expect_eq(uns_context_register(context, kind, entry), UNS_ERROR_ARGUMENT, "%s", word);
    const char *message = uns_context_message(context);
    cr_expect(strstr(message, "'mine'") && strstr(message, wanted), "%s: %s", word, message);
    cr_expect_eq(uns_context_count(context, kind), before, "%s", word);
}

#define WITHOUT(kind, whole, member)                                                           \
    do {                                                                                       \
        __typeof__(whole) lacking = (whole);                                                   \
        lacking.member = NULL;                                                                 \
        refused(kind, &lacking, #member);                                                      \
    } while (0)

#define WITH_SIZE(kind, whole, bytes)                                                          \
    do {                                                                                       \
        __typeof__(whole) odd = (whole);                                                       \
        odd.size = (bytes);                                                                    \
        refused(kind, &odd, "size");                                                           \
    } while (0)

Test(entry, whole_structures_need_all_their_functions) {
    uns_structure_ops mine = structure_like("scalar");
    WITHOUT(UNS_KIND_STRUCTURE, mine, elements);
    WITHOUT(UNS_KIND_STRUCTURE, mine, bytes);
    WITHOUT(UNS_KIND_STRUCTURE, mine, prepare);
    WITHOUT(UNS_KIND_STRUCTURE, mine, observe);
    WITHOUT(UNS_KIND_STRUCTURE, mine, refresh);
    WITHOUT(UNS_KIND_STRUCTURE, mine, precondition);
    cr_expect_eq(uns_context_register(context, UNS_KIND_STRUCTURE, &mine), UNS_OK);
}

Test(entry, a_structure_with_product_needs_its_metric) {
    uns_structure_ops mine = structure_like("scalar");
    cr_assert(mine.product);
    WITHOUT(UNS_KIND_STRUCTURE, mine, metric_bytes);
    WITHOUT(UNS_KIND_STRUCTURE, mine, metric_open);
    mine.product = NULL;
    mine.metric_bytes = NULL;
    mine.metric_open = NULL;
    cr_expect_eq(uns_context_register(context, UNS_KIND_STRUCTURE, &mine), UNS_OK);
}

Test(entry, an_elementwise_structure_needs_elements_alone) {
    uns_structure_ops mine = structure_like("diagonal");
    cr_assert_null(mine.observe);
    WITHOUT(UNS_KIND_STRUCTURE, mine, elements);
    cr_expect_eq(uns_context_register(context, UNS_KIND_STRUCTURE, &mine), UNS_OK);
}

Test(entry, a_moment_needs_coefficients) {
    uns_moment_ops mine = *(const uns_moment_ops *)built_in(UNS_KIND_MOMENT, "ema");
    mine.name = "mine";
    WITHOUT(UNS_KIND_MOMENT, mine, coeffs);
    cr_expect_eq(uns_context_register(context, UNS_KIND_MOMENT, &mine), UNS_OK);
}

Test(entry, a_preset_needs_values) {
    uns_preset mine = {sizeof mine, "mine", "eta=0.5", "", ""};
    WITHOUT(UNS_KIND_PRESET, mine, values);
    cr_expect_eq(uns_context_register(context, UNS_KIND_PRESET, &mine), UNS_OK);
}

Test(entry, a_problem_needs_its_five_functions) {
    uns_problem_ops mine = toy_problem;
    mine.name = "mine";
    WITHOUT(UNS_KIND_PROBLEM, mine, create);
    WITHOUT(UNS_KIND_PROBLEM, mine, blocks);
    WITHOUT(UNS_KIND_PROBLEM, mine, start);
    WITHOUT(UNS_KIND_PROBLEM, mine, value);
    WITHOUT(UNS_KIND_PROBLEM, mine, gradient);
    cr_expect_eq(uns_context_register(context, UNS_KIND_PROBLEM, &mine), UNS_OK);
}

Test(entry, tables_of_another_size_are_refused) {
    uns_moment_ops moment = *(const uns_moment_ops *)built_in(UNS_KIND_MOMENT, "ema");
    uns_problem_ops problem = toy_problem;
    uns_structure_ops structure = structure_like("scalar");
    uns_preset preset = {sizeof preset, "mine", "eta=0.5", "", ""};
    moment.name = problem.name = "mine";
    WITH_SIZE(UNS_KIND_STRUCTURE, structure, 0);
    WITH_SIZE(UNS_KIND_STRUCTURE, structure, sizeof structure - 8);
    WITH_SIZE(UNS_KIND_STRUCTURE, structure, sizeof structure + 8);
    WITH_SIZE(UNS_KIND_MOMENT, moment, sizeof moment - 8);
    WITH_SIZE(UNS_KIND_PRESET, preset, 0);
    WITH_SIZE(UNS_KIND_PROBLEM, problem, 0);
    WITH_SIZE(UNS_KIND_PROBLEM, problem, offsetof(uns_problem_ops, gradient));
}

/* SPDX-License-Identifier: MIT
 * Which moments go with which structures, and what else a structure can and cannot have: the
 * table of legal pairs, with the reason each refusal gives. docs/theory.md shows the same.
 */
#include "support/bowl.h"

#include <stdio.h>

enum {
    STRUCTURES = 5,
    MOMENTS = 7
};

static const char *const structures[STRUCTURES] = {"identity", "scalar", "diagonal", "block",
                                                   "full"};

/* A letter a structure: y legal, else a reason below. */
typedef struct row {
    const char *moment, *extra, *legal;
} row;

static const row rows[MOMENTS] = {
    {"ema", "", "yyyyy"},          {"sum", "", "yyyyy"}, {"mean", "", "yyyyy"},
    {"exact", "", "yoyyy"},        {"max", "", "yfyff"}, {"sign", "", "yfyff"},
    {"latest", "beta=0", "yyyyy"},
};

static const struct {
    char letter;
    const char *fragment;
} reasons[] = {
    {'f', "folds entry by entry"},
    {'o', "cannot take the second moment from an oracle"},
    {'n', "keeps none"},
    {'c', "ceiling needs an accumulated moment and an elementwise structure"},
    {'d', "scale=adadelta needs an elementwise structure"},
    {'r', "have no effect on this structure"},
    {'b', "belong to structure=block"},
};

static const char *fragment_of(char letter) {
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].letter == letter)
            return reasons[i].fragment;
    cr_assert_fail("no reason '%c'", letter);
    return NULL;
}

static void check_pair(uns_context *context, const char *values, char legal) {
    uns_spec spec;
    cr_assert_eq(uns_param_defaults(context, uns_spec_table(), &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK, "%s: %s",
                 values, uns_context_message(context));
    uns_status status = uns_spec_check(context, &spec);
    if (legal == 'y') {
        cr_expect_eq(status, UNS_OK, "%s: %s", values, uns_context_message(context));
        return;
    }
    cr_expect_eq(status, UNS_ERROR_PAIR, "%s", values);
    cr_expect(strstr(uns_context_message(context), fragment_of(legal)), "%s: %s", values,
              uns_context_message(context));
}

Test(pairs, moments_and_structures_go_together_as_the_table_says) {
    uns_context *context = open_context(1);
    for (size_t m = 0; m < MOMENTS; m++)
        for (size_t s = 0; s < STRUCTURES; s++) {
            char values[160];
            snprintf(values, sizeof values, "moment=%s structure=%s %s", rows[m].moment,
                     structures[s], rows[m].extra);
            check_pair(context, values, rows[m].legal[s]);
        }
    uns_context_destroy(context);
}

static const row others[] = {
    {NULL, "centred=true", "nyyyy"},
    {NULL, "moment=mean centred=true", "nyyyy"},
    {NULL, "rectify=true", "nyyyy"},
    {NULL, "initial=1", "nyyyy"},
    {NULL, "ceiling=raw", "ncycc"},
    {NULL, "scale=adadelta", "ydydd"},
    {NULL, "scale=trust", "yyyyy"},
    {NULL, "momentum=ema mu=0.9 signal=deviation", "yyyyy"},
    {NULL, "momentum=lion mu=0.9 mu.memory=0.99 signal=direction", "yyyyy"},
    {NULL, "exponent=0", "yyyyy"},
    {NULL, "exponent=1.3", "yyyyy"},
    {NULL, "refresh=10", "rrryy"},
    {NULL, "refresh.tolerance=0.5", "rrryy"},
    {NULL, "structure.block=16", "bbbyb"},
    {NULL, "structure.cap=16", "bbbyb"},
    {NULL, "structure.over=diagonal", "bbbyb"},
};

Test(pairs, other_slots_and_structures_go_together_as_the_table_says) {
    uns_context *context = open_context(1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (size_t s = 0; s < STRUCTURES; s++) {
            char values[160];
            snprintf(values, sizeof values, "structure=%s %s", structures[s], others[i].extra);
            check_pair(context, values, others[i].legal[s]);
        }
    uns_context_destroy(context);
}

Test(pairs, values_that_cancel_one_another_are_refused) {
    static const struct {
        const char *values, *fragment;
    } cases[] = {
        {"structure=full refresh=5 refresh.tolerance=2", "belongs to refresh=adaptive"},
        {"structure=block structure.block=8 structure.cap=64", "either a size or a cap"},
        {"structure=block structure.block=8 structure.over=diagonal", "either a size or a cap"},
    };
    uns_context *context = open_context(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uns_spec spec = spec_of(context, "rmsprop", cases[i].values);
        cr_expect_eq(uns_spec_check(context, &spec), UNS_ERROR_PAIR, "%s", cases[i].values);
        cr_expect(strstr(uns_context_message(context), cases[i].fragment), "%s: %s",
                  cases[i].values, uns_context_message(context));
    }
    uns_context_destroy(context);
}

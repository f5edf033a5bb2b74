/* SPDX-License-Identifier: MIT
 * Which moments go with which structures, and what else a structure can and cannot have: the
 * table of legal pairs, with the reason each refusal gives. docs/theory.md shows the same.
 */
#include "support/bowl.h"

#include <stdio.h>

enum {
    STRUCTURES = 9,
    MOMENTS = 9
};

/* kron-eigen has no default refresh. */
static const char *const structures[STRUCTURES] = {
    "identity", "scalar", "diagonal", "block", "full", "kron", "kron-eigen refresh=10",
    "factored", "lowrank"};

/* A letter a structure: y legal, else a reason below. */
typedef struct row {
    const char *moment, *extra, *legal;
} row;

static const row rows[MOMENTS] = {
    {"ema", "", "yyyyyyyyy"},   {"sum", "", "yyyyyyyyy"},          {"mean", "", "yyyyyyyyy"},
    {"power", "", "yyyyyyyyy"}, {"exact", "", "yoyyyyoyo"},        {"max", "", "yfyffffff"},
    {"sign", "", "yfyffffff"},  {"latest", "beta=0", "yyyyyymyy"}, {"window", "", "wwwwwwwwy"},
};

static const struct {
    char letter;
    const char *fragment;
} reasons[] = {
    {'f', "folds entry by entry"},
    {'o', "cannot take the second moment from an oracle"},
    {'n', "keeps none"},
    {'c', "ceiling needs an accumulated moment and an elementwise structure"},
    {'u', "one that is corrected already"},
    {'d', "scale=adadelta needs an elementwise structure"},
    {'r', "have no effect on this structure"},
    {'b', "to structure=block"},
    {'m', "keeps a moment of its own"},
    {'t', "belongs to refresh=adaptive"},
    {'L', "refresh.lag belongs to structure=full and block"},
    {'D', "damping is for the roots of matrices"},
    {'g', "scale=graft takes the step length of the diagonal"},
    {'k', "belong to structure=kron"},
    {'q', "basis belongs to structure=kron-eigen"},
    {'l', "structure.over=leave leaves one side of a matrix out"},
    {'p', "root=quintic approximates the polar factor alone"},
    {'w', "needs structure=lowrank"},
    {'R', "belong to structure=lowrank"},
    {'W', "belongs to moment=window"},
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
    {NULL, "centred=true", "nyyyyymyy"},
    {NULL, "moment=mean centred=true", "nyyyyymyy"},
    {NULL, "rectify=true", "nyyyyyyyy"},
    {NULL, "initial=1", "nyyyyyyyy"},
    {NULL, "ceiling=raw", "ncycccccc"},
    {NULL, "epsilon.form=uncorrected bias_correction=true", "yyyyyyyyy"},
    {NULL, "epsilon.form=uncorrected bias_correction=true centred=true", "nuuuuumuu"},
    {NULL, "epsilon.form=uncorrected bias_correction=true ceiling=raw", "ncycccccc"},
    {NULL, "epsilon.form=uncorrected bias_correction=true ceiling=corrected", "ncucccccc"},
    {NULL, "scale=adadelta", "ydydddddd"},
    {NULL, "scale=trust", "yyyyyyyyy"},
    {NULL, "scale=graft", "gygyyyyyy"},
    {NULL, "scale=rms_clip rms.relative=1e-3", "yyyyyyyyy"},
    {NULL, "scale=shape", "yyyyyyyyy"},
    {NULL, "scale=shape_rms", "yyyyyyyyy"},
    {NULL, "momentum=ema mu=0.9 signal=deviation", "yyyyyyyyy"},
    {NULL, "momentum=lion mu=0.9 mu.memory=0.99 signal=direction", "yyyyyyyyy"},
    {NULL, "exponent=0", "yyyyyyyyy"},
    {NULL, "exponent=1.3", "yyyyyyyyy"},
    {NULL, "refresh=10", "rrryyyyrr"},
    {NULL, "refresh.tolerance=0.5", "rrryyytrr"},
    {NULL, "refresh.lag=3", "LLLyyLLLL"},
    {NULL, "damping=1e-3", "DDDyyyyDD"},
    {NULL, "structure.block=16", "bbbybbbbb"},
    {NULL, "structure.cap=16", "bbbybyybb"},
    {NULL, "structure.over=diagonal", "bbbybyybb"},
    {NULL, "structure.over=leave", "bbblbyybb"},
    {NULL, "structure.side=left", "kkkkkyykk"},
    {NULL, "structure.every=2", "kkkkkyykk"},
    {NULL, "basis=qr", "qqqqqqyqq"},
    {NULL, "root=quintic", "ppppppppp"},
    {NULL, "structure.rank=8", "RRRRRRRRy"},
    {NULL, "structure.complement=none", "RRRRRRRRy"},
    {NULL, "structure.window=8", "WWWWWWWWW"},
    {NULL, "moment=window structure.window=8 beta=1", "wwwwwwwwy"},
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
        {"structure=lowrank moment=window structure.rank=8", "whose rank is structure.window"},
        {"structure=lowrank moment=window centred=true", "centred needs moment=ema"},
        {"structure=full refresh=5 refresh.tolerance=2", "belongs to refresh=adaptive"},
        {"structure=kron-eigen", "set refresh=10"},
        {"structure=kron centred=true structure.every=2", "structure.every must be 1"},
        {"structure=kron moment=latest beta=0 signal=direction", "root of one side"},
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

/* SPDX-License-Identifier: MIT
 * Overrides, "path=value": what each form of path reaches, what it replaces, and its errors.
 */
#include "support/plan_text.h"

static const char base[] = "problem: {name: toy, noise: gaussian, shape: {width: 2}}\n"
                           "steps: 10\n"
                           "optimizers:\n"
                           "  - rmsprop: {eta: [1e-4, 1e-3], beta: {rule: eta^2/3, C: 1}}\n"
                           "  - sgd\n"
                           "  - rmsprop: {lr: 1, beta: 0.5}\n";

static uns_plan *open_with(uns_context *context, const char *first, const char *second) {
    return plan_open(context, (plan_text){.text = base, .overrides = {first, second}});
}

static const toy_config *toy_of(const uns_plan *plan, size_t index) {
    return uns_plan_cell(plan, index)->problem_config;
}

#define WITH_PLAN(...)                                                                         \
    uns_context *context = plan_context(NULL);                                                 \
    uns_plan *plan = open_with(context, __VA_ARGS__)
#define DONE()                                                                                 \
    uns_plan_destroy(plan);                                                                    \
    uns_context_destroy(context)

Test(plan_override, a_key_at_the_top) {
    WITH_PLAN("steps=1e3", "records=7");
    cr_assert_eq(uns_plan_count(plan), 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(uns_plan_cell(plan, i)->settings.steps, 1000);
        cr_expect_eq(uns_plan_cell(plan, i)->settings.records, 7);
    }
    DONE();
}

Test(plan_override, the_last_of_two_wins) {
    WITH_PLAN("steps=1000", "steps=2000");
    cr_expect_eq(uns_plan_cell(plan, 0)->settings.steps, 2000);
    DONE();
}

Test(plan_override, a_key_of_every_optimizer_of_a_preset) {
    WITH_PLAN("optimizers.rmsprop.eta=1e-2", NULL);
    cr_assert_eq(uns_plan_count(plan), 3);
    cr_expect_eq(uns_plan_cell(plan, 0)->spec.eta, 1e-2);
    cr_expect_eq(uns_plan_cell(plan, 1)->spec.eta, 1e-3, "sgd has its default");
    cr_expect_eq(uns_plan_cell(plan, 2)->spec.eta, 1e-2, "lr is eta");
    DONE();
}

Test(plan_override, one_optimizer_by_its_number) {
    WITH_PLAN("optimizers[2].eta=0.25", NULL);
    cr_assert_eq(uns_plan_count(plan), 4);
    cr_expect_eq(uns_plan_cell(plan, 0)->spec.eta, 1e-4);
    cr_expect_eq(uns_plan_cell(plan, 3)->spec.eta, 0.25);
    DONE();
}

Test(plan_override, a_list_is_a_grid) {
    WITH_PLAN("optimizers.sgd.eta=[1, 2, 3]", "seed=[5, 6]");
    cr_assert_eq(uns_plan_count(plan), 12);
    cr_expect_str_eq(uns_plan_cell(plan, 4)->label, "sgd eta=1 seed=5");
    cr_expect_str_eq(uns_plan_cell(plan, 9)->label, "sgd eta=3 seed=6");
    DONE();
}

Test(plan_override, a_key_of_the_problem) {
    WITH_PLAN("problem.noise=finite", "problem[0].spectrum=[4, 5, 6]");
    cr_expect_eq(toy_of(plan, 0)->noise, 1);
    cr_expect_eq(toy_of(plan, 0)->spectrum.count, 3);
    cr_expect_eq(toy_of(plan, 0)->shape_width, 2);
    DONE();
}

Test(plan_override, the_whole_problem) {
    WITH_PLAN("problem={name: toy, scale: 3}", NULL);
    cr_expect_eq(toy_of(plan, 0)->scale, 3);
    cr_expect_eq(toy_of(plan, 0)->shape_width, 1, "what the file said of it is gone");
    DONE();
}

Test(plan_override, the_problems_name_keeps_its_keys) {
    WITH_PLAN("problem.name=toy", NULL);
    cr_expect_eq(toy_of(plan, 0)->shape_width, 2);
    DONE();
}

Test(plan_override, the_whole_list_of_optimizers) {
    WITH_PLAN("optimizers=[adam, {lion: {eta: 2}}]", "optimizers.lion.label=mine");
    cr_assert_eq(uns_plan_count(plan), 2);
    cr_expect_str_eq(uns_plan_cell(plan, 0)->label, "adam");
    cr_expect_str_eq(uns_plan_cell(plan, 1)->label, "mine");
    cr_expect_eq(uns_plan_cell(plan, 1)->spec.eta, 2);
    DONE();
}

Test(plan_override, beta_takes_the_place_of_its_rule) {
    WITH_PLAN("optimizers[0].beta=0.75", NULL);
    cr_expect_eq(uns_plan_cell(plan, 0)->spec.beta_rule, UNS_BETA_FIXED);
    cr_expect_eq(uns_plan_cell(plan, 0)->spec.beta, 0.75);
    DONE();
}

Test(plan_override, the_constant_of_the_rule_takes_the_place_of_beta) {
    WITH_PLAN("optimizers[2].beta.C=0.5", NULL);
    cr_expect_eq(uns_plan_cell(plan, 3)->spec.beta_rule, UNS_BETA_ETA_TWO_THIRDS);
    cr_expect_eq(uns_plan_cell(plan, 3)->spec.beta_c, 0.5);
    DONE();
}

Test(plan_override, a_mapping_gives_the_keys_it_names) {
    WITH_PLAN("optimizers.rmsprop.beta={C: 0.25}", "problem.shape={width: 4}");
    cr_expect_eq(uns_plan_cell(plan, 0)->spec.beta_c, 0.25);
    cr_expect_eq(uns_plan_cell(plan, 3)->spec.beta_c, 0.25);
    cr_expect_eq(uns_plan_cell(plan, 3)->spec.beta_rule, UNS_BETA_ETA_TWO_THIRDS);
    cr_expect_eq(toy_of(plan, 0)->shape_width, 4);
    DONE();
}

Test(plan_override, a_key_leaves_those_below_it_alone) {
    WITH_PLAN("problem.shape=0.125", NULL);
    cr_expect_eq(toy_of(plan, 0)->shape, 0.125);
    cr_expect_eq(toy_of(plan, 0)->shape_width, 2);
    DONE();
}

Test(plan_override, two_overrides_that_contradict_are_refused) {
    static const plan_error errors[] = {
        {{base, {"steps=1", "epochs=1"}},
         UNS_ERROR_PAIR,
         "override 'epochs=1': 'steps' and 'epochs' are both given; keep one"},
        {{base, {"optimizers[1].beta=0.5", "optimizers[1].beta.C=2"}},
         UNS_ERROR_PAIR,
         "override 'optimizers[1].beta.C=2': both 'beta' and 'beta.C' are given; keep one, or "
         "add 'beta.rule'"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_override, epochs_take_the_place_of_steps) {
    WITH_PLAN("problem.samples=30", "epochs=2");
    cr_expect_eq(uns_plan_cell(plan, 0)->settings.steps, 60);
    DONE();
}

Test(plan_override, an_override_can_give_what_the_file_lacks) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan =
        plan_open(context, (plan_text){.text = "steps: 1\n",
                                       .overrides = {"problem=toy", "optimizers=sgd"}});
    cr_expect_eq(uns_plan_count(plan), 1);
    DONE();
}

Test(plan_override, resolved_file_holds_the_overrides) {
    WITH_PLAN("optimizers.sgd.eta=[1, 2]", "seed=[5, 6]");
    uns_plan *again = plan_open(context, (plan_text){.text = uns_plan_resolved(plan)});
    cr_assert_eq(uns_plan_count(again), uns_plan_count(plan));
    for (size_t i = 0; i < uns_plan_count(plan); i++)
        cr_expect(plan_same_cell(uns_plan_cell(plan, i), uns_plan_cell(again, i)));
    uns_plan_destroy(again);
    DONE();
}

Test(plan_override, errors_name_the_override_and_the_nearest_right_name) {
    static const plan_error errors[] = {
        {{base, {"stpes=5"}},
         UNS_ERROR_NAME,
         "override 'stpes=5': unknown key 'stpes'; did you mean 'steps'?"},
        {{base, {"optimizer.sgd.eta=1"}},
         UNS_ERROR_NAME,
         "override 'optimizer.sgd.eta=1': unknown key 'optimizer'; did you mean 'optimizers'?"},
        {{base, {"eta=1"}},
         UNS_ERROR_NAME,
         "override 'eta=1': unknown key 'eta'; it belongs below an optimizer: "
         "optimizers.NAME.KEY"},
        {{base, {"optimizers.rmspop.eta=1"}},
         UNS_ERROR_NAME,
         "override 'optimizers.rmspop.eta=1': the plan has no optimizer 'rmspop'; did you mean "
         "'rmsprop'?"},
        {{base, {"optimizers.rmsprop.etta=1"}},
         UNS_ERROR_NAME,
         "override 'optimizers.rmsprop.etta=1': unknown key 'etta' of optimizer 'rmsprop'; did "
         "you mean 'eta'?"},
        {{base, {"optimizers[3].eta=1"}},
         UNS_ERROR_NAME,
         "override 'optimizers[3].eta=1': no 'optimizers[3]'; there are optimizers[0] to "
         "optimizers[2]"},
        {{base, {"optimizers[x].eta=1"}},
         UNS_ERROR_NAME,
         "override 'optimizers[x].eta=1': no 'optimizers[x]'; there are optimizers[0] to "
         "optimizers[2]"},
        {{base, {"problem.nosie=finite"}},
         UNS_ERROR_NAME,
         "override 'problem.nosie=finite': unknown key 'nosie' of problem 'toy'; did you mean "
         "'noise'?"},
        {{base, {"problem=tpy"}},
         UNS_ERROR_NAME,
         "override 'problem=tpy': unknown problem 'tpy'; did you mean 'toy'?"},
        {{base, {"steps.x=1"}},
         UNS_ERROR_NAME,
         "override 'steps.x=1': unknown key 'steps.x'; did "
         "you mean 'steps'?"},
        {{base, {"optimizers.sgd=1"}},
         UNS_ERROR_FORMAT,
         "override 'optimizers.sgd=1': it names no key; write optimizers.sgd.KEY"},
        {{base, {"optimizers[1]=1"}},
         UNS_ERROR_FORMAT,
         "override 'optimizers[1]=1': it names no key; write optimizers[1].KEY"},
        {{base, {"steps"}},
         UNS_ERROR_FORMAT,
         "override 'steps': expected KEY=VALUE, where KEY is like steps, problem.noise, "
         "optimizers.rmsprop.eta or optimizers[0].eta"},
        {{base, {"steps=abc"}},
         UNS_ERROR_FORMAT,
         "override 'steps=abc': steps: expected a whole number, found 'abc'"},
        {{base, {"optimizers.sgd.eta=[1, -1]"}},
         UNS_ERROR_RANGE,
         "override 'optimizers.sgd.eta=[1, -1]': eta: -1 is out of range; it must be in [0, "
         "inf)"},
        {{base, {"steps="}}, UNS_ERROR_FORMAT, "override 'steps=': 'steps' has no value"},
        {{base, {"steps=[]"}},
         UNS_ERROR_FORMAT,
         "override 'steps=[]': 'steps' has an empty list"},
        {{base, {"threads=[1, 2]"}},
         UNS_ERROR_FORMAT,
         "override 'threads=[1, 2]': 'threads' takes one value for the whole plan, no list"},
        {{base, {"epochs=1"}},
         UNS_ERROR_PAIR,
         "override 'epochs=1': problem 'toy' is an expectation without epochs; give 'steps'"},
        {{base, {"st\xff=1"}}, UNS_ERROR_FORMAT, "override: the byte 0xff is not UTF-8 text"},
        {{"steps: 1\n", {"problem.noise=finite"}},
         UNS_ERROR_NAME,
         "override 'problem.noise=finite': the file has no 'problem'"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_override, every_malformed_path_is_refused) {
    static const char *const paths[] = {"=",
                                        "=1",
                                        ".=1",
                                        "[0]=1",
                                        "optimizers.=1",
                                        "optimizers..eta=1",
                                        "optimizers[0=1",
                                        "optimizers[]=1",
                                        "optimizers[0]x=1",
                                        "problem.=1",
                                        "steps[0]=1",
                                        "optimizers[99999999999999999999].eta=1"};
    uns_context *context = plan_context(NULL);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uns_plan *plan = NULL;
        plan_text text = {.text = base, .overrides = {paths[i]}};
        uns_status status = plan_make(context, &text, &plan);
        cr_expect(status == UNS_ERROR_FORMAT || status == UNS_ERROR_NAME, "%s: %d", paths[i],
                  status);
        cr_expect_null(plan);
        cr_expect_not_null(strstr(uns_context_message(context), "override"));
    }
    uns_context_destroy(context);
}

Test(plan_override, a_long_override_is_cut_in_messages) {
    char text[4000] = "optimizers.sgd.eta=[";
    for (int i = 0; i < 900; i++)
        strcat(text, "1, ");
    strcat(text, "x]");
    uns_context *context = plan_context(NULL);
    uns_plan *plan = NULL;
    plan_text source = {.text = base, .overrides = {text}};
    cr_expect_eq(plan_make(context, &source, &plan), UNS_ERROR_FORMAT);
    const char *message = uns_context_message(context);
    cr_expect_not_null(strstr(message, "...': eta: expected a number, found 'x'"));
    cr_expect_lt(strlen(message), 160);
    uns_context_destroy(context);
}

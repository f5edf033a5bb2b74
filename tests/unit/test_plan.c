/* SPDX-License-Identifier: MIT
 * What a plan's file turns into: cells, grids, labels, the resolved file. Errors and overrides
 * are tested in test_plan_errors.c and test_plan_override.c.
 */
#include "support/plan_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unsaddle/problems.h>

#define HEAD                    "problem: toy\nsteps: 10\n"
#define TOY_CONFIG(plan, index) ((const toy_config *)uns_plan_cell(plan, index)->problem_config)

/* The example of the documentation, with the toy for its problem. */
static const char example[] = "problem: {name: toy, noise: gaussian}\n"
                              "steps: 100000\n"
                              "replicas: 1000\n"
                              "seed: 1\n"
                              "optimizers:\n"
                              "  - sgd:       {eta: [1e-3, 3e-3, 1e-2, 3e-2]}\n"
                              "  - rmsprop:   {eta: [1e-4, 1e-3, 1e-2], beta: {rule: eta^2/3, "
                              "C: 1}, burn_in: auto}\n"
                              "  - idealized: {eta: 1e-3}\n";

Test(plan, example_gives_its_eight_cells) {
    static const struct {
        const char *label, *preset;
        double eta;
    } expected[] = {
        {"sgd eta=1e-3", "sgd", 1e-3},         {"sgd eta=3e-3", "sgd", 3e-3},
        {"sgd eta=1e-2", "sgd", 1e-2},         {"sgd eta=3e-2", "sgd", 3e-2},
        {"rmsprop eta=1e-4", "rmsprop", 1e-4}, {"rmsprop eta=1e-3", "rmsprop", 1e-3},
        {"rmsprop eta=1e-2", "rmsprop", 1e-2}, {"idealized", "idealized", 1e-3},
    };
    uns_context *context = plan_context(NULL);
    uns_plan *plan = plan_open(context, (plan_text){.text = example});
    cr_assert_eq(uns_plan_count(plan), 8);
    for (size_t i = 0; i < 8; i++) {
        const uns_cell *cell = uns_plan_cell(plan, i);
        cr_expect_str_eq(cell->label, expected[i].label);
        cr_expect_str_eq(cell->preset, expected[i].preset);
        cr_expect_eq(cell->spec.eta, expected[i].eta);
        cr_expect_str_eq(cell->problem, "toy");
        cr_expect_eq(cell->settings.steps, 100000);
        cr_expect_eq(cell->settings.replicas, 1000);
        bool rmsprop = strcmp(cell->preset, "rmsprop") == 0;
        cr_expect_eq(cell->spec.beta_rule, rmsprop ? UNS_BETA_ETA_TWO_THIRDS : UNS_BETA_FIXED);
        cr_expect_eq(cell->spec.burn_in, rmsprop ? UNS_BURN_IN_AUTO : 0);
    }
    cr_expect_null(uns_plan_cell(plan, 8));
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(plan, what_a_file_leaves_out_has_the_tables_default) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = plan_open(context, (plan_text){.text = HEAD "optimizers: [adam]\n"});
    uns_settings defaults;
    uns_spec adam;
    cr_assert_eq(uns_param_defaults(context, uns_settings_table(), &defaults), UNS_OK);
    cr_assert_eq(uns_spec_preset(context, "adam", &adam), UNS_OK);
    defaults.steps = 10;
    const uns_cell *cell = uns_plan_cell(plan, 0);
    cr_expect(plan_same_rows(uns_settings_table(), &cell->settings, &defaults));
    cr_expect(plan_same_rows(uns_spec_table(), &cell->spec, &adam));
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(plan, grids_multiply_in_file_order_last_fastest) {
    static const char *const labels[] = {
        "sgd eta=1e-3 seed=1", "sgd eta=1e-3 seed=2", "sgd eta=1 seed=1",
        "sgd eta=1 seed=2",    "momentum seed=1",     "momentum seed=2",
    };
    uns_context *context = plan_context(NULL);
    uns_plan *plan = plan_open(
        context, (plan_text){.text = HEAD
                             "optimizers: [sgd: {eta: [1e-3, 1]}, momentum]\nseed: [1, 2]\n"});
    cr_assert_eq(uns_plan_count(plan), 6);
    for (size_t i = 0; i < 6; i++)
        cr_expect_str_eq(uns_plan_cell(plan, i)->label, labels[i]);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(plan, problems_make_a_grid_too) {
    static const char *const labels[] = {
        "sgd scale=1 noise=gaussian", "sgd scale=1 noise=finite", "sgd scale=9 noise=gaussian"};
    uns_context *context = plan_context(NULL);
    uns_plan *plan =
        plan_open(context, (plan_text){.text = "problem:\n"
                                               "  - {name: toy, noise: [gaussian, finite]}\n"
                                               "  - {name: toy, size: 9}\n"
                                               "steps: 10\noptimizers: [sgd]\n"});
    cr_assert_eq(uns_plan_count(plan), 3);
    for (size_t i = 0; i < 3; i++)
        cr_expect_str_eq(uns_plan_cell(plan, i)->label, labels[i]);
    cr_expect_eq(TOY_CONFIG(plan, 1)->noise, 1);
    cr_expect_eq(TOY_CONFIG(plan, 2)->scale, 9);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(plan, reals_take_a_list_and_a_list_of_lists_is_a_grid) {
    uns_context *context = plan_context(NULL);
    uns_plan *one =
        plan_open(context, (plan_text){.text = "problem: {name: toy, spectrum: [3, "
                                               "4, 5]}\nsteps: 1\noptimizers: [sgd]"});
    cr_assert_eq(uns_plan_count(one), 1);
    cr_expect_eq(TOY_CONFIG(one, 0)->spectrum.count, 3);
    cr_expect_eq(TOY_CONFIG(one, 0)->spectrum.value[2], 5);
    uns_plan *three =
        plan_open(context, (plan_text){.text = "problem: {name: toy, spectrum: [[3, 4], [], "
                                               "[7]]}\nsteps: 1\noptimizers: [sgd]"});
    cr_assert_eq(uns_plan_count(three), 3);
    cr_expect_eq(TOY_CONFIG(three, 0)->spectrum.value[1], 4);
    cr_expect_eq(TOY_CONFIG(three, 1)->spectrum.count, 0);
    cr_expect_eq(TOY_CONFIG(three, 2)->spectrum.value[0], 7);
    uns_plan_destroy(one);
    uns_plan_destroy(three);
    uns_context_destroy(context);
}

Test(plan, nested_and_dotted_keys_are_the_same_keys) {
    static const char *const spellings[] = {"{shape: 0.25}", "{shape: {width: 3}}",
                                            "{shape.width: 3, shape: 0.25}"};
    static const double expected[][2] = {{0.25, 1}, {0.5, 3}, {0.25, 3}};
    uns_context *context = plan_context(NULL);
    for (size_t i = 0; i < 3; i++) {
        char text[200];
        snprintf(text, sizeof text, "problem: {name: toy, %s\nsteps: 1\noptimizers: [sgd]",
                 spellings[i] + 1);
        uns_plan *plan = plan_open(context, (plan_text){.text = text});
        cr_expect_eq(TOY_CONFIG(plan, 0)->shape, expected[i][0]);
        cr_expect_eq(TOY_CONFIG(plan, 0)->shape_width, expected[i][1]);
        uns_plan_destroy(plan);
    }
    uns_context_destroy(context);
}

/* Rule and beta of the first cell of one optimizer. */
static uns_spec first_spec(uns_context *context, const char *optimizer) {
    char text[200];
    snprintf(text, sizeof text, HEAD "optimizers:\n  - %s\n", optimizer);
    uns_plan *plan = plan_open(context, (plan_text){.text = text});
    uns_spec spec = uns_plan_cell(plan, 0)->spec;
    uns_plan_destroy(plan);
    return spec;
}

Test(plan, giving_c_alone_means_the_rule_and_beta_alone_that_beta) {
    uns_context *context = plan_context(NULL);
    uns_spec c = first_spec(context, "rmsprop: {beta: {C: 2}}");
    cr_expect_eq(c.beta_rule, UNS_BETA_ETA_TWO_THIRDS);
    cr_expect_eq(c.beta_c, 2);
    uns_spec beta = first_spec(context, "rmsprop: {beta: 0.5}");
    cr_expect_eq(beta.beta_rule, UNS_BETA_FIXED);
    cr_expect_eq(beta.beta, 0.5);
    uns_context_destroy(context);
}

Test(plan, labels_show_what_differs_between_items_of_one_preset) {
    static const char *const labels[] = {"sgd eta=1e-3", "sgd eta=2.5e-5", "best eta=1",
                                         "best eta=0.5", "lone"};
    uns_context *context = plan_context(NULL);
    uns_plan *plan =
        plan_open(context, (plan_text){.text = HEAD "optimizers:\n"
                                                    "  - sgd\n"
                                                    "  - sgd: {eta: 0.000025}\n"
                                                    "  - sgd: {eta: [1, 0.5], label: best}\n"
                                                    "  - sgd: {label: lone}\n"});
    cr_assert_eq(uns_plan_count(plan), 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect_str_eq(uns_plan_cell(plan, i)->label, labels[i]);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(plan, epochs_become_steps_over_the_samples) {
    static const struct {
        const char *settings;
        int64_t steps;
    } cases[] = {
        {"epochs: 3\nbatch: 8", 375},     {"epochs: 1\nbatch: 7", 143},
        {"epochs: 0.1\nbatch: 10", 10},   {"epochs: 1e-9", 1},
        {"epochs: 1e-3\nbatch: 1000", 1}, {"steps: 0\nepochs: 2", 2000},
        {"epochs: 0.7\nbatch: 7", 100},
    };
    uns_context *context = plan_context(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "problem: {name: toy, samples: 1000}\noptimizers: [sgd]\n%s",
                 cases[i].settings);
        uns_plan *plan = plan_open(context, (plan_text){.text = text});
        cr_expect_eq(uns_plan_cell(plan, 0)->settings.steps, cases[i].steps);
        uns_plan_destroy(plan);
    }
    uns_context_destroy(context);
}

Test(plan, resolved_file_says_steps_where_epochs_gave_them) {
    uns_context *context = plan_context(NULL);
    uns_plan *same = plan_open(
        context,
        (plan_text){.text = "problem: {name: toy, samples: 1000}\nepochs: 3\nbatch: 8\n"
                            "optimizers: [sgd, adam]\n"});
    cr_expect_not_null(strstr(uns_plan_resolved(same), "\nsteps: 375\nepochs: 0\n"));
    uns_plan *differ = plan_open(
        context, (plan_text){.text = "problem: {name: toy, samples: 1000}\nepochs: 3\n"
                                     "batch: [8, 1]\noptimizers: [sgd]\n"});
    cr_expect_not_null(strstr(uns_plan_resolved(differ), "\nsteps: 0\nepochs: 3\n"));
    uns_plan_destroy(same);
    uns_plan_destroy(differ);
    uns_context_destroy(context);
}

Test(plan, quoted_text_is_unescaped) {
    static const struct {
        const char *yaml, *text;
    } cases[] = {
        {"'it''s '''", "it's '"},
        {"\"\\a\\b\\t\\n\\v\\f\\r\\e\\ \\\"\\/\\\\\"", "\a\b\t\n\v\f\r\x1b \"/\\"},
        {"\"\\x41\\u00e9\\u20AC\\U0001f600\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\\t\"", "\t\t\t\t\t\t\t\t\t\t\t\t"},
        {"a  b # no", "a  b"},
        {"\"null\"", "null"},
        {"''", ""},
    };
    uns_context *context = plan_context(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "steps: 1\noptimizers: [sgd]\nproblem:\n  name: toy\n  path: %s\n",
                 cases[i].yaml);
        uns_plan *plan = plan_open(context, (plan_text){.text = text});
        cr_expect_str_eq(TOY_CONFIG(plan, 0)->path, cases[i].text);
        uns_plan_destroy(plan);
    }
    uns_context_destroy(context);
}

Test(plan, anchors_share_values) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = plan_open(
        context, (plan_text){.text = HEAD
                             "optimizers: [sgd: {eta: &e [1e-3, 2]}, momentum: {eta: *e}]\n"});
    cr_assert_eq(uns_plan_count(plan), 4);
    cr_expect_eq(uns_plan_cell(plan, 3)->spec.eta, 2);
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

/* Files whose resolved form must give the same cells, plain ones and odd ones. */
static const char *const round_trips[] = {
    example,
    HEAD "optimizers: [sgd]\n",
    "optimizers: [sgd: {eta: [1e-3, 1]}, adam]\nseed: [3, 1, 2]\nproblem: [toy, {name: toy, "
    "scale: [2, 3]}]\nreplicas: [1, 5]\nsteps: 7\n",
    "problem: {name: toy, samples: [10, 20]}\nepochs: [0.5, 3]\nbatch: [1, 4]\n"
    "optimizers: [sgd]\n",
    "problem: {name: toy, path: \"a \\\"b\\\\ \\t\\x01\\u00e9\\u2028\\x85: #c\", kind: ~x, "
    "flag: yes}\nsteps: 1e5\noptimizers: [sgd]\n",
    "problem: {name: toy, path: [\"null\", \"\", \"-\", \"on\", \" x \"], kind: 'no: way'}\n"
    "steps: 1\noptimizers: [sgd]\n",
    "problem: {name: toy, spectrum: [[1, 1e-17], [], [0.1]]}\nsteps: 1\noptimizers: [sgd]\n",
    "problem: {name: toy, scale: [0.1, 1e-300, 123456789.123, 1e22]}\nsteps: 1\n"
    "optimizers: [sgd]\n",
    HEAD "optimizers:\n  - sgd: {label: \"x: 'y' \\\" #\"}\n  - sgd: {label: x, eta: [1, 2]}\n"
         "  - sgd: {label: x}\n  - sgd: {label: x}\n  - sgd:\n  - rmsprop: {beta.C: [1, 2]}\n",
    HEAD
    "optimizers:\n  - adam: {label: "
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
    "890, eta: [1, 2], mu: [0.1, 0.2]}\nseed: [1, 2]\n",
};

Test(plan, resolved_file_reads_back_to_the_same_cells) {
    uns_context *context = plan_context(NULL);
    for (size_t i = 0; i < sizeof round_trips / sizeof round_trips[0]; i++) {
        uns_plan *first = plan_open(context, (plan_text){.text = round_trips[i]});
        plan_text again = {.text = uns_plan_resolved(first)};
        uns_plan *second = plan_open(context, again);
        cr_assert_eq(uns_plan_count(first), uns_plan_count(second), "%s", again.text);
        for (size_t k = 0; k < uns_plan_count(first); k++)
            cr_expect(plan_same_cell(uns_plan_cell(first, k), uns_plan_cell(second, k)),
                      "cell %zu of %s", k, again.text);
        cr_expect_str_eq(uns_plan_resolved(second), again.text);
        uns_plan_destroy(first);
        uns_plan_destroy(second);
    }
    uns_context_destroy(context);
}

Test(plan, resolved_file_has_every_key) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = plan_open(context, (plan_text){.text = example});
    const uns_param_table *tables[] = {uns_settings_table(), &toy_table, uns_spec_table()};
    for (size_t t = 0; t < 3; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            char line[80];
            snprintf(line, sizeof line, "%s%s: ", t == 0 ? "\n" : " ", tables[t]->rows[i].key);
            cr_expect_not_null(strstr(uns_plan_resolved(plan), line), "no '%s'", line);
        }
    uns_plan_destroy(plan);
    uns_context_destroy(context);
}

Test(plan, labels_stay_true_when_the_resolved_file_is_overridden) {
    uns_context *context = plan_context(NULL);
    uns_plan *first = plan_open(context, (plan_text){.text = example});
    plan_text again = {.text = uns_plan_resolved(first), .overrides = {"optimizers.sgd.eta=5"}};
    uns_plan *second = plan_open(context, again);
    cr_assert_eq(uns_plan_count(second), 5);
    cr_expect_str_eq(uns_plan_cell(second, 0)->label, "sgd");
    cr_expect_eq(uns_plan_cell(second, 0)->spec.eta, 5);
    uns_plan_destroy(first);
    uns_plan_destroy(second);
    uns_context_destroy(context);
}

/* Allocation number `left` fails; the live count must come back to what it was. */
typedef struct meter {
    long left, live;
} meter;

static void *meter_allocate(void *user, size_t bytes, size_t align) {
    meter *m = user;
    if (m->left-- == 0)
        return NULL;
    m->live++;
    return aligned_alloc(align, bytes);
}

static void meter_release(void *user, void *memory) {
    ((meter *)user)->live--;
    free(memory);
}

Test(plan, every_failing_allocation_is_reported_and_leaves_nothing) {
    meter m = {.left = -1};
    uns_context_config config = {.size = sizeof config,
                                 .allocate = meter_allocate,
                                 .release = meter_release,
                                 .user = &m,
                                 .threads = 1};
    uns_context *context = plan_context(&config);
    /* Wide enough for several chunks of storage. */
    plan_text wide = {.text =
                          "problem: {name: toy, samples: [10, 20]}\nepochs: 1\n"
                          "seed: [1,2,3,4,5,6,7,8,9]\noptimizers: [sgd: {eta: [1,2,3,4]}]\n",
                      .overrides = {"batch=[1, 2]"}};
    long live = m.live;
    uns_status status = UNS_ERROR_MEMORY;
    for (long k = 0; status != UNS_OK; k++) {
        uns_plan *plan = NULL;
        m.left = k;
        status = plan_make(context, &wide, &plan);
        m.left = -1;
        cr_assert(status == UNS_OK || (status == UNS_ERROR_MEMORY && !plan), "%d at %ld",
                  status, k);
        cr_assert(status != UNS_OK || k >= 4, "only %ld allocations were tried", k);
        uns_plan_destroy(plan);
        cr_assert_eq(m.live, live);
    }
    uns_context_destroy(context);
}

Test(plan, committed_examples_are_plans) {
    static const struct {
        const char *file;
        size_t cells;
    } examples[] = {{"saddle", 8}, {"matrix-factorization", 7}, {"mnist", 1}};
    uns_context *context = plan_context(NULL);
    cr_assert_eq(uns_problems_register(context), UNS_OK);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/../../examples/%s.yaml", UNS_GOLDEN, examples[i].file);
        uns_plan_source source = {.size = sizeof source, .path = path};
        uns_plan *plan = NULL;
        cr_assert_eq(uns_plan_create(context, &source, &plan), UNS_OK, "%s",
                     uns_context_message(context));
        cr_expect_eq(uns_plan_count(plan), examples[i].cells);
        uns_plan_destroy(plan);
    }
    uns_context_destroy(context);
}

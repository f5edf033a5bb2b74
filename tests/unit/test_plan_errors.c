/* SPDX-License-Identifier: MIT
 * Every error of a plan is one message with the exact place and the nearest right name. Texts
 * that libfyaml words are checked for their place only.
 */
#include "support/plan_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD "problem: toy\nsteps: 10\noptimizers:\n"

Test(plan_errors, unknown_names_are_shown_with_the_nearest_right_one) {
    static const plan_error errors[] = {
        {{HEAD "  - sdg\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:5: unknown preset 'sdg'; did you mean 'sgd'?"},
        {{HEAD "  - sgd\n  - rmspropp: {eta: 1}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:5:5: unknown preset 'rmspropp'; did you mean 'rmsprop'?"},
        {{HEAD "  - sgd: {etta: 1}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:11: unknown key 'etta' of optimizer 'sgd'; did you mean 'eta'?"},
        {{HEAD "  - sgd:\n      lable: x\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:5:7: unknown key 'lable' of optimizer 'sgd'; did you mean 'label'?"},
        {{HEAD "  - rmsprop: {beta: {rul: fixed}}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:22: unknown key 'beta.rul' of optimizer 'rmsprop'; did you mean "
         "'beta.rule'?"},
        {{HEAD "  - rmsprop: {beta: {rule: eta^2/4}}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:28: beta.rule: unknown value 'eta^2/4'; did you mean 'eta^2/3'?"},
        {{HEAD "  - rmsprop: {moment: [ema, emma]}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:23: unknown moment 'emma'; did you mean 'ema'?"},
        {{HEAD "  - rmsprop: {structure: digonal}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:26: unknown structure 'digonal'; did you mean 'diagonal'?"},
        {{"problem: tpy\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:10: unknown problem 'tpy'; did you mean 'toy'?"},
        {{"problem: {noise: gaussian, name: tpy}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:34: unknown problem 'tpy'; did you mean 'toy'?"},
        {{"problem: {name: toy, niose: finite}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:22: unknown key 'niose' of problem 'toy'; did you mean 'noise'?"},
        {{"problem: {name: toy, noise: finit}\nsteps: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:29: noise: unknown value 'finit'; did you mean 'finite'?"},
        {{"problem: toy\nstpes: 10\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:2:1: unknown key 'stpes'; did you mean 'steps'?"},
        {{"problme: toy\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:1: unknown key 'problme'; did you mean 'problem'?"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_errors, right_keys_in_the_wrong_place_are_sent_home) {
    static const plan_error errors[] = {
        {{"eta: 1\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:1: unknown key 'eta'; it belongs below an optimizer: optimizers.NAME.KEY"},
        {{"samples: 1\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:1:1: unknown key 'samples'; it belongs below the problem: problem.KEY"},
        {{HEAD "  - sgd: {batch: 3}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:11: unknown key 'batch' of optimizer 'sgd'; it belongs at the top of the "
         "file"},
        {{HEAD "  - sgd:\n    eta: 1\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:5:5: an optimizer is one name; 'eta' belongs below 'sgd', indented further"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_errors, values_of_the_wrong_type_or_range_are_refused_at_their_place) {
    static const plan_error errors[] = {
        {{HEAD "  - sgd: {eta: abc}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:16: eta: expected a number, found 'abc'"},
        {{HEAD "  - sgd: {eta: [1e-3, 1, -1]}\n", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:4:26: eta: -1 is out of range; it must be in [0, inf)"},
        {{"problem: toy\nsteps: 1.5\noptimizers: [sgd]", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:2:8: steps: expected a whole number up to 2^53, found '1.5'"},
        {{"problem: toy\nsteps: 1\nreplicas: 0\noptimizers: [sgd]", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:3:11: replicas: 0 is out of range; it must be in [1, 10000000]"},
        {{"problem: {name: toy, flag: maybe}\nsteps: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:28: flag: expected true or false, found 'maybe'"},
        {{"problem: {name: toy, spectrum: [1, 2, 101]}\nsteps: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:1:39: spectrum: 101 is out of range; it must be in [0, 100]"},
        {{"problem: {name: toy, kind: abcdefghijklmnopqrstuvwxyz0123456}\nsteps: 1\n"
          "optimizers: [sgd]",
          {0}},
         UNS_ERROR_RANGE,
         "f.yaml:1:28: kind: at most 31 characters"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_errors, values_of_the_wrong_shape_are_refused_at_their_place) {
    static const plan_error errors[] = {
        {{HEAD "  - sgd: {eta: {a: 1}}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:16: 'eta' takes a value, not a mapping"},
        {{HEAD "  - sgd: {schedule.no: 1}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:4:11: unknown key 'schedule.no' of optimizer 'sgd'; did you mean 'schedule'?"},
        {{HEAD "  - sgd: {clip: 1}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:17: 'clip' takes a mapping, not a single value"},
        {{HEAD "  - sgd: {eta: [1, [2]]}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:20: 'eta' takes a number, not a list"},
        {{HEAD "  - sgd: {eta: [1, {a: 2}]}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:20: 'eta' takes a number, not a mapping"},
        {{HEAD "  - sgd: {eta: []}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:16: 'eta' has an empty list"},
        {{HEAD "  - sgd: {eta: }\n", {0}}, UNS_ERROR_FORMAT, "f.yaml:4:11: 'eta' has no value"},
        {{HEAD "  - sgd: {eta: ~}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:16: 'eta' has no value"},
        {{HEAD "  - sgd: 0.1\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:10: 'sgd' takes a mapping of its keys, not a single value"},
        {{HEAD "  - [sgd]\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:5: an optimizer is a name, or one name with its keys: '- sgd: {eta: "
         "0.01}'"},
        {{"problem: toy\noptimizers: []\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:2:13: an empty list"},
        {{"problem: {noise: finite}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:10: a problem is a name, or a mapping with the key 'name'"},
        {{"problem: {name: [toy, toy]}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:17: a problem is a name, or a mapping with the key 'name'"},
        {{"problem: {name: toy, spectrum: [1, [2]]}\nsteps: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:36: 'spectrum' takes a list of numbers, not a list"},
        {{HEAD "  - sgd: {label: [a, b]}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:18: 'label' takes a text of 1 to 95 bytes in one line"},
        {{HEAD "  - sgd: {label: \"a\\nb\"}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:18: 'label' takes a text of 1 to 95 bytes in one line"},
        {{"problem: toy\nsteps: 1\nthreads: [1, 2]\noptimizers: [sgd]", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:3:10: 'threads' takes one value for the whole plan, no list"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_errors, keys_given_twice_are_refused_also_by_another_spelling) {
    static const plan_error errors[] = {
        {{"problem: toy\nsteps: 1\nsteps: 2\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:3:1: 'steps' is given twice; first in line 2"},
        {{"problem: toy\nproblem: toy\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:2:1: 'problem' is given twice; first in line 1"},
        {{"problem: {name: toy, name: toy}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:22: 'name' is given twice; first in line 1"},
        {{HEAD "  - sgd:\n      eta: 1\n      lr: 2\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:6:7: 'lr' is given twice, as 'eta'; first in line 5"},
        {{HEAD "  - rmsprop:\n      beta: {C: 1}\n      beta.C: 2\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:6:7: 'beta.C' is given twice, as 'C'; first in line 5"},
        {{HEAD "  - sgd: {label: a, label: b}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:4:21: 'label' is given twice; first in line 4"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

Test(plan_errors, combinations_that_do_not_fit_are_refused) {
    static const plan_error errors[] = {
        {{"problem: toy\nepochs: 1\nsteps: 2\noptimizers: [sgd]", {0}},
         UNS_ERROR_PAIR,
         "f.yaml:2:1: 'steps' and 'epochs' are both given; keep one"},
        {{"problem: toy\noptimizers: [sgd]", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:1: neither 'steps' nor 'epochs' is given"},
        {{"problem: toy\nsteps: [1, 0]\noptimizers: [sgd]", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:2:1: steps: 0 is out of range; it must be at least 1"},
        {{"problem: toy\nepochs: 2\noptimizers: [sgd]", {"steps=0"}},
         UNS_ERROR_RANGE,
         "override 'steps=0': steps: 0 is out of range; it must be at least 1"},
        {{"problem: toy\nepochs: 0\noptimizers: [sgd]", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:2:1: epochs: 0 is out of range; it must be above 0"},
        {{"problem: toy\nepochs: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_PAIR,
         "f.yaml:2:1: problem 'toy' is an expectation without epochs; give 'steps'"},
        {{"problem: {name: toy, samples: 100000}\nepochs: 1e9\noptimizers: [sgd]", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:2:1: 1e+09 epochs are more than 1e+12 steps"},
        {{"problem: {name: toy, samples: 666}\nepochs: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_IO,
         "f.yaml:1:17: no such samples"},
        {{"problem: toy\nsteps: 1\nfirst_replica: 4294967295\nreplicas: 2\noptimizers: [sgd]",
          {0}},
         UNS_ERROR_RANGE,
         "f.yaml:3:1: the last replica's number is beyond 2^32 - 1"},
        {{"steps: 1\noptimizers: [sgd]", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:1:1: the key 'problem' is missing"},
        {{"# a\nproblem: toy\nsteps: 1\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:2:1: the key 'optimizers' is missing"},
        {{HEAD "  - rmsprop: {beta: 0.5, beta.C: 2}\n", {0}},
         UNS_ERROR_PAIR,
         "f.yaml:4:26: both 'beta' and 'beta.C' are given; keep one, or add 'beta.rule'"},
        {{HEAD "  - sgd\n  - rmsprop: {beta: {rule: eta^2/3, C: 50}, eta: 1}\n", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:5:5: beta.rule: 1 - C*eta^(2/3) must be in [0, 1); with C = 50 and eta = 1 it "
         "is -49; lower eta or beta.C"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

/* The place alone: what comes after it is libfyaml's wording, or ours. */
static void expect_place(const char *text, size_t line, size_t column) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = NULL;
    plan_text source = {.text = text};
    char place[60];
    snprintf(place, sizeof place, "f.yaml:%zu:%zu: ", line, column);
    cr_expect_eq(plan_make(context, &source, &plan), UNS_ERROR_FORMAT);
    const char *message = uns_context_message(context);
    cr_expect(strncmp(message, place, strlen(place)) == 0 && strlen(message) > strlen(place),
              "%s, not %s", message, place);
    cr_expect_null(strchr(message, '\n'));
    uns_context_destroy(context);
}

Test(plan_errors, what_is_not_yaml_is_refused_at_its_place) {
    expect_place("", 1, 1);
    expect_place("# nothing\n", 1, 1);
    expect_place("[problem]\n", 1, 1);
    expect_place("problem:\n\tname: toy\n", 2, 1);
    expect_place("problem: {name: toy\n", 2, 1);
    expect_place("problem: toy\nsteps: \"1\n", 2, 9);
    expect_place("problem: a: b\n", 1, 11);
    expect_place("problem: toy\nsteps: 1\n---\nsteps: 2\n", 3, 1);
    expect_place("problem: !toy 1\n", 1, 15);
    expect_place("problem: toy\nsteps: *there\n", 2, 8);
    expect_place("problem: &a {name: *a}\n", 1, 20);
    expect_place("? [problem]\n: toy\n", 1, 3);
    expect_place("problem: toy\nsteps: 1 # \xc3\xa9\xff\n", 2, 13);
    expect_place("problem: \xc3\xa9\nsteps: \xed\xa0\x80", 2, 8);
    expect_place("problem: \"\\ud800\"\n", 1, 11);
    expect_place("problem: toy\nsteps: \x01\n", 2, 8);
    expect_place("problem: \"a\\0b\"\n", 1, 10);
    expect_place("problem: \"a\\Nb\"\n", 1, 10);
    expect_place("problem: \"a\n  b\"\n", 1, 10);
    expect_place("problem: |\n  toy\n", 2, 1);
}

/* head, then `item` `count` times, then tail; to be freed. */
static char *repeat(const char *head, const char *item, size_t count, const char *tail) {
    char *text = malloc(strlen(head) + count * strlen(item) + strlen(tail) + 1);
    char *end = stpcpy(text, head);
    while (count--)
        end = stpcpy(end, item);
    strcpy(end, tail);
    return text;
}

static void expect_refused(char *text, uns_status status, const char *part) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = NULL;
    plan_text source = {.text = text};
    cr_expect_eq(plan_make(context, &source, &plan), status, "%s", part);
    cr_expect_not_null(strstr(uns_context_message(context), part), "%s, not %s",
                       uns_context_message(context), part);
    free(text);
    uns_context_destroy(context);
}

Test(plan_errors, what_is_too_large_is_refused) {
    expect_refused(repeat("problem: ", "[", 20, ""), UNS_ERROR_FORMAT, ":1:25: nested too");
    expect_refused(repeat("problem: ", "{a: ", 5000, ""), UNS_ERROR_FORMAT, "f.yaml:1:");
    expect_refused(repeat("", "x", 65, ": 1\n"), UNS_ERROR_FORMAT,
                   ":1:1: a key of more than 64 bytes");
    expect_refused(repeat("problem: ", "x", 512, "\n"), UNS_ERROR_FORMAT,
                   ":1:10: a value of more than 511 bytes");
    expect_refused(repeat("problem: [", "a,", 2000001, "]\n"), UNS_ERROR_FORMAT,
                   "more than 2000000 values");
    expect_refused(repeat(HEAD "- sgd: {eta: [", "1,", 10001, "1]}\n"), UNS_ERROR_RANGE,
                   "f.yaml:4:9: the grid has more than 10000 cells");
    expect_refused(repeat("problem: toy\nsteps: 1\nseed: [", "1,", 100,
                          "1]\noptimizers: [sgd: {eta: [1,2,3,4,5,6,7,8,9,10], mu: "
                          "[0,0,0,0,0,0,0,0,0,0]}]\n"),
                   UNS_ERROR_RANGE, "f.yaml:4:1: the grid has more than 10000 cells");
}

Test(plan_errors, an_alias_bomb_is_defused) {
    char text[4096] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n", line[200];
    for (int i = 1; i < 12; i++) {
        snprintf(line, sizeof line,
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(text, line);
    }
    expect_refused(strdup(text), UNS_ERROR_FORMAT, "more than 2000000 values, aliases");
}

static void expect_file_error(const char *path, uns_status status, const char *message) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = NULL;
    uns_plan_source source = {.size = sizeof source, .path = path};
    cr_expect_eq(uns_plan_create(context, &source, &plan), status);
    cr_expect_str_eq(uns_context_message(context), message);
    uns_context_destroy(context);
}

Test(plan_errors, files_that_are_none_are_refused_by_name) {
    expect_file_error("/nonexistent/plan.yaml", UNS_ERROR_IO,
                      "/nonexistent/plan.yaml: No such file or directory");
    expect_file_error("/", UNS_ERROR_IO, "/: Is a directory");
    expect_file_error("/dev/zero", UNS_ERROR_FORMAT, "/dev/zero: larger than 1 MiB: no plan");
    expect_file_error("/dev/null", UNS_ERROR_FORMAT,
                      "/dev/null:1:1: expected keys such as 'problem', 'steps' and "
                      "'optimizers', found nothing");
}

Test(plan_errors, a_source_without_size_or_text_is_an_argument_error) {
    uns_context *context = plan_context(NULL);
    uns_plan *plan = NULL;
    uns_plan_source none = {.size = sizeof none}, small = {.size = 3, .text = "a"};
    cr_expect_eq(uns_plan_create(context, &none, &plan), UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_plan_create(context, &small, &plan), UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_plan_create(context, NULL, &plan), UNS_ERROR_ARGUMENT);
    cr_expect_eq(uns_plan_create(NULL, &none, &plan), UNS_ERROR_ARGUMENT);
    uns_plan_destroy(NULL);
    uns_context_destroy(context);
}

Test(plan_errors, nothing_is_printed) {
    static const char *const bad[] = {"%YAML 3.0\n---\na: 1\n", "a: [1\n", "a: @b\n",
                                      "%FOO\n---\na: 1\n",      "a: *b\n", "a: \"\\q\"\n"};
    uns_context *context = plan_context(NULL);
    FILE *caught = tmpfile();
    int streams[2] = {dup(1), dup(2)};
    fflush(NULL);
    dup2(fileno(caught), 1);
    dup2(fileno(caught), 2);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uns_plan *plan = NULL;
        plan_text source = {.text = bad[i]};
        if (plan_make(context, &source, &plan) == UNS_OK)
            fprintf(caught, "accepted %s", bad[i]);
    }
    fflush(NULL);
    dup2(streams[0], 1);
    dup2(streams[1], 2);
    struct stat facts;
    fstat(fileno(caught), &facts);
    cr_expect_eq(facts.st_size, 0);
    uns_context_destroy(context);
}

Test(plan_errors, instruments_and_stalls_are_checked_with_the_run) {
    static const plan_error errors[] = {
        {{HEAD "  - sgd\nstal: {every: 5}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:5:1: unknown key 'stal'; did you mean 'stall'?"},
        {{HEAD "  - sgd\ninstrument: {every: 5}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:5:1: unknown key 'instrument'; did you mean 'instruments'?"},
        {{HEAD "  - sgd\nstall: {evry: 5}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:5:9: unknown key 'stall.evry'; did you mean 'stall.every'?"},
        {{HEAD "  - sgd\nstall: {every: 5, act: wittness}\n", {0}},
         UNS_ERROR_NAME,
         "f.yaml:5:24: stall.act: unknown value 'wittness'; did you mean 'witness'?"},
        {{HEAD "  - sgd\nstall: {act: witness}\n", {0}},
         UNS_ERROR_PAIR,
         "f.yaml:5:9: stall.act takes a test now and then: give stall.every, the steps between "
         "two"},
        {{HEAD "  - sgd\nstall: {every: 11}\n", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:5:9: stall.every: 11 is more than the run's 10 steps"},
        {{HEAD "  - sgd\nstall: {every: 5, window: 7}\n", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:5:19: stall.window: 7 is odd; a test has two equal halves"},
        {{HEAD "  - sgd\ninstruments: {every: 11}\n", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:5:15: instruments.every: 11 is more than the run's 10 steps"},
        {{HEAD "  - sgd\ninstruments: {every: sometimes}\n", {0}},
         UNS_ERROR_FORMAT,
         "f.yaml:5:22: instruments.every: expected a whole number or off, auto, found "
         "'sometimes'"},
        {{HEAD "  - sgd\nreplicas: 1000000\ninstruments: {every: 5, replicas: 1000000}\n", {0}},
         UNS_ERROR_RANGE,
         "f.yaml:6:15: instruments.every: 5 makes 2 readings of 1000000 replicas; at most "
         "1000000 in all"},
    };
    PLAN_EXPECT_ERRORS(errors);
}

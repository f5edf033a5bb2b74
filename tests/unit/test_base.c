/* SPDX-License-Identifier: MIT
 * The context, names, layouts, parameter tables and the worker pool.
 */
#include "base/base.h"
#include "base/pool.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unsaddle/layout.h>
#include <unsaddle/spec.h>

static uns_context *open_context(int threads) {
    uns_context_config config = {.size = sizeof config, .threads = threads};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

Test(status, every_code_has_its_own_text) {
    for (int i = 0; i < UNS_STATUS_COUNT; i++)
        for (int j = 0; j < i; j++)
            cr_assert_str_neq(uns_status_text((uns_status)i), uns_status_text((uns_status)j));
    cr_assert_str_eq(uns_status_text((uns_status)999), "unknown status");
    cr_assert_str_eq(uns_stop_text(UNS_STOP_DIVERGED), "diverged");
}

Test(context, refuses_half_an_allocator_and_odd_sizes) {
    uns_context *context = NULL;
    uns_context_config config = {.size = 3};
    cr_assert_eq(uns_context_create(&config, &context), UNS_ERROR_ARGUMENT);
    config = (uns_context_config){.size = sizeof config, .threads = 1000};
    cr_assert_eq(uns_context_create(&config, &context), UNS_ERROR_RANGE);
    config = (uns_context_config){.size = sizeof config, .release = NULL};
    config.allocate = (void *(*)(void *, size_t, size_t))1;
    cr_assert_eq(uns_context_create(&config, &context), UNS_ERROR_ARGUMENT);
    cr_assert_null(context);
}

Test(context, unknown_names_come_with_the_nearest) {
    uns_context *context = open_context(1);
    const void *found = NULL;
    cr_assert_eq(uns_context_find(context, UNS_KIND_PRESET, "rmspop", &found), UNS_ERROR_NAME);
    cr_assert(strstr(uns_context_message(context), "'rmsprop'"), "%s",
              uns_context_message(context));
    cr_assert_eq(uns_context_find(context, UNS_KIND_PRESET, "zzzzzz", &found), UNS_ERROR_NAME);
    cr_assert_null(strstr(uns_context_message(context), "did you mean"));
    cr_assert_null(found);
    uns_context_destroy(context);
}

Test(context, a_name_is_registered_once) {
    uns_context *context = open_context(1);
    static const uns_preset mine = {sizeof mine, "mine", "eta=2", "", ""};
    cr_assert_eq(uns_context_register(context, UNS_KIND_PRESET, &mine), UNS_OK);
    cr_assert_eq(uns_context_register(context, UNS_KIND_PRESET, &mine), UNS_ERROR_NAME);
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, "mine", &spec), UNS_OK);
    cr_assert_eq(spec.eta, 2.0);
    uns_context_destroy(context);
}

Test(message, a_place_goes_before_the_message) {
    uns_context *context = open_context(1);
    cr_assert_eq(uns_fail(context, UNS_ERROR_RANGE, "too %s", "large"), UNS_ERROR_RANGE);
    cr_assert_eq(uns_fail_at(context, UNS_ERROR_RANGE, "file:%d", 3), UNS_ERROR_RANGE);
    cr_assert_str_eq(uns_context_message(context), "file:3: too large");
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    cr_assert_eq(uns_fail(context, UNS_ERROR_RANGE, "%s", longer), UNS_ERROR_RANGE);
    cr_assert_eq(uns_fail_at(context, UNS_ERROR_RANGE, "%s", longer), UNS_ERROR_RANGE);
    cr_assert_lt(strlen(uns_context_message(context)), 1024);
    uns_context_destroy(context);
}

Test(layout, faults_are_refused) {
    uns_context *context = open_context(1);
    uns_layout *layout = NULL;
    uns_block gap[] = {{"a", 2, 1, 0}, {"b", 2, 1, 2}};
    uns_layout_config config = {sizeof config, UNS_F64, 1, 2, gap};
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_ERROR_ARGUMENT);
    cr_assert(strstr(uns_context_message(context), "group 1"));
    uns_block empty[] = {{"a", 0, 4, 0}};
    config = (uns_layout_config){sizeof config, UNS_F64, 1, 1, empty};
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_ERROR_ARGUMENT);
    uns_block huge[] = {{"a", SIZE_MAX / 2, 4, 0}};
    config.blocks = huge;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_ERROR_ARGUMENT);
    uns_block half[] = {{"a", SIZE_MAX / 16, 1, 0}};
    config.blocks = half;
    config.replicas = 3;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_ERROR_ARGUMENT);
    cr_assert_null(layout);
    uns_context_destroy(context);
}

Test(layout, a_flat_buffer_is_cut_into_blocks) {
    uns_context *context = open_context(1);
    uns_layout *layout = NULL;
    uns_block blocks[] = {{NULL, 2, 3, 0}, {"b", 5, 1, 0}};
    uns_layout_config config = {sizeof config, UNS_F32, 4, 2, blocks};
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
    float flat[44];
    void *pointers[2];
    uns_layout_spread(layout, flat, pointers);
    cr_assert_eq(pointers[0], (void *)flat);
    cr_assert_eq(pointers[1], (void *)(flat + 24));
    cr_assert_eq(uns_layout_parameters(layout), 11);
    cr_assert_str_eq(uns_layout_block(layout, 0)->name, "block0");
    uns_layout_destroy(layout);
    uns_context_destroy(context);
}

typedef struct sample {
    double real;
    int64_t count;
    bool flag;
    int choice;
    char name[UNS_NAME_SIZE];
    uns_reals list;
} sample;

static const uns_named words[] = {{"auto", -1}, {NULL, 0}};
static const uns_named colours[] = {{"red", 0}, {"green", 1}, {NULL, 0}};
static const uns_param rows[] = {
    {"real", "r", UNS_PARAM_REAL, offsetof(sample, real), 0, 1, UNS_OPEN_HIGH, NULL, "0.25", "",
     ""},
    {"count", NULL, UNS_PARAM_COUNT, offsetof(sample, count), 0, 1e9, 0, words, "auto", "", ""},
    {"flag", NULL, UNS_PARAM_FLAG, offsetof(sample, flag), 0, 0, 0, NULL, "true", "", ""},
    {"choice", NULL, UNS_PARAM_CHOICE, offsetof(sample, choice), 0, 0, 0, colours, "green", "",
     ""},
    {"name", NULL, UNS_PARAM_NAME, offsetof(sample, name), 0, 0, 0, NULL, "n", "", ""},
    {"list", NULL, UNS_PARAM_REALS, offsetof(sample, list), -1, 1, 0, NULL, "1,0.5", "", ""},
};
static const uns_param_table table = {"the sample", sizeof(sample), 6, rows};

Test(param, defaults_come_from_the_table) {
    uns_context *context = open_context(1);
    sample s;
    cr_assert_eq(uns_param_defaults(context, &table, &s), UNS_OK);
    cr_assert_eq(s.real, 0.25);
    cr_assert_eq(s.count, -1);
    cr_assert(s.flag && s.choice == 1 && strcmp(s.name, "n") == 0);
    cr_assert(s.list.count == 2 && s.list.value[1] == 0.5);
    uns_context_destroy(context);
}

/* Expects `text` for `key` to fail with a message that holds `part`, and to change nothing. */
static void expect_failure(uns_context *context, const char *key, const char *text,
                           uns_status status, const char *part) {
    sample before, s;
    cr_assert_eq(uns_param_defaults(context, &table, &before), UNS_OK);
    s = before;
    cr_assert_eq(uns_param_set(context, &table, &s, key, text), status, "%s=%s: %s", key, text,
                 uns_context_message(context));
    cr_assert(strstr(uns_context_message(context), part), "'%s' lacks '%s'",
              uns_context_message(context), part);
    cr_assert_eq(memcmp(&s, &before, sizeof s), 0);
}

Test(param, errors_say_what_was_expected) {
    uns_context *context = open_context(1);
    expect_failure(context, "raal", "1", UNS_ERROR_NAME, "did you mean 'real'?");
    expect_failure(context, "real", "1", UNS_ERROR_RANGE, "[0, 1)");
    expect_failure(context, "real", "nan", UNS_ERROR_RANGE, "out of range");
    expect_failure(context, "real", "1e-3x", UNS_ERROR_FORMAT, "expected a number");
    expect_failure(context, "real", "", UNS_ERROR_FORMAT, "expected a number");
    expect_failure(context, "count", "1.5", UNS_ERROR_FORMAT, "whole number");
    expect_failure(context, "count", "-1", UNS_ERROR_RANGE, "out of range");
    expect_failure(context, "count", "atuo", UNS_ERROR_FORMAT, "auto");
    expect_failure(context, "flag", "maybe", UNS_ERROR_FORMAT, "true or false");
    expect_failure(context, "choice", "grean", UNS_ERROR_NAME, "did you mean 'green'?");
    expect_failure(context, "choice", "ultraviolet", UNS_ERROR_NAME, "red, green");
    expect_failure(context, "list", "1,2", UNS_ERROR_RANGE, "out of range");
    expect_failure(context, "list", "1,,1", UNS_ERROR_FORMAT, "expected a number");
    expect_failure(context, "name", "a-name-of-more-than-thirty-one-characters",
                   UNS_ERROR_RANGE, "31");
    uns_context_destroy(context);
}

Test(param, printed_values_read_back_to_the_same_bits) {
    uns_context *context = open_context(1);
    sample s, back;
    cr_assert_eq(uns_param_defaults(context, &table, &s), UNS_OK);
    cr_assert_eq(uns_param_assign(context, &table, &s,
                                  "real=0.1 count=1e5 flag=off choice=RED list=[-1,0.3]"),
                 UNS_OK);
    cr_assert_eq(s.count, 100000);
    s.real = 0.1 + 0.2;
    cr_assert_eq(uns_param_defaults(context, &table, &back), UNS_OK);
    for (size_t i = 0; i < table.count; i++) {
        char text[2000];
        cr_assert_lt(uns_param_print(&rows[i], &s, text, sizeof text), sizeof text);
        cr_assert_eq(uns_param_set(context, &table, &back, rows[i].key, text), UNS_OK);
    }
    cr_assert_eq(memcmp(&s, &back, sizeof s), 0);
    uns_context_destroy(context);
}

Test(text, numbers_do_not_depend_on_the_locale) {
    double value = 0.0;
    char text[40];
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where installed: decimal comma */
    cr_assert(uns_text_to_real(" 1.5 ", &value) && value == 1.5);
    cr_assert_not(uns_text_to_real("1,5", &value));
    uns_real_to_text(0.1, text, sizeof text);
    cr_assert_str_eq(text, "0.1");
}

static void count_task(void *user, size_t task) {
    atomic_int *hits = user;
    atomic_fetch_add(&hits[task], 1);
}

static void expect_all_once(uns_pool *pool, size_t count) {
    static atomic_int hits[1000];
    memset(hits, 0, sizeof hits);
    uns_pool_run(pool, count, count_task, hits);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(atomic_load(&hits[i]), 1);
}

Test(pool, runs_every_task_once) {
    uns_context *context = open_context(4);
    for (int round = 0; round < 200; round++)
        expect_all_once(uns_context_pool(context), (size_t)round * 5);
    uns_context_destroy(context);
}

typedef struct nest {
    uns_pool *pool;
    atomic_int hits[4];
} nest;

static void nested_task(void *user, size_t task) {
    nest *n = user;
    (void)task;
    uns_pool_run(n->pool, 4, count_task, n->hits);
}

Test(pool, nested_jobs_run_in_their_task) {
    uns_context *context = open_context(3);
    nest n = {.pool = uns_context_pool(context)};
    uns_pool_run(n.pool, 8, nested_task, &n);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(atomic_load(&n.hits[i]), 8);
    uns_context_destroy(context);
}

/* As many tasks as threads, each waiting for the others: so each has a thread of its own. */
static void meet_task(void *user, size_t task) {
    atomic_int *missing = user;
    (void)task;
    atomic_fetch_sub(missing, 1);
    while (atomic_load(missing) > 0)
        sched_yield();
}

/* A job does not wait for workers that have not joined it, so one may still be starting when it
 * is done, and gcc's AddressSanitizer allocates while a thread starts: a child forked just then
 * finds the lock of that allocator taken for ever. So the workers meet before the fork. */
Test(pool, works_again_in_a_forked_child, .timeout = 60) {
    uns_context *context = open_context(3);
    atomic_int missing = 3;
    uns_pool_run(uns_context_pool(context), 3, meet_task, &missing);
    expect_all_once(uns_context_pool(context), 100);
    pid_t child = fork();
    if (child == 0) {
        alarm(20); /* what waits for a thread that is not there must not wait for ever */
        atomic_int hits[50] = {0};
        uns_pool_run(uns_context_pool(context), 50, count_task, hits);
        int good = 0;
        for (int i = 0; i < 50; i++)
            good += atomic_load(&hits[i]) == 1;
        uns_context_destroy(context);
        _exit(good == 50 ? 0 : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    expect_all_once(uns_context_pool(context), 100);
    uns_context_destroy(context);
}

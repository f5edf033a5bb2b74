/* SPDX-License-Identifier: MIT
 * The spec: its table, its presets, its rules, and what depends on the step count.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unsaddle/moment.h>
#include <unsaddle/spec.h>

static uns_context *context;

static void open_context(void) {
    const uns_context_config config = {.size = sizeof config, .threads = 1};
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
}

static void close_context(void) {
    uns_context_destroy(context);
}

TestSuite(spec, .init = open_context, .fini = close_context);

static const char *message(void) {
    return uns_context_message(context);
}

static uns_spec preset(const char *name, const char *values) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, name, &spec), UNS_OK, "%s", message());
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK, "%s",
                 message());
    return spec;
}

static uns_spec bare(const char *values) {
    uns_spec spec;
    cr_assert_eq(uns_param_defaults(context, uns_spec_table(), &spec), UNS_OK, "%s", message());
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, values), UNS_OK, "%s",
                 message());
    return spec;
}

/* ---- presets */

Test(spec, every_preset_passes_the_check) {
    size_t count = uns_context_count(context, UNS_KIND_PRESET);
    cr_expect_geq(count, 21);
    for (size_t i = 0; i < count; i++) {
        const uns_preset *row = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec = preset(row->name, "");
        cr_expect_eq(uns_spec_check(context, &spec), UNS_OK, "%s: %s", row->name, message());
        cr_expect(*row->summary && *row->source, "%s", row->name);
    }
}

Test(spec, every_named_method_of_the_plan_is_a_preset) {
    static const char *const names[] = {
        "sgd",      "momentum",  "nesterov", "adagrad",        "adagrad-norm",
        "rmsprop",  "adamw",     "adam",     "rmsprop-inside", "rmsprop-centered",
        "amsgrad",  "nadam",     "radam",    "adamax",         "adadelta",
        "yogi",     "adabelief", "lion",     "lamb",           "lars",
        "idealized"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        preset(names[i], "");
}

Test(spec, the_bare_spec_is_plain_sgd) {
    uns_spec spec = bare(""), sgd = preset("sgd", "");
    cr_expect_eq(memcmp(&spec, &sgd, sizeof spec), 0);
    cr_expect_str_eq(spec.structure, "identity");
    cr_expect_eq(uns_spec_check(context, &spec), UNS_OK, "%s", message());
}

Test(spec, an_unknown_preset_names_the_nearest_and_leaves_the_spec) {
    uns_spec spec = bare("eta=0.25"), before = spec;
    cr_expect_eq(uns_spec_preset(context, "rmsporp", &spec), UNS_ERROR_NAME);
    cr_expect(strstr(message(), "'rmsprop'"), "%s", message());
    cr_expect_eq(memcmp(&spec, &before, sizeof spec), 0);
}

Test(spec, a_plugged_in_preset_is_read_like_a_built_in_one) {
    static const uns_preset mine = {sizeof mine, "mine", "eta=0.5 momentum=heavy mu=0.25", "s",
                                    "t"};
    static const uns_preset faulty = {sizeof faulty, "faulty", "eta=0.5 momentun=heavy", "s",
                                      "t"};
    uns_spec spec;
    cr_assert_eq(uns_context_register(context, UNS_KIND_PRESET, &mine), UNS_OK);
    cr_assert_eq(uns_context_register(context, UNS_KIND_PRESET, &faulty), UNS_OK);
    spec = preset("mine", "");
    cr_expect_eq(spec.mu, 0.25);
    cr_expect_eq(uns_spec_preset(context, "faulty", &spec), UNS_ERROR_NAME);
    cr_expect(strstr(message(), "preset 'faulty'") && strstr(message(), "'momentum'"), "%s",
              message());
}

/* ---- table */

Test(spec, every_byte_of_the_spec_but_padding_has_a_row) {
    const uns_param_table *table = uns_spec_table();
    unsigned char covered[sizeof(uns_spec)] = {0};
    static const size_t sizes[] = {[UNS_PARAM_REAL] = sizeof(double),
                                   [UNS_PARAM_COUNT] = sizeof(int64_t),
                                   [UNS_PARAM_FLAG] = sizeof(bool),
                                   [UNS_PARAM_CHOICE] = sizeof(int),
                                   [UNS_PARAM_NAME] = UNS_NAME_SIZE};
    size_t holes = 0, run = 0;
    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < sizes[table->rows[i].type]; k++)
            cr_expect_eq(covered[table->rows[i].offset + k]++, 0, "%s", table->rows[i].key);
    for (size_t k = 0; k < sizeof covered; k++) {
        run = covered[k] ? 0 : run + 1;
        holes = run > holes ? run : holes;
    }
    cr_expect_lt(holes, 8, "a field without a row");
}

Test(spec, keys_and_aliases_are_unique_and_explained) {
    const uns_param_table *table = uns_spec_table();
    for (size_t i = 0; i < table->count; i++) {
        const uns_param *row = &table->rows[i];
        cr_expect_eq(uns_param_find(table, row->key), row, "%s", row->key);
        cr_expect(!row->alias || uns_param_find(table, row->alias) == row, "%s", row->key);
        cr_expect(*row->meaning && row->meaning[strlen(row->meaning) - 1] != '.', "%s",
                  row->key);
    }
}

Test(spec, every_preset_survives_a_round_trip_through_text) {
    const uns_param_table *table = uns_spec_table();
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *row = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec = preset(row->name, "burn_in=auto clip.norm=0.1"), copy = bare("");
        for (size_t k = 0; k < table->count; k++) {
            char text[UNS_TEXT_SIZE];
            uns_param_print(&table->rows[k], &spec, text, sizeof text);
            cr_expect_eq(uns_param_set(context, table, &copy, table->rows[k].key, text), UNS_OK,
                         "%s", message());
        }
        cr_expect_eq(memcmp(&spec, &copy, sizeof spec), 0, "%s", row->name);
    }
}

static void refuses_value(const char *key, const char *value, uns_status status,
                          const char *part) {
    uns_spec spec = bare(""), before = spec;
    cr_expect_eq(uns_param_set(context, uns_spec_table(), &spec, key, value), status, "%s=%s",
                 key, value);
    cr_expect(strstr(message(), part), "%s=%s: %s", key, value, message());
    cr_expect_eq(memcmp(&spec, &before, sizeof spec), 0);
}

Test(spec, wrong_keys_and_values_are_refused_with_the_nearest_right_one) {
    refuses_value("bet", "0.9", UNS_ERROR_NAME, "'beta'");
    refuses_value("larger_step.evry", "5", UNS_ERROR_NAME, "'larger_step.every'");
    refuses_value("momentum", "heavey", UNS_ERROR_NAME, "'heavy'");
    refuses_value("beta.rule", "eta^2/4", UNS_ERROR_NAME, "'eta^2/3'");
    refuses_value("schedule", "zigzag", UNS_ERROR_NAME, "cosine");
    refuses_value("eta", "-1", UNS_ERROR_RANGE, "[0");
    refuses_value("eta", "inf", UNS_ERROR_RANGE, "eta");
    refuses_value("beta", "1.5", UNS_ERROR_RANGE, "beta");
    refuses_value("mu", "1", UNS_ERROR_RANGE, "mu");
    refuses_value("burn_in", "-1", UNS_ERROR_RANGE, "burn_in");
    refuses_value("burn_in", "sometimes", UNS_ERROR_FORMAT, "auto");
    refuses_value("clip.norm", "0", UNS_ERROR_RANGE, "clip.norm");
}

Test(spec, torch_spellings_are_aliases) {
    uns_spec spec = bare("lr=0.5 beta1=0.25 beta2=0.75 eps=1e-3 centered=yes momentum_decay=1");
    cr_expect_eq(spec.eta, 0.5);
    cr_expect_eq(spec.mu, 0.25);
    cr_expect_eq(spec.beta, 0.75);
    cr_expect_eq(spec.epsilon, 1e-3);
    cr_expect_eq(spec.centred, true);
    cr_expect_eq(spec.nadam_psi, 1.0);
}

/* ---- rules */

static void refuses(const char *name, const char *values, uns_status status, const char *part) {
    uns_spec spec = preset(name, values);
    cr_expect_eq(uns_spec_check(context, &spec), status, "%s %s", name, values);
    cr_expect(strstr(message(), part), "%s %s: %s", name, values, message());
}

Test(spec, names_are_looked_up) {
    refuses("rmsprop", "moment=emma", UNS_ERROR_NAME, "'ema'");
    refuses("rmsprop", "structure=diagnoal", UNS_ERROR_NAME, "'diagonal'");
}

Test(spec, what_would_have_no_effect_is_refused) {
    refuses("sgd", "mu=0.9", UNS_ERROR_PAIR, "momentum");
    refuses("sgd", "dampening=0.1", UNS_ERROR_PAIR, "dampening");
    refuses("adam", "mu.memory=0.9", UNS_ERROR_PAIR, "mu.memory");
    refuses("adam", "momentum=heavy", UNS_ERROR_PAIR, "mu.correction");
    refuses("rmsprop", "beta.C=2", UNS_ERROR_PAIR, "beta.rule");
    refuses("sgd", "centred=true", UNS_ERROR_PAIR, "structure=diagonal");
    refuses("momentum", "ceiling=raw", UNS_ERROR_PAIR, "structure=diagonal");
    refuses("lion", "beta=0.99", UNS_ERROR_PAIR, "mu.memory");
    refuses("lion", "initial=1", UNS_ERROR_PAIR, "initial");
    refuses("yogi", "increment=1e-3", UNS_ERROR_PAIR, "increment");
    refuses("idealized", "increment=1e-3", UNS_ERROR_PAIR, "increment");
    refuses("adam", "about=frozen", UNS_ERROR_PAIR, "exact");
    refuses("adam", "trust=0.1", UNS_ERROR_PAIR, "scale");
    refuses("adam", "schedule.steps=10", UNS_ERROR_PAIR, "schedule");
    refuses("adam", "larger_step.size=1", UNS_ERROR_PAIR, "larger_step.every");
}

Test(spec, illegal_pairs_are_refused) {
    refuses("adam", "signal=deviation momentum.at=last", UNS_ERROR_PAIR, "deviation");
    refuses("rmsprop", "signal=deviation", UNS_ERROR_PAIR, "deviation");
    refuses("adamax", "structure=scalar", UNS_ERROR_PAIR, "elementwise");
    refuses("adam", "beta=1", UNS_ERROR_RANGE, "moment=window");
    refuses("adagrad", "centred=true", UNS_ERROR_PAIR, "ema");
    refuses("rmsprop-centered", "ceiling=raw", UNS_ERROR_PAIR, "centred");
    refuses("amsgrad", "structure=scalar", UNS_ERROR_PAIR, "ceiling");
    refuses("adagrad", "rectify=true", UNS_ERROR_PAIR, "rectify");
    refuses("lars", "decay=decoupled", UNS_ERROR_PAIR, "trust_sum");
    refuses("adadelta", "weight_decay=1 decay=scaled", UNS_ERROR_PAIR, "adadelta");
}

Test(spec, incomplete_schedules_are_refused) {
    refuses("sgd", "schedule=cosine", UNS_ERROR_RANGE, "schedule.steps");
    refuses("sgd", "schedule=polynomial", UNS_ERROR_RANGE, "schedule.steps");
    refuses("sgd", "schedule=step schedule.factor=0.5", UNS_ERROR_RANGE, "schedule.every");
    refuses("sgd", "schedule=exponential", UNS_ERROR_RANGE, "schedule.factor");
    refuses("sgd", "eta=0.1 larger_step.size=0.1 larger_step.every=5", UNS_ERROR_RANGE,
            "larger_step.size");
}

Test(spec, fields_set_past_the_table_are_held_against_it) {
    uns_spec spec = preset("adam", "");
    spec.beta = 1.5;
    cr_expect_eq(uns_spec_check(context, &spec), UNS_ERROR_RANGE);
    spec = preset("adam", "");
    spec.eta = NAN;
    cr_expect_neq(uns_spec_check(context, &spec), UNS_OK);
    spec = preset("adam", "");
    spec.momentum = 77;
    cr_expect_eq(uns_spec_check(context, &spec), UNS_ERROR_NAME);
    spec = preset("adam", "");
    memset(spec.moment, 'x', sizeof spec.moment);
    cr_expect_eq(uns_spec_check(context, &spec), UNS_ERROR_RANGE);
}

static uns_status always_refuses(uns_context *where, const uns_spec *spec) {
    (void)where;
    return spec->beta > 0.5 ? UNS_ERROR_RANGE : UNS_OK;
}

static void plug_coeffs(const uns_spec *spec, uint64_t t, uns_coeffs *out) {
    (void)t;
    *out = (uns_coeffs){spec->beta, 1.0, 1.0, 0.0, 1.0};
}

Test(spec, a_plugged_in_moment_adds_its_own_condition_and_memory) {
    static const uns_moment_ops mine = {.size = sizeof mine,
                                        .name = "mine",
                                        .summary = "s",
                                        .coeffs = plug_coeffs,
                                        .check = always_refuses};
    cr_assert_eq(uns_context_register(context, UNS_KIND_MOMENT, &mine), UNS_OK);
    uns_spec spec = preset("rmsprop", "moment=mine beta=0.75 burn_in=auto");
    cr_expect_eq(uns_spec_check(context, &spec), UNS_ERROR_RANGE);
    cr_expect_eq(uns_spec_burn_in(context, &spec), 20);
    spec.beta = 0.5;
    cr_expect_eq(uns_spec_check(context, &spec), UNS_OK);
}

/* ---- β and burn-in */

Test(spec, beta_follows_the_rule_with_the_base_eta) {
    uns_spec spec = preset("rmsprop", "eta=1e-3 beta.rule=eta^2/3 beta.C=1 warmup=100");
    cr_expect_float_eq(uns_spec_beta(&spec), 0.99, 1e-15);
    spec.beta_c = 2.5;
    spec.eta = 0.008;
    cr_expect_float_eq(uns_spec_beta(&spec), 0.9, 1e-15);
    spec.beta_rule = UNS_BETA_FIXED;
    cr_expect_eq(uns_spec_beta(&spec), 0.99);
}

Test(spec, the_rule_is_refused_where_beta_leaves_its_range) {
    refuses("rmsprop", "eta=1.01 beta.rule=eta^2/3", UNS_ERROR_RANGE, "lower eta");
    refuses("rmsprop", "eta=0 beta.rule=eta^2/3", UNS_ERROR_RANGE, "raise eta");
    uns_spec spec = preset("rmsprop", "eta=0.99 beta.rule=eta^2/3");
    cr_expect_eq(uns_spec_check(context, &spec), UNS_OK, "%s", message());
}

static void burns_in(const char *name, const char *values, int64_t expected) {
    uns_spec spec = preset(name, values);
    cr_expect_eq(uns_spec_burn_in(context, &spec), expected, "%s %s: %lld", name, values,
                 (long long)uns_spec_burn_in(context, &spec));
}

Test(spec, burn_in_auto_is_five_memories) {
    burns_in("rmsprop", "burn_in=auto", 500);
    burns_in("rmsprop", "burn_in=auto beta=0.9", 50);
    burns_in("ggt", "burn_in=auto structure.window=30", 30);
    burns_in("rmsprop", "burn_in=auto beta=0.999", 5000);
    burns_in("rmsprop", "burn_in=auto beta=0.3", 8);
    burns_in("rmsprop", "burn_in=auto eta=1e-3 beta.rule=eta^2/3", 500);
    burns_in("rmsprop", "burn_in=auto eta=1e-4 beta.rule=eta^2/3", 2321);
    burns_in("yogi", "burn_in=auto", 5000);
    burns_in("adamax", "burn_in=auto", 5000);
}

Test(spec, burn_in_auto_is_nothing_without_a_fading_memory) {
    burns_in("sgd", "burn_in=auto", 0);
    burns_in("adagrad", "burn_in=auto", 0);
    burns_in("adagrad", "burn_in=auto moment=mean", 0);
    burns_in("idealized", "burn_in=auto", 0);
    burns_in("lion", "burn_in=auto", 0);
    burns_in("adagrad", "burn_in=12", 12);
}

/* ---- schedules */

static double eta_at(const char *values, uint64_t t) {
    uns_spec spec = bare(values);
    cr_assert_eq(uns_spec_check(context, &spec), UNS_OK, "%s", message());
    return uns_spec_eta(&spec, t);
}

static void near(double value, double expected) {
    cr_expect(fabs(value - expected) <= 1e-14 * fabs(expected) + 1e-17, "%.17g for %.17g",
              value, expected);
}

Test(spec, schedules_meet_their_closed_forms) {
    const double pi = 3.14159265358979323846;
    for (uint64_t t = 1; t <= 40; t++) {
        double before = (double)t - 1.0, part = fmin(before / 30.0, 1.0);
        near(eta_at("eta=0.25", t), 0.25);
        near(eta_at("eta=2 schedule=cosine schedule.steps=30", t), 1.0 + cos(pi * part));
        near(eta_at("eta=2 schedule=cosine schedule.steps=30 schedule.floor=0.5", t),
             1.0 + 0.5 * (1.0 + cos(pi * part)));
        near(eta_at("eta=3 schedule=step schedule.every=7 schedule.factor=0.5", t),
             3.0 * pow(0.5, floor(before / 7.0)));
        near(eta_at("eta=3 schedule=exponential schedule.factor=0.9", t),
             3.0 * pow(0.9, before));
        near(eta_at("eta=3 schedule=inverse_sqrt", t), 3.0 / sqrt((double)t));
        near(eta_at("eta=3 schedule=inverse_time schedule.factor=0.1", t),
             3.0 / (1.0 + 0.1 * before));
        near(eta_at("eta=3 schedule=polynomial schedule.steps=30 schedule.power=1.5 "
                    "schedule.floor=0.25",
                    t),
             3.0 * (0.25 + 0.75 * pow(1.0 - part, 1.5)));
    }
}

Test(spec, schedules_end_exactly_at_their_floor) {
    cr_expect_eq(eta_at("eta=1 schedule=cosine schedule.steps=30", 31), 0.0);
    cr_expect_eq(eta_at("eta=1 schedule=polynomial schedule.steps=30", 1000), 0.0);
    cr_expect_eq(eta_at("eta=1 schedule=cosine schedule.steps=30 schedule.floor=0.5", 99), 0.5);
}

Test(spec, warmup_grows_linearly_to_the_schedule) {
    near(eta_at("eta=1 warmup=4", 1), 0.25);
    near(eta_at("eta=1 warmup=4", 3), 0.75);
    cr_expect_eq(eta_at("eta=1 warmup=4", 4), 1.0);
    near(eta_at("eta=1 warmup=4 schedule=inverse_sqrt", 2), 0.5 / sqrt(2.0));
}

Test(spec, the_larger_step_is_taken_at_every_multiple_on_top_of_any_schedule) {
    const char *values = "eta=1e-3 larger_step.size=0.5 larger_step.every=10 warmup=25";
    for (uint64_t t = 1; t <= 50; t++)
        cr_expect_eq(eta_at(values, t) == 0.5, t % 10 == 0, "t = %d", (int)t);
    cr_expect_eq(eta_at("eta=1e-3 larger_step.size=0.5 larger_step.every=3 schedule=cosine "
                        "schedule.steps=5",
                        9),
                 0.5);
}

/* ---- momentum rows */

/* u and m after feeding g = 1, 2, ..., t from m = 0. */
static void feed(const uns_spec *spec, uint64_t steps, double *u, double *m) {
    double row[4], product = 1.0;
    *m = 0.0;
    for (uint64_t t = 1; t <= steps; t++) {
        uns_spec_momentum_row(spec, t, &product, row);
        *u = row[0] * *m + row[1] * (double)t;
        *m = row[2] * *m + row[3] * (double)t;
    }
}

static void feeds(const char *values, uint64_t steps, double expected_u, double expected_m) {
    uns_spec spec = bare(values);
    double u = 0.0, m;
    cr_assert_eq(uns_spec_check(context, &spec), UNS_OK, "%s", message());
    feed(&spec, steps, &u, &m);
    near(u, expected_u);
    near(m, expected_m);
}

Test(spec, momentum_rows_give_the_textbook_recursions) {
    feeds("", 3, 3.0, 0.0);
    feeds("momentum=heavy mu=0.5", 3, 4.25, 4.25);
    feeds("momentum=nesterov mu=0.5", 3, 3.0 + 0.5 * 4.25, 4.25);
    feeds("momentum=ema mu=0.5", 3, 2.125, 2.125);
    feeds("momentum=ema mu=0.5 mu.correction=true", 3, 2.125 / 0.875, 2.125);
    feeds("momentum=lion mu=0.5 mu.memory=0.75", 2, 0.5 * 0.25 + 1.0, 0.75 * 0.25 + 0.5);
}

Test(spec, dampening_spares_the_first_gradient) {
    feeds("momentum=heavy mu=0.5 dampening=0.75", 1, 1.0, 1.0);
    feeds("momentum=heavy mu=0.5 dampening=0.75", 2, 0.5 + 0.25 * 2.0, 0.5 + 0.25 * 2.0);
}

Test(spec, nadam_rows_have_two_corrected_terms) {
    double mu[5], before = 1.0, m = 0.0, m_published = 0.0, u = 0.0, u_published = 0.0;
    for (int t = 1; t <= 4; t++)
        mu[t] = 0.9 * (1.0 - 0.5 * pow(0.96, t * 0.004));
    for (int t = 1; t <= 3; t++) {
        m = 0.9 * m + (1.0 - 0.9) * t;
        m_published = mu[t] * m_published + (1.0 - mu[t]) * t;
        before *= mu[t];
        double second = (1.0 - mu[t]) * t / (1.0 - before), next = 1.0 - before * mu[t + 1];
        u = mu[t + 1] * m / next + second;
        u_published = mu[t + 1] * m_published / next + second;
    }
    feeds("momentum=nadam mu=0.9", 3, u, m);
    feeds("momentum=dozat mu=0.9", 3, u_published, m_published);
}

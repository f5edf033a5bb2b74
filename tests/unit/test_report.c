/* SPDX-License-Identifier: MIT
 * The report on hand-made results: numbers, table, conclusion, picture.
 */
#include "report/number.h"
#include "report/parts.h"
#include "report/prose.h"
#include "support/report_cases.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unsaddle/random.h>
#include <unsaddle/report.h>

static report_case all;
static uns_context *context;
static char *text;

static void set_up(void) {
    memset(&all, 0, sizeof all);
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
}

static void tear_down(void) {
    free(text);
    text = NULL;
    uns_context_destroy(context);
}

TestSuite(report, .init = set_up, .fini = tear_down);

static const char *table(int width) {
    free(text);
    text = NULL;
    cr_assert_eq(uns_report_table_of(context, all.pointer, all.count, width, &text), UNS_OK);
    return text;
}

/* The table's text after the blank line below the rows, its lines joined by blanks. */
static const char *conclusion(void) {
    table(0);
    char *end = text + strlen(text);
    while (end > text && end[-1] == '\n')
        *--end = '\0';
    char *start = NULL;
    for (char *at = strstr(text, "\n\n"); at; at = strstr(at + 2, "\n\n"))
        start = at + 2;
    cr_assert_not_null(start);
    for (char *at = start; *at; at++)
        *at = *at == '\n' ? ' ' : *at;
    return start;
}

static const char *picture(void) {
    free(text);
    text = NULL;
    cr_assert_eq(uns_report_plot_of(context, all.pointer, all.count, &text), UNS_OK);
    return text;
}

static bool begins(const char *in, const char *start) {
    return strncmp(in, start, strlen(start)) == 0;
}

static size_t occurrences(const char *in, const char *part) {
    size_t count = 0;
    for (const char *at = strstr(in, part); at; at = strstr(at + 1, part))
        count++;
    return count;
}

Test(report, exact_numbers_are_short_and_read_back) {
    char got[UNS_NUMBER_SIZE];
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1e-3, "1e-3"},
                 {0.1, "0.1"},
                 {3e-2, "3e-2"},
                 {30, "30"},
                 {1.5e-7, "1.5e-7"},
                 {1e6, "1e6"},
                 {0.30000000000000004, "0.30000000000000004"},
                 {NAN, "–"},
                 {INFINITY, "∞"},
                 {-2.5e-4, "−2.5e-4"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uns_number_exact(cases[i].value, got);
        cr_expect_str_eq(got, cases[i].text);
    }
}

Test(report, numbers_are_grouped_rounded_and_never_rounded_to_all_or_none) {
    char got[UNS_NUMBER_SIZE];
    uns_number_steps(1234567.4, got);
    cr_expect_str_eq(got, "1,234,567");
    uns_number_steps(43.25, got);
    cr_expect_str_eq(got, "43.2");
    uns_number_steps(999.6, got);
    cr_expect_str_eq(got, "1,000");
    uns_number_figures(-0.012649, 3, got);
    cr_expect_str_eq(got, "−0.0126");
    uns_number_figures(0, 3, got);
    cr_expect_str_eq(got, "0");
    uns_number_ratio(13.46, got);
    cr_expect_str_eq(got, "13.5");
    uns_number_share(9999, 10000, got);
    cr_expect_str_eq(got, "99.9 %");
    uns_number_share(1, 10000, got);
    cr_expect_str_eq(got, "0.1 %");
    uns_number_share(7, 7, got);
    cr_expect_str_eq(got, "100 %");
}

Test(report, prose_breaks_at_blanks_and_keeps_words_together) {
    const char *rest = "one two at η\u00a0=\u00a01e-3 end\nnew";
    char line[UNS_LINE_SIZE];
    static const char *const lines[] = {"one two at", "η = 1e-3 end", "new"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(uns_prose_line(&rest, 12, line));
        cr_expect_str_eq(line, lines[i]);
    }
    cr_expect_not(uns_prose_line(&rest, 12, line));
}

/* Columns up to the end of the part's first occurrence in the line. */
static size_t end_column(const char *line, const char *part) {
    const char *newline = strchr(line, '\n'), *found = strstr(line, part);
    cr_assert(found && found < newline, "'%s' is not in the line", part);
    char start[1024];
    snprintf(start, sizeof start, "%.*s", (int)(found + strlen(part) - line), line);
    return uns_text_columns(start);
}

static const char *line_with(const char *in, const char *start) {
    const char *at = strstr(in, start);
    cr_assert_not_null(at, "no line starts with '%s'", start);
    return at + 1;
}

Test(report, columns_are_aligned_under_their_headings) {
    case_paper(&all);
    const char *got = table(0);
    size_t median = end_column(line_with(got, "\noptimizer"), "median");
    cr_expect_eq(end_column(line_with(got, "\nsgd        1e-3"), "43,528"), median);
    cr_expect_eq(end_column(line_with(got, "\nsgd        3e-2"), " 930"), median);
    cr_expect_eq(end_column(line_with(got, "\nrmsprop    1e-2"), " 210"), median);
    cr_expect_eq(end_column(line_with(got, "\nidealized  1e-3"), "3,170"), median);
    cr_expect_not_null(strstr(got, "[44,790 – 46,618]"));
    cr_expect_not_null(strstr(got, "saddle2d · 1,000 replicas · 100,000 steps · seed 1\n"));
}

Test(report, every_line_fits_every_width_from_48_on) {
    case_paper(&all);
    for (int width = 48; width <= 110; width++)
        for (const char *line = table(width); *line; line = strchr(line, '\n') + 1) {
            char whole[1024];
            snprintf(whole, sizeof whole, "%.*s", (int)(strchr(line, '\n') - line), line);
            cr_assert_leq(uns_text_columns(whole), (size_t)width, "at %d: %s", width, whole);
            cr_assert_not(line[0] && strchr(line, '\n') > line &&
                          strchr(line, '\n')[-1] == ' ');
        }
}

Test(report, narrow_tables_keep_what_matters_most) {
    case_paper(&all);
    const char *got = table(60);
    cr_expect_not_null(strstr(got, "median"));
    cr_expect_not_null(strstr(got, "2.60e-3"));
    cr_expect_null(strstr(got, "[95 %]"));
}

Test(report, too_small_a_width_is_refused_with_the_least) {
    char *untouched = NULL;
    case_paper(&all);
    cr_assert_eq(uns_report_table_of(context, all.pointer, all.count, 47, &untouched),
                 UNS_ERROR_ARGUMENT);
    cr_expect_null(untouched);
    cr_expect_not_null(strstr(uns_context_message(context), "at least 48"));
}

Test(report, columns_nobody_fills_are_left_out) {
    case_escape(&all, "sgd", 1e-3, 1000, 900, 1e-3);
    cr_expect_null(strstr(table(0), "theory"));
    cr_expect_null(strstr(text, "accuracy"));
    cr_expect_null(strstr(text, "stopped"));
    cr_expect_null(strstr(text, "setting"));
}

Test(report, typical_conclusion_names_the_gain_and_its_price) {
    case_paper(&all);
    cr_expect_str_eq(
        conclusion(),
        "At η = 1e-3 rmsprop leaves the saddle 13.5 times sooner than sgd (median); "
        "to be about as fast, sgd takes η = 1e-2 and then stays 9.6 times farther "
        "from the minimum.");
}

Test(report, an_oracle_is_praised_only_where_nothing_else_can_be) {
    case_escape(&all, "sgd", 1e-2, 3452, 3184, 2.6e-3);
    case_escape(&all, "idealized", 1e-3, 3432, 3170, 2.0e-4);
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4);
    cr_expect(begins(conclusion(), "rmsprop at η = 1e-3 and sgd at η = 1e-2 escape about "
                                   "equally fast (median 3,226 and 3,184 steps), but sgd"));
    all.count = 2;
    cr_expect_not_null(strstr(conclusion(), "idealized at η = 1e-3 and sgd at η = 1e-2"));
}

Test(report, ties_are_called_ties) {
    case_escape(&all, "sgd", 1e-3, 1000, 950, 1.00e-3);
    case_escape(&all, "rmsprop", 1e-3, 1010, 960, 1.05e-3);
    cr_expect_str_eq(
        conclusion(),
        "All escape about equally fast (median 950 to 960 steps) and stay about "
        "equally close to the minimum (1.00e-3 to 1.05e-3): nothing here tells them "
        "apart.");
}

Test(report, overlapping_intervals_bear_no_claim) {
    case_escape(&all, "sgd", 1e-3, 1000, 950, 2e-3)->floor.low = 0.5e-3;
    case_escape(&all, "rmsprop", 1e-3, 1010, 960, 1e-3)->floor.high = 3e-3;
    cr_expect_null(strstr(conclusion(), "times"));
    case_escape(&all, "adam", 1e-3, 300, 200, 1e-3)->escape_median_high = 2000;
    cr_expect_null(strstr(conclusion(), "times"));
}

Test(report, sooner_and_as_close_is_said_when_nothing_is_equally_fast) {
    case_escape(&all, "sgd", 1e-3, 45704, 43528, 2.5e-4);
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.6e-4);
    cr_expect_str_eq(conclusion(),
                     "rmsprop at η = 1e-3 leaves the saddle 13.5 times sooner than sgd at "
                     "η = 1e-3 (median) and stays about as close to the minimum.");
}

Test(report, a_bad_step_size_is_not_held_against_a_method) {
    case_escape(&all, "sgd", 0.3, 582, 590, 3e-32);
    case_escape(&all, "rmsprop", 1e-4, 15078, 15112, 0.161);
    case_escape(&all, "rmsprop", 1e-3, 1547, 1401, 3.32e-6);
    cr_expect_str_eq(
        conclusion(),
        "sgd at η = 0.3 leaves the saddle 2.4 times sooner than rmsprop at η = 1e-3 "
        "(median) and stays more than a million times closer to the minimum.");
}

Test(report, medians_not_reached_give_a_lower_bound) {
    uns_result *slow = case_escape(&all, "sgd", 1e-3, 90000, NAN, 2.5e-4);
    slow->escaped = 100;
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4);
    case_escape(&all, "sgd", 1e-2, 3452, 3184, 2.6e-3);
    cr_expect_not_null(strstr(conclusion(), "more than 31.0 times sooner than sgd (median)"));
    cr_expect_not_null(strstr(conclusion(), "Means are over the replicas that escaped"));
}

Test(report, a_single_cell_is_described_not_compared) {
    case_escape(&all, "sgd", 1e-3, 45704, 43528, 2.5e-4);
    cr_expect_str_eq(conclusion(),
                     "sgd at η = 1e-3 leaves the saddle at step 43,528 (median; 100 % of the "
                     "replicas within 100,000 steps) and then stays 2.5e-4 above the minimum; "
                     "there is nothing to compare it with.");
}

static uns_result *add_stuck(const char *preset, int64_t escaped) {
    uns_result *result = case_escape(&all, preset, 1e-3, NAN, NAN, NAN);
    result->escaped = escaped;
    for (int i = (int)escaped; i < CASE_REPLICAS; i++)
        all.escape[all.count - 1][i] = -1;
    return result;
}

Test(report, nothing_escaped_is_said_plainly) {
    add_stuck("sgd", 0);
    add_stuck("adam", 0);
    cr_expect_str_eq(conclusion(),
                     "Nothing escaped within 100,000 steps: take more steps or a larger η.");
    cr_expect_not_null(strstr(table(0), "0 %"));
}

Test(report, fewer_than_half_escaped_names_the_fastest) {
    add_stuck("sgd", 0);
    add_stuck("adam", 130);
    cr_expect_not_null(strstr(conclusion(), "Fewer than half of the replicas escaped within "
                                            "100,000 steps, even with the fastest, adam at "
                                            "η = 1e-3 (13.0 %): take more steps."));
}

Test(report, diverged_cells_are_named_and_never_compared) {
    case_escape(&all, "sgd", 1e-2, 3452, 3184, 2.6e-3);
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4);
    all.result[1].stop = UNS_STOP_DIVERGED;
    all.result[1].diverged = 3;
    cr_expect_null(strstr(conclusion(), "times"));
    cr_expect_not_null(
        strstr(conclusion(), "Diverged: rmsprop at η = 1e-3 (3 of 1,000 replicas)."));
    cr_expect_not_null(strstr(table(0), "3 diverged"));
    all.result[0].stop = UNS_STOP_DIVERGED;
    all.result[0].diverged = 1000;
    cr_expect_str_eq(conclusion(), "Every cell diverged: take a smaller η.");
    all.result[1].diverged = 0;
    all.result[1].stop = UNS_STOP_INTERRUPTED;
    cr_expect(begins(conclusion(), "No cell ran to its end without divergence"));
}

Test(report, interrupted_cells_are_named_as_unfinished) {
    case_escape(&all, "sgd", 1e-2, 3452, 3184, 2.6e-3);
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4)->stop = UNS_STOP_INTERRUPTED;
    cr_expect_not_null(strstr(conclusion(), "Not finished: rmsprop at η = 1e-3."));
    cr_expect_not_null(strstr(table(0), "interrupted"));
    all.result[0].stop = UNS_STOP_INTERRUPTED;
    cr_expect(begins(conclusion(), "The run was cut short before any cell was finished"));
}

Test(report, long_lists_of_cells_are_cut) {
    for (int i = 0; i < 10; i++)
        case_escape(&all, "sgd", i + 1, 1000, 900, 1e-3);
    for (int i = 1; i < 10; i++)
        all.result[i].diverged = 1000;
    cr_expect_not_null(strstr(conclusion(), "sgd at η = 7 and 3 more."));
}

Test(report, too_short_for_a_floor_compares_speed_alone) {
    uns_estimate none = {NAN, NAN, NAN};
    case_paper(&all);
    for (size_t i = 0; i < all.count; i++)
        all.result[i].floor = none;
    cr_expect_str_eq(conclusion(),
                     "At η = 1e-2 rmsprop leaves the saddle 15.2 times sooner than "
                     "sgd (median); the run is too short to tell how close they "
                     "stay to the minimum.");
    cr_expect_null(strstr(table(0), "mean   theory  "));
}

Test(report, one_method_alone_is_ranked_by_step_size) {
    case_paper(&all);
    all.count = 4;
    cr_expect_str_eq(conclusion(),
                     "sgd at η = 3e-2 leaves the saddle soonest (median 930 steps); sgd at "
                     "η = 1e-3 stays closest to the minimum (f − f* = 2.5e-4 on average).");
}

Test(report, small_samples_come_with_a_warning) {
    case_escape(&all, "sgd", 1e-3, 1000, 900, 2e-3)->replicas = 3;
    case_escape(&all, "adam", 1e-3, 500, 400, 4e-3)->replicas = 3;
    all.result[0].escaped = all.result[1].escaped = 3;
    cr_expect_not_null(strstr(conclusion(), "With so few replicas this may be chance."));
}

static void add_classifier(const char *preset, double eta, double value, double accuracy) {
    uns_result *result = case_add(&all, preset, eta);
    strcpy(all.cell[all.count - 1].problem, "softmax");
    result->final_value = value;
    result->final_accuracy = accuracy;
}

Test(report, classifiers_are_ranked_by_held_out_accuracy) {
    add_classifier("sgd", 0.1, 0.29, 0.9132);
    add_classifier("rmsprop", 1e-3, 0.31, 0.9217);
    cr_expect_str_eq(
        conclusion(),
        "rmsprop at η = 1e-3 classifies 92.17 % of the held-out samples correctly, "
        "the most of all; sgd at η = 0.1 comes next with 91.32 %.");
    cr_expect_not_null(strstr(table(0), "final value  accuracy"));
    cr_expect_null(strstr(text, "escape"));
    all.count = 1;
    cr_expect_not_null(strstr(conclusion(), "there is nothing to compare it with."));
}

Test(report, problems_without_escape_or_accuracy_are_ranked_by_value) {
    add_classifier("sgd", 0.1, 0.29, NAN);
    add_classifier("rmsprop", 1e-3, 0.31, NAN);
    cr_expect_str_eq(conclusion(), "sgd at η = 0.1 ends at f = 0.2900, the lowest of all; "
                                   "rmsprop at η = 1e-3 comes next with 0.3100.");
    all.result[0].final_value = 0.31;
    cr_expect_not_null(strstr(conclusion(), "and is not alone in it"));
}

Test(report, a_seed_or_a_length_apart_means_a_sentence_apart) {
    case_escape(&all, "sgd", 1e-2, 3452, 3184, 2.6e-3);
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4);
    all.cell[1].settings.seed = 2;
    strcat(all.cell[0].label, " seed=1");
    strcat(all.cell[1].label, " seed=2");
    const char *got = conclusion();
    cr_expect(begins(got, "seed=1: sgd at η = 1e-2 leaves"));
    cr_expect_not_null(strstr(got, "seed=2: rmsprop at η = 1e-3 leaves"));
    cr_expect_null(strstr(got, "times"));
    cr_expect_not_null(strstr(table(0), "setting"));
}

Test(report, names_given_in_the_plan_and_varied_keys_tell_methods_apart) {
    case_escape(&all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4);
    case_escape(&all, "rmsprop", 1e-3, 3452, 3184, 2.6e-3);
    strcpy(all.cell[0].label, "long memory");
    strcpy(all.cell[1].label, "rmsprop beta=0.5 eta=1e-3");
    cr_expect_not_null(strstr(conclusion(), "long memory at η = 1e-3 and rmsprop beta=0.5 at "
                                            "η = 1e-3 escape about equally fast"));
}

Test(report, an_empty_record_is_no_crash) {
    cr_expect_not_null(table(80));
    cr_expect_not_null(picture());
}

/* The end of the tag that begins at `at`, quotes respected; NULL when it does not end. */
static const char *tag_end(const char *at) {
    bool quoted = false;
    for (; *at && (quoted || *at != '>'); at++)
        quoted ^= *at == '"';
    return *at ? at : NULL;
}

/* Whether tags nest and end and no '<' or bare '&' stands in text. */
static bool well_formed(const char *xml) {
    char open[16][16];
    size_t depth = 0;
    for (const char *at = xml; *at; at++) {
        if (*at == '&' && strncmp(at, "&lt;", 4) != 0 && strncmp(at, "&amp;", 5) != 0)
            return false;
        if (*at != '<')
            continue;
        const char *end = tag_end(at);
        char name[16];
        bool closing = at[1] == '/';
        if (!end || sscanf(at + 1 + closing, "%15[a-z]", name) != 1)
            return false;
        if (closing && (depth == 0 || strcmp(open[--depth], name) != 0))
            return false;
        if (!closing && end[-1] != '/' && depth < 16)
            strcpy(open[depth++], name);
        at = end;
    }
    return depth == 0;
}

Test(report, the_checker_of_pictures_can_fail) {
    cr_expect(well_formed("<a><b c=\"1>2\"/>x</a>"));
    cr_expect_not(well_formed("<a><b></a>"));
    cr_expect_not(well_formed("<a>x & y</a>"));
    cr_expect_not(well_formed("<a>1 < 2</a>"));
}

Test(report, pictures_are_well_formed_and_self_contained) {
    case_paper(&all);
    cr_expect(well_formed(picture()));
    add_stuck("<&\x01>", 5);
    strcpy(all.cell[all.count - 1].label, "<&\x01> eta=1e-3");
    cr_expect(well_formed(picture()));
    cr_expect_not_null(strstr(text, "&lt;&amp;?>"));
    cr_expect_eq(occurrences(text, "http"), 1, "only the namespace");
    cr_expect_null(strstr(text, "<script"));
    cr_expect_not_null(strstr(text, "prefers-color-scheme:dark"));
    cr_expect_null(strstr(text, "nan"));
    cr_expect_null(strstr(text, "inf"));
}

Test(report, escapes_are_drawn_as_a_curve_and_a_point_each) {
    case_paper(&all);
    picture();
    cr_expect_eq(occurrences(text, "class=\"line s"), 8);
    cr_expect_eq(occurrences(text, "transform=\"translate("), 16, "8 medians and 8 points");
    cr_expect_not_null(strstr(text, "sooner and closer"));
    cr_expect_not_null(strstr(text, "13.5 times sooner"));
}

Test(report, curves_are_drawn_from_the_metrics_where_no_replica_is_known) {
    case_paper(&all);
    for (size_t i = 0; i < all.count; i++)
        all.result[i].escape_steps = NULL;
    picture();
    cr_expect(well_formed(text));
    cr_expect_eq(occurrences(text, "class=\"line s"), 8);
}

Test(report, other_problems_are_drawn_as_values_or_gradients) {
    add_classifier("sgd", 0.1, 0.29, 0.9132);
    picture();
    cr_expect_not_null(strstr(text, "Gradient norm"));
    for (int i = 0; i < CASE_ROWS; i++)
        all.row[0][i].value = 2.0 / (i + 1);
    picture();
    cr_expect_not_null(strstr(text, "Value f"));
    cr_expect_not_null(strstr(text, "sgd 0.1 · 91.3 %"));
    cr_expect(well_formed(text));
}

/* A number to be met in a broken run as well as in a good one. */
static double any_number(uint32_t draw) {
    static const double odd[] = {NAN, 0, -1, INFINITY, -INFINITY, 1e-320, 1e308, 1e17, 0.5, 12};
    return draw % 3 ? exp((double)(draw % 1000) / 20 - 25) : odd[draw / 3 % 10];
}

Test(report, no_numbers_break_the_table_or_the_picture) {
    for (uint32_t round = 0; round < 300; round++) {
        uns_key key = {5, round, 0, UNS_STREAM_USER};
        uint32_t draw[4];
        memset(&all, 0, sizeof all);
        for (uint32_t i = 0; i < 6; i++) {
            uns_random_words(key, i, draw);
            uns_result *result = case_escape(&all, i % 2 ? "sgd" : "adam", any_number(draw[0]),
                                             1000, any_number(draw[1]), any_number(draw[2]));
            result->escape_steps = draw[3] % 2 ? result->escape_steps : NULL;
            result->escaped = draw[3] % 1001;
            result->stop = (uns_stop)(draw[3] / 7 % UNS_STOP_COUNT);
            result->diverged = draw[3] / 31 % 3;
            result->rows = draw[3] / 63 % (CASE_ROWS + 1);
            all.row[i][1].value = any_number(draw[3]);
        }
        cr_assert(well_formed(picture()));
        cr_assert_null(strstr(text, "nan"), "%s", text);
        for (const char *line = table(60); *line; line = strchr(line, '\n') + 1)
            cr_assert_not_null(strchr(line, '\n'));
    }
}

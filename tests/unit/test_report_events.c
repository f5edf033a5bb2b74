/* SPDX-License-Identifier: MIT
 * What a report says of stalls and readings, on hand-made results.
 */
#include "report/parts.h"
#include "support/report_cases.h"

#include <criterion/criterion.h>
#include <stdlib.h>
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
    uns_context_destroy(context);
}

TestSuite(report_events, .init = set_up, .fini = tear_down);

/* The table's text on one line, with plain blanks. */
static const char *report(void) {
    free(text);
    cr_assert_eq(uns_report_table_of(context, all.pointer, all.count, 0, &text), UNS_OK);
    for (char *at = text; *at; at++)
        *at = *at == '\n' ? ' ' : *at;
    return text;
}

static void expect_said(const char *words) {
    const char *said = report();
    cr_expect(strstr(said, words), "'%s' is not in '%s'", words, said);
}

static uns_episode saddle_left_after(int64_t left, double forecast, bool acted) {
    return (uns_episode){.verdict = UNS_VERDICT_SADDLE,
                         .curvature = -0.1,
                         .leave = {0.5 * forecast, forecast, 2.0 * forecast},
                         .acted = acted,
                         .left = left};
}

Test(report_events, without_instruments_nothing_is_said) {
    case_add(&all, "sgd", 1e-3);
    const char *said = report();
    cr_expect_null(strstr(said, "Stalls"));
    cr_expect_null(strstr(said, "reading"));
}

Test(report_events, stalls_are_counted_and_the_forecast_stands_beside_what_came) {
    uns_episode rows[4] = {saddle_left_after(900, 1000.0, false),
                           saddle_left_after(1100, 1200.0, false),
                           saddle_left_after(-1, 1300.0, false),
                           {.verdict = UNS_VERDICT_STATIONARY, .left = -1}};
    uns_result *result = case_add(&all, "sgd", 1e-3);
    all.cell[0].settings.stall.every = 500;
    expect_said("Stalls of sgd at η = 1e-3: none.");
    rows[1].curvature = -0.05;
    result->episode = rows;
    result->episodes = 4;
    expect_said("Stalls of sgd at η = 1e-3: 4 looked into, of which 3 were saddles (curvature "
                "−0.100 to −0.0500); 2 left after a median of 1,000 steps, forecast 1,100.");
    result->episode = rows + 3;
    result->episodes = 1;
    expect_said("1 looked into, of which none was shown to be a saddle.");
}

Test(report_events, a_step_taken_is_told_without_a_forecast) {
    uns_episode rows[1] = {saddle_left_after(1, 1000.0, true)};
    uns_result *result = case_add(&all, "adam", 1e-3);
    all.cell[0].settings.stall = (uns_stall){.every = 500, .act = UNS_STALL_WITNESS};
    result->episode = rows;
    result->episodes = 1;
    expect_said("1 looked into, of which 1 was a saddle (curvature −0.100); 1 step along the "
                "witness, decrease verified; 1 left after 1 step.");
    all.cell[0].settings.stall.act = UNS_STALL_LARGER;
    expect_said("1 step of the larger size; 1 left after 1 step.");
}

Test(report_events, the_last_reading_is_told_as_far_as_it_goes) {
    uns_reading rows[1] = {{.step = 2000,
                            .gradient = 1e-4,
                            .noise = 0.02,
                            .curvature = -0.1,
                            .leave = {100.0, 1234.0, 2000.0}}};
    uns_result *result = case_add(&all, "sgd", 1e-3);
    all.cell[0].settings.instruments.every = -1;
    expect_said("No reading of sgd at η = 1e-3: the run is too short");
    result->reading = rows;
    result->readings = 1;
    expect_said("Last reading, at step 2,000 of sgd at η = 1e-3: ‖∇f‖² 1.00e-4, noise of a "
                "batch 0.0200, least curvature −0.100, to leave along it 1,234 steps.");
    rows[0].doubts = 2;
    expect_said("1,234 steps (outside the formula's conditions).");
    rows[0].leave[1] = 1e12; /* no run could take it */
    expect_said("least curvature −0.100.");
    rows[0].noise = rows[0].gradient = NAN;
    expect_said("η = 1e-3: least curvature −0.100.");
}

Test(report_events, of_many_cells_only_the_first_are_told_of) {
    for (int i = 0; i < 10; i++) {
        case_add(&all, "sgd", 1e-3 * (i + 1));
        all.cell[i].settings.stall.every = 500;
    }
    expect_said("And so on for 2 more: readings.csv and episodes.csv have all.");
    cr_expect_null(strstr(text, "Stalls of sgd at η = 9e-3"));
}

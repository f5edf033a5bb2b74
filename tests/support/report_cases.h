/* SPDX-License-Identifier: MIT
 * Hand-made results for the report's tests: the paper's saddle with its published-size numbers
 * and variations on it. No run is needed.
 */
#ifndef REPORT_CASES_H
#define REPORT_CASES_H

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unsaddle/run.h>

enum {
    CASE_CELLS = 10,
    CASE_REPLICAS = 1000,
    CASE_ROWS = 3
};

typedef struct report_case {
    size_t count;
    uns_cell cell[CASE_CELLS];
    uns_result result[CASE_CELLS];
    const uns_result *pointer[CASE_CELLS];
    uns_metric_row row[CASE_CELLS][CASE_ROWS];
    int64_t escape[CASE_CELLS][CASE_REPLICAS];
} report_case;

/* Appends a finished cell without an escape criterion; returns its result. */
static inline uns_result *case_add(report_case *all, const char *preset, double eta) {
    size_t i = all->count++;
    uns_cell *cell = &all->cell[i];
    uns_result *result = &all->result[i];
    strcpy(cell->problem, "saddle2d");
    strcpy(cell->preset, preset);
    strcpy(cell->spec.moment, strcmp(preset, "idealized") == 0 ? "exact" : "ema");
    cell->spec.eta = eta;
    cell->settings = (uns_settings){
        .steps = 100000, .replicas = CASE_REPLICAS, .seed = 1, .batch = 1, .settle = 5000};
    snprintf(cell->label, sizeof cell->label, "%s eta=%g", preset, eta);
    for (int r = 0; r < CASE_ROWS; r++)
        all->row[i][r] = (uns_metric_row){r * 50000, NAN, 1.0 / (r + 1), NAN};
    uns_estimate none = {NAN, NAN, NAN};
    *result = (uns_result){.cell = cell,
                           .stop = UNS_STOP_STEPS,
                           .replicas = CASE_REPLICAS,
                           .escape_mean = none,
                           .escape_median = NAN,
                           .escape_median_low = NAN,
                           .escape_median_high = NAN,
                           .escape_deviation = NAN,
                           .floor = none,
                           .escape_theory = NAN,
                           .floor_theory = NAN,
                           .final_value = NAN,
                           .final_accuracy = NAN,
                           .steps = 100000,
                           .rows = CASE_ROWS,
                           .metrics = all->row[i]};
    all->pointer[i] = result;
    return result;
}

/* A cell that escaped with this mean and median (±2 %), and kept this floor (±1 %). Replicas'
 * steps follow the quantiles of an escape from the saddle itself. */
static inline uns_result *case_escape(report_case *all, const char *preset, double eta,
                                      double mean, double median, double floor) {
    size_t i = all->count;
    uns_result *result = case_add(all, preset, eta);
    result->escaped = result->replicas;
    result->escape_mean = (uns_estimate){mean, mean * 0.98, mean * 1.02};
    result->escape_median = median;
    result->escape_median_low = median * 0.98;
    result->escape_median_high = median * 1.02;
    result->floor = (uns_estimate){floor, floor * 0.99, floor * 1.01};
    for (int r = 0; r < CASE_ROWS; r++)
        all->row[i][r].escaped = r / (CASE_ROWS - 1.0);
    for (int r = 0; r < CASE_REPLICAS; r++) {
        double step = median + (mean - median) / 0.241 * 0.37 *
                                   log(-log(1 - (r + 0.5) / CASE_REPLICAS) / 0.6931);
        all->escape[i][r] = isfinite(step) ? (int64_t)step : -1;
    }
    result->escape_steps = all->escape[i];
    return result;
}

/* The experiment of the README: who leaves first, who settles closest. */
static inline void case_paper(report_case *all) {
    memset(all, 0, sizeof *all);
    case_escape(all, "sgd", 1e-3, 45704, 43528, 2.5e-4)->escape_theory = 43115;
    case_escape(all, "sgd", 3e-3, 12930, 12300, 7.7e-4);
    case_escape(all, "sgd", 1e-2, 3452, 3184, 2.6e-3)->floor_theory = 2.525e-3;
    case_escape(all, "sgd", 3e-2, 994, 930, 7.8e-3);
    case_escape(all, "rmsprop", 1e-4, 43616, 41800, 2.9e-5);
    case_escape(all, "rmsprop", 1e-3, 3485, 3226, 2.7e-4);
    case_escape(all, "rmsprop", 1e-2, 225, 210, 2.8e-3);
    case_escape(all, "idealized", 1e-3, 3432, 3170, 2.75e-4)->escape_theory = 3160;
}

#endif

/* SPDX-License-Identifier: MIT
 * The periodic instruments: what they say is so, and the run does not notice them, neither in
 * its bits nor in its memory.
 */
#include "base/base.h"
#include "run/record.h"
#include "support/run_text.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unsaddle/forecast.h>

TestSuite(reading, .init = run_text_open, .fini = run_text_close);

Test(reading, instruments_do_not_change_a_bit) {
    static const char *const problems[] = {
        "problem: {name: saddle2d, noise: gaussian}\nsteps: 3000\nreplicas: 300\n",
        "problem: {name: saddle, dimension: 12}\nsteps: 600\nreplicas: 20\n",
        ("problem: {name: matrix-factorization, n: 8, sampling: shuffled}\nsteps: 600\n"
         "batch: 4\nreplicas: 5\n"),
    };
    static const char *const methods[] = {
        "optimizers: {sgd: {eta: 1e-3}}\n",
        "optimizers: {adam: {eta: 1e-3}}\n",
        "optimizers: {rmsprop: {eta: 1e-3, structure: full}}\n",
    };
    for (size_t p = 0; p < UNS_COUNT_OF(problems); p++)
        for (size_t m = 0; m < UNS_COUNT_OF(methods); m++) {
            if (m == 2 && strcmp(uns_context_blas(NULL), "none") == 0)
                continue;
            run_text with = run_text_run(problems[p], methods[m],
                                         "instruments: {every: 100, replicas: 3}\n"
                                         "stall: {every: 150}\n");
            run_text without = run_text_run(problems[p], methods[m], "");
            run_text_expect_same(with.result[0], without.result[0]);
            cr_expect_eq(with.result[0]->readings,
                         3 * (size_t)(with.result[0]->cell->settings.steps / 100));
            cr_expect_eq(without.result[0]->readings, 0);
            run_text_end(&with);
            run_text_end(&without);
        }
}

Test(reading, noise_and_curvature_at_a_known_saddle_are_right) {
    run_text run = run_text_run("problem: {name: saddle2d, noise: gaussian}\nsteps: 40\n",
                                "optimizers: {sgd: {eta: 1e-3}}\n",
                                "instruments: {every: 10, draws: 20000}\n");
    cr_assert_eq(run.result[0]->readings, 4);
    for (size_t i = 0; i < 4; i++) {
        const uns_reading *r = &run.result[0]->reading[i];
        cr_expect_eq(r->step, (int64_t)(i + 1) * 10);
        cr_expect_float_eq(r->curvature, -0.1, 1e-9);
        cr_expect_leq(r->residual, 1e-6);
        /* tr = 1.01, along = 0.01; 4.5 standard errors of 20,000 draws */
        cr_expect_float_eq(r->noise, 1.01, 4.5 * sqrt(2.0 / 20000.0));
        cr_expect_float_eq(r->along, 0.01, 4.5 * 0.01 * sqrt(2.0 / 20000.0));
        cr_expect_geq(r->gradient, 0.0);
        cr_expect(r->drop > 0.0015 && r->drop < 0.0127, "%g", r->drop);
    }
    run_text_end(&run);
}

/* From the saddle itself the forecast is the closed form with the measured numbers. */
Test(reading, the_forecast_is_the_closed_form_at_the_saddle) {
    run_text run = run_text_run("problem: {name: saddle2d, noise: gaussian}\nsteps: 1\n",
                                "optimizers: {sgd: {eta: 1e-9}}\n",
                                "instruments: {every: 1, draws: 4096}\n");
    const uns_reading *r = &run.result[0]->reading[0];
    double other = 1e-9 * (r->noise - r->along) / 4.0;
    double expected = uns_forecast_escape(-r->curvature, r->along, 1e-9, r->drop, other, 0.5);
    cr_expect_float_eq(r->leave[1], expected, 1e-3 * expected, "%g %g", r->leave[1], expected);
    cr_expect(r->leave[0] < r->leave[1] && r->leave[1] < r->leave[2]);
    run_text_end(&run);
}

/* Without a confinement every length keeps the promise: "left" is then the problem's own mark,
 * and the forecast that of the theory column, closed form from the saddle. */
Test(reading, the_room_of_a_saddle_without_a_floor_is_the_problems_own_drop) {
    run_text run = run_text_run("problem: {name: saddle, d: 4, confinement: none, drop: 0.05, "
                                "seed: 3}\nsteps: 1\n",
                                "optimizers: {sgd: {eta: 1e-9}}\n",
                                "instruments: {every: 1, draws: 4096}\n");
    const uns_reading *r = &run.result[0]->reading[0];
    double other = 1e-9 * (r->noise - r->along) / 4.0;
    double expected = uns_forecast_escape(-r->curvature, r->along, 1e-9, 0.05, other, 0.5);
    cr_expect_float_eq(r->drop, 0.05, 1e-12, "%g", r->drop);
    cr_expect_float_eq(r->leave[1], expected, 1e-3 * expected, "%g %g", r->leave[1], expected);
    run_text_end(&run);
}

/* In the metric of RMSProp the noise is isotropic, so the starved way out is no longer so. */
Test(reading, the_forecast_knows_the_metric) {
    run_text run = run_text_run("problem: {name: saddle2d, noise: gaussian}\nsteps: 5\n",
                                "optimizers:\n  - sgd: {eta: 1e-3}\n"
                                "  - rmsprop: {eta: 1e-3, beta: 0.999, burn_in: 5000}\n",
                                "instruments: {every: 5, draws: 4096}\n");
    const uns_reading *plain = run.result[0]->reading, *scaled = run.result[1]->reading;
    cr_expect(plain->leave[1] > 10.0 * scaled->leave[1] &&
                  plain->leave[1] < 17.0 * scaled->leave[1],
              "%g %g", plain->leave[1], scaled->leave[1]);
    run_text_end(&run);
}

Test(reading, what_is_switched_off_is_not_read) {
    run_text run = run_text_run("problem: {name: saddle2d, noise: gaussian}\nsteps: 10\n",
                                "optimizers: {sgd: {eta: 1e-3}}\n",
                                "instruments: {every: 10, noise: [false, true], "
                                "curvature: [false, true]}\n");
    cr_assert_eq(run.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const uns_reading *r = run.result[i]->reading;
        const uns_instruments *in = &run.result[i]->cell->settings.instruments;
        cr_expect_eq(isnan(r->noise), !in->noise);
        cr_expect_eq(isnan(r->curvature), !in->curvature);
        cr_expect_eq(r->rung, in->curvature ? UNS_RUNG_EXACT : UNS_RUNG_BEST);
        cr_expect(in->curvature ? r->product_error == 0.0 : isnan(r->product_error));
        cr_expect_eq(isnan(r->leave[1]), !(in->noise && in->curvature));
    }
    run_text_end(&run);
}

/* A sum of 16,384 entries: 1,024 of them stand for it. */
Test(reading, a_large_sum_is_read_on_a_sample_set) {
    run_text run = run_text_run("problem: {name: matrix-factorization, n: 128, start_scale: "
                                "0.1}\nsteps: 10\nbatch: 8\n",
                                "optimizers: {sgd: {eta: 1e-3}}\n",
                                "instruments: {every: 10, samples: [auto, 100000]}\n");
    const uns_reading *set = run.result[0]->reading, *whole = run.result[1]->reading;
    cr_expect_neq(set->value, whole->value);
    cr_expect_float_eq(set->value, whole->value, 0.2 * whole->value);
    run_text_end(&run);
}

Test(reading, auto_reads_as_often_as_one_per_cent_pays_for) {
    run_text run = run_text_run("problem: {name: saddle2d, noise: gaussian}\n",
                                "steps: [2000, 400000]\noptimizers: {sgd: {eta: 1e-3}}\n",
                                "instruments: {every: auto}\n");
    cr_expect_eq(run.result[0]->readings, 0);
    cr_expect(run.result[1]->readings >= 1 && run.result[1]->readings <= 100);
    run_text_end(&run);
}

/* An instrument must not end a run that ends by itself. */
Test(reading, a_run_that_diverges_is_told_as_such) {
    run_text run = run_text_run("problem: {name: matrix-factorization, n: 8, start_scale: 1}\n"
                                "steps: 400\nreplicas: 10\nbatch: 4\n",
                                "optimizers: {sgd: {eta: [50, 8]}}\n",
                                "instruments: {every: 1, replicas: 10}\n"
                                "stall: {every: 1, act: witness, ratio: 1e300, plateau: 1}\n");
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(run.result[i]->stop, UNS_STOP_DIVERGED);
        cr_expect_gt(run.result[i]->readings, 0);
    }
    run_text_end(&run);
}

typedef struct meter {
    atomic_int taken, live;
    int fail_at; /* 0: never */
    size_t readings, episodes;
} meter;

static void *meter_take(void *user, size_t bytes, size_t align) {
    meter *all = user;
    if (++all->taken == all->fail_at)
        return NULL;
    all->live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void meter_give(void *user, void *memory) {
    meter *all = user;
    all->live -= memory != NULL;
    free(memory);
}

static uns_status run_metered(meter *all, const char *a, const char *b, const char *c) {
    char text[1024];
    uns_context *made;
    uns_context_config config = {.size = sizeof config,
                                 .allocate = meter_take,
                                 .release = meter_give,
                                 .user = all,
                                 .threads = 1};
    uns_status status = uns_context_create(&config, &made);
    if (status != UNS_OK)
        return status;
    snprintf(text, sizeof text, "%s%s%s", a, b, c);
    uns_plan_source source = {.size = sizeof source, .path = "t.yaml", .text = text};
    uns_plan *plan = NULL;
    uns_record *record = NULL;
    status = uns_problems_register(made);
    if (status == UNS_OK)
        status = uns_plan_create(made, &source, &plan);
    if (status == UNS_OK)
        status = uns_run(made, plan, NULL, &record);
    for (size_t i = 0; status == UNS_OK && i < uns_record_count(record); i++) {
        all->readings += uns_record_result(record, i)->readings;
        all->episodes += uns_record_result(record, i)->episodes;
    }
    uns_record_destroy(record);
    uns_plan_destroy(plan);
    uns_context_destroy(made);
    return status;
}

static void expect_same_taken(const char *problem, const char *rest) {
    static const char *const methods[] = {"sgd", "adam"};
    for (int i = 0; i < 2; i++) {
        meter few = {0}, many = {0};
        char method[64];
        snprintf(method, sizeof method, "optimizers: [%s: {eta: 1e-9}]\n", methods[i]);
        char few_steps[256], many_steps[256];
        snprintf(few_steps, sizeof few_steps, "%ssteps: 200\n", rest);
        snprintf(many_steps, sizeof many_steps, "%ssteps: 4000\n", rest);
        cr_assert_eq(run_metered(&few, problem, method, few_steps), UNS_OK);
        cr_assert_eq(run_metered(&many, problem, method, many_steps), UNS_OK);
        cr_assert(few.readings == 4 && many.readings == 80);
        cr_assert_eq(many.episodes, 0, "an episode may allocate");
        cr_expect_eq(few.taken, many.taken, "%s: %d and %d", methods[i], few.taken, many.taken);
        cr_expect_eq(few.live, 0);
    }
}

/* Tests and readings by the dozen take what a few take: all of it beforehand. On a saddle with
 * all a reading can find; and on a slope where f hardly falls, so that every test draws its
 * window, and the gradient stands far above the noise, so that none goes further. */
Test(reading, neither_readings_nor_tests_allocate) {
    expect_same_taken("problem: {name: saddle, dimension: 20}\n", "instruments: {every: 50}\n");
    expect_same_taken("problem: {name: quadratic, noise_low: 1e-12, noise_high: 1e-12}\n",
                      "instruments: {every: 50}\n"
                      "stall: {every: 50, ratio: 0, tau_g: 0, plateau: 1}\n");
}

Test(reading, a_refused_allocation_fails_cleanly_wherever_it_is) {
    uns_status status = UNS_ERROR_MEMORY;
    int k = 1;
    for (; k < 2000 && status == UNS_ERROR_MEMORY; k++) {
        meter all = {.fail_at = k};
        status = run_metered(&all, "problem: {name: saddle2d, noise: gaussian}\nsteps: 300\n",
                             "optimizers: [adam: {eta: 1e-4}]\ninstruments: {every: 100}\n",
                             "stall: {every: 100, act: witness, ratio: 1000, plateau: 1}\n");
        cr_expect_eq(all.live, 0, "allocation %d leaks", k);
        cr_expect(status == UNS_ERROR_MEMORY || (all.readings == 3 && all.episodes > 0));
    }
    cr_expect_eq(status, UNS_OK);
    cr_expect_gt(k, 60);
}

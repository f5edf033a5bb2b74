/* SPDX-License-Identifier: MIT
 * The dense structures `full` and `block`: what must come out whatever the coordinates, and how
 * they relate to one another and to the diagonal.
 */
#include "support/bowl.h"
#include "support/fixture.h"

/* ‖a − b‖/‖b‖ */
static double distance(size_t d, const double *a, const double *b) {
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < d; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    return sqrt(difference / size);
}

static void check_rotation(uns_context *context, size_t d, const char *preset,
                           const char *more) {
    static bowl b;
    draw_bowl(d, &b);
    uns_spec spec = spec_of(context, preset, more);
    rider plain, rotated;
    open_rider(context, d, &spec, &plain);
    open_rider(context, d, &spec, &rotated);
    double g[MOST], gq[MOST], back[MOST], worst = 0.0;
    uint64_t burn_in = (uint64_t)uns_spec_burn_in(context, &spec);
    for (size_t i = 0; i < d; i++)
        plain.x[i] = cos((double)i);
    turned(&b, plain.x, rotated.x);
    for (uint64_t t = 0; t < burn_in + 500; t++) {
        void (*const act)(rider *, const double *) = t < burn_in ? look_at : ride;
        bowl_gradient(&b, t, plain.x, g);
        act(&plain, g);
        turned_back(&b, rotated.x, back);
        bowl_gradient(&b, t, back, g);
        turned(&b, g, gq);
        act(&rotated, gq);
        turned_back(&b, rotated.x, back);
        worst = fmax(worst, distance(d, back, plain.x));
    }
    cr_log_info("%s %s, d = %zu: %.2e, %d roots", preset, more, d, worst,
                (int)roots_of(plain.optimizer));
    cr_assert_lt(worst, 1e-9, "%s %s, d = %zu: %g", preset, more, d, worst);
    cr_assert_eq(roots_of(plain.optimizer), roots_of(rotated.optimizer), "%s %s", preset, more);
    close_rider(&plain);
    close_rider(&rotated);
}

Test(full, running_a_rotated_problem_is_rotating_the_run) {
    static const char *const cases[][2] = {
        {"rmsprop-full", ""},
        {"rmsprop-full", "eta=0.01"},
        {"rmsprop-full", "eta=1e-4 centred=true"},
        {"rmsprop-full", "exponent=0.75 epsilon=1e-6"},
        {"rmsprop-full", "beta.rule=fixed beta=0.97"},
        {"rmsprop-full", "refresh.lag=20"},
        {"rmsprop-full", "refresh.tolerance=0.1"},
        {"rmsprop-full", "moment=mean beta.rule=fixed burn_in=100"},
        {"adagrad-full", ""},
        {"adam-full", ""},
        {"rmsprop-full", "refresh=1 eta=0.01"},
        {"rmsprop-full", "refresh=7 eta=0.01 epsilon=1e-6"},
        {"rmsprop-full", "refresh=1 eta=0.01 centred=true epsilon=1e-6"},
        {"rmsprop-full", "refresh=1 eta=0.01 exponent=0.75 epsilon=1e-6"},
        {"adam-full", "refresh=1 eta=0.01 burn_in=100"},
        {"adam-full", "refresh=1 eta=0.01 burn_in=100 epsilon.form=uncorrected"},
        {"adagrad-full", "refresh=1 burn_in=100"},
        {"rmsprop-full", "refresh=1 eta=0.01 moment=mean beta.rule=fixed burn_in=100"},
    };
    uns_context *context = open_context(1);
    for (size_t i = 0; uns_dense_available() && i < sizeof cases / sizeof *cases; i++) {
        check_rotation(context, 8, cases[i][0], cases[i][1]);
        check_rotation(context, 24, cases[i][0], cases[i][1]);
    }
    uns_context_destroy(context);
}

/* Both specs on the fixture's gradients; the runs must agree to `bound`. */
static void check_same(uns_context *context, const uns_spec *a, const uns_spec *b,
                       fixture_size size, uint64_t steps, double bound, const char *what) {
    fixture first, second;
    cr_assert(fixture_open(&first, context, a, size), "%s", uns_context_message(context));
    cr_assert(fixture_open(&second, context, b, size), "%s", uns_context_message(context));
    for (uint64_t t = 0; t < steps; t++) {
        cr_assert_eq(fixture_step(&first, t), UNS_OK);
        cr_assert_eq(fixture_step(&second, t), UNS_OK);
    }
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < first.elements[i]; k++) {
            double x = fixture_get(&first, first.x[i], k);
            double y = fixture_get(&second, second.x[i], k);
            cr_assert(fabs(x - y) <= bound * fabs(y), "%s: %.17g and %.17g", what, x, y);
        }
    fixture_close(&first);
    fixture_close(&second);
}

/* All parameters in one layer: the second block has a group of its own in the layout below. */
static void check_one_layer(uns_context *context, const char *preset, const char *full,
                            const char *block, size_t replicas) {
    uns_block blocks[1] = {{"x", 7, 3, 0}};
    uns_layout_config config = {sizeof config, UNS_F64, replicas, 1, blocks};
    uns_layout *layout = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
    double x[2][21 * 5], g[21 * 5];
    uns_optimizer *optimizer[2];
    for (int i = 0; i < 2; i++) {
        uns_spec spec = spec_of(context, preset, i ? block : full);
        uns_optimizer_config made = {
            .size = sizeof made, .layout = layout, .count = 1, .specs = &spec};
        cr_assert_eq(uns_optimizer_create(context, &made, &optimizer[i]), UNS_OK, "%s",
                     uns_context_message(context));
        memset(x[i], 0, sizeof x[i]);
    }
    for (uint64_t t = 0; t < 60; t++)
        for (int i = 0; i < 2; i++) {
            uns_random_normal((uns_key){3, t, 0, UNS_STREAM_USER}, 0, 21 * replicas, g);
            void *at[1] = {x[i]};
            const void *from[1] = {g};
            cr_assert_eq(uns_optimizer_step(optimizer[i], (uns_tensors){at, 1},
                                            (uns_const_tensors){from, 1}),
                         UNS_OK);
        }
    cr_assert_eq(memcmp(x[0], x[1], 21 * replicas * sizeof(double)), 0, "%s", preset);
    uns_optimizer_destroy(optimizer[0]);
    uns_optimizer_destroy(optimizer[1]);
    uns_layout_destroy(layout);
}

Test(full, one_block_that_covers_everything_is_full) {
    uns_context *context = open_context(1);
    for (size_t replicas = 1; uns_dense_available() && replicas <= 5; replicas += 4) {
        check_one_layer(context, "rmsprop-full", "", "structure=block", replicas);
        check_one_layer(context, "adam-full", "refresh=3", "structure=block refresh=3",
                        replicas);
        check_one_layer(context, "rmsprop-full", "centred=true",
                        "structure=block structure.block=21 centred=true", replicas);
    }
    uns_context_destroy(context);
}

/* Gradients with one entry other than 0: C has nothing beside its diagonal. */
static void check_diagonal_problem(uns_context *context, const char *preset,
                                   const char *diagonal, size_t rows) {
    uns_spec full = spec_of(context, preset, "refresh=1 damping=0");
    uns_spec plain = spec_of(context, preset, diagonal);
    fixture_size size = {rows, 4, 1, UNS_F64};
    fixture first, second;
    cr_assert(fixture_open(&first, context, &full, size));
    cr_assert(fixture_open(&second, context, &plain, size));
    size_t d = first.elements[0] + first.elements[1];
    for (uint64_t t = 0; t < 6 * d; t++)
        for (int i = 0; i < 2; i++) {
            fixture *f = i ? &second : &first;
            fixture_gradient(f, t);
            for (size_t k = 0; k < d; k++)
                if (k != t % d)
                    fixture_put(f, k < f->elements[0] ? f->g[0] : f->g[1],
                                k < f->elements[0] ? k : k - f->elements[0], 0.0);
            cr_assert_eq(uns_optimizer_step(f->optimizer, fixture_x(f), fixture_g(f)), UNS_OK);
        }
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < first.elements[i]; k++)
            cr_assert_float_eq(fixture_get(&first, first.x[i], k),
                               fixture_get(&second, second.x[i], k), 1e-12, "%s", preset);
    fixture_close(&first);
    fixture_close(&second);
}

Test(full, on_a_diagonal_problem_it_is_the_diagonal) {
    uns_context *context = open_context(1);
    for (size_t rows = 2; uns_dense_available() && rows <= 8; rows += 6) {
        check_diagonal_problem(context, "rmsprop-full", "structure=diagonal", rows);
        check_diagonal_problem(context, "adam-full", "structure=diagonal damping=0", rows);
        check_diagonal_problem(context, "adagrad-full", "structure=diagonal damping=0", rows);
    }
    uns_context_destroy(context);
}

Test(block, pieces_of_one_parameter_are_the_diagonal) {
    uns_context *context = open_context(1);
    if (uns_dense_available()) {
        uns_spec ones = spec_of(context, "rmsprop-block", "structure.block=1");
        uns_spec fallen =
            spec_of(context, "rmsprop-block", "structure.cap=2 structure.over=diagonal");
        uns_spec diagonal = spec_of(context, "rmsprop-full", "structure=diagonal");
        for (size_t replicas = 1; replicas <= 3; replicas += 2) {
            fixture_size size = {5, 4, replicas, UNS_F64};
            check_same(context, &ones, &diagonal, size, 50, 1e-12, "blocks of one");
            check_same(context, &fallen, &diagonal, size, 50, 1e-12, "fallen back");
        }
        ones.centred = fallen.centred = diagonal.centred = true;
        fixture_size size = {5, 4, 1, UNS_F64};
        check_same(context, &ones, &diagonal, size, 50, 1e-9, "centred blocks of one");
        check_same(context, &fallen, &diagonal, size, 50, 1e-9, "centred, fallen back");
    }
    uns_context_destroy(context);
}

Test(block, layers_are_cut_by_the_stated_rule) {
    static const struct {
        const char *values;
        size_t dense, diagonal, largest;
    } cases[] = {{"structure.block=100", 9, 0, 100},
                 {"structure.cap=256", 4, 0, 250},
                 {"structure.cap=600", 2, 0, 600},
                 {"structure.cap=599", 3, 0, 300},
                 {"structure.cap=599 structure.over=diagonal", 1, 1, 250},
                 {"structure.cap=249 structure.over=diagonal", 0, 2, 0}};
    uns_context *context = open_context(1);
    uns_block blocks[2] = {{"a", 60, 10, 0}, {"b", 250, 1, 0}};
    uns_layout_config config = {sizeof config, UNS_F32, 1, 2, blocks};
    uns_layout *layout = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
    for (size_t i = 0; uns_dense_available() && i < sizeof cases / sizeof *cases; i++) {
        uns_spec spec = spec_of(context, "rmsprop-block", cases[i].values);
        uns_optimizer_config made = {
            .size = sizeof made, .layout = layout, .count = 1, .specs = &spec};
        uns_structure_report report;
        size_t bytes;
        cr_assert_eq(uns_optimizer_survey(context, &made, 0, &report), UNS_OK);
        cr_assert_eq(report.dense, cases[i].dense, "%s", cases[i].values);
        cr_assert_eq(report.diagonal, cases[i].diagonal, "%s", cases[i].values);
        cr_assert_eq(report.largest, cases[i].largest, "%s", cases[i].values);
        cr_assert_eq(uns_optimizer_bytes(context, &made, &bytes), UNS_OK);
        cr_assert_geq(bytes, report.bytes + report.scratch);
    }
    uns_layout_destroy(layout);
    uns_context_destroy(context);
}

Test(full, a_gradient_four_times_as_large_gives_the_same_path) {
    uns_context *context = open_context(1);
    static const char *const names[] = {"rmsprop-full", "rmsprop-block", "adam-full",
                                        "adagrad-full"};
    for (size_t i = 0; uns_dense_available() && i < sizeof names / sizeof *names; i++)
        for (size_t rows = 2; rows <= 8; rows += 6) {
            uns_spec spec = spec_of(context, names[i], "epsilon=0");
            fixture plain, larger;
            fixture_size size = {rows, 4, 1, UNS_F64};
            cr_assert(fixture_open(&plain, context, &spec, size));
            cr_assert(fixture_open(&larger, context, &spec, size));
            for (uint64_t t = 0; t < 80; t++) {
                cr_assert_eq(fixture_step(&plain, t), UNS_OK);
                fixture_gradient(&larger, t);
                for (size_t k = 0; k < 2; k++)
                    for (size_t j = 0; j < larger.elements[k]; j++)
                        ((double *)larger.g[k])[j] *= 4.0;
                cr_assert_eq(uns_optimizer_step(larger.optimizer, fixture_x(&larger),
                                                fixture_g(&larger)),
                             UNS_OK);
            }
            for (size_t k = 0; k < 2; k++)
                for (size_t j = 0; j < plain.elements[k]; j++)
                    cr_assert_float_eq(fixture_get(&plain, plain.x[k], j),
                                       fixture_get(&larger, larger.x[k], j), 1e-9, "%s",
                                       names[i]);
            fixture_close(&plain);
            fixture_close(&larger);
        }
    uns_context_destroy(context);
}

/* C and R are f64 in f32 layouts: only gradients and steps are rounded. */
Test(full, single_precision_parameters_follow_double_ones) {
    uns_context *context = open_context(1);
    if (uns_dense_available()) {
        uns_spec spec = spec_of(context, "rmsprop-full", "epsilon=1e-3");
        fixture narrow, wide;
        cr_assert(fixture_open(&narrow, context, &spec, (fixture_size){8, 4, 3, UNS_F32}));
        cr_assert(fixture_open(&wide, context, &spec, (fixture_size){8, 4, 3, UNS_F64}));
        for (uint64_t t = 0; t < 50; t++) {
            cr_assert_eq(fixture_step(&narrow, t), UNS_OK);
            cr_assert_eq(fixture_step(&wide, t), UNS_OK);
        }
        for (size_t i = 0; i < 2; i++)
            for (size_t k = 0; k < wide.elements[i]; k++)
                cr_assert_float_eq(fixture_get(&narrow, narrow.x[i], k),
                                   fixture_get(&wide, wide.x[i], k), 2e-5);
        fixture_close(&narrow);
        fixture_close(&wide);
    }
    uns_context_destroy(context);
}

/* Enough for the strips of a large piece and for roots side by side. */
static void compare_threads(const char *preset, const char *more, size_t rows,
                            size_t replicas) {
    uns_context *one = open_context(1), *three = open_context(3);
    uns_spec spec = spec_of(one, preset, more);
    fixture a, b;
    fixture_size size = {rows, 9, replicas, UNS_F64};
    cr_assert(fixture_open(&a, one, &spec, size));
    cr_assert(fixture_open(&b, three, &spec, size));
    for (uint64_t t = 0; t < 4; t++) {
        cr_assert_eq(fixture_step(&a, t), UNS_OK);
        cr_assert_eq(fixture_step(&b, t), UNS_OK);
    }
    cr_assert(fixture_same(&a, &b), "%s %s", preset, more);
    fixture_close(&a);
    fixture_close(&b);
    uns_context_destroy(one);
    uns_context_destroy(three);
}

Test(full, threads_do_not_change_bits) {
    if (!uns_dense_available())
        return;
    compare_threads("rmsprop-full", "refresh=3", 200, 1);
    compare_threads("rmsprop-full", "", 5, 70);
    compare_threads("rmsprop-block", "structure.block=20", 40, 3);
}

Test(full, an_overflowing_moment_stops_its_replica_alone) {
    enum {
        REPLICAS = 4,
        BAD = 2
    };
    uns_context *context = open_context(1);
    for (size_t rows = 2; uns_dense_available() && rows <= 8; rows += 6) {
        uns_spec spec = spec_of(context, "rmsprop-full", "nonfinite=skip");
        fixture f;
        cr_assert(fixture_open(&f, context, &spec, (fixture_size){rows, 4, REPLICAS, UNS_F64}));
        cr_assert_eq(fixture_step(&f, 0), UNS_OK);
        double before = fixture_get(&f, f.x[0], REPLICAS + BAD);
        fixture_gradient(&f, 1);
        fixture_put(&f, f.g[0], BAD, 1e200);
        cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
        for (size_t r = 0; r < REPLICAS; r++) {
            cr_assert_eq(uns_optimizer_stopped(f.optimizer, r), r == BAD);
            cr_assert(isfinite(fixture_get(&f, f.x[0], REPLICAS + r)));
        }
        cr_assert_eq(fixture_step(&f, 2), UNS_OK);
        cr_assert_eq(fixture_get(&f, f.x[0], REPLICAS + BAD), before);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* d = G(x)^{-1/2}g with G = 0.1·I + xxᵀ, whose root is known: xxᵀ has one eigenvalue |x|². */
Test(full, the_oracle_gives_the_idealized_direction) {
    enum {
        REPLICAS = 3
    };
    uns_context *context = open_context(1);
    for (size_t rows = 2; uns_dense_available() && rows <= 8; rows += 6) {
        uns_spec spec = spec_of(context, "idealized", "structure=full eta=1");
        fixture f, start;
        fixture_size size = {rows, 4, REPLICAS, UNS_F64};
        cr_assert(fixture_open(&f, context, &spec, size));
        cr_assert(fixture_open(&start, context, &spec, size));
        cr_assert_eq(fixture_step(&f, 0), UNS_OK);
        size_t d = (f.elements[0] + f.elements[1]) / REPLICAS;
        for (size_t r = 0; r < REPLICAS; r++) {
            double square = 0.0, dot = 0.0;
            uns_const_tensors x = uns_tensors_const(fixture_x(&start)), g = fixture_g(&f);
            for (size_t k = 0; k < d; k++) {
                double xk = fixture_x_at(&f, x, k, r);
                square += xk * xk;
                dot += xk * fixture_x_at(&f, g, k, r);
            }
            for (size_t k = 0; k < d; k++) {
                double xk = fixture_x_at(&f, x, k, r), gk = fixture_x_at(&f, g, k, r);
                double along = dot / square * xk;
                double want = (gk - along) / sqrt(0.1) + along / sqrt(0.1 + square);
                double moved = xk - fixture_x_at(&f, uns_tensors_const(fixture_x(&f)), k, r);
                cr_assert_float_eq(moved, want, 1e-11);
            }
        }
        fixture_close(&f);
        fixture_close(&start);
    }
    uns_context_destroy(context);
}

Test(full, a_frozen_oracle_is_asked_once_and_one_root_taken) {
    uns_context *context = open_context(1);
    for (size_t rows = 2; uns_dense_available() && rows <= 8; rows += 6) {
        uns_spec spec = spec_of(context, "idealized", "structure=full about=frozen");
        fixture f;
        cr_assert(fixture_open(&f, context, &spec, (fixture_size){rows, 4, 1, UNS_F64}));
        for (uint64_t t = 0; t < 20; t++)
            cr_assert_eq(fixture_step(&f, t), UNS_OK);
        cr_assert_eq(roots_of(f.optimizer), 1);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

Test(full, what_cannot_be_held_is_refused_before_it_is_allocated) {
    uns_context *context = open_context(1);
    uns_block blocks[1] = {{"x", 40000, 1, 0}};
    uns_layout_config config = {sizeof config, UNS_F64, 1, 1, blocks};
    uns_layout *layout = NULL;
    cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
    uns_spec spec = spec_of(context, "rmsprop-full", "");
    uns_optimizer_config made = {
        .size = sizeof made, .layout = layout, .count = 1, .specs = &spec};
    uns_optimizer *optimizer = NULL;
    size_t bytes = 7;
    uns_status wanted = uns_dense_available() ? UNS_ERROR_RANGE : UNS_ERROR_UNAVAILABLE;
    cr_assert_eq(uns_optimizer_create(context, &made, &optimizer), wanted);
    cr_assert_eq(uns_optimizer_bytes(context, &made, &bytes), wanted);
    cr_assert(strstr(uns_context_message(context), uns_dense_available() ? "block" : "LAPACK"));
    cr_assert_null(optimizer);
    cr_assert_eq(bytes, 7);
    uns_layout_destroy(layout);
    uns_context_destroy(context);
}

Test(full, pieces_cannot_be_cut_anew_between_steps) {
    uns_context *context = open_context(1);
    if (uns_dense_available()) {
        uns_spec spec = spec_of(context, "rmsprop-block", "structure.block=4");
        fixture f;
        cr_assert(fixture_open(&f, context, &spec, (fixture_size){2, 4, 1, UNS_F64}));
        spec.structure_block = 5;
        cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_ERROR_PAIR);
        cr_assert(strstr(uns_context_message(context), "structure.block"));
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

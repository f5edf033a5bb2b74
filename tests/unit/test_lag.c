/* SPDX-License-Identifier: MIT
 * Roots that lag: taken at t, in force at t + k, whoever computes them and whenever.
 */
#include "support/bowl.h"
#include "support/failing_memory.h"
#include "support/fixture.h"

#include "base/pool.h"
#include "opt/opt.h"
#include "opt/structure/dense_parts.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Full: 38 parameters; else 18, 18 and 2, whose roots do not lag. */
static const char *const variants[][2] = {
    {"rmsprop-full", "refresh=5 refresh.lag=3"},
    {"rmsprop-full", "refresh=4 refresh.lag=4 centred=true epsilon=1e-6"},
    {"rmsprop-block", "structure.block=18 refresh.lag=2 beta.rule=fixed beta=0.95"},
    {"rmsprop-block", "structure.block=18 refresh.lag=7 refresh.tolerance=0.2 moment=mean"},
    {"rmsprop-block", "structure.block=18 refresh=5 refresh.lag=3"},
};

enum {
    VARIANTS = sizeof variants / sizeof variants[0],
    STEPS = 120
};

static const fixture_size size = {6, 20, 3, UNS_F64};

static void open(fixture *f, uns_context *context, size_t variant) {
    uns_spec spec = spec_of(context, variants[variant][0], variants[variant][1]);
    cr_assert(fixture_open(f, context, &spec, size), "%s", uns_context_message(context));
}

static void step_many(fixture *f, uint64_t from, uint64_t to) {
    for (uint64_t t = from; t < to; t++)
        cr_assert_eq(fixture_step(f, t), UNS_OK, "%s", uns_context_message(f->context));
}

static void sleep_for(long microseconds) {
    const struct timespec wait = {0, 1000 * microseconds};
    nanosleep(&wait, NULL);
}

static void rest(void *user, size_t worker) {
    (void)worker;
    sleep_for(*(const long *)user);
}

typedef enum timing {
    AT_ONCE,
    STEPS_WAIT,   /* everything is done long before it is due */
    WORKERS_WAIT, /* nothing is begun before it is due */
    MIXED,
    TIMINGS
} timing;

/* A worker each is kept from anything else. */
static void occupy(uns_context *context, uns_aside *one, long *microseconds) {
    (void)uns_pool_finish(uns_context_pool(context), one);
    one->task = rest;
    one->user = microseconds;
    uns_pool_put_aside(uns_context_pool(context), one);
}

static void delay(uns_context *context, timing how, uint64_t t, uns_aside *two) {
    static long pause = 1000;
    if (how == STEPS_WAIT || (how == MIXED && t % 5 == 0))
        sleep_for(200);
    for (int i = 0; i < 2 && (how == WORKERS_WAIT || (how == MIXED && t % 7 == 3)); i++)
        occupy(context, &two[i], &pause);
}

static void expect_bits(const fixture *wanted, uint64_t roots, size_t variant, int threads,
                        timing how) {
    uns_context *context = open_context(threads);
    uns_aside two[2] = {{0}};
    fixture f;
    open(&f, context, variant);
    for (uint64_t t = 0; t < STEPS; t++) {
        delay(context, how, t, two);
        step_many(&f, t, t + 1);
    }
    cr_expect(fixture_same(wanted, &f), "%s, threads: %d, timing %d", variants[variant][1],
              threads, how);
    cr_expect_eq(roots_of(f.optimizer), roots);
    fixture_close(&f);
    for (int i = 0; i < 2; i++)
        (void)uns_pool_finish(uns_context_pool(context), &two[i]);
    uns_context_destroy(context);
}

/* Later roots than without, and more than the first. */
static void expect_lag(const fixture *f, size_t variant, uint64_t roots) {
    uns_spec spec = spec_of(f->context, variants[variant][0], variants[variant][1]);
    fixture prompt;
    spec.refresh_lag = 0;
    cr_assert(fixture_open(&prompt, f->context, &spec, size));
    step_many(&prompt, 0, STEPS);
    cr_assert_not(fixture_same(f, &prompt), "%s", variants[variant][1]);
    cr_assert_geq(roots, 9, "%s: %d roots", variants[variant][1], (int)roots);
    cr_log_info("%s: %d roots, %d without a lag", variants[variant][1], (int)roots,
                (int)roots_of(prompt.optimizer));
    fixture_close(&prompt);
}

Test(lag, neither_threads_nor_timing_change_bits, .timeout = 60) {
    for (size_t v = 0; uns_dense_available() && v < VARIANTS; v++) {
        uns_context *one = open_context(1);
        fixture f;
        open(&f, one, v);
        step_many(&f, 0, STEPS);
        const uint64_t roots = roots_of(f.optimizer);
        expect_lag(&f, v, roots);
        for (int threads = 1; threads <= 3; threads++)
            for (timing how = AT_ONCE; how < TIMINGS; how++)
                expect_bits(&f, roots, v, threads, how);
        fixture_close(&f);
        uns_context_destroy(one);
    }
}

/* d of observation t. */
static void look(fixture *f, uint64_t t, void *const *d) {
    fixture_gradient(f, t);
    uns_const_tensors x = uns_tensors_const(fixture_x(f));
    cr_assert_eq(uns_optimizer_observe(f->optimizer, x, fixture_g(f)), UNS_OK);
    if (d)
        cr_assert_eq(uns_optimizer_direction(f->optimizer, x, fixture_g(f),
                                             (uns_tensors){(void **)d, 2}),
                     UNS_OK);
}

/* By hand: the root of observation T lives in an optimizer that has taken no other. */
static void expect_root_of(uns_context *context, const char *values, uint64_t root, uint64_t t,
                           void *const *d) {
    uns_spec spec = spec_of(context, "rmsprop-full", values);
    spec.refresh = 1000000;
    spec.refresh_lag = 0;
    fixture f;
    cr_assert(fixture_open(&f, context, &spec, size));
    void *own[2] = {malloc(f.bytes[0]), malloc(f.bytes[1])};
    for (uint64_t i = 1; i <= t; i++)
        look(&f, i, i == root || i == t ? own : NULL);
    cr_expect_eq(roots_of(f.optimizer), size.replicas);
    for (int i = 0; i < 2; i++) {
        cr_expect(memcmp(own[i], d[i], f.bytes[i]) == 0, "%s: %d with the root of %d", values,
                  (int)t, (int)root);
        free(own[i]);
    }
    fixture_close(&f);
}

Test(lag, a_root_taken_at_t_is_in_force_from_t_and_the_lag_on, .timeout = 60) {
    static const struct {
        const char *values;
        uint64_t every, lag;
    } cases[] = {{"refresh=5 refresh.lag=3", 5, 3},
                 {"refresh=4 refresh.lag=4 centred=true epsilon=1e-6", 4, 4},
                 {"refresh=3 refresh.lag=1 bias_correction=true", 3, 1}};
    uns_context *context = open_context(2);
    for (size_t i = 0; uns_dense_available() && i < sizeof cases / sizeof *cases; i++) {
        uns_spec spec = spec_of(context, "rmsprop-full", cases[i].values);
        fixture f;
        cr_assert(fixture_open(&f, context, &spec, size), "%s", uns_context_message(context));
        void *d[2] = {malloc(f.bytes[0]), malloc(f.bytes[1])};
        for (uint64_t t = 1; t <= 20; t++) {
            const uint64_t past = t > cases[i].lag ? t - cases[i].lag - 1 : 0;
            look(&f, t, d);
            expect_root_of(context, cases[i].values, 1 + past / cases[i].every * cases[i].every,
                           t, d);
        }
        free(d[0]);
        free(d[1]);
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* All that a run can be resumed from, in one piece of memory; `out` or back. */
static void carry(fixture *f, unsigned char *saved, bool out) {
    for (size_t b = 0; b < 2; b++) {
        uns_block_counts counts;
        cr_assert_eq(uns_optimizer_counts(f->optimizer, b, &counts), UNS_OK);
        memcpy(out ? (void *)saved : &counts, out ? (const void *)&counts : saved,
               sizeof counts);
        cr_assert_eq(uns_optimizer_set_counts(f->optimizer, b, &counts), UNS_OK);
        saved += sizeof counts;
        memcpy(out ? saved : f->x[b], out ? f->x[b] : saved, f->bytes[b]);
        saved += f->bytes[b];
        for (size_t i = 0; i < uns_optimizer_state_count(f->optimizer, b); i++) {
            uns_state_view view;
            cr_assert_eq(uns_optimizer_state_at(f->optimizer, b, i, &view), UNS_OK);
            size_t bytes = view.count;
            if (strcmp(view.name, "structure") != 0)
                bytes *= uns_dtype_size(view.dtype);
            memcpy(out ? saved : view.data, out ? view.data : saved, bytes);
            saved += bytes;
        }
    }
}

/* Into another optimizer; and back into the same one, which has gone on with other gradients
 * and has another root under way. */
Test(lag, a_run_resumed_while_a_root_is_under_way_goes_on_with_the_same_bits, .timeout = 60) {
    enum {
        ROOM = 1 << 18
    };
    static unsigned char saved[ROOM];
    for (size_t v = 0; uns_dense_available() && v < VARIANTS; v++)
        for (int threads = 1; threads <= 2; threads++) {
            uns_context *context = open_context(threads);
            fixture f, other;
            open(&f, context, v);
            open(&other, context, v);
            for (uint64_t t = 20; t < 26; t++) {
                step_many(&f, 0, t);
                carry(&f, saved, true);
                carry(&other, saved, false);
                step_many(&f, 100, 103);
                carry(&f, saved, false);
                step_many(&f, t, t + 20);
                step_many(&other, t, t + 20);
                cr_expect(fixture_same(&f, &other), "%s at %d", variants[v][1], (int)t);
                fixture_close(&f);
                open(&f, context, v);
            }
            fixture_close(&f);
            fixture_close(&other);
            uns_context_destroy(context);
        }
}

static const dense_piece *first_piece(const fixture *f) {
    const dense_work *work = f->optimizer->groups[0].site.scratch;
    return &work->pieces[0];
}

/* What decides about the next root: the same as if this one had been in force from the start.
 */
Test(lag, what_is_remembered_of_a_root_is_of_when_it_was_taken) {
    uns_context *context = open_context(2);
    for (int i = 0; uns_dense_available() && i < 2; i++) {
        uns_spec spec = spec_of(context, "rmsprop-full", "refresh=5 refresh.lag=3");
        fixture f, prompt;
        cr_assert(fixture_open(&f, context, &spec, size));
        spec.refresh_lag = 0;
        cr_assert(fixture_open(&prompt, context, &spec, size));
        for (uint64_t t = 0; t < 23; t++) {
            step_many(&f, t, t + 1);
            step_many(&prompt, t, t + 1);
            if (i == 0) /* a result is there; else it may be made in the step */
                sleep_for(500);
            const dense_mark *a = first_piece(&f)->marks, *b = first_piece(&prompt)->marks;
            const bool in_force = t < 5 || t % 5 >= 3;
            cr_expect_eq(a->taken == b->taken, in_force, "%d: %d, %d", (int)t, (int)a->taken,
                         (int)b->taken);
            cr_expect(!in_force || (a->kept == b->kept && a->weight == b->weight &&
                                    a->square == b->square && a->blind == b->blind),
                      "%d: %g, %g", (int)t, a->kept, b->kept);
        }
        fixture_close(&f);
        fixture_close(&prompt);
    }
    uns_context_destroy(context);
}

/* Of the first piece's root in replica 0. */
static uns_aside *beside_of(const fixture *f) {
    return (uns_aside *)first_piece(f)->beside;
}

Test(lag, a_free_thread_computes_it_and_one_alone_does_without) {
    for (int threads = 1; uns_dense_available() && threads <= 2; threads++) {
        uns_context *context = open_context(threads);
        fixture f;
        open(&f, context, 0);
        step_many(&f, 0, 6);
        cr_assert_eq(roots_of(f.optimizer), 3); /* of three replicas, at once */
        cr_assert_eq(beside_of(&f) != NULL, threads == 2);
        for (int i = 0; threads == 2 && i < 2000; i++) {
            sleep_for(1000);
            if (beside_of(&f)->stage == UNS_ASIDE_DONE)
                break;
        }
        cr_assert(threads == 1 || uns_pool_finish(uns_context_pool(context), beside_of(&f)));
        step_many(&f, 6, 8);
        cr_assert_eq(roots_of(f.optimizer), 3);
        step_many(&f, 8, 9);
        cr_assert_eq(roots_of(f.optimizer), 6);
        fixture_close(&f);
        uns_context_destroy(context);
    }
}

Test(lag, an_optimizer_may_go_or_grow_while_a_root_is_under_way) {
    uns_context *context = open_context(2);
    for (size_t i = 0; uns_dense_available() && i < 40; i++) {
        fixture f;
        open(&f, context, i % VARIANTS);
        step_many(&f, 0, 6 + i % 3);
        if (i % 2) {
            const uns_block blocks[3] = {
                {"a", size.first, 3, 0}, {"b", size.second, 1, 0}, {"c", 2, 2, 1}};
            uns_layout_config config = {sizeof config, size.dtype, size.replicas, 3, blocks};
            uns_layout *layout = NULL;
            uns_spec spec = spec_of(context, "rmsprop", "");
            cr_assert_eq(uns_layout_create(context, &config, &layout), UNS_OK);
            cr_assert_eq(uns_optimizer_append(f.optimizer, layout, 1, &spec), UNS_OK);
            uns_layout_destroy(f.layout);
            f.layout = layout;
        }
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

/* Keeps its worker until it is let go. */
static void rest_until(void *user, size_t worker) {
    (void)worker;
    while (!atomic_load((atomic_bool *)user))
        sleep_for(1000);
}

/* What its parent's worker had begun, and what waited for it, is the child's own. */
Test(lag, a_forked_child_goes_on_by_itself, .timeout = 60) {
    for (size_t v = 0; uns_dense_available() && v < VARIANTS; v++) {
        uns_context *context = open_context(2);
        fixture f, whole;
        open(&f, context, v);
        open(&whole, context, v);
        step_many(&whole, 0, 40);
        step_many(&f, 0, 5);
        atomic_bool let_go = false;
        uns_aside busy = {.task = rest_until, .user = &let_go};
        while (uns_pool_take_back(uns_context_pool(context), &busy) == UNS_ASIDE_IDLE) {
            uns_pool_put_aside(uns_context_pool(context), &busy);
            sleep_for(100);
        }
        step_many(&f, 5, 6);
        const pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            alarm(20); /* what waits for a thread that is not there must not wait for ever */
            bool good = !uns_pool_finish(uns_context_pool(context), &busy);
            for (uint64_t t = 6; t < 40; t++)
                good = good && fixture_step(&f, t) == UNS_OK;
            good = good && fixture_same(&f, &whole);
            fixture_close(&f);
            _exit(good ? 0 : 1);
        }
        int status = -1;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", variants[v][1]);
        atomic_store(&let_go, true);
        cr_assert(uns_pool_finish(uns_context_pool(context), &busy));
        step_many(&f, 6, 40);
        cr_assert(fixture_same(&f, &whole));
        fixture_close(&f);
        fixture_close(&whole);
        uns_context_destroy(context);
    }
}

/* Taken at observation 6, missed at 9. */
Test(lag, a_moment_without_a_root_stops_its_replica_when_the_root_is_due) {
    enum {
        BAD = 2
    };
    for (int threads = 1; uns_dense_available() && threads <= 2; threads++) {
        uns_context *context = open_context(threads);
        fixture f, whole;
        open(&f, context, 0);
        open(&whole, context, 0);
        for (uint64_t t = 0; t < 12; t++) {
            fixture_gradient(&f, t);
            if (t == 5)
                fixture_put(&f, f.g[0], BAD, 1e200);
            cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
            step_many(&whole, t, t + 1);
            for (size_t r = 0; r < size.replicas; r++)
                cr_assert_eq(uns_optimizer_stopped(f.optimizer, r), r == BAD && t >= 8);
        }
        for (size_t k = 0; k < f.elements[0]; k++)
            if (k % size.replicas != BAD)
                cr_assert(fixture_get(&f, f.x[0], k) == fixture_get(&whole, whole.x[0], k));
        fixture_close(&f);
        fixture_close(&whole);
        uns_context_destroy(context);
    }
}

/* Steps would have no measure until a root comes: signals where nothing has been before. */
Test(lag, a_signal_from_elsewhere_does_not_wait) {
    enum {
        D = 20
    };
    uns_context *context = open_context(2);
    if (uns_dense_available()) {
        uns_spec spec = spec_of(context, "rmsprop-full", "refresh.lag=4");
        rider r = {0};
        open_rider(context, D, &spec, &r);
        for (size_t k = 0; k < D; k++) {
            double g[D] = {0}, before = r.x[k];
            g[k] = 1.0;
            ride(&r, g);
            double wanted = spec.eta / sqrt(1.0 - uns_spec_beta(&spec) + spec.epsilon);
            cr_assert_float_eq(before - r.x[k], wanted, 1e-9 * wanted, "%zu", k);
        }
        close_rider(&r);
    }
    uns_context_destroy(context);
}

Test(lag, a_step_allocates_nothing_once_threads_run) {
    failing_memory memory = {0};
    uns_context *context = NULL;
    uns_context_config config = {.size = sizeof config,
                                 .allocate = failing_take,
                                 .release = failing_give,
                                 .user = &memory,
                                 .threads = 2};
    memory.left = 1000000;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    for (size_t v = 0; uns_dense_available() && v < VARIANTS; v++) {
        fixture f;
        open(&f, context, v);
        memory.left = 0;
        step_many(&f, 0, 30);
        cr_assert_eq(memory.left, 0);
        memory.left = 1000000;
        fixture_close(&f);
    }
    uns_context_destroy(context);
    cr_assert_eq(memory.live, 0);
}

Test(lag, more_than_the_period_is_refused) {
    uns_context *context = open_context(1);
    uns_spec spec = spec_of(context, "rmsprop-full", "refresh=4 refresh.lag=5");
    cr_assert_eq(uns_spec_check(context, &spec), UNS_ERROR_RANGE);
    cr_assert(strstr(uns_context_message(context), "refresh.lag must not exceed refresh"));
    spec.refresh = UNS_REFRESH_ADAPTIVE;
    cr_assert_eq(uns_spec_check(context, &spec), UNS_OK);
    uns_context_destroy(context);
}

Test(lag, it_may_change_but_neither_come_nor_go_between_steps) {
    uns_context *context = open_context(2);
    if (uns_dense_available()) {
        fixture f;
        open(&f, context, 0);
        step_many(&f, 0, 6);
        uns_spec spec = spec_of(context, variants[0][0], "refresh=5 refresh.lag=1");
        cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_OK);
        step_many(&f, 6, 8);
        cr_assert_eq(roots_of(f.optimizer), 3); /* what is under way keeps its time */
        step_many(&f, 8, 11);
        cr_assert_eq(roots_of(f.optimizer), 6);
        step_many(&f, 11, 12);
        cr_assert_eq(roots_of(f.optimizer), 9);
        spec.refresh_lag = 0;
        cr_assert_eq(uns_group_set(f.optimizer, 0, &spec), UNS_ERROR_PAIR);
        cr_assert(strstr(uns_context_message(context), "refresh.lag"));
        fixture_close(&f);
    }
    uns_context_destroy(context);
}

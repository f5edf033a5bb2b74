/* SPDX-License-Identifier: MIT
 * The worker pool under load, for ThreadSanitizer: a plain program that speaks TAP, because
 * Criterion does not start under it. Not a test of what the tasks compute.
 */
#include "base/pool.h"
#include "base/base.h"

#include <pthread.h>
#include <stdio.h>

enum {
    TASKS = 64,
    ROUNDS = 400,
    THREADS = 4
};

/* What one caller of the pool works on; tasks write without locks, each to its own place. */
typedef struct job {
    uns_context *context;
    double sums[TASKS];
    double inner[TASKS][4];
} job;

static void add_one(void *user, size_t task) {
    double *sums = user;
    sums[task] += 1;
}

static void add_nested(void *user, size_t task) {
    job *work = user;
    work->sums[task] += 1;
    uns_pool_run(uns_context_pool(work->context), 4, add_one, work->inner[task]);
}

static void *run_rounds(void *user) {
    job *work = user;
    for (int round = 0; round < ROUNDS; round++)
        uns_pool_run(uns_context_pool(work->context), TASKS, add_nested, work);
    return NULL;
}

static int all_done(const job *work) {
    for (int task = 0; task < TASKS; task++) {
        if (work->sums[task] != ROUNDS)
            return 0;
        for (int i = 0; i < 4; i++)
            if (work->inner[task][i] != ROUNDS)
                return 0;
    }
    return 1;
}

static int report(int number, int good, const char *name) {
    printf("%s %d - %s\n", good ? "ok" : "not ok", number, name);
    return good;
}

/* Two threads use one pool at once: one gets the workers, the other works alone. */
static int share_a_pool(uns_context *context) {
    static job first, second;
    first.context = second.context = context;
    pthread_t other;
    if (pthread_create(&other, NULL, run_rounds, &second) != 0)
        return 0;
    run_rounds(&first);
    pthread_join(other, NULL);
    return all_done(&first) && all_done(&second);
}

typedef struct long_task {
    uns_aside aside;
    double *place;
    unsigned worker;
} long_task;

static void add_aside(void *user, size_t worker) {
    long_task *my = user;
    *my->place += 1;
    my->worker |= 1u << worker;
}

/* Some are done beside jobs, others taken back and done here; each once a round, and never two
 * workers of one number. */
static int put_aside(uns_context *context) {
    static job jobs;
    static double places[TASKS];
    static long_task tasks[TASKS];
    uns_pool *pool = uns_context_pool(context);
    int good = uns_pool_asides(pool) == THREADS - 1;
    jobs.context = context;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < TASKS; i++) {
            tasks[i].aside.task = add_aside;
            tasks[i].aside.user = &tasks[i];
            tasks[i].place = &places[i];
            uns_pool_put_aside(pool, &tasks[i].aside);
        }
        uns_pool_run(pool, TASKS, add_nested, &jobs);
        for (int i = TASKS; i-- > 0;) {
            const uns_aside_stage stage = uns_pool_take_back(pool, &tasks[i].aside);
            const int done = uns_pool_finish(pool, &tasks[i].aside);
            good &= done == (stage != UNS_ASIDE_IDLE);
            places[i] += !done;
        }
    }
    for (int i = 0; i < TASKS; i++)
        good &= places[i] == ROUNDS && tasks[i].worker < 1u << (THREADS - 1);
    return good && all_done(&jobs);
}

int main(void) {
    uns_context_config config = {.size = sizeof config, .threads = THREADS};
    uns_context *context = NULL;
    puts("1..3");
    int good = report(1, uns_context_open(&config, &context) == UNS_OK, "a context opens");
    good &= report(2, good && share_a_pool(context), "every task of every round ran once");
    good &=
        report(3, good && put_aside(context), "what is put aside is done once or not begun");
    uns_context_destroy(context);
    return good ? 0 : 1;
}

/* SPDX-License-Identifier: MIT
 * The worker pool: one job at a time, tasks handed out by an atomic counter. A worker joins a
 * job while it is open and is waited for only if it has, so that one that is busy with a long
 * task aside holds nobody up.
 *
 * Not OpenMP: libgomp hangs in a forked child and raises false alarms under ThreadSanitizer.
 */
#include "base/pool.h"

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

struct uns_pool {
    uns_context *context;
    int threads;
    pid_t owner;       /* process whose workers these are; a forked child starts its own */
    unsigned long era; /* forks up to here: what was put aside before is lost */
    pthread_t *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake, done, aside_done;
    atomic_flag busy;
    /* Under lock. */
    bool started;
    int running, arrived; /* workers started, without the caller; those that have numbers */
    uns_task *task;       /* the job's */
    void *user;
    size_t count;
    unsigned long job;
    bool open;                /* to workers that have not joined it yet */
    int active;               /* workers that have, and are not done */
    uns_aside *first, **last; /* put aside, in order */
    bool quit;
    atomic_size_t next;
};

/* Between UNS_ASIDE_IDLE and _RUNNING, known here only. */
enum {
    QUEUED = UNS_ASIDE_DONE + 1
};

static void init_sync(uns_pool *pool) {
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pthread_cond_init(&pool->aside_done, NULL);
    atomic_flag_clear(&pool->busy);
    pool->owner = getpid();
    pool->started = pool->open = false;
    pool->running = pool->arrived = pool->active = 0;
    pool->job = 0;
    pool->first = NULL;
    pool->last = &pool->first;
}

/* Only the forking thread exists in the child. */
static void notice_fork(uns_pool *pool) {
    if (pool->owner == getpid())
        return;
    pool->era++;
    init_sync(pool);
}

uns_pool *uns_pool_create(uns_context *context, int threads) {
    uns_pool *pool = uns_allocate(context, sizeof *pool);
    if (!pool)
        return NULL;
    pool->context = context;
    pool->threads = threads;
    pool->workers = uns_allocate(context, (size_t)threads * sizeof *pool->workers);
    if (!pool->workers) {
        uns_release(context, pool);
        return NULL;
    }
    init_sync(pool);
    return pool;
}

void uns_pool_destroy(uns_pool *pool) {
    if (!pool)
        return;
    if (pool->owner == getpid()) {
        pthread_mutex_lock(&pool->lock);
        pool->quit = true;
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
        for (int i = 0; i < pool->running; i++)
            pthread_join(pool->workers[i], NULL);
        pthread_cond_destroy(&pool->aside_done);
        pthread_cond_destroy(&pool->done);
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->lock);
    }
    uns_release(pool->context, pool->workers);
    uns_release(pool->context, pool);
}

static void work(uns_pool *pool, uns_task *task, void *user, size_t count) {
    size_t i;
    while ((i = atomic_fetch_add(&pool->next, 1)) < count)
        task(user, i);
}

/* Called and left under lock, as is the next. */
static void join_job(uns_pool *pool) {
    uns_task *task = pool->task;
    void *user = pool->user;
    size_t count = pool->count;
    pool->active++;
    pthread_mutex_unlock(&pool->lock);
    work(pool, task, user, count);
    pthread_mutex_lock(&pool->lock);
    if (--pool->active == 0)
        pthread_cond_signal(&pool->done);
}

static void run_aside(uns_pool *pool, size_t worker) {
    uns_aside *aside = pool->first;
    pool->first = aside->next;
    if (!pool->first)
        pool->last = &pool->first;
    aside->stage = UNS_ASIDE_RUNNING;
    pthread_mutex_unlock(&pool->lock);
    aside->task(aside->user, worker);
    pthread_mutex_lock(&pool->lock);
    aside->stage = UNS_ASIDE_DONE;
    pthread_cond_broadcast(&pool->aside_done);
}

/* A job goes before what is put aside: somebody waits for it. */
static void *worker_main(void *argument) {
    uns_pool *pool = argument;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    const size_t worker = (size_t)pool->arrived++;
    while (!pool->quit) {
        if (pool->open && pool->job != seen) {
            seen = pool->job;
            join_job(pool);
        } else if (pool->first) {
            run_aside(pool, worker);
        } else {
            pthread_cond_wait(&pool->wake, &pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Once, under lock. Fewer workers than asked for is no failure: the caller works too. */
static void start_workers(uns_pool *pool) {
    while (!pool->started && pool->running < pool->threads - 1) {
        if (pthread_create(&pool->workers[pool->running], NULL, worker_main, pool) != 0)
            break;
        pool->running++;
    }
    pool->started = true;
}

static void run_here(size_t count, uns_task *task, void *user) {
    for (size_t i = 0; i < count; i++)
        task(user, i);
}

void uns_pool_run(uns_pool *pool, size_t count, uns_task *task, void *user) {
    notice_fork(pool);
    if (pool->threads == 1 || count < 2 || atomic_flag_test_and_set(&pool->busy)) {
        run_here(count, task, user);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    start_workers(pool);
    pool->task = task;
    pool->user = user;
    pool->count = count;
    atomic_store(&pool->next, 0);
    pool->open = true;
    pool->job++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    work(pool, task, user, count);
    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (pool->active > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    atomic_flag_clear(&pool->busy);
}

size_t uns_pool_asides(const uns_pool *pool) {
    return (size_t)pool->threads - 1;
}

/* Under lock, as is the next. */
static void forget_other_era(const uns_pool *pool, uns_aside *aside) {
    if (aside->era != pool->era && aside->stage != UNS_ASIDE_DONE)
        aside->stage = UNS_ASIDE_IDLE;
}

static void unlink_aside(uns_pool *pool, uns_aside *aside) {
    uns_aside **at = &pool->first;
    while (*at != aside)
        at = &(*at)->next;
    *at = aside->next;
    if (!*at)
        pool->last = at;
    aside->stage = UNS_ASIDE_IDLE;
}

static int take_back(uns_pool *pool, uns_aside *aside, bool wait) {
    notice_fork(pool);
    pthread_mutex_lock(&pool->lock);
    forget_other_era(pool, aside);
    if (aside->stage == QUEUED)
        unlink_aside(pool, aside);
    while (wait && aside->stage == UNS_ASIDE_RUNNING)
        pthread_cond_wait(&pool->aside_done, &pool->lock);
    const int stage = aside->stage;
    pthread_mutex_unlock(&pool->lock);
    return stage;
}

uns_aside_stage uns_pool_take_back(uns_pool *pool, uns_aside *aside) {
    return (uns_aside_stage)take_back(pool, aside, false);
}

bool uns_pool_finish(uns_pool *pool, uns_aside *aside) {
    return take_back(pool, aside, true) == UNS_ASIDE_DONE;
}

void uns_pool_put_aside(uns_pool *pool, uns_aside *aside) {
    notice_fork(pool);
    pthread_mutex_lock(&pool->lock);
    start_workers(pool);
    aside->era = pool->era;
    aside->stage = pool->running > 0 ? QUEUED : UNS_ASIDE_IDLE;
    if (pool->running > 0) {
        aside->next = NULL;
        *pool->last = aside;
        pool->last = &aside->next;
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
}

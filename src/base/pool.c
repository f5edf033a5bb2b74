/* SPDX-License-Identifier: MIT
 * The worker pool: one job at a time, tasks handed out by an atomic counter.
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
    pid_t owner; /* process whose workers these are; a forked child starts its own */
    int running; /* workers started, without the caller */
    pthread_t *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_flag busy;
    /* The job, under lock. */
    uns_task *task;
    void *user;
    size_t count;
    unsigned long job;
    int active;
    bool quit;
    atomic_size_t next;
};

static void init_sync(uns_pool *pool) {
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    atomic_flag_clear(&pool->busy);
    pool->owner = getpid();
    pool->running = 0;
    pool->active = 0;
    pool->job = 0;
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

static void *worker_main(void *argument) {
    uns_pool *pool = argument;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->quit && pool->job == seen)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->job;
        uns_task *task = pool->task;
        void *user = pool->user;
        size_t count = pool->count;
        pthread_mutex_unlock(&pool->lock);
        work(pool, task, user, count);
        pthread_mutex_lock(&pool->lock);
        if (--pool->active == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Before the first job only: a worker that starts later would take an old job for a new one.
 * Fewer workers than asked for is no failure: the caller works too. */
static void start_workers(uns_pool *pool) {
    while (pool->job == 0 && pool->running < pool->threads - 1) {
        if (pthread_create(&pool->workers[pool->running], NULL, worker_main, pool) != 0)
            break;
        pool->running++;
    }
}

static void run_here(size_t count, uns_task *task, void *user) {
    for (size_t i = 0; i < count; i++)
        task(user, i);
}

void uns_pool_run(uns_pool *pool, size_t count, uns_task *task, void *user) {
    if (pool->owner != getpid()) /* only the forking thread exists in the child */
        init_sync(pool);
    if (pool->threads == 1 || count < 2 || atomic_flag_test_and_set(&pool->busy)) {
        run_here(count, task, user);
        return;
    }
    start_workers(pool);
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->user = user;
    pool->count = count;
    atomic_store(&pool->next, 0);
    pool->active = pool->running;
    pool->job++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    work(pool, task, user, count);
    pthread_mutex_lock(&pool->lock);
    while (pool->active > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    atomic_flag_clear(&pool->busy);
}

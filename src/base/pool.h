/* SPDX-License-Identifier: MIT
 * Worker threads: runs numbered tasks on the context's threads. Which thread runs a task is not
 * determined; results must not depend on it. Survives fork: a child starts workers of its own.
 */
#ifndef UNS_POOL_H
#define UNS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <unsaddle/context.h>

typedef struct uns_pool uns_pool;

typedef void uns_task(void *user, size_t task);

/* `threads` >= 1 includes the caller. Starts nothing yet. NULL when memory is short. */
uns_pool *uns_pool_create(uns_context *context, int threads);
void uns_pool_destroy(uns_pool *pool);

/* Runs task 0 ... count−1 and returns when all are done. The caller works too. From inside a
 * task (nested), or while another thread uses the pool, or when threads cannot be started, the
 * tasks run in the calling thread. No allocation after the first call. */
void uns_pool_run(uns_pool *pool, size_t count, uns_task *task, void *user);

/* A long task put aside, for a worker that has nothing else to do: task(user, worker) with
 * worker < uns_pool_asides, which may not use the pool. Lies in the caller's memory, zeroed
 * before its first use; is finished before that goes. All but task and user is the pool's.
 * Nothing is allocated after the pool's first call. */
typedef struct uns_aside {
    uns_task *task;
    void *user;
    struct uns_aside *next;
    unsigned long era;
    int stage;
} uns_aside;

typedef enum uns_aside_stage {
    UNS_ASIDE_IDLE, /* not begun, and will not be; or lost in a fork */
    UNS_ASIDE_RUNNING,
    UNS_ASIDE_DONE
} uns_aside_stage;

/* Most that run side by side; 0: nobody would run it. */
size_t uns_pool_asides(const uns_pool *pool);

/* For one that is idle or done. Stays idle where there is nobody to run it. */
void uns_pool_put_aside(uns_pool *pool, uns_aside *aside);

/* Takes it back if nobody has begun it; what has been begun goes on. */
uns_aside_stage uns_pool_take_back(uns_pool *pool, uns_aside *aside);

/* The same, but waits for what has been begun. Whether it is done. */
bool uns_pool_finish(uns_pool *pool, uns_aside *aside);

/* The context's pool. */
uns_pool *uns_context_pool(uns_context *context);

#endif

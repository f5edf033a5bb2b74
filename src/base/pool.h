/* SPDX-License-Identifier: MIT
 * Worker threads: runs numbered tasks on the context's threads. Which thread runs a task is not
 * determined; results must not depend on it. Survives fork: a child starts workers of its own.
 */
#ifndef UNS_POOL_H
#define UNS_POOL_H

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

/* The context's pool. */
uns_pool *uns_context_pool(uns_context *context);

#endif

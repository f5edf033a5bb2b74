/* SPDX-License-Identifier: MIT
 * The limit pattern: a bare loop that reads one array and reads and writes back others, spread
 * over the threads as a step is. What a step may cost at best where memory is all that counts.
 */
#include "bench/bench.h"

enum {
    TASK = 32768, /* elements; the step's own */
    MIXED = 1024  /* elements of each width in turn */
};

/* Arrays of one width at a time. What `touch` gets first is not written: the limit's own array
 * 0, or else one that is written further on. */
static void touch_part(const uns_limit *limit, char *const *at, size_t begin, size_t n) {
    void *same[UNS_BENCH_ARRAYS + 1];
    for (size_t width = sizeof(float); width > 0; width /= 2) {
        size_t count = limit->width[0] != width;
        for (size_t j = 0; j < limit->count; j++)
            if (limit->width[j] == width)
                same[count++] = at[j] + begin * width;
        same[0] = same[limit->width[0] != width];
        if (count > (limit->width[0] != width))
            limit->kernels->of[UNS_F32].touch(n * width / sizeof(float), count, same);
    }
}

static bool is_mixed(const uns_limit *limit) {
    for (size_t j = 0; j < limit->count; j++)
        if (limit->width[j] != sizeof(float))
            return true;
    return false;
}

typedef struct touch_job {
    const uns_limit *limit;
    size_t part; /* elements in one go */
} touch_job;

/* Elements begin ... end of all tensors in a row. */
static void touch_task(void *user, size_t task) {
    const touch_job *job = user;
    const uns_limit *limit = job->limit;
    size_t all = limit->tensors * limit->length, from = task * TASK;
    size_t to = all - from < TASK ? all : from + TASK;
    while (from < to) {
        size_t tensor = from / limit->length, begin = from % limit->length;
        size_t n = limit->length - begin < to - from ? limit->length - begin : to - from;
        n = n < job->part ? n : job->part;
        touch_part(limit, limit->at + tensor * limit->count, begin, n);
        from += n;
    }
}

void uns_limit_run(const uns_limit *limit, uns_pool *pool) {
    const touch_job job = {limit, is_mixed(limit) ? MIXED : TASK};
    const size_t tasks = (limit->tensors * limit->length + TASK - 1) / TASK;
    if (tasks > 1) {
        uns_pool_run(pool, tasks, touch_task, (void *)&job);
        return;
    }
    touch_task((void *)&job, 0);
}

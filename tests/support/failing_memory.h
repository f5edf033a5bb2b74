/* SPDX-License-Identifier: MIT
 * A context whose k-th allocation fails, and a count of what is not given back.
 */
#ifndef UNS_TEST_FAILING_MEMORY_H
#define UNS_TEST_FAILING_MEMORY_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unsaddle/context.h>

typedef struct failing_memory {
    long left, live;
} failing_memory;

static inline void *failing_take(void *user, size_t bytes, size_t align) {
    failing_memory *memory = user;
    if (memory->left-- == 0)
        return NULL;
    memory->live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static inline void failing_give(void *user, void *block) {
    failing_memory *memory = user;
    memory->live -= block != NULL;
    free(block);
}

static inline uns_context *failing_context(failing_memory *memory) {
    uns_context *context = NULL;
    uns_context_config config = {.size = sizeof config,
                                 .allocate = failing_take,
                                 .release = failing_give,
                                 .user = memory,
                                 .threads = 1};
    memory->left = 1000000;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

/* `use` with the k-th allocation failing, for every k until none is left to fail: each time
 * UNS_ERROR_MEMORY and nothing kept. */
static inline void expect_survived(uns_context *context, failing_memory *memory,
                                   uns_status (*use)(uns_context *context)) {
    for (long k = 0; k < 200; k++) {
        long before = memory->live;
        memory->left = k;
        uns_status status = use(context);
        bool whole = memory->left >= 0;
        memory->left = 1000000;
        cr_expect_eq(memory->live, before, "allocation %ld leaks", k);
        cr_expect_eq(status, whole ? UNS_OK : UNS_ERROR_MEMORY, "allocation %ld: %d", k,
                     status);
        if (whole) {
            cr_expect(k > 0);
            return;
        }
    }
    cr_assert_fail("200 allocations and no end");
}

#endif

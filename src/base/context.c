/* SPDX-License-Identifier: MIT
 * The context: allocator hooks, last message, registry of names, worker pool.
 */
#include "base/base.h"
#include "base/pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MESSAGE_SIZE = 1024,
    MOST_THREADS = 256
};

/* The first members of every ops table and preset. */
typedef struct registered {
    size_t size;
    const char *name;
} registered;

typedef struct registry {
    size_t count, room;
    const void **entries;
} registry;

struct uns_context {
    uns_context_config config;
    int threads;
    uns_pool *pool;
    pthread_mutex_t message_lock; /* tasks may fail at the same time */
    char message[MESSAGE_SIZE];
    registry names[UNS_KIND_COUNT];
};

static const char *const kind_names[UNS_KIND_COUNT] = {"preset", "moment", "structure",
                                                       "problem"};

static void *default_allocate(void *user, size_t bytes, size_t align) {
    (void)user;
    return aligned_alloc(align, bytes);
}

static void default_release(void *user, void *memory) {
    (void)user;
    free(memory);
}

static uns_status read_config(const uns_context_config *given, uns_context_config *config) {
    *config = (uns_context_config){.size = sizeof *config};
    if (given) {
        if (given->size != sizeof *given || !given->allocate != !given->release)
            return UNS_ERROR_ARGUMENT;
        if (given->threads < 0 || given->threads > MOST_THREADS)
            return UNS_ERROR_RANGE;
        *config = *given;
    }
    if (!config->allocate) {
        config->allocate = default_allocate;
        config->release = default_release;
    }
    return UNS_OK;
}

static int online_cores(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > MOST_THREADS ? MOST_THREADS : (int)cores;
}

uns_status uns_context_open(const uns_context_config *given, uns_context **out) {
    uns_context_config config;
    if (!out)
        return UNS_ERROR_ARGUMENT;
    UNS_TRY(read_config(given, &config));
    uns_context *context =
        config.allocate(config.user, (sizeof *context + 63) & ~(size_t)63, 64);
    if (!context)
        return UNS_ERROR_MEMORY;
    memset(context, 0, sizeof *context);
    context->config = config;
    context->threads = config.threads ? config.threads : online_cores();
    pthread_mutex_init(&context->message_lock, NULL);
    context->pool = uns_pool_create(context, context->threads);
    if (!context->pool) {
        uns_context_destroy(context);
        return UNS_ERROR_MEMORY;
    }
    *out = context;
    return UNS_OK;
}

void uns_context_destroy(uns_context *context) {
    if (!context)
        return;
    uns_pool_destroy(context->pool);
    for (int kind = 0; kind < UNS_KIND_COUNT; kind++)
        uns_release(context, context->names[kind].entries);
    pthread_mutex_destroy(&context->message_lock);
    context->config.release(context->config.user, context);
}

const char *uns_context_message(const uns_context *context) {
    return context ? context->message : "";
}

int uns_context_threads(const uns_context *context) {
    return context->threads;
}

unsigned uns_context_isa_mask(const uns_context *context) {
    return context->config.isa;
}

uns_pool *uns_context_pool(uns_context *context) {
    return context->pool;
}

uns_status uns_fail(uns_context *context, uns_status status, const char *format, ...) {
    if (!context)
        return status;
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&context->message_lock);
    vsnprintf(context->message, sizeof context->message, format, arguments);
    pthread_mutex_unlock(&context->message_lock);
    va_end(arguments);
    return status;
}

uns_status uns_fail_at(uns_context *context, uns_status status, const char *format, ...) {
    if (!context)
        return status;
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&context->message_lock);
    vsnprintf(text, sizeof text, format, arguments);
    strncat(text, ": ", sizeof text - strlen(text) - 1);
    strncat(text, context->message, sizeof text - strlen(text) - 1);
    memcpy(context->message, text, sizeof text);
    pthread_mutex_unlock(&context->message_lock);
    va_end(arguments);
    return status;
}

void *uns_allocate(uns_context *context, size_t bytes) {
    size_t rounded = bytes < SIZE_MAX - 64 ? ((bytes ? bytes : 1) + 63) & ~(size_t)63 : 0;
    void *memory = rounded ? context->config.allocate(context->config.user, rounded, 64) : NULL;
    if (!memory) {
        (void)uns_fail(context, UNS_ERROR_MEMORY, "out of memory: %zu bytes asked for", bytes);
        return NULL;
    }
    return memset(memory, 0, rounded);
}

void uns_release(uns_context *context, void *memory) {
    if (memory)
        context->config.release(context->config.user, memory);
}

size_t uns_size_product(size_t a, size_t b) {
    return b && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

static const char *entry_name(const void *names, size_t index) {
    const registry *list = names;
    return index < list->count ? ((const registered *)list->entries[index])->name : NULL;
}

static const void *find_entry(const registry *list, const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(entry_name(list, i), name) == 0)
            return list->entries[i];
    return NULL;
}

static uns_status make_room(uns_context *context, registry *list) {
    if (list->count < list->room)
        return UNS_OK;
    size_t room = list->room ? 2 * list->room : 32;
    const void **entries = uns_allocate(context, room * sizeof *entries);
    if (!entries)
        return UNS_ERROR_MEMORY;
    if (list->count)
        memcpy(entries, list->entries, list->count * sizeof *entries);
    uns_release(context, list->entries);
    list->entries = entries;
    list->room = room;
    return UNS_OK;
}

uns_status uns_context_register(uns_context *context, uns_kind kind, const void *entry) {
    if (!context || (unsigned)kind >= UNS_KIND_COUNT || !entry)
        return uns_fail(context, UNS_ERROR_ARGUMENT, "register: no entry or no such kind");
    const char *name = ((const registered *)entry)->name;
    if (!name || !*name || strlen(name) >= 32)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "register: a %s needs a name of 1 to 31 "
                        "characters",
                        kind_names[kind]);
    UNS_TRY(uns_entry_check(context, kind, entry));
    registry *list = &context->names[kind];
    if (find_entry(list, name))
        return uns_fail(context, UNS_ERROR_NAME, "%s '%s' is registered already",
                        kind_names[kind], name);
    UNS_TRY(make_room(context, list));
    list->entries[list->count++] = entry;
    return UNS_OK;
}

uns_status uns_context_find(uns_context *context, uns_kind kind, const char *name,
                            const void **entry) {
    const registry *list = &context->names[kind];
    const void *found = find_entry(list, name);
    if (!found) {
        const char *nearest = uns_nearest_name(name, entry_name, list);
        return uns_fail(context, UNS_ERROR_NAME, "unknown %s '%s'%s%s%s", kind_names[kind],
                        name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
                        nearest ? "'?" : "");
    }
    *entry = found;
    return UNS_OK;
}

size_t uns_context_count(const uns_context *context, uns_kind kind) {
    return context->names[kind].count;
}

const void *uns_context_entry(const uns_context *context, uns_kind kind, size_t index) {
    const registry *list = &context->names[kind];
    return index < list->count ? list->entries[index] : NULL;
}

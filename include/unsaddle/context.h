/* SPDX-License-Identifier: MIT
 * The context: allocator hooks, the text of the last failure, the worker threads and the
 * registry of names. Every other object is created from one. There is no global state.
 */
#ifndef UNSADDLE_CONTEXT_H
#define UNSADDLE_CONTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <unsaddle/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct uns_context uns_context;

/* Instruction sets of the kernels, as bits for uns_context_config.isa. Results are the same
 * bits on every one of them. */
enum {
    UNS_ISA_SCALAR = 1u,
    UNS_ISA_AVX2 = 2u,
    UNS_ISA_AVX512 = 4u,
    UNS_ISA_NEON = 8u
};

/* How a context is made. Zero-initialise, set .size = sizeof, then what differs. */
typedef struct uns_context_config {
    size_t size; /* sizeof(uns_context_config) */
    /* Both or neither. allocate returns NULL on failure; `align` is a power of two, at
     * least 64. Both may be called from several threads. Default: aligned_alloc and free. */
    void *(*allocate)(void *user, size_t bytes, size_t align);
    void (*release)(void *user, void *memory);
    void *user;   /* passed to both, borrowed */
    int threads;  /* workers including the caller, 1 to 256; 0: one for each online core */
    unsigned isa; /* instruction sets allowed, UNS_ISA_* bits; 0: all that the CPU has */
} uns_context_config;

/* Creates a context. `config` may be NULL: all defaults. *out is untouched on failure.
 * Fails with UNS_ERROR_ARGUMENT, UNS_ERROR_RANGE or UNS_ERROR_MEMORY. Threads start lazily. */
UNS_NODISCARD UNS_API uns_status uns_context_create(const uns_context_config *config,
                                                    uns_context **out);

/* Destroys a context; NULL is allowed. All objects made from it must be gone before. */
UNS_API void uns_context_destroy(uns_context *context);

/* The text of the last failure in this context ("" before any): valid until the next failing
 * call on the context. When several threads fail at once, the text is one of theirs, whole. */
UNS_API const char *uns_context_message(const uns_context *context);

/* Workers this context uses, including the caller; at least 1. */
UNS_API int uns_context_threads(const uns_context *context);

/* The instruction set in force: "scalar", "avx2", "avx512" or "neon". Static storage. */
UNS_API const char *uns_context_isa(const uns_context *context);

/* The core that the dense algebra runs on: OpenBLAS's own name for its kernels ("SkylakeX",
 * "Zen", "Haswell", "Prescott", ...), "none" in a build without it. It belongs to the process;
 * `context` may be NULL. Prescott on a newer CPU is OpenBLAS not knowing it, at a third of the
 * speed or less; OPENBLAS_CORETYPE, set before the program starts, mends that. Static storage.
 */
UNS_API const char *uns_context_blas(const uns_context *context);

/* What a name in the registry stands for. */
typedef enum uns_kind {
    UNS_KIND_PRESET,    /* const uns_preset *        (spec.h) */
    UNS_KIND_MOMENT,    /* const uns_moment_ops *    (moment.h) */
    UNS_KIND_STRUCTURE, /* const uns_structure_ops * (structure.h) */
    UNS_KIND_PROBLEM,   /* const uns_problem_ops *   (problem.h) */
    UNS_KIND_COUNT
} uns_kind;

/* Adds `entry` (borrowed, must outlive the context) under its own name, found through the first
 * two members of every ops table: size_t size; const char *name. A name already taken is
 * refused with UNS_ERROR_NAME; a table of another size, or without a function that its kind
 * requires, with UNS_ERROR_ARGUMENT and a message that names it. Built-in presets, moments and
 * structures are there from the start. Not thread-safe: register before work starts. */
UNS_NODISCARD UNS_API uns_status uns_context_register(uns_context *context, uns_kind kind,
                                                      const void *entry);

/* Looks a name up. UNS_ERROR_NAME names the nearest right one in the message. */
UNS_NODISCARD UNS_API uns_status uns_context_find(uns_context *context, uns_kind kind,
                                                  const char *name, const void **entry);

/* How many entries of a kind there are, and the index-th of them in order of registration;
 * NULL beyond the end. */
UNS_API size_t uns_context_count(const uns_context *context, uns_kind kind);
UNS_API const void *uns_context_entry(const uns_context *context, uns_kind kind, size_t index);

/* The candidate nearest to `name` by Damerau–Levenshtein distance, or NULL when none is within
 * a third of the name's length (at least 2). `candidates(user, i)` returns NULL at the end. */
UNS_API const char *uns_nearest_name(const char *name,
                                     const char *(*candidates)(const void *, size_t),
                                     const void *user);

#ifdef __cplusplus
}
#endif
#endif

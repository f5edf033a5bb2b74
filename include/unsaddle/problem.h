/* SPDX-License-Identifier: MIT
 * Problems: f(x) = E_z f(x, z) with stochastic gradients, and what is known about f.
 *
 * A problem computes in f64 on R replicas at once, innermost (layout.h). `batch` NULL means the
 * whole objective: the exact expectation or the full finite sum.
 */
#ifndef UNSADDLE_PROBLEM_H
#define UNSADDLE_PROBLEM_H

#include <stdbool.h>
#include <unsaddle/layout.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/param.h>
#include <unsaddle/random.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Which samples z: `size` of them for each replica. Drawn from `key`: replica r of the call
 * uses key.replica + r, and key.step numbers the batch; the same key is the same batch, for
 * value, gradient and product alike. A finite sum may instead be given its samples: `indices`
 * (size of them, each below uns_problem_samples), the same for every replica. */
typedef struct uns_batch {
    uns_key key;
    size_t size;
    const uint32_t *indices; /* NULL: drawn */
} uns_batch;

/* What a problem knows about itself. NaN: not known. */
typedef struct uns_truth {
    double minimum;       /* min f */
    double start_value;   /* f at the saddle where a run starts */
    double escape_value;  /* a run has escaped when the exact f is below this */
    double accuracy_goal; /* a usual accuracy, for classifiers */
} uns_truth;

/* A point's spectra in coordinates where H and Σ are known; see uns_problem_ops.spectra. */
typedef enum uns_point {
    UNS_POINT_START,
    UNS_POINT_MINIMUM
} uns_point;

/* One evaluation: where, for how many replicas, on which samples. */
typedef struct uns_eval {
    size_t replicas;
    uns_const_tensors x;
    const uns_batch *batch; /* NULL: the whole objective */
    void *scratch;          /* scratch(self, replicas, batch size) bytes, aligned to 64 */
} uns_eval;

/* Every function takes `self`, as made by create, which it must not change: calls from several
 * threads run at once, each with its own scratch. Tensors: block pointers to doubles. */
typedef struct uns_problem_ops {
    size_t size; /* sizeof(uns_problem_ops) */
    const char *name;
    const char *summary;
    const uns_param_table *params; /* of the config struct that create reads */

    /* REQUIRED. Builds the problem from a filled config. Messages go to the context. */
    uns_status (*create)(uns_context *context, const void *config, void **self);
    void (*destroy)(void *self);
    /* REQUIRED. The blocks of one replica; names are static or owned by self. */
    size_t (*blocks)(const void *self, const uns_block **blocks);
    /* OPTIONAL; NULL: none. Bytes of scratch an evaluation needs (batch 0: the whole). */
    size_t (*scratch)(const void *self, size_t replicas, size_t batch);
    /* REQUIRED. Starting point of replicas key.replica ... key.replica + R − 1. */
    uns_status (*start)(const void *self, uns_key key, size_t replicas, uns_tensors x);
    /* REQUIRED. f[r] for each replica. */
    uns_status (*value)(const void *self, const uns_eval *eval, double *f);
    /* REQUIRED. Mean gradient over the batch. */
    uns_status (*gradient)(const void *self, const uns_eval *eval, uns_tensors g);
    /* OPTIONAL; NULL: `imaginary`, else differences of gradients. out = ∇²f(x)·v; v and out do
     * not overlap. */
    uns_status (*product)(const void *self, const uns_eval *eval, uns_const_tensors v,
                          uns_tensors out);
    /* OPTIONAL; NULL: batches of one. Gradients of each sample of the batch at one point (R =
     * 1): row i of `rows` (batch->size × d, d in block order) is sample i's. */
    uns_status (*per_sample)(const void *self, const uns_eval *eval, double *rows);
    /* OPTIONAL; NULL: not known. As uns_oracle.second_moment, for batches of `batch` samples;
     * eval->batch is ignored. */
    uns_status (*second_moment)(const void *self, const uns_eval *eval, size_t batch,
                                uns_about about, uns_shape shape, uns_tensors out);
    /* OPTIONAL; NULL: all NaN. */
    void (*truth)(const void *self, uns_truth *truth);
    /* OPTIONAL; NULL or UNS_ERROR_UNAVAILABLE: not known. H and Σ (one sample) at a known
     * point, dense d×d row-major; only asked where d <= 64. */
    uns_status (*spectra)(const void *self, uns_point point, double *hessian, double *noise);
    /* OPTIONAL; NULL: an expectation, no finite sum. Samples in the sum. */
    uint64_t (*samples)(const void *self);
    /* OPTIONAL; NULL: none. Share of a held-out set classified correctly at x (R = 1). */
    uns_status (*accuracy)(const void *self, const uns_eval *eval, double *share);
    /* OPTIONAL; NULL: no complex step. out = Im ∇f(x + iy) at one complex point (R = 1), on
     * the same batch; y and out do not overlap. With y = hv and an h too small to be seen
     * beside x this is h·∇²f(x)·v to rounding, because nothing cancels: the gradient's own code
     * in complex numbers serves as a product. It must be analytic, so without conjugates,
     * |·| or a choice by anything but real parts. */
    uns_status (*imaginary)(const void *self, const uns_eval *eval, uns_const_tensors y,
                            uns_tensors out);
} uns_problem_ops;

/* A problem at work: its ops and self. Evaluations from several threads are allowed. */
typedef struct uns_problem uns_problem;

/* Creates the named problem from a filled config struct of its table (NULL: defaults).
 * UNS_ERROR_NAME names the nearest problem. */
UNS_NODISCARD UNS_API uns_status uns_problem_create(uns_context *context, const char *name,
                                                    const void *config, uns_problem **out);
UNS_API void uns_problem_destroy(uns_problem *problem);
UNS_API const uns_problem_ops *uns_problem_get_ops(const uns_problem *problem);
UNS_API const void *uns_problem_self(const uns_problem *problem);

/* A layout of the problem's blocks with R replicas in f64, all in group 0. */
UNS_NODISCARD UNS_API uns_status uns_problem_layout(uns_context *context,
                                                    const uns_problem *problem, size_t replicas,
                                                    uns_layout **out);

/* d, the parameters of one replica. */
UNS_API size_t uns_problem_dimension(const uns_problem *problem);
/* Samples in the finite sum; 0 for an expectation. */
UNS_API uint64_t uns_problem_samples(const uns_problem *problem);
UNS_API void uns_problem_truth(const uns_problem *problem, uns_truth *truth);

/* The i-th sample of a batch of a finite sum of n: indices[i], or drawn without replacement,
 * epoch after epoch, by uns_random_permuted at position key.step·size + i. The permutation's
 * stream is the key's, but UNS_STREAM_SHUFFLE for the run itself (UNS_STREAM_GRADIENT). */
UNS_API uint32_t uns_batch_sample(const uns_batch *batch, size_t replica, uint64_t n, size_t i);

/* The result of the self-check. Each error is relative; each has its own natural bound, and
 * `passed` is the verdict over all that the problem offers. */
typedef struct uns_problem_report {
    double gradient_error;   /* gradient against central differences of value, same batch */
    double product_error;    /* product against central differences of gradient, same batch */
    double symmetry_error;   /* |uᵀHv − vᵀHu| */
    double replica_error;    /* R replicas at once against each alone; 0: the same bits */
    double sampling_sigmas;  /* distance of a mean of batch gradients from the whole, in its
                                standard errors (root mean square over coordinates) */
    double per_sample_error; /* mean of per-sample gradients against the batch gradient; of a
                                finite sum also batches by indices, one by one and all */
    double moment_error;     /* second_moment against sampled, in standard errors */
    double imaginary_error;  /* complex step against central differences of gradient */
    bool passed;
} uns_problem_report;

/* Checks a problem against itself at a random point near its start: gradients, products and
 * complex steps with central differences (batch and whole), replicas with single runs, sampling
 * with the whole. Draws from UNS_STREAM_CHECK. Entries for what the problem does not offer are
 * NaN. A failed check is no error: see report->passed. Bounds: 1e-6 for differences, 1e-9 for
 * the other relative errors, 4.5 standard errors. Cost: about 5,000 batch gradients and, for a
 * large finite sum, 30 whole ones. */
UNS_NODISCARD UNS_API uns_status uns_problem_check(uns_context *context, uns_problem *problem,
                                                   uint64_t seed, uns_problem_report *report);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT
 * `softmax`: multinomial logistic regression of images of digits on their ten labels,
 *
 *     f(W, b) = mean_i [ ln Σ_c exp z_ic − z_i,yi ] + ½·l2·‖W‖²,   z_i = W·x_i + b,
 *
 * with pixels x scaled to [0, 1]. Convex: no saddles; it is here for the choice of ε, burn-in
 * and β on real data. p = softmax(z):  ∂f/∂z = p − y,  (∂²f/∂z²)·u = p∘u − p·(pᵀu).
 *
 * Pixels stay bytes (1 byte a pixel, 9 more an image) and are widened to f64 when a sample is
 * visited, only between its first and last inked pixel. Dot products and sums go through the
 * kernels, so the bits are the same everywhere.
 */
#include "prob/softmax.h"
#include "prob/builtin.h"
#include <math.h>
#include <string.h>
#include <unsaddle/elementary.h>

enum {
    CLASSES = UNS_CLASSES
};

typedef uns_softmax_self softmax;
typedef uns_image_set image_set;

/* Parameters, or something shaped like them, of one replica. */
typedef struct model {
    double *weights, *bias; /* 10 × width; 10 */
} model;

/* The same, read only. */
typedef struct view {
    const double *weights, *bias;
} view;

/* One image at hand: `count` pixels from position `low` on. */
typedef struct sample {
    size_t low, count;
    const double *pixels;
    unsigned label;
} sample;

static size_t softmax_blocks(const void *memory, const uns_block **blocks) {
    *blocks = ((const softmax *)memory)->blocks;
    return 2;
}

static size_t model_size(const softmax *self) {
    return CLASSES * (self->width + 1);
}

/* Layout of scratch: a widened image, then three models for R > 1. */
static size_t softmax_scratch(const void *memory, size_t replicas, size_t batch) {
    const softmax *self = memory;
    (void)batch;
    return sizeof(double) * (self->width + (replicas > 1 ? 3 * model_size(self) : 0));
}

static model model_at(const softmax *self, double *flat) {
    return (model){flat, flat + CLASSES * self->width};
}

static double *scratch_model(const softmax *self, const uns_eval *eval, size_t which) {
    return (double *)eval->scratch + self->width + which * model_size(self);
}

static void gather(size_t n, size_t replicas, const double *from, double *to) {
    for (size_t k = 0; k < n; k++)
        to[k] = from[k * replicas];
}

static void scatter(size_t n, size_t replicas, const double *from, double *to) {
    for (size_t k = 0; k < n; k++)
        to[k * replicas] = from[k];
}

/* Replica r of `tensors`: the caller's own memory when R = 1, else a copy in scratch. */
static view model_in(const softmax *self, const uns_eval *eval, uns_const_tensors tensors,
                     size_t r, size_t which) {
    const double *weights = tensors.data[0], *bias = tensors.data[1];
    if (eval->replicas == 1)
        return (view){weights, bias};
    model copy = model_at(self, scratch_model(self, eval, which));
    gather(CLASSES * self->width, eval->replicas, weights + r, copy.weights);
    gather(CLASSES, eval->replicas, bias + r, copy.bias);
    return (view){copy.weights, copy.bias};
}

/* Where replica r of an output is gathered up, zeroed; deliver() puts it in its place. */
static model model_out(const softmax *self, const uns_eval *eval, uns_tensors tensors) {
    model sum = eval->replicas == 1 ? (model){tensors.data[0], tensors.data[1]}
                                    : model_at(self, scratch_model(self, eval, 2));
    memset(sum.weights, 0, CLASSES * self->width * sizeof(double));
    memset(sum.bias, 0, CLASSES * sizeof(double));
    return sum;
}

static void deliver(const softmax *self, const uns_eval *eval, model sum, size_t r,
                    uns_tensors tensors) {
    if (eval->replicas == 1)
        return;
    scatter(CLASSES * self->width, eval->replicas, sum.weights, (double *)tensors.data[0] + r);
    scatter(CLASSES, eval->replicas, sum.bias, (double *)tensors.data[1] + r);
}

static sample open_image(const softmax *self, const image_set *set, size_t index,
                         double *pixels) {
    size_t low = set->low[index], count = set->high[index] - low;
    const unsigned char *bytes = set->images.pixels + index * self->width + low;
    for (size_t j = 0; j < count; j++)
        pixels[j] = self->level[bytes[j]];
    return (sample){low, count, pixels, set->images.labels[index]};
}

static size_t sample_count(const softmax *self, const uns_eval *eval) {
    return eval->batch ? eval->batch->size : self->train.images.count;
}

/* Sample i of replica r's batch, widened into scratch. */
static sample open_sample(const softmax *self, const uns_eval *eval, size_t r, size_t i) {
    size_t total = self->train.images.count;
    size_t index = eval->batch ? uns_batch_sample(eval->batch, r, total, i) : i;
    return open_image(self, &self->train, index, eval->scratch);
}

/* The mathematics of one sample */

static void scores(const softmax *self, const sample *at, view x, double z[CLASSES]) {
    for (size_t c = 0; c < CLASSES; c++)
        z[c] = x.bias[c] +
               self->kernels->dot(at->count, x.weights + c * self->width + at->low, at->pixels);
}

/* z becomes the probabilities; returns the loss ln Σ exp z − z_label. */
static double normalise(const softmax *self, unsigned label, double z[CLASSES]) {
    double top = z[0], sum = 0;
    for (size_t c = 1; c < CLASSES; c++)
        top = z[c] > top ? z[c] : top;
    for (size_t c = 0; c < CLASSES; c++)
        z[c] -= top;
    double right = z[label];
    self->kernels->exp(CLASSES, z, z);
    for (size_t c = 0; c < CLASSES; c++)
        sum += z[c];
    for (size_t c = 0; c < CLASSES; c++)
        z[c] /= sum;
    return uns_log(sum) - right;
}

/* sum += share · u ⊗ (pixels, 1) */
static void add_outer(const softmax *self, const sample *at, const double u[CLASSES],
                      double share, model sum) {
    for (size_t c = 0; c < CLASSES; c++) {
        double weight = share * u[c];
        self->kernels->axpy(at->count, weight, at->pixels,
                            sum.weights + c * self->width + at->low);
        sum.bias[c] += weight;
    }
}

static void add_gradient(const softmax *self, const sample *at, view x, double share,
                         model sum) {
    double p[CLASSES];
    scores(self, at, x, p);
    (void)normalise(self, at->label, p);
    p[at->label] -= 1;
    add_outer(self, at, p, share, sum);
}

static void add_product(const softmax *self, const sample *at, view x, view v, double share,
                        model sum) {
    double p[CLASSES], u[CLASSES], mean = 0;
    scores(self, at, x, p);
    scores(self, at, v, u);
    (void)normalise(self, at->label, p);
    for (size_t c = 0; c < CLASSES; c++)
        mean += p[c] * u[c];
    for (size_t c = 0; c < CLASSES; c++)
        u[c] = p[c] * (u[c] - mean);
    add_outer(self, at, u, share, sum);
}

static void add_decay(const softmax *self, view x, model sum) {
    if (self->l2 > 0)
        self->kernels->axpy(CLASSES * self->width, self->l2, x.weights, sum.weights);
}

/* The ops */

static uns_status softmax_start(const void *memory, uns_key key, size_t replicas,
                                uns_tensors x) {
    const softmax *self = memory;
    (void)key; /* convex: every run may start at 0 */
    memset(x.data[0], 0, CLASSES * self->width * replicas * sizeof(double));
    memset(x.data[1], 0, CLASSES * replicas * sizeof(double));
    return UNS_OK;
}

static uns_status softmax_value(const void *memory, const uns_eval *eval, double *f) {
    const softmax *self = memory;
    size_t count = sample_count(self, eval), weights = CLASSES * self->width;
    for (size_t r = 0; r < eval->replicas; r++) {
        view x = model_in(self, eval, eval->x, r, 0);
        double sum = 0, z[CLASSES];
        for (size_t i = 0; i < count; i++) {
            sample at = open_sample(self, eval, r, i);
            scores(self, &at, x, z);
            sum += normalise(self, at.label, z);
        }
        f[r] = sum / (double)count;
        if (self->l2 > 0)
            f[r] += 0.5 * self->l2 * self->kernels->dot(weights, x.weights, x.weights);
    }
    return UNS_OK;
}

static uns_status softmax_gradient(const void *memory, const uns_eval *eval, uns_tensors g) {
    const softmax *self = memory;
    size_t count = sample_count(self, eval);
    for (size_t r = 0; r < eval->replicas; r++) {
        view x = model_in(self, eval, eval->x, r, 0);
        model sum = model_out(self, eval, g);
        for (size_t i = 0; i < count; i++) {
            sample at = open_sample(self, eval, r, i);
            add_gradient(self, &at, x, 1 / (double)count, sum);
        }
        add_decay(self, x, sum);
        deliver(self, eval, sum, r, g);
    }
    return UNS_OK;
}

static uns_status softmax_product(const void *memory, const uns_eval *eval, uns_const_tensors v,
                                  uns_tensors out) {
    const softmax *self = memory;
    size_t count = sample_count(self, eval);
    for (size_t r = 0; r < eval->replicas; r++) {
        view x = model_in(self, eval, eval->x, r, 0), along = model_in(self, eval, v, r, 1);
        model sum = model_out(self, eval, out);
        for (size_t i = 0; i < count; i++) {
            sample at = open_sample(self, eval, r, i);
            add_product(self, &at, x, along, 1 / (double)count, sum);
        }
        add_decay(self, along, sum);
        deliver(self, eval, sum, r, out);
    }
    return UNS_OK;
}

static uns_status softmax_per_sample(const void *memory, const uns_eval *eval, double *rows) {
    const softmax *self = memory;
    view x = model_in(self, eval, eval->x, 0, 0);
    size_t count = sample_count(self, eval), size = model_size(self);
    memset(rows, 0, count * size * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        model row = model_at(self, rows + i * size);
        sample at = open_sample(self, eval, 0, i);
        add_gradient(self, &at, x, 1, row);
        add_decay(self, x, row);
    }
    return UNS_OK;
}

static void softmax_truth(const void *memory, uns_truth *truth) {
    *truth = (uns_truth){NAN, NAN, NAN, ((const softmax *)memory)->accuracy_goal};
}

static uint64_t softmax_samples(const void *memory) {
    return ((const softmax *)memory)->train.images.count;
}

static uns_status softmax_accuracy(const void *memory, const uns_eval *eval, double *share) {
    const softmax *self = memory;
    view x = model_in(self, eval, eval->x, 0, 0);
    size_t count = self->test.images.count, right = 0;
    for (size_t i = 0; i < count; i++) {
        double z[CLASSES];
        unsigned best = 0;
        sample at = open_image(self, &self->test, i, eval->scratch);
        scores(self, &at, x, z);
        for (unsigned c = 1; c < CLASSES; c++)
            best = z[c] > z[best] ? c : best;
        right += best == at.label;
    }
    *share = (double)right / (double)count;
    return UNS_OK;
}

const uns_problem_ops uns_softmax = {
    .size = sizeof(uns_problem_ops),
    .name = "softmax",
    .summary = "softmax regression on images of digits: drawn glyphs, or MNIST's IDX files",
    .params = &uns_softmax_params,
    .create = uns_softmax_create,
    .destroy = uns_softmax_destroy,
    .blocks = softmax_blocks,
    .scratch = softmax_scratch,
    .start = softmax_start,
    .value = softmax_value,
    .gradient = softmax_gradient,
    .product = softmax_product,
    .per_sample = softmax_per_sample,
    .truth = softmax_truth,
    .samples = softmax_samples,
    .accuracy = softmax_accuracy,
};

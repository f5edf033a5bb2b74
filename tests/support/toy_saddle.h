/* SPDX-License-Identifier: MIT
 * A one-dimensional saddle for tests of the runner: f = −½cx² + x⁶/6 from 0, Gaussian noise,
 * and on demand whatever can go wrong. The counters are the test's, shared by all threads.
 */
#ifndef UNS_TEST_TOY_SADDLE_H
#define UNS_TEST_TOY_SADDLE_H

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/problem.h>

typedef struct saddle_counters {
    atomic_int created, destroyed, values;
    volatile int interrupt; /* raised at gradient interrupt_at of replica 0 */
} saddle_counters;

typedef struct saddle_config {
    double curvature, noise;
    int64_t samples;      /* above 0: says it is a finite sum of so many */
    int64_t no_criterion; /* 1: there is a minimum, but no escape */
    int64_t bad_replica;  /* its gradient is infinite ... */
    int64_t bad_step;     /* ... from this batch on; 0: never */
    int64_t fail_step;    /* the gradient fails at this batch; 0: never */
    int64_t interrupt_at; /* 0: never */
    int64_t has_accuracy;
    saddle_counters *counters;
} saddle_config;

static inline uns_status saddle_create(uns_context *context, const void *raw, void **self) {
    saddle_config *copy = malloc(sizeof *copy);
    (void)context;
    if (!copy)
        return UNS_ERROR_MEMORY;
    memcpy(copy, raw, sizeof *copy);
    copy->counters->created++;
    *self = copy;
    return UNS_OK;
}

static inline void saddle_destroy(void *self) {
    ((saddle_config *)self)->counters->destroyed++;
    free(self);
}

static inline size_t saddle_blocks(const void *self, const uns_block **blocks) {
    static const uns_block block = {"x", 1, 1, 0};
    (void)self;
    *blocks = &block;
    return 1;
}

static inline uns_status saddle_start(const void *self, uns_key key, size_t replicas,
                                      uns_tensors x) {
    (void)self;
    (void)key;
    memset(x.data[0], 0, replicas * sizeof(double));
    return UNS_OK;
}

static inline double saddle_at(const saddle_config *self, double x) {
    return (x * x * x * x / 6.0 - 0.5 * self->curvature) * (x * x);
}

static inline uns_status saddle_value(const void *raw, const uns_eval *eval, double *f) {
    const saddle_config *self = raw;
    const double *x = eval->x.data[0];
    self->counters->values++;
    for (size_t r = 0; r < eval->replicas; r++)
        f[r] = saddle_at(self, x[r]);
    return UNS_OK;
}

static inline uns_status saddle_gradient(const void *raw, const uns_eval *eval, uns_tensors g) {
    const saddle_config *self = raw;
    const double *x = eval->x.data[0];
    uns_key key = eval->batch->key;
    int64_t batch = (int64_t)key.step + 1;
    bool moves = key.stream == UNS_STREAM_GRADIENT;
    if (moves && self->fail_step == batch)
        return UNS_ERROR_CALLBACK;
    if (moves && key.replica == 0 && self->interrupt_at == batch)
        self->counters->interrupt = 1;
    for (size_t r = 0; r < eval->replicas; r++, key.replica++) {
        double xi;
        uns_random_normal(key, 0, 1, &xi);
        ((double *)g.data[0])[r] =
            (x[r] * x[r] * x[r] * x[r] - self->curvature) * x[r] + self->noise * xi;
        if (moves && self->bad_step > 0 && batch >= self->bad_step &&
            key.replica == self->bad_replica)
            ((double *)g.data[0])[r] = INFINITY;
    }
    return UNS_OK;
}

static inline uns_status saddle_second_moment(const void *raw, const uns_eval *eval,
                                              size_t batch, uns_about about, uns_shape shape,
                                              uns_tensors out) {
    const saddle_config *self = raw;
    const double *x = eval->x.data[0];
    if (shape != UNS_SHAPE_DIAGONAL)
        return UNS_ERROR_UNAVAILABLE;
    for (size_t r = 0; r < eval->replicas; r++) {
        double mean = (x[r] * x[r] * x[r] * x[r] - self->curvature) * x[r];
        double extra = about == UNS_ABOUT_SECOND_MOMENT ? mean * mean : 0.0;
        ((double *)out.data[0])[r] = self->noise * self->noise / (double)batch + extra;
    }
    return UNS_OK;
}

static inline void saddle_truth(const void *raw, uns_truth *truth) {
    const saddle_config *self = raw;
    truth->minimum = -pow(self->curvature, 1.5) / 3.0;
    truth->start_value = 0.0;
    truth->escape_value = self->no_criterion ? NAN : 0.5 * truth->minimum;
    truth->accuracy_goal = NAN;
}

static inline uns_status saddle_spectra(const void *raw, uns_point point, double *hessian,
                                        double *noise) {
    const saddle_config *self = raw;
    *hessian = point == UNS_POINT_START ? -self->curvature : 4.0 * self->curvature;
    *noise = self->noise * self->noise;
    return UNS_OK;
}

static inline uint64_t saddle_samples(const void *raw) {
    return (uint64_t)((const saddle_config *)raw)->samples;
}

/* x itself: tells whose it was. */
static inline uns_status saddle_accuracy(const void *raw, const uns_eval *eval, double *share) {
    (void)raw;
    *share = ((const double *)eval->x.data[0])[0];
    return eval->replicas == 1 ? UNS_OK : UNS_ERROR_ARGUMENT;
}

static const uns_param_table saddle_table = {"problem 'toy-saddle'", sizeof(saddle_config), 0,
                                             NULL};

static const uns_problem_ops saddle_ops = {.size = sizeof(uns_problem_ops),
                                           .name = "toy-saddle",
                                           .summary = "a saddle for tests",
                                           .params = &saddle_table,
                                           .create = saddle_create,
                                           .destroy = saddle_destroy,
                                           .blocks = saddle_blocks,
                                           .start = saddle_start,
                                           .value = saddle_value,
                                           .gradient = saddle_gradient,
                                           .second_moment = saddle_second_moment,
                                           .truth = saddle_truth,
                                           .spectra = saddle_spectra,
                                           .samples = saddle_samples,
                                           .accuracy = saddle_accuracy};

#endif

/* SPDX-License-Identifier: MIT
 * A convex quadratic, f(x) = ½(x−x*)ᵀH(x−x*), with additive Gaussian gradient noise and, if
 * asked for, multiplicative noise in the eigenvalues:
 *
 *     f(x, z) = ½ Σ h_i(1 + mε_i)e_i² + bᵀ(x−x*),   e = Qᵀ(x−x*), ε_i ~ N(0, 1), b ~ N(0, Σ)
 *
 * so that Cov g = Σ + m²·Q diag(h_i²e_i²) Qᵀ. No saddle: the place to look at floors, at
 * conditioning and at noise that fades towards the minimum.
 */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "kern/kern.h"
#include "prob/builtin.h"
#include "prob/frame.h"
#include "prob/sampling.h"

enum spacing {
    SPACING_LOG,
    SPACING_EVEN
};

enum {
    AUTO_DIMENSION = 20,
    DRAW_OPTIMUM = 16 /* step of the problem stream; frame.c uses the first ones */
};

typedef struct quadratic_config {
    uns_frame_config frame;
    double largest, condition;
    int spacing;
    double multiplicative;
    double optimum;
    double distance;
} quadratic_config;

typedef struct quadratic {
    uns_context *context;
    uns_frame frame;
    uns_block block;
    double multiplicative;
    double offset;   /* every e_i at the start */
    size_t width;    /* deviates of one batch mean: noise, then ε */
    double *optimum; /* y* = Qᵀx* */
} quadratic;

static const uns_named spacing_names[] = {
    {"log", SPACING_LOG}, {"even", SPACING_EVEN}, {NULL, 0}};

#define FIELD(name) offsetof(quadratic_config, name)
static const uns_param rows[] = {
    UNS_FRAME_ROWS(quadratic_config, "1"),
    {"largest", NULL, UNS_PARAM_REAL, FIELD(largest), 0, 1e100, UNS_OPEN_LOW, NULL, "1", "",
     "generated Hessian: its largest eigenvalue"},
    {"condition", NULL, UNS_PARAM_REAL, FIELD(condition), 1, 1e100, 0, NULL, "100", "",
     "generated Hessian: largest over smallest eigenvalue"},
    {"spacing", NULL, UNS_PARAM_CHOICE, FIELD(spacing), 0, 0, 0, spacing_names, "log", "",
     "generated Hessian: eigenvalues evenly spaced, or so in the logarithm"},
    {"multiplicative", NULL, UNS_PARAM_REAL, FIELD(multiplicative), 0, 1e100, 0, NULL, "0", "",
     "m, relative standard deviation of each eigenvalue from sample to sample"},
    {"optimum", NULL, UNS_PARAM_REAL, FIELD(optimum), 0, 1e100, 0, NULL, "0", "",
     "distance of the minimum from the origin, in a random direction"},
    {"distance", NULL, UNS_PARAM_REAL, FIELD(distance), 0, 1e100, 0, NULL, "1", "",
     "distance of the start from the minimum, shared evenly by the eigenvectors"},
};
#undef FIELD

static const uns_param_table table = {"problem 'quadratic'", sizeof(quadratic_config),
                                      UNS_COUNT_OF(rows), rows};

static uns_status fill_curvature(quadratic *self, const quadratic_config *config) {
    uns_frame *frame = &self->frame;
    double smallest = config->largest / config->condition;
    for (size_t i = 0; i < frame->d && !config->frame.hessian.count; i++)
        frame->curvature[i] = config->spacing == SPACING_LOG
                                  ? uns_spectrum_log(smallest, config->largest, i, frame->d)
                                  : uns_spectrum_even(smallest, config->largest, i, frame->d);
    for (size_t i = 0; i < frame->d; i++)
        if (frame->curvature[i] < 0.0)
            return uns_fail(self->context, UNS_ERROR_RANGE,
                            "hessian: %g is negative, but 'quadratic' is convex; use the "
                            "problem 'saddle'",
                            frame->curvature[i]);
    return UNS_OK;
}

static uns_status place_optimum(quadratic *self, double norm) {
    const uns_frame *frame = &self->frame;
    self->optimum = uns_allocate(self->context, frame->d * sizeof(double));
    if (!self->optimum)
        return UNS_ERROR_MEMORY;
    uns_key key = {frame->seed, DRAW_OPTIMUM, 0, UNS_STREAM_PROBLEM};
    uns_random_normal(key, 0, frame->d, self->optimum);
    double length = sqrt(frame->kernels->dot(frame->d, self->optimum, self->optimum));
    for (size_t i = 0; i < frame->d; i++)
        self->optimum[i] *= norm / length;
    return UNS_OK;
}

static uns_status build(quadratic *self, const quadratic_config *config) {
    uns_frame *frame = &self->frame;
    UNS_TRY(uns_frame_open(self->context, &config->frame, AUTO_DIMENSION, frame));
    self->block = (uns_block){"x", frame->d, 1, 0};
    self->multiplicative = config->multiplicative;
    self->offset = config->distance / sqrt((double)frame->d);
    UNS_TRY(fill_curvature(self, config));
    UNS_TRY(uns_frame_draw(frame, &config->frame, 0, -1.0));
    self->width = frame->draws + (self->multiplicative > 0.0 ? frame->d : 0);
    return place_optimum(self, config->optimum);
}

static void destroy(void *raw) {
    quadratic *self = raw;
    uns_frame_close(&self->frame);
    uns_release(self->context, self->optimum);
    uns_release(self->context, self);
}

static uns_status create(uns_context *context, const void *config, void **out) {
    quadratic *self = uns_allocate(context, sizeof *self);
    if (!self)
        return UNS_ERROR_MEMORY;
    self->context = self->frame.context = context;
    uns_status status = build(self, config);
    if (status != UNS_OK) {
        destroy(self);
        return status;
    }
    *out = self;
    return UNS_OK;
}

static size_t blocks(const void *raw, const uns_block **out) {
    *out = &((const quadratic *)raw)->block;
    return 1;
}

/* Scratch, in doubles: e (d·R), z (d·R), values (d), deviates (width·R), shift (width), and
 * 2·width of work. */
typedef struct workspace {
    double *e, *z, *values, *deviates, *shift, *work;
} workspace;

static size_t scratch(const void *raw, size_t replicas, size_t batch) {
    const quadratic *self = raw;
    size_t count = self->frame.d * (2 * replicas + 1);
    if (batch)
        count += self->width * (replicas + 3);
    return count * sizeof(double);
}

static workspace carve(const quadratic *self, const uns_eval *eval) {
    size_t d = self->frame.d, size = d * eval->replicas;
    workspace work = {.e = eval->scratch};
    work.z = work.e + size;
    work.values = work.z + size;
    work.deviates = work.values + d;
    work.shift = work.deviates + self->width * eval->replicas;
    work.work = work.shift + self->width;
    return work;
}

static uns_status start(const void *raw, uns_key key, size_t replicas, uns_tensors x) {
    const quadratic *self = raw;
    const uns_frame *frame = &self->frame;
    double *out = x.data[0];
    (void)key;
    for (size_t i = 0; i < frame->d; i++) {
        double sum = frame->basis ? 0.0 : self->optimum[i] + self->offset;
        for (size_t k = 0; k < frame->d && frame->basis; k++)
            sum += frame->basis[i * frame->d + k] * (self->optimum[k] + self->offset);
        for (size_t r = 0; r < replicas; r++)
            out[i * replicas + r] = sum;
    }
    return UNS_OK;
}

/* e = Qᵀx − y* */
static void enter(const quadratic *self, size_t replicas, const double *x, double *e) {
    uns_frame_enter(&self->frame, replicas, x, e);
    for (size_t i = 0; i < self->frame.d; i++)
        for (size_t k = i * replicas; k < (i + 1) * replicas; k++)
            e[k] -= self->optimum[i];
}

/* Draws the batch: z = b in the frame. Zero for the whole objective. */
static void draw(const quadratic *self, const uns_eval *eval, const workspace *work) {
    const uns_frame *frame = &self->frame;
    if (!eval->batch) {
        memset(work->z, 0, frame->d * eval->replicas * sizeof(double));
        return;
    }
    uns_gaussian_mean(frame->kernels, eval->batch, self->width, eval->replicas, work->deviates);
    uns_frame_noise(frame, eval->replicas, work->deviates, work->z);
}

/* The eigenvalue in force for element k, which is in row i: h_i(1 + mε). */
static double stiffness(const quadratic *self, const uns_eval *eval, const workspace *work,
                        size_t i, size_t k) {
    double h = self->frame.curvature[i];
    if (!eval->batch || self->width == self->frame.draws)
        return h;
    const double *epsilon = work->deviates + self->frame.draws * eval->replicas;
    return h + h * (self->multiplicative * epsilon[k]);
}

static uns_status value(const void *raw, const uns_eval *eval, double *f) {
    const quadratic *self = raw;
    size_t replicas = eval->replicas;
    workspace work = carve(self, eval);
    enter(self, replicas, eval->x.data[0], work.e);
    draw(self, eval, &work);
    memset(f, 0, replicas * sizeof *f);
    for (size_t i = 0; i < self->frame.d; i++)
        for (size_t r = 0; r < replicas; r++) {
            size_t k = i * replicas + r;
            double half = 0.5 * stiffness(self, eval, &work, i, k);
            f[r] += (half * work.e[k] + work.z[k]) * work.e[k];
        }
    return UNS_OK;
}

/* z += the slope at e, then back to x. */
static void finish_gradient(const quadratic *self, const uns_eval *eval, const workspace *work,
                            double *out) {
    size_t replicas = eval->replicas;
    for (size_t i = 0; i < self->frame.d; i++)
        for (size_t k = i * replicas; k < (i + 1) * replicas; k++)
            work->z[k] += stiffness(self, eval, work, i, k) * work->e[k];
    uns_frame_leave(&self->frame, replicas, work->z, out);
}

static uns_status gradient(const void *raw, const uns_eval *eval, uns_tensors out) {
    const quadratic *self = raw;
    workspace work = carve(self, eval);
    enter(self, eval->replicas, eval->x.data[0], work.e);
    draw(self, eval, &work);
    finish_gradient(self, eval, &work, out.data[0]);
    return UNS_OK;
}

static uns_status product(const void *raw, const uns_eval *eval, uns_const_tensors v,
                          uns_tensors out) {
    const quadratic *self = raw;
    size_t replicas = eval->replicas;
    workspace work = carve(self, eval);
    draw(self, eval, &work);
    uns_frame_enter(&self->frame, replicas, v.data[0], work.z);
    for (size_t i = 0; i < self->frame.d; i++)
        for (size_t k = i * replicas; k < (i + 1) * replicas; k++)
            work.z[k] *= stiffness(self, eval, &work, i, k);
    uns_frame_leave(&self->frame, replicas, work.z, out.data[0]);
    return UNS_OK;
}

static uns_status per_sample(const void *raw, const uns_eval *eval, double *out) {
    const quadratic *self = raw;
    const uns_frame *frame = &self->frame;
    workspace work = carve(self, eval);
    uns_gaussian_shift(frame->kernels, eval->batch, self->width, work.work, work.shift);
    enter(self, 1, eval->x.data[0], work.e);
    for (size_t i = 0; i < eval->batch->size; i++) {
        uns_gaussian_sample(frame->kernels, eval->batch, self->width, i, work.shift,
                            work.deviates);
        uns_frame_noise(frame, 1, work.deviates, work.z);
        finish_gradient(self, eval, &work, out + i * frame->d);
    }
    return UNS_OK;
}

/* Adds share·m²·Q diag(h²e²) Qᵀ for replica r; `frozen`: e as at the start. */
static void add_multiplicative(const quadratic *self, const uns_eval *eval,
                               const workspace *work, size_t r, double share, bool frozen,
                               uns_shape shape, double *out) {
    const uns_frame *frame = &self->frame;
    size_t d = frame->d, replicas = eval->replicas;
    for (size_t k = 0; k < d; k++) {
        double e = frozen ? self->offset : work->e[k * replicas + r];
        double spread = self->multiplicative * frame->curvature[k] * e;
        work->values[k] = share * spread * spread;
    }
    if (shape == UNS_SHAPE_DIAGONAL)
        uns_frame_add_diagonal(frame, replicas, work->values, out + r);
    else
        uns_frame_add_dense(frame, work->values, out + r * d * d);
}

static uns_status second_moment(const void *raw, const uns_eval *eval, size_t batch,
                                uns_about about, uns_shape shape, uns_tensors out) {
    const quadratic *self = raw;
    workspace work = carve(self, eval);
    uns_eval whole = *eval;
    double share = 1.0 / (double)batch, *mean = NULL;
    whole.batch = NULL;
    if (about == UNS_ABOUT_SECOND_MOMENT) {
        mean = work.e;
        UNS_TRY(gradient(self, &whole, (uns_tensors){(void *[]){mean}, 1}));
    }
    uns_frame_moment(&self->frame, eval->replicas, share, mean, shape, out.data[0]);
    enter(self, eval->replicas, eval->x.data[0], work.e);
    for (size_t r = 0; r < eval->replicas && self->multiplicative > 0.0; r++)
        add_multiplicative(self, eval, &work, r, share, about == UNS_ABOUT_FROZEN, shape,
                           out.data[0]);
    return UNS_OK;
}

static void truth(const void *raw, uns_truth *out) {
    const quadratic *self = raw;
    double sum = 0.0;
    for (size_t i = 0; i < self->frame.d; i++)
        sum += 0.5 * self->frame.curvature[i] * self->offset * self->offset;
    out->minimum = 0.0;
    out->start_value = sum;
}

static uns_status spectra(const void *raw, uns_point point, double *hessian, double *noise) {
    const quadratic *self = raw;
    const uns_frame *frame = &self->frame;
    if (frame->d > 64)
        return UNS_ERROR_UNAVAILABLE;
    double values[64];
    memset(hessian, 0, frame->d * frame->d * sizeof *hessian);
    uns_frame_add_dense(frame, frame->curvature, hessian);
    uns_frame_covariance(frame, noise);
    for (size_t i = 0; i < frame->d; i++) {
        double spread = self->multiplicative * frame->curvature[i] * self->offset;
        values[i] = spread * spread;
    }
    if (point == UNS_POINT_START)
        uns_frame_add_dense(frame, values, noise);
    return UNS_OK;
}

const uns_problem_ops uns_quadratic = {
    .size = sizeof(uns_problem_ops),
    .name = "quadratic",
    .summary = "a convex quadratic with a chosen spectrum, additive and multiplicative noise",
    .params = &table,
    .create = create,
    .destroy = destroy,
    .blocks = blocks,
    .scratch = scratch,
    .start = start,
    .value = value,
    .gradient = gradient,
    .product = product,
    .per_sample = per_sample,
    .second_moment = second_moment,
    .truth = truth,
    .spectra = spectra,
};

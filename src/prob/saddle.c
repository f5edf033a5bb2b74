/* SPDX-License-Identifier: MIT
 * A saddle in any dimension: f(x) = ½xᵀHx + c(Qᵀx) with gradient noise N(0, Σ), where Q holds
 * the eigenvectors of H. The spectra of H and Σ and the rotations of each are chosen, so that
 * escape times and floors are known in closed form (the project's own derivation).
 *
 * The confinement c acts on the eigen-coordinates y = Qᵀx and not on the axes: f is then a sum
 * of one-dimensional functions and its minimum is known exactly, whatever the rotation.
 */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "kern/kern.h"
#include "prob/builtin.h"
#include "prob/frame.h"
#include "prob/sampling.h"

/* c(y) = 0, Σ y_i¹⁰ or Σ y_i⁴. */
enum confinement {
    CONFINE_NONE,
    CONFINE_POWER10,
    CONFINE_QUARTIC
};

enum {
    AUTO_DIMENSION = 10
};

typedef struct saddle_config {
    uns_frame_config frame;
    double negative, stiff_low, stiff_high;
    double starve;
    int confinement;
    double drop;
} saddle_config;

typedef struct saddle {
    uns_context *context;
    uns_frame frame;
    uns_block block;
    int confinement;
    size_t escape; /* index of the most negative eigenvalue */
    double drop;
} saddle;

static const uns_named confinement_names[] = {{"none", CONFINE_NONE},
                                              {"power10", CONFINE_POWER10},
                                              {"quartic", CONFINE_QUARTIC},
                                              {NULL, 0}};
static const uns_named starve_words[] = {{"none", -1}, {NULL, 0}};
static const uns_named drop_words[] = {{"auto", -1}, {NULL, 0}};

#define FIELD(name) offsetof(saddle_config, name)
static const uns_param rows[] = {
    UNS_FRAME_ROWS(saddle_config, "1e-2"),
    {"negative", NULL, UNS_PARAM_REAL, FIELD(negative), -1e100, 0, UNS_OPEN_HIGH, NULL, "-0.1",
     "", "generated Hessian: its first eigenvalue, the only negative one"},
    {"stiff_low", NULL, UNS_PARAM_REAL, FIELD(stiff_low), 0, 1e100, UNS_OPEN_LOW, NULL, "0.3",
     "", "generated Hessian: the other eigenvalues run evenly from here"},
    {"stiff_high", NULL, UNS_PARAM_REAL, FIELD(stiff_high), 0, 1e100, UNS_OPEN_LOW, NULL, "1",
     "", "... to here"},
    {"starve", NULL, UNS_PARAM_REAL, FIELD(starve), 0, 1e100, 0, starve_words, "none", "",
     "noise variance left along the escape direction u, uncorrelated with the rest: "
     "(I-uu')S(I-uu') + starve uu'"},
    {"confinement", NULL, UNS_PARAM_CHOICE, FIELD(confinement), 0, 0, 0, confinement_names,
     "power10", "",
     "what keeps f bounded, added in the eigen-coordinates y of the Hessian: sum of y^10, of "
     "y^4, or nothing"},
    {"drop", NULL, UNS_PARAM_REAL, FIELD(drop), 0, 1e100, UNS_OPEN_LOW, drop_words, "auto", "",
     "decrease of f that counts as escaped; auto: half the depth of the minimum, 0.05 without "
     "confinement"},
};
#undef FIELD

static const uns_param_table table = {"problem 'saddle'", sizeof(saddle_config),
                                      UNS_COUNT_OF(rows), rows};

/* One coordinate of n replicas: g += h·y + c'(y). */
static void slope(const saddle *self, size_t n, double h, const double *y, double *g) {
    const uns_kernels *kernels = self->frame.kernels;
    if (self->confinement == CONFINE_POWER10)
        kernels->saddle_gradient(n, h, y, g);
    else if (self->confinement == CONFINE_NONE)
        kernels->axpy(n, h, y, g);
    else
        for (size_t r = 0; r < n; r++)
            g[r] += h * y[r] + 4.0 * (y[r] * y[r]) * y[r];
}

/* f += ½h·y² + c(y). */
static void height(const saddle *self, size_t n, double h, const double *y, double *f) {
    if (self->confinement == CONFINE_POWER10) {
        self->frame.kernels->saddle_value(n, h, y, f);
        return;
    }
    double quartic = self->confinement == CONFINE_QUARTIC ? 1.0 : 0.0;
    for (size_t r = 0; r < n; r++) {
        double square = y[r] * y[r];
        f[r] += 0.5 * h * square + quartic * (square * square);
    }
}

/* h + c''(y). */
static double bend(const saddle *self, double h, double y) {
    double square = y * y, fourth = square * square;
    if (self->confinement == CONFINE_POWER10)
        return h + 90.0 * (fourth * fourth);
    return self->confinement == CONFINE_QUARTIC ? h + 12.0 * square : h;
}

/* Depth of the minimum along a coordinate with h < 0:
 *   y¹⁰: h + 10y⁸ = 0, f = 0.4·h·y²;   y⁴: h + 4y² = 0, f = −h²/16 */
static double depth(const saddle *self, double h) {
    if (h >= 0.0)
        return 0.0;
    return self->confinement == CONFINE_POWER10 ? 0.4 * h * sqrt(sqrt(-h / 10.0))
                                                : -h * h / 16.0;
}

static double minimum(const saddle *self) {
    double sum = 0.0;
    for (size_t i = 0; i < self->frame.d; i++)
        sum += depth(self, self->frame.curvature[i]);
    return sum;
}

static uns_status fill_curvature(saddle *self, const saddle_config *config) {
    uns_frame *frame = &self->frame;
    if (!config->frame.hessian.count) {
        frame->curvature[0] = config->negative;
        for (size_t i = 1; i < frame->d; i++)
            frame->curvature[i] =
                uns_spectrum_even(config->stiff_low, config->stiff_high, i - 1, frame->d - 1);
    }
    for (size_t i = 1; i < frame->d; i++)
        if (frame->curvature[i] < frame->curvature[self->escape])
            self->escape = i;
    if (frame->curvature[self->escape] >= 0.0)
        return uns_fail(self->context, UNS_ERROR_RANGE,
                        "hessian: a saddle needs a negative eigenvalue; for a convex function "
                        "use the problem 'quadratic'");
    return UNS_OK;
}

static uns_status settle_drop(saddle *self, const saddle_config *config) {
    double deepest = self->confinement == CONFINE_NONE ? INFINITY : -minimum(self);
    self->drop = config->drop;
    if (config->drop < 0.0)
        self->drop = self->confinement == CONFINE_NONE ? 0.05 : 0.5 * deepest;
    if (self->drop >= deepest)
        return uns_fail(self->context, UNS_ERROR_RANGE,
                        "drop: %g cannot be reached, the minimum lies only %g below the saddle",
                        self->drop, deepest);
    return UNS_OK;
}

static uns_status build(saddle *self, const saddle_config *config) {
    UNS_TRY(uns_frame_open(self->context, &config->frame, AUTO_DIMENSION, &self->frame));
    self->confinement = config->confinement;
    self->block = (uns_block){"x", self->frame.d, 1, 0};
    UNS_TRY(fill_curvature(self, config));
    UNS_TRY(settle_drop(self, config));
    return uns_frame_draw(&self->frame, &config->frame, self->escape, config->starve);
}

static void destroy(void *raw) {
    saddle *self = raw;
    uns_frame_close(&self->frame);
    uns_release(self->context, self);
}

static uns_status create(uns_context *context, const void *config, void **out) {
    saddle *self = uns_allocate(context, sizeof *self);
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
    *out = &((const saddle *)raw)->block;
    return 1;
}

/* Scratch, in doubles: y (d·R), z (d·R), deviates (draws·R), shift (draws). */
typedef struct workspace {
    double *y, *z, *deviates, *shift;
} workspace;

static size_t scratch(const void *raw, size_t replicas, size_t batch) {
    const uns_frame *frame = &((const saddle *)raw)->frame;
    size_t count = 2 * frame->d * replicas;
    if (batch)
        count += frame->draws * (replicas + 1);
    return count * sizeof(double);
}

static workspace carve(const saddle *self, const uns_eval *eval) {
    size_t size = self->frame.d * eval->replicas;
    workspace work = {eval->scratch, NULL, NULL, NULL};
    work.z = work.y + size;
    work.deviates = work.z + size;
    work.shift = work.deviates + self->frame.draws * eval->replicas;
    return work;
}

static uns_status start(const void *raw, uns_key key, size_t replicas, uns_tensors x) {
    (void)key;
    memset(x.data[0], 0, ((const saddle *)raw)->frame.d * replicas * sizeof(double));
    return UNS_OK;
}

/* z = the batch mean of b in the frame; zero for the whole objective. */
static void mean_noise(const saddle *self, const uns_eval *eval, const workspace *work) {
    const uns_frame *frame = &self->frame;
    if (!eval->batch) {
        memset(work->z, 0, frame->d * eval->replicas * sizeof(double));
        return;
    }
    uns_gaussian_mean(frame->kernels, eval->batch, frame->draws, eval->replicas,
                      work->deviates);
    uns_frame_noise(frame, eval->replicas, work->deviates, work->z);
}

static uns_status value(const void *raw, const uns_eval *eval, double *f) {
    const saddle *self = raw;
    size_t replicas = eval->replicas;
    workspace work = carve(self, eval);
    uns_frame_enter(&self->frame, replicas, eval->x.data[0], work.y);
    memset(f, 0, replicas * sizeof *f);
    for (size_t i = 0; i < self->frame.d; i++)
        height(self, replicas, self->frame.curvature[i], work.y + i * replicas, f);
    if (!eval->batch)
        return UNS_OK;
    mean_noise(self, eval, &work);
    for (size_t i = 0; i < self->frame.d; i++)
        for (size_t r = 0; r < replicas; r++)
            f[r] += work.z[i * replicas + r] * work.y[i * replicas + r];
    return UNS_OK;
}

/* z += the exact slope at y, then back to x. */
static void finish_gradient(const saddle *self, size_t replicas, const workspace *work,
                            double *out) {
    for (size_t i = 0; i < self->frame.d; i++)
        slope(self, replicas, self->frame.curvature[i], work->y + i * replicas,
              work->z + i * replicas);
    uns_frame_leave(&self->frame, replicas, work->z, out);
}

static uns_status gradient(const void *raw, const uns_eval *eval, uns_tensors out) {
    const saddle *self = raw;
    workspace work = carve(self, eval);
    uns_frame_enter(&self->frame, eval->replicas, eval->x.data[0], work.y);
    mean_noise(self, eval, &work);
    finish_gradient(self, eval->replicas, &work, out.data[0]);
    return UNS_OK;
}

static uns_status product(const void *raw, const uns_eval *eval, uns_const_tensors v,
                          uns_tensors out) {
    const saddle *self = raw;
    size_t replicas = eval->replicas;
    workspace work = carve(self, eval);
    uns_frame_enter(&self->frame, replicas, eval->x.data[0], work.y);
    uns_frame_enter(&self->frame, replicas, v.data[0], work.z);
    for (size_t i = 0; i < self->frame.d; i++)
        for (size_t k = i * replicas; k < (i + 1) * replicas; k++)
            work.z[k] *= bend(self, self->frame.curvature[i], work.y[k]);
    uns_frame_leave(&self->frame, replicas, work.z, out.data[0]);
    return UNS_OK;
}

static uns_status per_sample(const void *raw, const uns_eval *eval, double *out) {
    const saddle *self = raw;
    const uns_frame *frame = &self->frame;
    workspace work = carve(self, eval);
    /* y and z serve as the 2·draws of work space; draws <= d + 1, and z's neighbour is free */
    uns_gaussian_shift(frame->kernels, eval->batch, frame->draws, work.y, work.shift);
    uns_frame_enter(frame, 1, eval->x.data[0], work.y);
    for (size_t i = 0; i < eval->batch->size; i++) {
        uns_gaussian_sample(frame->kernels, eval->batch, frame->draws, i, work.shift,
                            work.deviates);
        uns_frame_noise(frame, 1, work.deviates, work.z);
        finish_gradient(self, 1, &work, out + i * frame->d);
    }
    return UNS_OK;
}

/* Σ is the same everywhere, so that frozen and covariance agree. */
static uns_status second_moment(const void *raw, const uns_eval *eval, size_t batch,
                                uns_about about, uns_shape shape, uns_tensors out) {
    const saddle *self = raw;
    workspace work = carve(self, eval);
    const double *mean = NULL;
    if (about == UNS_ABOUT_SECOND_MOMENT) {
        uns_frame_enter(&self->frame, eval->replicas, eval->x.data[0], work.y);
        memset(work.z, 0, self->frame.d * eval->replicas * sizeof(double));
        finish_gradient(self, eval->replicas, &work, work.y);
        mean = work.y;
    }
    uns_frame_moment(&self->frame, eval->replicas, 1.0 / (double)batch, mean, shape,
                     out.data[0]);
    return UNS_OK;
}

static void truth(const void *raw, uns_truth *out) {
    const saddle *self = raw;
    if (self->confinement != CONFINE_NONE)
        out->minimum = minimum(self);
    out->start_value = 0.0;
    out->escape_value = -self->drop;
}

/* At the minimum c'' adds −9h (y¹⁰) or −3h (y⁴) along the negative eigenvectors. */
static uns_status spectra(const void *raw, uns_point point, double *hessian, double *noise) {
    const saddle *self = raw;
    const uns_frame *frame = &self->frame;
    if (frame->d > 64 || (point == UNS_POINT_MINIMUM && self->confinement == CONFINE_NONE))
        return UNS_ERROR_UNAVAILABLE;
    double values[64];
    double factor = self->confinement == CONFINE_POWER10 ? -8.0 : -2.0;
    for (size_t i = 0; i < frame->d; i++) {
        double h = frame->curvature[i];
        values[i] = point == UNS_POINT_MINIMUM && h < 0.0 ? factor * h : h;
    }
    memset(hessian, 0, frame->d * frame->d * sizeof *hessian);
    uns_frame_add_dense(frame, values, hessian);
    uns_frame_covariance(frame, noise);
    return UNS_OK;
}

const uns_problem_ops uns_saddle = {
    .size = sizeof(uns_problem_ops),
    .name = "saddle",
    .summary = "a saddle of any dimension with chosen spectra and rotations",
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

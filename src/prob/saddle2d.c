/* SPDX-License-Identifier: MIT
 * The paper's saddle: f_i(x) = ½xᵀHx + b_iᵀx + ‖x‖₁₀¹⁰ in two dimensions, H = diag(1, −0.1),
 * E b = 0, Cov b = diag(1, 0.01), start at the origin (Staib, Reddi, Kale, Kumar, Sra 2019).
 *
 * Not a general saddle (saddle.c is): everything is fixed, so that a gradient of R replicas is
 * five kernel calls. b is Gaussian, or one of `samples` vectors drawn once and then centred and
 * whitened, so that their mean is 0 and their covariance diag(1, 0.01) up to rounding.
 */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "kern/kern.h"
#include "prob/builtin.h"
#include "prob/sampling.h"

enum noise {
    NOISE_GAUSSIAN,
    NOISE_FINITE
};

typedef struct saddle2d_config {
    int noise;
    int sampling;
    int64_t samples;
    int64_t seed;
} saddle2d_config;

typedef struct saddle2d {
    uns_context *context;
    const uns_kernels *kernels;
    uns_sampling sampling;
    size_t samples; /* 0: Gaussian */
    double *noise;  /* samples × 2 */
} saddle2d;

static const double curvature[2] = {1.0, -0.1};
static const double variance[2] = {1.0, 0.01};
static const double deviation[2] = {1.0, 0.1};

static const uns_named noise_names[] = {
    {"gaussian", NOISE_GAUSSIAN}, {"finite", NOISE_FINITE}, {NULL, 0}};

static const uns_param rows[] = {
    {"noise", NULL, UNS_PARAM_CHOICE, offsetof(saddle2d_config, noise), 0, 0, 0, noise_names,
     "gaussian", "",
     "b of each sample: Gaussian, or one of a fixed set with exactly the same mean and "
     "covariance"},
    {"samples", NULL, UNS_PARAM_COUNT, offsetof(saddle2d_config, samples), 3, 1e8, 0, NULL,
     "1000", "", "vectors in the fixed set of finite noise"},
    {"sampling", NULL, UNS_PARAM_CHOICE, offsetof(saddle2d_config, sampling), 0, 0, 0,
     uns_sampling_names, "independent", "",
     "finite noise: draws with replacement, or every sample once an epoch"},
    {"seed", NULL, UNS_PARAM_COUNT, offsetof(saddle2d_config, seed), 0, 9007199254740992.0, 0,
     NULL, "1", "", "seed of the fixed set"},
};

static const uns_param_table table = {"problem 'saddle2d'", sizeof(saddle2d_config),
                                      UNS_COUNT_OF(rows), rows};

/* Columns of b: sum of b[·][i]·b[·][j], or of b[·][i] alone for j < 0. */
static double column_sum(const saddle2d *self, size_t i, int j) {
    double sum = 0.0;
    for (size_t k = 0; k < self->samples; k++)
        sum += self->noise[2 * k + i] * (j < 0 ? 1.0 : self->noise[2 * k + (size_t)j]);
    return sum;
}

static void centre(saddle2d *self) {
    for (size_t i = 0; i < 2; i++) {
        double mean = column_sum(self, i, -1) / (double)self->samples;
        for (size_t k = 0; k < self->samples; k++)
            self->noise[2 * k + i] -= mean;
    }
}

/* Gram–Schmidt on the two columns, then each to its variance. */
static void whiten(saddle2d *self) {
    double *b = self->noise;
    double overlap = column_sum(self, 0, 1) / column_sum(self, 0, 0);
    for (size_t k = 0; k < self->samples; k++)
        b[2 * k + 1] -= overlap * b[2 * k];
    for (size_t i = 0; i < 2; i++) {
        double share = column_sum(self, i, (int)i) / (double)self->samples;
        double scale = sqrt(variance[i] / share);
        for (size_t k = 0; k < self->samples; k++)
            b[2 * k + i] *= scale;
    }
}

static uns_status draw_noise(saddle2d *self, const saddle2d_config *config) {
    self->samples = (size_t)config->samples;
    self->noise = uns_allocate(self->context, self->samples * 2 * sizeof(double));
    if (!self->noise)
        return UNS_ERROR_MEMORY;
    uns_key key = {(uint64_t)config->seed, 0, 0, UNS_STREAM_PROBLEM};
    uns_random_normal(key, 0, 2 * self->samples, self->noise);
    centre(self);
    whiten(self);
    centre(self); /* takes away what rounding left of the mean */
    return UNS_OK;
}

static void destroy(void *raw) {
    saddle2d *self = raw;
    uns_release(self->context, self->noise);
    uns_release(self->context, self);
}

static uns_status create(uns_context *context, const void *raw, void **out) {
    const saddle2d_config *config = raw;
    saddle2d *self = uns_allocate(context, sizeof *self);
    if (!self)
        return UNS_ERROR_MEMORY;
    self->context = context;
    self->kernels = uns_kernels_of(context);
    self->sampling = (uns_sampling)config->sampling;
    uns_status status = config->noise == NOISE_FINITE ? draw_noise(self, config) : UNS_OK;
    if (status != UNS_OK) {
        destroy(self);
        return status;
    }
    *out = self;
    return UNS_OK;
}

static size_t blocks(const void *self, const uns_block **out) {
    static const uns_block block = {"x", 2, 1, 0};
    (void)self;
    *out = &block;
    return 1;
}

static size_t scratch(const void *self, size_t replicas, size_t batch) {
    (void)self;
    (void)batch;
    return 2 * replicas * sizeof(double);
}

static uns_status start(const void *self, uns_key key, size_t replicas, uns_tensors x) {
    (void)self;
    (void)key;
    memset(x.data[0], 0, 2 * replicas * sizeof(double));
    return UNS_OK;
}

static void finite_mean(const saddle2d *self, const uns_batch *batch, size_t replica,
                        double mean[2]) {
    mean[0] = mean[1] = 0.0;
    for (size_t i = 0; i < batch->size; i++) {
        uint32_t index = uns_sampling_index(self->sampling, batch, replica, self->samples, i);
        mean[0] += self->noise[2 * (size_t)index];
        mean[1] += self->noise[2 * (size_t)index + 1];
    }
    mean[0] /= (double)batch->size;
    mean[1] /= (double)batch->size;
}

/* The batch mean of b for each replica: out[i·R + r]; zero for the whole objective. */
static void mean_noise(const saddle2d *self, const uns_eval *eval, double *out) {
    size_t replicas = eval->replicas;
    if (!eval->batch) {
        memset(out, 0, 2 * replicas * sizeof *out);
    } else if (self->samples) {
        for (size_t r = 0; r < replicas; r++) {
            double mean[2];
            finite_mean(self, eval->batch, r, mean);
            out[r] = mean[0];
            out[replicas + r] = mean[1];
        }
    } else {
        double share = 1.0 / sqrt((double)eval->batch->size);
        self->kernels->normal_rows(eval->batch->key, 0, 2, replicas, out);
        for (size_t i = 0; i < 2; i++)
            self->kernels->of[UNS_F64].scale(replicas, share * deviation[i], out + i * replicas,
                                             out + i * replicas);
    }
}

static uns_status value(const void *raw, const uns_eval *eval, double *f) {
    const saddle2d *self = raw;
    size_t replicas = eval->replicas;
    const double *x = eval->x.data[0];
    memset(f, 0, replicas * sizeof *f);
    for (size_t i = 0; i < 2; i++)
        self->kernels->saddle_value(replicas, curvature[i], x + i * replicas, f);
    if (!eval->batch)
        return UNS_OK;
    double *b = eval->scratch;
    mean_noise(self, eval, b);
    for (size_t r = 0; r < replicas; r++)
        f[r] += b[r] * x[r] + b[replicas + r] * x[replicas + r];
    return UNS_OK;
}

static uns_status gradient(const void *raw, const uns_eval *eval, uns_tensors out) {
    const saddle2d *self = raw;
    const double *x = eval->x.data[0];
    double *g = out.data[0];
    mean_noise(self, eval, g);
    for (size_t i = 0; i < 2; i++)
        self->kernels->saddle_gradient(eval->replicas, curvature[i], x + i * eval->replicas,
                                       g + i * eval->replicas);
    return UNS_OK;
}

static uns_status product(const void *self, const uns_eval *eval, uns_const_tensors v,
                          uns_tensors out) {
    (void)self;
    const double *x = eval->x.data[0], *from = v.data[0];
    double *to = out.data[0];
    for (size_t k = 0; k < 2 * eval->replicas; k++) {
        double square = x[k] * x[k], fourth = square * square;
        to[k] = (curvature[k / eval->replicas] + 90.0 * (fourth * fourth)) * from[k];
    }
    return UNS_OK;
}

/* By hand, because compilers differ in what they make of double complex. */
typedef struct complex_number {
    double real, other;
} complex_number;

static complex_number times(complex_number a, complex_number b) {
    return (complex_number){a.real * b.real - a.other * b.other,
                            a.real * b.other + a.other * b.real};
}

/* The gradient's own formula at x + iy; b is real. */
static uns_status imaginary(const void *self, const uns_eval *eval, uns_const_tensors y,
                            uns_tensors out) {
    (void)self;
    const double *real = eval->x.data[0], *other = y.data[0];
    double *to = out.data[0];
    for (size_t k = 0; k < 2; k++) {
        complex_number x1 = {real[k], other[k]}, x2 = times(x1, x1), x4 = times(x2, x2);
        complex_number x9 = times(times(x4, x4), x1);
        to[k] = curvature[k] * x1.other + 10.0 * x9.other;
    }
    return UNS_OK;
}

/* b of every sample of the batch into rows (size × 2). */
static void sample_noise(const saddle2d *self, const uns_batch *batch, double *b) {
    double shift[2], work[4];
    if (!self->samples)
        uns_gaussian_shift(self->kernels, batch, 2, work, shift);
    for (size_t i = 0; i < batch->size; i++) {
        if (self->samples) {
            size_t index = uns_sampling_index(self->sampling, batch, 0, self->samples, i);
            memcpy(b + 2 * i, self->noise + 2 * index, 2 * sizeof *b);
        } else {
            uns_gaussian_sample(self->kernels, batch, 2, i, shift, b + 2 * i);
            b[2 * i] *= deviation[0];
            b[2 * i + 1] *= deviation[1];
        }
    }
}

static uns_status per_sample(const void *raw, const uns_eval *eval, double *out) {
    const saddle2d *self = raw;
    const double *x = eval->x.data[0];
    double slope[2] = {0.0, 0.0};
    for (size_t i = 0; i < 2; i++)
        self->kernels->saddle_gradient(1, curvature[i], x + i, slope + i);
    sample_noise(self, eval->batch, out);
    for (size_t k = 0; k < 2 * eval->batch->size; k++)
        out[k] += slope[k % 2];
    return UNS_OK;
}

/* diag(Σ)/B, and the square of the mean gradient where that is asked for. */
static void moment_diagonal(size_t replicas, const double *slope, const double noise[2],
                            double *out) {
    for (size_t k = 0; k < 2 * replicas; k++)
        out[k] = slope[k] * slope[k] + noise[k / replicas];
}

static void moment_dense(size_t replicas, const double *slope, const double noise[2],
                         double *out) {
    for (size_t r = 0; r < replicas; r++) {
        double first = slope[r], second = slope[replicas + r];
        out[4 * r] = first * first + noise[0];
        out[4 * r + 1] = out[4 * r + 2] = first * second;
        out[4 * r + 3] = second * second + noise[1];
    }
}

/* Σ is the same everywhere, so that frozen and covariance agree. */
static uns_status second_moment(const void *raw, const uns_eval *eval, size_t batch,
                                uns_about about, uns_shape shape, uns_tensors out) {
    const saddle2d *self = raw;
    uns_eval whole = *eval;
    void *slope[1] = {eval->scratch};
    whole.batch = NULL;
    if (about == UNS_ABOUT_SECOND_MOMENT)
        UNS_TRY(gradient(self, &whole, (uns_tensors){slope, 1}));
    else
        memset(slope[0], 0, 2 * eval->replicas * sizeof(double));
    double share = self->samples ? uns_sampling_share(self->sampling, self->samples, batch)
                                 : 1.0 / (double)batch;
    double noise[2] = {share * variance[0], share * variance[1]};
    if (shape == UNS_SHAPE_DIAGONAL)
        moment_diagonal(eval->replicas, slope[0], noise, out.data[0]);
    else
        moment_dense(eval->replicas, slope[0], noise, out.data[0]);
    return UNS_OK;
}

/* Along x₂: h + 10x⁸ = 0, hence x₂ = (−h/10)^{1/8} and f = ½hx² + x¹⁰ = 0.4·h·x². */
static void truth(const void *self, uns_truth *out) {
    (void)self;
    double square = sqrt(sqrt(-curvature[1] / 10.0));
    out->minimum = 0.4 * curvature[1] * square;
    out->start_value = 0.0;
    out->escape_value = 0.5 * out->minimum;
}

/* At the minimum 90x₂⁸ = −9h is added along x₂. */
static uns_status spectra(const void *self, uns_point point, double *hessian, double *noise) {
    (void)self;
    const double top[4] = {curvature[0], 0, 0, curvature[1]};
    const double bottom[4] = {curvature[0], 0, 0, -8.0 * curvature[1]};
    const double covariance[4] = {variance[0], 0, 0, variance[1]};
    memcpy(hessian, point == UNS_POINT_START ? top : bottom, sizeof top);
    memcpy(noise, covariance, sizeof covariance);
    return UNS_OK;
}

static uint64_t samples(const void *raw) {
    return ((const saddle2d *)raw)->samples;
}

const uns_problem_ops uns_saddle2d = {
    .size = sizeof(uns_problem_ops),
    .name = "saddle2d",
    .summary = "the paper's two-dimensional saddle with a 10-norm confinement",
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
    .samples = samples,
    .imaginary = imaginary,
};

/* SPDX-License-Identifier: MIT
 * Symmetric matrix factorization: f(U) = (1/4n²)‖UUᵀ − M‖² over U of n × width, M = Σ nλ_k
 * q_kq_kᵀ
 * + symmetric Gaussian noise. A finite sum over the n² entries; sample (i, j) is
 *
 *     f_ij(U) = ¼e²,  e = u_i·u_j − M_ij;   gradient ½e·u_j in row i, ½e·u_i in row j
 *
 * U = 0 is a strict saddle (Hessian −M/n² on every column) with no gradient noise at all; runs
 * start near it. Every second-order stationary point is global when width >= rank and M is
 * noiseless (Ge, Lee, Ma 2016; Bhojanapalli, Neyshabur, Srebro 2016).
 */
#include <math.h>
#include <string.h>

#include "base/base.h"
#include "kern/kern.h"
#include "prob/builtin.h"
#include "prob/eigenvalues.h"
#include "prob/frame.h"
#include "prob/sampling.h"

enum {
    LANES = 64,            /* replicas worked on at a time, so that e stays on the stack */
    EIGENVALUES_MAX = 256, /* 8 sweeps of n³: under a second */
    DRAW_VECTORS = 0,
    DRAW_NOISE = 1
};

typedef struct factorization_config {
    int64_t n, rank, width;
    uns_reals spectrum;
    double condition, noise, start_scale;
    int sampling;
    int64_t seed;
} factorization_config;

typedef struct factorization {
    uns_context *context;
    const uns_kernels *kernels;
    uns_block block;
    size_t n, rank, width;
    uns_sampling sampling;
    double start_scale;
    double *matrix;                 /* M, n×n */
    double start_value, minimum;    /* f(0); NaN: not known */
    double spectrum[UNS_REALS_MAX]; /* nλ_k */
} factorization;

static const uns_named width_words[] = {{"auto", 0}, {NULL, 0}};

#define FIELD(name) offsetof(factorization_config, name)
static const uns_param rows[] = {
    {"n", NULL, UNS_PARAM_COUNT, FIELD(n), 1, 4096, 0, NULL, "20", "", "rows of U and of M"},
    {"rank", NULL, UNS_PARAM_COUNT, FIELD(rank), 1, UNS_REALS_MAX, 0, NULL, "3", "",
     "rank of M without its noise"},
    {"width", NULL, UNS_PARAM_COUNT, FIELD(width), 1, 4096, 0, width_words, "auto", "",
     "columns of U; auto: rank"},
    {"spectrum", NULL, UNS_PARAM_REALS, FIELD(spectrum), 0, 1e100, UNS_OPEN_LOW, NULL, "", "",
     "the eigenvalues of M divided by n, largest first; empty: evenly from 1 to 1/condition"},
    {"condition", NULL, UNS_PARAM_REAL, FIELD(condition), 1, 1e100, 0, NULL, "2", "",
     "largest over smallest non-zero eigenvalue of M"},
    {"noise", NULL, UNS_PARAM_REAL, FIELD(noise), 0, 1e100, 0, NULL, "0", "",
     "standard deviation of the noise in each entry of M"},
    {"start_scale", NULL, UNS_PARAM_REAL, FIELD(start_scale), 0, 1e100, 0, NULL, "1e-3", "",
     "standard deviation of the entries of U at the start; 0 is the saddle itself, which no "
     "gradient leaves"},
    {"sampling", NULL, UNS_PARAM_CHOICE, FIELD(sampling), 0, 0, 0, uns_sampling_names,
     "independent", "", "entries drawn with replacement, or every entry once an epoch"},
    {"seed", NULL, UNS_PARAM_COUNT, FIELD(seed), 0, 9007199254740992.0, 0, NULL, "1", "",
     "seed of M"},
};
#undef FIELD

static const uns_param_table table = {"problem 'matrix-factorization'",
                                      sizeof(factorization_config), UNS_COUNT_OF(rows), rows};

static double spectrum_at(const factorization_config *config, size_t k) {
    double lambda = config->spectrum.count ? config->spectrum.value[k]
                                           : uns_spectrum_even(1.0, 1.0 / config->condition, k,
                                                               (size_t)config->rank);
    return (double)config->n * lambda;
}

static uns_status check(uns_context *context, const factorization_config *config) {
    if (config->rank > config->n)
        return uns_fail(context, UNS_ERROR_RANGE, "rank: %lld is more than n = %lld",
                        (long long)config->rank, (long long)config->n);
    if (config->spectrum.count && config->spectrum.count != (size_t)config->rank)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "spectrum: the list has %zu values, but rank is %lld",
                        config->spectrum.count, (long long)config->rank);
    for (size_t k = 1; k < config->spectrum.count; k++)
        if (config->spectrum.value[k] > config->spectrum.value[k - 1])
            return uns_fail(context, UNS_ERROR_RANGE, "spectrum: put the largest value first");
    return UNS_OK;
}

static void add_signal(factorization *self, const double *vectors) {
    size_t n = self->n;
    for (size_t k = 0; k < self->rank; k++)
        for (size_t i = 0; i < n; i++)
            self->kernels->axpy(n, self->spectrum[k] * vectors[k * n + i], vectors + k * n,
                                self->matrix + i * n);
}

static void add_noise(factorization *self, const factorization_config *config) {
    size_t n = self->n;
    uns_key key = {(uint64_t)config->seed, DRAW_NOISE, 0, UNS_STREAM_PROBLEM};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double deviate;
            uns_random_normal(key, (uint32_t)(i * n + j), 1, &deviate);
            self->matrix[i * n + j] += config->noise * deviate;
            self->matrix[j * n + i] = self->matrix[i * n + j];
        }
}

static uns_status draw_matrix(factorization *self, const factorization_config *config) {
    size_t n = self->n;
    self->matrix = uns_allocate(self->context, n * n * sizeof(double));
    double *vectors = uns_allocate(self->context, self->rank * n * sizeof(double));
    if (self->matrix && vectors) {
        uns_key key = {(uint64_t)config->seed, DRAW_VECTORS, 0, UNS_STREAM_PROBLEM};
        uns_rotation_rows(self->kernels, key, self->rank, n, vectors);
        add_signal(self, vectors);
        add_noise(self, config); /* with noise 0 this still makes M symmetric to the bit */
    }
    uns_release(self->context, vectors);
    return self->matrix && vectors ? UNS_OK : UNS_ERROR_MEMORY;
}

/* The best UUᵀ keeps the `width` largest positive eigenvalues of M (Eckart–Young). */
static double unreachable(const double *values, size_t count, size_t width) {
    double sum = 0.0;
    for (size_t k = 0; k < count; k++)
        if (k >= width || values[k] <= 0.0)
            sum += values[k] * values[k];
    return sum;
}

static uns_status settle_truth(factorization *self, double noise) {
    size_t n = self->n;
    double scale = 0.25 / ((double)n * (double)n);
    self->start_value = scale * self->kernels->dot(n * n, self->matrix, self->matrix);
    self->minimum = NAN;
    if (noise == 0.0) {
        self->minimum = scale * unreachable(self->spectrum, self->rank, self->width);
    } else if (n <= EIGENVALUES_MAX) {
        double *work = uns_allocate(self->context, (n + 1) * n * sizeof(double));
        if (!work)
            return UNS_ERROR_MEMORY;
        memcpy(work, self->matrix, n * n * sizeof(double));
        uns_symmetric_eigenvalues(n, work, work + n * n);
        self->minimum = scale * unreachable(work + n * n, n, self->width);
        uns_release(self->context, work);
    }
    return UNS_OK;
}

static uns_status build(factorization *self, const factorization_config *config) {
    UNS_TRY(check(self->context, config));
    self->kernels = uns_kernels_of(self->context);
    self->n = (size_t)config->n;
    self->rank = (size_t)config->rank;
    self->width = config->width ? (size_t)config->width : self->rank;
    self->block = (uns_block){"U", self->n, self->width, 0};
    self->sampling = (uns_sampling)config->sampling;
    self->start_scale = config->start_scale;
    for (size_t k = 0; k < self->rank; k++)
        self->spectrum[k] = spectrum_at(config, k);
    UNS_TRY(draw_matrix(self, config));
    return settle_truth(self, config->noise);
}

static void destroy(void *raw) {
    factorization *self = raw;
    uns_release(self->context, self->matrix);
    uns_release(self->context, self);
}

static uns_status create(uns_context *context, const void *config, void **out) {
    factorization *self = uns_allocate(context, sizeof *self);
    if (!self)
        return UNS_ERROR_MEMORY;
    self->context = context;
    uns_status status = build(self, config);
    if (status != UNS_OK) {
        destroy(self);
        return status;
    }
    *out = self;
    return UNS_OK;
}

static size_t blocks(const void *raw, const uns_block **out) {
    *out = &((const factorization *)raw)->block;
    return 1;
}

/* Only second_moment uses it: the mean gradient. */
static size_t scratch(const void *raw, size_t replicas, size_t batch) {
    const factorization *self = raw;
    (void)batch;
    return self->n * self->width * replicas * sizeof(double);
}

static uns_status start(const void *raw, uns_key key, size_t replicas, uns_tensors x) {
    const factorization *self = raw;
    size_t d = self->n * self->width;
    self->kernels->normal_rows(key, 0, d, replicas, x.data[0]);
    self->kernels->of[UNS_F64].scale(d * replicas, self->start_scale, x.data[0], x.data[0]);
    return UNS_OK;
}

static uint64_t samples(const void *raw) {
    const factorization *self = raw;
    return (uint64_t)self->n * self->n;
}

/* One entry (i, j) of M met by replicas [first, first + count), count <= LANES. `weight` is the
 * entry's share of f; e[c] its error in replica first + c. */
typedef struct meeting {
    const factorization *self;
    size_t replicas, i, j, first, count;
    double weight;
    const double *u, *v;
    double *out;
    double e[LANES];
} meeting;

typedef void visit(meeting *at);

/* Elements of column k in rows i and j, at the meeting's first replica. */
static size_t place(const meeting *at, size_t row, size_t k) {
    return (row * at->self->width + k) * at->replicas + at->first;
}

static void find_error(meeting *at) {
    double target = at->self->matrix[at->i * at->self->n + at->j];
    for (size_t c = 0; c < at->count; c++)
        at->e[c] = -target;
    for (size_t k = 0; k < at->self->width; k++) {
        const double *left = at->u + place(at, at->i, k), *right = at->u + place(at, at->j, k);
        for (size_t c = 0; c < at->count; c++)
            at->e[c] += left[c] * right[c];
    }
}

static void add_value(meeting *at) {
    for (size_t c = 0; c < at->count; c++)
        at->out[at->first + c] += 0.25 * at->weight * (at->e[c] * at->e[c]);
}

static void add_gradient(meeting *at) {
    double half = 0.5 * at->weight;
    for (size_t k = 0; k < at->self->width; k++) {
        size_t left = place(at, at->i, k), right = place(at, at->j, k);
        for (size_t c = 0; c < at->count; c++) {
            double step = half * at->e[c];
            at->out[left + c] += step * at->u[right + c];
            at->out[right + c] += step * at->u[left + c];
        }
    }
}

/* Row i gets ½(ė·u_j + e·v_j), row j ½(ė·u_i + e·v_i), with ė = v_i·u_j + u_i·v_j. */
static void add_product(meeting *at) {
    double rate[LANES] = {0.0}, half = 0.5 * at->weight;
    const double *u = at->u, *v = at->v;
    for (size_t k = 0; k < at->self->width; k++) {
        size_t left = place(at, at->i, k), right = place(at, at->j, k);
        for (size_t c = 0; c < at->count; c++)
            rate[c] += v[left + c] * u[right + c] + u[left + c] * v[right + c];
    }
    for (size_t k = 0; k < at->self->width; k++) {
        size_t left = place(at, at->i, k), right = place(at, at->j, k);
        for (size_t c = 0; c < at->count; c++) {
            at->out[left + c] += half * (rate[c] * u[right + c] + at->e[c] * v[right + c]);
            at->out[right + c] += half * (rate[c] * u[left + c] + at->e[c] * v[left + c]);
        }
    }
}

static void meet(meeting *at, size_t i, size_t j, double weight, visit *act) {
    at->i = i;
    at->j = j;
    at->weight = weight;
    find_error(at);
    act(at);
}

/* Every entry, (i, j) and (j, i) at once, for a group of lanes. */
static void visit_all(meeting *at, visit *act) {
    size_t n = at->self->n;
    double weight = 1.0 / ((double)n * (double)n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            meet(at, i, j, i == j ? weight : 2.0 * weight, act);
}

static void visit_batch(meeting *at, const uns_batch *batch, visit *act) {
    size_t n = at->self->n;
    for (size_t s = 0; s < batch->size; s++) {
        size_t index = uns_sampling_index(at->self->sampling, batch, at->first, n * n, s);
        meet(at, index / n, index % n, 1.0 / (double)batch->size, act);
    }
}

/* Lanes go together where they meet the same entries, one by one where each draws its own. */
static void walk(const factorization *self, const uns_eval *eval, const double *v, double *out,
                 visit *act) {
    bool together = !eval->batch || eval->batch->indices;
    meeting at = {.self = self, .replicas = eval->replicas, .u = eval->x.data[0], .v = v};
    at.out = out;
    for (size_t first = 0; first < eval->replicas; first += at.count) {
        size_t left = eval->replicas - first;
        at.first = first;
        at.count = !together ? 1 : left < LANES ? left : LANES;
        if (eval->batch)
            visit_batch(&at, eval->batch, act);
        else
            visit_all(&at, act);
    }
}

static uns_status value(const void *raw, const uns_eval *eval, double *f) {
    memset(f, 0, eval->replicas * sizeof *f);
    walk(raw, eval, NULL, f, add_value);
    return UNS_OK;
}

static uns_status gradient(const void *raw, const uns_eval *eval, uns_tensors out) {
    const factorization *self = raw;
    memset(out.data[0], 0, self->n * self->width * eval->replicas * sizeof(double));
    walk(self, eval, NULL, out.data[0], add_gradient);
    return UNS_OK;
}

static uns_status product(const void *raw, const uns_eval *eval, uns_const_tensors v,
                          uns_tensors out) {
    const factorization *self = raw;
    memset(out.data[0], 0, self->n * self->width * eval->replicas * sizeof(double));
    walk(self, eval, v.data[0], out.data[0], add_product);
    return UNS_OK;
}

static uns_status per_sample(const void *raw, const uns_eval *eval, double *out) {
    const factorization *self = raw;
    size_t n = self->n, d = n * self->width;
    meeting at = {.self = self, .replicas = 1, .count = 1, .u = eval->x.data[0]};
    memset(out, 0, eval->batch->size * d * sizeof *out);
    for (size_t s = 0; s < eval->batch->size; s++) {
        size_t index = uns_sampling_index(self->sampling, eval->batch, 0, n * n, s);
        at.out = out + s * d;
        meet(&at, index / n, index % n, 1.0, add_gradient);
    }
    return UNS_OK;
}

/* E g_s² of one sample, elementwise. */
static void add_square(meeting *at) {
    double quarter = 0.25 * at->weight;
    for (size_t k = 0; k < at->self->width; k++) {
        size_t left = place(at, at->i, k), right = place(at, at->j, k);
        for (size_t c = 0; c < at->count; c++) {
            double square = quarter * (at->e[c] * at->e[c]);
            double own = at->u[left + c], other = at->u[right + c];
            /* on the diagonal both halves fall on one element: (2·½)² = 4·¼ */
            at->out[left + c] += (at->i == at->j ? 4.0 : 1.0) * square * (other * other);
            if (at->i != at->j)
                at->out[right + c] += square * (own * own);
        }
    }
}

/* E g_s g_sᵀ of one sample, for the replicas' dense d×d matrices: the sample's gradient is
 * ½e·u_j in row i and ½e·u_i in row j. */
static void add_outer(meeting *at) {
    size_t width = at->self->width, d = at->self->n * width;
    const size_t target[2] = {at->i, at->j}, source[2] = {at->j, at->i};
    for (size_t c = 0; c < at->count; c++) {
        double factor = 0.25 * at->weight * (at->e[c] * at->e[c]);
        double *out = at->out + (at->first + c) * d * d;
        for (size_t a = 0; a < 2 * width; a++)
            for (size_t b = 0; b < 2 * width; b++) {
                double left = at->u[place(at, source[a / width], a % width) + c];
                double right = at->u[place(at, source[b / width], b % width) + c];
                size_t row = target[a / width] * width + a % width;
                size_t col = target[b / width] * width + b % width;
                out[row * d + col] += factor * left * right;
            }
    }
}

/* G₁ − ggᵀ is the covariance of one sample; out = share·(G₁ − ggᵀ) + outer·ggᵀ. */
static void combine(const factorization *self, size_t replicas, double share, double outer,
                    const double *g, uns_shape shape, double *out) {
    size_t d = self->n * self->width;
    if (shape == UNS_SHAPE_DIAGONAL)
        for (size_t k = 0; k < d * replicas; k++)
            out[k] = share * (out[k] - g[k] * g[k]) + outer * (g[k] * g[k]);
    else
        for (size_t r = 0; r < replicas; r++)
            for (size_t k = 0; k < d * d; k++) {
                double square = g[(k / d) * replicas + r] * g[(k % d) * replicas + r];
                double *entry = out + r * d * d + k;
                *entry = share * (*entry - square) + outer * square;
            }
}

static uns_status second_moment(const void *raw, const uns_eval *eval, size_t batch,
                                uns_about about, uns_shape shape, uns_tensors out) {
    const factorization *self = raw;
    if (about == UNS_ABOUT_FROZEN)
        return uns_fail(self->context, UNS_ERROR_UNAVAILABLE,
                        "matrix-factorization: each replica starts elsewhere, so that there is "
                        "no one frozen covariance; use about = covariance or second_moment");
    size_t d = self->n * self->width;
    bool diagonal = shape == UNS_SHAPE_DIAGONAL;
    uns_eval whole = *eval;
    void *mean[1] = {eval->scratch};
    whole.batch = NULL;
    UNS_TRY(gradient(self, &whole, (uns_tensors){mean, 1}));
    memset(out.data[0], 0, (diagonal ? d : d * d) * eval->replicas * sizeof(double));
    walk(self, &whole, NULL, out.data[0], diagonal ? add_square : add_outer);
    combine(self, eval->replicas, uns_sampling_share(self->sampling, samples(self), batch),
            about == UNS_ABOUT_SECOND_MOMENT ? 1.0 : 0.0, mean[0], shape, out.data[0]);
    return UNS_OK;
}

/* Escaped: half-way down from the saddle. */
static void truth(const void *raw, uns_truth *out) {
    const factorization *self = raw;
    out->minimum = self->minimum;
    out->start_value = self->start_value;
    out->escape_value = 0.5 * (self->start_value + self->minimum);
}

const uns_problem_ops uns_matrix_factorization = {
    .size = sizeof(uns_problem_ops),
    .name = "matrix-factorization",
    .summary = "symmetric matrix factorization from sampled entries",
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
    .samples = samples,
};

/* SPDX-License-Identifier: MIT
 * Sums over the entries of a matrix factorization: f and its derivatives, and the second moment
 * of a sample's gradient. Each visits entries (i, j), whose term is ¼e², e = u_i·u_j − M_ij.
 */
#include "prob/factorization.h"

#include <string.h>

#include "base/base.h"

enum {
    LANES = 64 /* replicas worked on at a time, so that e stays on the stack */
};

/* One entry (i, j) of M met by replicas [first, first + count), count <= LANES. `weight` is the
 * entry's share of f; e[c] its error in replica first + c. */
typedef struct meeting {
    const uns_factorization *self;
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
static void walk(const uns_factorization *self, const uns_eval *eval, const double *v,
                 double *out, visit *act) {
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

uns_status uns_factorization_value(const void *raw, const uns_eval *eval, double *f) {
    memset(f, 0, eval->replicas * sizeof *f);
    walk(raw, eval, NULL, f, add_value);
    return UNS_OK;
}

uns_status uns_factorization_gradient(const void *raw, const uns_eval *eval, uns_tensors out) {
    const uns_factorization *self = raw;
    memset(out.data[0], 0, self->n * self->width * eval->replicas * sizeof(double));
    walk(self, eval, NULL, out.data[0], add_gradient);
    return UNS_OK;
}

uns_status uns_factorization_product(const void *raw, const uns_eval *eval, uns_const_tensors v,
                                     uns_tensors out) {
    const uns_factorization *self = raw;
    memset(out.data[0], 0, self->n * self->width * eval->replicas * sizeof(double));
    walk(self, eval, v.data[0], out.data[0], add_product);
    return UNS_OK;
}

uns_status uns_factorization_per_sample(const void *raw, const uns_eval *eval, double *out) {
    const uns_factorization *self = raw;
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
static void combine(const uns_factorization *self, size_t replicas, double share, double outer,
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

uns_status uns_factorization_second_moment(const void *raw, const uns_eval *eval, size_t batch,
                                           uns_about about, uns_shape shape, uns_tensors out) {
    const uns_factorization *self = raw;
    if (about == UNS_ABOUT_FROZEN)
        return uns_fail(self->context, UNS_ERROR_UNAVAILABLE,
                        "matrix-factorization: each replica starts elsewhere, so that there is "
                        "no one frozen covariance; use about = covariance or second_moment");
    size_t d = self->n * self->width;
    bool diagonal = shape == UNS_SHAPE_DIAGONAL;
    uns_eval whole = *eval;
    void *mean[1] = {eval->scratch};
    whole.batch = NULL;
    UNS_TRY(uns_factorization_gradient(self, &whole, (uns_tensors){mean, 1}));
    memset(out.data[0], 0, (diagonal ? d : d * d) * eval->replicas * sizeof(double));
    walk(self, &whole, NULL, out.data[0], diagonal ? add_square : add_outer);
    combine(self, eval->replicas, uns_sampling_share(self->sampling, self->n * self->n, batch),
            about == UNS_ABOUT_SECOND_MOMENT ? 1.0 : 0.0, mean[0], shape, out.data[0]);
    return UNS_OK;
}

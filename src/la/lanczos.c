/* SPDX-License-Identifier: MIT
 * Lanczos' process; conventions and limits in the header. Parlett, The Symmetric Eigenvalue
 * Problem, ch. 13; "twice is enough" after Kahan and Parlett, same, §6.9.
 */
#include "la/lanczos.h"

#include "base/base.h"
#include "la/tridiagonal.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    FIRST_ROOM = 64,
    ROUNDING = 4 /* of k·ε·‖T‖; observed errors of Ritz values stay below 1 */
};

/* A second pass is due when the first took away more than this share of the norm. */
static const double once_is_enough = 0.7;

static double *vector(const uns_lanczos *l, size_t j) {
    return j < l->basis.capacity ? l->basis.vectors[j] : l->spare[j % 2];
}

static uns_status reach(uns_lanczos *l, size_t j) {
    return j < l->basis.capacity ? uns_basis_reach(&l->basis, j) : UNS_OK;
}

uns_status uns_lanczos_open(uns_context *context, const uns_operator *op, size_t capacity,
                            uns_lanczos *lanczos) {
    uns_lanczos l = {.op = op};
    UNS_TRY(uns_basis_open(context, op->dimension, capacity, &l.basis));
    size_t bytes = uns_size_product(uns_size_product(3, l.basis.stride), sizeof(double));
    l.work = uns_allocate(context, bytes);
    if (!l.work) {
        uns_lanczos_close(&l);
        return UNS_ERROR_MEMORY;
    }
    l.spare[0] = l.work + l.basis.stride;
    l.spare[1] = l.spare[0] + l.basis.stride;
    *lanczos = l;
    return UNS_OK;
}

void uns_lanczos_close(uns_lanczos *l) {
    uns_release(l->basis.context, l->alpha);
    uns_release(l->basis.context, l->work);
    uns_basis_close(&l->basis);
    *l = (uns_lanczos){.basis = l->basis};
}

/* alpha and beta share one allocation, which doubles. */
static uns_status make_room(uns_lanczos *l) {
    if (l->steps < l->room)
        return UNS_OK;
    size_t room = l->room ? 2 * l->room : FIRST_ROOM;
    double *both = uns_allocate(l->basis.context, uns_size_product(room, 2 * sizeof(double)));
    if (!both)
        return UNS_ERROR_MEMORY;
    if (l->steps) {
        memcpy(both, l->alpha, l->steps * sizeof *both);
        memcpy(both + room, l->beta, l->steps * sizeof *both);
    }
    uns_release(l->basis.context, l->alpha);
    l->alpha = both;
    l->beta = both + room;
    l->room = room;
    return UNS_OK;
}

static double length(const uns_lanczos *l, const double *v) {
    return sqrt(l->basis.kernels->dot(l->basis.dimension, v, v));
}

static void scaled(const uns_lanczos *l, double k, const double *v, double *out) {
    l->basis.kernels->of[UNS_F64].scale(l->basis.dimension, k, v, out);
}

uns_status uns_lanczos_begin(uns_lanczos *l, const double *start, uns_key key) {
    l->steps = l->kept = 0;
    l->norm = l->asymmetry = 0.0;
    l->full = true;
    l->exhausted = false;
    UNS_TRY(reach(l, 0));
    double *q = vector(l, 0);
    if (start)
        memcpy(q, start, l->basis.dimension * sizeof *q);
    else
        uns_random_normal(key, 0, l->basis.dimension, q);
    double size = length(l, q);
    if (!(size > 0.0 && isfinite(size)))
        return uns_fail(l->basis.context, UNS_ERROR_ARGUMENT,
                        "Lanczos: the start has length %g", size);
    scaled(l, 1.0 / size, q, q);
    return UNS_OK;
}

static uns_status multiply(uns_context *context, const uns_operator *op, const double *v,
                           double *out) {
    uns_status status = op->product(op->self, v, out);
    if (status != UNS_OK)
        return uns_fail(context, status, "a product with the operator failed: %s",
                        uns_status_text(status));
    if (uns_kernels_of(context)->of[UNS_F64].nonfinite(op->dimension, out))
        return uns_fail(context, UNS_ERROR_CALLBACK,
                        "a product with the operator is not finite");
    return UNS_OK;
}

/* w ← H·q_{k+1} less its parts along the vectors that it is coupled to, and α_{k+1} on the way.
 */
static uns_status multiply_and_couple(uns_lanczos *l, double *alpha) {
    size_t k = l->steps, d = l->basis.dimension;
    const uns_kernels *kernels = l->basis.kernels;
    double *q = vector(l, k);
    UNS_TRY(multiply(l->basis.context, l->op, q, l->work));
    l->products++;
    if (k > 0 && k == l->kept)
        for (size_t i = 0; i < k; i++)
            kernels->axpy(d, -l->beta[i], vector(l, i), l->work);
    else if (k > 0)
        kernels->axpy(d, -l->beta[k - 1], vector(l, k - 1), l->work);
    *alpha = kernels->dot(d, q, l->work);
    kernels->axpy(d, -*alpha, q, l->work);
    return UNS_OK;
}

/* Takes out of w what it has of the first `count` vectors, adds the squares of that to
 * `squares` and returns the length left. */
static double reorthogonalise(const uns_lanczos *l, size_t count, double *squares) {
    double size = length(l, l->work);
    for (int pass = 0; pass < 2; pass++) {
        double before = size;
        *squares += uns_basis_remove(&l->basis, count, l->work);
        size = length(l, l->work);
        if (size > once_is_enough * before)
            break;
    }
    return size;
}

uns_status uns_lanczos_step(uns_lanczos *l) {
    size_t k = l->steps;
    double alpha = 0.0;
    UNS_TRY(make_room(l));
    UNS_TRY(reach(l, k + 1));
    UNS_TRY(multiply_and_couple(l, &alpha));
    l->full = l->full && k < l->basis.capacity;
    double beta = l->full ? reorthogonalise(l, k + 1, &l->asymmetry) : length(l, l->work);
    double left = k > l->kept ? l->beta[k - 1] : 0.0;
    l->norm = fmax(l->norm, fabs(alpha) + left + beta);
    double floor = ROUNDING * (double)(k + 1) * DBL_EPSILON * l->norm;
    l->exhausted = beta <= floor || (l->full && k + 1 >= l->basis.dimension);
    l->alpha[k] = alpha;
    l->beta[k] = fmax(beta, floor);
    l->steps = k + 1;
    if (!l->exhausted)
        scaled(l, 1.0 / beta, l->work, vector(l, k + 1));
    return UNS_OK;
}

double uns_lanczos_margin(const uns_lanczos *l) {
    return ROUNDING * (double)l->steps * DBL_EPSILON * l->norm + l->op->error +
           sqrt(0.5 * l->asymmetry);
}

/* Where q_{j+1} lies while vectors beyond the basis are made again. */
static double *replayed(const uns_lanczos *l, double *const again[2], size_t j) {
    return j < l->basis.capacity ? l->basis.vectors[j] : again[j % 2];
}

/* q_{j+1} once more, by the operations of the first time in their order: the recurrence is
 * unstable, and only the same bits lead to the same vectors. */
static uns_status remake(uns_lanczos *l, double *const again[2], size_t j) {
    size_t d = l->basis.dimension;
    const uns_kernels *kernels = l->basis.kernels;
    double *q = replayed(l, again, j - 1), ignored = 0.0;
    UNS_TRY(multiply(l->basis.context, l->op, q, l->work));
    l->products++;
    if (j > 1)
        kernels->axpy(d, -l->beta[j - 2], replayed(l, again, j - 2), l->work);
    kernels->axpy(d, -l->alpha[j - 1], q, l->work);
    if (j == l->basis.capacity)
        (void)reorthogonalise(l, j, &ignored);
    scaled(l, 1.0 / l->beta[j - 1], l->work, replayed(l, again, j));
    return UNS_OK;
}

static uns_status combine_beyond(uns_lanczos *l, double *const again[2], const double *s,
                                 double *out) {
    for (size_t j = l->basis.capacity; j < l->steps; j++) {
        UNS_TRY(remake(l, again, j));
        l->basis.kernels->axpy(l->basis.dimension, s[j], again[j % 2], out);
    }
    return UNS_OK;
}

uns_status uns_lanczos_combine(uns_lanczos *l, const double *s, double *out) {
    size_t stored = l->steps < l->basis.capacity ? l->steps : l->basis.capacity;
    uns_basis_combine(&l->basis, stored, s, out);
    if (stored == l->steps)
        return UNS_OK;
    /* vectors of its own, so that the run itself goes on from where it was */
    size_t bytes = uns_size_product(uns_size_product(2, l->basis.stride), sizeof(double));
    double *memory = uns_allocate(l->basis.context, bytes);
    if (!memory)
        return UNS_ERROR_MEMORY;
    double *const again[2] = {memory, memory + l->basis.stride};
    uns_status status = combine_beyond(l, again, s, out);
    uns_release(l->basis.context, memory);
    return status;
}

uns_status uns_lanczos_lowest(uns_lanczos *l, double *value, double *v) {
    size_t k = l->steps;
    double *row = uns_allocate(l->basis.context, uns_size_product(k, 6 * sizeof(double)));
    if (!row)
        return UNS_ERROR_MEMORY;
    *value = uns_tridiagonal_value(k, l->alpha, l->beta, 0);
    uns_tridiagonal_vector(k, l->alpha, l->beta, *value, 0, NULL, row, row + k);
    uns_status status = uns_lanczos_combine(l, row, v);
    uns_release(l->basis.context, row);
    if (status == UNS_OK) /* not of length 1 where orthogonality was lost */
        scaled(l, 1.0 / length(l, v), v, v);
    return status;
}

void uns_lanczos_matrix(const uns_lanczos *l, double *matrix) {
    size_t k = l->steps;
    memset(matrix, 0, k * k * sizeof *matrix);
    for (size_t i = 0; i < k; i++) {
        size_t to = i < l->kept ? l->kept : i + 1;
        matrix[i * k + i] = l->alpha[i];
        if (to < k)
            matrix[i * k + to] = matrix[to * k + i] = l->beta[i];
    }
}

void uns_lanczos_restart(uns_lanczos *l, size_t kept, const double *values, const double *rows,
                         double *work) {
    size_t k = l->steps;
    double coupling = l->beta[k - 1];
    uns_basis_rotate(&l->basis, k, kept, rows, work);
    if (k != kept)
        memcpy(vector(l, kept), vector(l, k), l->basis.dimension * sizeof(double));
    for (size_t i = 0; i < kept; i++) {
        l->alpha[i] = values[i];
        l->beta[i] = coupling * rows[i * k + k - 1];
    }
    l->steps = l->kept = kept;
}

uns_status uns_rayleigh(uns_context *context, const uns_operator *op, const double *v,
                        double *work, double *quotient, double *error) {
    const uns_kernels *kernels = uns_kernels_of(context);
    size_t d = op->dimension;
    UNS_TRY(multiply(context, op, v, work));
    double square = kernels->dot(d, v, v), reach = sqrt(kernels->dot(d, work, work) / square);
    *quotient = kernels->dot(d, v, work) / square;
    *error = op->error + ((double)d / 16.0 + 8.0) * DBL_EPSILON * reach;
    return UNS_OK;
}

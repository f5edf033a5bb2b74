/* SPDX-License-Identifier: MIT
 * The cases of the kernels that exist in f64 only; see kern_cases.h.
 */
#ifndef UNS_TEST_KERN_CASES_F64_H
#define UNS_TEST_KERN_CASES_F64_H

#include <unsaddle/elementary.h>

#include "support/kern_cases.h"

static inline const double *doubles(const trial *t, int array) {
    return (const double *)t->data[array];
}

static inline double *doubles_out(trial *t, int array) {
    return (double *)t->data[array];
}

static inline void run_dot(const uns_kernels *k, trial *t) {
    t->result = k->dot(t->n, doubles(t, 0), doubles(t, 1));
}
static inline void want_dot(trial *t) {
    real sum = 0, size = 0;
    EACH(i) {
        sum += t->in[0][i] * t->in[1][i];
        size += fabsl(t->in[0][i] * t->in[1][i]);
    }
    t->wanted_result = (double)sum;
    t->result_scale = (double)size * (8 + (double)t->n / 16);
}

static inline void run_axpy(const uns_kernels *k, trial *t) {
    k->axpy(t->n, trial_coefficient(t, 0), doubles(t, 0), doubles_out(t, 1));
}
static inline void want_axpy(trial *t) {
    EACH(i) {
        const real ax = trial_coefficient(t, 0) * t->in[0][i], y = t->in[1][i];
        expect(t, 1, i, y + ax, fabsl(y) + fabsl(ax));
    }
}

/* Arrays: a, x, out. */
static inline void shape_matrix(trial *t) {
    const size_t rows[4] = {3, 9, 4, 6}, cols[4] = {5, 1, 0, 7};
    t->rows = rows[t->variant & 3];
    t->cols = cols[t->variant & 3];
    t->replicas = t->n;
    t->length[0] = t->rows * t->cols;
    t->length[1] = t->cols * t->replicas;
    t->length[2] = t->rows * t->replicas;
}
static inline void run_matrix_rows(const uns_kernels *k, trial *t) {
    k->matrix_rows(t->rows, t->cols, t->replicas, doubles(t, 0), doubles(t, 1),
                   doubles_out(t, 2));
}
static inline void want_matrix_rows(trial *t) {
    for (size_t at = 0; at < t->length[2]; at++) {
        const size_t i = at / t->replicas, r = at % t->replicas;
        real sum = 0, size = 0;
        for (size_t j = 0; j < t->cols; j++) {
            const real term = t->in[0][i * t->cols + j] * t->in[1][j * t->replicas + r];
            sum += term;
            size += fabsl(term);
        }
        expect(t, 2, at, sum, size * 4);
    }
}

/* Rows of a packed matrix: up to three, where replicas are few also more than a vector holds.
 */
enum {
    PACKED_ROWS = 9
};
static inline size_t packed_rows(const trial *t) {
    static const size_t more[] = {4, 5, 6, PACKED_ROWS};
    const size_t variant = (size_t)t->variant & 3;
    return t->n % 2 && t->n < 32 ? more[variant] : variant;
}

/* Packed matrices of `rows` rows. Arrays: a, b, s, c. */
static inline void shape_outer(trial *t) {
    t->rows = packed_rows(t);
    t->replicas = t->n;
    t->length[0] = t->length[1] = t->replicas;
    t->length[2] = t->rows * t->replicas;
    t->length[3] = t->rows * (t->rows + 1) / 2 * t->replicas;
}
static inline void run_outer_rows(const uns_kernels *k, trial *t) {
    k->outer_rows(t->rows, t->replicas, doubles(t, 0), doubles(t, 1), doubles(t, 2),
                  doubles_out(t, 3));
}
static inline void want_outer_rows(trial *t) {
    size_t at = 0;
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j <= i; j++)
            for (size_t r = 0; r < t->replicas; r++, at++) {
                const real kept = t->in[0][r] * t->in[3][at];
                const real taken =
                    t->in[1][r] * t->in[2][i * t->replicas + r] * t->in[2][j * t->replicas + r];
                expect(t, 3, at, kept + taken, fabsl(kept) + fabsl(taken));
            }
}

static inline size_t packed_index(size_t i, size_t j) {
    return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

/* Arrays: a, x, out. */
static inline void shape_symmetric(trial *t) {
    t->rows = packed_rows(t);
    t->replicas = t->n;
    t->length[0] = t->rows * (t->rows + 1) / 2 * t->replicas;
    t->length[1] = t->length[2] = t->rows * t->replicas;
}
static inline void run_symmetric_rows(const uns_kernels *k, trial *t) {
    k->symmetric_rows(t->rows, t->replicas, doubles(t, 0), doubles(t, 1), doubles_out(t, 2));
}
static inline void want_symmetric_rows(trial *t) {
    for (size_t at = 0; at < t->length[2]; at++) {
        const size_t i = at / t->replicas, r = at % t->replicas;
        real sum = 0, size = 0;
        for (size_t j = 0; j < t->rows; j++) {
            const real term =
                t->in[0][packed_index(i, j) * t->replicas + r] * t->in[1][j * t->replicas + r];
            sum += term;
            size += fabsl(term);
        }
        expect(t, 2, at, sum, size * 4);
    }
}

/* Arrays: a, vectors. The oracle is the same sequence of rotations, of one full matrix. Its
 * numbers stay near 1: vectors of eigenvalues far below the largest are all rounding. */
static inline void shape_eigen(trial *t) {
    t->rows = packed_rows(t);
    t->replicas = t->n;
    t->length[0] = t->rows * (t->rows + 1) / 2 * t->replicas;
    t->length[1] = t->rows * t->rows * t->replicas;
}
static inline void run_eigen_rows(const uns_kernels *k, trial *t) {
    k->eigen_rows(t->rows, t->replicas, doubles_out(t, 0), doubles_out(t, 1));
}

static inline bool oracle_turn(size_t n, real a[PACKED_ROWS][PACKED_ROWS],
                               real v[PACKED_ROWS][PACKED_ROWS], size_t p, size_t q) {
    const real apq = a[p][q];
    if (!(apq * apq > 0x1p-104L * a[p][p] * a[q][q]))
        return false;
    const real theta = (a[q][q] - a[p][p]) / (2 * apq);
    const real t = (0 > theta ? -1 : 1) / (fabsl(theta) + sqrtl(1 + theta * theta));
    const real c = 1 / sqrtl(1 + t * t), s = t * c;
    a[p][p] -= t * apq;
    a[q][q] += t * apq;
    a[p][q] = a[q][p] = 0;
    for (size_t k = 0; k < n; k++) {
        const real x = a[k][p], y = a[k][q], vp = v[p][k], vq = v[q][k];
        if (k != p && k != q) {
            a[k][p] = a[p][k] = c * x - s * y;
            a[k][q] = a[q][k] = s * x + c * y;
        }
        v[p][k] = c * vp - s * vq;
        v[q][k] = s * vp + c * vq;
    }
    return true;
}

static inline void want_eigen_rows(trial *t) {
    const size_t n = t->rows, replicas = t->replicas;
    for (size_t r = 0; r < replicas; r++) {
        real a[PACKED_ROWS][PACKED_ROWS], v[PACKED_ROWS][PACKED_ROWS] = {{0}}, size = 0;
        bool turning = true;
        for (size_t i = 0; i < n; i++)
            v[i][i] = 1;
        for (size_t i = 0; i < n * n; i++) {
            a[i / n][i % n] = t->in[0][packed_index(i / n, i % n) * replicas + r];
            size += isfinite(a[i / n][i % n]) ? fabsl(a[i / n][i % n]) : 0;
        }
        for (int sweep = 0; sweep < 30 && turning; sweep++) {
            turning = false;
            for (size_t p = 0; p + 1 < n; p++)
                for (size_t q = p + 1; q < n; q++)
                    turning |= oracle_turn(n, a, v, p, q);
        }
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                if (j <= i)
                    expect(t, 0, packed_index(i, j) * replicas + r, a[i][j], 16 * size);
                expect(t, 1, (i * n + j) * replicas + r, v[i][j], 1e4L);
            }
    }
}

/* Deviates of single addresses are the oracle, to the bit. */
static inline uns_key key_of_trial(const trial *t) {
    const uns_key key = {0x123456789abcdefu + t->n, (uint64_t)1 << 40 | 77, 0xfffffffdu,
                         UNS_STREAM_USER};
    return key;
}

static inline uint32_t first_of_trial(const trial *t) {
    return (uint32_t)(t->variant & 1 ? 1001 : 0);
}

static inline void shape_draw_rows(trial *t) {
    shape_rows(t);
    t->length[0] = t->rows * t->replicas;
}
static inline void run_normal_rows(const uns_kernels *k, trial *t) {
    k->normal_rows(key_of_trial(t), first_of_trial(t), t->rows, t->replicas, doubles_out(t, 0));
}
static inline void want_normal_rows(trial *t) {
    for (size_t at = 0; at < t->length[0]; at++) {
        uns_key key = key_of_trial(t);
        double z;
        key.replica += (uint32_t)(at % t->replicas);
        uns_random_normal(key, first_of_trial(t) + (uint32_t)(at / t->replicas), 1, &z);
        expect(t, 0, at, z, 0);
    }
}

static inline void run_normal(const uns_kernels *k, trial *t) {
    k->normal(key_of_trial(t), first_of_trial(t), t->n, doubles_out(t, 0));
}
static inline void want_normal(trial *t) {
    EACH(i) {
        double z;
        uns_random_normal(key_of_trial(t), first_of_trial(t) + (uint32_t)i, 1, &z);
        expect(t, 0, i, z, 0);
    }
}

static inline void run_uniform(const uns_kernels *k, trial *t) {
    k->uniform(key_of_trial(t), first_of_trial(t), t->n, doubles_out(t, 0));
}
static inline void want_uniform(trial *t) {
    EACH(i) {
        double u;
        uns_random_uniform(key_of_trial(t), first_of_trial(t) + (uint32_t)i, 1, &u);
        expect(t, 0, i, u, 0);
    }
}

static inline void run_exp(const uns_kernels *k, trial *t) {
    k->exp(t->n, doubles(t, 0), doubles_out(t, 1));
}
static inline void want_exp(trial *t) {
    EACH(i) {
        const real x = t->in[0][i];
        expect(t, 1, i, expl(x), expl(x));
    }
}

static inline void run_log(const uns_kernels *k, trial *t) {
    k->log(t->n, doubles(t, 0), doubles_out(t, 1));
}
static inline void want_log(trial *t) {
    EACH(i) {
        const real x = t->in[0][i];
        expect(t, 1, i, logl(x), fabsl(logl(x)));
    }
}

static inline void run_pow(const uns_kernels *k, trial *t) {
    k->pow(t->n, doubles(t, 0), trial_coefficient(t, 1), doubles_out(t, 1));
}
static inline void want_pow(trial *t) {
    EACH(i) {
        const real power = powl(t->in[0][i], trial_coefficient(t, 1));
        expect(t, 1, i, isnan(t->in[0][i]) ? (real)NAN : power, power * 8);
    }
}

static inline void run_saddle_gradient(const uns_kernels *k, trial *t) {
    k->saddle_gradient(t->n, trial_coefficient(t, 1), doubles(t, 0), doubles_out(t, 1));
}
static inline void want_saddle_gradient(trial *t) {
    EACH(i) {
        const real x = t->in[0][i], linear = trial_coefficient(t, 1) * x;
        const real confined = 10 * powl(x, 9), g = t->in[1][i];
        expect(t, 1, i, g + (linear + confined), fabsl(g) + fabsl(linear) + fabsl(confined));
    }
}

static inline void run_saddle_value(const uns_kernels *k, trial *t) {
    k->saddle_value(t->n, trial_coefficient(t, 1), doubles(t, 0), doubles_out(t, 1));
}
static inline void want_saddle_value(trial *t) {
    EACH(i) {
        const real x = t->in[0][i], square = trial_coefficient(t, 1) * x * x / 2;
        const real confined = powl(x, 10), f = t->in[1][i];
        expect(t, 1, i, f + (square + confined), fabsl(f) + fabsl(square) + confined);
    }
}

/* CASE(kernel, types, inputs, outputs, positive, degree, variants, shape) */
#define F64_CASES(CASE)                                                                        \
    CASE(dot, "dd", 3, 0, 0, 2, 1, shape_flat)                                                 \
    CASE(axpy, "dd", 3, 2, 0, 1, 4, shape_flat)                                                \
    CASE(matrix_rows, "ddd", 3, 4, 0, 2, 4, shape_matrix)                                      \
    CASE(outer_rows, "dddd", 15, 8, 0, 3, 4, shape_outer)                                      \
    CASE(symmetric_rows, "ddd", 3, 4, 0, 2, 4, shape_symmetric)                                \
    CASE(eigen_rows, "dd", 1, 3, 0, 160, 4, shape_eigen)                                       \
    CASE(normal_rows, "d", 0, 1, 0, 0, 8, shape_draw_rows)                                     \
    CASE(normal, "d", 0, 1, 0, 0, 2, shape_flat)                                               \
    CASE(uniform, "d", 0, 1, 0, 0, 2, shape_flat)                                              \
    CASE(exp, "dd", 1, 2, 0, 1, 1, shape_flat)                                                 \
    CASE(log, "dd", 1, 2, 1, 1, 1, shape_flat)                                                 \
    CASE(pow, "dd", 1, 2, 1, 1, 4, shape_flat)                                                 \
    CASE(saddle_gradient, "dd", 3, 2, 0, 10, 4, shape_flat)                                    \
    CASE(saddle_value, "dd", 3, 2, 0, 10, 4, shape_flat)

#define F64_CASE(kernel, ...)                                                                  \
    {#kernel, offsetof(uns_kernels, kernel), __VA_ARGS__, run_##kernel, want_##kernel},
static const kern_case f64_cases[] = {F64_CASES(F64_CASE)};

#endif

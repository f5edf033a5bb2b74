/* SPDX-License-Identifier: MIT
 * Symmetric positive semidefinite matrices of many spectra, drawn by number: the same number is
 * the same matrix. They are rounded to f64, and whoever wants their root takes that of the
 * rounded one.
 */
#ifndef UNS_TEST_ROOT_MATRICES_H
#define UNS_TEST_ROOT_MATRICES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unsaddle/random.h>

/*   random      Gram matrix of 1 to 3 n Gaussian vectors
 *   even        logarithms of the eigenvalues even, condition up to 1e12
 *   clustered   two to five different eigenvalues, each to 1e-13, condition up to 1e9
 *   low_rank    Gram matrix of fewer than n vectors of very different length
 *   isolated    one eigenvalue far below all others
 *   near        some eigenvalues between 1e-12 and 1e-17 of the largest */
#define ROOT_FAMILY_LIST(X) X(random) X(even) X(clustered) X(low_rank) X(isolated) X(near)

#define ROOT_FAMILY_CODE(name) ROOT_FAMILY_##name,
#define ROOT_FAMILY_NAME(name) #name,
typedef enum root_family {
    ROOT_FAMILY_LIST(ROOT_FAMILY_CODE) ROOT_FAMILY_COUNT
} root_family;
static const char *const root_family_names[] = {ROOT_FAMILY_LIST(ROOT_FAMILY_NAME)};

static inline uns_key root_key(uint64_t number) {
    return (uns_key){.seed = number, .stream = UNS_STREAM_USER};
}

/* Draw `index` of a matrix: uniform in (low, high). */
static inline double root_draw(uint64_t number, uint32_t index, double low, double high) {
    double u;
    uns_key key = root_key(number);
    key.step = 1;
    uns_random_uniform(key, index, 1, &u);
    return low + (high - low) * u;
}

/* c += Σ_m weights[m]·row_m row_mᵀ for `count` rows of length n, lower triangle mirrored. */
static inline void root_matrix_add(size_t n, size_t count, const double *weights,
                                   const double *rows, double *c) {
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                c[i * n + j] += weights[m] * rows[m * n + i] * rows[m * n + j];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            c[j * n + i] = c[i * n + j];
}

/* Rows orthonormal: Gram–Schmidt, twice. */
static inline void root_matrix_orthogonal(size_t n, double *q) {
    for (size_t i = 0; i < n; i++)
        for (int pass = 0; pass < 2; pass++) {
            double *row = q + i * n, square = 0;
            for (size_t j = 0; j < i; j++) {
                double dot = 0;
                for (size_t k = 0; k < n; k++)
                    dot += row[k] * q[j * n + k];
                for (size_t k = 0; k < n; k++)
                    row[k] -= dot * q[j * n + k];
            }
            for (size_t k = 0; k < n; k++)
                square += row[k] * row[k];
            for (size_t k = 0; k < n; k++)
                row[k] /= sqrt(square);
        }
}

/* Eigenvalue m of n, the largest about 1. */
static inline double root_eigenvalue(root_family family, uint64_t number, size_t m, size_t n) {
    uint32_t own = 100 + (uint32_t)m;
    double share = n > 1 ? (double)m / (double)(n - 1) : 0;
    switch (family) {
    case ROOT_FAMILY_even:
        return pow(10, -share * root_draw(number, 1, 0.5, 12));
    case ROOT_FAMILY_clustered: {
        double steps = floor(root_draw(number, 1, 1, 5)), level = floor(share * steps + 0.5);
        return pow(10, -level / steps * root_draw(number, 2, 1, 9)) *
               (1 + root_draw(number, own, 0, 1e-13));
    }
    case ROOT_FAMILY_isolated:
        return m + 1 < n ? root_draw(number, own, 0.1, 1)
                         : pow(10, -root_draw(number, 1, 2, 12));
    default: /* near */
        return share <= root_draw(number, 1, 0.1, 0.9)
                   ? pow(10, -root_draw(number, own, 0, 3))
                   : pow(10, -root_draw(number, own, 12, 17));
    }
}

static inline double root_weight(root_family family, uint64_t number, size_t m, size_t count) {
    if (family == ROOT_FAMILY_random)
        return 1 / (double)count;
    if (family == ROOT_FAMILY_low_rank)
        return pow(10, -root_draw(number, 100 + (uint32_t)m, 0, 6));
    return root_eigenvalue(family, number, m, count);
}

/* Matrix `number` of a family into c, n×n; its size is between 1e-20 and 1e20. */
static inline void root_matrix(root_family family, uint64_t number, size_t n, double *c) {
    size_t count = n;
    if (family == ROOT_FAMILY_random)
        count = (size_t)((double)n * root_draw(number, 1, 1, 3));
    if (family == ROOT_FAMILY_low_rank)
        count = 1 + (size_t)((double)(n - 1) * root_draw(number, 1, 0, 0.9));
    double *rows = calloc(count * n, sizeof *rows), *weights = calloc(count, sizeof *weights);
    uns_random_normal(root_key(number), 0, count * n, rows);
    if (family != ROOT_FAMILY_random && family != ROOT_FAMILY_low_rank)
        root_matrix_orthogonal(n, rows);
    double scale = pow(10, root_draw(number, 3, -20, 20));
    for (size_t m = 0; m < count; m++)
        weights[m] = scale * root_weight(family, number, m, count);
    memset(c, 0, n * n * sizeof *c);
    root_matrix_add(n, count, weights, rows, c);
    free(rows);
    free(weights);
}

#endif

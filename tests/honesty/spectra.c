/* SPDX-License-Identifier: MIT
 * Operators with chosen spectra; see the header.
 */
#include "spectra.h"

#include <math.h>
#include <string.h>

const char *const spectra_names[SPECTRA_FAMILIES] = {"worst", "clusters", "axes"};

static void reflect(size_t d, const double *u, double *v) {
    double along = 0.0;
    for (size_t i = 0; i < d; i++)
        along += u[i] * v[i];
    for (size_t i = 0; i < d; i++)
        v[i] -= 2.0 * along * u[i];
}

static uns_status product(void *self, const double *v, double *out) {
    const spectra_matrix *m = self;
    size_t d = m->dimension;
    memcpy(out, v, d * sizeof *out);
    for (int r = 0; r < m->reflections; r++)
        reflect(d, m->u[r], out);
    for (size_t i = 0; i < d; i++)
        out[i] *= m->lambda[i];
    for (int r = m->reflections; r-- > 0;)
        reflect(d, m->u[r], out);
    return UNS_OK;
}

uns_operator spectra_operator(spectra_matrix *matrix) {
    return (uns_operator){
        sizeof(uns_operator), matrix->dimension, matrix, product, UNS_RUNG_EXACT, 0.0};
}

double spectra_uniform(uns_key key, uint32_t index) {
    double u;
    uns_random_uniform(key, index, 1, &u);
    return u;
}

static size_t below(uns_key key, uint32_t index, size_t bound) {
    return (size_t)(spectra_uniform(key, index) * (double)bound);
}

/* Small dimensions mostly: they are where a certificate has least room, and cheap. */
static size_t draw_dimension(spectra_family family, uns_key key) {
    static const size_t any[] = {2,  3,  4,  5,   6,   8,   10,  12,   15,   20,
                                 30, 50, 70, 100, 200, 300, 500, 1000, 2000, 5000};
    static const size_t small[] = {2,  3,  4,  5,  6,  8,   10,  12,  15,
                                   20, 30, 40, 50, 70, 100, 200, 300, 500};
    bool spread = family == SPECTRA_AXES && spectra_uniform(key, 1) < 0.5;
    return spread ? small[below(key, 0, sizeof small / sizeof *small)]
                  : any[below(key, 0, sizeof any / sizeof *any)];
}

/* Extrema of T_{2k−1}(√x) on [0, 1], carried over to [base, top]. */
static void fill_worst(uns_key key, double base, double top, spectra_matrix *m) {
    size_t most = m->dimension - 1 < 40 ? m->dimension - 1 : 40, k = 1 + below(key, 2, most);
    for (size_t i = 1; i < m->dimension; i++) {
        double c = cos((double)((i - 1) % k) * 3.14159265358979323846 / (double)(2 * k - 1));
        m->lambda[i] = base + (top - base) * c * c;
    }
}

static void fill_clusters(uns_key key, double base, double top, double tau, spectra_matrix *m) {
    size_t clusters = 1 + below(key, 3, 6);
    double width = spectra_uniform(key, 4) < 0.5 ? 0.0 : 0.01 * tau;
    for (size_t i = 1; i < m->dimension; i++) {
        uint32_t cluster = (uint32_t)((i - 1) % clusters);
        double centre = base + (top - base) * spectra_uniform(key, 8 + cluster);
        m->lambda[i] = centre + width * spectra_uniform(key, 32 + (uint32_t)i);
    }
}

static void fill_evenly(uns_key key, double base, double top, spectra_matrix *m) {
    for (size_t i = 1; i < m->dimension; i++)
        m->lambda[i] = base + (top - base) * spectra_uniform(key, 32 + (uint32_t)i);
}

static void draw_rotation(uns_key key, spectra_matrix *m) {
    for (int r = 0; r < SPECTRA_REFLECTIONS; r++) {
        double sum = 0.0;
        key.replica++;
        uns_random_normal(key, 0, m->dimension, m->u[r]);
        for (size_t i = 0; i < m->dimension; i++)
            sum += m->u[r][i] * m->u[r][i];
        for (size_t i = 0; i < m->dimension; i++)
            m->u[r][i] /= sqrt(sum);
    }
    m->reflections = SPECTRA_REFLECTIONS;
}

void spectra_draw(spectra_family family, double tau, double lowest, uns_key key,
                  spectra_matrix *m) {
    double low = lowest * tau, top = low + 1.0;
    double base = low + tau * (0.02 + 1.2 * spectra_uniform(key, 5));
    m->dimension = draw_dimension(family, key);
    m->reflections = 0;
    m->lambda[0] = low;
    if (family == SPECTRA_WORST)
        fill_worst(key, base, top, m);
    else if (family == SPECTRA_AXES && spectra_uniform(key, 1) < 0.5)
        fill_evenly(key, base, top, m);
    else
        fill_clusters(key, base, top, tau, m);
    if (family != SPECTRA_AXES) {
        draw_rotation(key, m);
        return;
    }
    size_t axis = 1 + below(key, 6, m->dimension - 1);
    m->lambda[0] = m->lambda[axis];
    m->lambda[axis] = low;
}

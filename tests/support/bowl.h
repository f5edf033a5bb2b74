/* SPDX-License-Identifier: MIT
 * A quadratic bowl with ill-conditioned curvature and noise, in axes that can be turned, and an
 * optimizer that rides it: for tests of structures that are not elementwise.
 */
#ifndef UNS_TEST_BOWL_H
#define UNS_TEST_BOWL_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unsaddle/optimizer.h>
#include <unsaddle/random.h>

static inline uns_context *open_context(int threads) {
    uns_context_config config = {.size = sizeof config, .threads = threads};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

static inline uns_spec spec_of(uns_context *context, const char *preset, const char *more) {
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, preset, &spec), UNS_OK);
    cr_assert_eq(uns_param_assign(context, uns_spec_table(), &spec, more), UNS_OK, "%s",
                 uns_context_message(context));
    return spec;
}

/* One block of d parameters on f = ½xᵀHx with gradients Hx + Sn; in coordinates turned by Q. */
enum {
    MOST = 40
};

typedef struct bowl {
    size_t d;
    double h[MOST * MOST], s[MOST * MOST], q[MOST * MOST]; /* q rows: new axes */
} bowl;

static inline void turned(const bowl *b, const double *x, double *out) {
    for (size_t i = 0; i < b->d; i++) {
        out[i] = 0.0;
        for (size_t j = 0; j < b->d; j++)
            out[i] += b->q[i * b->d + j] * x[j];
    }
}

static inline void turned_back(const bowl *b, const double *x, double *out) {
    for (size_t i = 0; i < b->d; i++) {
        out[i] = 0.0;
        for (size_t j = 0; j < b->d; j++)
            out[i] += b->q[j * b->d + i] * x[j];
    }
}

/* Orthonormal rows out of Gaussian ones. */
static inline void draw_rotation(size_t d, uint64_t seed, double *q) {
    uns_key key = {seed, 0, 0, UNS_STREAM_USER};
    uns_random_normal(key, 0, d * d, q);
    for (size_t i = 0; i < d; i++)
        for (int pass = 0; pass < 2; pass++) {
            double square = 0.0;
            for (size_t j = 0; j < i; j++) {
                double dot = 0.0;
                for (size_t k = 0; k < d; k++)
                    dot += q[i * d + k] * q[j * d + k];
                for (size_t k = 0; k < d; k++)
                    q[i * d + k] -= dot * q[j * d + k];
            }
            for (size_t k = 0; k < d; k++)
                square += q[i * d + k] * q[i * d + k];
            for (size_t k = 0; k < d; k++)
                q[i * d + k] /= sqrt(square);
        }
}

/* out = Rᵀ·diag(from … to, log-even)·R for random rows R. */
static inline void draw_matrix(size_t d, uint64_t seed, double from, double to, double *out) {
    double r[MOST * MOST];
    draw_rotation(d, seed, r);
    memset(out, 0, d * d * sizeof *out);
    for (size_t k = 0; k < d; k++)
        for (size_t i = 0; i < d * d; i++)
            out[i] += from * pow(to / from, (double)k / (double)(d - 1)) * r[k * d + i / d] *
                      r[k * d + i % d];
}

/* Curvatures 1e-4 … 1, noise deviations 1e-3 … 1, each in axes of its own. */
static inline void draw_bowl(size_t d, bowl *b) {
    b->d = d;
    draw_matrix(d, 1, 1e-4, 1.0, b->h);
    draw_matrix(d, 2, 1e-3, 1.0, b->s);
    draw_rotation(d, 3, b->q);
}

static inline void bowl_gradient(const bowl *b, uint64_t step, const double *x, double *g) {
    double n[MOST];
    uns_key key = {5, step, 0, UNS_STREAM_USER};
    uns_random_normal(key, 0, b->d, n);
    for (size_t i = 0; i < b->d; i++) {
        g[i] = 0.0;
        for (size_t j = 0; j < b->d; j++)
            g[i] += b->h[i * b->d + j] * x[j] + b->s[i * b->d + j] * n[j];
    }
}

typedef struct rider {
    uns_layout *layout;
    uns_optimizer *optimizer;
    double x[MOST];
} rider;

static inline void open_rider(uns_context *context, size_t d, const uns_spec *spec, rider *r) {
    uns_block block = {"x", d, 1, 0};
    uns_layout_config layout = {sizeof layout, UNS_F64, 1, 1, &block};
    cr_assert_eq(uns_layout_create(context, &layout, &r->layout), UNS_OK);
    uns_optimizer_config config = {
        .size = sizeof config, .layout = r->layout, .count = 1, .specs = spec};
    cr_assert_eq(uns_optimizer_create(context, &config, &r->optimizer), UNS_OK, "%s",
                 uns_context_message(context));
}

static inline void close_rider(rider *r) {
    uns_optimizer_destroy(r->optimizer);
    uns_layout_destroy(r->layout);
}

static inline void ride(rider *r, const double *g) {
    void *x[1] = {r->x};
    const void *at[1] = {g};
    cr_assert_eq(
        uns_optimizer_step(r->optimizer, (uns_tensors){x, 1}, (uns_const_tensors){at, 1}),
        UNS_OK);
}

static inline void look_at(rider *r, const double *g) {
    const void *x[1] = {r->x}, *at[1] = {g};
    cr_assert_eq(uns_optimizer_observe(r->optimizer, (uns_const_tensors){x, 1},
                                       (uns_const_tensors){at, 1}),
                 UNS_OK);
}

static inline uint64_t roots_of(const uns_optimizer *optimizer) {
    uns_structure_report report;
    cr_assert_eq(uns_optimizer_structure_report(optimizer, 0, &report), UNS_OK);
    return report.roots;
}

#endif

/* SPDX-License-Identifier: MIT
 * One case a kernel: which arrays it takes, how it is called, and an oracle in long double
 * written from the equations of kern.h, which shares no code with the kernels. test_kern.c
 * holds that no kernel is without its case.
 */
#ifndef UNS_TEST_KERN_CASES_H
#define UNS_TEST_KERN_CASES_H

#include <stddef.h>

#include "support/kern_trial.h"

typedef long double real;

#define EACH(i) for (size_t i = 0; i < t->n; i++)

static inline const uns_elementwise *elements_of(const uns_kernels *k, const trial *t) {
    return &k->of[t->dtype];
}

enum {
    ROUNDINGS = 8
};

/* How far a result may be off: roundings of terms as large as `scale`, or of least numbers. */
static inline real room_of(real scale, bool narrow) {
    const real epsilon = narrow ? FLT_EPSILON : DBL_EPSILON;
    const real least = narrow ? FLT_TRUE_MIN : DBL_TRUE_MIN;
    return scale == 0 ? 0 : ROUNDINGS * (epsilon * scale + least);
}

static inline void expect(trial *t, int array, size_t i, real want, real scale) {
    t->want[array][i] = want;
    t->scale[array][i] = scale;
}

/* Shapes. */

static inline void shape_flat(trial *t) {
    for (int j = 0; t->types[j]; j++)
        t->length[j] = t->n;
    t->rows = t->cols = t->replicas = 1;
}

/* By variant: few rows of many replicas, one replica, many rows of few. */
static inline void shape_rows(trial *t) {
    const size_t narrow[4] = {t->n, 1, 3, 2};
    t->replicas = narrow[t->variant & 3];
    t->rows = t->variant & 3 ? t->n : t->n > 100 ? 2 : 5;
}

/* Cases: call and oracle side by side. The letters are those of kern.h. */

static inline void run_mix(const uns_kernels *k, trial *t) {
    elements_of(k, t)->mix(t->n, trial_coefficient(t, 0), t->data[0], trial_coefficient(t, 1),
                           t->data[1], t->data[2]);
}
static inline void want_mix(trial *t) {
    EACH(i) {
        const real ax = trial_coefficient(t, 0) * t->in[0][i];
        const real by = trial_coefficient(t, 1) * t->in[1][i];
        expect(t, 2, i, ax + by, fabsl(ax) + fabsl(by));
    }
}

/* Variants from 4 on: without u; from 8 on: without m_out. */
static inline void run_momentum(const uns_kernels *k, trial *t) {
    const double row[4] = {trial_coefficient(t, 0), trial_coefficient(t, 1),
                           trial_coefficient(t, 3), trial_coefficient(t, 2)};
    const int part = t->variant / 4;
    elements_of(k, t)->momentum(t->n, row, t->data[0], t->data[1],
                                part == 1 ? NULL : t->data[2], part == 2 ? NULL : t->data[3]);
}
static inline void want_momentum(trial *t) {
    const int part = t->variant / 4;
    EACH(i) {
        const real m = t->in[0][i], g = t->in[1][i];
        const real gm = trial_coefficient(t, 0) * m, dg = trial_coefficient(t, 1) * g;
        const real am = trial_coefficient(t, 3) * m, bg = trial_coefficient(t, 2) * g;
        if (part != 1)
            expect(t, 2, i, gm + dg, fabsl(gm) + fabsl(dg));
        if (part != 2)
            expect(t, 3, i, am + bg, fabsl(am) + fabsl(bg));
    }
}

static inline void run_accumulate(const uns_kernels *k, trial *t) {
    elements_of(k, t)->accumulate(t->n, trial_coefficient(t, 0), trial_coefficient(t, 1),
                                  trial_coefficient(t, 2), t->data[0], t->data[1]);
}
static inline void want_accumulate(trial *t) {
    EACH(i) {
        const real s = t->in[0][i], kept = trial_coefficient(t, 0) * t->in[1][i];
        const real taken = trial_coefficient(t, 1) * s * s, e = trial_coefficient(t, 2);
        expect(t, 1, i, kept + taken + e, fabsl(kept) + fabsl(taken) + fabsl(e));
    }
}

static inline void run_accumulate_max(const uns_kernels *k, trial *t) {
    elements_of(k, t)->accumulate_max(t->n, trial_coefficient(t, 0), trial_coefficient(t, 2),
                                      t->data[0], t->data[1]);
}
static inline void want_accumulate_max(trial *t) {
    EACH(i) {
        const real kept = trial_coefficient(t, 0) * t->in[1][i];
        const real size = fabsl(t->in[0][i]) + trial_coefficient(t, 2);
        const real larger = kept > size ? kept : size;
        expect(t, 1, i, larger, larger);
    }
}

static inline void run_accumulate_sign(const uns_kernels *k, trial *t) {
    elements_of(k, t)->accumulate_sign(t->n, trial_coefficient(t, 1), t->data[0], t->data[1]);
}
static inline void want_accumulate_sign(trial *t) {
    EACH(i) {
        const real c = t->in[1][i], q = t->in[0][i] * t->in[0][i];
        const real bq = trial_coefficient(t, 1) * q;
        expect(t, 1, i, c > q ? c - bq : c < q ? c + bq : c, fabsl(c) + fabsl(bq));
    }
}

static inline void run_ceiling(const uns_kernels *k, trial *t) {
    elements_of(k, t)->ceiling(t->n, trial_coefficient(t, 3), t->data[0], t->data[1]);
}
static inline void want_ceiling(trial *t) {
    EACH(i) {
        const real now = trial_coefficient(t, 3) * t->in[0][i], top = t->in[1][i];
        expect(t, 1, i, top > now ? top : now, fabsl(now) + fabsl(top));
    }
}

static inline void run_variance(const uns_kernels *k, trial *t) {
    elements_of(k, t)->variance(t->n, trial_coefficient(t, 3), t->data[0], t->data[1],
                                t->data[2]);
}
static inline void want_variance(trial *t) {
    EACH(i) {
        const real second = trial_coefficient(t, 3) * t->in[0][i];
        const real mean = trial_coefficient(t, 3) * t->in[1][i], spread = second - mean * mean;
        expect(t, 2, i, spread < 0 ? 0 : spread, fabsl(second) + mean * mean);
    }
}

/* Variants: form·10 + 2·(which p) + (ε is 0). */
static inline uns_root root_of(const trial *t) {
    static const double exponents[5] = {0.5, 1, 0.25, 0.7, 2};
    static const double corrections[3] = {1, 1.0625, 2.6};
    const uns_root root = {.exponent = exponents[t->variant / 2 % 5],
                           .epsilon = t->variant % 2 ? 0 : 1e-4,
                           .correction = corrections[(t->variant + t->n) % 3],
                           .form = t->variant / 10};
    return root;
}

/* u / denominator for C = c; `lost`: roundings that the root makes of one. */
static inline void want_root(trial *t, int array, size_t i, real c, real u) {
    const uns_root root = root_of(t);
    const real p = root.exponent, k = root.correction, epsilon = root.epsilon;
    real denominator;
    if (root.form == UNS_EPSILON_INSIDE)
        denominator = powl(k * c + epsilon, p);
    else if (root.form == UNS_EPSILON_OUTSIDE)
        denominator = powl(k * c, p) + epsilon;
    else
        denominator = (powl(c, p) + epsilon) * powl(k, p);
    const real d = denominator == 0 ? 0 : u / denominator;
    expect(t, array, i, d, fabsl(d) * (t->variant / 2 % 5 >= 2 ? 8 : 1));
}

static inline void run_precondition(const uns_kernels *k, trial *t) {
    const uns_root root = root_of(t);
    elements_of(k, t)->precondition(t->n, &root, t->data[0], t->data[1], t->data[2]);
}
static inline void want_precondition(trial *t) {
    EACH(i)
    want_root(t, 2, i, t->in[0][i], t->in[1][i]);
}

static inline void run_precondition_signal(const uns_kernels *k, trial *t) {
    const uns_root root = root_of(t);
    elements_of(k, t)->precondition_signal(t->n, &root, t->data[0], t->data[1], t->data[2]);
}
static inline void want_precondition_signal(trial *t) {
    EACH(i)
    want_root(t, 2, i, t->in[0][i] * t->in[0][i], t->in[1][i]);
}

static inline void run_adadelta(const uns_kernels *k, trial *t) {
    elements_of(k, t)->adadelta(t->n, trial_coefficient(t, 0), trial_coefficient(t, 2),
                                t->data[0], t->data[1]);
}
static inline void want_adadelta(trial *t) {
    const double beta = trial_coefficient(t, 0);
    EACH(i) {
        const real square = t->in[0][i], d = t->in[1][i];
        const real step = sqrtl(square + trial_coefficient(t, 2)) * d;
        expect(t, 0, i, beta * square + (1 - beta) * step * step, square + step * step);
        expect(t, 1, i, step, fabsl(step));
    }
}

static inline void run_move(const uns_kernels *k, trial *t) {
    elements_of(k, t)->move(t->n, trial_coefficient(t, 0), trial_coefficient(t, 1), t->data[0],
                            t->data[1]);
}
static inline void want_move(trial *t) {
    EACH(i) {
        const real kept = trial_coefficient(t, 0) * t->in[1][i];
        const real moved = trial_coefficient(t, 1) * t->in[0][i];
        expect(t, 1, i, kept - moved, fabsl(kept) + fabsl(moved));
    }
}

static inline void run_clamp(const uns_kernels *k, trial *t) {
    elements_of(k, t)->clamp(t->n, fabs(trial_coefficient(t, 1)), t->data[0], t->data[1]);
}
static inline void want_clamp(trial *t) {
    const real limit = fabs(trial_coefficient(t, 1));
    EACH(i) {
        const real x = t->in[0][i];
        expect(t, 1, i, x > limit ? limit : x < -limit ? -limit : x, limit);
    }
}

static inline void run_scale(const uns_kernels *k, trial *t) {
    elements_of(k, t)->scale(t->n, trial_coefficient(t, 0), t->data[0], t->data[1]);
}
static inline void want_scale(trial *t) {
    EACH(i) {
        const real kx = trial_coefficient(t, 0) * t->in[0][i];
        expect(t, 1, i, kx, fabsl(kx));
    }
}

/* Arrays: k, x, out. */
static inline void shape_scale_rows(trial *t) {
    shape_rows(t);
    t->length[0] = t->replicas;
    t->length[1] = t->length[2] = t->rows * t->replicas;
}
static inline void run_scale_rows(const uns_kernels *k, trial *t) {
    elements_of(k, t)->scale_rows(t->rows, t->replicas, (const double *)t->data[0], t->data[1],
                                  t->data[2]);
}
static inline void want_scale_rows(trial *t) {
    for (size_t i = 0; i < t->length[1]; i++) {
        const real kx = t->in[0][i % t->replicas] * t->in[1][i];
        expect(t, 2, i, kx, fabsl(kx));
    }
}

/* Arrays: x, and one number a replica. */
static inline void shape_by_replica(trial *t) {
    shape_rows(t);
    t->length[0] = t->rows * t->replicas;
    t->length[1] = t->replicas;
}
static inline void run_square_rows(const uns_kernels *k, trial *t) {
    elements_of(k, t)->square_rows(t->rows, t->replicas, t->data[0], (double *)t->data[1]);
}
static inline void want_square_rows(trial *t) {
    for (size_t r = 0; r < t->replicas; r++) {
        real sum = t->in[1][r], size = fabsl(sum);
        for (size_t i = 0; i < t->rows; i++) {
            const real x = t->in[0][i * t->replicas + r];
            sum += x * x;
            size += x * x;
        }
        expect(t, 1, r, sum, size * (real)(8 + t->rows));
    }
}

static inline void run_nonfinite_rows(const uns_kernels *k, trial *t) {
    elements_of(k, t)->nonfinite_rows(t->rows, t->replicas, t->data[0], t->data[1]);
}
static inline void want_nonfinite_rows(trial *t) {
    for (size_t r = 0; r < t->replicas; r++) {
        int bad = (int)t->in[1][r];
        for (size_t i = 0; i < t->rows; i++)
            bad |= !isfinite(t->in[0][i * t->replicas + r]);
        expect(t, 1, r, bad, 0);
    }
}

static inline void run_square(const uns_kernels *k, trial *t) {
    t->result = elements_of(k, t)->square(t->n, t->data[0]);
}
static inline void want_square(trial *t) {
    real sum = 0;
    EACH(i)
    sum += t->in[0][i] * t->in[0][i];
    t->wanted_result = (double)sum;
    t->result_scale = (double)sum * (8 + (double)t->n / 16);
}

static inline void run_nonfinite(const uns_kernels *k, trial *t) {
    t->result = elements_of(k, t)->nonfinite(t->n, t->data[0]);
}
static inline void want_nonfinite(trial *t) {
    t->wanted_result = t->result_scale = 0;
    EACH(i)
    if (!isfinite(t->in[0][i]))
        t->wanted_result = 1;
}

/* What is written back is what was read. Variants: 1 to 4 arrays. */
static inline void run_touch(const uns_kernels *k, trial *t) {
    void *const arrays[ARRAYS] = {t->data[0], t->data[1], t->data[2], t->data[3]};
    elements_of(k, t)->touch(t->n, (size_t)t->variant + 1, arrays);
}
static inline void want_touch(trial *t) {
    (void)t;
}

#include "support/kern_columns.h"
#include "support/kern_update.h"

/* Bits of inputs, outputs and positive: 1, 2, 4, 8 for arrays 0, 1, 2, 3. */
/* CASE(kernel, types, inputs, outputs, positive, degree, variants, shape) */
#define ELEMENT_CASES(CASE)                                                                    \
    CASE(mix, "TTT", 3, 4, 0, 1, 4, shape_flat)                                                \
    CASE(momentum, "TTTT", 3, 12, 0, 1, 12, shape_flat)                                        \
    CASE(accumulate, "TT", 3, 2, 2, 2, 4, shape_flat)                                          \
    CASE(accumulate_max, "TT", 3, 2, 2, 1, 4, shape_flat)                                      \
    CASE(accumulate_sign, "TT", 3, 2, 2, 2, 4, shape_flat)                                     \
    CASE(ceiling, "TT", 3, 2, 3, 1, 4, shape_flat)                                             \
    CASE(variance, "TTT", 3, 4, 1, 2, 4, shape_flat)                                           \
    CASE(precondition, "TTT", 3, 4, 1, 3, 30, shape_flat)                                      \
    CASE(precondition_signal, "TTT", 3, 4, 0, 5, 30, shape_flat)                               \
    CASE(adadelta, "TT", 3, 3, 1, 3, 4, shape_flat)                                            \
    CASE(move, "TT", 3, 2, 0, 1, 4, shape_flat)                                                \
    CASE(clamp, "TT", 1, 2, 0, 0, 4, shape_flat)                                               \
    CASE(scale, "TT", 1, 2, 0, 1, 4, shape_flat)                                               \
    CASE(scale_rows, "dTT", 3, 4, 0, 2, 4, shape_scale_rows)                                   \
    CASE(square_rows, "Td", 3, 2, 2, 2, 4, shape_by_replica)                                   \
    CASE(nonfinite_rows, "Tb", 3, 2, 0, 0, 4, shape_by_replica)                                \
    CASE(square, "T", 1, 0, 0, 2, 1, shape_flat)                                               \
    CASE(nonfinite, "T", 1, 0, 0, 0, 1, shape_flat)                                            \
    CASE(touch, "TTTT", 15, 14, 0, 0, 4, shape_flat)                                           \
    CASE(update, "TTTTT", 31, 30, 24, 3, UPDATE_VARIANTS, shape_flat)                          \
    CASE(dots, "TTTd", 7, 8, 0, 2, 8, shape_dots)                                              \
    CASE(combine, "Tdd", 7, 4, 0, 2, 4, shape_combine)                                         \
    CASE(dot_rows, "TTd", 7, 4, 0, 2, 4, shape_dot_rows)                                       \
    CASE(combine_rows, "dTd", 7, 4, 0, 2, 4, shape_combine_rows)

#define ELEMENT_CASE(kernel, ...)                                                              \
    {#kernel, offsetof(uns_elementwise, kernel), __VA_ARGS__, run_##kernel, want_##kernel},
static const kern_case element_cases[] = {ELEMENT_CASES(ELEMENT_CASE)};

#endif

/* SPDX-License-Identifier: MIT
 * The cases of the kernels over columns of a matrix; see kern_cases.h, which includes this.
 */
#ifndef UNS_TEST_KERN_COLUMNS_H
#define UNS_TEST_KERN_COLUMNS_H

/* Arrays of dots: columns, x, y, sums (variants from 4 on: without y); of combine: columns,
 * weights, acc. `weights` is longer than it need be, so that acc is never taken to lie on it.
 */
enum {
    STRIDE_GAP = 3 /* between columns */
};
static inline void shape_columns(trial *t) {
    const size_t count[4] = {4, 1, 11, 6};
    t->cols = t->n > 300 ? 3 : count[t->variant & 3];
    t->replicas = 1;
    t->length[0] = t->cols * (t->n + STRIDE_GAP);
}
static inline void shape_dots(trial *t) {
    shape_columns(t);
    t->length[1] = t->length[2] = t->n;
    t->length[3] = 2 * t->cols;
}
static inline void shape_combine(trial *t) {
    shape_columns(t);
    t->length[1] = t->n + t->cols;
    t->length[2] = t->n;
}

static inline void run_dots(const uns_kernels *k, trial *t) {
    elements_of(k, t)->dots(t->n, t->cols, t->data[0], t->n + STRIDE_GAP, t->data[1],
                            t->variant < 4 ? t->data[2] : NULL, (double *)(void *)t->data[3]);
}
static inline void want_dots(trial *t) {
    for (size_t at = 0; at < (t->variant < 4 ? 2 : 1) * t->cols; at++) {
        const real *column = t->in[0] + at % t->cols * (t->n + STRIDE_GAP);
        const real *x = t->in[at < t->cols ? 1 : 2];
        real sum = 0, size = 0;
        EACH(i) {
            sum += column[i] * x[i];
            size += fabsl(column[i] * x[i]);
        }
        expect(t, 3, at, sum, size * (8 + (real)t->n / 16));
    }
}

static inline void run_combine(const uns_kernels *k, trial *t) {
    elements_of(k, t)->combine(t->n, t->cols, t->data[0], t->n + STRIDE_GAP,
                               (const double *)(const void *)t->data[1],
                               (double *)(void *)t->data[2]);
}
static inline void want_combine(trial *t) {
    EACH(i) {
        real sum = t->in[2][i], size = fabsl(sum);
        for (size_t j = 0; j < t->cols; j++) {
            const real term = t->in[1][j] * t->in[0][j * (t->n + STRIDE_GAP) + i];
            sum += term;
            size += fabsl(term);
        }
        expect(t, 2, i, sum, size * 4);
    }
}

static inline void shape_dot_rows(trial *t) {
    shape_rows(t);
    t->length[0] = t->length[1] = t->rows * t->replicas;
    t->length[2] = t->replicas;
}
static inline void run_dot_rows(const uns_kernels *k, trial *t) {
    elements_of(k, t)->dot_rows(t->rows, t->replicas, t->data[0], t->data[1],
                                (double *)(void *)t->data[2]);
}
static inline void want_dot_rows(trial *t) {
    for (size_t r = 0; r < t->replicas; r++) {
        real sum = t->in[2][r], size = fabsl(sum);
        for (size_t i = r; i < t->rows * t->replicas; i += t->replicas) {
            sum += t->in[0][i] * t->in[1][i];
            size += fabsl(t->in[0][i] * t->in[1][i]);
        }
        expect(t, 2, r, sum, size * (8 + (real)t->rows));
    }
}

static inline void shape_combine_rows(trial *t) {
    shape_rows(t);
    t->length[0] = t->replicas;
    t->length[1] = t->length[2] = t->rows * t->replicas;
}
static inline void run_combine_rows(const uns_kernels *k, trial *t) {
    elements_of(k, t)->combine_rows(t->rows, t->replicas,
                                    (const double *)(const void *)t->data[0], t->data[1],
                                    (double *)(void *)t->data[2]);
}
static inline void want_combine_rows(trial *t) {
    for (size_t i = 0; i < t->length[1]; i++) {
        const real term = t->in[0][i % t->replicas] * t->in[1][i];
        expect(t, 2, i, t->in[2][i] + term, fabsl(t->in[2][i]) + fabsl(term));
    }
}

#endif

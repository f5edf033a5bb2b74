/* SPDX-License-Identifier: MIT
 * From computed eigenpairs to a root, with the error of the eigen-solver taken out to first
 * order and an estimate of what remains.
 *
 * For rows v_i and values λ̂_i as computed, T = VA − Λ̂V is measured (root_product.c). With H the
 * symmetric part of TVᵀ, A = V'ᵀ(Λ̂ + H)V' to first order, V' being V made orthogonal, and
 *
 *     f(A) = Vᵀ(f(Λ̂) + D∘H)V + ...,   D_ij = (f(λ̂_i) − f(λ̂_j))/(λ̂_i − λ̂_j)
 *
 * (Daleckii and Krein; N. J. Higham, Functions of Matrices, 3.11). ‖D∘H‖ is the error without
 * the correction: 5e-10 at condition 1e6 where 1e-15 is left with it. What is left: the
 * second-order term, with f″ at the geometric mean of three eigenvalues for its divided
 * difference, which makes it a product; the error of T; and the last roundings.
 */
#include "la/dense.h"
#include "la/root_parts.h"

#include <math.h>

static const double first_most = 0.03;    /* more, of change or doubt, is no first order */
static const double second_least = 1e-17; /* not worth a product of matrices */

/* Measured sizes, all relative to ‖R‖. */
typedef struct sizes {
    double norm;   /* ‖f(Λ̂)‖ */
    double first;  /* ‖D∘H‖ */
    double curved; /* second order is some such share of it */
    double second; /* the term of second order */
    double spread; /* ‖D‖ */
    double noise;  /* what the error of H does */
    double doubt;  /* what eigenvalues may do that are not known to a factor */
} sizes;

/* h = symmetric part of TVᵀ; returns the error of an entry. */
static double measure(const root_task *task, const root_pairs *p, double *h) {
    size_t n = task->n;
    double *t = p->square[0];
    for (size_t i = 0; i < n; i++)
        p->slopes[i] = -p->values[i];
    double noise = uns_root_product(task, p->vectors, p->slopes, t, h, p->panel);
    uns_dense_gemm(false, true, n, n, n, 1, t, n, p->vectors, n, 0, h, n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            h[i * n + j] = 0.5 * (h[i * n + j] + h[j * n + i]);
    uns_dense_mirror(n, h);
    return noise * ROOT_UNIT;
}

/* Cube roots of the divided differences of second order at one eigenvalue: f″/2, and across the
 * edge to the flat ones, which count as 0, the step over its squared width. Returns how many
 * are flat. */
static size_t fill_weights(const root_task *task, const root_function *f, const root_pairs *p,
                           double *weights) {
    size_t n = task->n, flat = 0;
    for (size_t i = 0; i < n; i++) {
        weights[i] = cbrt(0.5 * uns_root_bend(f, p->values[i]));
        flat += weights[i] == 0;
    }
    if (flat == 0 || flat == n)
        return flat;
    for (size_t i = flat; i < n; i++) {
        double width = p->values[i] - p->values[flat - 1];
        double step = fabs(p->roots[i] - p->roots[flat - 1]);
        weights[i] = fmax(weights[i], cbrt(step / (width * width)));
    }
    for (size_t i = 0; i < flat; i++)
        weights[i] = weights[flat];
    return flat;
}

/* ‖G‖ with G_ij = Σ_k H_ik H_kj w_i w_k w_j, the term of second order with geometric means;
 * where i, j and k are flat there is none. Spoils h, uses r. */
static double second_order(const root_task *task, const root_function *f, const root_pairs *p,
                           double *h) {
    size_t n = task->n;
    double *weights = p->panel, sum = 0;
    size_t flat = fill_weights(task, f, p, weights);
    for (size_t j = 0; j < n; j++)
        weights[n + j] = sqrt(weights[j]);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            h[i * n + j] *= weights[i] * weights[n + j];
    uns_dense_syrk(false, n, n, 1, h, n, 0, task->r);
    for (size_t i = 0; i < n; i++) {
        size_t begin = i < flat ? flat : 0;
        sum += uns_root_square_sum(n - begin, task->r + i * n + begin);
    }
    uns_dense_syrk(false, flat, n - flat, 1, h + flat, n, 0, task->r);
    return sqrt(sum + uns_root_square_sum(flat * flat, task->r));
}

/* How far eigenvalue i may be off: what H moves it by to first and to second order, where
 * nearly equal ones push each other by no more than their entry; and a typical entry for what
 * is not seen. */
static double radius_of(const root_task *task, const root_pairs *p, const double *h,
                        double typical, size_t i) {
    const double *row = h + i * task->n;
    double pushed = 0;
    for (size_t j = 0; j < task->n; j++) {
        double size = fabs(row[j]), gap = fabs(p->values[i] - p->values[j]);
        pushed += j != i && size > 0 ? size * size / (gap + size) : 0;
    }
    return 2 * (fabs(row[i]) + pushed + typical);
}

/* What eigenvalues do to R that their own error may carry over the edge, or so far along f that
 * first order says nothing; and the largest share of f′ that is lost on the way. */
static void doubt(const root_task *task, const root_function *f, const root_pairs *p,
                  const double *h, sizes *s) {
    size_t n = task->n;
    double sum = 0, typical = sqrt(uns_root_square_sum(n * n, h)) / (double)n;
    double edge = uns_root_edge(f);
    double jump = uns_root_value(f, edge) - uns_root_value(f, edge - f->floor);
    for (size_t i = 0; i < n; i++) {
        double radius = radius_of(task, p, h, typical, i), lambda = p->values[i];
        double swing = uns_root_value(f, lambda - radius) - uns_root_value(f, lambda + radius);
        if (fabs(swing) > 0.5 * p->roots[i])
            sum += swing * swing;
        else if (fabs(lambda - edge) <= radius)
            sum += jump * jump;
        double bend = uns_root_bend(f, lambda), slope = fabs(p->slopes[i]);
        s->curved = fmax(s->curved, slope > 0 ? radius * bend / slope : 1);
    }
    s->doubt = sqrt(sum) / s->norm;
}

/* D_ij: the quotient of differences, which loses digits to rounding, or the mean slope, which
 * loses them to the bend in between. */
static double divided(const root_pairs *p, size_t i, size_t j) {
    double rise = p->roots[i] - p->roots[j], both = p->slopes[i] + p->slopes[j];
    double bend = p->slopes[i] - p->slopes[j];
    if (bend * bend * fabs(rise) <= 1e-15 * (p->roots[i] + p->roots[j]) * both * both)
        return 0.5 * both;
    return rise / (p->values[i] - p->values[j]);
}

/* change = D∘h, lower triangle */
static void apply_differences(const root_task *task, const root_pairs *p, const double *h,
                              double *change, sizes *s) {
    size_t n = task->n;
    double first = 0, spread = 0;
    for (size_t i = 0; i < n; i++) {
        double own = p->slopes[i] * h[i * n + i], row = 0, row_spread = 0;
        for (size_t j = 0; j < i; j++) {
            double d = divided(p, i, j), part = d * h[i * n + j];
            change[i * n + j] = part;
            row += part * part;
            row_spread += d * d;
        }
        change[i * n + i] = own;
        first += 2 * row + own * own;
        spread += 2 * row_spread + p->slopes[i] * p->slopes[i];
    }
    s->first = sqrt(first) / s->norm;
    s->spread = sqrt(spread) / s->norm;
}

/* r = Vᵀf(Λ̂)V; spoils square[1]. */
static void assemble(const root_task *task, const root_pairs *p) {
    size_t n = task->n;
    double *weighted = p->square[1];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            weighted[i * n + j] = sqrt(p->roots[i]) * p->vectors[i * n + j];
    uns_dense_syrk(true, n, n, 1, weighted, n, 0, task->r);
}

/* r = Vᵀ(f(Λ̂) + change)V, of which the lower triangle is given; spoils both squares. */
static void assemble_corrected(const root_task *task, const root_pairs *p, double *change) {
    size_t n = task->n;
    double *half = p->square[1];
    for (size_t i = 0; i < n; i++)
        change[i * n + i] += p->roots[i];
    uns_dense_mirror(n, change);
    uns_dense_gemm(false, false, n, n, n, 1, change, n, p->vectors, n, 0, half, n);
    uns_dense_gemm(true, false, n, n, n, 1, p->vectors, n, half, n, 0, task->r, n);
    uns_dense_mirror(n, task->r);
}

/* Fills s and square[0] with the change; spoils the rest. */
static void size_up(const root_task *task, const root_function *f, const root_pairs *p,
                    sizes *s) {
    size_t n = task->n;
    double *h = p->square[1], noise = measure(task, p, h);
    for (size_t i = 0; i < n; i++)
        p->slopes[i] = uns_root_slope(f, p->values[i]);
    doubt(task, f, p, h, s);
    apply_differences(task, p, h, p->square[0], s);
    s->noise = noise * s->spread;
    if (s->first * s->curved > second_least)
        s->second = second_order(task, f, p, h) / s->norm;
}

void uns_root_correct(const root_task *task, const root_function *f, const root_pairs *p) {
    sizes s = {.norm = sqrt(uns_root_square_sum(task->n, p->roots))};
    if (s.norm > 0)
        size_up(task, f, p, &s);
    bool corrected = s.norm > 0 && s.first < first_most && s.doubt < first_most;
    if (corrected)
        assemble_corrected(task, p, p->square[0]);
    else
        assemble(task, p);
    for (size_t i = 0; i < task->n * task->n; i++)
        task->r[i] /= f->unit;
    double left = corrected ? s.doubt : hypot(s.first, s.doubt);
    double rounding = s.norm > 0 ? uns_root_rounding(task->n) : 0;
    double error = hypot(hypot(left, s.second), hypot(s.noise, rounding));
    task->report->error = error < 1 ? error : 1;
}

/* SPDX-License-Identifier: MIT
 * Roots with ε inside and p = ½ or ¼ by products alone: the coupled Newton–Schulz iteration for
 * B = A + eI, scaled,
 *
 *     T = ρ(3I − ρ²ZY)/2,  Y ← YT,  Z ← TZ   from Y = B, Z = I:   Y → B^½, Z → B^-½
 *
 * and once more from B^½ for ¼. In the eigenbasis of B, x with x² an eigenvalue of ZY goes to
 * ρx(3 − ρ²x²)/2. Since x >= ℓ is known from e, ρ is chosen so that ℓ grows fastest, by 2.5 a
 * step instead of 1.5. ρ stays below √3, which throws the largest x to 0; that costs digits at
 * conditions far beyond those taken here.
 *
 * Sources: N. J. Higham, Functions of Matrices (2008), chapter 6, for the iteration and its
 * stability; J. Chen, E. Chow, A Stable Scaling of Newton–Schulz (2014) for ρ.
 *
 * The error is measured: with S = R^(1/2p), E = SBS − I and Δ = R̂ − R, for p = ½ in the
 * eigenbasis Δ_ij = E_ij·s_i·s_j/(s_i + s_j) <= E_ij·√(s_i·s_j)/2 to first order, so that ‖Δ‖²
 * <= p²·tr((ER)²); for p = ¼ the same follows. It is nearly an equality where small eigenvalues
 * of B carry the error, and they do.
 */
#include "base/arena.h"
#include "la/dense.h"
#include "la/root_parts.h"

#include <float.h>
#include <math.h>

enum {
    NEWTON_MOST = 128,      /* largest n ever taken */
    NEWTON_MEASURING = 6,   /* products spent on the error estimate */
    NEWTON_ITERATIONS = 40, /* in one stage; never reached below the largest condition */
    POWER_STEPS = 8
};
static const double condition_most = 0x1p20; /* beyond, eigen with correction is better */
static const double square_rho_most = 2.9;   /* of 3 */
static const double converged = 1e-8;        /* 1 − ℓ; squared by the next step */
static const double error_most = 1e-6;       /* else it went wrong */

typedef struct newton_scratch {
    double *y, *z, *w, *t, *panel, *shifts;
} newton_scratch;

/* Eigenvalues of B = A + eI lie in [e, high]; largest, about the largest of A, is not above it.
 */
typedef struct newton_bounds {
    double e, high, largest;
} newton_bounds;

static size_t carve(size_t n, void *memory, newton_scratch *s) {
    uns_arena arena = {memory, 0};
    size_t row = n * sizeof(double), square = n * row;
    s->y = uns_arena_take(&arena, square);
    s->z = uns_arena_take(&arena, square);
    s->w = uns_arena_take(&arena, square);
    s->t = uns_arena_take(&arena, square);
    s->panel = uns_arena_take(&arena, ROOT_PANEL * row);
    s->shifts = uns_arena_take(&arena, row);
    return arena.used;
}

size_t uns_root_newton_bytes(size_t n) {
    newton_scratch s;
    return n <= NEWTON_MOST ? carve(n, NULL, &s) : 0;
}

/* ρ for x in [ℓ, 1]; *low becomes the ℓ after the step. */
static double choose_rho(double *low) {
    double l = *low, square = fmin(3 / (1 + l + l * l), square_rho_most), rho = sqrt(square);
    double bottom = rho * l * (3 - square * l * l) / 2, top = rho * (3 - square) / 2;
    *low = fmin(1, fmin(bottom, top));
    return rho;
}

/* Steps of one stage from ℓ. */
static int count_steps(double low) {
    int steps = 1;
    for (; 1 - low > converged && steps < NEWTON_ITERATIONS; steps++)
        (void)choose_rho(&low);
    return steps;
}

static double norm_bound(size_t n, const double *a) {
    double rows = 0;
    for (size_t i = 0; i < n; i++) {
        double row = 0;
        for (size_t j = 0; j < n; j++)
            row += fabs(a[i * n + j]);
        rows = fmax(rows, row);
    }
    return fmin(sqrt(uns_root_square_sum(n * n, a)), rows) * (1 + (double)n * DBL_EPSILON);
}

/* Bounds of B = A + eI, and whether they promise a gain over the eigen-decomposition. */
static bool promising(const root_task *task, const double *a, newton_bounds *bounds) {
    double e = task->root->epsilon / task->root->correction / task->scale;
    *bounds = (newton_bounds){e, norm_bound(task->n, a) + e, 0};
    if (!(bounds->high < condition_most * e))
        return false;
    double low = sqrt(e / bounds->high);
    int steps = count_steps(low) + (task->root->exponent == 0.25 ? count_steps(sqrt(low)) : 0);
    return (size_t)(3 * steps - 3 + NEWTON_MEASURING) * task->n <= task->worth;
}

/* Rayleigh quotient after some steps of the power method; x has 2n. */
static double largest_eigenvalue(size_t n, const double *a, double *x) {
    double quotient = 0, *y = x + n;
    for (size_t i = 0; i < n; i++)
        x[i] = 1 + 0.25 * sin((double)i);
    for (int k = 0; k < POWER_STEPS; k++) {
        double norm = sqrt(uns_root_square_sum(n, x));
        for (size_t i = 0; norm > 0 && i < n; i++)
            x[i] /= norm;
        uns_dense_symv(n, a, x, y);
        quotient = 0;
        for (size_t i = 0; i < n; i++) {
            quotient += x[i] * y[i];
            x[i] = y[i];
        }
    }
    return quotient;
}

/* Whether no eigenvalue of A is below −n·2⁻⁵³·λ_max, half of what counts as rounding. */
static bool semidefinite(size_t n, const double *a, double largest, double *work) {
    for (size_t i = 0; i < n * n; i++)
        work[i] = a[i];
    for (size_t i = 0; i < n; i++)
        work[i * n + i] += (double)n * ROOT_UNIT * largest;
    return uns_dense_cholesky(n, work);
}

static void multiply(size_t n, const double *a, const double *b, double *out) {
    uns_dense_gemm(false, false, n, n, n, 1, a, n, b, n, 0, out, n);
}

static void swap(double **a, double **b) {
    double *kept = *a;
    *a = *b;
    *b = kept;
}

/* w ← ρ(3I − ρ²w)/2 */
static void make_factor(size_t n, double rho, double *w) {
    for (size_t i = 0; i < n * n; i++)
        w[i] *= -0.5 * rho * rho * rho;
    for (size_t i = 0; i < n; i++)
        w[i * n + i] += 1.5 * rho;
}

/* From y = B with eigenvalues in [low, high]: z = B^-½ and, if wanted, y = B^½. */
static int stage(size_t n, double low, double high, bool both, newton_scratch *s) {
    double l = sqrt(low / high);
    int steps = count_steps(l);
    for (size_t i = 0; i < n * n; i++)
        s->w[i] = s->y[i];
    make_factor(n, choose_rho(&l) / sqrt(high), s->w);
    multiply(n, s->y, s->w, s->t);
    swap(&s->y, &s->t);
    swap(&s->z, &s->w);
    for (int k = 1; k < steps; k++) {
        multiply(n, s->z, s->y, s->w);
        make_factor(n, choose_rho(&l), s->w);
        if (both || k + 1 < steps) {
            multiply(n, s->y, s->w, s->t);
            swap(&s->y, &s->t);
        }
        multiply(n, s->w, s->z, s->t);
        swap(&s->z, &s->t);
    }
    return steps;
}

static void symmetrize(size_t n, double *a) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            a[i * n + j] = a[j * n + i] = 0.5 * (a[i * n + j] + a[j * n + i]);
}

static int iterate(const root_task *task, const newton_bounds *bounds, newton_scratch *s) {
    size_t n = task->n;
    bool quarter = task->root->exponent == 0.25;
    int steps = stage(n, bounds->e, bounds->high, quarter, s);
    if (quarter) {
        symmetrize(n, s->y);
        steps += stage(n, sqrt(bounds->e), sqrt(bounds->high), false, s);
    }
    symmetrize(n, s->z);
    return steps;
}

/* p·√tr((ER)²)/‖R‖ for R in z. */
static double measure(const root_task *task, double e, newton_scratch *s) {
    size_t n = task->n;
    double *power = s->z;
    if (task->root->exponent == 0.25) {
        uns_dense_syrk(false, n, n, 1, s->z, n, 0, s->y);
        power = s->y;
    }
    for (size_t i = 0; i < n; i++)
        s->shifts[i] = e;
    (void)uns_root_product(task, power, s->shifts, s->w, s->t, s->panel);
    multiply(n, s->w, power, s->t);
    for (size_t i = 0; i < n; i++)
        s->t[i * n + i] -= 1;
    multiply(n, s->t, s->z, s->w);
    double trace = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            trace += s->w[i * n + j] * s->w[j * n + i];
    return task->root->exponent * sqrt(fabs(trace) / uns_root_square_sum(n * n, s->z));
}

static void report_on(const root_task *task, const newton_bounds *bounds, double error,
                      int steps, newton_scratch *s) {
    double unit = task->root->correction * task->scale;
    double inverse = largest_eigenvalue(task->n, s->z, s->panel);
    double smallest = pow(inverse, -1 / task->root->exponent) - bounds->e;
    *task->report = (uns_root_report){.error = hypot(error, uns_root_rounding(task->n)),
                                      .largest = unit * bounds->largest,
                                      .smallest = unit * smallest,
                                      .iterations = steps};
}

bool uns_root_by_newton(const root_task *task) {
    size_t n = task->n;
    const uns_root *root = task->root;
    if (n > NEWTON_MOST || root->form != UNS_EPSILON_INSIDE || task->damping > 0 ||
        !(root->exponent == 0.5 || root->exponent == 0.25))
        return false;
    newton_scratch s;
    newton_bounds bounds;
    (void)carve(n, task->scratch, &s);
    uns_root_scaled_copy(task, s.y);
    if (!promising(task, s.y, &bounds))
        return false;
    bounds.largest = largest_eigenvalue(n, s.y, s.panel);
    if (!semidefinite(n, s.y, bounds.largest, s.t))
        return false;
    for (size_t i = 0; i < n; i++)
        s.y[i * n + i] += bounds.e;
    int steps = iterate(task, &bounds, &s);
    double error = measure(task, bounds.e, &s);
    if (!(error < error_most))
        return false;
    report_on(task, &bounds, error, steps, &s);
    double unit = root->correction * task->scale;
    double factor = 1 / (root->exponent == 0.5 ? sqrt(unit) : sqrt(sqrt(unit)));
    for (size_t i = 0; i < n * n; i++)
        task->r[i] = factor * s.z[i];
    return true;
}

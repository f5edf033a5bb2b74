/* SPDX-License-Identifier: MIT
 * Extreme eigenpairs by Lanczos: looks after every product as long as nothing was restarted,
 * at each restart afterwards. Wu and Simon 2000, "Thick-restart Lanczos method for large
 * symmetric eigenvalue problems"; how many vectors to keep as in ARPACK (dsaup2), about half.
 */
#include "la/extreme.h"

#include "base/arena.h"
#include "base/base.h"
#include "la/jacobi.h"
#include "la/tridiagonal.h"

#include <math.h>
#include <string.h>

enum {
    STRIP = 64 /* as uns_basis_rotate asks */
};

typedef struct search {
    const uns_extreme_plan *plan;
    uns_lanczos lanczos;
    size_t room;                        /* m: vectors at most */
    size_t low, high;                   /* Ritz pairs looked at, at each end */
    bool converged;                     /* at the last look */
    double lowest, highest, spread;     /* of all Ritz values seen */
    double *values, *residuals;         /* the caller's */
    double *rows;                       /* their coefficients, row i at rows + i·k */
    double *work;                       /* [5m] */
    double *matrix, *basis_rows, *ritz; /* m², m², m; NULL where nothing restarts */
    double *strip;                      /* [m·64] likewise */
} search;

static uns_status check_plan(uns_context *context, size_t d, const uns_extreme_plan *plan) {
    size_t wanted = plan->smallest + plan->largest;
    if (wanted == 0 || wanted > d)
        return uns_fail(context, UNS_ERROR_RANGE, "%zu eigenpairs of a matrix of order %zu",
                        wanted, d);
    if (plan->products == 0 || !(plan->tolerance > 0.0))
        return uns_fail(context, UNS_ERROR_RANGE,
                        "eigenpairs to a tolerance of %g with %llu products", plan->tolerance,
                        (unsigned long long)plan->products);
    if (plan->basis < wanted + 3 && plan->basis < plan->products && plan->basis < d)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "a basis of %zu vectors for %zu eigenpairs; it needs 3 more than pairs",
                        plan->basis, wanted);
    return UNS_OK;
}

static void place(search *s, uns_arena *arena, bool restarts) {
    size_t m = s->room, wanted = s->plan->smallest + s->plan->largest;
    size_t square = uns_size_product(m, m);
    s->rows = uns_arena_take(arena, uns_size_product(uns_size_product(wanted, m), 8));
    s->work = uns_arena_take(arena, uns_size_product(m, 5 * sizeof(double)));
    if (!restarts)
        return;
    s->matrix = uns_arena_take(arena, uns_size_product(square, sizeof(double)));
    s->basis_rows = uns_arena_take(arena, uns_size_product(square, sizeof(double)));
    s->ritz = uns_arena_take(arena, uns_size_product(m, sizeof(double)));
    s->strip = uns_arena_take(arena, uns_size_product(m, STRIP * sizeof(double)));
}

/* The widest seen: a restart forgets the end that is not wanted. */
static void note_spread(search *s, double lowest, double highest) {
    s->lowest = fmin(s->lowest, lowest);
    s->highest = fmax(s->highest, highest);
    s->spread = s->highest - s->lowest;
}

static void judge(search *s) {
    s->converged = s->low == s->plan->smallest && s->high == s->plan->largest;
    for (size_t i = 0; i < s->low + s->high; i++)
        s->converged = s->converged && s->residuals[i] <= s->plan->tolerance * s->spread;
    s->converged = s->converged || s->lanczos.exhausted;
}

static void count_ends(search *s) {
    size_t k = s->lanczos.steps;
    s->low = s->plan->smallest < k ? s->plan->smallest : k;
    s->high = s->plan->largest < k - s->low ? s->plan->largest : k - s->low;
}

/* A look at T_k before any restart. */
static void look_at_tridiagonal(search *s) {
    const uns_lanczos *l = &s->lanczos;
    size_t k = l->steps;
    count_ends(s);
    for (size_t i = 0; i < s->low + s->high; i++) {
        size_t index = i < s->low ? i : k - 1 - (i - s->low);
        double *row = s->rows + i * k;
        s->values[i] = uns_tridiagonal_value(k, l->alpha, l->beta, index);
        uns_tridiagonal_vector(k, l->alpha, l->beta, s->values[i], i, s->rows, row, s->work);
        s->residuals[i] = l->beta[k - 1] * fabs(row[k - 1]);
    }
    note_spread(s, uns_tridiagonal_value(k, l->alpha, l->beta, 0),
                uns_tridiagonal_value(k, l->alpha, l->beta, k - 1));
    judge(s);
}

/* A look at the whole projection; leaves its eigenpairs in ritz and basis_rows. */
static void look_at_matrix(search *s) {
    const uns_lanczos *l = &s->lanczos;
    size_t k = l->steps;
    uns_lanczos_matrix(l, s->matrix);
    uns_eigen_symmetric(k, s->matrix, s->ritz, s->basis_rows);
    count_ends(s);
    for (size_t i = 0; i < s->low + s->high; i++) {
        size_t index = i < s->low ? i : k - 1 - (i - s->low);
        memcpy(s->rows + i * k, s->basis_rows + index * k, k * sizeof(double));
        s->values[i] = s->ritz[index];
        s->residuals[i] = l->beta[k - 1] * fabs(s->rows[i * k + k - 1]);
    }
    note_spread(s, s->ritz[0], s->ritz[k - 1]);
    judge(s);
}

/* Keeps about half of the Ritz vectors, each end in proportion to what is wanted of it. */
static void restart(search *s) {
    size_t k = s->lanczos.steps, wanted = s->plan->smallest + s->plan->largest;
    size_t kept = k / 2 > wanted + 1 ? k / 2 : wanted + 1;
    if (kept > k - 1)
        kept = k - 1;
    size_t low = (kept * s->plan->smallest + wanted / 2) / wanted, high = kept - low;
    memmove(s->basis_rows + low * k, s->basis_rows + (k - high) * k, high * k * sizeof(double));
    memmove(s->ritz + low, s->ritz + (k - high), high * sizeof(double));
    uns_lanczos_restart(&s->lanczos, kept, s->ritz, s->basis_rows, s->strip);
}

static uns_status seek(search *s) {
    uns_lanczos *l = &s->lanczos;
    UNS_TRY(uns_lanczos_begin(l, s->plan->start, s->plan->key));
    for (;;) {
        UNS_TRY(uns_lanczos_step(l));
        bool spent = l->products >= s->plan->products, ready = l->steps == s->room;
        if (l->kept == 0)
            look_at_tridiagonal(s);
        else if (spent || ready || l->exhausted)
            look_at_matrix(s);
        if (s->converged || spent)
            return UNS_OK;
        if (!ready)
            continue;
        if (l->kept == 0)
            look_at_matrix(s);
        restart(s);
    }
}

static void finish(search *s, double *vectors, uns_extremes *out) {
    uns_lanczos *l = &s->lanczos;
    for (size_t i = 0; vectors && i < s->low + s->high; i++)
        uns_basis_combine(&l->basis, l->steps, s->rows + i * l->steps,
                          vectors + i * l->basis.dimension);
    *out = (uns_extremes){.found_smallest = s->low,
                          .found_largest = s->high,
                          .converged = s->converged,
                          .products = l->products,
                          .spread = s->spread,
                          .bytes = uns_basis_bytes(&l->basis)};
}

uns_status uns_lanczos_extremes(uns_context *context, const uns_operator *op,
                                const uns_extreme_plan *plan, double *values, double *residuals,
                                double *vectors, uns_extremes *out) {
    size_t d = op->dimension;
    UNS_TRY(check_plan(context, d, plan));
    search s = {.plan = plan, .values = values, .residuals = residuals};
    s.lowest = INFINITY, s.highest = -INFINITY;
    s.room = plan->basis < d ? plan->basis : d;
    bool restarts = s.room < d && s.room < plan->products;
    if (!restarts && s.room > plan->products)
        s.room = (size_t)plan->products;
    uns_arena arena = {NULL, 0};
    place(&s, &arena, restarts);
    void *memory = uns_allocate(context, arena.used);
    if (!memory)
        return UNS_ERROR_MEMORY;
    arena = (uns_arena){memory, 0};
    place(&s, &arena, restarts);
    uns_status status = uns_lanczos_open(context, op, s.room, &s.lanczos);
    if (status == UNS_OK) {
        status = seek(&s);
        if (status == UNS_OK)
            finish(&s, vectors, out);
        uns_lanczos_close(&s.lanczos);
    }
    uns_release(context, memory);
    return status;
}

/* SPDX-License-Identifier: MIT
 * Row and column sums of the squares (Adafactor; Shazeer, Stern 2018): for an m×n block
 *
 *     r ← ar + b·(s²)1 + ne,   q ← aq + b·1ᵀ(s²) + me,   V = r qᵀ / Σr,   d = root(V)·u
 *
 * entry by entry: of all rank-one matrices V has the least generalized Kullback–Leibler
 * divergence from the diagonal second moment. Blocks of one row or column keep their diagonal,
 * which V then is. All in f64, m + n numbers a block and replica.
 */
#include "opt/structure/factored.h"
#include "opt/builtin.h"
#include "opt/structure/wide.h"

#include "base/arena.h"
#include "base/base.h"
#include "base/pool.h"
#include "kern/kern.h"

enum {
    STRIP = 32768, /* elements of a strip of rows or columns: enough for a thread */
    CHUNK = 1024
};

static double *take(const uns_structure_site *site, uns_arena *arena, size_t n) {
    size_t count = uns_size_product(n, site->replicas);
    return uns_arena_take(arena, uns_size_product(count, sizeof(double)));
}

static factored_sums take_sums(const uns_structure_site *site, uns_arena *arena,
                               const uns_block *block) {
    factored_sums out = {NULL, NULL};
    out.rows = take(site, arena,
                    uns_factored_is_thin(block) ? block->rows * block->cols : block->rows);
    if (!uns_factored_is_thin(block))
        out.cols = take(site, arena, block->cols);
    return out;
}

static size_t bytes(const uns_structure_site *site) {
    uns_arena arena = {NULL, 0};
    for (size_t i = 0; i < site->count; i++)
        take_sums(site, &arena, site->blocks[i]);
    return arena.used;
}

static void place_work(const uns_structure_site *site, uns_arena *arena, factored_work *my) {
    size_t rows = 1, cols = 1;
    for (size_t i = 0; i < site->count; i++) {
        const uns_block *block = site->blocks[i];
        rows = block->rows > rows && !uns_factored_is_thin(block) ? block->rows : rows;
        cols = block->cols > cols && !uns_factored_is_thin(block) ? block->cols : cols;
    }
    my->fresh.rows = take(site, arena, rows);
    my->fresh.cols = take(site, arena, cols);
    my->total = take(site, arena, 1);
    my->kept = uns_arena_take(arena, site->count * sizeof(factored_sums));
}

static size_t scratch(const uns_structure_site *site) {
    uns_arena arena = {NULL, 0};
    factored_work my;
    uns_arena_take(&arena, sizeof my);
    place_work(site, &arena, &my);
    return arena.used;
}

static uns_status prepare(const uns_structure_site *site, void *state) {
    uns_arena held = {state, 0}, arena = {site->scratch, 0};
    factored_work *my = uns_arena_take(&arena, sizeof *my);
    place_work(site, &arena, my);
    for (size_t k = 0; k < site->count; k++) {
        const uns_block *block = site->blocks[k];
        double initial = site->spec->initial;
        my->kept[k] = take_sums(site, &held, block);
        size_t first = uns_factored_is_thin(block) ? block->rows * block->cols : block->rows;
        for (size_t i = 0; i < first * site->replicas; i++)
            my->kept[k].rows[i] =
                initial * (uns_factored_is_thin(block) ? 1.0 : (double)block->cols);
        for (size_t i = 0; !uns_factored_is_thin(block) && i < block->cols * site->replicas;
             i++)
            my->kept[k].cols[i] = initial * (double)block->rows;
    }
    return UNS_OK;
}

/* Strips of rows, or of columns, of one block. */
typedef struct strips {
    const uns_structure_site *site;
    const uns_block *block;
    size_t index; /* of the block */
    size_t length;
    const void *s, *u;
    void *d;
} strips;

static const void *at(const uns_structure_site *site, const void *base, size_t element) {
    return (const char *)base + element * uns_dtype_size(site->dtype);
}

/* Runs task for every strip of `across` lines of `along` elements each. */
static void for_strips(strips *my, size_t across, size_t along, uns_task *task) {
    size_t line = along * my->site->replicas;
    my->length = line < STRIP ? STRIP / line : 1;
    uns_pool_run(uns_context_pool(my->site->context), (across - 1) / my->length + 1, task, my);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static void sum_rows(void *user, size_t strip) {
    const strips *my = user;
    const factored_work *room = my->site->scratch;
    const uns_elementwise *kernel = &my->site->kernels->of[my->site->dtype];
    size_t replicas = my->site->replicas, cols = my->block->cols;
    size_t end = smaller((strip + 1) * my->length, my->block->rows);
    uint64_t mode = uns_flush_enter();
    for (size_t i = strip * my->length; i < end; i++) {
        const void *row = at(my->site, my->s, i * cols * replicas);
        double *sum = room->fresh.rows + i * replicas;
        memset(sum, 0, replicas * sizeof *sum);
        if (replicas == 1)
            *sum = kernel->square(cols, row);
        else
            kernel->square_rows(cols, replicas, row, sum);
    }
    uns_flush_restore(mode);
}

static void sum_cols(void *user, size_t strip) {
    const strips *my = user;
    const factored_work *room = my->site->scratch;
    const uns_elementwise *kernel = &my->site->kernels->of[my->site->dtype];
    size_t replicas = my->site->replicas, cols = my->block->cols;
    size_t begin = strip * my->length, end = smaller(begin + my->length, cols);
    size_t n = (end - begin) * replicas;
    double *sum = room->fresh.cols + begin * replicas;
    uint64_t mode = uns_flush_enter();
    memset(sum, 0, n * sizeof *sum);
    for (size_t i = 0; i < my->block->rows; i++)
        kernel->square_rows(1, n, at(my->site, my->s, (i * cols + begin) * replicas), sum);
    uns_flush_restore(mode);
}

/* kept ← a·kept + b·fresh + e, for the replicas that step. */
static void accumulate(const uns_structure_site *site, const uns_coeffs *k, double e, size_t n,
                       const double *fresh, double *kept) {
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < site->replicas; r++) {
            double *sum = &kept[i * site->replicas + r];
            if (site->active[r])
                *sum = k->a * *sum + k->b * fresh[i * site->replicas + r] + e;
        }
}

static void observe_thin(const uns_structure_site *site, const uns_coeffs *k, size_t n,
                         const void *s, double *kept) {
    double room[CHUNK];
    for (size_t begin = 0; begin < n * site->replicas; begin += CHUNK) {
        size_t here = smaller(CHUNK, n * site->replicas - begin);
        const double *x = uns_wide(site, s, begin, here, room);
        for (size_t i = 0; i < here; i++) {
            double *sum = &kept[begin + i];
            if (site->active[(begin + i) % site->replicas])
                *sum = k->a * *sum + k->b * x[i] * x[i] + k->e;
        }
    }
}

static uns_status observe(const uns_structure_site *site, void *state, const uns_coeffs *k,
                          uns_const_tensors s) {
    factored_work *my = site->scratch;
    (void)state;
    for (size_t i = 0; i < site->count; i++) {
        const uns_block *block = site->blocks[i];
        strips all = {.site = site, .block = block, .s = s.data[i]};
        if (!s.data[i])
            continue;
        if (uns_factored_is_thin(block)) {
            observe_thin(site, k, block->rows * block->cols, s.data[i], my->kept[i].rows);
            continue;
        }
        for_strips(&all, block->rows, block->cols, sum_rows);
        for_strips(&all, block->cols, block->rows, sum_cols);
        accumulate(site, k, k->e * (double)block->cols, block->rows, my->fresh.rows,
                   my->kept[i].rows);
        accumulate(site, k, k->e * (double)block->rows, block->cols, my->fresh.cols,
                   my->kept[i].cols);
    }
    return UNS_OK;
}

static uns_status refresh(const uns_structure_site *site, void *state, const uns_root *root,
                          uns_const_tensors mean, uint64_t t) {
    factored_work *my = site->scratch;
    (void)state, (void)t;
    my->root = *root;
    my->mean = mean;
    return UNS_OK;
}

void uns_factored_shares(const uns_structure_site *site, size_t block) {
    const factored_work *my = site->scratch;
    const double *rows = my->kept[block].rows;
    size_t replicas = site->replicas, count = site->blocks[block]->rows * replicas;
    memset(my->total, 0, replicas * sizeof *my->total);
    for (size_t i = 0; i < count; i++)
        my->total[i % replicas] += rows[i];
    for (size_t i = 0; i < count; i++) {
        double total = my->total[i % replicas];
        my->fresh.rows[i] = total > 0.0 ? rows[i] / total : 0.0;
    }
}

/* n numbers of one line of the block: V = share·q, root, product with u. */
static void apply_chunk(const strips *my, const double *moment, size_t begin, size_t n,
                        double *room) {
    const uns_structure_site *site = my->site;
    const factored_work *of = site->scratch;
    const uns_elementwise *kernel = &site->kernels->of[UNS_F64];
    uns_root root = of->root;
    double centred[CHUNK];
    if (of->mean.data) {
        const double *mean = uns_wide(site, of->mean.data[my->index], begin, n, room);
        kernel->variance(n, root.correction, moment, mean, centred);
        root.correction = 1.0;
        moment = centred;
    }
    kernel->precondition(n, &root, moment, uns_wide(site, my->u, begin, n, room), room);
    uns_narrow(site, room, begin, n, my->d);
}

static void apply_row(const strips *my, size_t row) {
    const factored_work *of = my->site->scratch;
    const uns_elementwise *kernel = &my->site->kernels->of[UNS_F64];
    size_t replicas = my->site->replicas, n = my->block->cols * replicas;
    size_t most = replicas <= CHUNK ? CHUNK / replicas * replicas : CHUNK;
    const double *share = of->fresh.rows + row * replicas, *q = of->kept[my->index].cols;
    double moment[CHUNK], room[CHUNK];
    for (size_t begin = 0, here; begin < n; begin += here) {
        size_t r = begin % replicas;
        here = smaller(smaller(most, n - begin), replicas > CHUNK ? replicas - r : n);
        if (replicas > CHUNK)
            kernel->scale_rows(1, here, share + r, q + begin, moment);
        else
            kernel->scale_rows(here / replicas, replicas, share, q + begin, moment);
        apply_chunk(my, moment, row * n + begin, here, room);
    }
}

static void apply_rows(void *user, size_t strip) {
    const strips *my = user;
    size_t end = smaller((strip + 1) * my->length, my->block->rows);
    uint64_t mode = uns_flush_enter();
    for (size_t i = strip * my->length; i < end; i++)
        apply_row(my, i);
    uns_flush_restore(mode);
}

static void apply_thin(const strips *my) {
    const factored_work *of = my->site->scratch;
    size_t n = my->block->rows * my->block->cols * my->site->replicas;
    double room[CHUNK];
    for (size_t begin = 0; begin < n; begin += CHUNK)
        apply_chunk(my, of->kept[my->index].rows + begin, begin, smaller(CHUNK, n - begin),
                    room);
}

static uns_status precondition(const uns_structure_site *site, void *state, uns_const_tensors u,
                               uns_tensors d) {
    (void)state;
    for (size_t i = 0; i < site->count; i++) {
        const uns_block *block = site->blocks[i];
        strips all = {.site = site, .block = block, .index = i, .u = u.data[i], .d = d.data[i]};
        if (!u.data[i])
            continue;
        if (uns_factored_is_thin(block)) {
            apply_thin(&all);
            continue;
        }
        uns_factored_shares(site, i);
        for_strips(&all, block->rows, block->cols, apply_rows);
    }
    return UNS_OK;
}

static void report(const uns_structure_site *site, const void *state,
                   uns_structure_report *out) {
    (void)state;
    for (size_t i = 0; i < site->count; i++)
        out->diagonal += uns_factored_is_thin(site->blocks[i]);
}

const uns_structure_ops uns_structure_factored = {
    .size = sizeof(uns_structure_ops),
    .name = "factored",
    .summary = "row and column sums of the diagonal",
    .elements = uns_no_elements,
    .bytes = bytes,
    .prepare = prepare,
    .observe = observe,
    .refresh = refresh,
    .precondition = precondition,
    .product = uns_factored_product,
    .adopt = uns_factored_adopt,
    .scratch = scratch,
    .metric_bytes = uns_factored_metric_bytes,
    .metric_open = uns_factored_metric_open,
    .report = report,
};

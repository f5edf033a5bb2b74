/* SPDX-License-Identifier: MIT
 * Row and column sums: taking them over from an oracle, and a snapshot of A and C entry by
 * entry.
 */
#include "opt/root_number.h"
#include "opt/structure/factored.h"
#include "opt/structure/wide.h"

#include "base/base.h"

#include <math.h>

/* One replica's sums of the diagonal from `begin` on. */
static void adopt_block(const uns_structure_site *site, size_t b, size_t r, size_t begin,
                        size_t d, const double *dense) {
    const uns_block *block = site->blocks[b];
    const factored_sums *kept = &((const factored_work *)site->scratch)->kept[b];
    size_t n = block->rows * block->cols, cols = kept->cols ? block->cols : 1;
    for (size_t i = 0; i < n / cols; i++)
        kept->rows[i * site->replicas + r] = 0.0;
    for (size_t j = 0; kept->cols && j < cols; j++)
        kept->cols[j * site->replicas + r] = 0.0;
    for (size_t i = 0; i < n; i++) {
        double c = dense[(begin + i) * d + begin + i];
        kept->rows[i / cols * site->replicas + r] += c;
        if (kept->cols)
            kept->cols[i % cols * site->replicas + r] += c;
    }
}

/* dense: [R][d][d] over the group's vector, of which the diagonal counts. */
uns_status uns_factored_adopt(const uns_structure_site *site, void *state,
                              const double *dense) {
    size_t d = 0, begin = 0;
    (void)state;
    for (size_t b = 0; b < site->count; b++)
        d += site->blocks[b]->rows * site->blocks[b]->cols;
    for (size_t b = 0; b < site->count; b++) {
        for (size_t r = 0; r < site->replicas; r++)
            if (site->active[r])
                adopt_block(site, b, r, begin, d, dense + r * d * d);
        begin += site->blocks[b]->rows * site->blocks[b]->cols;
    }
    return UNS_OK;
}

/* Of each block in turn A and C, entry by entry, replicas innermost. */
size_t uns_factored_metric_bytes(const uns_structure_site *site) {
    size_t sum = 0;
    for (size_t i = 0; i < site->count; i++)
        sum += 2 * site->blocks[i]->rows * site->blocks[i]->cols;
    return uns_size_product(uns_size_product(sum, site->replicas), sizeof(double));
}

/* V of entry i in replica r. */
static double moment_at(const uns_structure_site *site, size_t b, size_t i, size_t r) {
    const factored_work *my = site->scratch;
    const factored_sums *kept = &my->kept[b];
    size_t cols = site->blocks[b]->cols, replicas = site->replicas;
    return kept->cols
               ? my->fresh.rows[i / cols * replicas + r] * kept->cols[i % cols * replicas + r]
               : kept->rows[i * replicas + r];
}

static void open_entry(const uns_structure_site *site, const uns_root *root, const void *mean,
                       size_t at, double v, double *a, double *c) {
    uns_root own = *root;
    double room, k = root->correction;
    if (mean) {
        double m = k * *uns_wide(site, mean, at, 1, &room);
        v = fmax(k * v - m * m, 0.0);
        own.correction = 1.0;
    }
    *a = uns_root_number(&own, v);
    *c = own.correction * v;
}

uns_status uns_factored_metric_open(const uns_structure_site *site, const void *state,
                                    const uns_root *root, uns_const_tensors mean, size_t first,
                                    size_t count, void *metric) {
    double *out = metric;
    (void)state;
    for (size_t b = 0; b < site->count; b++) {
        size_t n = site->blocks[b]->rows * site->blocks[b]->cols;
        if (!uns_factored_is_thin(site->blocks[b]))
            uns_factored_shares(site, b);
        for (size_t k = 0; k < n * count; k++) {
            size_t i = k / count, r = first + k % count;
            open_entry(site, root, mean.data ? mean.data[b] : NULL, i * site->replicas + r,
                       moment_at(site, b, i, r), &out[k], &out[n * count + k]);
        }
        out += 2 * n * count;
    }
    return UNS_OK;
}

static double factor(uns_product which, double a, double c) {
    switch (which) {
    case UNS_PRODUCT_A:
        return a;
    case UNS_PRODUCT_A_SQRT:
        return sqrt(a);
    case UNS_PRODUCT_A_INVERSE:
        return a > 0.0 ? 1.0 / a : 0.0;
    case UNS_PRODUCT_C:
        break;
    }
    return c;
}

uns_status uns_factored_product(const uns_structure_site *site, const void *metric,
                                uns_product which, uns_const_tensors in, uns_tensors out) {
    const double *at = metric;
    for (size_t b = 0; b < site->count; b++) {
        size_t n = site->blocks[b]->rows * site->blocks[b]->cols * site->replicas;
        for (size_t k = 0; out.data[b] && k < n; k++) {
            double room, x = in.data[b] ? *uns_wide(site, in.data[b], k, 1, &room) : 0.0;
            x *= factor(which, at[k], at[n + k]);
            uns_narrow(site, &x, k, 1, out.data[b]);
        }
        at += 2 * n;
    }
    return UNS_OK;
}

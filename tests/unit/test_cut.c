/* SPDX-License-Identifier: MIT
 * What a step must not depend on: the cut of the work into chunks and items; and that it
 * computes with nothing subnormal. The caller's floating-point mode: test_mode.c. That threads
 * and instruction sets change no bit: test_optimizer.c, test_fuse.c, test_reduced.c.
 */
#include "support/presets.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "opt/opt.h"

/* The same parameters and state, in whatever form. */
static bool same_all(const fixture *a, const fixture *b) {
    for (size_t block = 0; block < 2; block++)
        for (int p = 0; p < UNS_PIECE_SIGNAL; p++) {
            const size_t bytes = uns_piece_bytes(a->optimizer, block, (uns_piece)p);
            if (bytes && memcmp(a->optimizer->blocks[block].piece[p],
                                b->optimizer->blocks[block].piece[p], bytes) != 0)
                return false;
        }
    return fixture_same(a, b);
}

/* A cut other than the usual one; the arrays that it needs are the test's. */
typedef struct cut {
    size_t chunk, item;
    void *arrays[4];
} cut;

static void cut_anew(uns_optimizer *optimizer, cut *as) {
    const size_t count = uns_count_items(optimizer->layout, as->item);
    optimizer->chunk = as->chunk;
    optimizer->item_count = count;
    optimizer->items = as->arrays[0] = malloc(count * sizeof *optimizer->items);
    optimizer->tasks = as->arrays[1] = malloc((count + 1) * sizeof *optimizer->tasks);
    optimizer->partials = as->arrays[2] = malloc(count * sizeof *optimizer->partials);
    optimizer->bad_items = as->arrays[3] = malloc(count);
    uns_fill_items(optimizer, as->item);
}

static void expect_same_bits(uns_context *context, const uns_spec *spec, fixture_size size,
                             const char *name) {
    static const size_t cuts[][2] = {{256, 1024}, {512, 65536}, {768, 8192}, {1024, 256}};
    const bool dear = fixture_structure(context, spec)->needs_lapack;
    for (size_t i = 0; i < (dear ? 2 : 2 * sizeof cuts / sizeof *cuts); i++) {
        cut as = {.chunk = cuts[i / 2][0], .item = cuts[i / 2][1]};
        fixture whole, anew;
        open_or_fail(&whole, context, spec, size);
        open_or_fail(&anew, context, spec, size);
        cut_anew(anew.optimizer, &as);
        whole.optimizer->unfused = anew.optimizer->unfused = i % 2 == 1;
        for (uint64_t t = 0; t < 3; t++) {
            cr_assert_eq(fixture_step(&whole, t), UNS_OK);
            cr_assert_eq(fixture_step(&anew, t), UNS_OK);
        }
        cr_assert(same_all(&whole, &anew), "%s, chunks of %zu, items of %zu, replicas %zu",
                  name, as.chunk, as.item, size.replicas);
        fixture_close(&whole);
        fixture_close(&anew);
        for (int k = 0; k < 4; k++)
            free(as.arrays[k]);
    }
}

/* With one replica sums over a block follow the cut; see opt.h. */
static void cut_without_sums(uns_context *context, const char *name, uns_spec *spec,
                             fixture_size size) {
    const bool sums = uns_scale_has_ratio(spec) && spec->scale != UNS_SCALE_SHAPE &&
                      spec->scale != UNS_SCALE_SHAPE_RMS;
    if (sums && size.replicas == 1)
        return;
    if (size.replicas > 1)
        spec->clip_norm = 2.0;
    expect_same_bits(context, spec, size, name);
}

Test(cut, chunks_and_items_change_no_bit, .timeout = 120) {
    uns_context *context = open_context(2, 0);
    const fixture_size one = {700, 600, 1, UNS_F32}, seven = {100, 50, 7, UNS_F64};
    cr_assert_geq(for_presets(context, UNS_STATE_AUTO, one, cut_without_sums), 30);
    cr_assert_geq(for_presets(context, UNS_STATE_AUTO, seven, cut_without_sums), 30);
    uns_context_destroy(context);
}

Test(cut, chunks_and_items_change_no_bit_of_reduced_state, .timeout = 120) {
    uns_context *context = open_context(2, 0);
    const fixture_size f32 = {1700, 700, 1, UNS_F32}, bf16 = {1700, 700, 1, UNS_BF16};
    cr_assert_geq(for_presets(context, UNS_STATE_Q8, f32, cut_without_sums), 15);
    cr_assert_geq(for_presets(context, UNS_STATE_BF16, bf16, cut_without_sums), 15);
    uns_context_destroy(context);
}

/* Fewer than 256 elements of a chunk, and rows longer than one. */
Test(cut, rows_longer_than_a_chunk_change_no_bit, .timeout = 60) {
    uns_context *context = open_context(2, 0);
    uns_spec spec;
    cr_assert_eq(uns_spec_preset(context, "lamb", &spec), UNS_OK);
    spec.clip_norm = 2.0;
    expect_same_bits(context, &spec, (fixture_size){5, 4, 1500, UNS_F64}, "lamb");
    uns_context_destroy(context);
}

/* A subnormal number of either type, different from place to place. */
static double least_of(const fixture *f, size_t k, double sign) {
    const double least = f->size.dtype == UNS_F32 ? FLT_MIN : DBL_MIN;
    return copysign(least / 8 * (double)(1 + k % 7), sign);
}

/* Every fourth is twice the least normal number, which a gradient of -13 times that number and
 * a beta of 0.9 bring below it: subnormal, though nothing before was. */
static double faint_of(const fixture *f, size_t k, double sign) {
    const double least = f->size.dtype == UNS_F32 ? FLT_MIN : DBL_MIN;
    return k % 4 ? least_of(f, k, sign) : copysign(2 * least, sign);
}
static bool is_faint(size_t k) {
    return (k + UNS_PIECE_MOMENTUM) % 4 == 0;
}

static bool is_subnormal_at(const fixture *f, const void *place, size_t k) {
    const double x = fabs(fixture_number(f, place, k));
    return x > 0 && x < (f->size.dtype == UNS_F32 ? (double)FLT_MIN : DBL_MIN);
}

/* Gradient, state and every third parameter below the least normal number. */
static void make_subnormal(fixture *f) {
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < f->elements[i]; k++) {
            void *const *piece = f->optimizer->blocks[i].piece;
            const double sign = k % 2 ? 1 : -1;
            fixture_put(f, f->g[i], k,
                        is_faint(k) ? -6.5 * faint_of(f, 0, sign) : least_of(f, k + 3, -sign));
            if (k % 3 == 0)
                fixture_put(f, f->x[i], k, least_of(f, k, sign));
            for (int p = 0; p <= UNS_PIECE_GRAFT; p++) {
                const bool is_signed = p == UNS_PIECE_MOMENTUM || p == UNS_PIECE_MEAN;
                if (piece[p])
                    fixture_put(f, piece[p], k,
                                faint_of(f, k + (size_t)p, is_signed ? sign : 1));
            }
        }
}

/* Nothing that a step has computed is subnormal; what it only selects it may leave. */
static void expect_flushed(const fixture *f, const void *now, const void *before, size_t count,
                           const char *what) {
    const size_t width = uns_dtype_size(f->size.dtype);
    for (size_t k = 0; k < count; k++)
        cr_assert(!is_subnormal_at(f, now, k) ||
                      memcmp((const char *)now + k * width, (const char *)before + k * width,
                             width) == 0,
                  "%s: %a at %zu", what, fixture_number(f, now, k), k);
}

static void step_on_subnormals(fixture *f, const char *name) {
    void *before[2][UNS_PIECE_GRAFT + 2];
    cr_assert_eq(fixture_step(f, 0), UNS_OK);
    make_subnormal(f);
    for (size_t i = 0; i < 2; i++)
        for (int p = 0; p <= UNS_PIECE_GRAFT + 1; p++) {
            const void *from = p > UNS_PIECE_GRAFT ? f->x[i] : f->optimizer->blocks[i].piece[p];
            before[i][p] = malloc(f->bytes[i]);
            if (from)
                memcpy(before[i][p], from, f->bytes[i]);
        }
    cr_assert_eq(uns_optimizer_step(f->optimizer, fixture_x(f), fixture_g(f)), UNS_OK);
    for (size_t i = 0; i < 2; i++) {
        for (int p = 0; p <= UNS_PIECE_GRAFT + 1; p++) {
            const void *now = p > UNS_PIECE_GRAFT ? f->x[i] : f->optimizer->blocks[i].piece[p];
            if (now)
                expect_flushed(f, now, before[i][p], f->elements[i], name);
            free(before[i][p]);
        }
        const void *m = f->optimizer->blocks[i].piece[UNS_PIECE_MOMENTUM];
        for (size_t k = 0; m && strcmp(name, "adam") == 0 && k < f->elements[i]; k++)
            cr_assert_eq(fixture_number(f, m, k), 0, "%s: m is not flushed", name);
        for (size_t k = 0; k < f->elements[i]; k += 3)
            cr_assert(is_faint(k) || fixture_number(f, f->x[i], k) == 0, "%s: x moved to %a",
                      name, fixture_number(f, f->x[i], k));
    }
}

/* On every instruction set, in one pass and slot by slot; and the same bits. */
static void flush_everywhere(uns_context *context, const char *name, uns_spec *spec,
                             fixture_size size) {
    static const unsigned sets[] = {UNS_ISA_SCALAR, UNS_ISA_AVX2, UNS_ISA_AVX512, UNS_ISA_NEON};
    fixture first;
    (void)context;
    if (strcmp(spec->structure, "diagonal") != 0 && strcmp(spec->structure, "identity") != 0)
        return;
    uns_context *scalar = open_context(1, UNS_ISA_SCALAR);
    open_or_fail(&first, scalar, spec, size);
    step_on_subnormals(&first, name);
    for (size_t i = 0; i < 2 * sizeof sets / sizeof *sets; i++) {
        uns_context *other = open_context(1, sets[i / 2]);
        fixture f;
        open_or_fail(&f, other, spec, size);
        f.optimizer->unfused = i % 2 == 1;
        step_on_subnormals(&f, name);
        cr_assert(same_all(&first, &f), "%s on %s", name, uns_context_isa(other));
        fixture_close(&f);
        uns_context_destroy(other);
    }
    fixture_close(&first);
    uns_context_destroy(scalar);
}

Test(cut, a_step_reads_and_writes_no_subnormal_number, .timeout = 60) {
    uns_context *context = open_context(1, 0);
    const fixture_size f32 = {11, 14, 1, UNS_F32}, f64 = {11, 14, 1, UNS_F64};
    cr_assert_geq(for_presets(context, UNS_STATE_AUTO, f32, flush_everywhere), 30);
    cr_assert_geq(for_presets(context, UNS_STATE_AUTO, f64, flush_everywhere), 30);
    uns_context_destroy(context);
}

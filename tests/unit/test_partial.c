/* SPDX-License-Identifier: MIT
 * Steps that some replicas sit out: those that stopped keep every bit of parameters and state,
 * the others step as if nobody had, for every preset and however the stopped ones lie.
 */
#include "support/fixture.h"

#include <criterion/criterion.h>
#include <math.h>

#include "opt/opt.h"

static uns_context *open_context(void) {
    const uns_context_config config = {.size = sizeof config, .threads = 2};
    uns_context *context = NULL;
    cr_assert_eq(uns_context_create(&config, &context), UNS_OK);
    return context;
}

/* Which replicas stop. */
typedef bool pattern(size_t r, size_t replicas);

static bool one(size_t r, size_t replicas) {
    return r == replicas / 2;
}
static bool ends(size_t r, size_t replicas) {
    return r == 0 || r == replicas - 1;
}
static bool half(size_t r, size_t replicas) {
    (void)replicas;
    return r % 2 == 0;
}
static bool all_but_one(size_t r, size_t replicas) {
    return r != replicas / 3;
}
static pattern *const patterns[] = {one, ends, half, all_but_one};

static void poison(fixture *f, pattern *stops) {
    const size_t replicas = f->size.replicas;
    for (size_t r = 0; r < replicas; r++)
        if (stops(r, replicas))
            fixture_put(f, f->g[r % 2], f->elements[r % 2] - replicas + r, (double)NAN);
}

/* Block i's parameters (p < 0) or one of its pieces; NULL where it is not kept. What an oracle
 * says of C is no memory. */
static const char *array_of(const fixture *f, size_t i, int p) {
    if (p == UNS_PIECE_MOMENT && f->optimizer->groups[0].moment->oracle)
        return NULL;
    return p < 0 ? f->x[i] : f->optimizer->blocks[i].piece[p];
}

/* `now` of the live replicas is that of `free`, of the others that of `before`. */
static void compare(const fixture *now, const fixture *free, const fixture *before,
                    pattern *stops, const char *name) {
    const size_t replicas = now->size.replicas, width = now->optimizer->width;
    for (size_t i = 0; i < 2; i++)
        for (int p = -1; p < UNS_PIECE_GRAFT; p++) {
            const char *mine = array_of(now, i, p), *moved = array_of(free, i, p);
            const char *still = array_of(before, i, p);
            for (size_t k = 0; mine && k < now->elements[i]; k++) {
                const bool sits = stops(k % replicas, replicas);
                const char *wanted = (sits ? still : moved) + k * width;
                cr_assert_eq(memcmp(mine + k * width, wanted, width), 0,
                             "%s: block %zu, array %d, element %zu of %zu replicas, %s", name,
                             i, p, k, replicas, sits ? "stopped" : "live");
            }
        }
}

static void step(fixture *f, uint64_t t, pattern *stops, bool extras) {
    const uns_step_extras zeros = {.size = sizeof zeros, .zero_gradients = true};
    fixture_gradient(f, t);
    if (stops)
        poison(f, stops);
    cr_assert_eq(uns_optimizer_step_and(f->optimizer, fixture_x(f), (uns_tensors){f->g, 2},
                                        extras ? &zeros : NULL),
                 UNS_OK);
}

/* The others have stopped at step 1 and sit out 2 and 3. */
static void compare_one(uns_context *context, const char *name, const uns_spec *spec,
                        fixture_size size, pattern *stops, bool extras) {
    fixture now, free, before;
    fixture *const all[3] = {&now, &free, &before};
    for (int i = 0; i < 3; i++) {
        cr_assert(fixture_open(all[i], context, spec, size), "%s", name);
        step(all[i], 0, NULL, false);
    }
    for (uint64_t t = 1; t < 4; t++) {
        step(&now, t, t == 1 ? stops : NULL, extras);
        step(&free, t, NULL, false);
    }
    compare(&now, &free, &before, stops, name);
    for (int i = 0; i < 3; i++)
        fixture_close(all[i]);
}

/* Chunks of several rows, long runs, and rows longer than a chunk; pieces of extras begin in
 * the middle of a row. */
static void compare_sizes(uns_context *context, const char *name, const uns_spec *spec,
                          size_t turn) {
    static const fixture_size sizes[] = {{20, 33, 7, UNS_F64},
                                         {7, 620, 7, UNS_F32},
                                         {5, 7, 300, UNS_F64},
                                         {2, 2, 1300, UNS_F32}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        compare_one(context, name, spec, sizes[i], patterns[(turn + i) % 4],
                    (turn + i) / 4 % 2);
}

static bool is_elementwise(uns_context *context, const uns_spec *spec) {
    return fixture_structure(context, spec)->elementwise;
}

/* With clipping the slots go one by one: factors differ between replicas. */
static void compare_presets(double clip) {
    uns_context *context = open_context();
    size_t turn = 0;
    for (size_t i = 0; i < uns_context_count(context, UNS_KIND_PRESET); i++) {
        const uns_preset *preset = uns_context_entry(context, UNS_KIND_PRESET, i);
        uns_spec spec;
        cr_assert_eq(uns_spec_preset(context, preset->name, &spec), UNS_OK);
        spec.nonfinite = UNS_NONFINITE_STOP;
        spec.clip_norm = clip;
        for (size_t k = 0; k < 4 && is_elementwise(context, &spec); k++)
            compare_sizes(context, preset->name, &spec, turn++);
    }
    cr_assert_gt(turn, 40);
    uns_context_destroy(context);
}

Test(partial, stopped_replicas_keep_every_bit_and_live_ones_step_as_without_them) {
    compare_presets((double)INFINITY);
}

Test(partial, the_same_where_gradients_are_clipped) {
    compare_presets(5.0);
}

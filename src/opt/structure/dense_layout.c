/* SPDX-License-Identifier: MIT
 * Dense pieces: how large state and work space are, and where everything lies. The same walk
 * over the cut measures and hands out.
 */
#include "opt/structure/dense_parts.h"

#include "base/base.h"

#include <stdint.h>
#include <string.h>

/* A walk: measuring where the arenas have no base. */
typedef struct walk {
    const uns_structure_site *site;
    uns_arena *state, *scratch; /* scratch NULL: only the state is wanted */
    dense_work *work;           /* NULL: measuring */
    size_t count, d, dense, largest;
    size_t lagging; /* roots that may */
} walk;

static uns_cut *cut_of(const uns_structure_site *site) {
    return strcmp(site->spec->structure, "block") == 0 ? uns_block_cut : uns_full_cut;
}

static size_t group_size(const uns_structure_site *site) {
    size_t d = 0;
    for (size_t i = 0; i < site->count; i++)
        d += site->blocks[i]->rows * site->blocks[i]->cols;
    return d;
}

static double *take(uns_arena *arena, size_t rows, size_t replicas) {
    size_t count = uns_size_product(rows, replicas);
    return uns_arena_take(arena, uns_size_product(count, sizeof(double)));
}

static size_t triangle(size_t n) {
    return uns_size_product(n, n + 1) == SIZE_MAX ? SIZE_MAX : uns_triangle(n);
}

static size_t moment_rows(size_t n) {
    return triangle(n) == SIZE_MAX ? SIZE_MAX : uns_dense_rows(n);
}

static void place_piece(void *user, size_t begin, size_t n, bool dense) {
    walk *my = user;
    size_t replicas = my->site->replicas;
    dense_piece piece = {.begin = begin, .n = n, .dense = dense};
    piece.c = take(my->state, dense ? moment_rows(n) : n, replicas);
    piece.r = take(my->state, dense ? triangle(n) : n, replicas);
    if (dense && n > UNS_DENSE_TINY) {
        piece.w = take(my->state, UNS_DENSE_PROBES * n, replicas);
        piece.y = take(my->state, UNS_DENSE_PROBES * n, replicas);
    }
    if (dense && n > UNS_DENSE_TINY && my->site->spec->refresh_lag > 0) {
        piece.later_c = take(my->state, moment_rows(n), replicas);
        piece.later =
            uns_arena_take(my->state, uns_size_product(replicas, sizeof(dense_later)));
        if (my->scratch && uns_context_threads(my->site->context) > 1)
            uns_dense_place_beside(my->site, my->scratch, my->work, &piece, my->lagging);
        my->lagging += replicas;
    }
    if (dense) {
        piece.marks = uns_arena_take(my->state, uns_size_product(replicas, sizeof(dense_mark)));
        my->largest = n > my->largest ? n : my->largest;
    }
    if (my->work)
        my->work->pieces[my->count] = piece;
    my->count++;
    my->dense += dense;
}

static walk walk_state(const uns_structure_site *site, uns_arena *state, uns_arena *scratch,
                       dense_work *work) {
    walk my = {
        .site = site, .state = state, .scratch = scratch, .work = work, .d = group_size(site)};
    dense_head *head = uns_arena_take(state, sizeof *head);
    double *signal = take(state, my.d, site->replicas);
    double *mean = site->spec->centred ? take(state, my.d, site->replicas) : NULL;
    cut_of(site)(site, place_piece, &my);
    if (work) {
        work->head = head;
        work->signal = signal;
        work->mean = mean;
    }
    return my;
}

size_t uns_dense_bytes(const uns_structure_site *site) {
    uns_arena state = {NULL, 0};
    walk_state(site, &state, NULL, NULL);
    return state.used;
}

static void place_work(uns_arena *arena, const walk *sizes, dense_work *work) {
    size_t replicas = sizes->site->replicas, roots = uns_size_product(sizes->dense, replicas);
    size_t threads = (size_t)uns_context_threads(sizes->site->context);
    work->count = sizes->count;
    work->d = sizes->d;
    work->pieces = uns_arena_take(arena, uns_size_product(sizes->count, sizeof(dense_piece)));
    work->v = take(arena, sizes->d, replicas);
    work->u = take(arena, sizes->d, replicas);
    work->out = take(arena, sizes->d, replicas);
    work->room[0] = take(arena, sizes->largest, replicas);
    work->room[1] = take(arena, sizes->largest, replicas);
    work->strip = take(arena, sizes->largest, UNS_DENSE_STRIPS);
    work->q = take(arena, replicas, 1);
    work->drift = take(arena, replicas, 1);
    work->a = take(arena, replicas, 1);
    work->b = take(arena, replicas, 1);
    work->jobs = uns_arena_take(arena, uns_size_product(roots, sizeof(size_t)));
    work->lagging = uns_arena_take(arena, uns_size_product(sizes->lagging, sizeof(size_t)));
    work->units = uns_arena_take(arena, uns_size_product(roots + 1, sizeof(size_t)));
    work->lanes = threads < roots ? threads : roots;
    work->lane_bytes = uns_dense_lane_bytes(sizes->largest);
    work->beside = threads - 1 < sizes->lagging ? threads - 1 : sizes->lagging;
    work->lane =
        uns_arena_take(arena, uns_size_product(work->lanes + work->beside, work->lane_bytes));
}

size_t uns_dense_scratch(const uns_structure_site *site) {
    uns_arena state = {NULL, 0}, again = {NULL, 0}, arena = {NULL, 0};
    walk sizes = walk_state(site, &state, NULL, NULL);
    dense_work work;
    uns_arena_take(&arena, sizeof work);
    place_work(&arena, &sizes, &work);
    walk_state(site, &again, &arena, NULL);
    return arena.used;
}

static void start_piece(const uns_structure_site *site, const dense_piece *piece) {
    for (size_t i = 0; i < piece->n; i++) {
        size_t row = piece->dense ? uns_triangle(i) + i : i;
        for (size_t r = 0; r < site->replicas; r++)
            piece->c[row * site->replicas + r] = site->spec->initial;
    }
}

uns_status uns_dense_prepare(const uns_structure_site *site, void *state) {
    uns_arena nothing = {NULL, 0}, arena = {site->scratch, 0}, held = {state, 0};
    walk sizes = walk_state(site, &nothing, NULL, NULL);
    dense_work *work = uns_arena_take(&arena, sizeof *work);
    place_work(&arena, &sizes, work);
    walk_state(site, &held, &arena, work);
    for (size_t i = 0; i < work->count; i++)
        start_piece(site, &work->pieces[i]);
    return UNS_OK;
}

/* Sizes alone, so that nothing overflows on the way. */
static void find_largest(void *user, size_t begin, size_t n, bool dense) {
    uns_structure_report *report = user;
    (void)begin;
    report->dense += dense;
    report->diagonal += !dense;
    if (dense && n > report->largest)
        report->largest = n;
}

uns_status uns_dense_check(const uns_structure_site *site) {
    uns_structure_report found = {0};
    cut_of(site)(site, find_largest, &found);
    if (found.largest > UNS_DENSE_LIMIT)
        return uns_fail(site->context, UNS_ERROR_RANGE,
                        "structure '%s': a dense matrix of %zu parameters would take %.3g GB "
                        "and more time than there is (at most %d parameters); use structure "
                        "'block' with a smaller block or cap, or 'diagonal'",
                        site->spec->structure, found.largest,
                        8e-9 * (double)found.largest * (double)found.largest, UNS_DENSE_LIMIT);
    return UNS_OK;
}

void uns_dense_report(const uns_structure_site *site, const void *state,
                      uns_structure_report *report) {
    const dense_head *head = state;
    cut_of(site)(site, find_largest, report);
    report->roots = head ? head->roots : 0;
    report->error = head ? head->error : 0.0;
}

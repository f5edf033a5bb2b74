/* SPDX-License-Identifier: MIT
 * Kronecker family: the rule by which blocks are cut into tiles, how large state and work space
 * are, and where everything lies. The same walk over the tiles measures and hands out.
 */
#include "opt/structure/kron.h"

#include "base/arena.h"
#include "base/base.h"
#include "la/dense.h"
#include "la/root.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum {
    LIMIT = 32767 /* LAPACK counts its 2n² of work space in 32 bits */
};

/* What the rule of kron.h makes of one block. */
typedef struct cut {
    bool diagonal, has[UNS_KRON_SIDES];
    double share;
    size_t pieces[UNS_KRON_SIDES];
} cut;

static cut cut_of(const uns_spec *spec, const uns_block *block, bool eigen) {
    const size_t n[UNS_KRON_SIDES] = {block->rows, block->cols},
                 cap = (size_t)spec->structure_cap;
    int side = spec->structure_side;
    bool choosing = side == UNS_SIDE_BOTH || side == UNS_SIDE_SMALLER;
    bool left_is_smaller = block->rows <= block->cols;
    cut out = {.diagonal = choosing && (block->rows == 1 || block->cols == 1),
               .pieces = {1, 1}};
    out.has[UNS_KRON_LEFT] = side == UNS_SIDE_BOTH || side == UNS_SIDE_LEFT ||
                             (side == UNS_SIDE_SMALLER && left_is_smaller);
    out.has[UNS_KRON_RIGHT] = side == UNS_SIDE_BOTH || side == UNS_SIDE_RIGHT ||
                              (side == UNS_SIDE_SMALLER && !left_is_smaller);
    for (int k = 0; k < UNS_KRON_SIDES; k++) {
        if (!out.has[k] || n[k] <= cap)
            continue;
        out.diagonal = out.diagonal || spec->structure_over == UNS_OVER_DIAGONAL;
        if (spec->structure_over == UNS_OVER_LEAVE)
            out.has[k] = false;
        else
            out.pieces[k] = (n[k] - 1) / cap + 1;
    }
    out.diagonal = out.diagonal || (!out.has[UNS_KRON_LEFT] && !out.has[UNS_KRON_RIGHT]);
    if (out.diagonal)
        out = (cut){.diagonal = true, .pieces = {1, 1}};
    double asked = side == UNS_SIDE_BOTH ? 2.0 : 1.0;
    double kept = out.has[UNS_KRON_LEFT] && out.has[UNS_KRON_RIGHT] ? 2.0 : 1.0;
    out.share = eigen ? 1.0 : asked / kept;
    return out;
}

/* Begin of piece i of `pieces` even ones of n. */
static size_t begin_of(size_t n, size_t pieces, size_t i) {
    size_t longer = n % pieces;
    return n / pieces * i + (i < longer ? i : longer);
}

static kron_tile tile_of(const uns_block *block, const cut *by, size_t i, size_t j) {
    kron_tile tile = {.diagonal = by->diagonal, .share = by->share};
    tile.row = begin_of(block->rows, by->pieces[0], i);
    tile.col = begin_of(block->cols, by->pieces[1], j);
    tile.rows = begin_of(block->rows, by->pieces[0], i + 1) - tile.row;
    tile.cols = begin_of(block->cols, by->pieces[1], j + 1) - tile.col;
    for (int k = 0; k < UNS_KRON_SIDES; k++)
        tile.has[k] = by->has[k];
    return tile;
}

/* By the structure's name, which is what sets kron and kron-eigen apart here. */
static kron_kind kind_of(const uns_structure_site *site) {
    const uns_spec *spec = site->spec;
    bool eigen = strcmp(spec->structure, "kron-eigen") == 0;
    bool direct = strcmp(spec->moment, "latest") == 0 && spec->signal == UNS_SIGNAL_DIRECTION;
    return (kron_kind){.direct = direct && !eigen, .eigen = eigen};
}

/* Calls visit for every tile in order. */
typedef void visit_tile(void *user, const kron_tile *tile);

static void for_tiles(const uns_structure_site *site, visit_tile *visit, void *user) {
    bool eigen = kind_of(site).eigen;
    for (size_t b = 0; b < site->count; b++) {
        cut by = cut_of(site->spec, site->blocks[b], eigen);
        for (size_t i = 0; i < by.pieces[0]; i++)
            for (size_t j = 0; j < by.pieces[1]; j++) {
                kron_tile tile = tile_of(site->blocks[b], &by, i, j);
                tile.block = b;
                visit(user, &tile);
            }
    }
}

/* A walk: measuring where the arena has no base. */
typedef struct walk {
    kron_kind kind;
    size_t replicas;
    uns_arena state;
    kron_tile *tiles; /* NULL: only the sizes are wanted */
    size_t count, area, side;
} walk;

static double *take(uns_arena *arena, size_t n, size_t m, size_t replicas) {
    size_t count = uns_size_product(uns_size_product(n, m), replicas);
    return uns_arena_take(arena, uns_size_product(count, sizeof(double)));
}

static void place_tile(void *user, const kron_tile *tile) {
    walk *my = user;
    kron_tile placed = *tile;
    size_t area = tile->rows * tile->cols, marks = my->replicas * sizeof(kron_mark);
    if (!my->kind.direct) {
        placed.marks = uns_arena_take(&my->state, marks);
        if (tile->diagonal || my->kind.eigen)
            placed.moment = take(&my->state, area, 1, my->replicas);
    }
    for (int k = 0; k < UNS_KRON_SIDES; k++) {
        size_t n = uns_kron_side(tile, k);
        if (!tile->has[k])
            continue;
        my->side = n > my->side ? n : my->side;
        if (my->kind.direct)
            continue;
        placed.factor[k] = take(&my->state, n, n, my->replicas);
        placed.root[k] = take(&my->state, n, n, my->replicas);
        if (!my->kind.eigen)
            placed.probes[k] = take(&my->state, UNS_KRON_PROBES * 2, n, my->replicas);
    }
    if (!tile->diagonal && area > my->area)
        my->area = area;
    if (my->tiles)
        my->tiles[my->count] = placed;
    my->count++;
}

static walk walk_tiles(const uns_structure_site *site, void *state, kron_tile *tiles) {
    walk my = {
        .kind = kind_of(site), .replicas = site->replicas, .state = {state, 0}, .tiles = tiles};
    uns_arena_take(&my.state, sizeof(kron_head));
    for_tiles(site, place_tile, &my);
    return my;
}

size_t uns_kron_bytes(const uns_structure_site *site) {
    return walk_tiles(site, NULL, NULL).state.used;
}

static size_t decomposition_bytes(size_t n) {
    size_t root = uns_root_scratch(n),
           eigen = uns_dense_eigen_bytes(n) + (n + 8) * sizeof(double);
    size_t basis = uns_dense_orthogonal_bytes(n) + 2 * n * sizeof(double);
    root = root > eigen ? root : eigen;
    return root > basis ? root : basis;
}

static void place_lane(uns_arena *arena, const walk *sizes, kron_lane *lane) {
    kron_lane placed = {.status = UNS_OK};
    for (int k = 0; k < 3; k++)
        placed.rect[k] = take(arena, sizes->area, 1, 1);
    for (int k = 0; k < 2; k++)
        placed.square[k] = take(arena, sizes->side, sizes->side, 1);
    placed.row = take(arena, 1, 1, sizes->replicas);
    placed.decomposition =
        uns_arena_take(arena, sizes->side ? decomposition_bytes(sizes->side) : 0);
    if (arena->base)
        *lane = placed;
}

static void place_work(const uns_structure_site *site, uns_arena *arena, const walk *sizes,
                       kron_work *work) {
    size_t jobs = uns_size_product(sizes->count, site->replicas);
    size_t threads = (size_t)uns_context_threads(site->context);
    work->count = sizes->count;
    work->tiles = uns_arena_take(arena, uns_size_product(sizes->count, sizeof(kron_tile)));
    work->jobs = uns_arena_take(arena, uns_size_product(jobs, 2 * sizeof(size_t)));
    work->lanes = threads < 2 * jobs ? threads : 2 * jobs;
    work->lane = uns_arena_take(arena, work->lanes * sizeof(kron_lane));
    for (size_t k = 0; k < work->lanes; k++)
        place_lane(arena, sizes, arena->base ? &work->lane[k] : NULL);
}

size_t uns_kron_scratch(const uns_structure_site *site) {
    walk sizes = walk_tiles(site, NULL, NULL);
    uns_arena arena = {NULL, 0};
    kron_work work;
    uns_arena_take(&arena, sizeof work);
    place_work(site, &arena, &sizes, &work);
    return arena.used;
}

/* C₀ = initial·I. */
static void start_tile(const uns_structure_site *site, const kron_tile *tile) {
    double initial = site->spec->initial;
    size_t area = tile->rows * tile->cols * site->replicas;
    for (size_t i = 0; tile->moment && i < area; i++)
        tile->moment[i] = initial;
    for (int k = 0; k < UNS_KRON_SIDES; k++) {
        size_t n = uns_kron_side(tile, k);
        for (size_t i = 0; tile->factor[k] && i < n * site->replicas; i++)
            tile->factor[k][i * n + i % n] = initial;
    }
}

uns_status uns_kron_prepare(const uns_structure_site *site, void *state) {
    walk sizes = walk_tiles(site, NULL, NULL);
    uns_arena arena = {site->scratch, 0};
    kron_work *work = uns_arena_take(&arena, sizeof *work);
    place_work(site, &arena, &sizes, work);
    walk_tiles(site, state, work->tiles);
    work->head = state;
    work->kind = sizes.kind;
    for (size_t i = 0; i < work->count; i++)
        start_tile(site, &work->tiles[i]);
    return UNS_OK;
}

static void find_largest(void *user, const kron_tile *tile) {
    uns_structure_report *report = user;
    report->diagonal += tile->diagonal;
    report->dense += !tile->diagonal;
    for (int k = 0; k < UNS_KRON_SIDES; k++)
        if (tile->has[k] && uns_kron_side(tile, k) > report->largest)
            report->largest = uns_kron_side(tile, k);
}

uns_status uns_kron_check(const uns_structure_site *site) {
    uns_structure_report found = {0};
    for_tiles(site, find_largest, &found);
    if (found.largest > LIMIT)
        return uns_fail(site->context, UNS_ERROR_RANGE,
                        "structure '%s': a factor of %zu rows would take %.3g GB and more time "
                        "than there is (at most %d rows); lower structure.cap",
                        site->spec->structure, found.largest,
                        8e-9 * (double)found.largest * (double)found.largest, LIMIT);
    return UNS_OK;
}

void uns_kron_report(const uns_structure_site *site, const void *state,
                     uns_structure_report *report) {
    const kron_head *head = state;
    const kron_work *work = site->scratch;
    for_tiles(site, find_largest, report);
    if (!head)
        return;
    bool told = !work->kind.eigen && site->spec->root != UNS_ROOT_QUINTIC;
    report->roots = head->roots;
    report->error = told ? head->error : (double)NAN;
}

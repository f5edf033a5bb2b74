/* SPDX-License-Identifier: MIT
 * Dense pieces: roots that lag (refresh.lag = k > 0). The root due at observation t is taken of
 * C as it is then and comes into force at t + k, by the count of observations and never by a
 * clock. C is kept in the state, so that the root can be taken whenever it is asked for: that
 * is all that a saved state must have.
 *
 * Meanwhile a free thread of the pool computes it beside the steps, from a copy of its own to a
 * place of its own in the work space. The copy is what makes that safe and its result sure: the
 * state may be overwritten between steps (restored, rewound), and only a root of what the state
 * says, to the bit, is taken over. Where there is none, it is taken in the step. Not deciding
 * when a root is due: dense_refresh.c.
 */
#include "opt/structure/dense_parts.h"

#include "base/base.h"
#include "base/machine.h"

#include <string.h>

/* One piece and replica beside the steps: in and out, with nothing of the state's. */
typedef struct dense_beside {
    uns_aside task;
    const dense_work *work;
    size_t job, replica, replicas;
    bool by_job;     /* as many lanes as jobs; else as workers */
    dense_piece own; /* c: the copy; r, w, y, marks: the result; over all replicas */
    uns_root root;
    uns_status status;
    double error;
} dense_beside;

static double *take(uns_arena *arena, size_t rows, size_t replicas) {
    size_t count = uns_size_product(rows, replicas);
    return uns_arena_take(arena, uns_size_product(count, sizeof(double)));
}

/* In a worker. There the message of a failure is nobody's: the step that needs the root tries
 * again, and says it. */
static void run_beside(void *user, size_t worker) {
    dense_beside *my = user;
    const dense_work *work = my->work;
    size_t n = my->own.n;
    dense_lane lane = uns_dense_lane(work, work->lanes + (my->by_job ? my->job : worker), n);
    uint64_t mode = uns_flush_enter();
    uns_dense_load(n, my->replicas, my->replica, my->own.c, &lane);
    my->status =
        uns_dense_root_into(NULL, &my->own, my->replicas, my->replica, &my->root, true, &lane);
    my->error = lane.error;
    uns_flush_restore(mode);
}

void uns_dense_place_beside(const uns_structure_site *site, uns_arena *arena, dense_work *work,
                            dense_piece *piece, size_t first) {
    const uns_pool *pool = uns_context_pool(site->context);
    size_t n = piece->n, replicas = site->replicas;
    dense_piece own = {.n = n, .dense = true};
    own.c = take(arena, uns_dense_rows(n), replicas);
    own.r = take(arena, uns_triangle(n), replicas);
    own.w = take(arena, UNS_DENSE_PROBES * n, replicas);
    own.y = take(arena, UNS_DENSE_PROBES * n, replicas);
    own.marks = uns_arena_take(arena, uns_size_product(replicas, sizeof *own.marks));
    piece->beside = uns_arena_take(arena, uns_size_product(replicas, sizeof *piece->beside));
    for (size_t r = 0; work && r < replicas; r++)
        piece->beside[r] =
            (dense_beside){.task = {.task = run_beside, .user = &piece->beside[r]},
                           .work = work,
                           .job = first + r,
                           .replica = r,
                           .replicas = replicas,
                           .by_job = work->beside < uns_pool_asides(pool),
                           .own = own};
}

static dense_beside *beside_of(const dense_piece *piece, size_t r) {
    return piece->beside ? &piece->beside[r] : NULL;
}

/* Column r of two arrays. */
static void copy_column(size_t rows, size_t replicas, size_t r, const double *from,
                        double *to) {
    if (replicas == 1)
        memcpy(to, from, rows * sizeof *to);
    for (size_t i = 0; replicas > 1 && i < rows; i++)
        to[i * replicas + r] = from[i * replicas + r];
}

static bool same_column(size_t rows, size_t replicas, size_t r, const double *a,
                        const double *b) {
    size_t i = 0;
    if (replicas == 1)
        return memcmp(a, b, rows * sizeof *a) == 0;
    while (i < rows && memcmp(a + i * replicas + r, b + i * replicas + r, sizeof *a) == 0)
        i++;
    return i == rows;
}

static bool same_root(const uns_root *a, const uns_root *b) {
    return a->exponent == b->exponent && a->epsilon == b->epsilon && a->form == b->form &&
           a->correction == b->correction && a->damping == b->damping;
}

/* C into the state; what a worker has begun for another root is let be, and this one is then
 * taken when it is due. */
static void take_one_late(const uns_structure_site *site, const dense_piece *piece, size_t r,
                          const uns_root *root) {
    const dense_work *work = site->scratch;
    const dense_head *head = work->head;
    uns_pool *pool = uns_context_pool(site->context);
    dense_beside *beside = beside_of(piece, r);
    uns_dense_pack_moment(work, piece, site->replicas, r, root->correction);
    piece->later[r] = (dense_later){.taken = head->version,
                                    .due = head->version + (uint64_t)site->spec->refresh_lag,
                                    .root = uns_dense_root_of(work, root),
                                    .weight = head->weight,
                                    .square = head->square,
                                    .kept = 1.0};
    if (!beside || uns_pool_take_back(pool, &beside->task) == UNS_ASIDE_RUNNING)
        return;
    copy_column(uns_dense_rows(piece->n), site->replicas, r, piece->later_c, beside->own.c);
    beside->root = piece->later[r].root;
    uns_pool_put_aside(pool, &beside->task);
}

void uns_dense_take_late(const uns_structure_site *site, const uns_root *root, size_t count) {
    const dense_work *work = site->scratch;
    for (size_t k = 0; k < count; k++)
        take_one_late(site, &work->pieces[work->lagging[k] / site->replicas],
                      work->lagging[k] % site->replicas, root);
}

void uns_dense_drop_late(const uns_structure_site *site, size_t count) {
    const dense_work *work = site->scratch;
    for (size_t k = 0; k < count; k++) {
        const dense_piece *piece = &work->pieces[work->jobs[k] / site->replicas];
        size_t r = work->jobs[k] % site->replicas;
        dense_beside *beside = beside_of(piece, r);
        if (piece->later)
            piece->later[r].taken = 0;
        if (beside)
            (void)uns_pool_take_back(uns_context_pool(site->context), &beside->task);
    }
}

/* What is known since C was taken. */
static void mark_late(const dense_piece *piece, size_t r) {
    dense_later *later = &piece->later[r];
    dense_mark *mark = &piece->marks[r];
    mark->taken = later->taken;
    mark->weight = later->weight;
    mark->square = later->square;
    mark->kept = later->kept;
    later->taken = 0;
}

uns_status uns_dense_take_kept(const uns_structure_site *site, const dense_piece *piece,
                               size_t r, dense_lane *lane) {
    uns_dense_load(piece->n, site->replicas, r, piece->later_c, lane);
    const uns_root root = piece->later[r].root;
    uns_status status =
        uns_dense_root_into(site->context, piece, site->replicas, r, &root, true, lane);
    if (status != UNS_OK)
        piece->later[r].taken = 0;
    else
        mark_late(piece, r);
    return status;
}

/* False where what has been computed beside is not the root of what the state says. */
static bool take_over(const uns_structure_site *site, const dense_piece *piece, size_t r) {
    const dense_work *work = site->scratch;
    dense_head *head = work->head;
    size_t replicas = site->replicas;
    dense_beside *beside = beside_of(piece, r);
    if (!beside || !uns_pool_finish(uns_context_pool(site->context), &beside->task) ||
        beside->status != UNS_OK || !same_root(&beside->root, &piece->later[r].root) ||
        !same_column(uns_dense_rows(piece->n), replicas, r, piece->later_c, beside->own.c))
        return false;
    copy_column(uns_triangle(piece->n), replicas, r, beside->own.r, piece->r);
    for (size_t i = 0; i < UNS_DENSE_PROBES * piece->n; i++) {
        piece->w[i * replicas + r] = beside->own.w[i * replicas + r];
        piece->y[i * replicas + r] = beside->own.y[i * replicas + r];
    }
    piece->marks[r] = beside->own.marks[r];
    mark_late(piece, r);
    head->roots++;
    head->error = beside->error > head->error ? beside->error : head->error;
    return true;
}

/* Whether the step has to take it itself. */
typedef bool is_left(const uns_structure_site *site, const dense_piece *piece, size_t r);

static bool not_begun(const uns_structure_site *site, const dense_piece *piece, size_t r) {
    dense_beside *beside = beside_of(piece, r);
    return !beside ||
           uns_pool_take_back(uns_context_pool(site->context), &beside->task) == UNS_ASIDE_IDLE;
}

static bool not_there(const uns_structure_site *site, const dense_piece *piece, size_t r) {
    double before = uns_machine_seconds();
    bool there = take_over(site, piece, r);
    *site->root_seconds += uns_machine_seconds() - before; /* what was waited */
    return !there;
}

static size_t list_due(const uns_structure_site *site, is_left *left) {
    dense_work *work = site->scratch;
    size_t replicas = site->replicas, count = 0;
    for (size_t k = 0; k < work->count; k++) {
        const dense_piece *piece = &work->pieces[k];
        for (size_t r = 0; piece->later && r < replicas; r++) {
            const dense_later *later = &piece->later[r];
            if (site->active[r] && later->taken && work->head->version >= later->due &&
                left(site, piece, r))
                work->jobs[count++] = k * replicas + r;
        }
    }
    return count;
}

/* First what nobody has begun, side by side, while workers go on with what they have. */
uns_status uns_dense_settle_late(const uns_structure_site *site) {
    size_t count = list_due(site, not_begun);
    if (count)
        UNS_TRY(uns_dense_take_roots(site, NULL, count));
    count = list_due(site, not_there);
    return count ? uns_dense_take_roots(site, NULL, count) : UNS_OK;
}

void uns_dense_quit(const uns_structure_site *site) {
    const dense_work *work = site->scratch;
    for (size_t k = 0; k < work->count; k++)
        for (size_t r = 0; work->pieces[k].beside && r < site->replicas; r++)
            (void)uns_pool_finish(uns_context_pool(site->context),
                                  &work->pieces[k].beside[r].task);
}

/* SPDX-License-Identifier: MIT
 * What is not elementwise in slots 3 to 5: the oracle of the moment `exact`, and whole
 * structures, which see all blocks of their group between the front and the scale.
 */
#include "base/base.h"
#include "opt/opt.h"

#include <string.h>

uint64_t uns_group_observed(const uns_optimizer *optimizer, const uns_group *group) {
    uint64_t most = 0;
    for (size_t i = group->first; i < group->first + group->count; i++) {
        uint64_t observed = optimizer->blocks[optimizer->order[i]].counts.observed;
        most = observed > most ? observed : most;
    }
    return most;
}

const uns_block_state *uns_group_present(const uns_optimizer *optimizer,
                                         const uns_group *group) {
    for (size_t i = group->first; i < group->first + group->count; i++)
        if (optimizer->blocks[optimizer->order[i]].present)
            return &optimizer->blocks[optimizer->order[i]];
    return NULL;
}

static uns_status ask_diagonal(uns_optimizer *optimizer, uns_group *group,
                               uns_const_tensors x) {
    bool frozen = group->spec.about == UNS_ABOUT_FROZEN;
    bool wanted = false;
    for (size_t i = 0; i < optimizer->block_count; i++) {
        const uns_block_state *block = &optimizer->blocks[i];
        bool asked = &optimizer->groups[block->group] == group && block->present &&
                     !(frozen && block->counts.observed);
        optimizer->oracle_views[i] = asked ? block->piece[UNS_PIECE_MOMENT] : NULL;
        wanted = wanted || optimizer->oracle_views[i];
    }
    if (!wanted)
        return UNS_OK;
    uns_tensors out = {optimizer->oracle_views, optimizer->block_count};
    return optimizer->oracle.second_moment(
        optimizer->oracle.self, x, (uns_about)group->spec.about, UNS_SHAPE_DIAGONAL, out);
}

/* Into a buffer, which the structure adopts once nothing can fail any more. */
static uns_status ask_dense(uns_optimizer *optimizer, uns_group *group, uns_const_tensors x) {
    bool frozen = group->spec.about == UNS_ABOUT_FROZEN;
    group->adopting = uns_group_present(optimizer, group) &&
                      !(frozen && uns_group_observed(optimizer, group) > 0);
    if (!group->adopting)
        return UNS_OK;
    void *views[1] = {optimizer->oracle_dense};
    return optimizer->oracle.second_moment(optimizer->oracle.self, x,
                                           (uns_about)group->spec.about, UNS_SHAPE_DENSE,
                                           (uns_tensors){views, 1});
}

uns_status uns_ask_oracles(uns_optimizer *optimizer, uns_const_tensors x) {
    for (size_t i = 0; i < optimizer->group_count; i++) {
        uns_group *group = &optimizer->groups[i];
        if (!group->moment->oracle)
            continue;
        if (group->structure->elementwise)
            UNS_TRY(ask_diagonal(optimizer, group, x));
        else
            UNS_TRY(ask_dense(optimizer, group, x));
    }
    return UNS_OK;
}

/* Views of a piece of the group's blocks; absent blocks are NULL but in their ḡ. */
uns_tensors uns_group_view(uns_optimizer *optimizer, uns_group *group, int which,
                           uns_piece piece) {
    for (size_t i = 0; i < group->count; i++) {
        const uns_block_state *block = &optimizer->blocks[optimizer->order[group->first + i]];
        void *place = piece == UNS_PIECE_DIRECTION ? block->d : block->piece[piece];
        bool shown = block->present || piece == UNS_PIECE_MEAN;
        group->views[which][i] = shown ? place : NULL;
    }
    return (uns_tensors){group->views[which], group->count};
}

uns_root uns_group_root(const uns_group *group, const uns_coeffs *coeffs) {
    const uns_spec *spec = &group->spec;
    return (uns_root){spec->exponent, spec->epsilon, coeffs->c, spec->epsilon_form,
                      spec->damping};
}

/* A replica without a root stops where it is, whatever the policy: no gradient can mend C. */
static void stop_failed(uns_optimizer *optimizer) {
    for (size_t r = 0; r < optimizer->replicas; r++) {
        if (!optimizer->failed[r])
            continue;
        optimizer->failed[r] = 0;
        optimizer->active[r] = 0;
        optimizer->stopped[r] = 1;
        optimizer->partial = true;
    }
}

static uns_status refresh(uns_optimizer *optimizer, uns_group *group, const uns_coeffs *coeffs,
                          bool observing) {
    uns_root root = uns_group_root(group, coeffs);
    uns_const_tensors mean = {NULL, 0};
    uint64_t t = uns_group_observed(optimizer, group) + observing;
    if (group->spec.centred && !group->structure->keeps_mean)
        mean = uns_tensors_const(uns_group_view(optimizer, group, 2, UNS_PIECE_MEAN));
    uns_status status =
        group->structure->refresh(&group->site, group->structure_state, &root, mean, t);
    stop_failed(optimizer);
    return status;
}

/* Whether slots 1 and 2 hand on one and the same vector. */
static bool signal_is_direction(const uns_spec *spec) {
    bool first = spec->momentum != UNS_MOMENTUM_NONE && spec->momentum_at == UNS_PLACE_FIRST;
    return spec->signal == UNS_SIGNAL_DIRECTION ||
           (spec->signal == UNS_SIGNAL_GRADIENT && !first);
}

/* u of the precondition that this step comes to, for site.ahead. */
static uns_const_tensors ahead(uns_optimizer *optimizer, uns_group *group) {
    bool same = signal_is_direction(&group->spec);
    return uns_tensors_const(uns_group_view(optimizer, group, same ? 0 : 1,
                                            same ? UNS_PIECE_SIGNAL : UNS_PIECE_DIRECTION));
}

static uns_status observe(uns_optimizer *optimizer, uns_group *group,
                          const uns_coeffs *coeffs) {
    void *state = group->structure_state;
    if (group->moment->oracle)
        return group->adopting
                   ? group->structure->adopt(&group->site, state, optimizer->oracle_dense)
                   : UNS_OK;
    if (group->moment->windowed)
        UNS_TRY(group->structure->retire(&group->site, state));
    uns_tensors s = uns_group_view(optimizer, group, 0, UNS_PIECE_SIGNAL);
    return group->structure->observe(&group->site, state, coeffs, uns_tensors_const(s));
}

uns_status uns_run_structure(uns_optimizer *optimizer, uns_group *group, unsigned passes) {
    const uns_block_state *first = uns_group_present(optimizer, group);
    if (!first)
        return UNS_OK;
    const uns_const_tensors nothing = {NULL, 0};
    bool observing = (passes & UNS_PASS_OBSERVE) != 0;
    bool rooted =
        (passes & UNS_PASS_PRECONDITION) && first->coeffs.rho != 0.0 && group->has_root;
    group->site.ahead = observing && rooted ? ahead(optimizer, group) : nothing;
    if (observing)
        UNS_TRY(observe(optimizer, group, &first->coeffs));
    if (!rooted)
        return UNS_OK;
    UNS_TRY(refresh(optimizer, group, &first->coeffs, observing));
    uns_tensors d = uns_group_view(optimizer, group, 1, UNS_PIECE_DIRECTION);
    return group->structure->precondition(&group->site, group->structure_state,
                                          uns_tensors_const(d), d);
}

/* SPDX-License-Identifier: MIT
 * Which values go together with a structure: its roots, its pieces, its window.
 */
#include "opt/spec_rule.h"

#include "base/base.h"

#include <string.h>

static bool refresh_unused(const uns_spec_facts *f) {
    return !f->structure->refreshes &&
           (f->spec->refresh != UNS_REFRESH_ADAPTIVE || f->spec->refresh_tolerance != 1.0);
}

static bool lag_unused(const uns_spec_facts *f) {
    return f->spec->refresh_lag != 0 && !f->structure->lags;
}

/* One root of a piece is under way at a time. */
static bool lag_too_long(const uns_spec_facts *f) {
    return f->spec->refresh != UNS_REFRESH_ADAPTIVE && f->spec->refresh_lag > f->spec->refresh;
}

static bool damping_unused(const uns_spec_facts *f) {
    return f->spec->damping != 0.0 &&
           (!f->structure->damps || f->spec->root == UNS_ROOT_QUINTIC);
}

static bool is_kron(const uns_spec_facts *f) {
    return strcmp(f->structure->name, "kron") == 0 ||
           strcmp(f->structure->name, "kron-eigen") == 0;
}

/* R is made of the direction itself, anew in every step. */
static bool is_polar(const uns_spec_facts *f) {
    return strcmp(f->moment->name, "latest") == 0 && f->spec->signal == UNS_SIGNAL_DIRECTION;
}

static bool refresh_not_given(const uns_spec_facts *f) {
    return strcmp(f->structure->name, "kron-eigen") == 0 &&
           f->spec->refresh == UNS_REFRESH_ADAPTIVE;
}

static bool refresh_of_polar(const uns_spec_facts *f) {
    return is_kron(f) && is_polar(f) && f->spec->refresh != UNS_REFRESH_ADAPTIVE &&
           f->spec->refresh != 1;
}

static bool tolerance_unused(const uns_spec_facts *f) {
    return f->spec->refresh != UNS_REFRESH_ADAPTIVE && f->spec->refresh_tolerance != 1.0;
}

static bool pieces_unused(const uns_spec_facts *f) {
    const uns_spec *spec = f->spec;
    bool block = strcmp(f->structure->name, "block") == 0;
    bool capped = spec->structure_cap != 256 || spec->structure_over != UNS_OVER_CUT;
    return !block && (spec->structure_block != 0 || (capped && !is_kron(f)));
}

static bool leave_elsewhere(const uns_spec_facts *f) {
    return f->spec->structure_over == UNS_OVER_LEAVE && !is_kron(f);
}

static bool kron_values_unused(const uns_spec_facts *f) {
    return !is_kron(f) &&
           (f->spec->structure_side != UNS_SIDE_BOTH || f->spec->structure_every != 1);
}

static bool every_without_factors(const uns_spec_facts *f) {
    return f->spec->structure_every != 1 && (f->spec->centred || is_polar(f));
}

static bool basis_elsewhere(const uns_spec_facts *f) {
    return f->spec->basis != UNS_BASIS_EIGEN && strcmp(f->structure->name, "kron-eigen") != 0;
}

static bool eigen_unfit(const uns_spec_facts *f) {
    return strcmp(f->structure->name, "kron-eigen") == 0 &&
           (f->moment->memoryless || f->spec->centred);
}

static bool polar_on_both(const uns_spec_facts *f) {
    return strcmp(f->structure->name, "kron") == 0 && is_polar(f) &&
           f->spec->structure_side == UNS_SIDE_BOTH;
}

static bool quintic_elsewhere(const uns_spec_facts *f) {
    return f->spec->root == UNS_ROOT_QUINTIC && !(strcmp(f->structure->name, "kron") == 0 &&
                                                  is_polar(f) && f->spec->exponent == 0.5);
}

static bool cap_unused(const uns_spec_facts *f) {
    const uns_spec *spec = f->spec;
    return spec->structure_block != 0 &&
           (spec->structure_cap != 256 || spec->structure_over != UNS_OVER_CUT);
}

static bool window_not_retired(const uns_spec_facts *f) {
    return f->moment->windowed && !f->structure->retire;
}

static bool window_unused(const uns_spec_facts *f) {
    return !f->moment->windowed && f->spec->structure_window != 100;
}

static bool rank_unused(const uns_spec_facts *f) {
    return (strcmp(f->structure->name, "lowrank") != 0 || f->moment->windowed) &&
           (f->spec->structure_rank != 32 ||
            f->spec->structure_complement != UNS_COMPLEMENT_MEAN);
}

static const uns_spec_rule structure_rules[] = {
    {refresh_unused, UNS_ERROR_PAIR,
     "refresh and refresh.tolerance have no effect on this structure, whose root is taken at "
     "every step; leave them out, or set structure=full, block, kron or kron-eigen"},
    {refresh_not_given, UNS_ERROR_PAIR,
     "structure=kron-eigen renews its basis every so many observations: set refresh=10, or "
     "another number"},
    {refresh_of_polar, UNS_ERROR_PAIR,
     "moment=latest with signal=direction is a root of the direction itself, taken at every "
     "step; leave refresh out"},
    {tolerance_unused, UNS_ERROR_PAIR,
     "refresh.tolerance belongs to refresh=adaptive; leave it out"},
    {damping_unused, UNS_ERROR_PAIR,
     "damping is for the roots of matrices: structure=full, block, kron and kron-eigen, but "
     "for root=quintic; set it to 0"},
    {lag_unused, UNS_ERROR_PAIR,
     "refresh.lag belongs to structure=full and block, whose roots may be computed beside the "
     "steps; leave it out"},
    {lag_too_long, UNS_ERROR_RANGE,
     "refresh.lag must not exceed refresh: the next root would be due before the last one is "
     "in force"},
    {pieces_unused, UNS_ERROR_PAIR,
     "structure.block belongs to structure=block, .cap and .over to block, kron and "
     "kron-eigen; leave them out"},
    {leave_elsewhere, UNS_ERROR_PAIR,
     "structure.over=leave leaves one side of a matrix out, which belongs to structure=kron "
     "and kron-eigen; set cut or diagonal"},
    {kron_values_unused, UNS_ERROR_PAIR,
     "structure.side and .every belong to structure=kron and kron-eigen; leave them out"},
    {every_without_factors, UNS_ERROR_PAIR,
     "structure.every must be 1 where the mean is taken out (centred) and where nothing is "
     "accumulated (moment=latest)"},
    {basis_elsewhere, UNS_ERROR_PAIR, "basis belongs to structure=kron-eigen; leave it out"},
    {eigen_unfit, UNS_ERROR_PAIR,
     "structure=kron-eigen keeps a moment of its own in the eigenbasis: set centred=false and "
     "a moment with memory, such as ema"},
    {polar_on_both, UNS_ERROR_PAIR,
     "moment=latest with signal=direction takes the root of one side: set "
     "structure.side=smaller, left or right"},
    {quintic_elsewhere, UNS_ERROR_PAIR,
     "root=quintic approximates the polar factor alone: it needs structure=kron, "
     "moment=latest, signal=direction and exponent=0.5"},
    {cap_unused, UNS_ERROR_PAIR,
     "structure.cap and .over are for structure.block=layer; give either a size or a cap"},
    {window_not_retired, UNS_ERROR_PAIR,
     "moment=window keeps the signals themselves, to take the oldest out again without "
     "cancellation, and needs structure=lowrank; moment=ema forgets with any structure"},
    {window_unused, UNS_ERROR_PAIR, "structure.window belongs to moment=window; leave it out"},
    {rank_unused, UNS_ERROR_PAIR,
     "structure.rank and .complement belong to structure=lowrank with a moment other than "
     "window, whose rank is structure.window; leave them out"},
};

const uns_spec_rule *uns_spec_structure_rules(size_t *count) {
    *count = UNS_COUNT_OF(structure_rules);
    return structure_rules;
}

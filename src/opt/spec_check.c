/* SPDX-License-Identifier: MIT
 * Which values of a spec go together. Every field is held against its row of the table, then
 * the rules below are tried in order: what would silently have no effect is refused as well,
 * because a run that ignores half of its config is worse than one that does not start.
 */
#include "base/base.h"
#include "opt/spec_rule.h"

#include <string.h>

static bool keeps_moment(const uns_spec_facts *f) {
    const uns_block one = {.rows = 1, .cols = 1};
    return !f->structure->elementwise || f->structure->elements(f->spec, &one) > 0;
}

static bool is_moment(const uns_spec_facts *f, const char *name) {
    return strcmp(f->moment->name, name) == 0;
}

static bool mu_without_momentum(const uns_spec_facts *f) {
    return f->spec->momentum == UNS_MOMENTUM_NONE && f->spec->mu != 0.0;
}

static bool dampening_elsewhere(const uns_spec_facts *f) {
    return f->spec->momentum != UNS_MOMENTUM_HEAVY && f->spec->dampening != 0.0;
}

static bool memory_elsewhere(const uns_spec_facts *f) {
    return f->spec->momentum != UNS_MOMENTUM_LION && f->spec->mu_memory != 0.0;
}

static bool correction_elsewhere(const uns_spec_facts *f) {
    return f->spec->mu_correction && f->spec->momentum != UNS_MOMENTUM_EMA &&
           f->spec->momentum != UNS_MOMENTUM_NONE;
}

static bool deviation_without_mean(const uns_spec_facts *f) {
    return f->spec->signal == UNS_SIGNAL_DEVIATION &&
           (f->spec->momentum == UNS_MOMENTUM_NONE || f->spec->momentum_at != UNS_PLACE_FIRST);
}

static bool rule_constant_unused(const uns_spec_facts *f) {
    return f->spec->beta_rule == UNS_BETA_FIXED && f->spec->beta_c != 1.0;
}

static bool moment_values_unused(const uns_spec_facts *f) {
    const uns_spec *spec = f->spec;
    return !keeps_moment(f) && (spec->centred || spec->rectify || spec->initial != 0.0 ||
                                spec->increment != 0.0 || spec->ceiling != UNS_CEILING_NONE);
}

static bool increment_unused(const uns_spec_facts *f) {
    uns_coeffs coeffs;
    f->moment->coeffs(f->spec, 1, &coeffs);
    return f->spec->increment != 0.0 && coeffs.e == 0.0;
}

static bool nothing_to_start(const uns_spec_facts *f) {
    return (f->moment->oracle || f->moment->memoryless) && f->spec->initial != 0.0;
}

static bool memory_of_memoryless(const uns_spec_facts *f) {
    return f->moment->memoryless &&
           (f->spec->beta != 0.0 || f->spec->beta_rule != UNS_BETA_FIXED);
}

static bool fold_on_whole(const uns_spec_facts *f) {
    return f->moment->fold && !f->structure->elementwise;
}

static bool oracle_not_adopted(const uns_spec_facts *f) {
    return f->moment->oracle && !f->structure->elementwise && !f->structure->adopt;
}

static bool centred_without_mean(const uns_spec_facts *f) {
    return f->spec->centred && !is_moment(f, "ema") && !is_moment(f, "mean");
}

static bool centred_ceiling(const uns_spec_facts *f) {
    return f->spec->centred && f->spec->ceiling != UNS_CEILING_NONE;
}

static bool ceiling_without_state(const uns_spec_facts *f) {
    return f->spec->ceiling != UNS_CEILING_NONE &&
           (!f->structure->elementwise || f->moment->oracle || f->moment->memoryless);
}

/* Both have c in them before the root is taken, so that uncorrected would be outside. */
static bool corrected_already(const uns_spec_facts *f) {
    return f->spec->epsilon_form == UNS_EPSILON_UNCORRECTED &&
           (f->spec->centred || f->spec->ceiling == UNS_CEILING_CORRECTED);
}

static bool rectify_elsewhere(const uns_spec_facts *f) {
    return f->spec->rectify && !is_moment(f, "ema");
}

static bool about_without_oracle(const uns_spec_facts *f) {
    return f->spec->about != UNS_ABOUT_SECOND_MOMENT && !f->moment->oracle;
}

/* The bias correction and the burn-in would divide by 0. */
static bool beta_never_fades(const uns_spec_facts *f) {
    return f->spec->beta_rule == UNS_BETA_FIXED && f->spec->beta == 1.0 && !f->moment->windowed;
}

static bool trust_unused(const uns_spec_facts *f) {
    bool trusts = f->spec->scale == UNS_SCALE_TRUST || f->spec->scale == UNS_SCALE_TRUST_SUM;
    return !trusts && (f->spec->trust != 1.0 || f->spec->trust_epsilon != 0.0);
}

static bool graft_on_elementwise(const uns_spec_facts *f) {
    return f->spec->scale == UNS_SCALE_GRAFT && f->structure->elementwise;
}

static bool graft_of_oracle(const uns_spec_facts *f) {
    return f->spec->scale == UNS_SCALE_GRAFT && f->moment->oracle;
}

static bool graft_unused(const uns_spec_facts *f) {
    return f->spec->scale != UNS_SCALE_GRAFT && f->spec->graft_epsilon != 1e-8;
}

static bool rms_unused(const uns_spec_facts *f) {
    return f->spec->scale != UNS_SCALE_RMS_CLIP &&
           (f->spec->rms_threshold != 1.0 || f->spec->rms_relative != 0.0);
}

static bool power_unused(const uns_spec_facts *f) {
    return !is_moment(f, "power") && f->spec->beta_power != 0.8;
}

static bool sum_without_scaled(const uns_spec_facts *f) {
    return f->spec->scale == UNS_SCALE_TRUST_SUM && f->spec->decay != 0.0 &&
           f->spec->decay_form != UNS_DECAY_SCALED;
}

static bool adadelta_unfit(const uns_spec_facts *f) {
    return f->spec->scale == UNS_SCALE_ADADELTA &&
           (!f->structure->elementwise ||
            (f->spec->decay != 0.0 && f->spec->decay_form == UNS_DECAY_SCALED));
}

static bool schedule_unused(const uns_spec_facts *f) {
    const uns_spec *spec = f->spec;
    return spec->schedule == UNS_SCHEDULE_CONSTANT &&
           (spec->schedule_steps || spec->schedule_every || spec->schedule_factor != 0.0 ||
            spec->schedule_floor != 0.0);
}

static bool schedule_without_length(const uns_spec_facts *f) {
    return (f->spec->schedule == UNS_SCHEDULE_COSINE ||
            f->spec->schedule == UNS_SCHEDULE_POLYNOMIAL) &&
           f->spec->schedule_steps == 0;
}

static bool schedule_without_stage(const uns_spec_facts *f) {
    return f->spec->schedule == UNS_SCHEDULE_STEP && f->spec->schedule_every == 0;
}

static bool schedule_without_factor(const uns_spec_facts *f) {
    return (f->spec->schedule == UNS_SCHEDULE_STEP ||
            f->spec->schedule == UNS_SCHEDULE_EXPONENTIAL ||
            f->spec->schedule == UNS_SCHEDULE_INVERSE_TIME) &&
           f->spec->schedule_factor == 0.0;
}

static bool larger_step_halved(const uns_spec_facts *f) {
    return (f->spec->larger_step != 0.0) != (f->spec->larger_step_every != 0);
}

static bool larger_step_smaller(const uns_spec_facts *f) {
    return f->spec->larger_step_every != 0 && !(f->spec->larger_step > f->spec->eta);
}

static bool is_reduced(const uns_spec_facts *f) {
    return f->spec->state == UNS_STATE_BF16 || f->spec->state == UNS_STATE_Q8;
}

static bool reduced_unfit(const uns_spec_facts *f) {
    return is_reduced(f) &&
           (!f->structure->elementwise || f->moment->oracle || f->spec->centred);
}

static bool reduced_unused(const uns_spec_facts *f) {
    const bool keeps = keeps_moment(f) && !f->moment->memoryless;
    return is_reduced(f) && !keeps && f->spec->momentum == UNS_MOMENTUM_NONE &&
           f->spec->scale != UNS_SCALE_ADADELTA;
}

static const uns_spec_rule slot_rules[] = {
    {mu_without_momentum, UNS_ERROR_PAIR,
     "mu has no effect with momentum=none; set momentum to heavy, nesterov or ema, or mu to 0"},
    {dampening_elsewhere, UNS_ERROR_PAIR, "dampening belongs to momentum=heavy; set it to 0"},
    {memory_elsewhere, UNS_ERROR_PAIR, "mu.memory belongs to momentum=lion; set it to 0"},
    {correction_elsewhere, UNS_ERROR_PAIR,
     "mu.correction belongs to momentum=ema; set it to false"},
    {deviation_without_mean, UNS_ERROR_PAIR,
     "signal=deviation is g - m and needs momentum, with momentum.at=first"},
    {rule_constant_unused, UNS_ERROR_PAIR, "beta.C has no effect without beta.rule=eta^2/3"},
    {moment_values_unused, UNS_ERROR_PAIR,
     "centred, rectify, initial, increment and ceiling need a second moment; this structure "
     "keeps none: set structure=diagonal, for instance"},
    {memory_of_memoryless, UNS_ERROR_PAIR,
     "this moment has no memory; set beta=0 (Lion's beta2 is mu.memory)"},
    {nothing_to_start, UNS_ERROR_PAIR,
     "initial has no effect on a moment that is not accumulated; set it to 0"},
    {increment_unused, UNS_ERROR_PAIR, "increment has no effect on this moment; set it to 0"},
    {fold_on_whole, UNS_ERROR_PAIR,
     "this moment folds entry by entry and needs an elementwise structure, such as diagonal"},
    {oracle_not_adopted, UNS_ERROR_PAIR,
     "this structure cannot take the second moment from an oracle; set structure=diagonal, or "
     "another moment"},
    {centred_without_mean, UNS_ERROR_PAIR, "centred needs moment=ema or moment=mean"},
    {centred_ceiling, UNS_ERROR_PAIR, "centred and ceiling exclude one another"},
    {ceiling_without_state, UNS_ERROR_PAIR,
     "ceiling needs an accumulated moment and an elementwise structure, such as diagonal"},
    {corrected_already, UNS_ERROR_PAIR,
     "epsilon.form=uncorrected is of a moment before its bias correction; centred=true and "
     "ceiling=corrected take the root of one that is corrected already: set "
     "epsilon.form=outside"},
    {rectify_elsewhere, UNS_ERROR_PAIR, "rectify needs moment=ema"},
    {about_without_oracle, UNS_ERROR_PAIR, "about belongs to moment=exact"},
    {beta_never_fades, UNS_ERROR_RANGE,
     "beta must be below 1, but for moment=window; moment=sum and moment=mean never forget"},
    {trust_unused, UNS_ERROR_PAIR,
     "trust and trust.epsilon have no effect without scale=trust or scale=trust_sum"},
    {graft_on_elementwise, UNS_ERROR_PAIR,
     "scale=graft takes the step length of the diagonal method over; an elementwise structure "
     "has its own: set scale=none, or another structure"},
    {graft_of_oracle, UNS_ERROR_PAIR,
     "scale=graft needs a moment accumulated from gradients, such as ema"},
    {graft_unused, UNS_ERROR_PAIR, "graft.epsilon has no effect without scale=graft"},
    {rms_unused, UNS_ERROR_PAIR,
     "rms.threshold and rms.relative have no effect without scale=rms_clip"},
    {power_unused, UNS_ERROR_PAIR, "beta.power belongs to moment=power"},
    {sum_without_scaled, UNS_ERROR_PAIR, "scale=trust_sum needs decay=scaled"},
    {adadelta_unfit, UNS_ERROR_PAIR,
     "scale=adadelta needs an elementwise structure, and decay l2 or decoupled"},
    {reduced_unfit, UNS_ERROR_PAIR,
     "state=bf16 and state=q8 need an elementwise structure, a moment other than exact, and "
     "centred=false, whose difference of near numbers their roundings would drown; set "
     "state=auto"},
    {reduced_unused, UNS_ERROR_PAIR,
     "state=bf16 and state=q8 have no effect here, as no state is kept; set state=auto"},
    {schedule_unused, UNS_ERROR_PAIR,
     "schedule.steps, .every, .factor and .floor have no effect with schedule=constant"},
    {schedule_without_length, UNS_ERROR_RANGE,
     "schedule.steps must be at least 1 with schedule=cosine or polynomial"},
    {schedule_without_stage, UNS_ERROR_RANGE,
     "schedule.every must be at least 1 with schedule=step"},
    {schedule_without_factor, UNS_ERROR_RANGE,
     "schedule.factor must be above 0 with schedule=step, exponential or inverse_time"},
    {larger_step_halved, UNS_ERROR_PAIR,
     "larger_step.size and larger_step.every go together; give both or neither"},
    {larger_step_smaller, UNS_ERROR_RANGE, "larger_step.size must be above eta"},
};

/* Holds a field against its row by a round trip through text: the messages are then those that
 * a config file gets. */
static uns_status check_row(uns_context *context, const uns_param *row, const uns_spec *spec) {
    char text[UNS_TEXT_SIZE];
    uns_spec scratch = *spec;
    const char *place = (const char *)spec + row->offset;
    if (row->type == UNS_PARAM_NAME && !memchr(place, '\0', UNS_NAME_SIZE))
        return uns_fail(context, UNS_ERROR_RANGE, "%s: at most %d characters", row->key,
                        UNS_NAME_SIZE - 1);
    uns_param_print(row, spec, text, sizeof text);
    return uns_param_set(context, uns_spec_table(), &scratch, row->key, text);
}

static uns_status check_rows(uns_context *context, const uns_spec *spec) {
    const uns_param_table *table = uns_spec_table();
    for (size_t i = 0; i < table->count; i++)
        UNS_TRY(check_row(context, &table->rows[i], spec));
    return UNS_OK;
}

/* The rule must give 0 <= β < 1; at η = 0, and where Cη^{2/3} is lost in rounding, β is 1. */
static uns_status check_beta_rule(uns_context *context, const uns_spec *spec) {
    double beta = uns_spec_beta(spec);
    if (spec->beta_rule == UNS_BETA_FIXED || (beta >= 0.0 && beta < 1.0))
        return UNS_OK;
    return uns_fail(context, UNS_ERROR_RANGE,
                    "beta.rule: 1 - C*eta^(2/3) must be in [0, 1); with C = %g and eta = %g it "
                    "is %g; %s",
                    spec->beta_c, spec->eta, beta,
                    beta < 0.0 ? "lower eta or beta.C" : "raise eta or beta.C");
}

static uns_status look_up(uns_context *context, uns_spec_facts *f) {
    const void *moment, *structure;
    UNS_TRY(uns_context_find(context, UNS_KIND_MOMENT, f->spec->moment, &moment));
    UNS_TRY(uns_context_find(context, UNS_KIND_STRUCTURE, f->spec->structure, &structure));
    f->moment = moment;
    f->structure = structure;
    return UNS_OK;
}

static uns_status try_rules(uns_context *context, const uns_spec_facts *f,
                            const uns_spec_rule *rules, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rules[i].broken(f))
            return uns_fail(context, rules[i].status, "%s", rules[i].message);
    return UNS_OK;
}

uns_status uns_spec_check(uns_context *context, const uns_spec *spec) {
    uns_spec_facts f = {.spec = spec};
    size_t count;
    const uns_spec_rule *of_structure = uns_spec_structure_rules(&count);
    UNS_TRY(check_rows(context, spec));
    UNS_TRY(look_up(context, &f));
    UNS_TRY(check_beta_rule(context, spec));
    UNS_TRY(try_rules(context, &f, of_structure, count));
    UNS_TRY(try_rules(context, &f, slot_rules, UNS_COUNT_OF(slot_rules)));
    return f.moment->check ? f.moment->check(context, spec) : UNS_OK;
}

/* SPDX-License-Identifier: MIT
 * The parameter table of uns_spec: key, range, default and meaning of every slot's fields, and
 * the two values that are read off a whole spec: β in force and the burn-in in force.
 *
 * Not the rules about which values go together (spec_check.c), nor the named methods
 * (preset.c).
 *
 * Source of the β rule: Staib, Reddi, Kale, Kumar, Sra 2019, "Escaping Saddle Points with
 * Adaptive Gradient Methods".
 */
#include <unsaddle/spec.h>

#include "base/base.h"

#include <math.h>
#include <unsaddle/elementary.h>
#include <unsaddle/moment.h>
#include <unsaddle/structure.h>

#define AT(field) offsetof(uns_spec, field)

/* Rows by type. */
#define REAL(key, alias, field, low, high, open, fallback, unit, meaning)                      \
    { key, alias, UNS_PARAM_REAL, AT(field), low, high, open, NULL, fallback, unit, meaning }
#define LIMIT(key, alias, field, meaning)                                                      \
    {                                                                                          \
        key, alias, UNS_PARAM_REAL, AT(field), 0, INFINITY, UNS_OPEN_LOW, off, "off", "",      \
            meaning                                                                            \
    }
#define COUNT(key, alias, field, low, names, fallback, unit, meaning)                          \
    {                                                                                          \
        key, alias, UNS_PARAM_COUNT, AT(field), low, 9007199254740992.0, 0, names, fallback,   \
            unit, meaning                                                                      \
    }
#define FLAG(key, alias, field, fallback, meaning)                                             \
    { key, alias, UNS_PARAM_FLAG, AT(field), 0, 0, 0, NULL, fallback, "", meaning }
#define CHOICE(key, alias, field, names, fallback, meaning)                                    \
    { key, alias, UNS_PARAM_CHOICE, AT(field), 0, 0, 0, names, fallback, "", meaning }
#define NAME(key, alias, field, fallback, meaning)                                             \
    { key, alias, UNS_PARAM_NAME, AT(field), 0, 0, 0, NULL, fallback, "", meaning }

static const uns_named off[] = {{"off", INFINITY}, {NULL, 0}};
static const uns_named automatic[] = {{"auto", UNS_BURN_IN_AUTO}, {NULL, 0}};
static const uns_named places[] = {
    {"first", UNS_PLACE_FIRST}, {"last", UNS_PLACE_LAST}, {NULL, 0}};
static const uns_named nonfinites[] = {{"stop", UNS_NONFINITE_STOP},
                                       {"skip", UNS_NONFINITE_SKIP},
                                       {"ignore", UNS_NONFINITE_IGNORE},
                                       {NULL, 0}};
static const uns_named decays[] = {{"l2", UNS_DECAY_L2},
                                   {"decoupled", UNS_DECAY_DECOUPLED},
                                   {"scaled", UNS_DECAY_SCALED},
                                   {NULL, 0}};
static const uns_named momenta[] = {
    {"none", UNS_MOMENTUM_NONE},         {"heavy", UNS_MOMENTUM_HEAVY},
    {"nesterov", UNS_MOMENTUM_NESTEROV}, {"ema", UNS_MOMENTUM_EMA},
    {"nadam", UNS_MOMENTUM_NADAM},       {"lion", UNS_MOMENTUM_LION},
    {"dozat", UNS_MOMENTUM_DOZAT},       {NULL, 0}};
static const uns_named signals[] = {{"gradient", UNS_SIGNAL_GRADIENT},
                                    {"deviation", UNS_SIGNAL_DEVIATION},
                                    {"direction", UNS_SIGNAL_DIRECTION},
                                    {NULL, 0}};
static const uns_named rules[] = {
    {"fixed", UNS_BETA_FIXED}, {"eta^2/3", UNS_BETA_ETA_TWO_THIRDS}, {NULL, 0}};
static const uns_named abouts[] = {{"second-moment", UNS_ABOUT_SECOND_MOMENT},
                                   {"covariance", UNS_ABOUT_COVARIANCE},
                                   {"frozen", UNS_ABOUT_FROZEN},
                                   {NULL, 0}};
static const uns_named ceilings[] = {{"none", UNS_CEILING_NONE},
                                     {"raw", UNS_CEILING_RAW},
                                     {"corrected", UNS_CEILING_CORRECTED},
                                     {NULL, 0}};
static const uns_named epsilon_forms[] = {{"inside", UNS_EPSILON_INSIDE},
                                          {"outside", UNS_EPSILON_OUTSIDE},
                                          {"uncorrected", UNS_EPSILON_UNCORRECTED},
                                          {NULL, 0}};
static const uns_named adaptive[] = {{"adaptive", UNS_REFRESH_ADAPTIVE}, {NULL, 0}};
static const uns_named layer[] = {{"layer", 0}, {NULL, 0}};
static const uns_named overs[] = {{"cut", UNS_OVER_CUT},
                                  {"diagonal", UNS_OVER_DIAGONAL},
                                  {"leave", UNS_OVER_LEAVE},
                                  {NULL, 0}};
static const uns_named sides[] = {{"both", UNS_SIDE_BOTH},
                                  {"left", UNS_SIDE_LEFT},
                                  {"right", UNS_SIDE_RIGHT},
                                  {"smaller", UNS_SIDE_SMALLER},
                                  {NULL, 0}};
static const uns_named bases[] = {{"eigen", UNS_BASIS_EIGEN}, {"qr", UNS_BASIS_QR}, {NULL, 0}};
static const uns_named root_ways[] = {
    {"exact", UNS_ROOT_EXACT}, {"quintic", UNS_ROOT_QUINTIC}, {NULL, 0}};
static const uns_named complements[] = {{"mean", UNS_COMPLEMENT_MEAN},
                                        {"robust", UNS_COMPLEMENT_ROBUST},
                                        {"none", UNS_COMPLEMENT_NONE},
                                        {NULL, 0}};
static const uns_named scales[] = {{"none", UNS_SCALE_NONE},
                                   {"trust", UNS_SCALE_TRUST},
                                   {"trust_sum", UNS_SCALE_TRUST_SUM},
                                   {"adadelta", UNS_SCALE_ADADELTA},
                                   {"graft", UNS_SCALE_GRAFT},
                                   {"rms_clip", UNS_SCALE_RMS_CLIP},
                                   {"shape", UNS_SCALE_SHAPE},
                                   {"shape_rms", UNS_SCALE_SHAPE_RMS},
                                   {NULL, 0}};
static const uns_named states[] = {{"auto", UNS_STATE_AUTO},
                                   {"f32", UNS_STATE_F32},
                                   {"bf16", UNS_STATE_BF16},
                                   {"q8", UNS_STATE_Q8},
                                   {NULL, 0}};
static const uns_named roundings[] = {
    {"master", UNS_ROUNDING_MASTER}, {"random", UNS_ROUNDING_RANDOM}, {NULL, 0}};
static const uns_named schedules[] = {{"constant", UNS_SCHEDULE_CONSTANT},
                                      {"cosine", UNS_SCHEDULE_COSINE},
                                      {"step", UNS_SCHEDULE_STEP},
                                      {"exponential", UNS_SCHEDULE_EXPONENTIAL},
                                      {"inverse_sqrt", UNS_SCHEDULE_INVERSE_SQRT},
                                      {"inverse_time", UNS_SCHEDULE_INVERSE_TIME},
                                      {"polynomial", UNS_SCHEDULE_POLYNOMIAL},
                                      {NULL, 0}};

static const uns_param rows[] = {
    REAL("eta", "lr", eta, 0, INFINITY, UNS_OPEN_HIGH, "1e-3", "",
         "base step size, before the schedule"),

    LIMIT("clip.norm", "clip_norm", clip_norm,
          "the norm of the group's gradient is cut to this"),
    LIMIT("clip.value", "clip_value", clip_value,
          "every entry of the gradient is cut to this size"),
    CHOICE("nonfinite", NULL, nonfinite, nonfinites, "stop",
           "what a gradient that is not finite does: stop that replica, skip the step, or "
           "nothing (ignore: no check)"),
    REAL("weight_decay", "lambda", decay, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "weight decay lambda"),
    CHOICE("decay", "weight_decay.form", decay_form, decays, "l2",
           "where weight decay acts: on the gradient, at the move, or before the scale"),

    CHOICE("momentum", "momentum.name", momentum, momenta, "none", "form of momentum"),
    CHOICE("momentum.at", NULL, momentum_at, places, "first",
           "momentum of the gradient (first) or of the preconditioned direction (last)"),
    REAL("mu", "beta1", mu, 0, 1, UNS_OPEN_HIGH, "0", "",
         "memory of the momentum; Adam's beta1"),
    REAL("mu.memory", "mu_memory", mu_memory, 0, 1, UNS_OPEN_HIGH, "0", "",
         "memory of m when it differs from the weight in u: Lion's beta2"),
    REAL("dampening", NULL, dampening, 0, 1, UNS_OPEN_HIGH, "0", "",
         "the gradient enters heavy momentum with weight 1 - dampening, but for the first"),
    FLAG("mu.correction", "mu_correction", mu_correction, "false",
         "divide ema momentum by 1 - mu^t"),
    REAL("mu.psi", "momentum_decay", nadam_psi, 0, INFINITY, UNS_OPEN_HIGH, "4e-3", "",
         "speed at which Nadam's mu_t grows to mu"),

    CHOICE("signal", NULL, signal, signals, "gradient", "what enters the second moment"),
    NAME("moment", NULL, moment, "ema", "how the second moment is accumulated"),
    REAL("beta", "beta2", beta, 0, 1, 0, "0.999", "",
         "memory of the second moment; of its signals in the moment window, where it may be 1"),
    CHOICE("beta.rule", "beta_rule", beta_rule, rules, "fixed",
           "beta as given, or 1 - C*eta^(2/3)"),
    REAL("beta.C", "beta.c", beta_c, 0, INFINITY, UNS_OPEN_LOW | UNS_OPEN_HIGH, "1", "",
         "C of the rule eta^2/3"),
    REAL("beta.power", "beta_power", beta_power, 0, 1, UNS_OPEN_LOW, "0.8", "",
         "c of the memory 1 - t^-c of the moment power"),
    FLAG("bias_correction", NULL, bias_correction, "false",
         "divide the second moment by 1 - beta^t"),
    REAL("initial", "initial_accumulator_value", initial, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "second moment before the first gradient, as a multiple of I"),
    REAL("increment", NULL, increment, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "added to the second moment at every observation; to |s| in the moment max, to s^2 "
         "in the moment power"),
    FLAG("rectify", NULL, rectify, "false",
         "RAdam's rectification of the second moment's variance"),
    REAL("rectify.above", "rectify_above", rectify_above, 4, INFINITY, UNS_OPEN_HIGH, "5", "",
         "precondition once RAdam's rho_t exceeds this; published 4, torch 5"),
    FLAG("centred", "centered", centred, "false",
         "take the square of the averaged signal out of the second moment"),
    CHOICE("about", NULL, about, abouts, "second-moment",
           "what the moment exact is: E[gg'], the covariance, or the covariance at the start"),
    CHOICE("ceiling", NULL, ceiling, ceilings, "none",
           "AMSGrad's running maximum, of the raw or of the bias-corrected moment"),

    NAME("structure", "structure.name", structure, "identity",
         "which part of the second moment is kept"),
    COUNT("structure.block", "structure_block", structure_block, 1, layer, "layer",
          "parameters",
          "structure block: size of a piece of consecutive parameters of a layer"),
    COUNT("structure.cap", "structure_cap", structure_cap, 1, NULL, "256", "parameters",
          "structure block: a layer above this is no single piece; kron: a side above this"),
    CHOICE("structure.over", "structure_over", structure_over, overs, "cut",
           "what is above the cap is cut evenly or diagonal; kron: or that side is left out"),
    COUNT("structure.rank", "structure_rank", structure_rank, 1, NULL, "32", "columns",
          "structure lowrank: signals and eigenvectors kept together; halved when it is full"),
    CHOICE("structure.complement", "structure_complement", structure_complement, complements,
           "mean", "structure lowrank: what the directions left out get"),
    COUNT("structure.window", "structure_window", structure_window, 1, NULL, "100", "signals",
          "moment window: how many signals make up the second moment"),
    COUNT("refresh", "refresh.every", refresh, 1, adaptive, "adaptive", "observations",
          "how often a dense root is taken; adaptive: when it has drifted"),
    REAL("refresh.tolerance", "refresh_tolerance", refresh_tolerance, 0, INFINITY,
         UNS_OPEN_LOW | UNS_OPEN_HIGH, "1", "",
         "adaptive: drift that is let pass, in estimation errors of the second moment"),
    COUNT("refresh.lag", "refresh_lag", refresh_lag, 0, NULL, "0", "observations",
          "a root taken at t is in force from t + lag on, computed meanwhile by a free thread"),
    CHOICE(
        "structure.side", "structure_side", structure_side, sides, "both",
        "structure kron: factors for rows (left), columns (right), both, or the smaller side"),
    COUNT("structure.every", "structure_every", structure_every, 1, NULL, "1", "observations",
          "structure kron: every so-many-th signal enters the factors, for all between"),
    CHOICE(
        "basis", NULL, basis, bases, "eigen",
        "structure kron-eigen: how the basis is renewed: eigenvectors, or a power step and QR"),
    CHOICE(
        "root", "root.by", root, root_ways, "exact",
        "the root itself, or Muon's five-step quintic for the polar factor of the direction"),
    REAL("exponent", "p", exponent, 0, 2, 0, "0.5", "",
         "the preconditioner is the second moment to the power -p"),
    REAL("epsilon", "eps", epsilon, 0, INFINITY, UNS_OPEN_HIGH, "1e-8", "",
         "regularizer of the root"),
    CHOICE("epsilon.form", "epsilon_form", epsilon_form, epsilon_forms, "outside",
           "epsilon inside the power, outside it, or outside and before the bias correction"),
    REAL("damping", "root.damping", damping, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "of structures with matrices: added to the second moment's eigenvalues, in units of "
         "the largest"),

    CHOICE("scale", NULL, scale, scales, "none", "rescaling of the direction"),
    REAL("trust", "trust_coefficient", trust, 0, INFINITY, UNS_OPEN_LOW | UNS_OPEN_HIGH, "1",
         "", "trust ratio in units of |x|/|d|"),
    REAL("trust.epsilon", "trust_epsilon", trust_epsilon, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "added to the denominator of the trust ratio"),
    REAL("graft.epsilon", "graft_epsilon", graft_epsilon, 0, INFINITY, UNS_OPEN_HIGH, "1e-8",
         "", "regularizer of the diagonal direction whose length is grafted"),
    REAL("rms.threshold", "clip_threshold", rms_threshold, 0, INFINITY,
         UNS_OPEN_LOW | UNS_OPEN_HIGH, "1", "",
         "rms_clip: root mean square above which a block's direction is cut"),
    REAL("rms.relative", "rms_relative", rms_relative, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "rms_clip: steps in units of the block's own root mean square, at least this; 0: off"),

    CHOICE("schedule", "schedule.name", schedule, schedules, "constant",
           "how the step size changes from move to move"),
    COUNT("warmup", NULL, warmup, 0, NULL, "0", "moves",
          "the step size grows linearly over so many moves"),
    COUNT("schedule.steps", "schedule_steps", schedule_steps, 0, NULL, "0", "moves",
          "length of the schedules cosine and polynomial"),
    COUNT("schedule.every", "schedule_every", schedule_every, 0, NULL, "0", "moves",
          "length of one stage of the schedule step; inverse_sqrt is constant so long"),
    REAL("schedule.factor", "schedule_factor", schedule_factor, 0, INFINITY, UNS_OPEN_HIGH, "0",
         "", "factor of step (a stage) and exponential (a move), rate of inverse_time"),
    REAL("schedule.power", "schedule_power", schedule_power, 0, INFINITY,
         UNS_OPEN_LOW | UNS_OPEN_HIGH, "1", "", "power of the schedule polynomial"),
    REAL("schedule.floor", "schedule_floor", schedule_floor, 0, 1, 0, "0", "",
         "fraction of eta that cosine and polynomial end at"),
    REAL("larger_step.size", "larger_step", larger_step, 0, INFINITY, UNS_OPEN_HIGH, "0", "",
         "step size r of the occasional larger step"),
    COUNT("larger_step.every", "larger_step_every", larger_step_every, 0, NULL, "0", "moves",
          "a larger step is taken every so many moves; 0: never"),
    COUNT("burn_in", NULL, burn_in, 0, automatic, "0", "gradients",
          "gradients observed before the first move; auto: 5/(1 - beta), or the window"),
    CHOICE("state", NULL, state, states, "auto",
           "what C, m and the like are kept in; auto: as wide as the step works"),
    CHOICE("rounding", NULL, rounding, roundings, "master",
           "bf16 parameters: with the 16 bits below kept (master), or rounded at random"),
};

static const uns_param_table table = {
    .title = "an optimizer",
    .config_size = sizeof(uns_spec),
    .count = UNS_COUNT_OF(rows),
    .rows = rows,
};

const uns_param_table *uns_spec_table(void) {
    return &table;
}

uns_status uns_spec_preset(uns_context *context, const char *preset, uns_spec *spec) {
    const void *entry = NULL;
    uns_spec filled;
    UNS_TRY(uns_context_find(context, UNS_KIND_PRESET, preset, &entry));
    UNS_TRY(uns_param_defaults(context, &table, &filled));
    uns_status status =
        uns_param_assign(context, &table, &filled, ((const uns_preset *)entry)->values);
    if (status != UNS_OK)
        return uns_fail_at(context, status, "preset '%s'", preset);
    *spec = filled;
    return UNS_OK;
}

double uns_spec_beta(const uns_spec *spec) {
    if (spec->beta_rule == UNS_BETA_ETA_TWO_THIRDS)
        return 1.0 - spec->beta_c * uns_pow(spec->eta, 2.0 / 3.0);
    return spec->beta;
}

/* A moment has memory β when its coefficients depend on β; so plug-ins need not say. */
static bool has_memory(const uns_moment_ops *moment, const uns_spec *spec) {
    uns_spec probe = *spec;
    uns_coeffs shorter, longer;
    probe.beta_rule = UNS_BETA_FIXED;
    probe.beta = 0.25;
    moment->coeffs(&probe, 1000, &shorter);
    probe.beta = 0.75;
    moment->coeffs(&probe, 1000, &longer);
    return shorter.a != longer.a || shorter.b != longer.b;
}

static bool keeps_moment(const uns_structure_ops *structure, const uns_spec *spec) {
    const uns_block one = {.rows = 1, .cols = 1};
    return !structure->elementwise || structure->elements(spec, &one) > 0;
}

int64_t uns_spec_burn_in(uns_context *context, const uns_spec *spec) {
    const void *moment = NULL, *structure = NULL;
    if (spec->burn_in != UNS_BURN_IN_AUTO)
        return spec->burn_in;
    if (uns_context_find(context, UNS_KIND_MOMENT, spec->moment, &moment) != UNS_OK ||
        uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &structure) != UNS_OK)
        return 0;
    if (!keeps_moment(structure, spec) || !has_memory(moment, spec))
        return 0;
    if (((const uns_moment_ops *)moment)->windowed)
        return spec->structure_window;
    double observations = 5.0 / (1.0 - uns_spec_beta(spec));
    return (int64_t)ceil(observations * (1.0 - 1e-12));
}

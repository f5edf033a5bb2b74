/* SPDX-License-Identifier: MIT
 * Who is compared: the optimizer in use, and the same with every structure that is registered
 * and fits in memory, exponent by exponent, about 0 or about the mean.
 */
#include "inst/measure.h"

#include "base/base.h"
#include "inst/metric.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unsaddle/structure.h>

/* The plan's momentum, schedule and step on another preconditioner. */
static void carry_over(const uns_spec *from, bool preconditioned, uns_spec *to) {
    to->eta = from->eta;
    to->nonfinite = from->nonfinite;
    if (from->momentum != UNS_MOMENTUM_LION) {
        to->momentum = from->momentum;
        to->momentum_at = preconditioned ? from->momentum_at : to->momentum_at;
        to->mu = from->mu;
        to->dampening = from->dampening;
        to->mu_correction = from->mu_correction;
        to->nadam_psi = from->nadam_psi;
    }
    to->schedule = from->schedule;
    to->warmup = from->warmup;
    to->schedule_steps = from->schedule_steps;
    to->schedule_every = from->schedule_every;
    to->schedule_factor = from->schedule_factor;
    to->schedule_power = from->schedule_power;
    to->schedule_floor = from->schedule_floor;
    to->larger_step = from->larger_step;
    to->larger_step_every = from->larger_step_every;
}

/* What candidates are made from: the plan's own moment where that is a moving average, else
 * RMSProp as the paper has it. */
static uns_status base_of(uns_scene *scene, bool identity, uns_spec *base) {
    const uns_spec *own = scene->site->spec;
    bool average = strcmp(own->moment, "ema") == 0 && strcmp(own->structure, "identity") != 0;
    UNS_TRY(uns_spec_preset(scene->context, identity ? "sgd" : "rmsprop-full", base));
    carry_over(own, average, base);
    if (identity || !average)
        return UNS_OK;
    base->beta = own->beta;
    base->beta_rule = own->beta_rule;
    base->beta_c = own->beta_c;
    base->bias_correction = own->bias_correction;
    base->burn_in = own->burn_in;
    base->epsilon = own->epsilon;
    base->epsilon_form =
        own->epsilon_form == UNS_EPSILON_UNCORRECTED ? UNS_EPSILON_OUTSIDE : own->epsilon_form;
    return UNS_OK;
}

uns_spec uns_candidate_settling(uns_context *context, const uns_spec *spec, size_t draws) {
    uns_spec settling = *spec;
    const void *structure = NULL;
    if (strcmp(spec->structure, "identity") == 0)
        return settling;
    snprintf(settling.moment, sizeof settling.moment, "mean");
    settling.beta = 0.0;
    settling.beta_rule = UNS_BETA_FIXED;
    settling.beta_c = 1.0;
    settling.bias_correction = false;
    if (uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &structure) == UNS_OK &&
        ((const uns_structure_ops *)structure)->refreshes)
        settling.refresh = (int64_t)draws; /* a root at the first and at the last observation */
    return settling;
}

static bool same_method(const uns_spec *a, const uns_spec *b) {
    return strcmp(a->structure, b->structure) == 0 && strcmp(a->moment, b->moment) == 0 &&
           (strcmp(a->structure, "identity") == 0 ||
            (a->exponent == b->exponent && a->centred == b->centred));
}

static uns_status survey(uns_scene *scene, uns_measured_metric *m,
                         uns_structure_report *report) {
    uns_oracle_of oracle = {scene->site->problem, scene->site->batch, scene->scratch};
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = scene->layout,
                                   .count = 1,
                                   .specs = &m->spec,
                                   .oracle = uns_oracle_make(&oracle)};
    UNS_TRY(uns_optimizer_bytes(scene->context, &config, &m->bytes));
    UNS_TRY(uns_optimizer_survey(scene->context, &config, 0, report));
    m->matrix = report->largest;
    return UNS_OK;
}

/* Whether it can be made and is not another one under a second name. */
static uns_status accept(uns_scene *scene, uns_measured_metric *m, bool *accepted) {
    uns_structure_report report = {0};
    int64_t limit = scene->config->memory;
    uns_status status = uns_spec_check(scene->context, &m->spec);
    if (status == UNS_OK)
        status = survey(scene, m, &report);
    if (status != UNS_OK) {
        snprintf(m->reason, sizeof m->reason, "%s", uns_context_message(scene->context));
        *accepted = status == UNS_ERROR_UNAVAILABLE || status == UNS_ERROR_RANGE;
        return status == UNS_ERROR_MEMORY ? status : UNS_OK;
    }
    *accepted = report.dense != 1 || report.largest != scene->d ||
                strcmp(m->spec.structure, "full") == 0;
    if (limit > 0 && m->bytes > (size_t)limit)
        snprintf(m->reason, sizeof m->reason, "takes %zu MiB; memory=%zu MiB", m->bytes >> 20,
                 (size_t)limit >> 20);
    return UNS_OK;
}

static void name_it(uns_measured_metric *m) {
    if (strcmp(m->spec.structure, "identity") == 0)
        snprintf(m->name, sizeof m->name, "identity");
    else if (strcmp(m->spec.structure, "kron") == 0)
        snprintf(m->name, sizeof m->name, "kron p=2x%g%s", m->spec.exponent,
                 m->spec.centred ? " centred" : "");
    else
        snprintf(m->name, sizeof m->name, "%s p=%g%s", m->spec.structure, m->spec.exponent,
                 m->spec.centred ? " centred" : "");
}

static uns_status add(uns_scene *scene, const uns_spec *spec, uns_measured_metric *metrics,
                      size_t *count) {
    uns_measured_metric *m = &metrics[*count];
    bool accepted = false;
    if (*count == UNS_MEASURE_CANDIDATES || same_method(spec, &metrics[0].spec))
        return UNS_OK;
    *m = (uns_measured_metric){.spec = *spec};
    name_it(m);
    uns_status status = accept(scene, m, &accepted);
    *count += accepted;
    return status;
}

double uns_structure_factors(const char *structure) {
    return strcmp(structure, "kron") == 0 ? 2.0 : 1.0;
}

/* Every exponent, about 0 and about the mean. */
static uns_status add_structure(uns_scene *scene, const uns_spec *base, const char *structure,
                                uns_measured_metric *metrics, size_t *count) {
    const uns_measure_config *config = scene->config;
    uns_spec spec = *base;
    snprintf(spec.structure, sizeof spec.structure, "%s", structure);
    for (size_t i = 0; i < config->exponents.count; i++)
        for (int centred = 0; centred < 2; centred++) {
            spec.exponent = config->exponents.value[i] / uns_structure_factors(structure);
            spec.centred = centred == 1;
            if (centred ? config->centred : config->uncentred)
                UNS_TRY(add(scene, &spec, metrics, count));
        }
    return UNS_OK;
}

/* One that keeps A's place in the step and lets it be looked at. */
static bool comparable(const uns_structure_ops *ops) {
    return strcmp(ops->name, "identity") != 0 && strcmp(ops->name, "scalar") != 0 &&
           (ops->elementwise || ops->product);
}

/* Whether the list "a,b,c" has the name. */
static bool listed(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return strcmp(list, "all") == 0;
}

uns_status uns_candidates_check(uns_context *context, const char *list) {
    const void *found;
    char name[UNS_NAME_SIZE];
    if (strcmp(list, "all") == 0)
        return UNS_OK;
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
        UNS_TRY(uns_context_find(context, UNS_KIND_STRUCTURE, name, &found));
    }
    return UNS_OK;
}

uns_status uns_candidates_list(uns_scene *scene, uns_measured_metric *metrics, size_t *count) {
    size_t kinds = uns_context_count(scene->context, UNS_KIND_STRUCTURE);
    uns_structure_report report;
    uns_spec plain, base;
    metrics[0] = (uns_measured_metric){.spec = *scene->site->spec, .today = true};
    name_it(&metrics[0]);
    *count = 1;
    UNS_TRY(survey(scene, &metrics[0], &report));
    UNS_TRY(base_of(scene, true, &plain));
    UNS_TRY(base_of(scene, false, &base));
    UNS_TRY(add(scene, &plain, metrics, count));
    for (size_t k = 0; k < kinds; k++) {
        const uns_structure_ops *ops = uns_context_entry(scene->context, UNS_KIND_STRUCTURE, k);
        if (comparable(ops) && listed(scene->config->structures, ops->name))
            UNS_TRY(add_structure(scene, &base, ops->name, metrics, count));
    }
    return UNS_OK;
}

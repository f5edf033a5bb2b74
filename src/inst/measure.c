/* SPDX-License-Identifier: MIT
 * The measurement, in the order of its report: gradient, curvature, verdict, then one metric
 * after the other.
 */
#include "inst/measure.h"

#include "base/base.h"
#include "inst/certify.h"
#include "inst/hessian.h"

#include <math.h>
#include <string.h>

#define AT(field) offsetof(uns_measure_config, field)
#define REAL(key, field, low, high, open, names, fallback, unit, meaning)                      \
    { key, NULL, UNS_PARAM_REAL, AT(field), low, high, open, names, fallback, unit, meaning }
#define COUNT(key, field, low, high, names, fallback, unit, meaning)                           \
    { key, NULL, UNS_PARAM_COUNT, AT(field), low, high, 0, names, fallback, unit, meaning }
#define FLAG(key, field, fallback, meaning)                                                    \
    { key, NULL, UNS_PARAM_FLAG, AT(field), 0, 0, 0, NULL, fallback, "", meaning }

static const uns_named automatic[] = {{"auto", 0}, {NULL, 0}};
static const uns_named whole[] = {{"whole", 0}, {NULL, 0}};
static const uns_named uses[] = {{"auto", UNS_MODEL_AUTO},
                                 {"never", UNS_MODEL_NEVER},
                                 {"always", UNS_MODEL_ALWAYS},
                                 {NULL, 0}};
static const double many = 9007199254740992.0;

static const uns_param rows[] = {
    COUNT("draws", draws, UNS_NOISE_DRAWS, 1e9, NULL, "2048", "gradients",
          "drawn for the noise, and as many again for each candidate's A"),
    COUNT("pairs", pairs, 1, UNS_MEASURE_PAIRS, NULL, "8", "",
          "largest eigenpairs of the noise covariance"),
    COUNT("ends", ends, 1, UNS_MEASURE_ENDS, NULL, "3", "",
          "eigenpairs at each end of a spectrum"),
    COUNT("products", products, 32, 1e9, NULL, "240", "products",
          "Hessian-vector products for each spectrum, at most"),
    COUNT("probes", probes, 0, 1e6, NULL, "8", "",
          "Lanczos runs of the density; 0: no density"),
    COUNT("probe.steps", probe_steps, 1, 1e4, NULL, "32", "products",
          "length of each of these runs"),
    COUNT("settle", settle, 0, 1e9, automatic, "auto", "gradients",
          "observed by the optimizer in use before A is looked at; auto: what it remembers"),
    {"structures", NULL, UNS_PARAM_TEXT, AT(structures), 0, 0, 0, NULL, "all", "",
     "of the candidates, with commas between; all: every one that can be looked at"},
    {"exponents", NULL, UNS_PARAM_REALS, AT(exponents), 0, 4, UNS_OPEN_LOW, NULL, "0.5", "",
     "exponents p of the candidates"},
    FLAG("uncentred", uncentred, "true", "candidates by the second moment G"),
    FLAG("centred", centred, "true", "candidates by the covariance"),
    COUNT("memory", memory, 0, many, NULL, "268435456", "bytes",
          "most that a candidate's optimizer may take; 0: no limit"),
    REAL("drop", drop, 0, INFINITY, UNS_OPEN_HIGH, automatic, "auto", "",
         "fall of f from here that counts as escaped; auto: to the problem's own mark"),
    COUNT("limit", limit, 0, many, automatic, "auto", "steps",
          "looked ahead, at most; auto: ten times the plan's"),
    {"model", NULL, UNS_PARAM_CHOICE, AT(model), 0, 0, 0, uses, "auto", "",
     "the local model; auto: where formulas fail, for what costs seconds"},
    REAL("work", work, 1, INFINITY, UNS_OPEN_HIGH, NULL, "3e7", "",
         "elements times steps that each forecast by replicas may take"),
    COUNT("seed", seed, 0, many, NULL, "1", "", "seed of all draws"),
    REAL("tau_g", tau_g, 0, INFINITY, 0, NULL, "1e-3", "",
         "largest gradient norm of a stationary point"),
    REAL("tau_h", tau_h, 0, INFINITY, UNS_OPEN_LOW | UNS_OPEN_HIGH, NULL, "1e-2", "",
         "largest negative curvature of a second-order stationary point"),
    REAL("delta", delta, 0, 0.5, UNS_OPEN_LOW, NULL, "1e-3", "",
         "probability, at most, of calling a saddle stationary"),
    COUNT("samples", samples, 0, 4294967296.0, whole, "whole", "samples",
          "of a fixed set that stands for the objective in the verdict"),
    COUNT("path", path, 0, many, automatic, "auto", "steps",
          "of the run that --assumptions walks again; auto: those of the plan"),
    {"rung", NULL, UNS_PARAM_CHOICE, AT(rung), 0, 0, 0, uns_rung_wishes, "auto", "",
     "where products come from; auto: the best that the problem offers"},
};

static const uns_param_table table = {"the measurement", sizeof(uns_measure_config),
                                      UNS_COUNT_OF(rows), rows};

const uns_param_table *uns_measure_table(void) {
    return &table;
}

static uns_status check(uns_context *context, const uns_measure_site *site,
                        const uns_measure_config *config) {
    if (!site->problem || !site->x.data || !site->spec || site->batch == 0)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "a measurement needs a problem, a point, a spec and a batch");
    for (size_t i = 0; i < table.count; i++) {
        const char *field = (const char *)config + rows[i].offset;
        bool real = rows[i].type == UNS_PARAM_REAL;
        if (!real && rows[i].type != UNS_PARAM_COUNT)
            continue;
        double value = real ? *(const double *)field : (double)*(const int64_t *)field;
        if (!(value >= rows[i].low && value <= rows[i].high))
            return uns_fail(context, UNS_ERROR_RANGE,
                            "the measurement: %s is %g, which is not in %g to %g", rows[i].key,
                            value, rows[i].low, rows[i].high);
    }
    return UNS_OK;
}

static double length(size_t d, const double *v) {
    double sum = 0.0;
    for (size_t i = 0; i < d; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* What f must fall to: by what is asked for, by what the problem knows. */
static void choose_target(const uns_scene *s, uns_measurement *m) {
    uns_truth truth;
    uns_problem_truth(s->site->problem, &truth);
    if (s->config->drop > 0.0) {
        m->target_from = UNS_DROP_GIVEN;
        m->target = m->value - s->config->drop;
    } else if (truth.escape_value < m->value) {
        m->target_from = UNS_DROP_PROBLEM;
        m->target = truth.escape_value;
    } else if (truth.minimum < m->value) {
        m->target_from = UNS_DROP_MINIMUM;
        m->target = 0.5 * (m->value + truth.minimum);
    } else {
        m->target_from = truth.minimum >= m->value ? UNS_DROP_NONE : UNS_DROP_TENTH;
        m->target = m->value - (m->value == 0.0 ? 0.1 : 0.1 * fabs(m->value));
    }
}

static uns_status find_value(uns_scene *s, uns_measurement *m) {
    UNS_TRY(uns_scene_value(s, s->x, &m->value));
    m->gradient = length(s->d, s->gradient);
    if (!isfinite(m->gradient) || !isfinite(m->value))
        return uns_fail(s->context, UNS_ERROR_CALLBACK,
                        "f or its gradient at the point is not finite");
    choose_target(s, m);
    return UNS_OK;
}

/* All of a small spectrum, both ends of a large one. */
static uns_status find_spectrum(uns_scene *s, uns_measurement *m, double *values,
                                double *residuals, double *vectors) {
    size_t d = s->d, ends = (size_t)s->config->ends;
    bool dense = d <= UNS_CURVATURE_DENSE && d <= (size_t)s->config->products;
    uns_curvature_plan plan = {
        sizeof plan, dense ? d : ends,         dense ? 0 : ends, (size_t)s->config->products,
        1e-6,        (uint64_t)s->config->seed};
    UNS_TRY(uns_curvature_find(s->context, &s->hessian.op, &plan, values, residuals, vectors,
                               &m->curvature));
    m->lowest = m->curvature.smallest < ends ? m->curvature.smallest : ends;
    m->highest = dense ? m->lowest : m->curvature.largest;
    for (size_t i = 0; i < m->lowest; i++) {
        m->low[i] = values[i];
        m->low_residual[i] = residuals[i];
    }
    for (size_t i = 0; i < m->highest; i++) {
        size_t from = dense ? d - 1 - i : ends + i;
        m->high[i] = values[from];
        m->high_residual[i] = residuals[from];
    }
    double rounding = 1e-12 * fmax(fabs(m->low[0]), fabs(m->high[0]));
    s->leads_down = m->low[0] < -rounding - m->curvature.error;
    memcpy(s->way, vectors, d * sizeof *vectors);
    if (!dense || s->config->probes == 0)
        return UNS_OK;
    return uns_density_of(s->context, d, values, &m->density);
}

static uns_status find_curvature(uns_scene *s, uns_measurement *m) {
    size_t d = s->d, room = d <= UNS_CURVATURE_DENSE ? d : 2 * UNS_MEASURE_ENDS;
    double *values = uns_allocate(s->context, 2 * room * sizeof *values);
    double *vectors = uns_allocate(s->context, uns_size_product(room * d, sizeof *vectors));
    uns_status status = values && vectors ? UNS_OK : UNS_ERROR_MEMORY;
    if (status == UNS_OK)
        status = find_spectrum(s, m, values, values + room, vectors);
    uns_release(s->context, values);
    uns_release(s->context, vectors);
    if (status != UNS_OK || m->density || s->config->probes == 0)
        return status;
    return uns_density_create(s->context, &s->hessian.op, (size_t)s->config->probes,
                              (size_t)s->config->probe_steps, (uint64_t)s->config->seed,
                              &m->density);
}

static uns_status certify(uns_scene *s, uns_measurement *m) {
    uns_certificate_config config;
    UNS_TRY(uns_param_defaults(s->context, uns_certificate_table(), &config));
    config.tau_g = s->config->tau_g;
    config.tau_h = s->config->tau_h;
    config.delta = s->config->delta;
    config.samples = s->config->samples;
    config.seed = s->config->seed;
    config.rung = s->config->rung;
    config.interrupt = s->config->interrupt;
    UNS_TRY(uns_certify_problem(s->context, s->site->problem, s->site->x, &config, m->witness,
                                &m->certificate));
    memcpy(m->witness, s->way, s->d * sizeof *m->witness);
    return UNS_OK;
}

static uns_status open_model(uns_scene *s) {
    const uns_block *blocks = NULL;
    const uns_problem_ops *ops = uns_problem_get_ops(s->site->problem);
    size_t count = ops->blocks(uns_problem_self(s->site->problem), &blocks);
    uns_model_config config = {.size = sizeof config,
                               .sampler = &s->sampler,
                               .x = s->x,
                               .count = count,
                               .blocks = blocks,
                               .seed = (uint64_t)s->config->seed};
    if (!s->leads_down || !s->sampler.product || s->config->model == UNS_MODEL_NEVER)
        return UNS_OK;
    return uns_model_create(s->context, &config, &s->model);
}

static uns_status measure(uns_scene *s, uns_measurement *m) {
    UNS_TRY(find_value(s, m));
    UNS_TRY(find_curvature(s, m));
    UNS_TRY(certify(s, m));
    UNS_TRY(open_model(s));
    UNS_TRY(uns_candidates_list(s, m->metric, &m->listed));
    for (size_t i = 0; i < m->listed; i++) {
        if (i > 0 && s->config->interrupt && *s->config->interrupt)
            break;
        UNS_TRY(uns_metric_look(s, m, &m->metric[i]));
        m->count = i + 1;
    }
    return UNS_OK;
}

static uns_status open_measurement(uns_context *context, const uns_measure_site *site,
                                   uns_measurement **out) {
    size_t d = uns_problem_dimension(site->problem);
    uns_measurement *m = uns_allocate(context, sizeof *m);
    if (!m)
        return UNS_ERROR_MEMORY;
    *m = (uns_measurement){.dimension = d, .batch = site->batch};
    m->witness = uns_allocate(context, uns_size_product(d, sizeof(double)));
    m->metric = uns_allocate(context, UNS_MEASURE_CANDIDATES * sizeof *m->metric);
    if (!m->witness || !m->metric) {
        uns_measurement_destroy(context, m);
        return UNS_ERROR_MEMORY;
    }
    *out = m;
    return UNS_OK;
}

uns_status uns_measure(uns_context *context, const uns_measure_site *site,
                       const uns_measure_config *config, uns_measurement **out) {
    uns_measure_config own;
    uns_measurement *m = NULL;
    uns_scene scene;
    if (!context || !site || !config || !out)
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "uns_measure: context, site, config or result is NULL");
    UNS_TRY(check(context, site, config));
    UNS_TRY(uns_candidates_check(context, config->structures));
    own = *config;
    int64_t d = (int64_t)uns_problem_dimension(site->problem);
    own.pairs = own.pairs < d ? own.pairs : d;
    own.ends = own.ends < (d + 1) / 2 ? own.ends : (d + 1) / 2;
    UNS_TRY(uns_scene_open(context, site, &own, &scene));
    uns_status status = open_measurement(context, site, &m);
    if (status == UNS_OK)
        status = measure(&scene, m);
    uns_scene_close(&scene);
    if (status != UNS_OK)
        uns_measurement_destroy(context, m);
    else
        *out = m;
    return status;
}

void uns_measurement_destroy(uns_context *context, uns_measurement *m) {
    if (!m)
        return;
    uns_density_destroy(m->density);
    uns_release(context, m->witness);
    uns_release(context, m->metric);
    uns_release(context, m);
}

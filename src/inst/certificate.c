/* SPDX-License-Identifier: MIT
 * The public face of the certificate: its parameters, its words and its checks. The work is
 * done in certify.c, for problems in certify_problem.c.
 */
#include "inst/certify.h"
#include "inst/hessian.h"

#include "base/base.h"
#include "la/lower_bound.h"
#include "la/sphere.h"

#include <math.h>

#define AT(field) offsetof(uns_certificate_config, field)
#define REAL(key, low, high, open, fallback, meaning)                                          \
    { #key, NULL, UNS_PARAM_REAL, AT(key), low, high, open, NULL, fallback, "", meaning }
#define COUNT(key, low, high, names, fallback, unit, meaning)                                  \
    { #key, NULL, UNS_PARAM_COUNT, AT(key), low, high, 0, names, fallback, unit, meaning }

static const uns_named automatic[] = {{"auto", 0}, {NULL, 0}};
static const uns_named whole[] = {{"whole", 0}, {NULL, 0}};

static const uns_param rows[] = {
    REAL(tau_g, 0, INFINITY, 0, "1e-3", "largest gradient norm of a stationary point"),
    REAL(tau_h, 0, INFINITY, UNS_OPEN_LOW | UNS_OPEN_HIGH, "1e-2",
         "largest negative curvature of a second-order stationary point"),
    REAL(delta, 0, 0.5, UNS_OPEN_LOW, "1e-3",
         "probability, at most, of calling a saddle stationary"),
    REAL(resolution, 0, 1, UNS_OPEN_LOW, "0.05",
         "distance of lambda_min from -tau_h, in units of tau_h, that the budget resolves"),
    REAL(spread, 0, INFINITY, UNS_OPEN_HIGH, "0",
         "largest less smallest eigenvalue, for the budget; 0: found by the run"),
    COUNT(products, 0, 9007199254740992.0, automatic, "auto", "products",
          "most Hessian-vector products for each start"),
    COUNT(starts, 1, 1000, NULL, "1", "", "independent starts, each with delta/starts"),
    COUNT(memory, 0, 9007199254740992.0, NULL, "1073741824", "bytes",
          "most memory of the basis; beyond it the three-term recurrence"),
    COUNT(samples, 0, 4294967296.0, whole, "whole", "samples",
          "size of the fixed sample set that stands for the objective"),
    COUNT(fresh, 0, 4294967296.0, automatic, "auto", "samples",
          "fresh samples of the mean test of a saddle; auto: as many as samples"),
    COUNT(seed, 0, 9007199254740992.0, NULL, "1", "", "seed of the starts and samples"),
    COUNT(occasion, 0, 1099511627776.0, NULL, "0", "",
          "number of the certificate within a run; each draws its own start"),
    {"rung", NULL, UNS_PARAM_CHOICE, AT(rung), 0, 0, 0, uns_rung_wishes, "auto", "",
     "where a problem's products come from; auto: the best that it offers"},
};

static const uns_param_table table = {"the certificate", sizeof(uns_certificate_config),
                                      UNS_COUNT_OF(rows), rows};

const uns_param_table *uns_certificate_table(void) {
    return &table;
}

#define UNS_LIST_TEXT(code, text) text,
static const char *const verdicts[] = {UNS_VERDICT_LIST(UNS_LIST_TEXT)};
static const char *const assurances[] = {UNS_ASSURANCE_LIST(UNS_LIST_TEXT)};
static const char *const rungs[] = {"exact", "complex step", "differences"};

const char *uns_verdict_text(uns_verdict verdict) {
    return (unsigned)verdict < UNS_VERDICT_COUNT ? verdicts[verdict] : "unknown verdict";
}

const char *uns_assurance_text(uns_assurance assurance) {
    return (unsigned)assurance < UNS_ASSURANCE_COUNT ? assurances[assurance]
                                                     : "unknown assurance";
}

const char *uns_rung_text(uns_rung rung) {
    return (unsigned)rung < UNS_RUNG_COUNT ? rungs[rung] : "unknown rung";
}

int64_t uns_certificate_budget(size_t d, double delta, double ratio) {
    int64_t k = uns_christoffel_budget(uns_sphere_quantile(d, delta), ratio);
    return (uint64_t)k < d ? k : (int64_t)d;
}

static bool inside(const uns_param *row, double value) {
    bool above = row->open & UNS_OPEN_LOW ? value > row->low : value >= row->low;
    bool below = row->open & UNS_OPEN_HIGH ? value < row->high : value <= row->high;
    return above && below;
}

uns_status uns_certify_check(uns_context *context, const uns_certificate_config *config,
                             double gradient) {
    if (config->rung < UNS_RUNG_BEST || config->rung >= UNS_RUNG_COUNT)
        return uns_fail(context, UNS_ERROR_RANGE, "the certificate: %d is no rung of products",
                        config->rung);
    for (size_t i = 0; i < table.count; i++) {
        if (rows[i].type == UNS_PARAM_CHOICE)
            continue;
        const char *field = (const char *)config + rows[i].offset;
        bool real = rows[i].type == UNS_PARAM_REAL;
        double value = real ? *(const double *)field : (double)*(const int64_t *)field;
        if (!inside(&rows[i], value))
            return uns_fail(context, UNS_ERROR_RANGE,
                            "the certificate: %s is %g, which is not in %g to %g", rows[i].key,
                            value, rows[i].low, rows[i].high);
    }
    if (!(gradient >= 0.0))
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "the certificate: the gradient's norm is %g", gradient);
    return UNS_OK;
}

uns_status uns_certify_operator(uns_context *context, const uns_operator *op, double gradient,
                                const uns_certificate_config *config, double *witness,
                                uns_certificate *out) {
    if (!context || !op || !config || !out || op->size != sizeof *op || op->dimension == 0 ||
        !op->product || !(op->error >= 0.0))
        return uns_fail(context, UNS_ERROR_ARGUMENT,
                        "uns_certify_operator: no context, config, result or valid operator");
    UNS_TRY(uns_certify_check(context, config, gradient));
    uns_certify_plan plan = {.context = context,
                             .op = op,
                             .config = config,
                             .gradient = gradient,
                             .gradient_low = gradient,
                             .gradient_high = gradient,
                             .coordinate = uns_sphere_quantile(
                                 op->dimension, config->delta / (double)config->starts)};
    return uns_certify_run(&plan, witness, out);
}

/* SPDX-License-Identifier: MIT
 * The measurement as JSON; docs/record.md has the keys. What is not defined is null.
 */
#include "measure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Commas between members: `first` is true before the first of an object or array. */
typedef struct writer {
    bool first;
} writer;

static void begin(writer *w, const char *key, char bracket) {
    printf("%s", w->first ? "" : ", ");
    if (key)
        printf("\"%s\": ", key);
    putchar(bracket);
    w->first = true;
}

static void end(writer *w, char bracket) {
    putchar(bracket);
    w->first = false;
}

static void put_key(writer *w, const char *key) {
    printf("%s", w->first ? "" : ", ");
    if (key)
        printf("\"%s\": ", key);
    w->first = false;
}

static void put_number(writer *w, const char *key, double value) {
    put_key(w, key);
    if (isfinite(value))
        printf("%.17g", value);
    else
        printf("null");
}

static void put_count(writer *w, const char *key, int64_t value) {
    put_key(w, key);
    printf("%" PRId64, value);
}

static void put_flag(writer *w, const char *key, bool value) {
    put_key(w, key);
    printf("%s", value ? "true" : "false");
}

static void put_text(writer *w, const char *key, const char *text) {
    put_key(w, key);
    putchar('"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            putchar('\\');
        if ((unsigned char)*c >= 0x20)
            putchar(*c);
        else
            printf("\\u%04x", (unsigned char)*c);
    }
    putchar('"');
}

static void put_measured(writer *w, const char *key, uns_measured value) {
    begin(w, key, '{');
    put_number(w, "value", value.value);
    put_number(w, "error", value.error);
    end(w, '}');
}

static void put_numbers(writer *w, const char *key, size_t count, const double *values) {
    begin(w, key, '[');
    for (size_t i = 0; i < count; i++)
        put_number(w, NULL, values[i]);
    end(w, ']');
}

static void put_noise(writer *w, const char *key, const uns_noise_report *r) {
    begin(w, key, '{');
    put_count(w, "draws", (int64_t)r->draws);
    put_measured(w, "gradient_square", r->gradient_square);
    put_measured(w, "second_trace", r->second_trace);
    put_measured(w, "trace", r->trace);
    put_measured(w, "scale", r->scale);
    put_measured(w, "norm", r->norm);
    put_measured(w, "dimension", r->dimension);
    put_measured(w, "rank", r->rank);
    put_measured(w, "condition", r->condition);
    put_measured(w, "top", r->top);
    put_number(w, "largest", r->largest);
    end(w, '}');
}

static void put_along(writer *w, const char *key, const uns_noise_along *along) {
    begin(w, key, '{');
    put_measured(w, "variance", along->variance);
    put_measured(w, "share", along->share);
    put_measured(w, "slope", along->slope);
    end(w, '}');
}

static void put_doubts(writer *w, const char *key, unsigned doubts) {
    begin(w, key, '[');
    for (size_t bit = 0; cli_doubt_text(bit); bit++)
        if (doubts >> bit & 1u)
            put_text(w, NULL, cli_doubt_text(bit));
    end(w, ']');
}

static void put_forecast(writer *w, const char *key, const uns_forecast *f, int64_t limit,
                         double eta) {
    static const char *const names[] = {"q05", "q25", "median", "q75", "q95"};
    begin(w, key, '{');
    put_number(w, "eta", eta);
    put_text(w, "method", uns_forecast_method_text(f->method));
    begin(w, "escape_steps", '{');
    for (size_t i = 0; i < UNS_FORECAST_QUANTILES; i++)
        put_number(w, names[i], f->escape[i]);
    end(w, '}');
    put_count(w, "limit", limit);
    put_number(w, "floor", f->floor);
    put_number(w, "delay", f->delay);
    put_doubts(w, "doubts", f->doubts);
    put_doubts(w, "open", f->open);
    end(w, '}');
}

static void put_metric(writer *w, const uns_measured_metric *m) {
    begin(w, NULL, '{');
    put_text(w, "name", m->name);
    put_flag(w, "in_use", m->today);
    put_text(w, "structure", m->spec.structure);
    put_number(w, "exponent", m->spec.exponent);
    put_flag(w, "centred", m->spec.centred);
    put_count(w, "bytes", (int64_t)m->bytes);
    put_flag(w, "known", m->known);
    if (m->reason[0])
        put_text(w, "reason", m->reason);
    if (m->known) {
        put_count(w, "observed", m->observed);
        put_number(w, "lambda_min", m->least);
        put_number(w, "norm", m->norm);
        put_measured(w, "trace", m->trace);
        put_measured(w, "estimate_error", m->estimate_error);
        put_noise(w, "step_noise", &m->step);
        put_along(w, "along_way", &m->way);
        begin(w, "curvature", '{');
        put_numbers(w, "smallest", m->lowest, m->low);
        put_numbers(w, "largest", m->highest, m->high);
        end(w, '}');
        put_number(w, "gamma", m->gamma);
        put_measured(w, "way_noise", m->way_noise);
        put_number(w, "distance", m->distance);
        put_number(w, "drop", m->drop);
        put_number(w, "merit", m->merit);
        put_number(w, "noise_growth", m->growth);
    }
    put_forecast(w, "today", &m->now, m->now_limit, m->spec.eta);
    put_forecast(w, "equal_floor", &m->equal, m->equal_limit, m->equal_eta);
    end(w, '}');
}

static void put_curvature(writer *w, const uns_measurement *a) {
    enum {
        GRID = 33
    };
    double low, high;
    begin(w, "curvature", '{');
    put_numbers(w, "smallest", a->lowest, a->low);
    put_numbers(w, "smallest_residual", a->lowest, a->low_residual);
    put_numbers(w, "largest", a->highest, a->high);
    put_numbers(w, "largest_residual", a->highest, a->high_residual);
    put_text(w, "rung", uns_rung_text(a->curvature.rung));
    put_number(w, "product_error", a->curvature.error);
    put_flag(w, "whole", a->curvature.whole);
    put_flag(w, "converged", a->curvature.converged);
    put_count(w, "products", (int64_t)a->curvature.products);
    if (a->density) {
        uns_density_range(a->density, &low, &high);
        put_measured(w, "mean", uns_density_moment(a->density, 1));
        put_measured(w, "mean_square", uns_density_moment(a->density, 2));
        put_measured(w, "share_negative", uns_density_below(a->density, 0.0));
        begin(w, "density", '[');
        for (int i = 0; i < GRID; i++) {
            double x = low + (high - low) * i / (GRID - 1);
            begin(w, NULL, '{');
            put_number(w, "x", x);
            put_measured(w, "below", uns_density_below(a->density, x));
            end(w, '}');
        }
        end(w, ']');
    }
    end(w, '}');
}

static void put_verdict(writer *w, const uns_certificate *c) {
    begin(w, "verdict", '{');
    put_text(w, "verdict", uns_verdict_text(c->verdict));
    put_text(w, "assurance", uns_assurance_text(c->assurance));
    put_number(w, "tau_g", c->tau_g);
    put_number(w, "tau_h", c->tau_h);
    put_number(w, "delta", c->delta);
    put_number(w, "gradient_low", c->gradient_low);
    put_number(w, "gradient_high", c->gradient_high);
    put_number(w, "lambda_low", c->low);
    put_number(w, "lambda_high", c->high);
    put_number(w, "curvature", c->curvature);
    put_number(w, "curvature_error", c->curvature_error);
    put_count(w, "products", c->products);
    end(w, '}');
}

static void put_path(writer *w, const uns_path *p) {
    begin(w, "assumptions", '{');
    put_count(w, "steps", p->steps);
    put_count(w, "looks", (int64_t)p->looks);
    put_number(w, "value_from", p->value_from);
    put_number(w, "value_to", p->value_to);
    put_number(w, "largest_gradient", p->largest_gradient);
    put_number(w, "largest_deviation", p->largest_deviation);
    put_number(w, "largest_step", p->largest_step);
    put_number(w, "mean_step_square", p->mean_step);
    put_number(w, "lambda_min", p->least);
    put_number(w, "norm", p->norm);
    put_measured(w, "lipschitz", p->lipschitz);
    put_number(w, "length", p->length);
    put_number(w, "estimate_error", p->estimate);
    end(w, '}');
}

void cli_measure_print_json(const cli_measured *m) {
    static const char *const from[] = {"asked", "problem", "minimum", "tenth", "none"};
    const uns_measurement *a = m->all;
    writer own = {true}, *w = &own;
    begin(w, NULL, '{');
    put_text(w, "problem", m->place->cell->problem);
    put_text(w, "cell", m->place->cell->label);
    put_text(w, "at", m->place->end ? "end" : "start");
    put_count(w, "dimension", (int64_t)a->dimension);
    put_count(w, "batch", (int64_t)a->batch);
    put_number(w, "value", a->value);
    put_number(w, "gradient", a->gradient);
    put_number(w, "target", a->target_from == UNS_DROP_NONE ? NAN : a->target);
    put_text(w, "target_from", from[a->target_from]);
    put_noise(w, "noise", &a->noise);
    begin(w, "variances", '[');
    for (size_t i = 0; i < a->pairs; i++)
        put_measured(w, NULL, a->variance[i]);
    end(w, ']');
    put_along(w, "along_way", &a->way);
    put_curvature(w, a);
    put_verdict(w, &a->certificate);
    begin(w, "metrics", '[');
    for (size_t i = 0; i < a->count; i++)
        put_metric(w, &a->metric[i]);
    end(w, ']');
    if (m->path)
        put_path(w, m->path);
    end(w, '}');
    putchar('\n');
}

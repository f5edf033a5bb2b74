/* SPDX-License-Identifier: MIT
 * An optimizer settled at a point: it observes gradients and does not move; its metric as an
 * operator.
 */
#include "inst/measure.h"

#include "base/base.h"

#include <string.h>
#include <unsaddle/structure.h>

enum {
    RANGE_PRODUCTS = 60
};

static uns_status second_moment(void *self, uns_const_tensors x, uns_about about,
                                uns_shape shape, uns_tensors out) {
    const uns_oracle_of *o = self;
    uns_eval eval = {1, x, NULL, o->scratch};
    return uns_problem_get_ops(o->problem)
        ->second_moment(uns_problem_self(o->problem), &eval, o->batch, about, shape, out);
}

uns_oracle uns_oracle_make(uns_oracle_of *self) {
    uns_oracle none = {NULL, NULL}, oracle = {self, second_moment};
    return uns_problem_get_ops(self->problem)->second_moment ? oracle : none;
}

static uns_status observe(const uns_settling *s, uns_settled *out) {
    uns_layout_spread(s->layout, (void *)(uintptr_t)s->x, out->pointers[0]);
    uns_layout_spread(s->layout, s->g, out->pointers[1]);
    uns_const_tensors x = {(const void *const *)out->pointers[0], out->blocks};
    uns_const_tensors g = {(const void *const *)out->pointers[1], out->blocks};
    for (size_t i = 0; i < s->count; i++) {
        UNS_TRY(s->sampler->gradient(s->sampler->self, s->x, s->first + i, s->g));
        UNS_TRY(uns_optimizer_observe(out->optimizer, x, g));
    }
    return UNS_OK;
}

static uns_status outline(uns_context *context, uns_layout *layout, uns_settled *out) {
    size_t blocks = uns_layout_count(layout);
    *out = (uns_settled){.context = context, .layout = layout, .blocks = blocks};
    out->pointers[0] = uns_allocate(context, uns_size_product(2 * blocks, sizeof(void *)));
    if (!out->pointers[0])
        return UNS_ERROR_MEMORY;
    out->pointers[1] = out->pointers[0] + blocks;
    return UNS_OK;
}

uns_status uns_settle_on(uns_context *context, uns_layout *layout, uns_optimizer *optimizer,
                         uns_settled *out) {
    UNS_TRY(outline(context, layout, out));
    out->optimizer = optimizer;
    uns_status status = uns_metric_create(optimizer, 0, 1, &out->metric);
    if (status != UNS_OK)
        uns_settled_close(out);
    return status;
}

uns_status uns_settle(const uns_settling *s, uns_settled *out) {
    uns_oracle_of oracle = {s->problem, s->batch, s->scratch};
    uns_optimizer_config config = {.size = sizeof config,
                                   .layout = s->layout,
                                   .count = 1,
                                   .specs = s->spec,
                                   .oracle = uns_oracle_make(&oracle)};
    UNS_TRY(outline(s->context, s->layout, out));
    out->own = true;
    uns_status status = uns_optimizer_create(s->context, &config, &out->optimizer);
    if (status == UNS_OK)
        status = observe(s, out);
    if (status == UNS_OK)
        status = uns_metric_create(out->optimizer, 0, 1, &out->metric);
    if (status != UNS_OK)
        uns_settled_close(out);
    return status;
}

void uns_settled_close(uns_settled *settled) {
    if (settled->metric)
        uns_metric_destroy(settled->metric);
    if (settled->own && settled->optimizer)
        uns_optimizer_destroy(settled->optimizer);
    uns_release(settled->context, settled->pointers[0]);
    *settled = (uns_settled){.context = settled->context};
}

static uns_status product(void *self, const double *v, double *out) {
    const uns_settled_view *view = self;
    uns_settled *s = view->settled;
    uns_layout_spread(s->layout, (void *)(uintptr_t)v, s->pointers[0]);
    uns_layout_spread(s->layout, out, s->pointers[1]);
    uns_const_tensors in = {(const void *const *)s->pointers[0], s->blocks};
    uns_tensors to = {s->pointers[1], s->blocks};
    return uns_metric_product(s->metric, view->product, in, to);
}

uns_operator uns_operator_settled(uns_settled_view *view, size_t dimension) {
    uns_operator op = {.size = sizeof op,
                       .dimension = dimension,
                       .self = view,
                       .product = product,
                       .rung = UNS_RUNG_EXACT};
    return op;
}

uns_status uns_settled_diagonal(uns_settled *settled, uns_product kind, double *ones,
                                double *out) {
    size_t d = uns_layout_parameters(settled->layout);
    uns_settled_view view = {settled, kind};
    for (size_t i = 0; i < d; i++)
        ones[i] = 1.0;
    return product(&view, ones, out);
}

uns_status uns_settled_range(uns_settled *settled, const uns_spec *spec, uint64_t seed,
                             double *const work[2], double *least, double *norm) {
    size_t d = uns_layout_parameters(settled->layout);
    uns_settled_view view = {settled, UNS_PRODUCT_A};
    uns_operator op = uns_operator_settled(&view, d);
    uns_diagonal diagonal = {d, work[1]};
    if (uns_spec_elementwise(settled->context, spec)) {
        UNS_TRY(uns_settled_diagonal(settled, UNS_PRODUCT_A, work[0], work[1]));
        op = uns_operator_diagonal(&diagonal);
    }
    return uns_operator_range(settled->context, &op, RANGE_PRODUCTS, seed, least, norm);
}

bool uns_spec_elementwise(uns_context *context, const uns_spec *spec) {
    const void *entry = NULL;
    return uns_context_find(context, UNS_KIND_STRUCTURE, spec->structure, &entry) == UNS_OK &&
           ((const uns_structure_ops *)entry)->elementwise;
}

bool uns_spec_estimates(const uns_spec *spec) {
    return strcmp(spec->structure, "identity") != 0 && spec->signal == UNS_SIGNAL_GRADIENT &&
           spec->ceiling == UNS_CEILING_NONE && spec->increment == 0.0 &&
           spec->initial == 0.0 && !(spec->clip_norm < 1e300) && !(spec->clip_value < 1e300) &&
           (strcmp(spec->moment, "ema") == 0 || strcmp(spec->moment, "mean") == 0 ||
            strcmp(spec->moment, "exact") == 0);
}

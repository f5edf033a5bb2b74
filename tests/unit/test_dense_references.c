/* SPDX-License-Identifier: MIT
 * The dense presets against references from outside: the trajectories of
 * tests/golden/dense_references.json, made by tests/tools/dense_references.py in numpy from the
 * equations. d = 7 takes the small roots, d = 19 those of LAPACK.
 */
#include "support/bowl.h"
#include "support/fixture.h"

#include <jansson.h>

static double number(const json_t *list, size_t index) {
    return json_number_value(json_array_get(list, index));
}

static const char *text(const json_t *item, const char *key) {
    return json_string_value(json_object_get(item, key));
}

/* The entry for so many rows of a list of such. */
static const json_t *of_rows(const json_t *list, size_t rows) {
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item) if ((size_t)json_integer_value(json_object_get(
                                                  item, "rows")) == rows) return item;
    return NULL;
}

/* Replica 0 sees the mirror image of the others: all methods are odd. */
static void put_gradient(const fixture *f, const json_t *g) {
    size_t replicas = f->size.replicas, first = f->elements[0] / replicas;
    for (size_t k = 0; k < json_array_size(g); k++)
        for (size_t r = 0; r < replicas; r++) {
            double value = r == 0 && replicas > 1 ? -number(g, k) : number(g, k);
            if (k < first)
                fixture_put(f, f->g[0], k * replicas + r, value);
            else
                fixture_put(f, f->g[1], (k - first) * replicas + r, value);
        }
}

/* ‖x − wanted‖/‖wanted‖ of the last replica. */
static double error_of(const fixture *f, fixture *start, const json_t *wanted) {
    size_t d = json_array_size(wanted), last = f->size.replicas - 1;
    double difference = 0.0, size = 0.0;
    uns_tensors x = {(void *const *)f->x, 2}, x0 = fixture_x(start);
    for (size_t k = 0; k < d; k++) {
        double moved = fixture_x_at(f, uns_tensors_const(x), k, last) -
                       fixture_x_at(f, uns_tensors_const(x0), k, last);
        difference += pow(moved - number(wanted, k), 2);
        size += pow(number(wanted, k), 2);
    }
    return sqrt(difference / size);
}

static double run_one(uns_context *context, const json_t *root, const json_t *item,
                      const json_t *run, size_t replicas) {
    uns_spec spec = spec_of(context, text(item, "preset"), text(item, "values"));
    size_t rows = (size_t)json_integer_value(json_object_get(run, "rows")), point = 0;
    size_t observed = (size_t)json_integer_value(json_object_get(root, "observed"));
    size_t burn_in = (size_t)json_integer_value(json_object_get(item, "burn_in"));
    const json_t *g = json_object_get(of_rows(json_object_get(root, "gradients"), rows), "g");
    const json_t *steps = json_object_get(root, "steps");
    fixture f, start;
    double worst = 0.0;
    fixture_size size = {rows, 4, replicas, UNS_F64};
    cr_assert(fixture_open(&f, context, &spec, size), "%s", uns_context_message(context));
    cr_assert(fixture_open(&start, context, &spec, size));
    for (size_t t = 0; t < burn_in; t++) {
        put_gradient(&f, json_array_get(g, t));
        cr_assert_eq(
            uns_optimizer_observe(f.optimizer, uns_tensors_const(fixture_x(&f)), fixture_g(&f)),
            UNS_OK);
    }
    for (size_t t = 1; observed + t <= json_array_size(g); t++) {
        put_gradient(&f, json_array_get(g, observed + t - 1));
        cr_assert_eq(uns_optimizer_step(f.optimizer, fixture_x(&f), fixture_g(&f)), UNS_OK);
        if (t == (size_t)number(steps, point))
            worst = fmax(worst, error_of(&f, &start,
                                         json_array_get(json_object_get(run, "x"), point++)));
    }
    cr_assert_eq(point, json_array_size(steps));
    fixture_close(&f);
    fixture_close(&start);
    return worst;
}

Test(dense_references, are_followed_to_1e9) {
    json_t *root = json_load_file(UNS_GOLDEN "/dense_references.json", 0, NULL);
    uns_context *context = open_context(1);
    size_t index, k, ran = 0;
    const json_t *item, *run;
    cr_assert_not_null(root);
    if (uns_dense_available())
        json_array_foreach(json_object_get(root, "cases"), index, item)
            json_array_foreach(json_object_get(item, "runs"), k,
                               run) for (size_t replicas = 1; replicas <= 3; replicas += 2) {
            double worst = run_one(context, root, item, run, replicas);
            cr_expect_lt(worst, 1e-9, "%s %s, run %zu: %g", text(item, "preset"),
                         text(item, "values"), k, worst);
            ran++;
        }
    cr_assert(!uns_dense_available() || ran >= 36, "%zu cases", ran);
    uns_context_destroy(context);
    json_decref(root);
}

/* SPDX-License-Identifier: MIT
 * Low rank: GGT and the sketch against an independent NumPy reference.
 */
#include "support/ggt_golden.h"

static void follow_all(uns_dtype dtype, size_t replicas, double tolerance) {
    ggt_golden file;
    uns_context *context = NULL;
    size_t index;
    json_t *item;
    ggt_open(&file);
    cr_assert_geq(json_array_size(file.cases), 22);
    cr_assert_eq(uns_context_create(NULL, &context), UNS_OK);
    json_array_foreach(file.cases, index, item) {
        double worst = ggt_follow(context, &file, item, dtype, replicas);
        printf("%s %g\n", ggt_text(item, "name"), worst);
        cr_expect(worst <= tolerance, "%s: off by %.2e", ggt_text(item, "name"), worst);
    }
    uns_context_destroy(context);
    json_decref(file.root);
}

Test(lowrank, the_reference_is_followed_to_1e9_in_f64) {
    follow_all(UNS_F64, 1, 1e-9);
}

Test(lowrank, each_of_three_replicas_follows_its_own_gradients) {
    follow_all(UNS_F64, 3, 1e-9);
}

Test(lowrank, f32_stays_near) {
    follow_all(UNS_F32, 1, 1e-2);
}

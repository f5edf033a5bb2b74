/* SPDX-License-Identifier: MIT
 * Shampoo, SOAP, Adafactor and Muon against dense references from outside: the trajectories of
 * tests/golden/matrix_references.json, made by tests/tools/matrix_references.py from the
 * publications.
 */
#include "support/golden.h"

#include "la/dense.h"

static void follow(const char *preset, uns_dtype dtype, size_t replicas, double tolerance,
                   size_t at_least) {
    static const uns_block blocks[] = {{"a", 5, 4, 0}, {"b", 4, 5, 0}, {"c", 3, 1, 0}};
    golden file;
    if (!uns_dense_available() && strcmp(preset, "adafactor") != 0)
        return; /* the others need LAPACK, and are refused at create */
    golden_open(&file, "matrix_references.json", 3, blocks);
    golden_same_gradients(&file);
    golden_hold(&file, (golden_claim){"preset", preset, dtype, replicas, tolerance, at_least});
    json_decref(file.root);
}

Test(matrix_methods, shampoo_follows_the_publication) {
    follow("shampoo", UNS_F64, 1, 1e-9, 13);
}

Test(matrix_methods, soap_follows_the_publication_by_eigh_and_by_qr) {
    follow("soap", UNS_F64, 1, 1e-9, 6);
}

Test(matrix_methods, adafactor_follows_the_publication) {
    follow("adafactor", UNS_F64, 1, 1e-9, 3);
}

Test(matrix_methods, muon_follows_the_publication_exact_and_by_five_steps) {
    follow("muon", UNS_F64, 1, 1e-9, 6);
}

Test(matrix_methods, each_of_three_replicas_follows_its_own_gradients) {
    follow("", UNS_F64, 3, 1e-9, 28);
}

Test(matrix_methods, f32_stays_near_f64) {
    follow("", UNS_F32, 1, 2e-3, 28);
    follow("", UNS_F32, 3, 2e-3, 28);
}

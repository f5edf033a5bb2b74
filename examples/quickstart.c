/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unsaddle/optimizer.h>

int main(void) { /* minimise x0^2 + 100 x1^2 with Adam */
    double x[2] = {1.0, 1.0}, g[2];
    uns_tensors px = {(void *[]){x}, 1}, pg = {(void *[]){g}, 1};
    uns_layout_config shape = {sizeof shape, UNS_F64, 1, 1, &(uns_block){"x", 2, 1, 0}};
    uns_context *context;
    uns_layout *layout;
    uns_optimizer *adam;
    uns_spec spec;
    if (uns_context_create(NULL, &context) || uns_layout_create(context, &shape, &layout) ||
        uns_spec_preset(context, "adam", &spec))
        return 1;
    spec.eta = 0.05;
    uns_optimizer_config config = {sizeof config, layout, 1, &spec, {NULL, NULL}, 0};
    uns_status status = uns_optimizer_create(context, &config, &adam);
    for (int t = 0; t < 500 && status == UNS_OK; t++) {
        g[0] = 2 * x[0], g[1] = 200 * x[1];
        status = uns_optimizer_step(adam, px, uns_tensors_const(pg));
    }
    return printf("x = (%.1e, %.1e)\n", x[0], x[1]) < 0 || status;
}

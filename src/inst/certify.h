/* SPDX-License-Identifier: MIT
 * The engine of the certificate, below its public face: what is drawn is a member here, so that
 * the tests can also run it with a wrong t_δ or a fixed start and see it fail.
 */
#ifndef UNS_CERTIFY_H
#define UNS_CERTIFY_H

#include <unsaddle/certificate.h>

typedef struct uns_certify_plan {
    uns_context *context;
    const uns_operator *op;
    const uns_certificate_config *config;
    double gradient, gradient_low, gradient_high;
    double coordinate;   /* t: |vᵀb| falls below it with probability δ/starts */
    const double *start; /* NULL: drawn, as it must be */
} uns_certify_plan;

/* Fills `out` whole. */
UNS_NODISCARD uns_status uns_certify_run(const uns_certify_plan *plan, double *witness,
                                         uns_certificate *out);

/* Ranges of the config and of the gradient. */
UNS_NODISCARD uns_status uns_certify_check(uns_context *context,
                                           const uns_certificate_config *config,
                                           double gradient);

/* Who draws what from UNS_STREAM_CERTIFICATE: replicas below UNS_DRAW_SET are starts. */
enum {
    UNS_DRAW_SET = 1u << 30,
    UNS_DRAW_FRESH,
    UNS_DRAW_GRADIENT,
    UNS_DRAW_PROBE
};

#endif

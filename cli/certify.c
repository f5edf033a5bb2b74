/* SPDX-License-Identifier: MIT
 * unsaddle certify: is this point second-order stationary, and with what certainty?
 */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unsaddle/certificate.h>

static cli_status status_of(uns_verdict verdict) {
    switch (verdict) {
    case UNS_VERDICT_STATIONARY:
        return CLI_FINE;
    case UNS_VERDICT_SADDLE:
        return CLI_SADDLE;
    case UNS_VERDICT_GRADIENT:
        return CLI_GRADIENT;
    default:
        return CLI_UNDECIDED;
    }
}

/* A JSON number, or null. */
static void print_number(const char *key, double value, const char *after) {
    if (isfinite(value))
        printf("  \"%s\": %.17g%s\n", key, value, after);
    else
        printf("  \"%s\": null%s\n", key, after);
}

static void print_json(const cli_place *place, const uns_certificate *c) {
    printf("{\n  \"problem\": \"%s\",\n  \"dimension\": %zu,\n", place->cell->problem,
           uns_problem_dimension(place->problem));
    printf("  \"verdict\": \"%s\",\n  \"assurance\": \"%s\",\n", uns_verdict_text(c->verdict),
           uns_assurance_text(c->assurance));
    print_number("delta", c->delta, ",");
    print_number("tau_g", c->tau_g, ",");
    print_number("tau_h", c->tau_h, ",");
    print_number("gradient", c->gradient, ",");
    print_number("gradient_low", c->gradient_low, ",");
    print_number("gradient_high", c->gradient_high, ",");
    print_number("lambda_low", c->low, ",");
    print_number("lambda_high", c->high, ",");
    print_number("curvature", c->curvature, ",");
    print_number("curvature_error", c->curvature_error, ",");
    print_number("margin", c->margin, ",");
    print_number("sample_mean", c->sample_mean, ",");
    print_number("sample_limit", c->sample_limit, ",");
    printf("  \"products\": %" PRId64 ",\n  \"gradients\": %" PRId64 ",\n  \"steps\": %" PRId64
           ",\n  \"budget\": %" PRId64 ",\n  \"starts\": %" PRId64
           ",\n  \"basis_bytes\": %zu,\n",
           c->products, c->gradients, c->steps, c->budget, c->starts, c->basis_bytes);
    printf("  \"rung\": \"%s\",\n  \"whole\": %s,\n  \"full\": %s,\n  \"exhausted\": %s,\n  "
           "\"interrupted\": %s\n}\n",
           uns_rung_text(c->rung), c->whole ? "true" : "false", c->full ? "true" : "false",
           c->exhausted ? "true" : "false", c->interrupted ? "true" : "false");
}

/* What is open: the curvature, the gradient, or the saddle of the samples alone. */
static void print_undecided(const uns_certificate *c) {
    bool flat = c->low >= -c->tau_h, gradient = c->gradient_high > c->tau_g;
    if (isfinite(c->sample_limit))
        printf(
            "Undecided: the samples have curvature %.4g along the witness, but fresh ones do\n"
            "not show that it lies below -%g.\n",
            c->curvature, c->tau_h);
    else if (flat)
        printf("Undecided: no curvature lies below -%g (except with probability %g), but by\n"
               "these samples the gradient may lie on either side of tau_g.\n",
               c->tau_h, c->delta);
    else if (c->interrupted)
        printf("Interrupted: neither a saddle nor its absence was shown yet.\n");
    else
        printf("Undecided: neither a saddle nor its absence was shown within %" PRId64
               " products.\nThe least curvature lies between the two limits above.\n",
               c->products);
    if (gradient && !flat)
        printf("By these samples the gradient may lie on either side of tau_g.\n");
}

/* The verdict in words, with what it does and does not say. */
static void print_verdict(const uns_certificate *c) {
    switch (c->verdict) {
    case UNS_VERDICT_STATIONARY:
        printf(
            "Second-order stationary (%s): the gradient is at most %g and no curvature lies\n"
            "below -%g; a saddle would be called so with probability at most %g.\n",
            uns_assurance_text(c->assurance), c->tau_g, c->tau_h, c->delta);
        break;
    case UNS_VERDICT_SADDLE:
        printf("Saddle (%s): along the witness the curvature is %.4g, below -%g.\n",
               uns_assurance_text(c->assurance), c->curvature, c->tau_h);
        break;
    case UNS_VERDICT_GRADIENT:
        printf("Gradient too large: not stationary at first order, so nothing is said of the\n"
               "curvature.\n");
        break;
    default:
        print_undecided(c);
    }
}

/* The budget is that of Lanczos; a witness, for one, is checked by products beyond it. */
static void print_cost(const uns_certificate *c) {
    printf("products         %" PRId64 " of %s (%s%s)", c->products,
           c->whole ? "the whole objective" : "a fixed sample set", uns_rung_text(c->rung),
           c->full ? "" : ", three-term");
    if (c->products > 0)
        printf(": %" PRId64 " by Lanczos", c->steps);
    if (c->starts > 1)
        printf(" in %" PRId64 " starts", c->starts);
    if (c->products > 0)
        printf(", budget %" PRId64 "%s", c->budget, c->starts > 1 ? " each" : "");
    if (c->products > c->steps)
        printf("; %" PRId64 " to check", c->products - c->steps);
    printf("\nbasis            %zu bytes\n\n", c->basis_bytes);
}

static void print_table(const cli_place *place, const uns_certificate *c) {
    printf("%s · %zu parameters · at the %s of '%s'\n\n", place->cell->problem,
           uns_problem_dimension(place->problem), place->end ? "end" : "start",
           place->cell->label);
    if (c->gradient_low < c->gradient_high)
        printf("gradient norm    %.4g, in [%.4g, %.4g]   tau_g %g\n", c->gradient,
               c->gradient_low, c->gradient_high, c->tau_g);
    else
        printf("gradient norm    %-12.4g tau_g %g\n", c->gradient, c->tau_g);
    if (c->verdict != UNS_VERDICT_GRADIENT || c->products > 0) {
        printf("least curvature  in [%.4g, %.4g]   -tau_h %g\n", c->low, c->high, -c->tau_h);
        if (isfinite(c->curvature))
            printf("along the witness %.6g +- %.1e, by a fresh product\n", c->curvature,
                   c->curvature_error);
        if (isfinite(c->sample_limit))
            printf("on fresh samples  %.4g +- %.1e, at most %.4g\n", c->sample_mean,
                   c->sample_error, c->sample_limit);
    }
    print_cost(c);
    print_verdict(c);
}

static cli_status write_witness(const char *path, const double *witness, size_t d) {
    cli_file file;
    cli_status status = cli_file_open(path, &file);
    if (status != CLI_FINE)
        return status;
    fprintf(file.stream, "index,value\n");
    for (size_t i = 0; i < d; i++)
        fprintf(file.stream, "%zu,%.17g\n", i, witness[i]);
    return cli_file_close(&file);
}

static cli_status certify_place(const cli_arguments *arguments, cli_place *place,
                                double *witness) {
    uns_certificate_config config;
    uns_certificate found;
    cli_status status =
        cli_pairs_read(place->context, uns_certificate_table(), &config, arguments);
    if (status != CLI_FINE)
        return status;
    config.interrupt = cli_interrupt_catch(CLI_STOPPING("what is known will be printed."));
    uns_status done = uns_certify_problem(
        place->context, place->problem, uns_tensors_const(place->x), &config, witness, &found);
    if (done != UNS_OK)
        return cli_fail(place->context, done, false);
    const char *path = cli_option_value(arguments, "witness");
    if (path && found.verdict == UNS_VERDICT_SADDLE)
        status = write_witness(path, witness, uns_problem_dimension(place->problem));
    if (cli_option_value(arguments, "json"))
        print_json(place, &found);
    else
        print_table(place, &found);
    if (status == CLI_FINE && found.interrupted) {
        cli_say("interrupted after %" PRId64 " products; nothing was decided", found.products);
        return CLI_INTERRUPTED;
    }
    return status == CLI_FINE ? status_of(found.verdict) : status;
}

static cli_status certify(const cli_arguments *arguments) {
    cli_place place;
    cli_status status =
        cli_place_open(arguments->operand[0], cli_option_value(arguments, "cell"),
                       cli_option_value(arguments, "at"), &place);
    if (status != CLI_FINE)
        return status;
    double *witness = calloc(uns_problem_dimension(place.problem), sizeof *witness);
    if (witness)
        status = certify_place(arguments, &place, witness);
    else
        status = cli_fail(place.context, UNS_ERROR_MEMORY, false);
    free(witness);
    cli_place_close(&place);
    return status;
}

static const cli_option options[CLI_OPTIONS_MAX + 1] = {
    {"cell", "LABEL", "the cell whose problem and point are looked at; without it the first"},
    {"at", "start|end", "where runs start, or where the cell's first replica ended (DIR only)"},
    {"witness", "FILE", "write the direction of a saddle's negative curvature as CSV"},
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

const cli_command cli_certify = {
    .name = "certify",
    .operands = "DIR|CONFIG [KEY=VALUE ...]",
    .summary = "is a point second-order stationary, and with what certainty?",
    .help = "Looks at the end of a run in DIR, or at the start of the plan CONFIG, and gives "
            "one of\n"
            "four verdicts, by the exit status too: second-order stationary 0, saddle 10, "
            "gradient\n"
            "too large 11, undecided 12. Keys ('unsaddle list certify' tells them all), with "
            "their\n"
            "defaults:\n"
            "  unsaddle certify runs/saddle tau_g=1e-3 tau_h=1e-2 delta=1e-3",
    .least = 1,
    .most = (size_t)-1,
    .options = options,
    .run = certify,
};

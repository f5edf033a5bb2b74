/* SPDX-License-Identifier: MIT
 * A context with the built-in problems, and a plan read into it.
 */
#include "cli.h"

#include <string.h>
#include <unsaddle/problems.h>

uns_context *cli_context_open(int threads) {
    uns_context_config config = {.size = sizeof config, .threads = threads};
    uns_context *context = NULL;
    uns_status status = uns_context_create(&config, &context);
    if (status == UNS_OK)
        status = uns_problems_register(context);
    if (status == UNS_OK)
        return context;
    cli_fail(context, status, false);
    uns_context_destroy(context);
    return NULL;
}

static cli_status check_overrides(const cli_arguments *arguments) {
    for (size_t i = 1; i < arguments->count; i++)
        if (!strchr(arguments->operand[i], '=')) {
            cli_say("'%s' is no key=value; only the first operand is a file",
                    arguments->operand[i]);
            return CLI_INPUT;
        }
    return CLI_FINE;
}

static cli_status open_with(const cli_arguments *arguments, int threads, cli_session *out) {
    uns_plan_source source = {.size = sizeof source,
                              .path = arguments->operand[0],
                              .override_count = arguments->count - 1,
                              .overrides = arguments->operand + 1};
    cli_session session = {cli_context_open(threads), NULL};
    if (!session.context)
        return CLI_INTERNAL;
    uns_status status = uns_plan_create(session.context, &source, &session.plan);
    if (status != UNS_OK) {
        cli_status failed = cli_fail(session.context, status, false);
        cli_session_close(&session);
        return failed;
    }
    *out = session;
    return CLI_FINE;
}

/* A context's threads are fixed when it is created, and the plan, which needs one to be read,
 * may ask for another number: it is then read again in a context that has it. */
cli_status cli_session_open(const cli_arguments *arguments, cli_session *out) {
    cli_status status = check_overrides(arguments);
    if (status == CLI_FINE)
        status = open_with(arguments, 0, out);
    if (status != CLI_FINE)
        return status;
    int64_t threads = uns_plan_cell(out->plan, 0)->settings.threads;
    if (threads == 0 || threads == uns_context_threads(out->context))
        return CLI_FINE;
    cli_session_close(out);
    return open_with(arguments, (int)threads, out);
}

void cli_session_close(cli_session *session) {
    uns_plan_destroy(session->plan);
    uns_context_destroy(session->context);
}

/* SPDX-License-Identifier: MIT
 * Settings that are each in range but do not go together.
 */
#include "run/plan_draft.h"

enum {
    MOST_READINGS = 1000000 /* of a cell: rows of a table that people look at */
};

static uns_status check_instruments(uns_context *context, const uns_settings *settings,
                                    const char **key) {
    const uns_instruments *in = &settings->instruments;
    if (in->every <= 0)
        return UNS_OK;
    *key = "instruments.every";
    if (in->every > settings->steps)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "instruments.every: %lld is more than the run's %lld steps",
                        (long long)in->every, (long long)settings->steps);
    int64_t read = in->replicas < settings->replicas ? in->replicas : settings->replicas;
    if (settings->steps / in->every > MOST_READINGS / read)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "instruments.every: %lld makes %lld readings of %lld replicas; at most "
                        "%d in all",
                        (long long)in->every, (long long)(settings->steps / in->every),
                        (long long)read, MOST_READINGS);
    return UNS_OK;
}

static uns_status check_stall(uns_context *context, const uns_settings *settings,
                              const char **key) {
    const uns_stall *stall = &settings->stall;
    if (stall->every == 0 && stall->act != UNS_STALL_NONE) {
        *key = "stall.act";
        return uns_fail(context, UNS_ERROR_PAIR,
                        "stall.act takes a test now and then: give stall.every, the steps "
                        "between two");
    }
    if (stall->every == 0)
        return UNS_OK;
    *key = "stall.every";
    if (stall->every > settings->steps)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "stall.every: %lld is more than the run's %lld steps",
                        (long long)stall->every, (long long)settings->steps);
    *key = "stall.window";
    if (stall->window % 2 != 0)
        return uns_fail(context, UNS_ERROR_RANGE,
                        "stall.window: %lld is odd; a test has two equal halves",
                        (long long)stall->window);
    return UNS_OK;
}

uns_status uns_settings_check(uns_context *context, const uns_settings *settings,
                              const char **key) {
    UNS_TRY(check_instruments(context, settings, key));
    return check_stall(context, settings, key);
}

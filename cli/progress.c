/* SPDX-License-Identifier: MIT
 * Live progress on standard error: one line redrawn on a terminal, a plain line every ten
 * seconds elsewhere, so that a log stays readable.
 */
#include "cli.h"

#include <math.h>

static const double PLAIN_EVERY_S = 10;
enum {
    BAR_MOST = 24, /* cells of the bar */
    BAR_LEAST = 6,
    LINE_SIZE = 512
};

/* Seconds as "0:07", "12:34" or "3:04:05". */
static void print_time(double seconds, char *text, size_t size) {
    long long s = seconds < 1e9 ? (long long)ceil(seconds) : 999999999;
    if (s >= 3600)
        snprintf(text, size, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "%lld:%02lld", s / 60, s % 60);
}

/* "31 M", "950 k", "12". */
static void print_rate(double rate, char *text, size_t size) {
    static const char *const units[] = {"", " k", " M", " G"};
    size_t unit = 0;
    for (; rate >= 999.5 && unit < 3; unit++)
        rate /= 1000;
    snprintf(text, size, "%.*f%s", rate < 9.95 && unit ? 1 : 0, rate, units[unit]);
}

/* All but the bar: share, rate, time left, cell and value. */
static int print_facts(const uns_progress *progress, char *text, size_t size) {
    char rate[32], left[32], value[32] = "";
    print_rate(progress->rate, rate, sizeof rate);
    if (progress->done > 0)
        print_time(progress->wall_s * (1 - progress->done) / progress->done, left, sizeof left);
    else
        snprintf(left, sizeof left, "?");
    if (!isnan(progress->value))
        snprintf(value, sizeof value, " f=%.3g", progress->value);
    return snprintf(text, size, "%3.0f %%  %s steps/s  %s left  %zu/%zu cells  %s%s",
                    floor(100 * progress->done), rate, left, progress->cells_done,
                    progress->cells, progress->label ? progress->label : "", value);
}

/* What does not fit is cut, by columns: a label may hold more than ASCII. */
static int bytes_within(const char *text, int columns) {
    int bytes = 0;
    for (; text[bytes]; bytes++)
        if (((unsigned char)text[bytes] & 0xC0u) != 0x80u && columns-- == 0)
            break;
    return bytes;
}

static void draw_line(cli_progress *state, const uns_progress *progress) {
    char facts[LINE_SIZE], bar[BAR_MOST * 3 + 1] = "";
    int cells = state->columns / 8;
    cells = cells > BAR_MOST ? BAR_MOST : cells < BAR_LEAST ? BAR_LEAST : cells;
    print_facts(progress, facts, sizeof facts);
    for (int i = 0, used = 0; i < cells; i++)
        used += snprintf(bar + used, sizeof bar - (size_t)used,
                         i < progress->done * cells ? "━" : "─");
    fprintf(stderr, "\r%s  %.*s\033[K", bar, bytes_within(facts, state->columns - cells - 3),
            facts);
    fflush(stderr);
    state->shown = true;
}

void cli_progress_show(void *user, const uns_progress *progress) {
    cli_progress *state = user;
    if (state->columns > 0) {
        draw_line(state, progress);
        return;
    }
    if (progress->wall_s - state->last_s < PLAIN_EVERY_S)
        return;
    char facts[LINE_SIZE];
    print_facts(progress, facts, sizeof facts);
    cli_say("%s", facts);
    state->last_s = progress->wall_s;
}

void cli_progress_end(cli_progress *progress) {
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}

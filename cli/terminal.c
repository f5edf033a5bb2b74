/* SPDX-License-Identifier: MIT
 * The standard streams and the terminal behind them.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    NARROWEST = 48, /* what uns_report_table can do */
    USUAL = 80
};

int cli_columns(FILE *stream) {
    struct winsize size;
    if (!isatty(fileno(stream)))
        return 0;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return USUAL;
    return size.ws_col < NARROWEST ? NARROWEST : size.ws_col;
}

void cli_streams_open(void) {
    /* Opened the wrong way round on purpose: writing to a closed stream must go on failing. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    signal(SIGPIPE, SIG_IGN);
}

cli_status cli_streams_finish(cli_status status) {
    errno = 0;
    bool broken = ferror(stdout) != 0;
    broken |= fclose(stdout) != 0;
    if (!broken)
        return status;
    if (errno == EPIPE)
        return status == CLI_FINE ? CLI_INTERNAL : status;
    cli_say("standard output: %s", errno ? strerror(errno) : "not all could be written");
    return status == CLI_INPUT || status == CLI_INTERRUPTED ? status : CLI_INTERNAL;
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs into an empty folder and builds a small program against what lies there, by pkg-config.
# Usage: check_install.sh BUILD
set -u
here=$(dirname "$0")
. "$here/tap.sh"
build=$(cd "$1" && pwd) || exit 1
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cat > "$place/user.c" << 'END'
#include <stdio.h>
#include <unsaddle/context.h>

int main(void) {
    uns_context *context = NULL;
    uns_status status = uns_context_create(NULL, &context);
    puts(uns_status_text(status));
    uns_context_destroy(context);
    return status == UNS_OK ? 0 : 1;
}
END

install_there() {
    DESTDIR=$place/root meson install -C "$build" --no-rebuild --quiet
}

compile_user() { # extra compiler and pkg-config flag
    pc=$(find "$place/root" -name unsaddle.pc) && [ -n "$pc" ] || { echo "no unsaddle.pc installed"; return 1; }
    PKG_CONFIG_PATH=$(dirname "$pc")
    PKG_CONFIG_SYSROOT_DIR=$place/root
    export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
    flags=$(pkg-config --cflags --libs unsaddle-run unsaddle) || return 1
    library=$(dirname "$(find "$place/root" -name libunsaddle.so)")
    gcc -std=c11 -Wall -Wextra -Wpedantic -Werror "$place/user.c" -o "$place/user" $flags
}

run_user() {
    LD_LIBRARY_PATH=$library "$place/user"
}

program_runs() {
    LD_LIBRARY_PATH=$library "$(find "$place/root" -path '*/bin/unsaddle')" --version
}

attempt "meson install succeeds" install_there
attempt "a program compiles against the installed library" compile_user
library=$(dirname "$(find "$place/root" -name libunsaddle.so)")
attempt "that program runs" run_user
attempt "the installed unsaddle runs" program_runs
finish

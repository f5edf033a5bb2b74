#!/bin/sh
# SPDX-License-Identifier: MIT
# Reads the symbols of the libraries: what they export, what they call, what they keep.
# Usage: check_symbols.sh BUILD
set -u
here=$(dirname "$0")
. "$here/tap.sh"
build=$1

# Never called by either library. fprintf is listed for the core alone: the other one writes records,
# and cannot print with it as long as it does not reference stdout or stderr.
never='(__)?v?printf(_chk)?|puts|putchar|perror|stdout|stderr|_?exit|_Exit|quick_exit|atexit|abort'
never="$never|__assert_fail|getenv|secure_getenv|setenv|putenv|rand|srand|strtok|setlocale"
never_core='(__)?v?fprintf(_chk)?|fputs|fputc|putc|fwrite'

# Mutable globals that are meant: one extended regular expression, each with its reason here.
meant_globals='(uns_thread_mark\.)?mark(\.[0-9]+)?' # const; its address tells threads apart

none_match() { # text that must be empty
    [ -z "$1" ] || { printf '%s\n' "$1"; return 1; }
}

exports_ours() {
    exported=$(nm -D --defined-only "$1") || return 1
    [ -n "$exported" ] || { echo "$1 exports nothing"; return 1; }
    none_match "$(printf '%s\n' "$exported" | awk '$NF !~ /^uns_/')"
}

calls_none() { # library pattern
    wanted=$(nm -A -u "$1") || return 1
    none_match "$(printf '%s\n' "$wanted" | awk -v name="^($2)\$" '$NF ~ name')"
}

keeps_none() { # .data.rel.ro holds constants that carry pointers
    table=$(objdump -t "$1") || return 1
    none_match "$(printf '%s\n' "$table" | awk -v meant="^($meant_globals)\$" '
        /file format/ { file = $1 }
        split($0, half, "\t") == 2 {
            words = split(half[1], word, " ")
            section = word[words]
            if (section ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && section !~ /^\.data\.rel\.ro/ &&
                $NF !~ /^\./ && $NF !~ meant) print file " " $NF
        }')"
}

for name in libunsaddle libunsaddle-run; do
    attempt "$name.so exports only uns_…" exports_ours "$build/src/$name.so"
    attempt "$name neither prints, exits nor reads the environment" calls_none "$build/src/$name.a" "$never"
    attempt "$name has no mutable globals" keeps_none "$build/src/$name.a"
done
attempt "libunsaddle writes to no stream" calls_none "$build/src/libunsaddle.a" "$never_core"
finish

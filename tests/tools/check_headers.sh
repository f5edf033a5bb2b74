#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles each public header alone, as C11 and as C++17, with every compiler that is here.
# Usage: check_headers.sh [TREE]
set -u
here=$(dirname "$0")
. "$here/tap.sh"
tree=${1:-$here/../..}
warnings="-Wall -Wextra -Wpedantic -Werror -fsyntax-only"

alone() { # compiler language standard header
    printf '#include <unsaddle/%s>\n#include <unsaddle/%s>\n' "$4" "$4" |
        "$1" -x "$2" "-std=$3" $warnings -I "$tree/include" -
}

headers() {
    for header in "$tree"/include/unsaddle/*.h; do
        if command -v "$1" > /dev/null; then
            name=$(basename "$header")
            attempt "$1 takes $name alone as $3" alone "$1" "$2" "$3" "$name"
        fi
    done
    command -v "$1" > /dev/null || skip "$1 takes each header alone as $3" "$1 is not installed"
}

headers gcc c c11
headers g++ c++ c++17
headers clang c c11
headers clang++ c++ c++17
finish

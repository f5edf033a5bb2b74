#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the kernels with gcc, with clang and for AArch64 (run by qemu), has each build print
# digests of what its kernels make of the same trials, and compares all of them with the scalar
# table of the first. What is not installed is skipped by name.
# Usage: check_kernels.sh [TREE]
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
tree=${1:-$here/../..}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
flags="-std=c11 -O2 -Wall -Wextra -Wpedantic -Werror -ffp-contract=off -fno-math-errno
    -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -I$tree/include -I$tree/src -I$tree/tests"
avx512="-mavx512f -mavx512dq -mavx512vl -mavx512bw -mprefer-vector-width=512"

build() { # name compiler instruction-sets link-flags
    mkdir -p "$place/$1" || return 1
    for isa in $3; do
        case $isa in
        avx2) own=-mavx2 ;;
        avx512) own=$avx512 ;;
        *) own= ;;
        esac
        "$2" $flags $own -c "$tree/src/kern/isa_$isa.c" -o "$place/$1/$isa.o" || return 1
    done
    "$2" $flags "$tree"/src/base/*.c "$tree/src/kern/dispatch.c" "$here/kern_bits.c" \
        "$place/$1"/*.o -o "$place/$1/bits" -lm -lpthread $4
}

# Cuts the digests into one file a table: bits.scalar, bits.avx2, ...
digests() { # name fewer runner…
    name=$1 fewer=$2
    shift 2
    "$@" "$place/$name/bits" $fewer > "$place/$name/all" || return 1
    awk -v stem="$place/$name/table." '/^table/ { file = stem $2; next } file { print > file }
        /^numbers/ { print > (stem "numbers") }' "$place/$name/all"
}

same() { # folder of the first, folder, table, grep pattern of what to leave out
    other=$3
    [ "$3" = numbers ] || other=scalar
    grep -v "$4" "$place/$1/table.$other" > "$place/want"
    [ -s "$place/want" ] && diff "$place/want" "$place/$2/table.$3"
}

compare() { # name, tables, pattern left out
    for table in numbers $2; do
        if [ "$table" = numbers ] || [ -f "$place/$1/table.$table" ]; then
            attempt "$1's $table have the bits of $first's scalar kernels" same "$first" "$1" "$table" "$3"
        else
            skip "$1's $table have the bits of $first's scalar kernels" "this CPU lacks $table"
        fi
    done
}

case $(uname -m) in
x86_64) native="scalar avx2 avx512" ;;
aarch64) native="scalar neon" ;;
*) native=scalar ;;
esac

first=
for compiler in gcc clang; do
    if command -v "$compiler" > /dev/null; then
        attempt "$compiler builds the kernels" build "$compiler" "$compiler" "$native" ""
        attempt "$compiler's kernels run" digests "$compiler" ""
        first=${first:-$compiler}
        compare "$compiler" "$native" "^$"
    else
        skip "$compiler's kernels agree" "$compiler is not installed"
    fi
done

cross=aarch64-linux-gnu-gcc
emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static)
if [ "$(uname -m)" = aarch64 ]; then
    skip "AArch64's kernels agree under qemu" "this is AArch64"
elif ! command -v $cross > /dev/null; then
    skip "AArch64's kernels agree under qemu" "$cross is not installed"
elif [ -z "$emulator" ]; then
    skip "AArch64's kernels agree under qemu" "qemu-aarch64 is not installed"
else
    attempt "$cross builds the kernels" build aarch64 $cross "scalar neon" -static
    attempt "AArch64's kernels run under qemu" digests aarch64 fewer "$emulator"
    compare aarch64 "scalar neon" "extreme flushed"
fi
finish

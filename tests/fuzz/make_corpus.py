#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seed inputs of fuzz_idx.c into corpus/idx: sound pairs, and each kind of damage."""

import gzip
import pathlib
import struct

ROWS, COLS, COUNT = 3, 5, 4


def images(count=COUNT, rows=ROWS, cols=COLS, magic=0x803):
    head = struct.pack(">IIII", magic, count, rows, cols)
    return head + bytes(i * 37 % 251 for i in range(COUNT * ROWS * COLS))


def labels(count=COUNT, magic=0x801):
    return struct.pack(">II", magic, count) + bytes(range(COUNT))


def packed(data):
    return gzip.compress(data, mtime=0)


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


HUGE = 0xFFFFFFFF
PAIRS = {
    "plain": (images(), labels()),
    "gzip": (packed(images()), packed(labels())),
    "mixed": (images(), packed(labels())),
    "empty_files": (b"", b""),
    "one_byte": (b"\0", b"\0"),
    "header_cut": (images()[:9], labels()),
    "data_cut": (images()[:-1], labels()),
    "labels_cut": (images(), labels()[:-1]),
    "trailing": (images() + b"\1", labels()),
    "wrong_magic": (images(magic=0xD03), labels()),
    "swapped": (labels(), images()),
    "no_images": (images(count=0)[:16], labels(count=0)[:8]),
    "counts_differ": (images(), labels(count=3)[:-1]),
    "huge": (images(HUGE, HUGE, HUGE), labels(HUGE)),
    "huge_gzip": (packed(images(HUGE, HUGE, HUGE)), packed(labels(HUGE))),
    "lying_gzip": (packed(images(rows=100)), packed(labels())),
    "gzip_cut": (packed(images())[:-5], packed(labels())),
    "gzip_damaged": (flipped(packed(images()), 30), packed(labels())),
    "gzip_checksum": (flipped(packed(images()), -8 + len(packed(images()))), packed(labels())),
    "gzip_followed": (packed(images()) + b"\1", packed(labels())),
}

if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "corpus" / "idx"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (first, second) in PAIRS.items():
        (folder / name).write_bytes(struct.pack("<H", len(first)) + first + second)

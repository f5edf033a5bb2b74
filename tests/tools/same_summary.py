#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares two summaries digit by digit, except for the fields that tell the time.

Usage: same_summary.py FIRST.json SECOND.json
"""

import json
import sys

CLOCKS = ("steps_per_second", "wall_s", "root_seconds")


def leaves(value, place=""):
    """Yields (place, leaf); numbers stay the text that was written."""
    if isinstance(value, dict):
        for key in value:
            if key not in CLOCKS:
                yield from leaves(value[key], f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{place}[{index}]")
    else:
        yield place.lstrip("."), value


def read(path):
    with open(path, encoding="utf-8") as file:
        summary = json.load(file, parse_float=str, parse_int=str)
    if not summary.get("runs"):
        sys.exit(f"{path}: no runs in the summary")
    return dict(leaves(summary))


def main():
    first, second = read(sys.argv[1]), read(sys.argv[2])
    different = [place for place in {**first, **second}
                 if (place in first, first.get(place)) != (place in second, second.get(place))]
    for place in different[:20]:
        print(f"{place}: {first.get(place)} | {second.get(place)}")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()

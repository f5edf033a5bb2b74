#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds every #include of the sources against the layer table in docs/design.md.

Usage: check_layers.py [TREE]
"""

import os
import re
import sys

import tap

CHECKED = ("include", "src", "cli", "examples")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
LIBC = set("""assert complex ctype dirent dlfcn errno fcntl fenv float ftw glob inttypes iso646
    langinfo limits locale math poll sched signal spawn stdalign stdarg stdatomic stdbool stddef
    stdint stdio stdlib stdnoreturn string strings tgmath termios time uchar unistd wchar wctype
    sys/auxv sys/ioctl sys/mman sys/resource sys/stat sys/statvfs sys/time sys/types sys/utsname
    sys/wait""".split())


class Layer:
    def __init__(self, folder, may_include, outside):
        self.folder, self.may_include, self.outside = folder, set(may_include), set(outside)


def read_table(tree):
    """The fenced block ```layers of docs/design.md: 'folder: folders | headers from outside'."""
    text = open(os.path.join(tree, "docs/design.md"), encoding="utf-8").read()
    block = re.search(r"^```layers\n(.*?)^```", text, re.M | re.S)
    assert block, "docs/design.md has no ```layers block"
    layers = []
    for line in block.group(1).splitlines():
        folder, colon, rest = line.partition(":")
        assert colon, f"docs/design.md: no colon in the layer '{line}'"
        inside, _, outside = rest.partition("|")
        layers.append(Layer(folder.strip(), inside.split(), outside.split()))
    return layers


def sources(tree):
    for top in CHECKED:
        for folder, folders, names in os.walk(os.path.join(tree, top)):
            folders.sort()
            for name in sorted(names):
                if name.endswith((".c", ".h", ".cu")):
                    yield os.path.relpath(os.path.join(folder, name), tree)


def layer_of(layers, path):
    return next((layer for layer in layers if path.startswith(layer.folder + "/")), None)


def target(tree, path, quoted, angled):
    """Where in the tree an include leads: a path, or None for a header from outside."""
    name = quoted or angled
    places = [os.path.join("src", name)]
    if quoted:
        places.insert(0, os.path.normpath(os.path.join(os.path.dirname(path), name)))
    if name.startswith("unsaddle/"):
        places = [os.path.join("include", name)]
    return next((p for p in places if os.path.exists(os.path.join(tree, p))), None)


def allowed(layer, found, name):
    if found is None:
        return re.sub(r"\.h$", "", name) in LIBC or name in layer.outside
    if found.startswith(layer.folder + "/"):
        return True
    if found.startswith("include/unsaddle/"):
        return "public" in layer.may_include or found[len("include/"):] in layer.may_include
    inside = found[len("src/"):]
    return inside.split("/")[0] in layer.may_include or inside in layer.may_include


def findings(tree):
    layers = read_table(tree)
    for path in sources(tree):
        layer = layer_of(layers, path)
        if layer is None:
            yield f"{path}: its folder has no row in the layer table of docs/design.md"
            continue
        for number, line in enumerate(open(os.path.join(tree, path), encoding="utf-8"), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            quoted, angled = include.groups()
            shown = f'"{quoted}"' if quoted else f"<{angled}>"
            if not allowed(layer, target(tree, path, quoted, angled), quoted or angled):
                yield f"{path}:{number}: {layer.folder} may not include {shown}"


def main():
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "../..")

    def check():
        assert any(True for _ in sources(tree)), "found no source to check"
        wrong = list(findings(tree))
        assert not wrong, "\n".join(wrong)

    tap.run([("every include keeps to the layer table of docs/design.md", check)])


if __name__ == "__main__":
    main()

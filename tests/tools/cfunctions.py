# SPDX-License-Identifier: MIT
"""Finds the functions of a C file by their braces. Not a parser: it needs code that compiles."""

import re

# Comments, strings and character constants, in the order in which they can hide each other.
HIDDEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w*)(?:[^\n\\]|\\.|\\\n)*", re.M)
LINKAGE = re.compile(r'extern\s*""\s*$')
PARENTHESES = re.compile(r"\([^()]*\)")
NOT_A_FUNCTION = re.compile(r"^\s*(typedef\b|(struct|union|enum)\b[^()]*$)|=")


def is_function(head):
    """True of the text before a brace if it has parentheses, and outside of them no '='."""
    bare = head
    while PARENTHESES.search(bare):
        bare = PARENTHESES.sub("", bare)
    return bare != head and not NOT_A_FUNCTION.search(bare + "()")


def blank(text):
    """The text with what can hide braces emptied, every newline in its place."""
    def emptied(match):
        ends = '""' if match.group(0)[0] == '"' else " "
        return ends + "\n" * match.group(0).count("\n")
    return HIDDEN.sub(emptied, text)


def tokens(text):
    """Yields (line, kind): a directive's name, a brace, ';', or the code between them."""
    line = 1
    for part in re.split(r"(^[ \t]*#(?:[^\n\\]|\\.|\\\n)*|[{};])", blank(text), flags=re.M):
        directive = DIRECTIVE.match(part)
        yield line, ("#" + directive.group(1)) if directive else part
        line += part.count("\n")


class Scanner:
    """Depth 0 is file level; a brace after a head that looks like a function's opens one."""

    def __init__(self):
        self.depth, self.head, self.start = 0, "", 0
        self.opened, self.linkage, self.branches, self.found = None, 0, [], []

    def directive(self, name):
        """The branches of an #if each close what they open: count the braces of one."""
        if name.startswith("#if"):
            self.branches.append(self.depth)
        elif name in ("#else", "#elif") and self.branches:
            self.depth = self.branches[-1]
        elif name == "#endif" and self.branches:
            self.branches.pop()

    def open(self):
        if self.depth == 0 and LINKAGE.search(self.head):
            self.linkage += 1
            self.head = ""
            return
        if self.depth == 0 and is_function(self.head):
            self.opened = (" ".join(self.head.split()), self.start)
        self.depth += 1

    def close(self, line):
        if self.depth == 0:
            self.linkage -= 1
            return
        self.depth -= 1
        if self.depth == 0:
            if self.opened:
                self.found.append((*self.opened, line))
            self.opened, self.head = None, ""

    def code(self, line, text):
        if self.depth == 0 and text.strip():
            if not self.head.strip():
                self.start = line + text[:len(text) - len(text.lstrip())].count("\n")
                self.head = ""
            self.head += text


def functions(text):
    """Returns [(head, first line, last line)] of the function definitions in a C source."""
    scan = Scanner()
    for line, token in tokens(text):
        if token.startswith("#"):
            scan.directive(token)
        elif token == "{":
            scan.open()
        elif token == "}":
            scan.close(line)
        elif token == ";":
            scan.head = scan.head if scan.depth else ""
        else:
            scan.code(line, token)
    if scan.depth or scan.linkage > 0:
        raise ValueError("braces do not balance")
    return scan.found

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves that the other checks can fail: each is given a small tree or library that breaks a rule."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile

import cfunctions
import tap

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: MIT */\n"
LAYERS = "```layers\nsrc/base: public | pthread.h\nsrc/opt: public base\ncli: public\n" \
         "src/report: unsaddle/run.h\n```\n"


@contextlib.contextmanager
def tree(files):
    with tempfile.TemporaryDirectory() as top:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8") as file:
                file.write(text)
        yield top


def output_of(script, *arguments):
    """Exit status and output of one of the checks."""
    done = subprocess.run([os.path.join(HERE, script), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def passes(script, *arguments):
    status, output = output_of(script, *arguments)
    assert status == 0, output


def fails(script, text, *arguments):
    status, output = output_of(script, *arguments)
    assert status != 0, f"passed:\n{output}"
    assert text in output, f"'{text}' is not in:\n{output}"


def layers(path, include):
    """A tree with one more include in one file."""
    files = {"docs/design.md": LAYERS, "src/base/base.h": SPDX, "src/opt/step.h": SPDX,
             "include/unsaddle/run.h": SPDX, "include/unsaddle/plan.h": SPDX,
             "src/opt/step.c": '#include "opt/step.h"\n#include "base/base.h"\n#include <math.h>\n',
             "src/base/pool.c": "#include <unsaddle/run.h>\n#include <pthread.h>\n"}
    files["docs/design.md"] = LAYERS.replace("layers\n", "layers\ninclude/unsaddle: public\n")
    files[path] = files.get(path, "") + include + "\n"
    return tree(files)


def test_layers_takes_what_the_table_allows():
    with layers("src/report/page.c", "#include <unsaddle/run.h>") as top:
        passes("check_layers.py", top)


def test_layers_refuses_an_include_upwards():
    with layers("src/base/base.h", '#  include "opt/step.h"') as top:
        fails("check_layers.py", 'src/base/base.h:2: src/base may not include "opt/step.h"', top)


def test_layers_refuses_a_detour_by_a_relative_path():
    with layers("src/base/base.h", '#include "../opt/step.h"') as top:
        fails("check_layers.py", "src/base/base.h:2", top)


def test_layers_refuses_an_internal_header_in_the_program():
    with layers("cli/main.c", '#include "base/base.h"') as top:
        fails("check_layers.py", "cli/main.c:1", top)


def test_layers_refuses_another_public_header_than_the_one_named():
    with layers("src/report/page.c", "#include <unsaddle/plan.h>") as top:
        fails("check_layers.py", "src/report/page.c:1", top)


def test_layers_refuses_a_library_that_is_not_named():
    with layers("src/opt/step.c", "#include <pthread.h>") as top:
        fails("check_layers.py", "src/opt/step.c:4", top)


def test_layers_refuses_a_folder_without_a_row():
    with layers("src/new/new.c", "#include <math.h>") as top:
        fails("check_layers.py", "src/new/new.c: its folder has no row", top)


def test_layers_refuses_an_empty_tree():
    with tree({"docs/design.md": LAYERS}) as top:
        fails("check_layers.py", "found no source", top)


def shaped(text, path="src/a.c"):
    return tree({path: text, ".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 4\n"})


def function(lines, name="f"):
    return f"void {name}(void) {{\n" + "    g();\n" * (lines - 2) + "}\n"


def test_shape_takes_a_good_file():
    with shaped(SPDX + function(15)) as top:
        passes("check_shape.py", top)


def test_shape_refuses_a_long_file():
    with shaped(SPDX + "extern int a;\n" * 600) as top:
        fails("check_shape.py", "src/a.c: 601 lines", top)


def test_shape_refuses_a_long_function():
    with shaped(SPDX + function(81)) as top:
        fails("check_shape.py", "src/a.c:2: 81 lines", top)


def test_shape_refuses_a_long_median():
    with shaped(SPDX + function(2, "a") + function(16, "b") + function(16, "c")) as top:
        fails("check_shape.py", "the median function has 16 lines", top)


def test_shape_refuses_bad_format():
    if not shutil.which("clang-format"):
        raise tap.Skip("clang-format is not installed")
    with shaped(SPDX + "int  a;\n") as top:
        fails("check_shape.py", "src/a.c:2:4", top)


def test_shape_refuses_a_missing_licence():
    with shaped("/* not said */\n" + SPDX) as top:
        fails("check_shape.py", "src/a.c:1: no SPDX", top)


def test_shape_refuses_leftovers():
    with shaped(SPDX + "/* TO" "DO: more */\n") as top:
        fails("check_shape.py", "src/a.c:2: 'TO" "DO'", top)
    with shaped(SPDX + "\n# if 0\n#endif\n") as top:
        fails("check_shape.py", "src/a.c:3: '# if 0'", top)


def test_shape_refuses_a_long_python_function():
    with shaped("# SPDX-License-Identifier: MIT\ndef f():\n" + "    pass\n" * 80, "tools/a.py") as top:
        fails("check_shape.py", "tools/a.py:2: 81 lines", top)


def test_the_function_finder_is_not_led_astray():
    source = """extern "C" {
static const struct a rows[] = {{"}", '}'}, {"{", 2}}; // }
struct b { int (*call)(int); };
#define OPEN(x) if (x) { \\
    {
#ifdef A
static inline int
one(int a) { /* } */
#else
static inline int one(long a) {
#endif
    return '{' + (struct c){.d = 1}.d;
}
__attribute__((unused)) struct b *two(void (*f)(int)) { return "\\"}"; }
Test(topic, name, .timeout = 3) {
}
}
"""
    found = [(first, last) for _, first, last in cfunctions.functions(source)]
    assert found == [(7, 13), (14, 14), (15, 16)], found


def library(core):
    """A folder with the two libraries, the core one made of the given C text."""
    with tree({"core.c": core, "run.c": "int uns_run(void) { return 0; }\n"}) as top:
        os.makedirs(f"{top}/src")
        for source, name in (("core", "libunsaddle"), ("run", "libunsaddle-run")):
            for command in (["gcc", "-fPIC", "-c", f"{source}.c"],
                            ["gcc", "-shared", f"{source}.o", "-o", f"src/{name}.so"],
                            ["ar", "rcs", f"src/{name}.a", f"{source}.o"]):
                subprocess.run(command, cwd=top, check=True)
        return output_of("check_symbols.sh", top)


def refuses(core, text):
    status, output = library(core)
    assert status != 0 and text in output, output


def test_symbols_takes_a_good_library():
    status, output = library('static const char *const names[] = {"a"};\n'
                             "const char *uns_name(void) { return names[0]; }\n")
    assert status == 0, output


def test_symbols_refuses_a_foreign_name():
    refuses("int helper(void) { return 1; }\n", "helper")


def test_symbols_refuses_printing():
    refuses('#include <stdio.h>\nvoid uns_a(int i) { printf("%d", i); }\n', "printf")
    refuses('#include <stdio.h>\nvoid uns_a(void) { printf("a\\n"); }\n', "puts")
    refuses('#include <stdio.h>\nvoid uns_a(int i) { fprintf(stderr, "%d", i); }\n', "stderr")


def test_symbols_refuses_to_end_the_process():
    refuses("#include <stdlib.h>\nvoid uns_a(void) { abort(); }\n", "abort")


def test_symbols_refuses_the_environment():
    refuses('#include <stdlib.h>\nchar *uns_a(void) { return getenv("A"); }\n', "getenv")


def test_symbols_refuses_mutable_globals():
    for text in ("static int count;", "static int count = 3;", "static _Thread_local int count;"):
        refuses(text + "\nint uns_a(void) { return count++; }\n", "count")


def test_headers_refuses_one_that_needs_another():
    with tree({"include/unsaddle/a.h": "uns_missing f(void);\n"}) as top:
        fails("check_headers.sh", "not ok - gcc takes a.h alone as c11", top)


def test_headers_refuses_one_that_is_not_cplusplus():
    with tree({"include/unsaddle/a.h": "#ifndef A\n#define A\nvoid f(int class);\n#endif\n"}) as top:
        fails("check_headers.sh", "not ok - g++ takes a.h alone as c++17", top)


def compared(first, second):
    with tree({"a.json": first, "b.json": second}) as top:
        return output_of("same_summary.py", f"{top}/a.json", f"{top}/b.json")


def test_summaries_may_differ_in_the_clock_alone():
    one = '{"runs": [{"floor": {"mean": 0.1}, "wall_s": 1.0, "steps_per_second": 3}]}'
    status, output = compared(one, one.replace("1.0", "2.0").replace("3", "4"))
    assert status == 0, output
    status, output = compared(one, one.replace("0.1", "0.10000000000000002"))
    assert status != 0 and "runs[0].floor.mean: 0.1 | 0.10000000000000002" in output, output
    status, output = compared(one, one.replace('"floor": {"mean": 0.1}, ', ""))
    assert status != 0 and "runs[0].floor.mean" in output, output
    status, output = compared('{"runs": []}', '{"runs": []}')
    assert status != 0 and "no runs" in output, output


def set_up(lacking, apt_get):
    """tools/setup where one command is not there, with a given apt-get (None: none at all)."""
    with tree({"bin/id": "#!/bin/sh\necho 0\n"}) as top:
        if apt_get:
            with open(f"{top}/bin/apt-get", "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{apt_get}\n")
        for name in ("sh", "gcc", "g++", "make", "python3", "ninja", "meson", "pkg-config"):
            if name != lacking:
                os.symlink(shutil.which(name), f"{top}/bin/{name}")
        for name in os.listdir(f"{top}/bin"):
            if not os.path.islink(f"{top}/bin/{name}"):
                os.chmod(f"{top}/bin/{name}", 0o755)
        done = subprocess.run([f"{HERE}/../../tools/setup"], env={"PATH": f"{top}/bin"}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return done.returncode, done.stdout


def test_setup_does_nothing_when_nothing_is_missing():
    status, output = set_up(None, "echo apt-get was called")
    assert (status, output) == (0, ""), output


def test_setup_installs_what_is_missing_and_nothing_else():
    status, output = set_up("meson", 'echo "called: $*"')
    assert status == 0 and "called: install -y --no-install-recommends meson\n" in output, output


def test_setup_prints_the_line_and_stops_without_apt():
    status, output = set_up("meson", None)
    assert status == 1 and "apt-get install -y --no-install-recommends meson\n" in output, output


def test_setup_stops_when_apt_fails():
    status, output = set_up("meson", "exit 100")
    assert status == 1 and "apt-get did not succeed" in output, output


if __name__ == "__main__":
    tap.run(tap.functions(sys.modules[__name__]))

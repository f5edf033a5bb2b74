#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares optimizer steps with PyTorch's, in turns, in one process, and writes a table.

Not a test: it judges nothing. Both sides get the same number of threads, the same tensors and
OPENBLAS_CORETYPE. PyTorch runs with foreach=True and without, and the faster of the two counts.
Times are ns a parameter, the best of many turns; the ratio is the median over turns.

Usage: compare_torch.py BUILD [--seconds S] [--markdown docs/performance.md]
"""

import argparse
import ctypes
import os
import statistics
import sys
import time

LAYOUTS = ((1000, 10_000), (1, 1_000_000), (1000, 100))
BEGIN, END = "<!-- torch: begin -->", "<!-- torch: end -->"


def cpu_flags():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("flags"):
                return line.split()
    return []


# Debian's OpenBLAS takes newer processors for old ones unless it is told; before torch loads it.
os.environ.setdefault("OPENBLAS_CORETYPE",
                      "SkylakeX" if "avx512f" in cpu_flags() else "Haswell")
try:
    import torch
except ImportError:
    sys.exit("compare_torch: PyTorch is not installed here (Debian: python3-torch)")


class ContextConfig(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("allocate", ctypes.c_void_p),
                ("release", ctypes.c_void_p), ("user", ctypes.c_void_p),
                ("threads", ctypes.c_int), ("isa", ctypes.c_uint)]


class Block(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("rows", ctypes.c_size_t), ("cols", ctypes.c_size_t),
                ("group", ctypes.c_size_t)]


class LayoutConfig(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("dtype", ctypes.c_int),
                ("replicas", ctypes.c_size_t), ("count", ctypes.c_size_t),
                ("blocks", ctypes.POINTER(Block))]


class OptimizerConfig(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("layout", ctypes.c_void_p),
                ("count", ctypes.c_size_t), ("specs", ctypes.c_void_p),
                ("oracle_self", ctypes.c_void_p), ("oracle", ctypes.c_void_p),
                ("seed", ctypes.c_uint64)]


class Tensors(ctypes.Structure):
    _fields_ = [("data", ctypes.POINTER(ctypes.c_void_p)), ("count", ctypes.c_size_t)]


class Unsaddle:
    """One optimizer on the parameters of a list of torch tensors."""

    def __init__(self, library, preset, values, parameters, threads):
        self.library, self.context = library, ctypes.c_void_p()
        config = ContextConfig(size=ctypes.sizeof(ContextConfig), threads=threads)
        self.must(library.uns_context_create(ctypes.byref(config), ctypes.byref(self.context)))
        blocks = (Block * len(parameters))(*[Block(None, p.numel(), 1, 0) for p in parameters])
        layout = LayoutConfig(ctypes.sizeof(LayoutConfig), 0, 1, len(parameters), blocks)
        self.layout, self.optimizer = ctypes.c_void_p(), ctypes.c_void_p()
        self.must(library.uns_layout_create(self.context, ctypes.byref(layout),
                                            ctypes.byref(self.layout)))
        spec = self.spec(preset, values)
        optimizer = OptimizerConfig(size=ctypes.sizeof(OptimizerConfig), layout=self.layout,
                                    count=1, specs=ctypes.addressof(spec))
        self.must(library.uns_optimizer_create(self.context, ctypes.byref(optimizer),
                                               ctypes.byref(self.optimizer)))
        pointers = ctypes.c_void_p * len(parameters)
        self.x = Tensors(pointers(*[p.data_ptr() for p in parameters]), len(parameters))
        self.g = Tensors(pointers(*[p.grad.data_ptr() for p in parameters]), len(parameters))

    def spec(self, preset, values):
        """A spec as bytes: its size stands in its parameter table, third word."""
        self.library.uns_spec_table.restype = ctypes.POINTER(ctypes.c_size_t)
        table = self.library.uns_spec_table()
        spec = ctypes.create_string_buffer(table[1] + 64)
        self.must(self.library.uns_spec_preset(self.context, preset.encode(), spec))
        self.must(self.library.uns_param_assign(self.context, table, spec, values.encode()))
        return spec

    def must(self, status):
        if status != 0:
            self.library.uns_context_message.restype = ctypes.c_char_p
            sys.exit(f"compare_torch: {self.library.uns_context_message(self.context).decode()}")

    def step(self):
        self.must(self.library.uns_optimizer_step(self.optimizer, self.x, self.g))

    def close(self):
        self.library.uns_optimizer_destroy(self.optimizer)
        self.library.uns_layout_destroy(self.layout)
        self.library.uns_context_destroy(self.context)


# Preset, its values, and the same method of torch.optim.
METHODS = (
    ("adamw", "eta=1e-3 weight_decay=1e-2",
     lambda p, **k: torch.optim.AdamW(p, lr=1e-3, weight_decay=1e-2, **k)),
    ("rmsprop", "eta=1e-3", lambda p, **k: torch.optim.RMSprop(p, lr=1e-3, **k)),
    ("momentum", "eta=1e-3 mu=0.9",
     lambda p, **k: torch.optim.SGD(p, lr=1e-3, momentum=0.9, **k)),
)


def tensors(count, length):
    torch.manual_seed(0)
    made = []
    for _ in range(count):
        p = torch.nn.Parameter(torch.rand(length) - 0.5)
        p.grad = torch.rand(length) - 0.5
        made.append(p)
    return made


def timed(step, repeat):
    began = time.perf_counter()
    for _ in range(repeat):
        step()
    return (time.perf_counter() - began) / repeat


def take_turns(sides, elements, seconds):
    """{name: [ns a parameter by turn]}; a turn lasts at least a millisecond a side."""
    times = {name: [] for name in sides}
    repeats = {}
    for name, step in sides.items():
        step()
        repeats[name] = max(1, int(1e-3 / timed(step, 1)))
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(times["unsaddle"]) < 5:
        for name, step in sides.items():
            times[name].append(1e9 * timed(step, repeats[name]) / elements)
    return times


def compare(library, method, layout, threads, seconds):
    """One row: (best of torch, of ours, of ours checked, median ratio, median ratio checked)."""
    preset, values, make = method
    torch.set_num_threads(threads)
    theirs = tensors(*layout)
    ours = tensors(*layout)
    plain = Unsaddle(library, preset, values + " nonfinite=ignore", ours, threads)
    checked = Unsaddle(library, preset, values, ours, threads)
    sides = {"foreach": make(theirs, foreach=True).step, "single": make(theirs, foreach=False).step,
             "unsaddle": plain.step, "checked": checked.step}
    times = take_turns(sides, layout[0] * layout[1], seconds)
    plain.close()
    checked.close()
    torch_times = min(times["foreach"], times["single"], key=statistics.median)
    ratios = [[mine / other for mine, other in zip(times[name], torch_times)]
              for name in ("unsaddle", "checked")]
    return (min(torch_times), min(times["unsaddle"]), min(times["checked"]),
            *(statistics.median(r) for r in ratios))


def print_count(n):
    for size, unit in ((10**6, "M"), (10**3, "k")):
        if n >= size and n % size == 0:
            return f"{n // size}{unit}"
    return str(n)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), "unknown")
    vector = "AVX-512" if "avx512f" in cpu_flags() else "AVX2" if "avx2" in cpu_flags() else "scalar"
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return (f"{model}, {os.cpu_count()} cores, {vector}; PyTorch {torch.__version__}, "
            f"OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']}; load averages at the end "
            f"{load}; {time.strftime('%Y-%m-%d', time.gmtime())}")


def table(rows):
    lines = ["| method | layout | threads | PyTorch | unsaddle | checked | ratio | checked |",
             "|---|---|---|---|---|---|---|---|"]
    for preset, layout, threads, (theirs, ours, checked, ratio, ratio_checked) in rows:
        lines.append(f"| {preset} | {print_count(layout[0])} × {print_count(layout[1])} | {threads} "
                     f"| {theirs:.3f} | {ours:.3f} | {checked:.3f} | {ratio:.2f} "
                     f"| {ratio_checked:.2f} |")
    return "\n".join(lines)


def write_between(path, text):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="a build folder with src/libunsaddle.so")
    parser.add_argument("--seconds", type=float, default=5, help="of timing a row")
    parser.add_argument("--largest", type=int, default=100_000_000,
                        help="parameters of the first layout, a single tensor")
    parser.add_argument("--markdown", help="the page whose torch table is replaced")
    arguments = parser.parse_args()
    library = ctypes.CDLL(os.path.join(arguments.build, "src", "libunsaddle.so"))
    rows = []
    for layout in ((1, arguments.largest), *LAYOUTS):
        for method in METHODS:
            for threads in sorted({1, min(2, os.cpu_count())}):
                row = compare(library, method, layout, threads, arguments.seconds)
                rows.append((method[0], layout, threads, row))
                print(table(rows[-1:]).splitlines()[-1], flush=True)
    text = f"{machine()}\n\n{table(rows)}"
    if arguments.markdown:
        write_between(arguments.markdown, text)
    else:
        print(f"\n{text}")


if __name__ == "__main__":
    main()

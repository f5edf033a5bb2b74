#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Loss against steps and seconds for the structures of second moments, on two problems.

Not a test: it judges nothing. Each method runs over a grid of step sizes; the one with the least
final value counts and runs anew, all methods in turns, for the times. A cell has one thread.

Usage: compare_structures.py BUILD [--mnist FOLDER] [--markdown docs/performance.md]
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile

TURNS = 3
BEGIN, END = "<!-- structures: begin -->", "<!-- structures: end -->"
METHODS = {
    "softmax": (
        ("none", "sgd", (0.03, 0.1, 0.3, 1.0), {}),
        ("diagonal", "rmsprop", (1e-3, 3e-3, 1e-2), {}),
        ("diagonal, momentum", "adam", (1e-3, 3e-3, 1e-2), {}),
        ("block, 128", "rmsprop-block", (1e-3, 3e-3), {"structure.cap": 128}),
        ("Kronecker", "shampoo", (1e-2, 3e-2, 1e-1), {}),
        ("Kronecker eigenbasis", "soap", (1e-3, 3e-3, 1e-2), {}),
        ("low rank, window 100", "ggt", (3e-3, 1e-2, 3e-2), {}),
    ),
    "matrix-factorization": (
        ("none", "sgd", (0.1, 0.3, 1.0), {}),
        ("diagonal", "rmsprop", (3e-4, 1e-3, 3e-3, 1e-2), {}),
        ("diagonal, momentum", "adam", (3e-4, 1e-3, 3e-3, 1e-2), {}),
        ("block, a column", "rmsprop-block", (3e-4, 1e-3, 3e-3, 1e-2), {"structure.block": 20}),
        ("full", "rmsprop-full", (3e-4, 1e-3, 3e-3, 1e-2), {}),
        ("Kronecker", "shampoo", (1e-3, 3e-3, 1e-2, 3e-2), {}),
        ("Kronecker eigenbasis", "soap", (3e-4, 1e-3, 3e-3, 1e-2), {}),
        ("low rank, window 100", "ggt", (3e-4, 1e-3, 3e-3, 1e-2), {}),
    ),
}


def flow(values):
    return "{" + ", ".join(f"{key}: {value}" for key, value in values.items()) + "}"


def run(build, problem, cells):
    """Returns [(label, [(step, value)], final value, seconds)] of the cells, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        plan = os.path.join(folder, "plan.yaml")
        lines = [f"{key}: {value}" for key, value in problem.items()] + ["optimizers:"]
        lines += [f"  - {name}: {flow(values)}" for name, values in cells]
        with open(plan, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        record = os.path.join(folder, "record")
        command = [os.path.join(build, "unsaddle"), "run", plan, "--out", record, "--quiet"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode not in (0, 3):
            sys.exit(f"compare_structures: {done.stderr.strip()}")
        return read(record)


def read(record):
    with open(os.path.join(record, "summary.json"), encoding="utf-8") as file:
        cells = json.load(file)["runs"]
    curves = {}
    with open(os.path.join(record, "metrics.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["value"]:
                curves.setdefault(row["label"], []).append((int(row["step"]), float(row["value"])))
    return [(cell["label"], curves.get(cell["label"], []), cell["final"]["value"], cell["wall_s"])
            for cell in cells]


def best_of_grid(build, problem, method):
    _, name, etas, values = method
    cells = run(build, problem, [(name, {"eta": eta, **values}) for eta in etas])
    finals = [(cell[2], eta) for cell, eta in zip(cells, etas) if cell[2] is not None]
    if not finals:
        sys.exit(f"compare_structures: {name} diverged at every step size")
    return min(finals)[1]


def value_at(curve, step):
    return next((value for at, value in curve if at >= step), curve[-1][1])


def first_below(curve, level):
    return next((step for step, value in curve if value <= level), None)


def rows(build, problem, methods):
    etas = [best_of_grid(build, problem, method) for method in methods]
    turns = [[run(build, problem, [(name, {"eta": eta, **values})])[0]
              for (_, name, _, values), eta in zip(methods, etas)] for _ in range(TURNS)]
    steps = problem["steps"]
    level = next(cell[2] for cell, method in zip(turns[0], methods) if method[0] == "diagonal")
    for index, ((title, name, _, _), eta) in enumerate(zip(methods, etas)):
        curve, final = turns[0][index][1:3]
        seconds = min(turn[index][3] for turn in turns)
        reached = first_below(curve, level)
        yield (title, name, f"{eta:g}", f"{value_at(curve, steps // 10):.4g}",
               f"{value_at(curve, steps // 3):.4g}", f"{final:.4g}", f"{seconds:.2f}",
               "–" if reached is None else f"{reached:,}",
               "–" if reached is None else f"{seconds * reached / steps:.2f}")


def table(build, problem, methods, title):
    steps = problem["steps"]
    head = ("second moment", "preset", "η", f"loss at {steps // 10:,}", f"at {steps // 3:,}",
            f"at {steps:,}", "seconds", "steps to the diagonal's loss", "seconds to it")
    lines = [f"### {title}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows(build, problem, methods)]
    return "\n".join(lines) + "\n"


def write(path, text):
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n{text}{END}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--mnist", help="folder of the four files; drawn digits without it")
    parser.add_argument("--markdown", help="the file whose part between the marks is replaced")
    arguments = parser.parse_args()
    mnist = arguments.mnist
    data = f"data: idx, path: {os.path.abspath(mnist)}" if mnist else "data: glyphs"
    common = {"seed": 1, "threads": 1, "records": 100}
    softmax = {"problem": f"{{name: softmax, {data}}}", "steps": 1500, "batch": 128, **common}
    factors = {"problem": "{name: matrix-factorization, n: 20, rank: 3, noise: 0.1}",
               "steps": 6000, "batch": 16, "replicas": 4, **common}
    name = "MNIST" if mnist else "drawn digits"
    text = table(arguments.build, softmax, METHODS["softmax"],
                 f"Softmax regression on {name}, batch 128")
    text += "\n" + table(arguments.build, factors, METHODS["matrix-factorization"],
                         "Matrix factorization, 20 × 20 of rank 3, batch 16, 4 replicas")
    print(text)
    if arguments.markdown:
        write(arguments.markdown, text)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/dense_references.json: trajectories of the methods by a whole matrix.

Straightforward numpy loops (eigh at every step) written from the equations, which share nothing
with the library:
  full RMSProp   Staib, Reddi, Kale, Kumar, Sra 2019: x <- x - eta (G + eps I)^(-1/2) g with
                 G <- beta G + (1 - beta) g g', beta = 1 - C eta^(2/3); centred: G - m m'
  full AdaGrad   Duchi, Hazan, Singer 2011: x <- x - eta (delta I + S^(1/2))^-1 g, S the sum
  full Adam      Kingma, Ba 2015 with the same matrix, bias-corrected
The gradients do not depend on x, so nothing is chaotic; 40 of them are observed before the first
move where a case says so. Blocks: a (rows x 3) and b (a vector of 4), in one matrix or one each.

Run:  /usr/bin/python3 tests/tools/dense_references.py [OUTPUT]
"""
import json
import os
import sys

import numpy as np

STEPS = 60
BURN_IN = 40
RECORDED = [1, 2, 5, 20, 60]
ROWS = [1, 5]  # d = 7 and d = 19
SCALES = [1.0, 0.1, 3.0, 0.01, 0.3]


def gradients(rows):
    d = 3 * rows + 4
    rng = np.random.default_rng(20190124 + rows)
    mix = rng.normal(size=(d, d))
    scales = np.array([SCALES[i % len(SCALES)] for i in range(d)])
    return np.round(scales * (rng.normal(size=(BURN_IN + STEPS, d)) @ mix + 0.3), 9)


def of_eigenvalues(matrix, function):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * function(np.maximum(values, 0.0))) @ vectors.T


class Rmsprop:
    """p: the exponent; form: where eps stands."""

    def __init__(self, d, eta, eps, beta=None, p=0.5, form="inside", centred=False):
        self.eta, self.eps, self.p, self.form, self.centred = eta, eps, p, form, centred
        self.beta = 1 - eta**(2 / 3) if beta is None else beta
        self.g, self.m = np.zeros((d, d)), np.zeros(d)

    def observe(self, g):
        self.g = self.beta * self.g + (1 - self.beta) * np.outer(g, g)
        self.m = self.beta * self.m + (1 - self.beta) * g

    def step(self, g):
        second = self.g - np.outer(self.m, self.m) if self.centred else self.g
        if self.form == "inside":
            root = of_eigenvalues(second, lambda v: (v + self.eps)**-self.p)
        else:
            root = of_eigenvalues(second, lambda v: 1 / (v**self.p + self.eps))
        return -self.eta * root @ g


class Adagrad:
    def __init__(self, d, eta, delta):
        self.eta, self.delta, self.s = eta, delta, np.zeros((d, d))

    def observe(self, g):
        self.s += np.outer(g, g)

    def step(self, g):
        return -self.eta * of_eigenvalues(self.s, lambda v: 1 / (np.sqrt(v) + self.delta)) @ g


class Adam:
    def __init__(self, d, eta, beta1, beta2, eps):
        self.eta, self.beta1, self.beta2, self.eps = eta, beta1, beta2, eps
        self.m, self.v, self.seen, self.moved = np.zeros(d), np.zeros((d, d)), 0, 0

    def observe(self, g):
        self.seen += 1
        self.v = self.beta2 * self.v + (1 - self.beta2) * np.outer(g, g)

    def step(self, g):
        self.moved += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        m_hat = self.m / (1 - self.beta1**self.moved)
        v_hat = self.v / (1 - self.beta2**self.seen)
        return -self.eta * of_eigenvalues(v_hat, lambda v: 1 / (np.sqrt(v) + self.eps)) @ m_hat


def run(preset, values, burn_in, rule, cut=False, **options):
    """cut: a matrix for each block of its own."""
    cases = []
    for rows in ROWS:
        d, first = 3 * rows + 4, 3 * rows
        pieces = [slice(0, first), slice(first, d)] if cut else [slice(0, d)]
        rules = [rule(p.stop - p.start, **options) for p in pieces]
        x, trajectory, all_g = np.zeros(d), {}, gradients(rows)
        for g in all_g[:burn_in]:
            for one, piece in zip(rules, pieces):
                one.observe(g[piece])
        for t in range(1, STEPS + 1):
            g = all_g[BURN_IN + t - 1]
            for one, piece in zip(rules, pieces):
                one.observe(g[piece])
                x[piece] += one.step(g[piece])
            trajectory[t] = x.copy()
        assert np.isfinite(x).all()
        cases.append({"rows": rows, "x": [list(trajectory[t]) for t in RECORDED]})
    shown = ", ".join(f"{k}={v}" for k, v in options.items())
    return {"preset": preset, "values": values, "burn_in": burn_in,
            "oracle": f"published: {rule.__name__}({shown})", "runs": cases}


def main():
    cases = [
        run("rmsprop-full", "eta=0.01 refresh=1", BURN_IN, Rmsprop, eta=0.01, eps=1e-8),
        run("rmsprop-full", "eta=0.01 refresh=1 epsilon=1e-2", 0, Rmsprop, eta=0.01, eps=1e-2),
        run("rmsprop-full", "eta=0.01 refresh=1 centred=true epsilon=1e-4", BURN_IN, Rmsprop,
            eta=0.01, eps=1e-4, centred=True),
        run("rmsprop-full", "eta=0.01 refresh=1 exponent=0.75 epsilon=1e-3 epsilon.form=outside",
            BURN_IN, Rmsprop, eta=0.01, eps=1e-3, p=0.75, form="outside"),
        run("rmsprop-full", "eta=0.01 refresh=1 exponent=1 epsilon=1e-3", BURN_IN, Rmsprop,
            eta=0.01, eps=1e-3, p=1.0),
        run("rmsprop-block", "eta=0.01 refresh=1", BURN_IN, Rmsprop, True, eta=0.01, eps=1e-8),
        run("adagrad-full", "refresh=1 damping=0 epsilon=1e-3", BURN_IN, Adagrad, eta=0.01,
            delta=1e-3),
        run("adam-full", "refresh=1 damping=0 epsilon=1e-3", BURN_IN, Adam, eta=0.001, beta1=0.9,
            beta2=0.999, eps=1e-3),
        run("adam-full", "refresh=1 damping=0 eta=0.01 beta=0.95 epsilon=1e-6", BURN_IN, Adam,
            eta=0.01, beta1=0.9, beta2=0.95, eps=1e-6),
    ]
    here = os.path.dirname(os.path.abspath(__file__))
    output = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here,
                                                                "../golden/dense_references.json")
    head = {"made_by": "tests/tools/dense_references.py", "numpy": np.__version__,
            "steps": RECORDED, "observed": BURN_IN,
            "gradients": [{"rows": rows, "g": [list(g) for g in gradients(rows)]}
                          for rows in ROWS]}
    with open(output, "w", encoding="utf-8") as file:
        file.write(json.dumps(head)[:-1] + ',\n"cases": [\n')
        file.write(",\n".join(json.dumps(case) for case in cases))
        file.write("\n]}\n")


if __name__ == "__main__":
    main()

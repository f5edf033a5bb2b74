#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/ggt_reference.json: trajectories of the low-rank methods.

Dense loops written from the publications, which share nothing with the library:
  window  GGT (Agarwal, Bullins, Chen, Hazan, Singh, Zhang, Zhang 2019): the columns of G_t are
          beta^k g_{t-k}, k = 0 ... W-1, and x <- x - eta [(G G')^{1/2} + eps I]^{-1} u; roots by
          the singular values of G, so that nothing is squared
  sketch  frequent directions with a fading memory (Liberty 2013; robust: Luo, Chen, Zhang, Li,
          Zhang 2019): r columns; when all are taken the larger half of the singular directions
          stays, the squared values less sigma. C = B B' + delta I, its root by eigh
The rules of the library that no publication has are restated in words of Python: which half stays,
sigma and delta of the complement "mean", and that a silent block counts as a gradient of 0.

All cases see the same gradients, a fixed sequence that does not depend on x, so that nothing is
chaotic. Blocks: a (6 x 5) and b (10). With "absent", b has no gradient at steps t with
t % 4 == 3. A centred C is 0 after the first step, up to rounding, and of what is less than D
2^-52 of the largest eigenvalue before centring nothing is known: it counts as 0.

Run:  /usr/bin/python3 tests/tools/ggt_reference.py [OUTPUT]
"""
import json
import os
import sys

import numpy as np

STEPS = 200
RECORDED = [1, 2, 5, 9, 20, 80, 200]
SEED = 20180608
MULTIPLIER, ADDEND = 6364136223846793005, 1442695040888963407
SCALES = [0.05, 0.1, 0.2, 0.03, 0.15, 0.025, 0.3]
DRIFT = 0.3
CUT, D = 30, 40
CASES = []


def gradients():
    """g[t][i] = scale_{i mod 7} * (+-0.3 + (2u - 1)), u from a 64-bit linear congruence; then a
    running sum over i, so that no direction is an axis."""
    state, rows = SEED, []
    for _ in range(STEPS):
        row = []
        for i in range(D):
            state = (state * MULTIPLIER + ADDEND) % 2**64
            u = (state >> 11) * 2.0**-53
            drift = DRIFT if i % 2 == 0 else -DRIFT
            own = SCALES[i % len(SCALES)] * (drift + (2.0 * u - 1.0))
            row.append(own + 0.5 * row[-1] if row else own)
        rows.append(row)
    return np.array(rows)


GRADIENTS = gradients()
START = 0.5 - 0.25 * (np.arange(D) % 5)


def present(t, absent):
    """Mask of the coordinates that have a gradient at step t = 1, 2, ..."""
    mask = np.ones(D, dtype=bool)
    if absent and t % 4 == 3:
        mask[CUT:] = False
    return mask


def root(values, p, eps, form, c):
    """R as a function of the eigenvalues of the uncorrected C; 0 where it would be 1/0."""
    if form == "inside":
        below = (c * values + eps)**p
    elif form == "outside":
        below = (c * values)**p + eps
    else:
        below = c**p * (values**p + eps)
    return np.divide(1.0, below, out=np.zeros_like(below), where=below > 0)


class Window:
    def __init__(self, window, beta=1.0, corrected=False):
        self.window, self.beta, self.corrected, self.past = window, beta, corrected, []

    def observe(self, s):
        self.past = [s] + self.past[:self.window - 1]

    def direction(self, u, p, eps, form):
        columns = np.array([self.beta**k * s for k, s in enumerate(self.past)]).T
        weights = [self.beta**(2 * k) for k in range(len(self.past))]
        c = 1.0 / sum(weights) if self.corrected else 1.0
        left, singular, _ = np.linalg.svd(columns, full_matrices=True)
        values = np.zeros(D)
        values[:len(singular)] = np.where(singular > 1e-12 * singular[0], singular, 0.0)**2
        return left @ (root(values, p, eps, form, c) * (left.T @ u))


class Sketch:
    def __init__(self, rank, beta, complement, initial=0.0, centred=False):
        self.rank, self.beta, self.complement = rank, beta, complement
        self.delta, self.centred = initial, centred
        self.columns, self.mean, self.t = np.zeros((D, 0)), np.zeros(D), 0

    def shrink(self):
        left, singular, _ = np.linalg.svd(self.columns, full_matrices=False)
        squares, keep = singular**2, self.rank // 2
        if self.complement == "mean":
            sigma = squares[keep:].sum() / (D - keep)
            added = sigma
        else:
            sigma = squares[keep]
            added = 0.5 * sigma if self.complement == "robust" else 0.0
        self.columns = left[:, :keep] * np.sqrt(squares[:keep] - sigma)
        self.delta += added

    def observe(self, s):
        self.t += 1
        if self.columns.shape[1] == self.rank:
            self.shrink()
        fresh = np.sqrt(1.0 - self.beta) * s
        self.columns = np.column_stack([np.sqrt(self.beta) * self.columns, fresh])
        self.delta *= self.beta
        self.mean = self.beta * self.mean + (1.0 - self.beta) * s

    def direction(self, u, p, eps, form, corrected=True):
        c = 1.0 / (1.0 - self.beta**self.t) if corrected else 1.0
        moment = self.columns @ self.columns.T
        largest = np.linalg.eigvalsh(moment)[-1]
        if self.centred:
            moment = c * moment - np.outer(c * self.mean, c * self.mean)
            largest *= c
        values, vectors = np.linalg.eigh(moment)
        values = np.where(values > D * 2.0**-52 * largest, values, 0.0)
        if self.centred:
            values, c = values + c * self.delta, 1.0
        else:
            values = values + self.delta
        return vectors @ (root(values, p, eps, form, c) * (vectors.T @ u))


def run(name, preset, values, estimator, eta, mu=0.0, ema=False, p=0.5, eps=1e-4,
        form="outside", absent=False, last=False):
    """mu: heavy-ball momentum m <- mu m + g before the root (last: behind it), or Adam's."""
    x, m, trajectory = START.copy(), np.zeros(D), {}
    for t in range(1, STEPS + 1):
        there = present(t, absent)
        g = np.where(there, GRADIENTS[t - 1], 0.0)
        estimator.observe(g)
        take = 1.0 - mu if ema else 1.0
        if not last:
            m = np.where(there, mu * m + take * g, m)
        u = np.where(there, g if last else m / (1.0 - mu**t) if ema else m, 0.0)
        d = estimator.direction(u, p, eps, form)
        if last:
            m = np.where(there, mu * m + d, m)
            d = m
        x = np.where(there, x - eta * d, x)
        if t in RECORDED:
            trajectory[t] = x.copy()
    assert all(np.isfinite(v).all() for v in trajectory.values()), name
    CASES.append({"name": name, "preset": preset, "values": values, "absent": absent,
                  "x": [[float(v) for v in trajectory[t]] for t in RECORDED]})


def windows():
    run("GGT as it comes", "ggt", "", Window(100), 1e-3, mu=0.9)
    run("GGT, fading, narrow", "ggt", "structure.window=8 beta=0.9", Window(8, 0.9), 1e-3, mu=0.9)
    run("GGT, narrow", "ggt", "structure.window=12", Window(12), 1e-3, mu=0.9)
    run("GGT, nearly as wide as x", "ggt", "structure.window=36 beta=0.95", Window(36, 0.95), 1e-3, mu=0.9)
    run("GGT, a little wider", "ggt", "structure.window=48", Window(48), 1e-3, mu=0.9)
    run("GGT without momentum", "ggt", "momentum=none mu=0 structure.window=10 beta=0.8",
        Window(10, 0.8), 1e-3)
    run("GGT, momentum last", "ggt", "momentum.at=last structure.window=10", Window(10), 1e-3,
        mu=0.9, last=True)
    run("GGT, epsilon inside", "ggt",
        "structure.window=10 epsilon=1e-2 epsilon.form=inside", Window(10), 1e-3, mu=0.9,
        eps=1e-2, form="inside")
    run("GGT, exponent 1/4, mean of the window", "ggt",
        "structure.window=10 exponent=0.25 bias_correction=true epsilon=1e-3",
        Window(10, 1.0, True), 1e-3, mu=0.9, p=0.25, eps=1e-3)
    run("GGT, exponent 1, fading mean, wide", "ggt",
        "structure.window=60 beta=0.97 exponent=1 bias_correction=true epsilon=1e-2 "
        "epsilon.form=inside", Window(60, 0.97, True), 1e-3, mu=0.9, p=1.0, eps=1e-2,
        form="inside")
    run("GGT, a pseudoinverse", "ggt", "structure.window=10 epsilon=0", Window(10), 1e-3, mu=0.9,
        eps=0.0)
    run("GGT, uncorrected form", "ggt",
        "structure.window=10 bias_correction=true epsilon.form=uncorrected epsilon=1e-3",
        Window(10, 1.0, True), 1e-3, mu=0.9, eps=1e-3, form="uncorrected")
    run("GGT, absent", "ggt", "structure.window=10 beta=0.9", Window(10, 0.9), 1e-3, mu=0.9,
        absent=True)
    run("GGT, absent, wide", "ggt", "structure.window=50 beta=0.9", Window(50, 0.9), 1e-3, mu=0.9,
        absent=True)


def sketches():
    for complement in ["mean", "robust", "none"]:
        run("sketch, " + complement, "adam",
            "structure=lowrank structure.rank=10 structure.complement=" + complement +
            " beta=0.95 epsilon=1e-2", Sketch(10, 0.95, complement), 1e-3, mu=0.9, ema=True,
            eps=1e-2)
    run("sketch, odd rank, inside, initial", "adam",
        "structure=lowrank structure.rank=7 beta=0.95 epsilon=1e-3 epsilon.form=inside "
        "initial=0.1", Sketch(7, 0.95, "mean", 0.1), 1e-3, mu=0.9, ema=True, eps=1e-3,
        form="inside")
    run("sketch, one column", "adam", "structure=lowrank structure.rank=1 beta=0.95 epsilon=1e-2",
        Sketch(1, 0.95, "mean"), 1e-3, mu=0.9, ema=True, eps=1e-2)
    run("sketch that holds all", "adam",
        "structure=lowrank structure.rank=40 beta=0.95 epsilon=1e-2", Sketch(1000, 0.95, "none"),
        1e-3, mu=0.9, ema=True, eps=1e-2)
    run("sketch, centred", "adam",
        "structure=lowrank structure.rank=10 beta=0.95 epsilon=0.1 centred=true",
        Sketch(10, 0.95, "mean", centred=True), 1e-3, mu=0.9, ema=True, eps=0.1)
    run("sketch that holds all, centred", "adam",
        "structure=lowrank structure.rank=50 beta=0.95 epsilon=0.1 centred=true",
        Sketch(1000, 0.95, "none", centred=True), 1e-3, mu=0.9, ema=True, eps=0.1)


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
    output = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder, "ggt_reference.json")
    windows()
    sketches()
    document = {"made_by": "tests/tools/ggt_reference.py", "numpy": np.__version__,
                "seed": str(SEED), "multiplier": str(MULTIPLIER), "addend": str(ADDEND),
                "scales": SCALES, "drift": DRIFT, "steps": RECORDED, "cases": CASES}
    with open(output, "w", encoding="ascii") as file:
        file.write(json.dumps(document).replace('{"name"', '\n{"name"') + "\n")
    print(f"{output}: {len(CASES)} cases")


main()

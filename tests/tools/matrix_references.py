#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/matrix_references.json: trajectories of the matrix methods.

Straightforward dense loops written from the publications, which share nothing with the library:
  Shampoo    Gupta, Koren, Singer 2018; grafting: Agarwal, Anil, Hazan, Koren, Zhang 2020
  SOAP       Vyas et al. 2024 and its authors' program: the first call only opens the basis
  Adafactor  Shazeer, Stern 2018
  Muon       Jordan et al. 2024: exact polar factor (by SVD), and five steps of the quintic
The rules of the library that no publication has (which blocks are cut or diagonal, when roots are
taken) are restated here in words of Python, each where it is used.

All cases see the same 200 gradients: a fixed sequence that does not depend on x, so that nothing
is chaotic; scales are mild, so that every eigenvalue that counts is well determined. Blocks:
a (5 x 4), b (4 x 5), c (a vector of 3). SOAP's first factors have a null space of one dimension,
hence unique eigenvectors up to sign, which does not enter.

Run:  /usr/bin/python3 tests/tools/matrix_references.py [OUTPUT]
"""
import json
import os
import sys

import numpy as np

STEPS = 200
RECORDED = [1, 2, 5, 20, 80, 200]
SEED = 20180226
MULTIPLIER, ADDEND = 6364136223846793005, 1442695040888963407
SCALES = [0.5, 1.0, 2.0, 0.25, 1.5, 0.75, 3.0]
DRIFT = 0.3
SHAPES = [(5, 4), (4, 5), (3, 1)]
SIZES = [r * c for r, c in SHAPES]
CASES = []


def gradients():
    """g[t][i] = scale_{i mod 7} * (+-0.3 + (2u - 1)), u from a 64-bit linear congruence."""
    state, rows = SEED, []
    for _ in range(STEPS):
        row = []
        for i in range(sum(SIZES)):
            state = (state * MULTIPLIER + ADDEND) % 2**64
            u = (state >> 11) * 2.0**-53
            drift = DRIFT if i % 2 == 0 else -DRIFT
            row.append(SCALES[i % len(SCALES)] * (drift + (2.0 * u - 1.0)))
        rows.append(row)
    return np.array(rows)


GRADIENTS = gradients()
START = 0.5 - 0.25 * (np.arange(sum(SIZES)) % 5)


def blocks_of(row):
    """The three blocks of a flat vector, as copies."""
    out, at = [], 0
    for shape, size in zip(SHAPES, SIZES):
        out.append(row[at:at + size].reshape(shape).copy())
        at += size
    return out


def record(preset, values, method, start=1.0):
    """Runs method (an object a block with .step(x, g, t) -> new x) and keeps the trajectory."""
    xs = blocks_of(start * START)
    states = [method(x.shape) for x in xs]
    kept = []
    for t in range(1, STEPS + 1):
        gs = blocks_of(GRADIENTS[t - 1])
        xs = [s.step(x, g, t) for s, x, g in zip(states, xs, gs)]
        if t in RECORDED:
            kept.append([float(v) for x in xs for v in x.reshape(-1)])
    assert np.isfinite(kept).all(), (preset, values)
    CASES.append({"preset": preset, "values": values, "start": start, "x": kept})


def power(matrix, exponent, floor=0.0):
    """Symmetric matrix to a power; eigenvalues up to `floor` go to 0."""
    values, vectors = np.linalg.eigh(matrix)
    raised = np.array([v**exponent if v > floor else 0.0 for v in values])
    return (vectors * raised) @ vectors.T


# ---------------------------------------------------------------- Shampoo

class Factors:
    """One tile's preconditioner: L^-p G R^-p for the sides it has."""

    def __init__(self, shape, sides, p, c):
        self.sides, self.p, self.c = sides, p, c
        self.f = [c["initial"] * np.eye(n) for n in shape]
        self.mean = np.zeros(shape)
        self.root = [None, None]
        self.sampled = self.taken = 0
        self.waiting = []

    def weigh(self, t):
        """What is taken in at t: (decay, weight) of the moment."""
        return (self.c["beta"], 1.0 - self.c["beta"]) if self.c["beta"] else (1.0, 1.0)

    def observe(self, g, t):
        a, b = self.weigh(t)
        self.mean = a * self.mean + b * g
        self.waiting.append((a, b))
        if t - self.sampled < max(1, min(self.c["every"], self.sampled)):
            return
        for a, b in self.waiting:  # this signal stands for those since the last one taken
            self.f[0] = a * self.f[0] + b * (g @ g.T)
            self.f[1] = a * self.f[1] + b * (g.T @ g)
        self.waiting, self.sampled = [], t
        if t - self.taken >= max(1, min(self.c["refresh"], self.taken)):
            self.taken = t
            self.take_roots(t)

    def take_roots(self, t):
        k = 1.0 / (1.0 - self.c["beta"]**t) if self.c["beta"] else 1.0
        for side in self.sides:
            m = self.mean if side == 0 else self.mean.T
            f = k * self.f[side]
            if self.c["centred"]:
                f = f - k * k * (m @ m.T)
            self.root[side] = power(f + self.c["eps"] * np.eye(len(f)), -self.p)

    def apply(self, g):
        if 0 in self.sides:
            g = self.root[0] @ g
        return g @ self.root[1] if 1 in self.sides else g


class Diagonal:
    """What blocks fall back to, with the exponents of all sides together."""

    def __init__(self, shape, p, c):
        self.p, self.c = p, c
        self.v, self.mean = np.full(shape, c["initial"]), np.zeros(shape)

    def observe(self, g, t):
        a, b = Factors.weigh(self, t)
        self.v, self.mean = a * self.v + b * g * g, a * self.mean + b * g
        k = 1.0 / (1.0 - self.c["beta"]**t) if self.c["beta"] else 1.0
        self.now = k * self.v - (k * self.mean)**2 if self.c["centred"] else k * self.v

    def apply(self, g):
        return g / (np.maximum(self.now, 0.0) + self.c["eps"])**self.p


def tiles(shape, c):
    """[(rows, cols, sides, exponent)] of a block; sides empty: diagonal. 0 is left, 1 right."""
    side, cap, over = c["side"], c["cap"], c["over"]
    sides = {"both": [0, 1], "left": [0], "right": [1],
             "smaller": [0] if shape[0] <= shape[1] else [1]}[side]
    asked, whole = len(sides), [slice(0, n) for n in shape]
    large = [s for s in sides if shape[s] > cap]
    if (1 in shape and side in ("both", "smaller")) or (large and over == "diagonal"):
        return [(whole[0], whole[1], [], asked * c["p"])]
    if large and over == "leave":
        sides, large = [s for s in sides if s not in large], []
        if not sides:
            return [(whole[0], whole[1], [], asked * c["p"])]
    cuts = [[whole[s]] for s in (0, 1)]
    for s in large:  # as even as possible, the longer ones first
        parts = np.array_split(np.arange(shape[s]), -(-shape[s] // cap))
        cuts[s] = [slice(p[0], p[-1] + 1) for p in parts]
    return [(r, q, sides, c["p"] * asked / len(sides)) for r in cuts[0] for q in cuts[1]]


class Shampoo:
    defaults = {"eta": 1.0, "beta": 0.0, "initial": 0.0, "eps": 0.0, "p": 0.25, "side": "both",
                "cap": 100, "over": "cut", "every": 1, "refresh": 1, "centred": False,
                "graft": None, "momentum": 0.0, "decay": 0.0}

    def __init__(self, shape, **options):
        c = self.c = dict(self.defaults, **options)
        self.parts = []
        for r, q, sides, p in tiles(shape, c):
            part = (r.stop - r.start, q.stop - q.start)
            self.parts.append((r, q, Factors(part, sides, p, c) if sides else Diagonal(part, p, c)))
        self.graft, self.m = Diagonal(shape, 0.5, dict(c, centred=False, eps=0.0)), np.zeros(shape)

    def direction(self, g, t):
        d = np.zeros_like(g)
        for r, q, part in self.parts:
            part.observe(g[r, q], t)
            d[r, q] = part.apply(g[r, q])
        if self.c["graft"] is None:
            return d
        self.graft.observe(g, t)
        other = g / (np.sqrt(self.graft.now) + self.c["graft"])
        return d * np.linalg.norm(other) / np.linalg.norm(d)

    def step(self, x, g, t):
        self.m = self.c["momentum"] * self.m + self.direction(g + self.c["decay"] * x, t)
        return x - self.c["eta"] * self.m


def shampoo(values, start=1.0, **options):
    record("shampoo", values, lambda shape: Shampoo(shape, **options), start)


def shampoo_cases():
    plain = "momentum=none mu=0 scale=none structure.every=1 refresh=1 "
    average = plain + "eta=0.01 initial=0 moment=ema bias_correction=true epsilon.form=inside "
    ema = {"eta": 0.01, "eps": 1e-3, "beta": 0.9}
    shampoo(plain + "eta=0.1 initial=1e-4", eta=0.1, initial=1e-4)
    shampoo(plain + "eta=0.1 initial=0.1 weight_decay=0.1", 1.0, eta=0.1, initial=0.1, decay=0.1)
    shampoo("eta=0.05 mu=0.8 initial=1e-4 structure.every=1 refresh=1 graft.epsilon=1e-3",
            eta=0.05, initial=1e-4, momentum=0.8, graft=1e-3)
    shampoo("eta=0.05 mu=0.9 initial=1e-2 structure.every=3 refresh=8 graft.epsilon=1e-8",
            eta=0.05, initial=1e-2, momentum=0.9, graft=1e-8, every=3, refresh=8)
    shampoo(average + "beta=0.9 epsilon=1e-3", **ema)
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.side=smaller exponent=0.5", **ema,
            side="smaller", p=0.5)
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.side=left exponent=0.5", **ema, side="left",
            p=0.5)
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.side=right exponent=0.4", **ema,
            side="right", p=0.4)
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.cap=3", **ema, cap=3)
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.cap=4 structure.over=leave", **ema, cap=4,
            over="leave")
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.cap=3 structure.over=leave", **ema, cap=3,
            over="leave")
    shampoo(average + "beta=0.9 epsilon=1e-3 structure.cap=4 structure.over=diagonal", **ema,
            cap=4, over="diagonal")
    shampoo(average + "beta=0.9 epsilon=1e-3 centred=true", **ema, centred=True)


# ---------------------------------------------------------------- SOAP

class Soap:
    """Adam in the eigenbasis; `basis` per side None: that side is not turned."""
    defaults = {"eta": 3e-3, "beta1": 0.95, "beta2": 0.95, "eps": 1e-8, "every": 10, "qr": False,
                "side": "both", "cap": 100}

    def __init__(self, shape, **options):
        c = self.c = dict(self.defaults, **options)
        sides = {"both": [0, 1], "smaller": [0] if shape[0] <= shape[1] else [1]}[c["side"]]
        turned = [s in sides and shape[s] <= c["cap"] and 1 not in shape for s in (0, 1)]
        self.gg = [np.zeros((n, n)) if on else None for n, on in zip(shape, turned)]
        self.q = [None, None]
        self.m, self.v = np.zeros(shape), np.zeros(shape)
        self.count, self.opened = 0, False

    def take_in(self, g):
        for s in (0, 1):
            if self.gg[s] is not None:
                h = g if s == 0 else g.T
                self.gg[s] = self.c["beta2"] * self.gg[s] + (1.0 - self.c["beta2"]) * (h @ h.T)

    def eigenvectors(self):
        for s in (0, 1):
            if self.gg[s] is not None:
                self.q[s] = np.linalg.eigh(self.gg[s])[1][:, ::-1]

    def power_step(self):
        for s in (0, 1):
            if self.gg[s] is None:
                continue
            order = np.argsort(-np.diag(self.q[s].T @ self.gg[s] @ self.q[s]), kind="stable")
            self.v = self.v[order] if s == 0 else self.v[:, order]
            self.q[s] = np.linalg.qr(self.gg[s] @ self.q[s][:, order])[0]

    def turn(self, g, back=False):
        left, right = self.q
        if left is not None:
            g = (left if back else left.T) @ g
        if right is not None:
            g = g @ (right.T if back else right)
        return g

    def step(self, x, g, t):
        c = self.c
        if not self.opened:
            self.take_in(g)
            self.eigenvectors()
            self.opened = True
            return x
        self.count += 1
        self.m = c["beta1"] * self.m + (1.0 - c["beta1"]) * g
        self.v = c["beta2"] * self.v + (1.0 - c["beta2"]) * self.turn(g)**2
        size = c["eta"] * np.sqrt(1.0 - c["beta2"]**self.count) / (1.0 - c["beta1"]**self.count)
        d = self.turn(self.turn(self.m) / (np.sqrt(self.v) + c["eps"]), back=True)
        self.take_in(g)
        if self.count % c["every"] == 0:
            if c["qr"]:
                self.power_step()
            else:
                self.eigenvectors()
        return x - size * d


def soap(values, **options):
    record("soap", values, lambda shape: Soap(shape, **options), 0.0)


def soap_cases():
    soap("", qr=True)
    soap("basis=eigen")
    soap("basis=eigen refresh=1 eta=0.01 mu=0.9 beta=0.99", every=1, eta=0.01, beta1=0.9,
         beta2=0.99)
    soap("refresh=3 mu=0.5 epsilon=1e-3", qr=True, every=3, beta1=0.5, eps=1e-3)
    soap("basis=eigen structure.side=smaller", side="smaller")
    soap("basis=eigen structure.cap=4", cap=4)


# ---------------------------------------------------------------- Adafactor

class Adafactor:
    defaults = {"eta": None, "eps1": 1e-30, "eps2": 1e-3, "d": 1.0, "c": 0.8, "beta1": 0.0,
                "beta2": None}

    def __init__(self, shape, **options):
        self.c = dict(self.defaults, **options)
        self.r, self.q = np.zeros((shape[0], 1)), np.zeros((1, shape[1]))
        self.v, self.m = np.zeros(shape), np.zeros(shape)

    def second(self, g, t):
        beta = 1.0 - t**-self.c["c"] if self.c["beta2"] is None else self.c["beta2"]
        square = g * g + self.c["eps1"]
        self.v = beta * self.v + (1.0 - beta) * square
        self.r = beta * self.r + (1.0 - beta) * square.sum(axis=1, keepdims=True)
        self.q = beta * self.q + (1.0 - beta) * square.sum(axis=0, keepdims=True)
        return self.v if 1 in g.shape else self.r @ self.q / self.r.sum()

    def step(self, x, g, t):
        c = self.c
        u = g / np.sqrt(self.second(g, t))
        u = u / max(1.0, np.sqrt(np.mean(u * u)) / c["d"])
        if c["eta"] is None:
            size = max(c["eps2"], np.sqrt(np.mean(x * x))) * min(1e-2, 1.0 / np.sqrt(t))
        else:
            size = c["eta"]
        self.m = c["beta1"] * self.m + (1.0 - c["beta1"]) * u
        return x - size * self.m


def adafactor_cases():
    def case(values, **options):
        record("adafactor", values, lambda shape: Adafactor(shape, **options))
    case("")
    case("rms.relative=0 eta=0.05 schedule=constant schedule.every=0 rms.threshold=0.5 "
         "beta.power=0.6 increment=1e-3", eta=0.05, d=0.5, c=0.6, eps1=1e-3)
    case("rms.relative=0 eta=0.05 schedule=constant schedule.every=0 moment=ema beta=0.9 "
         "increment=0 momentum=ema momentum.at=last mu=0.9", eta=0.05, beta1=0.9, beta2=0.9,
         eps1=0.0)


# ---------------------------------------------------------------- Muon

def polar(u):
    left, _, right = np.linalg.svd(u, full_matrices=False)
    return left @ right


def quintic(u):
    a, b, c = 3.4445, -4.7750, 2.0315
    x = u / (np.linalg.norm(u) + 1e-7)
    if x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(5):
        s = x @ x.T
        x = a * x + (b * s + c * s @ s) @ x
    return x.T if u.shape[0] > u.shape[1] else x


class Muon:
    """Vectors move along u/(|u| + eps), which the diagonal makes of them."""

    def __init__(self, shape, eta, mu, orthogonal, eps=0.0, rms=False, decay=0.0, cap=100):
        self.eta, self.mu, self.orthogonal, self.decay = eta, mu, orthogonal, decay
        self.m, self.vector = np.zeros(shape), 1 in shape
        scale = 0.2 * np.sqrt(max(shape)) if rms else np.sqrt(max(1.0, shape[0] / shape[1]))
        self.scale = 1.0 if self.vector else scale
        self.cap, self.eps = cap, eps

    def made_orthogonal(self, u):
        """Each half for itself where the smaller side is above the cap."""
        if min(u.shape) <= self.cap:
            return self.orthogonal(u)
        axis = 0 if u.shape[0] <= u.shape[1] else 1
        parts = np.array_split(u, -(-min(u.shape) // self.cap), axis=axis)
        return np.concatenate([self.orthogonal(p) if p.shape[axis] <= p.shape[1 - axis] else None
                               for p in parts], axis=axis)

    def step(self, x, g, t):
        self.m = self.mu * self.m + g
        u = g + self.mu * self.m
        d = u / (np.abs(u) + self.eps) if self.vector else self.made_orthogonal(u)
        return (1.0 - self.eta * self.decay) * x - self.eta * self.scale * d


def muon_cases():
    def case(values, start=0.0, **options):
        options = dict({"eta": 0.02, "mu": 0.95, "orthogonal": quintic}, **options)
        options["eps"] = 1e-7 if options["orthogonal"] is quintic else 0.0
        record("muon", values, lambda shape: Muon(shape, **options), start)
    case("")
    case("root=exact epsilon=0", orthogonal=polar)
    case("root=exact epsilon=0 eta=0.1 mu=0.5 scale=shape_rms weight_decay=0.1 decay=decoupled",
         1.0, eta=0.1, mu=0.5, orthogonal=polar, rms=True, decay=0.1)
    case("scale=shape_rms weight_decay=0.1 decay=decoupled", 1.0, rms=True, decay=0.1)
    case("root=exact epsilon=0 structure.cap=2", orthogonal=polar, cap=2)
    case("structure.cap=2", cap=2)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    default = os.path.join(here, "..", "golden", "matrix_references.json")
    path = sys.argv[1] if len(sys.argv) > 1 else default
    shampoo_cases()
    soap_cases()
    adafactor_cases()
    muon_cases()
    head = {"made_by": "tests/tools/matrix_references.py", "numpy": np.__version__,
            "steps": RECORDED, "seed": str(SEED), "multiplier": str(MULTIPLIER),
            "addend": str(ADDEND), "drift": DRIFT, "scales": SCALES,
            "start": [float(v) for v in START], "last_gradient": list(GRADIENTS[-1])}
    lines = [json.dumps(c, separators=(",", ":")) for c in CASES]
    text = json.dumps(head)[:-1] + ',\n"cases": [\n' + ",\n".join(lines) + "\n]}\n"
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    print(f"{len(CASES)} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()

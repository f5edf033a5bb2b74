#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Prints the polynomials of src/base/frozen.inc.h. Not part of the build: it records where the
# numbers come from. Remez exchange in 60 digits (mpmath); coefficients rounded to double one
# after another, lowest first, the rest fitted again each time, where the range is one-sided.
from mpmath import mp, mpf, pi, sqrt, log, exp, sin, cos, lu_solve, matrix, linspace

mp.dps = 60


def fit(target, weight, low, high, fixed, count):
    """Minimax of weight·(target − polynomial); the first len(fixed) coefficients are given."""
    free = count - len(fixed)
    points = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / free) for i in range(free + 1)]
    for _ in range(12):
        rows = [[x ** (len(fixed) + j) for j in range(free)] + [(-1) ** i / weight(x)]
                for i, x in enumerate(points)]
        right = [target(x) - sum(c * x ** k for k, c in enumerate(fixed)) for x in points]
        solved = list(lu_solve(matrix(rows), matrix(right)))
        whole = list(fixed) + solved[:free]
        error = lambda x: weight(x) * (target(x) - sum(c * x ** k for k, c in enumerate(whole)))
        grid = linspace(low, high, 40 * (free + 1) + 1)
        values = [error(x) for x in grid]
        extremes = [i for i in range(len(grid))
                    if all(abs(values[i]) >= abs(values[j]) for j in (i - 1, i + 1)
                           if 0 <= j < len(grid) and values[j] * values[i] > 0)]
        chosen = []
        for i in extremes:
            if chosen and values[chosen[-1]] * values[i] > 0:
                if abs(values[i]) > abs(values[chosen[-1]]):
                    chosen[-1] = i
            else:
                chosen.append(i)
        while len(chosen) > free + 1:
            chosen.pop(0 if abs(values[chosen[0]]) < abs(values[chosen[-1]]) else -1)
        if len(chosen) < free + 1:
            break
        points = [grid[i] for i in chosen]
    return whole, max(abs(v) for v in values)


def rounded(name, target, weight, low, high, count):
    fixed = []
    if low < 0:  # powers from k on are no Chebyshev system across 0: round all at once
        fixed = [mpf(float(c)) for c in fit(target, weight, low, high, [], count)[0]]
    while len(fixed) < count:
        whole, _ = fit(target, weight, mpf(low), mpf(high), fixed, count)
        fixed.append(mpf(float(whole[len(fixed)])))
    grid = linspace(mpf(low), mpf(high), 997)
    worst = max(abs(weight(x) * (target(x) - sum(c * x ** k for k, c in enumerate(fixed))))
                for x in grid)
    print(f"{name}: relative error 2^{float(log(worst, 2)):.1f}")
    for c in fixed:
        print(f"    {float(c).hex()}, /* {float(c)!r} */")


TINY = mpf(10) ** -25
reach = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2
artanh = lambda s: log((1 + s) / (1 - s)) / 2
# ln m = 2s + s·z·L(z), z = s², s = (m − 1)/(m + 1), √½ <= m <= √2
rounded("log", lambda z: (2 * artanh(sqrt(z)) / sqrt(z) - 2) / z,
        lambda z: z * sqrt(z) / (2 * artanh(sqrt(z))), TINY, reach, 7)
# sin πr = πr + r·z·S(z), z = r², |r| <= ¼
rounded("sinpi", lambda z: (sin(pi * sqrt(z)) / sqrt(z) - pi) / z,
        lambda z: z * sqrt(z) / sin(pi * sqrt(z)), TINY, mpf(1) / 16, 6)
# cos πr = 1 + z·C(z)
rounded("cospi", lambda z: (cos(pi * sqrt(z)) - 1) / z,
        lambda z: z / cos(pi * sqrt(z)), TINY, mpf(1) / 16, 7)
# e^r = 1 + r + r²·E(r), |r| <= ½ ln 2; the weight must not vanish at 0
half = log(2) / 2 * mpf("1.0001")
rounded("exp", lambda r: (exp(r) - 1 - r) / r ** 2 if abs(r) > TINY else mpf(1) / 2 + r / 6,
        lambda r: (r ** 2 + mpf(1) / 500) / exp(r), -half, half, 11)

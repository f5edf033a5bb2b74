#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/torch_trajectories.json: trajectories that unsaddle must follow.

Two kinds of oracle, named in every case:
  torch.optim.X   Debian's PyTorch (python3-torch 1.13.1) ran the case, schedulers included
  published: ...  a plain numpy loop below, written from the publication, for what PyTorch lacks
                  and for the other side of every convention; it shares nothing with the library
PyTorch 1.13.1's NAdam multiplies its running product by mu twice (corrected in 2.0), so NAdam is
a published case.

All cases see the same 200 gradients of a fixed sequence: the gradient does not depend on x, so
nothing is chaotic, and x enters through weight decay and trust ratios only. Blocks: a (2 x 2)
and b (3). With "absent", block b has no gradient at steps t with t % 3 == 1.

Run:  /usr/bin/python3 tests/tools/torch_trajectories.py [OUTPUT]
"""
import json
import math
import os
import sys

import numpy as np
import torch

STEPS = 200
RECORDED = [1, 2, 3, 5, 10, 20, 50, 100, 200]
SEED = 20190124
MULTIPLIER, ADDEND = 6364136223846793005, 1442695040888963407
SCALES = [1e-4, 1.0, 100.0, 1e-2, 10.0, 0.1, 1e-3]
DRIFT = 0.3
SILENT = 3  # the last coordinate's gradient is exactly zero up to this step
START = [0.5, -1.25, 3.0, 0.03125, -2.0, 0.75, 1.5]
CUT = 4  # block a is [0, 4) as 2 x 2, block b is [4, 7)


def gradients():
    """g[t][i] = scale_i * (+-0.3 + (2u - 1)), u from a 64-bit linear congruence, t = 1..200."""
    state, rows = SEED, []
    for t in range(1, STEPS + 1):
        row = []
        for i, scale in enumerate(SCALES):
            state = (state * MULTIPLIER + ADDEND) % 2**64
            u = (state >> 11) * 2.0**-53
            row.append(scale * ((DRIFT if i % 2 == 0 else -DRIFT) + (2.0 * u - 1.0)))
        if t <= SILENT:
            row[-1] = 0.0
        rows.append(row)
    return np.array(rows)


GRADIENTS = gradients()
CASES = []


def record(name, preset, values, oracle, start, absent, trajectory):
    assert all(np.isfinite(x).all() for x in trajectory.values()), name
    CASES.append({"name": name, "preset": preset, "values": values, "oracle": oracle,
                  "start": start, "absent": absent,
                  "x": [[float(v) for v in trajectory[t]] for t in RECORDED]})


def blocks_of(row, t, absent):
    return [row[:CUT].reshape(2, 2), None if absent and t % 3 == 1 else row[CUT:]]


def joined(blocks):
    return np.concatenate([np.asarray(b).reshape(-1) for b in blocks])


# ---------------------------------------------------------------- PyTorch

def with_torch(preset, values, optimizer, start=0, absent=False, schedule=None, **options):
    """Runs torch.optim.<optimizer>(**options), then schedule(optimizer).step() each step."""
    x = start * np.array(START)
    params = [torch.tensor(b.copy(), dtype=torch.float64, requires_grad=True)
              for b in blocks_of(x, 0, False)]
    opt = getattr(torch.optim, optimizer)(params, **options)
    scheduler = schedule(opt) if schedule else None
    trajectory = {}
    for t in range(1, STEPS + 1):
        for param, grad in zip(params, blocks_of(GRADIENTS[t - 1], t, absent)):
            param.grad = None if grad is None else torch.tensor(grad.copy())
        opt.step()
        if scheduler:
            scheduler.step()
        trajectory[t] = joined([p.detach().numpy() for p in params])
    shown = ", ".join(f"{k}={v}" for k, v in options.items())
    if scheduler:
        shown += f"; {type(scheduler).__name__}"
    record(f"{preset} {values}".strip(), preset, values, f"torch.optim.{optimizer}({shown})",
           start, absent, trajectory)


def torch_cases():
    lr = torch.optim.lr_scheduler
    with_torch("sgd", "eta=0.1", "SGD", lr=0.1)
    with_torch("sgd", "eta=0.01 weight_decay=0.1", "SGD", 1, lr=0.01, weight_decay=0.1)
    with_torch("sgd", "eta=0.1 schedule=step schedule.every=30 schedule.factor=0.5", "SGD", lr=0.1,
               schedule=lambda o: lr.StepLR(o, step_size=30, gamma=0.5))
    with_torch("sgd", "eta=0.1 schedule=exponential schedule.factor=0.98", "SGD", lr=0.1,
               schedule=lambda o: lr.ExponentialLR(o, gamma=0.98))
    with_torch("sgd", "eta=0.1 schedule=cosine schedule.steps=200 schedule.floor=0.1", "SGD",
               lr=0.1, schedule=lambda o: lr.CosineAnnealingLR(o, T_max=200, eta_min=0.01))
    with_torch("sgd", "eta=0.1 schedule=polynomial schedule.steps=150 schedule.power=2", "SGD",
               lr=0.1, schedule=lambda o: lr.PolynomialLR(o, total_iters=150, power=2.0))
    with_torch("sgd", "eta=0.1 warmup=20", "SGD", lr=0.1,
               schedule=lambda o: lr.LinearLR(o, start_factor=1 / 20, total_iters=19))

    with_torch("momentum", "eta=0.01", "SGD", lr=0.01, momentum=0.9)
    with_torch("momentum", "eta=0.1 mu=0.5 dampening=0.3", "SGD", lr=0.1, momentum=0.5,
               dampening=0.3)
    with_torch("momentum", "eta=0.01 mu=0.95 dampening=0.9 weight_decay=0.2", "SGD", 1, lr=0.01,
               momentum=0.95, dampening=0.9, weight_decay=0.2)
    with_torch("momentum", "eta=0.01 dampening=0.5", "SGD", absent=True, lr=0.01, momentum=0.9,
               dampening=0.5)
    with_torch("nesterov", "eta=0.01", "SGD", lr=0.01, momentum=0.9, nesterov=True)
    with_torch("nesterov", "eta=0.03 mu=0.6 weight_decay=0.1", "SGD", 1, lr=0.03, momentum=0.6,
               nesterov=True, weight_decay=0.1)

    with_torch("adagrad", "", "Adagrad")
    with_torch("adagrad", "eta=0.1 schedule=inverse_time schedule.factor=0.01 epsilon=1e-3",
               "Adagrad", lr=0.1, lr_decay=0.01, eps=1e-3)
    with_torch("adagrad", "eta=0.05 initial=0.5 weight_decay=0.1", "Adagrad", 1, lr=0.05,
               initial_accumulator_value=0.5, weight_decay=0.1)

    with_torch("rmsprop", "", "RMSprop")
    with_torch("rmsprop", "eta=0.001 beta=0.9 epsilon=1e-4", "RMSprop", lr=0.001, alpha=0.9,
               eps=1e-4)
    with_torch("rmsprop", "eta=0.001 momentum=heavy mu=0.9", "RMSprop", lr=0.001, momentum=0.9)
    with_torch("rmsprop", "eta=0.02 beta=0.95 weight_decay=0.3", "RMSprop", 1, lr=0.02, alpha=0.95,
               weight_decay=0.3)
    with_torch("rmsprop-centered", "", "RMSprop", centered=True)
    with_torch("rmsprop-centered", "eta=0.003 beta=0.9 momentum=heavy mu=0.7 weight_decay=0.1",
               "RMSprop", 1, lr=0.003, alpha=0.9, momentum=0.7, weight_decay=0.1, centered=True)
    with_torch("rmsprop-centered", "eta=0.003 epsilon=1e-3", "RMSprop", lr=0.003, eps=1e-3,
               centered=True)

    with_torch("adam", "", "Adam")
    with_torch("adam", "eta=0.01 mu=0.8 beta=0.99 epsilon=1e-4", "Adam", lr=0.01,
               betas=(0.8, 0.99), eps=1e-4)
    with_torch("adam", "eta=0.002 mu=0 beta=0.9 weight_decay=0.1", "Adam", 1, lr=0.002,
               betas=(0.0, 0.9), weight_decay=0.1)
    with_torch("adam", "eta=0.01", "Adam", absent=True, lr=0.01)
    with_torch("adam", "eta=0.01 schedule=cosine schedule.steps=200", "Adam", lr=0.01,
               schedule=lambda o: lr.CosineAnnealingLR(o, T_max=200))
    with_torch("adamw", "", "AdamW", 1)
    with_torch("adamw", "eta=0.02 mu=0.7 beta=0.95 weight_decay=0.5", "AdamW", 1, lr=0.02,
               betas=(0.7, 0.95), weight_decay=0.5)
    with_torch("adamw", "eta=0.01 ceiling=raw weight_decay=0.1", "AdamW", 1, lr=0.01,
               weight_decay=0.1, amsgrad=True)
    with_torch("amsgrad", "", "Adam", amsgrad=True)
    with_torch("amsgrad", "eta=0.01 mu=0.5 beta=0.8 weight_decay=0.1", "Adam", 1, lr=0.01,
               betas=(0.5, 0.8), weight_decay=0.1, amsgrad=True)

    with_torch("radam", "", "RAdam")
    with_torch("radam", "eta=0.01 mu=0.8 beta=0.9 epsilon=1e-3", "RAdam", lr=0.01,
               betas=(0.8, 0.9), eps=1e-3)
    with_torch("radam", "eta=0.005 beta=0.99 weight_decay=0.2", "RAdam", 1, lr=0.005,
               betas=(0.9, 0.99), weight_decay=0.2)
    with_torch("adamax", "", "Adamax")
    with_torch("adamax", "eta=0.01 mu=0.7 beta=0.9 increment=1e-3", "Adamax", lr=0.01,
               betas=(0.7, 0.9), eps=1e-3)
    with_torch("adamax", "eta=0.01 beta=0.99 weight_decay=0.1", "Adamax", 1, lr=0.01,
               betas=(0.9, 0.99), weight_decay=0.1)
    with_torch("adadelta", "", "Adadelta")
    with_torch("adadelta", "eta=0.5 beta=0.99 epsilon=1e-3", "Adadelta", lr=0.5, rho=0.99,
               eps=1e-3)
    with_torch("adadelta", "eta=0.9 beta=0.95 weight_decay=0.2", "Adadelta", 1, lr=0.9, rho=0.95,
               weight_decay=0.2)


# ---------------------------------------------------------------- published algorithms
# Each takes the blocks x, the gradients g, a dictionary kept per run and the step t, and changes
# x in place; h holds the hyper-parameters. Letters as in the publications.

def zeros(s, name, x, fill=0.0):
    return s.setdefault(name, [np.full_like(b, fill) for b in x])


def ratio(a, b):
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def norm(b):
    return math.sqrt(float((b * b).sum()))


def adaptive(x, g, s, t, eta, beta, eps, form, initial=0.0, kind="ema", p=0.5):
    """RMSProp and AdaGrad with eps inside or outside, any power."""
    v = zeros(s, "v", x, initial)
    for b in range(2):
        v[b] = beta * v[b] + (1 - beta) * g[b]**2 if kind == "ema" else v[b] + g[b]**2
        root = (v[b] + eps)**p if form == "inside" else v[b]**p + eps
        x[b] -= eta * g[b] / root


def adagrad_norm(x, g, s, t, eta, b0_squared):
    """Ward, Wu, Bottou 2019: b <- sqrt(b^2 + |g|^2), x <- x - eta g / b."""
    s["b2"] = s.get("b2", b0_squared) + float((joined(g)**2).sum())
    for b in range(2):
        x[b] -= eta / math.sqrt(s["b2"]) * g[b]


def rmsprop_norm(x, g, s, t, eta, beta, eps):
    """RMSProp with one number for all parameters."""
    s["v"] = beta * s.get("v", 0.0) + (1 - beta) * float((joined(g)**2).sum())
    for b in range(2):
        x[b] -= eta * g[b] / (math.sqrt(s["v"]) + eps)


def normalized(x, g, s, t, eta):
    """Normalized SGD."""
    length = norm(joined(g))
    for b in range(2):
        x[b] -= eta * g[b] / length


def averaged(x, g, s, t, eta, mu, corrected):
    """SGD along the (bias-corrected) average gradient."""
    m = zeros(s, "m", x)
    for b in range(2):
        m[b] = mu * m[b] + (1 - mu) * g[b]
        x[b] -= eta * m[b] / (1 - mu**t if corrected else 1)


def clipped(x, g, s, t, eta, by_norm=math.inf, by_value=math.inf, decay=0.0):
    """SGD: |g| cut to by_norm, entries cut to by_value, then weight decay."""
    factor = min(1.0, by_norm / norm(joined(g)))
    for b in range(2):
        d = np.clip(g[b] * factor, -by_value, by_value) + decay * x[b]
        x[b] -= eta * d


def larger_steps(x, g, s, t, eta, constant, r, every, eps):
    """Staib et al. 2019: RMSProp with beta = 1 - C eta^(2/3), eps inside, a step r now and then."""
    v = zeros(s, "v", x)
    beta = 1 - constant * eta**(2 / 3)
    for b in range(2):
        v[b] = beta * v[b] + (1 - beta) * g[b]**2
        x[b] -= (r if t % every == 0 else eta) * g[b] / np.sqrt(v[b] + eps)


def adam(x, g, s, t, eta, beta1, beta2, eps, form="outside", corrected=True, top=None):
    """Kingma, Ba 2015 with three places of eps; top: AMSGrad (Reddi, Kale, Kumar 2018)."""
    m, v, largest = zeros(s, "m", x), zeros(s, "v", x), zeros(s, "top", x)
    for b in range(2):
        m[b] = beta1 * m[b] + (1 - beta1) * g[b]
        v[b] = beta2 * v[b] + (1 - beta2) * g[b]**2
        m_hat = m[b] / (1 - beta1**t) if corrected else m[b]
        v_hat = v[b] / (1 - beta2**t) if corrected else v[b]
        if top:
            largest[b] = v_hat = np.maximum(largest[b], v_hat)
        if form == "outside":
            x[b] -= eta * m_hat / (np.sqrt(v_hat) + eps)
        elif form == "inside":
            x[b] -= eta * m_hat / np.sqrt(v_hat + eps)
        else:  # the paper's last line of section 2: eps hat
            alpha = eta * math.sqrt(1 - beta2**t) / (1 - beta1**t)
            x[b] -= alpha * m[b] / (np.sqrt(v[b]) + eps)


def adamax(x, g, s, t, eta, beta1, beta2):
    """Kingma, Ba 2015, algorithm 2: no eps; 0/0 is taken as 0."""
    m, u = zeros(s, "m", x), zeros(s, "u", x)
    for b in range(2):
        m[b] = beta1 * m[b] + (1 - beta1) * g[b]
        u[b] = np.maximum(beta2 * u[b], abs(g[b]))
        x[b] -= eta / (1 - beta1**t) * ratio(m[b], u[b])


def nadam(x, g, s, t, eta, mu, nu, eps, psi=0.004, published=False, decay=0.0):
    """Dozat 2016. published: m decays with mu_t as in the paper, else with mu as in Keras and
    PyTorch >= 2; the corrected second moment is the usual one, n / (1 - nu^t)."""
    def mu_at(i):
        return mu * (1 - 0.5 * 0.96**(i * psi))
    m, n = zeros(s, "m", x), zeros(s, "n", x)
    before = math.prod(mu_at(i) for i in range(1, t + 1))
    after = before * mu_at(t + 1)
    memory = mu_at(t) if published else mu
    for b in range(2):
        d = g[b] + decay * x[b]
        m[b] = memory * m[b] + (1 - memory) * d
        n[b] = nu * n[b] + (1 - nu) * d**2
        m_bar = (1 - mu_at(t)) * d / (1 - before) + mu_at(t + 1) * m[b] / (1 - after)
        x[b] -= eta * m_bar / (np.sqrt(n[b] / (1 - nu**t)) + eps)


def radam(x, g, s, t, eta, beta1, beta2):
    """Liu et al. 2020, algorithm 2: rectified where rho_t > 4; no eps."""
    m, v = zeros(s, "m", x), zeros(s, "v", x)
    longest = 2 / (1 - beta2) - 1
    rho = longest - 2 * t * beta2**t / (1 - beta2**t)
    for b in range(2):
        m[b] = beta1 * m[b] + (1 - beta1) * g[b]
        v[b] = beta2 * v[b] + (1 - beta2) * g[b]**2
        m_hat = m[b] / (1 - beta1**t)
        if rho > 4:
            r = math.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
            x[b] -= eta * r * ratio(m_hat * math.sqrt(1 - beta2**t), np.sqrt(v[b]))
        else:
            x[b] -= eta * m_hat


def yogi(x, g, s, t, eta, beta1, beta2, eps, initial, corrected):
    """Zaheer et al. 2018, algorithm 2; corrected: with Adam's bias corrections (optax)."""
    m, v = zeros(s, "m", x), zeros(s, "v", x, initial)
    for b in range(2):
        m[b] = beta1 * m[b] + (1 - beta1) * g[b]
        v[b] = v[b] - (1 - beta2) * np.sign(v[b] - g[b]**2) * g[b]**2
        m_hat = m[b] / (1 - beta1**t) if corrected else m[b]
        v_hat = v[b] / (1 - beta2**t) if corrected else v[b]
        x[b] -= eta * m_hat / (np.sqrt(v_hat) + eps)


def adabelief(x, g, s, t, eta, beta1, beta2, eps, inner):
    """Zhuang et al. 2020, algorithm 2: s gains eps at every step; inner: that eps."""
    m, v = zeros(s, "m", x), zeros(s, "s", x)
    for b in range(2):
        m[b] = beta1 * m[b] + (1 - beta1) * g[b]
        v[b] = beta2 * v[b] + (1 - beta2) * (g[b] - m[b])**2 + inner
        x[b] -= eta * (m[b] / (1 - beta1**t)) / (np.sqrt(v[b] / (1 - beta2**t)) + eps)


def lion(x, g, s, t, eta, beta1, beta2, decay):
    """Chen et al. 2023, algorithm 2."""
    m = zeros(s, "m", x)
    for b in range(2):
        c = beta1 * m[b] + (1 - beta1) * g[b]
        x[b] -= eta * (np.sign(c) + decay * x[b])
        m[b] = beta2 * m[b] + (1 - beta2) * g[b]


def lamb(x, g, s, t, eta, beta1, beta2, eps, decay):
    """You et al. 2020, algorithm 2, phi the identity."""
    m, v = zeros(s, "m", x), zeros(s, "v", x)
    for b in range(2):
        m[b] = beta1 * m[b] + (1 - beta1) * g[b]
        v[b] = beta2 * v[b] + (1 - beta2) * g[b]**2
        r = m[b] / (1 - beta1**t) / (np.sqrt(v[b] / (1 - beta2**t)) + eps)
        d = r + decay * x[b]
        trust = norm(x[b]) / norm(d) if norm(x[b]) and norm(d) else 1.0
        x[b] -= eta * trust * d


def lars(x, g, s, t, eta, momentum, trust, decay, together=False):
    """You, Gitman, Ginsburg 2017: local rate trust |x| / (|g| + decay |x|), inside the momentum;
    together: |g + decay x| in its place, as some programs have it."""
    v = zeros(s, "v", x)
    for b in range(2):
        d = g[b] + decay * x[b]
        below = norm(d) if together else norm(g[b]) + decay * norm(x[b])
        local = trust * norm(x[b]) / below if norm(x[b]) and norm(g[b]) else 1.0
        v[b] = momentum * v[b] + eta * local * d
        x[b] -= v[b]


def published(preset, values, rule, start=0, **h):
    x = [b.copy() for b in blocks_of(start * np.array(START), 0, False)]
    state, trajectory = {}, {}
    for t in range(1, STEPS + 1):
        rule(x, blocks_of(GRADIENTS[t - 1], t, False), state, t, **h)
        trajectory[t] = joined(x)
    shown = ", ".join(f"{k}={v}" for k, v in h.items())
    record(f"{preset} {values}".strip(), preset, values, f"published: {rule.__name__}({shown})",
           start, False, trajectory)


def published_cases():
    published("rmsprop-inside", "", adaptive, eta=0.01, beta=0.99, eps=1e-8, form="inside")
    published("rmsprop-inside", "eta=0.001 beta=0.9 epsilon=1e-2 initial=1", adaptive, eta=0.001,
              beta=0.9, eps=1e-2, form="inside", initial=1.0)
    for p in (0.25, 0.75, 1.0):
        published("rmsprop", f"exponent={p} epsilon=1e-3", adaptive, eta=0.01, beta=0.99, eps=1e-3,
                  form="outside", p=p)
        published("rmsprop-inside", f"exponent={p} epsilon=1e-3", adaptive, eta=0.01, beta=0.99,
                  eps=1e-3, form="inside", p=p)
    published("rmsprop-inside", "eta=1e-3 beta.rule=eta^2/3 beta.C=2 larger_step.size=0.05 "
              "larger_step.every=7", larger_steps, eta=1e-3, constant=2.0, r=0.05, every=7,
              eps=1e-8)
    published("adagrad", "eta=0.1 epsilon=1e-7 epsilon.form=inside initial=0.1", adaptive, eta=0.1,
              beta=None, eps=1e-7, form="inside", initial=0.1, kind="sum")
    published("adagrad-norm", "", adagrad_norm, eta=0.01, b0_squared=0.01)
    published("adagrad-norm", "eta=1 initial=4", adagrad_norm, eta=1.0, b0_squared=4.0)
    published("rmsprop", "eta=0.1 structure=scalar", rmsprop_norm, eta=0.1, beta=0.99, eps=1e-8)
    published("sgd", "eta=0.1 structure=scalar moment=latest beta=0 epsilon=0", normalized,
              eta=0.1)
    published("sgd", "eta=0.1 momentum=ema mu=0.9", averaged, eta=0.1, mu=0.9, corrected=False)
    published("sgd", "eta=0.1 momentum=ema mu=0.95 mu.correction=true", averaged, eta=0.1, mu=0.95,
              corrected=True)
    published("sgd", "eta=0.1 clip.norm=50 weight_decay=0.1", clipped, 1, eta=0.1, by_norm=50.0,
              decay=0.1)
    published("sgd", "eta=0.1 clip.value=0.5", clipped, eta=0.1, by_value=0.5)

    published("adam", "eta=0.01 epsilon=1e-3 epsilon.form=inside", adam, eta=0.01, beta1=0.9,
              beta2=0.999, eps=1e-3, form="inside")
    published("adam", "eta=0.01 beta=0.99 epsilon=1e-3 epsilon.form=uncorrected", adam, eta=0.01,
              beta1=0.9, beta2=0.99, eps=1e-3, form="uncorrected")
    published("amsgrad", "eta=0.01 beta=0.9 ceiling=corrected", adam, eta=0.01, beta1=0.9,
              beta2=0.9, eps=1e-8, top=True)
    published("amsgrad", "eta=0.01 beta=0.9 mu.correction=false bias_correction=false", adam,
              eta=0.01, beta1=0.9, beta2=0.9, eps=1e-8, corrected=False, top=True)
    published("adamax", "increment=0", adamax, eta=0.002, beta1=0.9, beta2=0.999)
    published("nadam", "", nadam, eta=0.002, mu=0.9, nu=0.999, eps=1e-8)
    published("nadam", "eta=0.01 mu=0.8 beta=0.99 mu.psi=0.1 weight_decay=0.1", nadam, 1, eta=0.01,
              mu=0.8, nu=0.99, eps=1e-8, psi=0.1, decay=0.1)
    published("nadam", "momentum=dozat", nadam, eta=0.002, mu=0.9, nu=0.999, eps=1e-8,
              published=True)
    published("nadam", "momentum=dozat eta=0.01 mu=0.99 beta=0.9 epsilon=1e-3", nadam, eta=0.01,
              mu=0.99, nu=0.9, eps=1e-3, published=True)
    published("radam", "beta=0.9 epsilon=0 rectify.above=4", radam, eta=0.001, beta1=0.9,
              beta2=0.9)
    published("radam", "eta=0.01 epsilon=0 rectify.above=4", radam, eta=0.01, beta1=0.9,
              beta2=0.999)
    published("yogi", "", yogi, eta=0.01, beta1=0.9, beta2=0.999, eps=1e-3, initial=1e-6,
              corrected=False)
    published("yogi", "eta=0.03 mu=0.8 beta=0.9 initial=1", yogi, eta=0.03, beta1=0.8, beta2=0.9,
              eps=1e-3, initial=1.0, corrected=False)
    published("yogi", "mu.correction=true bias_correction=true", yogi, eta=0.01, beta1=0.9,
              beta2=0.999, eps=1e-3, initial=1e-6, corrected=True)
    published("adabelief", "", adabelief, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-16,
              inner=1e-16)
    published("adabelief", "eta=0.01 mu=0.8 beta=0.95 increment=1e-6 epsilon=1e-6", adabelief,
              eta=0.01, beta1=0.8, beta2=0.95, eps=1e-6, inner=1e-6)
    published("adabelief", "increment=0 epsilon=1e-8", adabelief, eta=0.001, beta1=0.9,
              beta2=0.999, eps=1e-8, inner=0.0)
    published("lion", "", lion, eta=1e-4, beta1=0.9, beta2=0.99, decay=0.0)
    published("lion", "eta=0.01 mu=0.95 mu.memory=0.98 weight_decay=0.3", lion, 1, eta=0.01,
              beta1=0.95, beta2=0.98, decay=0.3)
    published("lamb", "", lamb, 1, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-6, decay=0.01)
    published("lamb", "eta=0.01 mu=0.8 beta=0.95 weight_decay=0.3", lamb, 1, eta=0.01, beta1=0.8,
              beta2=0.95, eps=1e-6, decay=0.3)
    published("lamb", "weight_decay=0", lamb, 0, eta=0.001, beta1=0.9, beta2=0.999, eps=1e-6,
              decay=0.0)
    published("lars", "", lars, 1, eta=1.0, momentum=0.9, trust=1e-3, decay=5e-4)
    published("lars", "eta=0.5 mu=0.5 trust=0.02 weight_decay=0.1", lars, 1, eta=0.5, momentum=0.5,
              trust=0.02, decay=0.1)
    published("lars", "eta=0.5 trust=0.01 weight_decay=0.1 scale=trust", lars, 1, eta=0.5,
              momentum=0.9, trust=0.01, decay=0.1, together=True)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    default = os.path.join(here, "..", "golden", "torch_trajectories.json")
    path = sys.argv[1] if len(sys.argv) > 1 else default
    torch_cases()
    published_cases()
    head = {"made_by": "tests/tools/torch_trajectories.py", "torch": torch.__version__,
            "numpy": np.__version__, "steps": RECORDED, "seed": str(SEED),
            "multiplier": str(MULTIPLIER), "addend": str(ADDEND), "drift": DRIFT,
            "silent": SILENT, "scales": SCALES, "start": START,
            "last_gradient": list(GRADIENTS[-1])}
    lines = [json.dumps(c, separators=(",", ":")) for c in CASES]
    text = json.dumps(head)[:-1] + ',\n"cases": [\n' + ",\n".join(lines) + "\n]}\n"
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    print(f"{len(CASES)} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()

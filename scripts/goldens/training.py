"""Goldens of what moves the weights: AdamW, clipping, learning-rate schedules. Part of blocks.py."""

import math

import torch
from golden import Golden


def adamw(case: str, betas: tuple[float, float], eps: float, weight_decay: float, rates: list[float]) -> Golden:
    """torch.optim.AdamW with a decayed and an undecayed group; `grad.*` of every step is an input here."""
    g = Golden(case, "optimizer", betas=list(betas), eps=eps, weight_decay=weight_decay, rates=rates)
    parameters = {n: torch.nn.Parameter(g.give(n, g.normal(*shape), grad=False)) for n, shape in (("matrix", (5, 7)), ("bias", (19,)))}
    groups = [{"params": [parameters["matrix"]], "weight_decay": weight_decay}, {"params": [parameters["bias"]], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rates[0], betas=betas, eps=eps)
    gradients = {n: g.give(f"{n}.gradients", g.normal(len(rates), *p.shape) * g.normal(len(rates), *[1] * p.dim()).exp() * 0.1, grad=False) for n, p in parameters.items()}
    history = {n: [] for n in parameters}
    for step, rate in enumerate(rates):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for n, p in parameters.items():
            p.grad = gradients[n][step].clone()
        optimizer.step()
        for n, p in parameters.items():
            history[n].append(p.detach().clone())
    for n, p in parameters.items():
        state = optimizer.state[p]
        g.tensors |= {f"out.{n}": torch.stack(history[n]), f"out.{n}.first_moment": state["exp_avg"].clone(), f"out.{n}.second_moment": state["exp_avg_sq"].clone()}
    return g


def clipping(case: str, limit: float) -> Golden:
    """torch.nn.utils.clip_grad_norm_ over all tensors together."""
    g = Golden(case, "optimizer", limit=limit)
    parameters = []
    for name, shape in (("a", (5, 7)), ("b", (19,)), ("c", (3, 2, 4))):
        p = torch.nn.Parameter(torch.zeros(shape))
        p.grad = g.give(name, g.normal(*shape), grad=False).clone()
        parameters.append((name, p))
    norm = torch.nn.utils.clip_grad_norm_([p for _, p in parameters], limit)
    g.tensors |= {"out.norm": norm.clone()} | {f"out.{n}": p.grad.clone() for n, p in parameters}
    return g


def hugging_face(case: str, name: str, warmup: int, steps: int) -> Golden:
    """transformers' get_scheduler: multiplier at step 0, 1, ...; its warm-up starts at zero (step / warmup)."""
    from transformers import get_scheduler

    g = Golden(case, "schedule", ("torch", "transformers"), schedule=name, convention="transformers", warmup=warmup, steps=steps)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = get_scheduler("constant_with_warmup" if name == "constant" else name, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    values = []
    for _ in range(steps):
        values.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    g.tensors["out.multiplier"] = torch.tensor(values)
    return g


def open_clip(case: str, name: str, warmup: int, steps: int) -> Golden:
    """open_clip, src/open_clip_train/scheduler.py cosine_lr, const_lr: warm-up (step + 1) / warmup."""
    g = Golden(case, "schedule", schedule=name, convention="open_clip", warmup=warmup, steps=steps)
    after = {"cosine": lambda e, es: 0.5 * (1 + math.cos(math.pi * e / es)), "constant": lambda e, es: 1.0, "linear": lambda e, es: 1 - e / es}[name]
    values = [(s + 1) / warmup if s < warmup else after(s - warmup, steps - warmup) for s in range(steps)]
    g.tensors["out.multiplier"] = torch.tensor(values)
    return g


def training_cases() -> list[Golden]:
    warm = [1e-2 * ((s + 1) / 5 if s < 5 else 0.5 * (1 + math.cos(math.pi * (s - 5) / 15))) for s in range(20)]
    cases = [
        adamw("adamw", (0.9, 0.999), 1e-8, 0.01, [1e-3] * 20),
        adamw("adamw_clip_betas_warm_up", (0.9, 0.98), 1e-6, 0.2, warm),
        clipping("gradient_clipping", 1.0),
        clipping("gradient_clipping_below_the_limit", 100.0),
    ]
    for name in ("cosine", "linear", "constant"):
        cases.append(open_clip(f"schedule_{name}_open_clip", name, 10, 60))
        cases.append(hugging_face(f"schedule_{name}_transformers", name, 10, 60))
    cases.append(open_clip("schedule_cosine_without_warm_up", "cosine", 0, 25))
    return cases

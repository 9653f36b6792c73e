"""Training of one network by a plain PyTorch loop: what the trainer must agree with."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import lr_scheduler

from suite.catalog.optimizers import Optimizer
from suite.nets.ensemble import Ensemble
from suite.training.tasks import Data
from suite.training.trainer import draw_batches

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
LOSSES = {
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    "cross_entropy": functional.cross_entropy,
    "half_square": lambda outputs, labels: functional.mse_loss(outputs, labels) / 2,
}


def as_module(widths: Sequence[int], row: Tensor, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Return the network whose weights and biases are a row of an ensemble's parameters."""
    place, layers = 0, list[nn.Module]()
    for fan_in, fan_out in pairwise(widths):
        linear = nn.utils.skip_init(nn.Linear, fan_in, fan_out, dtype=row.dtype)
        linear.weight = nn.Parameter(row[place : place + fan_in * fan_out].reshape(fan_out, fan_in).clone())
        place += fan_in * fan_out
        linear.bias = nn.Parameter(row[place : place + fan_out].clone())
        place += fan_out
        layers += [linear, activation()]
    return nn.Sequential(*layers[:-1])


def flat(network: nn.Module) -> Tensor:
    """Return all parameters as a row of an ensemble has them."""
    return torch.cat([part.detach().flatten() for part in network.parameters()])


def schedule_of(optimizer: torch.optim.Optimizer, rule: Optimizer, steps: int) -> lr_scheduler.LRScheduler:
    """Return torch's schedule of the learning rate."""
    warmup, rest = rule.warmup, steps - rule.warmup
    parts: list[lr_scheduler.LRScheduler] = []
    if warmup:
        parts.append(lr_scheduler.LinearLR(optimizer, 1 / warmup, total_iters=warmup - 1))
    if rest > 0 or not parts:
        cosine = rule.schedule == "cosine"
        parts.append(
            lr_scheduler.CosineAnnealingLR(optimizer, rest)
            if cosine
            else lr_scheduler.ConstantLR(optimizer, 1.0, total_iters=1)
        )
    return parts[0] if len(parts) == 1 else lr_scheduler.SequentialLR(optimizer, parts, milestones=[warmup])


def train_alone(
    network: nn.Module, points: Tensor, labels: Tensor, loss: str, rule: Optimizer, orders: Iterable[Tensor], steps: int
) -> list[float]:
    """Train a network on its points, (inputs, points), and return the norms of its gradients before clipping."""
    optimizer = OPTIMIZERS[rule.name](network.parameters(), lr=rule.learning_rate, **rule.keywords)
    schedule, norms = schedule_of(optimizer, rule, steps), list[float]()
    for _, chosen in zip(range(steps), orders, strict=False):
        optimizer.zero_grad()
        LOSSES[loss](network(points[:, chosen].T), labels[:, chosen].T).backward()
        most = float("inf") if rule.clip is None else rule.clip
        norms.append(float(nn.utils.clip_grad_norm_(network.parameters(), most)))
        optimizer.step()
        schedule.step()
    return norms


def train_each_alone(ensemble: Ensemble, data: Data, rule: Optimizer, steps: int) -> tuple[Tensor, list[float]]:
    """Train every network of an ensemble by itself, in the trainer's order of points; the ensemble is not changed.

    Returns:
        The parameters after the last step, (networks, parameters), and the norms of all gradients before clipping.
    """
    rows, norms = list[Tensor](), list[float]()
    for row, points, labels in zip(ensemble.parameters, data.train.inputs, data.train.labels, strict=True):
        with torch.enable_grad():
            network = as_module(ensemble.widths, row)
            orders = draw_batches(data.seed, points.shape[1], rule.batch)
            norms += train_alone(network, points, labels, data.loss.name, rule, orders, steps)
        rows.append(flat(network))
    return torch.stack(rows), norms

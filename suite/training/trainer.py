"""One trainer for many networks at once: each has its own data and its own learning rate."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from suite.catalog.dotted import load
from suite.catalog.optimizers import Optimizer
from suite.nets.backward import Backpropagation
from suite.nets.ensemble import Ensemble
from suite.nets.streams import stream
from suite.training.tasks import Data

State = dict[str, Tensor]
"""All that a training has come to, as plain tensors by name: with it and the same data it can go on elsewhere."""


def train(
    ensemble: Ensemble,
    data: Data,
    optimizers: Sequence[Optimizer],
    stops: Sequence[int],
    start: State | None = None,
    offer: Callable[[Callable[[], State]], None] | None = None,
) -> Iterator[int]:
    """Train every network under its optimizer, in place, and pause at the given steps.

    Networks come in equal groups, one for each optimizer; network i of each group sees the data of replicate i.
    All see their points in the same random order, which is harmless since their points are independent.

    Args:
        ensemble: optimizers times replicates networks; its parameters change between pauses.
        data: of the replicates.
        optimizers: alike but for the learning rate.
        stops: increasing steps, 0 for before the first.
        start: the state to go on from, if not from the first step; every step is then what it would have been.
        offer: called after each step, before any pause, with what tells the state: a dictionary of one's own, whose
            tensors the next step changes.

    Yields:
        Each of `stops`, when so many steps are done; none that `start` has left behind.
    """
    first = optimizers[0]
    groups = len(optimizers)
    passes = Backpropagation(ensemble, first.batch)
    rule = _torch_optimizer(passes, optimizers)
    inputs = data.train.inputs.repeat(groups, 1, 1)
    labels = data.train.labels.repeat(groups, 1, 1)
    done = _go_on(start, ensemble, rule) if start else 0
    batches = islice(_batches(data.seed, inputs.shape[2], first.batch, inputs.device), done, None)

    def state() -> State:
        return _state(done, ensemble, rule)

    for stop in stops:
        if stop < done:
            continue
        while done < stop:
            chosen = next(batches)
            outputs = passes.forward(_at(inputs, chosen))
            passes.backward(data.loss.gradient(outputs, _at(labels, chosen)))
            rule.step()
            done += 1
            if offer:
                offer(state)
        yield stop


def _state(done: int, ensemble: Ensemble, rule: torch.optim.Optimizer) -> State:
    """What the steps after so many depend on: the parameters, and whatever the optimizer has gathered of each group."""
    gathered = rule.state_dict()["state"]
    return {"step": torch.tensor(done), "parameters": ensemble.parameters} | {
        f"{_OPTIMIZER}.{group}.{name}": value
        for group, values in gathered.items()
        for name, value in values.items()
        if value is not None
    }


def _go_on(start: State, ensemble: Ensemble, rule: torch.optim.Optimizer) -> int:
    """Puts parameters and optimizer where they were; returns how many steps had been done."""
    ensemble.parameters.copy_(start["parameters"])
    gathered: dict[int, State] = {}
    for key, value in start.items():
        room, _, entry = key.partition(".")
        if room == _OPTIMIZER:
            group, _, name = entry.partition(".")
            gathered.setdefault(int(group), {})[name] = value.clone()
    rule.load_state_dict({**rule.state_dict(), "state": gathered})
    return int(start["step"])


_OPTIMIZER = "optimizer"


def _at(values: Float[Tensor, "networks rows points"], chosen: Int64[Tensor, " batch"]) -> Tensor:
    """The values at some points; gathered, which takes an eighth of the time of index_select along the last axis."""
    return values.gather(2, chosen.expand(*values.shape[:2], -1))


def _torch_optimizer(passes: Backpropagation, optimizers: Sequence[Optimizer]) -> torch.optim.Optimizer:
    """One torch optimizer with a parameter group a learning rate: each a slice of the ensemble's rows."""
    rows = passes.ensemble.draws // len(optimizers)
    groups = []
    for place, optimizer in enumerate(optimizers):
        part = slice(place * rows, (place + 1) * rows)
        parameters = passes.ensemble.parameters[part]
        parameters.grad = passes.gradient[part]
        groups.append({"params": [parameters], "lr": optimizer.learning_rate})
    build = load(optimizers[0].function)
    rule: torch.optim.Optimizer = build(groups, fused=True, **optimizers[0].keywords)
    return rule


def _batches(
    seed: int, points: int, batch: int, device: torch.device | str = "cpu"
) -> Iterator[Int64[Tensor, " batch"]]:
    """Yield the indices of each batch's points: epoch after epoch in a new order, without an incomplete last batch."""
    generator = stream(seed, batches=batch, points=points)
    while True:
        order = torch.from_numpy(generator.permutation(points)).to(device)  # an epoch at once: each copy is a wait
        for start in range(0, points - batch + 1, batch):
            yield order[start : start + batch]

"""A trainer for many networks at once, each with its own data and learning rate."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from suite.catalog.dotted import load
from suite.catalog.optimizers import Optimizer
from suite.nets.backward import Backpropagation
from suite.nets.compiled import CompiledTraining, can_train
from suite.nets.ensemble import Ensemble
from suite.nets.losses import Loss
from suite.nets.streams import stream
from suite.training.tasks import Data

State = dict[str, Tensor]
"""State of a training, as tensors by name. With it and the same data, training can continue elsewhere."""


def train(
    ensemble: Ensemble,
    data: Data,
    optimizers: Sequence[Optimizer],
    stops: Sequence[int],
    start: State | None = None,
    offer: Callable[[Callable[[], State]], None] | None = None,
) -> Iterator[int]:
    """Train every network under its optimizer, in place, and pause at the given steps.

    Networks are in equal groups, one group per optimizer. Network i of each group is trained on the data of replicate
    i. All networks process their points in the same random order, which has no effect on the statistics since the
    points of different replicates are independent.

    Args:
        ensemble: One network per optimizer and replicate, grouped by optimizer. Its parameters change between pauses.
        data: Data of the replicates.
        optimizers: Optimizers that differ only in the learning rate.
        stops: Increasing steps at which to pause; 0 is before the first step. Schedules of the learning rate end at
            the last.
        start: State to continue from, if not from the first step. All further steps are the same as without the
            interruption.
        offer: Callback that is called often, between steps and before any pause, with a function that returns the
            state. The returned dictionary is new, but the next step changes its tensors.

    Yields:
        Each of `stops` after that number of steps, except those before `start`.
    """
    first, groups = optimizers[0], len(optimizers)
    points = data.train.repeat(groups)
    inputs, labels = points.inputs, points.labels
    training: CompiledTraining | TorchTraining
    if can_train(ensemble, data.loss.name, inputs, labels, optimizers):
        training = CompiledTraining(ensemble, data.loss.name, inputs, labels, optimizers, start)
    else:
        training = TorchTraining(ensemble, data.loss, inputs, labels, optimizers, start)
    batches = islice(draw_batches(data.seed, inputs.shape[2], first.batch, inputs.device), training.done, None)
    for stop in stops:
        if stop < training.done:
            continue
        while training.done < stop:
            steps = min(training.steps_at_once, stop - training.done)
            factors = [first.rate_factor(training.done + step, stops[-1]) for step in range(steps)]
            training.advance(torch.stack(list(islice(batches, steps))), factors)
            if offer:
                offer(lambda: training.state)
        yield stop


class TorchTraining:
    """Training of an ensemble by torch.

    Args:
        ensemble: One network per optimizer and replicate, grouped by optimizer. Its parameters change with each call.
        loss: The loss.
        inputs: Training points of each network.
        labels: Their labels.
        optimizers: Optimizers that differ only in the learning rate.
        start: State to continue from, if any.
    """

    steps_at_once = 1
    """Number of steps between two states that can be saved."""

    def __init__(
        self,
        ensemble: Ensemble,
        loss: Loss,
        inputs: Float[Tensor, "networks inputs points"],
        labels: Float[Tensor, "networks outputs points"],
        optimizers: Sequence[Optimizer],
        start: State | None = None,
    ) -> None:
        self._ensemble, self._loss, self._inputs, self._labels = ensemble, loss, inputs, labels
        self._passes = Backpropagation(ensemble, optimizers[0].batch)
        self._rule, self._optimizers = _torch_optimizer(self._passes, optimizers), optimizers
        self.done = self._restore(start) if start else 0

    def advance(self, order: Int64[Tensor, "steps batch"], factors: Sequence[float]) -> None:
        """Train for some steps.

        Args:
            order: Indices of the points of each batch.
            factors: By what the learning rates are multiplied in each step.
        """
        for chosen, factor in zip(order, factors, strict=True):
            outputs = self._passes.forward(_select_points(self._inputs, chosen))
            self._passes.backward(self._loss.gradient(outputs, _select_points(self._labels, chosen)))
            if (clip := self._optimizers[0].clip) is not None:
                _clip(self._passes.gradient, clip)
            for group, optimizer in zip(self._rule.param_groups, self._optimizers, strict=True):
                group["lr"] = factor * optimizer.learning_rate
            self._rule.step()
        self.done += len(order)

    @property
    def state(self) -> State:
        """The state after the steps that are done: the parameters and the optimizer's state of each group."""
        optimizer_state = self._rule.state_dict()["state"]
        return {"step": torch.tensor(self.done), "parameters": self._ensemble.parameters} | {
            f"{_PREFIX}.{group}.{name}": value
            for group, values in optimizer_state.items()
            for name, value in values.items()
            if value is not None
        }

    def _restore(self, start: State) -> int:
        """Restore the parameters and the optimizer from a state, and return its number of steps."""
        self._ensemble.parameters.copy_(start["parameters"])
        optimizer_state: dict[int, State] = {}
        for key, value in start.items():
            prefix, _, entry = key.partition(".")
            if prefix == _PREFIX:
                group, _, name = entry.partition(".")
                optimizer_state.setdefault(int(group), {})[name] = value.clone()
        self._rule.load_state_dict({**self._rule.state_dict(), "state": optimizer_state})
        return int(start["step"])


_PREFIX = "optimizer"


def _select_points(values: Float[Tensor, "networks rows points"], chosen: Int64[Tensor, " batch"]) -> Tensor:
    """Return the values at some points.

    `gather` takes an eighth of the time of `index_select` along the last axis.
    """
    return values.gather(2, chosen.expand(*values.shape[:2], -1))


def _clip(gradient: Float[Tensor, "networks parameters"], clip: float) -> None:
    """Scale each network's gradient down to a norm, as `torch.nn.utils.clip_grad_norm_` does."""
    gradient.mul_((clip / (gradient.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1.0))


def _torch_optimizer(passes: Backpropagation, optimizers: Sequence[Optimizer]) -> torch.optim.Optimizer:
    """Return a torch optimizer with a parameter group, a slice of the ensemble's rows, per learning rate."""
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


def draw_batches(
    seed: int, points: int, batch: int, device: torch.device | str = "cpu"
) -> Iterator[Int64[Tensor, " batch"]]:
    """Yield the indices of the points in each batch.

    Every epoch has a new order. Its incomplete last batch, if any, is left out.
    """
    generator = stream(seed, batches=batch, points=points)
    while True:
        order = torch.from_numpy(generator.permutation(points)).to(device)  # one copy per epoch, since each copy blocks
        for start in range(0, points - batch + 1, batch):
            yield order[start : start + batch]

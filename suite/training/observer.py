"""Training with observers, so that all measures of training share a single training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from suite.catalog.measures.training import DIVERGED, AccuracySettings
from suite.catalog.quantities import QUANTITIES
from suite.catalog.task import Task
from suite.nets.ensemble import Ensemble
from suite.training.tasks import Data
from suite.training.trainer import State, train


@dataclass(frozen=True)
class TrainingSetup:
    """The task, data and settings of a training.

    Attributes:
        task: The task.
        data: The data of every network, in the order of the ensemble.
        training: The optimizers, the number of steps and the criterion of success.
    """

    task: Task
    data: Data
    training: AccuracySettings


class Observer(Protocol):
    """A measure of training, which records networks at some steps and returns its quantities at the end.

    It is created before the first step from the networks, the setup and its own settings.

    Attributes:
        seen: Everything that it has recorded: a list of tensors by name, one tensor per call of `look`. Another
            observer that is created from the same arguments can continue from it.
    """

    seen: dict[str, list[Tensor]]

    @property
    def stops(self) -> Sequence[int]:
        """Increasing steps at which `look` is called; 0 is before the first step."""

    def look(self, networks: Ensemble, step: int) -> None:
        """Record the networks at one of `stops`. Their parameters change afterward."""

    def readings(self) -> dict[str, Tensor]:
        """Return an array per quantity, with the axes networks, layers (if any) and recorded steps (if any)."""


_Maker = Callable[[Ensemble, TrainingSetup, Any], Observer]


@dataclass(frozen=True)
class ResumeState:
    """The state from which an interrupted training continues, and a callback that can save later states.

    Attributes:
        start: State at the interruption, on the networks' device; None to start from the first step.
        offer: Callback that is called after every step with a function that returns the state. It must call this
            function immediately or not at all.
    """

    start: State | None
    offer: Callable[[Callable[[], State]], None]


def observe(
    ensemble: Ensemble,
    data: Data,
    training: AccuracySettings,
    makers: Sequence[tuple[_Maker, Any]],
    resume: ResumeState | None = None,
) -> dict[str, Tensor]:
    """Train each draw from its initial weights at every learning rate, and return what observers measured.

    A network whose training diverged is nan in all quantities of the kind "value", at all layers and steps, so that
    curves and final values are over the same networks. Events and times to events keep their values.

    Args:
        ensemble: One network per replicate, in float32. It is not changed.
        data: The data of the replicates.
        training: One task, optimizers that differ only in the learning rate, and the steps.
        makers: The constructor of each observer, with its settings.
        resume: The state to continue from, and the callback that saves states. The result does not depend on it.

    Returns:
        The quantities of all observers, of shape (draws, learning rates, ...).
    """
    rates = len(training.optimizer)
    # The networks of one learning rate are one slice of the ensemble, because torch.optim takes two to seven times as
    # long to update each row by itself. Another order would round differently.
    networks = ensemble[torch.arange(ensemble.draws).repeat(rates)]
    setup = TrainingSetup(training.task[0], data.repeat(rates), training)
    observers = [make(networks, setup, settings) for make, settings in makers]
    # Schedules of the learning rate end at the last stop, whoever records it.
    stops = sorted({training.steps, *(step for observer in observers for step in observer.stops)})
    start, offer = None, None
    if resume:
        seen = [observer.seen for observer in observers]
        start, offer = resume.start, lambda trained: resume.offer(lambda: trained() | _records(seen))
        _restore_records(start or {}, seen)
    for step in train(networks, data, training.optimizer, stops, start, offer):
        for observer in observers:
            if step in observer.stops:
                observer.look(networks, step)
    readings = {name: values for observer in observers for name, values in observer.readings().items()}
    readings = _without_diverged(readings)
    return {name: values.unflatten(0, (rates, -1)).transpose(0, 1) for name, values in readings.items()}


def _without_diverged(readings: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the readings with nan for the values of networks whose training diverged."""
    if DIVERGED not in readings:  # no observer records divergence
        return readings
    diverged = readings[DIVERGED] > 0
    return {
        name: torch.where(diverged.view(-1, *[1] * (values.ndim - 1)), torch.nan, values)
        if name in QUANTITIES and QUANTITIES[name].kind == "value"
        else values
        for name, values in readings.items()
    }


def _records(seen: Sequence[dict[str, list[Tensor]]]) -> State:
    """Return the records of all observers as tensors, with the calls of `look` as the last axis."""
    return {
        f"{_PREFIX}.{place}.{name}": torch.stack(looks, dim=-1)
        for place, own in enumerate(seen)
        for name, looks in own.items()
        if looks
    }


def _restore_records(state: State, seen: Sequence[dict[str, list[Tensor]]]) -> None:
    """Restore the records of all observers from a state."""
    for key, looks in state.items():
        prefix, _, entry = key.partition(".")
        if prefix == _PREFIX:
            place, _, name = entry.partition(".")
            seen[int(place)][name] = list(looks.unbind(-1))


_PREFIX = "seen"

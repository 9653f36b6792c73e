"""Train networks while observers measure them: one training serves all measures of training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from suite.catalog.measures.training import AccuracySettings
from suite.catalog.tasks import Task
from suite.nets.ensemble import Ensemble
from suite.training.tasks import Data
from suite.training.trainer import State, train


@dataclass(frozen=True)
class TrainingSetup:
    """The task, data and settings of a training.

    Attributes:
        task: The task.
        data: The data of every network, in the order of the ensemble.
        training: Optimizers, steps and what counts as success.
    """

    task: Task
    data: Data
    training: AccuracySettings


class Observer(Protocol):
    """A measure of training: it looks at the networks at some steps, and returns its readings at the end.

    It is created before the first step from the networks, the setup and its own settings.

    Attributes:
        seen: Everything that it has recorded: by name, one tensor per look. Another observer, created from the same
            arguments, can continue with it.
    """

    seen: dict[str, list[Tensor]]

    @property
    def stops(self) -> Sequence[int]:
        """The increasing steps at which it looks; 0 is before the first step."""

    def look(self, networks: Ensemble, step: int) -> None:
        """Record what is needed at one of `stops`; the networks change afterwards."""

    def readings(self) -> dict[str, Tensor]:
        """Return an array per quantity: networks first, then layers, if any, then recorded steps, if any."""


_Maker = Callable[[Ensemble, TrainingSetup, Any], Observer]


@dataclass(frozen=True)
class ResumeState:
    """The state from which an interrupted training continues, and where its state is offered for saving.

    Attributes:
        start: The state when it was interrupted, on the networks' device; None to begin.
        offer: Called after every step with a function that returns the state, to be called at once or not at all.
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
    """Train each draw from its initial weights at every learning rate, and return the readings of all observers.

    Args:
        ensemble: One network per replicate, in float32. It is not changed.
        data: The data of the replicates.
        training: One task, optimizers that differ only in the learning rate, and the steps.
        makers: The constructor of each observer, with its settings.
        resume: The state to continue from, and where states are offered. The result does not depend on it.

    Returns:
        The quantities of all observers, of shape (draws, learning rates, ...).
    """
    rates = len(training.optimizer)
    # While they train, the networks of one learning rate are one slice of the ensemble: torch.optim takes two to seven
    # times as long to update a row for each draw, and another order rounds differently.
    networks = ensemble[torch.arange(ensemble.draws).repeat(rates)]
    setup = TrainingSetup(training.task[0], data.repeat(rates), training)
    observers = [make(networks, setup, settings) for make, settings in makers]
    stops = sorted({step for observer in observers for step in observer.stops})
    start, offer = None, None
    if resume:
        seen = [observer.seen for observer in observers]
        start, offer = resume.start, lambda trained: resume.offer(lambda: trained() | _state(seen))
        _recall(start or {}, seen)
    for step in train(networks, data, training.optimizer, stops, start, offer):
        for observer in observers:
            if step in observer.stops:
                observer.look(networks, step)
    readings = {name: values for observer in observers for name, values in observer.readings().items()}
    return {name: values.unflatten(0, (rates, -1)).transpose(0, 1) for name, values in readings.items()}


def _state(seen: Sequence[dict[str, list[Tensor]]]) -> State:
    """What each observer has seen, looks last."""
    return {
        f"{_SEEN}.{place}.{name}": torch.stack(looks, dim=-1)
        for place, own in enumerate(seen)
        for name, looks in own.items()
        if looks
    }


def _recall(state: State, seen: Sequence[dict[str, list[Tensor]]]) -> None:
    """Gives each observer back what it has seen."""
    for key, looks in state.items():
        room, _, entry = key.partition(".")
        if room == _SEEN:
            place, _, name = entry.partition(".")
            seen[int(place)][name] = list(looks.unbind(-1))


_SEEN = "seen"

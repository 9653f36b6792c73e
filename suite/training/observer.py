"""Looks at networks while they train: one training serves every measure that watches it."""

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
class Lesson:
    """What networks are taught.

    Attributes:
        task: the problem.
        data: of every network, in the order of the ensemble.
        training: optimizers, steps and what counts as success.
    """

    task: Task
    data: Data
    training: AccuracySettings


class Observer(Protocol):
    """What a measure of training does: looks at the networks at some steps, and says what it saw.

    It is made, before the first step, from the networks, the lesson and its own settings.

    Attributes:
        seen: all that its looks have left with it: by name, a tensor a look. Another observer, made from the same, goes
            on with it.
    """

    seen: dict[str, list[Tensor]]

    @property
    def stops(self) -> Sequence[int]:
        """Increasing steps to look at; 0 is before the first."""

    def look(self, networks: Ensemble, step: int) -> None:
        """Called at each of `stops`; the networks change afterwards."""

    def readings(self) -> dict[str, Tensor]:
        """By quantity, an array with the networks first, then layers, if any, then recorded steps, if any."""


_Maker = Callable[[Ensemble, Lesson, Any], Observer]


@dataclass(frozen=True)
class ResumeState:
    """Where a training was left, and may be left again; how states are kept is not its affair.

    Attributes:
        start: what this very training had come to when it was left, on the networks' device; None where it begins.
        offer: called after every step with what tells the state, which is to be kept at once or not at all.
    """

    start: State | None
    offer: Callable[[Callable[[], State]], None]


def observe(
    ensemble: Ensemble,
    data: Data,
    training: AccuracySettings,
    makers: Sequence[tuple[_Maker, Any]],
    bookmark: ResumeState | None = None,
) -> dict[str, Tensor]:
    """Trains each draw from its initial weights under every learning rate, looked at by all observers.

    Args:
        ensemble: one network a replicate, in float32; left as it is.
        data: the replicates' data.
        training: one task; optimizers alike but for the learning rate; steps.
        makers: what makes each observer, with its settings.
        bookmark: where to go on from, and what is told of every step; what is returned does not depend on it.

    Returns:
        All observers' quantities, (draws, learning rates, ...).
    """
    rates = len(training.optimizer)
    # While they train, the networks of one learning rate are one slice of the ensemble: torch.optim takes two to seven
    # times as long to update a row for each draw, and another order rounds differently.
    networks = ensemble[torch.arange(ensemble.draws).repeat(rates)]
    lesson = Lesson(training.task[0], data.repeat(rates), training)
    observers = [make(networks, lesson, settings) for make, settings in makers]
    stops = sorted({step for observer in observers for step in observer.stops})
    start, offer = None, None
    if bookmark:
        seen = [observer.seen for observer in observers]
        start, offer = bookmark.start, lambda trained: bookmark.offer(lambda: trained() | _state(seen))
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

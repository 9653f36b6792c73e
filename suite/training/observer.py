"""Looks at networks while they train: one training serves every measure that watches it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from suite.catalog.measure_settings import AccuracySettings
from suite.catalog.tasks import Task
from suite.nets.ensemble import Ensemble
from suite.training.tasks import Data
from suite.training.trainer import train


@dataclass(frozen=True)
class Lesson:
    """What networks are taught.

    Attributes:
        task: the problem.
        data: of every network, in the order of the ensemble.
        training: optimisers, steps and what counts as success.
    """

    task: Task
    data: Data
    training: AccuracySettings


class Observer(Protocol):
    """What a measure of training does: looks at the networks at some steps, and says what it saw.

    It is made, before the first step, from the networks, the lesson and its own settings.
    """

    @property
    def stops(self) -> Sequence[int]:
        """Increasing steps to look at; 0 is before the first."""

    def look(self, networks: Ensemble, step: int) -> None:
        """Called at each of `stops`; the networks change afterwards."""

    def readings(self) -> dict[str, Tensor]:
        """By quantity, an array with the networks first, then layers, if any, then recorded steps, if any."""


Maker = Callable[[Ensemble, Lesson, Any], Observer]


def observe(
    ensemble: Ensemble, data: Data, training: AccuracySettings, makers: Sequence[tuple[Maker, Any]]
) -> dict[str, Tensor]:
    """Trains each draw from its initial weights under every learning rate, looked at by all observers.

    Args:
        ensemble: one network a replicate, in float32; left as it is.
        data: the replicates' data.
        training: one task; optimisers alike but for the learning rate; steps.
        makers: what makes each observer, with its settings.

    Returns:
        All observers' quantities, first axis the learning rates, second the draws.
    """
    rates = len(training.optimizer)
    networks = ensemble[torch.arange(ensemble.draws).repeat(rates)]
    lesson = Lesson(training.task[0], data.repeat(rates), training)
    observers = [make(networks, lesson, settings) for make, settings in makers]
    stops = sorted({step for observer in observers for step in observer.stops})
    for step in train(networks, data, training.optimizer, stops):
        for observer in observers:
            if step in observer.stops:
                observer.look(networks, step)
    readings = {name: values for observer in observers for name, values in observer.readings().items()}
    return {name: values.unflatten(0, (rates, -1)) for name, values in readings.items()}

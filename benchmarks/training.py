"""Benchmarks of the trainer and of measures that observe it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks import adapter
from benchmarks.ensembles import DEVICES, Timed, networks, version
from benchmarks.shapes import Shape

SHAPES = {
    "3 layers of 30": Shape(64, 30, 3),
    "8 layers of 16": Shape(64, 16, 8),
    "32 layers of 8": Shape(64, 8, 32),
}

STEPS = 10


class Training(Timed):
    """Steps of Adam on batches of points of a checkerboard, for all networks at once."""

    params: tuple[list[str], ...] = (list(SHAPES), DEVICES)
    shapes = SHAPES
    dtype = torch.float32
    steps, batch = STEPS, 512

    def prepare(self) -> Callable[[], object]:
        """Return a function that trains, starting from the networks that its last call trained."""
        self.task = adapter.Checkerboard(squares=4, train=2048, test=16)
        self.data = adapter.make_data(self.task, 1, 0, self.shape.draws, self.dtype).to(self.device)
        self.optimizer = adapter.Adam(learning_rate=1e-3, batch=self.batch)
        return lambda: list(adapter.train(self.ensemble, self.data, [self.optimizer], [self.steps]))


class TrainingStep(Training):
    """The steps in float32, with and without normalization."""

    params = (list(SHAPES), DEVICES, ["none", "batch", "layer"])
    param_names = ("shape", "device", "normalization")

    def draw_networks(self) -> Any:
        """Draw the networks, normalized if the last parameter requests it."""
        return networks(self.shape, self.device, self.dtype, *self.options)

    @version("3")
    def time_ten_steps(self, shape: str, device: str, normalization: str) -> None:
        self.run()


class TrainingStepInDoublePrecision(Training):
    """The steps in float64."""

    dtype = torch.float64

    @version("3")
    def time_ten_steps(self, shape: str, device: str) -> None:
        self.run()


class Observed(Training):
    """The steps with a measure that is evaluated at every recorded step."""

    def observe(self, observer: Any, settings: Any) -> Callable[[], object]:
        """Return a function that trains with this observer."""
        super().prepare()
        training = adapter.AccuracySettings(
            task=(self.task,), optimizer=(self.optimizer,), steps=STEPS, replicates=self.shape.draws
        )
        return partial(adapter.observe, self.ensemble, self.data, training, [(observer, settings)])


class Features(Observed):
    """Feature diversity of the last layer."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that trains with feature diversity."""
        return self.observe(adapter.FeatureDiversity, adapter.FeatureDiversitySettings())

    @version("3")
    def time_feature_diversity(self, shape: str, device: str) -> None:
        self.run()


class Revivals(Observed):
    """Dead neurons that become active again during the steps."""

    def prepare(self) -> Callable[[], object]:
        """Return a function that trains with revival."""
        return self.observe(adapter.Revival, adapter.RevivalSettings())

    @version("3")
    def time_revival(self, shape: str, device: str) -> None:
        self.run()

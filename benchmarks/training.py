"""The trainer: steps of many networks at once, normalised and residual ones too, and what looks at them."""

from typing import Any

import torch

from benchmarks.ensembles import DEVICES, draws_a_second, networks, settle
from benchmarks.shapes import Shape
from suite.catalog.measure_settings import AccuracySettings, FeatureDiversitySettings, RevivalSettings
from suite.catalog.optimizers import Adam
from suite.catalog.tasks import Checkerboard
from suite.training.features import FeatureDiversity
from suite.training.observer import Maker, observe
from suite.training.revival import Revival
from suite.training.tasks import make_data
from suite.training.trainer import train

SHAPES = {
    "3 layers of 30": Shape(64, 30, 3),
    "8 layers of 16": Shape(64, 16, 8),
    "32 layers of 8": Shape(64, 8, 32),
}

STEPS = 10
TASK = Checkerboard(squares=4, train=2048, test=16)


class Training:
    """What the benchmarks of training share; asv times its subclasses."""

    params: tuple[list[str], ...] = (list(SHAPES), DEVICES)
    param_names: tuple[str, ...] = ("shape", "device")
    timeout = 300
    dtype = torch.float32

    def setup(self, shape: str, device: str, normalization: str = "none") -> None:
        """Draws networks and data, which is not timed."""
        torch.set_num_threads(1)
        self.shape, self.device = SHAPES[shape], device
        self.ensemble = networks(self.shape, device, self.dtype, normalization)
        self.data = make_data(TASK, 1, 0, self.shape.draws, self.dtype).to(device)

    def steps(self) -> None:
        """What is timed; it goes on from where it stopped."""
        list(train(self.ensemble, self.data, [Adam(learning_rate=1e-3, batch=512)], [STEPS]))
        settle(self.device)


class TrainingStep(Training):
    """Ten steps of Adam on batches of 512, float32."""

    params = (list(SHAPES), DEVICES, ["none", "batch", "layer"])
    param_names = ("shape", "device", "normalization")

    def time_ten_steps(self, shape: str, device: str, normalization: str) -> None:
        self.steps()

    def track_network_steps(self, shape: str, device: str, normalization: str) -> float:
        return draws_a_second(STEPS * self.shape.draws, 3, device, self.steps)

    time_ten_steps.version = track_network_steps.version = "2"  # type: ignore[attr-defined]
    track_network_steps.unit = "network steps/s"  # type: ignore[attr-defined]


class TrainingStepInDoublePrecision(Training):
    """Ten steps of Adam on batches of 512, float64."""

    dtype = torch.float64

    def time_ten_steps(self, shape: str, device: str) -> None:
        self.steps()

    time_ten_steps.version = "1"  # type: ignore[attr-defined]


class Observed(Training):
    """Ten steps with an observer; asv times its subclasses."""

    maker: tuple[Maker, Any]

    def work(self) -> None:
        """What is timed."""
        optimizer = (Adam(learning_rate=1e-3, batch=512),)
        settings = AccuracySettings(task=(TASK,), optimizer=optimizer, steps=STEPS, replicates=self.shape.draws)
        observe(self.ensemble, self.data, settings, [self.maker])
        settle(self.device)


class Features(Observed):
    """Feature diversity of the last layer, at every recorded step."""

    maker = (FeatureDiversity, FeatureDiversitySettings())

    def time_feature_diversity(self, shape: str, device: str) -> None:
        self.work()

    time_feature_diversity.version = "1"  # type: ignore[attr-defined]


class Revivals(Observed):
    """Dead neurons that come back, at every recorded step."""

    maker = (Revival, RevivalSettings())

    def time_revival(self, shape: str, device: str) -> None:
        self.work()

    time_revival.version = "1"  # type: ignore[attr-defined]

"""The trainer: steps of many networks at once."""

import torch

from benchmarks.ensembles import DEVICES, Shape, draws_a_second, networks, settle
from suite.catalog.optimizers import Adam
from suite.catalog.tasks import Checkerboard
from suite.training.tasks import make_data
from suite.training.trainer import train

SHAPES = {
    "3 layers of 30": Shape(64, 30, 3),
    "8 layers of 16": Shape(64, 16, 8),
    "32 layers of 8": Shape(64, 8, 32),
}

STEPS = 10


class TrainingStep:
    """Ten steps of Adam on batches of 512, float32."""

    params = (list(SHAPES), DEVICES)
    param_names = ("shape", "device")
    timeout = 300

    def setup(self, shape: str, device: str) -> None:
        """Draws networks and data, which is not timed."""
        torch.set_num_threads(1)
        self.shape, self.device = SHAPES[shape], device
        self.ensemble = networks(self.shape, device, torch.float32)
        task = Checkerboard(squares=4, train=2048, test=16)
        self.data = make_data(task, 1, 0, self.shape.draws).to(device)

    def steps(self) -> None:
        """What is timed; it goes on from where it stopped."""
        list(train(self.ensemble, self.data, [Adam(learning_rate=1e-3, batch=512)], [STEPS]))
        settle(self.device)

    def time_ten_steps(self, shape: str, device: str) -> None:
        self.steps()

    def track_network_steps(self, shape: str, device: str) -> float:
        return draws_a_second(STEPS * self.shape.draws, 3, device, self.steps)

    time_ten_steps.version = track_network_steps.version = "1"  # type: ignore[attr-defined]
    track_network_steps.unit = "network steps/s"  # type: ignore[attr-defined]

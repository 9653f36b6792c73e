"""Samples of data: the points, and stencils that are centered at them."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.domain import GRID_INPUTS, STENCIL, STEPS_A_DEVIATION, TrainingPoints
from suite.nets.ensemble import Ensemble
from suite.nets.lines import COARSE, stencils_at
from suite.nets.sample import Sample
from suite.nets.streams import stream

_FEWEST_COARSE = 64
"""Minimum number of points of a coarser sample."""

_STENCILS_AT_A_TIME = 2**14
"""Number of stencils that are evaluated together."""


@dataclass(frozen=True)
class DataPoints(Sample):
    """Data points, and stencils of four points that are centered at them.

    Attributes:
        data: The points, as columns.
    """

    data: Float[Tensor, "inputs points"]

    def points(self) -> Float[Tensor, "inputs points"]:
        """Return the data points, without the stencils' points."""
        return self.data

    def coarse_points(self) -> Float[Tensor, "inputs points"]:
        """Return an eighth of the data points, but at least 64, or all if these are fewer."""
        return self.some(max(_FEWEST_COARSE, self.data.shape[1] // COARSE))

    def third_differences(self, values: Float[Tensor, "*batch points"]) -> list[Float[Tensor, "*batch _"]]:
        """Return the differences along all stencils, from the values at the stencils' points."""
        return [self.lines[0].third_differences(values)]

    def evaluate(
        self, ensemble: Ensemble
    ) -> tuple[Float[Tensor, "draws outputs points"], list[Float[Tensor, "draws outputs _"]]]:
        """Return the outputs at the data points, and the third differences along the stencils.

        Batch normalization takes its statistics over the data points. Only some of the stencils' points, which are
        several times as many, are in memory at a time.
        """
        number, lines = self.data.shape[1], self.lines[0]
        normalized = ensemble.normalization == "batch"
        size = max(_STENCILS_AT_A_TIME, number // (STENCIL + 1)) if normalized else _STENCILS_AT_A_TIME
        found = []
        for start in range(0, len(lines.starts), size):
            some = lines[start : start + size]
            points = some.points()
            if normalized:
                outputs = ensemble(torch.cat([self.data, points], dim=1), reference=number)[..., number:]
            else:
                outputs = ensemble(points)
            found.append(some.third_differences(outputs))
        return ensemble(self.data), [torch.cat(found, dim=2)]

    def to(self, dtype: torch.dtype, device: torch.device | str) -> "DataPoints":
        """Return the same sample in another precision or on another device."""
        lines = tuple(each.to(dtype, device) for each in self.lines)
        return replace(self, lines=lines, data=self.data.to(device=device, dtype=dtype))


def sample_data(data: Float[Tensor, "inputs points"], step: float | None, seed: int) -> DataPoints:
    """Return data points with stencils of four points around each.

    With one or two inputs, the stencils run along each axis. With more, there is one at each point, in a direction that
    is drawn uniformly.

    Args:
        data: The points, in float64.
        step: Spacing h of the stencils' points. Default: 1/16 of the inputs' standard deviation over the points, the
            root of the mean variance of an input.
        seed: Seed of the study, from which the directions follow.

    Raises:
        ValueError: If there is no step, and the points are all equal.
    """
    inputs, number = data.shape
    if step is None:
        step = data.var(dim=1, correction=0).mean().sqrt().item() / STEPS_A_DEVIATION
        if step == 0:
            raise ValueError("the training points are all equal; set step")
    if inputs <= GRID_INPUTS:
        directions = torch.eye(inputs, dtype=data.dtype).repeat_interleave(number, dim=0)
    else:
        normal = torch.from_numpy(stream(seed, directions=number, inputs=inputs).standard_normal((number, inputs)))
        directions = normal / torch.linalg.vector_norm(normal, dim=1, keepdim=True)
    centers = data.T.repeat(TrainingPoints.stencils(inputs), 1)
    return DataPoints(TrainingPoints(), (stencils_at(centers, directions, step),), data)

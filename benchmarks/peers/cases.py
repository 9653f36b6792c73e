"""The computations on which contenders are timed."""

import json
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.shapes import Shape

Work = Literal["forward", "v3", "training"]
Array = NDArray[Any]

SQUARE = 2048
"""Side of the square matrices whose product measures the machine's peak speed."""


@dataclass(frozen=True)
class Case:
    """A computation at one size.

    Attributes:
        work: "forward", the outputs of all networks; "v3", V3 of networks that are drawn first; or "training", one
            training step by Adam on the binary cross-entropy, on a separate batch for each network.
        dtype: "float32" or "float64".
        shape: The networks, with two inputs, ReLU units and one output.
        points: The number of points of the domain, the same for all networks, or of a batch.
    """

    work: Work
    dtype: str
    shape: Shape
    points: int

    @property
    def name(self) -> str:
        """The numbers of draws, width, depth and points, as text."""
        return f"{self.shape.draws}, {self.shape.width}, {self.shape.depth}, {self.points}"

    @property
    def side(self) -> int:
        """The number of points per side of V3's grid."""
        return isqrt(self.points)

    @property
    def flop(self) -> int:
        """The number of floating-point operations of the matrix products.

        They are those of one forward pass; training adds two more passes, without the gradient of the inputs.
        """
        products = [fan_in * fan_out for fan_in, fan_out in pairwise(self.shape.widths)]
        passes = 3 * sum(products) - products[0] if self.work == "training" else sum(products)
        flop: int = 2 * self.shape.draws * self.points * passes
        return flop

    @property
    def steps(self) -> int:
        """The number of training steps between two pauses of the trainer, which are all timed together.

        Studies record networks at steps that grow by a factor of sqrt(2), so that most pauses are farther apart.
        """
        return max(10, 1600 // self.points)

    @property
    def bytes(self) -> int:
        """The number of bytes that must be read and written.

        Each layer is assumed to be one kernel that reads its inputs once and writes its outputs once. In the forward
        pass, each layer reads weights, biases and the layer below, and writes its output. In the backward pass, each
        layer reads its gradient, its activations, its weights and the layer below, and writes the gradients of its
        weights and, except for the first layer, of the layer below. Adam reads parameters, gradients and two moments,
        and writes all of these except the gradients. The draw of weights is not included, since it runs on the CPU for
        the suite and on the device for others.
        """
        layers = list(pairwise(self.shape.widths))
        parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in layers)
        activations = sum(fan_in + fan_out for fan_in, fan_out in layers) * self.points
        shared = 0 if self.work == "training" else (self.shape.draws - 1) * self.shape.widths[0] * self.points
        numbers = self.shape.draws * (parameters + activations) - shared
        if self.work == "training":
            backward_numbers = sum(2 * fan_out + fan_in for fan_in, fan_out in layers) * self.points + 2 * parameters
            backward_numbers += sum(fan_in for fan_in, _ in layers[1:]) * self.points
            numbers += self.shape.draws * (backward_numbers + 7 * parameters)
        return numbers * (4 if self.dtype == "float32" else 8)


FORWARD = ((256, 6, 120, 256), (256, 16, 20, 256), (256, 34, 5, 256), (64, 128, 10, 1024), (256, 8, 50, 4096))
V3 = tuple((draws, width, depth, 1089) for draws, width, depth, _ in FORWARD)
TRAINING = ((64, 16, 8, 512), (64, 8, 32, 512), (64, 30, 3, 512), (256, 6, 50, 512))

SMALL_BATCHES = ((192, 8, 4, 32), (192, 12, 1, 32), (192, 4, 8, 32), (192, 2, 4, 16), (192, 6, 2, 16))


@dataclass(frozen=True)
class Table:
    """The cases of a table.

    Attributes:
        work: The computation.
        dtypes: The precisions.
        sizes: Draws, width, depth and points of each case.
    """

    work: Work
    dtypes: tuple[str, ...]
    sizes: tuple[tuple[int, int, int, int], ...]


TABLES = {
    "forward": Table("forward", ("float32", "float64"), FORWARD),
    "v3": Table("v3", ("float64",), V3),
    "training": Table("training", ("float32", "float64"), TRAINING),
    "small_batches": Table("training", ("float32",), SMALL_BATCHES),
}


def cases(table: str, shrink: int = 1) -> list[Case]:
    """Return the cases of a table; `shrink` divides draws and depths for a quick run."""
    work, dtypes, sizes = TABLES[table].work, TABLES[table].dtypes, TABLES[table].sizes
    return [
        Case(work, dtype, Shape(max(1, draws // shrink), width, max(1, depth // shrink)), points)
        for dtype in dtypes
        for draws, width, depth, points in sizes
    ]


@dataclass(frozen=True)
class Problem:
    """The input of every contender, as plain arrays.

    Attributes:
        case: The computation.
        parameters: One row per network: for each layer the weights by row, then the biases.
        inputs: (inputs, points), shared by all networks; for training (draws, inputs, points).
        labels: For training, (draws, 1, points).
    """

    case: Case
    parameters: Array
    inputs: Array
    labels: Array

    @property
    def layers(self) -> list[tuple[Array, Array]]:
        """Weights (draws, out, in) and biases (draws, out) of each layer."""
        found, place, draws = [], 0, len(self.parameters)
        for fan_in, fan_out in pairwise(self.case.shape.widths):
            weight = self.parameters[:, place : place + fan_in * fan_out].reshape(draws, fan_out, fan_in)
            place += fan_in * fan_out
            found.append((weight.copy(), self.parameters[:, place : place + fan_out].copy()))
            place += fan_out
        return found


class Contender(Protocol):
    """An implementation of the computation of a case."""

    name: str

    def seconds(self) -> float:
        """Run the computation once and return its time in seconds; for training, the time of one step."""

    def answer(self) -> Array:
        """Return the result: outputs (draws, points), V3, or all networks' losses after a few steps."""


STEPS = 3
"""Number of training steps before the losses on which contenders must agree."""

LEARNING_RATE = 1e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8


def problem_of(case: Case) -> Problem:
    """Return the problem of a case: critical networks, points, and labels of a 4 x 4 checkerboard."""
    from benchmarks.ensembles import networks  # noqa: PLC0415  # the JAX process runs without torch

    generator = np.random.default_rng(1)
    parameters = networks(case.shape, "cpu").parameters.numpy().astype(case.dtype)
    leading = (case.shape.draws,) if case.work == "training" else ()
    if case.work == "v3":
        along = np.linspace(-1, 1, case.side)
        inputs = np.stack([axis.ravel() for axis in np.meshgrid(along, along, indexing="ij")])
    else:
        inputs = generator.uniform(-1, 1, (*leading, 2, case.points))
    inputs = inputs.astype(case.dtype)
    labels = (np.floor(2 * (inputs + 1)).sum(-2, keepdims=True) % 2).astype(case.dtype)
    return Problem(case, parameters, inputs, labels)


def write_problem(problem: Problem, file: Path) -> None:
    """Write a problem to a file for another process."""
    case = problem.case
    shape = [case.shape.draws, case.shape.width, case.shape.depth]
    np.savez(
        file,
        parameters=problem.parameters,
        inputs=problem.inputs,
        labels=problem.labels,
        case=json.dumps([case.work, case.dtype, shape, case.points]),
    )


def read_problem(file: str) -> Problem:
    """Read a problem that another process has written."""
    with np.load(file) as found:
        work, dtype, shape, points = json.loads(str(found["case"]))
        return Problem(Case(work, dtype, Shape(*shape), points), found["parameters"], found["inputs"], found["labels"])

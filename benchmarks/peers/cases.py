"""The work that contenders are timed on."""

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
"""Side of the square matrices whose product says what the machine can do."""


@dataclass(frozen=True)
class Case:
    """One piece of work at one size.

    Attributes:
        work: outputs of all networks; V3 of networks that are drawn first; or one training step, by Adam on the
            binary cross-entropy, on a batch of each network's own.
        dtype: "float32" or "float64".
        shape: the networks, of two inputs, ReLU units and one output.
        points: of the domain, the same for all networks; or of a batch.
    """

    work: Work
    dtype: str
    shape: Shape
    points: int

    @property
    def name(self) -> str:
        """Draws, width, depth and points."""
        return f"{self.shape.draws}, {self.shape.width}, {self.shape.depth}, {self.points}"

    @property
    def side(self) -> int:
        """Points a side of V3's grid."""
        return isqrt(self.points)

    @property
    def flop(self) -> int:
        """Operations of the matrix products: one pass, and for training two more but for the inputs' gradient."""
        products = [fan_in * fan_out for fan_in, fan_out in pairwise(self.shape.widths)]
        passes = 3 * sum(products) - products[0] if self.work == "training" else sum(products)
        flop: int = 2 * self.shape.draws * self.points * passes
        return flop

    @property
    def bytes(self) -> int:
        """Bytes that must move if each layer is one kernel that reads its inputs once and writes its outputs once.

        A pass reads weights, biases and the layer below, and writes the layer. Going back, each layer reads its own
        gradient, its activations, its weights and the layer below, and writes the gradients of its weights and, but for
        the first, of the layer below. Adam reads parameters, gradients and two moments, and writes all but gradients.
        Without the draw of weights, which is on the CPU for the suite and on the device for others.
        """
        layers = list(pairwise(self.shape.widths))
        parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in layers)
        activations = sum(fan_in + fan_out for fan_in, fan_out in layers) * self.points
        shared = 0 if self.work == "training" else (self.shape.draws - 1) * self.shape.widths[0] * self.points
        numbers = self.shape.draws * (parameters + activations) - shared
        if self.work == "training":
            going_back = sum(2 * fan_out + fan_in for fan_in, fan_out in layers) * self.points + 2 * parameters
            going_back += sum(fan_in for fan_in, _ in layers[1:]) * self.points
            numbers += self.shape.draws * (going_back + 7 * parameters)
        return numbers * (4 if self.dtype == "float32" else 8)


FORWARD = ((256, 6, 120, 256), (256, 16, 20, 256), (256, 34, 5, 256), (64, 128, 10, 1024), (256, 8, 50, 4096))
V3 = tuple((draws, width, depth, 1089) for draws, width, depth, _ in FORWARD)
TRAINING = ((64, 16, 8, 512), (64, 8, 32, 512), (64, 30, 3, 512), (256, 6, 50, 512))

SIZES: dict[Work, tuple[tuple[int, int, int, int], ...]] = {"forward": FORWARD, "v3": V3, "training": TRAINING}
"""Draws, width, depth and points."""

DTYPES: dict[Work, tuple[str, ...]] = {
    "forward": ("float32", "float64"),
    "v3": ("float64",),
    "training": ("float32", "float64"),
}


def cases(work: Work, shrink: int = 1) -> list[Case]:
    """A table's cases; `shrink` divides draws and depths, for a quick look."""
    return [
        Case(work, dtype, Shape(max(1, draws // shrink), width, max(1, depth // shrink)), points)
        for dtype in DTYPES[work]
        for draws, width, depth, points in SIZES[work]
    ]


@dataclass(frozen=True)
class Problem:
    """What every contender is given, as plain arrays.

    Attributes:
        case: what to do with it.
        parameters: one row a network: per layer the weights by row, then the biases.
        inputs: (inputs, points), shared, or of a training case (draws, inputs, points).
        labels: of a training case (draws, 1, points).
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
    """A way to do a case's work."""

    name: str

    def seconds(self) -> float:
        """How long the work takes, done once."""

    def answer(self) -> Array:
        """What the work comes to: outputs (draws, points), V3, or all networks' losses after a few steps."""


STEPS = 3
"""Training steps before the losses that contenders must agree on."""

LEARNING_RATE = 1e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8


def problem_of(case: Case) -> Problem:
    """Critical networks, and points or a board of four by four squares."""
    from benchmarks.ensembles import networks  # noqa: PLC0415  # the process of JAX does without torch

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
    """For another process."""
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
    """From another process."""
    with np.load(file) as found:
        work, dtype, shape, points = json.loads(str(found["case"]))
        return Problem(Case(work, dtype, Shape(*shape), points), found["parameters"], found["inputs"], found["labels"])

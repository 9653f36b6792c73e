"""A task of the user's own: one function that labels points of a box."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from suite.catalog.tasks import TASKS, Task
from suite.plugins import found
from suite.plugins.origins import PlugInError
from suite.plugins.parameters import OwnChoice, entry_of, name_of, try_defaults
from suite.plugins.sources import add, offered

Function = Callable[..., Tensor]
_TRIED = 4096
"""Points that a task is tried at, and its labels' variance is taken from."""


class OwnTask(OwnChoice, Task):
    """A task that a plug-in gives."""

    table = "suite.catalog.tasks:TASKS"
    label_function: ClassVar[Function]

    def try_out(self) -> None:
        """Has it label points."""
        _try(self)

    @property
    def label_variance(self) -> Any:  # type: ignore[override]  # others know it of the class
        """Of a regression."""
        return _variance(self) if self.regression else None

    @property
    def keys(self) -> dict[str, Any]:
        """What the spec gives to the function."""
        return {key: value for key, value in self.parameters.items() if key not in Task.model_fields}


def task(
    *,
    inputs: int,
    classes: int | None = None,
    error: float | None = None,
    half_width: float = 1.0,
    neurons: int = 1,
    formula: str | None = None,
    name: str | None = None,
) -> Callable[[Function], Function]:
    """Adds a task, named as the decorated function is.

    The function takes points (replicates, inputs, points), uniform in a box around the origin, and returns a label for
    each, (replicates, points): the number of its class, from 0, or, in a regression, a value. Its other parameters are
    keys of a spec, as those of an activation; `train`, `validation` and `test` are sizes, as of any task.

    Args:
        inputs: dimension of the box.
        classes: how many there are, told apart by one output if two, else by one each; none in a regression.
        error: of a regression, which has to say it: the mean squared error up to which a replicate succeeds.
        half_width: of the box.
        neurons: m*, the fewest live ReLU units of one hidden layer that can learn the task, for `trainability`.
        formula: for `list`; the first line of the docstring unless given.
        name: in place of the function's own.

    Raises:
        PlugInError: what it returns are no such labels.
    """
    if (classes is None) == (error is None):
        raise PlugInError("a task has classes, or is a regression with an error that is success; give one of the two")
    if classes is not None and classes < 2:
        raise PlugInError("a task has 2 classes or more; give as many")
    if inputs < 1 or half_width <= 0 or neurons < 1:
        raise PlugInError("a task has 1 input or more, a half_width above 0, and needs 1 neuron or more")

    def add_as(called: str, function: Function) -> None:
        entry = entry_of(OwnTask, called, function, 1, formula)
        entry.label_function = staticmethod(function)
        entry.inputs, entry.half_width, entry.neurons, entry.error = inputs, float(half_width), neurons, error
        entry.outputs = classes if classes and classes > 2 else 1
        entry.loss = {None: "half_square", 2: "binary_cross_entropy"}.get(classes, "cross_entropy")
        entry.function = f"suite.plugins.found:task_{called}"
        add("a task", called, [(TASKS, entry), (found.TASKS, _labels)])
        try_defaults(entry, {"train": 1, "test": 1})

    def decorate(function: Function) -> Function:
        called = name_of(function, name)
        return offered("a task", called, function, lambda: add_as(called, function))

    return decorate


@lru_cache(maxsize=256)
def _variance(own: OwnTask) -> float:
    return float(_labels(_points(own), own).double().var(correction=0))


def _points(own: Task) -> Tensor:
    assert own.half_width is not None
    unit = torch.rand(2, own.inputs, _TRIED, generator=torch.Generator().manual_seed(0))
    return own.half_width * (2 * unit - 1)


def _labels(points: Tensor, own: Task) -> Tensor:
    """Labels (replicates, outputs, points), as training takes them.

    Raises:
        PlugInError: the function gives none.
    """
    assert isinstance(own, OwnTask)
    said = own.label_function(points.clone(), **own.keys)
    expected = (points.shape[0], points.shape[2])
    if not isinstance(said, Tensor) or said.shape != expected:
        what = f"shape {tuple(said.shape)}" if isinstance(said, Tensor) else type(said).__name__
        raise PlugInError(f"it returns {what} for points of {tuple(points.shape)}; return labels of shape {expected}")
    if own.regression:
        if not said.is_floating_point() or not bool(said.isfinite().all()):
            raise PlugInError(f"it returns {said.dtype}, or what is not finite; return finite floating-point numbers")
        return said[:, None].to(points.dtype)
    classes = own.classes
    whole = said.long()
    if said.is_complex() or bool((whole != said).any()) or int(whole.min()) < 0 or int(whole.max()) >= classes:
        raise PlugInError(f"it returns what is none of the classes 0 to {classes - 1}; return their numbers")
    return (whole[:, None] if classes == 2 else one_hot(whole, classes).transpose(1, 2)).to(points.dtype)


def _try(own: OwnTask) -> None:
    points = _points(own)
    labels = _labels(points, own)
    if not torch.equal(labels, _labels(points, own)):
        raise PlugInError("it gives other labels each time; make them of the points alone")
    if not torch.equal(labels[1:, :, ::3], _labels(points[1:, :, ::3], own)):
        raise PlugInError("a point's label depends on those beside it; make it of the point alone")
    if bool((labels == labels[:1, :, :1]).all()):
        raise PlugInError("all points have one label; make labels of the points, so that there is something to learn")

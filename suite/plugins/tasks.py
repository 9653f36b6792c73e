"""Tasks from plug-ins: one function that labels points of a box."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from suite.catalog.task import DrawnTask, Task
from suite.catalog.tasks import TASKS
from suite.plugins.loading import Plugin, PlugInError
from suite.plugins.parameters import PluginChoice, make_choice, make_decorator, register_choice

_Function = Callable[..., Tensor]

_TRIED_POINTS = 4096
"""The number of points, in each of two replicates, at which a task is tried."""


class PluginTask(PluginChoice, DrawnTask):
    """A task from a plug-in."""

    table = "suite.catalog.tasks:TASKS"
    function = "suite.plugins.tasks:_labels"
    label_function: ClassVar[_Function]

    def try_out(self) -> None:
        """Label some points and check the labels.

        Raises:
            PlugInError: If labels are invalid, differ between calls, depend on other points, or are all equal.
        """
        points = _points(self)
        labels = _labels(points, self)
        if not torch.equal(labels, _labels(points, self)):
            raise PlugInError("it is not deterministic; compute the labels from the points alone")
        if not torch.equal(labels[1:, :, ::3], _labels(points[1:, :, ::3], self)):
            raise PlugInError("a point's label depends on other points; compute it from the point alone")
        if bool((labels == labels[:1, :, :1]).all()):
            raise PlugInError("all points have the same label, so that there is nothing to learn; return others")

    @property
    def label_variance(self) -> Any:  # type: ignore[override]  # a class attribute of other tasks
        """The variance of the labels of a regression; None for a classification."""
        return _variance(self) if self.regression else None


def task(
    *,
    inputs: int,
    classes: int | None = None,
    error: float | None = None,
    half_width: float = 1.0,
    neurons: int = 1,
    formula: str | None = None,
    name: str | None = None,
) -> Callable[[_Function], _Function]:
    """Add a task, named after the decorated function.

    The function takes points (replicates, inputs, points), uniform in a box around the origin. It returns a label for
    each point, (replicates, points): the number of its class, from 0, or the value of a regression. Its other
    parameters are keys of a spec, as for an activation; `train`, `validation` and `test` are sizes, as for any task.

    Args:
        inputs: The dimension of the box.
        classes: The number of classes, with one output for two classes and one per class for more; None in a
            regression.
        error: In a regression, the mean squared error up to which a replicate succeeds.
        half_width: Half of the box's side length.
        neurons: m*, the fewest active ReLU units of one hidden layer that can learn the task, for `trainability`.
        formula: Formula that `list` shows. Default: the first line of the docstring.
        name: Its name in specs. Default: the function's own name.

    Raises:
        PlugInError: If the arguments are inconsistent, or the function returns no valid labels.
    """
    if (classes is None) == (error is None):
        raise PlugInError("expected either classes or error; give one of them")
    if classes is not None and classes < 2:
        raise PlugInError("classes: expected an integer >= 2")
    if inputs < 1 or half_width <= 0 or neurons < 1:
        raise PlugInError("expected inputs >= 1, half_width > 0 and neurons >= 1")

    def add(plugin: Plugin, called: str, function: _Function) -> None:
        entry = make_choice(PluginTask, plugin, called, function, 1, formula)
        entry.label_function = staticmethod(function)
        entry.inputs, entry.half_width, entry.neurons, entry.error = inputs, float(half_width), neurons, error
        entry.outputs = classes if classes and classes > 2 else 1
        entry.loss = {None: "half_square", 2: "binary_cross_entropy"}.get(classes, "cross_entropy")
        register_choice("a task", TASKS, entry, {"train": 1, "test": 1})

    decorator: Callable[[_Function], _Function] = make_decorator("a task", None, name, add)
    return decorator


@lru_cache(maxsize=256)
def _variance(task: PluginTask) -> float:
    """Return the variance of the labels at the points of `_points`."""
    return float(_labels(_points(task), task).double().var(correction=0))


def _points(task: Task) -> Tensor:
    """Return points (2, inputs, points), uniform in the task's box; they are the same in every call."""
    assert task.half_width is not None
    unit = torch.rand(2, task.inputs, _TRIED_POINTS, generator=torch.Generator().manual_seed(0))
    return task.half_width * (2 * unit - 1)


def _labels(points: Tensor, task: Task) -> Tensor:
    """Return labels (replicates, outputs, points) in the form that training uses.

    Raises:
        PlugInError: If the plug-in's function returns no valid labels.
    """
    assert isinstance(task, PluginTask)
    keys = {key: value for key, value in task.parameters.items() if key not in DrawnTask.model_fields}
    given = task.label_function(points.clone(), **keys)
    expected = (points.shape[0], points.shape[2])
    if not isinstance(given, Tensor) or given.shape != expected:
        what = f"shape {tuple(given.shape)}" if isinstance(given, Tensor) else type(given).__name__
        raise PlugInError(f"it returns {what} for points of {tuple(points.shape)}; return labels of shape {expected}")
    if task.regression:
        if not given.is_floating_point() or not bool(given.isfinite().all()):
            raise PlugInError(f"it returns {given.dtype}, or numbers that are not finite; return finite floats")
        return given[:, None].to(points.dtype)
    classes = task.classes
    whole = given.long()
    if given.is_complex() or bool((whole != given).any()) or int(whole.min()) < 0 or int(whole.max()) >= classes:
        raise PlugInError(f"it returns labels other than the classes 0 to {classes - 1}; return their numbers")
    return (whole[:, None] if classes == 2 else one_hot(whole, classes).transpose(1, 2)).to(points.dtype)

"""The settings of training as tables and claims name them: axes, each with a column of its own."""

from typing import Any

from suite.catalog.optimizers import Optimizer
from suite.catalog.tasks import Task


def training_settings(task: Task | None, optimizer: Optimizer | None) -> dict[str, Any]:
    """Every setting of a task and an optimizer by its column, their names under `task` and `optimizer`."""
    row: dict[str, Any] = {}
    if task is not None:
        row |= {"task": task.name, **task.parameters}
    if optimizer is not None:
        row |= {"optimizer": optimizer.name, **optimizer.parameters}
    return row

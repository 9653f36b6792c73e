"""The settings of training as axes, which tables and claims name by column."""

from typing import Any

from suite.catalog.optimizers import Optimizer
from suite.catalog.tasks import Task


def training_settings(task: Task | None, optimizer: Optimizer | None) -> dict[str, Any]:
    """Return every setting of a task and an optimizer by column; `task` and `optimizer` hold their names."""
    row: dict[str, Any] = {}
    if task is not None:
        row |= {"task": task.name, **task.parameters}
    if optimizer is not None:
        row |= {"optimizer": optimizer.name, **optimizer.parameters}
    return row

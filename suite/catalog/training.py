"""The settings of training as axes, which tables and claims name by column."""

from typing import Any

from suite.catalog.optimizers import Optimizer
from suite.catalog.task import Task


def training_settings(task: Task | None, optimizer: Optimizer | None) -> dict[str, Any]:
    """Return every setting of a task and an optimizer by column; `task` and `optimizer` hold their names."""
    row: dict[str, Any] = {}
    if task is not None:
        row |= {"task": task.name, **{key: _as_scalar(value) for key, value in task.parameters.items()}}
    if optimizer is not None:
        row |= {"optimizer": optimizer.name, **optimizer.parameters}
    return row


def _as_scalar(value: Any) -> Any:
    """Return a value of a task as tables show it: lists and tables as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {part:g}" for key, part in value.items())
    return ", ".join(value) if isinstance(value, tuple) else value

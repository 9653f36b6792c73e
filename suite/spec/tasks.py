"""This module reads the data files of a spec's tasks, and completes the families with what the tasks determine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite.catalog.datasets import Dataset
from suite.catalog.measures import TRAINING
from suite.catalog.measures.training import AccuracySettings
from suite.catalog.task import Task
from suite.spec.members import Finding
from suite.spec.model import Family, SpecFile
from suite.spec.table_checks import DataFileError


def complete_spec(declared: SpecFile, folder: Path) -> tuple[SpecFile, list[Finding]]:
    """Read the data files of tasks, and set `inputs` and `outputs` of families that leave them out.

    Args:
        declared: The content of a spec's file.
        folder: The folder of the file, to which paths of data files are relative.

    Returns:
        The completed spec, and errors, with which it must not be used.
    """
    training: AccuracySettings | None = getattr(declared.measure, TRAINING, None)
    tasks: tuple[Task, ...] = training.task if training else ()
    findings: list[Finding] = []
    if training and any(isinstance(task, Dataset) for task in tasks):
        tasks = tuple(_read_task(task, place, folder, findings) for place, task in enumerate(tasks))
        read = declared.measure.model_copy(update={TRAINING: training.model_copy(update={"task": tasks})})
        declared = declared.model_copy(update={"measure": read})
    if findings:
        return declared, findings
    families = tuple(_complete_family(family, place, tasks, findings) for place, family in enumerate(declared.family))
    return declared.model_copy(update={"family": families}), findings


def _read_task(task: Task, place: int, folder: Path, findings: list[Finding]) -> Task:
    if not isinstance(task, Dataset):
        return task
    from suite.spec.data_files import read_facts  # noqa: PLC0415  # few specs name a file

    try:
        return task.with_facts(read_facts(task, folder))
    except DataFileError as error:
        here = ("measure", TRAINING, "task", place)
        findings += [Finding((*here, key), message) for key, message in error.problems]
        return task


def _complete_family(family: Family, place: int, tasks: Sequence[Task], findings: list[Finding]) -> Family:
    """Return the family with the inputs and outputs of the tasks, unless it has its own."""
    found: dict[str, Any] = {}
    for key, default in (("inputs", None), ("outputs", 1)):
        if getattr(family, key) is not None:
            continue
        sizes = sorted({getattr(task, key) for task in tasks}) or ([default] if default else [])
        if len(sizes) == 1:
            found[key] = tuple(sizes)
            continue
        why = f"the tasks have {' or '.join(map(str, sizes))}" if sizes else "there is no task that determines it"
        findings.append(Finding(("family", place, key), f"{key} is missing, and {why}; set it"))
    return family.model_copy(update=found)

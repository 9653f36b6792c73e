"""Why a cell has no numbers."""

import traceback
from dataclasses import dataclass

from suite.cells.cell import Cell


@dataclass(frozen=True)
class Failure:
    """Why a cell failed.

    Attributes:
        reason: In one line.
        trace: The traceback; empty if the process died.
    """

    reason: str
    trace: str = ""


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an error stands for."""
    (first, *_) = str(error).splitlines() or [""]
    return Failure(f"{type(error).__name__}: {first}".removesuffix(": "), "".join(traceback.format_exception(error)))


def process_died(_: Cell) -> Failure:
    """Return the failure of a cell whose process died twice."""
    return Failure("its process was ended twice, by hand or since memory ran out; run fewer workers or free memory")

"""Whether a study can run on this machine, and whether its measures suit its networks."""

import os
from collections.abc import Iterator, Sequence

from suite.catalog.domain import GRID_INPUTS
from suite.catalog.limits import MOST_CELLS
from suite.catalog.measures import MEASURES, TRAINING
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.precision import Precise, precision_asked
from suite.catalog.schedule import recorded_steps
from suite.formatting import format_bytes, pieces
from suite.spec.claims import unfounded
from suite.spec.division import count_cells
from suite.spec.judgeable import unjudgeable
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.picture import undrawn
from suite.spec.predict import untold
from suite.spec.suitability import unsuitable

_COPIES = 4
"""Float64 copies of one network's parameters that a measure or the trainer holds at once."""

_FLOAT64 = 8


def infeasible(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """What keeps a study from running although each of its tables is valid."""
    yield from _too_large(spec, members)
    yield from list(_too_many_cells(spec, members)) or _too_many_rows(spec, members)
    yield from _too_many_points(spec, members)
    yield from _too_much_data(spec)
    yield from unsuitable(spec, members, memory_limit())
    yield from unfounded(spec, members)
    yield from unjudgeable(spec, members)
    yield from untold(spec, members)
    yield from undrawn(spec)


def memory_limit() -> int:
    """Bytes of this machine's physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _too_large(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    largest = max(members, key=lambda member: member.parameters, default=None)
    if largest is None:
        return
    need = largest.parameters * _FLOAT64 * _COPIES
    if need > memory_limit():
        size = "width" if "width" in largest.axes else "parameters"
        amount = largest.axes.get("width", largest.axes.get("budget"))
        asked = next(n for n, family in enumerate(spec.family) if amount in (getattr(family, size) or ()))
        yield Finding(
            ("family", asked, size),
            f"one network of {largest.parameters:,} parameters takes {format_bytes(need)} to measure, "
            f"this machine has {format_bytes(memory_limit())}; ask for fewer parameters",
        )


def _too_many_cells(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Report the measure with the most cells if a study has too many."""
    cells = count_cells(spec.measures, members)
    if (number := sum(cells.values())) > MOST_CELLS:
        name = max(cells, key=lambda name: cells[name])
        key = MEASURES[name].draws_key
        yield Finding(
            ("measure", name, key),
            f"the study comes to {pieces(number)}, more than {MOST_CELLS:,}, and {cells[name]:,} of them are "
            f"of {name}; ask for fewer {key} or members",
        )


def _too_many_rows(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    for name, settings in spec.measures.items():
        precise = settings if isinstance(settings, Precise) and precision_asked(settings) else None
        draws = precise.max_draws if precise else getattr(settings, "draws", 1)
        looks = len(recorded_steps(spec.training.steps)) if spec.training and name == TRAINING else 1
        values = draws * looks * sum(member.depth + 1 if MEASURES[name].layered else 1 for member in members)
        need = 16 * values * _FLOAT64
        if need > memory_limit():
            what = f"{draws:,} draws of {len(members)} members make tables of {format_bytes(need)}, this machine has"
            if precise:
                key = "max_draws" if "max_draws" in precise.model_fields_set else "precision"
                message = f"up to {what} {format_bytes(memory_limit())}; a lower max_draws is safe"
                yield Finding(("measure", name, key), message, fatal=False)
            else:
                key = MEASURES[name].draws_key
                yield Finding(("measure", name, key), f"{what} {format_bytes(memory_limit())}; ask for fewer")


def _too_many_points(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    for name, settings in spec.measures.items():
        if not isinstance(settings, OnTheDomain) or settings.step is None:
            continue
        for inputs in sorted({member.widths[0] for member in members}):
            points = spec.domain.points(inputs, settings.step, settings.lines)
            need = points * (inputs + 8) * _FLOAT64
            if need > memory_limit():
                yield Finding(
                    ("measure", name, "step" if inputs <= GRID_INPUTS else "lines"),
                    f"{points:,} points of {inputs} inputs take {format_bytes(need)}, this machine has "
                    f"{format_bytes(memory_limit())}; take a larger step or fewer lines",
                )


def _too_much_data(spec: Spec) -> Iterator[Finding]:
    for task in spec.training.task if spec.training else ():
        need = sum(task.points) * (task.inputs + task.outputs) * _FLOAT64
        if need * 2 > memory_limit():
            yield Finding(
                ("measure", TRAINING, "task", "train"),
                f"one replicate's data take {format_bytes(need)}, this machine has {format_bytes(memory_limit())}; "
                "ask for fewer points",
            )

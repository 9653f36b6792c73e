"""The cells of a study: those that its spec declares, and further draws for its precision targets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from suite.catalog.domain import GRID_INPUTS, INTERVALS, Ball, Box, Domain, Region
from suite.catalog.measures import LANDSCAPES, MEASURES
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import AccuracySettings
from suite.catalog.measures.variability import LandscapeSettings
from suite.catalog.precision import DRAWS_A_CELL, Precise, precision_asked
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Settings
from suite.catalog.task import Task
from suite.cells.blocks import Block, blocks_of, training_columns
from suite.cells.cache import CachedCell, cached_arrays
from suite.cells.cell import Cell, MeasuringCell, TrainingCell
from suite.results.shards import Shard
from suite.spec.division import divide, tasks_of
from suite.spec.load import Study, check_current
from suite.spec.model import Spec
from suite.statistics.sequential import Tightness, lacking, next_look, tightness


def cells_of(study: Study) -> list[Cell]:
    """Return the cells that a spec declares, member by member, in the catalog's order of measures.

    If a measure has a precision target, these are the cells of the first sampling round.

    Raises:
        ValueError: If a plug-in that the study uses has changed since the study was loaded.
    """
    check_current(study)
    spec, measures = study.spec, study.spec.measures
    observers = tuple(
        (name, settings)
        for name, settings in measures.items()
        if MEASURES[name].inputs == "training" and not isinstance(settings, AccuracySettings)
    )
    cells: list[Cell] = []
    for member in study.members:
        if member.widths[0] == GRID_INPUTS:
            task = tasks_of(LANDSCAPES, member, measures, spec.domain)[0]
            for plane, box in _planes(spec):
                cells.append(MeasuringCell(spec.seed, member, LANDSCAPES, plane, task, box, 0, plane.draws))
        for portion in divide(measures, member, spec.domain):
            name, settings, task = portion.name, portion.settings, portion.task
            settings, domain = _on_domain_of_task(name, settings, task, spec.domain)
            for start, stop in portion.blocks:
                if isinstance(settings, AccuracySettings):
                    shared = (spec.seed, member, name, settings, task, domain, start, stop)
                    cells.append(TrainingCell(*shared, observers))
                else:
                    cells.append(MeasuringCell(spec.seed, member, name, settings, task, domain, start, stop))
    return cells


def _planes(spec: Spec) -> Iterator[tuple[LandscapeSettings, Box]]:
    """Yield the box around a domain of two inputs with its resolution: the default number of steps along each side.

    For a domain of data it is the box of the task, if it has one.
    """
    if isinstance(spec.domain, Box):
        box = spec.domain
    elif isinstance(spec.domain, Ball):
        box = Box(half_width=spec.domain.radius)
    else:
        half_width = spec.training.task[0].half_width if spec.training else None
        if half_width is None:
            return
        box = Box(half_width=half_width)
    sides = set(box.sides())
    yield LandscapeSettings(step=sides.pop() / INTERVALS if len(sides) == 1 else None), box


def _on_domain_of_task(name: str, settings: Settings, task: Task | None, domain: Domain) -> tuple[Settings, Domain]:
    """Return the settings and the domain of a measure.

    For a measure that is evaluated on a task, the domain is the task's box at the spec's resolution, or at the default
    one if the spec's domain is data.
    """
    if MEASURES[name].inputs != "task" or task is None or task.half_width is None:
        return settings, domain
    assert isinstance(settings, OnTheDomain)
    box = Box(half_width=task.half_width)
    intervals = max(domain.intervals(settings.step)) if isinstance(domain, Region) else INTERVALS
    step = min(box.sides()) / intervals
    return settings.model_copy(update={"step": step}), box


class SamplingRounds:
    """The cells of a study that are known so far.

    Each round adds draws if a confidence interval is too wide.

    The final number of draws of a member depends only on their values, not on the cache or the workers.

    Args:
        study: The study.
        shard: If given, only one part of the cells. Draws that are judged together stay in one part.

    Attributes:
        cells: The cells, in the order of the tables.
        targets: The precision targets, in the same order.
    """

    def __init__(self, study: Study, shard: Shard | None = None) -> None:
        self._groups = [list(group) for _, group in groupby(cells_of(study), key=_identity_without_draws)]
        if shard is not None:
            units = [unit for group in self._groups for unit in _units(group)]
            self._groups = [units[index] for index in shard.take([sum(cell.cost for cell in unit) for unit in units])]
        self.cells = [cell for group in self._groups for cell in group]
        training = training_columns(study)
        self.targets = [
            PrecisionTarget(group, training) for group in self._groups if precision_asked(group[0].settings)
        ]

    def advance(self, cached: Mapping[str, CachedCell]) -> bool:
        """Judge every interval whose draws are all cached; return whether cells were added.

        Args:
            cached: The cached cells by key.
        """
        ready = [target for target in self.targets if not target.done and all(c.key in cached for c in target.cells)]
        grown = [target.look(cached) for target in ready]
        self.cells = [cell for group in self._groups for cell in group]
        return any(grown)


@dataclass
class PrecisionTarget:
    """One quantity of one member, with draws added until its confidence interval is narrow enough.

    Attributes:
        cells: The cells of the member's measure. New ones are appended to this list.
        training: The training settings that the tables show.
        looks: The number of times that the interval was judged.
        draws: The number of draws when it was last judged.
        done: Whether no more draws will be added.
        seconds: The computing time of all cells judged.
        block: The draws when the interval was last judged; None if the measure has no such quantity for these networks.
        found: The result of the last judgment.
    """

    cells: list[Cell]
    training: Sequence[str]
    looks: int = 0
    draws: int = 0
    done: bool = False
    seconds: float = 0.0
    block: Block | None = None
    found: Tightness | None = None

    @property
    def settings(self) -> Precise:
        """The settings of the measure."""
        settings = self.cells[0].settings
        assert isinstance(settings, Precise)
        return settings

    @property
    def precision(self) -> float:
        """The half-width of the interval that the spec requests."""
        assert self.settings.precision is not None
        return self.settings.precision

    @property
    def quantity(self) -> str:
        """The quantity whose interval is judged."""
        of = self.settings.precision_of or self.cells[0].measure.primary
        assert of is not None
        return of

    def look(self, cached: Mapping[str, CachedCell]) -> bool:
        """Judge the interval of all draws, which must be cached, and add cells if needed.

        Return whether cells were added.
        """
        self.looks += 1
        self.draws = self.cells[-1].stop
        self.seconds = sum(cached[cell.key].provenance["seconds"] for cell in self.cells)
        blocks = blocks_of(self.cells, *cached_arrays(self.cells, cached), self.training)
        self.block = next((block for block in blocks if block.quantity == self.quantity), None)
        if self.block is not None and self.block.columns:
            self.found = tightness(self.block.values, QUANTITIES[self.quantity].kind)
            needed = lacking(self.found, self.precision)
            if needed is not None and self.draws < self.settings.max_draws:
                until = next_look(self.draws, needed, DRAWS_A_CELL, self.settings.max_draws)
                self.cells += _cells_until(self.cells[-1], until)
                return True
        self.done = True
        return False


def _cells_until(last: Cell, until: int) -> Iterator[Cell]:
    """Yield the cells that follow a member's last one."""
    for start in range(last.stop, until, DRAWS_A_CELL):
        yield replace(last, start=start, stop=min(start + DRAWS_A_CELL, until))


def _units(group: list[Cell]) -> list[list[Cell]]:
    """Return the groups of cells that stay in one part: all draws of a precision target, or single cells."""
    return [group] if precision_asked(group[0].settings) else [[cell] for cell in group]


def _identity_without_draws(cell: Cell) -> tuple[object, ...]:
    """Return the properties that are equal for cells that differ only in their draws."""
    return (id(cell.member), cell.name, cell.task, id(cell.settings))

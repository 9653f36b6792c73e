"""Rounds: draws are added, member by member, until what a spec asks to know precisely is known as precisely."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from suite.catalog.precision import DRAWS_A_CELL, Precise, precision_asked
from suite.catalog.quantities import QUANTITIES
from suite.cells.blocks import Block, blocks_of, training_columns
from suite.cells.cache import Kept, Store, cached_arrays
from suite.cells.cell import Cell, cells_of
from suite.results.shards import Shard
from suite.spec.load import Study
from suite.statistics.sequential import Tightness, lacking, next_look, tightness


class Rounds:
    """A study's cells as far as they are known: more are added wherever a look finds an interval too wide.

    How many draws a member ends with follows from their values alone, not from what was stored or who computed it.

    Args:
        study: whose they are.
        store: where they are when they are finished.
        shard: one part of them alone; draws that are looked at together stay together.

    Attributes:
        cells: of the study, in the tables' order.
        aims: what is to be known precisely, in the same order.
    """

    def __init__(self, study: Study, store: Store, shard: Shard | None = None) -> None:
        self._groups = [list(group) for _, group in groupby(cells_of(study), key=_draws_of_one)]
        if shard is not None:
            units = [unit for group in self._groups for unit in _units(group)]
            self._groups = [units[index] for index in shard.take([sum(cell.cost for cell in unit) for unit in units])]
        self.cells = [cell for group in self._groups for cell in group]
        training = training_columns(study)
        self.aims = [Aim(group, store, training) for group in self._groups if precision_asked(group[0].settings)]

    def advance(self, kept: Mapping[str, Kept]) -> bool:
        """Looks at whatever draws have all come; says whether any cells were added.

        Args:
            kept: the cells that are in the store, by their keys.
        """
        ready = [aim for aim in self.aims if not aim.done and all(cell.key in kept for cell in aim.cells)]
        grown = [aim.look(kept) for aim in ready]
        self.cells = [cell for group in self._groups for cell in group]
        return any(grown)


@dataclass
class Aim:
    """One quantity of one member, of which draws are added to its cells until its interval is tight.

    Attributes:
        cells: of the member's measure; more come to this very list.
        store: where they are when they are finished.
        training: columns of training settings that tables show.
        looks: how often the interval was looked at.
        looked: at how many draws, the last time.
        done: whether there will be no more draws.
        seconds: of computing, in all cells looked at.
        block: what was looked at last; None where the measure gives no such quantity of these networks.
        found: what that look found.
    """

    cells: list[Cell]
    store: Store
    training: Sequence[str]
    looks: int = 0
    looked: int = 0
    done: bool = False
    seconds: float = 0.0
    block: Block | None = None
    found: Tightness | None = None

    @property
    def settings(self) -> Precise:
        """Of the measure."""
        settings = self.cells[0].settings
        assert isinstance(settings, Precise)
        return settings

    @property
    def precision(self) -> float:
        """As asked."""
        assert self.settings.precision is not None
        return self.settings.precision

    @property
    def quantity(self) -> str:
        """What is to be known."""
        of = self.settings.precision_of or self.cells[0].measure.primary
        assert of is not None
        return of

    @property
    def draws(self) -> int:
        """That were looked at last."""
        return self.looked

    def look(self, kept: Mapping[str, Kept]) -> bool:
        """Looks at the draws, all of which are kept; says whether more are wanted, whose cells it adds."""
        self.looks += 1
        self.looked = self.cells[-1].stop
        self.seconds = sum(kept[cell.key].provenance["seconds"] for cell in self.cells)
        blocks = blocks_of(self.cells, *cached_arrays(self.cells, kept, self.store), self.training)
        self.block = next((block for block in blocks if block.quantity == self.quantity), None)
        if self.block is not None and self.block.columns:
            self.found = tightness(self.block.values, QUANTITIES[self.quantity].kind)
            needed = lacking(self.found, self.precision)
            if needed is not None and self.draws < self.settings.max_draws:
                until = next_look(self.draws, needed, DRAWS_A_CELL, self.settings.max_draws)
                self.cells += _further(self.cells[-1], until)
                return True
        self.done = True
        return False


def _further(last: Cell, until: int) -> Iterator[Cell]:
    """The cells that follow a member's last one."""
    for start in range(last.stop, until, DRAWS_A_CELL):
        yield replace(last, start=start, stop=min(start + DRAWS_A_CELL, until))


def _units(group: list[Cell]) -> list[list[Cell]]:
    """What must be computed by one and the same run: draws that are looked at together, else each cell by itself."""
    return [group] if precision_asked(group[0].settings) else [[cell] for cell in group]


def _draws_of_one(cell: Cell) -> tuple[object, ...]:
    """What cells share that differ in their draws alone."""
    return (id(cell.member), cell.name, cell.task, id(cell.settings))

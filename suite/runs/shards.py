"""Shards: a study's work in parts of about equal cost, for jobs that know nothing of each other."""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass

from suite.runs.cells import Cell


@dataclass(frozen=True)
class Shard:
    """The i-th of n parts.

    Attributes:
        part: 1 .. of.
        of: how many there are.
    """

    part: int
    of: int

    def take(self, units: Sequence[list[Cell]]) -> list[list[Cell]]:
        """This part's share of what must stay together: the costliest first, each to whoever has least so far.

        All parts come to the same division, and together they have everything once.
        """
        loads = [(0.0, part) for part in range(1, self.of + 1)]
        mine = set()
        costs = [sum(cell.cost for cell in unit) for unit in units]
        for place in sorted(range(len(units)), key=lambda place: -costs[place]):
            load, part = loads[0]
            heapq.heapreplace(loads, (load + costs[place], part))
            if part == self.part:
                mine.add(place)
        return [unit for place, unit in enumerate(units) if place in mine]


def own_name(name: str, shard: Shard | None) -> str:
    """A file's name, where each part has one of its own."""
    return name.replace(".", f"-{shard.part}-of-{shard.of}.") if shard else name


def parse_shard(text: str) -> Shard:
    """A part as the command line has it, `2/8`.

    Raises:
        ValueError: it is none.
    """
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, flags=re.ASCII)
    if found and 1 <= int(found[1]) <= int(found[2]):
        return Shard(int(found[1]), int(found[2]))
    raise ValueError(f"--shard {text}: not a part of a whole; write 1/8 for the first of eight, 8/8 for the last")

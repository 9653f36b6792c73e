"""Shards: parts of a study of about equal cost, for jobs that do not communicate."""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """One part of a study.

    Attributes:
        part: Its number, from 1 to `of`.
        of: The number of parts.
    """

    part: int
    of: int

    def take(self, costs: Sequence[float]) -> list[int]:
        """Return the indices of this part's share of some work.

        The costliest work goes first, each to the part that has the least so far. All parts come to the same
        division, and together they have everything once.

        Args:
            costs: Of each unit of work that must stay together.
        """
        loads = [(0.0, part) for part in range(1, self.of + 1)]
        mine = []
        for place in sorted(range(len(costs)), key=lambda place: -costs[place]):
            load, part = loads[0]
            heapq.heapreplace(loads, (load + costs[place], part))
            if part == self.part:
                mine.append(place)
        return sorted(mine)


def parse_shard(text: str) -> Shard:
    """Parse a part as the command line has it, such as `2/8`.

    Raises:
        ValueError: If the text is not a part.
    """
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, flags=re.ASCII)
    if found and 1 <= int(found[1]) <= int(found[2]):
        return Shard(int(found[1]), int(found[2]))
    raise ValueError(f"--shard {text}: not a part of a whole; write 1/8 for the first of eight, 8/8 for the last")

"""Divide a study into shards: parts of about equal cost, for jobs that do not communicate."""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shard:
    """One part of a study.

    Attributes:
        part: The number of the part, from 1 to `of`.
        of: The number of parts.
    """

    part: int
    of: int

    def take(self, costs: Sequence[float]) -> list[int]:
        """Return the indices of the units that belong to this part.

        Units are assigned from the most to the least costly, each to the part with the lowest cost so far. All parts
        compute the same assignment, so that each unit belongs to exactly one part.

        Args:
            costs: The cost of each unit, which consists of cells that must stay together.
        """
        loads = [(0.0, part) for part in range(1, self.of + 1)]
        own = []
        for place in sorted(range(len(costs)), key=lambda place: -costs[place]):
            load, part = loads[0]
            heapq.heapreplace(loads, (load + costs[place], part))
            if part == self.part:
                own.append(place)
        return sorted(own)


def parse_shard(text: str) -> Shard:
    """Parse a shard as the command line gives it, such as `2/8`.

    Raises:
        ValueError: If the text is not the number of a part and the number of parts.
    """
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, flags=re.ASCII)
    if found and 1 <= int(found[1]) <= int(found[2]):
        return Shard(int(found[1]), int(found[2]))
    raise ValueError(
        f"--shard {text}: expected PART/PARTS with 1 <= PART <= PARTS; use 1/8 for the first of eight parts"
    )

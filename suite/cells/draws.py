"""All draws of a quantity, where they are kept: no more of them is read at a time than is asked for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

VALUES_AT_A_TIME = 2**19
"""Numbers that are summarised together, 4 MiB: a column at least, however many draws it has."""


class Draws(Protocol):
    """All draws of a quantity, one a row."""

    @property
    def shape(self) -> tuple[int, int]:
        """Draws and columns."""

    def columns(self, start: int, stop: int) -> Array:
        """Some columns of all draws."""


@dataclass(frozen=True)
class Part:
    """Some draws that are kept together.

    Attributes:
        shape: draws and columns.
        read: gives them all.
        start: the first draw's number; there are gaps where cells have failed.
    """

    shape: tuple[int, int]
    read: Callable[[], Array]
    start: int = 0


@dataclass(frozen=True)
class Parts:
    """Draws as they were measured, part after part."""

    parts: Sequence[Part]

    @property
    def shape(self) -> tuple[int, int]:
        """As the protocol has it."""
        return sum(part.shape[0] for part in self.parts), self.parts[0].shape[1]

    def columns(self, start: int, stop: int) -> Array:
        """As the protocol has it."""
        found = np.empty((self.shape[0], len(range(self.shape[1])[start:stop])))
        first = 0
        for part in self.parts:
            found[first : first + part.shape[0]] = part.read()[:, start:stop]
            first += part.shape[0]
        return found

    def rows(self) -> Iterator[tuple[int, Array]]:
        """Each part's first draw, and all of its values."""
        return ((part.start, part.read()) for part in self.parts)


@dataclass(frozen=True)
class RatioOfMeans:
    """E s / (E f)^2 of second and first moments s and f.

    No draw has it; each stands with the ratio plus what the draw moves it by (to first order), so that the mean
    is the ratio itself and the spread over draws gives its standard error and interval.
    """

    first: Draws
    second: Draws

    @property
    def shape(self) -> tuple[int, int]:
        """As the protocol has it."""
        return self.second.shape

    def columns(self, start: int, stop: int) -> Array:
        """As the protocol has it; nan for a draw that lacks either moment."""
        first, second = self.first.columns(start, stop), self.second.columns(start, stop)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            known = np.isfinite(first) & np.isfinite(second)
            counts = known.sum(axis=0)
            mean, square = (np.where(known, values, 0.0).sum(axis=0) / counts for values in (first, second))
            moved = np.where(known, second / square - 2 * first / mean, np.nan)
            ratio: Array = square / mean**2 * (2 + moved)
        return ratio


def in_memory(values: Array) -> Parts:
    """Draws that are at hand as one array, (draws, columns)."""
    return Parts((Part((values.shape[0], values.shape[1]), lambda: values),))


def chunks(draws: Draws) -> Iterator[Array]:
    """All columns, as many at a time as memory is good for; once at least, also where there are none."""
    rows, columns = draws.shape
    size = max(1, VALUES_AT_A_TIME // max(rows, 1))
    return (draws.columns(start, start + size) for start in range(0, max(columns, 1), size))

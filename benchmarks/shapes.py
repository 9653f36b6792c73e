"""The shapes of the networks that are timed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Many networks of one architecture."""

    draws: int
    width: int
    depth: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Two inputs, one output."""
        return (2, *[self.width] * self.depth, 1)


SHAPES = {
    "narrow, 120 layers of 6": Shape(256, 6, 120),
    "deep, 20 layers of 16": Shape(256, 16, 20),
    "middle, 5 layers of 34": Shape(256, 34, 5),
    "wide, 10 layers of 128": Shape(64, 128, 10),
}

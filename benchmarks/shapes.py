"""The shapes of the networks that benchmarks time."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """The number and the architecture of networks."""

    draws: int
    width: int
    depth: int

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of all layers, for two inputs and one output."""
        return (2, *[self.width] * self.depth, 1)


SHAPES = {
    "narrow, 120 layers of 6": Shape(256, 6, 120),
    "deep, 20 layers of 16": Shape(256, 16, 20),
    "middle, 5 layers of 34": Shape(256, 34, 5),
    "wide, 10 layers of 128": Shape(64, 128, 10),
}

"""How bad findings are: how often networks with them failed to train in a study of random networks."""

from typing import Literal, NamedTuple

import numpy as np

from suite.statistics.intervals import wilson

Severity = Literal["high", "medium", "low", "info"]

SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low", "info")
"""From the worst to those that say nothing about training."""


class Chance(NamedTuple):
    """How many of the networks with a finding failed to train."""

    failed: int
    networks: int

    @property
    def share(self) -> float:
        """The share that failed."""
        return self.failed / self.networks if self.networks else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval by Wilson's formula."""
        if not self.networks:
            return 0.0, 1.0
        low, high = wilson(np.array([self.failed * 1.0]), np.array([self.networks * 1.0]))
        return float(low[0]), float(high[0])


NO_FINDING = Chance(10, 88)
"""Networks without any finding, in the same study."""

CHANCES = {
    ("input_scale", "mild"): Chance(8, 20),
    ("input_scale", "strong"): Chance(30, 61),
    ("initialization", "mild"): Chance(25, 129),
    ("initialization", "strong"): Chance(75, 107),
    ("depth", "mild"): Chance(46, 101),
    ("depth", "strong"): Chance(52, 87),
    ("width", "mild"): Chance(37, 74),
    ("width", "strong"): Chance(51, 70),
    ("dead_units", "mild"): Chance(3, 11),
    ("dead_units", "strong"): Chance(5, 5),
    ("output_scale", "mild"): Chance(7, 23),
    ("output_scale", "strong"): Chance(12, 36),
    ("saturated", "mild"): Chance(1, 4),
    ("saturated", "strong"): Chance(0, 1),
    ("collapse", "mild"): Chance(6, 31),
    ("collapse", "strong"): Chance(67, 99),
    ("vanishing_signal", "mild"): Chance(7, 50),
    ("vanishing_signal", "strong"): Chance(93, 126),
    ("exploding_signal", "mild"): Chance(1, 12),
    ("exploding_signal", "strong"): Chance(5, 13),
    ("vanishing_gradient", "mild"): Chance(7, 37),
    ("vanishing_gradient", "strong"): Chance(87, 108),
    ("exploding_gradient", "mild"): Chance(4, 16),
    ("exploding_gradient", "strong"): Chance(5, 11),
    ("conditioning", "mild"): Chance(4, 51),
    ("conditioning", "strong"): Chance(116, 213),
}
"""Chances by finding and strength, from `python docs/diagnosis.py table`; docs/diagnosis.md describes the study."""

_HIGH, _MEDIUM = 0.5, 0.25
"""The share that fails, by the lower end of its interval, from which a finding is of high or medium severity."""


def severity_of(finding: str, strength: str) -> Severity:
    """Return how bad a finding is, from how often networks with it failed.

    It is `info` if they failed no more often than networks without any finding, as far as the study can tell.
    """
    if finding == "labels":  # about the data, not the network
        return "high" if strength == "strong" else "medium"
    chance = CHANCES.get((finding, strength), Chance(0, 0))
    low, _ = chance.interval
    if low >= _HIGH:
        return "high"
    if low >= _MEDIUM:
        return "medium"
    return "low" if low > NO_FINDING.share else "info"

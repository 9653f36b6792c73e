"""Where an activation, or a derivative of it, jumps: what is said of that is checked, and what is not is found."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

import torch

from suite.plugins.derivatives import ORDINALS, Phi, UnusableError, check_finite, derivatives

_FINE = torch.linspace(-10, 10, 65_537, dtype=torch.float64) + 0.000_313_7
"""Where jumps are looked for."""

_CUTS, _ROUNDS, _CANDIDATES, _MOST = 16, 7, 4096, 0.3
"""Each interval in which something may jump, of so many at most, is cut in so many, so often: they end at 2e-11.

Of the parts only those are kept that hold most of the change; where there is no jump, all hold about as much.
"""
_JUMP = 1e-4
"""What changes by more of its largest value over such an interval has jumped: 5e6 times as steep as it is large."""
_ABOUT = 1e-6
"""How exactly a kink must be said, for each unit that it is from 0."""
_REACH, _WIDE = 1e-5, 10
"""How far around a place that is said it is looked for, likewise; and what is taken to be around, in the same units."""
_LISTED = 12
"""Places that are told one by one."""


def check_for_jumps(phi: Phi, kinks: tuple[float, ...]) -> None:
    """Tells all jumps that were not said at once, each with the lowest derivative that has it."""
    if steps := _jumps(phi, 0, ()):
        raise UnusableError(f"its value jumps at z = {_listed(steps)}; make it continuous")
    known, told = [*kinks], list[str]()
    for order in range(1, 4):
        if found := _jumps(phi, order, known):
            told.append(f"its {ORDINALS[order]} jumps at z = {_listed(found)}")
            known += found
    if told:
        said = ", ".join(f"{kink:.10g}" for kink in sorted(known)) + ("," if len(known) == 1 else "")
        listed = f"({said})" if len(known) <= _LISTED else "[...]"  # too many to be of use
        raise UnusableError(f"{'; '.join(told)}; say so: @activation(kinks={listed})")


def true_kinks(phi: Phi, kinks: Sequence[float]) -> list[float]:
    """Those at which one of the first three derivatives may jump, of such as are said.

    Kinks may be said where there are none, as by a function of parameters at a value that makes phi smooth. Around such
    a place a derivative changes as a straight line does; the rest is a jump, unless it is rounding. In doubt there is a
    kink, as where another one is near.
    """
    places = torch.tensor(kinks, dtype=torch.float64)
    reach = _REACH * places.abs().clamp(min=1)
    gaps = places.diff().abs()
    found = torch.zeros(len(kinks), dtype=torch.bool)
    found[1:] |= gaps <= 2 * _WIDE * reach[1:]
    found[:-1] |= gaps <= 2 * _WIDE * reach[:-1]
    for order in range(1, 4):
        near, far = (
            derivatives(phi, torch.stack([places - by * reach, places + by * reach]), order)[order] for by in (1, _WIDE)
        )
        across, beyond = near.diff(dim=0)[0], far.diff(dim=0)[0] - near.diff(dim=0)[0]
        jump = across - beyond / (_WIDE - 1)
        size = torch.cat([near, far]).abs().amax(0)
        found |= ~(jump.abs() <= 1e-4 * beyond.abs() + 1e-12 * size)
    return [kink for kink, is_one in zip(kinks, found.tolist(), strict=True) if is_one]


def _listed(places: list[float]) -> str:
    """Numbers in words; of many the first, and how many more there are."""
    first, more = [f"{place:.10g}" for place in places[:_LISTED]], len(places) - _LISTED
    if more > 0 or len(first) == 1:
        return ", ".join(first) + (f" and {more} places more" if more > 0 else "")
    return f"{', '.join(first[:-1])} and {first[-1]}"


def _jumps(phi: Phi, order: int, kinks: Sequence[float]) -> list[float]:
    """Where a derivative jumps besides known places: cuts whatever interval holds most of its change in one part."""
    values = derivatives(phi, _FINE, order)[order]
    check_finite(f"its {ORDINALS[order]}", values, _FINE, "write it so that it is")
    scale = float(values.abs().max()) or 1.0
    low, high = _FINE[:-1], _FINE[1:]
    change = values.diff().abs()
    for _ in range(_ROUNDS):
        kept = change > _JUMP * scale
        some = change.where(kept, 0).topk(min(_CANDIDATES, len(change))).indices.sort().values
        some = some[kept[some]]
        edges = low[some, None] + (high - low)[some, None] * torch.linspace(0, 1, _CUTS + 1, dtype=torch.float64)
        parts = derivatives(phi, edges, order)[order].diff(dim=1).abs()
        alone = parts > _MOST * parts.sum(1, keepdim=True)
        low, high, change = edges[:, :-1][alone], edges[:, 1:][alone], parts[alone]
    return [
        place
        for place in _distinct(low.tolist())
        if all(abs(place - kink) > _ABOUT * max(1.0, abs(kink)) for kink in kinks)
    ]


def _distinct(places: Sequence[float]) -> list[float]:
    """In rising order, as round as they are found; each once."""
    told = [round(place, 6) if abs(round(place, 6) - place) < 1e-9 else round(place, 9) for place in sorted(places)]
    return [place + 0.0 for before, place in pairwise([-inf, *told]) if place - before > 1e-8]

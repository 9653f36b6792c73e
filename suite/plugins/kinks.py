"""Where an activation, or a derivative of it, jumps: what is said of that is checked, and what is not is found."""

from collections.abc import Sequence

import torch

from suite.plugins.derivatives import ORDINALS, Phi, UnusableError, derivatives

_FINE = torch.linspace(-10, 10, 65_537, dtype=torch.float64) + 0.000_313_7
"""Where jumps are looked for."""

_CUTS, _ROUNDS, _CANDIDATES, _MOST = 16, 7, 4096, 0.3
"""Each interval in which something may jump, of so many at most, is cut in so many, so often: they end at 2e-11.

Of the parts only those are kept that hold most of the change; where there is no jump, all hold about as much.
"""
_JUMP = 1e-4
"""What changes by more of its largest value over such an interval has jumped: 5e6 times as steep as it is large."""
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
        said = ", ".join(f"{kink:.7g}" for kink in sorted(known)) + ("," if len(known) == 1 else "")
        listed = f"({said})" if len(known) <= _LISTED else "[...]"  # too many to be of use
        raise UnusableError(f"{'; '.join(told)}; say so: @activation(kinks={listed})")


def true_kinks(phi: Phi, kinks: tuple[float, ...], scales: Sequence[float]) -> tuple[float, ...]:
    """Those where a derivative jumps: its change across them is as large over a hundredth of the distance.

    Kinks may be said where there are none, as by a function of parameters at a value that makes phi smooth.
    """
    places = torch.tensor(kinks, dtype=torch.float64)
    wide, narrow = (torch.stack([places - reach, places + reach]) for reach in (1e-6, 1e-8))
    jumps = torch.zeros(len(kinks), dtype=torch.bool)
    for order, scale in enumerate(scales):
        far, near = (derivatives(phi, ends, order)[order].diff(dim=0)[0].abs() for ends in (wide, narrow))
        jumps |= (near > 0.3 * far) & (near > 1e-10 * scale)
    return tuple(kink for kink, jump in zip(kinks, jumps.tolist(), strict=True) if jump)


def _listed(places: list[float]) -> str:
    """Numbers in words; of many the first, and how many more there are."""
    first, more = [f"{place:.7g}" for place in places[:_LISTED]], len(places) - _LISTED
    if more > 0 or len(first) == 1:
        return ", ".join(first) + (f" and {more} places more" if more > 0 else "")
    return f"{', '.join(first[:-1])} and {first[-1]}"


def _jumps(phi: Phi, order: int, kinks: Sequence[float]) -> list[float]:
    """Where a derivative jumps besides known places: cuts whatever interval holds most of its change in one part."""
    values = derivatives(phi, _FINE, order)[order]
    if not bool(torch.isfinite(values).all()):
        place = _FINE[~torch.isfinite(values)][0].item()
        raise UnusableError(f"its {ORDINALS[order]} is not finite at z = {place:g}; write it so that it is")
    scale = float(values.abs().max()) or 1.0
    low, high = _FINE[:-1], _FINE[1:]
    change = values.diff().abs()
    for _ in range(_ROUNDS):
        kept = change > _JUMP * scale
        for kink in kinks:
            kept &= (kink < low - 1e-9) | (kink > high + 1e-9)
        some = change.where(kept, 0).topk(min(_CANDIDATES, len(change))).indices.sort().values
        some = some[kept[some]]
        edges = low[some, None] + (high - low)[some, None] * torch.linspace(0, 1, _CUTS + 1, dtype=torch.float64)
        parts = derivatives(phi, edges, order)[order].diff(dim=1).abs()
        alone = parts > _MOST * parts.sum(1, keepdim=True)
        low, high, change = edges[:, :-1][alone], edges[:, 1:][alone], parts[alone]
    return sorted({round(place, 6) + 0.0 for place in low.tolist()})

"""What the suite finds out about an activation of which only the function is known, and whether it can be one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite

import torch
from torch import Tensor

from suite.catalog.activation import Kind
from suite.plugins.derivatives import Phi, UnusableError, check_finite, derivatives
from suite.plugins.kinks import check_for_jumps, true_kinks

_PLACES = torch.linspace(-10, 10, 4097, dtype=torch.float64) + 0.000_313_7
"""Where all else is tried; no round number among them, nor below."""

_FAR = torch.tensor([-1e4, -800.0, -50.0, 0.0, 50.0, 800.0, 1e4], dtype=torch.float64)
_BEYOND = torch.logspace(1, 3.99, 256, dtype=torch.float64) + 0.000_313_7
_OUTSIDE = torch.cat([_BEYOND, -_BEYOND])
"""Where slopes are compared besides."""

_CLAMP = "clamp what overflows, up to |z| = 10,000"


@dataclass(frozen=True)
class _Slopes:
    """What is said to be a slope, held against differences.

    Attributes:
        what: says it is one.
        z: places.
        off: at each of them, by how many times what differences can tell.
    """

    what: str
    z: Tensor
    off: Tensor


@dataclass(frozen=True)
class Facts:
    """What is found out; each word means what it does of any activation."""

    kind: Kind
    kinks: tuple[float, ...]
    homogeneous: bool
    flat_sides: tuple[tuple[float, float], ...]
    pace: float


def facts_of(phi: Phi, kinks: tuple[float, ...], slope: Phi | None = None) -> Facts:
    """Tries a function at thousands of places.

    Args:
        phi: of a tensor.
        kinks: where it is said to have them, in rising order; those that are none are left out of what is found.
        slope: said to be its derivative, if anything is.

    Raises:
        UnusableError: it does not keep shape or dtype, mixes elements, is not finite, cannot be differentiated, is
            constant, or has a kink that was not said.
    """
    _check_values(phi)
    if not all(map(isfinite, kinks)) or any(high <= low for low, high in pairwise(kinks)):
        raise UnusableError(f"its kinks {kinks} are no rising numbers; give each once, the smallest first")
    away = _away_from(_PLACES, kinks)
    slopes = _slopes(phi, away, slope)
    _check_slopes(slopes, few=len(away) // 200)  # which may lie beside kinks that were not said: they are next
    check_for_jumps(phi, kinks)
    _check_slopes(slopes)
    outside = _away_from(_OUTSIDE, kinks)
    _check_slopes(_slopes(phi, outside, slope), few=len(outside) // 21)  # quick waves, or cancelled digits, may mislead
    orders = derivatives(phi, away, 2)
    flat = _flat_sides(phi, kinks)
    true = tuple(sorted({*true_kinks(phi, kinks), *(end for side in flat for end in side if isfinite(end))}))
    return Facts(
        _kind(phi, true),
        true,
        _homogeneous(phi),
        flat,
        max(1.0, float(orders[2].abs().max() / orders[1].abs().max().clamp(min=1e-300))),
    )


def _check_values(phi: Phi) -> None:
    for dtype in (torch.float64, torch.float32):
        z = torch.linspace(-3, 3, 24, dtype=dtype).reshape(2, 3, 4)
        given = z.clone()
        found = phi(given)
        if not isinstance(found, Tensor):
            raise UnusableError(f"it returns {type(found).__name__}; return a tensor")
        if found.shape != z.shape:
            raise UnusableError(
                f"it makes shape {tuple(found.shape)} of {tuple(z.shape)}; return a value for each element"
            )
        if found.dtype != dtype:
            raise UnusableError(f"it makes {found.dtype} of {dtype}; return the dtype that comes in")
        if found.device != z.device:
            raise UnusableError(f"it is on {found.device} for what is on {z.device}; leave it where it comes from")
        if not torch.equal(given, z):
            raise UnusableError("it changes its argument in place; use the functions without an underscore")
        if found.requires_grad:
            raise UnusableError("it has parameters to train; make them parameters of the function: slope: float = 0.25")
        if not torch.allclose(found, phi(z.clone()), rtol=0, atol=0, equal_nan=True):
            raise UnusableError("it gives other values each time; return the same for the same")
        alone = phi(z.flatten()[::5].clone())
        if alone.shape != (5,) or not torch.allclose(found.flatten()[::5], alone, rtol=1e-4, atol=1e-6, equal_nan=True):
            raise UnusableError("its values depend on their neighbours; return a value of each element alone")
    places = torch.cat([_PLACES, _FAR])
    with torch.no_grad():
        found = phi(places)
    check_finite("it", found, places, _CLAMP)
    if float(found.max()) == float(found.min()):
        raise UnusableError("it is constant, so that nothing passes through a layer; return a function of z")


def _slopes(phi: Phi, z: Tensor, slope: Phi | None) -> list[_Slopes]:
    """Autograd's derivative, and the one that is given, beside differences."""
    differences, doubt, by_torch = _differences(phi, z)
    ways = {"torch's derivative of it": by_torch}
    if slope is not None:
        with torch.no_grad():
            given = slope(z.clone())
        if not isinstance(given, Tensor) or given.shape != z.shape or given.dtype != z.dtype:
            raise UnusableError("its derivative changes shape or dtype; return a slope for each element")
        ways["the derivative that is given"] = given
    size = differences.abs()
    room = 1e-3 * (size + size.max().clamp(max=1)) + doubt
    for what, values in ways.items():
        check_finite(what, values, z, _CLAMP)
    return [_Slopes(what, z, (values - differences).abs() / room) for what, values in ways.items()]


def _check_slopes(slopes: Sequence[_Slopes], few: int = 0) -> None:
    """Slopes are those of the values, but for a few places."""
    for each in slopes:
        if (each.off > 1).sum() > few:
            place = each.z[each.off.argmax()].item()
            raise UnusableError(f"{each.what} is not the slope of its values at z = {place:.4g}; mend one of them")


def _differences(phi: Phi, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Slopes by differences; how wrong they may be, as slopes vary within a step and by rounding; torch's slopes."""
    step = 1e-5
    ends = [derivatives(phi, z + by, 1) for by in (0, step, -step, step / 2, -step / 2)]
    (_, slope), *around = ends
    (high, _), (low, _), (above, _), (below, _) = around
    whole, half = (high - low) / (2 * step), (above - below) / step
    varies = torch.stack([near - slope for _, near in around]).abs().amax(0).nan_to_num()
    rounding = 1e-15 * torch.stack([value.abs() for value, _ in ends]).amax(0) / step
    return whole, 2 * varies + 4 * (whole - half).abs() + rounding, slope


def _away_from(z: Tensor, kinks: tuple[float, ...], reach: float = 1e-4) -> Tensor:
    kept = torch.ones_like(z, dtype=torch.bool)
    for kink in kinks:
        kept &= (z - kink).abs() > reach
    return z[kept]


def _between(kinks: tuple[float, ...]) -> list[tuple[float, float, Tensor]]:
    """The intervals between kinks, with places inside of each."""
    spread = torch.cat([torch.logspace(-3, 4, 200, dtype=torch.float64), torch.linspace(0.01, 12, 200).double()])
    found = []
    for low, high in pairwise((-inf, *kinks, inf)):
        if isfinite(low) and isfinite(high):
            inside = low + (high - low) * torch.linspace(0.001, 0.999, 257, dtype=torch.float64)
        elif isfinite(low):
            inside = low + spread
        elif isfinite(high):
            inside = high - spread
        else:
            inside = torch.cat([-spread, spread])
        found.append((low, high, inside))
    return found


def _kind(phi: Phi, kinks: tuple[float, ...]) -> Kind:
    slopes = [derivatives(phi, inside, 1)[1] for _, _, inside in _between(kinks)]
    if all(float(slope.max() - slope.min()) <= 1e-12 * float(slope.abs().max()) for slope in slopes):
        return "piecewise_linear"
    return "kinked" if kinks else "smooth"


def _homogeneous(phi: Phi) -> bool:
    for places in (_PLACES, _OUTSIDE):
        values = phi(places)
        scale = float(values.abs().max())
        if any(float((phi(a * places) - a * values).abs().max()) >= 1e-12 * scale for a in (0.5, 3.0)):
            return False
    return True


def _flat_sides(phi: Phi, kinks: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """The intervals between kinks on which phi is constant, neighbours as one."""
    flat: list[tuple[float, float]] = []
    for low, high, inside in _between(kinks):
        values = phi(inside)
        if float(values.max() - values.min()) == 0:
            joined = bool(flat) and flat[-1][1] == low
            flat[-1:] = [(flat[-1][0], high)] if joined else [*flat[-1:], (low, high)]
    return tuple(flat)

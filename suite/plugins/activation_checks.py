"""Check a function that is to be an activation, and find the facts that the suite needs to know about it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import torch
from torch import Tensor

from suite.catalog.activation import Kind
from suite.plugins.loading import PlugInError

Phi = Callable[[Tensor], Tensor]

_FAR = 1e4
"""How far from 0 values and slopes must be finite."""

_GRID = torch.linspace(-10, 10, 1025, dtype=torch.float64)
_GRID += 0.009 * torch.rand(1025, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
"""Where it is tried: no number is round, and the steps are uneven, so that no wave hides between them."""

_HALVINGS = 30
"""Intervals of the grid are halved to 2e-11."""
_JUMP = 1e-4
"""What changes by more, relative to its largest value, over such an interval has jumped."""
_ABOUT = 1e-6
"""How exactly a kink must be declared, relative to its distance from 0 if that exceeds 1."""
_STEP = 1e-5
"""Of central differences."""
_LISTED = 12
"""The most places that a message lists."""

_ORDERS = ("value", "slope", "second derivative", "third derivative")


@dataclass(frozen=True)
class Facts:
    """What is found; each word means what it does in `suite.catalog.activation`."""

    kind: Kind
    homogeneous: bool
    flat_sides: tuple[tuple[float, float], ...]
    pace: float


def derivatives(phi: Phi, z: Tensor, order: int) -> list[Tensor]:
    """Return phi and its derivatives up to an order, elementwise.

    Raises:
        PlugInError: If torch cannot compute them.
    """
    try:
        with torch.enable_grad():
            x = z.detach().clone().requires_grad_()
            found = [phi(x)]
            for _ in range(order):
                last = found[-1]
                (slope,) = (
                    torch.autograd.grad(last.sum(), x, create_graph=True, materialize_grads=True)
                    if last.requires_grad
                    else (torch.zeros_like(x),)
                )
                found.append(slope)
    except RuntimeError as error:
        raise PlugInError(
            f"torch cannot compute its {_ORDERS[max(1, order)]} ({' '.join(str(error).split())[:120]}); use torch's "
            "elementary functions, none in place"
        ) from None
    return [values.detach() for values in found]


def find_facts(phi: Phi, kinks: tuple[float, ...], slope: Phi | None = None) -> Facts:
    """Check a function at about 1,000 points, and find its facts.

    Args:
        phi: A function of a tensor.
        kinks: Its declared kinks, in rising order.
        slope: Its declared derivative.

    Raises:
        PlugInError: If it is no elementwise, finite, deterministic function that torch can differentiate, or a jump or
            the derivative is not as declared.
    """
    for dtype in (torch.float64, torch.float32):
        _check_call(phi, dtype)
    if not all(abs(kink) < _FAR for kink in kinks) or any(high <= low for low, high in pairwise(kinks)):
        raise PlugInError(f"its kinks {kinks} do not rise within +-{_FAR:,.0f}; give each once, the smallest first")
    pieces = _pieces(kinks)
    points = torch.cat([*pieces, torch.zeros(1, dtype=torch.float64)])
    values, slopes = derivatives(phi, points, 1)
    _check_finite("it", values, points)
    if float(values.max()) == float(values.min()):
        raise PlugInError("it is constant; return a function of z")
    _check_jumps(phi, kinks)
    _check_finite("torch's derivative of it", slopes, points)
    if slope is not None:
        _check_slope(slope, slopes[:-1], points[:-1])
    first, second = _check_differences(phi, kinks)
    linear = all(_is_constant(derivatives(phi, piece, 1)[1], 1e-12) for piece in pieces)
    return Facts(
        "piecewise_linear" if linear else "kinked" if kinks else "smooth",
        all(torch.allclose(phi(a * points), a * values, rtol=1e-10, atol=0) for a in (0.5, 3.0)),
        _flat_sides(phi, kinks, pieces),
        max(1.0, float(second.abs().max() / first.abs().max().clamp(min=1e-300))),
    )


def _check_call(phi: Phi, dtype: torch.dtype) -> None:
    """Check a call on a small array: type, shape and dtype of the result, and that each element depends on its own."""
    z = torch.linspace(-3, 3, 24, dtype=dtype).reshape(2, 3, 4)
    given = z.clone()
    found = phi(given)
    if not isinstance(found, Tensor):
        raise PlugInError(f"it returns {type(found).__name__}; return a tensor")
    if found.shape != z.shape:
        raise PlugInError(f"it returns shape {tuple(found.shape)} for {tuple(z.shape)}; return a value per element")
    if (found.dtype, found.device) != (z.dtype, z.device):
        what, expected = (f"{values.dtype} on {values.device}" for values in (found, z))
        raise PlugInError(f"it returns {what} for {expected}; keep dtype and device")
    if not torch.equal(given, z):
        raise PlugInError("it changes its argument in place; use the functions without an underscore")
    if found.requires_grad:
        raise PlugInError("it has parameters to train; make them parameters of the function: slope: float = 0.25")
    if not torch.allclose(found, phi(z.clone()), rtol=0, atol=0, equal_nan=True):
        raise PlugInError("it returns other values each time; return the same values for the same z")
    alone = phi(z.flatten()[::5].clone())
    if alone.shape != (5,) or not torch.allclose(found.flatten()[::5], alone, rtol=1e-4, atol=1e-6, equal_nan=True):
        raise PlugInError("its values depend on their neighbors; compute each element alone")


def _pieces(kinks: tuple[float, ...]) -> list[Tensor]:
    """Return points of each interval between kinks: those of the grid, and some as far as the interval reaches."""
    inside = torch.linspace(0.001, 0.999, 65, dtype=torch.float64)
    return [
        torch.cat([_GRID[(_GRID - (low + high) / 2).abs() < (high - low) / 2 - _STEP], low + (high - low) * inside])
        for low, high in pairwise((-_FAR, *kinks, _FAR))
    ]


def _check_finite(what: str, values: Tensor, z: Tensor) -> None:
    odd = z[~torch.isfinite(values)]
    if len(odd):
        raise PlugInError(f"{what} is not finite at z = {odd[0].item():g}; clamp what overflows, up to |z| = 10,000")


def _check_jumps(phi: Phi, kinks: tuple[float, ...]) -> None:
    """Raise PlugInError that lists all jumps that are not declared, each with the lowest derivative that has it."""
    if steps := _jumps(phi, 0, []):
        raise PlugInError(f"its value jumps at z = {_listed(steps)}; make it continuous")
    known, told = list(kinks), []
    for order in (1, 2, 3):
        if found := _jumps(phi, order, known):
            told.append(f"its {_ORDERS[order]} jumps at z = {_listed(found)}")
            known += found
    if told:
        listed = _listed(sorted(known)) + ("," if len(known) == 1 else "")
        raise PlugInError(f"{'; '.join(told)}; declare it: @activation(kinks=({listed}))")


def _jumps(phi: Phi, order: int, known: list[float]) -> list[float]:
    """Return where a derivative jumps besides at known places, at most one place per interval of the grid.

    Each interval is halved again and again, always keeping the half with more change that the next derivative does not
    explain.
    """
    places = torch.tensor(known, dtype=torch.float64)
    reach = _ABOUT * places.abs().clamp(min=1)
    near = places.abs() < 10.1
    z = torch.cat([_GRID, (places - reach)[near], (places + reach)[near]]).sort().values
    inside = (((z[1:] + z[:-1])[:, None] / 2 - places).abs() <= reach).any(1)
    low, high = (_with_slope(phi, ends[~inside], order) for ends in (z[:-1], z[1:]))
    scale = torch.cat([low[1], high[1]]).abs().max()
    for _ in range(_HALVINGS):
        middle = _with_slope(phi, (low[0] + high[0]) / 2, order)
        scale = torch.maximum(scale, middle[1].abs().max())
        left = _unexplained(low, middle) > _unexplained(middle, high)
        low, high = torch.where(left, low, middle), torch.where(left, middle, high)
    jumped = low[0, _unexplained(low, high) > _JUMP * scale]
    return sorted({round(place, 6 if abs(round(place, 6) - place) < 1e-9 else 9) + 0.0 for place in jumped.tolist()})


def _with_slope(phi: Phi, z: Tensor, order: int) -> Tensor:
    """Return z, a derivative and its slope, (3, points); in place of a fourth derivative, which torch may lack, 0."""
    found = [*derivatives(phi, z, min(order + 1, 3)), torch.zeros_like(z)]
    return torch.stack([z, found[order], found[order + 1]])


def _unexplained(low: Tensor, high: Tensor) -> Tensor:
    width, change, _ = high - low
    return torch.abs(change - width * (low[2] + high[2]) / 2)


def _listed(places: list[float]) -> str:
    first = ", ".join(f"{place:.10g}" for place in places[:_LISTED])
    return first + (f" and {len(places) - _LISTED} more" if len(places) > _LISTED else "")


def _check_slope(slope: Phi, expected: Tensor, z: Tensor) -> None:
    """Compare the declared derivative with torch's."""
    with torch.no_grad():
        given = slope(z.clone())
    if not isinstance(given, Tensor) or given.shape != z.shape or given.dtype != z.dtype:
        raise PlugInError("its derivative changes shape or dtype; return a slope per element")
    _check_finite("its derivative", given, z)
    scale = expected[z.abs() < 10].abs().max()
    _check_equal("the derivative that is given", given, expected, 1e-6 * (expected.abs() + scale), z)


def _check_differences(phi: Phi, kinks: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Compare torch's derivative with central differences, away from kinks; return it and the second derivative."""
    places = torch.tensor(kinks, dtype=torch.float64)
    z = _GRID[((_GRID[:, None] - places).abs() > 2 * _STEP).all(1)]
    values, first, second, third = derivatives(phi, z, 3)
    differences = (phi(z + _STEP) - phi(z - _STEP)) / (2 * _STEP)
    rounding = 1e-15 * values.abs().max() / _STEP
    room = 1e-3 * (first.abs() + first.abs().max().clamp(max=1)) + _STEP**2 * third.abs() + rounding
    _check_equal("torch's derivative of it", first, differences, room, z)
    return first, second


def _check_equal(what: str, slopes: Tensor, expected: Tensor, room: Tensor, z: Tensor) -> None:
    wrong = z[(slopes - expected).abs() > room]
    if len(wrong):
        raise PlugInError(f"{what} is not the slope of its values at z = {wrong[0].item():.4g}; correct one of them")


def _is_constant(values: Tensor, tolerance: float = 0.0) -> bool:
    return float(values.max() - values.min()) <= tolerance * float(values.abs().max())


def _flat_sides(phi: Phi, kinks: tuple[float, ...], pieces: list[Tensor]) -> tuple[tuple[float, float], ...]:
    """Return the intervals between kinks on which phi is constant, neighbors as one."""
    flat: list[tuple[float, float]] = []
    for (low, high), piece in zip(pairwise((-inf, *kinks, inf)), pieces, strict=True):
        if _is_constant(phi(piece)):
            joined = bool(flat) and flat[-1][1] == low
            flat[-1:] = [(flat[-1][0], high)] if joined else [*flat[-1:], (low, high)]
    return tuple(flat)

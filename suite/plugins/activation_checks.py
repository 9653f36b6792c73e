"""Checks of an activation function from a plug-in, and the facts that the suite needs about it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
import torch
from torch import Tensor

from suite.catalog.activation import Kind
from suite.plugins.loading import PlugInError

Phi = Callable[[Tensor], Tensor]

_RANGE = 1e4
"""Values and slopes must be finite up to this distance from 0."""

_GRID = torch.linspace(-10, 10, 1025, dtype=torch.float64)
_GRID += 0.009 * torch.rand(1025, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
"""Points at which the function is evaluated.

No point is a round number, and the steps are uneven, so that an oscillation cannot vanish at all points.
"""

_HALVINGS = 30
"""Number of times that intervals of the grid are halved, to a width of about 2e-11."""
_JUMP_TOLERANCE = 1e-4
"""Largest change over such an interval, relative to the largest absolute value, that is no jump."""
_KINK_TOLERANCE = 1e-6
"""Tolerance of a declared kink, relative to its distance from 0 if that exceeds 1."""
_STEP = 1e-5
"""Step of central differences."""
_MAX_LISTED = 12
"""Largest number of places that a message lists."""

_ORDERS = ("value", "slope", "second derivative", "third derivative")


@dataclass(frozen=True)
class Facts:
    """Facts about an activation; `suite.catalog.activation.Activation` defines each attribute."""

    kind: Kind
    homogeneous: bool
    flat_sides: tuple[tuple[float, float], ...]
    pace: float


def derivatives(phi: Phi, z: Tensor, order: int) -> list[Tensor]:
    """Return phi and its derivatives up to an order, elementwise.

    Args:
        phi: The function.
        z: Points of any shape.
        order: The highest order of derivative.

    Returns:
        order + 1 tensors with the shape of z.

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
        phi: The function of a tensor.
        kinks: Its declared kinks, in increasing order.
        slope: Its declared derivative.

    Raises:
        PlugInError: If the function is not elementwise, finite and deterministic, if torch cannot differentiate it, if
            it is constant or jumps, or if its kinks or its derivative differ from the declared ones.
    """
    for dtype in (torch.float64, torch.float32):
        _check_call(phi, dtype)
    if not all(abs(kink) < _RANGE for kink in kinks) or any(high <= low for low, high in pairwise(kinks)):
        raise PlugInError(f"kinks: expected increasing numbers within +-{_RANGE:,.0f}, got {kinks}")
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
        _find_flat_sides(phi, kinks, pieces),
        max(1.0, float(second.abs().max() / first.abs().max().clamp(min=1e-300))),
    )


def _check_call(phi: Phi, dtype: torch.dtype) -> None:
    """Check a call on a small array.

    The result needs the type, shape, dtype and device of the argument, the call must be deterministic and change
    nothing, and each element of the result may depend only on the same element of the argument.
    """
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
        raise PlugInError("it is not deterministic; return the same values for the same z")
    alone = phi(z.flatten()[::5].clone())
    if alone.shape != (5,) or not torch.allclose(found.flatten()[::5], alone, rtol=1e-4, atol=1e-6, equal_nan=True):
        raise PlugInError("its values depend on their neighbors; compute each element alone")


def _pieces(kinks: tuple[float, ...]) -> list[Tensor]:
    """Return the points of each interval between kinks: of the grid, of a geometric one beyond, and 65 even ones."""
    inside = torch.linspace(0.001, 0.999, 65, dtype=torch.float64)
    far = torch.from_numpy(np.geomspace(10, _RANGE, 401))
    far = torch.cat([-far.flip(0), far])
    return [
        torch.cat(
            [
                *(each[(each > low + _STEP) & (each < high - _STEP)] for each in (_GRID, far)),
                low + (high - low) * inside,
            ]
        )
        for low, high in pairwise((-_RANGE, *kinks, _RANGE))
    ]


def _check_finite(what: str, values: Tensor, z: Tensor) -> None:
    """Raise PlugInError with the first point at which values are not finite, if there is one."""
    odd = z[~torch.isfinite(values)]
    if len(odd):
        raise PlugInError(f"{what} is not finite at z = {odd[0].item():g}; clamp what overflows, up to |z| = 10,000")


def _check_jumps(phi: Phi, kinks: tuple[float, ...]) -> None:
    """Raise PlugInError with all undeclared jumps, each of the lowest derivative that jumps there."""
    if steps := _find_jumps(phi, 0, []):
        raise PlugInError(f"its value jumps at z = {_format_places(steps)}; make it continuous")
    known, messages = list(kinks), []
    for order in (1, 2, 3):
        if found := _find_jumps(phi, order, known):
            messages.append(f"its {_ORDERS[order]} jumps at z = {_format_places(found)}")
            known += found
    if messages:
        listed = _format_places(sorted(known)) + ("," if len(known) == 1 else "")
        raise PlugInError(f"{'; '.join(messages)}; declare it: @activation(kinks=({listed}))")


def _find_jumps(phi: Phi, order: int, known: list[float]) -> list[float]:
    """Return where a derivative jumps, except at known places.

    There is at most one place per interval of the grid. Each interval is halved repeatedly. The half is selected whose
    change is explained less by the next derivative.
    """
    places = torch.tensor(known, dtype=torch.float64)
    reach = _KINK_TOLERANCE * places.abs().clamp(min=1)
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
    jumped = low[0, _unexplained(low, high) > _JUMP_TOLERANCE * scale]
    return sorted({round(place, 6 if abs(round(place, 6) - place) < 1e-9 else 9) + 0.0 for place in jumped.tolist()})


def _with_slope(phi: Phi, z: Tensor, order: int) -> Tensor:
    """Return z, a derivative and its slope, (3, points).

    The slope of the third derivative is set to 0, because torch may not be able to compute a fourth derivative.
    """
    found = [*derivatives(phi, z, min(order + 1, 3)), torch.zeros_like(z)]
    return torch.stack([z, found[order], found[order + 1]])


def _unexplained(low: Tensor, high: Tensor) -> Tensor:
    """Return the absolute change over each interval that the slopes at its ends do not explain."""
    width, change, _ = high - low
    return torch.abs(change - width * (low[2] + high[2]) / 2)


def _format_places(places: list[float]) -> str:
    """Format places for a message."""
    first = ", ".join(f"{place:.10g}" for place in places[:_MAX_LISTED])
    return first + (f" and {len(places) - _MAX_LISTED} more" if len(places) > _MAX_LISTED else "")


def _check_slope(slope: Phi, expected: Tensor, z: Tensor) -> None:
    """Check the type, shape and values of the declared derivative against torch's derivative."""
    with torch.no_grad():
        given = slope(z.clone())
    if not isinstance(given, Tensor) or given.shape != z.shape or given.dtype != z.dtype:
        raise PlugInError("its derivative changes shape or dtype; return a slope per element")
    _check_finite("its derivative", given, z)
    scale = expected[z.abs() < 10].abs().max()
    _check_equal("the derivative that is given", given, expected, 1e-6 * (expected.abs() + scale), z)


def _check_differences(phi: Phi, kinks: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Check torch's derivative against central differences, away from kinks.

    Returns:
        The first and the second derivative.
    """
    places = torch.tensor(kinks, dtype=torch.float64)
    z = _GRID[((_GRID[:, None] - places).abs() > 2 * _STEP).all(1)]
    values, first, second, third = derivatives(phi, z, 3)
    differences = (phi(z + _STEP) - phi(z - _STEP)) / (2 * _STEP)
    rounding = 1e-15 * values.abs().max() / _STEP
    allowed = 1e-3 * (first.abs() + first.abs().max().clamp(max=1)) + _STEP**2 * third.abs() + rounding
    _check_equal("torch's derivative of it", first, differences, allowed, z)
    return first, second


def _check_equal(what: str, slopes: Tensor, expected: Tensor, allowed: Tensor, z: Tensor) -> None:
    """Raise PlugInError if slopes differ from the expected ones by more than is allowed."""
    wrong = z[(slopes - expected).abs() > allowed]
    if len(wrong):
        raise PlugInError(f"{what} is not the slope of its values at z = {wrong[0].item():.4g}; correct one of them")


def _is_constant(values: Tensor, tolerance: float = 0.0) -> bool:
    """Return whether the range of values is within a tolerance, relative to the largest absolute value."""
    return float(values.max() - values.min()) <= tolerance * float(values.abs().max())


def _find_flat_sides(phi: Phi, kinks: tuple[float, ...], pieces: list[Tensor]) -> tuple[tuple[float, float], ...]:
    """Return the intervals between kinks on which phi is constant, with adjacent intervals joined."""
    flat: list[tuple[float, float]] = []
    for (low, high), piece in zip(pairwise((-inf, *kinks, inf)), pieces, strict=True):
        if _is_constant(phi(piece)):
            joined = bool(flat) and flat[-1][1] == low
            flat[-1:] = [(flat[-1][0], high)] if joined else [*flat[-1:], (low, high)]
    return tuple(flat)

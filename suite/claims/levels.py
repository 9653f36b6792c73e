"""Claims that a quantity lies above a number, or below: of members, of their average, or of every single draw."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from suite.catalog.claims import Level
from suite.claims.average import on_average
from suite.claims.evidence import NOTHING, Evidence, above, every
from suite.claims.points import Point, Tables, points
from suite.statistics.contrasts import Estimate
from suite.statistics.intervals import Array


def level(tables: Tables, claim: Level) -> Evidence:
    """In every member, or on average over members, the quantity lies on the claimed side of the number.

    The estimate is of the member that is least surely there. A median is infinite where most waits did not end, which
    refutes that it is small as surely as so many draws beyond the number are no coin tosses. On average, members are
    what is resampled in thought, each of which enters once, with the mean over the ways that it was trained in; an
    average with an infinite median in it is infinite, and undecided. Of single draws the claim is only not refuted: it
    holds while none lies beyond the number, however few they are, and the estimate is the one that lies furthest. A
    wait that did not end lies above every number; a draw that is no number, such as the loss of a run that diverged,
    says nothing.
    """
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    if claim.of == "draw":
        return _without_exception(found, claim)
    bound = claim.at_least if claim.at_least is not None else claim.at_most
    assert bound is not None
    known = [(point, each) for point in found if not np.isnan((each := point.estimate(claim.statistic)).value)]
    if claim.of == "average":
        return _as_claimed(on_average((((point.member,), each) for point, each in known), bound), claim)
    return every([_as_claimed(_above(point, each, bound), claim) for point, each in known])


def _above(point: Point, value: Estimate, bound: float) -> Evidence:
    """Of the claim that a member's number lies above the bound; an infinite median's p is that of the sign test."""
    if np.isfinite(value.value):
        return above(value, bound, [point.member])
    from scipy.stats import binom  # noqa: PLC0415  # slow to load, and only verdicts need it

    draws = _known(point)
    beyond, within = ((draws > bound).sum(), (draws < bound).sum())
    for_it, against = (float(binom.sf(number - 1, len(draws), 0.5)) for number in (beyond, within))
    return Evidence(value.value, np.nan, np.nan, for_it, against, len(draws), frozenset([point.member]))


def _as_claimed(lies_above: Evidence, claim: Level) -> Evidence:
    if claim.at_least is not None:
        return lies_above
    return replace(lies_above, for_it=lies_above.against, against=lies_above.for_it)


def _without_exception(found: Sequence[Point], claim: Level) -> Evidence:
    """That no draw lies beyond the number, which one that does refutes beyond doubt."""
    known = [(point.member, values) for point in found if len(values := _known(point))]
    if not known:
        return NOTHING
    together = np.concatenate([values for _, values in known])
    lowest, highest = float(together.min()), float(together.max())
    kept = (claim.at_least is None or lowest >= claim.at_least) and (claim.at_most is None or highest <= claim.at_most)
    furthest = highest if claim.at_least is None else lowest
    fewest = min(len(values) for _, values in known)
    names = frozenset(name for name, _ in known)
    return Evidence(furthest, np.nan, np.nan, 1.0, float(kept), fewest, names, until_refuted=True)


def _known(point: Point) -> Array:
    """Its draws; a wait that did not end is longer than all others."""
    if point.values is None:
        return np.empty(0)
    values = np.where(np.isnan(point.values), np.inf, point.values) if point.kind == "time" else point.values
    known: Array = values[~np.isnan(values)]
    return known

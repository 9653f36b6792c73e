"""Claims that a quantity lies above a number, or below: of members, of their average, or of every single draw."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from suite.catalog.claims import Level
from suite.claims.evidence import NOTHING, Evidence, above, every
from suite.claims.points import Point, Tables, points
from suite.statistics.contrasts import Estimate, over_members
from suite.statistics.intervals import Array


def level(tables: Tables, claim: Level) -> Evidence:
    """In every member, or on average over members, the quantity lies on the claimed side of the number.

    The estimate is of the member that is least surely there. On average, members are what is resampled in thought. Of
    single draws the claim is only not refuted: it holds while none lies beyond the number, however few they are, and
    the estimate is the one that lies furthest.
    """
    found = points(tables, claim.quantity, where=claim.where, layer=claim.layer)
    if claim.of == "draw":
        return _without_exception(found, claim)
    known = [each for each in (point.estimate(claim.statistic) for point in found) if np.isfinite(each.value)]
    if claim.of == "every" or len(known) < 2:  # one has no spread
        return every([_there(each, claim, 1) for each in known])
    mean = over_members(np.array([each.value for each in known]))
    average = replace(mean, draws=min(each.draws for each in known))
    return replace(_there(average, claim, len(known)), unit="members")


def _there(value: Estimate, claim: Level, members: int) -> Evidence:
    bound = claim.at_least if claim.at_least is not None else claim.at_most
    assert bound is not None
    found = above(value, bound, members)
    return found if claim.at_least is not None else replace(found, for_it=found.against, against=found.for_it)


def _without_exception(found: Sequence[Point], claim: Level) -> Evidence:
    """That no draw lies beyond the number, which one that does refutes beyond doubt."""
    draws = [values for point in found if len(values := _known(point))]
    if not draws:
        return NOTHING
    together = np.concatenate(draws)
    lowest, highest = float(together.min()), float(together.max())
    kept = (claim.at_least is None or lowest >= claim.at_least) and (claim.at_most is None or highest <= claim.at_most)
    furthest = highest if claim.at_least is None else lowest
    fewest = min(len(values) for values in draws)
    return Evidence(furthest, np.nan, np.nan, 1.0, float(kept), fewest, len(draws), until_refuted=True)


def _known(point: Point) -> Array:
    """Its draws; a wait that did not end is longer than all others."""
    if point.values is None:
        return np.empty(0)
    values = np.where(np.isnan(point.values), np.inf, point.values) if point.kind == "time" else point.values
    known: Array = values[~np.isnan(values)]
    return known

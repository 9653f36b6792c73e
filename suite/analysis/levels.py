"""Claims that a quantity lies above a number, or below: of members, of their average, or of every single draw."""

from collections.abc import Sequence

import numpy as np

from suite.analysis.average import on_average
from suite.analysis.evidence import NOTHING, Evidence, every
from suite.analysis.known import above_known, known_draws, turned
from suite.analysis.points import Point, Tables, points
from suite.catalog.claims import Level


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
    if claim.of == "average" and len(known) > 1:
        return _as_claimed(on_average((((point.member,), each) for point, each in known), bound), claim)
    return every([_as_claimed(above_known(point, claim.statistic, bound), claim) for point, _ in known])


def _as_claimed(lies_above: Evidence, claim: Level) -> Evidence:
    return lies_above if claim.at_least is not None else turned(lies_above)


def _without_exception(found: Sequence[Point], claim: Level) -> Evidence:
    """That no draw lies beyond the number, which one that does refutes beyond doubt."""
    known = [(point.member, values) for point in found if len(values := known_draws(point))]
    if not known:
        return NOTHING
    together = np.concatenate([values for _, values in known])
    lowest, highest = float(together.min()), float(together.max())
    kept = (claim.at_least is None or lowest >= claim.at_least) and (claim.at_most is None or highest <= claim.at_most)
    furthest = highest if claim.at_least is None else lowest
    fewest = min(len(values) for _, values in known)
    names = frozenset(name for name, _ in known)
    return Evidence(furthest, np.nan, np.nan, 1.0, float(kept), fewest, names, until_refuted=True)

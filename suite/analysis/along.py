"""Claims about the course of a quantity along an axis."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from suite.analysis.evidence import Evidence, above, every, some
from suite.analysis.points import Point, Tables, lines, points
from suite.catalog.claims import Monotone, PeaksInside


def peaks_inside(tables: Tables, claim: PeaksInside) -> Evidence:
    """Along every line some inner value lies above both ends.

    The estimate is of the inner value that is surest to: by how much it exceeds the end that it is less surely above.
    Every inner value has a chance to be the one, which the p-value pays for by Bonferroni's factor; against the claim
    stands that an end lies above all inner values.
    """
    found = lines(points(tables, claim.quantity, where=claim.where, layer=claim.layer), claim.along)
    return every([_peak(line, claim.statistic) for line in found if len(line) > 2])


def _peak(line: Sequence[Point], statistic: str) -> Evidence:
    first, *inside, last = (point.estimate(statistic) for point in line)
    members = frozenset(point.member for point in line)
    above_both = [every([above(inner - end, 0.0, members) for end in (first, last)]) for inner in inside]
    an_end = some([every([above(end - inner, 0.0, members) for inner in inside]) for end in (first, last)])
    return replace(some(above_both), against=an_end.for_it, members=members)


def monotone(tables: Tables, claim: Monotone) -> Evidence:
    """Along every line each step goes the way that is claimed, but for the slack.

    The estimate is of the step that is least sure to.
    """
    found = lines(points(tables, claim.quantity, where=claim.where, layer=claim.layer), claim.along)
    return every([_steps(line, claim) for line in found if len(line) > 1])


def _steps(line: Sequence[Point], claim: Monotone) -> Evidence:
    sign = 1 if claim.direction == "rises" else -1
    course = [(point.estimate(claim.statistic), point.member) for point in line]
    steps = [(before, after) if sign > 0 else (after, before) for before, after in pairwise(course)]
    return every([above(upper - lower, -claim.slack, (low, high)) for (lower, low), (upper, high) in steps])

"""What a spec claims, and what it asks of its tournament, in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from suite.catalog.claims import (
    AgreesWith,
    BoundedBy,
    Claim,
    Greater,
    Level,
    Monotone,
    PairClaim,
    PeaksInside,
    RankCorrelation,
    SurvivalShorter,
    Where,
)
from suite.catalog.predict import BASELINES, SHALLOWEST, Predict, candidates
from suite.catalog.quantities import QUANTITIES
from suite.formatting import counted
from suite.spec.claims import as_in_tables, asked_for, values_of_axes
from suite.spec.members import Member
from suite.spec.model import Spec

_LISTED = 24
"""Values that are written out."""

_ALIKE = "in every pair of members that are alike otherwise"
_EACH = "at each setting of the other axes"


def statements(spec: Spec, members: Sequence[Member]) -> Iterator[str]:
    """A study's claims, each in its author's words and in those of its test, and its tournament."""
    if spec.claim:
        number = len(spec.claim)
        yield "Claimed, and judged at the end" + (
            f", with Holm's correction for {number} claims:" if number > 1 else ":"
        )
    for claim in spec.claim:
        yield f"  {claim.says}"
        surprise = "" if claim.expected == "holds" else f"; expected: {claim.expected}"
        yield f"    {claim.test}: {_tested(claim, spec, members)}{surprise}"
    if spec.claim and spec.predict:
        yield ""
    if spec.predict:
        yield from _tournament(spec.predict, spec, members)


def _tested(claim: Claim, spec: Spec, members: Sequence[Member]) -> str:
    tell = _WORDS[type(claim)]
    among = asked_for(members, claim.where)
    pairs = None
    if isinstance(claim, PairClaim) and any(claim.axis in member.axes for member in among):
        pairs = _pairs(claim, among)
    return tell(claim, values_of_axes(spec, among)) + _among(claim.where, among, members, pairs)


def _pairs(claim: PairClaim, among: Sequence[Member]) -> list[tuple[Member, Member]]:
    """The members at a comparison's one value, each with the one at the other that is alike otherwise."""

    def at(value: Any) -> dict[frozenset[tuple[str, Any]], Member]:
        return {
            frozenset((axis, found) for axis, found in member.axes.items() if axis != claim.axis): member
            for member in among
            if member.axes.get(claim.axis) == as_in_tables(value)
        }

    first, second = at(claim.value), at(claim.than)
    return [(member, second[rest]) for rest, member in first.items() if rest in second]


def _among(
    where: Where, among: Sequence[Member], members: Sequence[Member], pairs: Sequence[tuple[Member, Member]] | None
) -> str:
    """Of which members a claim is; of a comparison of members, of which pairs of them."""
    asked = " and ".join(f"{axis} is {listed(wanted, 'or')}" for axis, wanted in where.items())
    of = f"; where {asked}: " if where else "; "
    if pairs is not None:
        compared = len({member.name for pair in pairs for member in pair})
        number = counted(len(pairs), "pair")
        return f"{of}{number} ({compared} of {len(members)} members)"
    if not where:
        return f"; of all {len(members)} members" if len(members) > 1 else "; of the one member"
    return f"{of}{len(among)} of {len(members)} members"


def listed(values: Sequence[Any], last: str = "and") -> str:
    """`1, 2 and 3`; of a great many values, the first and the last."""
    words = [_number(value) if isinstance(value, float) else str(as_in_tables(value)) for value in values]
    if len(words) > _LISTED:
        words = [*words[: _LISTED - 2], "...", words[-1]]
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def _in_order(values: Sequence[Any]) -> list[Any]:
    return sorted(values, key=lambda value: (isinstance(value, str), value))


def _of(name: str, claim: Claim) -> str:
    """A quantity as a claim is about it."""
    kinds = {"frequency": "the frequency of ", "time": "the median of ", "ratio": ""}
    return kinds.get(QUANTITIES[name].kind, f"the {claim.statistic} of ") + _placed(name, claim)


def _placed(name: str, claim: Claim) -> str:
    """A quantity with the layer and the step that are meant, where it has any."""
    index = QUANTITIES[name].index
    layer = f" in layer {claim.layer}" if claim.layer else " in the last layer"
    return name + (layer if "layer" in index else "") + (" after the last step" if "step" in index else "")


def _number(value: float | None) -> str:
    """In few digits; -0 is 0."""
    return f"{value:g}" if value else "0"


def _peaks_inside(claim: PeaksInside, values: Mapping[str, Sequence[Any]]) -> str:
    course = listed(_in_order(values.get(claim.along, ())))
    return (
        f"{_of(claim.quantity, claim)} is larger at some inner {claim.along} of {course} than at the first and at the "
        f"last, {_EACH}"
    )


def _monotone(claim: Monotone, values: Mapping[str, Sequence[Any]]) -> str:
    slack = f", but for {_number(claim.slack)}" if claim.slack else ""
    course = listed(_in_order(values.get(claim.along, ())))
    return f"{_of(claim.quantity, claim)} {claim.direction} at each step of {claim.along} over {course}{slack}, {_EACH}"


def _greater(claim: Greater, _: object) -> str:
    margin = f" by more than {_number(claim.margin)}" if claim.margin else ""
    pairs = _ALIKE if claim.of == "every" else "on average over pairs of members that are alike otherwise"
    return (
        f"{_of(claim.quantity, claim)} at {claim.axis} = {as_in_tables(claim.value)} exceeds that at "
        f"{as_in_tables(claim.than)}{margin}, {pairs}"
    )


def _rank_correlation(claim: RankCorrelation, _: object) -> str:
    side = f"above {_number(claim.at_least)}" if claim.at_least is not None else f"below {_number(claim.at_most)}"
    control = f", when the values of {claim.first} are dealt out anew, as a control" if claim.shuffled else ""
    return (
        f"Spearman's rank correlation over members of {_of(claim.first, claim)} with {_of(claim.second, claim)} is "
        f"{side}{control}"
    )


def _level(claim: Level, _: object) -> str:
    high = claim.at_least is not None
    bound = claim.at_least if high else claim.at_most
    if claim.of == "draw":
        side = "more" if high else "less"
        what = f"{_placed(claim.quantity, claim)} is {_number(bound)} or {side}"
        return f"{what} in every single draw; one exception refutes"
    members = "in every member" if claim.of == "every" else "on average over members"
    return f"{_of(claim.quantity, claim)} is {'above' if high else 'below'} {_number(bound)}, {members}"


def _bounded_by(claim: BoundedBy, _: object) -> str:
    bound = "its closed form" if claim.bound == "theory" else _of(claim.bound, claim)
    what = f"{_of(claim.quantity, claim)} is below {bound}" + (f" plus {_number(claim.margin)}" if claim.margin else "")
    return (
        what
        + (f" or above by {claim.z:g} standard errors at most" if claim.z is not None else "")
        + ", in every member"
    )


def _agrees_with(claim: AgreesWith, _: object) -> str:
    within = f"{100 * claim.relative:g}%" if claim.relative is not None else f"{claim.z:g} standard errors"
    return f"{_of(claim.quantity, claim)} is within {within} of its closed form, in every member that has one"


def _survival_shorter(claim: SurvivalShorter, _: object) -> str:
    return (
        f"waits of {claim.quantity} are shorter at {claim.axis} = {as_in_tables(claim.value)} than at "
        f"{as_in_tables(claim.than)} (log-rank test), {_ALIKE}"
    )


_WORDS: dict[type[Claim], Callable[[Any, Mapping[str, Sequence[Any]]], str]] = {
    PeaksInside: _peaks_inside,
    Monotone: _monotone,
    Greater: _greater,
    RankCorrelation: _rank_correlation,
    Level: _level,
    BoundedBy: _bounded_by,
    AgreesWith: _agrees_with,
    SurvivalShorter: _survival_shorter,
}


def _tournament(predict: Predict, spec: Spec, members: Sequence[Member]) -> Iterator[str]:
    entered = [member for member in asked_for(members, predict.where) if member.depth >= SHALLOWEST]
    asked = [name for name in candidates(spec.measures) if predict.predictors is None or name in predict.predictors]
    where = (
        ""
        if not predict.where
        else " where " + " and ".join(f"{a} is {listed(v, 'or')}" for a, v in predict.where.items())
    )
    yield f"Tournament: which of {len(asked)} quantities, known before training, tells {listed(predict.outcome, 'or')}?"
    yield (
        f"  Each orders {len(entered)} of the {len(members)} members, those of {SHALLOWEST} hidden layers or more"
        f"{where}, by the {predict.statistic} of a member's draws (a minus: the less the better):"
    )
    yield f"    {', '.join(f'-{name}' if QUANTITIES[name].sign < 0 else name for name in asked)}"
    yield f"  and so do the baselines {', '.join(BASELINES)}."
    yield "  Their orders are compared with that of the outcome by rank correlations: over all members, within each"
    yield "  activation, for each value of an axis, and draw by draw; once for each setting of the training."

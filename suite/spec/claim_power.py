"""This module checks that claims have enough draws and members to be judged, and to find large effects."""

from collections.abc import Iterator, Sequence
from math import atanh, ceil, comb, exp, log2, sqrt
from statistics import NormalDist
from typing import Any

from scipy.special import betaincinv, stdtrit  # scipy.stats takes longer to load than all other checks take

from suite.catalog.claims import (
    THEORY,
    AgreesWith,
    BoundedBy,
    Claim,
    Level,
    PairClaim,
    Predicts,
    RankCorrelation,
    SurvivalShorter,
)
from suite.catalog.limits import FEWEST_PAIRS
from suite.catalog.measures import MEASURES
from suite.catalog.predict import BASELINES, FEWEST, SHALLOWEST, candidates
from suite.catalog.quantities import QUANTITIES, is_trained
from suite.catalog.shown import shown
from suite.formatting import format_count
from suite.spec.claims import Location, as_in_tables, asked_for
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest
from suite.statistics.multiple_tests import ALPHA, POWER

_LARGEST_CORRELATION, _LARGEST_SHIFT, _LARGEST_FREQUENCY, _LARGEST_HAZARD_RATIO = 0.9, 2.0, 0.5, 5.0
"""A claim gets a warning if it finds only larger effects with a power of 80%.

They are a rank correlation, a difference in standard deviations of a draw, a difference of frequencies, and a ratio of
hazards.
"""


def check_sizes(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield errors on claims with too few draws or members, and warnings on claims of low power."""
    for place, claim in enumerate(spec.claim):
        here = ("claim", place)
        about = asked_for(members, claim.where)
        known = [name for name in claim.quantities if _is_measured(spec, name)]
        if len(known) < len(claim.quantities) or not about:  # these are errors of their own
            continue
        errors = [*_check_prediction(here, claim, spec, about), *_check_numbers(here, claim, spec, about)]
        yield from errors or _check_power(here, claim, spec, about)


def _is_measured(spec: Spec, quantity: str) -> bool:
    return any(quantity in MEASURES[name].quantities for name in spec.measures)


def _draws(spec: Spec, quantity: str) -> int | None:
    """Return the number of draws of a quantity; None if it has none, or as many as its precision target needs."""
    if is_trained(quantity):
        return spec.training.replicates if spec.training else None
    settings = next(each for name, each in spec.measures.items() if quantity in MEASURES[name].quantities)
    draws = getattr(settings, "draws", None)
    return draws if isinstance(draws, int) and getattr(settings, "precision", None) is None else None


def _holds_until_refuted(claim: Claim) -> bool:
    """Return whether a claim holds as long as no draw or z-score refutes it, for which one draw suffices."""
    return (isinstance(claim, Level) and claim.of == "draw") or (
        isinstance(claim, AgreesWith | BoundedBy) and claim.z is not None
    )


def _check_prediction(here: Location, claim: Claim, spec: Spec, about: Sequence[Member]) -> Iterator[Finding]:
    """Yield findings on claims that a quantity predicts training: they need a baseline, and a known direction."""
    if isinstance(claim, RankCorrelation) and not claim.shuffled and not claim.control:
        before, after = sorted((claim.first, claim.second), key=is_trained)
        if is_trained(after) and not is_trained(before):
            message = (
                f"a claim that {before} predicts {after} needs a baseline to beat; "
                'use test = "predicts", with predictor, outcome and baseline'
            )
            yield Finding((*here, "test"), message)
    if not isinstance(claim, Predicts):
        return
    if (known := candidates(spec.measures)) and claim.predictor not in known:
        why = "known only after training" if is_trained(claim.predictor) else "not a property of a network"
        why = "a baseline" if claim.predictor in BASELINES else why
        yield Finding((*here, "predictor"), f"{shown(claim.predictor)} is {why}; {nearest(claim.predictor, known)}")
    deep = [member for member in about if member.depth >= SHALLOWEST]
    if len(deep) < FEWEST:
        message = (
            f"the claim is about {format_count(len(deep), 'member')} with {SHALLOWEST} or more hidden layers, too few "
            f"for a rank correlation; use {FEWEST} or more"
        )
        yield Finding(here, message)


def _check_numbers(here: Location, claim: Claim, spec: Spec, about: Sequence[Member]) -> Iterator[Finding]:
    """Yield findings if a claim has fewer draws, or members of a family, than it can be judged with."""
    if _holds_until_refuted(claim) or isinstance(claim, RankCorrelation | Predicts):
        return
    if claim.population == "family":
        sample = about
        if isinstance(claim, PairClaim):
            value = as_in_tables(claim.value)
            sample = [member for member in about if member.axes.get(claim.axis, value) == value]
        noun = "pair" if isinstance(claim, PairClaim) else "member"
        if len(sample) < FEWEST_PAIRS:
            message = (
                f"{format_count(len(sample), noun)}, too few for a claim about the family; use {FEWEST_PAIRS} or more"
            )
            yield Finding((*here, "of"), f'{message}, or of = "average"')
    if isinstance(claim, PairClaim) and any(claim.axis in member.axes for member in about):
        first, second = (
            {tuple((axis, value) for axis, value in member.axes.items() if axis != claim.axis) for member in found}
            for found in (_at(about, claim.axis, claim.value), _at(about, claim.axis, claim.than))
        )
        if first and second and not first & second:
            message = f"no two members differ in {claim.axis} alone, so there is nothing to compare"
            yield Finding((*here, "axis"), f"{message}; give both the same values of the other axes")
    numbers = {name: draws for name in claim.quantities if (draws := _draws(spec, name)) is not None}
    for name, number in numbers.items():
        if number < FEWEST_PAIRS:
            noun = "replicate" if is_trained(name) else "draw"
            message = f"{name} has {format_count(number, noun)}, too few to judge a claim; use {FEWEST_PAIRS} or more"
            yield Finding(here, message)


def _at(members: Sequence[Member], axis: str, value: Any) -> list[Member]:
    return [member for member in members if member.axes.get(axis) == as_in_tables(value)]


def _check_power(here: Location, claim: Claim, spec: Spec, about: Sequence[Member]) -> Iterator[Finding]:
    """Yield a warning if a claim finds only very large effects with a power of 80%.

    Averages over members have more power than each member, and get none.
    """
    if _holds_until_refuted(claim):
        return
    level = ALPHA / (2 * len(spec.claim))
    normal = NormalDist().inv_cdf(1 - level) + NormalDist().inv_cdf(POWER)
    found = ""
    if isinstance(claim, RankCorrelation) and len(about) >= FEWEST:  # fewer are an error
        found = _correlation(normal, len(about))
    elif getattr(claim, "of", "every") == "every" and not isinstance(claim, RankCorrelation | Predicts | AgreesWith):
        name = claim.quantities[0]
        number = _draws(spec, name)
        if number is not None:
            found = _difference(claim, name, number, level, normal)
    if found:
        tests = f", corrected for {format_count(len(spec.claim), 'claim')}" if len(spec.claim) > 1 else ""
        yield Finding(here, f"{found}{tests}; use more of them, or expect the claim to stay undecided", fatal=False)


def _correlation(normal: float, members: int) -> str:
    found = (rho for rho in _RHOS if atanh(rho) >= normal * sqrt((1 + rho**2 / 2) / (members - 3)))
    smallest = next(found, _RHOS[-1])
    if smallest <= _LARGEST_CORRELATION:
        return ""
    return f"with {members} members, only rank correlations above {smallest:.2f} are found with 80% power"


_RHOS = [place / 100 for place in range(1, 100)]
"""Rank correlations whose power is computed."""


def _difference(claim: Claim, name: str, number: int, level: float, normal: float) -> str:
    """Return why a claim about a difference or a level has a low power; empty if it has not."""
    kind = QUANTITIES[name].kind
    noun = "replicates" if is_trained(name) else "draws"
    if kind == "frequency" and isinstance(claim, Level):
        bound = claim.at_least if claim.at_least is not None else 1 - (claim.at_most or 0.0)
        return f"no result of {number} {noun} establishes it" if 0 < bound < 1 and bound**number > level else ""
    if isinstance(claim, SurvivalShorter) and 1 / comb(2 * number, number) > level:
        return f"no result of {number} {noun} establishes it"
    if isinstance(claim, SurvivalShorter):
        ratio = exp(normal * 2 / sqrt(2 * number))
        large, what = ratio > _LARGEST_HAZARD_RATIO, f"ratios of hazards above {ratio:.2g}"
    elif kind == "frequency" and is_trained(name) and not isinstance(claim, BoundedBy):
        fewest = ceil(log2(1 / level))  # discordant pairs, all of one kind
        if fewest > number:
            return f"no result of {number} {noun} establishes it"
        difference = float(betaincinv(fewest, number - fewest + 1, POWER))
        large, what = difference > _LARGEST_FREQUENCY, f"differences of frequencies above {difference:.2g}"
    elif kind == "frequency":
        difference = normal * sqrt(0.5 / number)
        large, what = difference > _LARGEST_FREQUENCY, f"differences of frequencies above {min(difference, 1.0):.2g}"
    else:
        paired = is_trained(name) and not isinstance(claim, BoundedBy)
        samples = 1 if paired or isinstance(claim, Level) or getattr(claim, "bound", "") == THEORY else 2
        freedom = samples * (number - 1)
        shift = float(stdtrit(freedom, 1 - level) + stdtrit(freedom, POWER)) * sqrt(samples / number)
        large, what = shift > _LARGEST_SHIFT, f"differences above {shift:.2g} standard deviations"
    return f"with {number} {noun}, only {what} are found with 80% power" if large else ""

"""Judge the claims of a spec by the tables of a run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, floor, log10
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

from suite.analysis.evidence import Evidence, two_sided
from suite.analysis.points import Tables
from suite.catalog.claims import THEORY, BoundedBy, Claim, Level
from suite.catalog.dotted import load
from suite.catalog.limits import FEWEST_PAIRS
from suite.catalog.quantities import QUANTITIES, is_trained
from suite.formatting import format_count
from suite.results.folder import Results
from suite.statistics.multiple_tests import ALPHA, POWER, holm

_MOST_NEEDED = 1e9
"""Sample sizes above this are not reported."""

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim.

    Attributes:
        claim: The claim, as in the spec.
        verdict: "holds", "fails", or "undecided" if neither is established.
        evidence: The estimate with its 95% confidence interval, p-values and sizes. Its interval respects the range of
            what is estimated.
        p: Two-sided p-value of the estimate, without correction; nan if there is none.
        p_holm: The p-value of the verdict, or of the nearer verdict if undecided, corrected for the parts of the claim
            and for the number of claims of the study (Holm); nan if there is none.
        needed: The number of draws or members at which the estimate would be significant; nan if the claim is decided
            already or the number cannot be estimated.
        detectable: The smallest effect that the test finds with a power of 80%; nan if it cannot be told.
    """

    claim: Claim
    verdict: Outcome
    evidence: Evidence
    p: float
    p_holm: float
    needed: float
    detectable: float


def rows_of(verdicts: Sequence[Verdict], source: str) -> list[dict[str, Any]]:
    """Return one row per claim, in the columns of verdicts.csv.

    Args:
        verdicts: The verdicts of one study.
        source: The study's source, for claims that name none.
    """
    return [_row(found, source) for found in verdicts]


def _row(found: Verdict, source: str) -> dict[str, Any]:
    claim, evidence = found.claim, found.evidence
    low, high = (np.nan if end is None else end for end in claim.claimed())
    return {
        "claim": claim.says,
        "source": claim.source or source,
        "test": claim.test,
        "verdict": found.verdict,
        "expected": claim.expected or "",
        "control": "yes" if claim.control else "no",
        "answers": "yes" if claim.answers else "no",
        "population": claim.population,
        "quantities": ", ".join(claim.quantities),
        "estimate": evidence.estimate,
        "ci_low": evidence.low,
        "ci_high": evidence.high,
        "p": found.p,
        "p_holm": found.p_holm,
        "claimed_low": low,
        "claimed_high": high,
        "draws": evidence.draws,
        "members": len(evidence.members),
        "detectable": found.detectable,
        "needed": found.needed,
        "unit": "replicates" if evidence.unit == "draws" and any(map(is_trained, claim.quantities)) else evidence.unit,
        "estimate_of": claim.describe_estimate(len(evidence.members)),
        "required": claim.describe_requirement(),
        "note": evidence.note or _explain_missing_p_value(found),
    }


def _explain_missing_p_value(found: Verdict) -> str:
    """Return why a decided claim has no p-value, or an empty string."""
    if found.evidence.exact:
        return "computed, not sampled"
    return "not refuted" if found.evidence.until_refuted and found.verdict == "holds" else ""


def verdict_rows(claims: Sequence[Claim], results: Results, source: str) -> list[dict[str, Any]]:
    """Judge claims by the tables of a run; return the rows that the page and the terminal show."""
    return rows_of(judge_results(claims, results), source)


def judge_results(claims: Sequence[Claim], results: Results) -> list[Verdict]:
    """Return a verdict on each claim, by the tables of a run.

    Args:
        claims: The claims of one study.
        results: The tables of its run.
    """
    if not claims:
        return []
    values_of = cache(results.values_of)  # several claims of a study are often about one quantity
    return judge(claims, Tables(results.summary, values_of, results.members))


def judge(claims: Sequence[Claim], tables: Tables) -> list[Verdict]:
    """Return a verdict on each claim, with p-values corrected for the number of claims (Holm).

    Claims about quantities that are computed without sampling are decided by comparison. They cannot be wrong by chance
    and do not count in the correction.

    Args:
        claims: The claims of one study.
        tables: The tables of its run.
    """
    evidence = [_usable(load(claim.function)(tables, claim), claim) for claim in claims]
    # A claim that holds until it is refuted counts in the correction, but only the p-value against it can be small.
    nearer = [each.against if each.until_refuted else two_sided(each.for_it, each.against) for each in evidence]
    tested = [place for place, each in enumerate(evidence) if not each.exact]
    corrected = dict(zip(tested, holm(np.array([nearer[place] for place in tested])), strict=True)) if tested else {}
    return [
        _verdict(claim, each, float(corrected.get(place, np.nan)), len(tested))
        for place, (claim, each) in enumerate(zip(claims, evidence, strict=True))
    ]


def _usable(evidence: Evidence, claim: Claim) -> Evidence:
    """Return the evidence with an interval within the range of the estimate; too few draws have no p-value."""
    low, high = _range(claim)
    clipped = replace(
        evidence, low=float(np.clip(evidence.low, low, high)), high=float(np.clip(evidence.high, low, high))
    )
    if evidence.exact or evidence.until_refuted or not evidence.members:
        return clipped
    number = evidence.draws if evidence.unit == "draws" else len(evidence.members)
    if number >= FEWEST_PAIRS:
        return clipped
    note = evidence.note or f"{format_count(number, evidence.unit.removesuffix('s'))}, fewer than {FEWEST_PAIRS}"
    return replace(clipped, low=np.nan, high=np.nan, p=np.nan, for_it=1.0, against=1.0, detectable=None, note=note)


def _range(claim: Claim) -> tuple[float, float]:
    """Return the smallest and the largest value that the estimate of a claim can have."""
    if isinstance(claim, Level):
        return QUANTITIES[claim.quantity].range
    if isinstance(claim, BoundedBy) and claim.z is None and claim.bound != THEORY:
        (low, high), (lowest, highest) = (QUANTITIES[name].range for name in (claim.quantity, claim.bound))
        return lowest - high, highest - low
    if claim.compares:
        low, high = QUANTITIES[claim.quantities[0]].range
        return low - high, high - low
    return -np.inf, np.inf


def _verdict(claim: Claim, evidence: Evidence, p: float, tests: int) -> Verdict:
    verdict: Outcome = "undecided"
    unadjusted = evidence.p
    if evidence.exact:
        verdict = "holds" if evidence.for_it < evidence.against else "fails"
    elif evidence.until_refuted and p > ALPHA:
        verdict, p = ("holds", np.nan)
    elif evidence.until_refuted:
        verdict, unadjusted = "fails", evidence.against
    elif p <= ALPHA:
        verdict = "holds" if evidence.for_it < evidence.against else "fails"
    undecided = verdict == "undecided" and bool(evidence.members)
    return Verdict(
        claim,
        verdict,
        evidence,
        unadjusted,
        p if np.isfinite(evidence.p) or verdict == "fails" else np.nan,
        _needed_sample_size(evidence, tests) if undecided else np.nan,
        _detectable(evidence, claim, tests),
    )


def _detectable(evidence: Evidence, claim: Claim, tests: int) -> float:
    """Return the smallest effect that a claim's test finds; nan if it is unknown or larger than any effect can be."""
    if not evidence.detectable or not tests:
        return np.nan
    found = evidence.detectable(ALPHA / (2 * tests), POWER)
    low, high = _range(claim)
    return found if found <= high - low else np.nan


def _needed_sample_size(evidence: Evidence, tests: int) -> float:
    """Return the sample size at which the same estimate would be significant.

    It is rounded up to two digits. It is nan if it cannot be estimated or exceeds `_MOST_NEEDED`.
    """
    have = evidence.draws if evidence.unit == "draws" else len(evidence.members)
    p = min(evidence.for_it, evidence.against)
    if not 0 < p < 0.5 or not have:
        return np.nan
    needed = have * (float(norm.isf(ALPHA / (2 * tests))) / float(norm.isf(p))) ** 2
    if needed > _MOST_NEEDED:
        return np.nan
    digits = max(0, floor(log10(needed)) - 1)
    return max(have + 1.0, float(ceil(needed / 10**digits)) * 10.0**digits)

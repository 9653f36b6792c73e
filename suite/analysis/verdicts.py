"""Judge the claims of a spec by the tables of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, floor, log10
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

from suite.analysis.evidence import Evidence
from suite.analysis.points import Tables
from suite.catalog.claims import Claim
from suite.catalog.dotted import load
from suite.results.folder import Results
from suite.statistics.multiple_tests import holm

LEVEL = 0.05
"""Family-wise error rate of a study: the largest probability that any of its verdicts `holds` or `fails` is wrong."""

_MOST_NEEDED = 1e9
"""Sample sizes above this are not reported."""

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim.

    Attributes:
        claim: The claim, as in the spec.
        verdict: "holds", "fails", or "undecided" if neither is established.
        estimate: The estimate that the claim's test defines.
        low: Lower end of its 95% confidence interval, without correction; nan if there is none.
        high: Upper end of the interval.
        p: The p-value of the verdict, or of the nearer verdict if undecided, corrected for the number of claims of the
            study (Holm). nan for a claim that holds because it is not refuted.
        draws: The smallest number of draws of a member.
        members: The number of compared members. A member that was trained several times counts once.
        needed: The number of draws or members that would probably decide the claim; nan if it is decided already or
            the number cannot be estimated.
        unit: The sampling unit of `needed`: "draws" or "members".
        leaning: The verdict that `needed` draws or members would probably give; empty if `needed` is nan.
    """

    claim: Claim
    verdict: Outcome
    estimate: float
    low: float
    high: float
    p: float
    draws: int
    members: int
    needed: float
    unit: str
    leaning: Literal["holds", "fails", ""] = ""


def rows_of(verdicts: Sequence[Verdict], source: str) -> list[dict[str, Any]]:
    """Return one row per claim, in the columns of verdicts.csv.

    Args:
        verdicts: The verdicts of one study.
        source: The study's source, for claims that name none.
    """
    return [
        {
            "claim": found.claim.says,
            "source": found.claim.source or source,
            "test": found.claim.test,
            "verdict": found.verdict,
            "expected": found.claim.expected,
            "estimate": found.estimate,
            "ci_low": found.low,
            "ci_high": found.high,
            "p": found.p,
            "draws": found.draws,
            "members": found.members,
            "needed": found.needed,
            "unit": found.unit,
            "leaning": found.leaning,
            "estimate_of": found.claim.describe_estimate(found.members),
            "required": found.claim.describe_requirement(),
        }
        for found in verdicts
    ]


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
    return judge(claims, Tables(results.summary, values_of))


def judge(claims: Sequence[Claim], tables: Tables) -> list[Verdict]:
    """Return a verdict on each claim, with p-values corrected for the number of claims (Holm).

    Args:
        claims: The claims of one study.
        tables: The tables of its run.
    """
    evidence: list[Evidence] = [load(claim.function)(tables, claim) for claim in claims]
    # A claim that holds until it is refuted counts in the correction, but only the p-value against it can be small.
    nearer = [each.against if each.until_refuted else 2 * min(each.for_it, each.against) for each in evidence]
    corrected: Sequence[float] = list(holm(np.minimum(1.0, nearer))) if nearer else []
    return [
        _verdict(claim, each, float(p), len(claims)) for claim, each, p in zip(claims, evidence, corrected, strict=True)
    ]


def _verdict(claim: Claim, evidence: Evidence, p: float, claims: int) -> Verdict:
    verdict: Outcome = "undecided"
    if evidence.until_refuted and p > LEVEL:
        verdict, p = "holds", np.nan
    elif evidence.until_refuted:
        verdict = "fails"
    elif p <= LEVEL:
        verdict = "holds" if evidence.for_it < evidence.against else "fails"
    needed = _needed_sample_size(evidence, claims) if verdict == "undecided" else np.nan
    nearer: Literal["holds", "fails"] = "holds" if evidence.for_it < evidence.against else "fails"
    return Verdict(
        claim,
        verdict,
        evidence.estimate,
        evidence.low,
        evidence.high,
        p,
        evidence.draws,
        len(evidence.members),
        needed,
        evidence.unit,
        "" if np.isnan(needed) else nearer,
    )


def _needed_sample_size(evidence: Evidence, claims: int) -> float:
    """Return the sample size at which the nearer verdict would be significant for the same estimate.

    It is rounded up to two digits. It is nan if it cannot be estimated or exceeds `_MOST_NEEDED`.
    """
    have = evidence.draws if evidence.unit == "draws" else len(evidence.members)
    p = min(evidence.for_it, evidence.against)
    if not 0 < p < 0.5 or not have:
        return np.nan
    needed = have * (float(norm.isf(LEVEL / (2 * claims))) / float(norm.isf(p))) ** 2
    if needed > _MOST_NEEDED:
        return np.nan
    digits = max(0, floor(log10(needed)) - 1)
    return max(have + 1.0, float(ceil(needed / 10**digits)) * 10.0**digits)

"""The judge: from a spec's claims and a run's tables to verdicts."""

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
"""Of all verdicts of a study together, both ways: at most so often is any `holds` or `fails` wrong."""

_MOST_NEEDED = 1e9

Outcome = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        claim: as the spec makes it.
        verdict: undecided where neither is established.
        estimate: of what the claim's test is about.
        low: lower end of its 95% interval, uncorrected; nan where there is none.
        high: upper end.
        p: of the verdict, or of the nearer one where undecided; corrected for the study's number of claims. nan of
            what holds since it is not refuted.
        draws: of a member, the fewest.
        members: that were compared, each once however often it was trained.
        needed: draws or members, as `unit` says, that would probably decide; nan where that cannot be told.
        unit: what is needed more of.
        leaning: the verdict that so many would probably come to; empty where `needed` is not told.
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
        verdicts: Of one study.
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
    """Judge claims by the tables of a run, and return one row per claim; the page and the terminal show these rows."""
    return rows_of(judge_results(claims, results), source)


def judge_results(claims: Sequence[Claim], results: Results) -> list[Verdict]:
    """Return a verdict on each claim, by the tables of a run.

    Args:
        claims: Of one study.
        results: The tables of its run.
    """
    if not claims:
        return []
    once = cache(results.values_of)  # claims of one study are often about one quantity
    return judge(claims, Tables(results.summary, once))


def judge(claims: Sequence[Claim], tables: Tables) -> list[Verdict]:
    """A verdict on each claim, corrected together (Holm).

    Args:
        claims: of one study.
        tables: of its run.
    """
    evidence: list[Evidence] = [load(claim.function)(tables, claim) for claim in claims]
    # What only is not refuted counts among the claims, but has no small p-value of its own to spend.
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
    needed = _needed(evidence, claims) if verdict == "undecided" else np.nan
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


def _needed(evidence: Evidence, claims: int) -> float:
    """As many as make the nearer verdict's z large enough for all corrections, if things are as they look."""
    have = evidence.draws if evidence.unit == "draws" else len(evidence.members)
    p = min(evidence.for_it, evidence.against)
    if not 0 < p < 0.5 or not have:
        return np.nan
    needed = have * (float(norm.isf(LEVEL / (2 * claims))) / float(norm.isf(p))) ** 2
    if needed > _MOST_NEEDED:
        return np.nan
    digits = max(0, floor(log10(needed)) - 1)
    return max(have + 1.0, float(ceil(needed / 10**digits)) * 10.0**digits)

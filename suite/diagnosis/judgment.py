"""What findings of a network mean for its training, once their remedies were tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.diagnosis.findings import FINDINGS, Finding
from suite.diagnosis.remedies import LEARNING_RATE, STANDARDIZE, Remedy
from suite.diagnosis.samples import Samples
from suite.diagnosis.severity import CHANCES, SEVERITIES, Severity, severity_of
from suite.diagnosis.trial import Outcome

_NETWORK_REMEDIES = ("variance_preserving", "critical", "normalization", "residual", "activation", "shallower")

REMEDIES: dict[str, Sequence[str]] = {
    "labels": (),
    "input_scale": (STANDARDIZE,),
    "initialization": ("variance_preserving", "critical", "normalization", "residual", "activation"),
    "dead_units": ("variance_preserving", "critical", "activation", "normalization"),
    "width": ("shallower",),
    "depth": ("normalization", "residual", "shallower"),
    "output_scale": (STANDARDIZE, "variance_preserving", "critical"),
    "saturated": ("variance_preserving", "critical", "activation", "normalization"),
    "collapse": _NETWORK_REMEDIES,
    "vanishing_signal": _NETWORK_REMEDIES,
    "exploding_signal": _NETWORK_REMEDIES,
    "vanishing_gradient": _NETWORK_REMEDIES,
    "exploding_gradient": _NETWORK_REMEDIES,
    "conditioning": _NETWORK_REMEDIES,
}
"""The remedies that count for each finding, the simplest first."""

_NOTABLE = 0.02
"""A difference of scores from which it counts."""

_ENOUGH = 10
"""Number of networks of the study from which a share is quoted."""

_CLOSE = 0.01
"""Remedies within this of the best one, or within a standard error, are as good; the simplest of them is named."""


@dataclass(frozen=True)
class Tried:
    """A network that was trained, as it is or with a remedy.

    Attributes:
        remedy: The remedy.
        outcome: The trainings.
        findings: The names of the findings of the network before these trainings.
    """

    remedy: Remedy
    outcome: Outcome
    findings: tuple[str, ...]


class Row(NamedTuple):
    """A row of the table of findings."""

    finding: str
    severity: Severity
    layer: str
    value: float
    expected: str
    evidence: str
    remedy: str


class Judgment(NamedTuple):
    """What trying remedies shows.

    Attributes:
        rows: The findings, the worst first.
        best: The key of the recommended remedy, if the network needs one.
        useless: Whether no network that was trained does better than a constant.
    """

    rows: list[Row]
    best: str | None
    useless: bool


def judge_findings(
    found: Sequence[tuple[Finding, bool]], before: Tried | None, tried: Mapping[str, Tried], samples: Samples
) -> Judgment:
    """Return the findings with severities that take into account what was tried.

    Args:
        found: The findings, and whether each one disappears once inputs are standardized.
        before: The network as it is; None if nothing was tried.
        tried: The networks with a remedy, by its key.
        samples: The data.
    """
    if before is None:
        rows = [_row(finding, severity_of(finding.finding, finding.strength), gone) for finding, gone in found]
        return Judgment(_sorted(rows), None, False)
    constant, outcomes = samples.constant_score, {key: each.outcome for key, each in tried.items()}
    best = max([before.outcome, *outcomes.values()], key=_validated)
    room, lost = max(best.validated - constant, 0.0), best.validated - before.outcome.validated
    failing, useless = _is_better(best, before.outcome), _is_useless(best, constant)
    rows = []
    for finding, gone in found:
        simple = [key for key in (STANDARDIZE, LEARNING_RATE) if key not in REMEDIES[finding.finding]]
        base = max([before.outcome, *(outcomes[key] for key in simple if key in outcomes)], key=_validated)
        settled = gone or (base is not before.outcome and not _is_better(best, base))
        key = None if settled else _choose(REMEDIES[finding.finding], outcomes, base)
        gained = outcomes[key].validated - base.validated if key else 0.0
        severity = _weigh(severity_of(finding.finding, finding.strength), finding, failing, gained, lost, room, settled)
        remedy = _describe(finding, key, tried, before.outcome, samples, settled, failing)
        rows.append(_row(finding, severity, gone, remedy, _find_cause(finding, found, tried)))
    if useless and not any(finding.finding == "labels" for finding, _ in found):
        text = f"No network does better than a constant output, which has {samples.score_name} {constant:.2f}."
        rows.append(Row("labels", "medium", "", constant, "", text, "check that labels belong to the inputs"))
    return Judgment(_sorted(rows), _choose(list(outcomes), outcomes, before.outcome) if failing else None, useless)


def _validated(outcome: Outcome) -> float:
    return outcome.validated


def _row(finding: Finding, severity: Severity, gone: bool, remedy: str = "", cause: str = "") -> Row:
    text = finding.evidence + (" This disappears once inputs are standardized." if gone else cause)
    chance = CHANCES.get((finding.finding, finding.strength))
    if chance and chance.networks >= _ENOUGH:
        text += f" {chance.share:.0%} of {chance.networks} random networks with this finding failed to train."
    return Row(finding.finding, severity, finding.layer, finding.value, finding.expected, text, remedy)


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (SEVERITIES.index(row.severity), FINDINGS.index(row.finding)))


_SIMPLE = {STANDARDIZE: "once inputs or targets are standardized", LEARNING_RATE: "at another learning rate"}
"""Remedies that leave the network as it is, and how messages refer to them."""

_DATA_FINDINGS = ("labels", "input_scale")

_CAUSES = {
    "initialization": ("variance_preserving", "with weights by variance_preserving"),
    "width": ("shallower", "in a shallower, wider network"),
    "depth": ("shallower", "in a shallower network"),
}
"""Findings that cause others, each with the remedy after which the others should disappear."""


def _find_cause(finding: Finding, found: Sequence[tuple[Finding, bool]], tried: Mapping[str, Tried]) -> str:
    """Return a sentence about the finding that causes this one, as far as measuring again shows; may be empty."""
    names = {other.finding for other, _ in found}
    for cause, (key, how) in _CAUSES.items():
        if cause not in names or key not in tried or finding.finding in (*_CAUSES, *_DATA_FINDINGS):
            continue
        if finding.finding not in tried[key].findings:
            return f" It follows from the {cause}: {how} it disappears."
    return ""


def _is_better(after: Outcome, before: Outcome, least: float = _NOTABLE) -> bool:
    """Return whether the validation score is better by more than a difference, and by more than its standard error."""
    gain = after.validated - before.validated
    if np.isnan(gain) or gain <= least:
        return False
    return not np.isfinite(gain) or gain > _standard_error(after.validation - before.validation)


def _is_useless(best: Outcome, constant: float) -> bool:
    """Return whether even the best network does no better on test data than a constant, within two standard errors."""
    return best.score - constant <= max(_NOTABLE, 2 * _standard_error(best.test))


def _standard_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1)) / sqrt(len(values)) if len(values) > 1 else 0.0


def _choose(keys: Sequence[str], outcomes: Mapping[str, Outcome], base: Outcome) -> str | None:
    """Return the simplest of some remedies that is about as good as the best; None if it is not better than `base`."""
    known = [key for key in outcomes if key in keys]
    if not known:
        return None
    top = max((outcomes[key] for key in known), key=lambda each: each.validated)
    key = next(key for key in known if not _is_better(top, outcomes[key], _CLOSE))
    return key if _is_better(outcomes[key], base) else None


def _weigh(
    severity: Severity, finding: Finding, failing: bool, gained: float, lost: float, room: float, settled: bool
) -> Severity:
    """Return the severity after remedies were tried.

    In a network that trains as well as with any remedy, findings are low or info. In one that does not, a finding
    whose remedy makes up for half of what is lost is high, or medium if less than a quarter of the score above a
    constant's is lost. Other findings are at most medium.
    """
    if finding.finding == "labels":
        return severity
    if settled:
        return "info"
    if not failing:
        return "low" if severity == "high" else "info"
    if gained >= 0.5 * lost:
        return "high" if lost >= 0.25 * room else "medium"
    if gained > 0 and severity == "info":
        return "low"
    return "medium" if severity == "high" else severity


def _describe(
    finding: Finding,
    key: str | None,
    tried: Mapping[str, Tried],
    before: Outcome,
    samples: Samples,
    settled: bool,
    failing: bool,
) -> str:
    """Return the text of the column `remedy`."""
    if settled:
        simple = " or ".join(name for key, name in _SIMPLE.items() if key in tried)
        return f"none needed {simple}"
    if key is not None:
        chosen = tried[key]
        after = "; the finding remains" if finding.finding in chosen.findings else ""
        return f"{chosen.remedy.name}: {samples.score_name} {before.score:.2f} -> {chosen.outcome.score:.2f}{after}"
    number = sum(each in tried for each in REMEDIES[finding.finding])
    if not number:
        return ""
    return f"none of the {number} tried helps" if failing else "none needed: the network trains as well without"

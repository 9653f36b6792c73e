"""What findings of a network mean for its training, once their remedies were tried."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suite.diagnosis.findings import FINDINGS, Finding
from suite.diagnosis.remedies import LEARNING_RATE, STANDARDIZE, Remedy
from suite.diagnosis.samples import Samples
from suite.diagnosis.severity import CHANCES, SEVERITIES, Severity, severity_of
from suite.diagnosis.trial import Outcome, corrected_error

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

_IMBALANCED = 1.3
"""The largest class is much larger than others if its share exceeds that of equal classes by this factor."""

_LARGE = 0.05
"""A difference of scores from which the best of all networks that were trained is better in spite of its choice."""

_ENOUGH = 10
"""Number of networks of the study from which a share is quoted."""

_CLOSE = 0.01
"""Remedies within this of the best one, or within a standard error, are as good; the simplest of them is named."""

_SIMPLE = {STANDARDIZE: "once inputs or targets are standardized", LEARNING_RATE: "at another learning rate"}
"""Remedies that leave the network as it is, and how messages refer to them."""

_FOLLOWING = ("dead_units", "saturated", "collapse", "conditioning")
"""Findings, besides those of signals and gradients, that may follow from the initialization."""


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
        found: The findings, and whether each one disappears once inputs or targets are standardized.
        before: The network as it is; None if nothing was tried.
        tried: The networks with a remedy, by its key.
        samples: The data.
    """
    if before is None:
        rows = [_row(finding, severity_of(finding.finding, finding.strength), gone) for finding, gone in found]
        return Judgment(_sorted(rows), None, False)
    trained = _Trained(before, tried, samples)
    names = {finding.finding for finding, _ in found}
    rows = []
    for finding, gone in found:
        key, base = trained.choose_for(finding, gone)
        severity = trained.weigh(finding, base is None, key, base or before.outcome)
        remedy = trained.describe(finding, gone, base is None, key)
        rows.append(_row(finding, severity, gone, remedy, trained.find_cause(finding, names)))
    if trained.useless and "labels" not in names:
        constant = samples.constant_score
        text = f"No network does better than a constant output, which has {samples.score_name} {constant:.2f}."
        if not samples.regression and constant > _IMBALANCED / len(samples.class_shares):
            text += " One class has most of the points, so that accuracy may not show what networks learn."
        rows.append(Row("labels", "medium", "", constant, "", text, "check that labels belong to the inputs"))
    best = _choose(list(tried), trained.outcomes, before.outcome) if trained.failing else None
    return Judgment(_sorted(rows), best, trained.useless)


class _Trained:
    """All networks that were trained, and how the network as it is compares with them.

    Attributes:
        failing: Whether the network trains worse than with some remedy.
        useless: Whether no network does better than a constant.
        lost: What the best network gains over the network as it is, in validation scores.
        room: What it gains over a constant.
    """

    def __init__(self, before: Tried, tried: Mapping[str, Tried], samples: Samples) -> None:
        self.before, self.tried, self.samples = before, tried, samples
        self.outcomes = {key: each.outcome for key, each in tried.items()}
        self.best = max([before.outcome, *self.outcomes.values()], key=_validated)
        self.room = max(self.best.validated - samples.constant_score, 0.0)
        self.lost = self.best.validated - before.outcome.validated
        self.useless = _is_useless(self.best, samples.constant_score)
        self.failing = not self.useless and _is_clearly_better(self.best, before.outcome)

    def choose_for(self, finding: Finding, gone: bool) -> tuple[str | None, Outcome | None]:
        """Return the remedy of a finding, if one helps, and the trainings that it must do better than.

        These are the network as it is or, if that does better, with standardized data or another learning rate. They
        are None if the finding needs no remedy besides these.
        """
        before = self.before.outcome
        simple = [key for key in _SIMPLE if key in self.tried and key not in REMEDIES[finding.finding]]
        base = max([before, *(self.outcomes[key] for key in simple)], key=_validated)
        if self.useless or not _is_better(base, before):
            base = before
        if gone or (base is not before and not _is_better(self.best, base)):
            return None, None
        return _choose(REMEDIES[finding.finding], self.outcomes, base), base

    def weigh(self, finding: Finding, settled: bool, key: str | None, base: Outcome) -> Severity:
        """Return the severity of a finding.

        In a network that trains as well as with any remedy, findings are low or info. In one that does not, a finding
        whose remedy makes up for half of what is lost is high, or medium if less than a quarter of the score above a
        constant's is lost. Other findings are at most medium, and so are all if no network does better than a constant.

        Args:
            finding: The finding.
            settled: Whether it needs no remedy besides standardized data or another learning rate.
            key: Its remedy, if one helps.
            base: The trainings that the remedy is compared with.
        """
        severity = severity_of(finding.finding, finding.strength)
        gained = self.outcomes[key].validated - base.validated if key else 0.0
        if finding.finding == "labels":
            return severity
        if settled:
            return "info"
        if not self.failing and not self.useless:
            return "low" if severity == "high" else "info"
        if self.failing and gained >= 0.5 * self.lost:
            return "high" if self.lost >= 0.25 * self.room else "medium"
        if self.failing and gained > 0 and severity == "info":
            return "low"
        return "medium" if severity == "high" else severity

    def describe(self, finding: Finding, gone: bool, settled: bool, key: str | None) -> str:
        """Return the text of the column `remedy`."""
        if gone:
            return "none needed: it disappears once inputs or targets are standardized"
        if settled:
            return f"none needed {' or '.join(how for key, how in _SIMPLE.items() if key in self.tried)}"
        if key is not None and self.failing:
            chosen = self.tried[key]
            after = "; the finding remains" if finding.finding in chosen.findings else ""
            scores = f"{self.before.outcome.score:.2f} -> {chosen.outcome.score:.2f}"
            return f"{chosen.remedy.name}: {self.samples.score_name} {scores}{after}"
        return self._describe_none(sum(each in self.tried for each in REMEDIES[finding.finding]), finding)

    def _describe_none(self, number: int, finding: Finding) -> str:
        """Return why there is no remedy."""
        if not number:
            return ""
        if self.useless:
            return f"none of the {number} tried does better than a constant"
        if not self.failing and self.lost > _NOTABLE:
            return "undecided: the differences between these networks are within their errors"
        if not self.failing:
            return "none needed: the network trains as well without"
        if list(REMEDIES[finding.finding]) == [STANDARDIZE]:
            return "standardizing alone does not help; all other remedies include it"
        return f"none of the {number} tried helps"

    def find_cause(self, finding: Finding, names: Collection[str]) -> str:
        """Return a sentence if a finding follows from the initialization, as far as measuring again shows.

        It must be there with the data as that remedy has them, and disappear with the weights.
        """
        may_follow = finding.finding in _FOLLOWING or finding.finding.endswith(("_signal", "_gradient"))
        again = self.tried.get("variance_preserving")
        if again is None or not may_follow or "initialization" not in names:
            return ""
        present = self.tried.get(STANDARDIZE, self.before).findings
        if finding.finding in again.findings or finding.finding not in present:
            return ""
        return " It follows from the initialization: with weights by variance_preserving it disappears."


def _row(finding: Finding, severity: Severity, gone: bool, remedy: str = "", cause: str = "") -> Row:
    text = finding.evidence + (" This disappears once inputs or targets are standardized." if gone else cause)
    chance = CHANCES.get((finding.finding, finding.strength))
    if chance and chance.networks >= _ENOUGH:
        text += f" {chance.share:.0%} of {chance.networks} random networks with this finding failed to train."
    return Row(finding.finding, severity, finding.layer, finding.value, finding.expected, text, remedy)


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (SEVERITIES.index(row.severity), FINDINGS.index(row.finding)))


def _validated(outcome: Outcome) -> float:
    return outcome.validated


def _is_better(after: Outcome, before: Outcome, least: float = _NOTABLE) -> bool:
    """Return whether the validation score is better by more than a difference, and by more than its standard error."""
    gain = after.validated - before.validated
    if np.isnan(gain) or gain <= least:
        return False
    return not np.isfinite(gain) or gain > _standard_error(after.validation - before.validation)


def _is_clearly_better(best: Outcome, before: Outcome) -> bool:
    """Return whether the best of many is better than the network as it is.

    A small difference must exceed its standard error over replicates whose training sets overlap.
    """
    gain = best.validated - before.validated
    small = gain < _LARGE and gain <= corrected_error(best.validation - before.validation)
    return _is_better(best, before) and not small


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
    top = max((outcomes[key] for key in known), key=_validated)
    key = next(key for key in known if not _is_better(top, outcomes[key], _CLOSE))
    return key if _is_better(outcomes[key], base) else None

"""Diagnose a network on data: findings, and what trying their remedies gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from suite.diagnosis.evidence import gather_evidence
from suite.diagnosis.findings import FINDINGS, Finding, find_all
from suite.diagnosis.remedies import STANDARDIZE, Remedy, possible_remedies
from suite.diagnosis.samples import Samples, make_samples
from suite.diagnosis.severity import CHANCES, SEVERITIES, Severity, severity_of
from suite.diagnosis.trial import REPLICATES, STEPS, Outcome, Trial, difference
from suite.formatting import format_count
from suite.nets.module_checks import compare_traced
from suite.nets.threads import one_thread
from suite.nets.torch_settings import standard_settings
from suite.nets.traced import Elementwise, TracedNetwork
from suite.nets.tracing import network_of_arrays, trace_module
from suite.report.diagnosis import format_diagnosis, render_diagnosis
from suite.results.files import write_text

Announce = Callable[[str], None]

_NETWORK = ("variance_preserving", "critical", "normalization", "residual", "activation", "shallower")

REMEDIES: dict[str, Sequence[str]] = {
    "labels": (),
    "input_scale": (STANDARDIZE,),
    "initialization": ("variance_preserving", "critical", "normalization", "residual", "activation"),
    "dead_units": ("variance_preserving", "critical", "activation", "normalization"),
    "width": ("shallower",),
    "depth": ("normalization", "residual", "shallower"),
    "output_scale": (STANDARDIZE, "variance_preserving", "critical"),
    "saturated": ("variance_preserving", "critical", "activation", "normalization"),
    "collapse": _NETWORK,
    "vanishing_signal": _NETWORK,
    "exploding_signal": _NETWORK,
    "vanishing_gradient": _NETWORK,
    "exploding_gradient": _NETWORK,
    "conditioning": _NETWORK,
}
"""The remedies that are tried for each finding, the simplest first."""

_NOTABLE = 0.02
"""A difference of scores from which it counts."""

_ENOUGH = 10
"""Number of networks of the study from which a share is quoted."""

_COMPARED = 64
"""Points at which the traced network is compared with the module."""

_CLOSE = 0.01
"""Remedies within this of the best one, or within a standard error, are as good; the simplest of them is named."""


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is wrong with a network on data.

    Attributes:
        findings: One row per finding, the worst first: `finding`, `severity` (high, medium, low, info), `layer`,
            `value`, `expected`, `evidence`, `remedy`.
        tried: One row for the network as it is, and one for each remedy that was tried: `remedy`, `learning_rate`,
            `validation` and `test` (mean scores), `gain` (in test score) with `ci_low` and `ci_high`, `code`.
        summary: What the network is, and how it trains.
        score: The name of the score: accuracy or R^2.
        best: The remedy that is recommended; empty if none is needed or helps.
    """

    findings: pd.DataFrame
    tried: pd.DataFrame
    summary: list[str]
    score: str
    best: str

    def __str__(self) -> str:
        return "\n".join(format_diagnosis(self.findings, self.tried, self.summary, self.score, self.best))

    __repr__ = __str__

    def report(self, path: str | Path) -> Path:
        """Write a page with the findings, and with scores before and after each remedy."""
        title = "What is wrong with this network"
        page = render_diagnosis(title, self.findings, self.tried, self.summary, self.score, self.best)
        write_text(Path(path), page)
        return Path(path)


def diagnose_network(
    net: nn.Module | Sequence[tuple[Any, Any, Any]],
    x: Any,
    y: Any,
    loss: str | None = None,
    learning_rate: float | None = None,
    steps: int = STEPS,
    replicates: int = REPLICATES,
    seed: int = 0,
    try_remedies: bool = True,
    announce: Announce | None = None,
) -> Diagnosis:
    """Diagnose a network; arguments, result and errors are those of `suite.diagnose`."""
    say = announce or (lambda line: None)
    _check_arguments(learning_rate, steps, replicates)
    with standard_settings(), one_thread(), torch.no_grad():
        network = trace_module(net, "batch") if isinstance(net, nn.Module) else network_of_arrays(net)
        samples = make_samples(x, y, network.outputs, loss)
        if len(samples.inputs) != network.inputs:
            raise ValueError(
                f"X has {len(samples.inputs)} features, and the network has {network.inputs} inputs; remove columns, "
                "or change the first layer"
            )
        if isinstance(net, nn.Module):
            compare_traced(net, network, samples.some(_COMPARED).inputs, "batch")
            _check_frozen(net)
        network = _with_head(network, samples)
        say("measuring the network")
        found, standardize = _find(network, samples)
        tried: dict[str, tuple[Remedy, Outcome]] = {}
        before: Outcome | None = None
        if try_remedies:
            trial = Trial(samples, seed, steps, replicates)
            say("training the network as it is")
            own = trial if learning_rate is None else Trial(samples, seed, steps, replicates, (learning_rate,))
            before = own.run(network)
            for key, remedy in possible_remedies(network, standardize).items():
                say(f"trying: {remedy.name}")
                tried[key] = (remedy, trial.run(remedy.network, remedy.draw, remedy.standardize))
            if learning_rate is not None:
                say("trying other learning rates")
                tried["learning_rate"] = (Remedy("another learning rate", "", network), trial.run(network))
    return _judge(network, samples, found, before, tried)


def _check_arguments(learning_rate: float | None, steps: int, replicates: int) -> None:
    """Raise ValueError if a number is out of its range."""
    if learning_rate is not None and not 0 < learning_rate < float("inf"):
        raise ValueError(f"learning_rate: expected a number > 0, got {learning_rate}")
    for name, value, least in (("steps", steps, 1), ("replicates", replicates, 2)):
        if value < least:
            raise ValueError(f"{name}: expected an integer >= {least}, got {value}")


def _check_frozen(net: nn.Module) -> None:
    """Raise ValueError if a parameter is frozen, since trainings would change it."""
    frozen = next((name for name, values in net.named_parameters() if not values.requires_grad), None)
    if frozen is not None:
        raise ValueError(
            f"parameter {frozen} is frozen (requires_grad is False), and diagnosing trains all parameters; pass a copy "
            "on which requires_grad_(True) was called"
        )


def _with_head(network: TracedNetwork, samples: Samples) -> TracedNetwork:
    """Return the network with its final function, unless that belongs to the loss, as Softmax and Sigmoid do."""
    in_loss = not samples.regression and network.head in ("Sigmoid", "sigmoid") and network.outputs == 1
    if network.head_function is None or in_loss:
        return network
    last = Elementwise(network.head, (len(network.steps),), network.head_function, network.head, straight=True)
    return replace(network, steps=(*network.steps, last), head="", head_function=None)


def _find(network: TracedNetwork, samples: Samples) -> tuple[list[tuple[Finding, bool]], frozenset[str]]:
    """Return the findings, whether each one is gone with standardized inputs, and what should be standardized."""
    found = find_all(gather_evidence(network, samples), network)
    names = {each.finding for each in found}
    standardize = set[str]()
    if samples.regression and "output_scale" in names:
        standardize.add("targets")
    if "input_scale" not in names:
        return [(each, False) for each in found], frozenset(standardize)
    after = {each.finding for each in find_all(gather_evidence(network, samples.standardized()), network)}
    marked = [(each, each.finding != "input_scale" and each.finding not in after) for each in found]
    return marked, frozenset({*standardize, "inputs"})


def _judge(
    network: TracedNetwork,
    samples: Samples,
    found: Sequence[tuple[Finding, bool]],
    before: Outcome | None,
    tried: Mapping[str, tuple[Remedy, Outcome]],
) -> Diagnosis:
    """Return the diagnosis, with severities that take into account what was tried."""
    outcomes = {key: outcome for key, (_, outcome) in tried.items()}
    constant = samples.constant_score
    best = max([before, *outcomes.values()], key=lambda each: each.validated) if before else None
    room = max(best.validated - constant, 0.0) if best else 0.0
    lost = best.validated - before.validated if best and before else 0.0
    failing = before is not None and best is not None and _is_better(best, before)
    useless = best is not None and _is_useless(best, constant)
    rows = []
    for finding, gone in found:
        severity = severity_of(finding.finding, finding.strength)
        text = finding.evidence + (" It is gone with standardized inputs." if gone else "")
        remedy = ""
        if before is not None:
            base = (
                outcomes[STANDARDIZE]
                if STANDARDIZE in outcomes and STANDARDIZE not in REMEDIES[finding.finding]
                else before
            )
            settled = base is not before and not _is_better(best, base)  # type: ignore[arg-type]
            key = None if gone or settled else _choose(REMEDIES[finding.finding], outcomes, base)
            gained = outcomes[key].validated - base.validated if key else 0.0
            severity = _weigh(severity, finding, failing, gained, lost, room, gone or settled)
            remedy = _describe(finding, key, tried, before, samples, gone or settled, failing)
        chance = CHANCES.get((finding.finding, finding.strength))
        if chance and chance.networks >= _ENOUGH:
            text += f" Of {chance.networks} random networks with this finding, {chance.share:.0%} failed to train."
        rows.append((finding.finding, severity, finding.layer, finding.value, finding.expected, text, remedy))
    if useless and not any(each.finding == "labels" for each, _ in found):
        text = f"No network that was tried is better than a constant output, of {samples.score_name} {constant:.2f}."
        rows.append(("labels", "medium", "", constant, "", text, "check that labels belong to the inputs"))
    rows.sort(key=lambda row: (SEVERITIES.index(row[1]), FINDINGS.index(row[0])))
    columns = ["finding", "severity", "layer", "value", "expected", "evidence", "remedy"]
    name = _choose(list(outcomes), outcomes, before) if failing and before else None
    return Diagnosis(
        pd.DataFrame(rows, columns=columns),
        _tabulate(before, tried),
        _summarize(network, samples, before, failing, useless),
        samples.score_name,
        tried[name][0].name if name else "",
    )


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
    severity: Severity, finding: Finding, failing: bool, gained: float, lost: float, room: float, gone: bool
) -> Severity:
    """Return the severity after remedies were tried.

    In a network that trains as well as with any remedy, findings are low or info. In one that does not, a finding
    whose remedy makes up for half of what is lost is high, or medium if less than a quarter of the score above a
    constant's is lost. Other findings are at most medium.
    """
    if finding.finding == "labels":
        return severity
    if gone:
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
    tried: Mapping[str, tuple[Remedy, Outcome]],
    before: Outcome,
    samples: Samples,
    gone: bool,
    failing: bool,
) -> str:
    """Return the text of the column `remedy`."""
    if gone:
        return "none needed once inputs or targets are standardized"
    if key is not None:
        remedy, outcome = tried[key]
        return f"{remedy.name}: {samples.score_name} {before.score:.2f} -> {outcome.score:.2f}"
    number = sum(each in tried for each in REMEDIES[finding.finding])
    if not number:
        return ""
    return f"none of the {number} tried helps" if failing else "none needed: the network trains as well without"


def _tabulate(before: Outcome | None, tried: Mapping[str, tuple[Remedy, Outcome]]) -> pd.DataFrame:
    columns = ["remedy", "learning_rate", "validation", "test", "gain", "ci_low", "ci_high", "code"]
    if before is None:
        return pd.DataFrame(columns=columns)
    rows: list[tuple[Any, ...]] = [("as it is", before.rate, before.validated, before.score, None, None, None, "")]
    for remedy, outcome in tried.values():
        gain = difference(outcome.test, before.test)
        rows.append((remedy.name, outcome.rate, outcome.validated, outcome.score, *gain, remedy.code))
    return pd.DataFrame(rows, columns=columns)


def _summarize(
    network: TracedNetwork, samples: Samples, before: Outcome | None, failing: bool, useless: bool
) -> list[str]:
    widths = [network.inputs, *(network.widths[step.sources[0]] for step in network.hidden), network.outputs]
    shown = "-".join(map(str, widths)) if len(widths) <= 8 else f"{widths[0]}-{widths[1]}-...-{widths[-2]}-{widths[-1]}"
    labels = ", ".join(dict.fromkeys(step.label for step in network.hidden)) or "no activation"
    what = "regression" if samples.regression else "classification"
    lines = [
        f"{format_count(len(network.hidden), 'hidden layer')}, {shown}, {labels}, "
        f"{network.parameter_count:,} parameters",
        f"{what} of {samples.number:,} points; a constant output has {samples.score_name} {samples.constant_score:.2f}",
    ]
    if network.head:
        lines.append(f"the final {network.head} is left out; the loss includes it")
    if before is not None:
        how = (
            "no network that was tried does better than a constant"
            if useless
            else "a remedy does better"
            if failing
            else "no remedy does notably better"
        )
        lines.append(
            f"trained briefly: {samples.score_name} {before.score:.2f} at learning rate {before.rate:g}; {how}"
        )
    return lines

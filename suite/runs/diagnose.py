"""Diagnose a network on data: findings, and what trying their remedies gives."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import zip_longest
from math import nan
from typing import Any

import pandas as pd
import torch
from torch import nn

from suite.diagnosis.evidence import Evidence, gather_evidence
from suite.diagnosis.findings import Finding, find_all
from suite.diagnosis.judgment import Judgment, Row, Tried, judge_findings
from suite.diagnosis.remedies import AS_IT_IS, LEARNING_RATE, Remedy, learning_rate_remedy, possible_remedies
from suite.diagnosis.samples import Samples, make_samples
from suite.diagnosis.trial import REPLICATES, STEPS, Trial, difference
from suite.formatting import format_count
from suite.nets.module_checks import compare_traced, dropout_off
from suite.nets.threads import one_thread
from suite.nets.torch_settings import standard_settings
from suite.nets.traced import Elementwise, TracedNetwork
from suite.nets.tracing import network_of_arrays, trace_module
from suite.report.diagnosis import LAYER_COLUMNS, Diagnosis

Announce = Callable[[str], None]

_SHOWN = 8
"""The number of columns that a line names."""

_COMPARED = 64
"""Points at which the traced network is compared with the module."""


def diagnose_network(
    net: Any,
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
    threads = torch.get_num_threads()
    with standard_settings(), one_thread(), torch.no_grad(), dropout_off(net) as dropout:
        network = network_of_arrays(net) if isinstance(net, list | tuple) else trace_module(net, "batch")
        samples = make_samples(x, y, network.outputs, loss)
        if len(samples.inputs) != network.inputs:
            raise ValueError(
                f"X has {len(samples.inputs)} features, and the network has {network.inputs} inputs; remove columns, "
                "or change the first layer"
            )
        if isinstance(net, nn.Module):
            compare_traced(net, network, samples.subsample(_COMPARED).inputs, "batch")
            if try_remedies:
                _check_frozen(net)
        network = _with_head(network, samples)
        say("measuring the network")
        evidence = gather_evidence(network, samples)
        found, standardize = find_with_data(network, samples, evidence)
        before: Tried | None = None
        tried: dict[str, Tried] = {}
        if try_remedies and not samples.is_constant:
            trial = Trial(samples, seed, steps, replicates)
            own = trial if learning_rate is None else Trial(samples, seed, steps, replicates, (learning_rate,))
            as_it_is = Remedy("as it is", "", network)
            trainings = {AS_IT_IS: (own, as_it_is)}
            if learning_rate is not None:
                trainings[LEARNING_RATE] = (trial, as_it_is)
            for key, remedy in possible_remedies(network, standardize).items():
                trainings[key] = (trial, remedy)
            names = tuple(finding.finding for finding, _ in found)
            tried = _train_all(trainings, samples, names, threads, say)
            before = tried.pop(AS_IT_IS)
    judged = judge_findings(found, before, tried, samples)
    return Diagnosis(
        findings=pd.DataFrame(judged.rows, columns=list(Row._fields)),
        tried=_tabulate(before, tried),
        layers=_tabulate_layers(evidence),
        summary=_summarize(network, samples, before, judged, dropout),
        score=samples.score_name,
        best=tried[judged.best].remedy.name if judged.best else "",
    )


def _check_arguments(learning_rate: float | None, steps: int, replicates: int) -> None:
    """Raise ValueError if a number is out of its range."""
    if learning_rate is not None and not (isinstance(learning_rate, int | float) and 0 < learning_rate < float("inf")):
        raise ValueError(f"learning_rate: expected a number > 0, got {learning_rate!r}")
    for name, value, least in (("steps", steps, 1), ("replicates", replicates, 2)):
        if not isinstance(value, int) or value < least:
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
    if network.head and network.head_function is None and samples.regression:
        raise ValueError(
            f"the final {network.head} does not suit a regression; remove it, or use loss='cross_entropy' with classes"
        )
    in_loss = not samples.regression and network.head in ("Sigmoid", "sigmoid") and network.outputs == 1
    if network.head_function is None or in_loss:
        return network
    last = Elementwise(network.head, (len(network.steps),), network.head_function, network.head, output=True)
    return replace(network, steps=(*network.steps, last), head="", head_function=None)


def find_with_data(
    network: TracedNetwork, samples: Samples, evidence: Evidence
) -> tuple[list[tuple[Finding, bool]], frozenset[str]]:
    """Return the findings, whether each one disappears with standardized data, and what should be standardized."""
    found = find_all(evidence, network)
    names = {each.finding for each in found}
    standardize = set[str]()
    if samples.regression and "output_scale" in names:
        standardize.add("targets")
    if "input_scale" in names:
        standardize.add("inputs")
    if not standardize:
        return [(each, False) for each in found], frozenset()
    reasons = {"input_scale", *(["output_scale"] if "targets" in standardize else [])}
    again = gather_evidence(network, samples.standardized(standardize), with_theory=False)
    after = {each.finding for each in find_all(again, network)} | reasons
    return [(each, each.finding not in after) for each in found], frozenset(standardize)


def _train_all(
    trainings: Mapping[str, tuple[Trial, Remedy]],
    samples: Samples,
    found: tuple[str, ...],
    threads: int,
    say: Announce,
) -> dict[str, Tried]:
    """Train networks in several threads, and measure again those that a remedy changed.

    Args:
        trainings: How to train the network as it is, and with each remedy, by key.
        samples: The data.
        found: The names of the findings of the network as it is.
        threads: The number of networks that are trained at once. Results do not depend on it.
        say: Called with a line before the first and after each training.
    """

    def train(key: str) -> Tried:
        trial, remedy = trainings[key]
        with one_thread(), standard_settings(), torch.no_grad():  # each thread has settings of its own
            outcome = trial.run(remedy.network, remedy.draw, remedy.standardize)
            if key == LEARNING_RATE:
                return Tried(learning_rate_remedy(remedy.network, outcome.rate), outcome, found)
            return Tried(remedy, outcome, found if key == AS_IT_IS else _measure_again(remedy, samples, trial.seed))

    say(f"training {len(trainings)} networks")
    with ThreadPoolExecutor(threads) as pool:
        running = {key: pool.submit(train, key) for key in trainings}
        try:
            for number, done in enumerate(as_completed(running.values()), start=1):
                done.result()
                say(f"{number} of {len(trainings)} networks trained")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {key: done.result() for key, done in running.items()}


def _measure_again(remedy: Remedy, samples: Samples, seed: int) -> tuple[str, ...]:
    """Return the names of the findings of a network with a remedy."""
    network = remedy.network
    if remedy.draw:
        network = replace(network, parameters=tuple(remedy.draw(network, torch.Generator().manual_seed(seed))))
    evidence = gather_evidence(network, samples.standardized(remedy.standardize), with_theory=False)
    return tuple(finding.finding for finding in find_all(evidence, network))


def _tabulate(before: Tried | None, tried: Mapping[str, Tried]) -> pd.DataFrame:
    """Return one row for the network as it is, and one for each remedy."""
    columns = ["remedy", "learning_rate", "validation", "test", "gain", "ci_low", "ci_high", "findings", "code"]
    if before is None:
        return pd.DataFrame(columns=columns)
    rows: list[tuple[Any, ...]] = []
    for key, each in {AS_IT_IS: before, **tried}.items():
        outcome = each.outcome
        gain = (None,) * 3 if each is before else difference(outcome.test, before.outcome.test)
        names = ", ".join(each.findings)
        code = each.remedy.code
        if code and key != LEARNING_RATE:
            code += f"\n# trained by Adam at a learning rate of {outcome.rate:g}"
        rows.append((each.remedy.name, outcome.rate, outcome.validated, outcome.score, *gain, names, code))
    return pd.DataFrame(rows, columns=columns)


def _tabulate_layers(evidence: Evidence) -> pd.DataFrame:
    """Return one row for each hidden layer, with theory beside what was measured."""
    last = evidence.layers[-1].gradient if evidence.layers else nan
    rows = []
    for layer, theory in zip_longest(evidence.layers, evidence.theory):
        rows.append(
            {
                "layer": layer.name,
                "activation": layer.label,
                "units": layer.units,
                "size": layer.size,
                "size_theory": theory.size if theory else None,
                "variation": layer.variation,
                "variation_theory": theory.variation if theory else None,
                "cosine": layer.cosine,
                "cosine_theory": theory.cosine if theory else None,
                "gradient": layer.gradient,
                "gradient_theory": theory.gradient * last if theory else None,
                "rank": layer.rank,
                "dead": layer.dead,
                "saturated": layer.saturated,
            }
        )
    return pd.DataFrame(rows, columns=list(LAYER_COLUMNS))


def _summarize(
    network: TracedNetwork, samples: Samples, before: Tried | None, judged: Judgment, dropout: bool
) -> list[str]:
    """Return lines about the network, the data and the trainings."""
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
    classes = int((samples.labels.amax(1) > 0).sum())
    if not samples.regression and classes < network.outputs:
        lines.append(f"the network has {network.outputs} outputs, and there are {classes} classes")
    constant = [name for name, row in zip(samples.columns, samples.inputs, strict=True) if bool((row == row[0]).all())]
    if constant:
        more = ", ..." if len(constant) > _SHOWN else ""
        lines.append(f"columns with the same value in all rows: {', '.join(constant[:_SHOWN])}{more}")
    if dropout:
        lines.append("Dropout is off in all trainings; if yours fails, try it without Dropout, too")
    if network.derived:
        lines.append(f"{network.derived[0]} is computed from other parameters, so other initializations are not tried")
    if before is not None:
        how = (
            "no network that was tried does better than a constant"
            if judged.useless
            else "a remedy does better"
            if judged.best
            else "no remedy does notably better"
        )
        own = f"{samples.score_name} {before.outcome.score:.2f} at learning rate {before.outcome.rate:g}"
        lines.append(f"trained briefly: {own}; {how}")
    return lines

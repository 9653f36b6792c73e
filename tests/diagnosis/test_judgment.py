"""What is said of findings, by the scores of trainings."""

import numpy as np
import pytest
from torch import nn

from suite.diagnosis.findings import Finding
from suite.diagnosis.judgment import Judgment, Tried, judge_findings
from suite.diagnosis.remedies import Remedy
from suite.diagnosis.samples import make_samples
from suite.diagnosis.trial import Outcome
from suite.nets.tracing import trace_module
from tests.diagnosis.networks import mlp, seeded

FOUND = Finding("initialization", "strong", "0", 0.3, "2", "Weights are too small.")


def _judge(ones: int = 50, **scores: tuple[float, float]) -> Judgment:
    """Judge a finding by validation and test scores, with differences of 0.02 between replicates.

    Args:
        ones: The number of points of the second class, of 100.
        scores: The scores of the network as it is, "before", and with remedies.
    """
    network = trace_module(mlp(2, 4, outputs=1))
    x = np.random.default_rng(0).normal(size=(100, network.inputs))
    samples = make_samples(x, np.arange(100) < ones, 1)
    spread = 0.02 * np.arange(-2, 3)
    tried = {}
    for sign, (key, (validation, test)) in zip((1, -1, 1, -1), scores.items(), strict=False):
        outcome = Outcome(validation + spread * sign, test + spread, 0.01)
        tried[key] = Tried(Remedy(key, "", network), outcome, ("initialization",))
    return judge_findings([(FOUND, False)], tried.pop("before"), tried, samples)


def test_a_remedy_that_helps_is_named() -> None:
    judged = _judge(before=(0.5, 0.5), variance_preserving=(0.9, 0.9))
    assert judged.rows[0].severity == "high"
    assert judged.rows[0].remedy == "variance_preserving: accuracy 0.50 -> 0.90; the finding remains"
    assert judged.best == "variance_preserving"


@pytest.mark.parametrize(
    ("before", "after", "remedy"),
    [
        (0.80, 0.81, "none needed: the network trains as well without"),
        (0.80, 0.83, "undecided: the differences between these networks are within their errors"),
    ],
)
def test_a_network_that_trains_needs_no_remedy(before: float, after: float, remedy: str) -> None:
    """Or it is undecided whether it does."""
    judged = _judge(before=(before, before), variance_preserving=(after, after))
    assert (judged.rows[0].severity, judged.rows[0].remedy, judged.best) == ("low", remedy, None)


def test_standardizing_settles_a_finding_only_if_it_helps() -> None:
    helps = _judge(before=(0.5, 0.5), standardize=(0.9, 0.9), variance_preserving=(0.9, 0.9))
    assert helps.rows[0].remedy == "none needed once inputs or targets are standardized"
    by_chance = _judge(before=(0.5, 0.5), standardize=(0.505, 0.5), variance_preserving=(0.9, 0.9))
    assert by_chance.rows[0].remedy.startswith("variance_preserving: accuracy 0.50 -> 0.90")


@pytest.mark.parametrize(("ones", "constant"), [(50, 0.5), (80, 0.8)])
def test_a_constant_may_be_as_good_as_all_networks(ones: int, constant: float) -> None:
    """No finding is then said to need no remedy, and accuracy is doubted if classes are not equally large."""
    own = {"before": (constant - 0.1, constant - 0.1), "standardize": (constant, constant)}
    judged = _judge(ones, **own, variance_preserving=(constant, constant))
    texts = {row.finding: row for row in judged.rows}
    assert judged.useless
    assert texts["initialization"].remedy == "none of the 1 tried does better than a constant"
    assert ("accuracy may not show" in texts["labels"].evidence) == (ones == 80)


def test_layers_have_the_names_of_modules_of_ones_own() -> None:
    class Bump(nn.Module):
        def forward(self, z):  # type: ignore[no-untyped-def]
            return z * (-(z**2)).exp()

    with seeded():
        network = trace_module(nn.Sequential(nn.Linear(2, 4), nn.Sequential(Bump(), nn.Linear(4, 1))))
    assert [(step.name, step.label) for step in network.hidden] == [("1.0", "Bump")]

"""Planted faults give the findings that name them, and severities follow from the study."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from suite.diagnosis.evidence import gather_evidence
from suite.diagnosis.findings import FINDINGS, Finding, correlation_depth, find_all
from suite.diagnosis.initialize import initialize_
from suite.diagnosis.samples import make_samples
from suite.diagnosis.severity import CHANCES, NO_FINDING, severity_of
from suite.nets.tracing import trace_module
from tests.diagnosis.networks import classes, mlp


def findings(net: nn.Module, x: object = None, y: object = None) -> dict[str, Finding]:
    """Return the findings of a network on three classes, by name."""
    points, labels = classes()
    samples = make_samples(points if x is None else x, labels if y is None else y, trace_module(net).outputs)
    network = trace_module(net)
    return {each.finding: each for each in find_all(gather_evidence(network, samples), network)}


def _fill(place: int, name: str, value: float) -> Callable[[nn.Sequential], None]:
    return lambda net: getattr(net[place], name).fill_(value)


def test_a_network_that_is_well_initialized_has_no_finding() -> None:
    assert findings(initialize_(mlp(2, 64), seed=0)) == {}


@pytest.mark.parametrize(
    ("finding", "net", "change", "layer"),
    [
        ("dead_units", mlp(2, 16), _fill(2, "bias", -100.0), "3"),
        ("initialization", mlp(2, 16), _fill(0, "bias", 5.0), "0"),
        ("output_scale", mlp(2, 16), _fill(4, "weight", 0.0), "4"),
        ("saturated", mlp(2, 16, activation=nn.Tanh), lambda net: net[0].weight.mul_(100), "1"),
        ("exploding_signal", mlp(8, 32), lambda net: [part.weight.mul_(20) for part in net[::2]], "15"),
        ("vanishing_signal", mlp(12, 32), lambda net: None, "23"),
        ("vanishing_gradient", mlp(12, 32), lambda net: None, "1"),
        ("collapse", mlp(12, 32), lambda net: None, "7"),
        ("initialization", mlp(12, 32), lambda net: None, "10"),
        ("depth", mlp(12, 32), lambda net: None, ""),
        ("width", mlp(10, 2), lambda net: None, "1"),
    ],
)
def test_faults_are_found_where_they_are(
    finding: str, net: nn.Sequential, change: Callable[[nn.Sequential], object], layer: str
) -> None:
    with torch.no_grad():
        change(net)
    found = findings(net)
    assert finding in found, list(found)
    assert found[finding].strength == "strong"
    assert found[finding].layer == layer or finding in ("initialization", "collapse")
    assert found[finding].evidence.endswith((".", ")"))


def test_inputs_targets_and_labels_are_looked_at() -> None:
    x, y = classes()
    assert findings(mlp(1, 16), 255 * x)["input_scale"].strength == "strong"
    assert "1 times" not in findings(mlp(1, 16), x + 1000)["input_scale"].evidence
    assert findings(mlp(1, 16, outputs=1), x, 1000 * x[:, 0])["output_scale"].strength == "strong"
    rare = np.where(np.arange(len(y)) < 2, 1, 0)
    assert findings(mlp(1, 16), x, rare)["labels"].value == pytest.approx(1 - 2 / len(y))
    assert findings(mlp(1, 16, outputs=1), x, np.full(len(y), 2.5))["labels"].strength == "strong"


def test_errors_of_both_signs_do_not_cancel() -> None:
    """And the layer that is named has the error that is named."""
    net = initialize_(mlp(8, 32), seed=0)
    with torch.no_grad():
        for place in range(0, 14, 2):
            net[place].weight *= 10.0 if place % 4 else 0.1
        net[14].weight *= 2.0
    found = findings(net)["initialization"]
    assert found.strength == "strong"
    assert "too small" in found.evidence
    assert found.value < 2


def test_targets_are_looked_at_one_by_one() -> None:
    x, _ = classes()
    found = findings(mlp(1, 16, outputs=2), x, np.stack([x[:, 0], 0.001 * x[:, 1]], axis=1))["output_scale"]
    assert found.strength == "strong"
    assert found.value == pytest.approx(0.001, rel=0.2)


def test_schemes_of_the_suite_are_no_fault() -> None:
    """critical has a large variance for sigmoids."""
    for scheme in ("critical", "variance_preserving"):
        assert "initialization" not in findings(initialize_(mlp(6, 24, activation=nn.Sigmoid), scheme, seed=0))


def test_normalized_layers_may_have_any_weights() -> None:
    layers = [nn.LayerNorm(16) if place % 3 == 1 else part for place, part in enumerate(mlp(2, 16))]
    net = nn.Sequential(layers[0], nn.LayerNorm(16), nn.ReLU(), layers[2], nn.LayerNorm(16), nn.ReLU(), mlp(1, 16)[2])
    with torch.no_grad():
        net[0].weight.mul_(100)
    assert "initialization" not in findings(net)


def test_the_depth_scale_is_that_of_theory() -> None:
    """tanh with sigma_w^2 = 1.5 and sigma_b^2 = 0.05, from Schoenholz et al.'s equations by another method."""
    from scipy.integrate import quad
    from scipy.optimize import brentq
    from scipy.stats import norm

    net = mlp(3, 1000, activation=nn.Tanh)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for place in (0, 2, 4):
            net[place].weight.copy_(torch.randn(net[place].weight.shape, generator=generator) * (1.5 / 1000) ** 0.5)
            net[place].bias.copy_(torch.randn(1000, generator=generator) * 0.05**0.5)
    x, y = classes()
    network = trace_module(net)
    found = correlation_depth(gather_evidence(network, make_samples(x, y, 3)), network)

    def mean(function: Callable[[float], float], q: float) -> float:
        return quad(lambda z: function(q**0.5 * z) * norm.pdf(z), -8, 8)[0]

    q = brentq(lambda q: 1.5 * mean(lambda z: np.tanh(z) ** 2, q) + 0.05 - q, 0.01, 10)
    chi = 1.5 * mean(lambda z: (1 - np.tanh(z) ** 2) ** 2, q)
    assert chi < 1
    assert found == pytest.approx(-1 / np.log(chi), rel=0.05)


def test_severities_follow_from_how_often_networks_failed() -> None:
    for (finding, strength), chance in CHANCES.items():
        assert finding in FINDINGS
        assert 0 <= chance.failed <= chance.networks
        severity, (low, _) = severity_of(finding, strength), chance.interval
        assert (severity == "high") == (low >= 0.5)
        assert (severity == "info") == (low <= NO_FINDING.share)
    assert severity_of("vanishing_gradient", "strong") == "high"
    assert severity_of("saturated", "mild") == "info"

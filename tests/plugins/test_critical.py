"""Activations that are flat around 0, at the edge of chaos: a fixed point that is stable only from below, or none."""

from math import exp, pi, sqrt
from pathlib import Path

import pytest
from scipy.optimize import brentq
from scipy.special import ndtr
from typer.testing import CliRunner

from suite.catalog.activations import ACTIVATIONS
from suite.cli import app
from suite.spec.load import load_studies
from suite.spec.problems import SpecError
from suite.theory.mean_field import NoCriticalPointError, edge_of_chaos, growth_above
from tests.plugins.conftest import SNAKE

runner = CliRunner()
TROUGH = '''
import torch
from suite.plugins import activation

@activation(kinks=lambda margin: (-margin, margin))
def trough(z, margin: float = 0.5):
    """max(|z| - m, 0)."""
    return torch.relu(z.abs() - margin)
'''


def slope(q: float, margin: float) -> float:
    """E[phi'^2]: how often |z| exceeds the margin."""
    return 2 * float(ndtr(-margin / sqrt(q)))


def second(q: float, margin: float) -> float:
    """E[phi^2], by parts."""
    density = exp(-(margin**2) / (2 * q)) / sqrt(2 * pi * q)
    return (q + margin**2) * slope(q, margin) - 2 * margin * q * density


def written(folder: Path, activation: str, initialization: str, more: str = "") -> Path:
    """A spec of one member."""
    file = folder / "trough.toml"
    family = f"[family]\nwidth = 16\ninputs = 2\ndepth = 3\nactivation = {activation}\n"
    measure = "[measure.v3]\ndraws = 16\n"
    file.write_text(f"title = 'T'\nseed = 1\n{family}initialization = {initialization}\n{more}\n{measure}")
    return file


@pytest.mark.parametrize(("margin", "bias_std"), [(0.5, 0.1), (0.5, 0.3), (0.1, 0.1), (0.9, 0.3)])
def test_growth_above_the_fixed_point_is_that_of_the_closed_form(loaded, margin: float, bias_std: float):
    """The critical point, too: its slope is 1, and what starts at twice the variance grows."""
    loaded(TROUGH)
    activation = ACTIVATIONS["trough"](margin=margin)
    excess = lambda q: second(q, margin) / slope(q, margin) + bias_std**2 - q  # noqa: E731
    q = brentq(excess, bias_std**2, 20 * bias_std**2, xtol=1e-16, rtol=1e-14)
    weight_variance = 1 / slope(q, margin)
    grown = (weight_variance * second(2 * q, margin) + bias_std**2) / (2 * q)

    point = edge_of_chaos(activation, bias_std**2)

    assert point.weight_variance == pytest.approx(weight_variance, rel=1e-6)
    assert point.stability == pytest.approx(1, abs=1e-6)
    assert growth_above(activation, bias_std**2) == pytest.approx(grown, rel=1e-6)
    assert grown > 1.05


def test_a_fixed_point_that_holds_from_below_only_is_a_warning(loaded, tmp_path):
    """The warning gives the variance of the weights, and the factor by which larger variances grow."""
    loaded(TROUGH)
    spec = written(tmp_path, "'trough'", "{ scheme = 'critical', bias_std = 0.1 }")

    (study,) = load_studies([spec])

    (warning,) = study.warnings
    assert (warning.line, warning.key) == (7, "family.activation")
    assert warning.message == (
        "critical(bias_std=0.1) with trough: weight variance 685,913, and the critical point q* = 0.0108 is unstable "
        'from above: twice the variance grows by 57 per layer; set bias_std or use "variance_preserving"'
    )


@pytest.mark.parametrize("bias_std", [3.0, 10.0])
def test_larger_biases_need_no_warning(loaded, tmp_path, bias_std: float):
    """Variances grow by less than a hundredth a layer."""
    loaded(TROUGH)

    (study,) = load_studies([written(tmp_path, "'trough'", f"{{ scheme = 'critical', bias_std = {bias_std} }}")])

    assert study.warnings == ()


@pytest.mark.parametrize("option", ["normalization = 'layer'", "residual = true"])
def test_networks_that_do_not_iterate_the_map_need_no_warning(loaded, tmp_path, option: str):
    """With normalization or residual connections."""
    loaded(TROUGH)
    spec = written(tmp_path, "'trough'", "{ scheme = 'critical', bias_std = 0.1 }", option)

    (study,) = load_studies([spec])

    assert study.warnings == ()


@pytest.mark.parametrize("scheme", ["critical", "orthogonal"])
@pytest.mark.parametrize("option", ["", "normalization = 'layer'"])
def test_weights_larger_than_a_spec_may_state_are_an_error(loaded, tmp_path, scheme: str, option: str):
    """Their variance would be 1.7e18."""
    loaded(TROUGH)
    activation = "{ name = 'trough', margin = 0.9 }"
    spec = written(tmp_path, activation, f"{{ scheme = '{scheme}', bias_std = 0.1 }}", option)

    done = runner.invoke(app, ["check", "--plugin", str(tmp_path / "mine.py"), str(spec)])

    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"{spec}:7: family.activation: {scheme}(bias_std=0.1) gives trough(margin=0.9) weights of variance 1.7e+18, "
        "more than 1,000,000; raise bias_std, or use another activation, or a scheme such as he or variance"
    ]


@pytest.mark.parametrize("bias_std", [0.0, 1e-6, 0.03])
def test_one_that_is_flat_at_all_small_variances_has_no_edge_of_chaos(loaded, tmp_path, bias_std: float):
    """Its slope is 0 there, and nothing is divided by it."""
    loaded(TROUGH)

    with pytest.raises(NoCriticalPointError):
        edge_of_chaos(ACTIVATIONS["trough"](), bias_std**2)
    spec = written(tmp_path, "'trough'", f"{{ scheme = 'critical', bias_std = {bias_std} }}")
    done = runner.invoke(app, ["check", "--plugin", str(tmp_path / "mine.py"), str(spec)])

    assert done.exit_code == 2
    assert f"{spec}:7: family.activation: trough has no edge of chaos under critical" in done.stderr


@pytest.mark.parametrize("bias_std", [0.0, 0.1, 1.0])
def test_a_linear_variance_map_does_not_grow(loaded, bias_std: float):
    """As of a plug-in's rectifier, whatever the biases."""
    loaded(SNAKE + "\n@activation(kinks=(0.0,))\ndef rectified(z):\n    return torch.relu(z)\n")

    assert growth_above(ACTIVATIONS["rectified"](), bias_std**2) == 1
    assert growth_above(ACTIVATIONS["abs"](), bias_std**2) == 1
    assert growth_above(ACTIVATIONS["tanh"](), bias_std**2) < 1


CUBIC = (
    SNAKE
    + """
@activation
def cubic(z, c: float = 0.1):
    return z + c * z**3
"""
)


@pytest.mark.parametrize("c", [0.1, 1e-4])
@pytest.mark.parametrize("bias_std", [0.0, 1e-6, 0.1])
def test_a_plugins_fixed_point_that_repels_is_an_error(loaded, tmp_path, c: float, bias_std: float):
    """E[phi^2] / q = 1 + 6 c q + 15 (c q)^2 is convex; `variance_preserving` and `auto` take the same activation."""
    loaded(CUBIC)
    activation = f"{{ name = 'cubic', c = {c} }}"
    spec = written(tmp_path, activation, f"{{ scheme = 'critical', bias_std = {bias_std} }}")

    with pytest.raises(SpecError, match=r"toml:7: family.activation: .* is unstable .*; use \"variance_preserving\""):
        load_studies([spec])

    for scheme in ("variance_preserving", "auto"):
        (study,) = load_studies([written(tmp_path, activation, f"{{ scheme = '{scheme}', bias_std = {bias_std} }}")])
        weight_variance, bias_variance = study.members[0].variances[0]
        assert weight_variance == pytest.approx((1 - bias_std**2) / (1 + 6 * c + 15 * c**2), rel=1e-9)
        assert bias_variance == bias_std**2
        assert study.warnings == ()


def test_a_plugins_activation_that_vanishes_where_variances_are_1_is_an_error(loaded, tmp_path):
    """Beyond a margin of 40 standard deviations E[phi(Z)^2] is 0, and no weights preserve the variance."""
    loaded(TROUGH)
    spec = written(tmp_path, "{ name = 'trough', margin = 45.0 }", "'variance_preserving'")

    with pytest.raises(
        SpecError, match=r"trough\(margin=45\) weights of variance inf, more than 1,000,000; use another"
    ):
        load_studies([spec])

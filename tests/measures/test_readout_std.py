"""A readout of its own standard deviation: what is drawn, and that theory follows."""

from typing import Any

import pytest
import torch

from suite.catalog.activations import Activation, Relu, Tanh
from suite.catalog.domain import Box
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.measures.collapse import CollapseSettings
from suite.catalog.optimizers import Sgd
from suite.catalog.tasks import Checkerboard
from suite.measures.collapse import collapse
from suite.nets.ensemble import Ensemble
from suite.nets.export import training_code
from suite.nets.initialization import draw_parameters
from suite.nets.sample import sample_domain
from suite.spec.members import Member, resolve
from suite.spec.model import Family
from suite.theory.mean_field import output_variance


def member_of(**given: object) -> Member:
    """The only member of a family of one hidden width, two inputs and one output."""
    (member,), findings = resolve([Family.model_validate({"inputs": 2, "outputs": 1, "depth": 2, **given})])
    assert findings == []
    return member


def networks_of(member: Member, draws: int) -> Ensemble:
    """Its networks in float64."""
    drawn = draw_parameters(
        member.initialization, member.widths, member.variances, 5, member.content, 0, draws, member.normalized
    )
    return Ensemble(member.widths, member.activation, member.variances, drawn.double(), member.normalization)


@pytest.mark.parametrize("scheme", ["he", "glorot", "orthogonal", "pytorch", "sphere"])
def test_the_readouts_weights_have_the_standard_deviation_over_the_square_root_of_fan_in(scheme: str):
    """And no biases; hidden layers stay as they are. Of 40,000 weights, 5 standard errors are 1.8%: 1 in a million."""
    member = member_of(width=40, activation="relu", initialization=scheme, readout_std=0.01)
    plain = member_of(width=40, activation="relu", initialization=scheme)

    readout = networks_of(member, 1000).layers[-1]

    assert member.variances == (*plain.variances[:-1], (0.01**2, 0.0))
    assert float(readout.weight.std()) == pytest.approx(0.01 / 40**0.5, rel=0.018)
    assert not readout.bias.any()


@pytest.mark.parametrize("normalization", ["none", "layer"])
@pytest.mark.parametrize(("activation", "std"), [(Relu(), 0.01), (Tanh(), 0.01), (Tanh(), 3.0)], ids=str)
def test_the_predicted_variance_of_the_output_follows(activation: Activation, std: float, normalization: str):
    """The readout alone multiplies it, and networks of width 100 have it.

    Of 2,000 draws a variance has a standard error of about 3%; 15% are five of them, about 1 in a million.
    """
    options = {"width": 100, "activation": activation.name, "normalization": normalization}
    member, plain = member_of(**options, readout_std=std), member_of(**options)
    points = torch.full((2, 1), 0.5, dtype=torch.float64)
    outputs = networks_of(member, 2000)(points)

    if normalization == "none":
        predicted = output_variance(activation, member.variances, 0.25)
        assert predicted == pytest.approx(std**2 * output_variance(activation, plain.variances, 0.25), rel=1e-12)
    else:
        predicted = std**2 * 0.5 if isinstance(activation, Relu) else std**2 * 0.394  # E[phi(Z)^2]
    assert float(outputs.square().mean()) == pytest.approx(predicted, rel=0.15)


def test_a_small_readout_is_no_collapse():
    """Every criterion is relative to the network's own scale or the predicted one, which both shrink with it."""
    small = member_of(width=20, activation="relu", depth=8, initialization="he", readout_std=0.01)
    plain = member_of(width=20, activation="relu", depth=8, initialization="he")
    settings = CollapseSettings(step=0.125)
    sample = sample_domain(2, 0.125, 8, 3, Box())
    networks = networks_of(plain, 300)
    scaled = networks.parameters.clone()
    scaled[:, -21:-1] *= 0.01

    found = collapse(networks, sample, settings)
    shrunk = collapse(Ensemble(small.widths, small.activation, small.variances, scaled), sample, settings)

    assert 0 < float(found["collapsed_absolute"].mean()) < 1
    for criterion in ("collapsed_relative", "collapsed_absolute", "collapsed_exact"):
        assert torch.equal(shrunk[criterion], found[criterion]), criterion


@pytest.mark.parametrize("scheme", sorted(set(INITIALIZATIONS) - {"variance"}))
def test_a_readout_as_the_scheme_has_it_makes_the_same_member(scheme: str):
    """Standard deviation 1 is that of most schemes, whose members keep names, seeds and results."""
    plain = member_of(width=7, activation="relu", initialization=scheme)
    stated = member_of(width=7, activation="relu", initialization=scheme, readout_std=1.0)

    assert (stated.name == plain.name) == (plain.variances[-1] == (1.0, 0.0))
    assert stated.axes["readout_std"] == 1.0


@pytest.mark.parametrize("scheme", ["he", "orthogonal", "pytorch"])
def test_exported_code_draws_the_same_readout(scheme: str):
    """4,000 weights: 5 standard errors are 5.6%, about 1 in a million."""
    member = member_of(width=4000, depth=1, activation="relu", initialization=scheme, readout_std=0.01)
    code = training_code(member, Sgd(learning_rate=0.1, batch=1), Checkerboard(squares=2, train=1, test=1), 0)
    names: dict[str, Any] = {}

    with torch.random.fork_rng():
        torch.manual_seed(3)
        exec(code, names)

    readout = names["layers"][-1]
    assert readout.weight.std().item() == pytest.approx(0.01 / 4000**0.5, rel=0.056)
    assert not readout.bias.any()

"""Theoretical values of quantities: which members have one, its values, and the mean-field facts of a member."""

from math import atan, inf, pi, sqrt

import numpy as np
import pytest
import torch

from suite.catalog.activations import Abs, Elu, Gelu, Htanh, Identity, LeakyRelu, Relu, Selu, Sin, Softplus, Tanh
from suite.catalog.domain import Ball, Box
from suite.catalog.initializations import (
    Auto,
    Critical,
    DataDependent,
    Glorot,
    He,
    Lecun,
    Orthogonal,
    Pytorch,
    Siren,
    Sphere,
    Variance,
    VariancePreserving,
)
from suite.catalog.measures import MEASURES
from suite.catalog.measures.settings import NoSettings
from suite.catalog.measures.signal import CorrelationSettings, JacobianSettings
from suite.catalog.quantities import QUANTITIES
from suite.catalog.tasks import AbsoluteValue, Checkerboard, Digits, TwoKinks
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.spec.members import Member
from suite.theory.correlation_map import correlation_by_layer
from suite.theory.jacobian import finite_jacobian_by_layer, jacobian_by_layer
from suite.theory.mean_field import edge_of_chaos, output_variance
from suite.theory.networks import hidden_variances, input_variance, mean_field_facts, stationary_variance
from suite.theory.quantities import Theory, dead_probability, is_compared_by_z, theory_of
from suite.theory.relu_death import at_least, dead_probability_on_ball
from suite.theory.scaling import layer_variances
from tests.theory.boxes import dead_probability_on_square

BOX, BALL = Box(), Ball()
ABSOLUTE, KINKS = AbsoluteValue(train=8, test=8), TwoKinks(train=8, test=8)
DEATH = ["dead_fraction", "dead_permanent", "active", "born_dead"]
SETTINGS = {"correlation": CorrelationSettings(), "jacobian_mean": JacobianSettings()}
SETTINGS["jacobian_ratio"] = SETTINGS["jacobian_mean"]
FACTS = {"fixed_point", "stability", "chi", "correlation_fixed_point", "xi_q", "xi_c"}


def member(scheme, widths=(2, 8, 1), activation=None, **options):
    activation = activation or Relu()
    return Member(widths, activation, scheme, layer_variances(scheme, activation, widths), {}, **options)


def theory(quantity, of, domain=BOX, task=None, settings=None):
    return theory_of(quantity, of, settings or SETTINGS.get(quantity, NoSettings()), domain, task)


def test_every_theory_is_of_a_quantity_of_the_catalog():
    """And of no other has one; revivals, tentative deaths and the like follow none that is known."""
    measured = {quantity for measure in MEASURES.values() for quantity in measure.quantities}
    with_theory = {name for name in measured if theory(name, member(Sphere(), (1, 8, 1)), task=ABSOLUTE)}

    assert with_theory == {*DEATH, "trainability", "correlation", "jacobian_mean", "jacobian_ratio"}
    assert with_theory <= set(QUANTITIES)


@pytest.mark.parametrize(
    "options", [{"normalization": "batch"}, {"normalization": "layer"}, {"residual": True}], ids=str
)
@pytest.mark.parametrize("quantity", [*DEATH, "correlation", "jacobian_mean"])
def test_networks_that_are_not_plain_have_no_theory(quantity, options):
    """Nor have they mean-field facts."""
    changed = member(Sphere(), (2, 8, 8, 1), **options)

    assert theory(quantity, changed) is None
    assert mean_field_facts(changed) == dict.fromkeys(FACTS)


@pytest.mark.parametrize(
    ("scheme", "std_ratio"),
    [
        (Sphere(), 1.0),
        (He(bias_std=0.5), None),
        (Lecun(bias_std=0.5), None),
        (Glorot(bias_std=0.5), None),
        (Critical(bias_std=0.5), None),
        (Variance(weight_variance=3.0, bias_variance=0.25), None),
    ],
    ids=lambda value: getattr(value, "label", None),
)
@pytest.mark.parametrize("domain", [Box(half_width=1.5), Ball(radius=1.5)], ids=lambda domain: domain.kind)
@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_isotropic_first_layers_have_theories_of_death_on_balls_and_on_boxes_of_up_to_two_inputs(
    scheme, std_ratio, domain, inputs
):
    """All four, exact, with values in the first layer alone; none on a box of three inputs."""
    one = member(scheme, (inputs, 8, 1))
    weight_variance, bias_variance = one.variances[0]
    ratio = 1.5 * (std_ratio or sqrt(weight_variance / inputs / bias_variance))
    closed_form = dead_probability_on_ball if domain.kind == "ball" else dead_probability_on_square
    if domain.kind == "box" and inputs == 3:
        assert all(theory(name, one, domain) is None for name in DEATH)
        return
    dead = closed_form(inputs, ratio)
    expected = {"dead_fraction": dead, "dead_permanent": 8 * dead, "active": 8 * (1 - dead), "born_dead": dead**8}

    for name, value in expected.items():
        found = theory(name, one, domain)
        assert found.exact
        np.testing.assert_allclose(found.values, [value], rtol=1e-12)


def test_boxes_of_more_inputs_have_no_theory_of_death_wherever_they_lie():
    """Centered or not."""
    one = member(He(bias_std=0.5), (3, 8, 1))

    assert all(theory(name, one, domain) is None for name in DEATH for domain in (BOX, Box(low=0.0, high=1.0)))


def test_a_known_probability():
    """(w, b) uniform on the sphere: 1/4 on [-1, 1], atan(1/2) / pi on [-2, 2]."""
    one = member(Sphere(), (1, 4, 1))

    assert dead_probability(one, BOX, None) == pytest.approx(0.25, rel=1e-12)
    assert dead_probability(one, Box(half_width=2.0), None) == pytest.approx(atan(0.5) / pi, rel=1e-12)
    assert dead_probability(member(He(), (1, 4, 1)), BOX, None) == 0


@pytest.mark.parametrize("scheme", [Pytorch(), Orthogonal(bias_std=0.5)], ids=lambda scheme: scheme.label)
def test_first_layers_that_are_not_isotropic_have_no_theory_of_death(scheme):
    """Uniform weights prefer directions, and orthogonal rows depend on each other."""
    assert all(theory(name, member(scheme), domain) is None for name in DEATH for domain in (BOX, BALL))


def test_death_of_other_activations_has_no_theory():
    """The probabilities are of rectifiers."""
    for activation in (Htanh(linear_region=0.5), Tanh(), Abs()):
        assert theory("dead_fraction", member(He(bias_std=0.5), activation=activation)) is None


def test_later_layers_and_the_death_of_deep_networks_have_no_theory():
    """nan by layer; whether a deep network is born dead is open."""
    deep = member(Sphere(), (2, 8, 6, 4, 1))
    dead = dead_probability_on_square(2, 1.0)

    for name, value in (("dead_fraction", dead), ("dead_permanent", 8 * dead), ("active", 8 * (1 - dead))):
        np.testing.assert_allclose(theory(name, deep).values, [value, np.nan, np.nan], rtol=1e-12)
    assert theory("born_dead", deep) is None
    assert theory("trainability", deep, task=ABSOLUTE) is None


@pytest.mark.parametrize(
    ("domain", "task", "dead"),
    [
        (BOX, Checkerboard(squares=2, train=8, test=8), 0.0),
        (Box(half_width=2.0), ABSOLUTE, 0.0),
        (Box(half_width=sqrt(3)), ABSOLUTE, 0.0),
        (BOX, ABSOLUTE, None),
        (BALL, ABSOLUTE, None),
        (BOX, Digits(train=8, test=8), None),
        (Box(low=-2.0, high=1.8), ABSOLUTE, 0.0),
        (Box(low=-2.0, high=1.0), ABSOLUTE, None),
        (BOX, None, None),
    ],
    ids=["board", "wider", "just", "narrower", "ball", "images", "shifted", "beside", "no task"],
)
def test_data_dependent_neurons_are_alive_where_the_domain_holds_their_points(domain, task, dead):
    """Each is active at a training point; where that may lie outside, nothing is said."""
    assert dead_probability(member(DataDependent()), domain, task) == dead


def test_data_dependent_networks_have_no_theory_of_signals():
    """Their first layer's biases depend on its weights."""
    one = member(DataDependent(), (2, 40, 40, 1))

    assert [theory(name, one) for name in ("correlation", "jacobian_mean", "jacobian_ratio")] == [None] * 3


@pytest.mark.parametrize("task", [ABSOLUTE, KINKS], ids=lambda task: task.name)
@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_trainability_of_one_hidden_layer_is_binomial(task, width):
    """P(at least m* of n alive), p = 1/6 on the sphere; data-dependent neurons are all alive."""
    box = Box(half_width=task.half_width)
    found = theory("trainability", member(Sphere(), (1, width, 1)), box, task)
    sure = theory("trainability", member(DataDependent(), (1, width, 1)), box, task)

    assert found.exact
    np.testing.assert_allclose(found.values, [at_least(task.neurons, width, 1 / 6)], rtol=1e-12)
    assert sure.values.tolist() == [float(width >= task.neurons)]


def test_trainability_needs_a_task_with_a_box():
    """Of data nothing is known, without a task nothing is asked."""
    assert theory("trainability", member(Sphere(), (64, 8, 10)), task=Digits(train=8, test=8)) is None
    assert theory("trainability", member(Sphere(), (1, 8, 1))) is None


@pytest.mark.parametrize(
    ("scheme", "activation", "q"),
    [
        (Critical(bias_std=sqrt(0.05)), Tanh(), 0.570048),
        (Orthogonal(bias_std=sqrt(0.05)), Tanh(), 0.570048),
        (Critical(), Tanh(), 1.0),
        (VariancePreserving(), Tanh(), 1.0),
        (VariancePreserving(bias_std=0.5), Gelu(), 1.0),
        (VariancePreserving(bias_std=0.5), Relu(), 1.0),
        (Auto(bias_std=sqrt(0.05)), Tanh(), 0.570048),
        (Auto(), Gelu(), 1.0),
        (Critical(bias_std=0.1), Relu(), 1.0),
        (Lecun(bias_std=0.5), Relu(), 0.5),
        (Lecun(), Relu(), 1.0),
        (Pytorch(), Tanh(), 1.0),
        (Variance(weight_variance=3.0, bias_variance=1.0), Softplus(), 1.0),
    ],
    ids=lambda value: getattr(value, "label", None),
)
def test_inputs_of_a_pair_have_the_stationary_variance_or_1(scheme, activation, q):
    """1 where q* is 0, where there is none, and where layers differ; what the spec says comes first."""
    one = member(scheme, (2, 8, 6, 1), activation)

    assert input_variance(one, CorrelationSettings()) == pytest.approx(q, abs=1e-6)
    assert input_variance(one, JacobianSettings()) == pytest.approx(q, abs=1e-6)
    assert input_variance(one, CorrelationSettings(input_variance=2.5)) == 2.5


@pytest.mark.parametrize("scheme", [Critical(bias_std=0.3), Pytorch(), Glorot(), Sphere()], ids=lambda it: it.label)
@pytest.mark.parametrize("activation", [Tanh(), Relu()], ids=lambda it: it.label)
def test_correlation_follows_the_map_from_the_inputs_variance(scheme, activation):
    """By layer, at finite width a limit only."""
    one = member(scheme, (2, 8, 6, 4, 1), activation)
    settings = CorrelationSettings(cosine=-0.2)

    found = theory("correlation", one, settings=settings)

    assert not found.exact
    expected = correlation_by_layer(activation, one.variances, input_variance(one, settings), -0.2)
    assert found.values.tolist() == expected
    assert len(expected) == 3


@pytest.mark.parametrize(
    "scheme", [Critical(bias_std=0.3), Glorot(), Orthogonal(bias_std=0.3)], ids=lambda it: it.label
)
@pytest.mark.parametrize("activation", [Tanh(), Relu(), Abs()], ids=lambda it: it.label)
def test_the_jacobians_theories_of_gaussian_and_orthogonal_weights_are_of_finite_width(scheme, activation):
    """One value a layer from the second on; exact where slopes depend on signs alone."""
    one, orthogonal = member(scheme, (2, 8, 8, 8, 1), activation), isinstance(scheme, Orthogonal)
    q = input_variance(one, JacobianSettings())
    expected = finite_jacobian_by_layer(activation, one.variances, q, (8, 8, 8), orthogonal)

    for place, name in enumerate(("jacobian_mean", "jacobian_ratio")):
        found = theory(name, one)
        assert found.exact == activation.homogeneous
        assert found.values.tolist() == [moments[place] for moments in expected]


@pytest.mark.parametrize("scheme", [Pytorch(), Sphere()], ids=lambda it: it.label)
def test_the_jacobians_theories_of_other_weights_are_those_of_infinite_width(scheme):
    """Never exact."""
    one = member(scheme, (2, 8, 8, 8, 1))
    expected = jacobian_by_layer(Relu(), one.variances, 1.0, orthogonal=False)

    for place, name in enumerate(("jacobian_mean", "jacobian_ratio")):
        found = theory(name, one, settings=JacobianSettings(input_variance=1.0))
        assert not found.exact
        assert found.values.tolist() == [moments[place] for moments in expected]


@pytest.mark.parametrize("scheme", [Critical(), Orthogonal(), Pytorch(), Sphere()], ids=lambda it: it.label)
def test_only_gaussian_weights_have_theories_of_the_jacobian_at_unequal_widths(scheme):
    """Whether it rises or falls."""
    for widths in ((2, 8, 9, 8, 1), (2, 9, 8, 1)):
        found = theory("jacobian_mean", member(scheme, widths))
        assert (found is not None) == isinstance(scheme, Critical)


def test_the_jacobians_theories_by_hand():
    """Identity at sigma_w^2 = 1: m_1 = 1, the ratio 1 for orthogonal layers; 2 + 1/n for one Gaussian layer."""
    for scheme, ratio in ((Critical(), 2 + 1 / 8), (Orthogonal(), 1)):
        one = member(scheme, (2, 8, 8, 8, 1), Identity())
        np.testing.assert_allclose(theory("jacobian_mean", one).values, [1, 1], rtol=1e-12)
        assert theory("jacobian_ratio", one).values[0] == pytest.approx(ratio, rel=1e-12)


def test_one_hidden_layer_has_an_empty_theory_of_the_jacobian():
    """No layer to look at, and an array of numbers all the same."""
    values = theory("jacobian_mean", member(Critical())).values

    assert (values.shape, values.dtype) == ((0,), np.float64)


@pytest.mark.parametrize(
    ("widths", "exact", "tells"),
    [
        ((2, 10, 1), False, True),
        ((2, 9, 1), False, False),
        ((2, 40, 40, 39, 40, 1), False, False),
        ((2, 40, 40, 40, 40, 1), False, True),
        ((2, 3, 3, 3, 1), True, True),
    ],
    ids=str,
)
def test_a_z_score_tells_where_the_theory_is_exact_or_networks_are_ten_times_wider_than_deep(widths, exact, tells):
    """The narrowest hidden layer counts, inputs and outputs do not."""
    assert is_compared_by_z(Theory(np.array([0.5]), exact=exact), member(Critical(), widths)) == tells


def test_hidden_layers_have_one_pair_of_variances_or_none():
    """Under pytorch and glorot the fan-in counts, which the readout's may without changing that."""
    assert hidden_variances(member(He(bias_std=0.5), (2, 8, 6, 1))) == (2.0, 0.25)
    assert hidden_variances(member(Glorot(), (8, 8, 8, 1))) == (1.0, 0.0)
    assert hidden_variances(member(Glorot(), (2, 8, 8, 1))) is None
    assert hidden_variances(member(Pytorch(), (2, 8, 8, 1))) is None


def test_the_facts_of_critical_tanh():
    """At sigma_b^2 = 0.05: q* = 0.570048, chi_1 = 1 and c* = 1, which no depth scale reaches."""
    scheme = Critical(bias_std=sqrt(0.05))
    facts = mean_field_facts(member(scheme, (2, 8, 8, 1), Tanh()))

    assert set(facts) == FACTS
    assert facts["fixed_point"] == pytest.approx(0.570048, abs=1e-6)
    assert facts["stability"] == pytest.approx(edge_of_chaos(Tanh(), 0.05).stability, rel=1e-9)
    assert facts["chi"] == pytest.approx(1, abs=1e-9)
    assert facts["correlation_fixed_point"] == pytest.approx(1, abs=1e-9)
    assert facts["xi_q"] == pytest.approx(-1 / np.log(facts["stability"]), rel=1e-9)
    assert facts["xi_c"] is None


@pytest.mark.parametrize("activation", [Gelu(), Tanh(), Htanh(linear_region=0.5)], ids=lambda it: it.name)
def test_the_facts_of_a_critical_member_are_all_of_its_edge_of_chaos(activation):
    """chi_1 = 1 also where that fixed point repels and depth leads to another, as GELU's at sigma_b = 0.1."""
    facts = mean_field_facts(member(Critical(bias_std=0.1), (2, 8, 8, 1), activation))
    point = edge_of_chaos(activation, 0.01)

    assert facts["fixed_point"] == point.fixed_point
    assert facts["chi"] == pytest.approx(1, abs=1e-9)
    assert (facts["stability"] > 1) == (activation.name == "gelu") == (facts["xi_q"] is None)


@pytest.mark.parametrize(
    "scheme", [He(), He(bias_std=0.1), Critical(bias_std=0.1), DataDependent()], ids=lambda it: it.label
)
def test_rectifiers_at_criticality_have_no_fixed_point_and_no_facts(scheme):
    """Every variance is fixed, or none; so q* is unknown, and all that depends on it."""
    one = member(scheme, (2, 8, 8, 1))

    assert np.isnan(stationary_variance(one))
    assert mean_field_facts(one) == dict.fromkeys(FACTS)


@pytest.mark.parametrize("slope", [0.159, 0.306])
def test_critical_leaky_rectifiers_have_no_stationary_variance(slope):
    """Not one of 1e13 either, which rounding would make of them; their inputs have the variance 1."""
    one = member(Critical(bias_std=0.1), (2, 8, 8, 1), LeakyRelu(slope=slope))

    assert np.isnan(stationary_variance(one))
    assert input_variance(one, JacobianSettings()) == 1
    assert mean_field_facts(one) == dict.fromkeys(FACTS)


def test_the_facts_of_a_rectifier_below_criticality():
    """sigma_w^2 = 1, sigma_b^2 = 1/4: q* = 1/2, chi_1 = V' = 1/2 and c* = 1, where R' is chi_1."""
    facts = mean_field_facts(member(Lecun(bias_std=0.5), (2, 8, 8, 1)))

    expected = {"fixed_point": 0.5, "stability": 0.5, "chi": 0.5, "correlation_fixed_point": 1.0}
    expected |= dict.fromkeys(("xi_q", "xi_c"), 1 / np.log(2))
    assert facts == pytest.approx(expected, rel=1e-9)
    assert all(value is not None and value < inf for value in facts.values())


@pytest.mark.parametrize("scheme", [Pytorch(), Glorot(bias_std=0.1)], ids=lambda it: it.label)
def test_layers_that_differ_have_no_facts(scheme):
    """A map that changes from layer to layer has no fixed point."""
    assert mean_field_facts(member(scheme, (2, 8, 6, 1), Tanh())) == dict.fromkeys(FACTS)


class Signs(Variance):
    """Weights of +-sigma_w, as a plug-in's `weights=` may make them."""

    @property
    def shaped(self):
        return np.sign


def test_weights_that_are_not_gaussian_have_no_closed_form_of_death():
    """One input, ReLU, sigma_w^2 = 2, sigma_b = 1: 0.1959 if Gaussian, Phi(-sqrt 2) = 0.0786 if +-sqrt 2."""
    gaussian, signs = (
        member(scheme(weight_variance=2.0, bias_variance=1.0), (1, 8, 1)) for scheme in (Variance, Signs)
    )

    assert theory("dead_fraction", gaussian).values[0] == pytest.approx(0.1959, abs=1e-4)
    for quantity in (*DEATH, "trainability"):
        assert theory(quantity, signs, task=ABSOLUTE) is None


def test_weights_that_are_not_gaussian_have_limits_of_wide_layers():
    """Of the correlation and of the Jacobian's mean; its second moment depends on how weights depend on each other."""
    gaussian, signs = (member(scheme(weight_variance=2.0), (2, 8, 8, 1)) for scheme in (Variance, Signs))

    for quantity in ("correlation", "jacobian_mean"):
        assert not theory(quantity, signs).exact
        assert theory(quantity, signs).values == pytest.approx(jacobian_or_correlation(quantity), rel=1e-12)
    assert theory("jacobian_mean", gaussian).exact
    assert theory("jacobian_ratio", signs) is None
    assert theory("jacobian_ratio", gaussian) is not None


def jacobian_or_correlation(quantity):
    variances = ((2.0, 0.0), (2.0, 0.0), (1.0, 0.0))
    if quantity == "correlation":
        return correlation_by_layer(Relu(), variances, 1.0, SETTINGS["correlation"].cosine)
    return [mean for mean, _ in jacobian_by_layer(Relu(), variances, 1.0, orthogonal=False)]


@pytest.mark.parametrize(
    "activation", [Selu(), Elu(), Elu(alpha=0.5), Tanh(), Gelu(), Htanh(linear_region=1.0)], ids=str
)
def test_at_the_edge_of_chaos_without_biases_the_variance_has_no_depth_scale(activation):
    """q* = 0 and V'(0) = 1, so that xi_q is infinite: empty, also where the second derivative jumps at 0."""
    facts = mean_field_facts(member(Critical(bias_std=0.0), (2, 8, 8, 1), activation))

    assert facts["fixed_point"] == 0
    assert facts["stability"] == pytest.approx(1, abs=1e-11)
    assert facts["xi_q"] is None


def test_a_leaky_rectifier_of_slope_0_is_a_rectifier():
    """Its theory and that of ReLU are the same."""
    leaky, relu = (member(He(), (1, 4, 1), activation) for activation in (LeakyRelu(slope=0.0), Relu()))

    for quantity in (*DEATH, "trainability"):
        assert theory(quantity, leaky, task=ABSOLUTE).values[0] == theory(quantity, relu, task=ABSOLUTE).values[0]
    assert theory("born_dead", member(He(), (1, 4, 1), LeakyRelu(slope=0.1))) is None


@pytest.mark.parametrize("depth", [1, 4])
def test_siren_has_no_mean_field_theory(depth):
    """Its biases are uniform, with most of the variance, and the first layer is drawn otherwise."""
    one = member(Siren(), (2, *[8] * depth, 1), Sin())

    assert hidden_variances(one) is None
    assert set(mean_field_facts(one).values()) == {None}
    assert [theory(name, one) for name in ("correlation", "jacobian_mean", "jacobian_ratio")] == [None] * 3
    assert input_variance(one, CorrelationSettings()) == 1.0


@pytest.mark.parametrize("omega", [1.0, 30.0])
def test_sirens_predicted_output_variance_is_close(omega):
    """What absolute collapse is judged by: mean squares of sines hardly depend on how their arguments are distributed.

    Of 2,000 networks the mean square has a standard error of about 3%; 20% leave 5 of them and the approximation.
    """
    widths, content = (2, 64, 64, 1), {"test": "siren"}
    one = member(Siren(omega=omega), widths, Sin())
    drawn = draw_parameters(Siren(omega=omega), widths, one.variances, 3, content, 0, 2000)
    points = torch.tensor([[0.6], [-0.8]])

    found = Ensemble(widths, Sin(), one.variances, drawn)(points).square().mean().item()

    assert found == pytest.approx(output_variance(Sin(), one.variances, 0.5), rel=0.2)

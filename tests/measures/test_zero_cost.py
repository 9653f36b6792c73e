"""Zero-cost scores: networks of one or two units worked out by hand, known laws, and where scores degenerate."""

from math import inf, log, sqrt

import numpy as np
import pytest
import torch

from suite.catalog.activations import Abs, Htanh, Identity, Relu, Tanh
from suite.catalog.initializations import Variance
from suite.catalog.measures.scores import ScoreSettings, SynflowSettings
from suite.measures.fisher import fisher
from suite.measures.grad_norm import grad_norm
from suite.measures.grasp import grasp
from suite.measures.jacobian_covariance import jacobian_covariance
from suite.measures.naswot import naswot
from suite.measures.ntk import ntk
from suite.measures.snip import snip
from suite.measures.synflow import synflow
from suite.nets.backward import loss_gradient
from suite.nets.ensemble import Ensemble
from suite.nets.losses import HALF_SQUARE, Loss, LossAt

K = 1e-5
OF_THE_LOSS = {"grad_norm": grad_norm, "snip": snip, "grasp": grasp, "fisher": fisher}
ON_POINTS = {**OF_THE_LOSS, "jacobian_covariance": jacobian_covariance, "naswot": naswot, "ntk": ntk}


def half_square_at(*columns, outputs=1):
    """Mean f^2 / 2 over some points."""
    points = torch.tensor(columns, dtype=torch.float64).T
    return LossAt(HALF_SQUARE, points, torch.zeros(outputs, len(columns), dtype=torch.float64))


def taken(score, ensemble, at):
    """A score's values by quantity, of the first draw."""
    return {name: values[0].item() for name, values in score(ensemble, at, ScoreSettings()).items()}


@pytest.fixture
def unit(by_hand):
    """f = 3 relu(2 x): parameters are the weight 2, its bias 0, the readout's weight 3 and bias 0."""
    return by_hand((1, 1, 1), Relu(), [2.0, 0, 3, 0])


THREE = half_square_at([-0.5], [0.5], [1.0])
"""There f is 0, 3, 6 and its gradient by the parameters (0, 0, 0, 1), (1.5, 3, 1, 1), (3, 3, 2, 1).

The mean of f times these is g = (7.5, 9, 5, 3).
"""


def test_the_gradients_norm_by_hand(unit):
    """sqrt(7.5^2 + 9^2 + 5^2 + 3^2)."""
    assert taken(grad_norm, unit, THREE) == {"grad_norm": pytest.approx(sqrt(171.25), rel=1e-12)}


def test_snip_by_hand(unit):
    """2 * 7.5 + 3 * 5; biases of 0 have no part."""
    assert taken(snip, unit, THREE) == {"snip": pytest.approx(30, rel=1e-12)}


def test_grasp_by_hand(unit):
    """H theta is the mean of grad f (grad f . theta) + f f'' theta, (22.5, 27, 15, 6); its product with g 504.75."""
    assert taken(grasp, unit, THREE) == {"grasp": pytest.approx(-504.75, rel=1e-12)}


def test_fisher_by_hand(unit):
    """a = 0, 1, 2 and g = 3 f = 0, 9, 18, so (9^2 + 36^2) / (2 * 3)."""
    assert taken(fisher, unit, THREE) == {"fisher": pytest.approx(229.5, rel=1e-12)}


def test_synflow_by_hand(by_hand):
    """|W_1| 1 = (3, 7), R = 2 * 3 + 5 * 7 = 41 whatever the biases, and two layers have each that much: 82."""
    ensemble = by_hand((2, 2, 1), Relu(), [1, -2, -3, 4, 9, -9, -2, 5, 9.0])

    found = synflow(ensemble, None, SynflowSettings())

    assert found["log_synflow"].tolist() == [pytest.approx(log(82), rel=1e-12)]


def test_the_tangent_kernel_by_hand(unit):
    """At -1/2 and 1/2 it is [[1, 1], [1, 13.25]]."""
    root = sqrt(12.25**2 + 4)

    assert taken(ntk, unit, half_square_at([-0.5], [0.5])) == pytest.approx(
        {"ntk_trace": 14.25, "ntk_condition": (14.25 + root) / (14.25 - root)}, rel=1e-12
    )


@pytest.mark.parametrize("activation", [Relu(), Abs(), Tanh(), Htanh(linear_region=1.0)], ids=lambda it: it.label)
def test_naswot_by_hand_looks_at_the_sign_of_preactivations(by_hand, activation):
    """Units x and x - 1 have the codes 00, 10, 11 at -1, 1/2, 2: K = [[2, 1, 0], [1, 2, 1], [0, 1, 2]], |K| = 4."""
    ensemble = by_hand((1, 2, 1), activation, [1, 1, 0, -1, 1, 1, 0.0])

    found = taken(naswot, ensemble, half_square_at([-1.0], [0.5], [2.0]))

    assert found == {"naswot": pytest.approx(log(4), rel=1e-12)}


def test_the_jacobian_covariance_of_uncorrelated_gradients_by_hand(by_hand):
    """Two rectifiers, one on at each point, with gradients (1, 0, -1) and (1, -2, 1): both eigenvalues are 1."""
    ensemble = by_hand((3, 2, 1), Relu(), [1, 0, -1, 1, -2, 1, 0, 0, 1, 1, 0.0])

    found = taken(jacobian_covariance, ensemble, half_square_at([1.0, 1, 0], [0.0, -1, 1]))

    assert found == {"jacobian_covariance": pytest.approx(-2 * (log(1 + K) + 1 / (1 + K)), rel=1e-12)}


def test_the_jacobian_covariance_of_one_gradient_everywhere_by_hand(by_hand):
    """Of an affine map at four points: the eigenvalues are 4, 0, 0, 0."""
    ensemble = by_hand((3, 1, 1), Identity(), [1, 2, 4, 0, 1, 0.0])

    found = taken(jacobian_covariance, ensemble, half_square_at([1.0, 1, 0], [0, 1, 0], [0, 0, 1], [2, 1, 0]))

    expected = -(log(4 + K) + 1 / (4 + K)) - 3 * (log(K) + 1 / K)
    assert found == {"jacobian_covariance": pytest.approx(expected, rel=1e-12)}


def test_the_jacobian_covariance_adds_the_outputs_up(by_hand):
    """Outputs x_1 and x_2 - x_3 of a pair of units have the gradient (1, 1, -1) as their sum has, here twice."""
    ensemble = by_hand((3, 2, 2), Identity(), [1, 0, 0, 0, 1, -1, 0, 0, 1, 0, 0, 1, 0, 0.0])

    found = taken(jacobian_covariance, ensemble, half_square_at([1.0, 1, 0], [0, 1, 0], outputs=2))

    expected = -(log(2 + K) + 1 / (2 + K)) - (log(K) + 1 / K)
    assert found == {"jacobian_covariance": pytest.approx(expected, rel=1e-12)}


@pytest.mark.parametrize(("name", "power"), [("grad_norm", 1), ("snip", 1), ("grasp", 2), ("fisher", 2)])
def test_scores_grow_with_a_power_of_the_loss(networks, name, power):
    """Three times the loss; H and g grow each as the loss does."""
    ensemble = networks((2, 5, 4, 1), Tanh(), 4)
    thrice = Loss("thrice", lambda f, y: 3 * HALF_SQUARE.value(f, y), lambda f, y: 3 * HALF_SQUARE.gradient(f, y))
    at = half_square_at([0.3, -1], [1, 0.5], [-0.2, 0.9])
    score = OF_THE_LOSS[name]

    once, more = (score(ensemble, at._replace(loss=loss), ScoreSettings())[name] for loss in (HALF_SQUARE, thrice))

    torch.testing.assert_close(more, 3**power * once, rtol=1e-12, atol=0)


def test_snip_does_not_change_as_rectifiers_are_scaled_up_and_down_again(networks):
    """phi(c z) = c phi(z): c W_1 and W_2 / c are the same network and have the same products theta dL/dtheta."""
    ensemble = networks((2, 5, 1), Relu(), 4, Variance(weight_variance=2.0, bias_variance=0.5))
    scaled = Ensemble(ensemble.widths, Relu(), ensemble.variances, ensemble.parameters.clone())
    scaled.layers[0].weight.mul_(7)
    scaled.layers[0].bias.mul_(7)
    scaled.layers[1].weight.div_(7)
    at = half_square_at([0.3, -1], [1, 0.5], [-0.2, 0.9])

    found, again = (snip(each, at, ScoreSettings())["snip"] for each in (ensemble, scaled))

    torch.testing.assert_close(again, found, rtol=1e-12, atol=0)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda it: it.label)
def test_grasp_is_a_quotient_of_differences(networks, activation, normalization):
    """-theta H g is minus the derivative of g^T g / 2 along theta: central differences of the written-out gradient."""
    ensemble = networks((3, 6, 5, 1), activation, 4, normalization=normalization)
    at = half_square_at([0.3, -1, 0.1], [1, 0.5, 2], [-0.2, 0.9, -1], [0.7, 0.7, 0.1])
    step = 1e-5

    def flow(factor):
        moved = Ensemble(ensemble.widths, activation, ensemble.variances, factor * ensemble.parameters, normalization)
        return loss_gradient(moved, at).square().sum(1) / 2

    expected = -(flow(1 + step) - flow(1 - step)) / (2 * step)

    torch.testing.assert_close(grasp(ensemble, at, ScoreSettings())["grasp"], expected, rtol=1e-7, atol=1e-8)


def test_nothing_flows_through_a_layer_of_weights_that_are_0(by_hand):
    """-inf, whatever lies behind it; a draw beside it has its score."""
    ensemble = by_hand((1, 1, 1, 1), Relu(), [2.0, 1, 0, 1, 3, 1], [2.0, 1, 5, 1, 3, 1])

    found = synflow(ensemble, None, SynflowSettings())["log_synflow"]

    assert found.tolist() == [-inf, pytest.approx(log(3 * 30), rel=1e-12)]


def test_synflow_is_a_layers_share_times_the_layers(networks):
    """In bias-free rectifier networks of positive weights: L + 1 times the output at ones, which is R."""
    ensemble = networks((3, 5, 4, 2), Relu(), 6, Variance(weight_variance=2.0, bias_variance=0.0))
    ensemble.parameters.abs_()

    found = synflow(ensemble, None, SynflowSettings())["log_synflow"]

    flows = ensemble(torch.ones(3, 1, dtype=torch.float64)).sum((1, 2))
    torch.testing.assert_close(found, (3 * flows).log(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("weight_variance", [1e-3, 20.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_synflow_of_deep_networks_is_a_number(networks, weight_variance, dtype):
    """900 layers, whose R is beyond the smallest and the largest of numbers; it moves by a power of the scale."""
    scheme = Variance(weight_variance=weight_variance, bias_variance=0.0)
    tame = Variance(weight_variance=1.0, bias_variance=0.0)
    widths = (2, *[3] * 900, 1)

    found, near = (
        synflow(networks(widths, Abs(), 3, each).to(dtype), None, SynflowSettings())["log_synflow"]
        for each in (scheme, tame)
    )

    assert found.isfinite().all()
    assert found.abs().min() > log(np.finfo(np.float64).max)
    torch.testing.assert_close(found, near + 900 * log(weight_variance) / 2, rtol=1e-4, atol=0)


def test_the_trace_of_the_tangent_kernel_is_the_sum_of_squared_gradients(networks):
    """Of f at one point after the other: there the loss's gradient is f times the output's."""
    ensemble = networks((2, 5, 4, 1), Tanh(), 4)
    columns = [[0.3, -1], [1, 0.5], [-0.2, 0.9]]
    squares = 0.0
    for column in columns:
        at = half_square_at(column)
        outputs = ensemble(at.points)[:, 0, 0]
        squares = squares + (grad_norm(ensemble, at, ScoreSettings())["grad_norm"] / outputs) ** 2

    found = ntk(ensemble, half_square_at(*columns), ScoreSettings())["ntk_trace"]

    torch.testing.assert_close(found, squares, rtol=1e-10, atol=0)


def test_scores_of_points_do_not_look_at_labels_or_loss(networks):
    """Jacobian covariance, NASWOT and the tangent kernel."""
    ensemble = networks((3, 5, 4, 1), Tanh(), 4)
    at = half_square_at([0.3, -1, 0.1], [1, 0.5, 2], [-0.2, 0.9, -1])
    other = at._replace(loss=None, labels=at.labels + 1)

    for score in (jacobian_covariance, naswot, ntk):
        for name, values in score(ensemble, at, ScoreSettings()).items():
            assert values.isfinite().all()
            assert torch.equal(score(ensemble, other, ScoreSettings())[name], values)


@pytest.mark.parametrize("inputs", [1, 2])
def test_with_one_or_two_inputs_there_is_no_jacobian_covariance(networks, inputs):
    """Centerd gradients of two inputs are (a, -a): no number in place of one that says nothing."""
    at = half_square_at(*torch.linspace(-1, 1, 4 * inputs).view(4, inputs).tolist())

    found = jacobian_covariance(networks((inputs, 5, 1), Tanh(), 4), at, ScoreSettings())

    assert found["jacobian_covariance"].isnan().all()


def test_a_gradient_that_is_the_same_along_all_inputs_has_no_correlation(by_hand):
    """0 at a point where the unit is off; all ones; and a draw beside them that has its score."""
    rows = [1, 2, 4, 0, 1, 0], [1, 1, 1, 9, 1, 0], [1, 2, 4, 9, 1, 0]
    ensemble = by_hand((3, 1, 1), Relu(), *map(list, [[float(v) for v in row] for row in rows]))

    found = jacobian_covariance(ensemble, half_square_at([1.0, 1, 0], [-1, -1, 0]), ScoreSettings())

    assert found["jacobian_covariance"].isnan().tolist() == [True, True, False]


def test_gradients_of_any_size_have_the_same_correlation(networks):
    """Readouts scaled by 1e-200 and 1e200, whose squares are no numbers."""
    ensemble = networks((4, 6, 1), Tanh(), 3)
    at = half_square_at(*np.random.default_rng(1).normal(size=(5, 4)).tolist())
    expected = jacobian_covariance(ensemble, at, ScoreSettings())["jacobian_covariance"]

    for size in (1e-200, 1e200):
        scaled = Ensemble(ensemble.widths, Tanh(), ensemble.variances, ensemble.parameters.clone())
        scaled.layers[-1].weight.mul_(size)
        found = jacobian_covariance(scaled, at, ScoreSettings())["jacobian_covariance"]
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_two_points_of_one_pattern_make_naswot_minus_infinity(by_hand):
    """Codes 0, 1, 1 of a single unit: two rows of K are alike."""
    ensemble = by_hand((1, 1, 1), Relu(), [2.0, 0, 3, 0])

    assert taken(naswot, ensemble, THREE) == {"naswot": -inf}


def test_more_points_than_units_and_one_make_naswot_minus_infinity(by_hand):
    """Two units, four points of four codes: rank 3, though no two rows are alike; two points less, and it is finite."""
    ensemble = by_hand((2, 2, 1), Relu(), [1, 0, 0, 1, 0, 0, 1, 1, 0.0])
    corners = [[1.0, 1], [1, -1], [-1, 1], [-1, -1]]

    assert taken(naswot, ensemble, half_square_at(*corners)) == {"naswot": -inf}
    assert taken(naswot, ensemble, half_square_at(*corners[:2])) == {"naswot": pytest.approx(log(3), rel=1e-12)}


def test_determinants_of_whole_numbers_are_whole_or_nothing(networks):
    """No score lies below 0, but for -inf, where singular kernels are not taken for almost singular ones."""
    generator = np.random.default_rng(3)
    found = torch.cat(
        [
            naswot(
                networks((2, *[width] * 2, 1), Relu(), 200),
                half_square_at(*generator.uniform(-1, 1, (5, 2)).tolist()),
                ScoreSettings(),
            )["naswot"]
            for width in (2, 3, 4, 6)
        ]
    )

    finite = found[found.isfinite()]
    assert (found == -inf).sum() + len(finite) == len(found)
    assert min(len(finite), len(found) - len(finite)) > 100
    torch.testing.assert_close(finite.exp(), finite.exp().round(), rtol=1e-9, atol=0)
    assert finite.min() > -1e-9


def test_the_identity_has_no_patterns(networks):
    """Its units are neither on nor off."""
    found = naswot(networks((2, 5, 1), Identity(), 3), half_square_at([1.0, 0], [0, 1]), ScoreSettings())

    assert found["naswot"].isnan().all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ([1.0, -9, 1, 0], [[0.1], [0.9]]),
        ([1.0, 1, 1, 0], [[0.1], [0.2], [0.4], [0.5], [0.9]]),
        ([1.0, 1, 1, 0], [[0.3], [0.7], [0.3]]),
    ],
    ids=["dead", "more points than parameters", "a point twice"],
)
def test_a_singular_tangent_kernel_has_no_finite_condition(by_hand, row, columns, dtype):
    """Rounding does not make it one; its trace is a number."""
    at = half_square_at(*columns)
    ensemble = by_hand((1, 1, 1), Tanh() if row[1] > 0 else Relu(), row).to(dtype)

    found = taken(ntk, ensemble, at._replace(points=at.points.to(dtype)))

    assert found["ntk_condition"] == inf
    assert found["ntk_trace"] >= len(columns)


def test_networks_that_explode_have_no_score_and_harm_no_other(networks):
    """sigma_w^2 = 1e4 over 200 layers beside a tame network, which keeps its own; SynFlow is a number of both."""
    wild = networks((3, *[4] * 200, 1), Abs(), 2, Variance(weight_variance=1e4, bias_variance=0.01))
    alone = wild[1:]
    alone.parameters[:] *= 0.012
    at = half_square_at([0.3, -1, 0.1], [1, 0.5, 2], [-0.2, 0.9, -1])

    for score in ON_POINTS.values():
        mixed = score(wild, at, ScoreSettings())
        for name, values in score(alone, at, ScoreSettings()).items():
            torch.testing.assert_close(mixed[name][1:], values, rtol=1e-9, atol=0, equal_nan=True)
            assert not mixed[name][0].isfinite(), name
            assert values.isfinite().all() or name in {"naswot", "ntk_condition"}
    assert synflow(wild, None, SynflowSettings())["log_synflow"].isfinite().all()


@pytest.mark.parametrize("name", ON_POINTS)
def test_single_precision_sees_the_same_networks(networks, name):
    """To 1e-3 relative."""
    ensemble = networks((4, 8, 6, 1), Tanh(), 5)
    at = half_square_at(*np.random.default_rng(2).normal(size=(4, 4)).tolist())
    single = LossAt(at.loss, at.points.float(), at.labels.float())

    found, again = (
        ON_POINTS[name](networks_, look, ScoreSettings())
        for networks_, look in ((ensemble, at), (ensemble.to(torch.float32), single))
    )

    for quantity, values in found.items():
        torch.testing.assert_close(again[quantity].double(), values, rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", [*ON_POINTS])
def test_scores_leave_networks_and_points_as_they_were(networks, name):
    """And ask nobody's parameters for gradients."""
    ensemble = networks((3, 5, 4, 1), Tanh(), 3)
    at = half_square_at([0.3, -1, 0.1], [1, 0.5, 2])
    before = ensemble.parameters.clone()

    for values in ON_POINTS[name](ensemble, at, ScoreSettings()).values():
        assert not values.requires_grad

    assert torch.equal(ensemble.parameters, before)
    assert not ensemble.parameters.requires_grad
    assert not at.points.requires_grad

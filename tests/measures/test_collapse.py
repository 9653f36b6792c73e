"""Collapse to Constant: networks built to collapse in a known way, and laws that hold for random ones."""

import pytest
import torch

from suite.catalog.activations import Abs, Identity, Relu, Tanh
from suite.catalog.initializations import Critical, He, Variance
from suite.catalog.measures.collapse import CollapseSettings
from suite.measures.collapse import collapse, inspect_layers
from suite.native.build import library
from suite.nets import compiled
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain
from suite.theory.mean_field import output_variance
from suite.theory.options import output_variance_with

WAYS = ("death", "bias", "norm", "angle")


def measure(ensemble, threshold=0.1, step=1 / 8):
    sample = sample_domain(ensemble.widths[0], step, 8, 3)
    return collapse(ensemble, sample, CollapseSettings(step=step, threshold=threshold))


def verdicts(found):
    """Criteria and ways that hold of a single draw."""
    held = [name for name, value in found.items() if name.startswith("collapse") and value.item()]
    return {name.removeprefix("collapsed_").removeprefix("collapse_by_") for name in held}


def test_a_healthy_network_has_not_collapsed(by_hand):
    """f = x on a segment."""
    found = measure(by_hand((1, 1, 1), Identity(), [1.0, 0, 1, 0]))

    assert verdicts(found) == set()


def test_std_and_rms_are_those_of_the_outputs_over_the_domain(by_hand):
    """f = 3 x + 4 on 17 points, whose x has variance 3/8: by hand."""
    found = measure(by_hand((1, 1, 1), Identity(), [3.0, 0, 1, 4]))

    variance = 9 * sum((k / 8) ** 2 for k in range(-8, 9)) / 17
    assert found["output_std"].item() == pytest.approx(variance**0.5, rel=1e-12)
    assert found["output_rms"].item() == pytest.approx((variance + 16) ** 0.5, rel=1e-12)


def test_a_dead_layer_is_exact_collapse_by_death(by_hand):
    """relu(x - 2) = 0; what later biases add is constant."""
    found = measure(by_hand((1, 1, 1, 1), Relu(), [1.0, -2, 1, 0.5, 1, 0.25]))

    assert verdicts(found) == {"relative", "absolute", "exact", "death"}
    assert found["output_rms"].item() == 0.75


def test_a_dead_layer_whose_output_is_0_is_exact_collapse_by_death(by_hand):
    """0 is as constant as any number."""
    assert verdicts(measure(by_hand((1, 1, 1), Relu(), [1.0, -2, 1, 0]))) == {"relative", "absolute", "exact", "death"}


def test_a_huge_bias_is_collapse_by_bias(by_hand):
    """|x / 20 + 10| hardly varies, and no layer is constant."""
    found = measure(by_hand((1, 1, 1), Abs(), [0.05, 10, 1, 0]))

    assert verdicts(found) == {"relative", "absolute", "bias"}


def test_a_huge_bias_in_a_later_layer_counts_too(by_hand):
    """The second of two."""
    found = measure(by_hand((1, 1, 1, 1), Abs(), [1.0, 0, 1, 100, 1, 0]), threshold=0.1)

    assert "bias" in verdicts(found)


def test_shrunken_weights_without_biases_are_collapse_by_norm(by_hand):
    """x / 10,000 varies against its own size, not against the one predicted for weights of variance 1."""
    found = measure(by_hand((1, 1, 1), Identity(), [1e-4, 0, 1, 0]))

    assert verdicts(found) == {"absolute", "norm"}


def test_nearly_parallel_hidden_vectors_are_collapse_by_angle(by_hand):
    """A readout that cancels all but the constant part of live units: 1 + x / 50, without large biases.

    Units relu(x + 1) and relu(1 - x) vary by more than a tenth of their biases; their sum is 2.
    """
    found = measure(by_hand((1, 2, 1), Relu(), [1.0, -1, 1, 1, 0.51, 0.49, 0]))

    assert verdicts(found) == {"relative", "absolute", "angle"}


def test_death_is_named_before_biases(by_hand):
    """relu(x / 20 - 10) is both dead and ruled by its bias."""
    assert verdicts(measure(by_hand((1, 1, 1), Relu(), [0.05, -10, 1, 1]))) >= {"exact", "death"}
    assert "bias" not in verdicts(measure(by_hand((1, 1, 1), Relu(), [0.05, -10, 1, 1])))


@pytest.mark.parametrize("threshold", [0.05, 0.2])
def test_the_threshold_decides(by_hand, threshold):
    """f = 1 + s x with std / rms on either side of tau."""
    rows = [[share, 0.0, 1.0, 1.0] for share in torch.linspace(0.01, 0.6, 60).tolist()]
    found = measure(by_hand((1, 1, 1), Identity(), *rows), threshold=threshold)

    relative = found["output_std"] <= threshold * found["output_rms"]
    assert found["collapsed_relative"].tolist() == relative.double().tolist()
    assert 0 < relative.sum() < 60


def test_absolute_collapse_is_judged_by_the_scale_that_the_variance_map_predicts(by_hand):
    """Identity with sigma_w^2 = 4: q = 16 E x^2, so f = s x collapses where s <= 0.1 * 4."""
    rows = [[share, 0.0, 1.0, 0.0] for share in (0.3, 0.39, 0.41, 0.5)]
    found = measure(by_hand((1, 1, 1), Identity(), *rows, variances=(4.0, 0.0)))

    assert found["collapsed_absolute"].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("activation", "scheme", "widths", "draws"),
    [
        (Relu(), He(bias_std=0.2), (2, 200, 200, 1), 500),
        (Tanh(), Variance(weight_variance=2.0, bias_variance=0.1), (2, 200, 200, 1), 500),
        (Abs(), Critical(), (3, 200, 200, 1), 500),
    ],
    ids=lambda value: getattr(value, "label", str(value)),
)
def test_the_predicted_variance_is_that_of_wide_networks(networks, activation, scheme, widths, draws):
    """The mean over draws of the outputs' mean square over the domain, at width 200.

    Tolerance: 5 standard errors, false-alarm rate 6e-7 each, and 3% for the domain: the map takes its mean
    |x|^2, which is exact for homogeneous activations alone.
    """
    ensemble = networks(widths, activation, draws, scheme)
    points = sample_domain(widths[0], 0.5, 20, 3).points()
    squares = ensemble(points).square().mean((1, 2))

    predicted = output_variance(activation, ensemble.variances, points.square().mean().item())

    error = squares.std() / draws**0.5
    assert abs(squares.mean() - predicted) < 5 * error + 0.03 * predicted
    assert error < 0.08 * predicted


@pytest.fixture
def deep(networks):
    """Deep, narrow ReLU networks, in which every way of collapsing occurs; biases for half of them."""

    def build(bias_std):
        return networks((2, *[6] * 30, 1), Relu(), 400, Critical(bias_std=bias_std))

    return build


@pytest.mark.parametrize("bias_std", [0.0, 0.1, 1.0])
def test_each_collapsed_draw_went_exactly_one_way(deep, bias_std):
    """The four indicators add to 1 on draws collapsed by any criterion, and to 0 on the others."""
    found = measure(deep(bias_std))

    ways = sum(found[f"collapse_by_{way}"] for way in WAYS)
    collapsed = torch.stack([found[f"collapsed_{by}"] for by in ("relative", "absolute", "exact")]).amax(0)
    assert torch.equal(ways, collapsed)
    assert 0.2 < collapsed.mean() <= 1


@pytest.mark.parametrize("bias_std", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("precision", [torch.float64, torch.float32], ids=str)
def test_death_is_exact_collapse(deep, bias_std, precision):
    """Even where the rounding of later layers differs between points, in either precision."""
    ensemble = deep(bias_std).to(precision)
    sample = sample_domain(2, 1 / 16, 0, 0).to(precision, "cpu")

    found = collapse(ensemble, sample, CollapseSettings(step=1 / 16))

    dead = found["collapse_by_death"] > 0
    assert 0 < dead.double().mean() < 1
    assert found["collapsed_exact"][dead].all()
    assert found["collapsed_relative"][dead].all()


def test_without_biases_the_relative_criterion_misses_what_fades_to_0(deep):
    """A homogeneous network of bias 0 is a cone: some draws collapse by norm, none by bias."""
    found = measure(deep(0.0))

    assert not found["collapse_by_bias"].any()
    assert found["collapse_by_norm"].sum() > 5
    assert not (found["collapse_by_norm"] * found["collapsed_relative"]).any()


def test_deeper_networks_collapse_more_often(networks):
    """Width 6: depths 2 and 30 differ by far more than sampling error (300 draws each, 0.03 at most)."""
    shallow, far = (measure(networks((2, *[6] * depth, 1), Relu(), 300)) for depth in (2, 30))

    assert far["collapsed_relative"].mean() > shallow["collapsed_relative"].mean() + 0.3


def test_points_in_chunks_give_the_same_verdicts(deep, monkeypatch):
    """289 points, 64 at a time."""
    ensemble = deep(0.1)
    whole = measure(ensemble)
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)

    for name, value in measure(ensemble).items():
        torch.testing.assert_close(value, whole[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("bias_std", [0.0, 0.1, 1.0])
def test_a_layer_that_is_constant_on_the_coarser_sample_is_so_on_all_points(deep, bias_std):
    """Death, which is looked for at 81 points, is what all 1,089 say, in every one of the collapsed draws."""
    ensemble, sample = deep(bias_std), sample_domain(2, 1 / 16, 0, 0)
    hidden = [h.clone() for h in ensemble.walk(sample.points())][:-1]
    dead = torch.stack([(h.amax(2) == h.amin(2)).all(1) for h in hidden]).any(0)

    found = collapse(ensemble, sample, CollapseSettings(step=1 / 16))

    assert 0 < dead.double().mean() < 1
    assert torch.equal(found["collapse_by_death"] > 0, dead)


def test_several_outputs_count_together(by_hand):
    """std and rms are roots of means over outputs; exact needs all outputs constant."""
    found = measure(by_hand((1, 1, 2), Identity(), [1.0, 0, 0, 1, 5, 0]))

    variance = sum((k / 8) ** 2 for k in range(-8, 9)) / 17
    assert found["output_std"].item() == pytest.approx((variance / 2) ** 0.5, rel=1e-12)
    assert found["output_rms"].item() == pytest.approx(((25 + variance) / 2) ** 0.5, rel=1e-12)
    assert found["collapsed_exact"].item() == 0


def test_collapse_is_judged_draw_by_draw(networks):
    """What other draws do is no matter."""
    ensemble = networks((2, *[4] * 12, 1), Relu(), 40)
    whole = measure(ensemble)

    alone = measure(Ensemble(ensemble.widths, ensemble.activation, ensemble.variances, ensemble.parameters[7:9]))

    for name, value in alone.items():
        torch.testing.assert_close(value, whole[name][7:9], rtol=1e-9, atol=1e-12)


def test_a_residual_layer_whose_own_units_are_dead_has_not_died(by_hand):
    """What it adds is 0, what it carries still varies: f = relu(x + 2) + relu(-1) - 2 = x."""
    rows = [1.0, 2, 0, -1, 1, -2]

    assert "death" in verdicts(measure(by_hand((1, 1, 1, 1), Relu(), rows)))
    assert verdicts(measure(by_hand((1, 1, 1, 1), Relu(), rows, residual=True))) == set()


def test_a_residual_layer_that_is_constant_is_dead(by_hand):
    """The first hidden layer carries nothing from below."""
    found = measure(by_hand((1, 1, 1, 1), Relu(), [1.0, -2, 1, 0.5, 1, 0.25], residual=True))

    assert verdicts(found) == {"relative", "absolute", "exact", "death"}


def test_biases_rule_before_normalization(by_hand):
    """|x / 20 + 10| again: standardized it would vary as much as any, its readout's bias apart."""
    row = [0.05, 10, 1, 0, 1, 100]

    found = measure(by_hand((1, 1, 1), Abs(), row, normalization="batch"))

    assert verdicts(found) == {"relative", "bias"}


@pytest.mark.parametrize(
    "option",
    [{"normalization": "batch"}, {"normalization": "layer"}, {"residual": True}],
    ids=str,
)
def test_the_predicted_variance_knows_of_options(networks, option):
    """The threshold lies where the prediction for the networks' own architecture puts it."""
    ensemble = networks((2, 30, 30, 1), Relu(), 50, **option)
    points = sample_domain(2, 1 / 8, 8, 3).points()
    scheme = (ensemble.variances, points.square().mean().item(), ensemble.normalization, ensemble.residual)
    predicted = output_variance_with(Relu(), *scheme)

    found = measure(ensemble, threshold=0.5)

    assert found["collapsed_absolute"].tolist() == (found["output_std"] <= 0.5 * predicted**0.5).double().tolist()
    assert 0 < found["collapsed_absolute"].sum() < 50


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("residual", [False, True], ids=["direct", "residual"])
def test_options_leave_each_collapsed_draw_one_way(networks, normalization, residual):
    """Deep, narrow networks of any architecture."""
    ensemble = networks((2, *[3] * 12, 1), Relu(), 200, normalization=normalization, residual=residual)

    found = measure(ensemble, threshold=0.5)

    ways = sum(found[f"collapse_by_{way}"] for way in WAYS)
    collapsed = torch.stack([found[f"collapsed_{by}"] for by in ("relative", "absolute", "exact")]).amax(0)
    assert torch.equal(ways, collapsed)
    assert collapsed.any()


def test_a_zero_readout_is_no_collapse_by_angle(by_hand):
    """Hidden vectors differ: an output of 0 has lost its norm, and one of 1 consists of the readout's bias."""
    faded = measure(by_hand((1, 1, 1), Identity(), [1.0, 0.5, 0, 0]))
    biased = measure(by_hand((1, 1, 1), Identity(), [1.0, 0.5, 0, 1.0]))

    assert verdicts(faded) == {"relative", "absolute", "exact", "norm"}
    assert verdicts(biased) == {"relative", "absolute", "exact", "bias"}


def test_a_network_whose_outputs_are_not_finite_is_undecided(by_hand):
    """Weights of 1e200 in two layers: neither collapsed nor not."""
    found = measure(by_hand((1, 1, 1), Identity(), [1e200, 0, 1e200, 0]))

    assert all(value.isnan().all() for name, value in found.items() if name.startswith("collapse"))


@pytest.mark.skipif(library() is None, reason="there are no compiled kernels")
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize(("widths", "draws"), [((2, 7, 7, 3, 1), 9), ((1, 1, 1), 1), ((3, 5, 13, 2), 4)])
@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.label)
def test_kernels_inspect_layers_as_torch_does(networks, activation, widths, draws, normalization, residual):
    """Norms to 1e-11; the first network is dead: its first layer is constant, and so are all that follow."""
    ensemble = networks(widths, activation, draws, normalization=normalization, residual=residual)
    ensemble.parameters[0, : widths[0] * widths[1]] = 0
    points = sample_domain(widths[0], 1 / 4, 8, 3).coarse_points()

    norms, biases, constant = compiled.inspect_layers(ensemble, points)
    expected_norms, expected_biases, expected_constant = inspect_layers(ensemble, points)

    assert constant[0].all()
    assert torch.equal(constant[1:], expected_constant[1:])  # the readout of the first may differ by rounding in torch
    assert not constant[1:, 0].any() or activation == Relu()
    torch.testing.assert_close(biases, expected_biases, rtol=1e-14, atol=0)
    torch.testing.assert_close(norms[1:], expected_norms[1:], rtol=1e-11, atol=1e-13)
    assert norms[0, 0] == 0

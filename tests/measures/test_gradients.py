"""Gradients at initialization against autograd on the networks one by one; the activation ratio by hand."""

from itertools import pairwise

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from suite.catalog.activations import Abs, Relu, Tanh
from suite.catalog.measures.settings import NoSettings
from suite.catalog.measures.signal import GradientsSettings
from suite.catalog.tasks import Checkerboard
from suite.measures.activation_ratio import activation_ratio
from suite.measures.gradients import gradients
from suite.nets.backward import Backpropagation
from suite.nets.ensemble import layer_views
from suite.nets.losses import HALF_SQUARE, LossAt
from suite.nets.sample import sample_domain
from suite.training.tasks import make_data

PHI = {"relu": torch.relu, "tanh": torch.tanh, "abs": torch.abs}


def one_by_one(ensemble, inputs, labels, loss):
    """rms over points of |d loss_i / d x_i|, and the gradient's norm by layer, network after network."""
    by_input, by_layer = [], []
    phi = PHI[ensemble.activation.name]
    for row, points, marks in zip(ensemble.parameters, inputs, labels, strict=True):
        parts, place = [], 0
        for fan_in, fan_out in pairwise(ensemble.widths):
            for shape in ((fan_out, fan_in), (fan_out, 1)):
                size = shape[0] * shape[1]
                parts.append(row[place : place + size].view(shape).clone().requires_grad_())
                place += size
        x = points.clone().requires_grad_()
        h = x
        for weight, bias in zip(parts[:-2:2], parts[1:-2:2], strict=True):
            h = phi(weight @ h + bias)
        value = loss(parts[-2] @ h + parts[-1], marks)
        *found, pulled = torch.autograd.grad(value, [*parts, x])
        of_points = pulled * points.shape[1]  # each point alone, not its share of the mean
        by_input.append(of_points.square().sum(0).mean().sqrt())
        pairs = zip(found[::2], found[1::2], strict=True)
        by_layer.append(torch.stack([torch.cat([w.flatten(), b.flatten()]).norm() for w, b in pairs]))
    return torch.stack(by_input), torch.stack(by_layer)


@pytest.mark.parametrize("activation", [Relu(), Abs(), Tanh()], ids=lambda activation: activation.label)
@pytest.mark.parametrize("widths", [(2, 5, 1), (2, 6, 4, 5, 1)], ids=str)
def test_gradients_of_the_training_loss_are_autograds(networks, activation, widths):
    """Cross-entropy on a checkerboard of each draw's own."""
    ensemble = networks(widths, activation, 5)
    data = make_data(Checkerboard(squares=4, train=40, test=1), 1, 0, 5, torch.float64)
    expected = one_by_one(ensemble, data.train.inputs, data.train.labels, binary_cross_entropy_with_logits)

    found = gradients(ensemble, LossAt(data.loss, data.train.inputs, data.train.labels), GradientsSettings())

    torch.testing.assert_close(found["input_gradient"], expected[0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found["parameter_gradient"], expected[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("widths", [(2, 5, 1), (3, 4, 6, 2)], ids=str)
def test_without_training_the_loss_is_half_the_mean_square(networks, widths):
    """On points of the domain that all draws share, over one output or two."""
    ensemble = networks(widths, Relu(), 4)
    points = sample_domain(widths[0], 0.5, 5, 1).points()
    labels = points.new_zeros(widths[-1], points.shape[1])
    expected = one_by_one(
        ensemble, points.expand(4, -1, -1), labels.expand(4, -1, -1), lambda f, _: f.square().mean() / 2
    )

    found = gradients(ensemble, LossAt(HALF_SQUARE, points, labels), GradientsSettings())

    torch.testing.assert_close(found["input_gradient"], expected[0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(found["parameter_gradient"], expected[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("normalization", "residual"), [("none", True), ("layer", False), ("layer", True)])
def test_input_gradients_of_options_are_quotients_of_differences(networks, normalization, residual):
    """Of each point's own loss, f^2 / 2, by each input: central differences, good to 1e-7 or so."""
    ensemble = networks((2, 6, 5, 1), Tanh(), 4, normalization=normalization, residual=residual)
    points, step = sample_domain(2, 0.5, 0, 0).points(), 1e-5
    shifts = step * torch.eye(2, dtype=torch.float64)[:, :, None]
    ahead, behind = (ensemble(points + shift)[:, 0].square() / 2 for shift in (shifts[0], -shifts[0]))
    above, below = (ensemble(points + shift)[:, 0].square() / 2 for shift in (shifts[1], -shifts[1]))
    squares = (ahead - behind).square() + (above - below).square()

    found = gradients(ensemble, LossAt(HALF_SQUARE, points, torch.zeros_like(points[:1])), GradientsSettings())

    torch.testing.assert_close(found["input_gradient"], squares.mean(1).sqrt() / (2 * step), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_a_layers_gains_and_shifts_are_among_its_parameters(networks, normalization):
    """A hidden layer's gradient has all four parts, the readout's two."""
    ensemble = networks((2, 6, 5, 1), Tanh(), 4, normalization=normalization)
    points = sample_domain(2, 0.5, 0, 0).points()
    passes = Backpropagation(ensemble, points.shape[1])
    passes.backward(HALF_SQUARE.gradient(passes.forward(points), points.new_zeros(4, 1, points.shape[1])))
    squares = [
        sum(part.square().sum((1, 2)) for part in layer if part is not None)
        for layer in layer_views(passes.gradient, ensemble.widths, normalized=True)
    ]

    found = gradients(ensemble, LossAt(HALF_SQUARE, points, torch.zeros_like(points[:1])), GradientsSettings())

    torch.testing.assert_close(found["parameter_gradient"], torch.stack(squares, dim=1).sqrt(), rtol=1e-12, atol=0)


def test_points_in_chunks_give_the_same_gradients(networks, monkeypatch):
    """64 of 150 at a time: means over chunks of unequal size."""
    ensemble = networks((2, 6, 5, 1), Tanh(), 3)
    data = make_data(Checkerboard(squares=4, train=150, test=1), 1, 0, 3, torch.float64)
    look = LossAt(data.loss, data.train.inputs, data.train.labels)
    whole = gradients(ensemble, look, GradientsSettings())
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)

    for name, value in gradients(ensemble, look, GradientsSettings()).items():
        torch.testing.assert_close(value, whole[name], rtol=1e-10, atol=1e-13)


def test_a_single_unit_by_hand(by_hand):
    """f = 3 relu(2 x) on x = -1/2, 1/2, 1: f' is 0, 6, 6 and f is 0, 3, 6."""
    ensemble = by_hand((1, 1, 1), Relu(), [2.0, 0, 3, 0])
    points = torch.tensor([[-0.5, 0.5, 1]], dtype=torch.float64)

    found = gradients(ensemble, LossAt(HALF_SQUARE, points, torch.zeros_like(points)), GradientsSettings())

    # By input f f'; by layer 1, means of 3 f x and of 3 f; by the readout, means of f relu(2 x) and of f.
    assert found["input_gradient"].item() == pytest.approx(((18**2 + 36**2) / 3) ** 0.5, rel=1e-12)
    first = ((3 * 3 * 0.5 + 6 * 3 * 1) / 3, (3 * 3 + 6 * 3) / 3)
    readout = ((3 * 1 + 6 * 2) / 3, (3 + 6) / 3)
    norms = [(w**2 + b**2) ** 0.5 for w, b in (first, readout)]
    assert found["parameter_gradient"][0].tolist() == pytest.approx(norms, rel=1e-12)


@pytest.mark.parametrize(
    ("widths", "ratio"), [((2, 10, 1), 10 / 41), ((2, 3, 3, 1), 6 / 25), ((3, 4, 2, 5, 2), 11 / 53)], ids=str
)
def test_the_activation_ratio_of_known_widths(networks, widths, ratio):
    """Hidden units by hand, parameters by hand, the same for each draw."""
    found = activation_ratio(networks(widths, Relu(), 3), None, NoSettings())

    assert found["activation_ratio"].tolist() == [pytest.approx(ratio, rel=1e-12)] * 3


def test_gains_and_shifts_count_in_the_activation_ratio(networks):
    """2 -> 10 -> 1 has 41 weights and biases, and 20 of those."""
    found = activation_ratio(networks((2, 10, 1), Relu(), 1, normalization="batch"), None, NoSettings())

    assert found["activation_ratio"].item() == pytest.approx(10 / 61, rel=1e-12)

"""Forward passes of many networks at once, against the same networks one by one in plain torch."""

import pytest
import torch

from suite.catalog.activations import Elu, LeakyRelu, Relu, Tanh
from tests.catalog.instances import EVERY as EACH

EVERY = [*EACH, LeakyRelu(slope=-0.3), Elu(alpha=0.4)]
OPTIONS = [("none", True), ("batch", False), ("batch", True), ("layer", False), ("layer", True)]
"""All there are of normalization and residual connections, but for neither."""

WIDTHS = [(2, 5, 1), (1, 4, 3, 2), (3, 1, 6, 1, 2), (2, 7, 7, 7, 7, 1)]


def points_for(inputs, points=17, draws=None, seed=1):
    shape = (inputs, points) if draws is None else (draws, inputs, points)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def one_by_one(nets, points):
    many = points.expand(len(nets), *points.shape[-2:])
    return torch.stack([net(part.T).T for net, part in zip(nets, many, strict=True)]).detach()


@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
def test_outputs_are_those_of_the_networks_one_by_one(networks, modules, activation, widths):
    """Mixed widths, width 1, depth 1, with biases in every layer."""
    ensemble, points = networks(widths, activation), points_for(widths[0])

    outputs = ensemble(points)

    torch.testing.assert_close(outputs, one_by_one(modules(ensemble), points), rtol=1e-12, atol=1e-12)


def test_one_draw_is_an_ensemble_of_one(networks, modules):
    """The axis of draws stays, with length 1."""
    ensemble, points = networks((2, 4, 1), Relu(), draws=1), points_for(2)

    assert ensemble(points).shape == (1, 1, 17)
    torch.testing.assert_close(ensemble(points), one_by_one(modules(ensemble), points), rtol=1e-12, atol=1e-12)


def test_each_draw_may_have_points_of_its_own(networks, modules):
    """A leading axis of draws on the points."""
    ensemble, points = networks((2, 5, 3, 1), Tanh()), points_for(2, draws=3)

    torch.testing.assert_close(ensemble(points), one_by_one(modules(ensemble), points), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("draws", [None, 3], ids=["shared", "own"])
def test_points_in_chunks_give_the_same_outputs(networks, monkeypatch, draws):
    """64 points at a time, the last chunk shorter."""
    ensemble, points = networks((2, 5, 3, 1), Relu()), points_for(2, points=150, draws=draws)
    whole = ensemble(points)
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)

    assert [chunk.indices(150)[:2] for chunk in ensemble.chunks(150)] == [(0, 64), (64, 128), (128, 150)]
    torch.testing.assert_close(ensemble(points), whole, rtol=1e-13, atol=1e-13)


def test_points_stay_as_they_were(networks):
    """In-place activations never reach the inputs."""
    ensemble, points = networks((2, 5, 1), Relu()), points_for(2)
    before = points.clone()

    ensemble(points)

    assert torch.equal(points, before)


def test_layers_are_views_of_the_parameters(networks):
    """By row: the weights of layer 1 (out by in), its biases, layer 2 and so on, with nothing left over."""
    ensemble = networks((2, 3, 1), Relu())
    counted = torch.arange(13, dtype=torch.float64).repeat(3, 1)
    ensemble.parameters.copy_(counted)

    first, second = ensemble.layers

    assert first.weight[1].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert first.bias[1].tolist() == [[6], [7], [8]]
    assert second.weight[2].tolist() == [[9, 10, 11]]
    assert second.bias[2].tolist() == [[12]]
    for part in (first.weight, first.bias, second.weight, second.bias):
        part.zero_()
    assert not ensemble.parameters.any()


def test_some_draws_are_the_same_networks(networks):
    """By slice and by mask."""
    ensemble, points = networks((2, 5, 1), Relu(), draws=4), points_for(2)
    outputs = ensemble(points)

    torch.testing.assert_close(ensemble[1:3](points), outputs[1:3])
    mask = torch.tensor([True, False, False, True])
    torch.testing.assert_close(ensemble[mask](points), outputs[mask])


def test_walk_yields_every_hidden_layer_then_the_outputs(networks, modules):
    """Activations after phi, one width after the other."""
    ensemble, points = networks((2, 5, 3, 1), Tanh()), points_for(2)
    nets = modules(ensemble)

    walked = [h.clone() for h in ensemble.walk(points)]

    assert [h.shape[1] for h in walked] == [5, 3, 1]
    for until, h in enumerate(walked, start=1):
        torch.testing.assert_close(h, one_by_one([net[:until] for net in nets], points), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", [Relu(), Tanh()], ids=lambda activation: activation.label)
@pytest.mark.parametrize(("normalization", "residual"), OPTIONS)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("draws", [None, 3], ids=["shared", "own"])
def test_options_are_those_of_torchs_modules(networks, modules, activation, normalization, residual, widths, draws):
    """Every layer and the outputs; layers below may be wider, narrower or as wide."""
    ensemble = networks(widths, activation, normalization=normalization, residual=residual)
    points, nets = points_for(widths[0], draws=draws), modules(ensemble)

    walked = [h.clone() for h in ensemble.walk(points)]

    for until, h in enumerate(walked, start=1):
        torch.testing.assert_close(h, one_by_one([net[:until] for net in nets], points), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(ensemble(points), walked[-1], rtol=1e-12, atol=1e-12)


def test_the_first_hidden_layer_is_never_residual(networks):
    """With one hidden layer nothing is added, whatever the option says."""
    plain, residual = (networks((4, 4, 1), Relu(), residual=taken) for taken in (False, True))

    assert torch.equal(plain(points_for(4)), residual(points_for(4)))


def test_a_residual_layer_adds_the_one_below(networks):
    """Where weights and biases are 0 and phi(0) is 0, nothing else is left."""
    ensemble = networks((2, 5, 5, 1), Relu(), residual=True)
    ensemble.layers[1].weight.zero_()
    ensemble.layers[1].bias.zero_()

    first, second, _ = (h.clone() for h in ensemble.walk(points_for(2)))

    assert torch.equal(second, first)


@pytest.mark.parametrize("residual", [False, True], ids=["direct", "residual"])
def test_points_in_chunks_give_the_same_outputs_under_layer_normalization(networks, monkeypatch, residual):
    """Each point has its own statistics."""
    ensemble = networks((2, 5, 3, 1), Relu(), normalization="layer", residual=residual)
    whole = ensemble(points_for(2, points=150))
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)

    torch.testing.assert_close(ensemble(points_for(2, points=150)), whole, rtol=1e-12, atol=1e-12)


def test_batch_normalization_keeps_its_points_together(networks, monkeypatch):
    """One chunk, however many they are."""
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)
    ensemble = networks((2, 5, 3, 1), Relu(), normalization="batch")

    assert [chunk.indices(150) for chunk in ensemble.chunks(150)] == [(0, 150, 1)]


@pytest.mark.parametrize("residual", [False, True], ids=["direct", "residual"])
def test_other_points_can_be_judged_by_the_statistics_of_the_first(networks, residual):
    """In each layer: the first points come out as if alone, and each of the others as if it were the only one."""
    ensemble = networks((2, 5, 4, 3, 1), Tanh(), normalization="batch", residual=residual)
    training, test = points_for(2, points=20), points_for(2, points=7, seed=5)

    outputs = ensemble(torch.cat([training, test], dim=1), reference=20)

    torch.testing.assert_close(outputs[..., :20], ensemble(training), rtol=1e-11, atol=1e-11)
    for place in range(7):
        single = torch.cat([training, test[:, place : place + 1]], dim=1)
        torch.testing.assert_close(outputs[..., 20 + place], ensemble(single, 20)[..., 20], rtol=1e-11, atol=1e-11)
    assert (outputs[..., 20:] - ensemble(test)).abs().max() > 0.01


def test_a_reference_is_of_batch_normalization_alone(networks):
    """Nothing else looks at other points."""
    for normalization in ("none", "layer"):
        ensemble = networks((2, 5, 3, 1), Tanh(), normalization=normalization)
        assert torch.equal(ensemble(points_for(2), 3), ensemble(points_for(2)))


def test_gains_and_shifts_follow_the_biases_of_hidden_layers(networks):
    """In the flat parameters; the readout has none."""
    ensemble = networks((2, 3, 1), Relu(), normalization="layer")
    ensemble.parameters.copy_(torch.arange(19, dtype=torch.float64).repeat(3, 1))

    first, second = ensemble.layers

    assert first.bias[0].tolist() == [[6], [7], [8]]
    assert first.gain[1].tolist() == [[9], [10], [11]]
    assert first.shift[2].tolist() == [[12], [13], [14]]
    assert second.weight[2].tolist() == [[15, 16, 17]]
    assert second.bias[2].tolist() == [[18]]
    assert (second.gain, second.shift) == (None, None)


def test_plain_networks_are_those_without_options(networks):
    """Neither normalized nor residual; options outlast a change of precision and a choice of draws."""
    assert networks((2, 3, 1), Relu()).plain
    for normalization, residual in OPTIONS:
        ensemble = networks((2, 3, 1), Relu(), normalization=normalization, residual=residual)
        assert not ensemble.plain
        kept = ensemble.to(torch.float32)[1:]
        assert (kept.normalization, kept.residual) == (normalization, residual)


def test_depth_counts_hidden_layers(networks):
    """Two of them between three inputs and one output."""
    assert networks((3, 4, 5, 1), Relu()).depth == 2

"""Forward passes of many networks at once, against the same networks one by one in plain torch."""

import pytest
import torch

from suite.catalog.activations import ACTIVATIONS, Elu, LeakyRelu, Relu, Tanh

EVERY = [entry() for entry in ACTIVATIONS.values()] + [LeakyRelu(slope=-0.3), Elu(alpha=0.4)]
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
    for part in (*first, *second):
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
    for until, h in zip((2, 4, 5), walked, strict=True):
        torch.testing.assert_close(h, one_by_one([net[:until] for net in nets], points), rtol=1e-12, atol=1e-12)


def test_depth_counts_hidden_layers(networks):
    """Two of them between three inputs and one output."""
    assert networks((3, 4, 5, 1), Relu()).depth == 2

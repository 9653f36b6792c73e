"""Dead neurons: networks whose neurons' fate is known, brute force, and autograd's word on what can be revived."""

from itertools import pairwise
from math import sqrt

import pytest
import torch

from suite.catalog.activations import Htanh, LeakyRelu, Relu, SSaw
from suite.catalog.domain import Ball, Box
from suite.nets.death import dead_on_domain, dead_on_points, find_tentative
from suite.nets.ensemble import Ensemble
from suite.nets.sample import sample_domain
from tests.catalog.instances import EVERY

HTANH, SAW = Htanh(linear_region=0.8), SSaw(linear_region=0.6)
FLAT = [activation for activation in EVERY if activation.flat_sides]
flat = pytest.mark.parametrize("activation", FLAT, ids=lambda activation: activation.label)


def by_hand(activation, *layers):
    """One network of (rows of weights, biases) by layer; the readout comes by itself, all ones."""
    rows = [*layers, ([[1.0] * len(layers[-1][1])], [0.0])]
    parameters = [value for weights, biases in rows for part in (*weights, biases) for value in part]
    widths = (len(rows[0][0][0]), *(len(biases) for _, biases in rows))
    variances = ((1.0, 0.0),) * len(rows)
    return Ensemble(widths, activation, variances, torch.tensor([parameters], dtype=torch.float64))


def square(inputs=2, step=0.25):
    return sample_domain(inputs, step, 16, 0)


def fates(ensemble, sample):
    """By layer a letter a neuron: live, tentatively dead, permanently dead; of the first draw."""
    dead = dead_on_domain(ensemble, sample)
    return [
        "".join("L" if not one else "t" if revivable[0] else "p" for one in layer[0].tolist())
        for layer, revivable in zip(dead, find_tentative(dead), strict=True)
    ]


def test_a_dead_first_layer_neuron_is_dead_for_good_and_one_above_live_layers_is_not():
    """Of the second layer's, one is held down by its weight, one by its bias."""
    ensemble = by_hand(
        Relu(),
        ([[1, 0], [0.25, 0.25]], [0, -0.51]),
        ([[1, 0], [-1, 5], [0.5, 0]], [-0.5, -0.1, -0.6]),
        ([[1, 1, 1]], [0]),
    )

    assert fates(ensemble, square()) == ["Lp", "Ltt", "L"]


def test_a_neuron_that_just_reaches_the_flat_sides_end_is_dead():
    """Its largest pre-activation is 0, where ReLU and its slope are still 0; a hair more makes it live."""
    weights = ([[0.25, 0.25], [0.25, 0.25]], [-0.5, -0.5 + 1e-9])

    assert fates(by_hand(Relu(), weights), square()) == ["pL"]


def test_a_wholly_dead_layer_dooms_what_is_below_in_and_just_above_it():
    """Two layers above, live neurons with biases that can change feed it again."""
    live_and_dead = ([[1, 0], [0, 0]], [0.5, -1])
    ensemble = by_hand(Relu(), live_and_dead, live_and_dead, ([[0, 0], [1, 1]], [-1, -9]), *[live_and_dead] * 3)

    assert fates(ensemble, square()) == ["Lp", "Lp", "pp", "Lp", "Lt", "Lt"]


def test_a_dead_last_layer_dooms_all():
    """No gradient comes past it."""
    live_and_dead = ([[1, 0], [0, 0]], [0.5, -1])

    assert fates(by_hand(Relu(), *[live_and_dead] * 3, ([[0, 0]], [-1])), square()) == ["Lp", "Lp", "Lp", "p"]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ("111111", "pttttt"),
        ("011111", "pptttt"),
        ("110111", "pppptt"),
        ("101101", "pppppp"),
        ("111110", "pppppp"),
        ("1", "p"),
        ("0", "p"),
    ],
)
def test_what_is_tentative_follows_from_which_layers_live(live, expected):
    """Layer by layer: whether the layer below it and all from there on have a live neuron."""
    dead = [torch.tensor([[True, layer == "0"]]) for layer in live]

    assert "".join("t" if layer.item() else "p" for layer in find_tentative(dead)) == expected


def test_the_rule_is_applied_draw_by_draw():
    """One draw's dead layer does not doom another's neurons."""
    dead = [torch.tensor([[False, True], [True, True]]), torch.tensor([[False, True], [False, True]])]

    assert [layer.tolist() for layer in find_tentative(dead)] == [[False, False], [True, False]]


def sensitive(ensemble, points, seed=0):
    """Autograd's account of which dead neurons can move, for every network and its own points.

    The loss is a weighted mean of f^2 / 2 over points. A dead neuron can move at once if its pre-activations
    depend on a parameter that the loss has a gradient by.
    """
    weights = torch.rand(points.shape[-1], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    phi = {"relu": torch.relu, "htanh": lambda z: torch.nn.functional.hardtanh(z, -0.8, 0.8)}[ensemble.activation.name]
    found = []
    for row, x in zip(ensemble.parameters, points, strict=True):
        sizes = [size for fans in pairwise(ensemble.widths) for size in (fans[0] * fans[1], fans[1])]
        parts = [part.clone().requires_grad_() for part in row.split(sizes)]
        h, layers = x, []
        for weight, bias in zip(parts[::2], parts[1::2], strict=True):
            layers.append(weight.view(len(bias), -1) @ h + bias[:, None])
            h = phi(layers[-1])
        gradients = torch.autograd.grad((layers[-1].square() * weights).sum(), parts, retain_graph=True)
        moved = [gradient != 0 for gradient in gradients]

        def depends(z, parts=parts, moved=moved):
            slopes = torch.autograd.grad((z * weights).sum(), parts, retain_graph=True, allow_unused=True)
            return any(((s != 0) & m).any().item() for s, m in zip(slopes, moved, strict=True) if s is not None)

        found.append([[depends(z) for z in layer] for layer in layers[:-1]])
    return [torch.tensor(layer) for layer in zip(*found, strict=True)]


@pytest.mark.parametrize("activation", [Relu(), HTANH], ids=lambda activation: activation.label)
def test_at_one_point_dead_neurons_are_tentative_just_where_autograd_can_move_them(networks, activation):
    """Every dead neuron of 80 networks of depth 4, each at a point of its own."""
    ensemble = networks((2, 3, 2, 3, 2, 1), activation, 80, seed=4, biases=1.0)
    points = torch.randn(80, 2, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    dead = dead_on_points(ensemble, points)
    counted = set()
    for layer, revivable, moves in zip(dead, find_tentative(dead), sensitive(ensemble, points), strict=True):
        assert torch.equal(layer & revivable[:, None], layer & moves)
        counted |= set(
            zip(*(part[layer].tolist() for part in (revivable[:, None].expand_as(layer), moves)), strict=True)
        )
    assert counted == {(True, True), (False, False)}


@pytest.mark.parametrize("activation", [Relu(), HTANH], ids=lambda activation: activation.label)
def test_at_many_points_autograd_moves_no_permanently_dead_neuron(networks, activation):
    """What it moves is tentative. The converse may take two steps: live neurons need not be so at the same points."""
    ensemble = networks((2, 2, 2, 2, 2, 1), activation, 60, seed=6, biases=1.5)
    points = torch.randn(60, 2, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    dead = dead_on_points(ensemble, points)
    permanent = moved = 0
    for layer, revivable, moves in zip(dead, find_tentative(dead), sensitive(ensemble, points), strict=True):
        assert not (layer & ~revivable[:, None] & moves).any()
        permanent += int((layer & ~revivable[:, None]).sum())
        moved += int((layer & moves).sum())
    assert permanent > 50
    assert moved > 20


@flat
@pytest.mark.parametrize("half_width", [0.5, 1.7])
def test_on_a_box_the_first_layer_is_decided_by_its_corners(networks, activation, half_width):
    """Where an affine function has its extremes; three inputs have eight."""
    ensemble = networks((3, 8, 4, 1), activation, 40, biases=2.0)
    corners = half_width * torch.cartesian_prod(*[torch.tensor([-1.0, 1.0]).double()] * 3).T
    sample = sample_domain(3, half_width / 2, 3, 0, Box(half_width=half_width))

    first, _ = dead_on_domain(ensemble, sample)

    assert torch.equal(first, dead_on_points(ensemble, corners)[0])
    assert 0 < first.sum() < first.numel()


@flat
@pytest.mark.parametrize("radius", [0.5, 1.7])
def test_on_a_disc_the_first_layer_is_decided_by_its_edge(networks, activation, radius):
    """20,000 points of the circle, off by 1e-8 of the swing at most."""
    ensemble = networks((2, 8, 4, 1), activation, 40, biases=2.0)
    angles = torch.linspace(0, 2 * torch.pi, 20_001, dtype=torch.float64)
    sample = sample_domain(2, radius / 2, 3, 0, Ball(radius=radius))

    first, _ = dead_on_domain(ensemble, sample)

    assert torch.equal(first, dead_on_points(ensemble, radius * torch.stack([angles.cos(), angles.sin()]))[0])
    assert 0 < first.sum() < first.numel()


def test_a_disc_kills_neurons_that_the_square_around_it_does_not():
    """w = (1, 1), b = -1.5: live at the corner, dead on the disc, whose largest w.x is sqrt 2."""
    ensemble = by_hand(Relu(), ([[1, 1], [1, 1]], [-1.5, -1.4]))

    assert fates(ensemble, sample_domain(2, 0.5, 8, 0, Ball())) == ["pL"]
    assert fates(ensemble, square()) == ["LL"]


@flat
def test_later_layers_are_judged_by_the_sample_which_counts_too_many(networks, activation):
    """All that are dead on a finer grid, and some more; no neuron that is live on the coarse one is dead."""
    ensemble = networks((2, 4, 4, 1), activation, 200, biases=1.0)

    _, coarse = dead_on_domain(ensemble, square(step=0.5))
    _, fine = dead_on_domain(ensemble, square(step=1 / 16))

    assert not (fine & ~coarse).any()
    assert coarse.sum() > fine.sum() > 0


@flat
@pytest.mark.parametrize("domain", [Box(half_width=1.3), Ball(radius=1.3)], ids=lambda domain: domain.label)
def test_with_one_input_exact_deaths_are_never_contradicted_by_a_fine_grid(networks, activation, domain):
    """No neuron that is dead by the breakpoints is live on 8,001 points; few are live in between only."""
    ensemble = networks((1, 4, 3, 4, 1), activation, 100, biases=1.5)
    grid = torch.linspace(-1.3, 1.3, 8001, dtype=torch.float64)[None]

    exact = dead_on_domain(ensemble, sample_domain(1, 1.3 / 2, 1, 0, domain))
    sampled = dead_on_points(ensemble, grid)

    for one, other in zip(exact, sampled, strict=True):
        assert not (one & ~other).any()
        assert one.sum() > 10
        assert (other & ~one).sum() <= 0.01 * one.sum()


@pytest.mark.parametrize(
    ("activation", "first", "second"),
    [
        (Relu(), ([[1], [-1]], [-0.3, 0.3]), ([[-1, -1]], [1e-6])),
        (HTANH, ([[-1], [1]], [0.8 + 0.3, 0.8 - 0.3]), ([[1, 1]], [1e-6 - 3 * 0.8])),
        (SAW, ([[1], [-1]], [0.6 - 0.3, 0.6 + 0.3]), ([[1, 1]], [1e-6 - 4 * 0.6])),
    ],
    ids=["relu", "htanh", "s_saw"],
)
def test_a_neuron_that_lives_in_a_sliver_is_found_alive_by_the_breakpoints_only(activation, first, second):
    """A tent that rises 1e-6 above the flat side, at x = 0.3, between two points of the sample.

    The first layer's two neurons meet at a kink there: relu sums up to |x - 0.3|, htanh to 2 a - |x - 0.3|,
    s_saw to 2 a - 2 |x - 0.3|.
    """
    ensemble, sample = by_hand(activation, first, second), square(inputs=1)

    _, exact = dead_on_domain(ensemble, sample)
    _, sampled = dead_on_points(ensemble, sample.points())

    assert not exact.item()
    assert sampled.item()


@pytest.mark.parametrize("half_width", [1.0, sqrt(3), 0.7, 2.3])
def test_without_biases_deaths_are_decided_in_spite_of_rounding(networks, half_width):
    """Then every neuron is a cone: what it does at -1, 0 and 1 it does everywhere.

    A layer's breakpoints all lie at the origin, where rounding must not leave a glimmer of life.
    """
    ensemble = networks((1, 4, 4, 4, 4, 1), Relu(), 500, biases=0.0)
    sample = sample_domain(1, half_width / 16, 1, 0, Box(half_width=half_width))

    exact = dead_on_domain(ensemble, sample)
    by_cone = dead_on_points(ensemble, half_width * torch.tensor([[-1.0, 0.0, 1.0]]).double())

    assert all(torch.equal(one, other) for one, other in zip(exact, by_cone, strict=True))
    assert not exact[0].any()
    assert exact[-1].sum() > 100


@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
def test_neurons_die_under_activations_with_a_flat_side_only(networks, activation, inputs):
    """However far their biases push them; what a dead neuron passes on is one number."""
    ensemble = networks((inputs, 4, 4, 1), activation, 20, biases=10.0)
    sample = square(inputs=inputs)

    dead = dead_on_domain(ensemble, sample)

    assert [layer.shape for layer in dead] == [(20, 4), (20, 4)]
    assert any(layer.any().item() for layer in dead) == bool(activation.flat_sides)
    for layer, hidden in zip(dead, ensemble.walk(sample.points()), strict=False):
        assert (hidden.amax(2) == hidden.amin(2))[layer].all()


def test_a_leaky_rectifier_has_dead_neurons_where_it_leaks_nothing(networks):
    """At slope 0 it is the rectifier."""
    leaky, relu = (networks((2, 4, 4, 1), activation, 30) for activation in (LeakyRelu(slope=0.0), Relu()))

    for one, other in zip(dead_on_domain(leaky, square()), dead_on_domain(relu, square()), strict=True):
        assert torch.equal(one, other)
        assert one.any()


def test_each_draw_may_have_points_of_its_own(networks):
    """As training points are; the same as one draw at a time."""
    ensemble = networks((2, 4, 4, 1), Relu(), 10)
    points = torch.randn(10, 2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    together = dead_on_points(ensemble, points)

    for draw in range(10):
        alone = dead_on_points(ensemble[draw : draw + 1], points[draw])
        assert all(torch.equal(layer[draw : draw + 1], one) for layer, one in zip(together, alone, strict=True))


def test_points_in_chunks_give_the_same_deaths(networks, monkeypatch):
    """64 at a time: a neuron is dead if it is so in all chunks."""
    ensemble = networks((2, 4, 4, 1), Relu(), 50)
    points = square(step=1 / 8).points()
    whole = dead_on_points(ensemble, points)
    monkeypatch.setattr("suite.nets.ensemble.TILE_BYTES", 1)

    assert all(torch.equal(*pair) for pair in zip(dead_on_points(ensemble, points), whole, strict=True))


def test_a_small_memory_gives_the_same_exact_deaths(networks, monkeypatch):
    """A draw at a time."""
    ensemble, sample = networks((1, 4, 4, 1), Relu(), 20), square(inputs=1)
    whole = dead_on_domain(ensemble, sample)
    monkeypatch.setattr("suite.nets.breakpoints.MEMORY", 1)

    assert all(torch.equal(*pair) for pair in zip(dead_on_domain(ensemble, sample), whole, strict=True))

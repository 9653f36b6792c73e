"""Torch's modules as ensembles: the same outputs, or an error that names the layer."""

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import nn

from suite.catalog.activations import Htanh, Sin
from suite.nets.modules import UnsupportedModuleError, ensemble_of

ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.GELU(), nn.SiLU(), nn.Softplus(), nn.Tanh(), nn.Sigmoid(),
    nn.Hardtanh(-0.5, 0.5), nn.Identity(),
]  # fmt: skip


@pytest.fixture
def mlp() -> Callable[..., nn.Sequential]:
    """(hidden layers' other modules, biases) -> two hidden layers of 5 and 4 units, from torch's own draws."""

    def build(*others: Callable[[int], nn.Module], bias: bool = True, seed: int = 0) -> nn.Sequential:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            layers: list[nn.Module] = []
            for fan_in, fan_out in ((3, 5), (5, 4)):
                layers += [nn.Linear(fan_in, fan_out, bias=bias), *(other(fan_out) for other in others)]
            return nn.Sequential(*layers, nn.Linear(4, 2, bias=bias))

    return build


def points() -> torch.Tensor:
    return torch.randn(3, 40, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def outputs(module: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module.double()(points().T).T


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: type(activation).__name__)
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_are_the_modules(mlp, activation, bias):
    """Of every activation of torch's that the catalog has, with biases and without."""
    module = mlp(lambda _: activation, bias=bias)

    ensemble = ensemble_of([module])

    assert ensemble.widths == (3, 5, 4, 2)
    torch.testing.assert_close(ensemble(points())[0], outputs(module), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("normalization", [nn.LayerNorm, nn.BatchNorm1d])
def test_normalized_outputs_are_the_modules(mlp, normalization):
    """With gains and shifts, and of a batch with the statistics of the points at hand; running ones stay."""
    module = mlp(normalization, lambda _: nn.Tanh())
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in module:
            if isinstance(layer, normalization):
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=generator) + 0.5)
                layer.bias.copy_(torch.rand(layer.bias.shape, generator=generator))
    before = {name: values.clone() for name, values in module.state_dict().items()}

    ensemble = ensemble_of([module])

    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())
    assert all(values.dtype == before[name].dtype for name, values in module.state_dict().items())
    torch.testing.assert_close(ensemble(points())[0], outputs(module.train()), rtol=1e-8, atol=1e-8)


def test_modules_of_one_architecture_are_draws(mlp):
    """One after the other, with the variances that all of them have together."""
    modules = [mlp(lambda _: nn.ReLU(), seed=seed) for seed in range(3)]

    ensemble = ensemble_of(modules)

    assert ensemble.draws == 3
    for found, module in zip(ensemble(points()), modules, strict=True):
        torch.testing.assert_close(found, outputs(module))
    square = sum(module[0].weight.detach().square().mean() for module in modules) / 3
    assert ensemble.variances[0][0] == pytest.approx(3 * float(square))


def test_sequences_within_sequences_and_flatten_are_seen_through():
    """As people write them."""
    with torch.random.fork_rng():
        block = nn.Sequential(nn.Linear(3, 3), nn.Hardtanh())
        module = nn.Sequential(nn.Flatten(), block, nn.Sequential(block, nn.Linear(3, 1)))

    ensemble = ensemble_of([module])

    assert (ensemble.widths, ensemble.activation) == ((3, 3, 3, 1), Htanh(linear_region=1.0))


class Sine(nn.Module):
    """Of somebody's own."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sin(z)


def test_modules_of_ones_own_stand_for_the_activation_that_is_named(mlp):
    """And are tried: another activation's outputs would differ."""
    module = mlp(lambda _: Sine())

    torch.testing.assert_close(ensemble_of([module], Sin())(points())[0], outputs(module))
    with pytest.raises(UnsupportedModuleError, match="module 1 computes something else"):
        ensemble_of([module], Htanh(linear_region=1.0))


class Doubled(nn.Sequential):
    """Does something besides."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def _linear(*sizes: int) -> list[nn.Linear]:
    with torch.random.fork_rng():
        return [nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(sizes)]


def _nan() -> nn.Sequential:
    first, last = _linear(2, 3, 1)
    nn.init.constant_(last.weight, float("nan"))
    return nn.Sequential(first, nn.ReLU(), last)


REFUSED = [
    ("not a sequence", Sine, "Sine is no torch.nn.Sequential"),
    ("convolution", lambda: nn.Sequential(nn.Unfold(2), *_linear(2, 3, 1)), "layer 0 (Unfold) comes before the first"),
    ("dropout", lambda: nn.Sequential(_linear(2, 3)[0], nn.Dropout(), *_linear(3, 1)),
     "layer 1 (Dropout) acts at random, and in training alone: take it out"),
    ("two activations", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), nn.Tanh(), *_linear(3, 1)),
     "layer 2 (Tanh) is a second activation after the same Linear"),
    ("normalization late", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), nn.LayerNorm(3), *_linear(3, 1)),
     "layer 2 (LayerNorm) does not come straight after a Linear"),
    ("epsilon", lambda: nn.Sequential(_linear(2, 3)[0], nn.LayerNorm(3, eps=1e-3), nn.ReLU(), *_linear(3, 1)),
     "layer 1 (LayerNorm) has eps 0.001, here it is 1e-05"),
    ("tanh's approximation", lambda: nn.Sequential(_linear(2, 3)[0], nn.GELU("tanh"), *_linear(3, 1)),
     "layer 1 (GELU) is nothing that the suite has (GELU(approximate='tanh'))"),
    ("mixed", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), _linear(3, 3)[0], nn.Tanh(), *_linear(3, 1)),
     "the activation after layer 2 is not that after layer 0"),
    ("normalized in part", lambda: nn.Sequential(
        _linear(2, 3)[0], nn.LayerNorm(3), nn.ReLU(), _linear(3, 3)[0], nn.ReLU(), *_linear(3, 1)),
     "layer 3 is not normalized as layer 0 is"),
    ("no hidden layer", lambda: nn.Sequential(*_linear(2, 1)), "has 1 Linear layers, and so no hidden one"),
    ("something at the end", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), *_linear(3, 1), nn.Sigmoid()),
     "something follows the last Linear (2)"),
    ("widths", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), *_linear(4, 1)), "layer 2 (Linear) does not fit"),
    ("more than its layers", lambda: Doubled(_linear(2, 3)[0], nn.ReLU(), *_linear(3, 1)), "computes something else"),
    ("not finite", _nan, "some parameters are not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "fragment"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_not_supported_is_named(build, fragment):
    """The layer by its place and class, and what is wrong with it."""
    with pytest.raises(UnsupportedModuleError, match=re.escape(fragment)):
        ensemble_of([build()])


def test_modules_must_be_alike(mlp):
    """Or are measured apart."""
    with pytest.raises(UnsupportedModuleError, match="module 2 is not built as the first is"):
        ensemble_of([mlp(lambda _: nn.ReLU()), mlp(lambda _: nn.Tanh())])
    with pytest.raises(UnsupportedModuleError, match="no module to measure"):
        ensemble_of([])


def _with(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), *layers, nn.Linear(4, 1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _with(nn.Dropout(0.5)), "layer 2 (Dropout) acts at random, and in training alone: take it out"),
        (
            lambda: nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 1)),
            "layer 0 (LazyLinear) has no weights yet",
        ),
        (lambda: _with().to("meta"), "layer 0 (Linear) has no numbers, on the meta device: load its weights first"),
        (lambda: _with().to(torch.complex64), "layer 0 (Linear) has weights in torch.complex64: make them real"),
        (lambda: _with(nn.Conv2d(1, 1, 1)), "layer 2 (Conv2d) comes after the activation"),
        (lambda: _with(nn.Tanh()), "layer 2 (Tanh) is a second activation after the same Linear"),
        (lambda: nn.Sequential(nn.Linear(0, 4), nn.ReLU(), nn.Linear(4, 1)), "layer 0 (Linear) is of 0 units to 4"),
    ],
    ids=["dropout", "lazy", "meta", "complex", "convolution", "second activation", "no inputs"],
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
def test_layers_without_numbers_or_of_chance_are_told_by_name(make, said):
    """Each with what to do, and with what is supported."""
    with torch.random.fork_rng():
        module = make()
    with pytest.raises(UnsupportedModuleError) as refused:
        ensemble_of([module])

    assert said in str(refused.value)
    assert "an MLP is Linear" in str(refused.value)

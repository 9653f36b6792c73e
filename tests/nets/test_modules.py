"""Torch's modules as ensembles: the same outputs, or an error that names the layer."""

import re
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from suite.catalog.activations import Htanh, LeakyRelu, Relu, Sin, Softplus, Tanh
from suite.catalog.measures.scores import SynflowSettings
from suite.measures.synflow import synflow
from suite.nets.module_checks import UnsupportedModuleError, rounding_error
from suite.nets.modules import make_ensemble, shared_layer

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


def points(inputs: int = 3) -> torch.Tensor:
    return torch.randn(inputs, 40, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def outputs(module: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module.double()(points().T).T


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: type(activation).__name__)
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_are_the_modules(mlp, activation, bias):
    """Of every activation of torch's that the catalog has, with biases and without."""
    module = mlp(lambda _: activation, bias=bias)

    ensemble = make_ensemble([module])

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

    ensemble = make_ensemble([module])

    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())
    assert all(values.dtype == before[name].dtype for name, values in module.state_dict().items())
    torch.testing.assert_close(ensemble(points())[0], outputs(module.train()), rtol=1e-8, atol=1e-8)


def test_modules_of_one_architecture_are_draws(mlp):
    """One after the other, with the variances that all of them have together."""
    modules = [mlp(lambda _: nn.ReLU(), seed=seed) for seed in range(3)]

    ensemble = make_ensemble(modules)

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

    ensemble = make_ensemble([module])

    assert (ensemble.widths, ensemble.activation) == ((3, 3, 3, 1), Htanh(linear_region=1.0))


class Sine(nn.Module):
    """Of somebody's own."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sin(z)


def test_modules_of_ones_own_stand_for_the_activation_that_is_named(mlp):
    """And are tried: another activation's outputs would differ."""
    module = mlp(lambda _: Sine())

    torch.testing.assert_close(make_ensemble([module], Sin())(points())[0], outputs(module))
    with pytest.raises(UnsupportedModuleError, match=r"layer 1 \(Sine\) computes something else"):
        make_ensemble([module], Htanh(linear_region=1.0))


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
    ("not a sequence", Sine, "expected a torch.nn.Sequential, got Sine"),
    ("convolution", lambda: nn.Sequential(nn.Unfold(2), *_linear(2, 3, 1)), "layer 0 (Unfold) comes before the first"),
    ("dropout", lambda: nn.Sequential(_linear(2, 3)[0], nn.Dropout(), *_linear(3, 1)),
     "layer 1 (Dropout) is random in training mode; call eval() on the network"),
    ("two activations", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), nn.Tanh(), *_linear(3, 1)),
     "layer 2 (Tanh) is a second activation after the same Linear"),
    ("normalization late", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), nn.LayerNorm(3), *_linear(3, 1)),
     "layer 2 (LayerNorm) does not come straight after a Linear"),
    ("epsilon", lambda: nn.Sequential(_linear(2, 3)[0], nn.LayerNorm(3, eps=1e-3), nn.ReLU(), *_linear(3, 1)),
     "layer 1 (LayerNorm) has eps 0.001, expected 1e-05"),
    ("tanh's approximation", lambda: nn.Sequential(_linear(2, 3)[0], nn.GELU("tanh"), *_linear(3, 1)),
     "layer 1 (GELU) is not supported (GELU(approximate='tanh'))"),
    ("mixed", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), _linear(3, 3)[0], nn.Tanh(), *_linear(3, 1)),
     "the activation after layer 2 (Tanh) differs from that after layer 0 (ReLU)"),
    ("normalized in part", lambda: nn.Sequential(
        _linear(2, 3)[0], nn.LayerNorm(3), nn.ReLU(), _linear(3, 3)[0], nn.ReLU(), *_linear(3, 1)),
     "layer 3 is not normalized as layer 0 is"),
    ("no hidden layer", lambda: nn.Sequential(*_linear(2, 1)), "has 1 Linear layers, and so no hidden one"),
    ("something at the end", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), *_linear(3, 1), nn.Sigmoid()),
     "layer 3 (Sigmoid) follows the last Linear (2); measure the network without it"),
    ("widths", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), *_linear(4, 1)), "layer 2 (Linear) does not fit"),
    ("more than its layers", lambda: Doubled(_linear(2, 3)[0], nn.ReLU(), *_linear(3, 1)), "computes something else"),
    ("not finite", _nan, "some parameters are not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "fragment"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_not_supported_is_named(build, fragment):
    """The layer by its place and class, and what is wrong with it."""
    with pytest.raises(UnsupportedModuleError, match=re.escape(fragment)):
        make_ensemble([build()])


def test_modules_must_be_alike(mlp):
    """Or are measured apart."""
    with pytest.raises(UnsupportedModuleError, match="module 2 has another architecture than module 1"):
        make_ensemble([mlp(lambda _: nn.ReLU()), mlp(lambda _: nn.Tanh())])
    with pytest.raises(UnsupportedModuleError, match="no module given"):
        make_ensemble([])


def _with(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), *layers, nn.Linear(4, 1))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _with(nn.Dropout(0.5)), "layer 2 (Dropout) is random in training mode; call eval() on the network"),
        (
            lambda: nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 1)),
            "layer 0 (LazyLinear) has no weights yet",
        ),
        (lambda: _with().to("meta"), "layer 0 (Linear) is on the meta device; load its weights first"),
        (lambda: _with().to(torch.complex64), "layer 0 (Linear) has weights in torch.complex64; convert them to real"),
        (lambda: _with(nn.Conv2d(1, 1, 1)), "layer 2 (Conv2d) comes after the activation"),
        (lambda: _with(nn.Tanh()), "layer 2 (Tanh) is a second activation after the same Linear"),
        (
            lambda: nn.Sequential(nn.Linear(0, 4), nn.ReLU(), nn.Linear(4, 1)),
            "layer 0 (Linear) has 0 inputs and 4 outputs",
        ),
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
        make_ensemble([module])

    assert said in str(refused.value)
    assert "expected a chain of Linear layers" in str(refused.value)


def _hidden(width: int = 8) -> list[nn.Module]:
    return [nn.Linear(2, width), nn.Softplus(), nn.Linear(width, 1)]


def _weight_normed(hooks: bool) -> nn.Sequential:
    first, phi, last = _hidden()
    norm = torch.nn.utils.weight_norm if hooks else torch.nn.utils.parametrizations.weight_norm
    return nn.Sequential(norm(first), phi, last)


def _spectral(hooks: bool) -> nn.Sequential:
    first, phi, last = _hidden()
    norm = torch.nn.utils.spectral_norm if hooks else torch.nn.utils.parametrizations.spectral_norm
    module = nn.Sequential(norm(first), phi, last)
    module(torch.ones(3, 2))  # after a call, the weight of the older form cannot be copied
    return module


def _pruned() -> nn.Sequential:
    first, phi, last = _hidden()
    return nn.Sequential(prune.l1_unstructured(first, "weight", 0.5), phi, last)


class Scaled(nn.Linear):
    """A Linear with a trained scale besides."""

    def __init__(self) -> None:
        super().__init__(2, 8)
        self.scale = nn.Parameter(torch.ones(()))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _weight_normed(hooks=True), "layer 0 (Linear) computes its weights from other parameters (weight_g"),
        (lambda: _weight_normed(hooks=False), "(parametrizations.weight.original0, parametrizations.weight.original1)"),
        (lambda: _spectral(hooks=True), "layer 0 (Linear) computes its weights from other parameters (weight_orig)"),
        (lambda: _spectral(hooks=False), "other parameters (parametrizations.weight.original)"),
        (_pruned, "layer 0 (Linear) computes its weights from other parameters (weight_orig)"),
        (
            lambda: nn.Sequential(Scaled(), *_hidden()[1:]),
            "layer 0 (Scaled) computes its weights from other parameters",
        ),
        (
            lambda: nn.Sequential(nn.Linear(2, 8), nn.PReLU(8), nn.Linear(8, 1)),
            "layer 1 (PReLU) has parameters of its own (weight), which measures would ignore",
        ),
    ],
    ids=["weight_norm, hooks", "weight_norm", "spectral_norm, hooks", "spectral_norm", "pruning", "subclass", "PReLU"],
)
@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
def test_parameters_that_an_ensemble_cannot_hold_are_an_error(make, said):
    """They would neither be counted nor have gradients; the error names the layer and the parameters."""
    with torch.random.fork_rng():
        module = make()

    with pytest.raises(UnsupportedModuleError) as refused:
        make_ensemble([module], LeakyRelu(slope=0.25))

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


class Recorder(nn.Module):
    """A Tanh that keeps what it computed, with its graph."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        self.kept = torch.tanh(z)
        return self.kept


class Locked(nn.Module):
    """A Tanh with a lock, which cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z)


@pytest.mark.parametrize("layer", [Recorder, Locked])
def test_a_layer_that_cannot_be_copied_is_an_error_that_names_it(layer):
    """It is never called itself, since that would change it."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(2, 8), layer(), nn.Linear(8, 1))
    module(torch.ones(3, 2))

    with pytest.raises(UnsupportedModuleError, match=rf"layer 1 \({layer.__name__}\) cannot be copied"):
        make_ensemble([module], Tanh())


def test_hooks_are_not_called():
    """Not those of the whole, of a layer or of an activation; and training statistics stay as they are."""
    seen = []
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), Sine(), nn.Linear(8, 1))
    for part in (module, *module):
        part.register_forward_hook(lambda *_: seen.append("forward"))
        part.register_forward_pre_hook(lambda *_: seen.append("before"))
    before = {name: values.clone() for name, values in module.state_dict().items()}

    make_ensemble([module], Sin())

    assert seen == []
    assert all(torch.equal(before[name], values) for name, values in module.state_dict().items())
    assert module.training


def test_an_activation_is_compared_where_networks_are_evaluated():
    """Softplus with a threshold of 3 is the identity from there on, which standard normal inputs do not reach."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(2, 8), nn.Softplus(threshold=3), nn.Linear(8, 1))
    nn.init.uniform_(module[0].weight, -0.3, 0.3, generator=torch.Generator().manual_seed(0))

    def wide(inputs: int) -> torch.Tensor:
        return 16 * torch.rand(inputs, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 8

    assert make_ensemble([module]).activation == Softplus()
    with pytest.raises(UnsupportedModuleError, match=r"layer 1 \(Softplus\) computes something else"):
        make_ensemble([module], points_of=wide)


@pytest.mark.parametrize("scale", [1.0, 1e300])
def test_networks_that_explode_are_ensembles(scale):
    """300 layers of 256 under N(0, 1), and weights of 1e300: squared outputs overflow, and log_synflow is finite."""
    width, depth = (256, 300) if scale == 1 else (16, 4)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
        module = nn.Sequential(*layers, nn.Linear(width, 1)).double()
    for values in module.parameters():
        nn.init.normal_(values, std=scale, generator=torch.Generator().manual_seed(1))

    ensemble = make_ensemble([module])

    assert not ensemble(points(width)).square().isfinite().any()
    assert torch.isfinite(synflow(ensemble, None, SynflowSettings())["log_synflow"]).all()


def test_a_chaotic_network_is_an_ensemble():
    """64 tanh under N(0, 1), each layer of which doubles rounding: outputs differ by any tolerance, layers do not."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [layer for _ in range(60) for layer in (nn.Linear(64, 64), nn.Tanh())]
        module = nn.Sequential(*layers, nn.Linear(64, 1))
    for values in module.parameters():
        nn.init.normal_(values, generator=torch.Generator().manual_seed(1))

    ensemble = make_ensemble([module])

    assert float(rounding_error(ensemble, points(64))) > 0.1
    with pytest.raises(UnsupportedModuleError, match="layer 1"):
        make_ensemble([nn.Sequential(layers[0], Sine(), module[-1])], Tanh())


def test_a_forward_method_of_the_whole_is_compared_by_what_rounding_can_do():
    """A chaotic network of a class of its own passes, and one that doubles its outputs does not."""

    class Named(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)

    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [layer for _ in range(60) for layer in (nn.Linear(32, 32), nn.Tanh())]
        parts = [*layers, nn.Linear(32, 1)]
        doubled = Doubled(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    for part in parts:
        for values in part.parameters():
            nn.init.normal_(values, generator=torch.Generator().manual_seed(1))

    make_ensemble([Named(*parts)])
    with pytest.raises(UnsupportedModuleError, match="Doubled computes something else"):
        make_ensemble([doubled])


def test_layers_with_the_same_parameters_are_found():
    """Torch counts them once."""
    with torch.random.fork_rng():
        shared = nn.Linear(3, 3)
        module = nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(3, 1))

    assert shared_layer(module) == "2"
    assert shared_layer(module[2:]) is None


class OwnNorm(nn.LayerNorm):
    """A subclass that computes what LayerNorm does."""


class OwnFlatten(nn.Flatten):
    """A subclass that does something else besides."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


class Undefined(nn.Module):
    """ReLU, but nan where ReLU is 0."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.where(z > 0, z, torch.nan)


class Fails(nn.Module):
    """A layer with an error."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        raise KeyError("boom")


class Pair(nn.Sequential):
    """A network that returns two tensors."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        return super().forward(x), x


def _around(
    *middle: nn.Module, first: tuple[nn.Module, ...] = (), kind: type[nn.Sequential] = nn.Sequential
) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(*first, nn.Linear(2, 6), *middle, nn.Linear(6, 1))


def test_a_subclass_of_a_normalization_is_normalization():
    """The ensemble has its gains and shifts."""
    ensemble = make_ensemble([_around(OwnNorm(6), nn.ReLU())])

    assert ensemble.normalization == "layer"


@pytest.mark.parametrize("layer", [nn.Dropout(0.5).eval(), nn.Dropout(0.0), nn.AlphaDropout(0.1).eval(), nn.Identity()])
def test_layers_that_do_nothing_are_ignored(layer):
    """Dropout in eval mode or at p = 0, anywhere."""
    bare, with_it = _around(nn.ReLU()), _around(layer, nn.ReLU(), layer, first=(layer,))

    assert torch.equal(make_ensemble([bare]).parameters, make_ensemble([with_it]).parameters)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _around(nn.ReLU(), first=(OwnFlatten(),)), "layer 0 (OwnFlatten) comes before the first Linear"),
        (lambda: _around(Undefined()), "layer 1 (Undefined) computes something else than the suite"),
        (lambda: _around(Fails()), "layer 1 (Fails) fails (KeyError: 'boom'); correct it"),
        (lambda: _around(nn.ReLU(), kind=Pair), "Pair returns tuple; return a tensor"),
        (lambda: _around(nn.ReLU(), nn.Linear(6, 6)), "layer 2 (none) differs from that after layer 0 (ReLU)"),
    ],
    ids=["flatten", "nan", "error", "tuple", "no activation"],
)
def test_layers_that_compute_something_else_are_errors(make, said):
    """Also where they differ only in what is finite."""
    with torch.random.fork_rng():
        module = make()
    with pytest.raises(UnsupportedModuleError, match=re.escape(said)):
        make_ensemble([module], Relu())


def test_running_statistics_that_are_not_used_are_a_warning():
    """Of batch normalization in eval mode; in training mode, or without such statistics, there is none."""
    trained = _around(nn.BatchNorm1d(6), nn.ReLU()).eval()

    with pytest.warns(UserWarning, match="layer 0 is followed by BatchNorm1d in eval mode"):
        make_ensemble([trained])
    make_ensemble([trained.train()])
    make_ensemble([_around(nn.BatchNorm1d(6, track_running_stats=False), nn.ReLU()).eval()])


def _patched(layer: nn.Module, forward: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    layer.forward = forward  # type: ignore[method-assign]
    return layer


class Own(nn.Sequential):
    """A network with a scale of its own."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * super().forward(x)


class InEval(nn.Module):
    """ReLU in training mode, and something else in eval mode."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.relu(z) if self.training else torch.relu(z) + 1


class Called(nn.ReLU):
    """ReLU whose call does something else."""

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        return 2 * super().__call__(z)


def _buffer(key: str) -> nn.Linear:
    layer = nn.Linear(2, 6)
    values = getattr(layer, key).detach().clone()
    delattr(layer, key)
    layer.register_buffer(key, values)
    return layer


def _tied() -> nn.Sequential:
    first, second, last = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
    del second.weight
    second.weight = first.weight.t()
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _around(_patched(nn.LayerNorm(6), lambda z: z), nn.ReLU()), "layer 0 (LayerNorm) computes something"),
        (lambda: _around(_patched(nn.BatchNorm1d(6), lambda z: z), nn.ReLU()), "(BatchNorm1d) computes something else"),
        (lambda: _around(_patched(nn.Identity(), lambda z: 3 * z), nn.ReLU()), "layer 2 (ReLU) is a second activation"),
        (lambda: _around(_patched(nn.Dropout(), lambda z: 3 * z).eval(), nn.ReLU()), "layer 1 (Dropout)"),
        (lambda: _around(nn.ReLU(), kind=Own), "Own has parameters besides those of its layers (scale)"),
        (lambda: nn.Sequential(_around(nn.ReLU(), kind=Own)), "layer 0 (Own) has parameters besides"),
        (lambda: _around(InEval()).eval(), "layer 1 (InEval) computes something else"),
        (lambda: _around(Called()), "layer 1 (Called) computes something else"),
        (
            lambda: nn.Sequential(_buffer("weight"), nn.ReLU(), nn.Linear(6, 1)),
            "layer 0 (Linear) has a weight that is not",
        ),
        (lambda: nn.Sequential(_buffer("bias"), nn.ReLU(), nn.Linear(6, 1)), "layer 0 (Linear) has a bias that is not"),
        (_tied, "layer 2 (Linear) has a weight that is not a parameter"),
    ],
    ids=[
        "LayerNorm",
        "BatchNorm1d",
        "Identity",
        "Dropout",
        "scale",
        "inner scale",
        "eval",
        "call",
        "weight",
        "bias",
        "tied",
    ],
)
def test_what_a_module_does_besides_its_layers_is_found(make, said):
    """Patched methods, parameters and modes that the ensemble does not have."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = make()

    with pytest.raises(UnsupportedModuleError, match=re.escape(said)):
        make_ensemble([module], Relu())


def test_a_difference_of_one_unit_is_found_beside_a_large_one():
    """Softplus with a threshold of 7 is off by 9e-4 at 7, which another unit's value of 1,000 does not hide."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(1, 2), nn.Softplus(threshold=7), nn.Linear(2, 1))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[2.0], [1.0]]))
        module[0].bias.copy_(torch.tensor([7.0, 1000.0]))

    with pytest.raises(UnsupportedModuleError, match=r"layer 1 \(Softplus\) computes something else"):
        make_ensemble([module])

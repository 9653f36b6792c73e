"""Torch's modules as ensembles: the same outputs, or an error that says what to do."""

import re
import threading
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from suite.catalog.activations import Activation, Htanh, Relu, Sin, Softplus, Tanh
from suite.catalog.measures.scores import SynflowSettings
from suite.measures.synflow import synflow
from suite.nets.ensemble import Ensemble
from suite.nets.module_checks import UnsupportedModuleError, rounding_error
from suite.nets.modules import read_networks
from suite.nets.traced_ensemble import TracedEnsemble

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


def read(module: nn.Module, own: Activation | None = None) -> Ensemble:
    """Return a module as an ensemble, whose batch normalization uses the statistics of the batch."""
    (found,) = read_networks([module], own, statistics="batch")
    return found


def outputs(module: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return module.double()(points().T).T


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: type(activation).__name__)
@pytest.mark.parametrize("bias", [True, False])
def test_outputs_are_the_modules(mlp, activation, bias):
    """Of every activation of torch's that the catalog has, with biases and without."""
    module = mlp(lambda _: activation, bias=bias)

    ensemble = read(module)

    assert not isinstance(ensemble, TracedEnsemble)
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

    ensemble = read(module)

    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())
    assert all(values.dtype == before[name].dtype for name, values in module.state_dict().items())
    torch.testing.assert_close(ensemble(points())[0], outputs(module.train()), rtol=1e-8, atol=1e-8)


def test_each_module_is_an_ensemble_of_one(mlp):
    """With the variances of its own weights."""
    modules = [mlp(lambda _: nn.ReLU(), seed=seed) for seed in range(3)]

    ensembles = read_networks(modules)

    for ensemble, module in zip(ensembles, modules, strict=True):
        assert ensemble.draws == 1
        torch.testing.assert_close(ensemble(points())[0], outputs(module))
        assert ensemble.variances[0][0] == pytest.approx(3 * float(module[0].weight.detach().square().mean()))


def test_sequences_within_sequences_and_flatten_are_seen_through():
    """As people write them."""
    with torch.random.fork_rng():
        block = nn.Sequential(nn.Linear(3, 3), nn.Hardtanh())
        module = nn.Sequential(nn.Flatten(), block, nn.Sequential(block, nn.Linear(3, 1)))

    ensemble = read(module)

    assert (ensemble.widths, ensemble.activation) == ((3, 3, 3, 1), Htanh(linear_region=1.0))


class Sine(nn.Module):
    """Of somebody's own."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sin(z)


def test_modules_of_ones_own_stand_for_the_activation_that_is_named(mlp):
    """And are tried: another activation's outputs would differ."""
    module = mlp(lambda _: Sine())

    torch.testing.assert_close(read(module, Sin())(points())[0], outputs(module))
    with pytest.raises(UnsupportedModuleError, match=r"layer 1 \(Sine\) computes something else"):
        read(module, Htanh(linear_region=1.0))


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


def _running(value: float) -> nn.Sequential:
    module = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1)).eval()
    nn.init.constant_(module[1].running_var, value)
    return module


def _zero_norm() -> nn.Sequential:
    first, phi, last = _hidden()
    module = nn.Sequential(torch.nn.utils.parametrizations.weight_norm(first), phi, last)
    nn.init.zeros_(first.parametrizations.weight.original1)
    return module


def _without_mask() -> nn.Sequential:
    module = _pruned("weight")
    del module[0].weight_mask
    return module


def _make() -> nn.Sequential:
    return _with()


REFUSED = [
    ("a class", lambda: Sine().__class__, "expected a network, got the class Sine; did you mean Sine()?"),
    ("a function", lambda: _make, "expected a network, got the function _make; did you mean _make()?"),
    ("a number", lambda: 3, "expected a torch.nn.Module or a list of (weights, biases, activation), got int"),
    ("no layers", Sine, "the module has no Linear layer; expected a chain of Linear layers"),
    ("unknown layer", lambda: nn.Sequential(nn.Unfold(2), *_linear(2, 3, 1)), "layer 0 (Unfold) is not supported"),
    ("convolution", lambda: _with(nn.Conv2d(1, 1, 1)), "layer 2 (Conv2d) is not supported; expected a chain of Linear"),
    ("dropout", lambda: _with(nn.Dropout(0.5)), "layer 2 (Dropout) is random in training mode; call eval() on"),
    ("no hidden layer", lambda: nn.Sequential(*_linear(2, 1)), "has no activation between its Linear layers"),
    ("widths", lambda: nn.Sequential(_linear(2, 3)[0], nn.ReLU(), *_linear(4, 1)), "layer 2 (Linear) fails (Runtime"),
    ("width of a norm", lambda: _with(nn.LayerNorm(3)), "layer 2 (LayerNorm) fails (RuntimeError: Given norm"),
    ("not finite", _nan, "parameter 2.weight is not finite; initialize it again"),
    ("lazy", lambda: nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 1)), "0.weight has no values yet; call"),
    ("meta", lambda: _with().to("meta"), "parameter 0.weight is on the meta device; load its values"),
    ("complex", lambda: _with().to(torch.complex64), "parameter 0.weight is in torch.complex64; convert it to real"),
    ("TorchScript", lambda: torch.jit.script(_with()), "modules of TorchScript cannot be traced; pass"),
    ("meta buffer", lambda: _with(nn.BatchNorm1d(4, device="meta", affine=False)), "buffer 2.running_mean is on"),
    ("zero norm", _zero_norm, "parameter 0.weight is not finite; initialize it again"),
    ("statistics", lambda: _running(float("nan")), "layer 1 (BatchNorm1d) has running statistics that are not finite"),
    ("no mask", _without_mask, "layer 0 (Linear) cannot compute its weights (AttributeError"),
    ("no inputs", lambda: nn.Sequential(nn.Linear(0, 4), nn.ReLU(), nn.Linear(4, 1)), "layer 0 (Linear) has no inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("build", "fragment"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script. is (deprecated|not supported)")
def test_what_is_not_supported_is_named(build, fragment):
    """The layer or the parameter, and what to do."""
    with torch.random.fork_rng():
        module = build()
    with pytest.raises(UnsupportedModuleError, match=re.escape(fragment)) as refused:
        read_networks([module])
    assert "\n" not in str(refused.value)


def test_modules_must_be_alike(mlp):
    """Or are measured apart."""
    with pytest.raises(UnsupportedModuleError, match="module 2 has another architecture than module 1"):
        read_networks([mlp(lambda _: nn.ReLU()), mlp(lambda _: nn.Tanh())])
    with pytest.raises(UnsupportedModuleError, match="no module given"):
        read_networks([])


def _with(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), *layers, nn.Linear(4, 1))


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


def _pruned(*names: str) -> nn.Sequential:
    first, phi, last = _hidden()
    for name in names:
        prune.random_unstructured(first, name, 0.3)
    return nn.Sequential(first, phi, last)


class Unused(nn.Linear):
    """A Linear with a parameter that it does not use."""

    def __init__(self) -> None:
        super().__init__(2, 8)
        self.scale = nn.Parameter(torch.ones(()))


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


class Keeps(nn.Module):
    """A Tanh that keeps much of what it sees."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("calls", "others", "last"):
            self.register_buffer(name, torch.zeros(()))
        self.number, self.history = 0, []

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.others = self.others + 1
        self.last = z
        self.number += 1
        self.history.append(z)
        self.new = torch.rand(1)
        return torch.tanh(z)


@pytest.mark.parametrize("own", [None, Tanh()])
def test_what_a_module_keeps_stays_as_it_is(own):
    """Buffers that are changed in place or replaced, attributes, lists, and the state of random numbers."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(2, 8), Keeps(), nn.Linear(8, 1))
    keeps = module[1]
    before, state = dict(keeps._buffers), torch.get_rng_state()

    read(module, own)

    assert keeps._buffers == before
    assert (keeps.calls, keeps.number, keeps.history, hasattr(keeps, "new")) == (0, 0, [], False)
    assert torch.equal(torch.get_rng_state(), state)


class Function(nn.Module):
    """A network with a function before its layers."""

    def __init__(self, before, *layers: nn.Module) -> None:
        super().__init__()
        self.layers, self.before = nn.Sequential(*layers), before

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(self.before(self, x))


def test_constants_of_a_forward_method_are_read():
    with torch.random.fork_rng():
        layers = nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)
    module = Function(lambda _, x: 0.5 * x * torch.tensor([2.0, 4.0]), *layers).double()
    torch.testing.assert_close(read(module)(points(2))[0], module(points(2).T).T.detach())


def test_layers_whose_values_are_not_used_do_not_count():
    """As features that a forward method keeps for later."""
    with torch.random.fork_rng():
        layers = nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)

    def keep(module, x):
        module.features = module.layers[0](x)
        return x

    ensemble = read(Function(keep, *layers))
    assert not isinstance(ensemble, TracedEnsemble)
    assert ensemble.parameter_count == 33


@pytest.mark.parametrize("share", ["bias", "gain"])
def test_shared_vectors_count_once(share):
    with torch.random.fork_rng():
        first, second, norm = nn.Linear(2, 4), nn.Linear(4, 4), nn.LayerNorm(4)
        if share == "bias":
            second.bias = first.bias
        norms = (nn.LayerNorm(4), nn.LayerNorm(4)) if share == "bias" else (norm, norm)
        module = nn.Sequential(first, norms[0], nn.Tanh(), second, norms[1], nn.Tanh(), nn.Linear(4, 1))
    assert read(module).parameter_count == sum(values.numel() for values in module.parameters())


def _half_normed() -> nn.Sequential:
    first, phi, last = _hidden()
    return nn.Sequential(torch.nn.utils.parametrizations.weight_norm(first), phi, last).half()


def _pruned_norm(kind: type[nn.Module]) -> nn.Sequential:
    first, phi, last = _hidden()
    norm = kind(8)
    nn.init.uniform_(norm.weight, 1.0, 2.0)
    prune.random_unstructured(norm, "weight", 0.5)
    state = norm.state_dict()
    state["weight_orig"] = state["weight_orig"] * 3
    norm.load_state_dict(state)  # the weight is that of before, until the next call
    return nn.Sequential(first, norm, phi, last)


@pytest.mark.parametrize(
    "make",
    [_half_normed, partial(_pruned_norm, nn.LayerNorm), partial(_pruned_norm, nn.BatchNorm1d)],
    ids=["float16", "pruned LayerNorm", "pruned BatchNorm1d"],
)
def test_computed_weights_are_those_of_the_next_call(make):
    with torch.random.fork_rng():
        module = make()
    found = read(module)(points(2))[0]
    module = module.double()
    torch.testing.assert_close(found, module(points(2).T).T.detach())


def test_the_layer_that_cannot_be_read_is_named():
    """With the key that would say what it is."""

    class Own(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return torch.cumsum(z, 1)

    with torch.random.fork_rng():
        module = nn.Sequential(nn.Sequential(nn.Linear(2, 8), Own()), nn.Linear(8, 1))

    with pytest.raises(UnsupportedModuleError, match=r"cumsum in layer 0\.1 \(Own\) is not .* name as activation$"):
        read(module)


def test_parameters_that_are_not_used_do_not_count():
    with torch.random.fork_rng():
        module = nn.Sequential(Unused(), *_hidden()[1:])
    assert read(module).parameter_count == sum(values.numel() for values in module.parameters()) - 1


def test_points_at_which_nothing_is_finite_are_not_compared():
    """The values before a layer of the user's own overflow."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), Sine(), nn.Linear(8, 1)).double()
    for values in module.parameters():
        nn.init.constant_(values, 1e300)
    nn.init.constant_(module[0].bias, 1e302)
    assert read(module, Tanh()).widths == (2, 8, 8, 1)


def test_a_module_that_cannot_be_copied_is_an_error():
    """It is never called itself, since that could change it. What a layer has computed before does not matter."""
    with torch.random.fork_rng():
        recorder, locked = (nn.Sequential(nn.Linear(2, 8), layer(), nn.Linear(8, 1)) for layer in (Recorder, Locked))
    recorder(torch.ones(3, 2))
    kept = recorder[1].kept

    read(recorder)
    assert recorder[1].kept is kept
    with pytest.raises(UnsupportedModuleError, match=r"Sequential cannot be copied .* '_thread.lock'"):
        read(locked)


def test_hooks_are_not_called():
    """Not those of the whole, of a layer or of an activation; and training statistics stay as they are."""
    seen = []
    with torch.random.fork_rng():
        block = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), Sine())
        module = nn.Sequential(block, nn.Linear(8, 1))
    for part in module.modules():
        part.register_forward_hook(lambda *_: seen.append("forward"))
        part.register_forward_pre_hook(lambda *_: seen.append("before"))
    before = {name: values.clone() for name, values in module.state_dict().items()}

    read(module, Sin())

    assert seen == []
    assert all(torch.equal(before[name], values) for name, values in module.state_dict().items())
    assert module.training


def test_softplus_with_a_threshold_is_no_softplus():
    """With one of 3 it is the identity from there on, which standard normal inputs do not reach."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(2, 8), nn.Softplus(threshold=3), nn.Linear(8, 1)).double()
    wide = 16 * points(2)

    ensemble, plain = read(module), read(nn.Sequential(module[0], nn.Softplus(), module[2]))

    torch.testing.assert_close(ensemble(wide)[0], module(wide.T).T.detach())
    assert isinstance(ensemble, TracedEnsemble)
    assert not isinstance(plain, TracedEnsemble)
    assert plain.activation == Softplus()


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

    ensemble = read(module)

    assert not ensemble(points(width)).square().isfinite().any()
    assert torch.isfinite(synflow(ensemble, None, SynflowSettings())["log_synflow"]).all()


def test_a_chaotic_network_is_an_ensemble():
    """64 tanh under N(0, 1), each layer of which doubles rounding: outputs are compared by what rounding can do."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [layer for _ in range(60) for layer in (nn.Linear(64, 64), nn.Tanh())]
        module = nn.Sequential(*layers, nn.Linear(64, 1))
    for values in module.parameters():
        nn.init.normal_(values, generator=torch.Generator().manual_seed(1))

    ensemble = read(module)

    assert float(rounding_error(ensemble, points(64))) > 0.1
    with pytest.raises(UnsupportedModuleError, match="layer 1"):
        read(nn.Sequential(layers[0], Sine(), module[-1]), Tanh())


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
    ensemble = read(_around(OwnNorm(6), nn.ReLU()))

    assert ensemble.normalization == "layer"


@pytest.mark.parametrize("layer", [nn.Dropout(0.5).eval(), nn.Dropout(0.0), nn.AlphaDropout(0.1).eval(), nn.Identity()])
def test_layers_that_do_nothing_are_ignored(layer):
    """Dropout in eval mode or at p = 0, anywhere."""
    bare, with_it = _around(nn.ReLU()), _around(layer, nn.ReLU(), layer, first=(layer,))

    assert torch.equal(read(bare).parameters, read(with_it).parameters)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: _around(nn.ReLU(), first=(OwnFlatten(),)), "Sequential computes something else than its traced"),
        (lambda: _around(Undefined()), "layer 1 (Undefined) computes something else than relu, which activation="),
        (lambda: _around(InEval()).eval(), "layer 1 (InEval) computes something else"),
        (lambda: _around(Called()), "layer 1 (Called) computes something else"),
        (lambda: _around(Fails()), "layer 1 (Fails) fails (KeyError: 'boom'); correct it"),
        (lambda: _around(nn.ReLU(), kind=Pair), "expected a module with one tensor as its output, got "),
        (lambda: _around(_patched(nn.Identity(), lambda z: 3 * z), nn.ReLU()), "Sequential computes something else"),
        (lambda: _around(_patched(nn.Dropout(), lambda z: 3 * z).eval(), nn.ReLU()), "Sequential computes something"),
    ],
    ids=["flatten", "nan", "eval", "call", "error", "tuple", "Identity", "Dropout"],
)
def test_layers_that_compute_something_else_are_errors(make, said):
    """Also where they differ only in what is finite."""
    with torch.random.fork_rng():
        module = make()
    with pytest.raises(UnsupportedModuleError, match=re.escape(said)):
        read(module, Relu())


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


OTHERS = {
    "two activations": lambda: _with(nn.Tanh()),
    "normalization after the activation": lambda: _with(nn.LayerNorm(4)),
    "epsilon": lambda: nn.Sequential(_linear(2, 4)[0], nn.LayerNorm(4, eps=1e-3), nn.ReLU(), *_linear(4, 1)),
    "tanh's approximation": lambda: nn.Sequential(_linear(2, 4)[0], nn.GELU("tanh"), *_linear(4, 1)),
    "mixed": lambda: _with(nn.Linear(4, 4), nn.Tanh()),
    "normalized in part": lambda: _with(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU()),
    "a factor": lambda: Doubled(_linear(2, 3)[0], nn.ReLU(), *_linear(3, 1)),
    "a layer without activation": lambda: _with(nn.Linear(4, 4)),
    "PReLU": lambda: nn.Sequential(nn.Linear(2, 8), nn.PReLU(8), nn.Linear(8, 1)),
    "another forward of LayerNorm": lambda: _around(_patched(nn.LayerNorm(6), lambda z: z), nn.ReLU(), nn.Tanh()),
    "a scale": lambda: _around(nn.ReLU(), kind=Own),
    "a scale inside": lambda: nn.Sequential(_around(nn.ReLU(), kind=Own)),
    "weights that are a buffer": lambda: nn.Sequential(_buffer("weight"), nn.ReLU(), nn.Linear(6, 1)),
    "biases that are a buffer": lambda: nn.Sequential(_buffer("bias"), nn.ReLU(), nn.Linear(6, 1)),
    "weights of another layer": _tied,
    "weight_norm": lambda: _weight_normed(hooks=False),
    "weight_norm, hooks": lambda: _weight_normed(hooks=True),
    "spectral_norm": lambda: _spectral(hooks=False),
    "spectral_norm, hooks": lambda: _spectral(hooks=True),
    "pruned weights": lambda: _pruned("weight"),
    "pruned twice": lambda: _pruned("weight", "weight", "bias"),
}


@pytest.mark.parametrize("build", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
def test_networks_that_are_no_mlps_are_traced(build):
    """Their outputs are the module's, and they have no exact methods."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = build()

    ensemble = read(module)

    assert isinstance(ensemble, TracedEnsemble)
    with torch.no_grad():
        expected = module.eval()(points(2).T.float()).T  # of float32, since tensors that are no parameters stay so
    torch.testing.assert_close(ensemble(points(2))[0].float(), expected, rtol=1e-4, atol=1e-5)


class LateSoftplus(nn.Module):
    """Softplus that is the identity from 7 on."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return nn.functional.softplus(z, threshold=7)


def test_a_difference_of_one_unit_is_found_beside_a_large_one():
    """Softplus with a threshold of 7 is off by 9e-4 at 7, which another unit's value of 1,000 does not hide."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(1, 2), LateSoftplus(), nn.Linear(2, 1))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[2.0], [1.0]]))
        module[0].bias.copy_(torch.tensor([7.0, 1000.0]))

    with pytest.raises(UnsupportedModuleError, match=r"layer 1 \(LateSoftplus\) computes something else"):
        read(module, Softplus())

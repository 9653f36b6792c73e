"""Tracing: published architectures against plain torch, and what is refused."""

import re
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

import suite
from suite.catalog.activations import Elu, LeakyRelu
from suite.nets.backward import loss_gradients
from suite.nets.losses import CROSS_ENTROPY, HALF_SQUARE, LossAt
from suite.nets.module_checks import UnsupportedModuleError
from suite.nets.traced_ensemble import TracedEnsemble, as_ensemble
from suite.nets.tracing import network_of_arrays, trace_module


class Module(nn.Module):
    """A module of named layers and a forward function."""

    def __init__(self, forward: Callable[..., Tensor], **layers: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.compute = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(self, x)


class Swish(nn.Module):
    """x sigmoid(beta x) with a trainable beta."""

    def __init__(self) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.beta * x)


class Sine(nn.Module):
    """sin(30 x), as in SIREN."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(30 * x)


class Residual(nn.Module):
    """A block that adds its inputs, with a pre-normalization and, optionally, LayerScale."""

    def __init__(self, norm: nn.Module, act: nn.Module, width: int, scaled: bool = False) -> None:
        super().__init__()
        self.norm, self.act = norm, act
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gamma = nn.Parameter(0.1 * torch.ones(width)) if scaled else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.down(self.act(self.up(self.norm(x))))
        return x + (h if self.gamma is None else self.gamma * h)


def _mlp(*widths: int, act: Callable[[], nn.Module] = nn.ReLU, norm: Callable[[int], nn.Module] | None = None):
    layers: list[nn.Module] = []
    for below, width in pairwise(widths[:-1]):
        layers += [nn.Linear(below, width), *([norm(width)] if norm else []), act()]
    return nn.Sequential(*layers, nn.Linear(*widths[-2:]))


def _nerf() -> nn.Module:
    def forward(self, x):
        h = functional.relu(self.b(functional.relu(self.a(x))))
        return self.d(functional.relu(self.c(torch.cat([x, h], dim=-1))))

    return Module(forward, a=nn.Linear(3, 8), b=nn.Linear(8, 8), c=nn.Linear(11, 8), d=nn.Linear(8, 4))


def _dense() -> nn.Module:
    def forward(self, x):
        h = torch.cat([x, self.a(x).relu()], 1)
        h = torch.cat([h, self.b(h).relu()], 1)
        return self.c(h)

    return Module(forward, a=nn.Linear(3, 4), b=nn.Linear(7, 4), c=nn.Linear(11, 2))


def _wide() -> nn.Module:
    return Module(lambda self, x: self.deep(x) + self.wide(x), deep=_mlp(3, 8, 8, 1), wide=nn.Linear(3, 1))


def _shared() -> nn.Module:
    layer = nn.Linear(5, 5)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(5, 2))


def _trained(module: nn.Module) -> nn.Module:
    """Give running statistics other values than those at the start."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            nn.init.normal_(part.weight)
    return module


def _with(build: Callable[[], nn.Module], change: Callable[[nn.Linear], nn.Module]) -> nn.Module:
    module = build()
    for part in list(module.modules()):
        if isinstance(part, nn.Linear):
            change(part)
    return module


def _half_skipped(linear: nn.Module, h: Tensor) -> Tensor:
    return torch.relu(0.5 * h + linear(h))


def _fourier() -> nn.Module:
    """Tancik et al. 2020: sines and cosines of a fixed random matrix."""
    module = Module(
        lambda self, x: self.net(torch.cat([torch.sin(x @ self.matrix), torch.cos(x @ self.matrix)], dim=-1)),
        net=_mlp(10, 8, 2),
    )
    module.register_buffer("matrix", torch.randn(3, 5))
    return module


ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: _mlp(3, 8, 8, 2),
    "functional MNIST example": lambda: Module(
        lambda self, x: self.b(functional.relu(self.a(torch.flatten(x, 1)))), a=nn.Linear(3, 8), b=nn.Linear(8, 4)
    ),
    "MLP-Mixer block": lambda: nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Dropout(0.0), nn.Linear(8, 3)),
    "NeRF": _nerf,
    "SIREN": lambda: _mlp(2, 8, 8, 1, act=Sine),
    "PointNet head": lambda: nn.Sequential(
        nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8), nn.Dropout(0.3), nn.BatchNorm1d(8),
        nn.ReLU(), nn.Linear(8, 4),
    ).eval(),
    "tabular ResNet": lambda: nn.Sequential(
        nn.Linear(3, 6), *(Residual(nn.BatchNorm1d(6), nn.ReLU(), 6) for _ in range(2)), nn.BatchNorm1d(6), nn.ReLU(),
        nn.Linear(6, 2),
    ),
    "SNN": lambda: _mlp(3, 8, 8, 8, 2, act=nn.SELU),
    "DeepSets phi": lambda: _mlp(3, 8, 8, 5, act=nn.ELU),
    "TD3 actor": lambda: Module(lambda self, x: 2.0 * torch.tanh(self.net(x)), net=_mlp(3, 8, 8, 2)),
    "SAC critic": lambda: Module(lambda self, x: self.net(x).squeeze(-1), net=_mlp(5, 8, 8, 1)),
    "DQN with LayerNorm": lambda: _mlp(4, 8, 8, 3, norm=nn.LayerNorm),
    "GAN generator": lambda: nn.Sequential(_mlp(4, 8, 8, 6, act=lambda: nn.LeakyReLU(0.2)), nn.Tanh()),
    "GAN discriminator": lambda: nn.Sequential(_mlp(6, 8, 8, 1, act=lambda: nn.LeakyReLU(0.2)), nn.Sigmoid()),
    "autoencoder": lambda: nn.Sequential(_mlp(6, 8, 2), nn.ReLU(), _mlp(2, 8, 6)),
    "VAE mean head": lambda: Module(
        lambda self, x: self.mean(functional.relu(self.body(x))), body=nn.Linear(6, 8), mean=nn.Linear(8, 2)
    ),
    "wide and deep": _wide,
    "DenseNet-style": _dense,
    "PINN": lambda: _mlp(2, 8, 8, 8, 1, act=nn.Tanh),
    "weight_norm": lambda: _with(lambda: _mlp(3, 8, 8, 2, act=nn.Tanh), parametrizations.weight_norm),
    "old weight_norm": lambda: _with(lambda: _mlp(3, 8, 8, 2), torch.nn.utils.weight_norm),
    "spectral_norm": lambda: _with(
        lambda: _mlp(6, 8, 8, 1, act=lambda: nn.LeakyReLU(0.1)), parametrizations.spectral_norm
    ).eval(),
    "old spectral_norm": lambda: _with(lambda: _mlp(6, 8, 8, 1), torch.nn.utils.spectral_norm).eval(),
    "GPT block": lambda: nn.Sequential(nn.Linear(3, 6), Residual(nn.LayerNorm(6), nn.GELU("tanh"), 6), nn.Linear(6, 2)),
    "RMSNorm with SiLU": lambda: nn.Sequential(
        nn.Linear(3, 6), Residual(nn.RMSNorm(6, eps=1e-6), nn.SiLU(), 6), nn.RMSNorm(6), nn.Linear(6, 2)
    ),
    "shared": _shared,
    "PReLU": lambda: _mlp(3, 8, 8, 2, act=nn.PReLU),
    "PReLU by unit": lambda: _mlp(3, 8, 8, 2, act=lambda: nn.PReLU(8)),
    "Mish": lambda: _mlp(3, 8, 8, 2, act=nn.Mish),
    "Hardswish": lambda: _mlp(3, 8, 8, 2, act=nn.Hardswish),
    "ReLU6": lambda: _mlp(3, 8, 8, 2, act=lambda: nn.ReLU6(inplace=True)),
    "trainable Swish": lambda: _mlp(3, 8, 8, 2, act=Swish),
    "LayerScale": lambda: nn.Sequential(
        nn.Linear(3, 6), Residual(nn.LayerNorm(6), nn.GELU(), 6, scaled=True), nn.Linear(6, 2)
    ),
    "BatchNorm in eval mode": lambda: _trained(_mlp(3, 8, 8, 2, norm=nn.BatchNorm1d)).eval(),
    "BatchNorm in training": lambda: _mlp(3, 8, 8, 2, norm=nn.BatchNorm1d),
    "LayerNorm without gains": lambda: _mlp(
        3, 8, 8, 2, norm=lambda width: nn.LayerNorm(width, eps=1e-3, elementwise_affine=False)
    ),
    "nested": lambda: nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(3, 8), nn.Sequential(nn.Tanh())), nn.Linear(8, 2)
    ),
    "mixed activations": lambda: nn.Sequential(
        nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Softsign(), nn.Linear(8, 2)
    ),
    "no biases": lambda: nn.Sequential(nn.Linear(3, 8, bias=False), nn.CELU(), nn.Linear(8, 2, bias=False)),
    "classifier": lambda: nn.Sequential(_mlp(3, 8, 8, 4), nn.Softmax(dim=-1)),
    "log classifier": lambda: Module(lambda self, x: functional.log_softmax(self.net(x), dim=1), net=_mlp(3, 8, 8, 4)),
    "random Fourier features": _fourier,
    "inputs twice": lambda: Module(lambda self, x: self.net(torch.cat([x, x**2], 1)), net=_mlp(6, 8, 2)),
    "sines and cosines": lambda: Module(
        lambda self, x: self.b(torch.cat([torch.tanh(self.a(torch.cat([x.sin(), x.cos()], dim=-1))), x], -1)),
        a=nn.Linear(6, 8), b=nn.Linear(11, 2),
    ),
    "a factor and none": lambda: Module(
        lambda self, x: self.c(_half_skipped(self.b, torch.relu(self.a(x)))),
        a=nn.Linear(3, 8), b=nn.Linear(8, 8), c=nn.Linear(8, 2),
    ),
    "flattened output": lambda: _mlp(3, 8, 1).append(nn.Flatten(0)),
    "differences": lambda: Module(
        lambda self, x: self.b(torch.sub(torch.tanh(self.a(x)), x, alpha=0.5).add(x, alpha=2) - x * x),
        a=nn.Linear(3, 3), b=nn.Linear(3, 2),
    ),
    "threshold": lambda: Module(
        lambda self, x: self.b(functional.threshold(self.a(x), 0.1, 0.2)), a=nn.Linear(3, 8), b=nn.Linear(8, 2)
    ),
    "one probability": lambda: Module(
        lambda self, x: torch.sigmoid(self.net(x) / 2).squeeze(-1), net=_mlp(3, 8, 1)
    ),
    "parallel": lambda: nn.DataParallel(_mlp(3, 8, 2)),
    "squared ReLU": lambda: Module(
        lambda self, x: self.b(functional.relu(self.a(x)) ** 2), a=nn.Linear(3, 8), b=nn.Linear(8, 2)
    ),
}  # fmt: skip


pytestmark = pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm`")


@pytest.fixture(autouse=True)
def _seeded():
    """Modules are initialized from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(params=ARCHITECTURES)
def module(request, _seeded) -> nn.Module:
    """Each architecture, in float64."""
    return ARCHITECTURES[request.param]().double()


def _points(number: int) -> Tensor:
    return torch.randn(20, number, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def _with_head(network, outputs: Tensor) -> Tensor:
    if network.head_function is not None:
        return network.head_function(outputs, network.parameters)
    heads = {"softmax": torch.softmax, "log_softmax": torch.log_softmax}
    return heads[network.head.lower()](outputs, 1) if network.head.lower() in heads else outputs


def test_outputs_are_the_modules(module):
    """To rounding, and the module stays as it is."""
    before = deepcopy(module.state_dict())
    network = trace_module(module)
    x = _points(network.inputs)

    found = _with_head(network, network(x.T))[0].T

    assert all(torch.equal(values, before[name]) for name, values in module.state_dict().items())
    torch.testing.assert_close(found, module(x).detach().reshape(found.shape), rtol=1e-9, atol=1e-11)


def test_gradients_and_counts_are_autograds(module):
    """Of mean f^2 / 2, for every parameter and the points."""
    network = trace_module(module)
    if network.derived or network.head:
        pytest.skip("gradients refer to other parameters, or to another output")
    ensemble = as_ensemble(network)
    x = _points(network.inputs)

    gradient, by_input = loss_gradients(ensemble, LossAt(HALF_SQUARE, x.T, torch.zeros(network.outputs, 20).double()))

    x.requires_grad_()
    (module(x).square().mean() / 2).backward()
    own = list(module.parameters())
    assert ensemble.parameter_count == sum(values.numel() for values in own)
    torch.testing.assert_close(gradient.norm(), torch.cat([values.grad.flatten() for values in own]).norm())
    torch.testing.assert_close(by_input[0], (20 * x.grad.square().sum()).sqrt())
    if isinstance(ensemble, TracedEnsemble):
        named = dict(module.named_parameters(remove_duplicate=False))
        parts = gradient[0].split([values[0].numel() for values in network.parameters])
        for name, part in zip(network.names, parts, strict=True):
            torch.testing.assert_close(part, named[name].grad.flatten(), rtol=1e-8, atol=1e-12)


@pytest.mark.filterwarnings("ignore:measures are evaluated before")
@pytest.mark.filterwarnings("ignore:the running statistics")
def test_modules_are_measured(module):
    """Values of every architecture are finite, and output_std is that of the outputs on the points."""
    network = trace_module(module)
    x = _points(network.inputs)

    names = ["v3", "collapse", *([] if network.derived else ["fisher", "ntk", "naswot"])]

    found = suite.measure(module, names, data=x).set_index("quantity").value

    assert found["output_std"] == pytest.approx(float(network(x.T)[0].var(1, correction=0).mean().sqrt()), rel=1e-6)
    assert np.isfinite(found.drop(["collapsed_absolute", "ntk_condition", "naswot"], errors="ignore")).all()


def test_units_that_are_dead_are_those_of_forward_hooks():
    """Different activations by layer: only those of ReLU can die."""
    module = ARCHITECTURES["mixed activations"]().double()
    nn.init.constant_(module[0].bias[:3], -50)
    x, seen = _points(3), []
    module[1].register_forward_hook(lambda _, __, out: seen.append(out.detach()))
    module(x)

    found = suite.measure(module, "dead_neurons", data=x)

    assert list(found[found.quantity == "active"].value) == [int((seen[0] > 0).any(0).sum()), 8, 8]
    assert set(found.method) == {"data points"}


def test_compiled_modules_are_those_that_were_compiled():
    """Without compiling anything."""
    module = ARCHITECTURES["trainable Swish"]()
    compiled = torch.compile(module, backend=_no_compiler)

    pd.testing.assert_frame_equal(suite.measure(compiled, "v3"), suite.measure(module, "v3"))
    suite.initialize_(compiled, seed=0)
    assert torch.equal(module[0].weight, suite.initialize_(ARCHITECTURES["trainable Swish"](), seed=0)[0].weight)


def _no_compiler(*_: object) -> None:
    raise AssertionError("compiled")


def test_labels_and_a_loss_replace_the_mean_square():
    """Cross-entropy on the user's points, as autograd has it."""
    module = ARCHITECTURES["NeRF"]().double()
    x, y = _points(3), torch.arange(20) % 4

    found = suite.measure(module, "grad_norm", data=x, labels=y, loss="cross_entropy")

    functional.cross_entropy(module(x), y).backward()
    expected = torch.cat([values.grad.flatten() for values in module.parameters()]).norm()
    assert found.value[0] == pytest.approx(float(expected), rel=1e-5)
    assert found.attrs["domain"] == "data"
    assert CROSS_ENTROPY.name == "cross_entropy"


def test_arrays_are_networks():
    """Weights (inputs, outputs), as scikit-learn's coefs_."""
    generator = np.random.default_rng(0)
    layers = [
        (generator.normal(size=(3, 5)), generator.normal(size=5), "relu"),
        (generator.normal(size=(5, 2)), None, None),
    ]
    x = generator.normal(size=(7, 3))
    (first, bias, _), (second, _, _) = layers

    found = network_of_arrays(layers)(torch.from_numpy(x.T))[0].T.numpy()

    np.testing.assert_allclose(found, np.maximum(x @ first + bias, 0) @ second)
    assert len(suite.measure(layers, ["v3", "collapse"])) > 3


@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
def test_the_last_activation_of_arrays_is_left_out(last):
    """As that of a module."""
    layers = [(np.ones((3, 5)), np.zeros(5), "relu"), (np.ones((5, 2)), None, last)]

    network = network_of_arrays(layers)

    assert network.head == last
    assert [step.label for step in network.hidden] == ["relu"]
    with pytest.raises(UnsupportedModuleError, match="layer 0: unknown activation 'softmax'"):
        network_of_arrays([(np.ones((3, 5)), None, "softmax"), (np.ones((5, 2)), None, None)])


@pytest.mark.parametrize(("statistics", "mode"), [("batch", True), ("running", False)])
def test_statistics_replace_the_mode(statistics, mode):
    """Those of the batch, or the running ones, in either mode."""
    module = ARCHITECTURES["BatchNorm in eval mode"]().double().train(not mode)
    x = _points(3)

    found = trace_module(module, statistics)(x.T)[0].T

    torch.testing.assert_close(found, deepcopy(module).train(mode)(x).detach())


def test_running_statistics_of_other_points_are_a_warning():
    """Data far from the box."""
    module = ARCHITECTURES["BatchNorm in eval mode"]()
    module[1].running_mean.fill_(100.0)

    with pytest.warns(UserWarning, match="the running statistics of 1 differ"):
        suite.measure(module, "v3")


def test_an_activation_that_is_used_twice_is_one_layer():
    """With a factor and without."""
    assert len(trace_module(ARCHITECTURES["a factor and none"]()).hidden) == 2


@pytest.mark.parametrize(
    ("call", "entry"),
    [
        (lambda h: functional.leaky_relu(h, 0.1), LeakyRelu(slope=0.1)),
        (lambda h: functional.leaky_relu(h, negative_slope=0.2), LeakyRelu(slope=0.2)),
        (functional.elu, Elu(alpha=1.0)),
        (lambda h: functional.elu(h, 2), Elu(alpha=2.0)),
    ],
)
def test_functions_with_a_setting_are_activations_of_the_catalog(call, entry):
    """As the modules of the same names are."""
    net = Module(lambda s, x: s.b(call(s.a(x))), a=nn.Linear(3, 4), b=nn.Linear(4, 2))

    assert [step.entry for step in trace_module(net).hidden] == [entry]


def test_a_factor_before_a_head_is_kept():
    """The head is the Sigmoid alone."""
    network = trace_module(ARCHITECTURES["one probability"]())

    assert network.head == "sigmoid"
    assert network.steps[-1].straight


def test_a_head_is_left_out_with_a_warning():
    """A Softmax at the end."""
    with pytest.warns(UserWarning, match="before the final Softmax"):
        suite.measure(ARCHITECTURES["classifier"](), "v3")


@pytest.mark.parametrize("name", ["weight_norm", "old weight_norm", "spectral_norm"])
def test_weights_that_are_derived_have_no_gradients(name):
    """The error names the layer; measures of outputs are taken."""
    module = ARCHITECTURES[name]()

    assert len(suite.measure(module, "v3")) == 3
    with pytest.raises(ValueError, match=r"snip: 0\.weight is computed from other parameters"):
        suite.measure(module, "snip")


def _branch(self, x):
    return self.a(x) if x.sum() > 0 else self.b(x)


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "convolution": (
        lambda: Module(lambda s, x: s.a(s.c(x)), c=nn.Conv1d(1, 1, 1), a=nn.Linear(3, 2)), "layer c (Conv1d)"
    ),
    "LSTM": (lambda: Module(lambda s, x: s.a(s.c(x)[0]), c=nn.LSTM(3, 4), a=nn.Linear(4, 2)), "layer c (LSTM)"),
    "attention": (
        lambda: Module(lambda s, x: s.a(s.c(x, x, x)[0]), c=nn.MultiheadAttention(3, 1), a=nn.Linear(3, 2)),
        "layer c (MultiheadAttention)",
    ),
    "gate": (
        lambda: Module(
            lambda s, x: s.c(functional.silu(s.a(x)) * s.b(x)), a=nn.Linear(3, 4), b=nn.Linear(3, 4), c=nn.Linear(4, 1)
        ),
        "combines the values of several layers",
    ),
    "control flow": (lambda: Module(_branch, a=nn.Linear(3, 4), b=nn.Linear(3, 4)), "cannot be traced"),
    "dropout": (
        lambda: Module(lambda s, x: s.b(s.d(s.a(x).relu())), a=nn.Linear(3, 4), d=nn.Dropout(), b=nn.Linear(4, 1)),
        "call eval()",
    ),
    "lazy": (lambda: Module(lambda s, x: s.a(x), a=nn.LazyLinear(2)), "no values yet"),
    "no Linear": (lambda: Module(lambda s, x: s.a(x), a=nn.ReLU()), "no Linear"),
    "softmax in the middle": (
        lambda: Module(lambda s, x: s.b(torch.softmax(s.a(x), 1)), a=nn.Linear(3, 4), b=nn.Linear(4, 1)), "softmax"
    ),
    "max over layers": (
        lambda: Module(lambda s, x: torch.maximum(s.a(x), s.b(x)), a=nn.Linear(3, 4), b=nn.Linear(3, 4)),
        "combines the values of several layers",
    ),
    "reshape": (
        lambda: Module(lambda s, x: s.b(s.a(x).reshape(-1, 2)), a=nn.Linear(3, 4), b=nn.Linear(2, 1)),
        "changes the shape",
    ),
    "part of the units": (
        lambda: Module(lambda s, x: s.b(s.a(x)[:, :1] + 1), a=nn.Linear(3, 4), b=nn.Linear(1, 2)),
        "takes a shape, or a part of the units",
    ),
    "keyword": (
        lambda: Module(lambda s, x: s.b(torch.relu(input=s.a(x))), a=nn.Linear(3, 4), b=nn.Linear(4, 2)),
        "takes a tensor by a keyword",
    ),
    "product with a parameter": (
        lambda: Module(lambda s, x: s.a(x @ s.w), w=nn.Parameter(torch.ones(3, 3)), a=nn.Linear(3, 2)),
        "multiplies by a parameter",
    ),
    "two inputs": (lambda: nn.Bilinear(3, 3, 2), "one input, got 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_other_modules_are_refused(name):
    """The error names the layer or says what is wrong."""
    build, said = REFUSED[name]

    with pytest.raises(UnsupportedModuleError, match=re.escape(said)):
        suite.measure(build(), "v3")

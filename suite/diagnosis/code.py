"""The PyTorch code that builds a network."""

from itertools import groupby

import torch
from torch import nn

from suite.nets.export import activation_module
from suite.nets.torch_layers import ELEMENTWISE_MODULES
from suite.nets.traced import Add, Affine, Elementwise, Normalize, TracedNetwork

_RESIDUAL = """class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, h):
        return h + self.layers(h)

"""

_NORMALIZATIONS = {"batch": "nn.BatchNorm1d", "layer": "nn.LayerNorm", "rms": "nn.RMSNorm"}
_MODULES = {kind.__name__.lower(): kind for kind in ELEMENTWISE_MODULES - {nn.Threshold}}
"""Torch's activations without arguments by their names in lower case."""

_HEADS = {
    "softmax": "nn.Softmax(dim=1)",
    "logsoftmax": "nn.LogSoftmax(dim=1)",
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
}


def build_code(network: TracedNetwork) -> str | None:
    """Return the lines of PyTorch that build a network as `net`, with weights of PyTorch's default initialization.

    Returns:
        The lines; None if a step has no module of torch, or the network is more than a chain with residual sums.
    """
    weights = [step.weight for step in network.linears]
    if len(set(weights)) < len(weights):  # layers share weights
        return None
    chains: list[tuple[str, ...]] = [()]  # the modules of every value, from the inputs on
    for step in network.steps:
        if isinstance(step, Add):
            below, *others = sorted((chains[source] for source in step.sources), key=len)
            if len(others) != 1 or len(others[0]) == len(below) or others[0][: len(below)] != below:
                return None
            (above,) = others
            chains.append((*below, f"Residual({', '.join(above[len(below) :])})"))
            continue
        text = _module(network, step) if len(step.sources) == 1 else None
        if text is None:
            return None
        chains.append((*chains[step.sources[0]], text))
    if network.head:
        if (head := _HEADS.get(network.head.replace("_", "").lower())) is None:
            return None
        chains.append((*chains[-1], head))
    if network.squeezed:
        chains.append((*chains[-1], "nn.Flatten(0)"))
    used = "Residual(" in "".join(chains[-1])
    return f"{_RESIDUAL if used else ''}net = nn.Sequential(\n{_format_modules(chains[-1])})"


def _module(network: TracedNetwork, step: object) -> str | None:
    """Return the expression of a module that computes a step."""
    match step:
        case Affine(weight=weight, bias=bias):
            fan_out, fan_in = network.parameters[weight].shape[1:]
            return f"nn.Linear({fan_in}, {fan_out}{'' if bias is not None else ', bias=False'})"
        case Normalize(kind=kind, eps=eps, gain=gain, shift=shift):
            if (gain is None) or (shift is None) != (kind == "rms"):
                return None
            units = network.parameters[gain].shape[1]
            own = f", eps={eps:g}" if eps != 1e-5 or kind == "rms" else ""
            return f"{_NORMALIZATIONS[kind]}({units}{own})"
        case Elementwise():
            return _activation(network, step)
    return None


def _activation(network: TracedNetwork, step: Elementwise) -> str | None:
    """Return the expression of a module of torch that computes an activation without parameters."""
    module = activation_module(step.entry) if step.entry is not None else _module_named(step.label)
    if step.parameters or module is None or not type(module).__module__.startswith("torch.nn."):
        return None
    z = torch.linspace(-8, 8, 65, dtype=torch.float64).expand(1, network.widths[step.sources[0]], -1)
    with torch.no_grad():
        same = torch.allclose(module.eval()(z), step.function(z, network.parameters), rtol=1e-6, atol=1e-9)
    return f"nn.{module}" if same else None


def _module_named(label: str) -> nn.Module | None:
    """Return torch's activation of a name such as `mish` or `LogSigmoid`; None if there is none without arguments."""
    kind = _MODULES.get(label.replace("_", "").lower())
    return kind() if kind is not None else None


def _format_modules(modules: tuple[str, ...]) -> str:
    """Return the modules with one line for each Linear layer and what follows; equal lines are written once."""
    lines: list[list[str]] = []
    for module in modules:
        if not lines or module.startswith(("nn.Linear", "Residual")):
            lines.append([])
        lines[-1].append(module)
    found = ""
    for line, equal in groupby(", ".join(line) for line in lines):
        times = len(list(equal))
        if times < 3:
            found += f"    {line},\n" * times
        else:
            found += f"    *[layer for _ in range({times}) for layer in ({line},)],\n"
    return found

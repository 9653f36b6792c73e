"""The PyTorch code that builds a network."""

from itertools import groupby

import torch
from torch import nn

from suite.catalog.activations import Elu, Htanh, LeakyRelu
from suite.nets.traced import Add, Affine, Elementwise, Normalize, TracedNetwork

_RESIDUAL = """class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, h):
        return h + self.layers(h)

"""

_NORMALIZATIONS = {"batch": "nn.BatchNorm1d", "layer": "nn.LayerNorm", "rms": "nn.RMSNorm"}
_MODULES = {name.lower(): name for name in dir(nn.modules.activation) if name[0].isupper()}
"""Torch's activations by their names in lower case."""

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
            text = _expression(step)
            return text if text and _computes(text, network, step) else None
    return None


def _expression(step: Elementwise) -> str:
    """Return the expression of torch's module for an activation; empty if there is none."""
    match step.entry:
        case None:
            name, arguments = _MODULES.get(step.label.replace("_", "").lower(), ""), ""
        case LeakyRelu(slope=slope):
            name, arguments = "LeakyReLU", f"{slope:g}"
        case Elu(alpha=alpha):
            name, arguments = "ELU", f"{alpha:g}"
        case Htanh(linear_region=region):
            name, arguments = "Hardtanh", f"{-region:g}, {region:g}"
        case entry:
            name, arguments = _MODULES.get(entry.label.lower(), ""), ""
    return f"nn.{name}({arguments})" if name else ""


def _computes(text: str, network: TracedNetwork, step: Elementwise) -> bool:
    """Return whether a module, which this file wrote, computes an activation without parameters."""
    name, _, arguments = text.removeprefix("nn.").removesuffix(")").partition("(")
    kind = getattr(nn, name, None)
    if step.parameters or not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        return False
    try:
        module = kind(*map(float, filter(None, arguments.split(", "))))
        units = network.widths[step.sources[0]]
        z = torch.linspace(-8, 8, 65, dtype=torch.float64).expand(1, units, -1)
        with torch.no_grad():
            return torch.allclose(module.eval()(z), step.function(z, network.parameters), rtol=1e-6, atol=1e-9)
    except (TypeError, RuntimeError, ValueError):
        return False


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

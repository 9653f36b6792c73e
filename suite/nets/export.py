"""Networks as torch modules, and the code that builds, initializes and trains such a module."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from suite.catalog.activations import (
    Activation,
    Elu,
    Gelu,
    Htanh,
    Identity,
    LeakyRelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
)
from suite.catalog.initializations import DataDependent, Distribution, Pytorch
from suite.catalog.optimizers import Optimizer
from suite.catalog.task import Task
from suite.nets.activations import kernel
from suite.nets.ensemble import Ensemble
from suite.spec.members import Member

_MODULES: dict[type[Activation], Callable[[Any], nn.Module]] = {
    Relu: lambda _: nn.ReLU(),
    LeakyRelu: lambda activation: nn.LeakyReLU(activation.slope),
    Elu: lambda activation: nn.ELU(activation.alpha),
    Selu: lambda _: nn.SELU(),
    Gelu: lambda _: nn.GELU(),
    Silu: lambda _: nn.SiLU(),
    Softplus: lambda _: nn.Softplus(),
    Tanh: lambda _: nn.Tanh(),
    Sigmoid: lambda _: nn.Sigmoid(),
    Identity: lambda _: nn.Identity(),
    Htanh: lambda activation: nn.Hardtanh(-activation.linear_region, activation.linear_region),
}
"""Modules of torch that compute an activation of the catalog."""

_LOSSES = {
    "binary_cross_entropy": "nn.BCEWithLogitsLoss()",
    "cross_entropy": "nn.CrossEntropyLoss()",
    "half_square": "lambda outputs, targets: nn.functional.mse_loss(outputs, targets) / 2",
}


_LABELS = {
    "binary_cross_entropy": "classes 0 and 1 as floats (points,)",
    "cross_entropy": "numbers of classes (points,)",
    "half_square": "standardized targets (points, targets)",
}


class _Activation(nn.Module):
    """An activation of the catalog that torch.nn does not have."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, z: Tensor) -> Tensor:
        return kernel(self.activation).phi(z)

    def extra_repr(self) -> str:
        return self.activation.label


def activation_module(activation: Activation) -> nn.Module:
    """Return a torch module that computes an activation."""
    make = _MODULES.get(type(activation))
    return make(activation) if make else _Activation(activation)


def make_module(
    network: Ensemble,
    inputs: tuple[Float[Tensor, " inputs"], Float[Tensor, " inputs"]] | None = None,
    outputs: tuple[Float[Tensor, " outputs"], Float[Tensor, " outputs"]] | None = None,
) -> nn.Sequential:
    """Return one network as a torch module in float32.

    Args:
        network: The network, an ensemble of one draw without normalization and residual connections.
        inputs: Mean and standard deviation by which its inputs are standardized; the first layer then does it.
        outputs: Mean and standard deviation of the targets by which its labels are standardized; the last layer then
            undoes it.

    Raises:
        ValueError: If the network has normalization or residual connections.
    """
    if not network.plain:
        raise ValueError("the network has normalization or residual connections, which no torch.nn.Sequential has")
    layers = [(layer.weight[0].double(), layer.bias[0, :, 0].double()) for layer in network.layers]
    if inputs is not None:
        mean, deviation = (values.double() for values in inputs)
        weight, bias = layers[0]
        layers[0] = weight / deviation, bias - (weight / deviation) @ mean
    if outputs is not None:
        mean, deviation = (values.double() for values in outputs)
        weight, bias = layers[-1]
        layers[-1] = weight * deviation[:, None], bias * deviation + mean
    modules: list[nn.Module] = []
    for number, (weight, bias) in enumerate(layers):
        if number:
            modules.append(activation_module(network.activation))
        sizes = weight.shape[1], weight.shape[0]
        linear = nn.utils.skip_init(nn.Linear, *sizes, device="cpu", dtype=torch.float32)  # draws no random numbers
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        modules.append(linear)
    return nn.Sequential(*modules)


def training_code(member: Member, optimizer: Optimizer, task: Task, steps: int) -> str:
    """Return PyTorch code that builds a member's network, initializes it as the suite does, and trains it.

    The code expects `x`, the standardized inputs (points, inputs), and `y`: the numbers of the classes, as floats if
    there are two, or the targets (points, targets). Empty if torch has no such activation, or for networks with
    normalization or residual connections.
    """
    if type(member.activation) not in _MODULES or not member.plain or (draw := _initialization_code(member)) is None:
        return ""
    activation = f"nn.{activation_module(member.activation)}"
    rule = type(optimizer).function.split(":")[1]
    defaults = type(optimizer).model_fields
    keywords = "".join(
        f", {key}={value:g}" for key, value in optimizer.keywords.items() if value or defaults[key].default
    )
    schedule = _schedule_code(optimizer, steps)
    found = "network(x[rows])" + ("[:, 0]" if task.loss == "binary_cross_entropy" else "")
    lines = [
        f"# x: standardized inputs (points, {member.widths[0]}), y: {_LABELS[task.loss]}",
        *(["import math"] if "math." in schedule else []),
        "import torch",
        "from torch import nn",
        "",
        f"widths = {list(member.widths)}",
        "layers = [nn.Linear(*pair) for pair in zip(widths, widths[1:])]",
        f"network = nn.Sequential(layers[0], *(part for layer in layers[1:] for part in ({activation}, layer)))",
        *draw,
        f"optimizer = torch.optim.{rule}(network.parameters(), lr={optimizer.learning_rate:g}{keywords})",
        *([f"schedule = {schedule}"] if schedule else []),
        f"loss = {_LOSSES[task.loss]}",
        f"for step in range({steps}):",
        f"    rows = torch.randint(len(x), ({optimizer.batch},))",
        "    optimizer.zero_grad()",
        f"    loss({found}, y[rows]).backward()",
        *([f"    nn.utils.clip_grad_norm_(network.parameters(), {optimizer.clip:g})"] if optimizer.clip else []),
        "    optimizer.step()",
        *(["    schedule.step()"] if schedule else []),
    ]
    return "\n".join(lines) + "\n"


def _schedule_code(optimizer: Optimizer, steps: int) -> str:
    """Return the expression of torch's schedule of the learning rate; empty if the rate is constant."""
    warmup, left = optimizer.warmup, steps - optimizer.warmup
    factor = f"(1 + math.cos(math.pi * (step - {warmup}) / {left})) / 2"
    if optimizer.schedule == "constant" or left <= 0:
        factor = "1.0"
    if warmup:
        factor = f"(step + 1) / {warmup} if step < {warmup} else {factor}"
    return "" if factor == "1.0" else f"torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: {factor})"


def _initialization_code(member: Member) -> list[str] | None:
    """Return the lines that initialize `layers`; None if a few lines cannot."""
    scheme = member.initialization
    hidden = member.variances[:-1]
    (weight, bias), readout = hidden[0], member.variances[-1]
    draw_readout = [
        f"nn.init.normal_(layers[-1].weight, std={sqrt(readout[0]):.6g} / layers[-1].in_features**0.5)",
        "nn.init.zeros_(layers[-1].bias)",
    ]
    if isinstance(scheme, Pytorch):
        bound = f"{sqrt(3 * readout[0]):.6g} / layers[-1].in_features**0.5"
        drawn = [f"nn.init.uniform_(layers[-1].weight, -{bound}, {bound})", draw_readout[1]]
        return [] if member.readout_std is None else drawn
    orthogonal = scheme.distribution is Distribution.ORTHOGONAL
    alike = len(set(hidden)) == 1 and (orthogonal or scheme.is_gaussian)
    if not alike or scheme.shaped is not None or isinstance(scheme, DataDependent):
        return None
    draw = f"nn.init.normal_(layer.weight, std={sqrt(weight):.6g} / layer.in_features**0.5)"
    if orthogonal:
        gain = f"{sqrt(weight):.6g} * max(1, layer.out_features / layer.in_features)**0.5"
        draw = f"nn.init.orthogonal_(layer.weight, gain={gain})"
    shift = f"nn.init.normal_(layer.bias, std={sqrt(bias):.6g})" if bias else "nn.init.zeros_(layer.bias)"
    return [
        "for layer in layers[:-1]:",
        f"    {draw}",
        f"    {shift}",
        *draw_readout,
    ]

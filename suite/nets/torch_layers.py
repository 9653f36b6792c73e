"""What the suite knows of torch's own layers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from suite.catalog.activations import (
    ACTIVATIONS,
    Activation,
    Elu,
    Gelu,
    Htanh,
    LeakyRelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Tanh,
)

SUPPORTED = (
    "a chain of Linear layers with activations, BatchNorm1d, LayerNorm, RMSNorm, residual sums and concatenations "
    "between them"
)
"""The modules that can be measured, for messages."""

DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)

_ACTIVATION_OF: dict[type[nn.Module], Callable[[Any], Activation | None]] = {
    nn.ReLU: lambda _: Relu(),
    nn.LeakyReLU: lambda layer: LeakyRelu(slope=float(layer.negative_slope)) if -1 < layer.negative_slope < 1 else None,
    nn.ELU: lambda layer: Elu(alpha=float(layer.alpha)) if layer.alpha > 0 else None,
    nn.SELU: lambda _: Selu(),
    nn.GELU: lambda layer: Gelu() if layer.approximate == "none" else None,
    nn.SiLU: lambda _: Silu(),
    nn.Softplus: lambda layer: Softplus() if layer.beta == 1 else None,
    nn.Tanh: lambda _: Tanh(),
    nn.Sigmoid: lambda _: Sigmoid(),
    nn.Hardtanh: lambda layer: Htanh(linear_region=float(layer.max_val)) if layer.min_val == -layer.max_val else None,
}
"""Activation of the catalog by torch class; None if the catalog has none with the module's settings."""

NORMALIZATIONS = (nn.BatchNorm1d, nn.LayerNorm, nn.RMSNorm)
HEADS = (nn.Softmax, nn.LogSoftmax, nn.Softmin)
"""Layers that may only come last."""

_SOFTPLUS_IS_LINEAR = 20
"""From here on softplus is straight, but for 2e-9 of its value."""


def activation_of_module(layer: nn.Module) -> Activation | None:
    """Return the activation of the catalog that a module computes; None if there is none."""
    if isinstance(layer, nn.Softplus) and layer.threshold < _SOFTPLUS_IS_LINEAR:
        return None  # it is cut off where the catalog's is not straight yet
    return _ACTIVATION_OF[type(layer)](layer) if type(layer) in _ACTIVATION_OF else None


_BY_NAME: dict[str, Callable[..., Activation]] = {
    "relu": Relu,
    "selu": Selu,
    "silu": Silu,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "gelu": Gelu,
    "abs": ACTIVATIONS["abs"],
    "absolute": ACTIVATIONS["abs"],
    "sin": ACTIVATIONS["sin"],
    "erf": ACTIVATIONS["erf"],
}


def is_own_activation(module: nn.Module) -> bool:
    """Return whether a module is of a class of the user's own that may compute an activation."""
    own = not type(module).__module__.startswith("torch.nn.")
    return own and not any(module.children()) and not any(True for _ in module.parameters())


def activation_by_name(name: str, others: Sequence[Any], keys: Mapping[str, Any]) -> Activation | None:
    """Return the activation of the catalog that a function of torch computes; None if there is none.

    Args:
        name: The name of the function.
        others: Its arguments after the first.
        keys: Its keyword arguments.
    """
    plain = name.rstrip("_")
    if plain in _SETTINGS and len(others) + len(keys) <= 1:
        key, default = _SETTINGS[plain]
        value = [*others, *keys.values(), default][0]
        module = nn.LeakyReLU(value) if plain == "leaky_relu" else nn.ELU(value)
        return activation_of_module(module) if isinstance(value, int | float) and set(keys) <= {key} else None
    return _BY_NAME[plain]() if plain in _BY_NAME and not others and not keys else None


_SETTINGS = {"leaky_relu": ("negative_slope", 0.01), "elu": ("alpha", 1.0)}
"""Functions with a setting, its name and its default."""

ELEMENTWISE_MODULES = {
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Softsign,
    nn.Tanh, nn.Sigmoid, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink,
    nn.LogSigmoid, nn.Threshold,
}  # fmt: skip
"""Activations of torch without parameters."""

ELEMENTWISE_FUNCTIONS = {
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "tanh",
    "sigmoid", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "tanhshrink", "logsigmoid",
    "threshold", "floor", "ceil", "round", "frac", "trunc", "reciprocal", "erfc", "log2", "log10", "exp2", "acos",
    "asinh", "acosh", "atanh", "sin", "cos", "tan", "asin", "atan", "sinh", "cosh", "exp", "expm1", "log",
    "log1p", "sqrt", "rsqrt", "abs", "absolute", "square", "pow", "neg", "negative", "erf", "sinc", "sign",
    "clamp", "clamp_min", "clamp_max", "clip", "add", "sub", "subtract", "mul", "multiply", "truediv", "div",
    "divide", "iadd", "imul", "isub", "maximum", "minimum", "where", "gt", "lt", "ge", "le",
}  # fmt: skip
"""Functions of torch that act on each element."""

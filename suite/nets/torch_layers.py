"""What the suite knows of torch's own layers."""

from collections.abc import Callable
from typing import Any

from torch import nn

from suite.catalog.activations import (
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

ACTIVATION_OF: dict[type[nn.Module], Callable[[Any], Activation | None]] = {
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

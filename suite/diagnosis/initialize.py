"""New initial weights for an existing network, layer by layer."""

from math import isfinite, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from suite.diagnosis.weights import activation_of, critical_variance, preserving_variance
from suite.nets.module_checks import UnsupportedModuleError, compare_traced, dropout_off, unwrap
from suite.nets.torch_settings import standard_settings
from suite.nets.traced import Affine, Elementwise, Normalize, TracedNetwork
from suite.nets.tracing import network_of_arrays, trace_module

SCHEMES = ("variance_preserving", "critical", "he", "glorot", "lecun", "orthogonal", "pytorch")
"""The schemes that `initialize_` draws weights by."""

_PRELU = 0.25


def initialize_(net: Any, scheme: str = "variance_preserving", seed: int | None = None) -> Any:
    """Draw new weights and biases for the Linear layers of a network, in place, and return it.

    Weights of hidden layers have the variance sigma_w^2 / fan_in, where sigma_w^2 depends on the scheme and on the
    activation whose outputs the layer takes; in the first layer, on the activation that follows. Their biases are 0.
    The readout has sigma_w^2 = 1. Factors by which the network multiplies a layer's inputs or outputs, such as
    1 / sqrt(fan_in), are divided out. Gains of normalizations become 1, and their shifts 0. `pytorch` draws weights and
    biases as torch.nn.Linear does.

    Args:
        net: A module, or a list of (weights, biases, activation), whose entries are replaced.
        scheme: One of "variance_preserving", "critical", "he", "glorot", "lecun", "orthogonal" and "pytorch". Layers
            whose activation has no edge of chaos get "variance_preserving" in place of "critical".
        seed: The seed. Default: torch's own random numbers.

    Raises:
        UnsupportedModuleError: If the module is not a chain of Linear layers, or computes weights from others.
        ValueError: If there is no such scheme, or the list cannot be changed.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"scheme: expected one of {', '.join(SCHEMES)}, got {scheme!r}")
    with standard_settings(), torch.no_grad(), dropout_off(net):
        if isinstance(net, nn.Module):
            _initialize_module(net, scheme, seed)
        elif isinstance(net, list):
            _initialize_arrays(net, scheme, seed)
        else:
            raise ValueError(f"expected a torch.nn.Module or a list, which can be changed, got {type(net).__name__}")
    return net


def _initialize_module(module: nn.Module, scheme: str, seed: int | None) -> None:
    network = trace_module(module)
    points = torch.randn(network.inputs, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    compare_traced(module, network, points, "mode")
    if network.derived:
        raise UnsupportedModuleError(
            f"{network.derived[0]} is computed from other parameters; initialize it before the parametrization"
        )
    own = dict(unwrap(module).named_parameters(remove_duplicate=False))
    for name, values in zip(network.names, draw_again(network, scheme, _generator(seed)), strict=True):
        own[name].copy_(values[0].reshape(own[name].shape))
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.reset_running_stats()


def _initialize_arrays(layers: list[Any], scheme: str, seed: int | None) -> None:
    network = network_of_arrays(layers)
    new = draw_again(network, scheme, _generator(seed))
    for number, (step, (weights, biases, activation)) in enumerate(zip(network.linears, layers, strict=True)):
        weight = new[step.weight][0].T.numpy().astype(np.asarray(weights).dtype)
        bias = None if step.bias is None else new[step.bias][0, :, 0].numpy().astype(np.asarray(biases).dtype)
        layers[number] = (weight, bias, activation)


def _generator(seed: int | None) -> torch.Generator:
    """Return a generator with a seed, or with one that torch draws."""
    chosen = torch.randint(2**62, ()).item() if seed is None else seed
    return torch.Generator().manual_seed(int(chosen))


def draw_again(network: TracedNetwork, scheme: str, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Return new parameters for every network, as `initialize_` draws them."""
    new = list(network.parameters)
    for step in network.steps:
        if isinstance(step, Affine):
            _draw_linear(new, network, step, scheme, generator)
        elif isinstance(step, Normalize):
            if step.gain is not None:
                new[step.gain] = torch.ones_like(new[step.gain])
            if step.shift is not None:
                new[step.shift] = torch.zeros_like(new[step.shift])
        elif isinstance(step, Elementwise) and step.label == "PReLU":
            for place in step.parameters:
                new[place] = torch.full_like(new[place], _PRELU)
    return tuple(new)


def _draw_linear(
    new: list[Tensor], network: TracedNetwork, step: Affine, scheme: str, generator: torch.Generator
) -> None:
    old = network.parameters[step.weight]
    fan_out, fan_in = old.shape[1:]
    before, after = network.scales(step)
    is_readout = step is network.linears[-1]
    if scheme == "pytorch":
        weight = torch.rand(old.shape, generator=generator, dtype=old.dtype) * 2 - 1
        new[step.weight] = weight / sqrt(fan_in)
        if step.bias is not None:
            bias = torch.rand(network.parameters[step.bias].shape, generator=generator, dtype=old.dtype) * 2 - 1
            new[step.bias] = bias / sqrt(fan_in)
        return
    variance = 1.0 if is_readout else weight_variance(network, step, scheme)
    normal = torch.randn(old.shape, generator=generator, dtype=old.dtype)
    if scheme == "orthogonal" and not is_readout:
        normal = torch.stack([nn.init.orthogonal_(each, generator=generator) for each in normal])
        normal = normal * sqrt(max(fan_out, fan_in))
    new[step.weight] = normal * (sqrt(variance / fan_in) / (before * after))
    if step.bias is not None:
        new[step.bias] = torch.zeros_like(network.parameters[step.bias])


def weight_variance(network: TracedNetwork, step: Affine, scheme: str) -> float:
    """Return sigma_w^2 of a hidden layer."""
    fan_out, fan_in = network.parameters[step.weight].shape[1:]
    if scheme == "he":
        return 2.0
    if scheme == "glorot":
        return 2 * fan_in / (fan_in + fan_out)
    activation = activation_of(network, step)
    if scheme == "lecun" or activation is None:
        return 1.0
    preserving = preserving_variance(activation, network)
    critical = critical_variance(activation.entry)
    chosen = critical if scheme in ("critical", "orthogonal") and isfinite(critical) else preserving
    return chosen if isfinite(chosen) else 1.0

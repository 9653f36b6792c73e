"""Tracing of torch modules: what they compute, as steps between Linear layers."""

from collections.abc import Sequence
from types import FunctionType
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import fx, nn
from torch.nn.parameter import is_lazy

from suite.catalog.activations import ACTIVATIONS, Activation
from suite.catalog.settings import choices_of
from suite.formatting import short_error
from suite.nets.activations import kernel
from suite.nets.graph_reader import GraphReader, Statistics
from suite.nets.graph_values import Value, function_of
from suite.nets.module_checks import UnsupportedModuleError, copy_module, unwrap
from suite.nets.torch_layers import NORMALIZATIONS, SUPPORTED, is_own_activation
from suite.nets.traced import Elementwise, TracedNetwork


def trace_module(
    module: object, statistics: Statistics = "mode", activation: Activation | None = None
) -> TracedNetwork:
    """Return what a module computes, as one network in float64 on the CPU; the module stays as it is.

    Args:
        module: A module that maps (points, inputs) to (points, outputs): a chain of Linear layers with, between them,
            activations, batch, layer or RMS normalization, residual sums and concatenations.
        statistics: Which statistics batch normalization uses.
        activation: The activation that modules of the user's own without parameters or submodules compute.

    Raises:
        UnsupportedModuleError: If it computes something else; the message names the layer, and what to do.
    """
    if not isinstance(module, nn.Module):
        if isinstance(module, type | FunctionType):
            what = "class" if isinstance(module, type) else "function"
            raise UnsupportedModuleError(
                f"expected a network, got the {what} {module.__name__}; did you mean {module.__name__}()?"
            )
        raise UnsupportedModuleError(
            f"expected a torch.nn.Module or a list of (weights, biases, activation), got {type(module).__name__}"
        )
    inner = unwrap(module)
    _check_values(inner)
    copy = copy_module(inner)  # forward methods may change what they keep
    try:
        with torch.random.fork_rng(devices=()):
            graph = _Tracer(activation is not None).trace(copy)
    except Exception as error:  # a forward method of the user's own may raise any error
        raise UnsupportedModuleError(
            f"{type(module).__name__} cannot be traced ({short_error(error, 160)}); its forward method must not depend "
            f"on values or shapes, as in an if or an assert, and take one tensor; expected {SUPPORTED}"
        ) from error
    for node in reversed(graph.nodes):
        if not node.users and node.op not in ("placeholder", "output"):
            graph.erase_node(node)
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        return GraphReader(copy, statistics, activation).read(graph)


def network_of_arrays(layers: Sequence[tuple[Any, Any, Any]]) -> TracedNetwork:
    """Return the network of a list of (weights, biases, activation), as Keras, JAX and scikit-learn have them.

    Args:
        layers: Weights (inputs, outputs), biases (outputs,) or None, and the name of an activation of the catalog or
            None, from the first layer to the last. The last activation, which may be "softmax", is left out, as a
            module's final function is.

    Raises:
        UnsupportedModuleError: If shapes do not fit, or an activation is unknown.
    """
    reader = GraphReader(nn.Module(), "mode")
    value, width = Value(0), 0
    for number, layer in enumerate(layers):
        if len(layer) != 3:
            raise UnsupportedModuleError(f"layer {number}: expected (weights, biases, activation)")
        weights, biases, activation = layer
        weight = torch.as_tensor(np.asarray(weights), dtype=torch.float64)
        if weight.ndim != 2 or (number and weight.shape[0] != width):
            expected = f"({width or 'inputs'}, outputs)"
            raise UnsupportedModuleError(
                f"layer {number}: expected weights of shape {expected}, got {tuple(weight.shape)}; transpose those of "
                "PyTorch"
            )
        width = weight.shape[1]
        name = str(number)
        if not bool(weight.isfinite().all()):
            raise UnsupportedModuleError(f"layer {number}: some weights are not finite; load an earlier checkpoint")
        bias = None if biases is None else torch.as_tensor(np.asarray(biases), dtype=torch.float64)
        if bias is not None and bias.shape != (width,):
            raise UnsupportedModuleError(
                f"layer {number}: expected biases of shape ({width},), got {tuple(bias.shape)}; weights are (inputs, "
                "outputs), so transpose those of PyTorch"
            )
        if number == 0:
            reader.inputs = weight.shape[0]
        value = reader.add_affine(name, value, weight.T, bias)
        if activation in (None, "linear", "identity"):
            continue
        is_last = number == len(layers) - 1
        if is_last and activation in ("softmax", "log_softmax"):
            return reader.finish_with(value, activation)
        if activation not in ACTIVATIONS:
            raise UnsupportedModuleError(
                f"layer {number}: unknown activation {activation!r}; use one of {', '.join(ACTIVATIONS)}"
            )
        entry = TypeAdapter(choices_of(ACTIVATIONS)).validate_python(activation)[0]
        function = function_of(kernel(entry).phi)
        if is_last:
            return reader.finish_with(value, entry.label, function)
        value = reader.add(Elementwise(name, (value,), function, entry.label, entry))
    if not layers:
        raise UnsupportedModuleError("expected at least one layer (weights, biases, activation)")
    return reader.finish(value)


def _check_values(module: nn.Module) -> None:
    """Raise UnsupportedModuleError if parameters or buffers have no values, or parameters are not real numbers."""
    for kind, each in (("parameter", module.named_parameters()), ("buffer", module.named_buffers())):
        for name, values in each:
            where = f"{kind} {name}"
            if is_lazy(values):
                raise UnsupportedModuleError(f"{where} has no values yet; call the module with some points first")
            if values.is_meta:
                raise UnsupportedModuleError(f"{where} is on the meta device; load its values first")
            if kind == "parameter" and not values.is_floating_point():
                raise UnsupportedModuleError(f"{where} is in {values.dtype}; convert it to real numbers")


class _Tracer(fx.Tracer):
    """A tracer that does not enter torch's own layers, or subclasses of them that compute the same."""

    def __init__(self, has_activation: bool) -> None:
        super().__init__()
        self.has_activation = has_activation

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = next((kind for kind in (nn.Linear, *NORMALIZATIONS) if isinstance(m, kind)), None)
        if known is not None:
            return type(m).forward is known.forward and "forward" not in m.__dict__
        if self.has_activation and is_own_activation(m):
            return True
        return super().is_leaf_module(m, module_qualified_name)

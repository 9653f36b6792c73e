"""Comparison of torch modules with the networks that were read from them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from traceback import walk_tb

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune

from suite.formatting import short_error
from suite.nets.ensemble import Ensemble
from suite.nets.moments import output_moments
from suite.nets.torch_layers import DROPOUT, is_own_activation
from suite.nets.traced import Elementwise, TracedNetwork

_TOLERANCE = 1e-6
"""The largest difference, as a share of a unit's largest value; torch's Softplus is off by 2e-9 where it is cut off."""

_PERTURBATION = 2.0**-50
"""The relative change of the inputs by which the effect of rounding on the outputs is measured."""

_NEARLY_OVERFLOWS = 1e290
"""Values of this size may be finite or not depending on the order of operations."""

_ROUNDINGS = 1e4
"""How many times that effect two ways to compute the same outputs may differ."""


class UnsupportedModuleError(ValueError):
    """A module is not one that the suite can compute; the message says why."""


def unwrap(module: nn.Module) -> nn.Module:
    """Return the module that torch.compile or DataParallel wraps, or the module itself.

    Raises:
        UnsupportedModuleError: If it was compiled by torch.jit.
    """
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedModuleError("modules of TorchScript cannot be traced; pass the module before torch.jit")
    if isinstance(module, nn.DataParallel):
        return unwrap(module.module)
    inner = module._modules.get("_orig_mod")  # of torch.compile
    return module if inner is None else unwrap(inner)


@contextmanager
def dropout_off(module: object) -> Iterator[bool]:
    """Turn the Dropout layers of a module off for a while; yield whether there are any."""
    layers = [part for part in module.modules() if isinstance(part, DROPOUT)] if isinstance(module, nn.Module) else []
    on = [part for part in layers if part.training]
    for part in on:
        part.training = False
    try:
        yield bool(layers)
    finally:
        for part in on:
            part.training = True


def compare_traced(
    module: nn.Module,
    network: TracedNetwork,
    points: Float[Tensor, "inputs points"],
    statistics: str,
    activation_named: bool = False,
) -> None:
    """Raise UnsupportedModuleError if a traced network computes other outputs than the module.

    Args:
        module: The module that was traced.
        network: The network.
        points: Where they are compared.
        statistics: Which statistics batch normalization uses; "mode" for those of the module's mode.
        activation_named: Whether layers of the user's own stand for an activation that the user named. They are then
            compared one by one.
    """
    inner = unwrap(module)
    copy = copy_module(inner, "", {"mode": None, "batch": True, "running": False}[statistics])
    found = _call(copy, points, "")
    if activation_named:
        _compare_activations(inner, network, points)
    expected = network(points)
    rounding = (network(points * (1 + _PERTURBATION)) - expected).abs()[0]
    if network.head and network.head_function is None:
        expected = _HEADS[network.head.lower().replace("_", "")](expected)
    elif network.head_function is not None:
        expected = network.head_function(expected, network.parameters)
    if found.numel() == expected.numel():
        found = found.reshape(expected.shape[2], -1)  # a head such as squeeze leaves out the axis of one output
        allowed = _TOLERANCE * _largest(expected[0]) + _ROUNDINGS * _largest(rounding)
        if _agree(found.T, expected[0], allowed):
            return
    raise UnsupportedModuleError(
        f"{type(module).__name__} computes something else than its traced layers; remove what its forward method does "
        "besides, or name another activation"
    )


def _compare_activations(module: nn.Module, network: TracedNetwork, points: Float[Tensor, "inputs points"]) -> None:
    """Raise UnsupportedModuleError if a layer of the user's own does not compute the activation that it stands for."""
    values = network.values(points)
    layers = dict(module.named_modules(remove_duplicate=False))
    for step, expected in zip(network.steps, values[1:], strict=True):
        layer = layers.get(step.name)
        if not isinstance(step, Elementwise) or layer is None or not is_own_activation(layer):
            continue
        inputs = values[step.sources[0]][0]
        finite = torch.isfinite(inputs).all(0)
        if not bool(finite.any()):
            continue
        found = _call(copy_module(layer, step.name), inputs[:, finite], step.name).T
        known = expected[0][:, finite]
        allowed = _TOLERANCE * _largest(known)
        if found.shape != known.shape or not _agree(found, known, allowed):
            raise UnsupportedModuleError(
                f"{name_layer(step.name, layer)} computes something else than {step.label}, which activation= names"
            )


_HEADS: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda z: torch.softmax(z, 1),
    "logsoftmax": lambda z: torch.log_softmax(z, 1),
    "softmin": lambda z: torch.softmax(-z, 1),
}
"""Functions after the last Linear that act on all outputs of a point."""


def rounding_error(ensemble: Ensemble, points: Float[Tensor, "inputs points"]) -> Float[Tensor, " draws"]:
    """Return how much rounding in the ensemble's precision may change the outputs, as a share of their variation.

    It is the change that a relative change of the inputs by a few units in the last place makes, scaled to one unit;
    nan for networks whose outputs are not finite or do not vary.

    Args:
        ensemble: Networks.
        points: Where they are evaluated.
    """
    outputs = ensemble(points)
    change = 4 * torch.finfo(points.dtype).eps
    moved = output_moments(ensemble(points * (1 + change)) - outputs).rms / 4
    return moved / output_moments(outputs).std


def _largest(values: Float[Tensor, "units points"]) -> Float[Tensor, "units 1"]:
    """Return the largest finite absolute value of each unit."""
    return values.abs().masked_fill(~torch.isfinite(values), 0.0).amax(1, keepdim=True)


def _agree(
    found: Float[Tensor, "units points"], expected: Float[Tensor, "units points"], allowed: Float[Tensor, "units 1"]
) -> bool:
    """Return whether each unit's values differ by no more than its allowed difference.

    Values that overflow may overflow a little sooner or later.
    """
    far = torch.isfinite(expected) & (expected.abs() > _NEARLY_OVERFLOWS)
    both = torch.isfinite(found) & torch.isfinite(expected)
    if bool((torch.isfinite(found) ^ torch.isfinite(expected))[~far].any()):
        return False
    return bool(((found - expected).abs() <= allowed)[both].all())


def _call(copy: nn.Module, points: Float[Tensor, "inputs points"], name: str) -> Tensor:
    """Return what a copy of a module computes; errors name the module, or the module in it that fails."""
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        try:
            found = copy(points.T.clone())
        except Exception as error:  # a forward method of the user's own may raise any error
            where = name_layer(*_failing(copy, error, name))
            raise UnsupportedModuleError(f"{where} fails ({short_error(error, 120)}); correct it") from error
    if not isinstance(found, Tensor):
        raise UnsupportedModuleError(f"{name_layer(name, copy)} returns {type(found).__name__}; return a tensor")
    return found


def name_layer(name: str, module: nn.Module) -> str:
    """Return how errors name a module: as a layer, if it has a name."""
    return f"layer {name} ({type(module).__name__})" if name else type(module).__name__


def _failing(module: nn.Module, error: Exception, name: str) -> tuple[str, nn.Module]:
    """Return the name of the innermost module whose forward method raised an error, and that module."""
    parts = {id(part): (_join(name, inner), part) for inner, part in module.named_modules()}
    owners = [id(frame.f_locals.get("self")) for frame, _ in walk_tb(error.__traceback__)]
    return next((parts[owner] for owner in reversed(owners) if owner in parts), (name, module))


def copy_module(module: nn.Module, name: str = "", batch: bool | None = None) -> nn.Module:
    """Return a copy of a module in float64 on the CPU without hooks.

    Hooks that compute weights, as weight_norm, spectral_norm and pruning have, are called once before. Those and
    parametrizations are in eval mode, since spectral_norm changes its weights in training mode whenever they are read.

    Args:
        module: The module.
        name: The name by which errors call it, if it is a layer.
        batch: The mode of batch normalization. Default: the module's.

    Raises:
        UnsupportedModuleError: If it cannot be copied, or its weights cannot be computed.
    """
    # torch does not copy tensors that were computed, such as the weights of old hooks.
    computed = [
        values
        for part in module.modules()
        for values in part.__dict__.values()
        if isinstance(values, Tensor) and not values.is_leaf
    ]
    try:
        copy = deepcopy(module, {id(values): _in_float64(values) for values in computed}).cpu().double()
    except Exception as error:  # a module of the user's own may hold anything
        raise UnsupportedModuleError(
            f"{name_layer(name, module)} cannot be copied ({short_error(error, 120)}); remove what it keeps besides "
            "its parameters"
        ) from None
    for inner, part in copy.named_modules():
        if batch is not None and isinstance(part, nn.BatchNorm1d):
            part.train(batch)
        if parametrize.is_parametrized(part):
            part.parametrizations.eval()
        try:
            _call_weight_hooks(part)
        except Exception as error:  # a hook may raise any error
            where = name_layer(_join(name, inner), part)
            raise UnsupportedModuleError(f"{where} cannot compute its weights ({short_error(error, 120)})") from error
        part._forward_hooks, part._forward_pre_hooks = OrderedDict(), OrderedDict()
    return copy


def _call_weight_hooks(part: nn.Module) -> None:
    """Call the hooks that compute weights before a forward pass, in eval mode."""
    training, part.training = part.training, False
    with torch.no_grad():
        for hook in part._forward_pre_hooks.values():
            if hasattr(hook, "compute_weight") or isinstance(hook, prune.BasePruningMethod):
                hook(part, ())
    part.training = training


def _join(*names: str) -> str:
    """Return the name of a module in a module, either of which may be empty."""
    return ".".join(filter(None, names))


def _in_float64(values: Tensor) -> Tensor:
    """Return a copy on the CPU that does not require gradients, in float64 if it has real numbers."""
    copy = values.detach().cpu().clone()
    return copy.double() if copy.is_floating_point() else copy

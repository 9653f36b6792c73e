"""Comparison of torch modules with what was read of them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

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


def unwrap(module: nn.Module) -> nn.Module:
    """Return the module that torch.compile or DataParallel wraps, or the module itself."""
    if isinstance(module, nn.DataParallel):
        return unwrap(module.module)
    inner = module._modules.get("_orig_mod")  # of torch.compile
    return module if inner is None else unwrap(inner)


class UnsupportedModuleError(ValueError):
    """A module is not an MLP that the suite can compute; the message names the layer."""


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
    copy = _copied("", inner, {"mode": None, "batch": True, "running": False}[statistics])
    found = _call(copy, points, type(module).__name__, f"correct it, or pass a module of {network.inputs} inputs")
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
        where = f"layer {step.name} ({type(layer).__name__})"
        found = _call(_copied(where, layer), inputs[:, finite], where, "correct it").T
        known = expected[0][:, finite]
        allowed = _TOLERANCE * _largest(known)
        if bool(finite.any()) and (found.shape != known.shape or not _agree(found, known, allowed)):
            raise UnsupportedModuleError(f"{where} computes something else; name another activation")


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


def _call(copy: nn.Module, points: Float[Tensor, "inputs points"], where: str, hint: str) -> Tensor:
    """Return what a copy of a module computes; its errors name the module."""
    with torch.no_grad():
        try:
            found = copy(points.T.clone())
        except Exception as error:  # whatever a forward method of the user's own raises
            raise UnsupportedModuleError(f"{where} fails ({short_error(error, 120)}); {hint}") from error
    if not isinstance(found, Tensor):
        raise UnsupportedModuleError(f"{where} returns {type(found).__name__}; return a tensor")
    return found


def yields_parameters(hook: object) -> bool:
    """Return whether a hook is one of torch's own that compute weights: weight_norm, spectral_norm or pruning."""
    return hasattr(hook, "compute_weight") or isinstance(hook, prune.BasePruningMethod)


def _copied(where: str, module: nn.Module, batch: bool | None = True) -> nn.Module:
    """Return a copy in float64 without hooks, but for those that compute weights.

    Args:
        where: How errors name the module.
        module: The module.
        batch: The mode of batch normalization; None for the module's.
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
    except Exception as error:  # whatever a module of the user's own holds
        raise UnsupportedModuleError(
            f"{where or type(module).__name__} cannot be copied to compare it with the suite "
            f"({short_error(error, 120)}); remove what it keeps besides its parameters"
        ) from None
    for part in copy.modules():
        part._forward_hooks = OrderedDict()
        kept = {key: hook for key, hook in part._forward_pre_hooks.items() if yields_parameters(hook)}
        part._forward_pre_hooks = OrderedDict(kept)
        if kept or parametrize.is_parametrized(part):
            part.eval()  # in training mode spectral_norm changes the weights whenever they are read
        if isinstance(part, nn.BatchNorm1d) and batch is not None:
            part.train(batch)  # as the ensemble computes it
    return copy


def _in_float64(values: Tensor) -> Tensor:
    """Return a copy on the CPU that does not require gradients, in float64 if it has real numbers."""
    copy = values.detach().cpu().clone()
    return copy.double() if copy.is_floating_point() else copy

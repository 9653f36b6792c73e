"""Compares the layers of a torch module with what the ensemble that stands for it computes."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from suite.formatting import short_error
from suite.nets.ensemble import Ensemble
from suite.nets.moments import output_moments
from suite.nets.torch_layers import DROPOUT
from suite.nets.traced import TracedNetwork

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


def compare_layer(
    name: str, layer: nn.Module, inputs: Float[Tensor, "units points"], expected: Float[Tensor, "units points"]
) -> None:
    """Raise UnsupportedModuleError if a layer's outputs differ from the expected ones.

    Layers of torch's own classes that have no parameters are called as they are, others as a copy. Hooks are not
    called.

    Args:
        name: The layer's name, for the message.
        layer: A module of points by units.
        inputs: Its inputs.
        expected: What the ensemble computes from them.
    """
    finite = torch.isfinite(inputs).all(0)
    if not bool(finite.any()):
        return
    given, known = inputs[:, finite], expected[:, finite]
    found = _call(name, layer, given.T)
    if found.shape == known.T.shape and _agree(found.T, known, _TOLERANCE * _largest(known)):
        return
    raise UnsupportedModuleError(
        f"layer {name} ({type(layer).__name__}) computes something else than the suite; name another activation, or "
        "remove its own forward method"
    )


def compare_outputs(module: nn.Module, ensemble: Ensemble, points: Float[Tensor, "inputs points"]) -> None:
    """Raise UnsupportedModuleError if a module with a forward method of its own computes other outputs than its layers.

    Args:
        module: A sequence of layers.
        ensemble: The one network that stands for it.
        points: Where they are compared.
    """
    if not any(has_own_forward(part, nn.Sequential) for part in module.modules() if isinstance(part, nn.Sequential)):
        return
    expected = ensemble(points)[0]
    found = _call("", module, points.T)
    if found.shape == expected.T.shape:
        rounding = (ensemble(points * (1 + _PERTURBATION))[0] - expected).abs()
        if _agree(found.T, expected, _TOLERANCE * _largest(expected) + _ROUNDINGS * _largest(rounding)):
            return
    raise UnsupportedModuleError(
        f"{type(module).__name__} computes something else than its layers in sequence; remove its own forward method"
    )


def compare_traced(
    module: nn.Module, network: TracedNetwork, points: Float[Tensor, "inputs points"], statistics: str
) -> None:
    """Raise UnsupportedModuleError if a traced network computes other outputs than the module.

    Args:
        module: The module that was traced.
        network: The network.
        points: Where they are compared.
        statistics: Which statistics batch normalization uses; "mode" for those of the module's mode.
    """
    copy = _copied("", unwrap(module), {"mode": None, "batch": True, "running": False}[statistics])
    expected = network(points)
    rounding = (network(points * (1 + _PERTURBATION)) - expected).abs()[0]
    if network.head and network.head_function is None:
        expected = _HEADS[network.head.lower().replace("_", "")](expected)
    elif network.head_function is not None:
        expected = network.head_function(expected, network.parameters)
    with torch.no_grad():
        try:
            found = copy(points.T.clone())
        except Exception as error:  # whatever a forward method of the user's own raises
            raise UnsupportedModuleError(
                f"{type(module).__name__} fails ({short_error(error, 120)}); correct it, or pass a module that takes "
                f"(points, {network.inputs})"
            ) from error
    if isinstance(found, Tensor) and found.numel() == expected.numel():
        found = found.reshape(expected.shape[2], -1)  # a head such as squeeze leaves out the axis of one output
        allowed = _TOLERANCE * _largest(expected[0]) + _ROUNDINGS * _largest(rounding)
        if _agree(found.T, expected[0], allowed):
            return
    raise UnsupportedModuleError(
        f"{type(module).__name__} computes something else than its traced layers; remove what its forward method does "
        "besides, or name another activation"
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


def has_own_forward(module: nn.Module, known: type[nn.Module]) -> bool:
    """Return whether a module does not compute what one of torch's classes does: its methods are others."""
    own = type(module)
    return "forward" in module.__dict__ or own.forward is not known.forward or own.__call__ is not nn.Module.__call__


def _call(name: str, module: nn.Module, points: Tensor) -> Tensor:
    """Return what a module computes in float64, without its hooks, and without a trace in it."""
    is_torchs = type(module).__module__.startswith("torch.nn.") and "forward" not in module.__dict__
    call: Callable[[Tensor], object] = module.forward
    if not is_torchs or any(True for _ in module.parameters()):
        call = _copied(name, module)
    with torch.no_grad():
        try:
            found = call(points.clone())
        except Exception as error:  # whatever a forward method of the user's own raises
            raise UnsupportedModuleError(
                f"{_where(name, module)} fails ({short_error(error, 120)}); correct it"
            ) from error
    if not isinstance(found, Tensor):
        raise UnsupportedModuleError(f"{_where(name, module)} returns {type(found).__name__}; return a tensor")
    return found


def _where(name: str, module: nn.Module) -> str:
    return f"layer {name} ({type(module).__name__})" if name else type(module).__name__


def _copied(name: str, module: nn.Module, batch: bool | None = True) -> nn.Module:
    """Return a copy in float64 without hooks; `batch` is the mode of batch normalization, None for the module's."""
    # torch does not copy the weights that old hooks compute, which are no leaves; the hooks compute them again.
    computed = [
        values
        for part in module.modules()
        if any(hasattr(hook, "compute_weight") for hook in part._forward_pre_hooks.values())
        for values in part.__dict__.values()
        if isinstance(values, Tensor) and not values.is_leaf
    ]
    try:
        copy = deepcopy(module, {id(values): values.detach().clone() for values in computed}).cpu().double()
    except Exception as error:  # whatever a module of the user's own holds
        raise UnsupportedModuleError(
            f"{_where(name, module)} cannot be copied to compare it with the suite ({short_error(error, 120)}); remove "
            "what it keeps besides its parameters"
        ) from None
    for part in copy.modules():
        part._forward_hooks = OrderedDict()
        kept = {key: hook for key, hook in part._forward_pre_hooks.items() if hasattr(hook, "compute_weight")}
        part._forward_pre_hooks = OrderedDict(kept)  # those of weight_norm and spectral_norm yield the weights
        if isinstance(part, nn.BatchNorm1d) and batch is not None:
            part.train(batch)  # as the ensemble computes it
    return copy

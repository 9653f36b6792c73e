"""Conversion of existing torch modules to ensembles."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from suite.catalog.activations import (
    Activation,
    Identity,
)
from suite.nets.ensemble import Ensemble, Layer, Vector, layer_views
from suite.nets.graph_reader import Statistics
from suite.nets.module_checks import (
    UnsupportedModuleError,
    compare_layer,
    compare_outputs,
    compare_traced,
    has_own_forward,
)
from suite.nets.normalization import AXES, EPSILON, standardize_
from suite.nets.torch_layers import ACTIVATION_OF, DROPOUT, SUPPORTED
from suite.nets.traced_ensemble import TracedEnsemble, as_ensemble
from suite.nets.tracing import network_of_arrays, trace_module
from suite.theory.scaling import LayerVariances


@dataclass
class _Hidden:
    linear: nn.Linear
    normalization: nn.Module | None = None
    activation: Activation | None = None
    applied: nn.Module | None = None
    """The module of the activation."""
    place: str = ""
    applied_place: str = ""


Parts = tuple[list[_Hidden], _Hidden]
"""The hidden layers of a module, and its readout."""


def make_ensemble(
    modules: Sequence[nn.Module],
    own: Activation | None = None,
    points_of: Callable[[int], Float[Tensor, "inputs points"]] | None = None,
) -> Ensemble:
    """Return networks of one architecture as an ensemble in float64 on the CPU; the modules stay as they are.

    Biases, gains and shifts that a module does not have are lacking in the ensemble. Batch normalization takes its
    statistics over the points that networks are evaluated on, as modules do in training. The variances are those of
    the weights and biases that exist, over all of the modules. Hooks are not called.

    Args:
        modules: MLPs.
        own: The activation that modules of classes of the user's own compute.
        points_of: The number of inputs -> points at which each layer is compared with what the ensemble computes.
            Default: 32 standard normal points.

    Raises:
        UnsupportedModuleError: If a module is not an MLP, is built differently from the first, or has parameters that
            an ensemble cannot hold.
    """
    if not modules:
        raise UnsupportedModuleError("no module given; pass a module or a list of modules")
    parts = [_split_module(module, own) for module in modules]
    (widths, activation, normalization), *others = [_architecture(*part) for part in parts]
    lacking, *other_lacks = [_lacking(*part) for part in parts]
    for number, other in enumerate(zip(others, other_lacks, strict=True), start=2):
        if other != ((widths, activation, normalization), lacking):
            raise UnsupportedModuleError(
                f"module {number} has another architecture than module 1; measure each architecture by itself"
            )
    rows = [torch.cat([values.flatten() for values in _parameters(*part)]) for part in parts]
    if not all(bool(row.isfinite().all()) for row in rows):
        raise UnsupportedModuleError("some parameters are not finite")
    parameters = torch.stack(rows)
    variances = _empirical_variances(layer_views(parameters, widths, normalization != "none"))
    ensemble = Ensemble(widths, activation, variances, parameters, normalization, lacking=lacking)
    points = (points_of or _normal_points)(widths[0])
    for number, (module, part) in enumerate(zip(modules, parts, strict=True)):
        alone = ensemble[number : number + 1]
        _compare(alone, part, points)
        compare_outputs(module, alone, points)
        _warn_of_statistics(part)
    return ensemble


def read_networks(
    modules: Sequence[nn.Module | Sequence[tuple[Any, Any, Any]]],
    own: Activation | None = None,
    points_of: Callable[[int], Float[Tensor, "inputs points"]] | None = None,
    statistics: Statistics = "mode",
) -> list[Ensemble]:
    """Return each network, as an MLP with exact methods if it is one, and else as a TracedEnsemble.

    Args:
        modules: Modules of one architecture, or lists of (weights, biases, activation).
        own: The activation that modules of classes of the user's own compute.
        points_of: The number of inputs -> points at which networks are compared with the modules.
        statistics: The statistics of batch normalization.

    Raises:
        UnsupportedModuleError: If a module is not supported, or is built differently from the first.
    """
    refused: UnsupportedModuleError | None = None
    if all(_is_sequence(module, statistics) for module in modules):
        try:
            return list(split_ensemble(make_ensemble(modules, own, points_of)))  # type: ignore[arg-type]
        except UnsupportedModuleError as error:
            refused = error
    found = []
    for module in modules:
        if not isinstance(module, nn.Module):
            found.append(as_ensemble(network_of_arrays(module)))
            continue
        try:
            network = trace_module(module, statistics, own)
            points = (points_of or _normal_points)(network.inputs)
            compare_traced(module, network, points, statistics)
            found.append(as_ensemble(network))
        except UnsupportedModuleError as error:
            raise (refused or error) from error
        if network.head:
            warnings.warn(f"measures are evaluated before the final {network.head}, which is left out", stacklevel=3)
    first, *others = found
    for number, other in enumerate(others, start=2):
        if _shape(other) != _shape(first):
            raise UnsupportedModuleError(
                f"module {number} has another architecture than module 1; measure each architecture by itself"
            )
    return found


def _is_sequence(module: object, statistics: Statistics) -> bool:
    """Return whether a module may be one of those that `make_ensemble` reads, with these statistics."""
    if not isinstance(module, nn.Sequential) or shared_layer(module):
        return False
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm1d)]
    running = [norm for norm in norms if norm.running_mean is not None and not norm.training]
    return not norms or statistics == "batch" or (statistics == "mode" and not running)


def _shape(ensemble: Ensemble) -> object:
    if not isinstance(ensemble, TracedEnsemble):
        return ensemble.widths, ensemble.activation, ensemble.normalization, ensemble.lacking
    steps = [(type(step), step.sources, getattr(step, "label", "")) for step in ensemble.network.steps]
    return steps, [values.shape for values in ensemble.network.parameters]


def _warn_of_statistics(parts: Parts) -> None:
    """Warn if a module in eval mode uses statistics of batch normalization that the ensemble does not use."""
    for layer in parts[0]:
        norm = layer.normalization
        if isinstance(norm, nn.BatchNorm1d) and not norm.training and norm.running_mean is not None:
            warnings.warn(
                f"layer {layer.place} is followed by BatchNorm1d in eval mode, whose running statistics are not used: "
                "statistics are taken over the points that the network is evaluated on",
                stacklevel=2,
            )
            return


def _normal_points(inputs: int) -> Float[Tensor, "inputs points"]:
    return torch.randn(inputs, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def split_ensemble(ensemble: Ensemble) -> Iterator[Ensemble]:
    """Yield each network as a separate ensemble, with the empirical variances of its own parameters."""
    for draw in range(ensemble.draws):
        alone = ensemble[draw : draw + 1]
        yield replace(alone, variances=_empirical_variances(alone.layers))


def _empirical_variances(layers: Sequence[Layer]) -> LayerVariances:
    """Estimate (sigma_w^2, sigma_b^2) of each layer by the mean squares of its weights and biases."""
    return tuple(
        (layer.weight.shape[2] * float(layer.weight.square().mean()), float(layer.bias.square().mean()))
        for layer in layers
    )


def _named_layers(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the names and layers of nested sequences in order."""
    if not isinstance(module, nn.Sequential):
        yield name, module
        return
    for key, child in enumerate(module):  # named_children() would skip repeated layers
        yield from _named_layers(child, f"{name}.{key}" if name else str(key))


def _split_module(module: nn.Module, own: Activation | None) -> Parts:
    if not isinstance(module, nn.Sequential):
        raise UnsupportedModuleError(
            f"expected a torch.nn.Sequential, got {type(module).__name__}; put the layers into a torch.nn.Sequential"
        )
    _check_sequences(module)
    layers = [(name, layer) for name, layer in _named_layers(module) if not _is_identity(layer)]
    last_linear = max((place for place, (_, layer) in enumerate(layers) if isinstance(layer, nn.Linear)), default=-1)
    hidden: list[_Hidden] = []
    for name, layer in layers[: last_linear + 1] or layers:
        if type(layer) is nn.Flatten and not has_own_forward(layer, nn.Flatten) and not hidden:
            continue
        _check_layer(name, layer)
        last = hidden[-1] if hidden else None
        if isinstance(layer, nn.Linear):
            _check_parameters(name, layer)
            if last and layer.in_features != last.linear.out_features:
                raise _unsupported(name, layer, f"does not fit the layer below, of {last.linear.out_features} units")
            hidden.append(_Hidden(layer, place=name))
        elif last is None:
            raise _unsupported(name, layer, "comes before the first Linear")
        elif isinstance(layer, nn.LayerNorm | nn.BatchNorm1d):
            if last.normalization is not None or last.activation is not None:
                raise _unsupported(name, layer, "does not come straight after a Linear")
            _check_parameters(name, layer)
            _check_normalization(name, layer, last.linear.out_features)
            last.normalization = layer
        elif last.activation is not None:
            second = (
                "is a second activation after the same Linear"
                if type(layer) in ACTIVATION_OF
                else "comes after the activation"
            )
            raise _unsupported(name, layer, second)
        else:
            _check_parameters(name, layer)
            last.activation, last.applied, last.applied_place = _activation(name, layer, own), layer, name
    if len(hidden) < 2:  # a hidden layer, and the one that reads it out
        raise UnsupportedModuleError(
            f"the module has {len(hidden)} Linear layers, and so no hidden one; expected {SUPPORTED}"
        )
    for name, layer in layers[last_linear + 1 :]:
        raise _unsupported(
            name,
            layer,
            f"follows the last Linear ({hidden[-1].place}); measure the network without it, such as network[:-1]",
        )
    *before, readout = hidden
    return before, readout


def _check_sequences(module: nn.Sequential) -> None:
    """Raise UnsupportedModuleError if a sequence has parameters besides those of its layers."""
    for name, part in module.named_modules():
        if isinstance(part, nn.Sequential) and (others := list(part._parameters)):
            where = f"layer {name} ({type(part).__name__})" if name else type(part).__name__
            raise UnsupportedModuleError(
                f"{where} has parameters besides those of its layers ({', '.join(others)}), which measures would "
                "ignore; remove them"
            )


def _unsupported(name: str, layer: nn.Module, why: str) -> UnsupportedModuleError:
    return UnsupportedModuleError(f"layer {name} ({type(layer).__name__}) {why}; expected {SUPPORTED}")


def _check_layer(name: str, layer: nn.Module) -> None:
    """Raise UnsupportedModuleError if a layer is random or has no weights that can be used."""
    if isinstance(layer, _RANDOM):
        raise _unsupported(name, layer, "is random in training mode; call eval() on the network, or remove it")
    for values in layer.parameters():
        if is_lazy(values):
            raise _unsupported(name, layer, "has no weights yet; call the module with some points first")
        if values.is_meta:
            raise _unsupported(name, layer, "is on the meta device; load its weights first")
        if not values.is_floating_point():
            raise _unsupported(name, layer, f"has weights in {values.dtype}; convert them to real numbers")
    if isinstance(layer, nn.Linear) and not (layer.in_features and layer.out_features):
        raise _unsupported(
            name, layer, f"has {layer.in_features} inputs and {layer.out_features} outputs; use at least 1 of each"
        )


def _check_parameters(name: str, layer: nn.Module) -> None:
    """Raise UnsupportedModuleError if a layer has parameters that an ensemble would neither count nor differentiate."""
    held = {"weight", "bias"} if isinstance(layer, nn.Linear | nn.LayerNorm | nn.BatchNorm1d) else set()
    others = [parameter for parameter, _ in layer.named_parameters() if parameter not in held]
    for own in held:
        if getattr(layer, own) is not None and not isinstance(getattr(layer, own), nn.Parameter) and not others:
            raise _unsupported(name, layer, f"has a {own} that is not a parameter; make it an nn.Parameter")
    if others and held:
        why = f"computes its weights from other parameters ({', '.join(others)}); replace them by the weights, as "
        raise _unsupported(name, layer, f"{why}torch.nn.utils.parametrize.remove_parametrizations does")
    if others:
        raise _unsupported(
            name,
            layer,
            f"has parameters of its own ({', '.join(others)}), which measures would ignore; use a layer without "
            "parameters, such as nn.LeakyReLU(0.25)",
        )


def shared_layer(module: nn.Module) -> str | None:
    """Return the name of a layer whose parameters an earlier layer of a sequence has as well, if there is one."""
    known: set[int] = set()
    for name, layer in _named_layers(module):
        own = {id(values) for values in layer.parameters()}
        if own & known:
            return name
        known |= own
    return None


def _is_identity(layer: nn.Module) -> bool:
    """Return whether a layer of one of torch's classes returns its inputs."""
    if type(layer) not in (nn.Identity, *DROPOUT) or has_own_forward(layer, type(layer)):
        return False
    return isinstance(layer, nn.Identity) or not layer.training or bool(layer.p == 0)


_RANDOM = (*DROPOUT, nn.RReLU)


def _check_normalization(name: str, layer: nn.LayerNorm | nn.BatchNorm1d, width: int) -> None:
    if layer.eps != EPSILON:
        raise _unsupported(name, layer, f"has eps {layer.eps:g}, expected {EPSILON:g}")
    if isinstance(layer, nn.LayerNorm) and layer.normalized_shape != (width,):
        raise _unsupported(name, layer, f"does not normalize over the {width} units of the layer")


def _activation(name: str, layer: nn.Module, own: Activation | None) -> Activation:
    """Return the activation that a layer computes."""
    found = ACTIVATION_OF[type(layer)](layer) if type(layer) in ACTIVATION_OF else None
    if found is None and own is None:
        raise _unsupported(
            name,
            layer,
            f"is not supported ({layer}); remove it or, if it is an activation, name it with activation=, after "
            "suite.plug_in if the suite does not have it",
        )
    return found or own  # type: ignore[return-value]  # one of them is not None


def _architecture(hidden: Sequence[_Hidden], readout: _Hidden) -> tuple[tuple[int, ...], Activation, str]:
    first = hidden[0]
    kind = _normalization_of(first)
    for layer in hidden[1:]:
        if (layer.activation or Identity()) != (first.activation or Identity()):
            raise UnsupportedModuleError(
                f"the activation after layer {layer.place} ({_name_of(layer.applied)}) differs from that after layer "
                f"{first.place} ({_name_of(first.applied)}); all hidden layers must have the same"
            )
        if _normalization_of(layer) != kind:
            raise UnsupportedModuleError(
                f"layer {layer.place} is not normalized as layer {first.place} is; all hidden layers must be alike"
            )
    widths = (first.linear.in_features, *(layer.linear.out_features for layer in hidden), readout.linear.out_features)
    return widths, first.activation or Identity(), kind


def _normalization_of(layer: _Hidden) -> str:
    if isinstance(layer.normalization, nn.LayerNorm):
        return "layer"
    return "batch" if isinstance(layer.normalization, nn.BatchNorm1d) else "none"


def _name_of(layer: nn.Module | None) -> str:
    return "none" if layer is None else type(layer).__name__


def _lacking(hidden: Sequence[_Hidden], readout: _Hidden) -> frozenset[Vector]:
    found: set[Vector] = set()
    for index, layer in enumerate([*hidden, readout]):
        if layer.linear.bias is None:
            found.add((index, "bias"))
        if layer.normalization is not None and layer.normalization.weight is None:
            found.add((index, "gain"))
        if layer.normalization is not None and layer.normalization.bias is None:
            found.add((index, "shift"))
    return frozenset(found)


def _parameters(hidden: Sequence[_Hidden], readout: _Hidden) -> Iterator[Tensor]:
    """In an ensemble's layout: weights, biases, gains, shifts; of what is lacking, zeros or ones."""
    for layer in hidden:
        yield from _affine(layer.linear)
        if (normalization := layer.normalization) is not None:
            width = layer.linear.out_features
            for values, default in ((normalization.weight, 1.0), (normalization.bias, 0.0)):
                yield _to_float64(values) if isinstance(values, Tensor) else torch.full((width,), default).double()
    yield from _affine(readout.linear)


def _affine(layer: nn.Linear) -> Iterator[Tensor]:
    yield _to_float64(layer.weight)
    yield _to_float64(layer.bias) if layer.bias is not None else torch.zeros(layer.out_features, dtype=torch.float64)


def _to_float64(values: Tensor) -> Tensor:
    return values.detach().cpu().double()


def _compare(ensemble: Ensemble, parts: Parts, points: Tensor) -> None:
    """Compare each layer of a module with what the ensemble, of one network, computes from the same inputs."""
    hidden, readout = parts
    h = points[None]
    for values, part in zip(ensemble.layers, [*hidden, readout], strict=True):
        z = torch.baddbmm(values.bias, values.weight, h)
        if has_own_forward(part.linear, nn.Linear):
            compare_layer(part.place, part.linear, h[0], z[0])
        below = z[0].clone()
        if part.normalization is not None and values.gain is not None and values.shift is not None:
            standardize_(z, AXES[ensemble.normalization])
            z.mul_(values.gain).add_(values.shift)
            known = nn.LayerNorm if isinstance(part.normalization, nn.LayerNorm) else nn.BatchNorm1d
            if has_own_forward(part.normalization, known):
                compare_layer(part.place, part.normalization, below, z[0])
        if part is readout:
            return
        h = ensemble.kernel.phi(z)
        if part.applied is not None:
            compare_layer(part.applied_place, part.applied, z[0], h[0])

"""The steps of a traced torch module, read from the nodes of its graph."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from suite.catalog.activations import Activation
from suite.formatting import short_error
from suite.nets.activations import kernel
from suite.nets.graph_values import (
    Constant,
    ElementwiseFunction,
    Head,
    Partial,
    Shape,
    Value,
    compose,
    constant,
    function_of,
    parameter_at,
    same,
    source_of,
)
from suite.nets.module_checks import UnsupportedModuleError, name_layer
from suite.nets.torch_layers import (
    DROPOUT,
    ELEMENTWISE_FUNCTIONS,
    ELEMENTWISE_MODULES,
    HEADS,
    NORMALIZATIONS,
    SUPPORTED,
    activation_by_name,
    activation_of_module,
    is_own_activation,
)
from suite.nets.traced import (
    Add,
    Affine,
    Concatenate,
    Elementwise,
    Function,
    Normalize,
    Project,
    Step,
    TracedNetwork,
)

Statistics = Literal["mode", "batch", "running"]
"""The statistics of batch normalization: those that the module's mode says, the batch's, or the running ones."""


class GraphReader:
    """The steps of a network, read from the nodes of a graph."""

    def __init__(self, module: nn.Module, statistics: Statistics, activation: Activation | None = None) -> None:
        self.module, self.statistics, self.activation = module, statistics, activation
        self.inputs = 0
        self.steps: list[Step] = []
        self.parameters: list[Tensor] = []
        self.names: list[str] = []
        self.derived: list[str] = []
        self.places: dict[int, int] = {}
        self.placed: list[Tensor] = []
        self.known = {id(values): name for name, values in module.named_parameters(remove_duplicate=False)}
        self.found: dict[fx.Node, Any] = {}
        self.applied: dict[tuple[int, ...], Value] = {}
        self.functions: list[ElementwiseFunction] = []

    def read(self, graph: fx.Graph) -> TracedNetwork:
        """Return the network of a graph."""
        placeholders = [node for node in graph.nodes if node.op == "placeholder"]
        taken = [node for node in placeholders if node.users]
        if len(taken) != 1:
            raise UnsupportedModuleError(f"expected a module of one input, got {len(taken)}")
        for node in graph.nodes:
            if node.op == "placeholder":
                self.found[node] = Value(0) if node is taken[0] else None
            elif node.op == "output":
                return self.finish(self.resolve(node.args[0], node))
            else:
                self.found[node] = self._read_node(node)
        raise AssertionError("a graph ends with its output")

    def finish(self, value: Any) -> TracedNetwork:
        """Return the network whose outputs are a value."""
        head, squeezed = "", False
        if isinstance(value, Head):
            value, head = value.source, value.label
            if squeezed := head in _SQUEEZES:
                head = ""
            elif isinstance(value, Partial):
                value = self._as_value(value)
        function = None
        if isinstance(value, Partial):
            first, *rest = self._divide(value.chain)
            if compose(first).is_straight(self.parameters):
                value = self._as_value(Partial(value.source, list(first)))
            else:
                value, rest = Value(value.source), [first, *rest]
            if rest:
                last = compose([each for part in rest for each in part])
                head, function = ", ".join(last.labels), last.function
        if not isinstance(value, Value):
            raise UnsupportedModuleError(f"expected a module with one tensor as its output, got {value!r}")
        if not any(isinstance(step, Affine) for step in self.steps):
            raise UnsupportedModuleError(f"the module has no Linear layer; expected {SUPPORTED}")
        network = TracedNetwork(
            self.inputs,
            tuple(self.steps[:value]),
            tuple(self.parameters),
            tuple(self.names),
            head,
            function,
            squeezed,
            tuple(self.derived),
        )
        ending = self.steps[value - 1]
        if not isinstance(ending, Affine | Add | Elementwise):
            raise UnsupportedModuleError(f"the last step is {ending.name}; expected a Linear at the end")
        return network

    def finish_with(self, value: Value, label: str, function: Function | None = None) -> TracedNetwork:
        """Return the network whose outputs are a function of a value, which is elementwise or a Softmax."""
        return self.finish(
            Head(value, label) if function is None else Partial(value, [ElementwiseFunction(function, label, [label])])
        )

    def add(self, step: Step) -> Value:
        """Add a step and return the place of its value."""
        self.steps.append(step)
        return Value(len(self.steps))

    def add_affine(self, name: str, source: int, weight: Tensor, bias: Tensor | None) -> Value:
        """Add a Linear layer with weights (fan_out, fan_in)."""
        self._find_inputs(source, weight.shape[1])
        places = [self._place(f"{name}.weight", weight), None if bias is None else self._place(f"{name}.bias", bias)]
        assert places[0] is not None
        return self.add(Affine(name, (source,), places[0], places[1]))

    def _find_inputs(self, source: int, units: int) -> None:
        """Find the number of inputs from the first layer that takes them, as often as they are concatenated."""
        copies, others = self._copies(source)
        if copies and not self.inputs and (units - others) % copies == 0:
            self.inputs = (units - others) // copies

    def _copies(self, place: int) -> tuple[int, int]:
        """Return how many copies of the inputs a value has, and the number of its other units."""
        if place == 0:
            return 1, 0
        step = self.steps[place - 1]
        match step:
            case Affine(weight=weight):
                return 0, self.parameters[weight].shape[1]
            case Project(matrix=matrix):
                return 0, len(matrix)
            case Concatenate(sources=sources):
                parts = [self._copies(each) for each in sources]
                return sum(copies for copies, _ in parts), sum(others for _, others in parts)
        return self._copies(step.sources[0])

    def resolve(self, value: Any, node: fx.Node) -> Any:
        """Return what an argument of a node stands for."""
        return self.found[value] if isinstance(value, fx.Node) else value

    def _place(self, name: str, values: Tensor, matrix: bool = True) -> int:
        """Return the place of a parameter, which is added unless another layer has it as well."""
        if id(values) not in self.places:
            self.places[id(values)] = len(self.parameters)
            wide = values.detach().double().cpu()
            if not bool(wide.isfinite().all()):
                raise UnsupportedModuleError(
                    f"parameter {self.known.get(id(values), name)} is not finite; initialize it again, or load an "
                    "earlier checkpoint"
                )
            self.parameters.append((wide if matrix and wide.ndim == 2 else wide.reshape(-1, 1))[None].clone())
            self.names.append(self.known.get(id(values), name))
            if id(values) not in self.known and self.known:
                self.derived.append(name)
            self.placed.append(values)  # so that its id is not used again
        return self.places[id(values)]

    def _as_value(self, found: Any, node: fx.Node | None = None) -> Value:
        """Return the place of a value, with a step for an elementwise function that has none yet."""
        if isinstance(found, Partial):
            place = Value(found.source)
            for part in self._divide(found.chain):
                key = (place, *map(id, part))  # functions that are used twice, once with a factor, become one step
                if key not in self.applied:
                    each = compose(part)
                    label, straight = ", ".join(each.labels), each.is_straight(self.parameters)
                    self.applied[key] = self.add(
                        Elementwise(each.name, (place,), each.function, label, each.entry, each.parameters, straight)
                    )
                    self.functions += part  # so that their ids are not used again
                place = self.applied[key]
            for known, value in self.found.items():
                if value is found:
                    self.found[known] = place
            return place
        if not isinstance(found, Value):
            assert node is not None
            raise self._unsupported(node, "does not take the values of a layer")
        return found

    def _divide(self, chain: Sequence[ElementwiseFunction]) -> list[Sequence[ElementwiseFunction]]:
        """Return functions as at most three: affine ones at the start and at the end, and those between them.

        The argument of an activation then includes a factor such as 1 / sqrt(n).
        """
        first, last = 0, len(chain)
        while first < last and compose(chain[: first + 1]).is_straight(self.parameters):
            first += 1
        while last > first and compose(chain[last - 1 :]).is_straight(self.parameters):
            last -= 1
        return [part for part in (chain[:first], chain[first:last], chain[last:]) if part]

    def _unsupported(self, node: fx.Node, why: str) -> UnsupportedModuleError:
        """Return an error that names the layer of a node, and the function if the layer's forward method calls it."""
        path = str(node.target) if node.op == "call_module" else _layer_of(node)
        layer = self.module.get_submodule(path)
        what = name_layer(path, layer) if path else "the forward method"
        if node.op != "call_module":
            what = f"{_name_of(node.target)} in {what}"
        hint = ""
        if path and is_own_activation(layer):
            hint = "; if it is an activation of the catalog or of a plug-in, suite.measure takes its name as activation"
        return UnsupportedModuleError(f"{what} {why}; expected {SUPPORTED}{hint}")

    def _read_node(self, node: fx.Node) -> Any:
        if node.op == "get_attr":
            return Constant(str(node.target), _attribute(self.module, str(node.target)))
        if node.op == "call_module":
            return self._read_module(node, self.module.get_submodule(str(node.target)))
        return self._read_function(node)

    def _read_module(self, node: fx.Node, layer: nn.Module) -> Any:
        name = str(node.target)
        source = self.found[node.args[0]] if node.args and isinstance(node.args[0], fx.Node) else None
        if isinstance(source, Head):
            raise self._unsupported(node, f"follows {source.label}")
        if isinstance(layer, nn.Identity) or (isinstance(layer, DROPOUT) and (not layer.training or layer.p == 0)):
            return source
        if isinstance(layer, (*DROPOUT, nn.RReLU)):
            raise self._unsupported(node, "is random in training mode; call eval() on the network, or set p = 0")
        if isinstance(layer, nn.Flatten):
            return self._flatten(node, layer, source)
        if isinstance(layer, nn.Linear):
            if not (layer.in_features and layer.out_features):
                raise self._unsupported(node, "has no inputs or no outputs; use at least 1 of each")
            try:
                weight, bias = layer.weight, layer.bias
            except Exception as error:  # a parametrization may raise any error
                raise self._unsupported(node, f"cannot compute its weights ({short_error(error, 120)})") from error
            return self.add_affine(name, self._as_value(source, node), weight, bias)
        if isinstance(layer, NORMALIZATIONS):
            return self._normalize(node, layer, self._as_value(source, node))
        if isinstance(layer, HEADS):
            return Head(self._as_value(source, node), type(layer).__name__)
        return self._activate_by_module(node, layer, source)

    def _flatten(self, node: fx.Node, layer: nn.Flatten, source: Any) -> Any:
        """Return the inputs, which a Flatten may come before, or the only output, whose axis it leaves out."""
        if layer.start_dim == 0 and isinstance(source, Value | Partial):
            return Head(source, _SQUEEZES[0])
        if source != 0 or not isinstance(source, Value):
            raise self._unsupported(node, "does not come at the start")
        return source

    def _normalize(self, node: fx.Node, layer: nn.Module, source: int) -> int:
        name = str(node.target)
        gain, shift = (
            None if values is None else self._place(f"{name}.{own}", values)
            for own, values in (("weight", getattr(layer, "weight", None)), ("bias", getattr(layer, "bias", None)))
        )
        if isinstance(layer, nn.BatchNorm1d):
            running = None
            if layer.running_mean is not None and layer.running_var is not None:
                running = tuple(
                    values.double().cpu().reshape(1, -1, 1) for values in (layer.running_mean, layer.running_var)
                )
                if not all(bool(values.isfinite().all()) for values in running):
                    raise self._unsupported(node, "has running statistics that are not finite")
            by_mode = running if not layer.training else None
            used = {"mode": by_mode, "batch": None, "running": running}[self.statistics]
            if self.statistics == "running" and running is None:
                raise self._unsupported(node, "has no running statistics; use those of the batch")
            return self.add(Normalize(name, (source,), "batch", layer.eps, gain, shift, used))  # type: ignore[arg-type]
        if len(layer.normalized_shape) != 1:  # type: ignore[arg-type]
            raise self._unsupported(node, "normalizes over more than one axis")
        if isinstance(layer, nn.LayerNorm):
            return self.add(Normalize(name, (source,), "layer", layer.eps, gain, shift))
        eps = layer.eps if layer.eps is not None else torch.finfo(torch.float64).eps
        return self.add(Normalize(name, (source,), "rms", float(eps), gain, shift))  # type: ignore[arg-type]

    def _activate_by_module(self, node: fx.Node, layer: nn.Module, source: Any) -> Any:
        name = str(node.target)
        own = list(layer.named_parameters())
        if isinstance(layer, nn.PReLU):
            place = self._place(f"{name}.weight", layer.weight)
            return self._apply(
                node, source, lambda z, p: torch.where(z > 0, z, p[place] * z), name, "PReLU", None, (place,)
            )
        if self.activation is not None and is_own_activation(layer):
            chosen = self.activation
            return self._apply(node, source, function_of(kernel(chosen).phi), name, chosen.label, chosen)
        if own or type(layer) not in ELEMENTWISE_MODULES:
            raise self._unsupported(node, "is not supported")
        alone: Any = deepcopy(layer)
        if hasattr(alone, "inplace"):
            alone.inplace = False
        entry = activation_of_module(layer)
        phi = kernel(entry).phi if entry else alone.forward
        return self._apply(node, source, lambda z, _: phi(z), name, type(layer).__name__, entry)

    def _apply(
        self,
        node: fx.Node,
        source: Any,
        function: Function,
        name: str,
        label: str,
        entry: Activation | None = None,
        parameters: tuple[int, ...] = (),
    ) -> Partial:
        """Return an elementwise function of a value, or of another function that is not a step yet."""
        own = ElementwiseFunction(function, name, [label], entry, parameters)
        if isinstance(source, Partial):
            return Partial(source.source, [*source.chain, own])
        return Partial(self._as_value(source, node), [own])

    def _read_function(self, node: fx.Node) -> Any:  # noqa: PLR0911  # one return for each kind of function
        name = _name_of(node.target)
        arguments = [self.resolve(value, node) for value in node.args]
        keys = {key: self.resolve(value, node) for key, value in node.kwargs.items()}
        if name in ("size", "shape", "dim", "getattr", "getitem", "numel", "len"):
            return Shape()
        if name in _RESHAPES:
            return self._reshape(node, name, arguments[0])
        if any(isinstance(each, Shape) for each in [*arguments, *keys.values()]):
            raise self._unsupported(node, "takes a shape, or a part of the units")
        if name == "dropout":
            if keys.get("training", arguments[2] if len(arguments) > 2 else True) and (
                keys.get("p", arguments[1] if len(arguments) > 1 else 0.5) > 0
            ):
                raise self._unsupported(node, "is random in training mode; call eval() on the network")
            return arguments[0]
        if name == "linear":
            return self._linear_function(node, arguments, keys)
        if name in ("cat", "concat", "concatenate", "hstack"):
            return self._concatenate(node, arguments, keys)
        if name in ("softmax", "log_softmax"):
            return Head(self._as_value(arguments[0], node), name)
        if name in ("layer_norm", "rms_norm"):
            return self._normalize_by_function(node, name, arguments, keys)
        if name.rstrip("_") in _ADDITIONS and sum(isinstance(each, Value | Partial) for each in arguments) > 1:
            summed = self._sum(node, name, arguments, keys)
            if summed is not None:
                return summed
        if name in ("matmul", "mm") and any(isinstance(each, Constant) for each in arguments):
            return self._project(node, arguments)
        return self._elementwise(node, name, arguments, keys)

    def _reshape(self, node: fx.Node, name: str, source: Any) -> Any:
        """Return a value that a function converts or reshapes; only inputs and outputs may change their shape."""
        if name in ("float", "double") and isinstance(source, Partial):  # of a comparison, which gives booleans
            return self._apply(node, source, lambda z, p: z.to(p[0].dtype), node.name, name)
        if name in ("contiguous", "float", "double", "clone") or (isinstance(source, Value) and source == 0):
            return source
        if name in _SQUEEZES and isinstance(source, Value | Partial):
            return Head(source, name)
        raise self._unsupported(node, "changes the shape of a layer's values")

    def _linear_function(self, node: fx.Node, arguments: list[Any], keys: dict[str, Any]) -> int:
        weight = keys.get("weight", arguments[1] if len(arguments) > 1 else None)
        bias = keys.get("bias", arguments[2] if len(arguments) > 2 else None)
        if not isinstance(weight, Constant) or not isinstance(bias, Constant | None):
            raise self._unsupported(node, "takes weights that are computed in the forward method")
        name = weight.name.rpartition(".")[0] or weight.name
        source = self._as_value(arguments[0], node)
        return self.add_affine(name, source, weight.values, None if bias is None else bias.values)

    def _normalize_by_function(self, node: fx.Node, name: str, arguments: list[Any], keys: dict[str, Any]) -> int:
        given = (
            dict(
                zip(
                    ("input", "normalized_shape", "weight", "bias" if name == "layer_norm" else "eps", "eps"),
                    arguments,
                    strict=False,
                )
            )
            | keys
        )
        gain, shift = (
            self._place(given[own].name, given[own].values) if isinstance(given.get(own), Constant) else None
            for own in ("weight", "bias")
        )
        kind: Literal["layer", "rms"] = "layer" if name == "layer_norm" else "rms"
        eps = given.get("eps") or (1e-5 if kind == "layer" else torch.finfo(torch.float64).eps)
        return self.add(Normalize(node.name, (self._as_value(given["input"], node),), kind, float(eps), gain, shift))

    def _concatenate(self, node: fx.Node, arguments: list[Any], keys: dict[str, Any]) -> int:
        parts = keys.get("tensors", arguments[0] if arguments else ())
        axis = keys.get("dim", keys.get("axis", arguments[1] if len(arguments) > 1 else 0))
        if _name_of(node.target) != "hstack" and axis not in (1, -1):
            raise self._unsupported(node, f"joins along axis {axis}; join the units, along axis 1 or -1")
        return self.add(Concatenate(node.name, tuple(self._as_value(self.resolve(part, node), node) for part in parts)))

    def _sum(self, node: fx.Node, name: str, arguments: list[Any], keys: dict[str, Any]) -> int | None:
        """Return a sum or a difference; None if both terms are functions of the same value, as in x * sigmoid(x)."""
        first, second = arguments[:2]
        if source_of(first) == source_of(second):
            return None
        factor = keys.get("alpha", arguments[2] if len(arguments) > 2 else 1) * (-1 if "sub" in name else 1)
        if factor != 1:
            second = self._apply(node, second, lambda z, _: z * factor, node.name, f"times {factor:g}")
        return self.add(Add(node.name, (self._as_value(first, node), self._as_value(second, node))))

    def _project(self, node: fx.Node, arguments: list[Any]) -> int:
        """Return the product of values (points, units) and a fixed matrix."""
        source, matrix = arguments
        if not isinstance(matrix, Constant) or matrix.values.ndim != 2:
            raise self._unsupported(node, "does not multiply values (points, units) by a matrix on the right")
        if matrix.is_parameter:
            raise self._unsupported(node, "multiplies by a parameter; use an nn.Linear")
        place = self._as_value(source, node)
        self._find_inputs(place, matrix.values.shape[0])
        return self.add(Project(node.name, (place,), matrix.values.detach().double().cpu().T.clone()))

    def _elementwise(self, node: fx.Node, name: str, arguments: list[Any], keys: dict[str, Any]) -> Partial:
        """Return an elementwise function of one value, whose other arguments are constants."""
        if name.rstrip("_") not in ELEMENTWISE_FUNCTIONS:
            raise self._unsupported(node, "is not supported")
        taken = [each for each in arguments if isinstance(each, Value | Partial)]
        sources = {source_of(each) for each in taken}
        keys = {key: value for key, value in keys.items() if key != "inplace"}
        if any(isinstance(value, Value | Partial | Constant) for value in keys.values()):
            raise self._unsupported(node, "takes a tensor by a keyword; pass it by position")
        if len(sources) != 1:
            raise self._unsupported(node, "combines the values of several layers; only sums and concatenations may")
        before = taken[0] if len(taken) == 1 and isinstance(taken[0], Partial) else None
        parts = [same if argument is before else self._part(argument) for argument in arguments]
        call = _callable(node, name.rstrip("_"))

        def function(z: Tensor, p: Sequence[Tensor]) -> Tensor:
            found: Tensor = call(*[part(z, p) for part in parts], **keys)
            return found

        within = [each.composed for each in taken if isinstance(each, Partial) and each is not before]
        labels = [label for each in within for label in each.labels]
        places = [place for each in within for place in each.parameters]
        places += [place for each in arguments if isinstance(each, Constant) for place in self._places(each)]
        others = [each for each in arguments if not isinstance(each, Value | Partial)]
        entry = None if labels else activation_by_name(name, others, keys)
        shown, label = node.name, name
        path = _layer_of(node)
        layer = self.module.get_submodule(path)
        if path and not any(layer.children()):  # an activation of the user's own
            shown, label = path, type(layer).__name__
            labels = [each for each in labels if each != label]
        own = ElementwiseFunction(function, shown, [*dict.fromkeys(labels), label], entry, tuple(dict.fromkeys(places)))
        return Partial(sources.pop(), [*(before.chain if before else []), own])

    def _places(self, constant: "Constant") -> list[int]:
        """Return the place of a parameter that a forward method uses by itself; nothing for a buffer."""
        return [self._place(constant.name, constant.values, matrix=False)] if constant.is_parameter else []

    def _part(self, argument: Any) -> Callable[[Tensor, Sequence[Tensor]], Any]:
        """Return an argument of an elementwise function, as a function of values and parameters."""
        if isinstance(argument, Partial):
            return argument.composed.function
        if isinstance(argument, Value):
            return same
        if not isinstance(argument, Constant):
            return constant(argument)
        if argument.is_parameter:
            return parameter_at(*self._places(argument))
        values = argument.values.cpu().reshape(-1, 1)
        return constant(values.double() if values.is_floating_point() else values)


def _name_of(target: Any) -> str:
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    return "threshold" if name == "_threshold" else name  # as torch names the function of functional.threshold


def _layer_of(node: fx.Node) -> str:
    """Return the path of the innermost module whose forward method calls a node's function; empty for the whole."""
    inside = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    return inside[-1] if inside else ""


def _attribute(module: nn.Module, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _callable(node: fx.Node, name: str) -> Callable[..., Tensor]:
    """Return the function out of place that a node calls."""
    if node.op == "call_method" or str(_name_of(node.target)).endswith("_"):
        found = getattr(torch, name, None) or getattr(functional, name, None)
        assert found is not None, name
        return found  # type: ignore[no-any-return]
    return node.target  # type: ignore[return-value]


_SQUEEZES = ("squeeze", "unsqueeze")
_RESHAPES = {
    "view", "reshape", "flatten", "squeeze", "unsqueeze", "contiguous", "to", "float", "double", "type", "detach",
    "clone",
}  # fmt: skip
_ADDITIONS = {"add", "iadd", "sub", "subtract", "isub"}

"""What may fix a network: other weights, other inputs, or another architecture, and the PyTorch code for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor

from suite.catalog.activations import LeakyRelu, Relu
from suite.diagnosis.code import build_code
from suite.diagnosis.initialize import draw_again, weight_variance
from suite.nets.activations import kernel
from suite.nets.traced import Add, Affine, Concatenate, Elementwise, Normalize, Step, TracedNetwork

_SHALLOW = 3
"""The number of hidden layers of a shallower network."""


@dataclass(frozen=True)
class Remedy:
    """A change of a network or of its inputs.

    Attributes:
        name: How tables name it.
        code: The lines of PyTorch that do it.
        network: The changed architecture.
        scheme: The scheme by which all weights are drawn again; empty to keep them.
        standardize: What is standardized: "inputs", "targets", both, or nothing.
    """

    name: str
    code: str
    network: TracedNetwork
    scheme: str = ""
    standardize: frozenset[str] = frozenset()

    @property
    def draw(self) -> Callable[[TracedNetwork, torch.Generator], Sequence[Tensor]] | None:
        """The function that draws new parameters of replicates, if any."""
        return partial(_draw, self.scheme) if self.scheme else None


def _draw(scheme: str, network: TracedNetwork, generator: torch.Generator) -> Sequence[Tensor]:
    return draw_again(network, scheme, generator)


_STANDARDIZE = {
    "inputs": "mean, scale = X_train.mean(axis=0), X_train.std(axis=0)\n"
    "X_train = (X_train - mean) / (scale + (scale == 0))  # as all other inputs",
    "targets": "y_train = (y_train - y_train.mean(axis=0)) / y_train.std(axis=0)  # undo this for predictions",
}

AS_IT_IS, STANDARDIZE, LEARNING_RATE = "as_it_is", "standardize", "learning_rate"
"""The keys of no remedy, of standardizing alone, and of another learning rate alone."""


def learning_rate_remedy(network: TracedNetwork, rate: float) -> Remedy:
    """Return the remedy of another learning rate."""
    code = f"import torch\n\noptimizer = torch.optim.Adam(net.parameters(), lr={rate:g})"
    return Remedy(f"learning rate {rate:g}", code, network)


def possible_remedies(network: TracedNetwork, standardize: frozenset[str]) -> dict[str, Remedy]:
    """Return the remedies of a network by key, the simplest first.

    Args:
        network: A single network.
        standardize: What should be standardized; then all remedies do that as well.
    """
    found: dict[str, Remedy] = {}
    what = " and ".join(sorted(standardize))
    data = [_STANDARDIZE[each] for each in sorted(standardize)]

    def add(key: str, name: str, changed: TracedNetwork, scheme: str = "", architecture: str = "") -> None:
        name = ", ".join([*([f"standardize {what}"] if standardize else []), *([name] if name else [])])
        imports = ["import suite"] * bool(scheme) + ["from torch import nn"] * ("nn." in architecture)
        again = [f'suite.initialize_(net, "{scheme}", seed=0)'] if scheme else []
        parts = ["\n".join(imports), "\n".join(data), "\n".join([*([architecture] if architecture else []), *again])]
        found[key] = Remedy(name, "\n\n".join(filter(None, parts)), changed, scheme, standardize)

    def add_architecture(key: str, name: str, changed: TracedNetwork, otherwise: str) -> None:
        add(key, name, changed, "variance_preserving", build_code(changed) or otherwise)

    if standardize:
        add(STANDARDIZE, "", network)
    different = any(
        weight_variance(network, step, "critical") != weight_variance(network, step, "variance_preserving")
        for step in network.linears[:-1]
    )
    schemes = ("variance_preserving", "critical") if different else ("variance_preserving",)
    for scheme in () if network.derived else schemes:  # weights that are computed from others are not drawn again
        add(scheme, f"initialize by {scheme}", network, scheme)
    if not all(_follows_normalization(network, step) for step in network.hidden):
        add_architecture(
            "normalization",
            "add layer normalization",
            with_normalization(network),
            "# put nn.LayerNorm(width) between each hidden nn.Linear and its activation, then",
        )
    if (changed := with_residual(with_normalization(network))) is not None:
        add_architecture(
            "residual",
            "add residual sums and layer normalization",
            changed,
            "# in forward, for hidden layers of equal width, with nn.LayerNorm before each activation:\n"
            "# h = h + activation(norm(linear(h))), then",
        )
    if any(_has_flat_sides(step) for step in network.hidden):
        add_architecture(
            "activation",
            "replace activations by LeakyReLU(0.1)",
            with_leaky_relu(network),
            "# put nn.LeakyReLU(0.1) in place of the activations, then",
        )
    if len(network.hidden) > _SHALLOW or _narrowest(network) < 2 * _SHALLOW:
        changed = shallower(network)
        width = changed.widths[1]
        advice = f"# {_SHALLOW} nn.Linear with {width} units and nn.ReLU, and a last nn.Linear as now, then"
        add_architecture("shallower", f"{_SHALLOW} hidden layers of {width} ReLU units", changed, advice)
    return found


def _follows_normalization(network: TracedNetwork, step: Elementwise) -> bool:
    source = step.sources[0]
    return bool(source) and isinstance(network.steps[source - 1], Normalize)


def _has_flat_sides(step: Elementwise) -> bool:
    return step.entry is None or bool(step.entry.flat_sides) or step.entry.bounds is not None


def _narrowest(network: TracedNetwork) -> int:
    return min((network.widths[step.sources[0]] for step in network.hidden), default=1)


def _rebuild(network: TracedNetwork, edit: Callable[[Step, "_Editor"], int]) -> TracedNetwork:
    """Return the network of edited steps; `edit` adds the steps for one step, and returns the place of its value."""
    editor = _Editor(network)
    for step in network.steps:
        moved = replace(step, sources=tuple(editor.moved[source] for source in step.sources))
        editor.original = step
        editor.moved.append(edit(moved, editor))
    return replace(network, steps=tuple(editor.steps), parameters=tuple(editor.parameters), names=tuple(editor.names))


class _Editor:
    """The steps and parameters of a network that is being built from another one."""

    def __init__(self, network: TracedNetwork) -> None:
        self.steps: list[Step] = []
        self.parameters, self.names = list(network.parameters), list(network.names)
        self.moved = [0]
        self.original: Step = network.steps[0]

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps)

    def vector(self, name: str, units: int, value: float) -> int:
        like = self.parameters[0]
        self.parameters.append(torch.full((len(like), units, 1), value, dtype=like.dtype))
        self.names.append(name)
        return len(self.parameters) - 1


def with_normalization(network: TracedNetwork) -> TracedNetwork:
    """Return the network with layer normalization before every activation that has none."""
    hidden = {id(step) for step in network.hidden}

    def edit(step: Step, editor: _Editor) -> int:
        if id(editor.original) in hidden and not _follows_normalization(network, editor.original):  # type: ignore[arg-type]
            units = network.widths[editor.original.sources[0]]
            gain, shift = (
                editor.vector(f"{step.name}.{own}", units, value) for own, value in (("gain", 1.0), ("shift", 0.0))
            )
            place = editor.add(Normalize(f"{step.name}.norm", step.sources, "layer", 1e-5, gain, shift))
            step = replace(step, sources=(place,))
        return editor.add(step)

    return _rebuild(network, edit)


def with_residual(network: TracedNetwork) -> TracedNetwork | None:
    """Return the network in which activations of equal width are added to those below; None if it has such sums."""
    if any(isinstance(step, Add | Concatenate) for step in network.steps) or len(network.hidden) < 2:
        return None
    hidden = {id(step) for step in network.hidden}
    last: list[tuple[int, int]] = []
    sums = 0

    def edit(step: Step, editor: _Editor) -> int:
        nonlocal sums
        place = editor.add(step)
        if id(editor.original) not in hidden:
            return place
        units = network.widths[editor.original.sources[0]]
        if last and last[-1][1] == units:
            place = editor.add(Add(f"{step.name}.sum", (place, last[-1][0])))
            sums += 1
        last.append((place, units))
        return place

    changed = _rebuild(network, edit)
    return changed if sums else None


def with_leaky_relu(network: TracedNetwork) -> TracedNetwork:
    """Return the network with LeakyReLU(0.1) in place of its activations."""
    entry = LeakyRelu(slope=0.1)
    phi = kernel(entry).phi
    hidden = {id(step) for step in network.hidden}

    def edit(step: Step, editor: _Editor) -> int:
        if id(editor.original) in hidden:
            step = Elementwise(step.name, step.sources, lambda z, _: phi(z), entry.label, entry)
        return editor.add(step)

    return _rebuild(network, edit)


def shallower(network: TracedNetwork) -> TracedNetwork:
    """Return a network of ReLU units with few hidden layers and about as many parameters, at least 8 units wide."""
    inputs, outputs = network.inputs, network.outputs
    budget = network.parameter_count
    linear = inputs + outputs + _SHALLOW
    quadratic = _SHALLOW - 1
    width = max(8, round((-linear + sqrt(linear**2 + 4 * quadratic * max(0, budget - outputs))) / (2 * quadratic)))
    phi, entry = torch.relu, Relu()
    steps: list[Step] = []
    parameters: list[Tensor] = []
    names: list[str] = []
    like = network.parameters[0]
    fans = [inputs, *[width] * _SHALLOW, outputs]
    for number, (fan_in, fan_out) in enumerate(pairwise(fans)):
        place = len(parameters)
        parameters += [like.new_zeros(1, fan_out, fan_in), like.new_zeros(1, fan_out, 1)]
        names += [f"{2 * number}.weight", f"{2 * number}.bias"]
        steps.append(Affine(str(2 * number), (len(steps),), place, place + 1))
        if number < _SHALLOW:
            steps.append(Elementwise(str(2 * number + 1), (len(steps),), lambda z, _: phi(z), "relu", entry))
    last = network.steps[-1]
    if isinstance(last, Elementwise) and last.output:
        own = [values[:1] for values in network.parameters]
        steps.append(replace(last, sources=(len(steps),), function=lambda z, _: last.function(z, own)))
    return replace(network, steps=tuple(steps), parameters=tuple(parameters), names=tuple(names), derived=())

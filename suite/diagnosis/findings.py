"""The findings: what the evidence of a network says about its training, each with a strength and its reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite, isinf, isnan, log10, nan
from typing import Literal

from suite.diagnosis.evidence import Evidence, LayerEvidence
from suite.diagnosis.expected import LayerTheory
from suite.diagnosis.weights import LinearEvidence
from suite.nets.traced import TracedNetwork
from suite.theory.correlation_map import depth_scales
from suite.theory.mean_field import fixed_point

Strength = Literal["strong", "mild"]

FINDINGS = (
    "labels",
    "input_scale",
    "initialization",
    "depth",
    "width",
    "dead_units",
    "output_scale",
    "saturated",
    "collapse",
    "vanishing_signal",
    "exploding_signal",
    "vanishing_gradient",
    "exploding_gradient",
    "conditioning",
)
"""The names of findings, causes before what they cause."""


@dataclass(frozen=True)
class Finding:
    """Something that may prevent training.

    Attributes:
        finding: One of `FINDINGS`.
        strength: Whether the first or the second threshold is exceeded.
        layer: The name of the module where it is, or empty for the whole network.
        value: The number that was found.
        expected: The number that theory or a healthy network has, as text.
        evidence: A sentence with what was found and what it means.
    """

    finding: str
    strength: Strength
    layer: str
    value: float
    expected: str
    evidence: str


def find_all(evidence: Evidence, network: TracedNetwork) -> list[Finding]:
    """Return all findings, causes before what they cause."""
    found = [finding for rule in _RULES for finding in rule(evidence, network)]
    return sorted(found, key=lambda each: FINDINGS.index(each.finding))


def _grade(value: float, mild: float, strong: float) -> Strength | None:
    """Return how strong a value is, which is worse the larger it is; values that are not finite are strong."""
    if value >= strong or isnan(value):
        return "strong"
    return "mild" if value >= mild else None


def _labels(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if evidence.regression:
        if evidence.target_std == 0:
            yield Finding("labels", "strong", "", 0.0, "> 0", "All targets are the same: there is nothing to learn.")
    elif evidence.constant_score == 1:
        yield Finding("labels", "strong", "", 1.0, "< 0.95", "All labels are the same: there is nothing to learn.")
    elif strength := _grade(evidence.constant_score, 0.95, 0.99):
        yield Finding(
            "labels",
            strength,
            "",
            evidence.constant_score,
            "< 0.95",
            f"A constant output is right for {evidence.constant_score:.1%} of the points; use a class-balanced score.",
        )


def _input_scale(evidence: Evidence, _network: TracedNetwork) -> Iterator[Finding]:
    size, offset, spread = evidence.input_size, evidence.input_offset, evidence.input_spread
    if isinf(offset):
        yield Finding("input_scale", "strong", "", offset, "< 5", "All rows of the inputs are equal.")
        return
    wide, narrow = evidence.spread_columns
    checks: list[tuple[Strength | None, float, str, str]] = [
        (_grade(max(size, 0.1 / size if size else inf), 10.0, 100.0), size, "1", f"their mean square is {size:.3g}"),
        (
            _grade(offset, 5.0, 20.0),
            offset,
            "< 5",
            f"the mean of column {evidence.offset_column} is {offset:.3g} times its standard deviation",
        ),
        (
            _grade(spread, 30.0, 1000.0),
            spread,
            "< 30",
            f"the standard deviation of column {wide} is {spread:.3g} times that of column {narrow}",
        ),
    ]
    found = [check for check in checks if check[0]]
    if not found:
        return
    strength, value, expected, _ = next((check for check in found if check[0] == "strong"), found[0])
    assert strength
    what = ", and ".join(check[3] for check in found)
    text = f"Inputs are not standardized: {what}. Initializations expect a mean of 0 and a variance of 1."
    yield Finding("input_scale", strength, "", value, expected, text)


def excess(linear: LinearEvidence) -> float:
    """Return log10 of the factor by which a layer's weight variance misses the range of the recommended ones.

    The range is from `variance_preserving` to `critical`. It is 0 for layers that are normalized, and for the readout.
    """
    known = [each for each in (linear.preserving, linear.critical) if isfinite(each)]
    if not known or linear.normalized:
        return 0.0
    low, high = min(known), max(known)
    low_end, high_end = linear.interval
    if linear.weight_variance == 0:
        return -300.0
    if low_end > high:
        return log10(linear.weight_variance / high)
    return log10(linear.weight_variance / low) if high_end < low else 0.0


def _describe_schemes(linear: LinearEvidence) -> str:
    """Return the weight variances of the recommended schemes as text."""
    preserving, critical = f"{linear.preserving:.3g}", f"{linear.critical:.3g}"
    if preserving == critical:
        return f"variance_preserving and critical both have {preserving}"
    return f"variance_preserving has {preserving}" + (f" and critical has {critical}" if critical != "nan" else "")


def _initialization(evidence: Evidence, network: TracedNetwork) -> Iterator[Finding]:
    hidden = evidence.linears[:-1]
    if not hidden:
        return
    factors = [excess(linear) for linear in hidden]
    small, large = sum(min(each, 0.0) for each in factors), sum(max(each, 0.0) for each in factors)
    total = small if -small > large else large
    biased = [linear for linear in hidden if linear.bias_variance > 1 and not linear.normalized]
    strength = _grade(abs(total), 1.5, 6.0)
    bias_strength = _grade(max((linear.bias_variance for linear in biased), default=0.0), 1.0, 4.0)
    if evidence.residual and strength == "strong":
        strength = "mild"
    if strength and (bias_strength != "strong" or strength == "strong"):
        worst = max(range(len(hidden)), key=lambda place: factors[place] * (1 if total > 0 else -1))
        linear = hidden[worst]
        low, high = linear.interval
        what = "small" if total < 0 else "large"
        text = (
            f"Weights are too {what}: sigma_w^2 is {linear.weight_variance:.3g}, 95% CI [{low:.3g}, {high:.3g}], where "
            f"{_describe_schemes(linear)}. (sigma_w^2 is the variance of the weights times the number of inputs.) "
            f"Over {len(hidden)} Linear layers, the ratios to these values multiply to 1e{total:+03.0f}."
        )
        yield Finding("initialization", strength, linear.name, linear.weight_variance, f"{linear.preserving:.3g}", text)
    elif bias_strength:
        linear = max(biased, key=lambda each: each.bias_variance)
        sign = (
            ""
            if abs(linear.bias_mean) < 0.5 * linear.bias_variance**0.5
            else f", with a mean of {linear.bias_mean:.3g}"
        )
        text = (
            f"Biases are large: their mean square is {linear.bias_variance:.3g}{sign}. They decide the preactivations, "
            "whatever the input is."
        )
        yield Finding("initialization", bias_strength, linear.name, linear.bias_variance, "0", text)


def _dead_units(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if not evidence.layers:
        return
    worst = max(evidence.layers, key=lambda layer: layer.dead)
    if strength := _grade(worst.dead, 0.6, 0.9):
        number = round(worst.dead * worst.units)
        text = (
            f"{number} of {worst.units} units of layer {worst.name} have a slope of 0 at all points: they do not learn."
        )
        if worst.dead == 1:
            text += " The output is the same for all inputs, and no layer below gets a gradient."
        yield Finding("dead_units", strength, worst.name, worst.dead, "< 0.6", text)


def _width(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if len(evidence.layers) < 3 or evidence.residual:
        return
    ratio = sum(1 / layer.units for layer in evidence.layers)
    if strength := _grade(ratio, 1.0, 2.5):
        narrowest = min(evidence.layers, key=lambda layer: layer.units)
        text = (
            f"Layers are narrow for their number: the sum of 1 / width over {len(evidence.layers)} hidden layers is "
            f"{ratio:.2g}, the narrowest has {narrowest.units} units. Signals and gradients vary by factors of about "
            f"e^{ratio:.2g} from network to network."
        )
        yield Finding("width", strength, narrowest.name, ratio, "< 1", text)


def _depth(evidence: Evidence, network: TracedNetwork) -> Iterator[Finding]:
    if evidence.residual:
        return
    depth, scale = evidence.depth, correlation_depth(evidence, network)
    share = depth / scale if isfinite(scale) else 0.0
    strength = _grade(share, 4.0, 8.0) if share >= 4 else _grade(float(depth), 20.0, 50.0)
    if not strength:
        return
    if share >= 4:
        text = (
            f"With these weights and biases, differences between inputs fade over a depth scale of {scale:.2g} layers, "
            f"and {depth} hidden layers are {share:.1f} times as deep. Networks beyond about 6 times are hard to train."
        )
    else:
        text = f"There are {depth} hidden layers without residual sums."
    value, expected = (share, "< 4") if share >= 4 else (float(depth), "< 20")
    yield Finding("depth", strength, "", value, expected, text)


_LARGEST_VARIANCE = 1e6
"""The weight variance above which the fixed point of the variance map is not looked for, which takes long."""


def correlation_depth(evidence: Evidence, network: TracedNetwork) -> float:
    """Return the depth scale xi_c of the correlation map, for the mean variances of the hidden layers.

    It is nan if activations differ or are not in the catalog, layers are normalized, or variances have no fixed point.

    Source: Schoenholz et al. 2017, arXiv:1611.01232.
    """
    entries = {step.entry for step in network.hidden}
    hidden = evidence.linears[1:-1]
    if len(entries) != 1 or None in entries or not hidden or any(layer.normalized for layer in evidence.layers):
        return nan
    (entry,) = entries
    assert entry is not None
    weights = sum(linear.weight_variance for linear in hidden) / len(hidden)
    biases = sum(linear.bias_variance for linear in hidden) / len(hidden)
    if weights == 0 or weights > _LARGEST_VARIANCE:
        return nan
    try:
        q = fixed_point(entry, weights, biases)
        return depth_scales(entry, weights, biases, q).xi_c if isfinite(q) and q > 0 else nan
    except (ArithmeticError, ValueError):
        return nan


def _output_scale(evidence: Evidence, network: TracedNetwork) -> Iterator[Finding]:
    readout = evidence.linears[-1]
    if readout.weight_variance == 0:
        text = "The weights of the readout are 0: no layer below gets a gradient in the first step."
        yield Finding("output_scale", "strong", readout.name, 0.0, "1", text)
        return
    if evidence.regression:
        size = max(evidence.target_rms, 1 / evidence.target_rms if evidence.target_rms else 1.0)
        ratio = evidence.output_rms / evidence.target_rms if evidence.target_rms else 1.0
        if strength := _grade(size, 5.0, 30.0):
            several = network.outputs > 1
            text = (
                f"The root mean square of {'a target' if several else 'the targets'} is {evidence.target_rms:.3g}, and "
                f"that of the outputs {evidence.output_rms:.3g}. Outputs must change by this factor; scale the targets."
            )
            yield Finding("output_scale", strength, readout.name, evidence.target_rms, "1", text)
        elif strength := _grade(ratio, 5.0, 30.0):
            text = f"The outputs are {ratio:.3g} times as large as the targets."
            yield Finding("output_scale", strength, readout.name, ratio, "< 5", text)
        return
    ratio = evidence.loss / evidence.constant_loss if evidence.constant_loss else 1.0
    if strength := _grade(ratio, 3.0, 10.0):
        text = (
            f"The loss is {evidence.loss:.3g} before training, {ratio:.3g} times that of a constant output "
            f"({evidence.constant_loss:.3g}): outputs are large (root mean square {evidence.output_rms:.3g}) and wrong."
        )
        yield Finding("output_scale", strength, readout.name, ratio, "about 1", text)


def _saturated(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if not evidence.layers:
        return
    worst = max(evidence.layers, key=lambda layer: layer.saturated)
    if strength := _grade(worst.saturated, 0.5, 0.8):
        text = (
            f"{worst.saturated:.0%} of the values of layer {worst.name} ({worst.label}) are where it is flat: their "
            "slope is below a twentieth of the largest one."
        )
        yield Finding("saturated", strength, worst.name, worst.saturated, "< 0.5", text)


def _collapse(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    ratios = [_contrast(layer) for layer in evidence.layers]
    value = max(ratios, default=1.0)
    if value < 20 and evidence.constant and evidence.linears[-1].weight_variance > 0:
        value = inf
    if not (strength := _grade(value, 20.0, 300.0)):
        return
    number = next((number for number, ratio in enumerate(ratios) if ratio >= 20), None)
    if number is None:
        first, text = None, "The output is the same for all inputs"
    else:
        first = evidence.layers[number]
        theory = _theory(evidence, number, lambda layer: _over(layer.variation, layer.size))
        text = (
            f"The preactivations of layer {first.name} vary over points by {_over(first.variation, first.size):.2g} of "
            f"their size{theory}"
        )
        worst = evidence.layers[ratios.index(value)] if value in ratios else first
        if worst is not first:
            text += f", and those of layer {worst.name} by {_over(worst.variation, worst.size):.2g}"
    cause, where = _cause_of_collapse(evidence, first), first.name if first else ""
    yield Finding(
        "collapse", strength, where, value, "< 20", f"{text}: the network nearly ignores its input ({cause})."
    )


def _contrast(layer: LayerEvidence) -> float:
    """Return the size of preactivations over their variation; 1 if they overflow."""
    if not (isfinite(layer.size) and isfinite(layer.variation)):
        return 1.0
    return _over(layer.size, layer.variation) if layer.size else inf


def _theory(evidence: Evidence, number: int, value_of: Callable[[LayerTheory], float]) -> str:
    """Return what theory expects of a layer, in parentheses; empty where it expects nothing."""
    if not evidence.theory:
        return ""
    value = value_of(evidence.theory[number])
    return f" (theory for such weights: {value:.2g})" if isfinite(value) else ""


def _cause_of_collapse(evidence: Evidence, first: LayerEvidence | None) -> str:
    """Return how a network collapsed: by death, by biases, by norm or by angle."""
    if any(layer.dead == 1 for layer in evidence.layers):
        return "all units of a layer are dead"
    if first is None:
        return "its weights are 0"
    if first.size == 0:
        return "preactivations are 0"
    if first.linear >= 0 and evidence.linears[first.linear].bias_variance > 0.9 * first.size**2:
        return "the biases are larger than W h"
    return "the layer's inputs all point in the same direction"


def _over(first: float, second: float) -> float:
    """Return a ratio, which is 0 for 0 / 0."""
    return first / second if second > 0 else (0.0 if first == 0 else inf)


def _signal(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if len(evidence.layers) < 2:
        return
    first, last = evidence.layers[0], evidence.layers[-1]
    overflows = not (isfinite(last.size) and isfinite(last.variation))
    fall = 0.0 if overflows else _over(first.variation, last.variation)
    if strength := _grade(fall, 30.0, 1000.0):
        text = (
            f"The variation of preactivations over points falls from {first.variation:.2g} in layer {first.name} to "
            f"{last.variation:.2g} in layer {last.name}{_theory(evidence, -1, lambda layer: layer.variation)}: "
            "differences between inputs are lost."
        )
        yield Finding("vanishing_signal", strength, last.name, fall, "< 30", text)
    growth = inf if overflows else _over(last.size, first.size) if first.size else 0.0
    if strength := _grade(growth, 30.0, 1000.0):
        reached = "overflow" if overflows else f"grow to {last.size:.2g}"
        text = (
            f"Preactivations {reached} in layer {last.name}, from {first.size:.2g} in layer {first.name}"
            f"{_theory(evidence, -1, lambda layer: layer.size)}."
        )
        yield Finding("exploding_signal", strength, last.name, growth, "< 30", text)


def _gradient(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if len(evidence.layers) < 2:
        return
    first, last = evidence.layers[0], evidence.layers[-1]
    if last.gradient == 0:
        return  # a readout of 0, or a dead layer above, which are findings of their own
    overflows = not (isfinite(last.gradient) and isfinite(first.gradient))
    theory = _theory(evidence, 0, lambda layer: layer.gradient * last.gradient)
    fall = 0.0 if overflows else _over(last.gradient, first.gradient)
    growth = inf if overflows else _over(first.gradient, last.gradient)
    if strength := _grade(fall, 100.0, 10_000.0):
        text = (
            f"Gradients fall from {last.gradient:.2g} in layer {last.name} to {first.gradient:.2g} in layer "
            f"{first.name}{theory}, the first hidden layer, which learns slowly."
        )
        yield Finding("vanishing_gradient", strength, first.name, fall, "< 100", text)
    elif strength := _grade(growth, 100.0, 10_000.0):
        text = (
            "Gradients overflow."
            if overflows
            else f"Gradients grow from {last.gradient:.2g} in layer {last.name} to {first.gradient:.2g} in layer "
            f"{first.name}{theory}."
        )
        yield Finding("exploding_gradient", strength, first.name, growth, "< 100", text)


def _conditioning(evidence: Evidence, _: TracedNetwork) -> Iterator[Finding]:
    if isnan(evidence.condition):
        return
    if strength := _grade(evidence.condition, 1e9, 1e14):
        text = (
            f"The condition number of the neural tangent kernel on a few points is {evidence.condition:.2g}: some "
            "differences between points are learned very slowly."
            if isfinite(evidence.condition)
            else "The neural tangent kernel is singular on a few points: gradients do not tell some of them apart."
        )
        text += f" Its largest eigenvalue is {evidence.alignment:.1%} of the sum of all."
        yield Finding("conditioning", strength, "", evidence.condition, "< 1e9", text)


_RULES: tuple[Callable[[Evidence, TracedNetwork], Iterator[Finding]], ...] = (
    _labels,
    _input_scale,
    _initialization,
    _dead_units,
    _width,
    _depth,
    _output_scale,
    _saturated,
    _collapse,
    _signal,
    _gradient,
    _conditioning,
)

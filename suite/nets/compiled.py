"""Ensembles of narrow networks in the compiled kernels, which are several times as fast as torch there.

The result of a network does not depend on the other networks of a call.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from suite.catalog.activations import Activation
from suite.catalog.optimizers import Adam, AdamW, Optimizer, Sgd
from suite.native.activations import native_activation
from suite.native.networks import LOSSES, Architecture, Kernels, Rule, architecture

if TYPE_CHECKING:
    from suite.nets.ensemble import Ensemble

LARGEST_LAYER = 128 * 128
"""Largest number of weights of a layer for which the kernels are at least as fast as torch's matrix products."""

_CALL_BYTES = 32 * 2**20
"""Target size of the arrays of one call of a kernel."""

_HELD_BYTES = 256 * 2**20
"""Largest size of the training points that are arranged for the kernels once, rather than batch by batch."""

_KERNELS = {torch.float32: Kernels("f32"), torch.float64: Kernels("f64")}


def can_compile(widths: Sequence[int], activation: Activation) -> bool:
    """Return whether the kernels compute networks of these widths on the CPU.

    It depends on the architecture alone, so that every draw of a member is computed in the same way.
    """
    largest = max(fan_in * fan_out for fan_in, fan_out in pairwise(widths))
    return largest <= LARGEST_LAYER and native_activation(activation) is not None


def is_compiled(
    ensemble: "Ensemble",
    points: Float[Tensor, "*draws inputs points"],
    labels: Tensor | None = None,
    loss: str = LOSSES[0],
) -> bool:
    """Return whether the kernels compute the outputs at these points or, given labels, the gradient of a loss.

    Otherwise torch does, or raises an error. The kernels rely on shapes and types, which this function checks.

    Args:
        ensemble: The networks.
        points: Points shared by all networks, or separate for each.
        labels: Labels of the points, if any.
        loss: Name of the loss.
    """
    total = points.shape[-1]
    return (
        ensemble.has_kernels
        and loss in LOSSES
        and ensemble.parameters.device.type == "cpu"
        and ensemble.parameters.dtype in _KERNELS
        and _can_read(ensemble, ensemble.parameters, ensemble.parameters.shape)
        and _can_read(ensemble, points, (ensemble.widths[0], total))
        and (labels is None or _can_read(ensemble, labels, (ensemble.widths[-1], total)))
        and can_compile(ensemble.widths, ensemble.activation)
    )


def _can_read(ensemble: "Ensemble", values: Tensor, shape: Sequence[int]) -> bool:
    """Return whether the kernels can read values of this shape, with or without a leading axis of draws."""
    like = ensemble.parameters
    return (
        values.shape in (shape, (1, *shape), (ensemble.draws, *shape))
        and values.numel() > 0
        and (values.dtype, values.device) == (like.dtype, like.device)
        and not (values.requires_grad and torch.is_grad_enabled())
    )


def pack(values: Float[Tensor, "networks rows columns"]) -> Float[Tensor, "groups columns rows lane"]:
    """Arrange arrays of networks in groups for the kernels; the last network fills lanes that would be empty."""
    kernels = _KERNELS[values.dtype]
    networks, rows, columns = values.shape
    values = values.contiguous()
    packed = values.new_empty(-(-networks // kernels.lanes), columns, rows, kernels.lanes)
    kernels.pack(networks, rows, columns, values.data_ptr(), packed.data_ptr())
    return packed


def unpack(packed: Float[Tensor, "groups columns rows lane"], networks: int) -> Float[Tensor, "networks rows columns"]:
    """Undo `pack`."""
    _, columns, rows, _ = packed.shape
    values = packed.new_empty(networks, rows, columns)
    _unpack_to(values, packed)
    return values


def _unpack_to(
    values: Float[Tensor, "networks rows columns"], packed: Float[Tensor, "groups columns rows lane"]
) -> None:
    """Undo `pack` and write the arrays to contiguous ones."""
    assert values.is_contiguous()
    networks, rows, columns = values.shape
    _KERNELS[packed.dtype].unpack(networks, rows, columns, packed.data_ptr(), values.data_ptr())


def outputs(
    ensemble: "Ensemble", points: Float[Tensor, "*draws inputs points"], reference: int | None = None
) -> Float[Tensor, "draws outputs points"]:
    """Compute the outputs of every network.

    Args:
        ensemble: The networks.
        points: Points shared by all networks or, with a leading axis of draws, separate points for each network.
        reference: Number of points over which batch normalization takes its statistics; by default all.
    """
    network, kernels = _architecture(ensemble), _KERNELS[ensemble.parameters.dtype]
    total = points.shape[-1]
    if shared := points.ndim == 2 or len(points) == 1 or points.stride(0) == 0:
        common = (points if points.ndim == 2 else points[0]).T.contiguous()
    held = ensemble.parameters.shape[1] + total * (ensemble.widths[-1] + (0 if shared else ensemble.widths[0]))

    result = points.new_empty(ensemble.draws, ensemble.widths[-1], total)

    def compute(draws: slice) -> None:
        parameters = pack(ensemble.parameters[draws, :, None])
        inputs = common if shared else pack(points[draws])
        found = parameters.new_empty(len(parameters), total, ensemble.widths[-1], kernels.lanes)
        sizes = (len(parameters), total, total if reference is None else min(reference, total))
        kernels.forward(network, sizes, shared, parameters.data_ptr(), inputs.data_ptr(), found.data_ptr())
        _unpack_to(result[draws], found)

    _in_parts(compute, ensemble, held)
    return result


def inspect_layers(
    ensemble: "Ensemble", points: Float[Tensor, "inputs points"]
) -> tuple[Float[Tensor, "draws layers"], Float[Tensor, "draws layers"], Bool[Tensor, "draws layers"]]:
    """Inspect each layer at points that all networks share.

    Returns:
        The norm over points and units of W h, the norm of b, and whether the layer's output is the same at all points.
    """
    network, kernels = _architecture(ensemble), _KERNELS[ensemble.parameters.dtype]
    common, layers = points.T.contiguous(), len(ensemble.widths) - 1
    squares, biases, constant = (points.new_empty(ensemble.draws, layers) for _ in range(3))

    def compute(draws: slice) -> None:
        parameters = pack(ensemble.parameters[draws, :, None])
        found = [parameters.new_empty(len(parameters), layers, 1, kernels.lanes) for _ in range(3)]
        addresses = (array.data_ptr() for array in (parameters, common, *found))
        kernels.inspect(network, len(parameters), points.shape[1], *addresses)
        for values, packed in zip((squares, biases, constant), found, strict=True):
            _unpack_to(values[draws, None], packed)

    _in_parts(compute, ensemble, ensemble.parameters.shape[1])
    return squares.sqrt(), biases.sqrt(), constant == 1


def gradients(
    ensemble: "Ensemble",
    loss: str,
    points: Float[Tensor, "draws inputs points"],
    labels: Float[Tensor, "draws outputs points"],
) -> tuple[Float[Tensor, "draws parameters"], Float[Tensor, " draws"]]:
    """Compute the gradient of a loss with respect to the parameters, and the size of that with respect to the inputs.

    Args:
        ensemble: The networks.
        loss: Name of the loss.
        points: Points of each network.
        labels: Labels of the points.

    Returns:
        The gradient of the loss over all points with respect to the parameters, and the sum over points and inputs of
        the squared derivatives of the loss.
    """
    network, kernels = _architecture(ensemble, loss), _KERNELS[ensemble.parameters.dtype]
    held = 2 * ensemble.parameters.shape[1] + points.shape[2] * (points.shape[1] + labels.shape[1])

    by_parameters = points.new_empty(ensemble.parameters.shape)
    by_inputs = points.new_empty(ensemble.draws)

    def compute(draws: slice) -> None:
        arrays = [pack(values) for values in (ensemble.parameters[draws, :, None], points[draws], labels[draws])]
        gradient, by_input = torch.empty_like(arrays[0]), arrays[0].new_empty(len(arrays[0]), 1, 1, kernels.lanes)
        addresses = (array.data_ptr() for array in (*arrays, gradient, by_input))
        kernels.gradient(network, len(gradient), points.shape[2], *addresses)
        _unpack_to(by_parameters[draws, :, None], gradient)
        _unpack_to(by_inputs[draws, None, None], by_input)

    _in_parts(compute, ensemble, held)
    return by_parameters, by_inputs


class CompiledTraining:
    """Training of an ensemble by the kernels.

    Args:
        ensemble: One network per optimizer and replicate, grouped by optimizer. Its parameters change with each call.
        loss: Name of the loss.
        inputs: Training points of each network.
        labels: Their labels.
        optimizers: Optimizers that differ only in the learning rate.
        start: State to continue from, if any.
    """

    def __init__(
        self,
        ensemble: "Ensemble",
        loss: str,
        inputs: Float[Tensor, "networks inputs points"],
        labels: Float[Tensor, "networks outputs points"],
        optimizers: Sequence[Optimizer],
        start: dict[str, Tensor] | None = None,
    ) -> None:
        self._ensemble, self._kernels = ensemble, _KERNELS[ensemble.parameters.dtype]
        self._network, self._rule = _architecture(ensemble, loss), _rule(optimizers[0])
        self._points = (inputs, labels)
        lanes = self._kernels.lanes
        held = -(-len(inputs) // lanes) * lanes * sum(each[0].numel() for each in self._points) * inputs.element_size()
        self._packed_points = tuple(map(pack, self._points)) if held <= _HELD_BYTES else None
        rates = torch.tensor([optimizer.learning_rate for optimizer in optimizers], dtype=inputs.dtype)
        self._batch = optimizers[0].batch
        self._rates = pack(rates.repeat_interleave(ensemble.draws // len(optimizers))[:, None, None])
        self._parameters = self._packed(start["parameters"] if start else ensemble.parameters)
        names = _MOMENTS[: self._rule.moments]
        self._moments = {
            name: self._packed(start[name]) if start else torch.zeros_like(self._parameters) for name in names
        }
        self.done = int(start["step"]) if start else 0
        self._copy_parameters()

    @property
    def state(self) -> dict[str, Tensor]:
        """The state after the steps that are done."""
        moments = {name: unpack(packed, self._ensemble.draws)[..., 0] for name, packed in self._moments.items()}
        return {"step": torch.tensor(self.done), "parameters": self._ensemble.parameters} | moments

    @property
    def steps_at_once(self) -> int:
        """Number of steps that take about a tenth of a second, at most 1,000, and whose points fit into memory."""
        products = self._parameters.numel() * self._batch
        steps = min(_STEPS_AT_ONCE, int(_PRODUCTS_AT_ONCE // products))
        if self._packed_points is None:
            rows = sum(each.shape[1] for each in self._points)
            bytes_a_step = self._rates.numel() * rows * self._batch * self._parameters.element_size()
            steps = min(steps, _CALL_BYTES // bytes_a_step)
        return max(1, steps)

    def advance(self, order: Int64[Tensor, "steps batch"], factors: Sequence[float]) -> None:
        """Train for some steps.

        Args:
            order: Indices of the points of each batch.
            factors: By what the learning rates are multiplied in each step.
        """
        order = order.contiguous()
        moments = [self._moments.get(name, self._parameters) for name in _MOMENTS]  # absent ones are not used
        points = self._packed_points
        if points is None:  # only the points of these steps, in their order
            chosen = order.flatten()
            points = tuple(pack(each.gather(2, chosen.expand(*each.shape[:2], -1))) for each in self._points)
            order = torch.arange(len(chosen)).view_as(order)

        def compute(groups: slice) -> None:
            arrays = (self._rates, self._parameters, *points, *moments)
            rates, parameters, inputs, labels, *both = (array[groups].data_ptr() for array in arrays)
            sizes = (groups.stop - groups.start, points[0].shape[1], self.done, *order.shape)
            self._kernels.train(
                self._network, self._rule, sizes, order.data_ptr(), factors, rates, parameters, inputs, labels, both
            )

        _run(compute, _divide(len(self._parameters), torch.get_num_threads()))
        self.done += len(order)
        self._copy_parameters()

    def _copy_parameters(self) -> None:
        self._ensemble.parameters.copy_(unpack(self._parameters, self._ensemble.draws)[..., 0])

    def _packed(self, rows: Float[Tensor, "networks parameters"]) -> Tensor:
        return pack(rows[..., None])


_MOMENTS = ("first_moment", "second_moment")
_STEPS_AT_ONCE, _PRODUCTS_AT_ONCE = 1000, 1e9


def can_train(
    ensemble: "Ensemble",
    loss: str,
    inputs: Float[Tensor, "networks inputs points"],
    labels: Float[Tensor, "networks outputs points"],
    optimizers: Sequence[Optimizer],
) -> bool:
    """Return whether the kernels can train the ensemble on these points and the loss of this name."""
    known = type(optimizers[0]) in (Adam, AdamW, Sgd) and not ensemble.lacking
    separate = len(inputs) == len(labels) == ensemble.draws
    return known and separate and is_compiled(ensemble, inputs, labels, loss)


def _rule(optimizer: Optimizer) -> Rule:
    keywords = optimizer.keywords
    momentum = keywords.get("momentum", 0.0)
    moments = 2 if isinstance(optimizer, Adam | AdamW) else int(momentum > 0)
    decay = (keywords["weight_decay"], int(isinstance(optimizer, AdamW)))
    return Rule(moments, momentum, *decay, optimizer.clip or 0.0)


def _architecture(ensemble: "Ensemble", loss: str = LOSSES[0]) -> Architecture:
    activation = native_activation(ensemble.activation)
    assert activation is not None
    return architecture(ensemble.widths, activation, ensemble.normalization, ensemble.residual, loss)


def _in_parts(compute: Callable[[slice], None], ensemble: "Ensemble", held: int) -> None:
    """Call a function with slices of the draws, which are whole groups, in as many threads as torch uses.

    Args:
        compute: The function.
        ensemble: The networks.
        held: Number of values that are arranged for each draw.
    """
    lanes, bytes_each = _KERNELS[ensemble.parameters.dtype].lanes, held * ensemble.parameters.element_size()
    groups, threads = -(-ensemble.draws // lanes), torch.get_num_threads()
    parts = max(min(threads, groups), -(-ensemble.draws * bytes_each // _CALL_BYTES))
    draws = [slice(part.start * lanes, min(part.stop * lanes, ensemble.draws)) for part in _divide(groups, parts)]
    _run(compute, draws)


def _divide(number: int, parts: int) -> list[slice]:
    """Divide a number of things into at most some parts of about equal size."""
    size = max(1, -(-number // parts))
    return [slice(start, min(start + size, number)) for start in range(0, number, size)]


def _run(compute: Callable[[slice], None], parts: Sequence[slice]) -> None:
    """Call a function with each part, in as many threads as torch uses, one of which is the current thread."""
    waiting = iter(parts)

    def work() -> None:
        for part in waiting:  # each thread takes the next one
            compute(part)

    others = [_pool().submit(work) for _ in range(min(torch.get_num_threads(), len(parts)) - 1)]
    try:
        work()
    finally:
        for other in others:
            if not other.cancel():  # it has started
                other.result()  # raises its error


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads besides the current one, which start when they are needed first."""
    return ThreadPoolExecutor(os.cpu_count())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked process has none of these threads

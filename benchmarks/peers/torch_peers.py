"""Contenders in PyTorch: the suite itself, a loop over networks, torch.func.vmap and batched products."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from time import perf_counter
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear

from benchmarks import adapter
from benchmarks.ensembles import make_ensemble, networks, settle
from benchmarks.peers.cases import BETAS, EPSILON, LEARNING_RATE, SQUARE, STEPS, Array, Problem

Layers = list[tuple[Tensor, Tensor]]


class InTorch:
    """The base class of contenders in PyTorch.

    The method named after the case's computation prepares it on the device and returns a function, which is called once
    per timing.
    """

    name: str
    steps = 1
    """Number of training steps that are timed together."""

    def __init__(self, problem: Problem, device: str = "cpu") -> None:
        self.problem, self.device, self.case = problem, device, problem.case
        self.dtype: torch.dtype = getattr(torch, problem.case.dtype)
        self.inputs = torch.from_numpy(problem.inputs).to(device)
        self.labels = torch.from_numpy(problem.labels).to(device)
        self.generator = torch.Generator(device).manual_seed(1)
        self.work: Callable[[], object] = getattr(self, problem.case.work)()

    def seconds(self) -> float:
        """Run the computation once and return its time in seconds; for training, the time of one step."""
        start = perf_counter()
        self.work()
        settle(self.device)
        return (perf_counter() - start) / self.steps

    def drawn(self) -> Layers:
        """Draw weights and biases of new networks on the device."""
        kind: Any = {"dtype": self.dtype, "device": self.device, "generator": self.generator}
        return [
            (torch.randn(weight.shape, **kind) * (2 / weight.shape[2]) ** 0.5, 0.1 * torch.randn(bias.shape, **kind))
            for weight, bias in self.problem.layers
        ]

    def given(self) -> Layers:
        """Return the problem's weights and biases on the device."""
        return [
            (torch.from_numpy(w).to(self.device), torch.from_numpy(b).to(self.device)) for w, b in self.problem.layers
        ]

    def variability(self, outputs: Tensor) -> Tensor:
        """Compute the mean third divided difference along both axes of the grid."""
        board = outputs.reshape(len(outputs), self.case.side, self.case.side)
        step = 2 / (self.case.side - 1)
        return torch.stack([torch.diff(board, n=3, dim=axis).abs().mean((1, 2)) for axis in (1, 2)]).mean(0) / step**3


class Ours(InTorch):
    """The suite's implementation."""

    name = "ours"

    def forward(self) -> Callable[[], Tensor]:
        """Return a function that calls the ensemble."""
        self.ensemble = make_ensemble(self.case.shape, torch.from_numpy(self.problem.parameters).to(self.device))
        return lambda: self.ensemble(self.inputs)

    def v3(self) -> Callable[[], object]:
        """Return a function that draws networks in float32 and computes V3 with the suite's measure."""
        self.domain = adapter.sample_domain(2, 2 / (self.case.side - 1), 1, 1).to(self.dtype, self.device)
        settings = adapter.V3Settings(step=self.domain.step)
        return lambda: adapter.v3(networks(self.case.shape, self.device, self.dtype), self.domain, settings)["v3"]

    def training(self) -> Callable[[], object]:
        """Return a function that trains until the trainer's next pause, with batches in random order."""
        self.steps = self.case.steps
        pauses = self.train(range(0, 2**62, self.steps))
        next(pauses)
        return lambda: next(pauses)

    def train(self, stops: Sequence[int]) -> Iterator[int]:
        """Train the problem's networks with the suite's trainer, which pauses at the given steps."""
        self.ensemble = make_ensemble(self.case.shape, torch.from_numpy(self.problem.parameters.copy()).to(self.device))
        points = adapter.Points(self.inputs, self.labels)
        data = adapter.Data(1, adapter.BINARY_CROSS_ENTROPY, points, points, points)
        optimizer = adapter.Adam(learning_rate=LEARNING_RATE, batch=self.case.points)
        pauses: Iterator[int] = adapter.train(self.ensemble, data, [optimizer], stops)
        return pauses

    def answer(self) -> Array:
        """Return the result for the problem's networks."""
        found: Tensor
        if self.case.work == "forward":
            found = self.ensemble(self.inputs)[:, 0]
        elif self.case.work == "v3":
            given = make_ensemble(self.case.shape, torch.from_numpy(self.problem.parameters).to(self.device))
            found = adapter.v3(given, self.domain, adapter.V3Settings(step=self.domain.step))["v3"]
        else:
            list(self.train([STEPS]))
            found = adapter.BINARY_CROSS_ENTROPY.value(self.ensemble(self.inputs), self.labels)
        return found.cpu().numpy()


class OursInTorch(Ours):
    """The suite's implementation without its compiled kernels."""

    name = "ours, torch"

    def __init__(self, problem: Problem, device: str = "cpu") -> None:
        with adapter.computing_with("torch"):
            super().__init__(problem, device)

    def seconds(self) -> float:
        """Run the computation once without the kernels, as `InTorch.seconds` does."""
        with adapter.computing_with("torch"):
            return super().seconds()

    def answer(self) -> Array:
        """Return the result for the problem's networks."""
        with adapter.computing_with("torch"):
            return super().answer()


class ForwardAlone(Ours):
    """The forward pass of V3 without the draw and the third differences."""

    name = "forward"

    def v3(self) -> Callable[[], object]:
        """Return a function that evaluates networks that are drawn beforehand."""
        super().v3()
        ensemble, points = networks(self.case.shape, self.device, self.dtype), self.domain.points()
        return lambda: ensemble(points)


class CollapseInstead(Ours):
    """Collapse to Constant on the same points, including the draw."""

    name = "collapse"

    def v3(self) -> Callable[[], object]:
        """Return a function that draws networks and computes all criteria and causes."""
        super().v3()
        settings = adapter.CollapseSettings(step=self.domain.step)
        return lambda: adapter.collapse(networks(self.case.shape, self.device, self.dtype), self.domain, settings)


class Loop(InTorch):
    """A Python loop over networks, with layers as torch.nn.functional.linear and one row per point."""

    name = "loop"

    def forward(self) -> Callable[[], Tensor]:
        """Return a function that loops over draws and layers in Python."""
        networks = list(_each(self.given()))
        points = self.inputs.T.contiguous()
        return lambda: torch.stack([_by_rows(layers, points) for layers in networks])

    def v3(self) -> Callable[[], Tensor]:
        """Return a function that draws, evaluates and differences each network separately."""
        points = self.inputs.T.contiguous()

        def work() -> Tensor:
            found = []
            for layers in _each(self.drawn()):
                found.append(self.variability(_by_rows(layers, points)[None]))
            return torch.cat(found)

        return work

    def training(self) -> Callable[[], None]:
        """Return a function that trains each network with autograd and torch.optim.Adam."""
        self.networks = [[(w.requires_grad_(), b.requires_grad_()) for w, b in each] for each in _each(self.given())]
        rules = [
            torch.optim.Adam([p for layer in layers for p in layer], lr=LEARNING_RATE, betas=BETAS, eps=EPSILON)
            for layers in self.networks
        ]
        self.rows, self.targets = self.inputs.mT.contiguous(), self.labels[:, 0]

        def work() -> None:
            for layers, rule, points, targets in zip(self.networks, rules, self.rows, self.targets, strict=True):
                rule.zero_grad()
                with torch.enable_grad():
                    binary_cross_entropy_with_logits(_by_rows(layers, points), targets).backward()
                rule.step()

        return work

    def answer(self) -> Array:
        """Return the result for the problem's networks."""
        points = self.inputs.mT
        if self.case.work == "training":
            for _ in range(STEPS):
                self.work()
            outputs = torch.stack([_by_rows(each, x) for each, x in zip(self.networks, points, strict=True)])
            return _losses(outputs, self.targets).detach().cpu().numpy()
        outputs = torch.stack([_by_rows(layers, points) for layers in _each(self.given())])
        return (outputs if self.case.work == "forward" else self.variability(outputs)).cpu().numpy()


class Vmap(InTorch):
    """torch.func.vmap over the function of one network; torch.func.grad for training."""

    name = "vmap"

    def forward(self) -> Callable[[], Tensor]:
        """Return a function that evaluates all networks on the same points."""
        parameters, points = self.given(), self.inputs.T.contiguous()
        everyone = torch.func.vmap(_by_rows, in_dims=(0, None))
        return lambda: everyone(parameters, points)

    def v3(self) -> Callable[[], Tensor]:
        """Return a function that draws all networks together and evaluates them by vmap."""
        points = self.inputs.T.contiguous()
        everyone = torch.func.vmap(_by_rows, in_dims=(0, None))
        return lambda: self.variability(everyone(self.drawn(), points))

    def training(self) -> Callable[[], None]:
        """Return a function that makes one step, with gradients by vmap(grad) and Adam by foreach functions."""
        self.parameters = self.given()
        self.rows, self.targets = self.inputs.mT.contiguous(), self.labels[:, 0].contiguous()
        gradients = torch.func.vmap(torch.func.grad(_loss))
        flat = [p for layer in self.parameters for p in layer]
        moments = [[torch.zeros_like(p) for p in flat] for _ in range(2)]
        done = 0

        def work() -> None:
            nonlocal done
            done += 1
            found = [g for layer in gradients(self.parameters, self.rows, self.targets) for g in layer]
            _adam(flat, found, moments[0], moments[1], done)

        return work

    def answer(self) -> Array:
        """Return the result for the problem's networks."""
        if self.case.work == "training":
            for _ in range(STEPS):
                self.work()
            outputs = torch.func.vmap(_by_rows)(self.parameters, self.rows)
            return _losses(outputs, self.targets).cpu().numpy()
        outputs = torch.func.vmap(_by_rows, in_dims=(0, None))(self.given(), self.inputs.T)
        return (outputs if self.case.work == "forward" else self.variability(outputs)).cpu().numpy()


class ByHand(InTorch):
    """Batched products over the draws, written manually: torch.baddbmm and relu in a loop over layers."""

    name = "bmm"

    def forward(self) -> Callable[[], Tensor]:
        """Return a function that evaluates all networks on the same points."""
        layers, network = self.layers(), self.network()
        return lambda: network(layers, self.inputs)

    def v3(self) -> Callable[[], Tensor]:
        """Return a function that draws all networks together on the device and computes their V3."""
        network = self.network()
        return lambda: self.variability(network([(w, b[..., None]) for w, b in self.drawn()], self.inputs))

    def training(self) -> Callable[[], None]:
        """Return a function that makes one step, with gradients by autograd and the fused torch.optim.Adam."""
        self.trained, network = self.layers(), self.network()
        flat = [part.requires_grad_() for layer in self.trained for part in layer]
        rule = torch.optim.Adam(flat, lr=LEARNING_RATE, betas=BETAS, eps=EPSILON, fused=True)
        each = 1 / self.case.points

        def work() -> None:
            rule.zero_grad()
            with torch.enable_grad():
                outputs = network(self.trained, self.inputs)
                (each * binary_cross_entropy_with_logits(outputs, self.labels[:, 0], reduction="sum")).backward()
            rule.step()

        return work

    def layers(self) -> Layers:
        """Return the problem's weights, and its biases as columns."""
        return [(weight, bias[..., None]) for weight, bias in self.given()]

    def network(self) -> Callable[[Layers, Tensor], Tensor]:
        """Return the function that computes the outputs of all networks."""
        return _by_columns

    def answer(self) -> Array:
        """Return the result for the problem's networks."""
        if self.case.work == "training":
            for _ in range(STEPS):
                self.work()
            return _losses(_by_columns(self.trained, self.inputs), self.labels[:, 0]).detach().cpu().numpy()
        outputs = self.network()(self.layers(), self.inputs)
        return (outputs if self.case.work == "forward" else self.variability(outputs)).cpu().numpy()


class TorchCompile(ByHand):
    """The contender `ByHand`, compiled as a whole by torch.compile."""

    name = "torch_compile"

    def network(self) -> Callable[[Layers, Tensor], Tensor]:
        """Return the function compiled as one graph for this shape only."""
        return self._compiled

    @cached_property
    def _compiled(self) -> Callable[[Layers, Tensor], Tensor]:
        torch.compiler.reset()  # otherwise torch.compile stops compiling after eight shapes
        return torch.compile(_by_columns, dynamic=False, fullgraph=True)


class Gemm:
    """The product of two square matrices, which measures the machine's peak speed; it is no contender."""

    name = "gemm"
    flop = 2 * SQUARE**3

    def __init__(self, dtype: str, device: str = "cpu") -> None:
        kind: Any = {"dtype": getattr(torch, dtype), "device": device}
        self.device, self.left, self.right = (
            device,
            torch.randn(SQUARE, SQUARE, **kind),
            torch.randn(SQUARE, SQUARE, **kind),
        )

    def seconds(self) -> float:
        """Compute one product and return its time in seconds."""
        start = perf_counter()
        torch.mm(self.left, self.right)
        settle(self.device)
        return perf_counter() - start


def _each(layers: Layers) -> Iterator[Layers]:
    for draw_ in range(len(layers[0][0])):
        yield [(weight[draw_].clone(), bias[draw_].clone()) for weight, bias in layers]


def _by_rows(layers: Layers, points: Tensor) -> Tensor:
    """Compute one network's outputs, with one row per point."""
    h = points
    for weight, bias in layers[:-1]:
        h = linear(h, weight, bias).relu()
    return linear(h, *layers[-1])[:, 0]


def _by_columns(layers: Layers, points: Tensor) -> Tensor:
    """Compute all networks' outputs, with one column per point."""
    h = points.expand(len(layers[0][0]), *points.shape[-2:])
    for weight, bias in layers[:-1]:
        h = torch.baddbmm(bias, weight, h).relu()
    weight, bias = layers[-1]
    return torch.baddbmm(bias, weight, h)[:, 0]


def _loss(layers: Layers, points: Tensor, labels: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(_by_rows(layers, points), labels)


def _losses(outputs: Tensor, labels: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(outputs, labels, reduction="none").mean(1)


def _adam(parameters: list[Tensor], gradients: list[Tensor], m: list[Tensor], v: list[Tensor], step: int) -> None:
    """Make one step of Adam for all tensors, in place."""
    torch._foreach_lerp_(m, gradients, 1 - BETAS[0])
    torch._foreach_mul_(v, BETAS[1])
    torch._foreach_addcmul_(v, gradients, gradients, 1 - BETAS[1])
    scale = torch._foreach_sqrt(v)
    torch._foreach_div_(scale, (1 - BETAS[1] ** step) ** 0.5)
    torch._foreach_add_(scale, EPSILON)
    torch._foreach_addcdiv_(parameters, m, scale, -LEARNING_RATE / (1 - BETAS[0] ** step))

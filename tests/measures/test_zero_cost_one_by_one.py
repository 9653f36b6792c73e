"""Zero-cost scores against torch's own modules and autograd, network after network, point after point."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, gelu, mse_loss, selu

from suite.catalog.activations import Abs, Gelu, Relu, Selu, Tanh
from suite.catalog.measures.scores import ScoreSettings, SynflowSettings
from suite.measures.fisher import fisher
from suite.measures.grad_norm import grad_norm
from suite.measures.grasp import grasp
from suite.measures.jacobian_covariance import jacobian_covariance
from suite.measures.naswot import naswot
from suite.measures.ntk import ntk
from suite.measures.snip import snip
from suite.measures.synflow import synflow
from suite.nets.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, HALF_SQUARE, LossAt

PHI = {"relu": torch.relu, "abs": torch.abs, "tanh": torch.tanh, "gelu": gelu, "selu": selu}
NORMS = {"batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}
SCORES = [grad_norm, snip, grasp, fisher, jacobian_covariance, naswot, ntk]
DRAWS, POINTS = 3, 6


class Network(torch.nn.Module):
    """One network as a user of torch would write it, on points by inputs."""

    def __init__(self, ensemble, row: torch.Tensor) -> None:
        super().__init__()
        self.phi, self.residual = PHI[ensemble.activation.name], ensemble.residual
        self.linear = torch.nn.ModuleList(
            torch.nn.utils.skip_init(torch.nn.Linear, *ends, dtype=torch.float64) for ends in pairwise(ensemble.widths)
        )
        kind = NORMS.get(ensemble.normalization)
        self.norm = torch.nn.ModuleList(kind(width).double() for width in ensemble.widths[1:-1]) if kind else None
        place = 0
        for index, linear in enumerate(self.linear):
            norm = [self.norm[index]] if self.norm and index < ensemble.depth else []
            for parameter in (part for module in (linear, *norm) for part in module.parameters()):
                parameter.data.copy_(row[place : place + parameter.numel()].view(parameter.shape))
                place += parameter.numel()
        assert place == len(row)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.arguments, self.hidden = [], []
        h = x
        for index, linear in enumerate(self.linear[:-1]):
            z = linear(h)
            z = self.norm[index](z) if self.norm else z
            self.arguments.append(z)
            new = self.phi(z)
            if self.residual and index:
                shared = min(new.shape[1], h.shape[1])
                new = torch.cat([new[:, :shared] + h[:, :shared], new[:, shared:]], dim=1)
            h = new
            self.hidden.append(h)
        return self.linear[-1](h)


def of_points(loss: str, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of each point alone."""
    if loss == "cross_entropy":
        return cross_entropy(outputs, labels, reduction="none")
    one = {"binary": binary_cross_entropy_with_logits, "square": mse_loss}[loss]
    return one(outputs, labels, reduction="none").mean(1) / (2 if loss == "square" else 1)


def flat_gradient(value: torch.Tensor, network: Network) -> torch.Tensor:
    found = torch.autograd.grad(value, list(network.parameters()), retain_graph=True)
    return torch.cat([part.flatten() for part in found])


def expected_scores(network: Network, x: torch.Tensor, labels: torch.Tensor, loss: str) -> dict[str, float]:
    """Every score of one network, as slowly as can be."""
    theta = torch.cat([part.detach().flatten() for part in network.parameters()])
    names, parts = zip(*network.named_parameters(), strict=True)

    def loss_of(flat: torch.Tensor) -> torch.Tensor:
        pieces = flat.split([part.numel() for part in parts])
        own = {name: piece.view(part.shape) for name, piece, part in zip(names, pieces, parts, strict=True)}
        return of_points(loss, torch.func.functional_call(network, own, (x,)), labels).mean()

    gradient = torch.autograd.functional.jacobian(loss_of, theta)
    hessian = torch.autograd.functional.hessian(loss_of, theta)

    x = x.clone().requires_grad_()
    outputs = network(x)
    pulls = torch.autograd.grad(of_points(loss, outputs, labels).sum(), network.hidden, retain_graph=True)
    units = [(a * g).square().mean(0) / 2 for a, g in zip(network.hidden, pulls, strict=True)]

    (rows,) = torch.autograd.grad(outputs.sum(), x, retain_graph=True)
    with np.errstate(invalid="ignore"):  # where a gradient is 0
        correlations = np.corrcoef(rows.numpy())
    known = np.isfinite(correlations).all()
    values = np.linalg.eigvalsh(correlations) + 1e-5 if known else np.array([np.nan])

    codes = torch.cat(network.arguments, dim=1).detach().numpy() > 0
    alike = np.array([[(one == other).sum() for other in codes] for one in codes], dtype=float)
    full = np.linalg.matrix_rank(alike) == len(alike)

    jacobian = torch.stack([flat_gradient(each, network) for each in outputs.flatten()])
    tangent = np.linalg.eigvalsh((jacobian @ jacobian.T).numpy())
    singular = np.linalg.matrix_rank(jacobian.numpy()) < len(jacobian)
    return {
        "grad_norm": gradient.norm().item(),
        "snip": (theta * gradient).abs().sum().item(),
        "grasp": -(theta @ hessian @ gradient).item(),
        "fisher": sum(unit.sum().item() for unit in units),
        "jacobian_covariance": -np.sum(np.log(values) + 1 / values),
        "naswot": np.linalg.slogdet(alike)[1] if full else -np.inf,
        "ntk_trace": jacobian.square().sum().item(),
        "ntk_condition": np.inf if singular else tangent[-1] / tangent[0],
    }


def assert_one_by_one(ensemble, loss: str) -> None:
    """Each draw on points and labels of its own."""
    generator = torch.Generator().manual_seed(5)
    inputs, outputs = ensemble.widths[0], ensemble.widths[-1]
    points = torch.randn(DRAWS, inputs, POINTS, dtype=torch.float64, generator=generator)
    if loss == "cross_entropy":
        marks = torch.randint(outputs, (DRAWS, POINTS), generator=generator)
        at = LossAt(CROSS_ENTROPY, points, torch.nn.functional.one_hot(marks, outputs).mT.double())
        labels = list(marks)
    else:
        marks = torch.randint(2, (DRAWS, outputs, POINTS), generator=generator).double()
        at = LossAt({"binary": BINARY_CROSS_ENTROPY, "square": HALF_SQUARE}[loss], points, marks)
        labels = list(marks.mT)
    expected = [
        expected_scores(Network(ensemble, row), x.T, y, loss)
        for row, x, y in zip(ensemble.parameters, points, labels, strict=True)
    ]

    for score in SCORES:
        for name, found in score(ensemble, at, ScoreSettings()).items():
            wanted = [each[name] for each in expected]
            np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-11, err_msg=name)


PLAIN = [(3, 5, 1), (4, 5, 3, 4, 2), (5, 1, 1, 1)]
EVERY = [Relu(), Abs(), Tanh(), Gelu(), Selu()]


@pytest.mark.parametrize("widths", PLAIN, ids=str)
@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
def test_scores_of_plain_networks_are_those_of_modules(networks: Callable, activation, widths):
    """Depth 1, several outputs, layers of one unit: regressions on labels 0 and 1."""
    assert_one_by_one(networks(widths, activation, DRAWS), "square")


@pytest.mark.parametrize("loss", ["binary", "cross_entropy"])
def test_scores_of_classes_are_those_of_modules(networks: Callable, loss):
    """Losses that are curved in the outputs."""
    assert_one_by_one(networks((3, 6, 5, 3), Tanh(), DRAWS), loss)


@pytest.mark.parametrize("residual", [False, True], ids=["straight", "residual"])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", [Relu(), Gelu()], ids=lambda activation: activation.label)
def test_scores_of_other_architectures_are_those_of_modules(networks: Callable, activation, normalization, residual):
    """Of unequal widths, with gains and shifts that are not 1 and 0."""
    ensemble = networks((4, 6, 4, 5, 2), activation, DRAWS, normalization=normalization, residual=residual)
    for layer in ensemble.layers[:-1]:
        for part in (layer.gain, layer.shift):
            if part is not None:
                part.add_(0.3 * torch.cos(torch.arange(part.numel()).double()).view(part.shape))

    assert_one_by_one(ensemble, "binary")


@pytest.mark.parametrize("widths", [(2, 1, 1), (2, 5, 3), (3, 4, 6, 2, 1)], ids=str)
def test_synflow_is_autograds(networks: Callable, widths):
    """Of 1^T prod |W_l| 1 by every weight, and no bias."""
    ensemble = networks(widths, Tanh(), DRAWS)

    found = synflow(ensemble, None, SynflowSettings())["log_synflow"]

    for draw, row in enumerate(ensemble.parameters):
        weights = [linear.weight.detach().requires_grad_() for linear in Network(ensemble, row).linear]
        flow = torch.ones(widths[0], dtype=torch.float64)
        for weight in weights:
            flow = weight.abs() @ flow
        gradients = torch.autograd.grad(flow.sum(), weights)
        total = sum((weight * gradient).sum() for weight, gradient in zip(weights, gradients, strict=True))
        assert found[draw].item() == pytest.approx(total.log().item(), rel=1e-12)

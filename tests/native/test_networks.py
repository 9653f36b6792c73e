"""Networks by the kernels: outputs, gradients and trainings are those of torch, within rounding.

Both precisions are compared with torch in float64. Where rounding is amplified, as it is by deep networks with batch
normalization, the allowed difference is a multiple of torch's own.
"""

from collections.abc import Callable, Sequence
from math import log

import pytest
import torch
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from suite.catalog.activations import Activation, Tanh
from suite.catalog.optimizers import Adam, AdamW, Optimizer, Sgd
from suite.native.build import library, reason
from suite.native.networks import LOSSES
from suite.nets.backward import loss_gradients
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt
from suite.training.trainer import train
from tests.catalog.instances import EVERY
from tests.native.networks import (
    Shape,
    are_near_kinks,
    as_data,
    by_torch,
    distances,
    random_data,
    random_networks,
)

pytestmark = pytest.mark.skipif(library() is None, reason=f"there are no kernels: {reason()}")

EPSILONS = torch.finfo(torch.float64).eps / torch.finfo(torch.float32).eps
PHASES = (Phase.generate,)  # shrinking would take minutes, and the failing shape is readable
FEW = settings(derandomize=True, max_examples=5, phases=PHASES)
MANY = settings(derandomize=True, max_examples=8, phases=PHASES)
SMOOTH = [activation for activation in EVERY if not activation.kinks]
OPTIMIZERS: list[Sequence[Optimizer]] = [
    [Sgd(learning_rate=0.05, batch=1)],
    [Sgd(learning_rate=rate, batch=1, momentum=0.9, weight_decay=0.01) for rate in (0.01, 0.05)],
    [Adam(learning_rate=rate, batch=1) for rate in (0.001, 0.01, 0.003)],
    [Adam(learning_rate=0.01, batch=1, weight_decay=0.1)],
    [AdamW(learning_rate=rate, batch=1, schedule="cosine", warmup=3, clip=0.1) for rate in (0.001, 0.01)],
    [Sgd(learning_rate=0.05, batch=1, momentum=0.9, schedule="cosine", clip=0.1)],
]

Compute = Callable[[Ensemble, LossAt], Tensor]


@st.composite
def shapes(draw: st.DrawFn, normalization: str = "none", residual: bool = False) -> Shape:
    """1 to 20 hidden layers of 1 to 70 units, or of 4 to 16 if they are many; 1 to 5 outputs; 1 to 513 points."""
    depth = draw(st.integers(1, 4) | st.integers(5, 20))
    units = st.integers(1, 70) if depth < 5 else st.integers(4, 16)  # rounding grows in deep networks of a few units
    hidden = draw(st.lists(units, min_size=depth, max_size=depth))
    widths = (draw(st.integers(1, 9)), *hidden, draw(st.integers(1, 5)))
    points = draw(st.sampled_from([1, 2, 3, 16, 31, 128, 513]) | st.integers(1, 513))
    return Shape(
        widths,
        draws=draw(st.integers(1, 20)),
        points=points,
        normalization=normalization,
        residual=residual,
        loss=draw(st.sampled_from(LOSSES)),
        seed=draw(st.integers(0, 2**20)),
    )


def assert_agreement(activation: Activation, shape: Shape, compute: Compute, trains: bool = False) -> None:
    """Compare the kernels in both precisions with torch in float64, and with torch's own rounding in float32.

    In float32 a network may be on the other side of a kink, which changes its gradient at that point. Such networks are
    left out; during training, activations with kinks are compared in float64 only.
    """

    def computed(dtype: torch.dtype) -> Tensor:
        return compute(random_networks(activation, shape, dtype), random_data(shape, dtype))

    exact = by_torch(lambda: computed(torch.float64))
    assume(exact.isfinite().all())
    rounding = float(by_torch(lambda: distances(computed(torch.float32), exact)).max())
    assume(rounding < 1e-3)
    apart = distances(computed(torch.float64), exact).max()
    assert apart <= 1e-12 + 4 * rounding * EPSILONS, f"float64: {apart:.2g}, torch {rounding * EPSILONS:.2g}"
    if trains and activation.kinks:
        return
    differences = distances(computed(torch.float32), exact)
    if not trains:
        points = random_data(shape, torch.float64).points
        differences[are_near_kinks(random_networks(activation, shape, torch.float64), points, 1e-5)] = 0
    bound = 1e-5 if compute is input_gradients else 1e-6  # one number of each network, whose terms may cancel
    assert differences.max() <= bound + 10 * rounding, f"float32: {differences.max():.2g}, torch {rounding:.2g}"


def outputs(ensemble: Ensemble, at: LossAt) -> Tensor:
    return ensemble(at.points)


def shared_outputs(ensemble: Ensemble, at: LossAt) -> Tensor:
    return ensemble(at.points[0])


def parameter_gradients(ensemble: Ensemble, at: LossAt) -> Tensor:
    return loss_gradients(ensemble, at)[0]


def input_gradients(ensemble: Ensemble, at: LossAt) -> Tensor:
    return loss_gradients(ensemble, at)[1]


QUANTITIES = [outputs, shared_outputs, parameter_gradients, input_gradients]


def trained(optimizers: Sequence[Optimizer], steps: int = 7) -> Compute:
    """Return a function that trains for some steps on batches of about a third of the points."""

    def compute(ensemble: Ensemble, at: LossAt) -> Tensor:
        batch = max(1, at.points.shape[2] // 3)
        rules = [rule.model_copy(update={"batch": batch}) for rule in optimizers]
        networks = ensemble[torch.arange(ensemble.draws).repeat(len(rules))]
        for _ in train(networks, as_data(at), rules, [steps]):
            pass
        return networks.parameters

    return compute


@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
@FEW
@given(shape=shapes(), compute=st.sampled_from(QUANTITIES))
def test_plain_networks(activation: Activation, compute: Compute, shape: Shape) -> None:
    """Of every activation."""
    assert_agreement(activation, shape, compute)


@pytest.mark.parametrize("compute", QUANTITIES)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@MANY
@given(data=st.data(), activation=st.sampled_from(EVERY))
def test_normalized_and_residual_networks(
    normalization: str, residual: bool, compute: Compute, data: st.DataObject, activation: Activation
) -> None:
    """With layers that are wider or narrower than the one below."""
    assert_agreement(activation, data.draw(shapes(normalization, residual)), compute)


@pytest.mark.parametrize("optimizers", OPTIMIZERS, ids=lambda rules: rules[0].label)
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@FEW
@given(data=st.data(), residual=st.booleans(), activation=st.sampled_from(EVERY))
def test_trainings(
    normalization: str, optimizers: Sequence[Optimizer], data: st.DataObject, residual: bool, activation: Activation
) -> None:
    """A few steps, in which rounding does not grow much."""
    assert_agreement(activation, data.draw(shapes(normalization, residual)), trained(optimizers), trains=True)


def rounding_errors(activation: Activation, shape: Shape, compute: Compute) -> tuple[float, float]:
    """Return the largest rounding errors of the kernels and of torch in float32."""

    def computed(dtype: torch.dtype) -> Tensor:
        return compute(random_networks(activation, shape, dtype), random_data(shape, dtype))

    exact = by_torch(lambda: computed(torch.float64))
    own, other = computed(torch.float32), by_torch(lambda: computed(torch.float32))
    return float(distances(own, exact).max()), float(distances(other, exact).max())


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("compute", [outputs, parameter_gradients])
def test_rounding_is_as_large_as_that_of_torch(compute: Compute, normalization: str) -> None:
    """In deep networks that amplify rounding: the geometric mean over 32 ensembles is at most twice as large.

    The logarithm of the ratio has a standard deviation of about 1, so that equal errors fail with probability 5e-5.
    """
    logarithms = []
    for seed in range(32):
        shape = Shape((3, 4, 11, 5, 14, 4, 3, 12, 11, 3, 11, 4), 9, 37, normalization, seed=seed)
        own, other = rounding_errors(SMOOTH[seed % len(SMOOTH)], shape, compute)
        logarithms.append(log(own / other))
    assert sum(logarithms) / len(logarithms) < log(2)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("compute", QUANTITIES)
def test_sums_over_many_points_round_little(compute: Compute, normalization: str) -> None:
    """Thousands of numbers that were added one by one would lose digits in float32."""
    shape = Shape((2, 8, 8, 1), 3, 30_000, normalization, loss="half_square")
    assert rounding_errors(Tanh(), shape, compute)[0] < 2e-6


@pytest.mark.parametrize("reference", [1, 2, 5, 30, 31, 500])
@pytest.mark.parametrize("shared", [False, True])
def test_batch_statistics_are_over_the_first_points(reference: int, shared: bool) -> None:
    """All of them if there are fewer."""
    shape = Shape((3, 7, 6, 2), draws=5, points=31, normalization="batch")
    networks, points = random_networks(Tanh(), shape, torch.float64), random_data(shape, torch.float64).points
    points = points[0] if shared else points
    exact = by_torch(lambda: networks(points, reference))
    assert distances(networks(points, reference), exact).max() < (1e-9 if reference < 5 else 1e-12)

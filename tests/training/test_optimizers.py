"""Optimizers, schedules of the learning rate and clipping of gradients against plain PyTorch loops."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from suite.catalog.activations import Relu, Tanh
from suite.catalog.datasets import Dataset
from suite.catalog.initializations import Critical
from suite.catalog.optimizers import OPTIMIZERS, Adam, AdamW, Optimizer, Sgd
from suite.catalog.task import Task
from suite.catalog.tasks import TASKS, Checkerboard
from suite.native.build import TORCH, computing_with, library, reason
from suite.nets.compiled import CompiledTraining, can_train
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.nets.losses import BINARY_CROSS_ENTROPY, HALF_SQUARE
from suite.spec.data_files import read_facts
from suite.theory.scaling import layer_variances
from suite.training.tasks import Data, Points, make_data
from suite.training.trainer import train
from tests.training.plain_loop import as_module, schedule_of, train_each_alone

WIDTHS, STEPS, DRAWS, BATCH = (2, 6, 5, 1), 12, 2, 16
BOARD = Checkerboard(squares=2, train=50, test=1)
RULES = [
    Adam(learning_rate=0.01, batch=BATCH),
    Adam(learning_rate=0.01, batch=BATCH, weight_decay=0.1),
    AdamW(learning_rate=0.01, batch=BATCH),
    AdamW(learning_rate=0.03, batch=BATCH, weight_decay=0.5),
    AdamW(learning_rate=0.01, batch=BATCH, weight_decay=0.0),
    Sgd(learning_rate=0.1, batch=BATCH),
    Sgd(learning_rate=0.05, batch=BATCH, momentum=0.9, weight_decay=0.01),
]
SCHEDULES = [
    *(("constant", warmup) for warmup in (0, 4, STEPS + 8)),
    *(("cosine", warmup) for warmup in (0, 1, 4, STEPS, STEPS + 8)),
]
SOMETIMES, ALWAYS = 0.15, 1e-3
"""Norms to which gradients are clipped; most of them are between 0.07 and 0.7."""
ROUNDING = {torch.float64: 1e-13, torch.float32: 3e-6}
"""Allowed differences of parameters of size 1; the measured ones are a tenth of these."""


def ways_to_train() -> Iterator[tuple[str, AbstractContextManager[None]]]:
    """Yield the name of each way to train, and what selects it."""
    yield "torch", computing_with(TORCH)
    if library() is not None:
        yield "kernels", nullcontext()


@pytest.fixture(params=["torch", "kernels"])
def each_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Train in one of the ways."""
    ways = dict(ways_to_train())
    if request.param not in ways:
        pytest.skip(reason())
    with ways[request.param]:
        yield


def networks(
    widths: tuple[int, ...] = WIDTHS, draws: int = DRAWS, dtype: torch.dtype = torch.float64, relu: bool = False
) -> Ensemble:
    activation, scheme = Relu() if relu else Tanh(), Critical(bias_std=0.1)
    variances = layer_variances(scheme, activation, widths)
    parameters = draw_parameters(scheme, widths, variances, 5, {"test": "optimizers"}, 0, draws)
    return Ensemble(widths, activation, variances, parameters.to(dtype))


def changed(rule: Optimizer, **keys: Any) -> Optimizer:
    return type(rule).model_validate(rule.model_dump() | keys)


def trained(ensemble: Ensemble, data: Data, rules: list[Optimizer], steps: int = STEPS) -> Tensor:
    """Return the parameters after training copies of the networks with each rule."""
    copies = ensemble[torch.arange(ensemble.draws).repeat(len(rules))]
    for _ in train(copies, data, rules, [steps]):
        pass
    return copies.parameters


def expect_plain_training(ensemble: Ensemble, data: Data, rule: Optimizer, steps: int = STEPS) -> list[float]:
    """Compare all ways to train with the plain loop, and return the norms of its gradients before clipping."""
    expected, norms = train_each_alone(ensemble, data, rule, steps)
    bound = ROUNDING[expected.dtype]
    for way, computing in ways_to_train():
        with computing:
            found = trained(ensemble, data, [rule], steps)
        apart = (found - expected).abs().max().item()
        assert apart < bound, f"{way}, {rule.label}, {expected.dtype}: {apart:.2g}"
    return norms


@pytest.mark.parametrize(("schedule", "warmup"), SCHEDULES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
def test_training_agrees_with_a_plain_loop(rule: Optimizer, schedule: str, warmup: int) -> None:
    """In both precisions, whether no, some or all gradients are clipped."""
    rule = changed(rule, schedule=schedule, warmup=warmup)
    for dtype in ROUNDING:
        data = make_data(BOARD, 1, 0, DRAWS, dtype)
        expect_plain_training(networks(dtype=dtype), data, rule)
        some = expect_plain_training(networks(dtype=dtype), data, changed(rule, clip=SOMETIMES))
        every = expect_plain_training(networks(dtype=dtype), data, changed(rule, clip=ALWAYS))
        assert min(some) < SOMETIMES < max(some)
        assert min(every) > ALWAYS


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
def test_gradients_below_the_norm_are_not_changed(rule: Optimizer) -> None:
    """To the byte."""
    data = make_data(BOARD, 1, 0, DRAWS)
    free, clipped = (trained(networks(dtype=torch.float32), data, [each]) for each in (rule, changed(rule, clip=1e6)))
    assert torch.equal(free, clipped)


def table_task(name: str, folder: Path) -> Task:
    """Return a task of the catalog; a table has three classes and numbers of very different sizes."""
    entry, given = (
        TASKS[name],
        dict[str, Any](squares=2, turns=1.5, rings=3, train=60, test=10, file="rows.csv", target=("kind",)),
    )
    generator = np.random.default_rng(3)
    frame = pd.DataFrame({"small": generator.normal(0, 1e-6, 90), "large": generator.normal(1e6, 1e5, 90)})
    kinds = np.array(["a", "b", "c"])[(np.arange(90) + (frame["small"] > 0)) % 3]
    frame.assign(third=generator.random(90), kind=kinds).to_csv(folder / "rows.csv", index=False)
    task = entry(**{key: value for key, value in given.items() if key in entry.model_fields})
    return task.with_facts(read_facts(task, folder)) if isinstance(task, Dataset) else task


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
@pytest.mark.parametrize("name", TASKS)
def test_training_on_every_task_agrees_with_a_plain_loop(name: str, rule: Optimizer, tmp_path: Path) -> None:
    """With a warm-up, a cosine and clipping, on the same splits, initial weights and batches."""
    task = table_task(name, tmp_path)
    rule = changed(rule, schedule="cosine", warmup=5, clip=0.2, batch=24)
    for dtype in ROUNDING:
        data = make_data(task, 1, 0, DRAWS, dtype)
        norms = expect_plain_training(networks((task.inputs, 9, 7, task.outputs), dtype=dtype), data, rule, 20)
        assert max(norms) > 0.2


def test_a_table_with_a_numeric_target_agrees_with_a_plain_loop(tmp_path: Path) -> None:
    """A regression on two targets."""
    generator = np.random.default_rng(4)
    frame = pd.DataFrame(generator.normal(size=(80, 4)), columns=["a", "b", "y1", "y2"])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    task: Any = TASKS["table"](file="rows.csv", target=("y1", "y2"))  # type: ignore[call-arg]
    task = task.with_facts(read_facts(task, tmp_path))
    rule = AdamW(learning_rate=0.01, batch=20, schedule="cosine", warmup=3, clip=0.1)
    for dtype in ROUNDING:
        data = make_data(task, 1, 0, DRAWS, dtype)
        assert data.loss.name == "half_square"
        expect_plain_training(networks((2, 8, 2), dtype=dtype), data, rule)


def test_the_kernels_train_with_every_optimizer_of_the_catalog() -> None:
    """So that the comparisons above are of both ways to train."""
    data = make_data(BOARD, 1, 0, DRAWS)
    for entry in OPTIMIZERS.values():
        rule = entry(learning_rate=0.01, batch=BATCH, schedule="cosine", warmup=3, clip=1.0)
        points = data.train
        assert can_train(networks(dtype=torch.float32), data.loss.name, points.inputs, points.labels, [rule]) == (
            library() is not None
        )


@pytest.mark.parametrize(("schedule", "warmup"), SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, STEPS, 100])
def test_factors_are_those_of_torchs_schedules(schedule: str, warmup: int, steps: int) -> None:
    """LinearLR, then CosineAnnealingLR or a constant, joined by SequentialLR."""
    rule = Sgd(learning_rate=1.0, batch=1, schedule=schedule, warmup=warmup)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    expected, torchs = [], schedule_of(optimizer, rule, steps)
    for _ in range(steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        torchs.step()

    assert [rule.rate_factor(step, steps) for step in range(steps)] == pytest.approx(expected, abs=1e-14)


def test_factors_at_the_ends_of_a_schedule() -> None:
    """A tenth in the first of ten steps, 1 in the last and at the start of the cosine, half of it in its middle."""
    rule = Adam(learning_rate=1.0, batch=1, schedule="cosine", warmup=10)
    found = [rule.rate_factor(step, 110) for step in (0, 9, 10, 60, 109)]
    assert found == pytest.approx([0.1, 1, 1, 0.5, 0.000247], abs=1e-6)
    assert all(changed(rule, warmup=0).rate_factor(step, 110) > 0 for step in range(110))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
@pytest.mark.usefixtures("each_way")
def test_learning_rates_of_one_ensemble_are_trained_as_alone(rule: Optimizer) -> None:
    """Each has the schedule of its own rate, and gradients are clipped network by network."""
    data = make_data(BOARD, 1, 0, DRAWS, torch.float64)
    rules = [changed(rule, learning_rate=r, schedule="cosine", warmup=3, clip=0.1) for r in (1e-4, 0.01, 0.3)]
    together = trained(networks(), data, rules)
    alone = [train_each_alone(networks(), data, each, STEPS)[0] for each in rules]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-11, atol=1e-11)


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
def test_a_diverged_network_does_not_change_the_others(rule: Optimizer) -> None:
    """Parameters or points that are not finite, or huge, in some networks; the others are the same to the byte."""
    rule = changed(rule, schedule="cosine", warmup=3, clip=0.1)
    ensemble, data = networks(draws=6, dtype=torch.float32), make_data(BOARD, 1, 0, 6)
    expected = trained(ensemble, data, [rule, changed(rule, learning_rate=0.02)])
    ensemble.parameters[1, 3] = torch.nan
    ensemble.parameters[2, 3] = torch.inf
    ensemble.parameters[4, -1] = 1e38
    data.train.inputs[5, 0, 7] = torch.nan
    found = trained(ensemble, data, [rule, changed(rule, learning_rate=0.02)])

    sound = torch.tensor([0, 3, 6, 9])
    assert torch.equal(found[sound], expected[sound])
    assert found[sound].isfinite().all()
    for broken in (1, 2, 5):
        assert not found[[broken, 6 + broken]].isfinite().all(1).any()


@pytest.mark.usefixtures("each_way")
def test_a_derivative_that_is_no_number_makes_the_clipped_gradient_so() -> None:
    """The readout's weight has the derivative 0 * inf, and all others have 0. The norm is nan, as torch's is."""
    ensemble = Ensemble((1, 1, 1), Relu(), ((2.0, 0.0),) * 2, torch.tensor([[3e38, 0.0, 1.0, 0.0]]))
    points = Points(torch.full((1, 1, 4), 2.0), torch.ones(1, 1, 4))
    data = Data(1, BINARY_CROSS_ENTROPY, points, points, points)
    rule = Sgd(learning_rate=0.1, batch=4)

    free, clipped = (trained(ensemble, data, [each], 1).isnan() for each in (rule, changed(rule, clip=1.0)))

    assert free.tolist() == [[False, False, True, False]]
    assert clipped.all()


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("size", [1e8, 1e15, 1e25, 1e37])
def test_huge_gradients_are_clipped_as_by_torch(size: float, dtype: torch.dtype) -> None:
    """In float32 the square of a norm above 1.8e19 overflows, and torch then makes the gradient 0."""
    points = Points(
        torch.linspace(-1, 1, 16, dtype=dtype).expand(DRAWS, 2, 16), torch.full((DRAWS, 1, 16), size, dtype=dtype)
    )
    data = Data(1, HALF_SQUARE, points, points, points)
    for rule in RULES:
        norms = expect_plain_training(networks(dtype=dtype), data, changed(rule, batch=16, clip=0.5))
        assert min(norms) > 1e6


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
def test_gradients_of_zero_leave_only_the_decay(dtype: torch.dtype) -> None:
    """Nothing is divided by a norm of 0, and decoupled decay follows the schedule."""
    ensemble = networks(dtype=dtype)
    points = Points(torch.ones(DRAWS, 2, 16, dtype=dtype), ensemble(torch.ones(DRAWS, 2, 16, dtype=dtype)).clone())
    points.labels.copy_(ensemble(points.inputs))
    data = Data(1, HALF_SQUARE, points, points, points)
    for entry in OPTIMIZERS.values():
        rule = entry(learning_rate=0.1, batch=16, weight_decay=0.0, schedule="cosine", warmup=3, clip=1e-3)
        assert torch.equal(trained(ensemble, data, [rule]), ensemble.parameters)

    still = networks(dtype=dtype)
    still.parameters[:, -6:] = 0  # outputs are 0, and so are all gradients for labels of 0
    points.labels.zero_()
    decaying = AdamW(learning_rate=0.1, batch=16, weight_decay=0.5, schedule="cosine", warmup=3, clip=1.0)
    found = trained(still, data, [decaying])
    left = prod(1 - 0.1 * 0.5 * decaying.rate_factor(step, STEPS) for step in range(STEPS))
    torch.testing.assert_close(found[:, :-6], left * still.parameters[:, :-6], rtol=10 * ROUNDING[dtype], atol=0)


def test_norms_of_many_parameters_round_little() -> None:
    """A sum of 30,000 squares that were added one by one would lose digits in float32."""
    widths = (2, 120, 120, 120, 1)
    data, exact = make_data(BOARD, 1, 0, 1), make_data(BOARD, 1, 0, 1, torch.float64)
    rule = Sgd(learning_rate=1e3, batch=BATCH, clip=1e-2)
    expected, _ = train_each_alone(networks(widths, 1), exact, rule, 1)
    for way, computing in ways_to_train():
        with computing:
            start = networks(widths, 1, torch.float32)
            moved = (trained(start, data, [rule], 1) - start.parameters).double()
        norm = moved.norm().item()
        assert norm == pytest.approx((expected - start.parameters).norm().item(), rel=1e-6), way


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.label)
def test_pauses_do_not_change_a_schedule(rule: Optimizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the number of steps of a call: a schedule follows from the last step of all."""
    rule, data = changed(rule, schedule="cosine", warmup=4, clip=0.1), make_data(BOARD, 1, 0, DRAWS)
    expected = trained(networks(dtype=torch.float32), data, [rule])
    monkeypatch.setattr(CompiledTraining, "steps_at_once", 2)
    paused = networks(dtype=torch.float32)
    stops = list(train(paused, data, [rule], [0, 1, 3, 7, STEPS]))
    assert stops == [0, 1, 3, 7, STEPS]
    assert torch.equal(paused.parameters, expected)
    shorter = trained(networks(dtype=torch.float32), data, [rule], 7)
    longer = networks(dtype=torch.float32)
    next(iter(train(longer, data, [rule], [7, STEPS])))
    assert not torch.equal(shorter, longer.parameters)


def test_a_module_of_the_plain_loop_computes_what_the_ensemble_does() -> None:
    """Otherwise the comparisons would be of different networks."""
    ensemble, data = networks(), make_data(BOARD, 1, 0, DRAWS, torch.float64)
    for row, points, outputs in zip(ensemble.parameters, data.train.inputs, ensemble(data.train.inputs), strict=True):
        torch.testing.assert_close(as_module(WIDTHS, row)(points.T).T.detach(), outputs, rtol=1e-12, atol=1e-12)

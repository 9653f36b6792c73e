"""Networks by the kernels do not affect each other, and unusual arguments are treated as by torch."""

import ctypes
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from suite.catalog.activations import Activation, Gelu, Htanh, Relu, Silu, Tanh
from suite.catalog.optimizers import Adam, AdamW, Optimizer, Sgd
from suite.catalog.tasks import Checkerboard
from suite.cells.compute import compute
from suite.cells.sampling import cells_of
from suite.native import build
from suite.native.build import library, reason
from suite.nets import compiled
from suite.nets.backward import loss_gradients
from suite.nets.ensemble import Ensemble
from suite.nets.losses import HALF_SQUARE, LossAt
from suite.spec.load import load_studies
from suite.training.tasks import make_data
from suite.training.trainer import train
from tests.catalog.instances import EVERY
from tests.native.networks import Shape, as_data, by_torch, copy_of, random_data, random_networks

pytestmark = pytest.mark.skipif(library() is None, reason=f"there are no kernels: {reason()}")

SHAPE = Shape((3, 7, 6, 9, 2), draws=21, points=37)
SHAPES = [
    SHAPE,
    SHAPE._replace(normalization="batch", residual=True),
    SHAPE._replace(normalization="layer", loss="half_square"),
]
DTYPES = [torch.float32, torch.float64]
RULES: list[Optimizer] = [
    Adam(learning_rate=0.01, batch=8),
    Sgd(learning_rate=0.1, batch=8, momentum=0.9, weight_decay=0.01),
    AdamW(learning_rate=0.01, batch=8, schedule="cosine", warmup=2, clip=0.1),
]
CLIPPED = Sgd(learning_rate=0.1, batch=8, clip=0.1)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """Set the number of torch's threads, for this test only."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def everything(ensemble: Ensemble, at: LossAt, rule: Optimizer) -> list[Tensor]:
    """Return all that the kernels compute, with the networks as the first axis of each."""
    trained = copy_of(ensemble, ensemble.parameters.dtype)
    for _ in train(trained, as_data(at), [rule], [5]):
        pass
    return [ensemble(at.points), *loss_gradients(ensemble, at), trained.parameters]


def some(at: LossAt, draws: Any) -> LossAt:
    return LossAt(at.loss, at.points[draws], at.labels[draws])


def assert_equal(found: list[Tensor], expected: list[Tensor], draws: Any = slice(None)) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other[draws], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.normalization)
def test_a_network_is_the_same_alone_and_in_any_order(shape: Shape, dtype: torch.dtype, rule: Optimizer) -> None:
    """To the byte."""
    networks, at = random_networks(Tanh(), shape, dtype), random_data(shape, dtype)
    expected = everything(networks, at, rule)
    for draws in ([0], [20], [3, 4, 5], list(range(20, -1, -1)), [7] * 9):
        assert_equal(everything(networks[torch.tensor(draws)], some(at, draws), rule), expected, draws)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.normalization)
def test_numbers_do_not_depend_on_the_number_of_threads(shape: Shape, threads: Callable[[int], None]) -> None:
    """To the byte; also if there are more threads than groups of networks."""
    networks, at = random_networks(Tanh(), shape), random_data(shape)
    threads(1)
    expected = everything(networks, at, RULES[0])
    for number in (2, 3, 16):
        threads(number)
        assert_equal(everything(networks, at, RULES[0]), expected)


def test_numbers_do_not_depend_on_how_much_is_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte; also if one group of networks is more than the target."""
    networks, at = random_networks(Tanh(), SHAPE), random_data(SHAPE)
    expected = everything(networks, at, RULES[0])
    monkeypatch.setattr(compiled, "_CALL_BYTES", 1)
    monkeypatch.setattr(compiled, "_PRODUCTS_AT_ONCE", 1)
    assert_equal(everything(networks, at, RULES[0]), expected)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e30, -1e30])
@pytest.mark.parametrize("place", ["parameter", "input"])
@pytest.mark.parametrize("activation", EVERY, ids=lambda activation: activation.label)
def test_networks_are_finite_where_they_are_by_torch(activation: Activation, place: str, value: float) -> None:
    """Large values, and values that are not finite, in one of the networks; its neighbors are unaffected."""
    if isinstance(activation, Gelu | Silu) and place == "parameter" and abs(value) == torch.inf:
        pytest.skip("the kernels have the limit at -inf, which is nan by torch")
    if isinstance(activation, Htanh) and not (place == "parameter" and abs(value) == 1e30):
        pytest.skip("torch's slope of the hard tanh at nan depends on the place in the array")
    shape = SHAPE._replace(draws=5)
    networks, at = random_networks(activation, shape), random_data(shape)
    rule = RULES[1]
    expected = everything(networks, at, rule)
    others = [0, 1, 3, 4]
    if place == "parameter":
        networks.parameters[2, 4] = value
    else:
        at.points[2, 1, 3] = value
    found, by_other = everything(networks, at, rule), by_torch(lambda: everything(networks, at, rule))
    for one, other, before in zip(found, by_other, expected, strict=True):
        assert torch.equal(one[others], before[others])
        assert torch.equal(one.isfinite(), other.isfinite())


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e30])
@pytest.mark.parametrize("place", ["parameter", "input"])
def test_clipped_gradients_are_finite_where_they_are_by_torch(place: str, value: float) -> None:
    """A norm that is not a number makes the whole gradient so; the neighbors are unaffected."""
    shape = SHAPE._replace(draws=5)
    networks, at = random_networks(Relu(), shape), random_data(shape)
    expected = everything(networks, at, CLIPPED)[-1]
    if place == "parameter":
        networks.parameters[2, 4] = value
    else:
        at.points[2, 1, 3] = value
    found, by_other = (each(lambda: everything(networks, at, CLIPPED))[-1] for each in (lambda run: run(), by_torch))
    others = [0, 1, 3, 4]
    assert torch.equal(found[others], expected[others])
    assert torch.equal(found.isfinite(), by_other.isfinite())


@pytest.mark.parametrize("rule", [Sgd(learning_rate=1e6, batch=8), Sgd(learning_rate=1e25, batch=8, momentum=0.9)])
def test_trainings_diverge_where_they_do_by_torch(rule: Optimizer) -> None:
    """Networks that train with a usual learning rate beside them are unaffected."""
    shape = SHAPE._replace(draws=6, loss="half_square")
    usual = rule.model_copy(update={"learning_rate": 0.01})

    def trained(rules: list[Optimizer]) -> Tensor:
        networks = random_networks(Relu(), shape)
        networks = networks[torch.arange(6).repeat(len(rules))]
        for _ in train(networks, as_data(random_data(shape)), rules, [12]):
            pass
        return networks.parameters

    found, expected = trained([rule, usual]), by_torch(lambda: trained([rule, usual]))
    assert not found[:6].isfinite().all(1).any()
    assert torch.equal(found.isfinite(), expected.isfinite())
    assert torch.equal(found[6:], trained([usual]))


def test_long_trainings_are_as_good_as_by_torch() -> None:
    """Of 64 replicates on a checkerboard for 300 steps; a right program fails with probability 0.001.

    Rounding makes the paths of a replicate differ, so that the mean of the paired differences has a normal distribution
    around 0.
    """
    shape = Shape((2, 16, 16, 16, 1), draws=64, points=1, seed=5)
    data = make_data(Checkerboard(squares=4, train=256, test=500), 3, 0, 64)

    def accuracies() -> Tensor:
        networks = random_networks(Relu(), shape)
        for _ in train(networks, data, [Adam(learning_rate=0.01, batch=32)], [300]):
            pass
        right = (networks(data.test.inputs) > 0) == (data.test.labels > 0)
        return right.double().mean((1, 2))

    found, expected = accuracies(), by_torch(accuracies)
    difference = found - expected
    assert found.mean() > 0.7
    assert difference.any(), "the same numbers show nothing"
    assert difference.mean().abs() < 3.29 * difference.std() / 8


STUDY = """
title = "tiles"
seed = 1
[family]
width = 6
inputs = 2
depth = 3
activation = ["relu", "tanh"]
[measure.v3]
draws = 20
step = 0.25
[measure.collapse]
draws = 20
[measure.gradients]
draws = 20
[measure.accuracy]
task = { name = "checkerboard", squares = 2, train = 64, test = 32 }
optimizer = { name = "adam", learning_rate = [0.003, 0.03], batch = 16 }
steps = 10
replicates = 20
"""


@pytest.mark.parametrize("name", ["v3", "collapse", "gradients", "accuracy"])
def test_cells_do_not_depend_on_their_tiles(name: str, tmp_path: Path) -> None:
    """To the byte; of 20 draws, which are a multiple of neither the tiles nor the lanes."""
    file = tmp_path / "small.toml"
    file.write_text(STUDY)
    (study,) = load_studies([file])
    for cell in (cell for cell in cells_of(study) if cell.name == name):
        expected = compute(cell, tile=20)
        for tile in (1, 3, 8):
            found = compute(cell, tile=tile)
            assert found.keys() == expected.keys()
            for quantity, values in found.items():
                np.testing.assert_array_equal(values, expected[quantity], strict=True, err_msg=quantity)


UNUSUAL: dict[str, Callable[[Ensemble, Tensor], Tensor]] = {
    "points for one draw": lambda networks, points: networks(points[:1]),
    "expanded points": lambda networks, points: networks(points[0].expand(21, -1, -1)),
    "transposed points": lambda networks, points: networks(points.mT.contiguous().mT),
    "every other draw": lambda networks, points: networks[torch.arange(0, 21, 2)](points[::2]),
    "columns of a larger array": lambda networks, points: replace(
        networks, parameters=torch.cat([networks.parameters] * 2, 1)[:, : networks.parameters.shape[1]]
    )(points),
    "gradient of the parameters": lambda networks, points: replace(
        networks, parameters=networks.parameters.clone().requires_grad_()
    )(points),
    "gradient of the points": lambda networks, points: networks(points.clone().requires_grad_()),
    "no draws": lambda networks, points: networks[torch.arange(0)](points[:0]),
    "no points": lambda networks, points: networks(points[..., :0]),
    "points in float64": lambda networks, points: networks(points.double()),
    "networks in float64": lambda networks, points: networks.to(torch.float64)(points),
    "too many inputs": lambda networks, points: networks(points.repeat(1, 2, 1)),
    "too few inputs": lambda networks, points: networks(points[:, :1]),
    "too few draws": lambda networks, points: networks(points[:2]),
    "labels for too few points": lambda networks, points: loss_gradients(
        networks, LossAt(HALF_SQUARE, points, points[:, :2, :3])
    )[0],
    "labels for too few outputs": lambda networks, points: loss_gradients(
        networks, LossAt(HALF_SQUARE, points, points[:, :1])
    )[0],
    "gradient at no points": lambda networks, points: loss_gradients(
        networks, LossAt(HALF_SQUARE, points[..., :0], points[:, :2, :0])
    )[0],
    "labels that are whole numbers": lambda networks, points: loss_gradients(
        networks, LossAt(HALF_SQUARE, points, (points[:, :2] > 0).long())
    )[0],
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_arguments_give_the_result_or_the_error_of_torch(name: str) -> None:
    """The kernels read memory by its address, so anything that does not fit must not reach them."""
    networks, points = random_networks(Tanh(), SHAPE), random_data(SHAPE).points

    def attempt() -> Tensor | str:
        try:
            return UNUSUAL[name](networks, points)
        except (RuntimeError, ZeroDivisionError, ValueError) as error:
            return str(error)

    found, expected = attempt(), by_torch(attempt)
    if isinstance(expected, str):
        assert found == expected
    else:
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("number", [1, 2])
def test_an_error_in_a_thread_is_raised(
    number: int, monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None]
) -> None:
    """No call is left behind."""
    threads(number)
    networks, at = random_networks(Tanh(), SHAPE), random_data(SHAPE)
    full, own = ctypes.CDLL.__new__(ctypes.CDLL), build.library()
    assert own is not None
    for name in ("lanes", "pack", "unpack"):
        setattr(full, f"{name}_f32", getattr(own, f"{name}_f32"))
    for name in ("forward", "gradient", "train"):
        setattr(full, f"{name}_f32", lambda *_: 1)
    monkeypatch.setattr("suite.native.networks.library", lambda: full)
    before = threading.active_count()
    calls: list[Callable[[], object]] = [
        lambda: networks(at.points),
        lambda: loss_gradients(networks, at),
        lambda: everything(networks, at, RULES[0]),
    ]
    for call in calls:
        with pytest.raises(MemoryError, match="not enough memory for the activations of a group of networks"):
            call()
    assert threading.active_count() == before


@pytest.mark.parametrize("number", [1, 2])
def test_an_interrupt_ends_a_call(number: int) -> None:
    """The process ends by KeyboardInterrupt after the parts that run, and with nothing else on its screen."""
    program = f"""
import os, signal, threading, torch
from suite.catalog.activations import Tanh
from tests.native.networks import Shape, random_networks

torch.set_num_threads({number})
networks = random_networks(Tanh(), Shape((2, 30, 30, 1), draws=256, points=1))
points = torch.zeros(2, 50_000)
networks(points[:, :9])
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        networks(points)
except KeyboardInterrupt:
    assert networks(points[:, :9]).isfinite().all()
    print("interrupted")
"""
    command, here = [sys.executable, "-c", program], Path(__file__).parents[2]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=100, cwd=here)
    assert (ran.stdout, ran.stderr) == ("interrupted\n", "")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
def test_the_kernels_stay_inside_their_memory(tmp_path: Path) -> None:
    """Random shapes with the sanitizers of addresses and undefined behavior, also when memory is lacking."""
    program, source = tmp_path / "fuzz", Path(__file__).with_name("fuzz_networks.c")
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags = ["-std=gnu11", "-g", "-O1", "-march=native", *sanitizers, f"-I{Path(build.__file__).parent}"]
    empty = tmp_path / "empty.c"
    empty.write_text("int main(void) { return 0; }")
    if subprocess.run(["cc", *flags, "-o", program, empty], check=False, capture_output=True).returncode:
        pytest.skip("the compiler has no sanitizers")
    subprocess.run(["cc", *flags, "-o", program, source, "-lm"], check=True)
    ran = subprocess.run([program, "1", "100"], check=False, capture_output=True, text=True)
    assert ran.stdout == "100 shapes\n", ran.stdout + ran.stderr

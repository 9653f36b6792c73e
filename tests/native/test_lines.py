"""Kinks and ranges along lines by the compiled kernels: as torch computes them, and alone as among others."""

import ctypes
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from suite.catalog.activations import Abs, Activation, Htanh, Identity, LeakyRelu, Relu, SSaw, Tanh
from suite.native import lines as kernels
from suite.native.build import library
from suite.nets import breakpoints
from suite.nets.breakpoints import kinks_on_lines, ranges_on_line
from suite.nets.ensemble import Ensemble

pytestmark = pytest.mark.skipif(library() is None, reason="there are no compiled kernels")

ACTIVATIONS = [
    Relu(),
    Abs(),
    Identity(),
    LeakyRelu(slope=0.2),
    LeakyRelu(slope=-0.5),
    LeakyRelu(slope=0.0),
    Htanh(linear_region=0.6),
    Htanh(linear_region=1e6),
    SSaw(linear_region=0.5),
    SSaw(linear_region=1e-3),
]
LENGTH = 2.0


class Case(NamedTuple):
    """Networks and lines."""

    ensemble: Ensemble
    starts: Tensor
    directions: Tensor

    def kinks(self, draws: Any = slice(None), lines: slice = slice(None)) -> breakpoints.Kinks:
        ensemble = self.ensemble[draws]
        at = ensemble.activation.kinks
        return kinks_on_lines(ensemble, at, self.starts[lines], self.directions[lines], LENGTH)

    def ranges(self, draws: Any = slice(None)) -> list[tuple[Tensor, Tensor]]:
        ensemble = self.ensemble[draws]
        return ranges_on_line(ensemble, ensemble.activation.kinks, self.starts[:1], self.directions[:1], LENGTH)


def random_case(
    activation: Activation, widths: tuple[int, ...], draws: int = 3, lines: int = 3, seed: int = 0, biases: float = 0.5
) -> Case:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    parts = []
    for fan_in, fan_out in pairwise(widths):
        parts += [normal(draws, fan_in * fan_out) * (1.5 / fan_in) ** 0.5, biases * normal(draws, fan_out)]
    directions = normal(lines, widths[0])
    ensemble = Ensemble(widths, activation, ((1.5, biases**2),) * (len(widths) - 1), torch.cat(parts, dim=1))
    starts = -directions / directions.norm(dim=1, keepdim=True) + (0.3 * normal(lines, widths[0]) if biases else 0.0)
    return Case(ensemble, starts, directions / directions.norm(dim=1, keepdim=True))


def by_torch(monkeypatch: pytest.MonkeyPatch, case: Case) -> tuple[breakpoints.Kinks, list[tuple[Tensor, Tensor]]]:
    """Each network alone, since infinite values depend on how many segments the others have."""
    with monkeypatch.context() as patch:
        patch.setattr(breakpoints, "library", lambda: None)
        draws = [slice(draw, draw + 1) for draw in range(case.ensemble.draws)]
        kinks = breakpoints.Kinks(*map(torch.cat, zip(*map(case.kinks, draws), strict=True)))
        layers = zip(*map(case.ranges, draws), strict=True)
        ranges = [(torch.cat([low for low, _ in each]), torch.cat([high for _, high in each])) for each in layers]
        return kinks, ranges


def assert_as_by_torch(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """TV and ranges within rounding, and equal numbers of kinks."""
    expected, ranges = by_torch(monkeypatch, case)
    found = case.kinks()
    torch.testing.assert_close(found.variation, expected.variation, rtol=1e-12, atol=0, equal_nan=True)
    torch.testing.assert_close(found.number, expected.number, rtol=0, atol=0, equal_nan=True)
    for layer, by_layer in zip(case.ranges(), ranges, strict=True):
        for ends, by_ends in zip(layer, by_layer, strict=True):
            largest = float(by_ends.nan_to_num(0, 0, 0).abs().max())
            torch.testing.assert_close(ends, by_ends, rtol=1e-12, atol=1e-12 * largest, equal_nan=True)


def random_widths(seed: int) -> tuple[int, ...]:
    """1 to 3 inputs, 1 to 20 layers of 1 to 70 units, deep ones up to 12, and 1 to 5 outputs."""
    generator = np.random.default_rng(seed)
    depth = int(generator.integers(1, 5 if seed % 2 else 21))
    hidden = generator.integers(1, 71 if depth < 5 else 13, depth).tolist()
    return (int(generator.integers(1, 4)), *hidden, int(generator.integers(1, 6)))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.label)
@pytest.mark.parametrize("seed", range(8))
def test_networks_of_any_shape_are_as_by_torch(
    monkeypatch: pytest.MonkeyPatch, activation: Activation, seed: int
) -> None:
    """Rows of units that do not fill vectors, single layers, units, draws and lines."""
    case = random_case(activation, random_widths(seed), draws=1 + seed % 3, lines=1 + seed % 4, seed=seed)
    assert_as_by_torch(monkeypatch, case)


@pytest.mark.parametrize("activation", [Relu(), Abs(), LeakyRelu(slope=0.2)], ids=lambda activation: activation.label)
@pytest.mark.parametrize("widths", [(1, 6, 1), (1, 70, 2), (1, 5, 7, 1), (2, 9, 6, 3)], ids=str)
def test_kinks_that_all_units_have_at_the_origin_are_one(
    monkeypatch: pytest.MonkeyPatch, activation: Activation, widths: tuple[int, ...]
) -> None:
    """Without biases, on lines through the origin."""
    case = random_case(activation, widths, draws=5, lines=2, biases=0.0)
    assert (case.kinks().number == 1).all()
    assert_as_by_torch(monkeypatch, case)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.label)
@pytest.mark.parametrize("parameters", ["all zero", "weights zero", "last weights zero", "equal units"])
def test_special_networks_are_as_by_torch(
    monkeypatch: pytest.MonkeyPatch, activation: Activation, parameters: str
) -> None:
    """Networks that are constant, and units that cross all their kinks together."""
    case = random_case(activation, (2, 6, 6, 5, 2), seed=4)
    for index, layer in enumerate(case.ensemble.layers):
        if parameters == "equal units" and index < case.ensemble.depth:
            layer.weight[:, 1::2] = layer.weight[:, :1]
            layer.bias[:, 1::2] = layer.bias[:, :1]
        elif parameters == "all zero":
            layer.bias.zero_()
        if "zero" in parameters and (index == case.ensemble.depth or not parameters.startswith("last")):
            layer.weight.zero_()
    assert_as_by_torch(monkeypatch, case)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.label)
@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_weights_of_any_size_are_as_by_torch(
    monkeypatch: pytest.MonkeyPatch, activation: Activation, scale: float
) -> None:
    """Values neither underflow nor overflow, but their products may."""
    case = random_case(activation, (2, 7, 5, 1), seed=1)
    case.ensemble.layers[0].weight.mul_(scale)
    case.ensemble.layers[0].bias.mul_(scale)
    assert_as_by_torch(monkeypatch, case)


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda activation: activation.label)
@pytest.mark.parametrize("kind", ["weight", "bias"])
@pytest.mark.parametrize("index", [0, 1, 2])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_parameters_that_are_not_finite_are_as_by_torch(
    monkeypatch: pytest.MonkeyPatch, activation: Activation, kind: str, index: int, value: float
) -> None:
    """In the first, second or last layer of one of three networks."""
    if isinstance(activation, Htanh) and not (kind == "bias" and abs(value) == torch.inf):
        pytest.skip("torch's slope of the hard tanh at nan depends on the place in the array")
    if activation == LeakyRelu(slope=0.0) and kind == "bias" and value == -torch.inf:
        pytest.skip("torch multiplies the infinite value by 0, and the kernels take the flat side's value")
    case = random_case(activation, (1, 3, 4, 1), lines=1, seed=2)
    getattr(case.ensemble.layers[index], kind)[1, 0, 0] = value
    assert_as_by_torch(monkeypatch, case)


def test_ranges_contain_a_dense_grid_and_reach_its_ends() -> None:
    """The smallest and the largest value on the grid, up to the change over one of its steps."""
    case = random_case(SSaw(linear_region=0.5), (1, 5, 6, 4, 1), draws=6, lines=1)
    along = torch.linspace(0, LENGTH, 100_001, dtype=torch.float64)
    points = case.starts.T + case.directions.T * along
    for (low, high), z in zip(case.ranges(), case.ensemble.preactivations(points), strict=True):
        step = z.diff(dim=2).abs().amax(2) + 1e-12
        assert (low <= z.amin(2) + 1e-12).all()
        assert (low >= z.amin(2) - step).all()
        assert (high >= z.amax(2) - 1e-12).all()
        assert (high <= z.amax(2) + step).all()


@pytest.mark.parametrize("widths", [(2, 7, 5, 9, 2), (1, 33, 1)], ids=str)
def test_a_network_and_a_line_are_the_same_alone_as_among_others(widths: tuple[int, ...]) -> None:
    """To the byte."""
    case = random_case(SSaw(linear_region=0.5), widths, draws=5, lines=4)
    kinks, ranges = case.kinks(), case.ranges()
    for draw in range(5):
        alone = slice(draw, draw + 1)
        assert torch.equal(case.kinks(alone).number, kinks.number[alone])
        for line in range(4):
            one = case.kinks(alone, slice(line, line + 1)).variation
            assert torch.equal(one, kinks.variation[alone, line : line + 1])
        for layer, among in zip(case.ranges(alone), ranges, strict=True):
            assert all(torch.equal(ends, others[alone]) for ends, others in zip(layer, among, strict=True))


def test_some_draws_of_an_ensemble_are_used() -> None:
    """Rows that are not next to each other in memory."""
    case = random_case(Relu(), (2, 7, 5, 1), draws=5)
    assert torch.equal(case.kinks(slice(None, None, 2)).variation, case.kinks().variation[::2])


def test_a_lack_of_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernels report it, and do not end the process."""
    case = random_case(Relu(), (1, 4, 1))
    full = ctypes.CDLL.__new__(ctypes.CDLL)
    for name in ("line_kinks", "line_ranges"):
        setattr(full, name, lambda *_: 1)
    monkeypatch.setattr(breakpoints, "library", lambda: full)
    with pytest.raises(MemoryError, match=r"lines through networks of widths \(1, 4, 1\)"):
        case.kinks()
    with pytest.raises(MemoryError, match=r"lines through networks of widths \(1, 4, 1\)"):
        case.ranges()


def test_other_activations_stay_with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of plug-ins, whose pieces are only known up to tolerances, and smooth ones."""

    def fail(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(breakpoints, "find_kinks", fail)
    case = random_case(Relu(), (1, 4, 1))
    with pytest.raises(AssertionError):
        case.kinks()
    random_case(Tanh(), (1, 4, 1)).kinks()
    monkeypatch.setattr(Relu, "facts_are_exact", False)
    case.kinks()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
def test_the_kernels_stay_inside_their_memory(tmp_path: Path) -> None:
    """Random shapes with the sanitizers of addresses and undefined behavior, also when memory is lacking."""
    program, source = tmp_path / "fuzz", Path(__file__).with_name("fuzz_lines.c")
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags = ["-std=gnu11", "-g", "-O1", "-march=native", *sanitizers, f"-I{Path(kernels.__file__).parent}"]
    built = subprocess.run(["cc", *flags, "-o", program, source, "-lm"], check=False, capture_output=True)
    if built.returncode:
        pytest.skip("the compiler has no sanitizers")
    ran = subprocess.run([program, "1", "1500"], check=False, capture_output=True, text=True)
    assert ran.stdout == "1500 shapes\n", ran.stderr

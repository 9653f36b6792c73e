"""`--device auto` uses a GPU that agrees with the CPU, remembers it, and says why it does not use another."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from suite.cells import device_check
from suite.cells.compute import compute
from suite.cells.device_check import TOLERANCE, cache_file, find_deviation
from suite.cells.devices import choose_device
from suite.cells.primitives import PRIMITIVES, Numbers
from suite.nets.torch_settings import standard_settings
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.gpu.pretended import PretendedGpu
from tests.gpu.test_paths import cell_named, cells


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file that remembers GPUs, in a folder of the test's own."""
    monkeypatch.setenv("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", str(tmp_path))
    file = cache_file()
    assert file is not None
    assert tmp_path in file.parents
    return file


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what makes any further check an error."""

    def fail(device: str) -> None:
        raise AssertionError(f"{device} is checked once more")

    return lambda: monkeypatch.setattr(device_check, "_faults", fail)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check one primitive alone."""
    monkeypatch.setattr(device_check, "PRIMITIVES", {"matmul": PRIMITIVES["matmul"]})


def test_a_sound_gpu_passes_once(cache: Path, unchecked: Callable[[], None]) -> None:
    """The second call computes nothing."""
    with PretendedGpu() as gpu:
        assert choose_device("auto") == "cuda"
        assert gpu.events
        assert cache.exists()
        gpu.events.clear()
        unchecked()
        assert choose_device("auto") == "cuda"
        assert gpu.events == []


def _spoil(values: Tensor) -> None:
    if values.dtype == torch.bool:
        values.logical_not_()
    else:
        values.add_(0.01 if values.is_floating_point() else 1)


def _blank(values: Tensor) -> None:
    if values.is_floating_point():
        values.fill_(torch.nan)
    else:
        _spoil(values)


def _fail(values: Tensor) -> None:
    raise RuntimeError("CUDA error: no kernel image is available for execution on the device\nand more lines")


FAULTS = {
    "bmm": "matmul",
    "baddbmm": "matmul",
    "tanh": "elementwise functions",
    "erf": "elementwise functions",
    "copysign": "elementwise functions",
    "where": "elementwise functions",
    "eq": "comparisons",
    "isnan": "comparisons",
    "gelu_backward": "derivatives of functions",
    "elu_backward": "derivatives of functions",
    "var": "reductions",
    "amax": "reductions",
    "argmax": "reductions",
    "sort": "sorting",
    "cummax": "sorting",
    "cummin": "sorting",
    "bincount": "sorting",
    "searchsorted": "sorting",
    "nonzero": "sorting",
    "index": "indexing",
    "index_put": "indexing",
    "gather": "indexing",
    "scatter_reduce": "indexing",
    "_linalg_eigh": "eigenvalues",
    "_linalg_svd": "singular values",
    "_log_softmax": "losses and gradients",
    "binary_cross_entropy_with_logits": "losses and gradients",
    "tanh_backward": "second derivatives",
    "_fused_adam": "training with Adam",
    "_fused_adamw": "training with AdamW",
    "_fused_sgd": "training with SGD",
}
"""Operation of torch -> a primitive that uses it."""


def test_every_primitive_is_spoilt_by_some_fault() -> None:
    """Below."""
    assert set(FAULTS.values()) == set(PRIMITIVES)


BESIDE = {
    "_efficientzerotensor",
    "fill",
    "full_like",
    "linspace",
    "logical_and",
    "new_full",
    "new_ones",
    "ones",
    "select_backward",
    "slice_backward",
    "to",
    "unbind",
}
"""Operations that the check leaves out: they write constants, or look at other places of a tensor."""


def test_the_check_uses_what_cells_use() -> None:
    """Every operation of cells that together use all measures, activations, losses and observers."""
    with PretendedGpu() as checked:
        assert find_deviation() is None
    seen: set[object] = set()
    with PretendedGpu() as computed:
        for cell in cells():
            measured_activation = (
                cell.member.activation.name,
                cell.name in ("grad_norm", "grasp", "v3_limit") and cell.name,
            )
            uses = {cell.name, measured_activation, cell.member.normalization, cell.task and cell.task.name}
            if cell.trains or not uses <= seen:
                compute(cell, "cuda")
                seen |= uses
    assert computed.operations - checked.operations <= BESIDE


@pytest.mark.parametrize("fault", [_spoil, _blank, _fail], ids=["wrong", "nan", "raises"])
@pytest.mark.parametrize("operation", FAULTS)
def test_a_faulty_primitive_is_found(
    operation: str, fault: Callable[[Tensor], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name and precision, with the difference or the error's first line."""
    name = FAULTS[operation]
    monkeypatch.setattr(device_check, "PRIMITIVES", {name: PRIMITIVES[name]})
    with PretendedGpu(faults={operation: fault}):
        reason = find_deviation()

    assert reason is not None
    assert reason.startswith(f"on Pretended, {name} in float32 ")
    if fault is _fail:
        assert reason.endswith(" fails: CUDA error: no kernel image is available for execution on the device")
    else:
        assert " differs from the CPU by " in reason
        assert reason.endswith(" (tolerance 2e-05)")


def test_faults_of_float64_alone_are_found() -> None:
    """Each primitive is checked in both precisions, where the suite uses both."""

    def in_float64(values: Tensor) -> None:
        if values.dtype == torch.float64:
            values.mul_(1 + 1e-9)

    with PretendedGpu(faults={"_linalg_svd": in_float64}):
        reason = find_deviation()
    assert reason == "on Pretended, singular values in float64 differs from the CPU by 1e-09 (tolerance 1e-12)"


def test_the_precision_of_tf32_is_found() -> None:
    """Inputs of 10 bits make differences of 4e-4 of the largest product."""
    left, right = Numbers(torch.float32, "cpu").normal(3, 65, 64), Numbers(torch.float32, "cpu").normal(3, 64, 33)
    rounded = [_with_bits(values, 10) for values in (left, right)]
    difference = device_check._difference(torch.bmm(*rounded), torch.bmm(left, right))
    assert 1e-4 < difference < 1e-3
    assert difference > 5 * TOLERANCE[torch.float32]


def _with_bits(values: Tensor, bits: int) -> Tensor:
    fraction, exponent = torch.frexp(values)
    return torch.ldexp((fraction * 2 ** (bits + 1)).round() / 2 ** (bits + 1), exponent)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_rounding_stays_far_below_the_tolerance(name: str) -> None:
    """Of float32 on the CPU, beside float64 at the same inputs."""

    class Rounded(Numbers):
        def normal(self, *shape: int) -> Tensor:
            return super().normal(*shape).float().double()

        def spread(self) -> Tensor:
            return super().spread().float().double()

    compute, _ = PRIMITIVES[name]
    found, exact = compute(Numbers(torch.float32, "cpu")), compute(Rounded(torch.float64, "cpu"))
    assert max(map(device_check._difference, found, exact)) < TOLERANCE[torch.float32] / 4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("where", "other"),
    [
        ("suite.cells.device_check._driver", lambda: 12040),
        ("suite.cells.device_check.numbers_follow_from", lambda: {"suite": "code 0"}),
        ("torch.cuda.get_device_capability", lambda number: (7, 0)),
        ("torch.cuda.get_device_name", lambda number: "Another"),
        ("torch.__version__", "2.99"),
        ("torch.version.cuda", "99.9"),
    ],
)
def test_another_gpu_or_version_is_checked_anew(where: str, other: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """And both are remembered."""
    with PretendedGpu() as gpu:
        assert find_deviation() is None
        gpu.events.clear()
        with monkeypatch.context() as patched:
            patched.setattr(where, other)
            assert find_deviation() is None
            assert gpu.events
            gpu.events.clear()
            assert find_deviation() is None
        assert find_deviation() is None
        assert gpu.events == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("variable", "checked"), [("NVIDIA_TF32_OVERRIDE", True), ("CUBLAS_A", True), ("OTHER", False)]
)
def test_other_settings_of_the_libraries_are_checked_anew(
    variable: str, checked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TF32 may be forced by an environment variable, which torch does not know."""
    with PretendedGpu() as gpu:
        assert find_deviation() is None
        gpu.events.clear()
        monkeypatch.setenv(variable, "1")
        assert find_deviation() is None
        assert bool(gpu.events) == checked


def test_every_kind_of_gpu_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of each name and compute capability."""
    gpus, checked = (("A", 8), ("A", 9), ("A", 8), ("B", 9)), []

    def faults(device: str) -> Iterator[str]:
        checked.append(device)
        yield from ["matmul fails"] if device == "cuda:3" else []

    monkeypatch.setattr(device_check, "_faults", faults)
    with PretendedGpu(), monkeypatch.context() as patched:
        patched.setattr("torch.cuda.device_count", lambda: len(gpus))
        patched.setattr("torch.cuda.get_device_name", lambda number: gpus[number][0])
        patched.setattr("torch.cuda.get_device_capability", lambda number: (gpus[number][1], 0))
        assert find_deviation() == "on B, matmul fails"
    assert checked == ["cuda:0", "cuda:1", "cuda:3"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"null", b'{"gpu": "Pretended"}', b"[1, null]", b"[" * 10**5]
)
def test_a_damaged_cache_is_made_anew(content: bytes, cache: Path, unchecked: Callable[[], None]) -> None:
    """It is no error."""
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    with PretendedGpu():
        assert find_deviation() is None
        unchecked()
        assert find_deviation() is None


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("blocked", ["file", "folder"])
def test_a_cache_that_cannot_be_used_is_no_error(blocked: str, cache: Path) -> None:
    """The GPU is checked each time."""
    if blocked == "file":
        cache.mkdir(parents=True)
    else:
        cache.parent.parent.mkdir(exist_ok=True)
        cache.parent.write_text("no folder")
    with PretendedGpu() as gpu:
        for _ in range(2):
            gpu.events.clear()
            assert find_deviation() is None
            assert gpu.events


def test_a_gpu_that_cannot_start_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever torch says of it."""

    def fail(number: int) -> None:
        raise RuntimeError("CUDA unknown error\nmore")

    with PretendedGpu(), monkeypatch.context() as patched:
        patched.setattr("torch.cuda.get_device_name", fail)
        assert find_deviation() == "CUDA unknown error"


def test_a_faulty_gpu_is_not_used(unchecked: Callable[[], None], caplog: pytest.LogCaptureFixture) -> None:
    """One line says why, each time: faults are not remembered. `--device cuda` does as it is told."""
    with PretendedGpu(faults={"bmm": _spoil}), caplog.at_level(logging.WARNING):
        for _ in range(2):
            caplog.clear()
            assert choose_device("auto") == "cpu"
            (line,) = caplog.messages
            assert line.startswith("Warning: using the CPU: on Pretended, matmul in float32 differs from the CPU by ")
        caplog.clear()
        unchecked()
        assert choose_device("cuda") == "cuda"
        assert caplog.messages == []


@pytest.mark.usefixtures("quick")
def test_a_run_chooses_the_device(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By the check: the GPU's name, or `cpu`, is in its record."""
    file = tmp_path / "small.toml"
    file.write_text(
        'title = "Small"\nseed = 1\n[family]\nwidth = 4\ninputs = 2\ndepth = 2\nactivation = "relu"\n'
        "[measure.activation_ratio]\n"
    )
    (study,) = load_studies([file])
    for number, (faults, device) in enumerate((({"bmm": _spoil}, "cpu"), ({}, "Pretended"))):
        caplog.clear()
        with PretendedGpu(faults=faults):
            results = compute_tables(study, tmp_path / str(number))
        assert {cell["device"] for cell in results.run["cells"]} == {device}
        assert len(caplog.messages) == len(faults)


def test_nothing_is_done_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is the check loaded, nor torch where the CPU is asked for."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setitem(sys.modules, "suite.cells.device_check", None)
    assert choose_device("auto") == "cpu"
    monkeypatch.setitem(sys.modules, "torch", None)
    assert choose_device("cpu") == "cpu"


@pytest.mark.parametrize("before", ["highest", "high", "medium"])
def test_cells_are_computed_in_full_precision(before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the caller allows, whose setting comes back."""
    seen = []

    def look(ensemble, domain, settings):  # type: ignore[no-untyped-def]  # a measure
        seen.append((torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32))
        return {"grad_norm": ensemble.parameters[:, 0]}

    monkeypatch.setattr("suite.measures.grad_norm.grad_norm", look)
    torch.set_float32_matmul_precision(before)
    try:
        compute(cell_named("grad_norm"))
        assert torch.get_float32_matmul_precision() == before
    finally:
        torch.set_float32_matmul_precision("highest")
    assert set(seen) == {("highest", False)}


@pytest.mark.skipif(not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="this torch has one setting")
def test_full_precision_overrides_the_newer_setting_too() -> None:
    """Which torch keeps beside the older one."""
    matmul = torch.backends.cuda.matmul
    matmul.fp32_precision = "tf32"
    try:
        with standard_settings():
            assert matmul.fp32_precision == "ieee"
        assert matmul.fp32_precision == "tf32"
    finally:
        torch.set_float32_matmul_precision("highest")

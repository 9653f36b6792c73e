"""No setting of torch that a calling program may have changed has an effect on a number, and each is restored."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Barrier, Thread

import numpy as np
import pytest
import torch
from torch import nn

import suite
from suite.cells.compute import compute
from suite.nets.torch_settings import standard_settings
from tests.gpu.test_paths import cell_named


@contextmanager
def _set(change: Callable[[], object], restore: Callable[[], object]) -> Iterator[None]:
    change()
    try:
        yield
    finally:
        restore()


SETTINGS: dict[str, tuple[Callable[[], AbstractContextManager[object]], Callable[[], object]]] = {
    "default dtype": (
        lambda: _set(lambda: torch.set_default_dtype(torch.float64), lambda: torch.set_default_dtype(torch.float32)),
        torch.get_default_dtype,
    ),
    "autocast": (lambda: torch.autocast("cpu", dtype=torch.bfloat16), lambda: torch.is_autocast_enabled("cpu")),
    "no gradients": (torch.no_grad, torch.is_grad_enabled),
    "inference mode": (torch.inference_mode, torch.is_inference_mode_enabled),
    "default device": (lambda: torch.device("meta"), torch.get_default_device),
    "deterministic algorithms": (
        lambda: _set(
            lambda: torch.use_deterministic_algorithms(True), lambda: torch.use_deterministic_algorithms(False)
        ),
        torch.are_deterministic_algorithms_enabled,
    ),
    "matmul precision": (
        lambda: _set(
            lambda: torch.set_float32_matmul_precision("medium"),
            lambda: torch.set_float32_matmul_precision("highest"),
        ),
        torch.get_float32_matmul_precision,
    ),
    "anomaly detection": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "flushing of subnormal numbers": (
        lambda: _set(lambda: torch.set_flush_denormal(True), lambda: torch.set_flush_denormal(False)),
        lambda: float(torch.full((1,), 1e-310, dtype=torch.float64, device="cpu") * 1),
    ),
    "threads": (
        lambda: _set(lambda: torch.set_num_threads(2), lambda: torch.set_num_threads(_THREADS)),
        torch.get_num_threads,
    ),
}
_THREADS = torch.get_num_threads()

each_setting = pytest.mark.parametrize("name", SETTINGS)
ignore_warnings = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")


def _arrays(name: str) -> dict[str, np.ndarray]:
    return compute(cell_named(name))


@each_setting
@ignore_warnings
@pytest.mark.parametrize("measure", ["v3", "grasp", "dead_neurons", "accuracy", "correlation"])
def test_a_cell_has_the_same_bytes(name: str, measure: str) -> None:
    """A measure of outputs, one of gradients, one by breakpoints, one of pairs of inputs, and training."""
    changed, read = SETTINGS[name]
    expected = _arrays(measure)

    with changed():
        before = read()
        found = _arrays(measure)
        assert read() == before

    for quantity, values in expected.items():
        assert found[quantity].tobytes() == values.tobytes(), quantity


@each_setting
@ignore_warnings
def test_a_module_is_measured_the_same(name: str) -> None:
    """Networks of torch modules that were made before."""
    changed, read = SETTINGS[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(3, 16), nn.Softplus(), nn.Linear(16, 8), nn.Softplus(), nn.Linear(8, 2))
    measures = ["v3", "collapse", "grasp", "gradients", "naswot", "jacobian"]
    expected = suite.measure(module, measures)

    with changed():
        before = read()
        found = suite.measure(module, measures)
        assert read() == before

    assert found.equals(expected)


@each_setting
@ignore_warnings
def test_a_module_that_was_made_under_the_setting_is_measured(name: str) -> None:
    """Its weights may be in float64, or be tensors that take no part in gradients."""
    if name == "default device":
        pytest.skip("weights on the meta device have no values")
    with torch.random.fork_rng(), SETTINGS[name][0]():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
        found = suite.measure(module, ["v3", "grasp", "gradients"])

    assert found.equals(suite.measure(module, ["v3", "grasp", "gradients"]))
    assert np.isfinite(found["value"]).all()


def test_settings_hold_for_blocks_in_several_threads() -> None:
    """The first thread to leave does not restore the caller's setting while another computes."""
    found, first_has_left, both_inside = [], Barrier(2), Barrier(2)

    def run(leaves_first: bool) -> None:
        with standard_settings():
            both_inside.wait()
            if leaves_first:
                return
            first_has_left.wait()
            found.append(torch.get_default_dtype())

    torch.set_default_dtype(torch.float64)
    try:
        threads = [Thread(target=run, args=(leaves_first,)) for leaves_first in (True, False)]
        for thread in threads:
            thread.start()
        threads[0].join()
        first_has_left.wait()
        threads[1].join()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)

    assert found == [torch.float32]


@each_setting
@ignore_warnings
def test_each_setting_has_its_default_inside_a_block(name: str) -> None:
    """Whatever the caller has set, which is read again afterwards."""
    if name == "threads":
        pytest.skip("one_thread sets the number of threads")
    changed, read = SETTINGS[name]
    expected = read()

    with changed():
        before = read()
        with standard_settings():
            assert read() == expected
        assert read() == before
    assert before != expected


def test_whether_deterministic_algorithms_only_warn_is_restored() -> None:
    """Both parts of the setting."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        with standard_settings():
            assert not torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="this torch has no such setting")
def test_inherited_precision_stays_inherited() -> None:
    """A later change of the common setting still counts for each backend."""
    before = torch.backends.fp32_precision
    torch.backends.fp32_precision = "tf32"
    try:
        with standard_settings():
            pass
        torch.backends.fp32_precision = "ieee"
        assert torch.backends.cuda.matmul.fp32_precision == "ieee"
    finally:
        torch.backends.fp32_precision = before
        torch.set_float32_matmul_precision("highest")


def test_an_error_restores_the_settings() -> None:
    """Also those of the process."""
    torch.use_deterministic_algorithms(True)
    try:
        with pytest.raises(ZeroDivisionError), standard_settings():
            _ = 1 / 0
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)

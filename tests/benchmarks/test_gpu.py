"""The script for a GPU, tried on the CPU: what it compares, counts and keeps."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.gpu import agreement, history, load
from benchmarks.gpu.__main__ import SECTIONS, main
from benchmarks.gpu.limits import count_launches
from benchmarks.gpu.paths import dtype_of, path_cells
from benchmarks.gpu.record import Record, Section, Setup, run_section
from benchmarks.peers.cases import Case, problem_of
from benchmarks.peers.timing import check
from benchmarks.peers.torch_peers import ByHand, Ours
from benchmarks.shapes import Shape

ROOT = Path(__file__).parents[2]
EXACT = np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, np.inf]])
OFF = np.array([[0.0, 4e-4], [0.0, 0.0], [0.0, 0.0]])
"""An error of 1e-4 of the largest value, 4."""


def command(file: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.gpu", "--json", str(file), "--device", "cpu", "--tiny", *options]


@pytest.mark.parametrize(("dtype", "precision", "margin"), [("float32", 2.0**-23, 100), ("float64", 2.0**-52, 1000)])
def test_a_tolerance_is_a_multiple_of_the_rounding_of_the_cpu(dtype: str, precision: float, margin: float) -> None:
    """In proportion to the precision, and a thousand times that at least."""
    assert agreement.judge(EXACT, EXACT, EXACT, dtype=dtype)["tolerance"] == 1000 * precision
    judged = agreement.judge(EXACT, EXACT + OFF, EXACT, dtype=dtype)
    assert judged["tolerance"] == pytest.approx(margin * 1e-4 * precision / 2.0**-23)
    assert (judged["draws"], judged["beyond"], judged["share"]) == (3, 0, 0.0)


def test_draws_beyond_the_tolerance_are_counted() -> None:
    """By the draw, whether one or both of its values are off; numbers that are not finite must be the same."""
    near = EXACT + 4 * np.array([[1e-13, 0.0], [0.0, 1e-13], [0.0, 0.0]])
    far = EXACT + 4 * np.array([[1e-12, 1e-12], [0.0, 0.0], [0.0, 0.0]])
    finite = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, np.inf]])

    assert agreement.judge(EXACT, EXACT, near, dtype="float64")["beyond"] == 0
    assert agreement.judge(EXACT, EXACT, near, dtype="float64")["share"] == pytest.approx(
        1e-13 / 1000 / 2.0**-52, rel=1e-2
    )
    assert agreement.judge(EXACT, EXACT, far, dtype="float64")["beyond"] == 1
    assert agreement.judge(EXACT, EXACT, finite, dtype="float64")["beyond"] == 1
    assert agreement.judge(finite, finite, EXACT, dtype="float64")["beyond"] == 1
    lost = np.where(EXACT == 4, np.inf, EXACT)
    assert agreement.judge(EXACT, lost, lost, dtype="float32")["beyond"] == 0  # so does the CPU in float32
    assert agreement.judge(EXACT, lost, lost, dtype="float64")["beyond"] == 1


def test_a_deviation_is_found_and_fails_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A device whose V3 is off by a millionth in float64, which float32 hides."""
    cells = [cell for cell in path_cells() if cell.name in ("v3", "collapse")][::4]
    monkeypatch.setattr(agreement, "path_cells", lambda: cells)
    arguments = ["--json", str(tmp_path / "gpu.json"), "--device", "cpu", "--only", "correctness"]
    assert main(arguments) == 0

    computed = agreement.compute

    def off(cell, device="cpu", dtype=None):
        found = computed(cell, device, dtype=dtype)
        return found if dtype else {name: values * (1 + 1e-6 * (name == "v3")) for name, values in found.items()}

    monkeypatch.setattr(agreement, "compute", off)
    (tmp_path / "gpu.json").unlink()
    assert main(arguments) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith("beyond")] == ["beyond tolerance: v3, float64, v3"]


@pytest.mark.parametrize(("draws", "found"), [(slice(0, 3), True), (slice(0, 2), False)])
def test_an_error_of_one_activation_in_float32_is_found(
    monkeypatch: pytest.MonkeyPatch, draws: slice, found: bool
) -> None:
    """V3 is off by 1% for GELU alone, which is a small part of all draws; as few as rounding may change are allowed."""
    cells = [cell for cell in path_cells() if (cell.name, dtype_of(cell)) == ("v3", "float32")]
    assert len(cells) > 5 / 0.25
    computed = agreement.compute

    def off(cell, device="cpu", dtype=None):
        values = computed(cell, device, dtype=dtype)
        if not dtype and cell.member.activation.name == "gelu":
            values["v3"][draws] *= 1.01
        return values

    monkeypatch.setattr(agreement, "compute", off)
    row = agreement._compare_cells(cells, "cpu")
    assert agreement.find_deviations({"v3, float32": row}) == (["v3, float32, v3"] if found else [])
    assert row["quantities"]["v3"]["beyond"] == draws.stop


def test_other_weights_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bit of one number is enough."""
    computed = agreement.compute
    calls = []

    def off(cell, device="cpu"):
        found = computed(cell, device)
        calls.append(device)
        if len(calls) % 2 == 0:
            found["parameters"].view(np.uint64)[0, 0] ^= 1
        return found

    setup = Setup("cpu", True, {})
    _, take = next(iter(agreement.weight_rows(setup)))
    row = take()
    assert row["different"] == 0
    assert row["numbers"] == 70 * (3 * 5 + 6 + 24 * (2 + 1))  # weights, biases; points and labels
    monkeypatch.setattr(agreement, "compute", off)
    assert take()["different"] == 1


def test_operations_bytes_and_launches_are_those_counted_by_hand() -> None:
    """Three networks 2-5-5-1 at 10 points: products, parameters and layers; a product a layer and a relu but one."""
    case = Case("forward", "float32", Shape(3, 5, 2), 10)
    parameters, layers = (2 + 1) * 5 + (5 + 1) * 5 + (5 + 1) * 1, ((2 + 5) + (5 + 5) + (5 + 1)) * 10

    assert case.flop == 2 * 3 * 10 * (2 * 5 + 5 * 5 + 5 * 1)
    assert case.bytes == 4 * (3 * (parameters + layers) - 2 * 2 * 10)  # all networks share the points
    with torch.no_grad():
        assert count_launches(ByHand(problem_of(case)).work, "cpu") == 3 + 2


def test_bytes_of_training_are_those_counted_by_hand() -> None:
    """One network 2-5-1 at 10 points: forward, back, and Adam, which reads four arrays and writes three."""
    parameters = (2 + 1) * 5 + (5 + 1) * 1
    forward = parameters + 10 * ((2 + 5) + (5 + 1))
    readout = (1 + 1 + 5) * 10 + (5 + 1) + (5 + 1) + 5 * 10  # own gradient, outputs, layer below; weights; gradients
    hidden = (5 + 5 + 2) * 10 + (2 + 1) * 5 + (2 + 1) * 5

    assert Case("training", "float64", Shape(1, 5, 1), 10).bytes == 8 * (forward + readout + hidden + 7 * parameters)


@pytest.mark.parametrize("work", ["forward", "v3", "training"])
def test_products_by_hand_come_to_the_same(work) -> None:
    """As the suite's own passes."""
    case = Case(work, "float64", Shape(3, 5, 4), 81)
    with torch.no_grad():
        check(case, [Ours(problem_of(case)), ByHand(problem_of(case))])


def test_rows_are_kept_one_by_one_and_not_taken_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row that failed is tried again; rows beyond the time limit are left for the next call."""
    file, taken = tmp_path / "gpu.json", []

    def rows(setup):
        for key in "abc":
            yield key, lambda key=key: taken.append(key) or ({"value": key} if key != fails else 1 / 0)

    section, setup = Section("some", 60, rows, lambda key, row: row["value"]), Setup("cpu", True, {})
    fails = "b"
    assert run_section(section, setup, Record(file, {"commit": "1"}), time.monotonic() + 60)
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().out
    fails = ""
    again = Record(file, {"commit": "1"})
    assert list(again.failures()) == ["some: b"]
    assert run_section(section, setup, again, time.monotonic() + 60)
    assert taken == ["a", "b", "c", "b"]
    assert list(Record(file, {"commit": "1"}).rows("some")) == ["a", "b", "c"]

    before = file.read_text()
    with pytest.raises(ValueError, match=r"contains other results \(commit: 1 before, 2 now\); use another file"):
        Record(file, {"commit": "2"})
    assert file.read_text() == before
    later = Record(tmp_path / "later.json", {"commit": "2"})
    assert not run_section(section, setup, later, time.monotonic())
    assert "3 skipped by the time limit" in capsys.readouterr().out
    assert taken == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"identity": 1}',
        '{"identity": [1], "sections": {}}',
        '{"identity": {}, "sections": {"weights": 1}}',
        '{"another": "program"}',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it is damaged or of another program."""
    file = tmp_path / "gpu.json"
    file.write_text(text)

    assert status_of(file) == 2
    assert f"{file}: expected results of this script; use another file" in capsys.readouterr().err
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a folder, or its folder is missing."""
    for file in (tmp_path, tmp_path / "missing" / "gpu.json"):
        assert status_of(file) == 2
        assert str(file) in capsys.readouterr().err


def status_of(file: Path) -> int | str | None:
    """Return the exit status of a call that ends at once."""
    with pytest.raises(SystemExit) as ended:
        main(["--json", str(file), "--device", "cpu", "--tiny"])
    return ended.value.code


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_the_error_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status is that of a wrong command line."""
    with pytest.raises(SystemExit) as ended:
        main(["--json", str(tmp_path / "gpu.json")])

    assert ended.value.code == 2
    assert "no CUDA device is available; add --device cpu" in capsys.readouterr().err
    assert not (tmp_path / "gpu.json").exists()


def test_results_of_asv_are_filed_under_the_gpu_and_commit(tmp_path: Path) -> None:
    """Those of two calls are in one file, which names neither the host nor a path of it."""
    identity = {"device": "cuda", "GPU": "NVIDIA H200", "commit": "0123456789ab", "Python": "3.12.3", "torch": "2.11.0"}
    name = history.machine_name(identity)
    common = {
        "env_name": "existing-py_home_someone_bin_python3",
        "commit_hash": "f" * 40,
        "date": 1,
        "python": "3.12",
        "params": {"machine": name, "python": "/home/someone/bin/python3"},
    }
    for benchmark in ("signal.Jacobian.time_jacobian", "scores.Scores.time_score"):
        found = common | {"results": {benchmark: [[1.0]]}, "durations": {benchmark: 2.0}, "machine": {"machine": name}}
        file = history.file_results(found, tmp_path, identity)

    assert file == tmp_path / "NVIDIA-H200" / "01234567-existing-py3.12-torch2.11.0.json"
    content = json.loads(file.read_text())
    assert list(content["results"]) == ["signal.Jacobian.time_jacobian", "scores.Scores.time_score"]
    assert content["commit_hash"] == "0123456789ab"
    assert "someone" not in file.read_text()
    assert json.loads((tmp_path / "NVIDIA-H200" / "machine.json").read_text()) == {"machine": "NVIDIA-H200"}


@pytest.mark.parametrize(
    ("key", "value", "reason"), [("commit", "unknown", "--commit"), ("edited", "yes", "commit the changes")]
)
def test_results_of_asv_are_filed_under_a_commit_or_not_at_all(key: str, value: str, reason: str) -> None:
    """The error says what to do."""
    identity = {"device": "cuda", "GPU": "NVIDIA H200", "commit": "0123456789ab", "edited": "no"} | {key: value}
    _, take = next(iter(history.rows(Setup("cuda", False, identity))))

    with pytest.raises(RuntimeError, match=reason):
        take()


def test_a_benchmark_that_fails_in_asv_fails_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no number; one that was not chosen has NaN."""
    identity = {"device": "cpu", "processor": "Some", "commit": "0123456789ab", "Python": "3.12.3", "torch": "2.11.0"}
    results = {"signal.Jacobian.time_jacobian": [[0.5, float("nan")]], "signal.Correlation.time_correlation": [[None]]}

    def found(folder, modules, setup):
        return {"results": results, "durations": {}, "params": {}, "machine": {"machine": "Some"}}

    monkeypatch.setattr(history, "_call_asv", found)
    _, take = next(iter(history.rows(Setup("cpu", True, identity))))
    with pytest.raises(RuntimeError, match=r"failed: signal\.Correlation\.time_correlation$"):
        take()
    del results["signal.Correlation.time_correlation"]
    assert take()["timed"] == 1


def test_a_worker_that_fails_ends_the_row(capfd: pytest.CaptureFixture[str]) -> None:
    """At once, and its error is printed."""
    with pytest.raises(RuntimeError, match="a process failed"):
        load._run_processes(1, Setup("no device", True, {}))
    assert "no device" in capfd.readouterr().err


@pytest.mark.slow
def test_the_script_is_cut_off_after_two_sections_and_continued(tmp_path: Path) -> None:
    """All of it, at the smallest sizes; what there was is kept, and the rest is added."""
    file = tmp_path / "gpu.json"
    with subprocess.Popen(command(file), cwd=ROOT, stdout=subprocess.PIPE, text=True) as cut:
        assert cut.stdout is not None
        for line in cut.stdout:
            if line.startswith("peers"):
                os.kill(cut.pid, signal.SIGKILL)
                break
    assert cut.wait() == -signal.SIGKILL
    before = json.loads(file.read_text())
    assert list(before["sections"]) == ["weights", "correctness"]

    done = subprocess.run(command(file), cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"continuing {file}" in done.stdout
    content = json.loads(file.read_text())
    assert list(content["sections"]) == [section.name for section in SECTIONS]
    assert {name: content["sections"][name] for name in before["sections"]} == before["sections"]
    assert {name.split(", ")[0] for name in content["sections"]["correctness"]} == {cell.name for cell in path_cells()}
    peers = content["sections"]["peers"]
    assert {each["contender"] for each in peers["forward, float32, 4, 6, 3, 81"]["times"]} >= {"ours", "bmm", "vmap"}
    assert len({row["cells"] for row in content["sections"]["workers"].values()}) == 1
    assert content["sections"]["asv"]["signal"]["timed"] == 2
    assert "no failures; every path agrees" in done.stdout

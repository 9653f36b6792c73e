"""asv's benchmarks: all of them run on this commit, and what a commit or a machine lacks is skipped."""

import ast
import inspect
import itertools
import json
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch

from benchmarks import adapter, ensembles, estimators, kernels, scores, signal, training
from benchmarks.ensembles import FastestRuns

ROOT = Path(__file__).parents[2]
MODULES = (estimators, kernels, scores, signal, training)
CLASSES = [
    each
    for module in MODULES
    for _, each in inspect.getmembers(module, inspect.isclass)
    if each.__module__ == module.__name__ and any(name.startswith(("time_", "peakmem_")) for name in vars(each))
]
CASES = [
    pytest.param(each, options, id="-".join([each.__name__, *options]))
    for each in CLASSES
    for options in itertools.product(*each.params[2:])
]


@pytest.mark.parametrize(("benchmark", "options"), CASES)
def test_every_benchmark_runs_on_this_commit(monkeypatch, benchmark, options):
    """On two small networks."""
    small = {name: replace(shape, draws=2, width=4, depth=2) for name, shape in benchmark.shapes.items()}
    monkeypatch.setattr(benchmark, "shapes", small)
    monkeypatch.setattr(FastestRuns, "window", 0.0)
    with torch.no_grad():
        timed = benchmark()
        shape = benchmark.params[0][0]
        timed.setup(shape, "cpu", *options)
        for name in dir(timed):
            if name.startswith(("time_", "peakmem_")):
                before = timed.timer()
                getattr(timed, name)(shape, "cpu", *options)
                assert (timed.timer() > before) == name.startswith("time_")


def test_the_clock_advances_by_the_fastest_run(monkeypatch):
    """Of three runs that take 3, 1 and 2 seconds it counts the second."""
    clock, times = FastestRuns(), iter([0.0, 3.0, 3.0, 4.0, 4.0, 6.0])
    monkeypatch.setattr(ensembles, "perf_counter", lambda: next(times))
    monkeypatch.setattr(FastestRuns, "window", 6.0)
    clock.advance(lambda: None)
    assert clock() == 1.0
    assert next(times, None) is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("benchmark", CLASSES, ids=lambda each: each.__name__)
def test_a_gpu_is_a_parameter_of_every_benchmark_and_skipped_where_there_is_none(benchmark):
    assert benchmark.params[1] == ["cpu", "cuda"]
    with pytest.raises(NotImplementedError, match="this machine has no CUDA device"):
        benchmark().setup(benchmark.params[0][0], "cuda", *(values[0] for values in benchmark.params[2:]))


def test_native_kernels_are_skipped_where_there_are_none_and_torch_runs_without_them(monkeypatch):
    """As on a machine without a compiler, and on a commit from before the kernels."""
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    with pytest.raises(NotImplementedError, match="no compiled kernels"):
        kernels.computing("native", "cpu")
    with kernels.computing("torch", "cpu"):
        assert adapter.kernels() == "torch"
    monkeypatch.setitem(adapter.PLACES, "computing_with", ("suite.no_such_module",))
    monkeypatch.setitem(adapter.PLACES, "kernels", ("suite.no_such_module",))
    with kernels.computing("torch", "cpu"), pytest.raises(NotImplementedError):
        kernels.computing("native", "cpu")


@pytest.mark.parametrize("name", adapter.PLACES)
def test_every_name_of_the_adapter_exists_in_the_newest_layout(name):
    """The first place is that of this commit."""
    assert getattr(adapter, name) is getattr(import_module(adapter.PLACES[name][0]), name)


def test_an_older_place_is_found_and_a_missing_one_skips_the_benchmark(monkeypatch):
    """As on a commit of another layout."""
    monkeypatch.setitem(adapter.PLACES, "v3", ("suite.no_such_module", "suite.measures", "suite.measures.v3"))
    assert adapter.v3.__module__ == "suite.measures.v3"
    monkeypatch.setitem(adapter.PLACES, "v3", ("suite.no_such_module", "suite.measures"))
    with pytest.raises(NotImplementedError, match=r"no v3 in suite.no_such_module or suite.measures"):
        _ = adapter.v3
    with pytest.raises(AttributeError, match="list it in PLACES"):
        _ = adapter.no_such_name


def test_a_missing_dependency_is_no_missing_name(monkeypatch):
    """It must not look as if the commit had no such estimator."""
    monkeypatch.setitem(adapter.PLACES, "v3", ("no_such_package.v3",))
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        _ = adapter.v3


def test_only_the_adapter_names_modules_of_the_suite():
    """So that a new layout of the suite changes one file of the benchmarks."""
    found = set()
    for path in (ROOT / "benchmarks").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found |= {path.name for name in names if name.split(".")[0] == "suite"}
    assert found == set()


def test_asv_installs_the_versions_that_the_constraints_pin():
    """Results name the versions that they were measured with."""
    required = json.loads((ROOT / "asv.conf.json").read_text())["matrix"]["req"]
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert required == {name: [pinned[name]] for name in ("torch", "numpy")}


def test_every_benchmark_has_a_version_of_its_own():
    """Without one asv takes the text of its code, so that a new name would end its history."""
    for each in CLASSES:
        for name, method in vars(each).items():
            if name.startswith(("time_", "peakmem_")):
                assert method.version.isdigit(), (each, name)

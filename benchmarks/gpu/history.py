"""Some of asv's benchmarks on the device; their results join the history under the GPU's name."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.gpu.environment import ROOT, commit_time
from benchmarks.gpu.record import Row, Setup

RESULTS = ROOT / "results" / "asv"

MODULES = ("estimators|signal", "scores|training")
"""Modules for each call of asv; a script that is interrupted loses at most one call."""

SHAPES = r"'(middle, 5 layers of 34|3 layers of 30)'"
"""One shape for each benchmark."""

LONGEST = 45.0
"""Timeout of a call of asv in seconds."""


def rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield a row for each call of asv."""
    for modules in ("signal",) if setup.tiny else MODULES:
        yield modules.replace("|", " and "), lambda modules=modules: _run(modules, setup)  # type: ignore[misc]


def line(key: str, row: Row) -> str:
    """Return the number of times measured, and the file with the results."""
    return f"{row['timed']} times saved in {row['file']}"


def machine_name(identity: Row) -> str:
    """Return the machine name in asv's results: that of the GPU or the processor, never that of a host."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", identity["GPU"] if identity["device"] == "cuda" else identity["processor"])


def _run(modules: str, setup: Setup) -> Row:
    """Run the benchmarks of some modules and store their results; results of a tiny run are discarded.

    Raises:
        RuntimeError: If asv is missing, the commit is unknown or edited, or a benchmark failed.
    """
    if importlib.util.find_spec("asv") is None or shutil.which("git") is None:
        raise RuntimeError(
            "asv or git is missing; install git and `python -m pip install -c constraints.txt '.[bench]'`"
        )
    if not setup.tiny and setup.identity["commit"] == "unknown":
        raise RuntimeError("the commit is unknown, but results are stored by commit; add --commit HASH")
    if not setup.tiny and setup.identity["edited"] == "yes":
        raise RuntimeError("the files have uncommitted changes, but results are stored by commit; commit the changes")
    with TemporaryDirectory() as folder:
        found = _call_asv(Path(folder), modules, setup)
        file = file_results(found, Path(folder) / "filed" if setup.tiny else RESULTS, setup.identity)
    values = {name: result[0] or [None] for name, result in found["results"].items()}  # NaN: not selected; None: failed
    if failed := [name for name, times in values.items() if None in times]:
        raise RuntimeError(f"failed: {', '.join(failed)}")
    timed = sum(isfinite(value) for times in values.values() for value in times)
    return {"timed": timed, "file": "no file (--tiny)" if setup.tiny else f"{file.parent.name}/{file.name}"}


def _call_asv(folder: Path, modules: str, setup: Setup) -> Row:
    """Run some modules' time_ benchmarks with asv on the current files, and return asv's results.

    asv stores results under a commit of a repository. The function creates an empty repository for this, since the
    files may not be a checkout.
    """
    git = ["git", "-C", str(folder), "-c", "user.name=asv", "-c", "user.email=asv@localhost"]
    for command in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "Files as they are"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    settings = json.loads((ROOT / "asv.conf.json").read_text(encoding="utf-8"))
    settings |= {"repo": str(folder), "dvcs": "git", "benchmark_dir": str(ROOT / "benchmarks"), "matrix": {}}
    settings |= {f"{name}_dir": str(folder / name) for name in ("env", "html", "results")}
    (folder / "asv.conf.json").write_text(json.dumps(settings), encoding="utf-8")
    name = machine_name(setup.identity)
    chosen = rf"^({modules})\..*time_.*\({SHAPES}, '{setup.device}'"
    once = ["-a", "rounds=1", "--launch-method", "forkserver"]
    commit = ["--python=same", "--set-commit-hash=main"]
    commands = [
        ["machine", "--yes", "--machine", name, "--os", sys.platform],
        ["run", *commit, "--machine", name, "--bench", chosen, *once],
    ]
    # asv stores its list of machines in the home folder, and benchmarks search ASV_PYTHONPATH instead of PYTHONPATH.
    # They are forked from one process, which must not have initialized CUDA.
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    variables = os.environ | {"HOME": str(folder), "PYTORCH_NVML_BASED_CUDA_CHECK": "1", "ASV_PYTHONPATH": path}
    for command in commands:
        asv = [sys.executable, "-m", "asv", *command]
        done = subprocess.run(
            asv, cwd=folder, env=variables, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    files = [file for file in (folder / "results" / name).glob("*.json") if file.name != "machine.json"]
    if len(files) != 1:
        raise RuntimeError(f"asv wrote no results: {(done.stdout + done.stderr).strip()[-500:]}")
    found: Row = json.loads(files[0].read_text(encoding="utf-8"))
    found["machine"] = json.loads((folder / "results" / name / "machine.json").read_text(encoding="utf-8"))
    return found


def file_results(found: Row, results: Path, identity: Row) -> Path:
    """Merge asv's results into those of the same commit in the history, without the paths of this machine.

    Args:
        found: The content of a file of asv's results, with that of its machine.json under "machine".
        results: The folder of the history.
        identity: The environment of the results.

    Returns:
        The file.
    """
    machine = found.pop("machine")
    commit, python = identity["commit"], ".".join(identity["Python"].split(".")[:2])
    environment = f"existing-py{python}-torch{identity['torch'].replace('+', '-')}"
    folder = results / machine["machine"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.json").write_text(json.dumps(machine, indent=4) + "\n", encoding="utf-8")
    file: Path = folder / f"{commit[:8]}-{environment}.json"
    before: dict[str, Any] = (
        json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"results": {}, "durations": {}}
    )
    written = found | {
        "commit_hash": commit,
        "date": 1000 * (commit_time(commit) or int(time.time())),
        "env_name": environment,
        "python": python,
        "params": found["params"] | {"python": python},
        "results": before["results"] | found["results"],
        "durations": before["durations"] | found["durations"],
    }
    file.write_text(json.dumps(written) + "\n", encoding="utf-8")
    return file

"""The client of the JAX process, with contenders that compute in that process."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np

from benchmarks.peers.cases import Array, Problem, write_problem

NAMES = ("jax", "jax_features_first")


def installed() -> bool:
    """Return whether JAX is installed; the extra `bench` installs it."""
    return importlib.util.find_spec("jax") is not None


class JaxProcess:
    """A process that runs JAX and is idle while other contenders compute."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def __enter__(self) -> "JaxProcess":
        self.folder = TemporaryDirectory()
        self.complaints = (Path(self.folder.name) / "stderr").open("w+", encoding="utf-8")
        chosen = {"JAX_PLATFORMS": "cpu"} if self.device == "cpu" else {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.jax_peers"],
            env=os.environ | chosen,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.process:  # closes its pipes, which ends the process, and waits for it
            pass
        self.complaints.close()
        self.folder.cleanup()

    def order(self, do: str, contender: str, file: Path | None = None) -> Any:
        """Send an order to the process and return its reply.

        Raises:
            RuntimeError: If the process has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "contender": contender, "file": str(file)}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.complaints.seek(0)
            raise RuntimeError(f"the JAX process ended during {do} {contender}: {self.complaints.read()[-2000:]}")
        return json.loads(line)

    def works_there(self) -> bool:
        """Return whether JAX computes on the device.

        On a GPU it needs a separate backend, which may not start.
        """
        try:
            return bool(self.order("backend", "") == {"cpu": "cpu", "cuda": "gpu"}[self.device])
        except RuntimeError:
            return False

    def contenders(self, problem: Problem) -> list["InJax"]:
        """Return both contenders, prepared for a problem."""
        file = Path(self.folder.name) / "problem.npz"
        write_problem(problem, file)
        return [InJax(self, name, file) for name in NAMES]


class InJax:
    """A contender in the JAX process."""

    def __init__(self, process: JaxProcess, name: str, problem: Path) -> None:
        self.process, self.name = process, name
        process.order("prepare", name, problem)

    def seconds(self) -> float:
        """Run the computation once and return its time in seconds, as measured in the process."""
        return float(self.process.order("seconds", self.name))

    def answer(self) -> Array:
        """Return the result of the computation."""
        file = Path(self.process.folder.name) / "answer.npy"
        self.process.order("answer", self.name, file)
        return np.asarray(np.load(file))

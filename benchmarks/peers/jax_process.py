"""This side of JAX's process: contenders whose work is done over there."""

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
    """Whether there is a JAX to compare with; the extra `bench` brings it."""
    return importlib.util.find_spec("jax") is not None


class JaxProcess:
    """A process with JAX in it, which waits while others work."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def __enter__(self) -> "JaxProcess":
        self.folder = TemporaryDirectory()
        self.complaints = (Path(self.folder.name) / "stderr").open("w+")
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
        with self.process:  # closes its pipes, which ends it, and waits
            pass
        self.complaints.close()
        self.folder.cleanup()

    def order(self, do: str, contender: str, file: Path | None = None) -> Any:
        """Has something done, and waits for the reply.

        Raises:
            RuntimeError: the process ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, "contender": contender, "file": str(file)}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.complaints.seek(0)
            raise RuntimeError(f"JAX's process ended when asked to {do} {contender}: {self.complaints.read()[-2000:]}")
        return json.loads(line)

    def works_there(self) -> bool:
        """Return whether JAX computes on the device: on a GPU it needs a backend of its own."""
        return bool(self.order("backend", "") == {"cpu": "cpu", "cuda": "gpu"}[self.device])

    def contenders(self, problem: Problem) -> list["InJax"]:
        """Both, ready to work on a problem."""
        file = Path(self.folder.name) / "problem.npz"
        write_problem(problem, file)
        return [InJax(self, name, file) for name in NAMES]


class InJax:
    """A contender in JAX's process."""

    def __init__(self, process: JaxProcess, name: str, problem: Path) -> None:
        self.process, self.name = process, name
        process.order("prepare", name, problem)

    def seconds(self) -> float:
        """How long the work takes, as measured over there."""
        return float(self.process.order("seconds", self.name))

    def answer(self) -> Array:
        """What the work comes to."""
        file = Path(self.process.folder.name) / "answer.npy"
        self.process.order("answer", self.name, file)
        return np.asarray(np.load(file))

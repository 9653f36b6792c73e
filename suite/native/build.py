"""Build and load the kernels, which need a C compiler, and say which ones compute: these or torch.

They are compiled at first use and stored in the user's cache folder, so that an installation needs no compiler and
every machine gets the code for its own processor.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from suite.native.compiler import Build, CompilerError, CompilerTimeoutError, possible_builds
from suite.native.store import find_library, open_folder, possible_folders, store_library

TORCH = "torch"
"""The name of the kernels if there are none: torch computes everything."""

NATIVE = "native"

_SETTING = "SUITE_KERNELS"

_torch_only: ContextVar[bool] = ContextVar("torch_only", default=False)


def library() -> ctypes.CDLL | None:
    """Return the compiled kernels; None if torch computes instead.

    The environment variable SUITE_KERNELS is "torch" to do without them, or "native" to require them. By default they
    are used if they can be compiled.

    Raises:
        ValueError: If SUITE_KERNELS has another value, or requires kernels that cannot be compiled.
    """
    return _used().library


def kernels() -> str:
    """Return what computes: "torch", or the build of the kernels, such as "native 1f3a9c2b (gcc 12.2.0, -O3)".

    Two processes with equal builds compute equal numbers. The hexadecimal number stands for the sources, the compiler,
    its flags and the processor.

    Raises:
        ValueError: As for `library`.
    """
    return _used().name


def reason() -> str:
    """Return in one line why torch computes; empty if the kernels are used.

    Raises:
        ValueError: As for `library`.
    """
    return _used().reason


def requested_kernels() -> str:
    """Return the value of SUITE_KERNELS: "torch", "native", or empty if it is not set.

    Raises:
        ValueError: If it has another value.
    """
    setting = os.environ.get(_SETTING, "")
    if setting not in {"", TORCH, NATIVE}:
        raise ValueError(f"{_SETTING}={setting}: expected torch or native; unset it to use native kernels if possible")
    return setting


@contextmanager
def computing_with(expected: str) -> Iterator[None]:
    """Let this thread compute with the kernels that a run has chosen.

    Args:
        expected: What `kernels` returns for the run. With "torch", the kernels are not used inside the context.

    Raises:
        ValueError: If this process has other kernels.
    """
    token = _torch_only.set(expected == TORCH)
    try:
        if (own := kernels()) != expected:
            raise ValueError(explain_difference("this worker", own, expected))
        yield
    finally:
        _torch_only.reset(token)


def explain_difference(worker: str, own: str, expected: str) -> str:
    """Return the message that a worker has other kernels than a run, with hints."""
    return (
        f"{worker} has other kernels, so its numbers would differ: expected {expected}, got {own}; "
        f"set {_SETTING}=torch for the run, or use workers with the same processor and compiler"
    )


@dataclass(frozen=True)
class _Kernels:
    """What computes: the library with its name, or torch with the reason."""

    library: ctypes.CDLL | None
    name: str
    reason: str = ""


def _used() -> _Kernels:
    """Return what computes in this thread."""
    if _torch_only.get():
        return _Kernels(None, TORCH, "the run computes with torch")
    setting = requested_kernels()
    if setting == TORCH:
        return _Kernels(None, TORCH, f"{_SETTING}=torch")
    found = _load_or_build()
    if setting == NATIVE and found.library is None:
        raise ValueError(f"{_SETTING}=native: {found.reason}; install a C compiler (gcc or clang), or unset {_SETTING}")
    return found


@cache
def _load_or_build() -> _Kernels:
    """Load the kernels, and build them first if they are not stored; return torch with the reason if that fails."""
    problems = list[Exception]()
    try:
        folders, builds = list(_open_folders(problems)), list[Build]()
        for build in possible_builds():  # the compiler is asked about the next build only if this one is not stored
            builds.append(build)
            for folder in folders:
                if found := _load_stored(folder, build):
                    return found
        for folder in folders:
            try:
                return _build(folder, builds)
            except OSError as error:
                problems.append(error)
    except CompilerError as error:
        return _Kernels(None, TORCH, " ".join(str(error).split()))
    return _Kernels(None, TORCH, f"the compiled kernels cannot be stored or loaded: {problems[0]}")


def _open_folders(problems: list[Exception]) -> Iterator[Path]:
    """Yield the folders that can store libraries; append the problems of the others."""
    for folder in possible_folders():
        try:
            open_folder(folder)
        except OSError as error:
            problems.append(error)
        else:
            yield folder


def _load_stored(folder: Path, build: Build) -> _Kernels | None:
    """Return a build if it is stored and computes right numbers, else None."""
    try:
        file = find_library(folder, build.key)
        return _loaded(file, build) if file is not None else None
    except (CompilerError, OSError):
        return None


def _build(folder: Path, builds: list[Build]) -> _Kernels:
    """Compile, check and store the first build that succeeds.

    Raises:
        CompilerError: If none does.
        OSError: If the library cannot be stored, or not be loaded from this folder.
    """
    problem = CompilerError("no compiler was tried")
    for build in builds:
        try:
            return _loaded(store_library(folder, build.key, build.compile, _load), build)
        except CompilerTimeoutError:
            raise
        except CompilerError as error:
            problem = error
    raise problem


def _loaded(file: Path, build: Build) -> _Kernels:
    return _Kernels(_load(file), f"native {build.key[:8]} ({build.description})")


def _load(file: Path) -> ctypes.CDLL:
    """Load a library and let it check itself.

    Raises:
        CompilerError: If it computes wrong numbers.
        OSError: If it cannot be loaded, for example from a file system that allows no programs.
    """
    loaded = ctypes.CDLL(str(file))
    if failed := loaded.self_check():
        raise CompilerError(f"the compiled kernels compute wrong numbers (self-check {failed})")
    return loaded

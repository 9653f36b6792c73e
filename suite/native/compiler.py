"""Find the user's C compiler, ask it for its target, and compile the kernels."""

import hashlib
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
"""The folder of the C files."""

TARGETS = (
    ("-march=native", "-mtune=generic", "--param=avoid-fma-max-bits=0"),
    ("-march=native", "-mtune=generic"),
    ("-mcpu=native",),
    (),
)
"""Flags for this machine's processor. A compiler that does not know the first is tried with the next.

Tuned for an AMD processor, gcc replaces sums of products by separate products and sums, which take twice as long.
"""

_OPTIMIZATION = "-O3"
_FLAGS = (_OPTIMIZATION, "-std=gnu11", "-shared", "-fPIC", "-ffp-contract=fast", "-fno-math-errno")
_COMMANDS = ("cc", "gcc", "clang")
_ASK_SECONDS, _COMPILE_SECONDS = 30.0, 120.0
_DISK_FULL = ("No space left on device", "Disk quota exceeded")


class CompilerError(Exception):
    """The reason, in one line, why the kernels cannot be compiled."""


class CompilerTimeoutError(CompilerError):
    """The compiler took so long that it is not tried with other flags."""


@dataclass(frozen=True)
class Build:
    """A way to compile the kernels.

    Attributes:
        command: The compiler with its flags.
        key: A hash of everything that the compiled code follows from: sources, compiler, flags and processor.
        description: The compiler's name and version, and the flags for the processor.
    """

    command: tuple[str, ...]
    key: str
    description: str

    def compile(self, target: Path) -> None:
        """Compile the kernels to a shared library.

        Raises:
            CompilerError: If the compiler fails.
            CompilerTimeoutError: If it takes too long.
            OSError: If the disk is full.
        """
        arguments = [*self.command, "-o", str(target), str(SOURCES / "kernels.c"), "-lm"]
        code, _, errors = _run(arguments, _COMPILE_SECONDS)
        if any(words in errors for words in _DISK_FULL):
            raise OSError(_reason(self.command[0], errors, code))
        if code != 0:
            raise CompilerError(_reason(self.command[0], errors, code))


def possible_builds() -> Iterator[Build]:
    """Yield the ways to compile the kernels on this machine, the fastest code first.

    Raises:
        CompilerError: If there is no working compiler.
    """
    compiler, works = _find_compiler(), False
    problem = CompilerError("no compiler was tried")
    for flags in TARGETS:
        try:
            build = _describe_build(compiler, flags)
        except CompilerTimeoutError:
            raise
        except CompilerError as error:
            problem = error
        else:
            works = True
            yield build
    if not works:
        raise problem


def _find_compiler() -> list[str]:
    """Return the command of the compiler: that in the environment variable CC, or the first that is found."""
    if os.name != "posix":
        raise CompilerError(f"the kernels are not available on {platform.system()}")
    try:
        given = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise CompilerError(f"CC={os.environ['CC']}: {error}") from None
    if (found := next(filter(None, map(shutil.which, given[:1] or _COMMANDS)), None)) is None:
        tried = f"CC={os.environ['CC']} was" if given else f"{', '.join(_COMMANDS[:-1])} and {_COMMANDS[-1]} were"
        raise CompilerError(f"no C compiler: {tried} not found")
    return [str(Path(found).absolute()), *given[1:]]


def _describe_build(compiler: Sequence[str], target: tuple[str, ...]) -> Build:
    """Ask the compiler what its flags mean on this machine, which determines the code that it generates.

    Its predefined macros state its version and the processor's instructions. The command of its first phase, which
    gcc and clang print, states the processor that `native` stands for.
    """
    command = (*compiler, *_FLAGS, *target)
    code, macros, errors = _run([*command, "-v", "-E", "-dM", "-x", "c", os.devnull], _ASK_SECONDS)
    if code != 0:
        raise CompilerError(_reason(command[0], errors, code))
    digest = hashlib.sha256()
    processor = (platform.machine(), *_find_target(errors))
    for part in (*command[1:], *processor, *platform.libc_ver(), macros, *_sources()):
        digest.update(f"{len(part)} {part}\n".encode())
    flags = " ".join((_OPTIMIZATION, *target[:1]))
    return Build(command, digest.hexdigest()[:16], f"{_name_compiler(macros)}, {flags}")


def _find_target(messages: str) -> Iterator[str]:
    """Yield the options for the processor in the command of a compiler's first phase.

    The command's other options can name temporary files.
    """
    for line in messages.splitlines():
        if "cc1" in line and " -E " in line:
            for option, value in pairwise([*line.replace('"', "").split(), ""]):
                if option in _TARGET_OPTIONS:
                    yield f"{option} {value}"
                elif option.startswith("-m"):
                    yield option


_TARGET_OPTIONS = {"--param", "-triple", "-target-abi", "-target-cpu", "-target-feature", "-tune-cpu"}
"""Options whose value follows; others begin with `-m`."""


def _sources() -> Iterator[str]:
    """Yield the names and the contents of the C files."""
    for file in sorted(SOURCES.glob("*.[ch]")):
        yield file.name
        yield file.read_text(encoding="utf-8")


def _name_compiler(macros: str) -> str:
    """Return the name and version of a compiler from its predefined macros."""
    defined = dict(re.findall(r"^#define (\w+) (.*)$", macros, flags=re.MULTILINE))
    for name, parts in _VERSIONS.items():
        if parts[0] in defined:
            return f"{name} {'.'.join(defined.get(part, '0') for part in parts)}"
    return "unknown compiler"


_VERSIONS = {
    "clang": ("__clang_major__", "__clang_minor__", "__clang_patchlevel__"),
    "gcc": ("__GNUC__", "__GNUC_MINOR__", "__GNUC_PATCHLEVEL__"),
}
"""The macros of each compiler's version; clang defines those of gcc, too."""


def _run(arguments: Sequence[str], seconds: float) -> tuple[int, str, str]:
    """Run a compiler; return its exit code, output and messages.

    It runs in a session of its own, so that all its processes can be ended.

    Raises:
        CompilerError: If it cannot be started.
        CompilerTimeoutError: If it takes too long.
    """
    environment = {**os.environ, "LC_ALL": "C"}  # messages and versions are the same in every language
    try:
        started = subprocess.Popen(
            arguments,
            cwd="/",  # clang reports the current folder, which must not change the key
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CompilerError(f"{arguments[0]} cannot be started: {error.strerror or error}") from None
    with started:
        try:
            output, errors = started.communicate(timeout=seconds)
        except BaseException as error:
            with suppress(OSError):  # it has ended
                os.killpg(started.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise CompilerTimeoutError(f"{arguments[0]} took longer than {seconds:.0f} s") from None
            raise
    return started.returncode, output, errors


def _reason(compiler: str, errors: str, code: int) -> str:
    """Return the first error that a compiler reports, in one line."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    (first, *_) = [line for line in lines if "error" in line.lower()] or lines[-1:] or [f"exit code {code}"]
    return f"{compiler} failed: {first}"

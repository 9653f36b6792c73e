"""How the kernels arrive: compiled at first use, stored for the user, checked, and replaced by torch if that fails."""

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cells.cache import Cache
from suite.cells.sampling import cells_of
from suite.cells.worker import compute_and_save
from suite.cli import app
from suite.native import build, compiler, store
from suite.results.provenance import code
from suite.spec.load import load_studies
from tests.runs.tiny import BRIEF

ANSWER = 'case " $* " in *" -E "*) exec cc "$@";; esac'
"""Shell code that answers when it is asked for the compiler's version, and goes on when it is to compile."""

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")

SOURCE = "int self_check(void) { return 0; }\nint answer(void) { return 42; }\n"
"""Kernels that compile in no time."""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the sources, home and temporary files of a user who has never run the suite."""
    for name in ("sources", "home", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "sources" / "kernels.c").write_text(SOURCE)
    for name in ("CC", "XDG_CACHE_HOME", "SUITE_KERNELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(compiler, "SOURCES", tmp_path / "sources")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    _forget()
    return tmp_path


@pytest.fixture(autouse=True)
def own_kernels() -> Iterator[None]:
    """Let each test, and those after it, find the kernels anew."""
    yield
    _forget()


def _forget() -> None:
    """Do as a new process does."""
    build._load_or_build.cache_clear()


def _script(folder: Path, text: str) -> str:
    """Return the path of a new program that stands in for a compiler."""
    program = folder / f"compiler{len(list(folder.glob('compiler*')))}"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return str(program)


def _stored(user: Path) -> list[Path]:
    """Return all files in the folders for compiled kernels."""
    return [file for folder in ("home", "tmp") for file in (user / folder).rglob("*") if file.is_file()]


def _works() -> bool:
    loaded = build.library()
    return loaded is not None and loaded.answer() == 42


def _why() -> str:
    """Return why torch computes, after making sure that it does."""
    _forget()
    assert build.library() is None
    assert build.kernels() == "torch"
    assert "\n" not in build.reason()
    return build.reason()


@needs_compiler
def test_kernels_are_compiled_once_and_stored_for_the_user(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that only the user can write to; the next process needs no compilation."""
    assert _works()
    first = build.kernels()
    assert first.startswith("native ")
    assert "-O3" in first
    assert build.reason() == ""
    (file,) = _stored(user)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    _forget()
    monkeypatch.setattr(compiler.Build, "compile", lambda *_: pytest.fail("compiled again"))
    assert _works()
    assert build.kernels() == first


@needs_compiler
def test_the_cache_folder_follows_the_environment(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute XDG_CACHE_HOME counts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(user / "elsewhere"))

    assert _works()
    assert not _stored(user)
    assert len(list((user / "elsewhere").rglob("*.so"))) == 1


@needs_compiler
def test_the_real_kernels_pass_their_own_check() -> None:
    """With the sources of the package."""
    _forget()
    loaded = build.library()

    assert loaded is not None
    assert loaded.self_check() == 0
    assert loaded.lanes_f32() == 2 * loaded.lanes_f64() >= 4


def test_without_a_compiler_torch_computes(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names what was looked for."""
    monkeypatch.setenv("PATH", str(user))
    assert _why() == "no C compiler: cc, gcc and clang were not found"
    monkeypatch.setenv("CC", "nonesuch -O1")
    assert _why() == "no C compiler: CC=nonesuch -O1 was not found"
    monkeypatch.setenv("CC", "unclosed '")
    assert "No closing quotation" in _why()
    assert not _stored(user)


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("echo 'fatal error: out of order' >&2; exit 1", "failed: fatal error: out of order"),
        ("exit 3", "failed: exit code 3"),
        ("kill -9 $$", "failed: exit code -9"),
        (ANSWER, "cannot be stored or loaded"),  # writes an empty file
        (f"{ANSWER}; echo 'no problem' >&2; exit 1", "failed: no problem"),
        (f"{ANSWER}; echo 'ld: No space left on device' >&2; exit 1", "cannot be stored or loaded: "),
    ],
)
@needs_compiler
def test_with_a_compiler_that_fails_torch_computes(
    does: str, reason: str, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason is the compiler's own, in one line, and nothing is left in the cache."""
    monkeypatch.setenv("CC", _script(user, does))

    assert reason in _why()
    assert not _stored(user)


@needs_compiler
def test_a_compiler_that_is_not_a_program_is_no_compiler(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system cannot start it."""
    program = user / "broken"
    program.write_text("neither a script nor a program")
    program.chmod(0o755)
    monkeypatch.setenv("CC", str(program))

    assert "cannot be started" in _why()


@needs_compiler
def test_without_headers_torch_computes(user: Path) -> None:
    """A compiler can be installed without the C library's headers."""
    (user / "sources" / "kernels.c").write_text("#include <no_such_header.h>\n" + SOURCE)

    assert "no_such_header.h" in _why()
    assert not _stored(user)


@needs_compiler
@pytest.mark.parametrize("phase", ["-E", "-o"])
def test_a_compiler_that_never_ends_is_ended(phase: str, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the processes that it has started, and without a second try."""
    monkeypatch.setenv("CC", _script(user, f'case " $* " in *" {phase} "*) sleep 60; exit 1;; esac; exec cc "$@"'))
    monkeypatch.setattr(compiler, "_COMPILE_SECONDS", 0.5)
    monkeypatch.setattr(compiler, "_ASK_SECONDS", 0.5 if phase == "-E" else 30.0)
    begun = time.monotonic()

    assert "took longer than" in _why()
    assert time.monotonic() - begun < 20
    assert not _stored(user)


@needs_compiler
@pytest.mark.parametrize("unknown", ["-march=native", "-m*=native"])
def test_a_compiler_that_does_not_know_a_flag_is_tried_with_fewer(
    unknown: str, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it says so when it is asked, or only when it compiles, as with an old assembler."""
    refuse = (
        f'for flag; do case "$flag" in {unknown}) echo "error: unknown flag" >&2; exit 1;; esac; done; exec cc "$@"'
    )
    late = f"{ANSWER}; {refuse}"
    for does in (refuse, late):
        monkeypatch.setenv("CC", _script(user, does))
        _forget()
        assert _works()
        assert "-march=native" not in build.kernels()
        found = build.kernels()
        _forget()
        assert build.kernels() == found
    if unknown == "-m*=native":
        assert found.endswith(", -O3)")


@needs_compiler
def test_kernels_that_compute_wrong_numbers_are_not_used(user: Path) -> None:
    """Neither after they are compiled, nor from the cache."""
    (user / "sources" / "kernels.c").write_text(SOURCE.replace("return 0", "return 7"))

    assert _why() == "the compiled kernels compute wrong numbers (self-check 7)"
    assert not _stored(user)


@needs_compiler
@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "open to all"])
def test_a_damaged_file_is_compiled_again(damage: str, user: Path) -> None:
    """It is found by its checksum before it is loaded; a file that others can write to is not trusted either."""
    assert _works()
    found = build.kernels()
    (file,) = _stored(user)
    whole = file.read_bytes()
    file.unlink()  # this process has it loaded
    damaged = {"cut": whole[:100], "empty": b"", "flipped": bytes([whole[0] ^ 1]) + whole[1:], "open to all": whole}
    file.write_bytes(damaged[damage])
    file.chmod(0o777 if damage == "open to all" else 0o700)

    _forget()
    assert _works()
    assert build.kernels() == found
    (again,) = _stored(user)
    assert again.read_bytes() == whole
    assert stat.S_IMODE(again.stat().st_mode) == 0o700


@needs_compiler
@pytest.mark.parametrize("home", ["missing", "read-only", "open to all", "link", "of another"])
def test_without_a_safe_home_kernels_are_stored_with_temporary_files(
    home: str, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of the user's own."""
    _make_unusable(home, user, monkeypatch)

    assert _works()
    (file,) = _stored(user)
    assert file.parent == user / "tmp" / f"mlp-trainability-suite-{os.geteuid()}"
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def _make_unusable(home: str, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = user / "home" / ".cache" / "mlp-trainability-suite" / "kernels"
    monkeypatch.setenv("XDG_CACHE_HOME", str(user / "home" / ".cache"))
    if home == "missing":
        monkeypatch.setenv("XDG_CACHE_HOME", str(user / "sources" / "kernels.c" / "below a file"))
    elif home == "read-only":  # root may write everywhere, so the system's refusal is simulated
        mkdir = Path.mkdir

        def refuse(path: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
            if path.is_relative_to(user / "home"):
                raise OSError(30, "Read-only file system", str(path))
            mkdir(path, mode, parents, exist_ok)

        monkeypatch.setattr(Path, "mkdir", refuse)
    elif home == "open to all":
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    elif home == "link":
        (user / "other").mkdir(mode=0o700)
        folder.parent.mkdir(parents=True)
        folder.symlink_to(user / "other")
    else:
        folder.mkdir(parents=True, mode=0o700)
        private = store._is_private
        other = folder.stat().st_ino
        monkeypatch.setattr(store, "_is_private", lambda status: status.st_ino != other and private(status))


@needs_compiler
def test_a_home_from_which_nothing_can_be_run_costs_one_compilation(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a file system refuses to load the library; later processes find it with temporary files."""
    load = build._load

    def refuse(file: Path) -> object:
        if file.is_relative_to(user / "home"):
            raise OSError(f"{file}: failed to map segment from shared object")
        return load(file)

    monkeypatch.setattr(build, "_load", refuse)
    assert _works()
    (file,) = _stored(user)
    assert file.is_relative_to(user / "tmp")

    _forget()
    monkeypatch.setattr(compiler.Build, "compile", lambda *_: pytest.fail("compiled again"))
    assert _works()


@needs_compiler
def test_without_any_safe_folder_torch_computes(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user may have created the folder for temporary files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(user / "sources" / "kernels.c" / "below a file"))
    (user / "tmp" / f"mlp-trainability-suite-{os.geteuid()}").mkdir()
    (user / "tmp" / f"mlp-trainability-suite-{os.geteuid()}").chmod(0o777)

    assert _why().startswith("the compiled kernels cannot be stored or loaded: ")
    assert not _stored(user)


_PROCESS = """
import sys
from pathlib import Path
from suite.native import build, compiler
compiler.SOURCES = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
assert build.library() is not None, build.reason()
print(build.kernels(), build.library().answer())
"""


@needs_compiler
def test_processes_that_compile_at_once_all_end_with_the_same_kernels(user: Path) -> None:
    """None waits for another, and none sees an unfinished file."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(user / "sources")],
            env={**os.environ, "XDG_CACHE_HOME": str(user / "home"), "PYTHONPATH": str(Path(__file__).parents[2])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = {process.communicate(timeout=120)[0] for process in processes}

    assert [process.returncode for process in processes] == [0] * 6
    assert len(said) == 1
    assert said.pop().endswith(") 42\n")
    assert len(_stored(user)) == 1


@needs_compiler
def test_the_key_depends_on_source_flags_compiler_and_processor(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that machines share never holds code for another processor under the same name."""
    keys = [each.key for each in compiler.possible_builds()]
    assert [each.key for each in compiler.possible_builds()] == keys

    for other in ("cc -mtune=native", _script(user, 'exec cc "$@" -mtune=native'), "cc -O1"):
        monkeypatch.setenv("CC", other)
        keys.append(next(compiler.possible_builds()).key)
    monkeypatch.delenv("CC")
    (user / "sources" / "kernels.c").write_text(SOURCE + "\n")
    keys += [each.key for each in compiler.possible_builds()]
    (user / "sources" / "new.h").touch()
    keys += [each.key for each in compiler.possible_builds()]

    assert len(set(keys)) == len(keys) >= 6


@needs_compiler
def test_the_key_follows_the_processor_that_the_compiler_reports(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not the temporary files that it may name in the same line, which are different each time."""
    processor = user / "processor"
    text = f'echo "cc1 -E -target-cpu $(cat {processor}) -o /tmp/$$.o" >&2; exec cc "$@"'
    monkeypatch.setenv("CC", _script(user, text))
    keys = []
    for name in ("one", "one", "two"):
        processor.write_text(name)
        keys.append(build.kernels())
        _forget()

    assert keys[0] == keys[1] != keys[2]


@needs_compiler
def test_the_key_of_a_program_under_another_name_is_the_same(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines may have the same compiler in different folders."""
    keys = [each.key for each in compiler.possible_builds()]
    found = shutil.which("cc")
    assert found
    (user / "my-cc").symlink_to(found)
    monkeypatch.setenv("CC", str(user / "my-cc"))

    assert [each.key for each in compiler.possible_builds()] == keys


@needs_compiler
def test_libraries_that_nobody_uses_are_removed(user: Path) -> None:
    """After three months without use, when another one is stored; and what killed processes left."""
    assert _works()
    (old,) = _stored(user)
    (old.parent / ".left.over.tmp").touch()
    for file, days in ((old, 100), (old.parent / ".left.over.tmp", 1)):
        os.utime(file, (time.time() - days * 86400,) * 2)
    (user / "sources" / "kernels.c").write_text(SOURCE + "\n")
    _forget()
    assert _works()

    (new,) = _stored(user)
    assert new != old


def test_the_environment_can_turn_the_kernels_off(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled then."""
    monkeypatch.setenv("SUITE_KERNELS", "torch")

    assert _why() == "SUITE_KERNELS=torch"
    assert not _stored(user)


def test_the_environment_can_require_the_kernels(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler, a command ends with exit code 2, the reason and a hint."""
    monkeypatch.setenv("SUITE_KERNELS", "native")
    monkeypatch.setenv("CC", "nonesuch")
    for command in (["run", str(BRIEF), "--results", str(user / "results")], ["--version", "--verbose"]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 2
        assert done.stderr.splitlines()[-1] == (
            "error: SUITE_KERNELS=native: no C compiler: CC=nonesuch was not found; "
            "install a C compiler (gcc or clang), or unset SUITE_KERNELS"
        )
    assert not list(user.rglob("*.npz"))


def test_an_invalid_setting_is_an_error(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what is expected."""
    monkeypatch.setenv("SUITE_KERNELS", "fast")
    for ask in (build.library, build.kernels, build.reason):
        with pytest.raises(ValueError, match="SUITE_KERNELS=fast: expected torch or native"):
            ask()
    done = CliRunner().invoke(app, ["run", str(BRIEF), "--results", str(user / "results")])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: SUITE_KERNELS=fast: expected torch or native; unset it")


@needs_compiler
def test_a_thread_computes_with_what_its_run_has_chosen(user: Path) -> None:
    """While another thread of the same process uses the kernels."""
    found: list[bool] = []
    native = build.kernels()
    with build.computing_with("torch"):
        assert build.library() is None
        assert build.kernels() == "torch"
        thread = threading.Thread(target=lambda: found.append(_works()))
        thread.start()
        thread.join()
    assert found == [True]
    assert _works()
    with build.computing_with(native):
        assert _works()
    with (
        pytest.raises(ValueError, match=r"expected native 0, got native .*; set SUITE_KERNELS=torch for the run"),
        build.computing_with("native 0"),
    ):
        pytest.fail("computed with other kernels")
    assert _works()


@needs_compiler
def test_a_cell_records_its_kernels(tmp_path: Path) -> None:
    """Those that computed it; a worker with other kernels than the run computes nothing."""
    (cell, *_) = cells_of(load_studies([BRIEF])[0])
    for expected in ("torch", build.kernels()):
        (seconds,) = compute_and_save([cell], tmp_path, "cpu", expected)
        assert isinstance(seconds, float)
        found = Cache(tmp_path).check(cell.key)
        assert found is not None
        assert found.provenance["kernels"] == expected
        Cache(tmp_path).path(cell.key).unlink()
    with pytest.raises(ValueError, match="this worker has other kernels, so its numbers would differ"):
        compute_and_save([cell], tmp_path, "cpu", "native 0")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("order", [["--version", "--verbose"], ["--verbose", "--version"]])
def test_versions_and_kernels_are_printed(order: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One per line, with the reason if torch computes."""
    done = CliRunner().invoke(app, order)
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())

    assert done.exit_code == 0
    assert lines["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"suite", "commit", "torch", "numpy"} <= lines.keys()
    assert lines["kernels"].removesuffix(f" ({build.reason()})") == build.kernels()
    monkeypatch.setenv("SUITE_KERNELS", "torch")
    assert CliRunner().invoke(app, order).stdout.splitlines()[-1].split() == [
        "kernels",
        "torch",
        "(SUITE_KERNELS=torch)",
    ]


def test_verbose_alone_is_an_error() -> None:
    """It belongs to --version, which alone prints one line."""
    done = CliRunner().invoke(app, ["--verbose", "list"])
    assert done.exit_code == 2
    assert "requires --version" in done.stderr
    assert len(CliRunner().invoke(app, ["--version"]).stdout.splitlines()) == 1


def test_the_code_of_the_kernels_is_part_of_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """As that of Python is, in manifests, checkpoints and the check of a cluster's workers."""
    monkeypatch.setattr("suite.results.provenance._PACKAGE", tmp_path)
    request.addfinalizer(code.cache_clear)
    found = set()
    for name in ("kernels.c", "check.h"):
        (tmp_path / name).write_text("one")
        code.cache_clear()
        found.add(code())
        (tmp_path / name).write_text("two")
        code.cache_clear()
        found.add(code())
    assert len(found) == 4

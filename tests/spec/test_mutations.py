"""Whatever a spec holds, it is refused in lines that can be read, or it can run: never a traceback, never a hang."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cells.sampling import cells_of
from suite.cli import app
from suite.spec.load import load_studies
from suite.spec.problems import Problem, SpecError
from tests.spec.mutations import SOUND, mutant

HANGING = 120
"""Seconds that no spec takes, by a wide margin; a few are usual for those that ask for many edges of chaos."""

MEMORY = 2 * 2**30
"""Bytes by which the process may grow, far more than any spec takes."""

LONGEST = 2_000
"""Characters of a line, of which a path may be many."""


class Hanging(BaseException):
    """Of no kind that anything in the suite catches."""


def _hangs(*_: object) -> None:
    raise Hanging


@contextmanager
def within_bounds() -> Iterator[None]:
    """What asks for memory without end gets a MemoryError, what takes time without end is Hanging."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    status = Path("/proc/self/statm")
    if status.exists():
        now = int(status.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    before = signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(HANGING)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def assert_readable(line: str, file: Path) -> None:
    """FILE:LINE: and what is wrong, in one line of characters that a terminal shows and does not obey."""
    assert line.startswith(f"{file}:")
    assert line.removeprefix(f"{file}:").partition(": ")[0].isdigit(), line
    assert line.isprintable(), repr(line)
    assert len(line) < LONGEST


def outcome(file: Path) -> str:
    """Whether a spec is valid or refused; of a valid one the cells are made, and some of them named."""
    try:
        (study,) = load_studies([file])
    except SpecError as error:
        for line in str(error).split("\n"):
            assert_readable(line, file)
        return "refused"
    for warning in study.warnings:
        assert_readable(str(warning), file)
    cells = cells_of(study)
    some = [*cells[:50], *cells[-50:]]
    assert all(len(cell.key) == 32 and cell.cost > 0 for cell in some)
    assert all("/" not in cell.member.name and cell.member.name.isprintable() for cell in some)
    return "valid"


@pytest.mark.parametrize(
    ("first", "stop"), [pytest.param(0, 200, id="some"), pytest.param(200, 1_000, id="more", marks=pytest.mark.slow)]
)
def test_damaged_specs_are_refused_in_lines_or_can_run(
    first: int, stop: int, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Of 1,000 mutants, or 10,000 with --many, none gives a traceback, hangs, or fills the memory."""
    file = tmp_path / "study.toml"
    outcomes = []
    for seed in range(first, 10_000 if stop == 1_000 and pytestconfig.getoption("--many") else stop):
        file.write_bytes(mutant(seed))
        try:
            with within_bounds():
                outcomes.append(outcome(file))
        except (Exception, Hanging) as error:
            raise AssertionError(f"the mutant of seed {seed}") from error
    assert outcomes.count("refused") > 0.5 * len(outcomes)
    assert outcomes.count("valid") > 0.05 * len(outcomes)


def test_the_command_line_takes_damaged_specs_as_right_or_wrong(tmp_path: Path) -> None:
    """`check` ends with 0, a line about the study and perhaps warnings, or with 2 and lines about its faults."""
    codes = []
    for seed in range(50_000, 50_030):
        file = tmp_path / "study.toml"
        file.write_bytes(mutant(seed))
        done = CliRunner().invoke(app, ["check", str(file)])
        codes.append(done.exit_code)
        assert done.exit_code in (0, 2), seed
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert "Traceback" not in done.output
        mark = "Warning: " if done.exit_code == 0 else ""
        for line in done.stderr.splitlines():
            assert line.startswith(mark)
            assert_readable(line.removeprefix(mark), file)
        assert bool(done.stdout) == (done.exit_code == 0)
    assert set(codes) == {0, 2}


def test_the_specs_that_mutants_descend_from_are_sound(tmp_path: Path) -> None:
    """What is found wrong of a mutant came by its mutations."""
    assert len(SOUND) > 8
    assert [load_studies([file])[0].spec.name for file in SOUND] == [file.stem for file in SOUND]


def test_a_mutant_follows_from_its_seed() -> None:
    """What was found once can be found again."""
    assert mutant(7) == mutant(7)
    assert len({mutant(seed) for seed in range(50)}) > 40


def test_hanging_and_hoarding_are_found() -> None:
    """The bounds under which mutants are loaded hold."""
    with pytest.raises(MemoryError), within_bounds():
        bytearray(2 * MEMORY)
    with pytest.raises(Hanging), within_bounds():
        signal.raise_signal(signal.SIGALRM)


def test_a_line_that_a_terminal_would_obey_is_found(tmp_path: Path) -> None:
    """Two lines, a color, and a line turned around are told from a plain one; problems are plain."""
    file = tmp_path / "study.toml"
    for text in ("a\nb", "\x1b[31mred", "\u202eturned", "x" * LONGEST):
        with pytest.raises(AssertionError):
            assert_readable(f"{file}:1: {text}", file)
    assert_readable(str(Problem(str(file), 1, "a\nb", "\x1b[31m\u202e\x85\u2028\udcff\x00")), file)

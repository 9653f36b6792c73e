"""The command line: exit codes, messages, what it writes and what it leaves alone."""

import errno
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from suite.cells.cache import Cache, CellResult
from suite.cli import app
from tests.runs.tiny import BRIEF, ran, with_tournament
from tests.spec.broken import CASES, Case

TINY = Path(__file__).parent / "specs" / "tiny.toml"
runner = CliRunner()


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_broken_spec_gives_its_line_and_cure_exit_2_and_touches_nothing(
    case: Case, command: str, tmp_path: Path
) -> None:
    """Every fault is told as file:line: key: what to do, before anything is computed or written."""
    results = tmp_path / "results"
    (results / "study").mkdir(parents=True)
    (results / "study" / "summary.csv").write_text("from before")
    before = _tree(results)
    (tmp_path / "specs").mkdir()
    paths = [str(path) for path in case.write(tmp_path / "specs")]

    done = runner.invoke(app, [command, *paths, *(["--results", str(results)] if command == "run" else [])])

    assert done.exit_code == 2
    assert f"{paths[-1]}{case.place}" in done.stderr
    assert case.key in done.stderr
    assert case.fragment in done.stderr
    assert "Traceback" not in done.stderr
    assert _tree(results) == before


def test_a_missing_argument_and_an_unknown_command_are_faults_of_use() -> None:
    """Exit code 2 for wrong use too."""
    assert runner.invoke(app, ["run"]).exit_code == 2
    assert runner.invoke(app, ["rnu", str(TINY)]).exit_code == 2
    assert runner.invoke(app, ["run", str(TINY), "--device", "tpu"]).exit_code == 2


def test_cuda_without_a_gpu_says_so(tmp_path: Path) -> None:
    """Asking for a GPU where there is none is an error with a cure, and nothing is written."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")

    done = runner.invoke(app, ["run", str(TINY), "--results", str(tmp_path / "results"), "--device", "cuda"])

    assert done.exit_code == 2
    assert done.stderr == "error: no CUDA device is available; use --device cpu or auto\n", "told before any work is"
    assert not (tmp_path / "results").exists()


def test_results_that_are_a_file_are_refused(tmp_path: Path) -> None:
    """The results folder is looked at before anything is computed."""
    (tmp_path / "results").write_text("a file")

    done = runner.invoke(app, ["run", str(TINY), "--results", str(tmp_path / "results")])

    assert done.exit_code == 2
    assert "not a folder" in done.stderr


@pytest.mark.parametrize("place", ["a file/results", "results with a study"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_computed(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file lies where a folder has to be."""
    (tmp_path / "a file").touch()
    (tmp_path / "results with a study").mkdir()
    (tmp_path / "results with a study" / "tiny").touch()
    monkeypatch.setattr("suite.cells.execute.execute", None)  # were it called, that would be a traceback

    done = runner.invoke(app, ["run", str(TINY), "--results", str(tmp_path / place)])

    assert done.exit_code == 2
    assert "complete and writable" in done.stderr
    assert isinstance(done.exception, SystemExit)


@pytest.mark.parametrize("name", ["run.json", "summary.parquet", "measurements.parquet"])
@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_a_report_of_damaged_tables_says_to_run_again(
    name: str, damage: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One line with the folder and the cure."""
    results = tmp_path_factory.mktemp("damaged")
    ignored = shutil.ignore_patterns("cells", "report.html")
    folder = Path(shutil.copytree(ran(BRIEF.stem, tmp_path_factory).folder, results / BRIEF.stem, ignore=ignored))
    (folder / name).unlink()
    if damage == "garbage":
        (folder / name).write_text("garbage")

    done = runner.invoke(app, ["report", str(BRIEF), "--results", str(results)])

    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert str(results) in line
    assert "run the spec" in line


def test_a_report_without_results_says_to_run_first(tmp_path: Path) -> None:
    """`report` computes nothing, so it needs what a run has left."""
    done = runner.invoke(app, ["report", str(TINY), "--results", str(tmp_path)])

    assert done.exit_code == 2
    assert "run the spec first" in done.stderr


def test_a_report_of_tables_of_another_version_says_to_run_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A summary that lacks a column, as one written before there were laws, is no traceback."""
    results = tmp_path_factory.mktemp("older")
    ignored = shutil.ignore_patterns("cells", "report.html")
    folder = Path(shutil.copytree(ran(BRIEF.stem, tmp_path_factory).folder, results / BRIEF.stem, ignore=ignored))
    pd.read_parquet(folder / "summary.parquet").drop(columns="theory").to_parquet(folder / "summary.parquet")

    done = runner.invoke(app, ["report", str(BRIEF), "--results", str(results)])

    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{folder}: ")
    assert "theory" in line
    assert line.endswith("run the spec again")
    assert not (folder / "report.html").exists()


def test_the_help_lists_commands_in_the_order_of_their_use_each_in_a_whole_sentence() -> None:
    """Nothing is cut off, and every command has a place."""
    lines = runner.invoke(app, ["--help"]).stdout.partition("Commands:\n")[2].splitlines()

    assert [line.split()[0] for line in lines] == [
        *("new", "check", "explain", "list", "schema", "plan", "run", "diagnose", "recommend"),
        *("merge", "claims", "report", "compare"),
    ]
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


QUICK = ("plan", "explain", "check", "merge", "claims", "report")
"""What takes `--quick` besides `run`."""


def test_whoever_ran_a_tenth_says_the_same_word_to_every_command(tmp_path: Path) -> None:
    """Each looks at NAME-quick; without the word, those that need results say that it is there and how to name it."""
    spec = str(BRIEF)
    into = ["--results", str(tmp_path)]
    assert runner.invoke(app, ["run", "--quick", spec, *into, "--workers", "1"]).exit_code == 0
    page = (tmp_path / "tiny_brief-quick" / "report.html").read_bytes()

    for command in QUICK:
        where = into if command not in ("explain", "check") else []
        done = runner.invoke(app, [command, "--quick", spec, *where])
        assert done.exit_code == 0, (command, done.stderr)
        told = done.stdout.startswith("tiny_brief-quick: ") if command != "claims" else done.stdout == ""
        assert told, (command, done.stdout)
        if command == "plan":
            assert "0 cells to compute" in done.stdout
    for command in ("claims", "report"):
        done = runner.invoke(app, [command, spec, *into])
        assert done.exit_code == 2
        assert done.stderr == (
            f"{tmp_path}: no results of tiny_brief; add --quick to use the results of tiny_brief-quick, "
            f"or run the spec first: python -m suite run {spec} --results {tmp_path}\n"
        )
    assert (tmp_path / "tiny_brief-quick" / "report.html").read_bytes() == page
    assert [found.name for found in tmp_path.iterdir() if found.is_dir()] == ["tiny_brief-quick"]


def test_whoever_asks_for_the_tenth_of_a_whole_run_is_told(tmp_path: Path) -> None:
    """The other way round; of several specs the command names none."""
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "run.json").touch()

    done = runner.invoke(app, ["report", "--quick", str(TINY), str(PRECISE), "--results", str(tmp_path)])

    assert done.exit_code == 2
    hint = "remove --quick to use the results of tiny, or run the spec first"
    assert f"no results of tiny-quick, tiny_precise-quick; {hint}" in done.stderr
    assert done.stderr.endswith(f"python -m suite run --quick PATH... --results {tmp_path}\n")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--device", "tpu", "'tpu' is not a device; use one of auto, cpu, cuda"),
        ("--device", "", "'' is not a device; use one of auto, cpu, cuda"),
        ("--workers", "0", "'0' is not a number of processes; use an integer >= 1"),
        ("--workers", "two", "'two' is not a number of processes; use an integer >= 1"),
        ("--workers", "9" * 5000, "9... is not a number of processes; use an integer >= 1"),
    ],
)
def test_a_wrong_value_of_an_option_is_told_in_the_suites_words(option: str, value: str, told: str) -> None:
    """None of those of the library that reads options."""
    done = runner.invoke(app, ["run", str(TINY), option, value])

    assert done.exit_code == 2
    assert done.stderr.strip().endswith(told)
    assert f"Invalid value for '{option}': " in done.stderr
    assert "Input" not in done.stderr
    assert "Value error" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(["run", "--results", "", str(TINY)], ["plan", "--results", " ", str(TINY)], ["check", ""]),
        *(["report", "--figures", "", str(TINY)], ["new", "mine", "--folder", ""], ["compare", "", "x"]),
        *(["check", "--plugin", "", str(TINY)], ["claims", "--results=", str(TINY)]),
    ],
    ids=" ".join,
)
def test_an_empty_path_is_refused(arguments: list[str]) -> None:
    """Python takes it for the folder that one is in, which nobody meant who wrote nothing."""
    done = runner.invoke(app, arguments)

    assert done.exit_code == 2
    assert done.stderr.strip().endswith(
        "expected a path, got empty text; use a file or a folder, such as . for the current folder"
    )


def test_list_names_every_entry_of_every_catalog() -> None:
    """`list` shows measures, activations, initializations, tasks, domains, optimizers and claims, in order."""
    from suite.catalog.activations import ACTIVATIONS
    from suite.catalog.claims import CLAIMS
    from suite.catalog.domain import DOMAINS
    from suite.catalog.initializations import INITIALIZATIONS
    from suite.catalog.measures import MEASURES
    from suite.catalog.optimizers import OPTIMIZERS
    from suite.catalog.tasks import TASKS

    lines = runner.invoke(app, ["list"]).stdout.splitlines()
    shown = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]

    assert shown == [*MEASURES, *ACTIVATIONS, *INITIALIZATIONS, *TASKS, *DOMAINS, *OPTIMIZERS, *CLAIMS]


@pytest.mark.parametrize("scheme", ["critical", "orthogonal"])
def test_check_refuses_unstable_critical_points(tmp_path: Path, scheme: str) -> None:
    """The error has the line of the activation and names the scheme to use; with that scheme the spec is valid."""
    spec = tmp_path / "gelu.toml"
    text = TINY.read_text().replace('"tanh"', '"gelu"').replace('"critical"', f'"{scheme}"')
    spec.write_text(text)

    done = runner.invoke(app, ["check", str(spec)])

    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"{spec}:10: family.activation: {scheme}(bias_std=0.1) with gelu: the critical point q* = 0.183 is unstable "
        "(V'(q*) = 1.098), so variances move away from it with depth; "
        'use "variance_preserving", or change bias_std or the activation'
    ]
    spec.write_text(text.replace(f'"{scheme}"', '"variance_preserving"'))
    done = runner.invoke(app, ["check", str(spec)])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "gelu: 9 members" in done.stdout


PRECISE = TINY.with_name("tiny_precise.toml")


def test_check_says_what_is_to_be_known_how_precisely() -> None:
    """Its quantity, and the limit of draws."""
    done = runner.invoke(app, ["check", str(PRECISE)])

    assert done.exit_code == 0
    assert "v3 (v3 within 0.1, up to 65,536 draws), collapse (collapsed_relative within 0.01, " in done.stdout
    assert "correlation (correlation within 0.05, up to 512 draws)" in done.stdout
    assert "jacobian (jacobian_ratio within 0.1, " in done.stdout


def test_a_run_tells_of_growing_work_and_of_what_did_not_become_as_precise_as_asked(tmp_path: Path) -> None:
    """A line for every round, and a warning for every member that ended at its limit; the page has the table."""
    done = runner.invoke(app, ["run", str(PRECISE), "--results", str(tmp_path)])

    assert done.exit_code == 0
    assert "more cells for the precision target" in done.stderr
    table = pd.read_csv(tmp_path / "tiny_precise" / "precision.csv")
    short = table[(table["reached"] == "no") & (table["measure"] == "correlation")]
    warned = [line for line in done.stderr.splitlines() if line.startswith("Warning: ")]
    assert len(warned) == table[table["reached"] == "no"].groupby(["member", "measure"]).ngroups
    assert not short.empty
    assert any("half-width of correlation 0.0" in line and "after 512 draws" in line for line in warned)
    number = len(json.loads((tmp_path / "tiny_precise" / "run.json").read_text())["cells"])
    again = runner.invoke(app, ["run", str(PRECISE), "--results", str(tmp_path)])
    assert f"0 cells to compute, {number} cached" in again.stderr
    page = (tmp_path / "tiny_precise" / "report.html").read_text()
    assert "Precision targets" in page
    assert '<a href="precision.csv">' in page
    assert all(member in page for member in table["member"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["run", "--help"],
        ["list"],
        ["list", "v3"],
        ["schema"],
        ["check", str(TINY), "--set", "seed=2"],
        ["explain", str(TINY)],
    ],
)
def test_what_computes_nothing_loads_no_torch(arguments: list[str]) -> None:
    """Help, list and check stay instant: in a fresh process they never import torch, pandas or altair."""
    code = (
        "import sys\n"
        "from suite.cli import app\n"
        "try:\n"
        f"    app({arguments!r})\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        "heavy = {'torch', 'pandas', 'altair', 'scipy.stats'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)


def test_that_the_check_for_torch_can_fail() -> None:
    """The same check catches a process that has loaded torch."""
    code = "import sys, torch\nassert not {'torch'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 1


def test_a_run_writes_plain_lines_where_there_is_no_terminal(tmp_path: Path) -> None:
    """Logs get whole lines; the last line of output names the report."""
    spec = tmp_path / "ranked.toml"
    spec.write_text(with_tournament("test_error", "train_loss"))
    command = [sys.executable, "-m", "suite", "run", str(spec), "--results", str(tmp_path)]

    done = subprocess.run(command, check=True, capture_output=True, text=True)

    assert "\x1b" not in done.stderr
    assert "cells to compute" in done.stderr
    assert done.stderr.splitlines()[-1] == "ranked: writing tables and the report"
    *told, page = done.stdout.splitlines()
    kinds = ("test_error", "train_loss", "answer")
    assert [line.split(": ")[:2] for line in told] == [["ranked", kind] for kind in kinds]
    assert page == f"ranked: {tmp_path / 'ranked' / 'report.html'}"
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "0 cells to compute" in again.stderr


@pytest.mark.parametrize("command", [["list"], ["check", str(TINY)]])
def test_whoever_stops_reading_hears_no_complaint(command: list[str]) -> None:
    """As `head -1` does."""
    script = 'exec 3> >(exec 0<&-); wait $!; "$@" >&3'  # the reader is gone before there is anything to read
    shell = ["bash", "-c", script, "bash", sys.executable, "-m", "suite", *command]

    done = subprocess.run(shell, check=False, capture_output=True, text=True)

    assert done.stderr == ""
    assert done.returncode == 1


def test_a_lack_of_memory_says_of_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of whoever ran out comes through."""

    def fail(*arguments: object) -> None:
        raise MemoryError("v3 of relu: ask for smaller networks")

    monkeypatch.setattr("suite.cli.running.run_study", fail)

    done = runner.invoke(app, ["run", str(TINY), "--results", str(tmp_path)])

    assert done.exit_code == 2
    assert "out of memory" in done.stderr
    assert "v3 of relu: ask for smaller networks" in done.stderr


def test_a_full_disk_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 in plain words; once there is room the run goes on from there."""
    written = 0
    whole = Cache.save

    def save(store: Cache, key: str, stored: CellResult) -> None:
        nonlocal written
        if written == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += 1
        whole(store, key, stored)

    with monkeypatch.context() as context:
        context.setattr(Cache, "save", save)
        done = runner.invoke(app, ["run", str(BRIEF), "--results", str(tmp_path), "--workers", "1"])

    assert done.exit_code == 2
    assert "error: No space left on device; " in done.stderr
    assert len(list((tmp_path / BRIEF.stem / "cells").iterdir())) == 5

    done = runner.invoke(app, ["run", str(BRIEF), "--results", str(tmp_path), "--workers", "1"])

    assert done.exit_code == 0
    assert "31 cells to compute, 5 cached" in done.stderr


def test_report_draws_the_same_page_again(tmp_path: Path) -> None:
    """`report` needs only the tables."""
    spec = tmp_path / "ranked.toml"
    spec.write_text(with_tournament("test_error", "train_loss"))
    assert runner.invoke(app, ["run", str(spec), "--results", str(tmp_path)]).exit_code == 0
    page = tmp_path / "ranked" / "report.html"
    first = page.read_bytes()
    page.unlink()
    cells = {file: file.stat().st_mtime_ns for file in (tmp_path / "ranked" / "cells").iterdir()}
    time.sleep(0.01)

    assert runner.invoke(app, ["report", str(spec), "--results", str(tmp_path)]).exit_code == 0

    assert page.read_bytes() == first
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "ranked" / "cells").iterdir()} == cells
    assert not pd.read_csv(tmp_path / "ranked" / "predictors.csv").empty

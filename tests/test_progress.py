"""The progress of a run and of a plan: one line in place on a terminal, lines one after the other in a log."""

import io
from contextlib import suppress
from dataclasses import replace
from heapq import heappop, heappush
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from suite.cells.cell import Cell
from suite.cells.sampling import cells_of
from suite.cells.tasks import in_order, tasks_of
from suite.cli.options import SpecOptions
from suite.cli.running import plan_studies
from suite.runs.progress import Progress, StatusLine
from suite.spec.load import Study, load_studies
from tests.runs.tiny import SPECS


@pytest.fixture
def cells() -> tuple[Study, list[Cell]]:
    """A study with a precision target, and its cells."""
    (study,) = load_studies([SPECS / "tiny_precise.toml"])
    return study, list(cells_of(study))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A list whose one element is the time in seconds that the progress reads."""
    now = [1000.0]
    monkeypatch.setattr("suite.runs.progress.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def _log() -> tuple[io.StringIO, StatusLine]:
    text = io.StringIO()
    return text, StatusLine(Console(file=text, width=80))


def _terminal() -> tuple[io.StringIO, StatusLine]:
    text = io.StringIO()
    return text, StatusLine(Console(file=text, force_terminal=True, width=120))


def test_a_log_has_a_line_for_the_start_and_end_of_each_round(cells):
    """The first line counts the cached cells, that of a later sampling round the added ones."""
    study, found = cells
    text, line = _log()
    with Progress(study, line) as progress:
        for announced, missing in ((found[:4], found[1:4]), (found[:6], found[4:6])):
            finished = progress.announce(study, announced, missing)
            for cell in missing:
                finished(cell, 1.0)
        progress.announce_writing()

    first, done, more, end, writing = text.getvalue().splitlines()
    assert first == "tiny_precise: 3 cells to compute, 1 cached"
    assert done.startswith("tiny_precise: 4/4 cells, done in ")
    assert more == "tiny_precise: 2 more cells for the precision target"
    assert end.startswith("tiny_precise: 6/6 cells, done in ")
    assert writing == "tiny_precise: writing tables and the report"


def test_a_log_has_at_most_one_line_in_ten_seconds_in_between(cells, clock):
    """Cells that finish sooner are counted in the next line."""
    study, found = cells
    text, line = _log()
    with Progress(study, line) as progress:
        finished = progress.announce(study, found, found)
        for seconds in (1, 8, 2, 9):
            clock[0] += seconds
            finished(found[0], 1.0)

    assert [each.split(", ")[0] for each in text.getvalue().splitlines()] == [
        f"tiny_precise: {len(found)} cells to compute",
        f"tiny_precise: 3/{len(found)} cells",
    ]


def test_a_terminal_has_one_line_that_stays(cells):
    """The line is updated in place; the last one stays."""
    study, found = cells
    text, line = _terminal()
    with Progress(study, line) as progress:
        finished = progress.announce(study, found[:2], found[:2])
        finished(found[0], 1.0)
        finished(found[1], 1.0)
        progress.announce_writing()

    assert text.getvalue().endswith("\x1b[2Ktiny_precise: 2/2 cells, done in 0.0 s\n")


def test_a_run_that_stops_shows_how_far_it_came(cells):
    """An interrupted run leaves the count on the terminal."""
    study, found = cells
    text, line = _terminal()
    with suppress(KeyboardInterrupt), Progress(study, line) as progress:
        progress.announce(study, found[:4], found[:4])(found[0], 0.1)
        raise KeyboardInterrupt

    assert text.getvalue().endswith("tiny_precise: 1/4 cells, a few seconds left\n")


def test_the_time_left_follows_the_times_of_finished_cells(cells, clock):
    """Cells that are not finished take as long as those that are; a short time is in words."""
    study, found = cells
    _, line = _log()
    one = found[:1] * 5
    with Progress(study, line) as progress:
        finished = progress.announce(study, one, one)
        assert progress.so_far() == "tiny_precise: 0/5 cells, starting"
        clock[0] += 60
        finished(one[0], 60.0)
        assert progress.so_far() == "tiny_precise: 1/5 cells, about 4.0 min left"
        for _ in range(3):
            finished(one[0], 60.0)
        assert progress.so_far() == "tiny_precise: 4/5 cells, about 15 s left"
        clock[0] -= 45
        assert progress.so_far() == "tiny_precise: 4/5 cells, a few seconds left"


def test_a_line_of_a_log_is_not_broken(cells):
    """A long line of a log stays one line, whatever the console's width."""
    study, found = cells
    name = "a-study-" * 12
    renamed = replace(study, spec=study.spec.model_copy(update={"name": name}))
    text, line = _log()
    with Progress(renamed, line) as progress:
        progress.announce(renamed, found, found)

    assert text.getvalue() == f"{name}: {len(found)} cells to compute, 0 cached\n"


def test_a_plan_shows_which_measure_it_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log has a line when the trials of a study begin."""
    plan_studies(SpecOptions([SPECS / "tiny_digits.toml"]), tmp_path, None, False)

    first, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("tiny_digits: timing a small part of ")
    assert "(1/" in first


def test_the_time_left_counts_the_cells_of_all_rounds(cells, clock):
    """Cells that a second round adds take as long as those of the first."""
    study, found = cells
    _, line = _log()
    with Progress(study, line) as progress:
        first = progress.announce(study, found[:1] * 4, found[:1] * 4)
        clock[0] += 40
        for _ in range(4):
            first(found[0], 10.0)
        second = progress.announce(study, found[:1] * 8, found[:1] * 4)
        clock[0] += 10
        second(found[0], 10.0)

        assert progress.so_far() == "tiny_precise: 5/8 cells, about 30 s left"


def _synthetic_seconds(cell: Cell) -> float:
    """Return seconds that cost does not tell: a floor per cell, and rates that depend on measure and depth."""
    rate = {"v3": 1e8, "collapse": 3e7, "correlation": 1e6, "gradients": 5e7, "accuracy": 2e9}.get(cell.name, 1e9)
    return 0.2 + cell.cost / rate * (1 + cell.member.depth) ** 0.8


@pytest.mark.parametrize("workers", [1, 2])
def test_the_time_left_is_right_within_a_factor_in_the_second_half(tmp_path: Path, clock, workers: int) -> None:
    """Over measures whose rates differ by three powers of ten and members whose rates differ by ten."""
    file = tmp_path / "replayed.toml"
    file.write_text(REPLAYED)
    (study,) = load_studies([file])
    found = cells_of(study)
    free, events, start = [0.0] * workers, [], clock[0]
    for task in in_order(tasks_of(found)):  # as workers take them
        begin = heappop(free)
        heappush(free, begin + sum(map(_synthetic_seconds, task)))
        events.append((begin + sum(map(_synthetic_seconds, task)), task))
    end = max(time for time, _ in events)

    _, line = _log()
    with Progress(study, line) as progress:
        finished = progress.announce(study, found, found)
        judged = 0
        for time, task in sorted(events, key=lambda event: event[0]):
            clock[0] = start + time
            for cell in task:
                finished(cell, _synthetic_seconds(cell))
            left = progress.seconds_left()
            if time > end / 2 and end - time > end / 20:
                judged += 1
                assert (end - time) / 1.5 <= left <= (end - time) * 1.5
    assert judged > 20


REPLAYED = """title = "replayed"
seed = 4
[family]
parameters = 2000
inputs = 2
depth = [2, 3, 4, 6, 8, 12, 16, 24]
activation = ["relu", "tanh", "abs"]
[measure.v3]
draws = 512
[measure.collapse]
draws = 512
[measure.gradients]
draws = 256
[measure.correlation]
draws = 512
[measure.accuracy]
task = { name = "checkerboard", squares = 4, train = 256, test = 256 }
optimizer = { name = "sgd", learning_rate = 0.1, batch = 64 }
steps = 400
replicates = 8
"""

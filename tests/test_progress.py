"""What a run tells of its cells, totals that grow while more are wanted, and a plan of its trials."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from suite.cells.sampling import cells_of
from suite.runs.plan import plan_study
from suite.runs.progress import Progress, Trials
from suite.spec.load import load_studies
from tests.runs.tiny import SPECS


@pytest.fixture
def cells():
    """Some of a study that asks for a precision, with the study."""
    (study,) = load_studies([SPECS / "tiny_precise.toml"])
    return study, cells_of(study)


def test_cells_that_come_later_are_more_of_the_same_work(cells):
    """The first line counts what was kept, later ones what was added, and the total grows."""
    study, found = cells
    text = io.StringIO()
    with Progress(study, Console(file=text, width=120)) as progress:
        for announced, missing in ((found[:4], found[1:4]), (found[:6], found[4:6])):
            told = progress.announce(study, announced, missing)
            for cell in missing:
                told(cell)

    first, done, more, end = text.getvalue().splitlines()
    assert first == "tiny_precise: 3 cells to compute, 1 cached"
    assert done.startswith("tiny_precise: 4/4 cells, done in ")
    assert more == "tiny_precise: 2 more cells for the precision target"
    assert end.startswith("tiny_precise: 6/6 cells, done in ")
    assert progress.work == sum(cell.cost for cell in found[1:6])


def test_a_terminal_keeps_one_live_table(cells):
    """It is not drawn twice, and its rows count all cells that there are."""
    study, found = cells
    with Progress(study, Console(file=io.StringIO(), force_terminal=True)) as progress:
        progress.announce(study, found[:4], found[:4])
        live = progress.live
        progress.announce(study, found, found[4:])

        assert progress.live is live
        assert sum(progress.total.values()) == len(found)


def test_what_follows_the_last_piece_is_told(cells):
    """A line of its own in a log; on a terminal behind what is done, while it lasts."""
    study, found = cells
    log, screen = io.StringIO(), io.StringIO()
    with Progress(study, Console(file=log, width=120)) as progress:
        told = progress.announce(study, found, found[:1])
        told(found[0])
        progress.writing()
    with Progress(study, Console(file=screen, force_terminal=True, width=120)) as live:
        live.announce(study, found, found[:1])(found[0])
        assert str(live.table().title).endswith(" s")
        live.writing()
        assert str(live.table().title).endswith(" s; writing tables and the report")
    assert str(live.table().title).endswith(" s")

    assert log.getvalue().splitlines()[-1] == "tiny_precise: writing tables and the report"


def test_the_last_seconds_are_not_counted(cells):
    """`about 0 s left` stood beside pieces that were still to come."""
    study, found = cells
    with Progress(study, Console(file=io.StringIO())) as progress:
        told = progress.announce(study, found[:4], found[:4])
        told(found[0])
        assert progress.remaining() == "a few seconds left"

        progress.start -= 3600
        assert progress.remaining().startswith("about ")


def test_a_line_of_a_log_is_one_line(cells):
    """However long the study's name makes it, and whatever width is taken for that of a log."""
    study, found = cells
    name = "a-study-" * 12
    renamed = replace(study, spec=study.spec.model_copy(update={"name": name}))
    text = io.StringIO()
    with Progress(renamed, Console(file=text, width=80)) as progress:
        progress.announce(renamed, found, found)

    assert text.getvalue() == f"{name}: {len(found)} cells to compute, 0 cached\n"


def test_a_plan_says_what_keeps_it(tmp_path: Path) -> None:
    """A line for each study whose times are not known, before the first trial; on a terminal each trial, which goes."""
    log, screen = io.StringIO(), io.StringIO()
    plain, live = Trials(Console(file=log)), Trials(Console(file=screen, force_terminal=True, width=120))
    (study,) = load_studies([SPECS / "tiny_digits.toml"])
    with plain, live:
        plan_study(study, tmp_path, announce=plain.announce)
        live.announce("study", "v3", 1, 2)
        live.announce("study", "collapse", 2, 2)
        plain.announce("other", "v3", 1, 1)
        assert "\x1b[2K" not in screen.getvalue().rpartition("trying")[2]

    first, other = log.getvalue().splitlines()
    assert re.fullmatch(r"tiny_digits: timing a small part of \d+ measures", first)
    assert other == "other: timing a small part of v3"
    assert "study: timing a small part of collapse (2/2)" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")

"""The tables of docs/ that follow from the models."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs.tables import BEGIN, DOCS, END, PAGES, current, spec_reference, write
from suite.catalog.measures import MEASURES
from suite.cli.entries import catalogs
from suite.spec.model import Family, SpecFile


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_are_current(page: str) -> None:
    """Run `python docs/tables.py` after a change of what specs may say."""
    text = (DOCS / page).read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert current(page, text) == text


def test_a_page_is_written_between_its_marks_alone(tmp_path: Path) -> None:
    """What stands before and after stays, and writing again changes nothing."""
    for page in PAGES:
        (tmp_path / page).write_text(f"# Before\n\n{BEGIN}\nwhat was there\n{END}\n\nafter\n")

    write(tmp_path)

    for page in PAGES:
        text = (tmp_path / page).read_text()
        assert text.startswith(f"# Before\n\n{BEGIN}\n\n")
        assert text.endswith(f" |\n\n{END}\n\nafter\n")
        assert "what was there" not in text
        assert current(page, text) == text


def test_every_key_and_every_name_has_its_row() -> None:
    """Of the file, of families and of whatever a spec can name; and no cell that should say something is empty."""
    lines = list(spec_reference())
    cells = [[cell.strip() for cell in line.replace("\\|", "").strip("|").split("|")] for line in lines if "|" in line]
    first = [row[0].strip("`") for row in cells]

    assert set(SpecFile.model_fields) | set(Family.model_fields) <= set(first)
    assert {name for entries in catalogs().values() for name in entries} | set(MEASURES) <= set(first)
    assert [row for row in cells if not row[1] or not row[-1]] == []
    assert len({len(row) for row in cells} - {3, 4, 5}) == 0


def test_the_tables_need_no_torch() -> None:
    """They are made as fast as a spec is checked."""
    code = "import sys, docs.tables as p; list(p.spec_reference()); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=DOCS.parent, check=False).returncode == 0

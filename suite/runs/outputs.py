"""What a run writes once its cells are there: tables, the analysis and the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.analysis.derive import derive
from suite.cells.blocks import blocks_of, training_columns
from suite.cells.cache import Read, Shapes
from suite.cells.cell import Cell
from suite.cells.rounds import Aim
from suite.report.page import write_report
from suite.results.folder import Results
from suite.results.tables import write_tables
from suite.runs.landscapes import landscapes_table
from suite.runs.precision import precision_table
from suite.runs.tables import measurements_tables, member_axes, members_table, summary_table
from suite.spec.load import Study


def write_study_tables(
    study: Study,
    folder: Path,
    cells: Sequence[Cell],
    shapes: Mapping[str, Shapes],
    read: Read,
    aims: Sequence[Aim],
    run: dict[str, Any],
) -> None:
    """Write a study's tables.

    Args:
        study: The study.
        folder: Its results.
        cells: Its cells, in the order of the tables.
        shapes: The shapes of what each finished cell holds, by the cells' keys.
        read: Returns one quantity of a finished cell.
        aims: What is to be known precisely.
        run: The content of run.json.
    """
    axes, training = member_axes(study.members), training_columns(study)
    blocks = blocks_of(cells, shapes, read, training)
    write_tables(
        folder,
        members_table(study.members, axes),
        measurements_tables(blocks, axes, training),
        summary_table(blocks, axes, training),
        landscapes_table(cells, shapes, read, axes, training),
        precision_table(aims),
        run,
    )


def analyze_and_draw(study: Study, results: Results) -> Path:
    """Judge a study's claims by its tables, write the tables of the analysis, then draw the page; return the page."""
    derive(results, study.spec.claim, study.spec.source)
    return write_report(results, study.spec.as_run()["claim"])

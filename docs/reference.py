"""The reference: what the shipped studies found, as version control keeps it: `python docs/reference.py`.

Of each study there are its tables for reading, the CSV ones, and run.json without the list of its cells; `compare`
reads them as it reads a results folder. Means have eleven digits, more than `compare` looks at, all else six, and
seconds are left out, so that a run elsewhere, which differs in the sixteenth, leaves nearly every line as it was.
"""

import argparse
import csv
import io
import json
from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from suite.results.files import write_text
from suite.results.folder import REFERENCE_CELLS, Results
from suite.results.schema import ANALYSIS, MEMBERS, PRECISION, SUMMARY
from suite.spec.load import Study, load_studies
from suite.spec.model import Spec
from suite.spec.problems import SpecError
from suite.statistics.summary import STATISTICS

SPECS, RESULTS, REFERENCE = Path("specs"), Path("results"), Path("results/reference")
"""In the project's folder."""

_REFRESH = f"python -m suite run {SPECS} && python docs/reference.py"
"""What brings the reference up to date."""

_ALWAYS = (MEMBERS, SUMMARY)

TABLES = (*_ALWAYS, PRECISION, *ANALYSIS)
"""What is kept of a study where there is one, beside its run.json; the first of them each study has."""

_AGAIN = f"run it again: python -m suite run {SPECS}"

_FAULTY = 2
"""The exit code where there is something to mend, as the suite's other commands have it."""

_DIGITS, _DIGITS_OF_MEANS = 6, 11
_STATISTICS = {*STATISTICS, "theory", "z", "relative_difference"}
"""Columns of summary.csv that are no keys: by the others `compare` tells settings apart, which stay as they are."""

_MOST = 15
"""Digits of what is whole, and counted as likely as not."""

_TIME = "seconds"
"""A column that is another in each run."""

_WORDS = ("title", "source", "question", "picture", "claims", "findings")
"""Keys of a spec on which no number and no verdict depends."""

_OF_THE_RUN = ("cells", "failed", "asked")
"""Of run.json, what a reference has not: its cells, and paths on the machine that it was run on."""

_CIRCUMSTANCES = ("commit", "device", "threads", "torch", "numpy", "processor")
"""Of cells' provenance: what few values are for all of them."""


def refresh(specs: Path = SPECS, results: Path = RESULTS, reference: Path = REFERENCE) -> list[Path]:
    """Writes the reference anew from finished results; studies that are no more go.

    Args:
        specs: the shipped studies.
        results: where all of them have been run.
        reference: where to; the folder holds nothing else.

    Returns:
        The studies' folders.

    Raises:
        SpecError: a spec is faulty.
        ValueError: a study was not run as it is now, or not wholly, or a table is damaged.
        OSError: a table cannot be read or written. Whatever is raised, the reference stays as it was.
    """
    studies = load_studies([specs])
    if lacking := [line for study in studies for line in _lacking(study, Results(results / study.spec.name))]:
        raise ValueError("\n".join(lacking))
    reference.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=reference.parent, prefix=f".{reference.name}.") as beside:
        new = Path(beside) / "new"
        new.mkdir()
        for study in studies:
            _keep(Results(results / study.spec.name), new / study.spec.name)
        _swap(reference, new, Path(beside) / "old")
    return [reference / study.spec.name for study in studies]


def outdated(studies: Sequence[Study], reference: Path = REFERENCE) -> list[str]:
    """Why a reference is not that of these studies as they are now, a line each study; words may have changed.

    Args:
        studies: all that are shipped.
        reference: where it is kept.
    """
    kept = {folder.name: Results(folder) for folder in _folders(reference)}
    found = [f"{name}: there is no such spec" for name in kept if name not in {study.spec.name for study in studies}]
    for study in studies:
        name = study.spec.name
        if name not in kept or not kept[name].has_tables:
            found.append(f"{name}: not there")
        elif _without_words(_declared(kept[name].run["spec"])) != _without_words(study.spec.as_run()):
            found.append(f"{name}: the spec has changed since")
    return [f"{reference}: {line}; refresh it: {_REFRESH}" for line in found]


def _folders(reference: Path) -> list[Path]:
    return sorted(folder for folder in reference.glob("*") if folder.is_dir())


def _lacking(study: Study, found: Results) -> Iterator[str]:
    if not found.has_tables:
        yield f"{found.folder}: no results of {study.spec.name}; run it first: python -m suite run {SPECS}"
        return
    try:
        run = found.run
    except ValueError as error:
        yield f"{found.folder}: run.json is damaged ({error}); {_AGAIN}"
        return
    if found.is_reference:
        yield f"{found.folder}: a reference itself; name the results of a run"
    elif run["spec"] != study.spec.as_run():
        yield f"{found.folder}: the spec has changed since these tables; {_AGAIN}"
    elif run["failed"]:
        yield f"{found.folder}: {len(run['failed'])} cells failed; {_AGAIN}"


def _swap(reference: Path, new: Path, old: Path) -> None:
    """Puts a finished folder in the reference's place; a failure puts the old one back."""
    if reference.exists():
        reference.rename(old)
    try:
        new.rename(reference)
    except BaseException:
        if old.exists():
            old.rename(reference)
        raise


def _keep(found: Results, folder: Path) -> None:
    for name in TABLES:
        if name in _ALWAYS or (found.folder / name).exists():
            write_text(folder / name, _rounded(found.folder / name))
    run = {key: value for key, value in found.run.items() if key not in _OF_THE_RUN}
    cells = found.run["cells"]
    run[REFERENCE_CELLS] = {
        name: sorted({cell[name] for cell in cells if cell.get(name) is not None}) for name in _CIRCUMSTANCES
    }
    write_text(folder / "run.json", json.dumps(run, indent=2) + "\n")


def _rounded(table: Path) -> str:
    """A table with fewer digits.

    Raises:
        ValueError: it is damaged.
    """
    try:
        with table.open(newline="", encoding="utf-8") as lines:
            header, *rows = csv.reader(lines, strict=True)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{table}: damaged ({error}); {_AGAIN}") from error
    if wrong := [number for number, row in enumerate(rows, start=2) if len(row) != len(header)]:
        raise ValueError(f"{table}: damaged (row {wrong[0]} is not as long as the first); {_AGAIN}")
    keys = set(header) - _STATISTICS if table.name == "summary.csv" else set()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        cells = zip(header, row, strict=True)
        writer.writerow([cell if name in keys else _shortened(cell, name) for name, cell in cells])
    return text.getvalue()


def _shortened(cell: str, column: str) -> str:
    """Numbers, one or several with blanks between, to their first digits; what is none, or whole, as it is."""
    if column == _TIME:
        return ""
    try:
        numbers = [float(word) for word in cell.split(" ")]
    except ValueError:
        return cell
    digits = _DIGITS_OF_MEANS if column == "mean" else _DIGITS
    return " ".join(
        word if word.isdigit() or not isfinite(number) else f"{number:.{_MOST if number.is_integer() else digits}g}"
        for word, number in zip(cell.split(" "), numbers, strict=True)
    )


def _declared(kept: dict[str, Any]) -> dict[str, Any]:
    """A kept spec with the defaults of today, which say what it left to them in the words of its own day."""
    try:
        return Spec.model_validate({key: value for key, value in kept.items() if value != []}).as_run()
    except ValidationError:
        return kept


def _without_words(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in _WORDS}


def _main() -> None:
    parser = argparse.ArgumentParser(
        prog="python docs/reference.py",
        description=f"Writes {REFERENCE} anew from finished results of all of {SPECS}; studies that are no more go.",
    )
    parser.add_argument("results", nargs="?", type=Path, default=RESULTS, help="where all shipped studies were run")
    try:
        for folder in refresh(results=parser.parse_args().results):
            print(folder)
    except (SpecError, ValueError, OSError) as error:
        parser.exit(_FAULTY, f"{error}\n")


if __name__ == "__main__":
    _main()

"""The index: one page over all studies of a results folder, with their verdicts and the way to their reports."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

FILE = "index.html"

_VERDICTS = ("holds", "fails", "undecided")


@dataclass(frozen=True)
class Entry:
    """A study of the index.

    Attributes:
        name: of the study.
        link: to its report.
        title: what it shows.
        question: that it asks; empty where it says none.
        source: where its question is from.
        verdicts: how many of its claims came to each verdict.
        surprises: how many verdicts are not the expected ones.
        failed: pieces of work that failed.
        members: how many networks it compares.
        seconds: of computing.
        damage: why nothing else is known of it; empty where all is.
    """

    name: str
    link: str
    title: str = ""
    question: str = ""
    source: str = ""
    verdicts: tuple[tuple[str, int], ...] = ()
    surprises: int = 0
    failed: int = 0
    members: int = 0
    seconds: float = 0.0
    damage: str = ""


def write_index(results: Path) -> Path:
    """Writes index.html anew, of all studies of a results folder that have a report.

    Args:
        results: the folder of all results.

    Returns:
        The page, which follows from the studies' own files alone.
    """
    from suite.report.templating import environment  # noqa: PLC0415  # a run with nothing to do writes no page
    from suite.runs.store import remove_abandoned, write_text  # noqa: PLC0415  # as above

    remove_abandoned(results)
    page = environment().get_template("index.html").render(entries=entries(results))
    file = results / FILE
    write_text(file, page)
    return file


def entries(results: Path) -> list[Entry]:
    """The studies that have a report, by name; what cannot be read of one hides no other."""
    return [_entry(page.parent) for page in sorted(results.glob("*/report.html"))]


def _entry(folder: Path) -> Entry:
    from suite.claims.tell import kept_rows, surprising  # noqa: PLC0415  # as above

    link = f"{quote(folder.name)}/report.html"
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text())
        rows = kept_rows(folder)
        counts = Counter(row["verdict"] for row in rows)
        return Entry(
            folder.name,
            link,
            run["spec"]["title"],
            run["spec"].get("question", ""),
            run["spec"].get("source", ""),
            tuple((verdict, counts[verdict]) for verdict in _VERDICTS if counts[verdict]),
            surprising(rows),
            len(run["failed"]),
            len({cell["member"] for cell in run["cells"]}),
            sum(cell["seconds"] for cell in run["cells"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Entry(folder.name, link, damage=f"{type(error).__name__}: {error}")

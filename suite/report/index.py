"""The index: one page over all studies of a results folder, with their verdicts and the way to their reports."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from suite.report.templating import environment
from suite.report.verdicts import count_unexpected
from suite.results.files import remove_abandoned, write_text
from suite.results.folder import Results
from suite.results.schema import INDEX

_VERDICTS = ("holds", "fails", "undecided")

_VARIANT = re.compile(r"(-set(-[a-z0-9.-]+)?-[0-9a-f]{8})?(-quick)?$")
"""What `--set` and `--quick` put behind a study's name."""


@dataclass(frozen=True)
class Entry:
    """A study of the index.

    Attributes:
        name: of the results folder.
        study: that it is of: of a variant, made by --set or --quick, the name of the study as its file has it.
        link: to its report.
        title: what it shows.
        question: that it asks; empty where it says none.
        source: where its question is from.
        verdicts: how many of its claims came to each verdict.
        surprises: how many verdicts are not the expected ones.
        failed: cells that failed.
        members: how many networks it compares.
        seconds: of computing.
        damage: why nothing else is known of it; empty where all is.
    """

    name: str
    study: str
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
    remove_abandoned(results)
    found = studies(entries(results))
    page = environment().get_template("index.html").render(studies=found, summed=summed(found))
    file = results / INDEX
    write_text(file, page)
    return file


def entries(results: Path) -> list[Entry]:
    """The studies that have a report, by name; what cannot be read of one hides no other."""
    return [_entry(page.parent) for page in sorted(results.glob("*/report.html"))]


@dataclass(frozen=True)
class Listed:
    """A study with its variants.

    Attributes:
        entry: of the study; of the first of its variants, where it was not run itself.
        variants: the others, each with what was changed, in words.
    """

    entry: Entry
    variants: tuple[tuple[str, Entry], ...]


def studies(found: Sequence[Entry]) -> list[Listed]:
    """The studies by name, each with its variants."""
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.study, []).append(entry)
    listed = []
    for _, group in sorted(groups.items()):
        first, *others = group  # they come by name, and a study's is how those of its variants begin
        listed.append(Listed(first, tuple((_changed(entry, first), entry) for entry in others)))
    return listed


def _changed(variant: Entry, study: Entry) -> str:
    """What its title says beyond that of the study."""
    rest = variant.title.removeprefix(study.title).strip() if study.title else ""
    plain = re.fullmatch(r"\((set: .*|quick: .*)\)", rest)
    return plain[1].replace(") (quick: ", "; quick: ") if plain else variant.title or variant.name


def summed(found: Sequence[Listed]) -> str:
    """How many there are, and what is said of them, in a sentence."""
    number, variants = len(found), sum(len(listed.variants) for listed in found)
    if not number:
        return "No study has a report."
    sentence = "1 study" if number == 1 else f"{number} studies"
    if variants:
        sentence += " and a variant" if variants == 1 else f" and {variants} variants"
        sentence += " of it" if number == 1 else " of them"
    if any(entry.verdicts for listed in found for entry in (listed.entry, *(each for _, each in listed.variants))):
        one = number == 1 and not variants
        sentence += f", with what {'its' if one else 'their'} claims came to by numbers that were computed here"
    return f"{sentence}."


def _study_of(name: str, run: dict[str, Any]) -> str:
    """The study that a results folder is of: by what was asked for, or by its name where a run has not kept that."""
    asked = run.get("asked")
    study = Path(asked[-1]).stem if asked else _VARIANT.sub("", name)
    return study if study and name.startswith(study) and _VARIANT.fullmatch(name[len(study) :]) else name


def _entry(folder: Path) -> Entry:
    link = f"{quote(folder.name)}/report.html"
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text())
        if not isinstance(run, dict):
            raise TypeError(f"run.json holds {type(run).__name__}, not a table")
        rows = Results(folder).verdict_rows
        counts = Counter(row["verdict"] for row in rows)
        return Entry(
            folder.name,
            _study_of(folder.name, run),
            link,
            run["spec"]["title"],
            run["spec"].get("question", ""),
            run["spec"].get("source", ""),
            tuple((verdict, counts[verdict]) for verdict in _VERDICTS if counts[verdict]),
            count_unexpected(rows),
            len(run["failed"]),
            len({cell["member"] for cell in run["cells"]}),
            sum(cell["seconds"] for cell in run["cells"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Entry(folder.name, _study_of(folder.name, {}), link, damage=f"{type(error).__name__}: {error}")

"""Write the index page of a results folder, with the verdicts of its studies and links to reports."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from suite.report.templating import environment
from suite.report.verdicts import has_passed, is_control
from suite.results.files import remove_abandoned, write_text
from suite.results.folder import Results
from suite.results.schema import INDEX

_VERDICTS = ("holds", "fails", "undecided")

_VARIANT = re.compile(r"(-set(-[a-z0-9.-]+)?-[0-9a-f]{8})?(-quick)?$")
"""The suffix that `--set` and `--quick` append to a study's name."""


@dataclass(frozen=True)
class Entry:
    """A study in the index.

    Attributes:
        name: Name of the results folder.
        study: Name of the study in its spec file. It differs from `name` for a variant, made by --set or --quick.
        link: Link to the report.
        title: Title of the study.
        question: The question that it asks; empty if it states none.
        source: The source of the question.
        verdicts: Number of claims with each verdict, without controls.
        unexpected: Number of claims that hold or fail against what their sources state.
        controls: Number of controls.
        passed: Number of controls that have the verdict that they must have.
        failed: Number of failed cells.
        members: Number of members.
        seconds: Computing time in seconds.
        damage: The reason why nothing else is known about the study; empty if its files can be read.
    """

    name: str
    study: str
    link: str
    title: str = ""
    question: str = ""
    source: str = ""
    verdicts: tuple[tuple[str, int], ...] = ()
    unexpected: int = 0
    controls: int = 0
    passed: int = 0
    failed: int = 0
    members: int = 0
    seconds: float = 0.0
    damage: str = ""


def write_index(results: Path) -> Path:
    """Write index.html with all studies of a results folder that have a report.

    Args:
        results: The folder of all results.

    Returns:
        The path of the page, whose content depends on the studies' own files alone.
    """
    remove_abandoned(results)
    found = studies(entries(results))
    page = (
        environment()
        .get_template("index.html")
        .render(title="Studies of trainability", studies=found, summed=summed(found))
    )
    file = results / INDEX
    write_text(file, page)
    return file


def entries(results: Path) -> list[Entry]:
    """Return the studies that have a report, by name.

    A study whose files cannot be read has an entry that states the damage.
    """
    return [_read_entry(page.parent) for page in sorted(results.glob("*/report.html"))]


@dataclass(frozen=True)
class Listed:
    """A study with its variants.

    Attributes:
        entry: The study's entry; if the study itself was not run, that of its first variant.
        variants: The other variants, each with a description of its changes.
    """

    entry: Entry
    variants: tuple[tuple[str, Entry], ...]


def studies(found: Sequence[Entry]) -> list[Listed]:
    """Group entries by study, sorted by name, each with its variants."""
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.study, []).append(entry)
    listed = []
    for _, group in sorted(groups.items()):
        first, *others = group  # sorted by name: a study's name is the prefix of its variants'
        listed.append(Listed(first, tuple((_describe_change(entry, first), entry) for entry in others)))
    return listed


def _describe_change(variant: Entry, study: Entry) -> str:
    """Return what a variant's title adds to the study's title, otherwise the whole title or the name."""
    rest = variant.title.removeprefix(study.title).strip() if study.title else ""
    plain = re.fullmatch(r"\((set: .*|quick: .*)\)", rest)
    return plain[1].replace(") (quick: ", "; quick: ") if plain else variant.title or variant.name


def summed(found: Sequence[Listed]) -> str:
    """Return a sentence with the number of studies and variants, and whether they have verdicts."""
    number, variants = len(found), sum(len(listed.variants) for listed in found)
    if not number:
        return "No study has a report."
    sentence = "1 study" if number == 1 else f"{number} studies"
    if variants:
        sentence += " and a variant" if variants == 1 else f" and {variants} variants"
        sentence += " of it" if number == 1 else " of them"
    if any(entry.verdicts for listed in found for entry in (listed.entry, *(each for _, each in listed.variants))):
        one = number == 1 and not variants
        sentence += f", with the verdicts on {'its' if one else 'their'} claims"
    return f"{sentence}."


def _find_study(name: str, run: dict[str, Any]) -> str:
    """Return the name of the study that a results folder belongs to.

    It follows from the arguments of the run, or from the folder's name if the run did not record them.
    """
    asked = run.get("asked")
    study = Path(asked[-1]).stem if asked else _VARIANT.sub("", name)
    return study if study and name.startswith(study) and _VARIANT.fullmatch(name[len(study) :]) else name


def _read_entry(folder: Path) -> Entry:
    """Read the entry of a results folder; the entry states the damage if a file cannot be read."""
    link = f"{quote(folder.name)}/report.html"
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if not isinstance(run, dict):
            raise TypeError(f"run.json: expected an object, got {type(run).__name__}")
        rows = Results(folder).verdict_rows
        claims, controls = ([row for row in rows if is_control(row) is which] for which in (False, True))
        counts = Counter(row["verdict"] for row in claims)
        return Entry(
            folder.name,
            _find_study(folder.name, run),
            link,
            run["spec"]["title"],
            run["spec"].get("question", ""),
            run["spec"].get("source", ""),
            tuple((verdict, counts[verdict]) for verdict in _VERDICTS if counts[verdict]),
            sum({row["expected"], row["verdict"]} == {"holds", "fails"} for row in claims),
            len(controls),
            sum(map(has_passed, controls)),
            len(run["failed"]),
            len({cell["member"] for cell in run["cells"]}),
            sum(cell["seconds"] for cell in run["cells"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Entry(folder.name, _find_study(folder.name, {}), link, damage=f"{type(error).__name__}: {error}")

"""This module writes the text of a new spec: a small study with explanations, or a copy with notes."""

import os
from pathlib import Path
from string import Template

from suite.spec.locate import locate
from suite.spec.read import read_toml
from suite.spec.schema import SCHEMA_FILE

_TEMPLATE = Path(__file__).with_name("new.toml")
_DIRECTIVE = "#:schema "

_NOTES = {
    "title": "Change this: the title of the page, in one sentence.",
    "source": "The source of the copied study: replace it, or remove this.",
    "question": "The question of the copied study: replace it, or remove this.",
    "picture": "The chart that answers the question: replace it, or remove this.",
    "claims": "The claims of the source, in sentences: replace them, or remove this.",
    "findings": "The findings of the copied study: remove this, and add your own after a run.",
    "seed": "Change this to draw other networks: the same number gives those of the copied study.",
    "family": "The networks: change these to the families that you want to study and compare.",
    "measure": "The measures: `python -m suite list` shows all of them.",
    "claim": "The claims of the copied study: keep those that you expect to hold, and change or remove the rest.",
}
"""The notes by key, each of which is written above the key's first line."""


def fresh_text(file: Path) -> str:
    """Return the text of a small study that explains each of its keys.

    Args:
        file: The file to which the text will be written.
    """
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(schema=_schema_line(file), path=file.as_posix())


def copied_text(file: Path, original: Path) -> str:
    """Return the text of another spec with notes on what to change.

    Args:
        file: The file to which the text will be written.
        original: The spec to copy.

    Raises:
        SpecError: If the original cannot be read or is not TOML.
    """
    text, data = read_toml(original)
    places = locate(text)
    notes = {places[key,]: note for key, note in _NOTES.items() if key in data}
    lines = [
        _schema_line(file),
        f"# A copy of {original.name} to change. `python -m suite explain` describes it.",
    ]
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        if number in notes:
            lines.append(f"# {notes[number]}")
        if not line.startswith(_DIRECTIVE):
            lines.append(line)
    return "\n".join(lines) + "\n"


def _schema_line(file: Path) -> str:
    """Return the line with the schema's path for editors.

    Outside of the repository, where a path to an installed file may become invalid, the line says how to get the
    schema instead.
    """
    folder = file.resolve().parent
    if folder.is_relative_to(SCHEMA_FILE.parents[1]):
        return _DIRECTIVE + Path(os.path.relpath(SCHEMA_FILE, folder)).as_posix()
    return (
        "# For completion in an editor, run `python -m suite schema > spec.schema.json` in this folder, and make this\n"
        f"# the first line: {_DIRECTIVE}spec.schema.json"
    )

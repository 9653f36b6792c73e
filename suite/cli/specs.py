"""This module runs the commands that need no results: new, check, list, schema.

None of them loads torch or pandas.
"""

from pathlib import Path

import typer

from suite.catalog.measures import precisely
from suite.cli.entries import describe_name, format_keys, names, names_with_keys, overview
from suite.cli.errors import echo, fail, warn
from suite.cli.folders import load_plugins, load_specs
from suite.cli.options import SpecOptions
from suite.formatting import format_count
from suite.spec.files import explain_invalid_name, shipped_specs
from suite.spec.problems import near_to, nearest, or_plugged_in, printable
from suite.spec.schema import schema_text
from suite.spec.starting import copied_text, fresh_text


def write_new_spec(name: str, like: str | None, folder: Path) -> None:
    """Write a spec of this name into a folder: a small example, or a copy of a shipped study or of a file."""
    file = folder / f"{name}.toml"
    if name.endswith(".toml"):
        fail(f"error: {name}: expected a name without .toml; use {name.removesuffix('.toml')}")
    if reason := explain_invalid_name(name, "use another name"):
        fail(f"error: {reason}")
    if taken := [other for other in folder.glob("*.toml") if other.stem.lower() == name.lower()]:
        fail(f"error: {taken[0]} exists already; use another name")
    text = fresh_text(file) if like is None else copied_text(file, _original(like))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        fail(f"error: {file} cannot be written ({error.strerror}); use another name, or another --folder")
    typer.echo(f"{file}: edit it, then run: python -m suite run {file}")


def _original(like: str) -> Path:
    """Return the file of the spec to copy, which is a shipped study or a path."""
    known = shipped_specs()
    if like in known:
        return known[like]
    if like.endswith(".toml"):
        return Path(like)
    if not known:
        raise ValueError("the suite was installed without its specs; use a spec file, such as --like my/study.toml")
    raise ValueError(f"--like {printable(like)}: no such study; {nearest(like, known)}")


def check_specs(specs: SpecOptions) -> None:
    """Print one line per spec; if any spec has an error, raise the errors of all specs together."""
    for study in load_specs(specs):
        warn(study.warnings)
        measures = ", ".join(name + precisely(name, settings) for name, settings in study.spec.measures.items())
        echo(f"{study.spec.name}: {format_count(len(study.members), 'member')}; {measures}")


def print_entries(name: str | None, plugins: list[Path] | None) -> None:
    """Print everything that a spec can name, or all lines about one name."""
    load_plugins(plugins)
    lines = list(overview() if name is None else describe_name(name) if name in names() else format_keys(name))
    if name is not None and not lines:
        near = near_to(name, names_with_keys())
        hint = f"did you mean {near}?" if near else "run `list` to see all names"
        fail(f"error: {printable(name)} is not known; {or_plugged_in(hint)}")
    for line in lines:
        typer.echo(line)


def print_schema(plugins: list[Path] | None) -> None:
    """Print the JSON schema of specs."""
    load_plugins(plugins)
    typer.echo(schema_text(), nl=False)

"""The command that writes a spec: new."""

from pathlib import Path
from typing import Annotated

import typer

from suite.cli.app import app
from suite.cli.endings import errors_as_exit_codes, fail
from suite.cli.options import path_given


def _shipped(incomplete: str) -> list[str]:
    """For the shell to complete."""
    from suite.spec.shipped import shipped_specs  # noqa: PLC0415  # --help is instant

    return [name for name in shipped_specs() if name.startswith(incomplete)]


@app.command(short_help="Write a spec to start from.")
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of the study, and so of its file and its results.")
    ],
    like: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY",
            help="Copy a study that comes with the suite, such as variability, or a file; notes say what to change.",
            autocompletion=_shipped,
        ),
    ] = None,
    folder: Annotated[Path, typer.Option(metavar="DIR", parser=path_given, help="The folder to write it to.")] = Path(
        "specs"
    ),
) -> None:
    """Write a spec to start from, which runs as it is and explains itself. Never overwrites a file."""
    with errors_as_exit_codes():
        from suite.spec.files import name_fault  # noqa: PLC0415  # as above
        from suite.spec.starting import copied_text, fresh_text  # noqa: PLC0415  # as above

        file = folder / f"{name}.toml"
        if name.endswith(".toml"):
            fail(f"error: {name}: give the name alone, {name.removesuffix('.toml')}")
        if fault := name_fault(name, "give another name"):
            fail(f"error: {fault}")
        if taken := [other for other in folder.glob("*.toml") if other.stem.lower() == name.lower()]:
            fail(f"error: {taken[0]} is there already, and is not overwritten; give another name")
        text = fresh_text(file) if like is None else copied_text(file, _original(like))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            fail(f"error: {file} cannot be written ({error.strerror}); give another name, or another --folder")
        typer.echo(f"{file}: change it as you like, then python -m suite run {file}")


def _original(like: str) -> Path:
    """The spec that a new one is to be a copy of."""
    from suite.spec.problems import nearest, printable  # noqa: PLC0415  # as above
    from suite.spec.shipped import shipped_specs  # noqa: PLC0415  # as above

    known = shipped_specs()
    if like in known:
        return known[like]
    if like.endswith(".toml"):
        return Path(like)
    if not known:
        raise ValueError("the suite was installed without its specs; name a spec file, such as --like my/study.toml")
    raise ValueError(f"--like {printable(like)}: no such study; {nearest(like, known)}")

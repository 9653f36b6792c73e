"""What commands take: arguments and options that several have, and the exit codes that they end with."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from suite.catalog.shown import shown

LACKING = 1
FAULTY = 2
UNEXPECTED = 3
INTERRUPTED = 130


def path_given(text: str | Path) -> Path:
    """What stands for a file or a folder, as it was typed: nothing at all is no path, though Python takes it for here.

    A default has never been typed, and is a path already.
    """
    if not str(text).strip():
        raise typer.BadParameter("an empty text is no path; name a file or a folder, such as . for this one")
    return Path(text)


class Device(StrEnum):
    """Where networks are computed."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


def _device_given(text: str | Device) -> Device:
    """Where to compute, as it was typed."""
    try:
        return Device(text)
    except ValueError:
        raise typer.BadParameter(f"{shown(text)} is no device; give {', '.join(Device)}") from None


def workers_given(text: str | int) -> int:
    """A number of processes, as it was typed."""
    if not _NUMBER.fullmatch(str(text)):
        raise typer.BadParameter(f"{shown(text)} is no number of processes; give a whole number, 1 or more")
    return int(text)


_NUMBER = re.compile(r"0*[1-9][0-9]{0,4}", re.ASCII)


def _devices(incomplete: str) -> list[str]:
    """For the shell to complete."""
    return [device for device in Device if device.startswith(incomplete)]


Specs = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH", parser=path_given, help="Spec files, or folders: their .toml files, not their subfolders."
    ),
]
Where = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="|".join(Device),
        parser=_device_given,
        autocompletion=_devices,
        help="Where to compute: auto uses a GPU if there is one and a short check finds that it agrees with the CPU; "
        "cuda uses it unchecked.",
    ),
]
ResultsFolder = Annotated[
    Path, typer.Option("--results", metavar="DIR", parser=path_given, help="Where results are kept.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the same as JSON, for programs to read.")]
MustHold = Annotated[
    bool, typer.Option("--claims-must-hold", help="Exit code 3 where a claim's verdict is not the expected one.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Try a change without a new file, such as family.parameters=5000 or claim.0.margin=0.1; the value is "
        "TOML, no value takes the key out. May be repeated. Results are kept in a folder of the change's own.",
    ),
]
PlugIns = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        parser=path_given,
        help="A Python file, which is run, with activations, measures, ... of your own. May be repeated.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="A tenth of the draws, steps and replicates of each study, which is then called NAME-quick, as is the "
        "folder of its results.",
    ),
]

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
        metavar="PATH", parser=path_given, help="Spec files, or folders of .toml files (without subfolders)."
    ),
]
Where = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="|".join(Device),
        parser=_device_given,
        autocompletion=_devices,
        help="The device: auto uses a GPU if there is one and it passes a short check against the CPU; cuda uses it "
        "unchecked.",
    ),
]
ResultsFolder = Annotated[
    Path, typer.Option("--results", metavar="DIR", parser=path_given, help="The folder of all results.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MustHold = Annotated[
    bool, typer.Option("--claims-must-hold", help="Exit with code 3 if a verdict is not the expected one.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key for this command, such as family.parameters=5000 or claim.0.margin=0.1; the value is "
        "TOML; without a value the key is removed. May be repeated. Results go to a folder of their own.",
    ),
]
PlugIns = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        parser=path_given,
        help="A Python file with your own activations, measures, ...; it is executed. May be repeated.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Compute a tenth of the draws, steps and replicates; the study and its results are called NAME-quick.",
    ),
]

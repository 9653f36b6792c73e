"""This module defines the exit codes of commands, and the arguments and options that they share."""

import re
from dataclasses import dataclass
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
    """Return the path of a file or folder that was typed on the command line.

    Empty text is an error, although Python reads it as the current folder.

    Args:
        text: The text that was typed, or the default, which is a path already.

    Raises:
        typer.BadParameter: If the text is empty.
    """
    if not str(text).strip():
        raise typer.BadParameter(
            "expected a path, got empty text; use a file or a folder, such as . for the current folder"
        )
    return Path(text)


class Device(StrEnum):
    """The choices of a device for computing."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class TargetType(StrEnum):
    """What a network predicts."""

    classification = "classification"
    regression = "regression"


def _device_given(text: str | Device) -> Device:
    """Return the device that was typed on the command line."""
    try:
        return Device(text)
    except ValueError:
        raise typer.BadParameter(f"{shown(text)} is not a device; use one of {', '.join(Device)}") from None


def workers_given(text: str | int) -> int:
    """Return the number of processes that was typed on the command line, at least 1."""
    if not _NUMBER.fullmatch(str(text)):
        raise typer.BadParameter(f"{shown(text)} is not a number of processes; use an integer >= 1")
    return int(text)


_NUMBER = re.compile(r"0*[1-9][0-9]{0,4}", re.ASCII)


def _complete_device(incomplete: str) -> list[str]:
    """Return the devices that start with a text, for shell completion."""
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
        autocompletion=_complete_device,
        help="The device. auto uses a GPU if one is available and agrees with the CPU in a short check; cuda skips the "
        "check.",
    ),
]
ResultsFolder = Annotated[Path, typer.Option("--results", metavar="DIR", parser=path_given, help="The results folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MustHold = Annotated[
    bool,
    typer.Option(
        "--claims-must-hold",
        help="Exit with code 3 unless every claim holds or has its expected verdict.",
    ),
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set a key of the specs, such as family.parameters=5000 or claim.0.margin=0.1. The value is TOML; an "
        "empty value removes the key. May be repeated. The results go to a separate folder.",
    ),
]
DataFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="NAME=FILE",
        help="Train on another data file: NAME is that of a task's file without its ending. May be repeated. The "
        "results go to a separate folder.",
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="COLUMN", help="The column to predict; repeat it for several numbers."),
]
Ignored = Annotated[
    list[str] | None,
    typer.Option("--ignore", metavar="COLUMN", help="A column that networks do not get. May be repeated."),
]
Categories = Annotated[
    list[str] | None,
    typer.Option(
        "--categories", metavar="COLUMN", help="A column of which each value becomes an input. May be repeated."
    ),
]
WhatToPredict = Annotated[
    TargetType | None,
    typer.Option(
        "--target-type", help="What to predict. Default: classes for text and at most 20 whole numbers, else numbers."
    ),
]
PlugIns = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        parser=path_given,
        help="A Python file that adds activations, measures or other entries; it is executed. May be repeated.",
    ),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="Compute a tenth of the draws, steps and replicates. The study and its results are named NAME-quick.",
    ),
]


@dataclass(frozen=True)
class SpecOptions:
    """The specs that a command line names, and how it changes them.

    Attributes:
        paths: Spec files or folders.
        in_part: Whether to use the quick version of each spec.
        changes: Changes, KEY=VALUE each.
        data: Data files, NAME=FILE each.
        plugins: Files of plug-ins.
    """

    paths: list[Path]
    in_part: bool = False
    changes: list[str] | None = None
    data: list[str] | None = None
    plugins: list[Path] | None = None

"""What commands take: arguments and options that several have, and the exit codes that they end with."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

LACKING = 1
FAULTY = 2
UNEXPECTED = 3
INTERRUPTED = 130


class Device(StrEnum):
    """Where networks are computed."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


Specs = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", help="Spec files, or folders: their .toml files, not their subfolders."),
]
ResultsFolder = Annotated[Path, typer.Option("--results", metavar="DIR", help="Where results are kept.")]
MustHold = Annotated[
    bool, typer.Option("--claims-must-hold", help="Exit code 3 where a claim's verdict is not the expected one.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Try a change without a new file, such as family.parameters=5000 or claim.0.margin=0.1; the value is "
        "TOML, none takes the key out. May be repeated. Results go to a folder of the change's own.",
    ),
]
PlugIns = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="A Python file, which is run, with activations, measures, ... of your own; may be given more than once.",
    ),
]
Quick = Annotated[
    bool, typer.Option("--quick", help="A tenth of the draws, steps and replicates, under a name that says so.")
]

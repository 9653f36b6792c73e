"""Print the versions that results depend on, and what computes."""

from suite.cli.errors import echo
from suite.native.build import kernels, reason
from suite.results.provenance import environment


def print_versions() -> None:
    """Print the versions of the suite, Python and packages, the commit, and which kernels compute or why none do.

    Raises:
        ValueError: If SUITE_KERNELS is invalid, or requires kernels that cannot be compiled.
    """
    found = environment({})
    packages = found.pop("packages")
    for name, value in {**found, **packages}.items():
        echo(f"{name:20}{value or 'unknown'}")
    why = reason()
    echo(f"{'kernels':20}{kernels()}{f' ({why})' if why else ''}")

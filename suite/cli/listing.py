"""The commands that say what a spec may say: list, schema."""

from typing import Annotated

import typer

from suite.cli.app import app
from suite.cli.endings import errors_as_exit_codes, fail
from suite.cli.folders import plug_in
from suite.cli.options import PlugIns


def _known(incomplete: str) -> list[str]:
    """For the shell to complete."""
    from suite.cli.entries import names  # noqa: PLC0415  # --help is instant

    return [name for name in names() if name.startswith(incomplete)]


@app.command("list", short_help="List what a spec can name.")
def list_entries(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="One of them, or a quantity: all there is to say of it; or a heading, such as measures.",
            autocompletion=_known,
        ),
    ] = None,
    plugins: PlugIns = None,
) -> None:
    """List what a spec can name: measures, activations, initialisations, tasks, domains, optimisers, claims."""
    with errors_as_exit_codes():
        from suite.cli.entries import keys_told, names, overview, told  # noqa: PLC0415  # as above
        from suite.spec.problems import near_to, or_plugged_in, printable  # noqa: PLC0415  # as above

        plug_in(plugins)
        lines = list(overview() if name is None else told(name) if name in names() else keys_told(name))
        if name is not None and not lines:
            near = near_to(name, names())
            cure = f"did you mean {near}?" if near else "`list` names all there is"
            fail(f"error: there is no {printable(name)}; {or_plugged_in(cure)}")
        for line in lines:
            typer.echo(line)


@app.command(short_help="Print the JSON schema of specs, for editors.")
def schema(plugins: PlugIns = None) -> None:
    """Print the JSON schema of specs, by which editors complete and check them as they are written."""
    with errors_as_exit_codes():
        from suite.spec.schema import schema_text  # noqa: PLC0415  # as above

        plug_in(plugins)
        typer.echo(schema_text(), nl=False)

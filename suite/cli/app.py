"""The application that commands belong to."""

import typer

app = typer.Typer(
    help="Benchmarks of what makes multi-layer perceptrons trainable: specs in, tables and charts out.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

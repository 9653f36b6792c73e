"""The command that says what a spec will do: explain."""

from suite.cli.app import app
from suite.cli.endings import echo, errors_as_exit_codes, warn
from suite.cli.folders import loaded, plug_in
from suite.cli.options import Changes, PlugIns, Quick, Specs


@app.command(short_help="Say in words what specs will do.")
def explain(paths: Specs, in_part: Quick = False, changes: Changes = None, plugins: PlugIns = None) -> None:
    """Say in words what specs will do: networks, measures, training, claims and tournament. Computes nothing."""
    with errors_as_exit_codes():
        from suite.runs.explain import lines_of  # noqa: PLC0415  # --help is instant
        from suite.spec.statements import statements  # noqa: PLC0415  # as above

        plug_in(plugins)
        for number, study in enumerate(loaded(paths, changes, in_part)):
            warn(study.warnings)
            words = list(statements(study.spec, study.members))
            for line in [*([""] if number else []), *lines_of(study), *([""] if words else []), *words]:
                echo(line)

"""The command that recommends a network for a data file."""

from pathlib import Path

from suite.cli.errors import echo, options_named
from suite.cli.folders import check_folder, load_plugins
from suite.report.recommendation import format_leaderboard
from suite.runs.progress import StatusLine
from suite.runs.recommend import recommend_network, study_of_file, write_recommendation
from suite.spec.recommendation import DataOptions


def recommend(
    file: Path,
    options: DataOptions,
    parameters: int | None,
    spec: Path | None,
    trainings: float | None,
    seconds: float | None,
    results: Path,
    plugins: list[Path] | None,
) -> None:
    """Recommend a network; print the leaderboard, and write it into the results folder with the spec and a page."""
    check_folder(results)
    load_plugins(plugins)
    with options_named():
        study = study_of_file(file, options, parameters, spec, results)
    with StatusLine() as status:

        def announce(line: str) -> None:
            status.show(f"{study.spec.name}: {line}", always=False)

        found = recommend_network(study, trainings, seconds, announce)
    folder = write_recommendation(found, results)
    for line in format_leaderboard(found.leaderboard, found.linear, found.summary):
        echo(line)
    echo(f"page, leaderboard and code: {folder}")

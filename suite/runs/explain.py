"""Explain a study before it runs: its members, measures, training, claims and predictors."""

from collections.abc import Iterator, Sequence
from typing import Any

from suite.catalog.datasets import Dataset, describe_table
from suite.catalog.domain import TrainingPoints
from suite.catalog.measures import MEASURES, TRAINING
from suite.catalog.precision import Precise
from suite.catalog.predict import BASELINES, candidates
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Choice, Settings
from suite.catalog.shown import written
from suite.cells.cell import Cell
from suite.cells.sampling import cells_of
from suite.formatting import align, format_count
from suite.spec.load import Study
from suite.spec.members import Member, member_axes

_MOST_LISTED = 60
"""Maximum number of members that are listed; a study may have thousands."""


def explain(study: Study) -> Iterator[str]:
    """Yield lines that describe a study.

    Numbers of networks and cells are exact, except for precision targets, which add draws in sampling rounds.
    """
    spec, cells = study.spec, cells_of(study)
    yield f"{spec.name}: {spec.title}"
    domain = ", ".join(f"{key} = {_format_value(value)}" for key, value in spec.domain.parameters.items())
    yield f"seed {spec.seed}; domain: {spec.domain.kind}{f'({domain})' if domain else ''}"
    yield ""
    yield from _members(study.members)
    yield ""
    yield from _measures(study, cells)
    if spec.claim:
        yield ""
        yield format_count(len(spec.claim), "claim") + ":"
        for claim in spec.claim:
            expected = "" if claim.expected == "holds" else f" (expected: {claim.expected})"
            yield f"  {claim.test}: {claim.says}{expected}"
    if spec.predict:
        asked = spec.predict.predictors or tuple(candidates(spec.measures))
        yield ""
        signed = [f"-{name}" if QUANTITIES[name].sign < 0 else name for name in asked]
        yield f"{format_count(len(asked), 'predictor')} of {', '.join(spec.predict.outcome)}: {', '.join(signed)}"
        yield f"compared with {format_count(len(BASELINES), 'baseline')}: {', '.join(BASELINES)}"


def _format_value(value: float | tuple[float, ...]) -> str:
    """Format one number, or one for each input."""
    if isinstance(value, tuple) and len(value) > 1:
        return f"[{', '.join(f'{each:g}' for each in value)}]"
    return f"{value[0] if isinstance(value, tuple) else value:g}"


def _members(members: Sequence[Member]) -> Iterator[str]:
    """Yield a table of the members: name, varied axes, parameters, deviation from the budget, widths."""
    shown = members[:_MOST_LISTED]
    axes = [axis for axis in member_axes(members) if len({member.axes.get(axis) for member in members}) > 1]
    rows = [["member", *axes, "parameters", "deviation from budget", "widths, from inputs to outputs"]]
    for member in shown:
        budget = member.axes.get("budget")
        deviation = f"{100 * (member.parameters / budget - 1):+.2f}%" if budget else ""
        values = [str(member.axes.get(axis, "")) for axis in axes]
        rows.append([member.name, *values, f"{member.parameters:,}", deviation, format_widths(member.widths)])
    yield format_count(len(members), "member") + ":"
    yield from (f"  {line}" for line in align(rows))
    if len(members) > len(shown):
        yield f"  and {len(members) - len(shown):,} more"


def format_widths(widths: Sequence[int]) -> str:
    """Return widths with equal neighbors written once: `2-13x8-12-1`."""
    runs: list[list[int]] = []
    for width in widths:
        if runs and runs[-1][0] == width:
            runs[-1][1] += 1
        else:
            runs.append([width, 1])
    return "-".join(f"{width}x{times}" if times > 1 else str(width) for width, times in runs)


def _measures(study: Study, cells: Sequence[Cell]) -> Iterator[str]:
    """Yield each measure's summary, settings, and number of networks and cells."""
    yield f"{format_count(len(study.spec.measures), 'measure')}, {format_count(len(cells), 'cell')}:"
    for name, settings in study.spec.measures.items():
        own = [cell for cell in cells if cell.name == name]
        yield f"  {name}: {MEASURES[name].summary}"
        yield from _settings(settings, hidden=("lines",) if isinstance(study.spec.domain, TrainingPoints) else ())
        networks = sum(cell.draws * len(cell.optimizers) for cell in own)
        more = ""
        if isinstance(settings, Precise) and settings.precision is not None:
            more = f" in the first sampling round, up to {settings.max_draws:,} draws per member"
        if own:
            noun = "training" if name == TRAINING else "network"
            yield f"    {format_count(networks, noun)} in {format_count(len(own), 'cell')}{more}"
    if pictures := sum(not cell.in_tables for cell in cells):
        yield f"  landscapes of random networks for the report: {format_count(pictures, 'cell')}"


def _settings(settings: Settings, hidden: Sequence[str]) -> Iterator[str]:
    """Yield a measure's settings: plain values in one line, one more line per task or optimizer."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in settings.model_dump() if name not in hidden}
    plain = {key: value for key, value in values.items() if value is not None and not _chosen(value)}
    if plain:
        yield "    " + ", ".join(f"{key} = {written(value)}" for key, value in plain.items())
    for key, value in values.items():
        for choice in _chosen(value):
            yield f"    {key}: {choice.label}"
            if isinstance(choice, Dataset):
                yield from (f"      {line}" for line in describe_table(choice.facts))


def _chosen(value: object) -> tuple[Choice, ...]:
    """Return the catalog's entries that a value consists of, if any."""
    chosen = value if isinstance(value, tuple) else (value,)
    return tuple(each for each in chosen if isinstance(each, Choice))

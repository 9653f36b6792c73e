"""This module checks whether a study can run on this machine, and whether its tables suit each other."""

from collections.abc import Iterator, Sequence

from suite.catalog.charts import charts
from suite.catalog.charts.declaration import PLANE, TOURNAMENT
from suite.catalog.datasets import Dataset
from suite.catalog.domain import GRID_INPUTS, Region, TrainingPoints
from suite.catalog.limits import MOST_CELLS
from suite.catalog.measures import MEASURES, TRAINING
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import recorded_steps
from suite.catalog.precision import Precise, precision_asked
from suite.catalog.predict import BASELINES, FEWEST, SHALLOWEST, Predict, candidates
from suite.catalog.quantities import QUANTITIES
from suite.catalog.shown import shown
from suite.formatting import format_bytes, format_count
from suite.spec.claim_checks import check_claims
from suite.spec.claim_power import check_sizes
from suite.spec.claims import asked_for, check_names_in_claims, check_where, values_of_axes
from suite.spec.division import count_cells
from suite.spec.members import Finding, Member
from suite.spec.memory import memory_limit
from suite.spec.model import Spec
from suite.spec.problems import nearest
from suite.spec.suitability import check_measures

_COPIES = 4
"""The number of float64 copies of a network's parameters that a measure or the trainer holds at once."""

_FLOAT64 = 8
"""Bytes of a number."""


def check_study(spec: Spec, members: Sequence[Member], complete: bool = True) -> Iterator[Finding]:
    """Yield findings on a study whose tables are all valid by themselves.

    A finding is an error that keeps the study from running, or a warning.

    Args:
        spec: The spec.
        members: The members that can be built.
        complete: Whether these are all members. If not, the others have errors of their own, and nothing is said about
            the number of members.
    """
    yield from _too_large(spec, members)
    yield from list(_too_many_cells(spec, members)) or _too_many_rows(spec, members)
    yield from _too_many_points(spec, members)
    yield from _too_much_data(spec)
    yield from check_measures(spec, members, memory_limit())
    yield from check_names_in_claims(spec, members)
    yield from check_claims(spec, members)
    if complete:
        yield from check_sizes(spec, members)
    yield from _check_predict(spec, members, complete)
    yield from _check_picture(spec)


def _too_large(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding if the largest network needs more than this machine's memory."""
    largest = max(members, key=lambda member: member.parameters, default=None)
    if largest is None:
        return
    need = largest.parameters * _FLOAT64 * _COPIES
    if need > memory_limit():
        size = "width" if "width" in largest.axes else "parameters"
        amount = largest.axes.get("width", largest.axes.get("budget"))
        asked = next(n for n, family in enumerate(spec.family) if amount in (getattr(family, size) or ()))
        yield Finding(
            ("family", asked, size),
            f"one network of {largest.parameters:,} parameters needs {format_bytes(need)} of memory, "
            f"this machine has {format_bytes(memory_limit())}; use fewer parameters",
        )


def _too_many_cells(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield a finding at the measure with the most cells if the study has too many cells."""
    cells = count_cells(spec.measures, members, spec.domain)
    if (number := sum(cells.values())) > MOST_CELLS:
        name = max(cells, key=lambda name: cells[name])
        key = MEASURES[name].draws_key
        yield Finding(
            ("measure", name, key),
            f"the study has {format_count(number, 'cell')}, more than {MOST_CELLS:,} ({cells[name]:,} of {name}); "
            f"use fewer {key} or members",
        )


def _too_many_rows(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield measures whose tables of raw values need more than this machine's memory."""
    for name, settings in spec.measures.items():
        precise = settings if isinstance(settings, Precise) and precision_asked(settings) else None
        draws = precise.max_draws if precise else getattr(settings, "draws", 1)
        records = len(recorded_steps(spec.training.steps)) if spec.training and name == TRAINING else 1
        values = draws * records * sum(member.depth + 1 if MEASURES[name].layered else 1 for member in members)
        need = 16 * values * _FLOAT64
        if need > memory_limit():
            number = f"{draws:,} draws of {format_count(len(members), 'member')}"
            what = f"{format_bytes(need)} of memory, this machine has {format_bytes(memory_limit())}"
            if precise:
                key = "max_draws" if "max_draws" in precise.model_fields_set else "precision"
                message = f"the tables of up to {number} can need {what}; set a lower max_draws"
                yield Finding(("measure", name, key), message, fatal=False)
            else:
                key = MEASURES[name].draws_key
                yield Finding(("measure", name, key), f"the tables of {number} need {what}; use fewer {key}")


def _too_many_points(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield measures whose sample of the domain needs more than this machine's memory."""
    for name, settings in spec.measures.items():
        if not isinstance(settings, OnTheDomain):
            continue
        for inputs in sorted({member.widths[0] for member in members}):
            points = _number_of_points(spec, name, settings, inputs)
            need = points * (inputs + 8) * _FLOAT64
            if need > memory_limit():
                on_data = isinstance(spec.domain, TrainingPoints)
                key = () if on_data else ("step" if inputs <= GRID_INPUTS else "lines",)
                yield Finding(
                    ("measure", name, *key),
                    f"{points:,} points of {format_count(inputs, 'input')} need {format_bytes(need)} of memory, this "
                    f"machine has {format_bytes(memory_limit())}; "
                    f"use {'fewer training points' if on_data else 'a larger step or fewer lines'}",
                )


def _number_of_points(spec: Spec, name: str, settings: OnTheDomain, inputs: int) -> int:
    """Return the number of points of a measure's sample of the domain; 0 if it has none, or an error of its own."""
    domain, measure = spec.domain, MEASURES[name]
    if isinstance(domain, TrainingPoints):
        points = spec.training.task[0].points[0] if spec.training and measure.inputs == "domain" else 0
        return domain.evaluations(inputs, points) if measure.along_lines else points
    assert isinstance(domain, Region)
    if settings.step is None or domain.dimension not in (None, inputs):
        return 0
    return domain.points(inputs, settings.step, settings.lines)


def _too_much_data(spec: Spec) -> Iterator[Finding]:
    """Yield tasks whose data sets need more than this machine's memory."""
    for task in spec.training.task if spec.training else ():
        need = sum(task.points) * (task.inputs + task.outputs) * _FLOAT64
        if need * 2 > memory_limit():
            yield Finding(
                ("measure", TRAINING, "task", "split" if isinstance(task, Dataset) else "train"),
                f"the data of one replicate need {format_bytes(need)} of memory, this machine has "
                f"{format_bytes(memory_limit())}; use fewer points",
            )


def _check_picture(spec: Spec) -> Iterator[Finding]:
    """Yield a finding if `picture` is not a chart of the report, or shows nothing that the study measures."""
    if spec.picture is None:
        return
    there = {quantity for name in spec.measures for quantity in MEASURES[name].quantities}
    there |= {TOURNAMENT} if spec.predict is not None else set()
    there |= {PLANE} if _has_plane(spec) else set()
    known = charts()
    possible = {
        name: None
        for name, chart in known.items()
        if (all if chart.every else any)(quantity in there for quantity in chart.quantities)
    }
    if spec.picture not in possible:
        why = "shows no quantity of this study" if spec.picture in known else "is not a chart of the report"
        yield Finding(("picture",), f"{shown(spec.picture)} {why}; {nearest(spec.picture, possible)}")


def _has_plane(spec: Spec) -> bool:
    """Return whether networks have two inputs, and the domain or a task has a box to draw."""
    tasks = spec.training.task if spec.training else ()
    boxed = isinstance(spec.domain, Region) or any(task.half_width for task in tasks)
    return boxed and any(GRID_INPUTS in (family.inputs or ()) for family in spec.family)


def _check_predict(spec: Spec, members: Sequence[Member], complete: bool) -> Iterator[Finding]:
    """Yield findings on the predictor ranking.

    They are outcomes that the training does not give, predictors that are not available before training or are
    baselines, axes and values in `where` that no member has, and too few members.
    """
    predict = spec.predict
    if predict is None:
        return
    yield from _check_outcomes(spec, predict)
    known = candidates(spec.measures)
    for name in predict.predictors or ():
        if name in BASELINES:
            yield Finding(
                ("predict", "predictors"), f"{shown(name)} is a baseline, which is always included; remove it"
            )
        elif name not in known:
            why = "not a quantity"
            if name in QUANTITIES:
                trained = any(name in m.quantities for m in MEASURES.values() if m.inputs == "training")
                why = "known only after training" if trained else "not measured in this study"
            if name in QUANTITIES and not QUANTITIES[name].sign:
                why = "not a property of a network"
            yield Finding(("predict", "predictors"), f"{shown(name)} is {why}; {nearest(name, known)}")
    if not members:  # a study without members has an error of its own
        return
    yield from check_where(("predict", "where"), predict.where, values_of_axes(spec, members))
    deep = sum(member.depth >= SHALLOWEST for member in asked_for(members, predict.where))
    if complete and deep < FEWEST:
        yield Finding(
            ("predict",),
            f"{deep} {'member has' if deep == 1 else 'members have'} {SHALLOWEST} or more hidden layers, "
            f"too few for a ranking; use {FEWEST} or more",
        )


def _check_outcomes(spec: Spec, predict: Predict) -> Iterator[Finding]:
    """Yield outcomes that the study's training does not give."""
    if not spec.training:
        yield Finding(("predict", "outcome"), "the study trains no networks; add [measure.accuracy]")
        return
    for outcome in predict.outcome:
        if outcome == "test_error" and not any(task.regression for task in spec.training.task):
            hint = "use test_accuracy or train_loss"
            yield Finding(("predict", "outcome"), f"test_error requires a regression task; {hint}")
        if outcome == "test_r2" and not any(task.regression and task.has_r2 for task in spec.training.task):
            hint = "use another outcome, such as train_loss"
            yield Finding(("predict", "outcome"), f"test_r2 requires a regression on the rows of a file; {hint}")
        if outcome == "test_accuracy" and all(task.regression for task in spec.training.task):
            hint = "use test_error or train_loss"
            yield Finding(("predict", "outcome"), f"test_accuracy requires a task with classes; {hint}")

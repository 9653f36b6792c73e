"""What a study will do, in words: its networks, what is measured of them, how they are trained. Computes nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod

from suite.catalog.domain import Domain
from suite.catalog.initializations import DataDependent
from suite.catalog.measures import MEASURES, TRAINING
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.training import AccuracySettings, recorded_steps
from suite.catalog.optimizers import Optimizer
from suite.catalog.precision import DRAWS_A_CELL, Precise
from suite.catalog.settings import Settings
from suite.catalog.tasks import Task
from suite.cells.cell import Cell
from suite.cells.sampling import cells_of
from suite.formatting import counted, pieces
from suite.spec.load import Study
from suite.spec.members import Member
from suite.spec.model import Family
from suite.spec.statements import listed

_SHAPES = 40
"""Shapes of networks that are listed; a study may have thousands."""


def lines_of(study: Study) -> Iterator[str]:
    """A study's networks, measures and training, with exact numbers of parameters, draws and pieces of work."""
    cells = cells_of(study)
    spec = study.spec
    yield f"{spec.name}: {spec.title}"
    yield f"  All randomness follows from the seed, {spec.seed}; inputs lie in a {_domain(spec.domain)}."
    yield ""
    yield from _networks(study)
    yield ""
    yield from _measures(study, cells)
    if spec.training:
        yield ""
        yield from _training(study, spec.training, cells)
    yield ""
    own = sum(cell.in_tables for cell in cells)
    pictures = len(cells) - own
    drawn = f", and {counted(pictures, 'picture')} of random networks for the report" if pictures else ""
    plan = "plan --quick" if "--quick" in study.asked else "plan"
    yield f"That is {pieces(own)}{drawn}; `{plan}` says about what time and memory they take."


def _domain(domain: Domain) -> str:
    about = [f"{key.replace('_', ' ')} {value:g}" for key, value in domain.parameters.items()]
    return f"{domain.kind} of {listed(about)}"


def _networks(study: Study) -> Iterator[str]:
    yield f"Networks: {counted(len(study.members), 'member')}, each an architecture whose weights are drawn at random."
    for number, family in enumerate(study.spec.family, start=1):
        yield from _family(f"family {number}" if len(study.spec.family) > 1 else "family", family)
    if _combinations(study.spec.family) > len(study.members):
        yield "  What several families have counts once."
    shapes = Counter((member.widths, member.parameters, _budget(member)) for member in study.members)
    yield "  widths, from inputs to outputs (units x layers), and exact numbers of parameters:"
    for (widths, parameters, budget), number in list(shapes.items())[:_SHAPES]:
        off = f", {100 * (parameters / budget - 1):+.2f}% of the budget" if budget else ""
        depth = f"depth {len(widths) - 2}"
        yield f"    {depth:<9} {_in_layers(widths)}: {parameters:,} parameters{off}; {counted(number, 'member')}"
    if len(shapes) > _SHAPES:
        yield f"    and {counted(len(shapes) - _SHAPES, 'shape')} more"


def _axes(family: Family) -> dict[str, Sequence[object]]:
    axes: dict[str, Sequence[object]] = {
        "parameters": tuple(f"{budget:,}" for budget in family.parameters or ()),
        "width": family.width or (),
        "inputs": family.inputs,
        "outputs": family.outputs,
        "depth": family.depth,
        "activation": tuple(entry.label for entry in family.activation),
        "initialization": tuple(entry.label for entry in family.initialization),
        "normalization": family.normalization if family.normalization != ("none",) else (),
        "residual": tuple("yes" if on else "no" for on in family.residual) if any(family.residual) else (),
    }
    return {axis: values for axis, values in axes.items() if values}


def _family(name: str, family: Family) -> Iterator[str]:
    axes = _axes(family)
    varied = [f"{len(values)} of {axis}" for axis, values in axes.items() if len(values) > 1]
    product = " x ".join(varied) if varied else "one value of each axis"
    yield f"  {name}: {product}: {counted(_combinations([family]), 'member')}"
    for axis, values in axes.items():
        within = f" (each member within {100 * family.tolerance:g}%)" if axis == "parameters" else ""
        yield f"    {axis}: {listed(values)}{within}"


def _combinations(families: Sequence[Family]) -> int:
    return sum(prod(len(values) for values in _axes(family).values()) for family in families)


def _budget(member: Member) -> int:
    """What its parameters were to be; 0 where widths were given."""
    return int(member.axes.get("budget", 0))


def _in_layers(widths: Sequence[int]) -> str:
    """Widths, with those of several layers in a row written once."""
    first, *hidden, last = widths
    runs = [(width, len(list(some))) for width, some in groupby(hidden)]
    inside = [f"{width} x {times}" if times > 1 else str(width) for width, times in runs]
    return " - ".join([str(first), *inside, str(last)])


def _measures(study: Study, cells: Sequence[Cell]) -> Iterator[str]:
    """What is measured of random networks."""
    yield "Measured of random networks, before any training:"
    shown = False
    for name, settings in study.spec.measures.items():
        if MEASURES[name].inputs == "training":
            continue
        shown = True
        own = [cell for cell in cells if cell.name == name]
        yield f"  {name}: {MEASURES[name].summary}"
        yield f"    {_draws(name, settings, own)}{_looked_at(settings, own)}; {pieces(len(own))}"
    if not shown:
        yield "  nothing"
    if any(isinstance(member.initialization, DataDependent) for member in study.members):
        yield "  Members under data_dependent are drawn, and measured, once for each training task."


def _draws(name: str, settings: Settings, own: Sequence[Cell]) -> str:
    total = sum(cell.stop - cell.start for cell in own)
    if isinstance(settings, Precise) and settings.precision is not None:
        of = settings.precision_of or MEASURES[name].primary
        least, most = DRAWS_A_CELL, settings.max_draws
        return (
            f"as many draws of each member as bring half the 95% interval of {of} to {settings.precision:g} (of a "
            f"frequency, or of the mean), {f'from {least:,} to {most:,}' if most > least else f'{most:,} at most'}; "
            f"at first {total:,} networks in all"
        )
    draws = getattr(settings, "draws", None)
    if draws is None:
        return "computed from the architecture alone"
    seen: dict[str, set[Task | None]] = {}
    for cell in own:
        seen.setdefault(cell.member.name, set()).add(cell.task)
    tasks = min(map(len, seen.values()), default=1)
    return f"{counted(draws, 'draw')} of each member{_each_task(tasks)}, {total:,} networks in all"


def _each_task(tasks: int) -> str:
    return f" and each of {tasks} tasks" if tasks > 1 else ""


def _looked_at(settings: Settings, own: Sequence[Cell]) -> str:
    """Where a measure looks at them."""
    if not isinstance(settings, OnTheDomain) or not own:
        return ""
    points = sorted({cell.points for cell in own})
    where = "of the task" if not own[0].sampled else f"{own[0].settings.step:g} apart"  # type: ignore[attr-defined]
    return f", at {listed([f'{number:,}' for number in points], 'or')} points {where}"


def _training(study: Study, accuracy: AccuracySettings, cells: Sequence[Cell]) -> Iterator[str]:
    own = [cell for cell in cells if cell.trains]
    trainings = sum(cell.draws * len(cell.optimizers) for cell in own)
    several = " x ".join(
        counted(number, noun)
        for number, noun in (
            (len(study.members), "member"),
            (accuracy.replicates, "replicate"),
            (len(accuracy.task), "task"),
            (len(accuracy.optimizer), "optimiser setting"),
        )
    )
    yield f"Trained: {several} = {counted(trainings, 'training')} of {accuracy.steps:,} steps; {pieces(len(own))}"
    yield "  Replicate i starts from draw i of its member, on data of its own."
    for task in accuracy.task:
        yield from _task(task, accuracy)
    for optimizer in accuracy.optimizer:
        yield f"  by {optimizer.label}, {_epochs(optimizer, accuracy)}"
    yield from _choice(accuracy)
    yield f"  looked at {len(recorded_steps(accuracy.steps))} times, at steps that grow by about sqrt(2)"
    for name in study.spec.measures:
        if MEASURES[name].inputs == "training" and name != TRAINING:
            yield f"  {name}, in the same trainings: {MEASURES[name].summary}"


def _task(task: Task, accuracy: AccuracySettings) -> Iterator[str]:
    train, validation, test = task.points
    yield (
        f"  on {_named(task)}: {train:,} points to train on, {validation:,} to choose on, {test:,} to judge on; "
        f"{task.formula}; the loss is {task.loss.replace('_', ' ')}"
    )
    if task.regression:
        yield f"    success: a test error of {accuracy.max_error or task.error:g} or less after the last step"
    else:
        yield f"    success: a test accuracy of {accuracy.success:g} or more after the last step"


def _named(task: Task) -> str:
    """A task with its own parameters; how many points it has is told beside it."""
    own = {key: value for key, value in task.parameters.items() if key not in Task.model_fields}
    return task.name + (f" ({listed([f'{key} = {value}' for key, value in own.items()])})" if own else "")


def _epochs(optimizer: Optimizer, accuracy: AccuracySettings) -> str:
    passes = sorted({accuracy.steps / (task.train // optimizer.batch) for task in accuracy.task})
    return f"{listed([f'{each:,.3g}' for each in passes], 'or')} passes through the training points"


def _choice(accuracy: AccuracySettings) -> Iterator[str]:
    """That learning rates are chosen among, where there are several."""
    rates: dict[str, set[float]] = {}
    for optimizer in accuracy.optimizer:
        rates.setdefault(repr(optimizer.model_copy(update={"learning_rate": 1.0})), set()).add(optimizer.learning_rate)
    if any(len(some) > 1 for some in rates.values()):
        yield "  Of learning rates the best is chosen for each member, by the mean validation score at the end."

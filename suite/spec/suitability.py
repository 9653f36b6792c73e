"""Whether a study's measures, tasks, domain and networks suit each other."""

from collections.abc import Iterator, Sequence
from itertools import product

from suite.catalog.activations import Identity, Relu
from suite.catalog.initializations import DataDependent
from suite.catalog.measures import MEASURES
from suite.catalog.measures.scores import FEWEST_CORRELATED
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.signal import CorrelationSettings
from suite.catalog.measures.training import AccuracySettings, FeatureDiversitySettings
from suite.catalog.optimizers import Optimizer
from suite.catalog.precision import Precise
from suite.catalog.shown import shown
from suite.catalog.tasks import Task
from suite.formatting import counted
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest


def unsuitable(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """What two tables of a spec ask for that does not go together."""
    yield from _steps(spec)
    yield from _precise_quantities(spec)
    yield from _plain_only(spec, members)
    yield from _pairs(spec, members)
    yield from _without_score(spec, members)
    yield from _idle(spec, members)
    accuracy = spec.measures.get("accuracy")
    if isinstance(accuracy, AccuracySettings):
        for task, optimizer in product(accuracy.task, accuracy.optimizer):
            yield from _task(task, optimizer, members)
        yield from _success(accuracy)
        yield from _bound(spec, accuracy)
        yield from _features(spec, accuracy.task, members)
    else:
        yield from _nothing_trained(spec)
    yield from _data_dependent(spec, trained=isinstance(accuracy, AccuracySettings))


def _steps(spec: Spec) -> Iterator[Finding]:
    side = 2 * spec.domain.extent
    for name, settings in spec.measures.items():
        if isinstance(settings, OnTheDomain) and settings.step is not None and not spec.domain.divides(settings.step):
            fewest = spec.domain.fewest
            cure = side / max(fewest, spec.domain.intervals(settings.step))
            yield Finding(
                ("measure", name, "step"),
                f"{settings.step:g} does not divide the domain's side of {side:g} into {fewest} steps or more; "
                f"take {side:g}/n, such as {cure!r}",
            )


def _precise_quantities(spec: Spec) -> Iterator[Finding]:
    for name, settings in spec.measures.items():
        if isinstance(settings, Precise) and settings.precision_of is not None:
            known = MEASURES[name].quantities
            if settings.precision_of not in known:
                yield Finding(
                    ("measure", name, "precision_of"),
                    f"{shown(settings.precision_of)} is no quantity of {name}; {nearest(settings.precision_of, known)}",
                )


def _plain_only(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    changed = next((member for member in members if not member.plain), None)
    for name in spec.measures:
        if changed and MEASURES[name].plain:
            yield Finding(
                ("measure", name),
                f"{name} is defined for networks without normalisation and residual connections, there are some with "
                f"{_options(changed)}; drop the measure, or give those networks a spec of their own",
            )


def _options(member: Member) -> str:
    """What keeps a member from being plain, as a spec writes it."""
    normalized = [f'normalization = "{member.normalization}"'] if member.normalized else []
    return " and ".join([*normalized, *(["residual = true"] if member.residual else [])])


def _pairs(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    narrow = any(member.widths[0] == 1 for member in members)
    if narrow and isinstance(spec.measures.get("correlation"), CorrelationSettings):
        yield Finding(
            ("measure", "correlation"),
            "two inputs at an angle need inputs = 2 or more; change the family or drop the measure",
        )
    if "jacobian" in spec.measures and members and all(member.depth == 1 for member in members):
        yield Finding(
            ("measure", "jacobian"),
            "the Jacobian starts at the first hidden layer's activations; give depth = 2 or more, or drop the measure",
        )


def _without_score(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Zero-cost scores that some networks have none of, whatever their weights."""
    few = sorted({member.widths[0] for member in members if member.widths[0] < FEWEST_CORRELATED})
    if few and "jacobian_covariance" in spec.measures:
        yield Finding(
            ("measure", "jacobian_covariance"),
            f"gradients by {counted(few[0], 'input')} correlate by 1, by -1 or not at all, whatever the network: such "
            f"members have no score; give inputs = {FEWEST_CORRELATED} or more, or drop the measure",
            fatal=False,
        )
    if "naswot" in spec.measures and any(isinstance(member.activation, Identity) for member in members):
        yield Finding(
            ("measure", "naswot"),
            "units of the identity are neither on nor off: such members have no score; take another activation, or "
            "drop the measure",
            fatal=False,
        )


def _idle(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Options that change nothing, or that leave networks nothing to learn with."""
    for place, family in enumerate(spec.family):
        if any(family.residual) and 1 in family.depth:
            yield Finding(
                ("family", place, "residual"),
                "with one hidden layer there is none below to add; such members are plain networks of another name",
                fatal=False,
            )
    if any(member.normalization == "layer" and 1 in member.widths[1:-1] for member in members):
        yield Finding(
            ("family",), "layer normalisation of a layer of one unit is constant; give wider layers, or drop it"
        )


def _success(accuracy: AccuracySettings) -> Iterator[Finding]:
    """Thresholds that no task is judged by."""
    if accuracy.max_error is not None and not any(task.regression for task in accuracy.task):
        yield Finding(("measure", "accuracy", "max_error"), "no task here is a regression; drop the key", fatal=False)
    if "success" in accuracy.model_fields_set and all(task.regression for task in accuracy.task):
        yield Finding(
            ("measure", "accuracy", "success"),
            "regressions are judged by max_error, not by an accuracy; drop the key",
            fatal=False,
        )


def _bound(spec: Spec, accuracy: AccuracySettings) -> Iterator[Finding]:
    """Weight decay moves dead neurons without a gradient, and so may lift success above trainability."""
    decays = any(getattr(optimizer, "weight_decay", 0) > 0 for optimizer in accuracy.optimizer)
    if decays and "trainability" in spec.measures:
        yield Finding(
            ("measure", "trainability"),
            "weight decay can revive dead neurons, so that trainability need not bound the success of training",
            fatal=False,
        )


def _task(task: Task, optimizer: Optimizer, members: Sequence[Member]) -> Iterator[Finding]:
    for member in members:
        if (member.widths[0], member.widths[-1]) != (task.inputs, task.outputs):
            yield Finding(
                ("measure", "accuracy", "task", "name"),
                f"{task.label} is for networks with inputs = {task.inputs} and outputs = {task.outputs}, "
                f"the family has inputs = {member.widths[0]} and outputs = {member.widths[-1]}; "
                "change the family or drop the task",
            )
    if task.available is not None and sum(task.points) > task.available:
        train, validation, test = task.points
        yield Finding(
            ("measure", "accuracy", "task", "train"),
            f"{task.name} has {task.available:,} samples, {train:,} + {validation:,} + {test:,} are asked for as "
            "train, validation and test; ask for fewer",
        )
    if optimizer.batch > task.train:
        yield Finding(
            ("measure", "accuracy", "optimizer", "batch"),
            f"a batch of {optimizer.batch} does not fit a training set of {task.train}; lower batch or raise train",
        )
    if optimizer.batch == 1 and any(member.normalization == "batch" for member in members):
        yield Finding(
            ("measure", "accuracy", "optimizer", "batch"),
            "batch normalisation of a single point is constant; raise batch, or drop the normalization",
        )


def _features(spec: Spec, tasks: Sequence[Task], members: Sequence[Member]) -> Iterator[Finding]:
    settings = spec.measures.get("feature_diversity")
    if not isinstance(settings, FeatureDiversitySettings):
        return
    shallowest = min((member.depth for member in members), default=0)
    if settings.layers and members and max(settings.layers) > shallowest:
        yield Finding(
            ("measure", "feature_diversity", "layers"),
            f"there is no hidden layer {max(settings.layers)} in networks of depth {shallowest}; "
            "name layers that all members have",
        )
    for task in tasks:
        if task.regression:
            yield Finding(
                ("measure", "feature_diversity"),
                f"{task.label} has no classes, whose features could be compared; take a task with classes, "
                "or drop the measure",
            )


def _nothing_trained(spec: Spec) -> Iterator[Finding]:
    for name in spec.measures:
        if MEASURES[name].inputs in ("training", "task"):
            looks = (
                "the task that networks are to learn"
                if MEASURES[name].inputs == "task"
                else "networks while they train"
            )
            yield Finding(("measure", name), f"{name} looks at {looks}; add [measure.accuracy], or drop the measure")


def _data_dependent(spec: Spec, trained: bool) -> Iterator[Finding]:
    for place, family in enumerate(spec.family):
        if not any(isinstance(scheme, DataDependent) for scheme in family.initialization):
            continue
        here = ("family", place, "initialization")
        others = [activation.name for activation in family.activation if not isinstance(activation, Relu)]
        if others:
            yield Finding(
                here,
                f'data_dependent makes rectifiers active, the family has {others[0]}; take activation = "relu", or '
                "another initialization",
            )
        if family.normalization != ("none",) or any(family.residual):
            yield Finding(
                here,
                "data_dependent is defined for networks without normalisation and residual connections; take these "
                "out of the family, or another initialization",
            )
        if not trained:
            yield Finding(
                here,
                "data_dependent looks at training points; add [measure.accuracy] with a task, or take another "
                "initialization",
            )

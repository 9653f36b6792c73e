"""This module checks whether a study's measures, tasks, domain and networks suit each other."""

from collections.abc import Iterator, Sequence

from suite.catalog.checks import Asked
from suite.catalog.domain import Box, TrainingPoints
from suite.catalog.initializations import DataDependent
from suite.catalog.measures import MEASURES, problems_of
from suite.catalog.precision import Precise
from suite.catalog.shown import shown
from suite.spec.members import Finding, Member
from suite.spec.model import Spec
from suite.spec.problems import nearest


def check_measures(spec: Spec, members: Sequence[Member], memory: float) -> Iterator[Finding]:
    """Yield findings on measures, options and initializations that do not suit the rest of the study.

    Args:
        spec: The study.
        members: The members of the study.
        memory: The memory of this machine in bytes.
    """
    yield from _check_domain(spec)
    wanted = spec.domain.dimension if isinstance(spec.domain, Box) else None
    members = [member for member in members if wanted in (None, member.widths[0])]  # others have errors of their own
    asked = Asked(members, spec.domain, spec.training, memory)
    for name, settings in spec.measures.items():
        for problem in problems_of(name, settings, asked):
            yield Finding(("measure", name, *problem.key), f"{problem.message}; {problem.hint}", problem.fatal)
    yield from _precise_quantities(spec)
    yield from _idle_options(spec, members)
    if not spec.training:
        yield from _nothing_trained(spec)
    yield from _other_activations(spec)
    yield from _data_dependent(spec, trained=spec.training is not None)


def _check_domain(spec: Spec) -> Iterator[Finding]:
    """Yield a finding if the domain has ends for another number of inputs than a family, or lacks the one task."""
    if isinstance(spec.domain, TrainingPoints):
        tasks = len(spec.training.task) if spec.training else 0
        if tasks == 0:
            yield Finding(("domain",), "data requires a task; add [measure.accuracy] with one, or use a box or ball")
        elif tasks > 1:
            yield Finding(("domain",), f"data requires a single task, the study has {tasks}; use a spec for each task")
        return
    if not isinstance(spec.domain, Box) or spec.domain.dimension is None:
        return
    others = {inputs for family in spec.family for inputs in family.inputs or ()} - {spec.domain.dimension}
    if others:
        yield Finding(("domain",), spec.domain.unsuitable(min(others)))


def _precise_quantities(spec: Spec) -> Iterator[Finding]:
    """Yield measures whose precision is asked of a quantity that they do not have."""
    for name, settings in spec.measures.items():
        if isinstance(settings, Precise) and settings.precision_of is not None:
            known = MEASURES[name].quantities
            if settings.precision_of not in known:
                yield Finding(
                    ("measure", name, "precision_of"),
                    f"{shown(settings.precision_of)} is not a quantity of {name}; "
                    f"{nearest(settings.precision_of, known)}",
                )


def _idle_options(spec: Spec, members: Sequence[Member]) -> Iterator[Finding]:
    """Yield options of families that have no effect, or with which the output of a layer is constant."""
    for place, family in enumerate(spec.family):
        if any(family.residual) and 1 in family.depth:
            yield Finding(
                ("family", place, "residual"),
                "members with one hidden layer have no residual connections; use depth = 2 or more",
                fatal=False,
            )
    if any(member.normalization == "layer" and 1 in member.widths[1:-1] for member in members):
        yield Finding(
            ("family",),
            "layer normalization is constant in a layer of one unit; use wider layers, or remove the normalization",
        )


def _other_activations(spec: Spec) -> Iterator[Finding]:
    """Yield initializations that are made for other activations than the family has."""
    for place, family in enumerate(spec.family):
        for kind in dict.fromkeys(type(scheme) for scheme in family.initialization if scheme.activations):
            others = [entry.name for entry in family.activation if not isinstance(entry, kind.activations)]
            if others:
                scheme, wanted = kind.model_fields[kind.tag].default, kind.activations[0].model_fields["name"].default
                yield Finding(
                    ("family", place, "initialization"),
                    f'{scheme} requires {wanted}, the family has {others[0]}; use activation = "{wanted}", or another '
                    "initialization",
                )


def _nothing_trained(spec: Spec) -> Iterator[Finding]:
    """Yield measures that need training or its task, for a study that has none."""
    for name in spec.measures:
        if MEASURES[name].inputs in ("training", "task"):
            basis = "on the training task" if MEASURES[name].inputs == "task" else "during training"
            message = f"{name} is evaluated {basis}; add [measure.accuracy], or remove the measure"
            yield Finding(("measure", name), message)


def _data_dependent(spec: Spec, trained: bool) -> Iterator[Finding]:
    """Yield options that data-dependent initialization does not support, and families for which data are missing."""
    for place, family in enumerate(spec.family):
        if not any(isinstance(scheme, DataDependent) for scheme in family.initialization):
            continue
        here = ("family", place, "initialization")
        if family.normalization != ("none",) or any(family.residual):
            yield Finding(
                here,
                "data_dependent requires networks without normalization and residual connections; remove these from "
                "the family, or use another initialization",
            )
        if not trained:
            yield Finding(
                here,
                "data_dependent requires training points; add [measure.accuracy] with a task, or use another "
                "initialization",
            )

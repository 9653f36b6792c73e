"""Whether a study that was loaded earlier is of the catalog as it is now, which plug-ins change."""

from collections.abc import Iterator, Mapping
from typing import Any

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.initializations import INITIALIZATIONS
from suite.catalog.measures import MEASURES
from suite.catalog.settings import Choice
from suite.catalog.tasks import TASKS
from suite.spec.load import Study


def check_current(study: Study) -> None:
    """Whether whatever a study has chosen is still there, and of the same plug-in.

    Raises:
        ValueError: something is not; half of its numbers could be of the one, half of the other.
    """
    for name, known, now in _chosen(study):
        if known != now:
            raise ValueError(f"the plug-in of {name} has changed since the spec was loaded; load it again")


def _chosen(study: Study) -> Iterator[tuple[str, str, str | None]]:
    """Names of what the study has chosen, the plug-ins' digests from then, and those of now, None of what has gone."""
    measure = study.spec.measure
    for name in type(measure).model_fields:
        if (settings := getattr(measure, name)) is not None:
            yield name, settings.origin, MEASURES[name].origin if name in MEASURES else None
    for member in study.members:
        yield _of(ACTIVATIONS, member.activation)
        yield _of(INITIALIZATIONS, member.initialization)
    for task in study.spec.training.task if study.spec.training else ():
        yield _of(TASKS, task)


def _of(table: Mapping[str, Any], choice: Choice) -> tuple[str, str, str | None]:
    name = getattr(choice, choice.tag)
    return name, choice.origin, table[name].origin if name in table else None

"""Types for checks of whether a measure suits the networks, the domain and the training of a study."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from suite.catalog.domain import Domain
from suite.catalog.network import Network
from suite.catalog.settings import Settings

if TYPE_CHECKING:  # the declaration of training imports this module
    from suite.catalog.measures.training import AccuracySettings


@dataclass(frozen=True)
class Problem:
    """A reason why a measure does not suit a study.

    Attributes:
        message: What is wrong.
        hint: What the author of a spec can do.
        key: The keys below the measure's table that cause the problem.
        fatal: Whether nothing can be computed; otherwise the problem is a warning.
    """

    message: str
    hint: str
    key: tuple[str, ...] = ()
    fatal: bool = True


@dataclass(frozen=True)
class Asked:
    """The networks, domain and training for which a measure is requested.

    Attributes:
        networks: One of each architecture and initialization.
        domain: The domain on which the networks are evaluated.
        training: The settings of training; None if the networks are not trained.
        memory: The memory of this machine in bytes.
    """

    networks: Sequence[Network]
    domain: Domain
    training: "AccuracySettings | None" = None
    memory: float = inf


def no_checks(asked: Asked, settings: Settings) -> Iterator[Problem]:
    """Yield no problems: the measure suits all networks."""
    yield from ()

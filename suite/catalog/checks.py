"""Whether measures suit the networks, the domain and the training that they are asked of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from suite.catalog.domain import Domain
from suite.catalog.network import Network
from suite.catalog.settings import Settings

if TYPE_CHECKING:  # the declaration of training names its checks, which name this
    from suite.catalog.measures.training import AccuracySettings


@dataclass(frozen=True)
class Problem:
    """A reason why a measure does not suit what it is asked of.

    Attributes:
        message: what is wrong.
        hint: what the author of a spec can do.
        key: the keys below the measure's table that are to blame.
        fatal: whether nothing can be computed; otherwise it is a warning.
    """

    message: str
    hint: str
    key: tuple[str, ...] = ()
    fatal: bool = True


@dataclass(frozen=True)
class Asked:
    """What a measure is asked of.

    Attributes:
        networks: one of each architecture and initialization.
        domain: where they are evaluated.
        training: how they are trained; None if they are not.
        memory: bytes of this machine.
    """

    networks: Sequence[Network]
    domain: Domain
    training: "AccuracySettings | None" = None
    memory: float = inf


def no_checks(asked: Asked, settings: Settings) -> Iterator[Problem]:
    """Yield no problem: the measure suits all networks."""
    yield from ()

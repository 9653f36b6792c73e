"""Dead neurons, and the trainability that they limit (Shin & Karniadakis 2019)."""

from collections.abc import Iterator

from suite.catalog.checks import Asked, Problem
from suite.catalog.measure import POSITIVE, SHARE, Measure, Quantity
from suite.catalog.measures.settings import Draws, InFloats
from suite.catalog.precision import Precise


class DeadNeuronsSettings(InFloats, Precise):
    """Settings of dead neurons; points of the domain are used if death cannot be decided exactly."""

    draws: Draws = 1024


DEAD_NEURONS = Measure(
    "suite.measures.dead_neurons:dead_neurons",
    DeadNeuronsSettings,
    inputs="domain",
    quantities={
        "dead_tentative": Quantity(
            "number of dead neurons that a gradient can revive",
            index=("layer",),
            decided=True,
            sign=-1,
            limits=POSITIVE,
            counts_neurons=True,
        ),
        "dead_permanent": Quantity(
            "number of dead neurons that no gradient can revive",
            index=("layer",),
            decided=True,
            sign=-1,
            theory="suite.theory.quantities:dead_permanent",
            limits=POSITIVE,
            counts_neurons=True,
        ),
        "active": Quantity(
            "number of neurons that are not dead",
            index=("layer",),
            decided=True,
            theory="suite.theory.quantities:active",
            limits=POSITIVE,
            counts_neurons=True,
        ),
        "dead_fraction": Quantity(
            "share of a layer's neurons that are dead",
            index=("layer",),
            decided=True,
            sign=-1,
            theory="suite.theory.quantities:dead_fraction",
            limits=SHARE,
        ),
        "born_dead": Quantity(
            "a hidden layer is dead as a whole, so that the output is constant",
            "frequency",
            decided=True,
            sign=-1,
            theory="suite.theory.quantities:born_dead",
        ),
    },
    version=2,
    summary="dead neurons (constant over the domain) by layer, tentatively or permanently",
    source="Shin & Karniadakis 2019",
    plain=True,
    primary="born_dead",
)


class TrainabilitySettings(InFloats, Precise):
    """Settings of trainability, which counts dead neurons."""

    draws: Draws = 1024


def _check_decay(asked: Asked, settings: TrainabilitySettings) -> Iterator[Problem]:
    """Yield a warning if weight decay can move dead neurons, so that success may exceed trainability."""
    optimizers = asked.training.optimizer if asked.training else ()
    if any(getattr(optimizer, "weight_decay", 0) > 0 for optimizer in optimizers):
        yield Problem(
            "weight decay can revive dead neurons, so success may exceed trainability",
            "set weight_decay = 0, or interpret the bound with care",
            fatal=False,
        )


TRAINABILITY = Measure(
    "suite.measures.trainability:trainability",
    TrainabilitySettings,
    inputs="task",
    quantities={
        "trainability": Quantity(
            "the network has enough live neurons for its task",
            "frequency",
            decided=True,
            theory="suite.theory.quantities:trainability",
        )
    },
    version=2,
    summary="probability that a random network has enough live neurons for its task",
    source="Shin & Karniadakis 2019",
    plain=True,
    primary="trainability",
    checks=_check_decay,
)

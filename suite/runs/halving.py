"""Successive halving: train many configurations briefly, and continue with those that validate best."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import log
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from suite.catalog.optimizers import Optimizer
from suite.nets.ensemble import Ensemble
from suite.nets.threads import one_thread
from suite.nets.torch_settings import standard_settings
from suite.spec.members import Member
from suite.training.accuracy import outputs_on, score_points
from suite.training.networks import draw_networks, ensemble_of
from suite.training.tasks import Data, Points
from suite.training.trainer import State, train

_BUDGET, _FEWEST_TRAININGS = 0.15, 6
"""Default budget: a share of the steps of full trainings of all configurations, and the fewest full trainings."""

_GROWTH = 4
"""Approximate factor by which the steps of rungs grow."""

_SHORTEST_RUNG = 40
"""Fewest steps of the first rung. Some configurations that win in the end start slowly."""

_STEPS_BETWEEN_LOOKS = 50
"""Steps between two looks at the clock."""

_ROUNDING = 1e-9
"""What the quotient of two budgets may lack to the next whole number."""

_FIRST_SHARE = 0.4
"""Largest share of the budget that the first rung may take. If it would take more, configurations are left out.

docs/findings.md has the study by which it was chosen.
"""


class Rung(NamedTuple):
    """A stage of successive halving.

    Attributes:
        configurations: The number of configurations that are trained in it.
        steps: The number of steps after which they are compared.
    """

    configurations: int
    steps: int


def plan_rungs(configurations: int, steps: int, trainings: float) -> list[Rung]:
    """Return the rungs of successive halving within a budget.

    The first rung trains all configurations, or as many as 40% of the budget allow. The later ones share the rest
    equally. The last trains for all steps, at least one configuration.

    Args:
        configurations: The number of configurations.
        steps: The number of steps of a full training.
        trainings: The budget, in full trainings; at least 1.
    """
    lengths = _lengths(steps)
    budget = trainings * steps
    rungs: list[Rung] = []
    left, before, number = budget, 0, configurations
    for place, length in enumerate(lengths):
        share = left / (len(lengths) - place) if place else _FIRST_SHARE * budget if len(lengths) > 1 else budget
        share = min(share, left - (steps - length))  # so that one configuration reaches the end
        number = max(1, min(number, int(share / (length - before) + _ROUNDING)))
        left -= number * (length - before)
        before = length
        rungs.append(Rung(number, length))
    return rungs


def _lengths(steps: int) -> list[int]:
    """Return the steps of the rungs, which grow by about the same factor from the first to the last."""
    if steps < 2 * _SHORTEST_RUNG:
        return [steps]
    times = max(1, round(log(steps / _SHORTEST_RUNG, _GROWTH)))
    return [round(_SHORTEST_RUNG * (steps / _SHORTEST_RUNG) ** (place / times)) for place in range(times + 1)]


def default_budget(configurations: int) -> float:
    """Return the default budget in full trainings: 15% of all, but at least 6."""
    return max(_BUDGET * configurations, min(_FEWEST_TRAININGS, configurations))


def cost_of(rungs: Sequence[Rung]) -> int:
    """Return the number of steps of all configurations in all rungs."""
    before = [0, *(rung.steps for rung in rungs)]
    return sum(rung.configurations * (rung.steps - done) for rung, done in zip(rungs, before, strict=False))


@dataclass
class Configuration:
    """A member with an optimizer, and what is known of its training.

    Attributes:
        member: The member.
        optimizer: The optimizer with its learning rate.
        steps: The number of steps it was trained for.
        validation: The score of each replicate on its validation set: accuracy, or R^2; -inf if training diverged.
        loss: The mean validation loss, which decides between equal scores.
        state: The state of the training.
    """

    member: Member
    optimizer: Optimizer
    steps: int = 0
    validation: NDArray[np.float64] = field(default_factory=lambda: np.array([-np.inf]))
    loss: float = np.inf
    state: State | None = None

    @property
    def rank(self) -> tuple[float, float]:
        """The key by which better configurations come first."""
        return -float(self.validation.mean()), self.loss

    @property
    def trained(self) -> Ensemble:
        """The trained networks of all replicates."""
        assert self.state is not None, "the configuration was not trained, or its state was removed"
        return ensemble_of(self.member, self.state["parameters"].clone())

    def networks(self, seed: int, data: Data) -> Ensemble:
        """Return the networks of all replicates: as they were trained, or as they are drawn."""
        return self.trained if self.state else draw_networks(self.member, seed, 0, len(data.train.inputs), data)


def halve(
    configurations: Sequence[Configuration],
    data: Data,
    rungs: Sequence[Rung],
    seed: int,
    until: float = np.inf,
    announce: Callable[[int, int, int], None] | None = None,
) -> bool:
    """Train configurations by successive halving, in place.

    Args:
        configurations: The configurations, in the order in which they take part if not all can.
        data: The data of all replicates.
        rungs: The rungs.
        seed: The seed of the networks.
        until: The time, by `time.monotonic`, at which to stop.
        announce: Called after each training with the number of the rung, from 1, of its trainings that are done, and
            of all its trainings.

    Returns:
        Whether all rungs were finished.
    """
    total = rungs[-1].steps
    ranked = list(configurations)
    with ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        for number, rung in enumerate(rungs, 1):
            chosen = ranked[: rung.configurations]
            advance = partial(_advance, data=data, stop=rung.steps, total=total, seed=seed, until=until)
            for done, _ in enumerate(pool.map(advance, chosen), 1):
                if announce:
                    announce(number, done, len(chosen))
            if any(each.steps < rung.steps for each in chosen):
                return False
            for each in ranked[rung.configurations :]:
                each.state = None  # it is not trained any further
            ranked = sorted(chosen, key=lambda each: each.rank)
    return True


def _advance(each: Configuration, data: Data, stop: int, total: int, seed: int, until: float) -> None:
    """Train a configuration up to a step, or until the time is over, and validate it."""
    if time.monotonic() > until:
        return
    with one_thread(), standard_settings(), torch.no_grad():
        networks = each.networks(seed, data)
        saved: list[Callable[[], State]] = []

        def offer(state: Callable[[], State]) -> None:
            saved[:] = [state]

        pauses = sorted({*range(each.steps + _STEPS_BETWEEN_LOOKS, stop, _STEPS_BETWEEN_LOOKS), stop, total})
        for step in train(networks, data, (each.optimizer,), pauses, each.state, offer):
            each.steps = step
            if step == stop or time.monotonic() > until:
                break
        each.state = {name: values.clone() for name, values in saved[0]().items()}
        each.validation, each.loss = _validate(networks, data, data.validation)


def _validate(networks: Ensemble, data: Data, points: Points) -> tuple[NDArray[np.float64], float]:
    """Return the score of each network on its points, -inf if it is not finite, and the mean loss."""
    _, found = outputs_on(networks, data, [points.inputs])
    score = score_points(found, points.labels, data.loss).mean(1)
    loss = data.loss.value(found, points.labels)
    finite = found.isfinite().all(2).all(1) & networks.parameters.isfinite().all(1)
    return torch.where(finite, score, -torch.inf).numpy(), float(loss.nan_to_num(torch.inf).mean())

"""Revival: dead neurons that become active again during training."""

import torch
from torch import Tensor

from suite.catalog.measures.training import RevivalSettings, recorded_steps
from suite.nets.death import dead_on_points, find_tentative
from suite.nets.ensemble import Ensemble
from suite.training.observer import TrainingSetup


class Revival:
    """Number of neurons that are dead at the start of training and active later.

    A neuron is dead if its pre-activation stays on a flat side of the activation at all training points, which is
    checked exactly. Quantities: `revivable`, the number of tentatively dead neurons at the start; `revived`, the number
    of these that are active at each recorded step, nan once a parameter is not finite; `revived_permanent`, the same
    number for permanently dead neurons. The latter is 0 unless weight decay changes parameters, since the gradient is
    0 from the start, and so are the moments of momentum, Adam and AdamW. `suite.training.observer.observe` removes all
    three for networks whose training diverged.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """

    def __init__(self, networks: Ensemble, setup: TrainingSetup, settings: RevivalSettings) -> None:
        self.stops = recorded_steps(setup.training.steps)
        self.points = setup.data.train.inputs
        dead = dead_on_points(networks, self.points)
        revivable = find_tentative(dead)
        self.tentative = [layer & able[:, None] for layer, able in zip(dead, revivable, strict=True)]
        self.permanent = [layer & ~able[:, None] for layer, able in zip(dead, revivable, strict=True)]
        self.seen: dict[str, list[Tensor]] = {"revived": [], "revived_permanent": []}

    def look(self, networks: Ensemble, step: int) -> None:
        """Record how many neurons that were dead at the start are active now; nan for diverged networks."""
        dead = dead_on_points(networks, self.points)
        sound = networks.parameters.isfinite().all(1)
        for name, before in (("revived", self.tentative), ("revived_permanent", self.permanent)):
            back = [(was & ~still).sum(1) for was, still in zip(before, dead, strict=True)]
            number = torch.stack(back).sum(0).float()
            self.seen[name].append(torch.where(sound, number, torch.nan))

    def readings(self) -> dict[str, Tensor]:
        """Return the quantities that the class documents."""
        found = {name: torch.stack(values, dim=-1) for name, values in self.seen.items()}
        return found | {"revivable": torch.stack([layer.sum(1) for layer in self.tentative]).sum(0).float()}

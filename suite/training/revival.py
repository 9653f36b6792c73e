"""Revival: dead neurons that come back to life while networks train."""

import torch
from torch import Tensor

from suite.catalog.measures.training import RevivalSettings, recorded_steps
from suite.nets.death import dead_on_points, tentative
from suite.nets.ensemble import Ensemble
from suite.training.observer import TrainingSetup


class Revival:
    """How many of the neurons that are dead at the start are active later on.

    Death is decided on the training points, where it is exact. Its readings: `revivable`, (networks,), the
    tentatively dead neurons at the start; `revived`, (networks, recorded steps), how many of these are active
    at a step, nan once a network has diverged; `revived_permanent`, likewise of the permanently dead ones: none,
    unless weight decay moves parameters (no gradient from the start leaves momentum and Adam no moment).

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """

    def __init__(self, networks: Ensemble, setup: TrainingSetup, settings: RevivalSettings) -> None:
        self.stops = recorded_steps(setup.training.steps)
        self.points = setup.data.train.inputs
        dead = dead_on_points(networks, self.points)
        revivable = tentative(dead)
        self.tentative = [layer & able[:, None] for layer, able in zip(dead, revivable, strict=True)]
        self.permanent = [layer & ~able[:, None] for layer, able in zip(dead, revivable, strict=True)]
        self.seen: dict[str, list[Tensor]] = {"revived": [], "revived_permanent": []}

    def look(self, networks: Ensemble, step: int) -> None:
        """Counts who has come back; of a network that diverged nobody can tell."""
        dead = dead_on_points(networks, self.points)
        sound = networks.parameters.isfinite().all(1)
        for name, before in (("revived", self.tentative), ("revived_permanent", self.permanent)):
            back = [(was & ~still).sum(1) for was, still in zip(before, dead, strict=True)]
            number = torch.stack(back).sum(0).float()
            self.seen[name].append(torch.where(sound, number, torch.nan))

    def readings(self) -> dict[str, Tensor]:
        """As the class says."""
        found = {name: torch.stack(values, dim=-1) for name, values in self.seen.items()}
        return found | {"revivable": torch.stack([layer.sum(1) for layer in self.tentative]).sum(0).float()}

"""Feature diversity: how alike the features of samples are while networks train, and how long they stay in phase 1."""

from math import log

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.training import FeatureDiversitySettings, fine_steps, recorded_steps
from suite.catalog.optimizers import Sgd
from suite.nets.ensemble import Ensemble
from suite.training.accuracy import train_loss
from suite.training.observer import TrainingSetup

_PHASE_1 = 0.9
"""Phase 1 ends where the loss has fallen below this share of its chance level, ln C for C classes."""


class FeatureDiversity:
    """Cosines between samples' features, the weight change's leading direction, and the end of phase 1.

    Features are a hidden layer's activations of the first training points; batch normalization takes its
    statistics over these points. Its readings, (networks, layers, recorded steps): `feature_cosine`, the mean
    cosine over pairs of samples, `feature_cosine_within` over pairs of one class, `feature_cosine_between` over
    pairs of two; a sample whose features are all 0 has no cosine and is left out; nan where no pair is left.
    `leading_share`, sigma_1^2 / |W_t - W_0|_F^2 of the layer's weights, nan before the first step. Weight decay
    shrinks W_0, which is no learning: under plain SGD the decayed W_0 is subtracted, (1 - rate decay)^t W_0; other
    optimizers entangle the two, and leave it nan.
    `phase1_steps` (networks,) is the first step, on a schedule that grows by 2^(1/8), at which the loss over the
    training set is below 0.9 ln C; nan where training never gets there. And the changes (networks, layers) of the
    mean cosine over all pairs, network by network: `feature_change_phase1` from the start to the last recorded step
    up to there, of a network that never gets there to the last of all; `feature_change_phase2` on to the last step,
    nan of such a network. A network that diverged has no cosine at the last step.

    Source: Liu et al. 2021, arXiv:2112.00980; the phase's end is our operational definition.
    """

    def __init__(self, networks: Ensemble, setup: TrainingSetup, settings: FeatureDiversitySettings) -> None:
        steps = setup.training.steps
        self.recorded, self.stops = recorded_steps(steps), fine_steps(steps)
        self.setup, self.layers = setup, settings.layers or (networks.depth,)
        self.points = setup.data.train.inputs[..., : settings.points]
        labels = setup.data.train.labels[..., : settings.points]
        self.classes = labels if setup.task.outputs > 1 else torch.cat([1 - labels, labels], dim=1)
        self.chance = log(setup.task.classes)
        self.start = {layer: networks.layers[layer - 1].weight.clone() for layer in self.layers}
        self.seen: dict[str, list[Tensor]] = {}

    def look(self, networks: Ensemble, step: int) -> None:
        """Watches the loss; at recorded steps compares features and weights."""
        below = train_loss(networks, self.setup.data) < _PHASE_1 * self.chance
        self.seen.setdefault("phase1_steps", []).append(torch.where(below, float(step), torch.inf))
        if step in self.recorded:
            names = ("feature_cosine", "feature_cosine_within", "feature_cosine_between", "leading_share")
            seen = [
                (*self._cosines(h), self._leading_share(networks, index, step))
                for index, h in enumerate(networks.walk(self.points))
                if index + 1 in self.layers
            ]
            for name, values in zip(names, zip(*seen, strict=True), strict=True):
                self.seen.setdefault(name, []).append(torch.stack(values, dim=1))

    def readings(self) -> dict[str, Tensor]:
        """As the class says."""
        found = {name: torch.stack(values, dim=-1) for name, values in self.seen.items()}
        first = found.pop("phase1_steps").amin(dim=-1)
        if "feature_cosine" in found:
            names = ("feature_change_phase1", "feature_change_phase2")
            found |= dict(zip(names, self._changes(found["feature_cosine"], first), strict=True))
        return found | {"phase1_steps": torch.where(first.isfinite(), first, torch.nan)}

    def _changes(
        self, cosines: Float[Tensor, "networks layers steps"], ends: Float[Tensor, " networks"]
    ) -> tuple[Float[Tensor, "networks layers"], Float[Tensor, "networks layers"]]:
        """By how much cosines change in phase 1, and by how much after it."""
        steps = torch.tensor(self.recorded[: cosines.shape[-1]], dtype=ends.dtype, device=ends.device)
        place = torch.searchsorted(steps, ends, right=True) - 1
        there = cosines.gather(-1, place[:, None, None].expand(-1, cosines.shape[1], 1))[..., 0]
        after = torch.where(ends.isfinite()[:, None], cosines[..., -1] - there, torch.nan)
        return there - cosines[..., 0], after

    def _cosines(self, features: Float[Tensor, "networks units points"]) -> tuple[Tensor, Tensor, Tensor]:
        """Mean cosines over all pairs of samples, over pairs within a class, and between classes."""
        norms = features.norm(dim=1, keepdim=True)
        known = norms > 0
        directions = torch.where(known, features / norms, 0.0)
        members = self.classes * known
        sums, sizes = torch.bmm(directions, members.mT), members.sum(2)
        # |sum of n unit vectors|^2 is n, from each with itself, and the cosines of all ordered pairs.
        within = sums.square().sum((1, 2)) - sizes.sum(1)
        pairs_within = (sizes * (sizes - 1)).sum(1)
        total = sizes.sum(1)
        everything, pairs = sums.sum(2).square().sum(1) - total, total * (total - 1)
        means = (everything / pairs, within / pairs_within, (everything - within) / (pairs - pairs_within))
        return tuple(mean.clamp(-1, 1) for mean in means)

    def _leading_share(self, networks: Ensemble, index: int, step: int) -> Float[Tensor, " networks"]:
        left = self._left_by_decay(step)[:, None, None].to(self.start[index + 1])
        change = networks.layers[index].weight - left * self.start[index + 1]
        sound = change.isfinite().all(2).all(1)
        change = torch.where(sound[:, None, None], change, 0.0)
        share = torch.linalg.matrix_norm(change, ord=2).square() / change.square().sum((1, 2))
        return torch.where(sound, share, torch.nan)

    def _left_by_decay(self, step: int) -> Float[Tensor, " networks"]:
        """The share of the initial weights that weight decay alone would have left; nan where that cannot be told."""
        left = []
        for optimizer in self.setup.training.optimizer:
            decay = optimizer.keywords.get("weight_decay", 0.0)
            plain = isinstance(optimizer, Sgd) and optimizer.momentum == 0
            left.append((1 - optimizer.learning_rate * decay) ** step if plain or decay == 0 else torch.nan)
        replicates = self.points.shape[0] // len(left)
        return torch.tensor(left, dtype=torch.float64).repeat_interleave(replicates)

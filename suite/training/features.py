"""Feature diversity: the similarity of samples' features during training, and the length of phase 1."""

from math import log, nan, prod

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.training import FeatureDiversitySettings, fine_steps, recorded_steps
from suite.catalog.optimizers import AdamW, Optimizer, Sgd
from suite.nets.ensemble import Ensemble
from suite.training.accuracy import train_loss
from suite.training.observer import TrainingSetup

_PHASE_1 = 0.9
"""Phase 1 ends when the loss falls below this fraction of its chance level, ln C for C classes."""


class FeatureDiversity:
    """Cosines between samples' features, share of the leading weight change, and end of phase 1.

    Features are the activations of a hidden layer at the first training points. Batch normalization takes its
    statistics over these points.

    Quantities per network, layer and recorded step: the mean cosines `feature_cosine` over all pairs of samples,
    `feature_cosine_within` over pairs of the same class, and `feature_cosine_between` over pairs of different classes.
    A sample whose features are all 0 has no cosine and is excluded; the mean is nan if no pair remains.
    `leading_share` is sigma_1^2 / |W_t - W_0|_F^2 for the weights of the layer, nan before the first step. Weight decay
    shrinks W_0, which is not learning. Under plain SGD and AdamW, the decayed weights are therefore subtracted instead
    of W_0: W_0 times the product of (1 - rate decay) over the steps. With weight decay under other optimizers,
    `leading_share` is nan, since the two changes cannot be separated.

    Quantities per network: `phase1_steps`, the first step at which the loss over the training set is below 0.9 ln C,
    for C classes, among steps that grow by a factor of 2^(1/8); nan if there is none. Quantities per network and
    layer: `feature_change_phase1`, the change of `feature_cosine` from the start to the last recorded step that is not
    after `phase1_steps`, or to the last step if phase 1 does not end; `feature_change_phase2`, its change from there
    to the last step, nan if phase 1 does not end. A network that diverges has no cosine at the last step.

    `suite.training.observer.observe` removes the cosines, changes and shares of networks whose training diverged, and
    keeps `phase1_steps`: a network may leave phase 1 and diverge later.

    Source: Liu et al. 2021, arXiv:2112.00980; the end of phase 1 is our operational definition.
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
        """Record whether the loss is below the threshold and, at recorded steps, features and weights."""
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
        """Return the quantities that the class documents."""
        found = {name: torch.stack(values, dim=-1) for name, values in self.seen.items()}
        first = found.pop("phase1_steps").amin(dim=-1)
        if "feature_cosine" in found:
            names = ("feature_change_phase1", "feature_change_phase2")
            found |= dict(zip(names, self._changes(found["feature_cosine"], first), strict=True))
        return found | {"phase1_steps": torch.where(first.isfinite(), first, torch.nan)}

    def _changes(
        self, cosines: Float[Tensor, "networks layers steps"], ends: Float[Tensor, " networks"]
    ) -> tuple[Float[Tensor, "networks layers"], Float[Tensor, "networks layers"]]:
        """Return the change of the mean cosines in phase 1, and their change after it.

        Args:
            cosines: Mean cosines at the recorded steps.
            ends: First step after phase 1 of each network; infinite if phase 1 does not end.
        """
        steps = torch.tensor(self.recorded[: cosines.shape[-1]], dtype=ends.dtype, device=ends.device)
        place = torch.searchsorted(steps, ends, right=True) - 1
        there = cosines.gather(-1, place[:, None, None].expand(-1, cosines.shape[1], 1))[..., 0]
        after = torch.where(ends.isfinite()[:, None], cosines[..., -1] - there, torch.nan)
        return there - cosines[..., 0], after

    def _cosines(self, features: Float[Tensor, "networks units points"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean cosine over all pairs of samples, pairs within a class and pairs between classes."""
        norms = features.norm(dim=1, keepdim=True)
        known = norms > 0
        directions = torch.where(known, features / norms, 0.0)
        members = self.classes * known
        sums, sizes = torch.bmm(directions, members.mT), members.sum(2)
        # |sum of n unit vectors|^2 is n plus the sum of the cosines of all ordered pairs.
        within = sums.square().sum((1, 2)) - sizes.sum(1)
        pairs_within = (sizes * (sizes - 1)).sum(1)
        total = sizes.sum(1)
        everything, pairs = sums.sum(2).square().sum(1) - total, total * (total - 1)
        means = (everything / pairs, within / pairs_within, (everything - within) / (pairs - pairs_within))
        return tuple(mean.clamp(-1, 1) for mean in means)

    def _leading_share(self, networks: Ensemble, index: int, step: int) -> Float[Tensor, " networks"]:
        left = self._decay_factor(step)[:, None, None].to(self.start[index + 1])
        change = networks.layers[index].weight - left * self.start[index + 1]
        sound = change.isfinite().all(2).all(1)
        change = torch.where(sound[:, None, None], change, 0.0)
        share = torch.linalg.matrix_norm(change, ord=2).square() / change.square().sum((1, 2))
        return torch.where(sound, share, torch.nan)

    def _decay_factor(self, step: int) -> Float[Tensor, " networks"]:
        """Return the factor by which weight decay alone scales the initial weights.

        It is nan under weight decay with an optimizer other than plain SGD and AdamW, where it is not defined.
        """
        training = self.setup.training
        left = [_decay_factor(optimizer, step, training.steps) for optimizer in training.optimizer]
        replicates = self.points.shape[0] // len(left)
        return torch.tensor(left, dtype=torch.float64).repeat_interleave(replicates)


def _decay_factor(optimizer: Optimizer, step: int, steps: int) -> float:
    """Return the product of 1 - rate * decay over the first steps of a training; nan where it is not defined."""
    decay = optimizer.keywords.get("weight_decay", 0.0)
    if decay == 0:
        return 1.0
    if not (isinstance(optimizer, AdamW) or (isinstance(optimizer, Sgd) and optimizer.momentum == 0)):
        return nan
    shrinking = optimizer.learning_rate * decay
    if optimizer.schedule == "constant" and optimizer.warmup == 0:
        return float((1 - shrinking) ** step)
    return float(prod(1 - shrinking * optimizer.rate_factor(done, steps) for done in range(step)))

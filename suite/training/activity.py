"""Unit activity: dead, dormant and saturated units by layer during training."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.training import UnitActivitySettings, recorded_steps
from suite.nets.ensemble import Ensemble, add_below_
from suite.training.observer import TrainingSetup


class UnitActivity:
    """Shares of dead units, dormant units and saturated activations, by hidden layer, on the training points.

    h_i(x) is the activation of unit i at training point x, before a residual connection adds the layer below. Batch
    normalization uses the statistics of the whole training set. Quantities per network, layer and recorded step:

    `dead_share`: the share of units whose h_i is the same number at all points. For ReLU this number is 0.
    `dormant_share`: the share of units with mean |h_i| <= tau (mean over the layer's units of mean |h_j|), where tau is
    `dormant_threshold`. A dead ReLU unit is dormant at every tau, and all units are if the layer is 0 everywhere.
    `saturated_share`: the share of all h_i(x) that are nearer to a bound of the activation than `saturation_margin`
    times the distance of the bounds: below 0.1 or above 0.9 for the sigmoid by default, and beyond -0.8 or 0.8 for
    tanh. It exists for increasing activations with two bounds.

    All three are nan if an activation of the layer is not finite. `suite.training.observer.observe` removes them for
    networks whose training diverged.

    Source: Sokar et al. 2023, arXiv:2302.12902, for dormant units; Karpathy, Johnson & Fei-Fei 2015, arXiv:1506.02078,
    for the margin 0.1 of saturated sigmoids.
    """

    def __init__(self, networks: Ensemble, setup: TrainingSetup, settings: UnitActivitySettings) -> None:
        self.stops = recorded_steps(setup.training.steps)
        self.points, self.settings = setup.data.train.inputs, settings
        self.ends: tuple[float, float] | None = None
        if bounds := networks.activation.bounds:
            low, high = bounds
            margin = settings.saturation_margin * (high - low)
            self.ends = low + margin, high - margin
        self.seen: dict[str, list[Tensor]] = {}

    def look(self, networks: Ensemble, step: int) -> None:
        """Record the shares in every hidden layer."""
        parts = [self._sums(networks, chunk) for chunk in networks.chunks(self.points.shape[-1])]
        layers = [self._shares([part[layer] for part in parts]) for layer in range(networks.depth)]
        for name in layers[0]:
            self.seen.setdefault(name, []).append(torch.stack([shares[name] for shares in layers], dim=1))

    def readings(self) -> dict[str, Tensor]:
        """Return the quantities that the class documents."""
        return {name: torch.stack(values, dim=-1) for name, values in self.seen.items()}

    def _sums(self, networks: Ensemble, chunk: slice) -> list[Float[Tensor, "networks units 4"]]:
        """Return each unit's smallest and largest h, sum of |h| and number of saturated h at some points, by layer."""
        h = self.points[..., chunk].expand(networks.draws, -1, -1)
        alone, sums = replace(networks, residual=False), []
        for index, layer in enumerate(networks.layers[:-1]):
            own = alone.activate_(layer, torch.baddbmm(layer.bias, layer.weight, h), None)
            saturated = torch.zeros_like(own[..., 0])
            if self.ends:
                low, high = self.ends
                saturated = ((own < low) | (own > high)).sum(2).to(own)
            sums.append(torch.stack([own.amin(2), own.amax(2), own.abs().sum(2), saturated], dim=2))
            h = add_below_(own, h) if networks.residual and index else own
        return sums

    def _shares(self, parts: list[Float[Tensor, "networks units 4"]]) -> dict[str, Float[Tensor, " networks"]]:
        """Return a layer's shares from the sums over all chunks of points."""
        low, high, total, saturated = torch.stack(parts).double().unbind(-1)
        size = total.sum(0)
        known = size.isfinite().all(1)
        threshold = self.settings.dormant_threshold * size.mean(1, keepdim=True)
        shares = {
            "dead_share": (low.amin(0) == high.amax(0)).double().mean(1),
            "dormant_share": (size <= threshold).double().mean(1),
        }
        if self.ends:
            shares["saturated_share"] = saturated.sum(0).mean(1) / self.points.shape[-1]
        return {name: torch.where(known, share, torch.nan).float() for name, share in shares.items()}

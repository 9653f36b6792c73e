"""Dead neurons: units of random networks whose output is constant over the domain."""

import torch
from torch import Tensor

from suite.catalog.measures.death import DeadNeuronsSettings
from suite.nets.death import dead_on_domain, tentative
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample


def dead_neurons(ensemble: Ensemble, domain: Sample, settings: DeadNeuronsSettings) -> dict[str, Tensor]:
    """How many neurons of each layer are dead, tentatively or permanently, and whether the network is born dead.

    A neuron is dead where its pre-activation stays on a flat side of the activation all over the domain (for
    ReLU, where it is <= 0); activations without a flat side have no dead neurons. It is permanently dead where
    no gradient can revive it: in the first layer, and in, below and just above a layer that is wholly dead; else
    tentatively. A network with a wholly dead layer is born dead: its output is constant.
    Death is decided exactly in the first layer and in networks with one input, elsewhere at the sample's points,
    which counts too many.

    Args:
        ensemble: plain networks in the precision of `settings.dtype`.
        domain: the sample, which knows its domain.
        settings: none that matter here.

    Returns:
        `dead_tentative`, `dead_permanent`, `active`: counts, (draws, L); `dead_fraction`, (draws, L), of the
        layer's neurons; `born_dead`, 0 or 1 a draw.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    dead = dead_on_domain(ensemble, domain)
    counts = torch.stack([layer.sum(1) for layer in dead], dim=1).to(ensemble.parameters.dtype)
    widths = counts.new_tensor(ensemble.widths[1:-1])
    revivable = torch.stack(tentative(dead), dim=1)
    return {
        "dead_tentative": torch.where(revivable, counts, 0.0),
        "dead_permanent": torch.where(revivable, 0.0, counts),
        "active": widths - counts,
        "dead_fraction": counts / widths,
        "born_dead": (counts == widths).any(1).to(counts.dtype),
    }

"""Dead neurons: units of random networks whose activation is constant over the domain."""

import torch
from torch import Tensor

from suite.catalog.measures.death import DeadNeuronsSettings
from suite.nets.death import dead_on_domain, find_tentative
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample
from suite.nets.traced_ensemble import TracedEnsemble


def dead_neurons(ensemble: Ensemble, domain: Sample, settings: DeadNeuronsSettings) -> dict[str, Tensor]:
    """Count the tentatively and permanently dead neurons of each layer, and detect born-dead networks.

    A neuron is dead if its pre-activation stays on a flat side of the activation over the whole domain (for ReLU, if
    it is <= 0 there). Activations without a flat side have no dead neurons. A dead neuron is permanently dead if no
    gradient can revive it: in the first layer, in a layer whose neurons are all dead, in the layers below such a
    layer, and in the layer just above it. Otherwise it is tentatively dead. A network in which all neurons of a layer
    are dead is born dead: its output is constant.

    The result is exact in the first layer. With one input, the other layers are exact for piecewise-linear activations;
    for others, units are decided by enclosing ranges, and by points if these leave a unit undecided. With more inputs,
    only the points of the sample are checked, which overestimates the number of dead neurons.

    Args:
        ensemble: Networks without normalization or residual connections.
        domain: Sample of the domain.
        settings: Not used.

    Returns:
        The counts `dead_tentative`, `dead_permanent` and `active`, (draws, L); `dead_fraction`, (draws, L), the share
        of dead neurons in the layer; `born_dead`, 0 or 1 per draw.

    Source: Shin & Karniadakis 2019, arXiv:1907.09696.
    """
    dead = dead_on_domain(ensemble, domain)
    counts = torch.stack([layer.sum(1) for layer in dead], dim=1).to(ensemble.parameters.dtype)
    widths = counts.new_tensor(ensemble.widths[1:-1])
    revivable = torch.stack(find_tentative(dead), dim=1)
    found = {
        "dead_tentative": torch.where(revivable, counts, 0.0),
        "dead_permanent": torch.where(revivable, 0.0, counts),
        "active": widths - counts,
        "dead_fraction": counts / widths,
        "born_dead": (counts == widths).any(1).to(counts.dtype),
    }
    if isinstance(ensemble, TracedEnsemble) and not ensemble.is_chain:  # a dead neuron can then be revived otherwise
        for name in ("dead_tentative", "dead_permanent", "born_dead"):
            found[name] = torch.full_like(found[name], torch.nan)
    return found

"""NASWOT: a zero-cost score, the dissimilarity of the patterns of active units at different points."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Identity
from suite.catalog.measures.scores import ScoreSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def naswot(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """Compute log |det K|, where K_ij counts the hidden units in the same state at points i and j.

    K_ij = N_A - d_H(c_i, c_j), where N_A is the number of hidden units, c_i is the binary code of point i, and d_H is
    the Hamming distance. The code of a point states which units are on. A unit is on if the argument of its
    activation, after any normalization, is above 0. For ReLU this is the rule of the paper, where a unit is on if its
    output is above 0. The output of abs does not show the sign, so the argument is used for all activations. For
    activations that are smooth or have kinks away from 0 (such as htanh), the rule is the same, but codes do not
    identify linear regions. For the identity, which has no regions, the score is nan.

    K has integer entries, so its determinant is 0 or at least 1, and the score is -inf or at least 0. K is singular
    if two points have the same code, or if there are at least two more points than units. This is common for small
    networks and many points. K counts as singular if its smallest eigenvalue is at most N eps times its largest, for N
    points. Tables contain -inf among the raw values. Summaries exclude it, and their `n` is the number of draws with a
    finite score.

    Args:
        ensemble: Networks in the precision of `settings.dtype`. The kernel is computed in float64.
        domain: The batch of draw i, the first `settings.points` points of its training set. If the spec trains
            nothing, as many points of the domain. The loss and the labels are not used.
        settings: Not used.

    Returns:
        `naswot`, one value per draw, a natural logarithm; -inf or nan as above, and nan for networks that explode.

    Source: Mellor et al. 2021, arXiv:2006.04647.
    """
    if isinstance(ensemble.activation, Identity):
        return {"naswot": ensemble.parameters.new_full((ensemble.draws,), torch.nan)}
    points = domain.of_each(ensemble.draws).points
    number = points.shape[2]
    alike = points.new_zeros(ensemble.draws, number, number, dtype=torch.float64)
    sound = torch.ones(ensemble.draws, dtype=torch.bool, device=points.device)
    for layer in trace(ensemble, points)[0]:
        sides = torch.where(layer.argument > 0, 0.5, -0.5).double()
        alike += 2 * torch.bmm(sides.mT, sides) + layer.argument.shape[1] / 2
        sound &= ~layer.argument.isnan().flatten(1).any(1)
    values = torch.linalg.eigvalsh(alike)
    singular = values[:, 0] <= number * torch.finfo(values.dtype).eps * values[:, -1]
    score = torch.where(singular, -torch.inf, values.clamp(min=torch.finfo(values.dtype).tiny).log().sum(1))
    return {"naswot": torch.where(sound, score, torch.nan)}

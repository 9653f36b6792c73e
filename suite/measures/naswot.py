"""NASWOT: a zero-cost score, how unlike the patterns of active units of a random network are at different points."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.activations import Identity
from suite.catalog.measures.scores import ScoreSettings
from suite.nets.differentiable import trace
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt


def naswot(ensemble: Ensemble, domain: LossAt, settings: ScoreSettings) -> dict[str, Float[Tensor, " draws"]]:
    """log |K|, with K_ij the number of hidden units that are on at both of points i and j, or off at both.

    K_ij = N_A - d_H(c_i, c_j): N_A hidden units less the Hamming distance of the points' codes. A unit is on where
    what its activation is applied to, after any normalization, is above 0. For ReLU that is where its output is, the
    paper's rule; the outputs of abs do not tell, so the argument must. For activations that are smooth, or
    whose kinks are not at 0 (htanh and its kin), the codes are of this same rule, and no longer those of linear
    regions. The identity has neither sides nor regions: nan.

    K counts in whole numbers and so has the determinant 0 or 1 and more: a score below 0 there is none but -inf,
    that of a singular K. K is singular wherever two points have one code, or points outnumber units by two or more:
    the rule, not the exception, for small networks on many points. It is taken as singular where its smallest
    eigenvalue is below N eps of its largest, N points. Tables keep -inf among the raw values; summaries leave it
    out, and say by `n` how many draws had a finite score.

    Args:
        ensemble: networks in the precision of `settings.dtype`; the kernel is in float64.
        domain: draw i's batch, the first `settings.points` of its training set, or as many points of the domain where
            the spec trains nothing; neither loss nor labels are looked at.
        settings: none that matter here.

    Returns:
        `naswot`, one a draw, natural logarithm; -inf or nan as said, nan too where a network explodes.

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

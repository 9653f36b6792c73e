"""Jacobian covariance: a zero-cost score, how unlike a random network's input gradients are at different points."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import FEWEST_CORRELATED, ScoreSettings
from suite.nets.backward import Backpropagation
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt

K = 1e-5
"""The paper's k, which keeps the score of a singular matrix finite."""


def jacobian_covariance(
    ensemble: Ensemble, domain: LossAt, settings: ScoreSettings
) -> dict[str, Float[Tensor, " draws"]]:
    """-sum over i of log(l_i + k) + 1 / (l_i + k), k = 1e-5, l_i the eigenvalues of the gradients' correlation matrix.

    Entry (n, m) is the correlation, over the n_0 inputs, of df/dx at points n and m of the batch; each gradient is
    centered by its own mean over inputs. The f of several outputs is their sum, as in the authors' program. Under batch
    normalization the gradient at x_n is that of f summed over all points.

    Degenerate with two inputs, where every correlation is 1 or -1 and the score tells how many gradients point
    which way and nothing else, and with one: nan. So it is in any network with a gradient that is the same along
    all inputs, as 0 is behind a dead layer, since that has no correlation. With N points and n_0 inputs at most
    n_0 - 1 eigenvalues are above 0, each of the others adds log(k) + 1/k = 1e5, and so with few inputs the score is
    about -(N - n_0 + 1) 1e5, and differs between networks by small parts of that.

    Args:
        ensemble: networks in the precision of `settings.dtype`; correlations are in float64.
        domain: draw i's batch, the first `settings.points` of its training set, or as many points of the domain where
            the spec trains nothing; neither loss nor labels are looked at.
        settings: none that matter here.

    Returns:
        `jacobian_covariance`, one a draw; the higher, the less alike the gradients are; nan where there is none.

    Source: Mellor et al. 2020, arXiv:2006.04647, first version; replaced by `naswot` in the last.
    """
    if ensemble.widths[0] < FEWEST_CORRELATED:
        return {"jacobian_covariance": ensemble.parameters.new_full((ensemble.draws,), torch.nan)}
    points = domain.of_each(ensemble.draws).points
    passes = Backpropagation(ensemble, points.shape[2])
    delta = passes.backward(torch.ones_like(passes.forward(points)))
    rows = torch.bmm(delta.mT, ensemble.layers[0].weight).double()
    rows = rows / rows.abs().amax(dim=2, keepdim=True)  # of whatever size, without under- or overflow
    rows = rows - rows.mean(2, keepdim=True)
    rows = rows / torch.linalg.vector_norm(
        rows, dim=2, keepdim=True
    )  # nan if all alike: as 1 or -1 their mean is exact
    sound = rows.isfinite().all(2).all(1)
    # Singular values of the rows, squared, are the eigenvalues of their products; what they leave out is 0.
    values = torch.linalg.svdvals(torch.where(sound[:, None, None], rows, 0.0)).square()
    missing = points.shape[2] - values.shape[1]
    values = torch.nn.functional.pad(values, (0, missing)) if missing > 0 else values
    score = -((values + K).log() + 1 / (values + K)).sum(1)
    return {"jacobian_covariance": torch.where(sound, score, torch.nan)}

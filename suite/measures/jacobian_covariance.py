"""Jacobian covariance: a zero-cost score, the dissimilarity of input gradients at different points."""

import torch
from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.scores import FEWEST_CORRELATED, ScoreSettings
from suite.nets.backward import Backpropagation
from suite.nets.ensemble import Ensemble
from suite.nets.losses import LossAt

K = 1e-5
"""Constant k of the paper, which makes the score of a singular matrix finite."""


def jacobian_covariance(
    ensemble: Ensemble, domain: LossAt, settings: ScoreSettings
) -> dict[str, Float[Tensor, " draws"]]:
    """Compute minus the sum over i of log(l_i + k) + 1 / (l_i + k), with k = 1e-5.

    l_i are the eigenvalues of the correlation matrix of the input gradients. Its entry (n, m) is the correlation, over
    the n_0 inputs, of df/dx at points n and m of the batch. Each gradient is centered by its own mean over inputs. With
    several outputs, f is their sum, as in the authors' program. Under batch normalization, the gradient at x_n is that
    of f summed over all points.

    The score is nan with one or two inputs. With two, every correlation is 1 or -1, and the score would depend only on
    the number of gradients of each sign. It is also nan if some gradient is equal along all inputs, since it then has
    no correlation; an example is the gradient 0 below a dead layer. With N points and n_0 inputs, at most n_0 - 1
    eigenvalues are above 0. Each of the others contributes log(k) + 1/k, about 1e5. With few inputs the score is
    therefore about -(N - n_0 + 1) 1e5, and its relative differences between networks are small.

    Args:
        ensemble: Networks in the precision of `settings.dtype`. Correlations are computed in float64.
        domain: The batch of draw i, the first `settings.points` points of its training set. If the spec trains
            nothing, as many points of the domain. The loss and the labels are not used.
        settings: Not used.

    Returns:
        `jacobian_covariance`, one value per draw, which is higher the less similar the gradients are; nan as above.

    Source: Mellor et al. 2020, arXiv:2006.04647, first version. The last version replaces this score by `naswot`.
    """
    if ensemble.widths[0] < FEWEST_CORRELATED:
        return {"jacobian_covariance": ensemble.parameters.new_full((ensemble.draws,), torch.nan)}
    points = domain.of_each(ensemble.draws).points
    backpropagation = Backpropagation(ensemble, points.shape[2])
    delta = backpropagation.backward(torch.ones_like(backpropagation.forward(points)))
    rows = torch.bmm(delta.mT, ensemble.layers[0].weight).double()
    rows = rows / rows.abs().amax(dim=2, keepdim=True)  # avoids underflow and overflow
    rows = rows - rows.mean(2, keepdim=True)
    # A constant row becomes nan: its entries are all 1 or all -1 here, so that their mean is exact.
    rows = rows / torch.linalg.vector_norm(rows, dim=2, keepdim=True)
    sound = rows.isfinite().all(2).all(1)
    # Squared singular values of the rows are the eigenvalues of the correlation matrix. All others are 0.
    values = torch.linalg.svdvals(torch.where(sound[:, None, None], rows, 0.0)).square()
    missing = points.shape[2] - values.shape[1]
    values = torch.nn.functional.pad(values, (0, missing)) if missing > 0 else values
    score = -((values + K).log() + 1 / (values + K)).sum(1)
    return {"jacobian_covariance": torch.where(sound, score, torch.nan)}

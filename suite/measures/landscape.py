"""Landscapes: the outputs of a few random networks over a plane, for charts."""

from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.variability import LandscapeSettings
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample


def landscape(
    ensemble: Ensemble, domain: Sample, settings: LandscapeSettings
) -> dict[str, Float[Tensor, "draws points"]]:
    """Compute the first output of each draw on a grid of two inputs.

    Args:
        ensemble: Networks with two inputs.
        domain: The grid.
        settings: Not used.

    Returns:
        `landscape`, one value per grid point, in the order of the points.
    """
    return {"landscape": ensemble(domain.points())[:, 0]}

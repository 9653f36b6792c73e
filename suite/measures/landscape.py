"""Landscapes: the outputs of a few random networks over a plane, for people to look at."""

from jaxtyping import Float
from torch import Tensor

from suite.catalog.measures.variability import LandscapeSettings
from suite.nets.ensemble import Ensemble
from suite.nets.sample import Sample


def landscape(
    ensemble: Ensemble, domain: Sample, settings: LandscapeSettings
) -> dict[str, Float[Tensor, "draws points"]]:
    """The first output of each draw on a grid of two inputs.

    Args:
        ensemble: networks of two inputs.
        domain: the grid.
        settings: its step.

    Returns:
        `landscape`, the grid's points in order.
    """
    return {"landscape": ensemble(domain.points())[:, 0]}

"""Random networks and networks by hand, for measures to look at."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from suite.catalog.activations import Activation
from suite.catalog.initializations import Critical, Initialization
from suite.nets.ensemble import Ensemble
from suite.nets.initialization import draw_parameters
from suite.theory.scaling import layer_variances

Networks = Callable[..., Ensemble]


@pytest.fixture
def networks() -> Networks:
    """(widths, activation, draws, initialization, seed, options) -> networks in float64, as a study draws them."""

    def build(
        widths: tuple[int, ...],
        activation: Activation,
        draws: int,
        initialization: Initialization | None = None,
        seed: int = 11,
        normalization: str = "none",
        residual: bool = False,
    ) -> Ensemble:
        scheme = initialization or Critical(bias_std=0.1)
        variances = layer_variances(scheme, activation, widths)
        content: dict[str, Any] = {"test": list(widths)}
        parameters = draw_parameters(
            scheme, widths, variances, seed, content, 0, draws, normalized=normalization != "none"
        )
        return Ensemble(widths, activation, variances, parameters.double(), normalization, residual)

    return build


@pytest.fixture
def by_hand() -> Networks:
    """(widths, activation, rows of parameters, variances, options) -> those very networks."""

    def build(
        widths: tuple[int, ...],
        activation: Activation,
        *rows: Sequence[float],
        variances: tuple[float, float] = (1.0, 0.0),
        normalization: str = "none",
        residual: bool = False,
    ) -> Ensemble:
        parameters = torch.tensor(rows, dtype=torch.float64)
        return Ensemble(widths, activation, (variances,) * (len(widths) - 1), parameters, normalization, residual)

    return build

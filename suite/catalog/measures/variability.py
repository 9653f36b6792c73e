"""Measures of variability: activation ratio, V3 and its limit, and landscapes (Yu & Zhang 2021)."""

from suite.catalog.measure import POSITIVE, Measure, Quantity, Shape, forward_pass
from suite.catalog.measures.settings import Draws, InFloats, NoSettings, OnTheDomain
from suite.catalog.precision import Precise

ACTIVATION_RATIO = Measure(
    "suite.measures.activation_ratio:activation_ratio",
    NoSettings,
    inputs="nothing",
    quantities={"activation_ratio": Quantity("hidden activations per parameter", limits=POSITIVE)},
    version=1,
    summary="hidden activations per parameter",
    source="Yu & Zhang 2021",
)


class V3Settings(InFloats, Precise):
    """Settings of the variability V3."""

    draws: Draws = 256


V3 = Measure(
    "suite.measures.v3:v3",
    V3Settings,
    inputs="domain",
    along_lines=True,
    quantities={
        "v3": Quantity("variability: mean |third divided difference| of the output over the domain", limits=POSITIVE),
        "v3_over_rms": Quantity("v3 divided by output_rms; 0 if the output is 0 everywhere", limits=POSITIVE),
        "v3_floor": Quantity("typical value of v3 due to rounding alone", sign=0, limits=POSITIVE),
    },
    version=3,
    summary="variability: mean |third divided difference| of the output",
    source="Yu & Zhang 2021",
    primary="v3",
    other_names=("variability",),
)


class V3LimitSettings(OnTheDomain):
    """Settings of V3's limit."""

    draws: Draws = 256


def _cost_of_limit(shape: Shape, settings: V3LimitSettings) -> float:
    return 10 * shape.depth * forward_pass(shape, settings)


V3_LIMIT = Measure(
    "suite.measures.v3_limit:v3_limit",
    V3LimitSettings,
    inputs="domain",
    along_lines=True,
    quantities={
        "v3_exact": Quantity(
            "mean |third derivative| at the centers of v3's stencils (smooth activations)", limits=POSITIVE
        ),
        "slope_variation": Quantity(
            "total variation of the slope per unit length (piecewise-linear activations)", limits=POSITIVE
        ),
        "breakpoints": Quantity(
            "kinks of the output per length of the domain's side (piecewise-linear activations, not on data)",
            limits=POSITIVE,
        ),
    },
    version=2,
    summary="exact limit of v3 as its step goes to 0; many times as costly as v3",
    source="Yu & Zhang 2021",
    cost=_cost_of_limit,
)


class LandscapeSettings(InFloats):
    """Settings of the landscapes, which every study of two inputs stores for its report."""

    draws: Draws = 3


LANDSCAPE = Measure(
    "suite.measures.landscape:landscape",
    LandscapeSettings,
    inputs="domain",
    quantities={},
    version=1,
    summary="outputs of a few random networks on a grid of the domain",
    source="Yu & Zhang 2021",
)
"""A measure for the report, which a spec cannot request."""

"""Collapse to Constant (Yu & Zhang 2021)."""

from pydantic import Field

from suite.catalog.measure import POSITIVE, Measure, Quantity
from suite.catalog.measures.settings import Draws, InFloats
from suite.catalog.precision import Precise


class CollapseSettings(InFloats, Precise):
    """Settings of Collapse to Constant."""

    draws: Draws = 1024
    threshold: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="tau, the maximum standard deviation of a collapsed output, relative to its scale",
    )


def _frequency(meaning: str) -> Quantity:
    return Quantity(meaning, "frequency", sign=-1)


COLLAPSE = Measure(
    "suite.measures.collapse:collapse",
    CollapseSettings,
    inputs="domain",
    quantities={
        "output_std": Quantity("standard deviation of the output over the domain", limits=POSITIVE),
        "output_rms": Quantity("root mean square of the output over the domain", limits=POSITIVE),
        "collapsed_relative": _frequency("output_std <= threshold * output_rms"),
        "collapsed_absolute": _frequency("output_std <= threshold * the output's predicted scale"),
        "collapsed_exact": _frequency("the output or a hidden layer is constant over the domain"),
        "collapse_by_death": _frequency("collapsed because a hidden layer is dead"),
        "collapse_by_bias": _frequency("collapsed because biases are larger than a hidden layer's inputs"),
        "collapse_by_norm": _frequency(
            "collapsed because the output varies little relative to its predicted scale, but not to its own size"
        ),
        "collapse_by_angle": _frequency("collapsed because all inputs are mapped to one direction"),
    },
    version=3,
    summary="Collapse to Constant (C2C): how often the output hardly varies over the domain, and why",
    source="Yu & Zhang 2021",
    primary="collapsed_relative",
    other_names=("c2c", "collapse_to_constant"),
)

"""Collapse to Constant (Yu & Zhang 2021)."""

from pydantic import Field

from suite.catalog.measure import Measure, Quantity
from suite.catalog.measures.settings import Draws, InFloats
from suite.catalog.precision import Precise


class CollapseSettings(InFloats, Precise):
    """Settings of Collapse to Constant."""

    draws: Draws = 1024
    threshold: float = Field(default=0.1, gt=0, lt=1, description="tau, the share of its scale a constant may vary")


def _frequency(meaning: str) -> Quantity:
    return Quantity(meaning, "frequency", sign=-1)


COLLAPSE = Measure(
    "suite.measures.collapse:collapse",
    CollapseSettings,
    inputs="domain",
    quantities={
        "output_std": Quantity("standard deviation of the output over the domain"),
        "output_rms": Quantity("root mean square of the output over the domain"),
        "collapsed_relative": _frequency("output_std <= threshold * output_rms"),
        "collapsed_absolute": _frequency("output_std <= threshold * the output's predicted scale"),
        "collapsed_exact": _frequency("the output is the same number everywhere, or a hidden layer is constant"),
        "collapse_by_death": _frequency("collapsed: a hidden layer passes nothing on"),
        "collapse_by_bias": _frequency("collapsed: biases outweigh a hidden layer's inputs"),
        "collapse_by_norm": _frequency("collapsed: varies too little for its predicted scale, not for its own size"),
        "collapse_by_angle": _frequency("collapsed: the inputs' hidden vectors became one direction"),
    },
    version=2,
    summary="Collapse to Constant: how often a random network's output hardly varies, and which way",
    source="Yu & Zhang 2021",
    primary="collapsed_relative",
)

"""The report's charts by name, and what each needs: by it a spec says which picture answers its question."""

from dataclasses import dataclass

from suite.catalog.measures import MEASURES

TOURNAMENT = "[predict]"
"""What stands for a tournament among the things that a chart needs."""

PLANE = "inputs = 2"
"""What stands for members whose outputs over the plane are kept."""


@dataclass(frozen=True)
class Shown:
    """What a chart shows.

    Attributes:
        quantities: that are drawn in it.
        every: whether it needs all of them, or is there with any.
        of: the measure that it is of, where it draws what no chart is made for; else empty.
    """

    quantities: tuple[str, ...]
    every: bool = False
    of: str = ""


CHARTS: dict[str, Shown] = {
    "variability": Shown(("v3", "v3_over_rms", "v3_exact")),
    "collapse": Shown(("collapsed_relative", "collapsed_absolute", "collapsed_exact")),
    "collapse_ways": Shown(("collapse_by_death", "collapse_by_bias", "collapse_by_norm", "collapse_by_angle")),
    "slope_variation": Shown(("slope_variation", "breakpoints")),
    "correlation": Shown(("correlation",)),
    "jacobian": Shown(("jacobian_mean", "jacobian_ratio", "jacobian_max")),
    "dead_neurons": Shown(("dead_fraction", "born_dead")),
    "success_bound": Shown(("trainability", "success"), every=True),
    "trainability": Shown(("trainability",)),
    "gradients": Shown(("input_gradient", "parameter_gradient")),
    "feature_diversity": Shown(
        (
            "feature_cosine",
            "feature_cosine_within",
            "feature_cosine_between",
            "leading_share",
            "feature_change_phase1",
            "feature_change_phase2",
        )
    ),
    "phase_1": Shown(("phase1_steps",)),
    "learning_curves": Shown(("train_loss", "validation_accuracy", "validation_error")),
    "revival": Shown(("revived", "revived_permanent")),
    "accuracy": Shown(("test_accuracy", "test_error", "success")),
    "accuracy_against_v3": Shown(("test_accuracy", "v3"), every=True),
    "tournament": Shown((TOURNAMENT,)),
    "tournament_by_training": Shown((TOURNAMENT,)),
    "activation_ratio": Shown(("activation_ratio",)),
    "landscapes": Shown((PLANE,)),
    "decision_boundary": Shown((PLANE, "test_accuracy"), every=True),
}
"""Those that are made for what they show, in the order of the report."""


def charts() -> dict[str, Shown]:
    """All charts: those of `CHARTS`, and for every measure one of what none of them draws, plug-ins' included.

    The chart of a measure that they draw nothing of has its name, that of what else a measure gives has it with _more.
    """
    drawn = {quantity for chart in CHARTS.values() for quantity in chart.quantities}
    found = dict(CHARTS)
    for measure, entry in MEASURES.items():
        rest = tuple(quantity for quantity in entry.quantities if quantity not in drawn)
        if rest:
            name = measure if rest == tuple(entry.quantities) and measure not in CHARTS else f"{measure}_more"
            while name in found:  # a plug-in may be called so
                name += "_"
            found[name] = Shown(rest, of=measure)
    return found

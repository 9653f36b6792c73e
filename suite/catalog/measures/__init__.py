"""The measures that a spec can request; each declaration holds every fact about its measure."""

from collections.abc import Iterator, Mapping

from suite.catalog.checks import Asked, Problem
from suite.catalog.domain import Domain, Region
from suite.catalog.measure import Measure
from suite.catalog.measures.collapse import COLLAPSE
from suite.catalog.measures.death import DEAD_NEURONS, TRAINABILITY
from suite.catalog.measures.scores import (
    FISHER,
    GRAD_NORM,
    GRASP,
    JACOBIAN_COVARIANCE,
    NASWOT,
    NTK,
    SNIP,
    SYNFLOW,
)
from suite.catalog.measures.settings import OnTheDomain
from suite.catalog.measures.signal import CORRELATION, GRADIENTS, JACOBIAN
from suite.catalog.measures.training import ACCURACY, FEATURE_DIVERSITY, REVIVAL, UNIT_ACTIVITY
from suite.catalog.measures.variability import ACTIVATION_RATIO, LANDSCAPE, V3, V3_LIMIT
from suite.catalog.precision import Precise, precision_asked
from suite.catalog.settings import Settings

__all__ = [
    "LANDSCAPE",
    "LANDSCAPES",
    "MEASURES",
    "STEP",
    "TRAINING",
    "Measure",
    "first_draws",
    "measure_named",
    "precisely",
    "problems_of",
    "with_default_step",
]

MEASURES: dict[str, Measure] = {
    "activation_ratio": ACTIVATION_RATIO,
    "v3": V3,
    "v3_limit": V3_LIMIT,
    "collapse": COLLAPSE,
    "gradients": GRADIENTS,
    "grad_norm": GRAD_NORM,
    "snip": SNIP,
    "grasp": GRASP,
    "synflow": SYNFLOW,
    "fisher": FISHER,
    "jacobian_covariance": JACOBIAN_COVARIANCE,
    "naswot": NASWOT,
    "ntk": NTK,
    "dead_neurons": DEAD_NEURONS,
    "trainability": TRAINABILITY,
    "correlation": CORRELATION,
    "jacobian": JACOBIAN,
    "accuracy": ACCURACY,
    "feature_diversity": FEATURE_DIVERSITY,
    "revival": REVIVAL,
    "unit_activity": UNIT_ACTIVITY,
}
"""The measures by name, in the order of the tables."""

TRAINING = "accuracy"
"""The measure that trains; all other measures of training observe it."""

STEP = "v3"
"""The measure whose step is the default of all other measures on the domain."""

LANDSCAPES = "landscape"
"""The name of the cells of `LANDSCAPE`."""


def measure_named(name: str) -> Measure:
    """Return the declaration of a measure, or of the landscapes."""
    return LANDSCAPE if name == LANDSCAPES else MEASURES[name]


def first_draws(measure: Measure, settings: Settings) -> range:
    """Return the first draw of each cell of a member, as a range that ends at the number of draws.

    With a precision target, the range covers only the cell of the first sampling round.
    """
    draws: int = measure.cell_draws if precision_asked(settings) else getattr(settings, "draws", 1)
    return range(0, draws, measure.cell_draws)


def with_default_step(asked: Mapping[str, Settings], domain: Domain) -> dict[str, Settings]:
    """Return the settings of measures with the default step where none is given."""
    first = asked.get(STEP)
    step = first.step if isinstance(first, OnTheDomain) else None
    if step is None and isinstance(domain, Region):
        step = domain.default_step
    return {
        name: settings.model_copy(update={"step": step})
        if isinstance(settings, OnTheDomain) and settings.step is None and _has_step(name, domain)
        else settings
        for name, settings in asked.items()
    }


def _has_step(name: str, domain: Domain) -> bool:
    """Return whether the step of a measure has an effect, if it is evaluated on the domain."""
    return isinstance(domain, Region) or MEASURES[name].along_lines


def problems_of(name: str, settings: Settings, asked: Asked) -> Iterator[Problem]:
    """Yield the reasons why a measure does not suit the networks, the domain and the training."""
    measure = MEASURES[name]
    changed = next((network for network in asked.networks if not network.plain), None)
    if changed and measure.plain:
        normalized = [f'normalization = "{changed.normalization}"'] if changed.normalization != "none" else []
        options = " and ".join([*normalized, *(["residual = true"] if changed.residual else [])])
        yield Problem(
            f"{name} requires networks without normalization and residual connections, the study has networks with "
            f"{options}",
            "remove the measure, or use a separate spec for these networks",
        )
    if isinstance(settings, OnTheDomain):
        if not isinstance(asked.domain, Region):
            yield from _without_effect(name, settings, asked.domain)
        elif settings.step is not None and not asked.domain.divides(settings.step):
            yield _problem_of_step(settings.step, asked.domain)
    yield from measure.checks(asked, settings)


def _without_effect(name: str, settings: OnTheDomain, domain: Domain) -> Iterator[Problem]:
    """Yield the keys that have no effect on a domain of data."""
    if settings.step is not None and not _has_step(name, domain):
        yield Problem(f"the step has no effect on {name} if the domain is data", "remove the key", ("step",))
    if "lines" in settings.model_fields_set and MEASURES[name].inputs != "task":  # tasks have domains of their own
        yield Problem(f"lines have no effect on {name} if the domain is data", "remove the key", ("lines",))


def _problem_of_step(step: float, domain: Region) -> Problem:
    """Return the problem of a step that does not divide the sides of the domain."""
    sides, fewest = sorted(set(domain.sides())), domain.fewest
    if len(sides) == 1:
        (side,) = sides
        what, hint = f"side of {side:g}", f"use {side:g}/n, such as {side / max(fewest, *domain.intervals(step))!r}"
    else:
        what = f"sides of {', '.join(f'{side:g}' for side in sides[:4])}{', ...' * (len(sides) > 4)}"
        default = domain.default_step
        hint = f"use {float(domain.common_side):g}/n, such as {default!r}"
        if not domain.divides(default):
            hint = "change low or high so that the sides have one"
    return Problem(f"{step:g} does not divide the domain's {what} into {fewest} or more steps", hint, ("step",))


def precisely(name: str, settings: Settings) -> str:
    """Return the requested precision as `check` shows it: ` (v3 within 0.02, up to 65,536 draws)`."""
    if not isinstance(settings, Precise) or settings.precision is None:
        return ""
    of = settings.precision_of or MEASURES[name].primary
    return f" ({of} within {settings.precision:g}, up to {settings.max_draws:,} draws)"

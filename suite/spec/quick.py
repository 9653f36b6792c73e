"""This module makes the quick version of a study, which runs within minutes for a first look."""

from dataclasses import replace
from typing import Any

from suite.catalog.measures import MEASURES
from suite.catalog.precision import DRAWS_A_CELL
from suite.catalog.settings import Settings
from suite.spec.load import Study

_PART = 10
_FEWEST_REPLICATES = 4
QUICK = "-quick"
"""The end of a quick study's name."""
NOTE = "quick: a tenth of the draws, steps and replicates"


def quick(study: Study) -> Study:
    """Return the study with a tenth of its draws, steps and replicates.

    At least 2 draws, 2 steps and 4 replicates remain, unless the study has fewer. The name and the title state that
    the study is quick. Findings are left out, because they are about the whole study.
    """
    spec = study.spec
    measures = {
        name: _tenth(settings) for name in MEASURES if (settings := getattr(spec.measure, name, None)) is not None
    }
    changed = {
        "name": spec.name + QUICK,
        "title": f"{spec.title} ({NOTE})",
        "findings": (),
        "measure": spec.measure.model_copy(update=measures),
    }
    return replace(study, spec=spec.model_copy(update=changed), asked=("--quick", *study.asked))


def _tenth(settings: Settings) -> Settings:
    """Return the settings of a measure with a tenth of its draws, steps and replicates."""
    stated = {name: getattr(settings, name) for name in type(settings).model_fields}
    changed: dict[str, Any] = {}
    for name, fewest in (("draws", 2), ("steps", 2), ("replicates", _FEWEST_REPLICATES)):
        if isinstance(amount := stated.get(name), int):
            changed[name] = min(amount, max(fewest, amount // _PART))
    if "max_draws" in stated:
        changed["max_draws"] = max(1, stated["max_draws"] // _PART // DRAWS_A_CELL) * DRAWS_A_CELL
    return settings.model_copy(update=changed)

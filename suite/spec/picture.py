"""Whether a study has the picture that is to answer its question."""

from collections.abc import Iterator

from suite.catalog.charts import charts
from suite.catalog.charts.declaration import PLANE, TOURNAMENT
from suite.catalog.measures import MEASURES
from suite.catalog.shown import shown
from suite.spec.members import Finding
from suite.spec.model import Spec
from suite.spec.problems import nearest


def undrawn(spec: Spec) -> Iterator[Finding]:
    """A picture that is no chart of the report, or that nothing in the study is for."""
    if spec.picture is None:
        return
    there = {quantity for name in spec.measures for quantity in MEASURES[name].quantities}
    there |= {TOURNAMENT} if spec.predict is not None else set()
    there |= {PLANE} if any(2 in family.inputs for family in spec.family) else set()
    known = charts()
    possible = {
        name: None
        for name, chart in known.items()
        if (all if chart.every else any)(quantity in there for quantity in chart.quantities)
    }
    if spec.picture not in possible:
        why = "shows nothing that this study measures" if spec.picture in known else "is no chart of the report"
        yield Finding(("picture",), f"{shown(spec.picture)} {why}; {nearest(spec.picture, possible)}")

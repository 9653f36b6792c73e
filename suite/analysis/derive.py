"""The tables of the analysis: computed from a run's tables, and written before anything is drawn."""

from collections.abc import Sequence

import pandas as pd

from suite.analysis.comparisons import comparisons_table
from suite.analysis.phases import phases_table
from suite.analysis.predictors import predictors_table
from suite.analysis.success_bound import bounds_table
from suite.analysis.verdicts import verdict_rows
from suite.catalog.charts import facts
from suite.catalog.claims import Claim
from suite.results.folder import Results
from suite.results.schema import BOUNDS, COMPARISONS, PHASES, PREDICTORS, VERDICT_COLUMNS, VERDICTS
from suite.results.tables import write_analysis


def derive(results: Results, claims: Sequence[Claim], source: str) -> None:
    """Compute and write the predictor ranking, bounds, phases, comparisons and verdicts.

    Args:
        results: The tables of a run.
        claims: The claims of the study, as its spec makes them now.
        source: The source of the study, for claims that name none.
    """
    summary = results.summary
    verdicts = verdict_rows(claims, results, source)
    write_analysis(
        results.folder,
        {
            PREDICTORS: predictors_table(results),
            BOUNDS: bounds_table(summary, results.values_of((facts.BOUND.bound, facts.BOUND.outcome))),
            PHASES: phases_table(results.values_of(facts.PHASES.quantities), summary),
            COMPARISONS: comparisons_table(
                results.values_of((*facts.COMPARED_TIMES, *facts.COMPARED_OUTCOMES)), summary
            ),
            VERDICTS: pd.DataFrame(verdicts, columns=list(VERDICT_COLUMNS)),
        },
    )

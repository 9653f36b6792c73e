"""Answer the question of a study in one or two sentences, from its verdicts, predictor ranking and trends."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suite.catalog.charts import ANSWERS, charts
from suite.formatting import capitalize
from suite.report.predictor_text import beating_baselines, describe_best, group_outcomes
from suite.report.trend_text import describe_trends
from suite.report.verdicts import format_numbers, has_passed, is_control

Row = Mapping[str, Any]
Rows = Mapping[str, Sequence[Row]]
"""Tables of the analysis as rows, by name; an answer uses verdicts, predictors and trends."""


def answer_question(run: Mapping[str, Any], rows: Rows) -> str:
    """Return the answer to a study's question in at most two sentences; empty if the tables have none.

    It is made from the claim that answers the question, or else from the first claim that is not a control. If that
    claim is about an outcome that the study predicts, or there is no claim, the predictor ranking follows. Without
    both, it is the trend of the first quantity of the chart that answers, or else that of the first chart.

    Args:
        run: The content of run.json.
        rows: The tables.
    """
    spec = run["spec"]
    claims = [row for row in rows["verdicts"] if not is_control(row)]
    claim = next((row for row in claims if row["answers"] == "yes"), claims[0] if claims else None)
    if claim is not None:
        about = claim["quantities"].split(", ")
        ranked = [row for row in rows["predictors"] if row["outcome"] in about]
        return " ".join([_answer_by_claim(claim), *(_answer_by_ranking(ranked) if ranked else [])])
    if rows["verdicts"]:
        return _answer_by_controls(rows["verdicts"])
    if rows["predictors"]:
        return " ".join(_answer_by_ranking(rows["predictors"]))
    return next(_answers_by_trend(spec, rows["trends"]), "")


def _answer_by_claim(claim: Row) -> str:
    """Return the sentence of a claim with its verdict and numbers."""
    sentence = str(claim["claim"]).removesuffix(".")
    numbers = f" ({format_numbers(claim, power=False)})"
    if claim["verdict"] == "holds":
        return f"{sentence}{numbers}."
    if claim["verdict"] == "fails":
        return f"It does not hold that '{sentence}'{numbers}."
    return f"Undecided: the data neither confirm nor refute that '{sentence}'{numbers}."


def _answer_by_controls(controls: Sequence[Row]) -> str:
    """Return how many controls have the verdict that they are stated to have."""
    passed = sum(map(has_passed, controls))
    return f"Controls passed: {passed} of {len(controls)}. Their verdicts are known from how they are made."


def _answer_by_ranking(rows: Sequence[Row]) -> list[str]:
    """Return a sentence on the best predictor of the outcome, or how often there is one if it has several trainings."""
    found = [ranking for _, ranking in group_outcomes(rows)]
    if len(found) > 1:
        leading = sum(bool(beating_baselines(ranking)) for ranking in found)
        return [f"A predictor is shown to beat its best baseline in {leading} of {len(found)} settings."]
    return [f"{capitalize(describe_best(ranking))}." for ranking in found]


def _answers_by_trend(spec: Mapping[str, Any], trends: Sequence[Row]) -> Iterator[str]:
    """Yield sentences on the first quantity of each chart, beginning with the chart that answers."""
    known = charts()
    for name in dict.fromkeys(filter(None, (spec.get("picture"), *ANSWERS, *known))):
        for quantity, drawn in known[name].drawn.items() if name in known else ():
            yield from describe_trends({quantity: drawn}, trends)

"""The findings of a diagnosis, as text and as a page."""

from collections.abc import Hashable, Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.formatting import align
from suite.report.templating import environment

if TYPE_CHECKING:
    import pandas as pd

_WIDTH = 100


def format_diagnosis(
    findings: "pd.DataFrame", tried: "pd.DataFrame", summary: Sequence[str], score: str, best: str
) -> Iterator[str]:
    """Yield the lines that a terminal shows: the network, its findings, and what was tried.

    Args:
        findings: One row per finding, the worst first.
        tried: One row per network that was trained.
        summary: What the network is, and how it trains.
        score: The name of the score.
        best: The recommended remedy; may be empty.
    """
    yield from summary
    for row in findings.to_dict("records"):
        yield ""
        where = f" in layer {row['layer']}" if row["layer"] else ""
        yield f"{row['severity']}: {row['finding']}{where}"
        yield from (f"  {line}" for line in wrap(row["evidence"], _WIDTH))
        if row["remedy"]:
            yield from (f"  {line}" for line in wrap(f"remedy: {row['remedy']}", _WIDTH))
    if not len(findings):
        yield "no findings"
    if len(tried):
        yield ""
        yield from align(_tabulate(tried, score))
        yield ""
        yield f"Recommended: {best}.{_caution(tried, best)}" if best else "No remedy is recommended."
        for line in _code_of(tried, best).splitlines():
            yield f"    {line}"


def render_diagnosis(
    title: str, findings: "pd.DataFrame", tried: "pd.DataFrame", summary: Sequence[str], score: str, best: str
) -> str:
    """Return the page of a diagnosis; arguments are those of `format_diagnosis`."""
    header, *rows = _tabulate(tried, score) if len(tried) else [[]]
    return (
        environment()
        .get_template("diagnosis.html")
        .render(
            title=title,
            summary=summary,
            findings=[_shown(row) for row in findings.to_dict("records")],
            header=header,
            rows=rows,
            score=score,
            best=best,
            caution=_caution(tried, best),
            code=_code_of(tried, best),
        )
    )


def _shown(row: dict[Hashable, Any]) -> dict[Hashable, Any]:
    return {**row, "value": f"{row['value']:.3g}"}


def _caution(tried: "pd.DataFrame", best: str) -> str:
    """Return a sentence if the interval of the recommended remedy's gain contains 0."""
    rows = tried[tried["remedy"] == best]
    return " The 95% interval of its gain contains 0." if len(rows) and not rows["ci_low"].iloc[0] > 0 else ""


def _code_of(tried: "pd.DataFrame", best: str) -> str:
    rows = tried[tried["remedy"] == best] if best else tried[:0]
    return str(rows["code"].iloc[0]) if len(rows) else ""


def _tabulate(tried: "pd.DataFrame", score: str) -> list[list[str]]:
    """Return the header and the rows of the table of trainings as text."""
    found = [["", "learning rate", f"validation {score}", f"test {score}", "gain", "95% CI"]]
    for row in tried.to_dict("records"):
        gain = ["", ""]
        if row["gain"] is not None and np.isfinite(row["gain"]):
            gain = [f"{row['gain']:+.3f}", f"[{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"]
        found.append(
            [row["remedy"], f"{row['learning_rate']:g}", f"{row['validation']:.3f}", f"{row['test']:.3f}", *gain]
        )
    return found

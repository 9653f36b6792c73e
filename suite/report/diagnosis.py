"""The diagnosis of a network: its findings, as text and as a page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import altair as alt
import numpy as np
import pandas as pd
import vl_convert as vlc

from suite.formatting import align
from suite.report.figures import printed
from suite.report.formatting import PageTable
from suite.report.looks import COLORS
from suite.report.marks import Chart
from suite.report.templating import environment
from suite.results.files import write_text

LAYER_COLUMNS = (
    "layer",
    "activation",
    "units",
    "size",
    "size_theory",
    "variation",
    "variation_theory",
    "cosine",
    "cosine_theory",
    "gradient",
    "gradient_theory",
    "rank",
    "dead",
    "saturated",
)
"""The columns of the table of layers."""

_LINE = 100
"""The number of characters at which text is wrapped."""


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is wrong with a network on data. Printing it gives the findings as sentences.

    Attributes:
        findings: One row per finding, the worst first: `finding`, `severity` (high, medium, low, info), `layer`,
            `value`, `expected`, `evidence`, `remedy`.
        tried: One row for the network as it is, and one for each remedy that was tried: `remedy`, `learning_rate`,
            `validation` and `test` (mean scores), `gain` (in test score) with `ci_low` and `ci_high`, `findings` (the
            names of those that remain), `code`.
        layers: One row for each hidden layer, with preactivations z: `layer`, `activation`, `units`, `size` (root mean
            square of z), `variation` (standard deviation of z over rows), `cosine` (of z, mean over pairs of rows),
            `gradient` (root mean square of the loss's gradient with respect to z), `rank` (effective rank of the
            activations), `dead` (share of units with a slope of 0 at all rows), `saturated` (share of values with a
            slope near 0). Columns ending in `_theory` have what theory expects; they are empty where it does not apply.
        summary: What the network is, and how it trains.
        score: The name of the score: accuracy or R^2.
        best: The remedy that is recommended; empty if none is needed or helps.
    """

    findings: pd.DataFrame
    tried: pd.DataFrame
    layers: pd.DataFrame
    summary: list[str]
    score: str
    best: str

    def __str__(self) -> str:
        return "\n".join(_format(self))

    __repr__ = __str__

    def report(self, path: str | Path) -> Path:
        """Write a page with the findings, the scores before and after each remedy, and charts; return its path."""
        write_text(Path(path), _render(self))
        return Path(path)


def _format(found: Diagnosis) -> Iterator[str]:
    """Yield the lines that a terminal shows: the network, its findings, and what was tried."""
    yield from found.summary
    for row in found.findings.to_dict("records"):
        yield ""
        where = f" in layer {row['layer']}" if row["layer"] else ""
        yield f"{row['severity']}: {row['finding']}{where}"
        yield from (f"  {line}" for line in wrap(row["evidence"], _LINE))
        if row["remedy"]:
            yield from (f"  {line}" for line in wrap(f"remedy: {row['remedy']}", _LINE))
    if not len(found.findings):
        yield "no findings"
    if len(found.tried):
        yield ""
        yield from align(_tabulate(found))
        yield ""
        yield f"Recommended: {found.best}.{_describe_best(found)}" if found.best else "No remedy is recommended."
        for line in _code_of(found).splitlines():
            yield f"    {line}".rstrip()


def _render(found: Diagnosis) -> str:
    """Return the page."""
    header, *rows = _tabulate(found) if len(found.tried) else [[]]
    layers = found.layers
    return (
        environment()
        .get_template("diagnosis.html")
        .render(
            title="What is wrong with this network",
            found=found,
            findings=[{**row, "value": f"{row['value']:.3g}"} for row in found.findings.to_dict("records")],
            trainings=PageTable("", "", header, 1, rows) if rows else None,
            layers=PageTable("", _LAYERS_NOTE, *_tabulate_layers(layers)) if len(layers) else None,
            gains=_draw(_gains(found.tried, found.score)) if rows else "",
            profile=_draw(_profile(layers)) if len(layers) else "",
            has_theory=_has_theory(layers),
            caution=_describe_best(found),
            code=_code_of(found),
        )
    )


def _describe_best(found: Diagnosis) -> str:
    """Return sentences about the recommended remedy: whether its gain is sure, and which findings remain."""
    rows = found.tried[found.tried["remedy"] == found.best]
    if not len(rows):
        return ""
    row = rows.iloc[0]
    text = " The 95% interval of its gain contains 0." if row["ci_low"] <= 0 <= row["ci_high"] else ""
    return text + (f" Findings that remain: {row['findings']}." if row["findings"] else " No finding remains.")


def _code_of(found: Diagnosis) -> str:
    rows = found.tried[found.tried["remedy"] == found.best] if found.best else found.tried[:0]
    return str(rows["code"].iloc[0]) if len(rows) else ""


def _tabulate(found: Diagnosis) -> list[list[str]]:
    """Return the header and the rows of the table of trainings as text."""
    table = [["", "learning rate", f"validation {found.score}", f"test {found.score}", "gain", "95% CI", "findings"]]
    for row in found.tried.to_dict("records"):
        gain = ["", ""]
        if row["gain"] is not None and np.isfinite(row["gain"]):
            gain = [f"{row['gain']:+.3f}", f"[{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"]
        scores = [f"{row['learning_rate']:g}", f"{row['validation']:.3f}", f"{row['test']:.3f}"]
        number = len(row["findings"].split(", ")) if row["findings"] else 0
        table.append([row["remedy"], *scores, *gain, str(number)])
    return table


_LAYERS_NOTE = (
    "size: root mean square of z. variation: standard deviation of z over rows. cosine: of z, mean over pairs of rows. "
    "gradient: root mean square of the loss's gradient with respect to z. rank: effective rank of the activations. "
    "dead: share of units with a slope of 0 at all rows. saturated: share of values with a slope near 0. Theory is in "
    "parentheses."
)


def _tabulate_layers(layers: pd.DataFrame) -> tuple[list[str], int, list[list[str]]]:
    """Return the header, the number of columns of words and the rows of the table of layers."""
    names = [name for name in LAYER_COLUMNS if not name.endswith("_theory")]
    rows = []
    for number, row in enumerate(layers.to_dict("records"), 1):
        cells = [row["layer"], row["activation"], str(number), f"{row['units']}"]
        for name in names[3:]:
            theory = row.get(f"{name}_theory")
            beside = f" ({theory:.2g})" if theory is not None and np.isfinite(theory) else ""
            cells.append(f"{row[name]:.2g}{beside}")
        rows.append(cells)
    return [*names[:2], "hidden layer", *names[2:]], 2, rows


def _has_theory(layers: pd.DataFrame) -> bool:
    return bool(layers["variation_theory"].notna().any())


def _gains(tried: pd.DataFrame, score: str) -> Chart:
    """Return a chart of the gain of each remedy over the network as it is, with its interval."""
    numbers = ["gain", "ci_low", "ci_high"]
    rows = tried[1:][["remedy", *numbers]].astype(dict.fromkeys(numbers, float))
    rows = rows.replace([np.inf, -np.inf], np.nan).dropna()
    base = alt.Chart(rows).encode(y=alt.Y("remedy:N", title=None, sort=None, axis=alt.Axis(labelLimit=460)))
    title = f"gain in test {score} over the network as it is"
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(strokeDash=[4, 3]).encode(x="zero:Q")
    points = base.mark_point(filled=True, size=60, color=COLORS[0], opacity=1).encode(x=alt.X("gain:Q", title=title))
    intervals = base.mark_rule(color=COLORS[0], strokeWidth=2).encode(x="ci_low:Q", x2="ci_high:Q")
    return alt.layer(zero, intervals, points).properties(width=420)


def _profile(layers: pd.DataFrame) -> Chart:
    """Return charts of variation and gradient by layer, with lines for theory."""
    numbered = layers.assign(number=range(1, len(layers) + 1))
    titles = {"variation": "variation of z over rows", "gradient": "root mean square of the gradient"}
    return alt.hconcat(*(_along_layers(numbered, name, title) for name, title in titles.items()))


def _along_layers(layers: pd.DataFrame, name: str, title: str) -> Chart:
    long = pd.concat(
        [
            pd.DataFrame({"number": layers["number"], "value": layers[column].astype(float), "source": source})
            for column, source in ((name, "measured"), (f"{name}_theory", "theory"))
        ]
    )
    shown = long[np.isfinite(long["value"]) & (long["value"] > 0)]
    decades = len(shown) > 0 and shown["value"].max() / shown["value"].min() > _DECADES
    scale = alt.Scale(type="log") if decades else alt.Scale(zero=True)
    sources = list(dict.fromkeys(shown["source"]))
    color = alt.Color("source:N", title=None, scale=alt.Scale(domain=sources, range=COLORS[: len(sources)]))
    axis = alt.Axis(tickMinStep=1, tickCount=8, format="d")
    y = alt.Y("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6, format="~g" if not decades else ".0e"))
    base = alt.Chart(shown).encode(x=alt.X("number:Q", title="hidden layer", axis=axis), y=y, color=color)
    points = base.transform_filter(alt.datum.source == "measured").mark_point(filled=True, size=30, opacity=1)
    lines = base.transform_filter(alt.datum.source == "theory").mark_line()
    return alt.layer(lines, points).properties(width=320, height=220)


_DECADES = 30.0
"""An axis is logarithmic if the largest number is more than this many times the smallest."""


def _draw(chart: Chart) -> str:
    """Return a chart as SVG, which a page shows without scripts."""
    return str(vlc.vegalite_to_svg(printed(chart.to_dict())))

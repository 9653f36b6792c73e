"""Establish how the quantities that charts draw change along their axes."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from suite.analysis.numbers import kind_of
from suite.analysis.series import selected, with_series
from suite.catalog.charts import charts
from suite.catalog.charts.declaration import Drawn
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES, shares_data
from suite.results.schema import (
    DIFFERS,
    DIPS,
    FALLS,
    FLAT,
    FREQUENCY,
    LAYER,
    NONE,
    PEAKS,
    RISES,
    SERIES,
    SHARE,
    STEP,
    TREND_COLUMNS,
)
from suite.statistics.contrasts import Estimate, estimate, of_summary
from suite.statistics.intervals import Array, bootstrap_median
from suite.statistics.multiple_tests import ALPHA, holm
from suite.statistics.shape import (
    Curve,
    curve_of,
    curve_of_times,
    is_flat,
    is_rise,
    largest_difference,
    p_of_difference,
    p_of_ends,
    p_of_peak,
    places_of_extreme,
    size_of_peak,
)

MARGIN = 0.05
"""Largest difference within a flat curve, as a share of its mean size; for frequencies, the difference itself."""


class _Place(NamedTuple):
    """One place of a curve.

    Attributes:
        at: The value of the axis.
        tested: The estimate, for tests.
        low: Lower end of the 95% interval; nan if there is none.
        high: Upper end of the interval.
        constant: Whether all draws are equal.
        times: Times to an event, one per draw, infinite if censored; None for other quantities.
    """

    at: Any
    tested: Estimate
    low: float
    high: float
    constant: bool
    times: Array | None = None


class _Line(NamedTuple):
    """A curve with the columns that name it, and the number of places that have no value."""

    named: dict[str, Any]
    places: list[_Place]
    missing: int


def trends_table(summary: pd.DataFrame, values_of: Callable[[Sequence[str]], pd.DataFrame]) -> pd.DataFrame:
    """Return the shape of each quantity that a chart draws, for each series along the axis of the chart.

    The axis is the main axis of the study. Quantities with layers run along the layers of the deepest members, where
    numbers of neurons are shares of the layer, and learning curves along the steps of each member. If the main axis has
    one value only, the series are compared with each other, in one row whose axis is "series"; it has the largest
    difference that is established, smaller first.

    Three hypotheses are tested for each curve: the ends are equal; no inner place exceeds both ends; no inner place
    lies below both. The p-values of all curves of a quantity are corrected together (Holm), so that the probability
    that any of these shapes is wrong is at most 5% for each quantity: "rises" and "falls" say that the last value is
    larger or smaller than the first, "peaks inside" and "dips inside" that an inner value lies above or below both
    ends. They are not about the values in between. The direction of a rise or fall is that of the test.

    "flat" means that all values differ by at most 5% of their mean size (0.05 for frequencies). It has an error rate of
    its own, in addition to that of the other shapes: the probability that a curve of a quantity is called flat wrongly
    is at most 5%. The mean size is estimated from the same draws and taken as known. If all draws of a curve are equal,
    it is flat if the frequency of other values passes the test of flat frequencies, which takes about 55 draws at each
    place (80 for layers and steps), and more for several series.

    Draws of different members are independent. Layers and steps belong to the same networks, and replicates of trained
    networks share their data; the tests of these allow for any dependence. Means are tested by Student's t,
    frequencies after Agresti and Caffo, medians after Price and Bonett, and times to an event, of which the medians
    are listed, by the Mann-Whitney test, which takes the draws as independent; censored times are longer than all
    others, and an infinite median says that fewer than half of the draws reach the event. Quantities without draws are
    exact. If all draws of a place are equal, its error is taken to be that of the place that it is compared with. The
    error of a mean is at least that if the place has fewer than 64 draws, and at most half as many as the other.

    The extreme is the largest, or smallest, value among the inner places that are established to lie above, or below,
    both ends. The intervals of the values are those of the summary. That of the extreme value is not corrected for its
    choice; the interval of the change, and the range of places that the extreme is not told apart from, are.

    Args:
        summary: The summary of the study, with the widths of layers (`with_layer_widths`) if neurons are counted.
        values_of: Returns the raw values of some quantities; used for medians.
    """
    named = with_series(summary)
    rows = [
        row
        for quantity, drawn in _drawn(named)
        for row in _rows_of(quantity, _lines(named, quantity, drawn, values_of))
    ]
    return pd.DataFrame(rows, columns=list(TREND_COLUMNS))


def _drawn(summary: pd.DataFrame) -> Iterator[tuple[str, Drawn]]:
    """Yield the quantities of a study with the way in which charts draw them, each way once."""
    found = {
        (quantity, drawn.runs, drawn.statistic): drawn
        for chart in charts().values()
        for quantity, drawn in chart.drawn.items()
    }
    known = {quantity for quantity, *_ in found}
    measured = dict.fromkeys(summary["quantity"].astype(str))
    yield from ((quantity, drawn) for (quantity, *_), drawn in found.items() if quantity in measured)
    yield from ((quantity, Drawn(quantity)) for quantity in measured if quantity not in known)


def _statistic(summary: pd.DataFrame, quantity: str, drawn: Drawn) -> str:
    """Return the statistic of a quantity: mean, median or frequency."""
    kind = kind_of(summary[summary["quantity"] == quantity], quantity)
    return {"frequency": FREQUENCY, "time": "median"}.get(kind, drawn.statistic)


def _lines(
    named: pd.DataFrame, quantity: str, drawn: Drawn, values_of: Callable[[Sequence[str]], pd.DataFrame]
) -> Iterator[_Line]:
    """Yield the curves of a quantity."""
    rows, axis, keys = _along(named[named["quantity"] == quantity], drawn)
    values, statistic = None, _statistic(named, quantity, drawn)
    counts = quantity in QUANTITIES and QUANTITIES[quantity].counts_neurons
    if axis == LAYER and counts and "layer_width" in rows:
        rows, statistic = _shares(rows), SHARE
    if axis == "along" and statistic == "median":
        raw = selected(values_of((quantity,)), named, quantity)
        values = raw[raw["layer"] == 1] if drawn.runs == "first layer" else raw
    nothing = {
        "series": "",
        "statistic": statistic,
        "axis": axis,
        "main_axis": str(named["axis"].iloc[0]),
        "along": np.nan,
        "layer": 1 if drawn.runs == "first layer" else np.nan,
    }
    if axis == "along" and named["along"].nunique() == 1:
        yield _line(nothing | {"axis": SERIES}, rows.drop_duplicates("series"), SERIES, quantity, values)
        return
    for key, group in rows.groupby(keys, sort=False, observed=True):
        place = dict(zip(keys, key, strict=True))
        main = {"axis": nothing["main_axis"]} if axis == "along" else {}
        ordered = group.drop_duplicates(axis).sort_values(axis)
        here = None if values is None else values[values["series"] == place["series"]]
        yield _line(nothing | main | place, ordered, axis, quantity, here)


def _along(rows: pd.DataFrame, drawn: Drawn) -> tuple[pd.DataFrame, str, list[str]]:
    """Return the rows of a quantity that its curves consist of, their axis, and the columns that tell them apart."""
    if drawn.runs == STEP:
        keys = ["series", "along"]
        if rows["layer"].notna().any():
            last = rows.groupby(keys)["layer"].transform("max")
            return rows[rows["layer"] == last], STEP, [*keys, "layer"]
        return rows, STEP, keys
    if rows["step"].notna().any():
        rows = rows[rows["step"] == rows["step"].max()]
    if drawn.runs == "first layer":
        return rows[rows["layer"] == 1], "along", ["series"]
    if rows["layer"].notna().any():
        for name in ("depth", "along"):
            rows = rows[rows[name] == rows.groupby("series")[name].transform("max")]
        return rows, LAYER, ["series", "along"]
    return rows, "along", ["series"]


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Return numbers of neurons as shares of their layer, as charts draw them, since widths may alternate."""
    return rows.assign(**{name: rows[name] / rows["layer_width"] for name in ("mean", "std", "ci_low", "ci_high")})


def _line(named: dict[str, Any], rows: pd.DataFrame, axis: str, quantity: str, values: pd.DataFrame | None) -> _Line:
    """Return the curve of some rows of the summary, or of raw values if its statistic is the median."""
    if values is not None:
        places = [_median_place(at, values[values[axis] == at], quantity) for at in rows[axis]]
    else:
        event, exact = kind_of(rows, quantity) == "frequency", _is_exact(quantity)
        columns = [rows[name].to_numpy(float) for name in ("mean", "std", "n", "ci_low", "ci_high")]
        places = [
            _Place(
                at,
                Estimate(mean) if exact else of_summary(mean, std, int(n), "frequency" if event else "mean"),
                mean if exact else low,
                mean if exact else high,
                exact or (n > 1 and std == 0),
            )
            for at, mean, std, n, low, high in zip(rows[axis], *columns, strict=True)
        ]
    known = [place for place in places if np.isfinite(place.tested.value) or place.times is not None]
    return _Line(named, known, len(places) - len(known))


def _median_place(at: Any, rows: pd.DataFrame, quantity: str) -> _Place:
    """Return the median of the raw values at one place; censored times are longer than all others."""
    draws, is_time = rows["value"].to_numpy(float), kind_of(rows, quantity) == "time"
    draws = np.where(np.isnan(draws), np.inf, draws) if is_time else draws[np.isfinite(draws)]
    low, high = (float(ends[0]) for ends in bootstrap_median(draws[:, None])) if len(draws) > 1 else (np.nan, np.nan)
    constant = len(draws) > 1 and bool((draws == draws[0]).all())
    return _Place(at, estimate(draws, "median", lower=is_time), low, high, constant, draws if is_time else None)


def _is_exact(quantity: str) -> bool:
    """Return whether a quantity has no draws."""
    return any(quantity in measure.quantities and not measure.sampled for measure in MEASURES.values())


def _is_shared(quantity: str, axis: str) -> bool:
    """Return whether draws at different places of an axis may depend on each other."""
    return shares_data(quantity) or axis in (STEP, LAYER)


def _rows_of(quantity: str, lines: Iterator[_Line]) -> Iterator[dict[str, Any]]:
    """Yield one row per curve with at least two places, with p-values that are corrected for all curves."""
    found = [line for line in lines if len(line.places) > 1]
    curves = [_curve(line, quantity) for line in found]
    tests = [_tests(curve, line.named["axis"]) for curve, line in zip(curves, found, strict=True)]
    corrected = iter(holm(np.array([p for test in tests for p in test.values()])))
    adjusted = [{shape: float(next(corrected)) for shape in test} for test in tests]
    for line, curve, raw, holms in zip(found, curves, tests, adjusted, strict=True):
        constant = line.named["statistic"] != FREQUENCY and _is_constant(line)
        level = 1 - ALPHA / len(found)
        margin = MARGIN if line.named["statistic"] == FREQUENCY else MARGIN * float(np.abs(curve.value).mean())
        if constant and not _is_exact(quantity):
            shape = FLAT if is_flat(_other_values(curve), MARGIN, level) else NONE
        else:
            shape = _shape(curve, raw, holms, margin, level)
        tested = {RISES: "ends", FALLS: "ends"}.get(shape, shape)
        tested = tested if tested in raw else min(raw, key=lambda name: raw[name])
        yield {
            "quantity": quantity,
            **line.named,
            "shape": shape,
            "places": len(line.places),
            "missing": line.missing,
            **_numbers(line, curve, shape),
            **({"change_low": np.nan, "change_high": np.nan} if constant else {}),
            "p": raw[tested],
            "p_holm": holms[tested],
        }


def _curve(line: _Line, quantity: str) -> Curve:
    """Return the estimates of a curve, for tests."""
    times = [place.times for place in line.places if place.times is not None]
    if times:
        return curve_of_times(times)
    return curve_of(
        [place.tested for place in line.places],
        shared=_is_shared(quantity, line.named["axis"]),
        largest=1.0 if line.named["statistic"] in (FREQUENCY, SHARE) else _width_of_range(quantity),
    )


def _width_of_range(quantity: str) -> float:
    """Return the largest possible difference of two means of a quantity."""
    low, high = QUANTITIES[quantity].range if quantity in QUANTITIES else (-np.inf, np.inf)
    return high - low


def _is_constant(line: _Line) -> bool:
    """Return whether all draws at all places are equal."""
    return all(place.constant for place in line.places) and len({place.tested.value for place in line.places}) == 1


def _other_values(curve: Curve) -> Curve:
    """Return the frequency, at each place, of draws that differ from all others, where there are none."""
    none = [of_summary(0.0, 0.0, int(draws), "frequency") for draws in curve.draws]
    return curve_of(none, shared=curve.shared, largest=1.0)


def _tests(curve: Curve, axis: str) -> dict[str, float]:
    """Return the p-values of a curve's tests by the shape that they establish; those of a rise or a fall as "ends"."""
    if axis == SERIES:
        return {DIFFERS: p_of_difference(curve)}
    return {"ends": p_of_ends(curve), PEAKS: p_of_peak(curve, 1), DIPS: p_of_peak(curve, -1)}


def _shape(curve: Curve, raw: dict[str, float], p: dict[str, float], margin: float, level: float) -> str:
    """Return the shape that is established: that of an inner extreme, of the ends, flat or none.

    Args:
        curve: The curve.
        raw: The p-values of its tests, by which the smaller of equal corrected ones is told.
        p: The corrected p-values.
        margin: The largest difference within a flat curve.
        level: The level of the intervals by which a curve is flat.
    """
    if DIFFERS in p:
        return DIFFERS if p[DIFFERS] <= ALPHA else FLAT if is_flat(curve, margin, level) else NONE
    inside = [(p[shape], raw[shape], shape) for shape in (PEAKS, DIPS) if p[shape] <= ALPHA]
    if inside:
        return min(inside)[-1]
    if p["ends"] <= ALPHA:
        return RISES if is_rise(curve) else FALLS
    return FLAT if is_flat(curve, margin, level) else NONE


def _numbers(line: _Line, curve: Curve, shape: str) -> dict[str, Any]:
    """Return the columns of the first, last and extreme value, and of the change."""
    places = line.places
    if line.named["axis"] == SERIES:
        ends = list(largest_difference(curve))
        pairs = curve.size * (curve.size - 1) // 2
    else:
        ends, pairs = [0, curve.size - 1], 1
    first, last = ends
    found = {**_value("first", places[first]), **_value("last", places[last])}
    change = low = high = np.nan
    if np.isfinite(curve.value[ends]).all():
        change = float(curve.value[last] - curve.value[first])
        low, high = (float(end) for end in curve.interval(last, first, 1 - ALPHA / pairs))
    if curve.tested is not None:  # the test is not that of the interval
        low = high = np.nan
    extreme: dict[str, Any] = {}
    if shape in (PEAKS, DIPS):
        sign = 1 if shape == PEAKS else -1
        place, change, *ends_of_change = size_of_peak(curve, sign)
        low, high = ends_of_change if curve.tested is None else (np.nan, np.nan)
        begin, end = places_of_extreme(curve, sign)
        extreme = _value("extreme", places[place])
        extreme["extreme_from"] = _written(places[min(begin, place)].at)
        extreme["extreme_to"] = _written(places[max(end, place)].at)
    return {**found, **extreme, "change": change, "change_low": low, "change_high": high}


def _value(name: str, place: _Place) -> dict[str, Any]:
    numbers = {"": place.tested.value, "_low": place.low, "_high": place.high, "_n": place.tested.draws}
    return {f"{name}_at": _written(place.at)} | {f"{name}{suffix}": number for suffix, number in numbers.items()}


def _written(at: Any) -> str:
    """Return a place as text: a name, or a number."""
    return at if isinstance(at, str) else f"{float(at):g}" if float(at) < 1e5 else f"{float(at):.0f}"

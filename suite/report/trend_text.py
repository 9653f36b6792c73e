"""Describe trends in sentences, from the table of trends."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import isinf, isnan
from typing import Any

from suite.catalog.charts.declaration import Drawn
from suite.formatting import capitalize, format_count
from suite.results.schema import DIPS, FALLS, FLAT, FREQUENCY, LAYER, NONE, PEAKS, RISES, SERIES, SHARE, STEP

Row = Mapping[str, Any]
"""One row of trends.csv."""

MOST = 3
"""Largest number of sentences about the trends of a chart."""

_SHAPES = (PEAKS, DIPS, RISES, FALLS, FLAT, NONE)
_VERBS = {PEAKS: "peaks inside", DIPS: "dips inside", RISES: "rises", FALLS: "falls", FLAT: "hardly changes"}
_IN_FULL = 2
"""Largest number of series that a sentence describes one by one."""


def describe_trends(drawn: Mapping[str, Drawn], rows: Sequence[Row]) -> list[str]:
    """Return sentences on the trends of some quantities, at most `MOST`, those with the largest changes.

    Quantities without an established trend share one sentence.

    Args:
        drawn: The quantities, and how a chart draws them.
        rows: The table of trends.
    """
    sentences: list[str] = []
    open_ones: list[tuple[str, Sequence[Row]]] = []
    for quantity, look in drawn.items():
        found = select_trends(quantity, look, rows)
        if not found:
            continue
        name = f"the share of {quantity}" if found[0]["statistic"] == SHARE else look.name or look.label
        if all(row["shape"] == NONE for row in found):
            open_ones.append((name, found))
        else:
            sentences.append(_describe(name, found))
    return [*sentences[:MOST], *_describe_open(open_ones)]


def select_trends(quantity: str, drawn: Drawn, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a quantity along the axis of a chart."""

    def fits(row: Row) -> bool:
        if drawn.runs == STEP or row["axis"] == STEP:
            return bool(drawn.runs == row["axis"])
        if drawn.runs == "first layer":
            return bool(row["layer"] == 1)
        return isnan(row["layer"])

    return [row for row in rows if row["quantity"] == quantity and fits(row)]


def _describe(name: str, found: Sequence[Row]) -> str:
    """Return a sentence on one quantity, at least one of whose curves has an established shape."""
    axis = found[0]["axis"]
    if axis == SERIES:
        sentence = _describe_difference(name, found[0])
    elif len(found) <= _IN_FULL:
        sentence = _describe_each(name, found)
    else:
        sentence = _describe_many(name, found)
    return capitalize(f"{sentence}{_describe_missing(found)}.")


def _describe_difference(name: str, row: Row) -> str:
    """Describe how the series of a study differ that varies no main axis."""
    if _is_constant(row):
        return f"{name} is {_describe_flat(row)}"
    if row["shape"] == FLAT:
        return f"{name} hardly differs between {row['places']} settings ({_describe_flat(row)})"
    larger, smaller = (f"{row[f'{end}_at']} ({_format_value(row, end)})" for end in ("last", "first"))
    if _is_order_alone(row):
        return f"{name} is larger for {larger} than for {smaller}, by the order of all times"
    change = _format_change(row, "; {}")
    return f"{name} is larger for {larger} than for {smaller}, the largest difference that is established{change}"


def _describe_each(name: str, found: Sequence[Row]) -> str:
    """Describe one or two curves, together if they have the same shape."""
    parts: list[str] = []
    for shape in _SHAPES:
        alike = [row for row in found if row["shape"] == shape]
        if alike and shape == NONE:
            parts.append(f"no trend is established{_for(alike[0], found)}")
        elif alike:
            parts.append(f"{'it' if parts else name} {_describe_alike(alike, found)}")
    return "; ".join(parts)


def _describe_alike(alike: Sequence[Row], found: Sequence[Row]) -> str:
    """Describe curves of the same established shape, without their subject."""
    shape = alike[0]["shape"]
    if shape in (PEAKS, DIPS):
        verb = {PEAKS: "peaks", DIPS: "dips"}[shape]
        return f"{verb} {' and '.join(f'{_detail(row)}{_for(row, found)}' for row in alike)}"
    if all(_is_constant(row) for row in alike):
        return f"is {' and '.join(f'{_detail(row)}{_for(row, found)}' for row in alike)}"
    if shape == FLAT:
        details = " and".join(f"{_for(row, found)} ({_detail(row)})" for row in alike)
        return f"{_VERBS[shape]} {_along(alike[0])}{details}"
    if len({(row["first_at"], row["last_at"]) for row in alike}) > 1:
        details = " and ".join(f"{_for(row, found)} {_detail(row)}".strip() for row in alike)
        return f"{_VERBS[shape]} {_along(alike[0])}, {details}"
    first = alike[0]
    places = f"{_VERBS[shape]} from {_place(first, first['first_at'])} to {_place(first, first['last_at'])}"
    if len(alike) == 1:
        return f"{places}{_for(first, found)}, {_change(first)}"
    return f"{places}: {' and '.join(f'{_for(row, found)} {_change(row)}'.strip() for row in alike)}"


def _change(row: Row) -> str:
    """Return the values at both ends and the change."""
    if _is_order_alone(row):
        return _describe_order(row)
    return f"from {format_number(row['first'])} to {format_number(row['last'])}{_format_change(row, ' ({})')}"


def _is_order_alone(row: Row) -> bool:
    """Return whether times differ by their order, by which they are compared, and their medians do not."""
    agrees = row["last"] < row["first"] if row["shape"] == FALLS else row["last"] > row["first"]
    return bool(row["statistic"] == "median" and not agrees)


def _describe_order(row: Row) -> str:
    """Return the medians of times whose order alone shows a rise or fall."""
    if row["first"] != row["last"]:
        medians = f"the medians are {format_number(row['first'])} and {format_number(row['last'])}"
    elif isinf(row["first"]):
        medians = "the median is not reached at either end"
    else:
        medians = f"the median is {format_number(row['first'])} at both ends"
    return f"by the order of all times ({medians})"


def _is_constant(row: Row) -> bool:
    """Return whether all draws at all places are equal."""
    return bool(row["shape"] == FLAT and row["first"] == row["last"] and isnan(row["change_low"]))


def _for(row: Row, found: Sequence[Row]) -> str:
    """Name the curve of a row if there are several."""
    return f" for {_series(row)}" if len(found) > 1 else ""


def _series(row: Row) -> str:
    """Return the name of a curve: its series, and for a learning curve its value of the main axis."""
    if row["axis"] == STEP:
        return f"{row['series']}, {row['main_axis']} {row['along']:g}"
    return str(row["series"])


def _describe_many(name: str, found: Sequence[Row]) -> str:
    """Count the shapes of more curves, with one example of the most frequent one that is established."""
    counts = Counter(row["shape"] for row in found)
    established = sorted(
        (shape for shape in _SHAPES if shape != NONE and counts[shape]), key=lambda each: -counts[each]
    )
    first, *others = established
    example = next(row for row in found if row["shape"] == first)
    total, noun = len(found), "networks" if found[0]["axis"] == STEP else "settings"
    if len({row["first"] for row in found if _is_constant(row)}) == 1 and all(_is_constant(row) for row in found):
        return f"{name} is {_describe_flat(example)} in all {total} {noun}"
    number = f"all {total} {noun}" if counts[first] == total else f"{counts[first]} of {total} {noun}"
    parts = [f"{name} {_VERBS[first]} {_along(example)} in {number}"]
    parts += [f"{_VERBS[shape]} in {counts[shape]}" for shape in others]
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    if counts[NONE]:
        text += f", with no established trend in {counts[NONE]}"
    return f"{text}; for example, {_series(example)}: {_detail(example)}"


def _detail(row: Row) -> str:
    """Return the numbers of an established shape."""
    if row["shape"] in (PEAKS, DIPS):
        return f"at {_place(row, row['extreme_at'])} ({_format_value(row, 'extreme')}{_told_apart(row)})"
    if row["shape"] == FLAT:
        return _describe_flat(row)
    if _is_order_alone(row):
        return f"{_describe_order(row)} between {_place(row, row['first_at'])} and {_place(row, row['last_at'])}"
    ends = [f"{format_number(row[end])} at {_place(row, row[f'{end}_at'])}" for end in ("first", "last")]
    return f"from {ends[0]} to {ends[1]}{_format_change(row, ' ({})')}"


def _told_apart(row: Row) -> str:
    """Name the range of places that the extreme is not told apart from, if there are others."""
    if row["extreme_from"] == row["extreme_to"]:
        return ""
    places = f"{row['extreme_from']} to {row['extreme_to']}"
    return f"; {row['axis']}s {places} are not told apart"


def _describe_flat(row: Row) -> str:
    """Return how flat a curve is."""
    if _is_constant(row):
        return "not reached in any draw" if isinf(row["first"]) else f"{format_number(row['first'])} in every draw"
    within = "0.05" if row["statistic"] == FREQUENCY else "5%"
    return f"{format_number(row['first'])} at {_place(row, row['first_at'])}, all differences within {within}"


def _describe_open(found: Sequence[tuple[str, Sequence[Row]]]) -> Iterator[str]:
    """Yield one sentence on the quantities without an established trend, by axis."""
    for axis in dict.fromkeys(rows[0]["axis"] for _, rows in found):
        here = [(name, rows) for name, rows in found if rows[0]["axis"] == axis]
        names = join_words([name for name, _ in here], "or")
        what = (
            f"difference between the settings in {names}"
            if axis == SERIES
            else f"trend of {names} {_along(here[0][1][0])}"
        )
        missing = _describe_missing([row for _, rows in here for row in rows])
        yield f"No {what} is established{missing}."


def _describe_missing(found: Sequence[Row]) -> str:
    """Return at how many places there is no finite value, and how many curves have fewer values at the end."""
    missing = sum(row["missing"] for row in found)
    total = sum(row["missing"] + row["places"] for row in found)
    fewer = sum(row["last_n"] < row["first_n"] for row in found if row["axis"] == STEP)
    parts = [f"there is no finite value at {missing} of {format_count(total, 'place')}"] if missing else []
    parts += [f"some runs end without a finite value in {format_count(fewer, 'network')}"] if fewer else []
    return f" ({'; '.join(parts)})" if parts else ""


def _along(row: Row) -> str:
    return {STEP: "during training", LAYER: "over the layers"}.get(row["axis"], f"with {row['axis']}")


def _place(row: Row, at: Any) -> str:
    return str(at) if row["axis"] == SERIES else f"{row['axis']} {float(at):,g}"


def _format_value(row: Row, name: str) -> str:
    """Format a value with its 95% interval, if it has one."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    value = format_number(row[name])
    return value if isnan(low) or isnan(high) or low == high else f"{value}, 95% CI {format_interval(low, high)}"


def _format_change(row: Row, pattern: str = "{}") -> str:
    """Format a change with its 95% interval, if it has one; return an empty text if there is no change."""
    low, high = row["change_low"], row["change_high"]
    if isnan(row["change"]):
        return ""
    interval = "" if isnan(low) or isnan(high) or low == high else f", 95% CI {format_interval(low, high)}"
    noun = "difference" if row["axis"] == SERIES else "change"
    return pattern.format(f"{noun} {format_number(row['change'])}{interval}")


def format_interval(low: float, high: float) -> str:
    """Format an interval in brackets."""
    return f"[{format_number(low)}, {format_number(high)}]"


def format_number(value: float) -> str:
    """Format a number with three significant digits, and more if it is close to 1 but not equal to it.

    Numbers from 1,000 on are integers with separators. An infinite median of times is called "not reached".
    """
    if isinf(value):
        return "not reached"
    if _LARGE <= abs(value) < _LARGEST:
        return f"{value:,.0f}"
    text = f"{value:.3g}"
    return f"{value:.7g}" if text == "1" and value != 1 else text


_LARGE, _LARGEST = 1e3, 1e6


def join_words(words: Sequence[str], last: str = "and") -> str:
    """Join words by commas, and the last one by a conjunction."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""

"""Format the comparison of two runs as lines of text."""

from collections.abc import Iterator
from typing import Any

from suite.analysis.compare import Comparison
from suite.catalog.shown import written
from suite.formatting import format_p_value

_MAX_SHOWN = 10
"""Largest number of differing numbers that are listed one by one."""

_MAX_LENGTH = 120
"""Largest number of characters of a value of the spec or the environment that are shown."""


def format_comparison(found: Comparison) -> Iterator[str]:
    """Yield the differences between two runs of a study, one per line."""
    for title, differences in (("spec", found.spec), ("environment", found.environment)):
        for key, (one, other) in differences.items():
            yield f"{found.study}: {title}: {key}: {_shorten(one)} and {_shorten(other)}"
    numbers = found.numbers
    beyond = len(numbers.beyond_chance)
    yield (
        f"{found.study}: {numbers.compared} numbers in both runs: {numbers.identical} equal, "
        f"{numbers.compared - numbers.identical - beyond} differ within chance, {beyond} differ beyond chance"
        + (f"; {numbers.only_first} only in the first run" if numbers.only_first else "")
        + (f"; {numbers.only_second} only in the second run" if numbers.only_second else "")
    )
    for row in numbers.beyond_chance.head(_MAX_SHOWN).to_dict("records"):
        means = f"{row['mean_first']:.4g} and {row['mean_second']:.4g}"
        yield f"{found.study}: {row['setting']}: {means} ({format_p_value(row['p'])})"
    for title, verdicts in (("verdict changed", found.verdicts), ("fewer draws or members", found.undecided)):
        for claim, (one, other) in verdicts.items():
            yield f"{found.study}: {title}: {one}, then {other}: {claim}"
    for title, claims in (("first", found.only_first), ("second", found.only_second)):
        for claim in claims:
            yield f"{found.study}: claim only in the {title} run: {claim}"


def _shorten(value: Any) -> str:
    """Format a value, cut to the largest length."""
    text = written(value)
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + "..."

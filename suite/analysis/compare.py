"""Two runs of a study side by side: what differs in spec, environment and numbers, and which verdicts changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.analysis.numbers import Numbers, numbers_of

if TYPE_CHECKING:
    from suite.results.folder import Results


Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Of a study's two runs.

    Attributes:
        study: its name in the first.
        spec: keys of the spec that differ, with both values.
        environment: versions, commits and machines that differ, likewise.
        numbers: means and frequencies.
        verdicts: claims that both make, with both verdicts where they differ.
        undecided: with both verdicts, too, where one is undecided and rests on fewer draws or members than the other,
            which is no change of verdict but less to judge by.
        only_first: words of the claims that only the first makes, as where a claim was reworded between the two.
        only_second: of those that only the second makes.
    """

    study: str
    spec: dict[str, tuple[Any, Any]]
    environment: dict[str, tuple[Any, Any]]
    numbers: Numbers
    verdicts: dict[str, tuple[str, str]]
    undecided: dict[str, tuple[str, str]]
    only_first: list[str]
    only_second: list[str]

    @property
    def numbers_agree(self) -> bool:
        """Whether there are numbers to compare, and none differs beyond chance."""
        return bool(self.numbers.compared) and self.numbers.beyond_chance.empty

    def as_json(self) -> dict[str, Any]:
        """For programs to read."""
        found = self.numbers
        return {
            "study": self.study,
            "spec": {key: list(values) for key, values in self.spec.items()},
            "environment": {key: list(values) for key, values in self.environment.items()},
            "compared": found.compared,
            "only_first": found.only_first,
            "only_second": found.only_second,
            "identical": found.identical,
            "beyond_chance": found.beyond_chance.to_dict("records"),
            "verdicts": {claim: list(values) for claim, values in self.verdicts.items()},
            "undecided": {claim: list(values) for claim, values in self.undecided.items()},
            "claims_only_first": self.only_first,
            "claims_only_second": self.only_second,
        }


def compare(first: "Results", second: "Results") -> Comparison:
    """Two runs of one study: on another machine or commit, with another seed, or of another spec.

    A number is the mean, or frequency, of a quantity at one setting. Two differ beyond chance where Student's t test,
    or of frequencies Fisher's, says so, with Holm's correction for all numbers that are not identical. Runs of one
    seed share their draws, which keeps them nearer together than the tests suppose: they then find less, not more.
    """
    rows = first.verdict_rows, second.verdict_rows
    verdicts, undecided = changed(*rows)
    return Comparison(
        first.name,
        dict(_differences(first.run["spec"], second.run["spec"])),
        dict(_differences(first.run["environment"], second.run["environment"])),
        numbers_of(first.summary, second.summary),
        verdicts,
        undecided,
        _without(*rows),
        _without(*reversed(rows)),
    )


def changed(
    first: Sequence[Row], second: Sequence[Row]
) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    """Claims whose verdicts changed, and those that one of two runs leaves undecided with less to judge by.

    Args:
        first: rows of verdicts.csv.
        second: another run's.
    """
    verdicts, undecided = dict[str, tuple[str, str]](), dict[str, tuple[str, str]]()
    after = {row["claim"]: row for row in second}
    for row in first:
        other = after.get(row["claim"], row)
        if row["verdict"] != other["verdict"]:
            wanting = _wants_draws(row, other) or _wants_draws(other, row)
            (undecided if wanting else verdicts)[row["claim"]] = (row["verdict"], other["verdict"])
    return verdicts, undecided


def _without(first: Sequence[Row], second: Sequence[Row]) -> list[str]:
    """The claims of the first that the second does not make."""
    there = {row["claim"] for row in second}
    return [row["claim"] for row in first if row["claim"] not in there]


def _differences(first: Any, second: Any, key: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Where two nested tables differ, by dotted key; tables in lists of equal length are told by their places."""
    tables = isinstance(first, list) and isinstance(second, list) and len(first) == len(second)
    if tables and all(isinstance(each, dict) for each in (*first, *second)):
        first, second = ({str(place): each for place, each in enumerate(some)} for some in (first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        for name in dict.fromkeys((*first, *second)):
            yield from _differences(first.get(name), second.get(name), f"{key}.{name}" if key else name)
    elif first != second:
        yield key, (first, second)


def _wants_draws(row: Row, other: Row) -> bool:
    fewer = any(row[name] < other[name] for name in ("draws", "members"))
    return fewer and bool(row["verdict"] == "undecided")

"""Compare two runs of a study: their specs, environments, numbers and verdicts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.analysis.numbers import Numbers, numbers_of

if TYPE_CHECKING:
    from suite.results.folder import Results


Row = dict[str, Any]


@dataclass(frozen=True)
class Comparison:
    """The differences between two runs of a study.

    Attributes:
        study: The name of the study in the first run.
        spec: The keys of the spec that differ, joined by dots, with both values.
        environment: The versions, commits and machines that differ, with both values.
        numbers: The comparison of means and frequencies.
        verdicts: The claims whose verdicts changed, with both verdicts.
        undecided: The claims that one run leaves undecided with fewer draws or members than the other, with both
            verdicts. They do not count as changed.
        only_first: The claims that only the first run makes, for example because a claim was reworded later.
        only_second: The claims that only the second run makes.
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
        """Whether there are numbers to compare and none of them differs beyond chance."""
        return bool(self.numbers.compared) and self.numbers.beyond_chance.empty

    def as_json(self) -> dict[str, Any]:
        """Return the comparison in JSON's types, as `compare --json` prints it."""
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
    """Compare two runs of one study, which may differ in machine, commit, seed or spec.

    A number is the mean, or frequency, of a quantity at one setting. Two numbers differ beyond chance if Student's
    t-test, or Fisher's exact test for frequencies, is significant after Holm's correction for all numbers that are not
    identical. Runs with the same seed share their draws, so their numbers are closer than the tests assume: fewer
    differences are found, not more.
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
        _only_in_first(*rows),
        _only_in_first(*reversed(rows)),
    )


def changed(
    first: Sequence[Row], second: Sequence[Row]
) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, str]]]:
    """Return the claims whose verdicts differ between two runs, with both verdicts.

    Args:
        first: The rows of the first run's verdicts.csv.
        second: The rows of the second run's verdicts.csv.

    Returns:
        The claims whose verdicts changed, and apart from them those that one run leaves undecided with fewer draws or
        members than the other.
    """
    verdicts, undecided = dict[str, tuple[str, str]](), dict[str, tuple[str, str]]()
    after = {row["claim"]: row for row in second}
    for row in first:
        other = after.get(row["claim"], row)
        if row["verdict"] != other["verdict"]:
            has_less_data = _is_undecided_with_less_data(row, other) or _is_undecided_with_less_data(other, row)
            (undecided if has_less_data else verdicts)[row["claim"]] = (row["verdict"], other["verdict"])
    return verdicts, undecided


def _only_in_first(first: Sequence[Row], second: Sequence[Row]) -> list[str]:
    """Return the claims of the first run that the second does not make."""
    there = {row["claim"] for row in second}
    return [row["claim"] for row in first if row["claim"] not in there]


def _differences(first: Any, second: Any, key: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield the keys at which two nested tables differ, joined by dots, with both values.

    Tables in lists of equal length are compared one by one, with their indices as keys.
    """
    tables = isinstance(first, list) and isinstance(second, list) and len(first) == len(second)
    if tables and all(isinstance(each, dict) for each in (*first, *second)):
        first, second = ({str(place): each for place, each in enumerate(some)} for some in (first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        for name in dict.fromkeys((*first, *second)):
            yield from _differences(first.get(name), second.get(name), f"{key}.{name}" if key else name)
    elif first != second:
        yield key, (first, second)


def _is_undecided_with_less_data(row: Row, other: Row) -> bool:
    """Return whether a run leaves a claim undecided with fewer draws or members than the other run."""
    fewer = any(row[name] < other[name] for name in ("draws", "members"))
    return fewer and bool(row["verdict"] == "undecided")

"""Two runs of a study side by side: what differs in spec, environment and numbers, and which verdicts changed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from suite.claims.points import axes_of
from suite.claims.tell import kept_rows, p_in_words
from suite.statistics.survival import holm

if TYPE_CHECKING:
    from suite.runs.results import Results

LEVEL = 0.05
"""Of all numbers of a study together."""

_IDENTICAL = 1e-9
"""Means that are nearer to each other than this, relatively, are the same but for rounding."""

_SHOWN = 10
"""Numbers that are told one by one."""


@dataclass(frozen=True)
class Comparison:
    """Of a study's two runs.

    Attributes:
        study: its name in the first.
        spec: keys of the spec that differ, with both values.
        environment: versions, commits and machines that differ, likewise.
        compared: numbers that both have.
        only_one: numbers that only one of them has.
        identical: numbers that are the same but for rounding.
        beyond_chance: the others whose difference exceeds chance, corrected for all of them, the surest first.
        verdicts: claims that both make, with both verdicts where they differ.
    """

    study: str
    spec: dict[str, tuple[Any, Any]]
    environment: dict[str, tuple[Any, Any]]
    compared: int
    only_one: int
    identical: int
    beyond_chance: pd.DataFrame
    verdicts: dict[str, tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """For programs to read."""
        return {
            "study": self.study,
            "spec": {key: list(values) for key, values in self.spec.items()},
            "environment": {key: list(values) for key, values in self.environment.items()},
            "compared": self.compared,
            "only_one": self.only_one,
            "identical": self.identical,
            "beyond_chance": self.beyond_chance.to_dict("records"),
            "verdicts": {claim: list(values) for claim, values in self.verdicts.items()},
        }


def compare(first: "Results", second: "Results") -> Comparison:
    """Two runs of one study: on another machine or commit, with another seed, or of another spec.

    A number is the mean, or frequency, of a quantity at one setting. Two differ beyond chance where Welch's test says
    so, with Holm's correction for all numbers that are not identical. Runs of one seed share their draws, which
    keeps them nearer together than the test supposes: it then finds less, not more.
    """
    one, other = _numbers(first.summary), _numbers(second.summary)
    numbers = one.merge(other, on="setting", how="outer", suffixes=("_first", "_second"))
    both = numbers.dropna(subset=["mean_first", "mean_second"])
    scale = np.maximum(both["mean_first"].abs(), both["mean_second"].abs())
    same = (both["mean_first"] - both["mean_second"]).abs() <= _IDENTICAL * scale
    return Comparison(
        first.name,
        dict(_differences(first.run["spec"], second.run["spec"])),
        dict(_differences(first.run["environment"], second.run["environment"])),
        len(both),
        len(numbers) - len(both),
        int(same.sum()),
        _beyond_chance(both[~same]),
        _changed(first, second),
    )


def lines_of(found: Comparison) -> Iterator[str]:
    """The comparison in words."""
    for title, differences in (("spec", found.spec), ("environment", found.environment)):
        for key, (one, other) in differences.items():
            yield f"{found.study}: {title}: {key}: {one!r} and {other!r}"
    rest = f", {found.only_one} in one run only" if found.only_one else ""
    differing = f"{len(found.beyond_chance)} different beyond chance"
    yield f"{found.study}: {found.compared} numbers, {found.identical} the same, {differing}{rest}"
    for row in found.beyond_chance.head(_SHOWN).to_dict("records"):
        means = f"{row['mean_first']:.4g} and {row['mean_second']:.4g}"
        yield f"{found.study}: {row['setting']}: {means} ({p_in_words(row['p'])})"
    for claim, (one, other) in found.verdicts.items():
        yield f"{found.study}: verdict changed: {one}, then {other}: {claim}"


def _numbers(summary: pd.DataFrame) -> pd.DataFrame:
    """Means with their errors, by a name of their setting that does not depend on how tables are laid out."""
    axes = [name for name in ("learning_rate", "layer", "step", *axes_of(summary)) if name in summary.columns]
    named = [name for name in axes if name not in ("depth", "activation", "initialization")]

    def setting(row: Mapping[Any, Any]) -> str:
        network = f"{row['quantity']} of {row['activation']}, depth {row['depth']}, {row['initialization']}"
        told = [f"{name} {row[name]}" for name in sorted(named) if not pd.isna(row[name])]
        return ", ".join([network, *told])

    settings = {"setting": [setting(row) for row in summary.to_dict("records")]}
    statistics = {name: summary[name].to_numpy(float) for name in ("n", "mean", "std")}
    return pd.DataFrame(settings | statistics).drop_duplicates("setting")


def _beyond_chance(numbers: pd.DataFrame) -> pd.DataFrame:
    from scipy.stats import ttest_ind_from_stats  # noqa: PLC0415  # slow to load, and only comparisons need it

    columns = ["setting", "mean_first", "mean_second", "p"]
    known = numbers[(numbers["n_first"] > 1) & (numbers["n_second"] > 1)]
    if known.empty:
        return pd.DataFrame(columns=columns)
    runs = ([known[f"{name}_{run}"].to_numpy() for name in ("mean", "std", "n")] for run in ("first", "second"))
    (mean, std, n), (other_mean, other_std, other_n) = runs
    with np.errstate(divide="ignore", invalid="ignore"):
        p = ttest_ind_from_stats(mean, std, n, other_mean, other_std, other_n, equal_var=False).pvalue
    corrected = holm(np.nan_to_num(np.asarray(p), nan=1.0))
    found = known.assign(p=corrected)[columns]
    return found[found["p"] <= LEVEL].sort_values("p").reset_index(drop=True)


def _differences(first: Any, second: Any, key: str = "") -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Where two nested tables differ, by dotted key."""
    if isinstance(first, dict) and isinstance(second, dict):
        for name in dict.fromkeys((*first, *second)):
            yield from _differences(first.get(name), second.get(name), f"{key}.{name}" if key else name)
    elif first != second:
        yield key, (first, second)


def _changed(first: "Results", second: "Results") -> dict[str, tuple[str, str]]:
    before = {row["claim"]: row["verdict"] for row in kept_rows(first.folder)}
    after = {row["claim"]: row["verdict"] for row in kept_rows(second.folder)}
    both = {claim: (verdict, after[claim]) for claim, verdict in before.items() if claim in after}
    return {claim: (one, other) for claim, (one, other) in both.items() if one != other}

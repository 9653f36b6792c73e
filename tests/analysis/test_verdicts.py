"""Each test of a claim on draws that leave no doubt, or none that could be had."""

from typing import Literal

import numpy as np
import pytest

from suite.analysis.claims_about_order import against_bound
from suite.analysis.verdicts import Verdict, judge
from suite.catalog.claims import (
    AgreesWith,
    BoundedBy,
    Claim,
    Greater,
    Level,
    Monotone,
    PeaksInside,
    RankCorrelation,
    SurvivalShorter,
)
from suite.statistics.rank import spearman
from tests.analysis.simulated import Row, member, tables_of

SAYS = {"says": "It is so."}
NAMES = ("abs", "relu")
BETWEEN = {"axis": "activation", "value": "abs", "than": "relu", **SAYS}


def around(center: float, n: int = 100, spread: float = 0.1) -> np.ndarray:
    """Draws whose mean and median are the center, to rounding."""
    half = np.linspace(0.01, 1, n // 2)
    return center + spread * np.concatenate([half, -half])


def course(*centers: float, quantity: str = "v3", **axes: object) -> list[Row]:
    """A member a depth: 1, 2, 4, ..."""
    return [member(quantity, around(center), depth=2**place, **axes) for place, center in enumerate(centers)]


def verdict(claim: Claim, rows: list[Row]) -> Verdict:
    (found,) = judge([claim], tables_of(rows))
    return found


@pytest.mark.parametrize(
    ("centers", "expected"),
    [((1, 2, 1), "holds"), ((1, 2, 3), "fails"), ((3, 1, 2), "fails"), ((1, 1, 1), "undecided")],
)
def test_a_peak(centers: tuple[float, ...], expected: str) -> None:
    """Inside, at either end, or nowhere."""
    found = verdict(PeaksInside(quantity="v3", along="depth", **SAYS), course(*centers))

    assert found.verdict == expected
    assert (found.evidence.draws, len(found.evidence.members)) == (100, 3)


def test_a_peak_has_to_be_in_every_line() -> None:
    """One activation without a peak refutes it, unless the claim is about the other."""
    rows = course(1, 2, 1, activation="relu") + course(1, 2, 3, activation="abs")

    assert verdict(PeaksInside(quantity="v3", along="depth", **SAYS), rows).verdict == "fails"
    alone = PeaksInside(quantity="v3", along="depth", where={"activation": "relu"}, **SAYS)
    assert verdict(alone, rows).verdict == "holds"


@pytest.mark.parametrize(
    ("centers", "direction", "slack", "expected"),
    [
        ((1, 2, 3), "rises", 0, "holds"),
        ((1, 2, 3), "falls", 0, "fails"),
        ((1, 3, 2), "rises", 0, "fails"),
        ((1, 3, 2.9), "rises", 0.5, "holds"),
        ((1, 2, 2), "rises", 0, "undecided"),
        ((3, 2, 1), "falls", 0, "holds"),
    ],
)
def test_one_way(centers: tuple[float, ...], direction: str, slack: float, expected: str) -> None:
    """Every step; by no more than the slack the other way."""
    claim = Monotone.model_validate(
        {"quantity": "v3", "along": "depth", "direction": direction, "slack": slack, **SAYS}
    )

    assert verdict(claim, course(*centers)).verdict == expected


@pytest.mark.parametrize(("margin", "expected"), [(0.0, "holds"), (0.4, "holds"), (0.5, "undecided"), (0.6, "fails")])
def test_one_is_greater_by_a_margin(margin: float, expected: str) -> None:
    """The difference is 0.5, which the estimate says, with its interval around it."""
    rows = course(1.5, 2.5, activation="abs") + course(1.0, 2.0, activation="relu")

    found = verdict(Greater(quantity="v3", margin=margin, **BETWEEN), rows)

    assert found.verdict == expected
    assert found.evidence.low < found.evidence.estimate < found.evidence.high
    assert found.evidence.estimate == pytest.approx(0.5)


@pytest.mark.parametrize("of", ["every", "average"])
def test_shares_differ_by_1_at_most(of: Literal["every", "average"]) -> None:
    """All of 30 against none, where the interval would go on to 1.02, and on average over pairs."""
    every, most = np.ones(30, dtype=bool), np.arange(30) < 29
    rows = [
        member("collapsed_relative", draws.astype(float), activation=name, depth=depth)
        for depth, pair in enumerate([(every, ~every), (most, ~most), (every, most)])
        for name, draws in zip(NAMES, pair, strict=True)
    ]

    found = verdict(Greater(quantity="collapsed_relative", of=of, **BETWEEN), rows if of == "average" else rows[:2])

    assert found.evidence.low < found.evidence.estimate <= found.evidence.high <= 1


def test_every_pair_or_the_average() -> None:
    """One pair of six the other way round refutes the one claim, not the other."""
    rows = [
        row
        for depth in range(6)
        for row in (
            member("v3", around(2.0 + 0.1 * depth if depth else 0.9), activation="abs", depth=depth),
            member("v3", around(1.0), activation="relu", depth=depth),
        )
    ]

    assert verdict(Greater(quantity="v3", **BETWEEN), rows).verdict == "fails"
    average = verdict(Greater(quantity="v3", of="average", **BETWEEN), rows)
    family = verdict(Greater(quantity="v3", of="family", **BETWEEN), rows)
    assert (average.verdict, average.evidence.unit) == ("holds", "draws")
    assert (family.verdict, family.evidence.unit) == ("holds", "members")
    assert average.evidence.estimate == pytest.approx(family.evidence.estimate)
    assert average.evidence.low > family.evidence.low


@pytest.mark.parametrize(
    ("claim", "members"),
    [
        (Greater(quantity="test_accuracy", of="average", **BETWEEN), 12),
        (Greater(quantity="test_accuracy", of="family", **BETWEEN), 12),
        (Greater(quantity="test_accuracy", **BETWEEN), 12),
        (Level(quantity="test_accuracy", at_least=0, of="average", **SAYS), 12),
        (Level(quantity="test_accuracy", at_least=0, of="family", **SAYS), 12),
        (Level(quantity="test_accuracy", at_least=0, of="draw", **SAYS), 12),
        (RankCorrelation(first="v3", second="test_accuracy", at_least=0, **SAYS), 12),
        (Monotone(quantity="test_accuracy", along="depth", direction="rises", **SAYS), 12),
        (Greater(quantity="test_accuracy", of="average", **{**BETWEEN, "where": {"depth": 0}}), 2),
    ],
)
def test_a_member_that_is_trained_often_is_one(claim: Claim, members: int) -> None:
    """Three boards leave estimate, interval and number of members what they are with one."""
    named = [{"member": f"{name}-{depth}", "activation": name, "depth": depth} for depth in range(6) for name in NAMES]
    centers = [depth + (axes["activation"] == "abs") * (2 + 0.1 * depth) for axes in named for depth in [axes["depth"]]]
    untrained = [member("v3", around(center), **axes) for axes, center in zip(named, centers, strict=True)]

    def trained(boards: int) -> list[Row]:
        return [
            member("test_accuracy", around(center), squares=board, **axes)
            for board in range(boards)
            for axes, center in zip(named, centers, strict=True)
        ]

    once, often = (verdict(claim, untrained + trained(boards)) for boards in (1, 3))

    assert len(once.evidence.members) == len(often.evidence.members) == members
    one, other = ((each.estimate, each.low, each.high) for each in (once.evidence, often.evidence))
    assert one == pytest.approx(other, nan_ok=True)


@pytest.mark.parametrize("quantity", ["test_accuracy", "revived"])
def test_trained_replicates_are_compared_in_pairs(quantity: str) -> None:
    """What all share drops out: a small difference is established which independent draws would hide."""
    data = np.linspace(0, 1, 16)
    rows = [member(quantity, data + 0.01 + 0.001 * (-1) ** np.arange(16), activation="abs")]
    rows += [member(quantity, data, activation="relu")]

    assert verdict(Greater(quantity=quantity, **BETWEEN), rows).verdict == "holds"


@pytest.mark.parametrize(("bounds", "expected"), [({"at_least": 0.5}, "holds"), ({"at_most": 0.0}, "fails")])
def test_ranks(bounds: dict[str, float], expected: str) -> None:
    """Twenty members in the same order."""
    rows = [
        member(quantity, around(float(depth)), depth=depth) for depth in range(20) for quantity in ("v3", "output_std")
    ]

    found = verdict(RankCorrelation(first="v3", second="output_std", **bounds, **SAYS), rows)

    assert found.verdict == expected
    assert found.evidence.estimate == pytest.approx(1)
    assert (len(found.evidence.members), found.evidence.unit) == (20, "members")


def test_perfect_order_is_no_surer_than_one_order_of_all() -> None:
    """Five members that nothing relates are in one of two perfect orders 2 times in 120, and six in 2 of 720."""
    rows = [member(quantity, [float(depth)], depth=depth) for depth in range(6) for quantity in ("v3", "output_std")]

    five, six = (
        verdict(RankCorrelation(first="v3", second="output_std", at_least=0.0, **SAYS), rows[:number])
        for number in (10, 12)
    )

    assert five.p >= 2 / 120
    assert six.p >= 2 / 720
    assert five.evidence.high == six.evidence.high == 1


@pytest.mark.parametrize("members", [5, 6, 8, 16])
@pytest.mark.parametrize("rho", [0.0, 0.8, 0.97])
def test_intervals_of_rank_correlations_cover_with_few_members(members: int, rho: float) -> None:
    """Of normal members, 400 times: at 95%, fewer than 368 come once in 200 tests."""
    generator = np.random.default_rng(members)
    truth, hits = 6 / np.pi * np.arcsin(rho / 2), 0
    for _ in range(400):
        first = generator.normal(size=members)
        second = rho * first + np.sqrt(1 - rho**2) * generator.normal(size=members)
        evidence = against_bound(
            float(spearman(first[None], second[None])[0]),
            frozenset(map(str, range(members))),
            RankCorrelation(first="v3", second="output_std", at_least=0.0, **SAYS),
        )
        hits += evidence.low <= truth <= evidence.high

    assert hits >= 368


def test_a_shuffled_predictor_is_the_same_at_every_judgment() -> None:
    """Twenty members in the same order have none left; which deal it is follows from the claim's words alone."""
    rows = [
        member(quantity, around(float(depth)), depth=depth) for depth in range(20) for quantity in ("v3", "output_std")
    ]
    dealt = {"first": "v3", "second": "output_std", "at_least": 0.5, "shuffled": True}

    once, again = (verdict(RankCorrelation(**dealt, **SAYS), order) for order in (rows, rows[::-1]))
    other = verdict(RankCorrelation(**dealt, says="It is so, too."), rows)

    assert abs(once.evidence.estimate) < 0.7
    assert once.evidence.estimate == again.evidence.estimate
    assert once.evidence.estimate != other.evidence.estimate


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ({"at_least": 1.5}, "holds"),
        ({"at_least": 2.0}, "undecided"),
        ({"at_least": 2.5}, "fails"),
        ({"at_most": 3.5}, "holds"),
        ({"at_most": 3.0}, "undecided"),
        ({"at_most": 2.5}, "fails"),
        ({"at_least": 2.2, "of": "average"}, "holds"),
        ({"at_least": 2.2, "of": "family"}, "undecided"),
        ({"at_least": 1.0, "of": "average"}, "holds"),
        ({"at_most": 9.0, "of": "average"}, "holds"),
        ({"at_least": 9.0, "of": "average"}, "fails"),
    ],
)
def test_a_level_of_every_member_or_on_average(bound: dict[str, float], expected: str) -> None:
    """Members around 2, 2.5, 2.5 and 3: the lowest decides what lies above, the highest what lies below."""
    rows = course(2, 2.5, 2.5, 3)

    found = verdict(Level.model_validate({"quantity": "v3", **bound, **SAYS}), rows)

    assert found.verdict == expected
    assert found.evidence.low < found.evidence.estimate < found.evidence.high
    assert len(found.evidence.members) == 4


@pytest.mark.parametrize(
    ("bound", "expected", "furthest"),
    [
        ({"at_most": 0}, "fails", 1),
        ({"at_most": 1}, "holds", 1),
        ({"at_least": 0}, "holds", 0),
        ({"at_least": 0.5}, "fails", 0),
    ],
)
def test_a_level_of_every_draw(bound: dict[str, float], expected: str, furthest: float) -> None:
    """A single one of 100 refutes it; the number itself is allowed, and draws that are no numbers say nothing."""
    rows = [member("revived_permanent", [0.0] * 100, depth=1)]
    rows += [member("revived_permanent", [0.0] * 49 + [1.0, np.nan], depth=2)]

    found = verdict(Level.model_validate({"quantity": "revived_permanent", "of": "draw", **bound, **SAYS}), rows)

    assert (found.verdict, found.evidence.estimate) == (expected, furthest)
    assert (found.evidence.draws, len(found.evidence.members)) == (50, 2)
    assert np.isnan(found.p) == (expected == "holds")


def test_a_wait_that_did_not_end_is_above_every_level() -> None:
    """One of them among every draw."""
    rows = [member("steps_to_success", [1.0, 2.0, 3.0, np.nan], activation="abs")]

    below = Level(quantity="steps_to_success", at_most=1000, of="draw", **SAYS)

    assert verdict(below, rows).verdict == "fails"


@pytest.mark.parametrize(
    ("ended", "bound", "expected", "estimate"),
    [
        (0, {"at_most": 100}, "fails", np.inf),
        (0, {"at_least": 10}, "holds", np.inf),
        (0, {"at_most": 100, "of": "average"}, "undecided", np.inf),
        (0, {"at_least": 10, "of": "average"}, "undecided", np.inf),
        (15, {"at_most": 100}, "undecided", np.inf),
        (15, {"at_least": 10}, "holds", np.inf),
        (32, {"at_most": 100}, "holds", 12),
    ],
)
def test_an_infinite_median_is_above_every_level(
    ended: int, bound: dict[str, object], expected: str, estimate: float
) -> None:
    """Medians of 12, never, 12: as surely as draws that never ended are more than half of all."""
    often = 12 + np.linspace(-0.5, 0.5, 33)
    rows = [member("steps_to_success", often, depth=depth) for depth in (1, 3)]
    rows += [member("steps_to_success", [*often[:ended], *[np.nan] * (32 - ended)], depth=2)]

    found = verdict(Level.model_validate({"quantity": "steps_to_success", **bound, **SAYS}), rows)

    assert (found.verdict, len(found.evidence.members)) == (expected, 3)
    assert found.evidence.estimate == pytest.approx(estimate, abs=0.1)


def test_members_that_never_got_there_are_the_last_in_order() -> None:
    """Six of twelve: without them nothing would be related."""
    rows = [member("v3", around(float(depth)), depth=depth) for depth in range(12)]
    rows += [member("steps_to_success", np.full(9, 5.0 if depth < 6 else np.nan), depth=depth) for depth in range(12)]

    found = verdict(RankCorrelation(first="v3", second="steps_to_success", at_least=0.0, **SAYS), rows)

    assert (found.verdict, len(found.evidence.members)) == ("holds", 12)


def test_differences_without_end_leave_an_average_undecided() -> None:
    """One pair of six, whose first never got there: its difference is no reason to look at the five others alone."""
    rows = [
        member("steps_to_success", around(center, 20) if depth or name == "relu" else [np.nan] * 20, **axes)
        for depth in range(6)
        for name, center in (("abs", 5.0 + 0.1 * depth), ("relu", 9.0))
        for axes in [{"depth": depth, "activation": name}]
    ]
    claim = Greater(quantity="steps_to_success", of="average", **{**BETWEEN, "value": "relu", "than": "abs"})

    found = verdict(claim, rows)

    assert (found.verdict, len(found.evidence.members)) == ("undecided", 12)


@pytest.mark.parametrize(
    ("bound", "how", "expected"),
    [
        (2.0, {}, "holds"),
        (0.5, {}, "fails"),
        (1.0, {}, "undecided"),
        (1.0, {"margin": 0.1}, "holds"),
        (1.0, {"z": 3.0}, "holds"),
        (0.5, {"z": 3.0}, "fails"),
    ],
)
def test_bounds(bound: float, how: dict[str, float], expected: str) -> None:
    """The theory's value, or another quantity's."""
    by_theory = [member("v3", around(1.0), theory=bound, depth=1)]
    by_other = [member("v3", around(1.0), depth=1), member("output_std", around(bound), depth=1)]

    assert verdict(BoundedBy(quantity="v3", bound="theory", **how, **SAYS), by_theory).verdict == expected
    assert verdict(BoundedBy(quantity="v3", bound="output_std", **how, **SAYS), by_other).verdict == expected


@pytest.mark.parametrize(
    ("theory", "how", "expected"),
    [
        (1.0, {"relative": 0.1}, "holds"),
        (1.3, {"relative": 0.1}, "fails"),
        (1.0, {"z": 3.0}, "holds"),
        (1.1, {"z": 3.0}, "fails"),
    ],
)
def test_agreement(theory: float, how: dict[str, float], expected: str) -> None:
    """Within an error that is shown to be kept, or standard errors that are not exceeded."""
    assert (
        verdict(AgreesWith(quantity="v3", **how, **SAYS), [member("v3", around(1.0), theory, depth=1)]).verdict
        == expected
    )


def test_what_only_is_not_refuted_has_no_p() -> None:
    """Nor does it count for other claims' correction more than any claim does."""
    claims = [AgreesWith(quantity="v3", z=3.0, **SAYS), PeaksInside(quantity="output_std", along="depth", **SAYS)]
    rows = [member("v3", around(1.0), theory=1.0, depth=1), *course(1, 2, 1, quantity="output_std")]

    kept, peak = judge(claims, tables_of(rows))

    assert (kept.verdict, peak.verdict) == ("holds", "holds")
    assert np.isnan(kept.p)
    assert peak.p == pytest.approx(2 * verdict(claims[1], rows).p)


def test_waits() -> None:
    """Those that never ended are the longest."""
    rows = [member("steps_to_success", np.arange(1.0, 21), activation="abs")]
    rows += [member("steps_to_success", [*np.arange(11.0, 21), *[np.nan] * 10], activation="relu")]

    assert verdict(SurvivalShorter(quantity="steps_to_success", **BETWEEN), rows).verdict == "holds"


def test_what_the_tables_do_not_have_is_undecided() -> None:
    """With no members, and nothing that would decide."""
    found = verdict(Greater(quantity="output_std", **BETWEEN), course(1, 2, activation="abs"))

    assert (found.verdict, len(found.evidence.members)) == ("undecided", 0)
    assert np.isnan(found.needed)


def test_draws_that_are_no_numbers_are_left_out() -> None:
    """A run that diverged."""
    rows = [
        member("v3", [*around(2.0), np.nan, np.inf], activation="abs"),
        member("v3", around(1.0), activation="relu"),
    ]

    found = verdict(Greater(quantity="v3", **BETWEEN), rows)

    assert (found.verdict, found.evidence.draws) == ("holds", 100)


@pytest.mark.parametrize("of", ["every", "average", "family"])
@pytest.mark.parametrize(
    ("lost", "expected"), [((3, 0), "undecided"), ((3, 3), "holds"), ((0, 0), "holds"), ((16, 16), "undecided")]
)
def test_settings_of_which_more_runs_diverged_are_not_compared(of: str, lost: tuple[int, int], expected: str) -> None:
    """The runs that are left are a selection; where as many diverged on both sides, the others are compared."""
    rows = []
    for depth in range(4):
        for name, number, center in zip(NAMES, lost, (0.9, 0.5), strict=True):
            runs = np.where(np.arange(16) < number, np.nan, center + 0.01 * center * np.sin(np.arange(16) + depth))
            rows.append(member("test_accuracy", runs, activation=name, depth=depth))
            rows.append(member("diverged", np.isnan(runs).astype(float), activation=name, depth=depth))

    found = verdict(Greater.model_validate({"quantity": "test_accuracy", "of": of, **BETWEEN}), rows)

    assert found.verdict == expected
    if expected == "undecided":
        assert found.evidence.note.startswith(f"runs that diverged: {lost[0]} of 16 of ")
        assert found.evidence.note.endswith("; compare success, which counts them as failures")
    else:
        assert found.evidence.note == ""

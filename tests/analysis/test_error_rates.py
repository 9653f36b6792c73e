"""Verdicts are wrong as seldom as stated, and as often right as the sample's size allows.

Without an effect a test may say `holds` in 2.5 of 100 repetitions, and so `fails`: half of `ALPHA` each way. Of 25
repetitions, or 200 in the slow tests, or 1,000 with `--many`, more than the allowed number are seen once in 10,000 such
tests, by the binomial law.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from suite.analysis.verdicts import judge
from suite.catalog.claims import (
    CLAIMS,
    AgreesWith,
    BoundedBy,
    Claim,
    Greater,
    Level,
    Monotone,
    PeaksInside,
    Predicts,
    RankCorrelation,
    SurvivalShorter,
)
from suite.statistics.multiple_tests import ALPHA
from tests.analysis.simulated import Row, member, tables_of

SAYS = {"says": "It is so."}
Make = Callable[[np.random.Generator], list[Row]]


@pytest.fixture(params=[pytest.param("few"), pytest.param("more", marks=pytest.mark.slow)])
def repetitions(request: pytest.FixtureRequest) -> int:
    if request.param == "few":
        return 25
    return 1000 if request.config.getoption("--many") else 200


def verdicts(make: Make, claim: Claim, repetitions: int) -> Counter[str]:
    """How often a claim gets which verdict on new draws."""
    generator = np.random.default_rng(6)
    return Counter(judge([claim], tables_of(make(generator)))[0].verdict for _ in range(repetitions))


def skewed(generator: np.random.Generator) -> np.ndarray:
    return np.exp(0.5 * generator.normal(size=64))


def heavy(generator: np.random.Generator) -> np.ndarray:
    return generator.standard_t(2, size=64)


def alike(quantity: str, draw: Callable[[np.random.Generator], np.ndarray], axis: str, values: tuple) -> Make:
    """Members that do not differ."""
    return lambda generator: [member(quantity, draw(generator), **{axis: value}) for value in values]


def family(generator: np.random.Generator) -> list[Row]:
    """Members that differ from each other more than their draws, by the activation on average not at all."""
    return [
        member("v3", generator.normal(size=16) + generator.normal(), depth=depth, activation=activation)
        for activation in ("abs", "relu")
        for depth in range(6)
    ]


def unrelated(generator: np.random.Generator, members: int = 12) -> list[Row]:
    return [
        member(quantity, generator.normal(size=8) + generator.normal(), depth=depth)
        for depth in range(members)
        for quantity in ("v3", "output_std")
    ]


def trained(*quantities: str, task: int, **axes: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """A member's quantities on one of several tasks, by the member's name, in which the task has no part."""
    name = repr(sorted(axes.items()))
    yield from ((quantity, {"member": name, "squares": task, **axes}) for quantity in quantities)


def boards(generator: np.random.Generator) -> list[Row]:
    """Members that training on four boards says the same of, four times; nothing is related, and all averages are 0."""
    rows = []
    for activation, depth in product(PAIR, range(6)):
        centers = {"train_accuracy": generator.normal(), "test_accuracy": generator.normal()}
        rows += [
            member(quantity, generator.normal(centers[quantity], 0.1, 8), **axes)
            for task in (2, 4, 6, 8)
            for quantity, axes in trained(*centers, task=task, depth=depth, activation=activation)
        ]
    return rows


def shared(generator: np.random.Generator) -> list[Row]:
    """Members that differ from each other, by the activation on average not at all; replicates share their data."""
    data = generator.normal(0.5, 0.1, 8)
    offsets = np.linspace(-0.2, 0.2, 6)
    return [
        member("test_accuracy", data + sign * offset + generator.normal(0, 0.05, 8), depth=depth, activation=activation)
        for activation, sign in zip(PAIR, (1, -1), strict=True)
        for depth, offset in enumerate(offsets)
    ]


def fixed(generator: np.random.Generator) -> list[Row]:
    """Members that differ from each other, by the activation on average not at all; all draws are independent."""
    return [
        member("v3", generator.normal(10 + sign * (depth - 2.5), 1, 16), depth=depth, activation=activation)
        for activation, sign in zip(PAIR, (1, -1), strict=True)
        for depth in range(6)
    ]


def successes(generator: np.random.Generator, more: float = 0.0) -> list[Row]:
    """Runs that succeed in half of the cases, on data that make it easy or hard for both settings."""
    easy = generator.random(32) < 0.5
    often, seldom = (generator.random(32) < np.where(easy, 0.7, 0.3) + shift for shift in (more, 0.0))
    return [member("success", draws, activation=name) for name, draws in zip(PAIR, (often, seldom), strict=True)]


def correlated(generator: np.random.Generator) -> list[Row]:
    """Members that succeed in 9 of 10 runs, mostly on the same data."""
    easy = generator.normal(size=16)
    return [
        member("success", 0.9 * easy + 0.436 * generator.normal(size=16) < norm.ppf(0.9), depth=depth)
        for depth in range(12)
    ]


def ranked(generator: np.random.Generator, depths: int) -> list[Row]:
    """Members of which v3 and -depth rank an outcome equally well: it is the mean of both, with noise."""
    first, rows = generator.permutation(depths), []
    for depth in range(2, 2 + depths):
        outcome = (first[depth - 2] - (depth - 2)) / depths + generator.normal(0, 0.2)
        axes = {"depth": depth, "activation": "relu"}
        rows.append(member("v3", first[depth - 2] + generator.normal(0, 0.1, 16), **axes))
        rows.append(member("test_accuracy", outcome + generator.normal(0, 0.05, 8), **axes))
    return rows


def waits(generator: np.random.Generator) -> np.ndarray:
    found = generator.exponential(size=16).round(1) + 0.1
    return np.where(found > 1, np.nan, found)


DEPTHS, PAIR = (1, 2, 4, 8), ("abs", "relu")
BETWEEN = {"axis": "activation", "value": "abs", "than": "relu", **SAYS}
NO_EFFECT: dict[str, tuple[Make, Claim]] = {
    "a peak": (alike("v3", skewed, "depth", DEPTHS), PeaksInside(quantity="v3", along="depth", **SAYS)),
    "a step": (
        alike("v3", skewed, "depth", DEPTHS[:2]),
        Monotone(quantity="v3", along="depth", direction="rises", **SAYS),
    ),
    "several steps": (
        alike("v3", skewed, "depth", DEPTHS),
        Monotone(quantity="v3", along="depth", direction="falls", **SAYS),
    ),
    "means": (alike("v3", skewed, "activation", PAIR), Greater(quantity="v3", **BETWEEN)),
    "medians of heavy tails": (
        alike("v3", heavy, "activation", PAIR),
        Greater(quantity="v3", statistic="median", **BETWEEN),
    ),
    "rare events": (
        alike("collapsed_relative", lambda generator: generator.random(64) < 0.05, "activation", PAIR),
        Greater(quantity="collapsed_relative", **BETWEEN),
    ),
    "a family": (family, Greater(quantity="v3", of="family", **BETWEEN)),
    "ranks": (unrelated, RankCorrelation(first="v3", second="output_std", at_least=0.0, **SAYS)),
    "ranks of a few members": (
        lambda generator: unrelated(generator, 5),
        RankCorrelation(first="v3", second="output_std", at_most=0.0, **SAYS),
    ),
    "ranks on several boards": (
        boards,
        RankCorrelation(first="train_accuracy", second="test_accuracy", at_least=0.0, **SAYS),
    ),
    "an average difference on several boards": (boards, Greater(quantity="test_accuracy", of="family", **BETWEEN)),
    "an average difference of these members": (shared, Greater(quantity="test_accuracy", of="average", **BETWEEN)),
    "an average level of these members": (shared, Level(quantity="test_accuracy", at_least=0.5, of="average", **SAYS)),
    "an average of untrained members": (
        fixed,
        Greater(quantity="v3", of="average", **BETWEEN),
    ),
    "an average level of rare events": (
        lambda generator: [
            member("collapsed_relative", generator.random(128) < 0.01, depth=depth) for depth in range(20)
        ],
        Level(quantity="collapsed_relative", at_most=0.01, of="average", **SAYS),
    ),
    "an average difference of rare events": (
        lambda generator: [
            member("collapsed_relative", generator.random(16) < share, depth=depth, activation=name)
            for depth, share in enumerate(np.linspace(0.01, 0.2, 8))
            for name in PAIR
        ],
        Greater(quantity="collapsed_relative", of="average", **BETWEEN),
    ),
    "an average level of successes that share their data": (
        correlated,
        Level(quantity="success", at_least=0.9, of="average", **SAYS),
    ),
    "an average of medians": (
        lambda generator: [member("v3", generator.normal(3, 1, 8), depth=depth) for depth in range(20)],
        Level(quantity="v3", at_least=3.0, of="average", statistic="median", **SAYS),
    ),
    "paired events": (successes, Greater(quantity="success", **BETWEEN)),
    "paired events that differ by a margin": (
        lambda generator: successes(generator, 0.25),
        Greater(quantity="success", margin=0.25, **BETWEEN),
    ),
    "a gain over a baseline": (
        lambda generator: ranked(generator, 12),
        Predicts(predictor="v3", outcome="test_accuracy", baseline="-depth", **SAYS),
    ),
    "a gain over a baseline, of a few members": (
        lambda generator: ranked(generator, 6),
        Predicts(predictor="v3", outcome="test_accuracy", baseline="-depth", **SAYS),
    ),
    "an average level on several boards": (
        boards,
        Level(quantity="test_accuracy", at_least=0.0, of="family", **SAYS),
    ),
    "a level": (
        alike("v3", lambda generator: generator.normal(size=64), "depth", DEPTHS[:1]),
        Level(quantity="v3", at_least=0, **SAYS),
    ),
    "every member's level": (
        alike("v3", lambda generator: generator.normal(size=64), "depth", DEPTHS),
        Level(quantity="v3", at_most=0, **SAYS),
    ),
    "an average level": (family, Level(quantity="v3", at_least=0, of="family", **SAYS)),
    "a bound that is met": (
        lambda generator: [member("v3", generator.normal(1, 1, 64), theory=1.0, depth=1)],
        BoundedBy(quantity="v3", bound="theory", **SAYS),
    ),
    "an error as large as allowed": (
        lambda generator: [member("v3", generator.normal(1.1, 1, 64), theory=1.0, depth=1)],
        AgreesWith(quantity="v3", relative=0.1, **SAYS),
    ),
    "waits": (
        alike("steps_to_success", waits, "activation", PAIR),
        SurvivalShorter(quantity="steps_to_success", **BETWEEN),
    ),
}


def test_every_claim_test_is_simulated() -> None:
    """A new one needs a case without an effect."""
    assert {claim.test for _, claim in NO_EFFECT.values()} == set(CLAIMS)


@pytest.mark.parametrize("case", NO_EFFECT)
def test_without_an_effect_verdicts_are_as_rare_as_stated(case: str, repetitions: int) -> None:
    """At the edge between what is claimed and what is not."""
    make, claim = NO_EFFECT[case]

    found = verdicts(make, claim, repetitions)

    most = binom.isf(1e-4, repetitions, ALPHA / 2)
    assert found["holds"] <= most
    assert found["fails"] <= most


OF_SHARES: dict[str, Callable[[float], Claim]] = {
    "at least": lambda share: Level(quantity="collapsed_relative", at_least=share, **SAYS),
    "at most, on average": lambda share: Level(quantity="collapsed_relative", at_most=share, of="average", **SAYS),
    "below its law": lambda _: BoundedBy(quantity="collapsed_relative", bound="theory", **SAYS),
    "near its law": lambda _: AgreesWith(quantity="collapsed_relative", relative=0.25, **SAYS),
}


@pytest.mark.parametrize("case", OF_SHARES)
@pytest.mark.parametrize(("draws", "share"), [(8, 0.19), (8, 0.8), (32, 0.06), (32, 0.5)])
def test_few_draws_of_a_share_say_no_more_than_they_can(case: str, draws: int, share: float) -> None:
    """By every count of events that there could be, at the edge of what is claimed, each with its probability."""
    claim = OF_SHARES[case](share)
    edge = share * 1.25 if isinstance(claim, AgreesWith) else share
    likely = binom.pmf(range(draws + 1), draws, edge)
    wrong = Counter[str]()
    for events in range(draws + 1):
        row = member("collapsed_relative", np.arange(draws) < events, theory=share, depth=1)
        wrong[judge([claim], tables_of([row]))[0].verdict] += likely[events]

    assert max(wrong["holds"], wrong["fails"]) <= ALPHA / 2


def test_a_difference_is_found_as_often_as_its_size_allows(repetitions: int) -> None:
    """Student's t of two samples of 64, half a standard deviation apart, two-sided at 5%: power 0.80."""
    shift, n = 0.5, 64

    def make(generator: np.random.Generator) -> list[Row]:
        return [
            member("v3", generator.normal(shift, 1, n), activation="abs"),
            member("v3", generator.normal(0, 1, n), activation="relu"),
        ]

    found = verdicts(make, Greater(quantity="v3", **BETWEEN), repetitions)

    # The noncentral t is near the normal at 126 degrees of freedom.
    power = norm.sf(t.isf(ALPHA / 2, 2 * n - 2) - shift * (n / 2) ** 0.5)
    assert 0.78 < power < 0.82
    assert binom.ppf(1e-4, repetitions, power - 0.01) <= found["holds"] <= binom.isf(1e-4, repetitions, power + 0.01)


def test_undecided_says_how_many_draws_would_probably_decide(repetitions: int) -> None:
    """Of the number that it mostly says, most repetitions decide, and not all of an eighth of that."""
    generator = np.random.default_rng(7)
    claim = Greater(quantity="v3", **BETWEEN)

    def rows(n: int) -> list[Row]:
        return [
            member("v3", generator.normal(shift, 1, n), activation=name)
            for name, shift in (("abs", 0.3), ("relu", 0.0))
        ]

    needed = [
        found.needed for _ in range(50) if (found := judge([claim], tables_of(rows(40)))[0]).verdict == "undecided"
    ]
    middle = int(np.median([number for number in needed if np.isfinite(number)]))
    decided, hardly = (
        np.mean([judge([claim], tables_of(rows(n)))[0].verdict == "holds" for _ in range(repetitions)])
        for n in (middle, middle // 8)
    )

    assert len(needed) > 25
    assert decided > 0.6
    assert hardly < 0.5


def test_many_claims_are_corrected_together(repetitions: int) -> None:
    """Of eight claims about nothing, hardly ever a single one gets a verdict: at most 5 times in 100."""
    generator = np.random.default_rng(8)
    claims = [Greater(quantity="v3", **BETWEEN, where={"depth": depth}) for depth in range(8)]
    wrong = 0
    for _ in range(repetitions // 2):
        rows = [member("v3", generator.normal(size=32), depth=d, activation=name) for d in range(8) for name in PAIR]
        wrong += any(found.verdict != "undecided" for found in judge(claims, tables_of(rows)))

    assert wrong <= binom.isf(1e-4, repetitions // 2, ALPHA)


def test_a_shuffled_predictor_predicts_nothing(repetitions: int) -> None:
    """As many members as the shipped control has, in the same order: shuffled, this hardly ever holds, and fails."""
    rows = [
        member(quantity, [float(depth)], depth=depth, activation=name)
        for depth in range(14)
        for name in PAIR
        for quantity in ("v3", "output_std")
    ]
    tables, ends = tables_of(rows), Counter[str]()
    for place in range(min(repetitions, 200)):
        claim = RankCorrelation(
            first="v3", second="output_std", at_least=0.7, shuffled=True, says=f"Deal number {place} goes with it."
        )
        (found,) = judge([claim, *OTHERS], tables)[:1]
        ends[found.verdict] += 1
    plain = RankCorrelation(first="v3", second="output_std", at_least=0.7, **SAYS)

    assert judge([plain, *OTHERS], tables)[0].verdict == "holds"
    assert ends["holds"] == 0
    # The power of 28 members at a corrected 5%: 0.867, the transformed 0.7, over an error of 0.2, less 2.58: 0.96.
    assert ends["fails"] >= binom.ppf(1e-4, ends.total(), 0.93)


OTHERS = [Greater(quantity="v3", **BETWEEN, where={"depth": 99}) for _ in range(4)]
"""Claims of the same study that have nothing to say, but count for the correction."""

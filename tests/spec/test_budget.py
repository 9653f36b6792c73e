"""Layer widths for a parameter budget, against every network there is."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.spec.budget import UnreachableBudgetError, count_parameters, fit_widths
from suite.spec.load import load_studies

VARIABILITY = Path(__file__).parents[2] / "specs" / "variability.toml"


def all_widths(limit: int, depth: int, inputs: int, outputs: int, normalized: bool) -> Iterator[tuple[int, ...]]:
    """Hidden widths of every network of a depth with at most `limit` parameters."""
    of_a_unit = inputs + 1 + (2 if normalized else 0)
    if depth == 1:
        for width in range(1, (limit - outputs) // (of_a_unit + outputs) + 1):
            yield (width,)
        return
    for width in range(1, limit // of_a_unit + 1):
        for later in all_widths(limit - of_a_unit * width, depth - 1, width, outputs, normalized):
            yield (width, *later)


def nearest_uniform_count_above(budget: int, depth: int, inputs: int, outputs: int, normalized: bool) -> int:
    width = 1
    while (count := count_parameters((inputs, *[width] * depth, outputs), normalized)) <= budget:
        width += 1
    return count


def brute_force(
    budget: int, depth: int, inputs: int, outputs: int, tolerance: Fraction, normalized: bool = False
) -> tuple[int, ...] | tuple[None, int | None, int | None]:
    """The widths by their criteria, or the nearest counts, from all networks there are."""
    limit = nearest_uniform_count_above(budget, depth, inputs, outputs, normalized)
    counts = {
        widths: count_parameters((inputs, *widths, outputs), normalized)
        for widths in all_widths(limit, depth, inputs, outputs, normalized)
    }

    def rank(widths: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        return max(widths) - min(widths), abs(counts[widths] - budget), tuple(-width for width in widths)

    if fitting := [widths for widths, count in counts.items() if abs(count - budget) <= tolerance * budget]:
        return min(fitting, key=rank)
    return (
        None,
        max((count for count in counts.values() if count < budget), default=None),
        min((count for count in counts.values() if count > budget), default=None),
    )


@settings(max_examples=150)
@given(
    budget=st.integers(1, 70),
    depth=st.integers(1, 4),
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 3),
    tolerance=st.sampled_from(["0", "0.005", "0.03", "0.1", "0.4"]),
    normalized=st.booleans(),
)
def test_widths_are_those_of_an_exhaustive_search(
    budget: int, depth: int, inputs: int, outputs: int, tolerance: str, normalized: bool
):
    """Smallest spread, then closest count, then wider layers first; or the nearest counts on both sides."""
    expected = brute_force(budget, depth, inputs, outputs, Fraction(tolerance), normalized)

    try:
        found = fit_widths(budget, depth, inputs, outputs, float(tolerance), normalized)
    except UnreachableBudgetError as error:
        found = (None, error.below, error.above)

    assert found == expected


@pytest.mark.parametrize(
    ("budget", "depth", "inputs", "outputs"), [(411, 2, 2, 1), (333, 2, 3, 2), (150, 3, 2, 1), (97, 5, 1, 1)]
)
@pytest.mark.parametrize("tolerance", ["0", "0.005", "0.05"])
@pytest.mark.parametrize("normalized", [False, True], ids=["plain", "normalized"])
def test_larger_budgets_agree_with_an_exhaustive_search(
    budget: int, depth: int, inputs: int, outputs: int, tolerance: str, normalized: bool
):
    """Spreads above 1, which tiny budgets seldom need, follow the same criteria."""
    expected = brute_force(budget, depth, inputs, outputs, Fraction(tolerance), normalized)
    assert None not in expected

    assert fit_widths(budget, depth, inputs, outputs, float(tolerance), normalized) == expected


def test_parameters_are_all_weights_and_all_biases():
    """2 -> 3 -> 4 -> 1: (2 + 1) 3 + (3 + 1) 4 + (4 + 1) 1."""
    assert count_parameters((2, 3, 4, 1)) == 30


def test_normalization_adds_a_gain_and_a_shift_to_each_hidden_unit():
    """2 -> 3 -> 4 -> 1 has seven of them; the readout is not normalized."""
    assert count_parameters((2, 3, 4, 1), normalized=True) == 30 + 2 * 7


def test_a_smaller_spread_wins_over_a_closer_count():
    """Widths 39 and 46 meet 2,004 exactly, but within 5% all layers can be equal."""
    assert count_parameters((2, 39, 46, 1)) == 2004

    assert fit_widths(2004, 2, 2, 1, tolerance=0.05) == (42, 42)
    assert fit_widths(2004, 2, 2, 1, tolerance=0) == (39, 46)


def test_a_closer_count_wins_over_wider_layers_first():
    """Of spread 1, (5, 4) has the wider first layer, (4, 5) the count that is asked for."""
    assert count_parameters((3, 4, 5, 1)) == 47
    assert count_parameters((3, 5, 4, 1)) == 49

    assert fit_widths(47, 2, 3, 1, tolerance=0.05) == (4, 5)
    assert fit_widths(49, 2, 3, 1, tolerance=0.01) == (5, 4)


def test_wider_layers_come_first_among_equal_counts():
    """With one input and one output a network reads the same backwards."""
    assert fit_widths(39, 2, 1, 1, tolerance=0) == (5, 4)


def test_the_tolerance_is_inclusive():
    """One layer of n units between 2 inputs and 1 output has 4 n + 1 parameters: 201 is 0.5% over 200."""
    assert fit_widths(200, 1, 2, 1, tolerance=0.005) == (50,)
    with pytest.raises(UnreachableBudgetError):
        fit_widths(200, 1, 2, 1, tolerance=0.00499)


def test_a_tolerance_of_0_accepts_the_budget_only():
    """4 n + 1 reaches 201 and then 205."""
    assert fit_widths(201, 1, 2, 1, tolerance=0) == (50,)
    with pytest.raises(UnreachableBudgetError) as caught:
        fit_widths(202, 1, 2, 1, tolerance=0)
    assert (caught.value.below, caught.value.above) == (201, 205)


def test_a_budget_below_the_smallest_network_has_no_count_below():
    """Three layers of one unit, one input and one output: 8 parameters at least."""
    with pytest.raises(UnreachableBudgetError) as caught:
        fit_widths(5, 3, 1, 1, tolerance=0.005)

    assert (caught.value.depth, caught.value.below, caught.value.above) == (3, None, 8)


@pytest.mark.parametrize("depth", [1, 2, 3, 12, 100])
@pytest.mark.parametrize("budget", [10**6, 10**9, 10**12])
def test_huge_budgets_are_met_at_once(budget: int, depth: int):
    """The search does not walk through all widths within the tolerance."""
    widths = fit_widths(budget, depth, 784, 10, tolerance=0.005)

    assert abs(count_parameters((784, *widths, 10)) - budget) <= 0.005 * budget


def test_every_depth_of_the_variability_study_is_within_half_a_percent():
    """Equal parameter count is what its claims rest on."""
    (study,) = load_studies([VARIABILITY])
    (family,) = study.spec.family
    (budget,) = family.parameters

    assert {member.depth for member in study.members} == set(family.depth)
    assert [m.name for m in study.members if abs(m.parameters - budget) > budget / 200] == []

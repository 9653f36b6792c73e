"""Claims that too few draws are for are errors, and claims that hardly find anything get a warning."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from suite.spec.load import Study, load_studies
from suite.spec.problems import SpecError
from suite.statistics.rank import spearman

SPEC = """title = "Claims and their sizes"
seed = 3
[family]
parameters = 300
inputs = 2
depth = [2, 3, 4, 6, 8, 10]
activation = "relu"
[measure.v3]
draws = {draws}
step = 0.25
[measure.collapse]
draws = 64
[measure.accuracy]
steps = 10
replicates = {replicates}
task = {{ name = "checkerboard", squares = 2, train = 64, test = 64 }}
optimizer = {{ name = "sgd", learning_rate = 0.01, batch = 32 }}
[[claim]]
says = "So."
"""


def load(claim: str, tmp_path: Path, draws: int = 64, replicates: int = 16) -> Study:
    file = tmp_path / "sizes.toml"
    file.write_text(SPEC.format(draws=draws, replicates=replicates) + claim)
    (study,) = load_studies([file])
    return study


LEVEL_OF_V3 = 'test = "level"\nquantity = "v3"\nat_least = 1.0\n'
STEPS = 'test = "monotone"\nquantity = "test_accuracy"\nalong = "depth"\ndirection = "falls"\n'
RANKS = 'test = "rank_correlation"\nfirst = "v3"\nsecond = "output_std"\nat_least = 0.0\n'
SUCCESS = 'test = "greater"\nquantity = "success"\naxis = "depth"\nvalue = 2\nthan = 8\n'
TIMES = 'test = "survival_shorter"\nquantity = "steps_to_success"\naxis = "depth"\nvalue = 2\nthan = 8\n'
FAMILY = 'test = "greater"\nquantity = "v3"\naxis = "depth"\nvalue = 8\nthan = 2\nof = "family"\n'
PREDICTS = 'test = "predicts"\npredictor = "v3"\noutcome = "test_accuracy"\nbaseline = "-depth"\n'


@pytest.mark.parametrize(
    ("claim", "sizes", "message"),
    [
        (LEVEL_OF_V3, {"draws": 3}, "v3 has 3 draws, too few to judge a claim; use 4 or more"),
        (STEPS, {"replicates": 1}, "test_accuracy has 1 replicate, too few to judge a claim; use 4 or more"),
        (FAMILY, {}, 'claim.of: 1 pair, too few for a claim about the family; use 4 or more, or of = "average"'),
        (
            'test = "rank_correlation"\nfirst = "v3"\nsecond = "test_accuracy"\nat_least = 0.0\n',
            {},
            "claim.test: a claim that v3 predicts test_accuracy needs a baseline to beat; "
            'use test = "predicts", with predictor, outcome and baseline',
        ),
        (
            PREDICTS + "where = { depth = [2, 3, 4] }\n",
            {},
            "the claim is about 3 members with 2 or more hidden layers, too few for a rank correlation; use 5 or more",
        ),
        (
            PREDICTS.replace('"-depth"', '"depth"'),
            {},
            "claim.baseline: expected a baseline; use one of -depth, middle_depth, width, parameters, activation_ratio",
        ),
        (
            PREDICTS.replace('"v3"', '"train_accuracy"'),
            {},
            "claim.predictor: 'train_accuracy' is known only after training; ",
        ),
        (
            LEVEL_OF_V3 + 'expected = "fails"\n',
            {},
            "claim: an expected verdict needs its reference; set source to what states it, or control = true, or "
            "remove expected",
        ),
        (
            LEVEL_OF_V3 + "control = true\n",
            {},
            'claim: a control needs the verdict that it must have; set expected = "fails" or "holds"',
        ),
        (
            f"answers = true\n{LEVEL_OF_V3}[[claim]]\nsays = 'Too.'\nanswers = true\n{STEPS}",
            {},
            "claim.answers: another claim has answers = true, and one claim answers the question; remove one of them",
        ),
    ],
)
def test_claims_that_cannot_be_judged_are_errors(
    claim: str, sizes: dict[str, int], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        load(claim, tmp_path, **sizes)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "claim",
    [
        'test = "level"\nquantity = "v3"\nat_least = 0.0\nof = "draw"\n',
        'test = "monotone"\nquantity = "v3"\nalong = "depth"\ndirection = "rises"\n[measure.activation_ratio]\n',
    ],
)
def test_a_claim_that_one_draw_can_refute_needs_no_more(claim: str, tmp_path: Path) -> None:
    """And a quantity that is computed has no draws at all."""
    changed = claim.replace('quantity = "v3"\nalong', 'quantity = "activation_ratio"\nalong')

    assert load(changed, tmp_path, draws=1).spec.claim


@pytest.mark.parametrize(
    ("claim", "sizes", "warning"),
    [
        (LEVEL_OF_V3, {"draws": 4}, "with 4 draws, only differences above 2.1 standard deviations are found"),
        (LEVEL_OF_V3, {"draws": 6}, ""),
        (STEPS, {"replicates": 4}, "with 4 replicates, only differences above 2.1 standard deviations are found"),
        (STEPS, {"replicates": 8}, ""),
        (RANKS, {}, "with 6 members, only rank correlations above 0.97 are found"),
        (SUCCESS, {"replicates": 8}, "with 8 replicates, only differences of frequencies above 0.8 are found"),
        (SUCCESS, {"replicates": 24}, ""),
        (TIMES, {"replicates": 4}, "with 4 replicates, only ratios of hazards above 7.3 are found"),
        (TIMES, {"replicates": 16}, ""),
    ],
)
def test_claims_of_low_power_get_a_warning(claim: str, sizes: dict[str, int], warning: str, tmp_path: Path) -> None:
    """At a power of 80% and a two-sided level of 5%, as for a single claim."""
    warnings = [str(found) for found in load(claim, tmp_path, **sizes).warnings]

    assert ([] if not warning else [True]) == [
        f"claim: {warning} with 80% power; use more" in each for each in warnings
    ]


@pytest.mark.parametrize(
    ("claim", "replicates"),
    [(SUCCESS, 5), ('test = "level"\nquantity = "success"\nat_least = 0.9\n', 8)],
)
def test_claims_that_no_result_can_establish_get_a_warning(claim: str, replicates: int, tmp_path: Path) -> None:
    """Five pairs that all differ in one direction have p = 1/32; eight successes in eight have p = 0.43 at 0.9."""
    (warning,) = map(str, load(claim, tmp_path, replicates=replicates).warnings)

    assert f"claim: no result of {replicates} replicates establishes it; use more of them" in warning


@pytest.mark.parametrize(("members", "rho"), [(6, 0.97), (8, 0.93)])
def test_the_power_of_the_warned_correlation_is_about_80_percent(members: int, rho: float) -> None:
    """Of normal members; ranks have a little less power. The standard error of 1,000 samples is 0.013."""
    generator = np.random.default_rng(5)
    first = generator.normal(size=(1000, members))
    second = rho * first + np.sqrt(1 - rho**2) * generator.normal(size=(1000, members))
    found = np.arctanh(np.minimum(spearman(first, second), 0.9999))
    error = np.sqrt((1 + np.tanh(found) ** 2 / 2) / (members - 3))

    assert 0.6 < np.mean(found / error > norm.isf(0.025)) < 0.9

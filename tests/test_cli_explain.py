"""`explain`: what a spec will do, in words, with numbers that are those of the run."""

import re
from math import prod
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.catalog.claims import CLAIMS
from suite.catalog.predict import BASELINES
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.spec.files import shipped_specs
from suite.spec.load import load_studies
from suite.spec.statements import listed, statements
from tests.runs.tiny import SPECS

SPEC = """title = "What is it like?"
seed = 9
domain = { kind = "ball", radius = 2.0 }
[family]
parameters = 300
inputs = 2
depth = [1, 2, 4]
activation = ["relu", { name = "leaky_relu", slope = [0.1, 0.2] }]
normalization = ["none", "batch"]
[measure.v3]
draws = 600
step = 0.5
[measure.collapse]
precision = 0.05
[measure.feature_diversity]
[measure.accuracy]
task = { name = "checkerboard", squares = [2, 3], train = 64, test = 32 }
optimizer = { name = "adam", learning_rate = [0.01, 0.03], batch = 32 }
steps = 24
replicates = 5
"""
PLAIN = SPEC.replace('normalization = ["none", "batch"]\n', "") + "[measure.correlation]\n"
"""Networks that have laws."""


def explained(*arguments: str) -> str:
    """What the command says."""
    done = CliRunner().invoke(app, ["explain", *arguments])
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture
def text(tmp_path: Path) -> str:
    """Of a spec with a bit of everything."""
    (tmp_path / "likeness.toml").write_text(SPEC)
    return explained(str(tmp_path / "likeness.toml"))


def test_networks_are_told_with_widths_and_exact_counts(text: str) -> None:
    """Every axis, the members that it makes, and each shape once."""
    assert "likeness: What is it like?" in text
    assert "the seed, 9; inputs lie in a ball of radius 2." in text
    assert "Networks: 18 members" in text
    assert "family: 3 of depth x 3 of activation x 2 of normalization: 18 members" in text
    assert "    activation: relu, leaky_relu(slope=0.1) and leaky_relu(slope=0.2)" in text
    assert "    parameters: 300 (each member within 0.5%)" in text
    assert "    depth 1   2 - 75 - 1: 301 parameters, +0.33% of the budget; 3 members" in text
    assert len(re.findall(r"^    depth \d", text, flags=re.MULTILINE)) == 6


def test_measures_are_told_with_their_draws(text: str) -> None:
    """In all, and where; of a precision, what it is of."""
    assert "600 draws of each member, 10,800 networks in all, at " in text
    assert " points 0.5 apart; 54 pieces of work" in text
    assert "bring half the 95% interval of collapsed_relative to 0.05 " in text
    assert "from 256 to 65,536; at first 4,608 networks in all" in text


def test_training_is_told_to_the_last_one(text: str) -> None:
    """What on, by what, how often, and how it is judged."""
    assert "18 members x 5 replicates x 2 tasks x 2 optimiser settings = 360 trainings of 24 steps; 36 pieces" in text
    assert "on checkerboard (squares = 2): 64 points to train on, 32 to choose on, 32 to judge on; label = " in text
    assert "success: a test accuracy of 0.9 or more after the last step" in text
    assert "by adam(learning_rate=0.01, batch=32), 12 passes through the training points" in text
    assert "Of learning rates the best is chosen" in text
    assert "feature_diversity, in the same trainings: " in text


@pytest.mark.parametrize("file", [*shipped_specs().values(), *sorted(SPECS.glob("*.toml"))], ids=lambda file: file.stem)
def test_numbers_are_those_of_the_run(file: Path) -> None:
    """Of every study: members, cells, networks drawn, trainings; each claim in its author's words and its test's."""
    (study,) = load_studies([file])
    cells = cells_of(study)

    text = explained(str(file)).replace(",", "")

    assert f"Networks: {len(study.members)} member" in text
    assert f"That is {sum(cell.name != 'landscape' for cell in cells)} piece" in text
    for name in {cell.name for cell in cells if not cell.trains} - {"landscape", "activation_ratio"}:
        own = [cell for cell in cells if cell.name == name]
        (said,) = re.findall(rf"\n  {name}: .*\n    (.*)", text)
        assert f" {sum(cell.stop - cell.start for cell in own)} networks in all" in said
        assert said.endswith(f"; {len(own)} piece{'s' if len(own) > 1 else ''} of work")
    for numbers, trainings in re.findall(r"Trained: (.*) = (\d+) training", text):
        assert prod(map(int, re.findall(r"\d+", numbers))) == int(trainings)
        own = [cell for cell in cells if cell.trains]
        assert sum((cell.stop - cell.start) * len(cell.settings.optimizer) for cell in own) == int(trainings)
    for claim in study.spec.claim:
        place = text.index(f"  {claim.says}\n".replace(",", ""))
        assert text[place:].splitlines()[1].startswith(f"    {claim.test}: ")


ABOUT = 'says = "s"\n'
TESTS = {
    'test = "peaks_inside"\nquantity = "v3"\nalong = "depth"': (
        "the mean of v3 is larger at some inner depth of 1, 2 and 4 than at the first and at the last, at each "
        "setting of the other axes; of all 18 members"
    ),
    'test = "monotone"\nquantity = "v3"\nalong = "depth"\ndirection = "falls"\nslack = 0.5\n'
    'statistic = "median"\nwhere = { depth = [2, 4] }': (
        "the median of v3 falls at each step of depth over 2 and 4, but for 0.5, at each setting of the other axes; "
        "where depth is 2 or 4: 12 of 18 members"
    ),
    'test = "greater"\nquantity = "success"\naxis = "depth"\nvalue = 1\nthan = 2\nmargin = 0.1': (
        "the frequency of success at depth = 1 exceeds that at 2 by more than 0.1, in every pair of members that are "
        "alike otherwise; 6 pairs (12 of 18 members)"
    ),
    'test = "greater"\nquantity = "test_accuracy"\naxis = "depth"\nvalue = 1\nthan = 2\nof = "average"\n'
    'expected = "fails"': (
        "the mean of test_accuracy after the last step at depth = 1 exceeds that at 2, on average over pairs of "
        "members that are alike otherwise; 6 pairs (12 of 18 members); expected: fails"
    ),
    'test = "greater"\nquantity = "v3"\naxis = "depth"\nvalue = 2\nthan = 4\nwhere = { normalization = "none" }': (
        "the mean of v3 at depth = 2 exceeds that at 4, in every pair of members that are alike otherwise; where "
        "normalization is none: 3 pairs (6 of 18 members)"
    ),
    'test = "rank_correlation"\nfirst = "v3"\nsecond = "collapsed_relative"\nat_most = -0.5\nshuffled = true': (
        "Spearman's rank correlation over members of the mean of v3 with the frequency of collapsed_relative is below"
        " -0.5, when the values of v3 are dealt out anew, as a control; of all 18 members"
    ),
    'test = "level"\nquantity = "feature_cosine"\nat_least = 0.5\nlayer = 1\nof = "average"': (
        "the mean of feature_cosine in layer 1 after the last step is above 0.5, on average over members; of all 18 "
        "members"
    ),
    'test = "level"\nquantity = "v3"\nat_most = 9\nof = "draw"': (
        "v3 is 9 or less in every single draw; one exception refutes; of all 18 members"
    ),
    'test = "bounded_by"\nquantity = "success"\nbound = "test_accuracy"\nmargin = 0.1': (
        "the frequency of success is below the mean of test_accuracy after the last step plus 0.1, in every member; "
        "of all 18 members"
    ),
    'test = "bounded_by"\nquantity = "correlation"\nbound = "theory"\nz = 3': (
        "the mean of correlation in the last layer is below its closed form or above by 3 standard errors at most, "
        "in every member; of all 9 members"
    ),
    'test = "agrees_with"\nquantity = "correlation"\nrelative = 0.05': (
        "the mean of correlation in the last layer is within 5% of its closed form, in every member that has one; of "
        "all 9 members"
    ),
    'test = "survival_shorter"\nquantity = "phase1_steps"\naxis = "normalization"\nvalue = "batch"\nthan = "none"': (
        "waits of phase1_steps are shorter at normalization = batch than at none (log-rank test), in every pair of "
        "members that are alike otherwise; 9 pairs (18 of 18 members)"
    ),
}
"""Claims, and what is said of each."""


@pytest.mark.parametrize("claim", TESTS)
def test_a_claim_is_told_in_words(claim: str, tmp_path: Path) -> None:
    """As its test takes it, with the members that it is about."""
    file = tmp_path / "likeness.toml"
    study_of = PLAIN if '"correlation"' in claim else SPEC
    file.write_text(f"{study_of}[[claim]]\n{ABOUT}{claim}\n")
    (study,) = load_studies([file])

    _, says, words = statements(study.spec, study.members)

    assert says == "  s"
    assert words.strip().partition(": ")[2] == TESTS[claim]


def test_every_kind_of_claim_is_tried() -> None:
    """A new test needs words."""
    assert {re.match(r'test = "(\w+)"', claim)[1] for claim in TESTS} == set(CLAIMS)


def test_the_tournament_is_told(tmp_path: Path) -> None:
    """Who enters, what orders them, and by which way round."""
    file = tmp_path / "likeness.toml"
    file.write_text(SPEC + '[predict]\noutcome = ["test_accuracy", "train_loss"]\nwhere = { normalization = "none" }\n')
    text = explained(str(file))

    assert "which of 11 quantities, known before training, tells test_accuracy or train_loss?" in text
    assert (
        "Each orders 6 of the 18 members, those of 2 hidden layers or more where normalization is none, by the " in text
    )
    assert "\n    v3, v3_over_rms, output_std, output_rms, -collapsed_relative, " in text
    assert f"baselines {', '.join(BASELINES)}." in text
    file.write_text(SPEC + '[predict]\noutcome = "success"\npredictors = ["v3", "collapsed_exact"]\n')
    assert "    v3, -collapsed_exact\n" in explained(str(file))


def test_changes_and_a_tenth_are_explained(tmp_path: Path) -> None:
    """As they would run."""
    file = tmp_path / "likeness.toml"
    file.write_text(SPEC)

    text = explained(str(file), "--set", "measure.v3.draws=100", "--quick")

    assert text.startswith("likeness-set-draws-100-")
    assert "10 draws of each member, 180 networks in all" in text


def test_long_lists_are_cut() -> None:
    """A study may have a thousand values on an axis."""
    assert listed([1, 2.5, True]) == "1, 2.5 and yes"
    assert listed([7]) == "7"
    assert listed(range(1000), "or").endswith("20, 21, ... or 999")


def test_a_precision_that_has_one_block_of_draws_names_one_number(text: str, tmp_path: Path) -> None:
    """A tenth of it may leave no room between the fewest draws and the most."""
    (tmp_path / "likeness.toml").write_text(SPEC.replace("precision = 0.05", "precision = 0.05\nmax_draws = 2560"))

    assert "from 256 to 65,536; at first" in text
    assert "of a frequency, or of the mean), 256 at most; at first" in explained(
        "--quick", str(tmp_path / "likeness.toml")
    )


def test_a_bound_of_minus_nothing_is_nothing(tmp_path: Path) -> None:
    """As TOML may write it."""
    claim = '[[claim]]\nsays = "So."\ntest = "level"\nquantity = "v3"\n'
    (tmp_path / "nought.toml").write_text(SPEC + claim + "at_most = -0.0\n")

    assert " is below 0, " in explained(str(tmp_path / "nought.toml"))


def test_texts_of_a_spec_give_a_terminal_no_orders(tmp_path: Path) -> None:
    """What a terminal might obey in a title is written out."""
    (tmp_path / "odd.toml").write_text(SPEC.replace("What is", "\\u001b[2JWhat\\nis"))

    told = explained(str(tmp_path / "odd.toml"))

    assert "odd: \\x1b[2JWhat\\nis it like?\n" in told
    assert "\x1b" not in told

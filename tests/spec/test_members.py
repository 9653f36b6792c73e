"""From families to members: what is united, what is multiplied out, and what a member is called."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from suite.catalog.activations import ACTIVATIONS
from suite.spec.budget import count_parameters
from suite.spec.load import Study, load_studies
from suite.spec.members import Member, resolve
from suite.spec.model import Family
from suite.spec.problems import SpecError
from suite.theory.mean_field import edge_of_chaos


def members_of(*families: dict[str, Any]) -> list[Member]:
    """The members of families, which are complete but for what they are given here."""
    members, findings = resolve([family(**given) for given in families])
    assert [finding for finding in findings if finding.fatal] == []
    return members


def family(**given: Any) -> Family:
    size = {} if "width" in given else {"parameters": 300}
    return Family.model_validate({"inputs": 2, "depth": 2, "activation": "relu", **size, **given})


def loaded(folder: Path, text: str) -> Study:
    """The study of a spec with this family and no more than one cheap measure."""
    file = folder / "study.toml"
    file.write_text(f'title = "members"\nseed = 1\n{text}\n[measure.activation_ratio]\n')
    (study,) = load_studies([file])
    return study


def test_axes_are_multiplied_out():
    """Every combination once, whichever key is a list."""
    members = members_of(
        {
            "parameters": [300, 400],
            "inputs": [2, 3],
            "outputs": [1, 4],
            "depth": [1, 2, 3],
            "activation": ["relu", "tanh"],
            "initialization": ["he", "lecun"],
            "tolerance": 0.05,
        }
    )

    combinations = Counter(tuple(member.axes.values()) for member in members)
    assert len(members) == len(combinations) == 2 * 2 * 2 * 3 * 2 * 2
    assert {member.axes["budget"] for member in members} == {300, 400}
    assert {(member.widths[0], member.widths[-1]) for member in members} == {(2, 1), (2, 4), (3, 1), (3, 4)}
    assert {member.depth for member in members} == {1, 2, 3}


def test_families_are_united_and_their_common_members_kept_once():
    """Two overlapping ranges of depth, in the order of the spec."""
    members = members_of({"depth": [1, 2, 3]}, {"depth": [3, 4], "activation": ["relu", "abs"]})

    assert [(member.depth, member.activation.label) for member in members] == [
        (1, "relu"),
        (2, "relu"),
        (3, "relu"),
        (3, "abs"),
        (4, "relu"),
        (4, "abs"),
    ]


def test_a_repeated_family_table_adds_its_members(tmp_path: Path):
    """[[family]] in the file, once with a budget and once with a width."""
    study = loaded(
        tmp_path,
        '[[family]]\nparameters = 300\ninputs = 2\ndepth = 2\nactivation = "relu"\n'
        '[[family]]\nwidth = 7\ninputs = 2\ndepth = 3\nactivation = "abs"\n',
    )

    assert [(member.activation.label, member.depth) for member in study.members] == [("relu", 2), ("abs", 3)]


@pytest.mark.parametrize(
    "wider",
    [
        {"activation": ["tanh", "relu", "abs"]},
        {"depth": [1, 2, 5]},
        {"initialization": ["he", "auto"]},
        {"parameters": [200, 300]},
        {"outputs": [2, 1]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_member_keeps_its_name_when_its_family_grows(wider: dict[str, Any]):
    """Its name follows from its content, not from its place in a list."""
    (before,) = members_of({})

    after = members_of(wider)

    assert len(after) > 1
    assert [member for member in after if member.name == before.name] == [before]


def test_a_member_is_called_by_its_content_not_by_the_size_it_was_asked_for():
    """A budget that gives the widths of a width makes the same network."""
    (by_width,) = members_of({"width": 15, "depth": 2})
    (by_budget,) = members_of({"parameters": by_width.parameters, "depth": 2})

    assert by_budget == by_width
    assert by_budget.name == by_width.name


def test_members_that_differ_in_anything_have_different_names():
    """Widths, activation, its parameters, the scheme and its parameters."""
    members = members_of(
        {
            "width": [7, 8],
            "depth": [2, 3],
            "activation": ["relu", {"name": "leaky_relu", "slope": [0.1, 0.2]}],
            "initialization": ["he", {"scheme": "critical", "bias_std": [0.0, 0.1]}],
        }
    )

    assert len({member.name for member in members}) == len(members) == 2 * 2 * 3 * 3


def test_members_whose_hashes_agree_in_many_digits_are_both_kept():
    """The first six digits of these two are the same, so six would lose one of them unnoticed."""
    members = members_of({"width": [1852, 3118], "depth": 1, "initialization": "he"})

    assert len({member.name[: len("relu-d1-123456")] for member in members}) == 1
    assert [member.widths for member in members] == [(2, 1852, 1), (2, 3118, 1)]


def test_a_linear_region_is_an_axis_and_in_the_label():
    """One number, or a list of them."""
    members = members_of({"activation": ["relu", {"name": "s_exp", "linear_region": [1.0, 2.0]}]})

    labels = [member.axes["activation"] for member in members]
    assert labels == ["relu", "s_exp(linear_region=1)", "s_exp(linear_region=2)"]


def test_a_name_tells_activation_and_depth():
    """Followed by digits of a hash."""
    (member,) = members_of({"activation": {"name": "leaky_relu", "slope": 0.1}, "depth": 3})

    assert member.name.startswith("leaky_relu-d3-")


def test_a_name_never_changes():
    """Results that are stored under a name are found by it later: the value is pinned."""
    (member,) = members_of({"width": 7, "depth": 3, "initialization": {"scheme": "critical", "bias_std": 0.1}})

    assert member.name == "relu-d3-5fb997375d"


def test_a_width_stands_for_equal_layers():
    """No budget is fitted; the axis is called width."""
    (member,) = members_of({"width": 7, "depth": 3, "inputs": 2, "outputs": 4})

    assert member.widths == (2, 7, 7, 7, 4)
    assert member.parameters == 3 * 7 + 2 * 8 * 7 + 8 * 4
    assert member.axes == {
        "depth": 3,
        "activation": "relu",
        "initialization": "auto",
        "inputs": 2,
        "outputs": 4,
        "normalization": "none",
        "residual": "no",
        "width": 7,
    }


def test_options_of_the_architecture_are_axes():
    """Every combination once; plain members first, called and seeded as they are without the others."""
    (plain,) = members_of({"width": 7})

    members = members_of({"width": 7, "normalization": ["none", "batch", "layer"], "residual": [False, True]})

    assert members[0] == plain
    assert members[0].name == plain.name
    assert len({member.name for member in members}) == len(members) == 6
    assert [member.plain for member in members] == [True, *[False] * 5]
    assert [(member.axes["normalization"], member.axes["residual"]) for member in members] == [
        (normalization, residual) for normalization in ("none", "batch", "layer") for residual in ("no", "yes")
    ]


def test_content_says_an_option_only_where_it_is_taken():
    """So that members without it keep their names and seeds."""
    said = [
        set(member.content) for member in members_of({"normalization": ["none", "layer"], "residual": [False, True]})
    ]

    plain = {"widths", "activation", "initialization"}
    assert said == [plain, plain | {"residual"}, plain | {"normalization"}, plain | {"normalization", "residual"}]


def test_a_readouts_standard_deviation_is_an_axis():
    """Members of the same family without it keep name and content."""
    (plain,) = members_of({"width": 7, "outputs": 1, "initialization": "he"})

    members = members_of({"width": 7, "outputs": 1, "initialization": "he", "readout_std": [1, 0.01, 0.1]})

    assert [member.axes["readout_std"] for member in members] == [1.0, 0.01, 0.1]
    assert [member.variances[-1] for member in members] == [(1.0, 0.0), (0.01**2, 0.0), (0.1**2, 0.0)]
    assert members[0].name == plain.name
    assert [member.content.get("readout_std") for member in members] == [None, 0.01, 0.1]
    assert len({member.name for member in members}) == 3


def test_a_budget_counts_normalizations_gains_and_shifts():
    """Normalized members are narrower at the same budget, of which both are within half a percent."""
    bare, normalized = members_of({"parameters": 1000, "depth": 8, "normalization": ["none", "batch"]})

    assert abs(bare.parameters - 1000) <= 5
    assert abs(normalized.parameters - 1000) <= 5
    assert sum(normalized.widths) < sum(bare.widths)
    assert normalized.parameters == count_parameters(normalized.widths) + 2 * sum(normalized.widths[1:-1])


def test_a_budget_that_normalized_networks_miss_is_their_fault_alone():
    """With two inputs and one output n hidden units have 4 n + 1 parameters, and 6 n + 1 where normalized."""
    members, (finding,) = resolve([family(parameters=17, depth=1, normalization=["none", "batch"], tolerance=0.0)])

    assert [member.widths for member in members] == [(2, 4, 1)]
    assert finding.location == ("family", 0, "depth", 0)
    assert "depth 1 with batch normalization" in finding.message


def test_labels_tell_the_parameters():
    """As short as they are exact."""
    members = members_of(
        {
            "activation": ["tanh", {"name": "leaky_relu", "slope": [0.1, 0.123456789]}],
            "initialization": ["pytorch", {"scheme": "critical", "bias_std": 0.1}],
        }
    )

    assert {member.axes["activation"] for member in members} == {
        "tanh",
        "leaky_relu(slope=0.1)",
        "leaky_relu(slope=0.123456789)",
    }
    assert {member.axes["initialization"] for member in members} == {"pytorch", "critical(bias_std=0.1)"}


def test_lists_inside_a_choice_expand_to_its_entries():
    """Every combination of the lists of one table, in a list of tables and bare names too."""
    members = members_of(
        {
            "activation": ["relu", {"name": "elu", "alpha": [0.5, 1.0]}],
            "initialization": {
                "scheme": "variance",
                "weight_variance": [1.0, 2.0],
                "bias_variance": [0.0, 0.1],
            },
        }
    )

    assert [member.axes["activation"] for member in members[:3]] == ["relu", "elu(alpha=0.5)", "elu"]
    assert {member.variances[0] for member in members} == {(1.0, 0.0), (1.0, 0.1), (2.0, 0.0), (2.0, 0.1)}
    assert len(members) == 3 * 4


def test_a_whole_number_for_a_fraction_makes_the_same_member():
    """TOML tells 0 from 0.0; a study does not."""
    members = members_of(
        {"initialization": {"scheme": "critical", "bias_std": 1}},
        {"initialization": {"scheme": "critical", "bias_std": 1.0}},
    )

    assert len(members) == 1


def test_the_initialization_is_auto_unless_given():
    """2 / fan_in for the rectifier, biases of standard deviation 0.2, and a readout of gain 1 without biases."""
    (member,) = members_of({})

    assert member.initialization.label == "auto"
    assert member.variances == ((2.0, 0.2**2), (2.0, 0.2**2), (1.0, 0.0))


def test_members_that_cannot_be_built_leave_the_others_standing():
    """Faults are found for all members at once; they carry the place in the lists."""
    members, findings = resolve(
        [
            family(depth=[1, 200, 2], activation=["relu", "softplus"], initialization="critical"),
            family(width=3, activation="softplus", initialization="critical"),
        ]
    )

    assert [(member.depth, member.activation.label) for member in members] == [(1, "relu"), (2, "relu")]
    assert {finding.location for finding in findings} == {
        ("family", 0, "depth", 1),
        ("family", 0, "activation", 1),
        ("family", 1, "activation", 0),
    }
    assert all(finding.fatal for finding in findings)


@pytest.mark.parametrize("scheme", ["critical", "orthogonal"])
@pytest.mark.parametrize(("bias_std", "slope"), [(0.0, "1, and V' > 1 above it"), (0.1, "1.098"), (0.3, "1.046")])
def test_an_unstable_fixed_point_is_an_error(tmp_path: Path, scheme: str, bias_std: float, slope: str):
    """GELU's variance moves away from q*, without biases from 0; the message is given once, at its line."""
    with pytest.raises(SpecError) as caught:
        loaded(
            tmp_path,
            '[family]\nwidth = 7\ninputs = 2\ndepth = [2, 3]\nactivation = ["relu",\n"gelu"]\n'
            f'initialization = {{ scheme = "{scheme}", bias_std = {bias_std} }}\n',
        )

    (problem,) = caught.value.problems
    q = edge_of_chaos(ACTIVATIONS["gelu"](), bias_std**2).fixed_point
    assert (problem.line, problem.key) == (8, "family.activation")
    assert f"the critical point q* = {q:.3g} is unstable (V'(q*) = {slope})" in problem.message
    assert 'use "variance_preserving"' in problem.message


@pytest.mark.parametrize("scheme", ["variance_preserving", "auto", "he"])
@pytest.mark.parametrize("activation", ["gelu", "silu", "softplus"])
def test_other_schemes_take_activations_without_a_stable_fixed_point(scheme: str, activation: str):
    """Without a warning."""
    members, findings = resolve([family(activation=activation, initialization=scheme)])

    assert len(members) == 1
    assert findings == []


@pytest.mark.parametrize("option", ['normalization = "layer"', "residual = true"])
def test_an_unstable_fixed_point_is_no_matter_to_networks_that_do_not_iterate_the_map(tmp_path: Path, option: str):
    """Normalization sets the variance anew; residual layers add to it."""
    study = loaded(
        tmp_path,
        '[family]\nwidth = 7\ninputs = 2\ndepth = 2\nactivation = "gelu"\n'
        f'initialization = {{ scheme = "critical", bias_std = 0.1 }}\n{option}\n',
    )

    assert study.warnings == ()
    assert not study.members[0].plain


@pytest.mark.parametrize("bias_std", [0.0, 0.01, 0.1, 0.3, 1.0, 3.0])
def test_fixed_points_that_hold_are_not_warned_of(bias_std: float):
    """Where the variance map is linear or concave, or bounded, whatever the biases."""
    linear_region = [{"name": name, "linear_region": [0.1, 2.0]} for name in ("htanh", "s_exp", "s_sin", "s_saw")]
    others = ["relu", "abs", "identity", "leaky_relu", "tanh", "erf", "sin", "sigmoid", "elu", "selu"]
    of = family(
        activation=[*others, *linear_region],
        initialization={"scheme": "critical", "bias_std": bias_std},
    )

    members, findings = resolve([of])

    assert len(members) == 18
    assert findings == []

"""suite.measure: what measures say of a module, against torch's own numbers."""

import re
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import suite
from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES


@pytest.fixture
def module() -> nn.Sequential:
    """Two inputs, two hidden layers of tanh."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))


def grid(half_width: float, intervals: int) -> torch.Tensor:
    side = torch.linspace(-half_width, half_width, intervals + 1, dtype=torch.float64)
    return torch.cartesian_prod(side, side)


def test_collapse_and_gradients_are_what_torch_says(module):
    """Over the very grid of the domain."""
    found = suite.measure(
        module,
        ["collapse", "gradients"],
        domain={"kind": "box", "half_width": 2.0},
        settings={"collapse": {"step": 0.25}, "gradients": {"step": 0.25}},
    )

    assert {values.dtype for values in module.parameters()} == {torch.float32}
    twin = module.double()
    outputs = twin(grid(2.0, 16))
    (outputs.square().mean() / 2).backward()
    value = found.set_index("quantity").value
    assert value.output_std == pytest.approx(float(outputs.std(correction=0).detach()), rel=1e-9)
    assert value.output_rms == pytest.approx(float(outputs.square().mean().sqrt().detach()), rel=1e-9)
    layers = found[found.quantity == "parameter_gradient"].set_index("layer").value
    for number, layer in enumerate((twin[0], twin[2], twin[4]), start=1):
        norm = (layer.weight.grad.square().sum() + layer.bias.grad.square().sum()).sqrt()
        assert layers[number] == pytest.approx(float(norm), rel=1e-9)


def test_a_module_is_measured_on_a_box_with_ends_for_each_input(module):
    """Over its grid; the ends of three inputs do not suit a network of two."""
    domain = {"kind": "box", "low": [1, -3], "high": [2, -2.5]}
    sides = torch.linspace(1, 2, 9, dtype=torch.float64), torch.linspace(-3, -2.5, 5, dtype=torch.float64)

    found = suite.measure(module, "collapse", domain=domain, settings={"collapse": {"step": 0.125}})

    outputs = module.double()(torch.cartesian_prod(*sides))
    value = found.set_index("quantity").value
    assert value.output_std == pytest.approx(float(outputs.std(correction=0).detach()), rel=1e-9)
    with pytest.raises(ValueError, match="the box has 3 inputs, the networks have 2; use one number for low"):
        suite.measure(module, "v3", domain={"kind": "box", "low": [1, 2, 3], "high": 4})


def test_modules_have_no_training_points(module):
    """The error says what to use instead."""
    with pytest.raises(ValueError, match="domain: data needs a task, which modules do not have; use a box or a ball"):
        suite.measure(module, "v3", domain={"kind": "data"})


def test_every_measure_without_a_task_can_be_taken(module):
    """Each gives some quantity of its own, of each module, and of layers each has its row."""
    names = [name for name, measure in MEASURES.items() if measure.inputs not in ("task", "training")]

    found = suite.measure([module, module], names)

    assert set(found.network) == {0, 1}
    for name in names:
        assert set(MEASURES[name].quantities) & set(found.quantity), name
    layered = {name for name in found.quantity if QUANTITIES[name].index}
    assert found[found.quantity.isin(layered)].layer.notna().all()
    assert found[~found.quantity.isin(layered)].layer.isna().all()
    assert list(found[found.quantity == "correlation"].layer) == [1, 2, 1, 2]
    assert list(found[found.quantity == "jacobian_mean"].layer) == [2, 2]


def test_settings_and_domain_matter(module):
    """The step of V3, and where it is looked at."""
    values = [
        suite.measure(module, ["v3"], **options).value.iloc[0]
        for options in (
            {},
            {"settings": {"v3": {"step": 0.25}}},
            {"domain": {"kind": "box", "half_width": 3.0}},
            {"domain": {"kind": "ball", "radius": 1.0}},
        )
    ]

    assert len(set(values)) == 4


@pytest.mark.parametrize(
    ("measures", "options", "fragment"),
    [
        (["colapse"], {}, "there is no measure colapse; did you mean collapse?"),
        (["collapsed_relative"], {}, "there is no measure collapsed_relative; it is a quantity of collapse"),
        (["zzz"], {}, "there is no measure zzz; use one of activation_ratio"),
        ([], {}, "measures: expected at least one name"),
        (["v3"], {"settings": {"step": 0.1}}, "settings: 'step' is not a measure; write settings by measure, such as"),
        (["v3"], {"settings": []}, "settings: expected a table of keys for each measure, got []"),
        (["accuracy"], {}, "accuracy needs a task or training"),
        (["trainability"], {}, "trainability needs a task"),
        (["v3"], {"domain": {"kind": "cube"}}, "domain: 'cube' is not known"),
        (["v3"], {"settings": {"v3": {"stp": 1}}}, "v3.stp: unknown key; did you mean step?"),
        (["v3"], {"settings": {"v3": {"step": 0.3}}}, "v3: 0.3 does not divide the domain's side of 2"),
        (["v3"], {"settings": {"collapse": {}}}, "settings: collapse is not measured"),
        (["v3"], {"activation": "tanhh"}, "activation: 'tanhh' is not known; did you mean tanh?"),
    ],
)
def test_what_cannot_be_asked_is_told(module, measures, options, fragment):
    """In a line, before anything is computed."""
    with pytest.raises(ValueError, match=re.escape(fragment)) as refused:
        suite.measure(module, measures, **options)

    assert "\n" not in str(refused.value)


def test_measures_that_such_networks_have_none_of(module):
    """Normalized ones, of one input, of one hidden layer."""
    with torch.random.fork_rng():
        normalized = nn.Sequential(nn.Linear(2, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 1))
        narrow = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1))

    for which, name, fragment in (
        (normalized, "dead_neurons", "without normalization"),
        (narrow, "correlation", "requires networks with 2 or more inputs; remove the measure"),
        (narrow, "jacobian", "requires networks with 2 or more hidden layers; remove the measure"),
    ):
        with pytest.raises(ValueError, match=fragment):
            suite.measure(which, [name])


def test_a_single_measure_may_be_named_alone(module):
    """As a list of one."""
    assert suite.measure(module, "v3").equals(suite.measure(module, ["v3"]))


def test_what_is_wrong_with_settings_is_said_as_of_a_spec(module):
    """With what to give instead."""
    for given, fragment in (
        ({"settings": {"v3": {"stpe": 0.5}}}, r"v3.stpe: unknown key; did you mean step\?$"),
        (
            {"settings": {"v3": {"step": "small"}}},
            r"v3.step: expected a number, got 'small'$",
        ),
        ({"activation": ["relu", "tanh"]}, "activation: expected one activation, got 2"),
        ({"activation": "rleu"}, r"activation: 'rleu' is not known; did you mean relu\?"),
    ):
        with pytest.raises(ValueError, match=fragment):
            suite.measure(module, "v3", **given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"measures": 3}, "measures: expected a name or a list of names, got 3"),
        ({"measures": ["v3", None]}, "measures: expected a name or a list of names, got ['v3', None]"),
        ({"settings": 3}, "settings: expected a table of keys for each measure, got 3"),
        ({"settings": {"v3": None}}, "v3: expected a table of keys, got None"),
        ({"settings": {"v3": {3: 1}}}, "v3: expected a table of keys, got {3: 1}"),
        ({"settings": {"v3": {"step": float("inf")}}}, "v3.step: expected a finite number, got inf"),
        ({"domain": 3}, "domain: expected a table, got 3"),
        ({"domain": {"kind": "box", "half_width": -1}}, "domain.half_width: expected a number > "),
        (
            {"domain": {"kind": "box", "radius": 1.0}},
            "domain.radius: unknown key; use one of half_width, high, low, name",
        ),
        ({"activation": {"name": "elu", "alfa": 1.0}}, "activation.alfa: unknown key; did you mean alpha?"),
        ({"activation": "htanh"}, "activation.linear_region: linear_region is missing; add it"),
        ({"activation": "zzz"}, "entries of a plug-in need suite.plug_in"),
        ({"seed": 1.5}, "seed: expected an integer >= 0, got 1.5"),
    ],
    ids=str,
)
def test_whatever_else_is_given_is_told_by_its_place(module, given, said):
    """As the caller wrote it, in the suite's words, never in those of what reads it."""
    with pytest.raises(ValueError, match=re.escape(said)):
        suite.measure(module, **{"measures": "v3", **given})


def _bare() -> dict[str, nn.Sequential]:
    """Networks of two inputs that lack some of the parameters that a study's have."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first, second, last = (nn.Linear(*sizes, bias=False) for sizes in ((2, 6), (6, 5), (5, 1)))
        return {
            "no biases": nn.Sequential(first, nn.Sigmoid(), second, nn.Sigmoid(), last),
            "biases in one layer": nn.Sequential(first, nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), last),
            "bare layer normalization": nn.Sequential(
                nn.Linear(2, 5), nn.LayerNorm(5, elementwise_affine=False), nn.Tanh(), last
            ),
            "gains without shifts": nn.Sequential(nn.Linear(2, 5), nn.LayerNorm(5, bias=False), nn.Tanh(), last),
            "bare batch normalization": nn.Sequential(
                nn.Linear(2, 5), nn.BatchNorm1d(5, affine=False), nn.Tanh(), nn.Linear(5, 1)
            ),
        }


def _by_autograd(module: nn.Sequential, points: torch.Tensor) -> dict[str, float]:
    """Scores by torch's derivatives of mean f^2 / 2, by the module's own parameters."""
    twin = deepcopy(module).double()
    own = list(twin.parameters())
    outputs = twin(points)[:, 0]
    gradient = torch.autograd.grad(outputs.square().mean() / 2, own, create_graph=True)
    flow = sum(part.square().sum() for part in gradient)
    product = torch.autograd.grad(flow / 2, own, retain_graph=True)
    rows = [torch.autograd.grad(output, own, retain_graph=True) for output in outputs]
    hidden = sum(layer.out_features for layer in twin if isinstance(layer, nn.Linear)) - 1
    found = {
        "activation_ratio": torch.tensor(hidden, dtype=torch.float64) / sum(values.numel() for values in own),
        "grad_norm": flow.sqrt(),
        "snip": sum((values * part).abs().sum() for values, part in zip(own, gradient, strict=True)),
        "grasp": -sum((values * part).sum() for values, part in zip(own, product, strict=True)),
        "ntk_trace": sum(part.square().sum() for row in rows for part in row),
        "parameter_gradient": flow.sqrt(),  # of its layers, together
    }
    return {quantity: value.item() for quantity, value in found.items()}


@pytest.mark.parametrize("lacking", _bare())
def test_parameters_that_a_module_does_not_have_count_nowhere(lacking):
    """Neither in P nor in any gradient: torch's own numbers, by the parameters that there are."""
    module, measures = _bare()[lacking], ["activation_ratio", "grad_norm", "snip", "grasp", "ntk", "gradients"]
    settings = {name: {"step": 0.5} for name in measures[1:]}

    found = suite.measure(module, measures, settings=settings).groupby("quantity").value

    sums = found.agg(lambda values: values.pow(2).sum() ** 0.5)  # of one value its size, of layers their common norm
    sums["grasp"] = found.first()["grasp"]
    for quantity, value in _by_autograd(module, grid(1.0, 4)).items():
        assert sums[quantity] == pytest.approx(value, rel=1e-9), quantity


def test_networks_that_lack_something_are_not_built_as_those_with_it():
    """What one has another must have, or quantities by parameters would be of two kinds."""
    with torch.random.fork_rng():
        some, others = (nn.Sequential(nn.Linear(2, 3, bias=kind), nn.ReLU(), nn.Linear(3, 1)) for kind in (True, False))

    with pytest.raises(ValueError, match="module 2 has another architecture than module 1"):
        suite.measure([some, others], "v3")


def test_what_is_said_of_a_network_does_not_hang_on_which_others_are_given(module):
    """Its output is compared with the scale of its own weights, however loud another network is."""
    loud = deepcopy(module)
    with torch.no_grad():
        for values in loud.parameters():
            values.mul_(20)
    names = [name for name, measure in MEASURES.items() if measure.inputs in ("domain", "loss")]

    together = suite.measure([module, loud], names)

    for number, alone in enumerate((module, loud)):
        one = together[together.network == number].assign(network=0).reset_index(drop=True)
        assert one.equals(suite.measure(alone, names))


def test_values_are_shown_as_python_writes_them(module):
    """In one line, and short."""
    for given, said in (
        ({"domain": {"kind": None}}, "domain: expected text in quotes, got None"),
        ({"settings": {"v3": {"step": True}}}, "v3.step: expected a number, got True"),
        ({"activation": {"name": "elu", "alpha": {"a": 1}}}, "activation.alpha: expected a number, got {'a': 1}"),
        ({"seed": None}, "seed: expected an integer >= 0, got None"),
        ({"seed": -(10**5000)}, "seed: expected an integer >= 0, got a number of 16610 bits"),
        (
            {"measures": torch.zeros(40, 40)},
            "measures: expected a name or a list of names, got tensor([[0., 0., 0., ..., 0., 0., 0.], [0., ",
        ),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}") as refused:
            suite.measure(module, **{"measures": "v3", **given})
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 150


def test_inputs_of_pairs_have_a_mean_square_of_one_unless_it_is_given():
    """Of one hidden layer, too, whose weights alone would say something else."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))

    found, same, other = (
        suite.measure(module, "correlation", settings={"correlation": given}).value.iloc[0]
        for given in ({}, {"input_variance": 1.0}, {"input_variance": 0.2})
    )

    assert found == same != other


def test_parameters_that_layers_share_do_not_count_twice():
    """They count once; measures of layers by themselves refuse them."""
    with torch.random.fork_rng():
        shared = nn.Linear(2, 2)
        module = nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(2, 1))

    assert len(suite.measure(module, "v3")) == 3
    assert suite.measure(module, "activation_ratio").value[0] == pytest.approx(4 / 9)
    assert np.isfinite(suite.measure(module, "snip").value[0])
    for name, said in (("gradients", "layers share parameters"), ("synflow", "needs an MLP")):
        with pytest.raises(ValueError, match=f"{name}: .*{said}"):
            suite.measure(module, name)


class _Clipped(nn.Module):
    """ReLU up to 6."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.clamp(0, 6)


def test_a_module_is_compared_on_the_domain_that_is_measured():
    """A clipped ReLU that is named as ReLU, on a box of 0.1 and on larger ones."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(2, 8), _Clipped(), nn.Linear(8, 1))

    suite.measure(module, "v3", activation="relu", domain={"kind": "box", "half_width": 0.1})
    for domain in ({"kind": "box", "half_width": 40.0}, {"kind": "ball", "radius": 40.0}):
        with pytest.raises(ValueError, match=r"layer 1 \(_Clipped\) computes something else"):
            suite.measure(module, "v3", activation="relu", domain=domain)


def test_rounding_that_decides_the_outputs_is_said():
    """Of a chaotic network, in float64 and sooner in float32."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = [layer for _ in range(30) for layer in (nn.Linear(64, 64), nn.Tanh())]
        module = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), *layers, nn.Linear(64, 1))
    for values in module.parameters():
        nn.init.normal_(values, generator=torch.Generator().manual_seed(1))

    suite.measure(module, "v3", settings={"v3": {"step": 0.5}})
    with pytest.warns(UserWarning, match="rounding decides the outputs of network 0"):
        suite.measure(module, "v3", settings={"v3": {"step": 0.5, "dtype": "float32"}})


@pytest.mark.filterwarnings("ignore:rounding decides")
def test_a_network_that_explodes_has_no_finite_numbers_but_that_of_logarithms():
    """Weights of 1e300 in three layers."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)).double()
    for values in module.parameters():
        nn.init.normal_(values, std=1e300, generator=torch.Generator().manual_seed(1))

    found = suite.measure(module, ["v3", "collapse", "synflow", "grasp"]).set_index("quantity").value

    assert found.drop("log_synflow").isna().sum() + np.isinf(found).sum() == len(found) - 1
    assert np.isfinite(found["log_synflow"])


@pytest.mark.parametrize(("kind", "size"), [("box", "half_width"), ("ball", "radius")])
def test_modules_are_compared_on_the_edge_of_the_domain(kind, size):
    """A clipped ReLU differs from ReLU in a corner only, or at the end of a radius."""
    with torch.random.fork_rng():
        module = nn.Sequential(nn.Linear(2, 1), _Clipped(), nn.Linear(1, 1))
    nn.init.constant_(module[0].weight, 3.1 if kind == "box" else 4.3)
    nn.init.zeros_(module[0].bias)

    suite.measure(module, "v3", activation="relu", domain={"name": kind, size: 0.9})
    with pytest.raises(ValueError, match=r"layer 1 \(_Clipped\) computes something else"):
        suite.measure(module, "v3", activation="relu", domain={"name": kind, size: 1.0})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"data": [[0.0, 1.0], [float("nan"), 1.0]]}, "data: the value in row 1 of column 0 is missing or not finite"),
        ({"data": pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})}, "data: expected numbers, got object; encode text"),
        ({"data": 3.0}, "data: expected an array, a frame, a tensor or a list, got"),
        ({"data": [1.0, 2.0]}, "data: expected shape (points, inputs), got (2,)"),
        ({"data": np.ones((4, 3))}, "data: expected 2 columns, one for each input of the networks, got 3"),
        ({"data": np.ones((4, 2)), "labels": [0, 1, 1, 0]}, "labels and loss belong together; pass both, or none"),
        ({"data": np.ones((4, 2)), "labels": [0] * 4, "loss": "mse"}, "loss: expected one of binary_cross_entropy,"),
        (
            {"data": np.ones((4, 2)), "labels": [0, 1], "loss": "half_square"},
            "labels: expected shape (4, 1), got (2",
        ),
        ({"data": np.ones((4, 2)), "labels": [0, 2, 0, 0], "loss": "binary_cross_entropy"}, "numbers from 0 to 1 for"),
        ({"data": np.ones((4, 2)), "labels": [0, 1, 0, 0], "loss": "cross_entropy"}, "4 classes from 0 to 0, one for"),
        ({"labels": [0] * 4, "loss": "half_square"}, "labels and loss need data; pass the points as data"),
    ],
    ids=str,
)
def test_data_that_do_not_suit_are_errors(module, given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        suite.measure(module, "gradients", **given)

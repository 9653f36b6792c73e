"""An initialization of a plug-in: its variances reach weights and theory, and it can draw weights of its own."""

import pytest
import torch
from typer.testing import CliRunner

from suite.catalog.activations import Relu
from suite.catalog.domain import Box
from suite.catalog.initializations import INITIALIZATIONS, He
from suite.catalog.measures.signal import CorrelationSettings, JacobianSettings
from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.nets.ensemble import layer_views
from suite.nets.initialization import draw_parameters
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from suite.spec.members import Member
from suite.theory.correlation_map import correlation_by_layer
from suite.theory.quantities import theory_of
from suite.theory.scaling import layer_variances

runner = CliRunner()
HEAD = "import torch\nfrom suite.plugins import initialization\n\n"
MINE = (
    HEAD
    + '''@initialization
def my_he(fan_in, fan_out, bias_std: float = 0.0):
    """He's."""
    return 2.0, bias_std**2

@initialization(distribution="uniform")
def averaged(fan_in, fan_out, gain: float = 1.0):
    """Glorot's, uniform."""
    return 2 * gain * fan_in / (fan_in + fan_out)

def large(normal, threshold):
    """Weights above the threshold, scaled to variance 1."""
    z = torch.tensor(threshold)
    variance = 2 * z * torch.exp(-z * z / 2) / (2 * torch.pi) ** 0.5 + 2 * torch.special.ndtr(-z)
    return torch.where(normal.abs() > threshold, normal, 0.0) / variance.sqrt()

@initialization(weights=large)
def sparse(fan_in, fan_out, threshold: float = 1.0):
    """Only large weights."""
    return 2.0
'''
)
WIDTHS = (3, 40, 30, 1)


def drawn(scheme, draws=200, content=None):
    """Layers of networks under a scheme."""
    variances = layer_variances(scheme, Relu(), WIDTHS)
    parameters = draw_parameters(scheme, WIDTHS, variances, 1, content or {"the": "same"}, 0, draws)
    return variances, layer_views(parameters, WIDTHS)


def test_the_same_variances_give_the_weights_of_the_built_in_initialization(loaded):
    """From the same streams."""
    loaded(MINE)
    ours, theirs = drawn(He(bias_std=0.3)), drawn(INITIALIZATIONS["my_he"](bias_std=0.3))

    assert ours[0] == theirs[0]
    for one, other in zip(ours[1], theirs[1], strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)


def test_each_layer_has_its_variance_and_the_distribution(loaded):
    """Of 200 networks, within 5 standard errors; uniform numbers have an end."""
    loaded(MINE)
    variances, layers = drawn(INITIALIZATIONS["averaged"](gain=1.5))

    assert variances == (pytest.approx((9 / 43, 0)), pytest.approx((120 / 70, 0)), (1.0, 0.0))
    for (variance, _), layer, fan_in in zip(variances[:2], layers, WIDTHS, strict=False):
        weights = layer.weight * (fan_in / variance) ** 0.5
        assert float(weights.square().mean()) == pytest.approx(1, abs=5 * (0.8 / weights.numel()) ** 0.5)
        assert float(weights.abs().max()) <= 3**0.5 + 1e-5


def test_hidden_weights_are_those_that_the_plug_in_makes(loaded):
    """The readout's stay Gaussian."""
    loaded(MINE)
    _, layers = drawn(INITIALIZATIONS["sparse"]())

    for layer, share in zip(layers, (0.3173, 0.3173, 1.0), strict=True):
        nonzero = float((layer.weight != 0).double().mean())
        assert nonzero == pytest.approx(share, abs=5 * 0.5 / layer.weight.numel() ** 0.5)


@pytest.mark.slow
def test_two_workers_give_the_same_numbers_and_keys_follow_the_file(loaded, tmp_path):
    """Both kinds, as an axis; keys of others stay after an edit."""
    file = loaded(MINE)
    spec = tmp_path / "schemes.toml"
    family = "[family]\nwidth = 5\ninputs = 2\ndepth = 2\nactivation = 'relu'\ninitialization = {}\n"
    schemes = "['he', 'my_he', { scheme = 'sparse', threshold = [0.5, 1.0] }]"
    measures = "[measure.v3]\ndraws = 4\nstep = 0.5\n[measure.gradients]\ndraws = 4\n"
    spec.write_text("title = 'Schemes'\nseed = 1\n" + family.format(schemes) + measures)
    (study,) = load_studies([spec])
    keys = [(cell.member.initialization.label, cell.key) for cell in cells_of(study)]
    labels = {label for label, _ in keys}
    assert labels == {"he", "my_he", "sparse", "sparse(threshold=0.5)"}

    two = compute_tables(study, tmp_path / "two", Resources("cpu", workers=2))
    one = compute_tables(study, tmp_path / "one", Resources("cpu", workers=1))

    assert two.failures == []
    assert two.measurements.equals(one.measurements)
    loaded(MINE + "# edited\n", file.name)
    edited = [cell.key for cell in cells_of(load_studies([spec])[0])]
    for (label, before), after in zip(keys, edited, strict=True):
        assert (before == after) == (label == "he")


BY_LAYER = (
    HEAD
    + '''@initialization
def both(fan_in, fan_out, layer, depth, gain: float = 1.0):
    """Both."""
    return gain * (layer + 10 * depth), 100.0 * layer

@initialization
def annotated(fan_in: int, fan_out: int, gain: float = 2.0, *, depth: int):
    """The depth alone, by name, after a key."""
    return gain * depth

@initialization
def untold(fan_in, fan_out, gain: float = 1.0):
    """Neither."""
    return gain
'''
)


def test_a_function_is_told_the_layer_and_the_depth(loaded):
    """Layers from 1, hidden ones only. The other parameters are keys; a function that takes neither is as before."""
    loaded(BY_LAYER)

    def variances(scheme):
        return layer_variances(scheme, Relu(), (2, 5, 5, 7, 1))

    both, annotated, untold = (INITIALIZATIONS[name] for name in ("both", "annotated", "untold"))
    assert variances(both()) == ((31, 100), (32, 200), (33, 300), (1, 0))
    assert variances(both(gain=2.0)) == ((62, 100), (64, 200), (66, 300), (1, 0))
    assert variances(annotated()) == ((6, 0), (6, 0), (6, 0), (1, 0))
    assert variances(untold(gain=1.5)) == ((1.5, 0), (1.5, 0), (1.5, 0), (1, 0))
    keys = [set(entry.model_fields) - {"scheme"} for entry in (both, annotated, untold)]
    assert keys == [{"gain"}] * 3


def test_weights_have_the_variances_of_their_layers(loaded):
    """Of 200 networks, within 5 standard errors; theory takes them layer by layer."""
    loaded(BY_LAYER)
    variances, layers = drawn(INITIALIZATIONS["both"](gain=0.1))

    assert variances == (pytest.approx((2.1, 100)), pytest.approx((2.2, 200)), (1.0, 0.0))
    for (variance, _), layer, fan_in in zip(variances, layers, WIDTHS, strict=False):
        weights = layer.weight * (fan_in / variance) ** 0.5
        assert float(weights.square().mean()) == pytest.approx(1, abs=5 * (2 / weights.numel()) ** 0.5)
    network = Member(WIDTHS, Relu(), INITIALIZATIONS["both"](gain=0.1), variances, {})
    found = theory_of("correlation", network, CorrelationSettings(), Box(), None)
    assert found is not None
    assert found.values.tolist() == correlation_by_layer(Relu(), variances, 1.0, 0.5)


def test_weights_are_told_the_layer_and_the_depth(loaded):
    """Signs in the first of three layers, Gaussian ones in the others; each is checked, and each is drawn."""
    loaded(
        f"{HEAD}def first(normal, layer, depth):\n    return normal.sign() if (layer, depth) == (1, 2) else normal\n\n"
        "@initialization(weights=first)\ndef signs(fan_in, fan_out):\n    return 1.0\n"
    )
    _, (first, second, _) = drawn(INITIALIZATIONS["signs"]())

    assert torch.allclose(first.weight.abs(), torch.tensor(3.0**-0.5))
    assert len(second.weight.abs().unique()) > 1000


def test_weights_are_checked_at_several_layers(written):
    """Those of the third layer of three have another variance here."""
    weights = "lambda normal, layer: normal * (2 if layer == 3 else 1)"
    file = written(f"{HEAD}@initialization(weights={weights})\ndef mine(fan_in, fan_out):\n    return 2.0\n")

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert "mean square 4" in done.stderr


def test_weights_that_are_correlated_in_a_later_layer_have_no_theory(loaded):
    """One such layer is enough."""
    weights = "lambda normal, layer: normal if layer == 1 else normal[..., :1].expand_as(normal).clone()"
    loaded(f"{HEAD}@initialization(weights={weights})\ndef mine(fan_in, fan_out):\n    return 2.0\n")
    scheme = INITIALIZATIONS["mine"]()
    network = Member((2, 8, 8, 1), Relu(), scheme, layer_variances(scheme, Relu(), (2, 8, 8, 1)), {})

    assert theory_of("correlation", network, CorrelationSettings(), Box(), None) is None


def test_a_layer_at_which_a_function_fails_is_named(written, tmp_path):
    """One error for each layer at which it does; a key of a spec cannot replace what the suite tells."""
    body = "return gain / (fan_in != 6 or layer != 3)"
    file = written(f"{HEAD}@initialization\ndef mine(fan_in, fan_out, layer, gain: float = 1.0):\n    {body}\n")
    spec = tmp_path / "layers.toml"
    family = "[family]\nwidth = 6\ninputs = 2\ndepth = 4\nactivation = 'relu'\ninitialization = {}\n"

    def said(scheme):
        spec.write_text(f"title = 'T'\nseed = 1\n{family.format(scheme)}[measure.v3]\ndraws = 4\n")
        return runner.invoke(app, ["check", "--plugin", str(file), str(spec)]).stderr.strip()

    assert said("'mine'").startswith(
        f"{spec}:8: family.initialization: mine at fan_in = 6, fan_out = 6, layer = 3: it fails (ZeroDivisionError"
    )
    assert len(said("'mine'").splitlines()) == 1
    assert "family.initialization.layer: unknown key" in said("{ scheme = 'mine', layer = 2 }")


FAULTY = [
    ("no number", "@initialization", "return 'two'", "it returns 'two'; return sigma_w^2"),
    ("nothing above 0", "@initialization", "return -1.0", "it returns -1.0; return sigma_w^2 > 0"),
    ("three", "@initialization", "return 1.0, 2.0, 3.0", "it returns (1.0, 2.0, 3.0)"),
    ("its own error", "@initialization", "return 1 / (fan_in - 1)", "ZeroDivisionError"),
    ("a shape", "@initialization(weights=lambda normal: normal[:, 0])", "return 1.0", "keep shape and dtype"),
    ("networks mixed", "@initialization(weights=lambda z: z - z.mean(0))", "return 1.0", "depend on the others"),
    ("chance", "@initialization(weights=lambda n: n * torch.rand(1, generator=G))", "return 1.0", "not deterministic"),
    ("a distribution", "@initialization(distribution='cauchy')", "return 1.0", "'cauchy' is not a distribution"),
    ("weights of a layer first", "@initialization(weights=lambda layer: layer)", "return 1.0",
     "the numbers of weights come first, got layer; move it behind"),
    ("weights that are no function", "@initialization(weights='x')", "return 1.0", "'str' object is not callable"),
    ("what it is told first", "@initialization(name='other')\ndef o(layer, fan_in):\n    return 1.0\n\n@initialization",
     "return 1.0", "fan_in and fan_out come first, got layer; move it behind"),
    ("a name", "@initialization\ndef he(fan_in, fan_out):\n    return 2.0\n\n@initialization", "return 1.0",
     "the suite has an initialization he already"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("decorator", "body", "fragment"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY]
)
def test_a_faulty_initialization_is_one_line_of_error_and_exit_code_2(written, decorator, body, fragment):
    """Nothing of it stays in the catalog."""
    file = written(f"{HEAD}G = torch.Generator()\n{decorator}\ndef mine(fan_in, fan_out):\n    {body}\n")

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert f"{file}:" in done.stderr
    assert fragment in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not {"mine"} & {*INITIALIZATIONS}


def test_weights_are_those_of_the_spec_after_an_edit_of_the_plug_in(loaded):
    """Workers may serve two runs, each with its plug-in: neither gets the other's weights, or Gaussian ones."""
    loaded(MINE)
    scheme = INITIALIZATIONS["sparse"]()
    _, before = drawn(scheme)

    loaded(HEAD + "@initialization\ndef sparse(fan_in, fan_out, threshold: float = 1.0):\n    return 2.0\n")
    _, after = drawn(scheme)

    assert all(torch.equal(one.weight, other.weight) for one, other in zip(before, after, strict=True))


IN_USE = [
    ("fails", "0 / 0", "it fails (ZeroDivisionError: division by zero); correct the function, or its parameters"),
    ("leaves", "sys.exit(3)", "it fails (SystemExit: 3); correct the function, or its parameters"),
    (
        "too_large",
        "10**400",
        "it fails (OverflowError: int too large to convert to float); correct the function, or",
    ),
    ("not_a_number", "float('nan')", "it returns nan; return sigma_w^2, or (sigma_w^2, sigma_b^2), as Python floats"),
    ("negative", "-1", "it returns -1; return sigma_w^2 > 0 and sigma_b^2 >= 0"),
    ("a_text", "'a'", "it returns 'a'; return sigma_w^2, or (sigma_w^2, sigma_b^2), as Python floats"),
    ("three", "(1.0, 2.0, 3.0)", "it returns (1.0, 2.0, 3.0); return sigma_w^2"),
    ("nothing", "None", "it returns None; return sigma_w^2"),
    ("long", "torch.zeros(30, 30)", "0.]]); return sigma_w^2"),
]
OF_SEVEN = """@initialization
def {}(fan_in, fan_out, g: float = 1.0):
    return {} if fan_in == 7 else g

"""


@pytest.mark.parametrize("command", ["check", "run"])
def test_failures_at_layers_of_the_spec_are_all_errors_with_its_line_and_the_layers_size(written, tmp_path, command):
    """The sizes at which a plug-in is tried when it is loaded are not those of a spec."""
    file = written("import sys\n" + HEAD + "".join(OF_SEVEN.format(name, value) for name, value, _ in IN_USE))
    names = ",\n".join(f"{{ scheme = '{name}', g = 2.0 }}" for name, _, _ in IN_USE)
    spec = tmp_path / "bug.toml"
    family = "[family]\nwidth = [7, 5]\ninputs = 2\ndepth = [1, 2, 4]\nactivation = ['relu', 'tanh']\n"
    spec.write_text(f"title = 'T'\nseed = 1\n{family}initialization = [{names}]\n[measure.v3]\ndraws = 16\n")
    into = ["--results", str(tmp_path / "results")] if command == "run" else []

    done = runner.invoke(app, [command, "--plugin", str(file), str(spec), *into])

    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert len(lines) == len(IN_USE)
    for place, (line, (name, _, fragment)) in enumerate(zip(lines, IN_USE, strict=True)):
        assert line.startswith(f"{spec}:{8 + place}: family.initialization: {name}(g=2) at fan_in = 7, fan_out = 7: ")
        assert fragment in line
        assert len(line) < len(str(spec)) + 250


@pytest.mark.parametrize(
    ("weights", "failure"),
    [
        ("lambda normal: normal.sign()", "TypeError: <lambda>() got an unexpected keyword argument 'gain'"),
        ("lambda normal, gain: 1 / 0", "ZeroDivisionError: division by zero"),
        ("lambda normal, gain: sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_weights_that_fail_are_an_error_that_shows_the_call(written, weights, failure):
    """They get the parameters, too; and they cannot end the process."""
    head = f"@initialization(weights={weights})\ndef mine(fan_in, fan_out, gain: float = 1.0):\n    return gain\n"
    file = written("import sys\n" + HEAD + head)

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert f"mine: weights(normal, gain) fails ({failure}) at (4, 3, 5); correct it" in done.stderr


MOMENTS = [
    ("torch.where(normal.abs() > 1, normal, 0.0)", "mean square 0.80"),
    ("normal + 0.5", "mean 0.5"),
    ("normal.abs()", "mean 0.79"),
    ("normal * (1 if normal.shape[2] > 1 else 2)", "for layers of 1 inputs and 64 units"),
    ("2 * normal", "mean square 4"),
    ("normal * (1 if normal.shape[2] > 8 else 2)", "for layers of 3 inputs and 48 units"),
    # The signs of torch's Q are not random.
    (
        "normal if normal.shape[1] > normal.shape[2] else torch.linalg.qr(normal.mT)[0].mT * normal.shape[2] ** 0.5",
        "mean -0.019",
    ),
]


@pytest.mark.parametrize(("weights", "said"), MOMENTS, ids=[case[0] for case in MOMENTS])
def test_weights_have_mean_0_and_variance_1_or_are_refused(written, weights, said):
    """The error names the moments that were measured."""
    decorator = f"@initialization(weights=lambda normal: {weights})"
    file = written(f"{HEAD}{decorator}\ndef mine(fan_in, fan_out):\n    return 2.0\n")

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert said in done.stderr
    assert "return numbers of mean 0 and variance 1" in done.stderr


ROWS = "normal / normal.square().mean(2, keepdim=True).sqrt()"


@pytest.mark.parametrize("weights", ["normal.sign()", "normal**3 / 15**0.5", ROWS])
def test_weights_of_other_distributions_are_taken(written, weights):
    """Signs, heavy tails whose fourth power has a mean of 46, and weights that depend on each other."""
    decorator = f"@initialization(weights=lambda normal: {weights})"
    file = written(f"{HEAD}{decorator}\ndef mine(fan_in, fan_out):\n    return 2.0\n")

    assert runner.invoke(app, ["list", "mine", "--plugin", str(file)]).exit_code == 0


def test_weights_that_are_correlated_have_no_theory(loaded):
    """All weights of a unit, or of a network, are the same; signs, and rows on a sphere, are uncorrelated."""
    shapes = {
        "per_unit": ("normal[..., :1].expand_as(normal).clone()", False),
        "per_network": ("normal[:, :1, :1].expand_as(normal).clone()", False),
        "signs": ("normal.sign()", True),
        "on_spheres": (ROWS, True),
    }
    loaded(
        HEAD
        + "".join(
            f"@initialization(weights=lambda normal: {weights})\ndef {name}(fan_in, fan_out):\n    return 2.0\n\n"
            for name, (weights, _) in shapes.items()
        )
    )
    for name, (_, uncorrelated) in shapes.items():
        scheme = INITIALIZATIONS[name]()
        network = Member((2, 8, 8, 1), Relu(), scheme, layer_variances(scheme, Relu(), (2, 8, 8, 1)), {})
        for quantity, settings in (("correlation", CorrelationSettings()), ("jacobian_mean", JacobianSettings())):
            found = theory_of(quantity, network, settings, Box(), None)
            assert (found is not None) == uncorrelated, (name, quantity)

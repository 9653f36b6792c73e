"""Plug-ins are loaded from files and installed packages, report errors in one line, and are sent with the work."""

import json
import os
import pickle
from importlib import import_module
from pathlib import Path
from runpy import run_path

import pytest
import torch
from typer.testing import CliRunner

import suite
from suite.catalog.activations import ACTIVATIONS
from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.plugins import loading
from suite.plugins.loading import Plugin, PlugInError
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.plugins.conftest import SNAKE

runner = CliRunner()
SPEC = """
title = "Snakes"
seed = 1
[family]
width = 5
inputs = 2
depth = 2
activation = ["relu", { name = "snake", frequency = [1.0, 2.0] }]
initialization = "he"
[measure.v3]
draws = 4
step = 0.5
[measure.gradients]
draws = 4
[measure.accuracy]
task = { name = "checkerboard", squares = 2, train = 32, test = 32 }
optimizer = { name = "adam", learning_rate = 0.01, batch = 16 }
steps = 4
replicates = 2
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A study of snakes."""
    (tmp_path / "snakes.toml").write_text(SPEC)
    return tmp_path / "snakes.toml"


ALL_KINDS = """
import torch
from suite.plugins import activation, initialization, measure, task

@activation
def bent(z):
    return z + 0.5 * torch.sin(z)

@initialization(weights=torch.sign)
def signs(fan_in, fan_out):
    return 1.0

@measure
def first(ensemble, points):
    return ensemble(points)[:, 0, 0]

@task(inputs=2, classes=2)
def halves(points):
    return points[:, 0] > 0
"""
OF_ALL_KINDS = """
title = "All kinds"
seed = 1
[family]
width = 4
inputs = 2
depth = 2
activation = "{activation}"
initialization = "{initialization}"
[measure.collapse]
draws = 2
{measure}
[measure.accuracy]
task = {{ name = {task}, train = 8, test = 8 }}
optimizer = {{ name = "adam", learning_rate = 0.01, batch = 4 }}
steps = 2
replicates = 1
"""
OWN = {"activation": "bent", "initialization": "signs", "measure": "[measure.first]", "task": '"halves"'}
NONE_OWN = {"activation": "relu", "initialization": "he", "measure": "", "task": '"checkerboard", squares = 2'}


HEAD = "import torch\nfrom suite.plugins import activation\n\n"
MINE = "@activation\ndef mine("
FAULTY = [
    ("a syntax error", "def snake(z:\n", 1, "SyntaxError"),
    ("not utf-8", "x = '\udce9'\n", None, "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xe9"),
    ("a missing package", "import nowhere_at_all\n", 1, "No module named 'nowhere_at_all'; install it"),
    ("an error of its own", "x = 1\n1 / 0\n", 2, "ZeroDivisionError: division by zero; correct it"),
    ("an exit", "import sys\nsys.exit(0)\n", 2, "SystemExit"),
    ("a name of the suite", HEAD + "@activation\ndef tanh(z):\n    return z**2\n", 4, "suite has an activation tanh"),
    ("a name twice", HEAD + 2 * f"{MINE}z):\n    return z**2\n", 7, "has an activation mine already; use another"),
    ("a wrong shape", HEAD + MINE + "z):\n    return z.sum()\n", 4, "mine: it returns shape ()"),
    ("a kink", HEAD + MINE + "z):\n    return torch.relu(z)\n", 4, "kinks=(0,)"),
    ("an error in the function", HEAD + MINE + "z):\n    return z + y\n", 4, "name 'y' is not defined"),
    ("no type", HEAD + MINE + "z, a=1.0):\n    return a * z\n", 4, "write a: float = 1.0"),
    ("a type that specs do not have", HEAD + MINE + "z, a: list = []):\n    return z\n", 4, "write a: float = 1.0"),
    ("a type that does not exist", HEAD + MINE + 'z, a: "q" = 1):\n    return z\n', 4, "name 'q' is not defined"),
    ("any number", HEAD + MINE + "z, *a: float):\n    return z\n", 4, "name each parameter"),
    ("a reserved name", HEAD + MINE + "z, name: str = ''):\n    return z\n", 4, "another use for name"),
    ("a name of the class", HEAD + MINE + "z, table: str = ''):\n    return z\n", 4, "another use for table"),
    ("a default of another type", HEAD + MINE + "z, a: float = 'x'):\n    return z\n", 4, "mine"),
    ("no argument", HEAD + MINE + "):\n    return 0\n", 4, "takes 0 arguments"),
]


@pytest.mark.parametrize(("text", "line", "fragment"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_a_faulty_file_is_one_line_of_error_and_exit_code_2(tmp_path, spec, text, line, fragment):
    """The line has the file, its line, what is wrong and a hint; nothing of the file stays in the catalog."""
    file = tmp_path / "mine.py"
    file.write_bytes(text.encode(errors="surrogateescape"))
    before = set(ACTIVATIONS)

    done = runner.invoke(app, ["check", str(spec), "--plugin", str(file)])

    assert done.exit_code == 2
    assert (f"{file}:{line}: " if line else f"{file}:") in done.stderr
    assert fragment in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert set(ACTIVATIONS) == before


@pytest.mark.parametrize(("name", "fragment"), [("nowhere.py", "No such file"), (".", "cannot be read")])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, name, fragment):
    """Exit code 2, and one line."""
    done = runner.invoke(app, ["list", "--plugin", str(tmp_path / name)])

    assert done.exit_code == 2
    assert fragment in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("content", [
    "# -*- coding: latin-1 -*-\nNAME = 'Åé'\n".encode("latin-1"),
    b"\xef\xbb\xbfNAME = '\xc3\x85\xc3\xa9'\n",
], ids=["latin-1", "byte order mark"])  # fmt: skip
def test_a_file_is_decoded_as_python_decodes_it(tmp_path, content):
    """By the encoding that it states or marks."""
    file = tmp_path / "my plug-in.py"
    file.write_bytes(content + SNAKE.encode() + b"assert NAME == '\\xc5\\xe9'\n")

    loading.load_plugin(file)

    assert "snake" in ACTIVATIONS


def test_a_file_beside_a_plug_in_is_not_imported(written):
    """It would be missing on workers; the error says what to do."""
    written("import nothing_of_the_kind\n", "beside_it.py")
    file = written("import torch\nimport beside_it\n")

    with pytest.raises(
        PlugInError,
        match=r"mine.py:2: .*'beside_it'; install it where this runs, or put its code into",
    ):
        loading.load_plugin(file)


def test_declarations_of_an_imported_module_are_not_registered(written, importable):
    """Results would not follow edits there; a file that has no others adds nothing."""
    written(SNAKE, "lent_snakes.py")
    own = HEAD + "import lent_snakes\n\n" + MINE + "z):\n    return torch.tanh(3 * z)\n"

    loading.load_plugin(written(own))

    assert "mine" in ACTIVATIONS
    assert "snake" not in ACTIVATIONS
    for text in ("from lent_snakes import snake\n", "", "def snake(z):\n    return z\n"):
        file = written(text, "other.py")
        done = runner.invoke(app, ["list", "--plugin", str(file)])
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: {file}: adds nothing, since no function of its own is decorated; put @a")
        assert [plugin.name for plugin in loading.loaded_plugins()] == [str(written(own))]


CALLABLES = """
import torch
from functools import partial
from torch.nn import functional as F
from suite.plugins import activation

class Bent:
    def __call__(self, z, bend: float = 1.0):
        return z + torch.sin(bend * z)

class Holder:
    @activation(name="held")
    @staticmethod
    def it(z):
        return torch.tanh(2 * z)

activation(torch.nn.Mish(), name="my_mish")
activation(partial(F.leaky_relu, negative_slope=0.25), name="my_leaky", kinks=(0.0,))
activation(lambda z: torch.tanh(z), name="my_tanh")
activation(torch.erf, name="my_erf")
activation(Bent(), name="my_bent")
"""


def test_any_callable_can_be_an_activation(loaded):
    """Modules, partial functions, lambdas, functions in C and objects, whose own parameters are keys."""
    loaded(CALLABLES)

    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    for name, expected in (
        ("my_mish", torch.nn.functional.mish(z)),
        ("my_leaky", torch.nn.functional.leaky_relu(z, 0.25)),
        ("my_tanh", torch.tanh(z)),
        ("my_erf", torch.erf(z)),
        ("held", torch.tanh(2 * z)),
        ("my_bent", z + torch.sin(z)),
    ):
        torch.testing.assert_close(torch.from_numpy(ACTIVATIONS[name]().phi(z.numpy())), expected)
    assert ACTIVATIONS["my_bent"](bend=2.0).label == "my_bent(bend=2)"


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("activation(torch.nn.Mish())", "an object of Mish has no name; give one, name='mine'"),
        ("activation(torch.nn.Mish, name='mish')", "Mish is a class; give an object of it, and a name"),
        ("activation(lambda z: z + torch.sin(z))", "a lambda has no name"),
        ("activation(3)", "3 is not a function"),
        ("activation(torch.erf, name='my erf')", "'my erf' is not a valid name; use ASCII letters"),
        ("activation(torch.tanh)", "the suite has an activation tanh already; use another name"),
        ("activation(torch.nn.functional.mish)", "mish is a function of torch.nn.functional; define a function here"),
        ("activation(torch.no_grad()(torch.nn.functional.mish), name='made')", "made is a function of torch.nn.func"),
        ("activation(torch.nn.Linear(1, 1), name='line')", "line has parameters to train (weight, bias)"),
        ("activation(torch.nn.PReLU(), name='line')", "line has parameters to train (weight)"),
        ("activation(torch.nn.Dropout(), name='holes')", "is not deterministic"),
        ("activation(lambda z: z / 0 * 0, name='nans')", "it is not finite"),
        ("activation(lambda z: z.to('meta'), name='far')", "torch.float64 on meta"),
    ],
)
def test_a_callable_that_cannot_be_an_activation_is_an_error(written, line, fragment):
    """With the file's line."""
    file = written(f"import torch\nfrom suite.plugins import activation\n{line}\n")
    with pytest.raises(PlugInError) as refused, torch.random.fork_rng():
        loading.load_plugin(file)

    assert "mine.py:3: " in str(refused.value)
    assert fragment in str(refused.value)


def test_a_spec_can_name_an_activation_only_if_its_plug_in_is_loaded(loaded, spec):
    """Otherwise, or with parameters that it cannot have, it is an error with the spec's line."""
    with pytest.raises(suite.SpecError, match=r"snakes.toml:8: family.activation.*'snake' is not known.*--plugin"):
        load_studies([spec])
    loaded()
    (study,) = load_studies([spec])
    assert [member.activation.label for member in study.members] == ["relu", "snake", "snake(frequency=2)"]

    for value, fragment in (
        ("frequency = 0.0", r"snakes.toml:8: family.activation: snake\(frequency=0\): it is not finite"),
        ('frequency = "fast"', "snakes.toml:8: family.activation.frequency: expected a number, got 'fast'"),
        ("pitch = 1.0", "snakes.toml:8: family.activation.pitch: unknown key; use one of frequency, name"),
    ):
        spec.write_text(SPEC.replace("frequency = [1.0, 2.0]", value))
        with pytest.raises(suite.SpecError, match=fragment):
            load_studies([spec])


@pytest.mark.parametrize("kind", [*OWN, "optimizer"])
def test_the_hint_for_an_unknown_name_names_plug_ins_where_they_can_add_it(spec, kind):
    """They can add all kinds but optimizers."""
    strange = {"activation": "zzzzz", "initialization": "zzzzz", "measure": "[measure.zzzzz]", "task": '"zzzzz"'}
    text = OF_ALL_KINDS.format(**NONE_OWN | {key: name for key, name in strange.items() if key == kind})
    spec.write_text(text.replace('"adam"', '"zzzzz"') if kind == "optimizer" else text)

    with pytest.raises(suite.SpecError, match="use one of ") as refused:
        load_studies([spec])

    assert ("; entries of a plug-in need --plugin FILE" in str(refused.value)) == (kind != "optimizer")


def test_an_edit_changes_the_keys_of_the_cells_that_use_the_plug_in_and_of_no_others(loaded, spec):
    """Keys follow the file's text; members and their weights do not."""
    found = []
    for text in (SNAKE, SNAKE, SNAKE + "\n# edited\n"):
        loaded(text)
        found.append(cells_of(load_studies([spec])[0]))
    first, again, edited = found

    assert [cell.key for cell in first] == [cell.key for cell in again]
    for before, after in zip(first, edited, strict=True):
        assert before.member.name == after.member.name
        assert (before.key == after.key) == (before.member.activation.name == "relu")


def test_an_edited_plug_in_replaces_what_it_had_added(loaded):
    """The new function is used, and what is gone from the file is gone from the catalog."""
    loaded(SNAKE + SNAKE.replace("def snake", "def adder"))
    assert {"snake", "adder"} <= set(ACTIVATIONS)

    loaded(SNAKE.replace("z + ", "2 * z + "))

    assert "adder" not in ACTIVATIONS
    assert ACTIVATIONS["snake"]().dphi(torch.tensor([0.0]).numpy())[0] == 2


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "edited"])
def test_a_study_loaded_before_an_edit_must_be_loaded_again(loaded, spec, tmp_path, kind, gone):
    """Some of its numbers would be of the older plug-in."""
    loaded(ALL_KINDS)
    spec.write_text(OF_ALL_KINDS.format(**NONE_OWN | {kind: OWN[kind]}))
    (study,) = load_studies([spec])
    assert cells_of(study)
    loaded(SNAKE if gone else ALL_KINDS + "# edited\n")

    with pytest.raises(ValueError, match="has changed since the spec was loaded; load the spec again"):
        compute_tables(study, tmp_path / "results", Resources("cpu", workers=1))


def test_a_file_is_one_plug_in_however_its_path_is_written(loaded, monkeypatch, tmp_path):
    """Relative, absolute or through a link."""
    file = loaded()
    monkeypatch.chdir(file.parent)
    (tmp_path / "link.py").symlink_to(file)
    before = loading.loaded_plugins()

    for path in ("mine.py", tmp_path / "link.py"):
        loading.load_plugin(path)
        assert loading.loaded_plugins() == before


def test_a_decorator_in_a_notebook_is_an_error():
    """A function there cannot be sent to workers; the error says what to do."""
    with pytest.raises(PlugInError, match=r"write the function to a file.*suite.plug_in"):
        exec(SNAKE, {"__name__": "__main__"})


def test_outside_of_a_plug_in_a_decorator_returns_the_function(written):
    """As in its author's own tests: it can be called, and is not in the catalog."""
    snake = run_path(str(written(SNAKE)))["snake"]

    assert float(snake(torch.tensor(1.0))) == pytest.approx(1 + float(torch.sin(torch.tensor(1.0))) ** 2)
    assert "snake" not in ACTIVATIONS


def test_cells_carry_the_plug_in(loaded, spec):
    """As if to a process that has never seen the file, which is gone."""
    file = loaded()
    cells = cells_of(load_studies([spec])[0])
    sent = pickle.dumps(cells)
    keys = [cell.key for cell in cells]
    file.unlink()
    loading.unload(str(file))
    assert "snake" not in ACTIVATIONS

    received = pickle.loads(sent)

    assert [cell.key for cell in received] == keys
    assert "snake" in ACTIVATIONS


def test_workers_compute_with_the_plug_in_and_run_json_records_it(loaded, spec, tmp_path):
    """Two processes give the numbers of one, though the file is gone by then."""
    file = loaded()
    (study,) = load_studies([spec])
    ((digest),) = [plugin.digest for plugin in loading.loaded_plugins()]
    file.unlink()

    two = compute_tables(study, tmp_path / "two", Resources("cpu", workers=2))
    one = compute_tables(study, tmp_path / "one", Resources("cpu", workers=1))

    assert two.failures == one.failures == []
    assert two.measurements.equals(one.measurements)
    assert json.loads((two.folder / "run.json").read_text())["environment"]["plugins"] == {str(file): digest}


@pytest.mark.slow
def test_workers_that_cannot_load_the_plug_in_end_the_run_with_one_line(written, spec, tmp_path):
    """Rather than that every cell fails with a traceback."""
    only_here = f"import os\nif os.getpid() != {os.getpid()}:\n    raise ImportError('no such package')\n"
    file = written(only_here + SNAKE)

    arguments = ["run", str(spec), "--results", str(tmp_path / "results"), "--plugin", str(file)]
    done = runner.invoke(app, [*arguments, "--workers", "2", "--device", "cpu"])

    assert done.exit_code == 2
    assert f"a worker cannot use a plug-in: {file}:3: ImportError: no such package; install it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_reports_a_plug_in_that_it_cannot_load_until_it_can():
    """Also if the file runs, but lacks what it had."""
    table = "suite.catalog.activations:ACTIVATIONS"
    broken, correct = (Plugin("sent.py", digest, text) for digest, text in (("1", b"x = 1"), ("2", SNAKE.encode())))

    assert loading.restore(broken, table, "snake", {"frequency": 1.0}, set()) is None
    with pytest.raises(PlugInError, match=r"^a worker cannot use a plug-in: sent.py: KeyError: 'snake'; correct it"):
        loading.check_loaded()

    assert loading.restore(correct, table, "snake", {"frequency": 1.0}, set()).frequency == 1.0
    loading.check_loaded()


def test_installed_packages_are_loaded_by_their_entry_point(installed):
    """With what their modules declare, under the checksum of the package, which workers must have, too."""
    done = runner.invoke(app, ["list"])

    assert "snake" in done.stdout
    assert "adder" in done.stdout
    (plugin,) = loading.loaded_plugins()
    assert plugin.name == installed
    assert {ACTIVATIONS[name].origin for name in ("snake", "adder")} == {plugin.digest}

    loading.unload(installed)
    assert "install the same here" in str(loading.load_all([Plugin(installed, "0" * 64)]))


def test_an_installed_module_that_was_imported_before_is_loaded_whole(installed):
    """Its functions are ordinary ones until then; loaded again after they were unloaded, they come back."""
    module = import_module(installed)
    assert float(module.snake(torch.tensor(0.0))) == 0
    assert not {"snake", "adder"} & set(ACTIVATIONS)

    for _ in range(2):
        loading.load_installed.cache_clear()
        loading.load_installed()
        assert {"snake", "adder"} <= set(ACTIVATIONS)
        loading.unload(installed)
        assert not {"snake", "adder"} & set(ACTIVATIONS)


def test_an_installed_plug_in_adds_nothing_of_other_packages(installed, written, tmp_path):
    """Its checksum does not follow edits there."""
    written(SNAKE.replace("def snake", "def boa"), "lent_boas.py")
    module = tmp_path / "my_snakes" / "smooth.py"
    module.write_text(module.read_text() + "from lent_boas import boa\n")

    loading.load_installed()

    assert {"snake", "adder"} <= set(ACTIVATIONS)
    assert "boa" not in ACTIVATIONS


def test_two_entry_points_of_one_package_add_each_function_once(installed, tmp_path):
    """The second one adds what the first did not import."""
    (tmp_path / "my_snakes" / "last.py").write_text("import my_snakes.more\n" + SNAKE.replace("def snake", "def boa"))
    loading.load_installed()
    (plugin,) = loading.loaded_plugins()

    assert loading.load_all([Plugin("my_snakes.last", loading._digest("my_snakes.last"))]) is None

    assert {"snake", "adder", "boa"} <= set(ACTIVATIONS)
    assert ACTIVATIONS["adder"].plugin == plugin


def test_a_file_can_import_an_installed_plug_in(installed, written):
    """Each adds its own functions."""
    file = written(
        "import torch\nfrom suite.plugins import activation\nfrom my_snakes.smooth import snake\n\n"
        "@activation\ndef twice(z):\n    return snake(snake(z))\n"
    )
    loading.load_plugin(file)
    assert "snake" not in ACTIVATIONS

    loading.load_installed()

    assert {name: ACTIVATIONS[name].plugin.name for name in ("twice", "snake")} == {
        "twice": str(file),
        "snake": installed,
    }


def test_a_notebook_loads_plug_ins_too(written, spec):
    """By suite.plug_in, then suite.load."""
    suite.plug_in(written(SNAKE))

    assert len(suite.load(spec).members) == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero; correct it;"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'; install it where this runs;"),
        ("raise SystemExit(3)", "SystemExit: 3; correct it;"),
        (SNAKE.replace("def snake", "def tanh"), "the suite has an activation tanh already"),
    ],
)
def test_a_broken_installed_plug_in_is_an_error_that_names_its_package(installed, tmp_path, text, what):
    """It stops every command that loads plug-ins, also for users who have never asked for it."""
    (tmp_path / "my_snakes" / "smooth.py").write_text(text)

    for command in (["list"], ["check", "snakes.toml"]):
        done = runner.invoke(app, command)
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"error: {installed}: {what}")
        assert line.endswith(
            "; it belongs to the installed package my_snakes, whose plug-ins are always loaded: correct it, or remove "
            "it: pip uninstall my_snakes"
        )


@pytest.mark.parametrize("command", ["claims", "report", "merge"])
def test_the_hint_to_run_names_the_plug_ins(written, spec, tmp_path, command):
    """Without them the spec would be an error."""
    file = written(SNAKE, "my snakes.py")

    done = runner.invoke(app, [command, str(spec), "--plugin", str(file), "--results", str(tmp_path / "none")])

    assert done.exit_code == (1 if command == "merge" else 2)
    _, _, hint = done.stderr.strip().partition("python -m ")
    assert hint == f"suite run --plugin '{file}' {spec} --results {tmp_path / 'none'}"


@pytest.mark.parametrize("formula", ["", '(formula="z + sin(a z)^2 / a")'])
def test_the_list_and_the_schema_show_a_docstring_once(written, formula):
    """It stands for a formula that is not given."""
    file = written(SNAKE.replace("@activation", f"@activation{formula}").replace("Snake.", "A most periodic one."))

    for command in (["list"], ["list", "snake"], ["schema"]):
        done = runner.invoke(app, [*command, "--plugin", str(file)])
        assert done.exit_code == 0
        assert done.stdout.count("A most periodic one") == (
            1 if command != ["schema"] else done.stdout.count('"const": "snake"')
        )
        assert ("sin(a z)^2" in done.stdout) == bool(formula)

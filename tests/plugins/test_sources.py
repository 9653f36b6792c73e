"""Plug-ins come in by one door, say what is wrong in a line, and go wherever work goes."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import suite
from suite.catalog.activations import ACTIVATIONS
from suite.cells.resources import Resources
from suite.cells.sampling import cells_of
from suite.cli import app
from suite.plugins import sources
from suite.plugins.sources import PlugInError
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
FAULTY = [
    ("no Python", "def snake(z:\n", 1, "SyntaxError"),
    ("a package that is not there", "import nowhere_at_all\n", 1, "No module named 'nowhere_at_all'; install it"),
    ("an error of its own", "x = 1\n1 / 0\n", 2, "ZeroDivisionError: division by zero; mend it"),
    ("leaving", "import sys\nsys.exit(0)\n", 2, "SystemExit"),
    (
        "a name of the suite",
        HEAD + "@activation\ndef tanh(z):\n    return z**2\n",
        4,
        "the suite has an activation tanh",
    ),
    ("a name twice", HEAD + 2 * "@activation\ndef mine(z):\n    return z**2\n", 7, "has an activation mine already"),
    ("a wrong shape", HEAD + "@activation\ndef mine(z):\n    return z.sum()\n", 4, "mine: it makes shape ()"),
    ("a wrong dtype", HEAD + "@activation\ndef mine(z):\n    return z.double()\n", 4, "mine: it makes torch.float64"),
    ("a kink", HEAD + "@activation\ndef mine(z):\n    return torch.relu(z)\n", 4, "kinks=(0,)"),
    ("its own error", HEAD + "@activation\ndef mine(z):\n    return z + y\n", 4, "name 'y' is not defined"),
    ("no type", HEAD + "@activation\ndef mine(z, a=1.0):\n    return a * z\n", 4, "write a: float = 1.0"),
    ("a type no spec has", HEAD + "@activation\ndef mine(z, a: list = []):\n    return z\n", 4, "write a: float = 1.0"),
    ("any number", HEAD + "@activation\ndef mine(z, *a: float):\n    return z\n", 4, "name each parameter"),
    ("a reserved name", HEAD + "@activation\ndef mine(z, name: str = ''):\n    return z\n", 4, "another use for name"),
    *(
        (
            f"{key}, of its class",
            HEAD + f"@activation\ndef mine(z, {key}: float = 1.0):\n    return z\n",
            4,
            f"use for {key}",
        )
        for key in ("source", "entry", "declared", "table", "origin")
    ),
    ("a default of another type", HEAD + "@activation\ndef mine(z, a: float = 'x'):\n    return z\n", 4, "mine"),
    ("no argument", HEAD + "@activation\ndef mine():\n    return 0\n", 4, "takes 0 arguments"),
]


@pytest.mark.parametrize(("text", "line", "fragment"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_a_faulty_plug_in_is_told_in_a_line_with_exit_code_2(written, spec, text, line, fragment):
    """The file, the line, what is wrong and what to do; nothing of it stays in the catalog."""
    file = written(text)
    before = set(ACTIVATIONS)

    done = runner.invoke(app, ["check", str(spec), "--plugin", str(file)])

    assert done.exit_code == 2
    assert f"{file}:{line}: " in done.stderr
    assert fragment in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert set(ACTIVATIONS) == before


def test_a_file_that_is_not_there_or_no_text(written, spec, tmp_path):
    """Exit code 2, too; with the line where it stops being text."""
    (tmp_path / "image.py").write_bytes(b"\xff\xfe\x00binary")
    (tmp_path / "zero.py").write_bytes(b"x = 1\n\x00\n")
    (tmp_path / "latin.py").write_bytes("# one\nx = 'é'\n".encode("latin-1"))
    (tmp_path / "strange.py").write_text("# -*- coding: klingon -*-\n")
    for name, fragment in (
        ("nowhere.py", "No such file"),
        ("image.py", "image.py:1: no Python text"),
        ("zero.py", "null bytes"),
        ("latin.py", "latin.py:2: no Python text"),
        ("strange.py", "unknown encoding"),
        (".", "cannot be read"),
    ):
        done = runner.invoke(app, ["list", "--plugin", str(tmp_path / name)])

        assert done.exit_code == 2
        assert fragment in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [
        "# -*- coding: latin-1 -*-\nNAME = 'Åé'\n".encode("latin-1"),
        b"\xef\xbb\xbfNAME = '\xc3\x85\xc3\xa9'\n",
        "# coding: utf-8\r\nNAME = 'Åé'\r\n".encode(),
        "\r\n# coding: cp1252\r\nNAME = 'Åé'\r\n".encode("cp1252"),
    ],
    ids=["latin-1", "mark", "line ends", "second line"],
)
def test_a_file_is_read_as_python_reads_it(tmp_path, content):
    """By the encoding that it states or marks, with any line ends; under a name with blanks, and behind a link."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    file = folder / "my plug-in.py"
    ends = b"\r\n" if b"\r\n" in content else b"\n"
    file.write_bytes(content + SNAKE.replace('"""Snake."""', '"""Snake, " + NAME."""').encode().replace(b"\n", ends)
                     + b"assert NAME == '\\xc5\\xe9'" + ends)  # fmt: skip
    sources.plug_in(file)
    before = sources.plugged_in()

    (tmp_path / "link.py").symlink_to(file)
    sources.plug_in(tmp_path / "link.py")

    assert sources.plugged_in() == before
    assert "snake" in ACTIVATIONS


def test_what_lies_beside_a_plug_in_does_not_come_along(written):
    """It would be missing elsewhere, and edits of it would go unseen; the error says what to do."""
    written("import nothing_of_the_kind\n", "beside_it.py")
    file = written("import torch\nimport beside_it\n")

    with pytest.raises(PlugInError, match=r"mine.py:2: .*'beside_it'; what lies beside a plug-in does not come"):
        sources.plug_in(file)


@pytest.mark.parametrize("text", ["", "def snake(z):\n    return z\n"], ids=["empty", "undecorated"])
def test_a_file_that_adds_nothing_is_refused(written, text):
    """It is surely a mistake."""
    file = written(text)

    done = runner.invoke(app, ["list", "--plugin", str(file)])

    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {file}: adds nothing, since no function of its own is decorated; put @activ")
    assert str(file) not in sources.plugged_in()


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


def test_whatever_can_be_called_can_be_an_activation(plugged):
    """Modules, partial functions, lambdas, functions in C and objects, whose own parameters are keys."""
    plugged(CALLABLES)

    z = torch.linspace(-2, 2, 9, dtype=torch.float64)
    for name, theirs in (
        ("my_mish", torch.nn.functional.mish(z)),
        ("my_leaky", torch.nn.functional.leaky_relu(z, 0.25)),
        ("my_tanh", torch.tanh(z)),
        ("my_erf", torch.erf(z)),
        ("held", torch.tanh(2 * z)),
        ("my_bent", z + torch.sin(z)),
    ):
        torch.testing.assert_close(torch.from_numpy(ACTIVATIONS[name]().phi(z.numpy())), theirs)
    assert ACTIVATIONS["my_bent"](bend=2.0).label == "my_bent(bend=2)"


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("activation(torch.nn.Mish())", "an object of Mish has no name; say one, name='mine'"),
        ("activation(torch.nn.Mish, name='mish')", "Mish is a class; give an object of it, and a name"),
        ("activation(lambda z: z + torch.sin(z))", "a lambda has no name"),
        ("activation(3)", "3 is no function"),
        ("activation(torch.erf, name='my erf')", "'my erf' is no name that a spec can state"),
        ("activation(torch.tanh)", "the suite has an activation tanh already; give yours another name"),
        ("activation(torch.nn.Linear(1, 1), name='line')", "it fails (RuntimeError"),
        ("activation(torch.nn.Dropout(), name='holes')", "other values each time"),
        ("activation(lambda z: z / 0 * 0, name='nans')", "it is not finite"),
        ("activation(lambda z: z.to('meta'), name='far')", "it is on meta"),
    ],
)
def test_what_cannot_be_taken_of_what_can_be_called_is_told(written, line, fragment):
    """In a line of the file."""
    file = written(f"import torch\nfrom suite.plugins import activation\n{line}\n")
    with pytest.raises(PlugInError) as refused, torch.random.fork_rng():
        sources.plug_in(file)

    assert "mine.py:3: " in str(refused.value)
    assert fragment in str(refused.value)


def test_a_spec_can_name_it_where_it_is_plugged_in_alone(plugged, spec):
    """And is told its line where it is not, or gives it what it cannot take."""
    with pytest.raises(suite.SpecError, match=r"snakes.toml:8: family.activation.*'snake' is not known.*--plugin"):
        load_studies([spec])
    plugged()
    (study,) = load_studies([spec])
    assert [member.activation.label for member in study.members] == ["relu", "snake", "snake(frequency=2)"]

    for written, fragment in (
        ("frequency = 0.0", r"snakes.toml:8: family.activation: snake\(frequency=0\): it is not finite"),
        ('frequency = "fast"', "snakes.toml:8: family.activation.frequency: expected a number, got 'fast'"),
        ("pitch = 1.0", "snakes.toml:8: family.activation.pitch: unknown key; known here: frequency, name"),
    ):
        spec.write_text(SPEC.replace("frequency = [1.0, 2.0]", written))
        with pytest.raises(suite.SpecError, match=fragment):
            load_studies([spec])


@pytest.mark.parametrize("kind", [*OWN, "optimizer"])
def test_plugging_in_is_a_cure_where_a_plug_in_can_add_the_name(spec, kind):
    """Of all four kinds, and not of optimisers."""
    strange = {"activation": "zzzzz", "initialization": "zzzzz", "measure": "[measure.zzzzz]", "task": '"zzzzz"'}
    text = OF_ALL_KINDS.format(**NONE_OWN | {key: name for key, name in strange.items() if key == kind})
    spec.write_text(text.replace('"adam"', '"zzzzz"') if kind == "optimizer" else text)

    with pytest.raises(suite.SpecError, match="known here: ") as refused:
        load_studies([spec])

    assert ("; what a plug-in adds needs --plugin FILE" in str(refused.value)) == (kind != "optimizer")


def test_an_edit_makes_new_work_of_what_it_has_a_part_in_and_of_nothing_else(plugged, spec):
    """Keys follow the file's text; networks and their weights do not."""
    found = []
    for text in (SNAKE, SNAKE, SNAKE + "\n# edited\n"):
        plugged(text)
        found.append(cells_of(load_studies([spec])[0]))
    first, again, edited = found

    assert [cell.key for cell in first] == [cell.key for cell in again]
    for before, after in zip(first, edited, strict=True):
        assert before.member.name == after.member.name
        assert (before.key == after.key) == (before.member.activation.name == "relu")


def test_an_edited_plug_in_replaces_what_it_had_added(plugged):
    """As one does in a notebook: the new function is used, and what is gone from the file is gone."""
    plugged(SNAKE + SNAKE.replace("def snake", "def adder"))
    assert {"snake", "adder"} <= set(ACTIVATIONS)

    plugged(SNAKE.replace("z + ", "2 * z + "))

    assert "adder" not in ACTIVATIONS
    assert ACTIVATIONS["snake"]().phi(torch.tensor([0.0]).numpy())[0] == 0
    assert ACTIVATIONS["snake"]().dphi(torch.tensor([0.0]).numpy())[0] == 2


@pytest.mark.parametrize("kind", OWN)
@pytest.mark.parametrize("gone", [True, False], ids=["gone", "edited"])
def test_a_study_that_was_loaded_before_an_edit_is_to_be_loaded_again(plugged, spec, tmp_path, kind, gone):
    """Of every kind: a run would be half of the older plug-in, or do without what the spec asks for."""
    plugged(ALL_KINDS)
    spec.write_text(OF_ALL_KINDS.format(**NONE_OWN | {kind: OWN[kind]}))
    (study,) = load_studies([spec])
    assert cells_of(study)
    plugged(SNAKE if gone else ALL_KINDS + "# edited\n")

    with pytest.raises(ValueError, match="has changed since the spec was loaded; load it again"):
        compute_tables(study, tmp_path / "results", Resources("cpu", workers=1))


def test_a_file_is_one_plug_in_however_it_is_spelt(plugged, monkeypatch):
    """Relative and in full; and two files of one relative name are two."""
    file = plugged()
    monkeypatch.chdir(file.parent)
    before = sources.plugged_in()

    sources.plug_in("mine.py")
    assert sources.plugged_in() == before

    for folder, text in (("one", SNAKE.replace("snake", "adder")), ("two", SNAKE.replace("snake", "boa"))):
        (file.parent / folder).mkdir()
        monkeypatch.chdir(file.parent / folder)
        Path("own.py").write_text(text)
        sources.plug_in("own.py")
    assert {"snake", "adder", "boa"} <= set(ACTIVATIONS)


def test_a_decorator_in_a_cell_of_a_notebook_is_refused():
    """A function there could not go to workers; the error says what to do."""
    with pytest.raises(PlugInError, match=r"write the function to a file.*suite.plug_in"):
        exec(SNAKE, {"__name__": "__main__"})


def test_a_decorated_function_stays_one_where_nothing_is_taken_up(written):
    """As in its author's own tests: it can be called, and no catalog knows of it."""
    from runpy import run_path

    snake = run_path(str(written(SNAKE)))["snake"]

    assert float(snake(torch.tensor(1.0))) == pytest.approx(1 + float(torch.sin(torch.tensor(1.0))) ** 2)
    assert "snake" not in ACTIVATIONS


def test_whatever_is_sent_takes_the_plug_in_along(plugged, spec):
    """As a process would find it that has never seen the file, which is gone."""
    file = plugged()
    cells = cells_of(load_studies([spec])[0])
    sent = pickle.dumps(cells)
    keys = [cell.key for cell in cells]
    file.unlink()
    sources.unplug(str(file))
    assert "snake" not in ACTIVATIONS

    received = pickle.loads(sent)

    assert [cell.key for cell in received] == keys
    assert "snake" in ACTIVATIONS


def test_workers_compute_with_it_and_run_json_says_so(plugged, spec, tmp_path):
    """Two processes give the numbers of one, though the file is gone by then."""
    file = plugged()
    (study,) = load_studies([spec])
    digest = sources.plugged_in()[str(file)]
    file.unlink()

    two = compute_tables(study, tmp_path / "two", Resources("cpu", workers=2))
    one = compute_tables(study, tmp_path / "one", Resources("cpu", workers=1))

    assert two.failures == one.failures == []
    assert two.measurements.equals(one.measurements)
    assert json.loads((two.folder / "run.json").read_text())["environment"]["plugins"] == {str(file): digest}


@pytest.mark.slow
def test_workers_that_cannot_use_it_end_the_run_with_a_line(written, spec, tmp_path):
    """Rather than that every cell fails, each with its traceback."""
    only_here = f"import os\nif os.getpid() != {os.getpid()}:\n    raise ImportError('no such package')\n"
    file = written(only_here + SNAKE)

    arguments = ["run", str(spec), "--results", str(tmp_path / "results"), "--plugin", str(file)]
    done = runner.invoke(app, [*arguments, "--workers", "2", "--device", "cpu"])

    assert done.exit_code == 2
    assert f"a worker cannot use a plug-in: {file}:3: ImportError: no such package; install it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plug_in_that_is_other_where_it_arrives_is_told_in_a_line(written):
    """Also where it runs but lacks what it had; once it is there, nothing is told any more."""
    from suite.plugins.sources import Origin, check_taken_up, restored

    table = "suite.catalog.activations:ACTIVATIONS"
    without, mended = (Origin("sent.py", digest, text) for digest, text in (("1", "x = 1"), ("2", SNAKE)))

    assert restored(without, table, "snake", {"frequency": 1.0}, set()) is None
    with pytest.raises(PlugInError, match=r"^a worker cannot use a plug-in: sent.py: KeyError: 'snake'; mend it"):
        check_taken_up()

    assert restored(mended, table, "snake", {"frequency": 1.0}, set()).frequency == 1.0
    check_taken_up()


def test_installed_packages_offer_plug_ins_by_an_entry_point(installed):
    """They are taken up unasked, and carry the checksum of their package."""
    done = runner.invoke(app, ["list"])

    assert "snake" in done.stdout
    assert "adder" in done.stdout
    origin = ACTIVATIONS["snake"].origin
    assert origin == sources.plugged_in()[installed]

    other = sources.Origin(installed, "0" * 64)
    sources.unplug(installed)
    assert "install the same here" in str(sources.take_up_all([other]))


def test_an_installed_module_that_was_imported_before_is_taken_up_whole(installed):
    """Its functions are ordinary ones till then; they come back after they were taken out."""
    from importlib import import_module

    module = import_module(installed)
    assert float(module.snake(torch.tensor(0.0))) == 0
    assert not {"snake", "adder"} & set(ACTIVATIONS)

    for _ in range(2):
        sources.plug_in_installed.cache_clear()
        sources.plug_in_installed()
        assert {"snake", "adder"} <= set(ACTIVATIONS)
        sources.unplug(installed)
        assert not {"snake", "adder"} & set(ACTIVATIONS)


def test_a_notebook_plugs_in_too(written, spec):
    """suite.plug_in, then suite.load."""
    suite.plug_in(written(SNAKE))

    assert len(suite.load(spec).members) == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero; mend it;"),
        ("import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'; install it where this runs;"),
        ("raise SystemExit(3)", "SystemExit: 3; mend it;"),
        (SNAKE.replace("def snake", "def tanh"), "the suite has an activation tanh already"),
    ],
)
def test_an_installed_plug_in_that_is_broken_names_its_package_and_the_way_out(installed, tmp_path, text, what):
    """It stops every command that takes plug-ins, also of those who never asked for it."""
    (tmp_path / "snakes_of_mine" / "smooth.py").write_text(text)

    for command in (["list"], ["check", "snakes.toml"]):
        done = runner.invoke(app, command)
        assert done.exit_code == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"error: {installed}: {what}")
        assert line.endswith(
            "; it comes with the installed package snakes_of_mine, whose plug-ins are taken up unasked: mend that, or "
            "take it out: pip uninstall snakes_of_mine"
        )


LEAVING = """
from suite.plugins import initialization

@initialization
def leaving(fan_in, fan_out, gain: float = 1.0):
    if gain == 3.0:
        raise SystemExit(3)
    return gain
"""


def test_a_function_that_leaves_while_a_spec_is_read_is_told(written, spec):
    """As any other fault of it; the process does not end with the plug-in's own code."""
    spec.write_text(
        SPEC.replace('"he"', '{ scheme = "leaving", gain = 3.0 }').replace(
            ', { name = "snake", frequency = [1.0, 2.0] }', ""
        )
    )

    done = runner.invoke(app, ["check", str(spec), "--plugin", str(written(LEAVING))])

    assert done.exit_code == 2
    assert (
        "snakes.toml:9: family.initialization: leaving(gain=3): at fan_in = 1, fan_out = 1: it fails (SystemExit: 3); "
        "mend the function" in done.stderr
    )


@pytest.mark.parametrize("command", ["claims", "report", "merge"])
def test_the_run_that_is_missing_is_told_with_its_plug_ins(written, spec, tmp_path, command):
    """As it can be typed: without them the spec would be refused."""
    file = written(SNAKE, "my snakes.py")

    done = runner.invoke(app, [command, str(spec), "--plugin", str(file), "--results", str(tmp_path / "none")])

    assert done.exit_code == (1 if command == "merge" else 2)
    _, _, hint = done.stderr.strip().partition("python -m ")
    assert hint == f"suite run --plugin '{file}' {spec} --results {tmp_path / 'none'}"


@pytest.mark.parametrize("formula", ["", '(formula="z + sin(a z)^2 / a")'])
def test_the_list_and_the_schema_say_what_a_plug_in_says_of_itself_once(written, formula):
    """Its summary stands for a formula that it does not give."""
    file = written(SNAKE.replace("@activation", f"@activation{formula}").replace("Snake.", "A most periodic one."))

    for command in (["list"], ["list", "snake"], ["schema"]):
        done = runner.invoke(app, [*command, "--plugin", str(file)])
        assert done.exit_code == 0
        assert done.stdout.count("A most periodic one") == (
            1 if command != ["schema"] else done.stdout.count('"const": "snake"')
        )
        assert ("sin(a z)^2" in done.stdout) == bool(formula)

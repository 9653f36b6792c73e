"""What the command line tells of catalogs: `list NAME`, `schema`, and what a shell completes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.catalog.measures import MEASURES
from suite.catalog.quantities import QUANTITIES
from suite.catalog.settings import Settings
from suite.cli import app
from suite.cli.entries import catalogs, documentation, for_authors, names
from suite.cli.wording import settable
from suite.spec.schema import spec_schema

ENTRIES = [(title, name) for title, entries in catalogs().items() for name in entries]


def told(*arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, [*arguments])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_the_overview_has_formula_settings_and_source() -> None:
    """Two lines each: what it needs, what it takes with defaults; what all measures with draws share, said once."""
    lines = told("list").splitlines()

    place = lines.index("  leaky_relu          z for z > 0, slope * z below")
    assert lines[place + 1].strip().endswith("slope for z < 0. optional: slope = 0.01")
    v3 = next(line for line in lines if "Yu & Zhang 2021. optional: draws = 256 or precision" in line)
    assert v3.endswith('step, lines = 64, dtype = "float64"')
    level = lines[[line.startswith("  level ") for line in lines].index(True) + 1]
    assert level.endswith('required: quantity; optional: at_least, at_most, of = "every"')


@pytest.mark.parametrize(("title", "name"), ENTRIES)
def test_every_entry_is_told_with_all_its_settings(title: str, name: str) -> None:
    """By key, each with a sentence; of a measure, with its quantities and what its function says of itself."""
    shown = told("list", name)

    entry = catalogs()[title][name]
    assert f"{name} ({title}): {entry.formula}" in shown
    assert entry.about in shown
    for key, field in settable(entry.settings, entry.tag):
        (line,) = [line for line in shown.splitlines() if line.startswith(f"    {key} ")]
        assert field.description in line
        assert ("required: " in line) == field.is_required()
    if title == "measures":
        assert all(f"quantity {quantity}: " in shown for quantity in MEASURES[name].quantities)
        assert documentation(MEASURES[name].function).splitlines()[0] in shown


@pytest.mark.parametrize("name", names())
def test_nothing_of_a_function_call_is_told(name: str) -> None:
    """No arguments of it, no shapes of arrays, no types: what stands in their place is what a spec's author has."""
    shown = told("list", name)

    call = re.compile(
        r"Args:|Returns:|Raises:|ensemble|Tensor|torch\.(?!nn\.Linear)|settings\.|\((draws|networks),|None\b"
    )
    assert call.findall(shown) == []


def test_a_docstring_keeps_what_an_author_needs() -> None:
    """Formula, meaning, what it gives, and source; single paragraphs stay as they are."""
    text = for_authors(
        "The mean.\n\nm = sum / n.\n\nArgs:\n    z: points,\n        many.\n\n    q: more.\n\nReturns:\n"
        "    `m`, (draws, L), a mean; `s` of\n    `settings.step`.\n\n"
        "Raises:\n    ValueError: none.\n\nSource: Nobody 2026."
    )

    assert (
        text == "The mean.\n\nm = sum / n.\n\nQuantities:\n    `m`, a mean; `s` of\n    `step`.\n\nSource: Nobody 2026."
    )
    assert for_authors("Args are of people.\n\nSo (draws) is not.") == "Args are of people.\n\nSo (draws) is not."
    assert for_authors("Args:\n    z: points.") == ""


def test_a_quantity_is_told_by_its_measure() -> None:
    """Tables have names that no spec asks for by themselves."""
    assert told("list", "v3_floor") == told("list", "v3")
    for name in QUANTITIES:
        assert f"quantity {name}: " in told("list", name)


def test_values_are_told_with_their_limits() -> None:
    """As the error would."""
    lines = {line.split()[0]: line for line in told("list", "v3").splitlines() if line.startswith("    ")}

    assert lines["precision"].endswith("; a number > 0 and < 1")
    assert lines["draws"].startswith("    draws = 256 ")
    assert lines["draws"].endswith("; an integer >= 1")
    assert lines["dtype"].endswith('; "float64" or "float32"')
    assert told("list", "leaky_relu").splitlines()[3].endswith("; a number > -1 and < 1; or a list")


def test_an_unknown_name_offers_the_nearest() -> None:
    """Exit code 2."""
    done = CliRunner().invoke(app, ["list", "v3_flor"])

    assert done.exit_code == 2
    by_plug_in = "ntries of a plug-in need --plugin FILE"
    assert done.stderr == f"error: v3_flor is not known; did you mean v3_floor? E{by_plug_in}\n"
    for far, shown in (("gauss_unit", "gauss_unit"), ("\x1b[31m", "\\x1b[31m")):
        done = CliRunner().invoke(app, ["list", far])
        assert done.stderr == f"error: {shown} is not known; run `list` to see all names; e{by_plug_in}\n"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("C2C", "collapse"),
        ("collapse-to-constant", "collapse"),
        ("variability", "v3"),
        ("kaiming", "he"),
        ("swish", "silu"),
        ("midle_depth", "middle_depth"),
        ("residuals", "residual"),
    ],
)
def test_other_names_are_hints(name: str, near: str) -> None:
    """`list` knows the names that papers and other libraries use, and similar keys and baselines."""
    done = CliRunner().invoke(app, ["list", name])

    assert done.exit_code == 2
    assert f"{name} is not known; did you mean {near}?" in done.stderr


def test_keys_and_baselines_are_described() -> None:
    """They are no entries of a catalog; a baseline may also be a key of a spec."""
    assert told("list", "claim").startswith("claim (a key of the file): ")
    assert told("list", "middle_depth").startswith("middle_depth (a baseline of [predict]): closeness to the middle")
    assert [line.split(": ")[0] for line in told("list", "width").splitlines()] == [
        "width (a key of [[family]])",
        "width (a baseline of [predict])",
    ]


def test_a_heading_lists_what_stands_under_it() -> None:
    """The parts of the overview by their titles are the whole of it, but for its last line."""
    parts = [told("list", title) for title in catalogs()]

    assert "".join(parts) == "".join(told("list").splitlines(keepends=True)[:-1])
    assert told("list", "measures").splitlines()[0] == "measures"


def test_a_key_of_a_spec_is_told_and_where_the_others_are() -> None:
    """It is no entry of a catalog, but whoever asks for it is not told that there is none."""
    assert (
        told("list", "depth")
        == "depth (a key of [[family]]): number of hidden layers; docs/spec.md documents every key\n"
    )
    assert told("list", "where").startswith("where (a key of [predict]): values of axes")


def test_what_has_no_source_to_read_is_loaded() -> None:
    """Its docstring is what matters; and what cannot be had is no fault."""
    assert documentation("builtins:len").startswith("Return the number of items")
    assert documentation("no.such.module:name") == ""
    assert documentation("suite.measures.v3:no_such_name") == ""


def test_keys_of_every_kind_have_words() -> None:
    """A new kind of setting is not passed over in silence, but for tables, of which the description tells."""
    silent = {
        (title, name, key)
        for title, name in ENTRIES
        for key, field in settable(catalogs()[title][name].settings, catalogs()[title][name].tag)
        if told("list", name).splitlines() and _words_for(catalogs()[title][name].settings, key) == ""
    }

    assert {key for _, _, key in silent} == {"optimizer", "where", "split"}


def _words_for(model: type[Settings], key: str) -> str:
    from suite.cli.wording import values_of
    from suite.spec.schema import Toml

    return values_of(model.model_json_schema(schema_generator=Toml)["properties"][key])


def test_schema_prints_what_editors_read() -> None:
    """The same as the file beside the package, and nothing else."""
    assert json.loads(told("schema")) == spec_schema()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("suite li", ["list"]),
        ("suite list v3", ["v3", "v3_limit", "v3_over_rms", "v3_floor", "v3_exact"]),
        ("suite run --de", ["--device"]),
        ("suite run --device c", ["cpu", "cuda"]),
    ],
)
def test_a_shell_completes_commands_names_and_options(typed: str, offered: list[str]) -> None:
    """In bash's protocol, asked of the command as the shell would ask."""
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1), "_SUITE_COMPLETE": "complete_bash"}

    done = CliRunner().invoke(app, [], prog_name="suite", env=words)

    assert done.stdout.split() == offered


@pytest.mark.parametrize("by", [["-m", "suite"], ["-c", "import sys; from suite.cli import main; main()"]])
def test_completion_is_installed_for_the_command_and_touches_no_python(by: list[str], tmp_path: Path) -> None:
    """However it is asked for: a shell goes by the first word, and `python` belongs to everybody."""
    home = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}

    command = [sys.executable, *by, "--install-completion", "bash"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **home})

    assert "bash completion installed" in done.stdout
    script = (tmp_path / ".bash_completions" / "suite.sh").read_text()
    assert script.splitlines()[-1] == "complete -o default -F _suite_completion suite"
    assert [file.name for file in (tmp_path / ".bash_completions").iterdir()] == ["suite.sh"]


def test_names_are_complete() -> None:
    """Each once, of every catalog and quantity, and the catalogs' titles."""
    assert len(names()) == len(set(names()))
    assert {name for _, name in ENTRIES} | set(QUANTITIES) | set(catalogs()) == set(names())


def test_a_mistyped_command_or_option_offers_the_nearest() -> None:
    """Exit code 2, as all wrong use."""
    done = CliRunner().invoke(app, ["pln", "x.toml"])
    assert done.exit_code == 2
    assert "Did you mean 'plan'" in done.stderr
    done = CliRunner().invoke(app, ["run", "x.toml", "--resluts", "y"])
    assert done.exit_code == 2
    assert "--results" in done.stderr

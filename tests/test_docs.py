"""README and docs/ say what the code does, and their blocks run."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

from suite.catalog.claims import Predicts
from suite.catalog.quantities import QUANTITIES
from suite.cells.resources import Resources
from suite.cli import app
from suite.plugins import loading
from suite.report.predictor_text import format_predictors
from suite.report.verdicts import format_lines as verdicts_of
from suite.results.folder import Results
from suite.runs.run import compute_tables
from suite.spec.load import load_studies
from tests.drawn import analyzed
from tests.pages import PAGES, ROOT, Block, blocks, text_of
from tests.runs.tiny import tiny_with

ELSEWHERE = {
    "docs/scaling.md": "test_scaling_page, test_slurm",
    "docs/your-own-activation.md": "plugins/test_page",
    "docs/your-own-data.md": "test_data_page",
    "docs/your-own-network.md": "test_network_page",
}
"""Pages whose blocks have tests of their own."""

TRIED = {
    "docs/claims.md": ["text", "toml"],
    "docs/spec.md": ["toml", "toml"],
    "docs/python.md": ["python", "python", "python"],
    "README.md": ["python", "text", "text"],
    "CONTRIBUTING.md": ["python"] * 5,
}
"""The blocks that tests below take, by page and language; all others are commands."""


def test_every_quantity_is_documented_and_no_other() -> None:
    """The table of quantities is the catalog's."""
    table = text_of("docs/measures.md").split("## Quantities")[1].split("\n\n")[2]
    named = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert set(named) ^ set(QUANTITIES) == set(), "add these rows to docs/measures.md, or remove them"
    assert len(named) == len(set(named))


def test_the_commands_are_those_that_the_task_runner_and_users_type() -> None:
    """Both lines stand in the README, word for word."""
    shown = [block.text.strip() for block in blocks("README.md", "")]
    assert "python -m pip install -c constraints.txt -e . && python -m suite run specs/" in shown
    assert "python -m pip install tox && tox" in shown


def test_the_readme_is_two_screens_with_one_small_picture() -> None:
    """Whoever has a minute reads it; what is longer is in docs/."""
    text = text_of("README.md")
    assert len(text.splitlines()) <= 120
    (picture,) = re.findall(r"!\[.{40,}\]\((.*?)\)", text)
    assert (ROOT / picture).stat().st_size < 150_000


@pytest.mark.parametrize(
    ("page", "study", "lines"), [("README.md", "variability_hard", 3), ("docs/claims.md", "variability", 1)]
)
def test_the_output_that_is_shown_is_a_runs(page: str, study: str, lines: int) -> None:
    """Each line is one that a run with the reference's numbers ends with."""
    *_, block = blocks(page, "text")
    folder = ROOT / "results" / "reference" / study
    said = [*verdicts_of(study, Results(folder).verdict_rows), *format_predictors(study, folder)]

    shown = block.text.splitlines()

    assert [line for line in shown if line not in said] == []
    assert len(shown) == lines


def test_the_network_that_is_measured_first_gives_what_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The code of the README prints the block below it."""
    (code,) = blocks("README.md", "python")
    (output, _) = blocks("README.md", "text")

    with torch.random.fork_rng():
        exec(compile(code.text, "README.md", "exec"), {})  # the project's own text

    assert capsys.readouterr().out == output.text


def test_no_block_is_left_untested() -> None:
    """Those with a language are taken by tests of this file or the page's own; the others are commands."""
    pages = [page.relative_to(ROOT).as_posix() for page in PAGES]
    found = {page: [block.language for block in blocks(page) if block.language] for page in pages}
    assert {page: named for page, named in found.items() if named and page not in ELSEWHERE} == TRIED


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of the pages, split as a shell does, with its page."""
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        for block in blocks(name, "") if name not in ELSEWHERE else []:
            for line in block.text.splitlines():
                for part in re.split(" && | > ", line.partition(" #")[0].strip()):
                    if part.strip():
                        yield name, shlex.split(part)


@pytest.mark.parametrize("words", [words for _, words in _commands()], ids=" ".join)
def test_commands_are_there_to_be_typed(words: list[str]) -> None:
    """A command of the suite has these options; a module, an environment of tox, or a test is there."""
    assert unknown(words) is None


PIP = {"-c", "constraints.txt", "-e", ".", ".[bench]", ".[dev]", "tox"}
ASV = {"continuous", "machine", "run", "publish", "preview"}


def unknown(words: list[str]) -> str | None:
    """The word of a command that nothing is known of, if there is one."""
    match words:
        case ["python", "-m", "suite", verb, *rest]:
            wrong = _unknown_to_the_suite(verb, rest)
        case ["python", "-m", "pytest", *rest]:
            wrong = [word for word in rest if "/" in word and not (ROOT / word).exists()]
        case ["python", "-m", "pip", "install", *rest]:
            wrong = [word for word in rest if word not in PIP]
        case ["python", "-m", module, *_]:
            wrong = [] if find_spec(module) else [module]
        case ["python", file]:
            wrong = [] if (ROOT / file).exists() else [file]
        case ["tox", *rest]:
            wrong = [word for word in rest if word != "-e" and f"[testenv:{word}]" not in text_of("tox.ini")]
        case ["asv", verb, *_]:
            wrong = [] if verb in ASV else [verb]
        case _:
            wrong = words
    return wrong[0] if wrong else None


def _unknown_to_the_suite(verb: str, rest: list[str]) -> list[str]:
    group: Any = typer.main.get_command(app)
    if verb not in group.commands:
        return [verb]
    options = {name for option in group.commands[verb].params for name in option.opts}
    return [
        word
        for word in rest
        if (word.startswith("-") and word not in options) or (word.startswith("specs/") and not (ROOT / word).exists())
    ]


def test_the_check_of_commands_finds_what_it_must() -> None:
    """Commands, options, modules and environments that are not there."""
    wrong = {
        "python -m suite rum specs": "rum",
        "python -m suite run specs/ --quickly": "--quickly",
        "python -m suite run specs/gone.toml": "specs/gone.toml",
        "python -m suite.spec.schemas": "suite.spec.schemas",
        "python docs/gone.py": "docs/gone.py",
        "tox -e test": "test",
        "rm -r results": "rm",
    }
    assert {line: unknown(line.split()) for line in wrong} == wrong


def test_the_example_spec_runs(tmp_path: Path) -> None:
    """A reader may paste it into a file."""
    block, *_ = blocks("docs/spec.md", "toml")
    spec = tmp_path / "example.toml"
    spec.write_text(block.text)

    results = analyzed(compute_tables(load_studies([spec])[0], tmp_path / "results", Resources(workers=1)))

    assert len(results.members) == 8
    assert not results.predictors.empty


def test_the_claim_that_is_shown_can_be_made(tmp_path: Path) -> None:
    """In the example spec, whose members and measures suffice for it."""
    example, *_ = blocks("docs/spec.md", "toml")
    (claim,) = blocks("docs/claims.md", "toml")
    spec = tmp_path / "example.toml"
    spec.write_text(f"{example.text}\n{claim.text}")

    (study,) = load_studies([spec])

    *_, added = study.spec.claim
    assert isinstance(added, Predicts)
    assert (added.predictor, added.baseline) == ("v3", "-depth")


def test_the_line_for_editors_is_that_of_the_shipped_specs() -> None:
    """Whose schema is where it says."""
    *_, block = blocks("docs/spec.md", "toml")
    for spec in (ROOT / "specs").glob("*.toml"):
        assert spec.read_text().startswith(block.text)
    assert (ROOT / "specs" / block.text.split()[1]).exists()


def test_the_changes_that_are_shown_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of shipped specs, as far as `check` goes, and the folder that is named is the first one's."""
    monkeypatch.chdir(ROOT)
    text = text_of("docs/spec.md")
    lines = [line for line in text.splitlines() if line.startswith("python -m suite") and " --set " in line]

    done = [CliRunner().invoke(app, ["check", *shlex.split(line)[4:]]) for line in lines]

    assert [each.exit_code for each in done] == [0, 0]
    assert f"`results/{done[0].stdout.partition(':')[0]}`" in text


def _run(block: Block) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(compile(block.text, "docs/python.md", "exec"), names)  # the project's own text
    return names


def test_the_notebook_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block works as it stands, here on a smaller spec of that name."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "variability.toml").write_text(tiny_with("v3"))
    monkeypatch.chdir(tmp_path)

    names = _run(blocks("docs/python.md", "python")[0])

    assert "results" in names
    assert (tmp_path / "results" / "variability" / "report.html").exists()


def test_the_network_that_is_shown_is_measured() -> None:
    """By a frame, as the block's comment says, which has the measures that it asks for."""
    block = blocks("docs/python.md", "python")[1]
    measured = Block(block.language, block.text.replace("suite.measure(", "frame = suite.measure("))

    with torch.random.fork_rng():  # torch draws the block's weights from its global generator
        frame = _run(measured)["frame"]

    assert {"v3", "collapsed_relative", "ntk_trace"} <= set(frame["quantity"])  # type: ignore[index]


def test_the_function_that_is_shown_is_taken(tmp_path: Path) -> None:
    """As the command beside it takes it."""
    (tmp_path / "mine.py").write_text(blocks("docs/python.md", "python")[2].text)
    before = loading.loaded_plugins()

    listed = CliRunner().invoke(app, ["list", "snake", "--plugin", str(tmp_path / "mine.py")])
    for plugin in set(loading.loaded_plugins()) - set(before):
        loading.unload(plugin.name)

    assert listed.exit_code == 0, listed.stderr
    assert listed.stdout.startswith("snake (activations)")


def test_the_code_that_contributors_are_shown_is_the_suites_own() -> None:
    """A measure's whole file, and every other block to the letter."""
    shown = [block.text for block in blocks("CONTRIBUTING.md", "python")]
    files = [
        "suite/measures/activation_ratio.py",
        "suite/catalog/measures/variability.py",
        "suite/catalog/activations.py",
        "suite/nets/activations.py",
        "suite/catalog/claims.py",
    ]
    assert shown[0] == text_of(files[0])
    assert [block in text_of(file) for block, file in zip(shown, files, strict=True)] == [True] * 5


def test_the_citation_is_of_this_version() -> None:
    """And names the four papers of the README."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    citation = text_of("CITATION.cff")
    assert re.findall(r"^(?:version|license): (.*)$", citation, flags=re.MULTILINE) == [
        project["version"],
        project["license"],
    ]
    papers = r"https://arxiv\.org/abs/[\d.]+\d"
    assert sorted(re.findall(papers, citation)) == sorted(re.findall(papers, text_of("README.md")))


def test_constraints_pin_every_dependency() -> None:
    """Each direct dependency, of extras too, has its exact version in constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    assert {re.split(r"[><=\[]", name)[0].lower() for name in wanted} <= pinned


def test_the_shipped_specs_are_as_documented() -> None:
    """All studies check, and every member that has a budget is within 0.5% of it; the others have one width."""
    for study in load_studies([ROOT / "specs"]):
        for member in study.members:
            if "width" in member.axes:
                assert set(member.widths[1:-1]) == {member.axes["width"]}
            else:
                assert abs(member.parameters - member.axes["budget"]) <= 0.005 * member.axes["budget"]

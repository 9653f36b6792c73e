"""docs/your-own-activation.md: its blocks run as they stand."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cli import app
from suite.plugins.loading import load_plugin
from suite.spec.load import load_studies

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-activation.md").read_text()
runner = CliRunner()


def _blocks(language: str) -> list[str]:
    found = re.findall(r"^ *```(.*?)\n(.*?)^ *```", PAGE, flags=re.DOTALL | re.MULTILINE)
    return [block for named, block in found if named == language]


@pytest.mark.slow
def test_the_commands_of_the_page_run(tmp_path, monkeypatch):
    """List, and run with --quick: every measure and training."""
    monkeypatch.chdir(tmp_path)
    (function, *_), (spec,) = _blocks("python"), _blocks("toml")
    assert len(function.split("@activation")[1].strip().splitlines()) <= 10
    Path("snake.py").write_text(function)
    Path("snake.toml").write_text(spec)
    plain = [block.strip() for block in _blocks("")]
    listing, judging = (next(block for block in plain if f" {verb} " in block).split()[3:] for verb in ("list", "run"))

    listed = runner.invoke(app, listing)
    ran = runner.invoke(app, [*judging, "--quick"])

    assert "snake               z + sin(a z)^2 / a; a = frequency" in listed.stdout
    assert ran.exit_code == 0, ran.stderr
    import pandas as pd

    from suite.catalog.measures import MEASURES

    summary = pd.read_csv("results/snake-quick/summary.csv")
    summary = summary[summary.n > 0]
    lacking = {
        name
        for name, measure in MEASURES.items()
        if not set(measure.quantities) & set(summary.quantity[summary.activation == "snake"])
    }
    assert lacking == {"jacobian_covariance"}


def test_the_measure_of_the_page_runs(tmp_path, monkeypatch):
    """With its parameter; its chart has its docstring as caption."""
    monkeypatch.chdir(tmp_path)
    (function,) = [block for block in _blocks("python") if "import measure" in block]
    (table,) = [block for block in _blocks("") if block.startswith("[measure.")]
    Path("range.py").write_text(function)
    family = "[family]\nwidth = 3\ninputs = 2\ndepth = 1\nactivation = 'relu'\n"
    Path("ranges.toml").write_text(f"title = 'Ranges'\nseed = 1\n{family}{table}")

    done = runner.invoke(app, ["check", "ranges.toml", "--plugin", "range.py"])

    assert done.stdout.strip() == "ranges: 1 member; output_range"

    ran = runner.invoke(app, ["run", "ranges.toml", "--plugin", "range.py", "--workers", "1"])

    assert ran.exit_code == 0, ran.stderr
    page = Path("results/ranges/report.html").read_text()
    assert "Measured: output_range</h2>" in page
    assert "Largest less smallest output over the domain, or a share of it (range.py)." in page
    import pandas as pd

    (median,) = pd.read_csv("results/ranges/summary.csv")["median"]
    data = page.split('id="data-output_range">')[1].split("</script>")[0]
    assert f'"median":{median:.6g}' in data


@pytest.mark.parametrize(("place", "variances"), [(0, "1.2 1.5 1.5 1.5 1"), (1, "0.5 1 1 1 1")])
def test_the_initializations_and_the_task_of_the_page_are_valid(tmp_path, monkeypatch, place, variances):
    """As the inline tables of the page name them, with the variances that it states."""
    monkeypatch.chdir(tmp_path)
    (functions,) = [block for block in _blocks("python") if "import initialization" in block]
    Path("others.py").write_text(functions)
    scheme, (task,) = re.findall("`(initialization = .*?)`", PAGE)[place], re.findall("`(task = .*?)`", PAGE)
    family = f"[family]\nwidth = 3\ninputs = 2\ndepth = 4\nactivation = 'relu'\n{scheme}\n"
    training = f"[measure.accuracy]\n{task}\noptimizer = {{ name = 'sgd', learning_rate = 0.1, batch = 8 }}\n"
    text = f"title = 'Others'\nseed = 1\n{family}{training}steps = 1\nreplicates = 1\n"
    Path("others.toml").write_text(text)

    done = runner.invoke(app, ["check", "others.toml", "--plugin", "others.py"])

    assert done.stdout.strip() == "others: 1 member; accuracy"

    load_plugin(Path("others.py"))
    (study,) = load_studies([Path("others.toml")])
    assert " ".join(f"{weight:g}" for weight, _ in study.members[0].variances) == variances


def test_the_error_message_of_the_page_is_the_suites(tmp_path, monkeypatch):
    """Word for word, of a function with a kink at 0.5."""
    (said,) = [block.strip() for block in _blocks("") if block.startswith("error:")]
    monkeypatch.chdir(tmp_path)
    lines = ["import torch", "", "from suite.plugins import activation", "", ""]
    lines += ["@activation", "def bent(z):", "    return torch.relu(z - 0.5)", ""]
    Path("bent.py").write_text("\n".join(lines))

    done = runner.invoke(app, ["list", "--plugin", "bent.py"])

    assert done.stderr.strip() == said

"""A tenth of a study: fewer draws, steps and replicates, under another name, and nothing else."""

from pathlib import Path

from typer.testing import CliRunner

from suite.cells.sampling import cells_of
from suite.cli import app
from suite.spec.load import load_studies
from suite.spec.quick import quick
from tests.runs.tiny import SPECS

SHIPPED = Path(__file__).parents[2] / "specs"


def test_every_shipped_study_has_a_tenth() -> None:
    """Of the same members; what is drawn is among what the whole draws."""
    for study in load_studies([SHIPPED]):
        part = quick(study)

        assert part.members == study.members
        assert part.spec.name == f"{study.spec.name}-quick"
        assert part.spec.title.endswith("replicates)")
        for name, settings in study.spec.measures.items():
            fewer = part.spec.measures[name]
            for key in ("draws", "steps", "replicates"):
                if key in type(settings).model_fields:
                    assert getattr(fewer, key) == max(getattr(settings, key) // 10, 4 if key == "replicates" else 2)
            same = settings.model_dump(exclude={"draws", "steps", "replicates", "max_draws"})
            assert same == fewer.model_dump(exclude={"draws", "steps", "replicates", "max_draws"})
        assert sum(cell.cost for cell in cells_of(part)) < 0.2 * sum(cell.cost for cell in cells_of(study))


def test_a_quick_run_says_so(tmp_path: Path) -> None:
    """In its folder's name, and at the top of the page."""
    spec = str(SPECS / "tiny_digits.toml")
    done = CliRunner().invoke(app, ["run", "--quick", spec, "--results", str(tmp_path), "--workers", "1"])

    assert done.exit_code == 0, done.stderr
    assert [found.name for found in tmp_path.iterdir() if found.is_dir()] == ["tiny_digits-quick"]
    assert (
        "(quick: a tenth of the draws, steps and replicates)"
        in (tmp_path / "tiny_digits-quick/report.html").read_text()
    )
    judged = CliRunner().invoke(app, ["claims", "--quick", spec, "--results", str(tmp_path)])
    assert judged.exit_code == 0, judged.stderr

"""Figures for a paper: of the size that they have in print, PNG and SVG alike."""

import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from suite.cli import app
from suite.report.figures import WIDEST, printed, sized
from suite.results.folder import Results
from tests.runs.tiny import SPECS


@pytest.mark.parametrize("name", ["tiny_scores", pytest.param("tiny_death", marks=pytest.mark.slow)])
def test_the_report_command_writes_every_chart_as_png_and_svg(
    name: str, results_of: Callable[[str], Results], tmp_path: Path
) -> None:
    """No wider than a page's text; the two have one size, by the resolution that the PNG states."""
    source = results_of(name)
    shutil.copytree(source.folder, tmp_path / "results" / name, ignore=shutil.ignore_patterns("cells"))
    asked = ["report", str(SPECS / f"{name}.toml"), "--results", str(tmp_path / "results")]

    done = CliRunner().invoke(app, [*asked, "--figures", str(tmp_path / "figures")])

    assert done.exit_code == 0, done.output
    files = sorted((tmp_path / "figures" / name).iterdir())
    assert [file.name for file in files] == sorted(f"{name}.{end}" for name in source.charts for end in ("png", "svg"))
    assert f"{name}: {len(files)} figures in" in done.output
    for png, svg in zip(files[::2], files[1::2], strict=True):
        width, height = (float(found) for found in re.findall(r'(?:width|height)="([\d.]+)mm"', svg.read_text())[:2])
        content = png.read_bytes()
        pixels = struct.unpack(">II", content[16:24])
        at = content.index(b"pHYs") + 4
        per_metre = struct.unpack(">I", content[at : at + 4])[0]
        assert 20 < width <= WIDEST + 0.01
        assert pixels == (pytest.approx(width * 300 / 25.4, abs=2), pytest.approx(height * 300 / 25.4, abs=2))
        assert per_metre == pytest.approx(300 / 0.0254, abs=1)


def test_a_drawing_is_scaled_to_the_page() -> None:
    """A wide one shrinks to the text's width, a small one keeps its letters' size; its inside stays."""
    wide, scale = sized('<svg class="marks" width="1450" height="100" viewBox="0 0 1450 100"><g/></svg>')
    small, larger = sized('<svg class="marks" width="100" height="50" viewBox="0 0 100 50"><g/></svg>')

    assert wide == '<svg class="marks" width="174.00mm" height="12.00mm" viewBox="0 0 1450 100"><g/></svg>'
    assert small.startswith('<svg class="marks" width="24.00mm" height="12.00mm"')
    assert scale == pytest.approx(0.12 / 25.4 * 72)
    assert larger == 2 * scale


def test_three_panels_side_by_side_are_printed_two_by_two() -> None:
    """Also where they lie deeper, so that letters stay readable."""
    three = {"hconcat": [{"mark": "point"}] * 3}

    assert printed(three)["columns"] == 2
    assert len(printed(three)["concat"]) == 3
    assert printed({"vconcat": [three]})["vconcat"][0]["columns"] == 2
    assert "hconcat" in printed({"hconcat": [{"mark": "point"}] * 2})
    assert printed({"facet": {}, "columns": 3})["columns"] == 2

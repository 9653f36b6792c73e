"""Runs whose forward passes are compiled: the same tables but for rounding, or a clear refusal."""

import json

import numpy as np
import pytest

from suite.cells.resources import Resources
from suite.nets.compiled import why_not
from suite.runs.run import run_study

NARROW = 'width = 3\ninputs = 2\ndepth = 3\nactivation = "relu"'
MEASURES = "[measure.v3]\ndraws = 6\nstep = 0.25\n[measure.collapse]\ndraws = 6\n"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch.compile's own
def test_tables_are_the_same_but_for_rounding(study, tmp_path):
    """And every cell says that it was compiled."""
    if reason := why_not():
        pytest.skip(f"nothing can be compiled here: {reason}")
    plain = run_study(study(NARROW, MEASURES), tmp_path / "plain", Resources(workers=1))

    fast = run_study(study(NARROW, MEASURES), tmp_path / "fast", Resources(workers=1, compiled=True))

    np.testing.assert_allclose(fast.measurements["value"], plain.measurements["value"], rtol=1e-9, atol=1e-12)
    for results, compiled in ((plain, False), (fast, True)):
        cells = json.loads((results.folder / "run.json").read_text())["cells"]
        assert {cell["compiled"] for cell in cells} == {compiled}


def test_without_a_compiler_nothing_is_started(study, tmp_path, monkeypatch):
    """The reason is told, and what to do."""
    monkeypatch.setattr("suite.nets.compiled.why_not", lambda: "no g++")

    with pytest.raises(ValueError, match=r"torch.compile does not work here \(no g\+\+\).*leave out --compile"):
        run_study(study(NARROW, MEASURES), tmp_path, Resources(compiled=True))

    assert not list(tmp_path.rglob("*.npz"))

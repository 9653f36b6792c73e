"""Computing a study: what is announced, and when."""

from collections.abc import Callable
from pathlib import Path

import pytest

from suite.cells.cache import Cache
from suite.cells.execute import compute_study
from suite.cells.resources import Resources
from suite.spec.load import Study


@pytest.mark.parametrize(("device", "announced"), [("auto", 1), ("cpu", 1), ("cuda", 0)])
def test_cells_are_announced_before_an_executor_is_opened(
    study: Callable[..., Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, announced: int
) -> None:
    """Connecting to a cluster or checking a GPU may take a minute; a device that is missing is reported first."""
    calls: list[int] = []

    def fail(_: Resources) -> None:
        raise ValueError("no executor")

    monkeypatch.setattr("suite.cells.execute.open_executor", fail)
    with pytest.raises(ValueError, match="no executor"):
        compute_study(
            study(),
            Cache(tmp_path / "cells"),
            Resources(device),
            announce=lambda _study, cells, missing: calls.append(len(missing)) or (lambda _: None),
        )

    assert len(calls) == announced
    assert not (tmp_path / "cells").exists()

"""The page of a diagnosis in a browser without a network."""

from pathlib import Path

from torch import nn

import suite
from tests.diagnosis.networks import classes, mlp
from tests.report.browser import open_in_browser


def test_the_page_opens_without_errors(tmp_path: Path) -> None:
    x, y = classes(200)
    found = suite.diagnose(mlp(8, 8, activation=nn.Sigmoid), x, y, steps=20, replicates=2)
    document, log = open_in_browser(found.report(tmp_path / "diagnosis.html"), tmp_path / "profile")
    assert "What is wrong with this network" in document
    assert all(row["remedy"] in document for row in found.tried.to_dict("records"))
    assert document.count('class="finding ') == len(found.findings)
    assert document.count("<svg") == 2
    assert all(title in document for title in ("hidden layer", "gain in test accuracy over the network as it is"))
    assert not [line for line in log.splitlines() if "CONSOLE" in line]

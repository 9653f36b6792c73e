"""The tiny studies' results, which charts and pages are made from."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from suite.results.folder import Results
from tests.runs.tiny import ran


@pytest.fixture(scope="session")
def results_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Results]:
    """Name of a tiny study -> its results."""
    return lambda name: ran(name, tmp_path_factory)


@pytest.fixture(scope="session")
def written_of(results_of: Callable[[str], Results]) -> Callable[[str], dict[str, dict[str, Any]]]:
    """Name of a tiny study -> its charts as Vega-Lite, which Altair has checked against the schema."""
    return cache(lambda name: {title: chart.to_dict() for title, chart in results_of(name).charts.items()})

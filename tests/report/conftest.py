"""The tiny studies' results, which charts and pages are made from."""

from collections.abc import Callable

import pytest

from suite.runs.results import Results
from tests.runs.tiny import ran


@pytest.fixture(scope="session")
def results_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Results]:
    """Name of a tiny study -> its results."""
    return lambda name: ran(name, tmp_path_factory)

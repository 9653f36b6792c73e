"""The undisturbed run that disturbed ones are compared with, and how often things are tried."""

import time

import pytest

from tests.faults.mixed import STUDY, Undisturbed, cells, ended, files, started


@pytest.fixture(scope="session")
def many(request: pytest.FixtureRequest) -> bool:
    """Whether everything is to be tried as often as docs/reliability.md says."""
    return bool(request.config.getoption("--many"))


@pytest.fixture
def only_with_many(many: bool) -> None:
    """Leaves a test to `--many` where others come near enough to it."""
    if not many:
        pytest.skip("with --many")


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """One run with two workers in a fresh folder, and when its files came."""
    results = tmp_path_factory.mktemp("undisturbed")
    start = time.time()
    code, said = ended(started(results))
    assert code == 0, said
    written = sorted(file.stat().st_mtime - start for file in files(results))
    return Undisturbed(results / STUDY, written, len(cells(results)))

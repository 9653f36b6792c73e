"""The small studies of `tests/runs`, for the tests of cells."""

from tests.runs.conftest import study  # noqa: F401  # a fixture

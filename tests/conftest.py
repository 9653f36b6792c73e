"""Options and fixtures of all tests: which tests run, how often things are tried, and no global random state moves."""

import importlib.util
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

if importlib.util.find_spec("jax"):
    importlib.import_module("jax")  # the shape checker loads it where it is installed, and loading draws from numpy

settings.register_profile("suite", deadline=None)  # a busy machine is no fault
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest --many`: what is tried a few times is tried as often as the documents say that it was."""
    parser.addoption("--many", action="store_true", help="as often as the promises say")


def pytest_configure(config: pytest.Config) -> None:
    """Leave out the tests marked slow, unless `-m`, `--many` or the name of a test (`file::test`) selects tests."""
    named = any("::" in argument for argument in config.args)
    if not (config.option.markexpr or config.option.many or named):
        config.option.markexpr = "not slow"


@pytest.fixture(autouse=True)
def still_random_state() -> Iterator[None]:
    """Fail a test that moves the global generators of numpy or, where it is loaded, torch.

    Python's own generator is not watched: the shape checker of the tests draws from it. The suite never
    imports it, which a test of the house makes sure of.
    """
    before = _global_states()
    yield
    after = _global_states()
    moved = [name for name, state in before.items() if state != after[name]]
    assert not moved, f"the test moved the global random state of {', '.join(moved)}; pass a generator instead"


def _global_states() -> dict[str, object]:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  # the state to be watched
    states: dict[str, object] = {"numpy": (name, keys.tobytes(), *rest)}
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states

"""What holds for every test: no global random state moves."""

import random
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import suite.progress  # noqa: F401  # rich draws a random number when it is first loaded, which is nobody's fault


@pytest.fixture(autouse=True)
def still_random_state() -> Iterator[None]:
    """Fail a test that moves the global generators of random, numpy or, where it is loaded, torch."""
    before = _global_states()
    yield
    after = _global_states()
    moved = [name for name, state in before.items() if state != after[name]]
    assert not moved, f"the test moved the global random state of {', '.join(moved)}; pass a generator instead"


def _global_states() -> dict[str, object]:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  # the state to be watched
    states: dict[str, object] = {"random": random.getstate(), "numpy": (name, keys.tobytes(), *rest)}
    if torch := sys.modules.get("torch"):
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states

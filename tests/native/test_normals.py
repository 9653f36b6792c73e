"""Normal numbers from the kernels are numpy's to the bit."""

import numpy as np
import pytest

from suite.native import normals
from suite.native.build import computing_with, library

pytestmark = pytest.mark.skipif(library() is None, reason="the native kernels cannot be compiled here")


def both(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    first, second = (np.random.Generator(np.random.SFC64(seed)) for _ in range(2))
    return first, second


@pytest.mark.parametrize("seed", range(3))
def test_a_million_values_are_those_of_numpy(seed: int) -> None:
    """Three thousand of them are drawn by the exact density, and a few hundred from the tails."""
    ours, theirs = both(seed)

    drawn = normals.standard_normal(ours, (1000, 1001))

    assert drawn.tobytes() == theirs.standard_normal((1000, 1001), dtype=np.float32).tobytes()
    assert np.abs(drawn).max() > 4


def test_the_generator_continues_as_after_a_draw_by_numpy() -> None:
    """Also where half of an output of the generator is left for the next draw."""
    ours, theirs = both(7)

    for size in (0, 1, 2, 3, 501, 1000):
        drawn = normals.standard_normal(ours, (size,))
        assert drawn.tobytes() == theirs.standard_normal(size, dtype=np.float32).tobytes()
        assert ours.random() == theirs.random()
        assert ours.integers(100, dtype=np.int32) == theirs.integers(100, dtype=np.int32)


def test_numpy_draws_where_its_values_differ_or_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a version of numpy that has another method."""

    def fail(*_: object) -> None:
        raise AssertionError("the kernels were used")

    assert normals._agrees_with_numpy()
    monkeypatch.setattr(normals, "_draw", fail)
    with computing_with("torch"):
        normals.standard_normal(both(1)[0], (3,))
    monkeypatch.setattr(normals, "_agrees_with_numpy", lambda: False)
    normals.standard_normal(both(1)[0], (3,))

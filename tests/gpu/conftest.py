"""A GPU that is pretended computes the same as torch on the CPU, so torch computes there, too."""

from collections.abc import Iterator

import pytest

from suite.native.build import TORCH, computing_with


@pytest.fixture(autouse=True)
def without_kernels() -> Iterator[None]:
    """The kernels round in another way."""
    with computing_with(TORCH):
        yield

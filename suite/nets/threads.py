"""Torch's threads: small arrays are quicker with one, since several then wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """Has torch use one thread, as a worker does."""
    import torch  # noqa: PLC0415  # only those who compute need it

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

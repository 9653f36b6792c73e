"""Torch's threads: small arrays are quicker with one, since several then wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, Thread, get_ident

import torch

_LOCK = RLock()  # one that the clearing away of a block, at any moment, may take again
_inside: dict[int, int] = {}
"""By thread, how many blocks it is in."""
_before: dict[int, int] = {}
"""By thread, how many threads torch had for it before the first of these."""
_others: list[int] = []
"""How many it had for threads to come before anyone was in a block; a list, since it may be none."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Has torch use one thread, as a worker does; whoever does likewise at the same time is not disturbed.

    Torch keeps a number for each of Python's threads that has used it, and one for those to come, which the last that
    sets any sets. A thread that uses torch for the first time while another is in here starts, and goes on, with one.
    """
    thread = get_ident()
    _enter(thread)
    try:
        yield
    finally:
        _leave(thread)


def _enter(thread: int) -> None:
    with _LOCK:
        if thread not in _inside:
            _before[thread] = torch.get_num_threads()
        if not _inside:
            _others[:] = [_before[thread]]
        _inside[thread] = _inside.get(thread, 0) + 1
        torch.set_num_threads(1)


def _leave(thread: int) -> None:
    with _LOCK:
        _inside[thread] -= 1
        if _inside[thread]:
            return
        del _inside[thread]
        own, others = _before.pop(thread), 1 if _inside else _others[0]
        torch.set_num_threads(own)
        if others != own:  # set in a thread of its own, for threads to come alone
            setter = Thread(target=torch.set_num_threads, args=(others,))
            setter.start()
            setter.join()

"""Control of torch's threads: on small arrays one thread is faster, since several wait for each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock, Thread, get_ident

import torch

_LOCK = RLock()  # reentrant, since garbage collection may exit a context while this thread holds it
_inside: dict[int, int] = {}
"""Number of contexts that each thread is in."""
_before: dict[int, int] = {}
"""Number of threads that torch used for each thread before its outermost context."""
_others: list[int] = []
"""Number of threads that torch used for new threads before any context was entered, if it is known."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Make torch use one thread inside the context, as workers do, and restore the number on exit.

    Several Python threads can be inside at the same time. Torch stores a number of threads for each Python thread
    that has used it, and another for new Python threads, which every change in any thread also sets. A Python thread
    that first uses torch while another one is inside starts with one thread, and keeps it.
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
        if others != own:  # a separate thread sets the number for new threads without changing that of this thread
            setter = Thread(target=torch.set_num_threads, args=(others,))
            setter.start()
            setter.join()

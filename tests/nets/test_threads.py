"""Torch's threads are what they were once whoever wanted one alone has done."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from suite.nets.threads import one_thread


@pytest.fixture(autouse=True)
def _four() -> Iterator[None]:
    """Torch has four threads, here and for threads to come."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def _in_a_new_thread(work: Callable[[], int] = torch.get_num_threads) -> int:
    with ThreadPoolExecutor(1) as new:
        return new.submit(work).result()


def test_a_block_has_one_thread_and_then_what_was() -> None:
    """Also one in another, and threads that begin meanwhile."""
    with one_thread():
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        assert _in_a_new_thread() == 1

    assert torch.get_num_threads() == 4
    assert _in_a_new_thread() == 4


@pytest.mark.parametrize("first_out", ["a", "b"])
def test_blocks_of_two_threads_may_overlap(first_out: str) -> None:
    """Whoever leaves first has its own number back, the other goes on with one; threads to come find all as it was."""
    with ThreadPoolExecutor(1) as a, ThreadPoolExecutor(1) as b:
        threads = {"a": a, "b": b}
        assert [each.submit(torch.get_num_threads).result() for each in (a, b)] == [4, 4]
        blocks = {name: one_thread() for name in threads}
        for name in "ab":
            threads[name].submit(blocks[name].__enter__).result()
        last_out = "b" if first_out == "a" else "a"

        threads[first_out].submit(blocks[first_out].__exit__, None, None, None).result()
        assert threads[first_out].submit(torch.get_num_threads).result() == 4
        assert threads[last_out].submit(torch.get_num_threads).result() == 1
        assert _in_a_new_thread() == 1

        threads[last_out].submit(blocks[last_out].__exit__, None, None, None).result()
        assert threads[last_out].submit(torch.get_num_threads).result() == 4
    assert _in_a_new_thread() == 4


def test_blocks_that_begin_in_new_threads_leave_no_trace() -> None:
    """The second finds one thread, that of the first, and is the last to leave; one is not what others have then."""
    with ThreadPoolExecutor(1) as a, ThreadPoolExecutor(1) as b:
        first, second = one_thread(), one_thread()
        a.submit(first.__enter__).result()
        b.submit(second.__enter__).result()
        a.submit(first.__exit__, None, None, None).result()
        b.submit(second.__exit__, None, None, None).result()

    assert torch.get_num_threads() == 4
    assert _in_a_new_thread() == 4


def test_blocks_of_one_thread_may_end_in_any_order() -> None:
    """As those of two iterators that are read in turns."""
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.get_num_threads() == 1

    second.__exit__(None, None, None)

    assert torch.get_num_threads() == 4

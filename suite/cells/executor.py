"""A crew: whoever does a run's tasks, some of which may cost the one who does them its life."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Self, TypeVar

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")

GONE = "the scheduler or its workers are gone; what is finished is kept, and the same command goes on from there"

_LOOK = 1.0
"""Seconds after which a crew is looked at anew though no task has come to an end."""


class Crew(ABC):
    """Whoever does tasks, several at once.

    A task whose worker has died is set aside, and done once more at the end: alone, since it cannot be told which of
    several tasks at hand has taken a worker with it. One that then loses its worker again is given up.

    As a context manager it ends what it has begun; at once where an error leaves it.

    Attributes:
        deaths: what a task's future raises when its worker has died.
        device: "cpu" or "cuda", where tasks are computed.
        stores: whether its workers write to the results folder; otherwise what they compute comes back.
    """

    deaths: tuple[type[BaseException], ...]
    device: str
    stores: bool = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(at_once=kind is not None)

    @abstractmethod
    def submit(self, work: Callable[[Task], Outcome], task: Task) -> "Future[Outcome]":
        """Hands a task to whoever is free next."""

    @abstractmethod
    def at_once(self) -> int:
        """How many tasks to have at hand now, so that nobody waits for one.

        Raises:
            ConnectionError: there is no one left.
        """

    @abstractmethod
    def end(self, at_once: bool) -> None:
        """Lets everyone go; before their tasks are done, if at once."""

    def outcomes(
        self, work: Callable[[Task], Outcome], tasks: Sequence[Task], given_up: Callable[[Task], Outcome]
    ) -> Iterator[tuple[Task, Outcome]]:
        """Each task with its outcome, as they come; what a task raises is raised here.

        Args:
            work: does one task.
            tasks: what there is to do, in order.
            given_up: the outcome of a task that has cost its worker twice.
        """
        suspects, lost = deque[Task](), deque[Task]()
        yield from self._done(work, deque(tasks), suspects, alone=False)
        yield from self._done(work, suspects, lost, alone=True)
        for task in lost:
            yield task, given_up(task)

    def _done(
        self, work: Callable[[Task], Outcome], waiting: "deque[Task]", lost: "deque[Task]", alone: bool
    ) -> Iterator[tuple[Task, Outcome]]:
        """Does what waits; those whose workers have died are lost."""
        at_hand: dict[Future[Outcome], Task] = {}
        while waiting or at_hand:
            room = self.at_once()
            while waiting and len(at_hand) < (1 if alone else room):
                at_hand[self.submit(work, waiting[0])] = waiting[0]
                waiting.popleft()
            done, _ = wait(at_hand, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                task = at_hand.pop(future)
                if future.cancelled():  # not by us
                    raise ConnectionError(GONE)
                if isinstance(future.exception(), self.deaths):
                    lost.append(task)
                else:
                    yield task, future.result()

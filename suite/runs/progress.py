"""The progress of a run or a plan, in one line."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.status import Status

from suite.cells.cell import Cell
from suite.cells.execute import CellCallback
from suite.cells.tasks import Kind, kind_of
from suite.formatting import format_count, format_duration
from suite.spec.load import Study

_LOG_INTERVAL = 10.0
"""Minimum number of seconds between two lines of a log."""

_SHORTEST_ESTIMATE = 5.0
"""Times left below this number of seconds are not shown as a number."""


class StatusLine:
    """A line that is updated in place on a terminal and in a notebook; use it as a context manager.

    Elsewhere, as in the log of a batch job, lines are printed one after the other.

    Args:
        console: The terminal or log. Default: standard error.
        display: IPython's function `display`, if the caller runs in a notebook.
    """

    def __init__(self, console: Console | None = None, display: Callable[..., Any] | None = None) -> None:
        self._console = console or Console(file=sys.stderr)
        self._display = display
        self._handle: Any = None
        self._status: Status | None = None
        self._printed: float | None = None

    def __enter__(self) -> "StatusLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, line: str, *, always: bool = True) -> None:
        """Replace the line by another; in a log, print it.

        Args:
            line: The text.
            always: Whether a log has the line in any case. If not, it is left out within 10 seconds after the last one.
        """
        if self._display is not None:
            if self._handle is None:
                self._handle = self._display({"text/plain": line}, raw=True, display_id=True)
            else:
                self._handle.update({"text/plain": line}, raw=True)
        elif self._console.is_terminal:
            if self._status is None:
                self._status = self._console.status(line)
                self._status.start()
            self._status.update(line)
        elif always or self._printed is None or time.monotonic() - self._printed >= _LOG_INTERVAL:
            self._printed = time.monotonic()
            self._print(line)

    def finish(self, line: str) -> None:
        """Show the last line, which stays on the terminal."""
        if self._status is not None:
            self._status.stop()
            self._print(line)
        elif self._display is not None:
            self.show(line)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)  # a long line of a log is not broken


class Progress:
    """The progress of the run of one study; use it as a context manager.

    Pass `announce` and `announce_writing` to the functions that run the study.
    """

    def __init__(self, study: Study, line: StatusLine | None = None) -> None:
        self._name = study.spec.name
        self._line = line or StatusLine()
        self._total = self._left = 0
        self._to_do, self._done = Counter[Kind](), Counter[Kind]()
        self._seconds = defaultdict[Kind, float](float)
        self._start: float | None = None

    def __enter__(self) -> "Progress":
        self._line.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._start is not None:
            self._line.finish(self.so_far())
        self._line.__exit__(kind, error, trace)

    def announce(self, _: Study, cells: Sequence[Cell], missing: Sequence[Cell]) -> CellCallback:
        """Start a sampling round; return the function to call with each finished cell.

        Args:
            cells: All cells of the study so far.
            missing: Those of them that are neither cached nor finished.
        """
        self._total, self._left = len(cells), len(missing)
        self._to_do = Counter(map(kind_of, missing))
        if self._start is None:
            self._start = time.monotonic()
            cached = len(cells) - len(missing)
            self._line.show(f"{self._name}: {format_count(len(missing), 'cell')} to compute, {cached:,} cached")
        else:
            self._line.show(f"{self._name}: {format_count(len(missing), 'more cell')} for the precision target")
        return self._count

    def announce_writing(self) -> None:
        """Show that tables and the report are being written."""
        self._line.show(f"{self._name}: writing tables and the report")

    def so_far(self) -> str:
        """Return the number of finished cells and the time left, in one line."""
        return f"{self._name}: {self._total - self._left:,}/{format_count(self._total, 'cell')}, {self._time()}"

    def _count(self, cell: Cell, seconds: float | None) -> None:
        self._left -= 1
        self._to_do[kind_of(cell)] -= 1
        if seconds is not None:
            self._done[kind_of(cell)] += 1
            self._seconds[kind_of(cell)] += seconds
        self._line.show(self.so_far(), always=not self._left)

    def seconds_left(self) -> float | None:
        """Return the estimated seconds until all cells are finished, or None before the first is.

        Cells take as long as finished cells of the same measure and of about the same cost. The ratio of the elapsed
        time to the computing time counts the workers, and what they wait for.
        """
        finished = sum(self._seconds.values())
        if self._start is None or finished <= 0:
            return None
        elapsed = time.monotonic() - self._start
        return elapsed / finished * sum(number * self._expected(kind) for kind, number in self._to_do.items())

    def _time(self) -> str:
        if not self._left:
            return f"done in {format_duration(time.monotonic() - (self._start or time.monotonic()))}"
        left = self.seconds_left()
        if left is None:
            return "starting"
        return f"about {format_duration(left)} left" if left >= _SHORTEST_ESTIMATE else "a few seconds left"

    def _expected(self, kind: Kind) -> float:
        """Return the mean seconds of finished cells of a kind, or those of the most similar kind per cost."""
        name, power = kind
        known = [each for each in self._done if each[0] == name] or list(self._done)
        nearest = min(known, key=lambda each: abs(each[1] - power))
        return self._seconds[nearest] / self._done[nearest] * 2.0 ** (power - nearest[1])


def notebook_display() -> Callable[..., Any] | None:
    """Return IPython's function `display` if the caller runs in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    return sys.modules["IPython"].display.display if getattr(shell, "kernel", None) is not None else None

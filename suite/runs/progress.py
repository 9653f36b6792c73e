"""What a person sees of a run, or of a plan: what changes in its place on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.status import Status
from rich.table import Table

from suite.cells.cell import Cell
from suite.cells.execute import CellCallback
from suite.formatting import counted
from suite.spec.load import Study

_PLAIN_INTERVAL = 10.0
"""Seconds between plain lines, at least."""

_FEW = 5.0
"""Seconds below which the time left is not estimated."""

_WRITING = "writing tables and the report"


class Progress:
    """The progress of one study; use it as a context manager around the run, and pass `announce` to it."""

    interval = _PLAIN_INTERVAL

    def __init__(self, study: Study, console: Console | None = None) -> None:
        self.study = study
        self.console = console or Console(file=sys.stderr)
        self.live: Live | None = None
        self.total: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.work = self.work_left = 0.0
        self.rounds = 0
        self.after = ""
        self.start = self.spoke = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.after = ""
        if self.live is not None:
            self.live.stop()

    @property
    def is_live(self) -> bool:
        """Whether the display is a live table."""
        return self.console.is_terminal

    def say(self, line: str) -> None:
        """Print a line."""
        self.console.print(line, soft_wrap=True)  # whoever reads a log finds a line in one line

    def announce(self, _: Study, cells: Sequence[Cell], missing: Sequence[Cell]) -> CellCallback:
        """Start or extend the display; return the callback for finished cells."""
        more = sum(cell.cost for cell in missing)
        self.total = Counter(cell.name for cell in cells)
        self.left = Counter(cell.name for cell in missing)
        self.work, self.work_left = self.work - self.work_left + more, more
        self.rounds += 1
        if self.rounds == 1:
            self.start = self.spoke = time.monotonic()
        if self.live is not None:
            return self.finished
        if self.is_live:
            self.live = Live(get_renderable=self.table, console=self.console, refresh_per_second=4)
            self.live.start()
        elif self.rounds > 1:
            self.say(f"{self.study.spec.name}: {counted(len(missing), 'more cell')} for the precision target")
        else:
            kept = len(cells) - len(missing)
            self.say(f"{self.study.spec.name}: {counted(len(missing), 'cell')} to compute, {kept:,} cached")
        return self.finished

    def finished(self, cell: Cell) -> None:
        """Count a finished cell."""
        self.left[cell.name] -= 1
        self.work_left -= cell.cost
        now = time.monotonic()
        if self.live is None and (now - self.spoke >= self.interval or not self.left.total()):
            self.spoke = now
            self.say(self.so_far())

    def writing(self) -> None:
        """Show that tables and the report are being written, which takes a while."""
        self.after = f"; {_WRITING}"
        if self.live is None:
            self.say(f"{self.study.spec.name}: {_WRITING}")

    def so_far(self) -> str:
        """Return the number of cells that are done, in one line."""
        done = self.total.total() - self.left.total()
        return f"{self.study.spec.name}: {done:,}/{counted(self.total.total(), 'cell')}, {self.remaining()}"

    def remaining(self) -> str:
        """Return the estimated time left."""
        elapsed = time.monotonic() - self.start
        if not self.left.total():
            return f"done in {_duration(elapsed)}"
        done = self.work - self.work_left
        if done <= 0:
            return "starting"
        left = elapsed * self.work_left / done
        return f"about {_duration(left)} left" if left >= _FEW else "a few seconds left"

    def table(self) -> Table:
        """Return the live table, one row per measure."""
        table = Table(title=f"{self.study.spec.name}: {self.remaining()}{self.after}", title_justify="left")
        table.add_column("measure")
        table.add_column("cells done", justify="right")
        for name, total in self.total.items():
            table.add_row(name, f"{total - self.left[name]} / {total}")
        return table


class InNotebook(Progress):
    """The progress in a notebook: one line that is updated in place."""

    interval = 0.5

    def __init__(self, study: Study, display: Any = None) -> None:
        super().__init__(study)
        self.display = display or _shell_display()
        self.handle: Any = None
        self.said = ""

    @property
    def is_live(self) -> bool:
        """A notebook is no terminal, even if its kernel was started from one."""
        return False

    def say(self, line: str) -> None:
        """Show a line in place of the previous one."""
        if self.handle is None:
            self.handle = self.display({"text/plain": line}, raw=True, display_id=True)
        else:
            self.handle.update({"text/plain": line}, raw=True)

    def writing(self) -> None:
        """Append to the line that tables are being written."""
        self.after = f"; {_WRITING}"
        self.said = self.so_far()
        self.say(f"{self.said}{self.after}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.after:
            self.say(self.said)
        super().__exit__(kind, error, trace)


class Trials:
    """The progress of the trials that measure how long measures take; use it as a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr)
        self.status: Status | None = None
        self.study = ""

    def __enter__(self) -> "Trials":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.status is not None:
            self.status.stop()

    def announce(self, study: str, measure: str, number: int, of: int) -> None:
        """Show that a trial starts; outside of a terminal, once per study."""
        if self.console.is_terminal:
            line = f"{study}: timing a small part of {measure} ({number}/{of})"
            if self.status is None:
                self.status = self.console.status(line)
                self.status.start()
            self.status.update(line)
        elif study != self.study:
            self.study = study
            measures = measure if of == 1 else f"{of} measures"
            self.console.print(f"{study}: timing a small part of {measures}", soft_wrap=True)


def in_notebook() -> bool:
    """Return whether the caller runs in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _shell_display() -> Any:
    return sys.modules["IPython"].display.display


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

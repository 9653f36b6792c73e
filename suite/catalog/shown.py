"""Formatting of a spec's values for messages: as TOML on one line, shortened if necessary."""

from collections.abc import Iterable
from datetime import date, datetime, time
from itertools import islice
from reprlib import Repr

LONGEST = 60
"""Maximum number of characters of a value in a message."""

_DEEPEST, _MOST = 3, 24
"""Maximum nesting depth of tables and lists, and maximum number of items of each, that are written out."""


class _Short(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 4 * LONGEST  # the caller cuts the result at its end

    def repr_int(self, x: int, level: int) -> str:
        """Return a number as text, or its number of bits if it is long.

        Python refuses to write out numbers of thousands of digits.
        """
        return super().repr_int(x, level) if x.bit_length() <= 4 * LONGEST else f"a number of {x.bit_length()} bits"


_SHORT = _Short()


def shown(value: object) -> str:
    """Return a value approximately as TOML would write it, shortened to `LONGEST` characters."""
    return shortened(written(value, _DEEPEST))


def written(value: object, deep: int = _DEEPEST) -> str:
    """Return a value as TOML would write it, without shortening the whole; "nothing" for None.

    Args:
        value: A value of a spec, or of a record of a run.
        deep: The maximum nesting depth of tables and lists that are written out.
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        inside = _inside((f"{key} = {written(each, deep - 1)}" for key, each in value.items()), deep)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{_inside((written(each, deep - 1) for each in value), deep)}]"
    return _SHORT.repr(value)


def _inside(items: Iterable[str], deep: int) -> str:
    if deep <= 0:
        return "..."
    first = list(islice(items, _MOST + 1))
    return ", ".join([*first[:_MOST], "..."] if len(first) > _MOST else first)


def shortened(text: str) -> str:
    """Return a text, cut if it is too long for a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

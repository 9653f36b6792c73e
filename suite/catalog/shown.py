"""A value of a spec as messages show it: as TOML writes it, in one line, and short whatever it is."""

from collections.abc import Iterable
from datetime import date, datetime, time
from itertools import islice
from reprlib import Repr

LONGEST = 60
"""Characters."""

_DEEPEST, _MOST = 3, 24
"""Tables and lists within one another, and what is in each, that are written out."""


class _Short(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 4 * LONGEST  # whoever calls cuts what is left at its end

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write out numbers of thousands of digits."""
        return super().repr_int(x, level) if x.bit_length() <= 4 * LONGEST else f"a number of {x.bit_length()} bits"


_SHORT = _Short()


def shown(value: object) -> str:
    """A value as TOML would write it, or nearly so."""
    return shortened(written(value, _DEEPEST))


def written(value: object, deep: int = _DEEPEST) -> str:
    """A value as TOML would write it, however long; "nothing" for what is not given.

    Args:
        value: of a spec, or of a record of a run.
        deep: tables and lists within one another that are written out.
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
    """A text, cut where it is too long for a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

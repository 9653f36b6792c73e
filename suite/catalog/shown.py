"""A value of a spec as messages show it: in one line, and short whatever it is."""

from reprlib import Repr

LONGEST = 60
"""Characters."""


class _Short(Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict = 3, 6
        self.maxstring = self.maxother = self.maxlong = 4 * LONGEST  # whoever calls cuts what is left at its end

    def repr_int(self, x: int, level: int) -> str:
        """Python refuses to write out numbers of thousands of digits."""
        return super().repr_int(x, level) if x.bit_length() <= 4 * LONGEST else f"a number of {x.bit_length()} bits"


_SHORT = _Short()


def shown(value: object) -> str:
    """A value as TOML would write it, or nearly so."""
    return shortened(str(value).lower() if isinstance(value, bool) else _SHORT.repr(value))


def shortened(text: str) -> str:
    """A text, cut where it is too long for a message."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."

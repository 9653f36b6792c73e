"""Numbers in text for people."""

from math import isfinite


def counted(number: int, noun: str) -> str:
    """`1 member`, `2,130 members`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def p_in_words(p: float) -> str:
    """Return a p-value with its letter; nan is that of a claim that holds because nothing refutes it."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}" if isfinite(p) else "not refuted"


def format_bytes(count: float) -> str:
    """Return a number of bytes with its unit, such as `16 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:  # the units' own factor
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"

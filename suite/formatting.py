"""Formatting of numbers and tables in text."""

from collections.abc import Iterator, Sequence


def align(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of a table as lines whose columns are aligned on the left."""
    sizes = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(size) for cell, size in zip(row, sizes, strict=True)).rstrip()


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 member` or `2,130 members`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_p_value(p: float) -> str:
    """Return a p-value with its letter, such as `p = 0.03`."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def format_bytes(count: float) -> str:
    """Return a number of bytes to about two digits, such as `16 GiB` or `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.2g} {unit}" if count < 10 else f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"


def format_duration(seconds: float) -> str:
    """Return a duration to about two digits, such as `1.4 s`, `12 s`, `3.2 min`, `25 min` or `1.5 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.1f} min" if minutes < 9.95 else f"{minutes:.0f} min"
    return f"{seconds / 3600:.1f} h"


def short_error(error: BaseException, longest: int = 300) -> str:
    """Format an error in one line: its type and the beginning of its message, `longest` characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:longest]}"


def capitalize(sentence: str) -> str:
    """Return a sentence with a capital first letter, unless it begins with a symbol or the name of a column."""
    first = sentence.split(" ", 1)[0]
    return f"{first.capitalize()}{sentence[len(first) :]}" if first.isalpha() and first.islower() else sentence

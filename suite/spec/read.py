"""This module reads TOML files, and reports those that are not valid or exceed its limits."""

import re
import tomllib
from pathlib import Path
from typing import Any

from suite.spec.problems import Problem, SpecError

_MOST_BYTES = 200_000
"""The maximum size of a file; the shipped studies have at most 2,500 bytes."""

MOST_NESTED = 32
"""The maximum depth of nested tables and lists; specs need six levels."""

_MOST_BITS = 1_000
"""The maximum bits of an integer. It then has at most 302 digits, and can be converted to a floating-point number."""

_LONG_KEY = re.compile(
    r"""(?<![\w"'.-]) (?: (?: [\w-]++ | "[^"\n]*+" | '[^'\n]*+' ) [ \t]*+ \. [ \t]*+ ){500}""", re.VERBOSE | re.ASCII
)
"""A dotted key with over 500 parts, for which the standard library's parser would take very long."""


def read_toml(file: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of a TOML file and its content.

    Raises:
        SpecError: If the file cannot be read, is not UTF-8 text, is empty, is not TOML or exceeds the limits of size
            and nesting.
    """
    text = _text(file)
    if _LONG_KEY.search(text):
        raise _too_nested(file)
    data = _parsed(file, text)
    if not within_limits(data):
        raise _too_nested(file)
    return text, data


def _text(file: Path) -> str:
    try:
        size = file.stat().st_size
        if size > _MOST_BYTES:
            message = f"{size:,} bytes, specs have {_MOST_BYTES:,} at most; name a spec, or divide it"
            raise SpecError([Problem(str(file), 1, "", message)])
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SpecError(
            [Problem(str(file), 1, "", f"cannot be read ({error.strerror}); check its permissions")]
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpecError([Problem(str(file), line, "", "not UTF-8 text; save the file as UTF-8")]) from None
    if not text.strip():
        hint = "a spec needs title, seed, [family] and a [measure] table"
        raise SpecError([Problem(str(file), 1, "", f"the file is empty; {hint}")])
    return text.replace("\r\n", "\n")


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
        what = found[1] if found else str(error)
        line = int(found[2]) if found and found[2] else text.rstrip("\n").count("\n") + 1
        raise SpecError([Problem(str(file), line, "", f"not TOML: {what[:_LONGEST]}; mend the line")]) from None
    except (ValueError, RecursionError):  # the interpreter limits digits and recursion
        raise _too_nested(file) from None


_LONGEST = 200
"""The maximum number of characters shown of the parser's message, which may contain a long key."""


def _too_nested(file: Path) -> SpecError:
    return SpecError([Problem(str(file), 1, "", TOO_NESTED)])


TOO_NESTED = "a number of hundreds of digits or more, or tables within tables without end; shorten it"


def parsed_value(text: str) -> Any:
    """Parse a single TOML value.

    Raises:
        ValueError: If the text is not a value, is more than one, or exceeds the limits of nesting and digits.
    """
    if _LONG_KEY.search(text):
        raise ValueError(TOO_NESTED)
    try:
        data = tomllib.loads(f"value = {text}\n")
    except tomllib.TOMLDecodeError as error:
        raise ValueError(re.sub(r" \(at .*\)$", "", str(error)[:_LONGEST]).lower()) from None
    except (ValueError, RecursionError):  # the interpreter limits digits and recursion
        raise ValueError(TOO_NESTED) from None
    if len(data) > 1:
        raise ValueError("more than one value")
    if not within_limits(data):
        raise ValueError(TOO_NESTED)
    return data["value"]


def within_limits(data: Any) -> bool:
    """Return whether data have at most `MOST_NESTED` levels, and integers of at most `_MOST_BITS` bits."""
    level = [data]
    for _ in range(MOST_NESTED):
        if any(isinstance(item, int) and item.bit_length() > _MOST_BITS for item in level):
            return False
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        if not inner:
            return True
        level = [item for items in inner for item in items]
    return False

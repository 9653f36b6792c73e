"""This module reads TOML files, and reports those that are not valid or exceed its limits."""

import re
import tomllib
from pathlib import Path
from typing import Any

from suite.catalog.shown import shortened
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
            message = f"expected at most {_MOST_BYTES:,} bytes, got {size:,}; check the path, or split the spec"
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
        hint = "add title, seed, [family] and a [measure.NAME] table"
        raise SpecError([Problem(str(file), 1, "", f"the file is empty; {hint}")])
    return text.replace("\r\n", "\n")


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
        what = found[1] if found else str(error)
        line = int(found[2]) if found and found[2] else text.rstrip("\n").count("\n") + 1
        column = int(found[3]) if found and found[3] else 1
        hint = _hint_quotes(text.split("\n")[line - 1], column) or "fix the line"
        raise SpecError([Problem(str(file), line, "", f"not valid TOML: {what[:_LONGEST]}; {hint}")]) from None
    except (ValueError, RecursionError):  # the interpreter limits digits and recursion
        raise _too_nested(file) from None


def _hint_quotes(line: str, column: int) -> str:
    """Return the hint for a value that is a bare word; empty if there is none at a column, from 1, of the line."""
    before, rest = line[: column - 1], line[column - 1 :]
    found = _BARE_VALUE.match(rest)
    if not found or not before.rstrip().endswith(("=", "[", ",")):
        return ""
    word = found[0].rstrip()
    if word.lower() in ("true", "false"):
        return f"write {word.lower()}"
    key = before.strip() if _ONE_KEY.fullmatch(before) else ""
    if key:
        word = rest.partition("#")[0].strip()
    if '"' in word:
        return ""
    return "text needs quotes: " + " ".join(filter(None, (shortened(key), f'"{shortened(word)}"')))


_BARE_VALUE = re.compile(r"[A-Za-z_][\w .-]*", re.ASCII)
"""A text without quotes, up to a comma, a bracket or a comment."""

_ONE_KEY = re.compile(r"\s*[\w.-]+\s*=\s*", re.ASCII)

_LONGEST = 200
"""The maximum number of characters shown of the parser's message, which may contain a long key."""


def _too_nested(file: Path) -> SpecError:
    return SpecError([Problem(str(file), 1, "", TOO_NESTED)])


TOO_NESTED = "a number has too many digits, or tables or lists are nested too deeply; shorten it"


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

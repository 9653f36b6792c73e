"""From a spec's file to plain data: whatever is no TOML, or too much of it, is told in a line."""

import re
import tomllib
from pathlib import Path
from typing import Any

from suite.spec.problems import Problem, SpecError

_MOST_BYTES = 200_000
"""Of a file; the shipped studies have 2,500 at most."""

MOST_NESTED = 32
"""Tables and lists within one another; specs need six."""

_MOST_BITS = 1_000
"""Of a whole number; it then has 302 digits, and is a floating-point number too."""

_LONG_KEY = re.compile(
    r"""(?<![\w"'.-]) (?: (?: [\w-]++ | "[^"\n]*+" | '[^'\n]*+' ) [ \t]*+ \. [ \t]*+ ){500}""", re.VERBOSE | re.ASCII
)
"""A key of so many parts that the parser would take very long over it."""


def read_toml(file: Path) -> tuple[str, dict[str, Any]]:
    """A file's text, and what it says.

    Raises:
        SpecError: it cannot be read, is no text or no TOML, or is larger or more nested than any spec.
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
    except (ValueError, RecursionError):  # the interpreter's own limits
        raise _too_nested(file) from None


_LONGEST = 200
"""Characters of the parser's message, which may repeat a key."""


def _too_nested(file: Path) -> SpecError:
    return SpecError([Problem(str(file), 1, "", TOO_NESTED)])


TOO_NESTED = "a number of hundreds of digits or more, or tables within tables without end; shorten it"


def parsed_value(text: str) -> Any:
    """What a TOML value says that stands by itself.

    Raises:
        ValueError: it is no value, more than one, or more nested than any spec.
    """
    if _LONG_KEY.search(text):
        raise ValueError(TOO_NESTED)
    try:
        data = tomllib.loads(f"value = {text}\n")
    except tomllib.TOMLDecodeError as error:
        raise ValueError(re.sub(r" \(at .*\)$", "", str(error)[:_LONGEST]).lower()) from None
    except (ValueError, RecursionError):  # as above
        raise ValueError(TOO_NESTED) from None
    if len(data) > 1:
        raise ValueError("more than one value")
    if not within_limits(data):
        raise ValueError(TOO_NESTED)
    return data["value"]


def within_limits(data: Any) -> bool:
    """Whether tables nest no further, and whole numbers are no longer, than the rest of the suite can take."""
    level = [data]
    for _ in range(MOST_NESTED):
        if any(isinstance(item, int) and item.bit_length() > _MOST_BITS for item in level):
            return False
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        if not inner:
            return True
        level = [item for items in inner for item in items]
    return False

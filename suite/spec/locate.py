"""This module finds the line of each key of a TOML file.

The parser of the standard library gives no line numbers. The text must be one that `tomllib` accepts, so that this
reader needs no checks of its own.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""
    (?P<skip>   [ \t\r]+ | \#[^\n]* )
  | (?P<newline>\n )
  | (?P<string> \"{3} (?: \\. | [^\\] )*? \"{3,5}  |  '{3} .*? '{3,5}
              | \" (?: \\. | [^"\\\n] )* \"  |  ' [^'\n]* ' )
  | (?P<mark>   [\[\]{}=,.] )
  | (?P<bare>   [^\s\[\]{}=,.\#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass
class _Token:
    text: str
    line: int


def locate(text: str) -> dict[Path, int]:
    """Return the line, from 1, of every table, key and list item of a TOML document, by its path."""
    return _Reader(text).lines


class _Reader:
    """A reader of tokens that records the line of each path."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.place = 0
        self.lines: dict[Path, int] = {(): 1}
        self.tables: dict[Path, int] = {}
        """The number of tables so far in each [[array of tables]], by its path."""
        self._read()

    def _read(self) -> None:
        table: Path = ()
        while self._peek() is not None:
            if self._peek() == "[":
                table = self._read_header()
            elif self._peek() == "\n":
                self.place += 1
            else:
                self._read_pair(table)

    def _read_header(self) -> Path:
        """Read a header, [table] or [[array of tables]], and return the path of the table that it opens."""
        line = self._take().line
        repeats = self._peek() == "["
        if repeats:
            self._take()
        keys = self._read_dotted_key("]")
        if repeats:
            self._take()
        path = self._resolve_lists(keys[:-1])
        path = (*path, keys[-1])
        if repeats:
            self.lines.setdefault(path, line)
            count = self.tables.get(path, 0)
            self.tables[path] = count + 1
            path = (*path, count)
        self._record(path, line)
        return path

    def _resolve_lists(self, keys: list[str]) -> Path:
        """Return the path of a table, through the last table of each array of tables on the way."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        return path

    def _read_pair(self, table: Path) -> None:
        line = self.tokens[self.place].line
        path: Path = (*table, *self._read_dotted_key("="))
        self._record(path, line)
        self._read_value(path)

    def _read_dotted_key(self, end: str) -> list[str]:
        keys = []
        while (token := self._take()).text != end:
            if token.text != ".":
                keys.append(_unquote(token.text))
        return keys

    def _read_value(self, path: Path) -> None:
        opening = self._take().text
        if opening == "[":
            self._read_list(path)
        elif opening == "{":
            self._read_inline_table(path)
        else:
            while self._peek() not in (None, "\n", ",", "]", "}"):
                self._take()

    def _read_list(self, path: Path) -> None:
        index = 0
        while (token := self._skip_newlines()).text != "]":
            if token.text == ",":
                self._take()
                continue
            self._record((*path, index), token.line)
            self._read_value((*path, index))
            index += 1
        self._take()

    def _read_inline_table(self, path: Path) -> None:
        while (token := self._skip_newlines()).text != "}":
            if token.text == ",":
                self._take()
                continue
            self._read_pair(path)
        self._take()

    def _skip_newlines(self) -> _Token:
        while self._peek() == "\n":
            self.place += 1
        return self.tokens[self.place]

    def _record(self, path: Path, line: int) -> None:
        """Record the line of a path, and that of each table around it that has no line yet."""
        for end in range(1, len(path)):
            self.lines.setdefault(path[:end], line)
        self.lines[path] = line

    def _peek(self) -> str | None:
        return self.tokens[self.place].text if self.place < len(self.tokens) else None

    def _take(self) -> _Token:
        self.place += 1
        return self.tokens[self.place - 1]


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            yield _Token(match[0], line)
        line += match[0].count("\n")


def _unquote(key: str) -> str:
    """Return a key without its quotes; the standard library resolves escapes in it."""
    if key[0] == "'":
        return key[1:-1]
    if key[0] == '"':
        return str(next(iter(tomllib.loads(f"{key} = 0"))))
    return key

"""Where each key of a TOML file stands: the parser of the standard library keeps no line numbers.

The text must already have been accepted by `tomllib`; this reader then needs no checks of its own.
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
    """The line, from 1, of every table, key and list item of a TOML document, by its path."""
    return _Reader(text).lines


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.place = 0
        self.lines: dict[Path, int] = {(): 1}
        self.tables: dict[Path, int] = {}
        """How often each [[array of tables]] has been opened."""
        self._read()

    def _read(self) -> None:
        table: Path = ()
        while self._peek() is not None:
            if self._peek() == "[":
                table = self._header()
            elif self._peek() == "\n":
                self.place += 1
            else:
                self._pair(table)

    def _header(self) -> Path:
        """[table] or [[array of tables]]: two brackets in a row open the second kind."""
        line = self._take().line
        repeats = self._peek() == "["
        if repeats:
            self._take()
        keys = self._dotted_key("]")
        if repeats:
            self._take()
        path = self._inside_lists(keys[:-1])
        path = (*path, keys[-1])
        if repeats:
            self.lines.setdefault(path, line)
            count = self.tables.get(path, 0)
            self.tables[path] = count + 1
            path = (*path, count)
        self._note(path, line)
        return path

    def _inside_lists(self, keys: list[str]) -> Path:
        """The path of a table, through the last item of each list of tables on the way."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self.tables:
                path = (*path, self.tables[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        line = self.tokens[self.place].line
        path: Path = (*table, *self._dotted_key("="))
        self._note(path, line)
        self._value(path)

    def _dotted_key(self, end: str) -> list[str]:
        keys = []
        while (token := self._take()).text != end:
            if token.text != ".":
                keys.append(_unquoted(token.text))
        return keys

    def _value(self, path: Path) -> None:
        opening = self._take().text
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            while self._peek() not in (None, "\n", ",", "]", "}"):
                self._take()

    def _list(self, path: Path) -> None:
        index = 0
        while (token := self._skip_newlines()).text != "]":
            if token.text == ",":
                self._take()
                continue
            self._note((*path, index), token.line)
            self._value((*path, index))
            index += 1
        self._take()

    def _inline_table(self, path: Path) -> None:
        while (token := self._skip_newlines()).text != "}":
            if token.text == ",":
                self._take()
                continue
            self._pair(path)
        self._take()

    def _skip_newlines(self) -> _Token:
        while self._peek() == "\n":
            self.place += 1
        return self.tokens[self.place]

    def _note(self, path: Path, line: int) -> None:
        """A key's line, and that of tables which only dotted keys open."""
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


def _unquoted(key: str) -> str:
    """A key without its quotes; escapes in quoted keys are resolved as the standard library does."""
    if key[0] == "'":
        return key[1:-1]
    if key[0] == '"':
        return str(next(iter(tomllib.loads(f"{key} = 0"))))
    return key

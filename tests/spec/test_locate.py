"""Where the keys of a TOML file stand, in every way TOML has to write them."""

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from suite.spec.locate import Path, locate


def paths(data: Any, path: Path = ()) -> Iterator[Path]:
    """Every table, key and list item of parsed TOML."""
    yield path
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield from paths(value, (*path, key))


def located(text: str) -> dict[Path, int]:
    """The lines of a document that `tomllib` accepts, of the same paths that it finds."""
    lines = locate(text)
    assert set(lines) == set(paths(tomllib.loads(text)))
    return lines


def test_keys_of_tables_stand_where_they_are_written():
    """Blank lines and comments count as lines."""
    lines = located('# a study\ntitle = "x"\n\n[family]  # equal size\ndepth = 3\n[measure.v3]\n\ndraws = 1\n')

    assert lines == {
        (): 1,
        ("title",): 2,
        ("family",): 4,
        ("family", "depth"): 5,
        ("measure",): 6,
        ("measure", "v3"): 6,
        ("measure", "v3", "draws"): 8,
    }


def test_a_table_that_is_opened_after_its_child_has_its_own_line():
    """A header outranks the child's header that implied the table."""
    assert located("[a.b]\nx = 1\n[a]\ny = 2\n")[("a",)] == 3


def test_items_of_arrays_of_tables_are_counted():
    """The list itself stands at its first item; subtables belong to the last item."""
    lines = located(
        "[[f]]\nx = 1\n[[f]]\nx = 2\n[f.sub]\ny = 3\n[[f.deep]]\nz = 4\n[[f.deep]]\nz = 5\n[[f]]\n[[f.deep]]\n"
    )

    assert lines[("f",)] == lines[("f", 0)] == 1
    assert (lines[("f", 1)], lines[("f", 1, "x")]) == (3, 4)
    assert (lines[("f", 1, "sub")], lines[("f", 1, "sub", "y")]) == (5, 6)
    assert (lines[("f", 1, "deep", 0)], lines[("f", 1, "deep", 1, "z")]) == (7, 10)
    assert (lines[("f", 2)], lines[("f", 2, "deep", 0)]) == (11, 12)


def test_nested_inline_tables_are_followed():
    """A table may open a list, which may break the line and open tables."""
    lines = located('a = { b = { c = 1, d = [\n  { e = 2 },\n  { e = { f = "}" } }] }, g = 3 }\nh = 4\n')

    assert lines[("a", "b", "d")] == 1
    assert (lines[("a", "b", "d", 0, "e")], lines[("a", "b", "d", 1, "e", "f")]) == (2, 3)
    assert (lines[("a", "g")], lines[("h",)]) == (3, 4)


def test_items_of_a_list_over_several_lines_have_their_own_lines():
    """Comments with brackets and commas inside lists, nested lists and a comma at the end."""
    lines = located("x = [ # [1, 2\n  1,\n  # ]\n  [2,\n   3], 4,\n]\ny = 5\n")

    assert lines == {
        (): 1,
        ("x",): 1,
        ("x", 0): 2,
        ("x", 1): 4,
        ("x", 1, 0): 4,
        ("x", 1, 1): 5,
        ("x", 2): 5,
        ("y",): 7,
    }


def test_what_strings_hold_is_not_read_as_toml():
    """Number signs, equals signs, brackets, quotes and line ends inside strings of all four kinds."""
    text = (
        's = """\n# no comment\n[no.header]\nk = 1 \\"""" # an escaped quote, and one before the end\n'
        "t = '''\n[[no]]\n'quoted' = \"\"\" '''\n"
        'u = "# = [ { \\" ]"\n'
        "v = '# = [ { \\'\n"
        'w = """"two"" quotes"""\n'
        'last = ""\n'
    )

    assert located(text) == {(): 1, ("s",): 1, ("t",): 5, ("u",): 8, ("v",): 9, ("w",): 10, ("last",): 11}


def test_dotted_keys_open_their_tables():
    """Blanks around the dots, and a second key of the same table."""
    lines = located("a.b . c = 1\na.b.d = 2\n[t]\nx.y = 3\n")

    assert lines[("a",)] == lines[("a", "b")] == lines[("a", "b", "c")] == 1
    assert lines[("a", "b", "d")] == 2
    assert (lines[("t", "x")], lines[("t", "x", "y")]) == (4, 4)


def test_quoted_keys_are_their_content():
    """Dots, brackets, escapes and nothing at all inside quotes."""
    lines = located('"a.b" = 1\n\'c]\' = 2\n"\\u00e9\\"" = 3\n[t."]".\'=\']\n\'\' = 4\n')

    assert lines[("a.b",)] == 1
    assert lines[("c]",)] == 2
    assert lines[('é"',)] == 3
    assert lines[("t", "]", "=", "")] == 5


def test_values_with_dots_and_signs_are_not_keys():
    """Numbers, dates with blanks, infinities and booleans."""
    lines = located("a = -1.5e-3\nb = 1979-05-27 07:32:00.5\nc = [+inf, 1_0.0, true]\nd = 2024-01-01T00:00:00-07:00\n")

    assert (lines[("c", 2)], lines[("d",)]) == (3, 4)


def test_lines_that_end_in_carriage_returns_count_once():
    """Also before the loader evens them out."""
    text = "[a]\nx = [\n  1, # one\n  2,\n]\n\ny = '''\n\n'''\nz = 1\n"

    assert located(text.replace("\n", "\r\n")) == located(text)


def test_a_document_without_an_end_of_line_is_read_to_its_end():
    """The last line may be a header, a pair or a comment."""
    assert located("a = 1\n[b]")[("b",)] == 2
    assert located("a = 1\nb = [1]")[("b", 0)] == 2
    assert located("# nothing") == {(): 1}


TRICKY = "ab #=[]{},.'\"\\\n\té"
KEYS = st.one_of(st.text("abxyz_-019", min_size=1, max_size=3), st.text(TRICKY.replace("\n", ""), max_size=3))
SCALARS = st.one_of(st.integers(-99, 99), st.booleans(), st.sampled_from([0.5, -1e-30]), st.text(TRICKY, max_size=9))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3),
        st.lists(st.dictionaries(KEYS, inner, max_size=2), min_size=1, max_size=3),
    ),
    max_leaves=10,
)


class Writer:
    """Writes data as TOML in a layout of its own choice, and notes at which line each path comes to stand."""

    def __init__(self, data: dict[str, Any], draw: st.DrawFn) -> None:
        self.draw, self.text = draw, ""
        self.lines: dict[Path, int] = {(): 1}
        self._table((), (), data)

    def _choose(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def _note(self, path: Path) -> None:
        line = self.text.count("\n") + 1
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], line)

    def _end_line(self) -> None:
        self.text += self._choose("\n", "\n", " # ] } = \"'\n", "\n\n", "\n# [x]\n  ")

    def _table(self, path: Path, header: tuple[str, ...], table: dict[str, Any]) -> None:
        later = []
        for key, value in table.items():
            tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if (tables or isinstance(value, dict)) and self._choose(True, False):
                later.append((key, value))
            else:
                self._pair(path, (key,), value)
                self._end_line()
        for key, value in later:
            full = (*header, key)
            title = self._choose(".", " . ").join(map(self._key, full))
            if isinstance(value, list):
                for place, item in enumerate(value):
                    self._note((*path, key, place))
                    self.text += f"[[{title}]]"
                    self._end_line()
                    self._table((*path, key, place), full, item)
            else:
                self._note((*path, key))
                self.text += f"[{title}]"
                self._end_line()
                self._table((*path, key), full, value)

    def _pair(self, path: Path, keys: tuple[str, ...], value: Any) -> None:
        """One key with its value, or a table as dotted keys on lines of their own."""
        full = (*path, *keys)
        if isinstance(value, dict) and value and self._choose(True, False) and self.may_break:
            for place, (key, inner) in enumerate(value.items()):
                if place:
                    self._end_line()
                self._pair(path, (*keys, key), inner)
            return
        self._note(full)
        self.text += ".".join(map(self._key, keys)) + self._choose("=", " = ")
        self._value(full, value)

    may_break = True
    """Whether pairs may end their lines here: not inside an inline table."""

    def _value(self, path: Path, value: Any) -> None:
        if isinstance(value, dict):
            outer, self.may_break = self.may_break, False
            self.text += "{ "
            for place, (key, inner) in enumerate(value.items()):
                self.text += ", " if place else ""
                self._pair(path, (key,), inner)
            self.text += " }"
            self.may_break = outer
        elif isinstance(value, list):
            self.text += "["
            for place, item in enumerate(value):
                self.text += "," if place else ""
                self.text += self._choose("", " ", "\n", " # , ]\n\t")
                self._note((*path, place))
                self._value((*path, place), item)
            self.text += self._choose("", ",", ", # end\n") if value else ""
            self.text += self._choose("", "\n") + "]"
        elif isinstance(value, str):
            self.text += self._string(value)
        else:
            self.text += str(value).lower()

    def _key(self, key: str) -> str:
        quoted = [json.dumps(key, ensure_ascii=False)]
        quoted += [f"'{key}'"] if "'" not in key else []
        bare = [key] if key and set(key) <= set("abxyz_-019") else []
        return str(self._choose(*quoted, *bare))

    def _string(self, value: str) -> str:
        escaped = value.replace("\\", "\\\\").replace('"""', '""\\"')
        kinds = [json.dumps(value, ensure_ascii=False), f'"""\n{escaped}"""']
        kinds += [f"'''\n{value}'''"] if "'''" not in value else []
        kinds += [f"'{value}'"] if not set("'\n") & set(value) else []
        return str(self._choose(*kinds))


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], Writer]:
    """Nested data, with one way to write them."""
    data = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    return data, Writer(data, draw)


@settings(max_examples=300)
@given(documents())
def test_every_key_of_every_layout_is_found_at_its_line(document: tuple[dict[str, Any], Writer]):
    """Headers, arrays of tables, dotted keys, inline tables, lists and strings in any nesting."""
    data, written = document
    assert tomllib.loads(written.text) == data, written.text

    assert locate(written.text) == written.lines
    assert set(written.lines) == set(paths(data))

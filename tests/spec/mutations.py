"""Specs that have been damaged at random: bytes, lines, values and keys of sound ones, from a seed."""

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
SOUND = sorted([*(ROOT / "specs").glob("*.toml"), *(ROOT / "tests" / "specs").glob("*.toml")])
"""The shipped specs, from which all mutants descend."""

NASTY = [
    *("0", "-1", "1", "2", "3", "255", "256", "257", "1_000", "1_000_000", "1_000_000_000", "1_000_000_000_000"),
    *("2147483648", "9223372036854775807", "9223372036854775808", f"1{'0' * 30}", f"1{'0' * 400}"),
    *(f"0x{'f' * 20}", f"0x{'f' * 6000}", f"{'7' * 5000}", "0b101", "0o17"),
    *("0.0", "-0.0", "0.1", "0.5", "1.0", "1.5", "1e-3", "1e3", "1e-30", "1e30", "1e308", "-1e308", "5e-324"),
    *("1e-160", "1e160", "1e999", "nan", "-nan", "inf", "-inf"),
    *('""', '" "', f'"{"x" * 5000}"', f'"{"é" * 5000}"', r'"\u0000"', r'"\u001b[31mred\u001b[0m"', r'"a\nb\r\tc"'),
    *(
        r'"\u202eevil\u2069"',
        r'"\ud800"',
        '"\u202e\u2028\u0085"',
        "'''a\nb'''",
        '"""a\n\n\\u0007b"""',
        '"\U0001d493elu"',
        '"\uff52\uff45\uff4c\uff55"',
    ),
    *('"</script><script>alert(1)</script>"', '"{{ 7*7 }}"', '"os:system"', '"../../etc/passwd"', '"%n%s{0}{x!r}"'),
    *("true", "false", "2020-01-01", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.999999-07:00"),
    *("[]", "[[]]", "[1, 2]", "[1, 1]", "[1, 1.0, true]", "[nan, nan]", '["relu", "relu"]', "[{}]", "{}", "[{}, {}]"),
    *(f"{'[' * 200}{']' * 200}", f"{'{a=' * 100}1{'}' * 100}", f"{'[' * 330}1{']' * 330}", f"{'[' * 2000}{']' * 2000}"),
    *(f"[{', '.join(map(str, range(1, 40)))}]", f"[{', '.join(map(str, range(1, 3000)))}]", '{ name = "relu" }'),
    *(
        '{ name = "elu", alpha = [0.5, 1e300] }',
        '{ name = ["elu", "relu"] }',
        '{ name = "s_exp", linear_region = 1e-9 }',
    ),
    *('{ name = "htanh", linear_region = 1e200 }', '{ name = "leaky_relu", slope = -0.999999 }', '"softplus"', '"sin"'),
    *('{ scheme = "variance", weight_variance = 1e-300 }', '{ scheme = "critical", bias_std = 1e150 }', '"orthogonal"'),
    *(
        '{ scheme = "orthogonal", bias_std = 1e-200 }',
        '{ kind = "ball", radius = 1e-300 }',
        '"data_dependent"',
        '"batch"',
    ),
    *(
        '{ kind = "box", half_width = 1e300 }',
        '{ kind = "box", low = [0, 1e300], high = [1, 2] }',
        '{ kind = "box", low = -1e-300, high = 1e-300 }',
        '{ kind = "data" }',
        '{ name = "digits", train = 10, test = 10 }',
        '"sphere"',
        '["none", "layer"]',
    ),
    *('{ name = "sgd", learning_rate = [1, 2], batch = [1, 2] }', '"v3"', '"checkerboard"', "[true, false]", "[1, 64]"),
]
"""Values that a spec's key has probably not been written for."""

KEYS = [
    *("title", "source", "claims", "findings", "seed", "domain", "family", "measure", "parameters", "width", "inputs"),
    *("outputs", "depth", "activation", "initialization", "normalization", "residual", "tolerance", "name", "scheme"),
    *(
        "kind",
        "half_width",
        "low",
        "high",
        "radius",
        "draws",
        "step",
        "lines",
        "dtype",
        "precision",
        "precision_of",
        "max_draws",
    ),
    *("threshold", "cosine", "input_variance", "task", "optimizer", "steps", "replicates", "success", "max_error"),
    *("layers", "points", "train", "test", "validation", "squares", "learning_rate", "batch", "momentum"),
    *("schedule", "warmup", "clip"),
    *("weight_decay", "slope", "alpha", "linear_region", "bias_std", "weight_variance", "__class__", "model_fields"),
    *("readout_std", "omega", "dormant_threshold", "saturation_margin"),
    *(
        '""',
        r'"\u001b[2J"',
        r'"a\nb"',
        f'"{"k" * 3000}"',
        "'é'",
        "a.b",
        ".".join("abc" * 20),
        ".".join("k" * 3000),
        "0",
    ),
]
"""Keys of specs, and some of no spec."""

TABLES = [
    *("[family]", "[[family]]", "[measure]", "[[measure]]", "[measure.v3]", "[[measure.v3]]", "[measure.v3_limit]"),
    *("[measure.collapse]", "[measure.gradients]", "[measure.dead_neurons]", "[measure.trainability]", "[domain]"),
    *("[measure.correlation]", "[measure.jacobian]", "[measure.accuracy]", "[measure.feature_diversity]", "[title]"),
    *("[measure.revival]", "[measure.activation_ratio]", "[measure.landscape]", "[family.activation]", "[seed]", "[]"),
    *("[[family.activation]]", "[measure.accuracy.task]", "[[measure.accuracy.optimizer]]", '["a\\nb"]', "[a.b.c.d]"),
]

BYTES = [
    *(b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b"\x1b", b"\x7f", b"\x85"),
    *(b'"', b"'", b'"""', b"'''", b"[", b"]", b"{", b"}", b"=", b",", b".", b"#", b"\\", b" ", b"\t", b"-", b"_", b"e"),
]

_VALUE = re.compile(r'"[^"\n]*"|[+-]?\d[\w.+-]*|\b(?:true|false)\b')
_KEY = re.compile(r"\b[A-Za-z_]\w*+(?=\s*=)")
_AFTER_EQUALS = re.compile(r"(?<== )[^\n]+")


def mutant(seed: int) -> bytes:
    """A spec with one fault or several; the same for the same seed."""
    random = Random(seed)
    content = random.choice(SOUND).read_bytes()
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 5, 12))):
        content = random.choice(MUTATIONS)(random, content)
    return content


def _in_text(change: Callable[[Random, str], str]) -> Callable[[Random, bytes], bytes]:
    """A mutation of text as one of bytes; what is no text any more passes through it unchanged."""
    return lambda random, content: change(random, content.decode(errors="surrogateescape")).encode(
        errors="surrogateescape"
    )


def _at(random: Random, content: bytes) -> int:
    return random.randrange(len(content) + 1)


def _flip(random: Random, content: bytes) -> bytes:
    place = _at(random, content)
    return content[:place] + bytes([random.randrange(256)]) + content[place + 1 :]


def _cut(random: Random, content: bytes) -> bytes:
    place = _at(random, content)
    return content[:place] + content[place + random.choice((1, 2, 10, 100)) :]


def _end(random: Random, content: bytes) -> bytes:
    return content[: _at(random, content)]


def _insert(random: Random, content: bytes) -> bytes:
    place = _at(random, content)
    return content[:place] + random.choice(BYTES) * random.choice((1, 1, 1, 3)) + content[place:]


def _line_ends(random: Random, content: bytes) -> bytes:
    return random.choice((b"", b"\xef\xbb\xbf")) + content.replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\n")))


def _lines(random: Random, text: str) -> str:
    lines = text.split("\n")
    place, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[place]
        case 1:
            lines.insert(other, lines[place])
        case 2:
            lines.insert(other, lines.pop(place))
        case 3:
            lines.insert(place, random.choice(TABLES))
        case _:
            lines.insert(place, f"{random.choice(KEYS)} = {random.choice(NASTY)}")
    return "\n".join(lines)


def _replaced(random: Random, text: str, pattern: re.Pattern[str], new: str) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text
    place = random.choice(found)
    return text[: place.start()] + new + text[place.end() :]


def _value(random: Random, text: str) -> str:
    return _replaced(random, text, _VALUE, random.choice(NASTY))


def _whole_value(random: Random, text: str) -> str:
    return _replaced(random, text, _AFTER_EQUALS, random.choice(NASTY))


def _swapped_value(random: Random, text: str) -> str:
    """A value that stands elsewhere in the file, so of the right kind more often."""
    return _replaced(random, text, _VALUE, random.choice(_VALUE.findall(text) or ["1"]))


def _grown_value(random: Random, text: str) -> str:
    """A number made larger or smaller by some powers of ten or two."""
    return _replaced(random, text, re.compile(r"\b\d+\b"), str(random.choice((2, 10)) ** random.randrange(60)))


def _key(random: Random, text: str) -> str:
    return _replaced(random, text, _KEY, random.choice(KEYS))


def _crossed(random: Random, text: str) -> str:
    """A table of another spec at the end."""
    other = random.choice(SOUND).read_text()
    tables = re.split(r"\n(?=\[)", other)
    return f"{text}\n{random.choice(tables)}\n"


MUTATIONS: list[Callable[[Random, bytes], bytes]] = [
    *(_flip, _cut, _end, _insert, _line_ends),
    *map(
        _in_text, (_lines, _lines, _value, _value, _value, _whole_value, _whole_value, _swapped_value, _swapped_value)
    ),
    *map(_in_text, (_grown_value, _grown_value, _grown_value, _key, _key, _crossed)),
]
"""Every way to damage a spec, those of values more often since most others end at the parser."""

"""Specs that are wrong, one fault each: where the fault is reported and what the hint says."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VALID = """\
title = "A study of small networks"
seed = 7

[family]
parameters = 500
inputs = 2
depth = [1, 2, 3]
activation = "relu"
initialization = { scheme = "critical", bias_std = 0.1 }

[measure.v3]
draws = 16
step = 0.25

[measure.accuracy]
task = { name = "checkerboard", squares = 2, train = 64, test = 64 }
optimizer = { name = "adam", learning_rate = 0.01, batch = 32 }
steps = 10
replicates = 2
"""

SECOND_FAMILY = """\
[[family]]
parameters = 1_000_000_000_000
inputs = 2
depth = 3
activation = "abs"
"""


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        id: what is wrong.
        write: makes the files in a folder and returns the paths to load; the last one is at fault.
        line: reported line; 0 where there is no file that could have one.
        key: reported key, empty where the whole file is meant.
        fragment: a part of the message that holds its hint.
    """

    id: str
    write: Callable[[Path], list[Path]]
    line: int
    key: str
    fragment: str

    @property
    def place(self) -> str:
        """What follows on the file's path in a message."""
        return f":{self.line}: " if self.line else ": "


def _file(content: str | bytes, name: str = "study.toml") -> Callable[[Path], list[Path]]:
    def write(folder: Path) -> list[Path]:
        file = folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return [file]

    return write


def _edited(id: str, old: str, new: str, line: int, key: str, fragment: str) -> Case:  # a row
    assert VALID.count(old) == 1, f"{id}: {old!r} is not one place of the valid spec"
    return Case(id, _file(VALID.replace(old, new)), line, key, fragment)


def _changed(id: str, edits: dict[str, str], line: int, key: str, fragment: str) -> Case:
    """Several edits that make one fault together."""
    text = VALID
    for old, new in edits.items():
        assert text.count(old) == 1, f"{id}: {old!r} is not one place of the valid spec"
        text = text.replace(old, new)
    return Case(id, _file(text), line, key, fragment)


def _in_domain(id: str, domain: str, line: int, key: str, fragment: str, step: str = "0.25") -> Case:
    """[domain] in line 11, its keys from line 12 on, v3's step two lines below the last."""
    edits = {"[measure.v3]": f"[domain]\n{domain}\n[measure.v3]", "step = 0.25": f"step = {step}"}
    return _changed(id, edits, line, key, fragment)


def _added(id: str, measures: str, line: int, key: str, fragment: str) -> Case:
    """Tables after the last one, from line 20 on."""
    return Case(id, _file(VALID + measures), line, key, fragment)


BETWEEN = 'axis = "depth"\nvalue = 1\nthan = 2'
"""Two settings of the valid spec, in three lines of a claim."""


def _claimed(id: str, claim: str, line: int, key: str, fragment: str) -> Case:
    """A claim that can never be judged, its lines counted from its head at 0, in a study that also has layers."""
    more = "[measure.jacobian]\n[measure.dead_neurons]\n"
    text = VALID.replace(
        "learning_rate = 0.01, batch = 32 }",
        'learning_rate = 0.01, batch = 32 }, { name = "sgd", learning_rate = 0.01, batch = 32 }]',
    )
    text = text.replace("optimizer = {", "optimizer = [{")
    assert text.count("sgd") == 1
    full = f'{text}{more}[[claim]]\nsays = "So."\n{claim}\n'
    return Case(id, _file(full), 22 + line, f"claim.{key}" if key else "claim", fragment)


def _told(id: str, predict: str, line: int, key: str, fragment: str) -> Case:
    """A tournament in line 21, of as many members as one needs."""
    text = VALID.replace("depth = [1, 2, 3]", "depth = [1, 2, 3, 4, 5, 6]") + f"\n[predict]\n{predict}\n"
    return Case(id, _file(text), line, key, fragment)


def _untrained(id: str, name: str, fragment: str) -> Case:
    """A measure in line 15, where the training stood."""
    text = VALID[: VALID.index("[measure.accuracy]")] + f"[measure.{name}]\n"
    return Case(id, _file(text), 15, f"measure.{name}", fragment)


def _untrained_on_data(id: str, fragment: str) -> Case:
    """A domain of data in line 3, in a study that trains nothing."""
    text = VALID[: VALID.index("[measure.accuracy]")].replace("seed = 7", 'seed = 7\ndomain = { kind = "data" }')
    return Case(id, _file(text), 3, "domain", fragment)


def _named(id: str, name: str, fragment: str) -> Case:
    return Case(id, _file(VALID, name), 1, "", fragment)


def _twins(folder: Path) -> list[Path]:
    files = []
    for subfolder, name in (("one", "Study.toml"), ("two", "study.toml")):
        (folder / subfolder).mkdir()
        files += _file(VALID, name)(folder / subfolder)
    return files


def _pipe(folder: Path) -> list[Path]:
    os.mkfifo(folder / "study.toml")
    return [folder / "study.toml"]


def _endless_device(folder: Path) -> list[Path]:
    (folder / "study.toml").symlink_to("/dev/zero")
    return [folder / "study.toml"]


def _dangling_link(folder: Path) -> list[Path]:
    (folder / "link.toml").symlink_to(folder / "gone.toml")
    return [folder / "link.toml"]


def _folder_like_a_file(folder: Path) -> list[Path]:
    (folder / "study.toml").mkdir()
    return [folder / "study.toml"]


def _folder_of_notes(folder: Path) -> list[Path]:
    (folder / "specs").mkdir()
    (folder / "specs" / "notes.txt").write_text(VALID)
    return [folder / "specs"]


CASES = [
    # files
    Case("missing path", lambda folder: [folder / "absent.toml"], 0, "", "check the path"),
    Case("dangling link", _dangling_link, 0, "", "check the path"),
    Case("folder named like a spec", _folder_like_a_file, 0, "", "use a folder of specs, or a spec file"),
    Case("pipe", _pipe, 0, "", "save the spec as a file"),
    Case("link to a device without end", _endless_device, 0, "", "save the spec as a file"),
    Case("file too large", _file(VALID + "#" * 200_000), 1, "", "check the path, or split the spec"),
    Case("folder without toml", _folder_of_notes, 0, "", "use a folder of specs, or a spec file"),
    Case("path too long", lambda folder: [folder / ("x" * 300 + ".toml")], 0, "", "check the path"),
    Case("empty file", _file(""), 1, "", "add title, seed, [family] and a [measure.NAME] table"),
    Case("blank file", _file(" \n\n"), 1, "", "add title, seed, [family] and a [measure.NAME] table"),
    Case("comments only", _file("# later\n"), 1, "title", "title is missing; add it"),
    Case("not UTF-8", _file(VALID.encode().replace(b"small", b"sm\xe4ll")), 1, "", "save the file as UTF-8"),
    Case(
        "not UTF-8 further down",
        _file(VALID.encode().replace(b"[measure.v3]", b"# gr\xf6\xdfe")),
        11,
        "",
        "save the file as UTF-8",
    ),
    _named("name reserved for asv", "asv.toml", "reserved in results/; rename the file"),
    _named("name reserved for the reference", "Reference.toml", "reserved in results/; rename the file"),
    _named("name that starts with a dot", ".hidden.toml", "rename the file (1 to 100 characters: letters, digits"),
    _named("name with a blank", "my study.toml", "rename the file (1 to 100 characters: letters, digits"),
    _named("name too long for a folder", "n" * 101 + ".toml", "1 to 100 characters"),
    _named("name that ends with a dot", "study..toml", "'.' (not first or last)"),
    _named(
        "name of nothing but a dot", "..toml", "expected a .toml file" if Path("..toml").suffix != ".toml" else "rename"
    ),
    _named("name of two dots", "...toml", "expected a .toml file" if Path("...toml").suffix != ".toml" else "rename"),
    _named("name that looks like another", "\u0455tudy.toml", "rename the file (1 to 100 characters: letters, digits"),
    _named("name of a file in results", "readme.MD.toml", "reserved in results/; rename the file"),
    *(
        _named(f"name of a device, {name}", name, "is a device name on Windows; rename the file")
        for name in ("nul.toml", "CON.toml", "com1.v2.toml", "lpt9.toml", "aux.toml", "PRN.toml")
    ),
    _named("other suffix", "study.txt", "expected a .toml file"),
    Case("two specs of one name", _twins, 1, "", "rename one of them"),
    # TOML
    _edited("value without quotes", '"relu"', "relu", 8, "", 'text needs quotes: activation = "relu"'),
    _edited("list without quotes", '"relu"', '["abs", relu]', 8, "", 'Invalid value; text needs quotes: "relu"'),
    _edited(
        "title without quotes", '"A study of small networks"', "A study, small # x", 1, "", ': title = "A study, small"'
    ),
    _edited("boolean of Python", "inputs = 2", "inputs = 2\nresidual = True", 7, "", "Invalid value; write true"),
    _edited("text with one quote", '"relu"', 'relu"', 8, "", "Invalid value; fix the line"),
    _edited("two points in a number", "step = 0.25", "step = 0.2.5", 13, "", "fix the line"),
    _edited("open string at the end", "replicates = 2\n", 'source = """', 19, "", "fix the line"),
    _edited("key twice", "seed = 7\n", "seed = 7\nseed = 8\n", 3, "", "fix the line"),
    _edited("endless number", "seed = 7", "seed = " + "7" * 5000, 1, "", "shorten it"),
    _edited("endless nesting", "seed = 7", "seed = " + "[" * 9000 + "]" * 9000, 1, "", "shorten it"),
    _edited("endless number in another base", "seed = 7", f"seed = 0x{'f' * 6000}", 1, "", "shorten it"),
    _edited("endless nesting by dots", "seed = 7", f"seed{'.a' * 90_000} = 7", 1, "", "shorten it"),
    _edited("more nesting than specs have", "seed = 7", f"seed = {'[' * 40}{']' * 40}", 1, "", "shorten it"),
    _edited(
        "key with line breaks and colors",
        "seed = 7",
        r"seed = 7" + "\n" + r'"a\n\u001b[31m" = 1',
        3,
        r"'a\n\x1b[31m'",
        "unknown key",
    ),
    _edited("key that turns the line around", "seed = 7", 'seed = 7\n"\u202e" = 1', 3, r"'\u202e'", "unknown key"),
    _edited("endless key", "seed = 7", f"seed = 7\n{'k' * 5000} = 1", 3, f"{'k' * 57}...", "unknown key"),
    # code, which no spec can name
    _edited("code for an activation", '"relu"', '"os:system"', 8, "family.activation", "'os:system' is not known"),
    _edited(
        "code for a scheme", 'scheme = "critical"', 'scheme = "os:system"', 9, "family.initialization", "is not known"
    ),
    _edited("code for a measure", "[measure.v3]", '[measure."os:system"]', 11, "measure.'os:system'", "unknown key"),
    _edited(
        "code for a task", '"checkerboard"', '"os:system"', 16, "measure.accuracy.task", "'os:system' is not known"
    ),
    _edited("code for an optimizer", '"adam"', '"os:system"', 17, "measure.accuracy.optimizer", "is not known"),
    _edited(
        "function of a task",
        "squares = 2",
        'squares = 2, function = "os:system"',
        16,
        "measure.accuracy.task.function",
        "unknown key",
    ),
    # what an activation needs
    _edited(
        "too bare a name",
        '"relu"',
        '"s_exp"',
        8,
        "family.activation",
        'write activation = { name = "s_exp", linear_region = 1.0 }',
    ),
    _edited(
        "no linear region",
        '"relu"',
        '{ name = "s_exp", linear_region = 0 }',
        8,
        "family.activation.linear_region",
        "expected a number > 0",
    ),
    # unknown names
    _edited("unknown top-level key", "seed = 7", "sead = 7\nseed = 7", 2, "sead", "did you mean seed?"),
    _edited(
        "unknown table",
        "[family]",
        "[notes]\nx = 1\n[family]",
        4,
        "notes",
        "use one of claim, claims, domain, family,",
    ),
    _edited(
        "unknown family key",
        "inputs = 2",
        "inputs = 2\ndepths = 3",
        7,
        "family.depths",
        "did you mean depth?",
    ),
    _edited(
        "unknown measure",
        "[measure.v3]",
        "[measure.v4]",
        11,
        "measure.v4",
        "use one of accuracy, activation_ratio,",
    ),
    _edited(
        "misspelt measure",
        "[measure.v3]",
        "[measure.colapse]",
        11,
        "measure.colapse",
        "did you mean collapse?",
    ),
    _edited("a name from elsewhere", '"relu"', '"swish"', 8, "family.activation", "did you mean silu?"),
    _edited("a key from elsewhere", "depth = ", "n_layers = 3\ndepth = ", 7, "family.n_layers", "did you mean depth?"),
    _edited("a paper's word", "[measure.v3]", "[measure.variability]", 11, "measure.variability", "did you mean v3?"),
    _added("claims as tables", '[[claims]]\nsays = "So."\n', 20, "claims", "got { says = 'So.' }; write [[claim]]"),
    _added("claims as one table", '[claims]\nsays = "So."\n', 20, "claims", "got { says = 'So.' }; write [[claim]]"),
    _edited("families", "[family]", "[[families]]", 4, "families", "unknown key; did you mean [[family]]?"),
    _edited("one table of families", "[family]", "[families]", 4, "families", "did you mean [family]?"),
    _edited("measures", "[measure.v3]", "[measures.v3]", 11, "measures", "did you mean [measure.v3]?"),
    _edited("measure in a list", "[measure.v3]", "[[measure.v3]]", 11, "measure.v3", "; write [measure.v3] once"),
    _added("predictors", '[[predictors]]\noutcome = "success"\n', 20, "predictors", "did you mean [predict]?"),
    _edited("unknown measure key", "draws = 16", "draw = 16", 12, "measure.v3.draw", "did you mean draws?"),
    _edited(
        "unknown activation",
        '"relu"',
        '[\n  "abs",\n  "rellu",\n]',
        10,
        "family.activation",
        "did you mean relu? Entries of a plug-in need --plugin FILE",
    ),
    _edited(
        "unknown activation, like another by chance",
        '"relu"',
        '"shrink"',
        8,
        "family.activation",
        ", tanh; entries of a plug-in need --plugin FILE",
    ),
    _edited(
        "unknown activation, nothing near",
        '"relu"',
        '"heaviside"',
        8,
        "family.activation",
        "use one of abs, elu, erf,",
    ),
    _edited(
        "unknown key of an activation",
        '"relu"',
        '{ name = "leaky_relu", slop = 0.1 }',
        8,
        "family.activation.slop",
        "did you mean slope?",
    ),
    _edited(
        "unknown activation after one that is an axis",
        '"relu"',
        '[\n  { name = "elu", alpha = [0.5, 1.0] },\n  "rellu",\n  "abs",\n  "tanh",\n]',
        10,
        "family.activation",
        "did you mean relu?",
    ),
    _edited(
        "unknown scheme",
        'scheme = "critical"',
        'scheme = "critcal"',
        9,
        "family.initialization",
        "did you mean critical?",
    ),
    _edited(
        "unknown key of a scheme",
        "bias_std = 0.1",
        "bias_sd = 0.1",
        9,
        "family.initialization.bias_sd",
        "did you mean bias_std?",
    ),
    _edited("unknown task", '"checkerboard"', '"sudoku"', 16, "measure.accuracy.task", "use one of absolute_value,"),
    _edited("misspelt task", '"checkerboard"', '"chekerboard"', 16, "measure.accuracy.task", "mean checkerboard?"),
    _edited(
        "unknown key of a task",
        "squares = 2",
        "square = 2",
        16,
        "measure.accuracy.task.square",
        "did you mean squares?",
    ),
    _edited("unknown optimizer", '"adam"', '"adem"', 17, "measure.accuracy.optimizer", "did you mean adam?"),
    _edited(
        "key of another optimizer",
        "batch = 32",
        "batch = 32, momentum = 0.9",
        17,
        "measure.accuracy.optimizer.momentum",
        "use one of batch, clip, learning_rate, name, schedule, warmup, weight_decay",
    ),
    _edited(
        "choice without a name",
        '{ scheme = "critical", bias_std = 0.1 }',
        "{ bias_std = 0.1 }",
        9,
        "family.initialization",
        "name is missing; add name, one of auto, variance_preserving, critical, he, ",
    ),
    _edited(
        "biases that exceed the variance to preserve",
        'scheme = "critical", bias_std = 0.1',
        'scheme = "variance_preserving", bias_std = 1.0',
        9,
        "family.initialization.bias_std",
        "expected a number < 1, got 1: biases alone would have the variance that is preserved, 1; lower bias_std, or",
    ),
    _edited(
        "the same in the default scheme",
        'scheme = "critical", bias_std = 0.1',
        'scheme = "auto", bias_std = 2.5',
        9,
        "family.initialization.bias_std",
        "expected a number < 1, got 2.5",
    ),
    # missing and empty
    _edited("missing title", 'title = "A study of small networks"\n', "", 1, "title", "title is missing; add it"),
    Case(
        "missing inputs",
        _file(VALID.partition("[measure.accuracy]")[0].replace("inputs = 2\n", "")),
        4,
        "family",
        "inputs is missing, and there is no task that determines it; set it",
    ),
    _edited("missing steps", "steps = 10\n", "", 15, "measure.accuracy.steps", "steps is missing; add it"),
    _edited(
        "missing batch",
        ", batch = 32",
        "",
        17,
        "measure.accuracy.optimizer.batch",
        "batch is missing; add it",
    ),
    _edited(
        "bare name of an entry that needs more",
        '{ scheme = "critical", bias_std = 0.1 }',
        '"variance"',
        9,
        "family.initialization",
        'missing; write initialization = { name = "variance", weight_variance = 2.0 }',
    ),
    _edited("empty title", '"A study of small networks"', '""', 1, "title", "expected nonempty text"),
    _edited("empty list", "[1, 2, 3]", "[]", 7, "family.depth", "add at least one value"),
    _edited(
        "empty list in a choice",
        "bias_std = 0.1",
        "bias_std = []",
        9,
        "family.initialization",
        "at least one value",
    ),
    _edited("repeated value", "[1, 2, 3]", "[1, 2, 1]", 7, "family.depth", "1 is in the list twice; remove one"),
    Case(
        "nothing measured",
        _file(VALID[: VALID.index("[measure.v3]")] + "[measure]\n"),
        11,
        "measure",
        "add a table such as [measure.v3]",
    ),
    Case(
        "measure left out",
        _file(VALID[: VALID.index("[measure.v3]")]),
        1,
        "measure",
        "measure is missing; add a table such as [measure.v3]",
    ),
    # types
    _edited("text for a number", "draws = 16", 'draws = "16"', 12, "measure.v3.draws", "expected an integer"),
    _edited(
        "float for a whole number",
        "steps = 10",
        "steps = 1e3",
        18,
        "measure.accuracy.steps",
        "expected an integer",
    ),
    _edited("boolean for a number", "seed = 7", "seed = true", 2, "seed", "expected an integer"),
    _edited("boolean for a fraction", "step = 0.25", "step = true", 13, "measure.v3.step", "expected a number"),
    _edited("number for text", '"A study of small networks"', "3", 1, "title", "expected text in quotes"),
    _edited(
        "number for a table",
        "[measure.v3]\ndraws = 16\nstep = 0.25\n",
        "[measure]\nv3 = 3\n",
        12,
        "measure.v3",
        "expected a table",
    ),
    _edited("number for an activation", '"relu"', "3", 8, "family.activation", "expected a name or a table"),
    _edited(
        "list for a number",
        "steps = 10",
        "steps = [10, 20]",
        18,
        "measure.accuracy.steps",
        "expected an integer",
    ),
    _edited("not a number", "step = 0.25", "step = nan", 13, "measure.v3.step", "expected a finite number"),
    # ranges
    _edited("depth 0", "[1, 2, 3]", "[\n  2,\n  0,\n]", 9, "family.depth", "expected a number >= 1"),
    _edited("depth beyond reason", "[1, 2, 3]", "[1, 20_000]", 7, "family.depth", "expected a number <= 1000"),
    _edited("negative seed", "seed = 7", "seed = -1", 2, "seed", "expected a number >= 0"),
    _edited("seed too large", "seed = 7", "seed = 9223372036854775808", 2, "seed", "expected a number <"),
    _edited("no draws", "draws = 16", "draws = 0", 12, "measure.v3.draws", "expected a number >= 1"),
    _edited("negative step", "step = 0.25", "step = -0.25", 13, "measure.v3.step", "expected a number > 0"),
    _edited(
        "step that does not divide",
        "step = 0.25",
        "step = 0.3",
        13,
        "measure.v3.step",
        "such as 0.2857142857142857",
    ),
    _edited(
        "step without a third difference",
        "step = 0.25",
        "step = 1.0",
        13,
        "measure.v3.step",
        "such as 0.6666666666666666",
    ),
    _edited(
        "threshold out of range",
        "[measure.accuracy]",
        "[measure.collapse]\nthreshold = 1.5\n[measure.accuracy]",
        16,
        "measure.collapse.threshold",
        "expected a number < 1",
    ),
    _edited(
        "one point of a score",
        "[measure.accuracy]",
        "[measure.naswot]\npoints = 1\n[measure.accuracy]",
        16,
        "measure.naswot.points",
        "expected a number >= 2",
    ),
    _edited(
        "more points of a score than any kernel has",
        "[measure.accuracy]",
        "[measure.ntk]\npoints = 10_001\n[measure.accuracy]",
        16,
        "measure.ntk.points",
        "expected a number <= 10_000",
    ),
    Case(
        "tangent kernel beyond memory",
        _file(
            VALID[: VALID.index("[measure.accuracy]")].replace("inputs = 2", "inputs = 2\noutputs = 100")
            + "[measure.ntk]\npoints = 10_000\nstep = 0.0078125\n"
        ),
        17,
        "measure.ntk.points",
        "use fewer points",
    ),
    _edited("one square", "squares = 2", "squares = 1", 16, "measure.accuracy.task.squares", "expected a number >= 2"),
    _edited(
        "one bad value of an axis in a choice",
        "learning_rate = 0.01",
        "learning_rate = [0.01, 0.0]",
        17,
        "measure.accuracy.optimizer.learning_rate",
        "expected a number > 0",
    ),
    # limits
    _edited(
        "too many steps",
        "steps = 10",
        f"steps = 1{'0' * 16}",
        18,
        "measure.accuracy.steps",
        "expected a number <= 1_000_000_000_000_000",
    ),
    _edited(
        "too many cells",
        "draws = 16",
        "draws = 90_000_000",
        12,
        "measure.v3.draws",
        "1,054,692 cells, more than 1,000,000",
    ),
    _edited(
        "too many replicates",
        "replicates = 2",
        "replicates = 50_000_000",
        19,
        "measure.accuracy.replicates",
        "use fewer replicates or members",
    ),
    _edited(
        "too long a list",
        "[1, 2, 3]",
        str(list(range(1, 1002))),
        7,
        "family.depth",
        "the list has 1001 values, more than 1000; remove values from it",
    ),
    _edited(
        "too many members",
        "[1, 2, 3]",
        f"{list(range(1, 1001))}\noutputs = {list(range(1, 102))}",
        4,
        "family",
        "101,000 members, more than 100,000; remove values",
    ),
    _edited(
        "too many entries",
        "learning_rate = 0.01, batch = 32",
        f"learning_rate = {list(range(1, 102))}, batch = {list(range(1, 101))}",
        17,
        "measure.accuracy.optimizer",
        "give 10100 entries, more than 10000; remove values",
    ),
    _edited(
        "next to no bias",
        "bias_std = 0.1",
        "bias_std = 1e-7",
        9,
        "family.initialization.bias_std",
        "expected a number >= 1e-06, got 1e-07",
    ),
    _edited(
        "bias beyond reason",
        "bias_std = 0.1",
        "bias_std = 1e300",
        9,
        "family.initialization.bias_std",
        "expected a number <= 1_000_000",
    ),
    _edited("grid of a step next to 0", "step = 0.25", "step = 5e-324", 13, "measure.v3.step", "use a larger step"),
    # what does not fit together
    _edited("neither size", "parameters = 500\n", "", 4, "family", "set one of them"),
    _edited(
        "both sizes",
        "parameters = 500",
        "parameters = 500\nwidth = 8",
        4,
        "family",
        "expected either parameters or width; set one of them",
    ),
    _edited(
        "depth that cannot meet the budget",
        "[1, 2, 3]",
        "[\n  1,\n  400,\n]",
        9,
        "family.depth",
        "change depth or parameters, or increase family.tolerance",
    ),
    _edited("too many parameters", "500", "1_000_000_000_000", 5, "family.parameters", "use fewer parameters"),
    _edited("too wide", "parameters = 500", "width = 1_000_000", 5, "family.width", "use fewer parameters"),
    Case(
        "too many parameters in the second family",
        _file(VALID.replace("[family]", "[[family]]").replace("[measure.v3]", f"{SECOND_FAMILY}\n[measure.v3]")),
        12,
        "family.parameters",
        "use fewer parameters",
    ),
    _edited("too many draws", "draws = 16", "draws = 1_000_000_000_000", 12, "measure.v3.draws", "use fewer draws"),
    _edited(
        "too many training points",
        "train = 64",
        "train = 1_000_000_000_000",
        16,
        "measure.accuracy.task.train",
        "use fewer points",
    ),
    _edited(
        "batch larger than the training set",
        "batch = 32",
        "batch = 65",
        17,
        "measure.accuracy.optimizer.batch",
        "use a smaller batch, or more training points",
    ),
    _edited(
        "unknown schedule",
        "batch = 32",
        'batch = 32, schedule = "cosin"',
        17,
        "measure.accuracy.optimizer.schedule",
        "expected 'constant' or 'cosine'",
    ),
    _edited(
        "negative warm-up",
        "batch = 32",
        "batch = 32, warmup = -1",
        17,
        "measure.accuracy.optimizer.warmup",
        "expected a number >= 0, got -1",
    ),
    _edited(
        "warm-up of half a step",
        "batch = 32",
        "batch = 32, warmup = 0.5",
        17,
        "measure.accuracy.optimizer.warmup",
        "expected an integer",
    ),
    _edited(
        "clipping to 0",
        "batch = 32",
        "batch = 32, clip = 0",
        17,
        "measure.accuracy.optimizer.clip",
        "expected a number > 0",
    ),
    _edited(
        "clipping to no norm",
        "batch = 32",
        "batch = 32, clip = false",
        17,
        "measure.accuracy.optimizer.clip",
        "expected a number",
    ),
    _edited(
        "scheduler instead of schedule",
        "batch = 32",
        'batch = 32, scheduler = "cosine"',
        17,
        "measure.accuracy.optimizer.scheduler",
        "did you mean schedule?",
    ),
    _edited(
        "task for other inputs",
        "inputs = 2",
        "inputs = 3",
        16,
        "measure.accuracy.task.name",
        "change the family or the task",
    ),
    _edited(
        "an entry said twice, once inside a list",
        'optimizer = { name = "adam", learning_rate = 0.01, batch = 32 }',
        'optimizer = [{ name = "adam", learning_rate = [0.01, 0.02], batch = 32 }, '
        '{ name = "adam", learning_rate = 0.01, batch = 32 }]',
        17,
        "measure.accuracy.optimizer",
        "is in the list twice; remove one",
    ),
    _edited("a grid without end", "step = 0.25", "step = 0.000001", 13, "measure.v3.step", "use a larger step"),
    # domains
    _in_domain("unknown kind of domain", 'kind = "bal"', 11, "domain", "did you mean ball?"),
    _in_domain(
        "domain without a kind", "half_width = 2.0", 11, "domain", "name is missing; add name, one of box, ball, data"
    ),
    _in_domain("box without room", 'kind = "box"\nhalf_width = 0', 13, "domain.half_width", "expected a number > 0"),
    _in_domain(
        "box of several sizes",
        'kind = "box"\nhalf_width = [1.0, 2.0]',
        13,
        "domain.half_width",
        "expected a number",
    ),
    _in_domain(
        "radius of a box", 'kind = "box"\nradius = 2.0', 13, "domain.radius", "use one of half_width, high, low, name"
    ),
    _edited("bare name of a domain", "seed = 7", 'seed = 7\ndomain = "ball"', 3, "domain", "expected a table"),
    _in_domain(
        "box of two forms",
        'kind = "box"\nhalf_width = 2.0\nlow = 0.0',
        14,
        "domain.low",
        "half_width and low exclude each other; remove one of them",
    ),
    _in_domain(
        "box without an upper end",
        'kind = "box"\nlow = 0.0',
        11,
        "domain",
        "high is missing; add it, or use half_width",
    ),
    _in_domain(
        "box upside down",
        'kind = "box"\nlow = [0.0, 1.0]\nhigh = [1.0, 0.5]',
        14,
        "domain.high",
        "expected high above low by a millionth of its size or more, got low = 1.0 and high = 0.5",
    ),
    _in_domain(
        "ends of different numbers",
        'kind = "box"\nlow = [0.0, 1.0]\nhigh = [1.0, 2.0, 3.0]',
        14,
        "domain.high",
        "low has 2 values and high has 3; use one number, or one for each input",
    ),
    _in_domain(
        "box of other inputs than the family's",
        'kind = "box"\nlow = [0.0, 0.0, 0.0]\nhigh = 1.0',
        11,
        "domain",
        "the box has 3 inputs, the networks have 2; use one number for low and for high, or one for each input",
    ),
    _in_domain("end in words", 'kind = "box"\nlow = ["a", 0.0]\nhigh = 1.0', 13, "domain.low", "expected a number"),
    _in_domain("end far away", 'kind = "box"\nlow = -1e7\nhigh = 1.0', 13, "domain.low", "a number >= -1_000_000"),
    _in_domain("no ends", 'kind = "box"\nlow = []\nhigh = 1.0', 13, "domain.low", "the list is empty"),
    _in_domain(
        "step that does not divide each side",
        'kind = "box"\nlow = 0.0\nhigh = [1.0, 1.5]',
        17,
        "measure.v3.step",
        "0.2 does not divide the domain's sides of 1, 1.5 into 3 or more steps; use 0.5/n, such as 0.03125",
        step="0.2",
    ),
    _in_domain(
        "sides without a common step",
        'kind = "box"\nlow = 0.0\nhigh = [1.0, 1.7320508075688772]',
        17,
        "measure.v3.step",
        "into 3 or more steps; change low or high so that the sides have one",
        step="0.2",
    ),
    _untrained_on_data(
        "data without a task", "data requires a task; add [measure.accuracy] with one, or use a box or ball"
    ),
    _changed(
        "data of two tasks",
        {"seed = 7": 'seed = 7\ndomain = { kind = "data" }', "squares = 2": "squares = [2, 4]"},
        3,
        "domain",
        "data requires a single task, the study has 2; use a spec for each task",
    ),
    _in_domain("size of data", 'kind = "data"\nradius = 2.0', 13, "domain.radius", "unknown key"),
    _in_domain(
        "step of data that is no length",
        'kind = "data"',
        15,
        "measure.v3.step",
        "expected a number > 0",
        step="-0.1",
    ),
    _changed(
        "lines through data",
        {"seed = 7": 'seed = 7\ndomain = { kind = "data" }', "step = 0.25": "lines = 8"},
        14,
        "measure.v3.lines",
        "lines have no effect on v3 if the domain is data; remove the key",
    ),
    _changed(
        "step between data",
        {
            "seed = 7": 'seed = 7\ndomain = { kind = "data" }',
            "[measure.accuracy]": "[measure.collapse]\nstep = 0.25\n\n[measure.accuracy]",
        },
        17,
        "measure.collapse.step",
        "the step has no effect on collapse if the domain is data; remove the key",
    ),
    _in_domain(
        "step that does not divide a wide box",
        'kind = "box"\nhalf_width = 2.0',
        16,
        "measure.v3.step",
        "does not divide the domain's side of 4 into 3 or more steps; use 4/n, such as 0.8",
        step="0.75",
    ),
    _in_domain(
        "ball of too few steps",
        'kind = "ball"',
        15,
        "measure.v3.step",
        "does not divide the domain's side of 2 into 4 or more steps; use 2/n, such as 0.5",
        step="0.6666666666666666",
    ),
    # measures, tasks and networks that do not suit each other
    _edited(
        "task by name alone",
        '{ name = "checkerboard", squares = 2, train = 64, test = 64 }',
        '"digits"',
        16,
        "measure.accuracy.task",
        'train and test are missing; write task = { name = "digits", train = 1000, test = 300 }',
    ),
    _edited(
        "optimizer by name alone",
        '{ name = "adam", learning_rate = 0.01, batch = 32 }',
        '["adam"]',
        17,
        "measure.accuracy.optimizer",
        'learning_rate and batch are missing; write { name = "adam", learning_rate = 0.01, batch = 100 }',
    ),
    _edited(
        "linear region left out",
        '"relu"',
        '"s_exp"',
        8,
        "family.activation",
        'write activation = { name = "s_exp", linear_region = 1.0 }',
    ),
    _edited(
        "unknown normalization",
        "inputs = 2",
        'inputs = 2\nnormalization = "bacth"',
        7,
        "family.normalization",
        "expected 'none', 'batch' or 'layer'",
    ),
    _edited(
        "number for a switch", "inputs = 2", "inputs = 2\nresidual = 1", 7, "family.residual", "expected true or false"
    ),
    _edited(
        "readout without weights",
        "inputs = 2",
        "inputs = 2\nreadout_std = [1, 0]",
        7,
        "family.readout_std",
        "expected a number > 0, got 0",
    ),
    _edited(
        "siren without sines",
        '{ scheme = "critical", bias_std = 0.1 }',
        '{ name = "siren", omega = 10 }',
        9,
        "family.initialization",
        'siren requires sin, the family has relu; use activation = "sin", or another initialization',
    ),
    _changed(
        "sines that do not oscillate",
        {'{ scheme = "critical", bias_std = 0.1 }': '{ name = "siren", omega = 0 }', '"relu"': '"sin"'},
        9,
        "family.initialization.omega",
        "expected a number >= 0.1, got 0",
    ),
    _edited(
        "text for a standard deviation",
        "inputs = 2",
        'inputs = 2\nreadout_std = "small"',
        7,
        "family.readout_std",
        "expected a number",
    ),
    _untrained(
        "feature diversity without training", "feature_diversity", "add [measure.accuracy], or remove the measure"
    ),
    _untrained("revival without training", "revival", "add [measure.accuracy], or remove the measure"),
    _untrained("trainability without training", "trainability", "add [measure.accuracy], or remove the measure"),
    _untrained("unit activity without training", "unit_activity", "add [measure.accuracy], or remove the measure"),
    _added(
        "dormant at any size",
        "\n[measure.unit_activity]\ndormant_threshold = 1.0\n",
        22,
        "measure.unit_activity.dormant_threshold",
        "expected a number < 1, got 1",
    ),
    _added(
        "every value saturated",
        "\n[measure.unit_activity]\nsaturation_margin = 0.5\n",
        22,
        "measure.unit_activity.saturation_margin",
        "expected a number < 0.5, got 0.5",
    ),
    _added(
        "features of a layer that is not there",
        "\n[measure.feature_diversity]\nlayers = [1, 2]\n",
        22,
        "measure.feature_diversity.layers",
        "there is no hidden layer 2 in networks of depth 1; use layers that all members have",
    ),
    _changed(
        "features of a regression",
        {
            "inputs = 2": "inputs = 1",
            '"checkerboard", squares = 2': '"absolute_value"',
            "replicates = 2": "replicates = 2\n[measure.feature_diversity]",
        },
        20,
        "measure.feature_diversity",
        "is a regression; use a task with classes, or remove the measure",
    ),
    _changed(
        "more digits than there are",
        {
            "parameters = 500": "width = 4",
            "inputs = 2": "inputs = 64\noutputs = 10",
            '"checkerboard", squares = 2, train = 64, test = 64': '"digits", train = 1500, test = 300',
        },
        17,
        "measure.accuracy.task.train",
        "digits has 1,797 samples, fewer than train + validation + test = 1,500 + 300 + 300; use fewer",
    ),
    _edited(
        "digits for other inputs",
        '"checkerboard", squares = 2',
        '"digits"',
        16,
        "measure.accuracy.task.name",
        "with inputs = 64 and outputs = 10, the family has inputs = 2 and outputs = 10; change the family or the task",
    ),
    _changed(
        "digits for other outputs",
        {
            "parameters = 500": "width = 4",
            "inputs = 2": "inputs = 64\noutputs = 1",
            '"checkerboard", squares = 2': '"digits"',
        },
        17,
        "measure.accuracy.task.name",
        "the family has inputs = 64 and outputs = 1; change the family or the task",
    ),
    _changed(
        "data-dependent biases of a smooth activation",
        {'"relu"': '"tanh"', '{ scheme = "critical", bias_std = 0.1 }': '[\n  "he",\n  "data_dependent",\n]'},
        9,
        "family.initialization",
        'the family has tanh; use activation = "relu", or another initialization',
    ),
    _changed(
        "data-dependent biases of normalized networks",
        {
            "inputs = 2": 'inputs = 2\nnormalization = "batch"',
            '{ scheme = "critical", bias_std = 0.1 }': '"data_dependent"',
        },
        10,
        "family.initialization",
        "remove these from the family, or use another initialization",
    ),
    Case(
        "data-dependent biases without data",
        _file(
            VALID[: VALID.index("\n[measure.accuracy]")].replace(
                '{ scheme = "critical", bias_std = 0.1 }', '"data_dependent"'
            )
        ),
        9,
        "family.initialization",
        "add [measure.accuracy] with a task, or use another initialization",
    ),
    *(
        _changed(
            f"{name} of networks that are not plain",
            {"inputs = 2": f"inputs = 2\n{option}", "replicates = 2": f"replicates = 2\n[measure.{name}]"},
            21,
            f"measure.{name}",
            f"the study has networks with {said}; remove the measure, or use a separate spec for these networks",
        )
        for name, option, said in (
            ("jacobian", 'normalization = "batch"', 'normalization = "batch"'),
            ("correlation", "residual = [false, true]", "residual = true"),
            ("dead_neurons", 'normalization = ["none", "layer"]', 'normalization = "layer"'),
            ("trainability", "residual = true", "residual = true"),
            ("revival", 'normalization = "layer"', 'normalization = "layer"'),
            ("synflow", "residual = true", "residual = true"),
        )
    ),
    _told("tournament without an outcome", "", 21, "predict.outcome", "outcome is missing; add it"),
    _told("unknown outcome", 'outcome = "accuracy"', 22, "predict.outcome", "test_accuracy"),
    _told(
        "outcome of regressions",
        'outcome = ["train_loss", "test_error"]',
        22,
        "predict.outcome",
        "use test_accuracy or train_loss",
    ),
    _told(
        "R^2 of classes",
        'outcome = ["train_loss", "test_r2"]',
        22,
        "predict.outcome",
        "test_r2 requires a regression on the rows of a file; use another outcome, such as train_loss",
    ),
    _told(
        "predictor that is not measured",
        'outcome = "success"\npredictors = ["v3", "born_dead"]',
        23,
        "predict.predictors",
        "'born_dead' is not measured in this study; use one of v3, v3_over_rms",
    ),
    _told(
        "predictor that says nothing of networks",
        'outcome = "success"\npredictors = "v3_floor"',
        23,
        "predict.predictors",
        "'v3_floor' is not a property of a network",
    ),
    _told(
        "predictor that is there anyway",
        'outcome = "success"\npredictors = "activation_ratio"',
        23,
        "predict.predictors",
        "'activation_ratio' is a baseline, which is always included; remove it",
    ),
    _told(
        "predictor that is known too late",
        'outcome = "success"\npredictors = "train_loss"',
        23,
        "predict.predictors",
        "'train_loss' is known only after training",
    ),
    _told(
        "predictor that is not a quantity",
        'outcome = "success"\npredictors = "v3_flor"',
        23,
        "predict.predictors",
        "'v3_flor' is not a quantity; use one of v3, v3_over_rms",
    ),
    _told(
        "tournament of members that are not there",
        'outcome = "success"\nwhere = { depth = [2, 7] }',
        23,
        "predict.where.depth",
        "no member has depth = 7; use one of 1, 2, 3, 4, 5, 6",
    ),
    _told(
        "tournament of too few, as chosen",
        'outcome = "success"\nwhere = { depth = [2, 3, 4, 5] }',
        21,
        "predict",
        "4 members have 2 or more hidden layers",
    ),
    _added(
        "tournament of too few",
        '\n[predict]\noutcome = "success"\n',
        21,
        "predict",
        "2 members have 2 or more hidden layers, too few for a ranking; use 5 or more",
    ),
    Case(
        "tournament without training",
        _file(
            VALID[: VALID.index("[measure.accuracy]")].replace("[1, 2, 3]", "[2, 3, 4, 5, 6]")
            + '[predict]\noutcome = "success"\n'
        ),
        16,
        "predict.outcome",
        "the study trains no networks; add [measure.accuracy]",
    ),
    Case(
        "correlation of one input",
        _file(
            VALID[: VALID.index("[measure.accuracy]")].replace("inputs = 2", "inputs = 1") + "[measure.correlation]\n"
        ),
        15,
        "measure.correlation",
        "correlation requires networks with 2 or more inputs; use inputs = 2 or more in the family, or remove",
    ),
    _changed(
        "Jacobian of one hidden layer",
        {"[1, 2, 3]": "1", "replicates = 2": "replicates = 2\n[measure.jacobian]"},
        20,
        "measure.jacobian",
        "use depth = 2 or more, or remove the measure",
    ),
    _changed(
        "batch normalization of one point",
        {"inputs = 2": 'inputs = 2\nnormalization = ["none", "batch"]', "batch = 32": "batch = 1"},
        18,
        "measure.accuracy.optimizer.batch",
        "raise batch, or remove the normalization",
    ),
    _changed(
        "layer normalization of one unit",
        {"parameters = 500": "width = 1", "inputs = 2": 'inputs = 2\nnormalization = ["none", "layer"]'},
        4,
        "family",
        "use wider layers, or remove the normalization",
    ),
    _added(
        "cosine of no angle",
        "[measure.correlation]\ncosine = 1.5\n",
        21,
        "measure.correlation.cosine",
        "expected a number <= 1",
    ),
    _edited(
        "draws and precision",
        "draws = 16",
        "draws = 16\nprecision = 0.1",
        13,
        "measure.v3.precision",
        "draws and precision exclude each other; set one of them",
    ),
    _edited("no precision at all", "draws = 16", "precision = 0", 12, "measure.v3.precision", "a number > 0"),
    _edited("precision of all", "draws = 16", "precision = 1.0", 12, "measure.v3.precision", "a number < 1"),
    _edited(
        "max_draws without precision",
        "draws = 16",
        "max_draws = 1024",
        12,
        "measure.v3.max_draws",
        "add precision, or remove the key",
    ),
    _edited(
        "precision_of without precision",
        "draws = 16",
        'draws = 16\nprecision_of = "v3"',
        13,
        "measure.v3.precision_of",
        "add precision, or remove the key",
    ),
    *(
        _edited(
            f"max_draws of {given}",
            "draws = 16",
            f"precision = 0.1\nmax_draws = {given}",
            13,
            "measure.v3.max_draws",
            hint,
        )
        for given, hint in ((0, "expected a number >= 256"), (1000, "expected a multiple of 256"))
    ),
    _edited(
        "precision of an unknown quantity",
        "draws = 16",
        'precision = 0.1\nprecision_of = "v3_over_rm"',
        13,
        "measure.v3.precision_of",
        "'v3_over_rm' is not a quantity of v3; did you mean v3_over_rms?",
    ),
    *(
        _edited(
            f"{key} of training",
            "replicates = 2",
            f"replicates = 2\n{key} = {value}",
            20,
            f"measure.accuracy.{key}",
            "with measures that have draws (v3, collapse, gradients, grad_norm, snip, grasp, synflow, fisher, "
            "jacobian_covariance, naswot, ntk, dead_neurons, trainability, correlation, jacobian), and replicates "
            "with training",
        )
        for key, value in (("precision", 0.1), ("precision_of", '"success"'), ("max_draws", 1024))
    ),
    _added(
        "precision of a measure without draws",
        "[measure.activation_ratio]\nprecision = 0.1\n",
        21,
        "measure.activation_ratio.precision",
        "use precision with measures that have draws",
    ),
    *(
        _added(
            f"{test} with {found} bounds",
            f'[[claim]]\nsays = "So."\ntest = "{test}"\n{about}\n{bounds}',
            20,
            "claim",
            "requires exactly one bound; set either at_least or at_most",
        )
        for test, about in (("level", 'quantity = "v3"'), ("rank_correlation", 'first = "v3"\nsecond = "v3_floor"'))
        for found, bounds in (("no", ""), ("two", "at_least = 0\nat_most = 0.5\n"))
    ),
    _added(
        "a level that is no number",
        '[[claim]]\nsays = "So."\ntest = "level"\nquantity = "v3"\nat_most = nan\n',
        24,
        "claim.at_most",
        "expected a finite number",
    ),
    _added(
        "a claim about what is not measured",
        '[[claim]]\nsays = "So."\ntest = "level"\nquantity = "feature_change_phase1"\nat_least = 0\n',
        23,
        "claim.quantity",
        "not measured in this study; add [measure.feature_diversity]",
    ),
    _claimed(
        "a claim without a test",
        'quantity = "v3"\nat_least = 0',
        0,
        "",
        "test is missing; add test, one of peaks_inside, monotone, greater, ",
    ),
    _claimed(
        "a comparison with what is not there",
        'test = "greater"\nquantity = "v3"\naxis = "depth"\nvalue = 1\nthan = 4',
        6,
        "than",
        "no member has depth = 4; use one of 2, 3",
    ),
    _claimed(
        "a comparison with one value there",
        'test = "greater"\nquantity = "v3"\naxis = "activation"\nvalue = "relu"\nthan = "tanh"',
        6,
        "than",
        "no member has activation = 'tanh'; 'relu' is the only value, so there is nothing to compare; remove the claim",
    ),
    _claimed(
        "words of another claim",
        'test = "level"\nquantity = "v3"\nat_least = 0\n'
        '[[claim]]\nsays = "So."\ntest = "level"\nquantity = "v3"\nat_least = 1',
        6,
        "says",
        "another claim has the same sentence, and verdicts are identified by it; reword one",
    ),
    _claimed(
        "a ratio as a time to event",
        'test = "survival_shorter"\nquantity = "jacobian_ratio"\n' + BETWEEN,
        3,
        "quantity",
        'is not a time to event, which survival_shorter requires; use one of steps_to_success, or use test = "greater"',
    ),
    _claimed(
        "an accuracy as a time to event",
        'test = "survival_shorter"\nquantity = "test_accuracy"\n' + BETWEEN,
        3,
        "quantity",
        "is not a time to event",
    ),
    _claimed(
        "single draws of a ratio",
        'test = "level"\nquantity = "jacobian_ratio"\nof = "draw"\nat_least = 1',
        4,
        "of",
        'without a value per draw; use of = "every"',
    ),
    *(
        _claimed(
            f"{test} of words",
            f'test = "{test}"\nquantity = "v3"\nalong = "activation"\n{way}',
            4,
            "along",
            "'activation' is not a numeric axis; use one of depth, ",
        )
        for test, way in (("peaks_inside", ""), ("monotone", 'direction = "rises"'))
    ),
    _claimed(
        "a peak among two",
        'test = "peaks_inside"\nquantity = "v3"\nalong = "depth"\nwhere = { depth = [1, 3] }',
        4,
        "along",
        "peaks_inside requires 3 or more values of depth, got 2; add values",
    ),
    _claimed(
        "a step of one",
        'test = "monotone"\nquantity = "test_accuracy"\nalong = "squares"\ndirection = "falls"',
        4,
        "along",
        "monotone requires 2 or more values of squares, got 1",
    ),
    _claimed(
        "a setting and itself",
        'test = "greater"\nquantity = "v3"\naxis = "depth"\nvalue = 2\nthan = 2.0',
        6,
        "than",
        "2 is compared with itself; use two different values of depth",
    ),
    _claimed(
        "a setting that where takes out",
        'test = "greater"\nquantity = "v3"\naxis = "depth"\nvalue = 2\nthan = 3\nwhere = { depth = [1, 2] }',
        6,
        "than",
        "`where` excludes depth = 3; remove depth from `where`",
    ),
    _claimed(
        "a quantity and itself",
        'test = "bounded_by"\nquantity = "v3"\nbound = "v3"',
        4,
        "bound",
        "compared with itself; use two different quantities",
    ),
    _claimed(
        "a correlation with itself",
        'test = "rank_correlation"\nfirst = "v3"\nsecond = "v3"\nat_least = 0',
        4,
        "second",
        "compared with itself",
    ),
    _claimed(
        "the order of three",
        'test = "rank_correlation"\nfirst = "v3"\nsecond = "test_accuracy"\nat_least = 0',
        0,
        "",
        "3 members, too few for a rank correlation; use 5 or more",
    ),
    _claimed(
        "a layer that is too deep",
        'test = "level"\nquantity = "dead_fraction"\nlayer = 4\nat_least = 0',
        4,
        "layer",
        "no member has 'dead_fraction' for layer 4; use one of 1, 2, 3",
    ),
    _claimed(
        "a layer that the chosen lack",
        'test = "level"\nquantity = "dead_fraction"\nlayer = 3\nat_least = 0\nwhere = { depth = [1, 2] }',
        4,
        "layer",
        "use one of 1, 2",
    ),
    _claimed(
        "a layer before the first Jacobian",
        'test = "level"\nquantity = "jacobian_mean"\nlayer = 1\nat_least = 0',
        4,
        "layer",
        "use one of 2, 3",
    ),
    _claimed(
        "a layer of the output",
        'test = "level"\nquantity = "v3"\nlayer = 1\nat_least = 0',
        4,
        "layer",
        "'v3' has no layers; remove the key",
    ),
    _claimed(
        "a law that is not known",
        'test = "agrees_with"\nquantity = "v3"\nz = 4',
        3,
        "quantity",
        "'v3' has no theoretical value; use one of active, ",
    ),
    _claimed(
        "a bound that is not known",
        'test = "bounded_by"\nquantity = "v3"\nbound = "theory"',
        3,
        "quantity",
        "'v3' has no theoretical value",
    ),
    _claimed(
        "a score along the optimizer",
        'test = "greater"\nquantity = "snip"\naxis = "optimizer"\nvalue = "adam"\nthan = "sgd"\n[measure.snip]',
        4,
        "axis",
        "'snip' does not depend on optimizer, a setting of training; use another axis or quantity",
    ),
    _claimed(
        "a training of the untrained",
        'test = "greater"\nquantity = "v3"\naxis = "optimizer"\nvalue = "adam"\nthan = "sgd"',
        4,
        "axis",
        "'v3' does not depend on optimizer, a setting of training; use another axis or quantity",
    ),
    _edited(
        "no edge of chaos",
        '"relu"',
        '[\n  { name = "elu", alpha = [0.5, 1.0] },\n  "softplus",\n  "tanh",\n]',
        10,
        "family.activation",
        'use "variance_preserving", or choose another activation or another bias_std',
    ),
]
"""All errors of specs, as load_studies reports them."""

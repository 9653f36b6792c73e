"""The house's plan: which room may import which, what no room may do, and that the checks of it can fail."""

import ast
from collections.abc import Iterator
from pathlib import Path

from suite.catalog.measures import LANDSCAPE, MEASURES
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.tasks import TASKS

ROOT = Path(__file__).parents[1] / "suite"

MAY_IMPORT = {
    "words": set(),
    "catalog": {"catalog"},
    "theory": {"theory", "catalog"},
    "plugins": {"plugins", "nets", "catalog"},
    "spec": {"spec", "catalog", "theory", "words"},
    "statistics": {"statistics"},
    "nets": {"nets", "catalog", "theory"},
    "measures": {"nets", "catalog", "theory"},
    "training": {"training", "nets", "catalog"},
    "claims": {"claims", "catalog", "statistics", "runs", "words"},
    "runs": {
        "runs",
        "plugins",
        "spec",
        "catalog",
        "theory",
        "nets",
        "measures",
        "training",
        "statistics",
        "claims",
        "report",
        "tournament",
        "words",
    },
    "tournament": {"tournament", "claims", "catalog", "statistics", "runs"},
    "report": {"report", "claims", "tournament", "catalog", "statistics", "runs", "words"},
    "progress": {"runs", "spec", "words"},
    "cli": {"cli", "plugins", "claims", "tournament", "spec", "catalog", "runs", "report", "progress", "words"},
    "__init__": {"plugins", "progress", "spec", "runs", "report"},
    "__main__": {"cli"},
}
"""Room -> rooms it may know. Within `measures` no file knows another."""

TORCH_FREE = {
    "words",
    "catalog",
    "theory",
    "spec",
    "statistics",
    "claims",
    "tournament",
    "report",
    "cli",
    "progress",
    "__init__",
    "__main__",
}


def _imports(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def breaches(room: str, code: str) -> list[str]:
    """Imports of a module that its room must not make."""
    found = []
    for name in _imports(code):
        package, _, rest = name.partition(".")
        if package == "suite" and rest and rest.split(".")[0] not in MAY_IMPORT[room]:
            found.append(name)
        if package == "torch" and room in TORCH_FREE:
            found.append(name)
    return found


def _modules() -> Iterator[tuple[str, Path]]:
    for file in sorted(ROOT.rglob("*.py")):
        yield file.relative_to(ROOT).parts[0].removesuffix(".py"), file


def test_every_room_imports_only_what_it_may() -> None:
    """The arrows of the plan hold in every module."""
    assert {str(file): found for room, file in _modules() if (found := breaches(room, file.read_text()))} == {}


def test_the_check_finds_what_it_must() -> None:
    """A spec that loads torch, a measure that knows another, nets that know of measures."""
    assert breaches("spec", "import torch") == ["torch"]
    assert breaches("spec", "def f():\n    from torch import nn") == ["torch"]
    assert breaches("measures", "from suite.measures.v3 import v3") == ["suite.measures.v3"]
    assert breaches("nets", "from suite.measures.v3 import v3") == ["suite.measures.v3"]
    assert breaches("runs", "from suite.cli import app") == ["suite.cli"]
    assert breaches("nets", "import torch\nfrom suite.nets import ensemble") == []


CODE = {"eval", "exec", "compile", "__import__", "breakpoint"}
"""Builtins that run text."""

PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "yaml"}
"""Modules whose files can hold code."""

PICKLING = {"torch.load", "torch.save", "pd.read_pickle", "pandas.read_pickle", "yaml.load", "joblib.load"}
"""Functions of other modules that read or write such files; numpy's unless it is told not to."""


def code_from_data(code: str) -> list[str]:
    """Whatever in a module could run what a file holds."""
    found = [name for name in _imports(code) if name.partition(".")[0] in PICKLES]
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        plain = any(word.arg == "allow_pickle" and ast.unparse(word.value) == "False" for word in node.keywords)
        loads = name in {"np.load", "numpy.load"} and not plain
        if loads or name in CODE | PICKLING or name.endswith((".read_pickle", ".to_pickle")):
            found.append(name)
    return found


def test_nothing_that_is_read_from_disk_is_run() -> None:
    """No module unpickles, nor makes code of text: specs and stored results are data.

    But for how a cluster's workers are asked what they have, which is sent to them, and not read.
    """
    found = {file.name: found for _, file in _modules() if (found := code_from_data(file.read_text()))}
    assert found == {"cluster.py": ["cloudpickle"]}


LOADERS = {"import_module", "exec_module", "module_from_spec", "SourceLoader", "load_module", "run_path", "run_module"}
"""Names by which files become modules."""


def loaders_in(code: str) -> set[str]:
    """Those that a module uses."""
    nodes = list(ast.walk(ast.parse(code)))
    named = {node.id for node in nodes if isinstance(node, ast.Name)} | set(_imported_names(code))
    return LOADERS & (named | {node.attr for node in nodes if isinstance(node, ast.Attribute)})


def _imported_names(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def test_code_of_others_comes_in_by_one_door() -> None:
    """Files become modules in the room of plug-ins alone; dotted paths are the catalog's, or an entry point's.

    Whoever asks for plug-ins is the command line or the caller of the notebook's functions: no spec can.
    """
    found = {
        file.relative_to(ROOT).as_posix(): names for _, file in _modules() if (names := loaders_in(file.read_text()))
    }
    assert set(found) == {"catalog/dotted.py", "plugins/origins.py"}
    asking = {
        file.relative_to(ROOT).as_posix()
        for _, file in _modules()
        if {"plug_in", "plug_in_installed"} & set(_imported_names(file.read_text()))
        or "sources.plug_in" in file.read_text()
    }
    rooms = ("explaining", "folders", "listing", "running", "viewing")
    assert asking == {"__init__.py", *(f"cli/{room}.py" for room in rooms)}
    assert loaders_in("from importlib import import_module") == {"import_module"}
    assert loaders_in("loader.exec_module(module)") == {"exec_module"}


def test_the_check_for_code_finds_what_it_must() -> None:
    """Each way to run a file's content, and what only looks like one."""
    assert code_from_data("import pickle") == ["pickle"]
    assert code_from_data("def f():\n    from yaml import load") == ["yaml"]
    assert code_from_data("from joblib.memory import Memory") == ["joblib.memory"]
    assert code_from_data("eval(text)") == ["eval"]
    assert code_from_data("x = [exec(line) for line in file]") == ["exec"]
    assert code_from_data("torch.load(file)") == ["torch.load"]
    assert code_from_data("frame.to_pickle(file)") == ["frame.to_pickle"]
    assert code_from_data("np.load(file)") == ["np.load"]
    assert code_from_data("np.load(file, allow_pickle=True)") == ["np.load"]
    assert code_from_data("np.load(file, allow_pickle=False)") == []
    assert code_from_data("re.compile(text); torch.compile(f); model.eval()") == []


def test_functions_are_named_by_the_catalog_alone() -> None:
    """Every dotted path is of this suite or an optimiser of torch, and no key of a spec holds one."""
    named = [measure.function for measure in (*MEASURES.values(), LANDSCAPE)]
    named += [entry.function for entry in (*TASKS.values(), *OPTIMIZERS.values())]
    assert not [path for path in named if not path.startswith(("suite.", "torch.optim:"))]
    settable = [entry.model_fields for entry in (*TASKS.values(), *OPTIMIZERS.values())]
    settable += [measure.settings.model_fields for measure in MEASURES.values()]
    assert not [fields for fields in settable if "function" in fields]


def test_benchmarks_use_public_names_only() -> None:
    """What is timed is what users call."""
    for file in (ROOT.parent / "benchmarks").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("suite"):
                assert not any(alias.name.startswith("_") for alias in node.names), file


def test_randomness_never_comes_from_pythons_global_generator() -> None:
    """Every draw has a generator of its own, named by what it is for."""
    assert not [file for _, file in _modules() if "random" in set(_imports(file.read_text()))]


def test_no_room_is_called_util_helpers_or_common() -> None:
    """Rooms are named for what they hold."""
    assert not [file for _, file in _modules() if file.stem in {"util", "utils", "helpers", "common"}]

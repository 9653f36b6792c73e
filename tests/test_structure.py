"""The structure of the code: which package may import which, what no module may do, and that the checks can fail."""

import ast
from collections.abc import Iterator
from pathlib import Path

from suite.catalog.activations import ACTIVATIONS
from suite.catalog.claims import CLAIMS
from suite.catalog.measures import LANDSCAPE, MEASURES
from suite.catalog.optimizers import OPTIMIZERS
from suite.catalog.quantities import QUANTITIES
from suite.catalog.task import DrawnTask
from suite.catalog.tasks import TASKS
from tests.source import ROOT, names_in

ORDER = (
    "__main__",
    "__init__",
    "cli",
    "api",
    "runs",
    "report",
    "analysis",
    "diagnosis",
    "cells",
    "plugins",
    "training",
    "measures",
    "nets",
    "spec",
    "theory",
    "statistics",
    "native",
    "results",
    "catalog",
    "formatting",
)
"""The packages of the suite. Each may import itself and those that come after it."""

NO_NETWORKS = {"report", "analysis"}
"""Packages that compute with tables alone, and import none of `NETWORKS`."""

NETWORKS = {"diagnosis", "cells", "plugins", "training", "measures", "nets"}

TORCH_FREE = set(ORDER) - NETWORKS - {"runs"}
"""Packages that never import torch: `--help`, `list`, `check` and reading results do without it."""


def _imports(code: str) -> Iterator[str]:
    """Yield the modules that code imports, at its top, in functions or for the type checker."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "suite":
            yield from (f"suite.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def breaches(package: str, code: str) -> list[str]:
    """Return the imports of a module that its package must not make."""
    found = []
    after = set(ORDER[ORDER.index(package) :])
    for name in _imports(code):
        top, _, rest = name.partition(".")
        imported = rest.split(".")[0]
        if top == "suite" and (imported not in after or (package in NO_NETWORKS and imported in NETWORKS)):
            found.append(name)
        if package == "measures" and name.startswith("suite.measures."):  # no measure knows another
            found.append(name)
        if top == "torch" and package in TORCH_FREE:
            found.append(name)
    return found


def _modules() -> Iterator[tuple[str, Path]]:
    for file in sorted(ROOT.rglob("*.py")):
        yield file.relative_to(ROOT).parts[0].removesuffix(".py"), file


def test_imports_go_in_one_direction() -> None:
    """No package imports one that comes before it, not even in a function or for the type checker."""
    assert {package for package, _ in _modules()} == set(ORDER)
    assert {str(file): found for package, file in _modules() if (found := breaches(package, file.read_text()))} == {}


def test_the_check_of_imports_can_fail() -> None:
    """At the top of a module, in a function, for the type checker, and of whole packages."""
    assert breaches("spec", "import torch") == ["torch"]
    assert breaches("spec", "def f():\n    from torch import nn") == ["torch"]
    assert breaches("results", "if TYPE_CHECKING:\n    from suite.analysis.verdicts import judge") == [
        "suite.analysis.verdicts"
    ]
    assert breaches("results", "from suite import cells") == ["suite.cells"]
    assert breaches("report", "from suite.cells.cell import Cell") == ["suite.cells.cell"]
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
    """Files become modules as plug-ins, or as the file of a network to diagnose; dotted paths are the catalog's.

    Whoever asks for plug-ins is the command line or the caller of the notebook's functions: no spec can.
    """
    found = {
        file.relative_to(ROOT).as_posix(): names for _, file in _modules() if (names := loaders_in(file.read_text()))
    }
    assert set(found) == {"catalog/dotted.py", "diagnosis/model_file.py", "plugins/loading.py"}
    asking = {
        file.relative_to(ROOT).as_posix()
        for _, file in _modules()
        if {"load_plugin", "load_installed"} & set(_imported_names(file.read_text()))
        or "loading.load_" in file.read_text()
    }
    assert asking == {"api.py", "cli/folders.py"}
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
    """Every dotted path is of this suite or an optimizer of torch, and no key of a spec holds one."""
    named = [measure.function for measure in (*MEASURES.values(), LANDSCAPE)]
    named += [quantity.theory for quantity in QUANTITIES.values() if quantity.theory]
    drawn = [task for task in TASKS.values() if issubclass(task, DrawnTask)]
    named += [entry.function for entry in (*drawn, *OPTIMIZERS.values())]
    named += [entry.torch_kernel for entry in ACTIVATIONS.values()]
    assert not [path for path in named if not path.startswith(("suite.", "torch.optim:"))]
    settable = [entry.model_fields for entry in (*TASKS.values(), *OPTIMIZERS.values())]
    settable += [measure.settings.model_fields for measure in MEASURES.values()]
    assert not [fields for fields in settable if "function" in fields]


NAMELESS = {"report", "analysis"}
"""Packages that know no measure and no quantity by name: the catalog says what they draw and compare."""

CLAIMS_FILE = "catalog/claims.py"
"""The only module that names the tests of claims; whatever else there is to say of a test is in its class."""

COLUMNS_FILE = "results/schema.py"
"""A module that may have names of measures, as columns of tables: `trainability` is one of bounds.csv."""


def test_reports_and_analyses_know_no_measure_by_name() -> None:
    """Nor a quantity: a measure is added by its declaration, and drawn by that of a chart."""
    names = {*MEASURES, *QUANTITIES}
    found = {
        str(file): named
        for package, file in _modules()
        if package in NAMELESS and (named := names_in(file.read_text(), names))
    }
    assert found == {}
    assert names_in((ROOT / COLUMNS_FILE).read_text(), MEASURES) == {"trainability"}


def test_tests_of_claims_are_named_by_their_classes_alone() -> None:
    """What a claim's estimate is of is in its class, and so is the function that tests it."""
    found = {
        str(file): named
        for _, file in _modules()
        if file != ROOT / CLAIMS_FILE and (named := names_in(file.read_text(), CLAIMS))
    }
    assert found == {}
    assert names_in((ROOT / CLAIMS_FILE).read_text(), CLAIMS) == set(CLAIMS)


def test_the_check_of_names_can_fail() -> None:
    """Where a name is compared, is a key or is an argument; not where it is part of another word."""
    assert names_in("if quantity == 'v3': pass", MEASURES) == {"v3"}
    assert names_in("charts = {'jacobian': draw}", MEASURES) == {"jacobian"}
    assert names_in("def f():\n    return pick(table, quantity='test_accuracy')", QUANTITIES) == {"test_accuracy"}
    assert names_in("if claim['test'] == 'bounded_by': pass", CLAIMS) == {"bounded_by"}
    assert names_in("v3 = f'{name}_v3' + 'v3 and others'", MEASURES) == set()


def test_benchmarks_use_public_names_only() -> None:
    """What is timed is what users call."""
    for file in (ROOT.parent / "benchmarks").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("suite"):
                assert not any(alias.name.startswith("_") for alias in node.names), file


def test_randomness_never_comes_from_pythons_global_generator() -> None:
    """Every draw has a generator of its own, named by what it is for."""
    assert not [file for _, file in _modules() if "random" in set(_imports(file.read_text()))]


def test_no_room_is_called_util_helpers_or_common() -> None:
    """Rooms are named for what they hold."""
    assert not [file for _, file in _modules() if file.stem in {"util", "utils", "helpers", "common"}]


def reads_in_the_locale(source: str) -> list[int]:
    """Return the lines of calls that read or write text in the locale's encoding."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        on_path = isinstance(node.func, ast.Attribute)
        keywords = {keyword.arg for keyword in node.keywords}
        mode = next(
            (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)), ""
        )
        text = name == "open" and "b" not in mode and not ast.unparse(node.func).startswith(("archive.", "os."))
        if ((name in ("read_text", "write_text") and on_path) or text) and "encoding" not in keywords:
            found.append(node.lineno)
    return found


def test_text_has_an_encoding_on_every_system() -> None:
    """The locale's would be another one on Windows, and on machines without a locale."""
    assert {str(file): found for _, file in _modules() if (found := reads_in_the_locale(file.read_text()))} == {}


def test_text_in_the_locales_encoding_is_found() -> None:
    """And bytes, and an encoding that is given, are not."""
    for call in ("path.read_text()", "path.write_text(text)", "path.open(newline='')", "open(name, 'w')"):
        assert reads_in_the_locale(call) == [1]
    for call in ("path.read_bytes()", "path.open('rb')", "path.read_text(encoding='utf-8')", "write_text(path, text)"):
        assert reads_in_the_locale(call) == []

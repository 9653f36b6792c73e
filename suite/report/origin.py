"""The foot of the page: what ran, where and with what, and the command that does it again."""

import shlex
from collections.abc import Iterable
from typing import Any

from suite.formatting import pieces

_SHOWN = 12
"""Characters of a commit, or of a plug-in's checksum."""


def origin(run: dict[str, Any]) -> list[str]:
    """What ran, where and with what, a sentence or two each.

    Args:
        run: the content of run.json.
    """
    environment, cells = run["environment"], run["cells"]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items() if version)
    commits = _listed(_commit(cell.get("commit")) for cell in cells)
    processors = _listed(cell.get("processor") for cell in cells)
    threads = _listed(cell.get("threads") for cell in cells)
    plugins = ", ".join(f"{name} ({digest[:_SHOWN]})" for name, digest in environment.get("plugins", {}).items())
    seconds = sum(cell["seconds"] for cell in cells)
    return [
        f"{pieces(len(cells))}, {seconds:,.0f} s of computing on {_listed(cell['device'] for cell in cells)}"
        + (f", {threads} {'thread' if threads == '1' else 'threads'} each" if threads else "")
        + (f", instructions {processors}" if processors else "")
        + (f", by the code of commit {commits}" if commits else "")
        + ".",
        f"Tables and page by suite {environment['suite']}"
        + (f", commit {_commit(environment['commit'])}" if environment["commit"] else "")
        + f", on {environment['system']} {environment['machine']}, Python {environment['python']}, {packages}"
        + (f"; plug-ins: {plugins}" if plugins else "")
        + ".",
    ]


def again(run: dict[str, Any]) -> str:
    """The command that computes a study again; empty where the run has not kept how it was asked for.

    Args:
        run: the content of run.json.
    """
    if not run.get("asked"):
        return ""
    environment = run["environment"]
    files = [name for name in environment.get("plugins", {}) if not _is_module(name)]
    plugins = [part for name in files for part in ("--plugin", name)]
    commit = environment["commit"]
    checkout = f"git checkout {commit.removesuffix('+')[:_SHOWN]} && " if commit else ""
    return f"{checkout}python -m suite run {shlex.join([*plugins, *run['asked']])}"


def caveat(run: dict[str, Any]) -> str:
    """Why that command may come to something else; empty where nothing is known that speaks against it."""
    reasons = []
    if (run["environment"]["commit"] or "").endswith("+"):
        reasons.append("whose code had changes that no commit has")
    if any(not _is_module(name) for name in run["environment"].get("plugins", {})):
        reasons.append("with the plug-in's file as it was")
    return f", {' and '.join(reasons)}" if run.get("asked") and reasons else ""


def _is_module(plugin: str) -> bool:
    """Whether a plug-in is an installed one, which needs no naming, and no file."""
    return not plugin.endswith(".py") and all(part.isidentifier() for part in plugin.split("."))


def _commit(commit: str | None) -> str | None:
    """Short, and said so where the code had changed since."""
    return commit and commit[:_SHOWN] + (" with changes" if commit.endswith("+") else "")


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))

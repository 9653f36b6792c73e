"""What a plug-in is from, the text of a file or an installed module: how it is read and run, and its errors told."""

import hashlib
import sys
from dataclasses import dataclass, field
from importlib.abc import SourceLoader
from importlib.util import decode_source, find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from traceback import walk_tb
from types import CodeType, ModuleType

from suite.catalog.dotted import load


class PlugInError(ValueError):
    """A plug-in cannot be used; the message says where it stands and what to do."""


@dataclass(frozen=True)
class Origin:
    """A source of plug-ins.

    Attributes:
        name: a file's path, as given; or a module's name.
        digest: of the file's content, or of the source files of the package that the module is in.
        text: of a file; None of what is installed.
    """

    name: str
    digest: str
    text: str | None = field(default=None, repr=False)


def read(path: Path) -> tuple[str, str]:
    """The digest and the text of a file, decoded as Python would: as its mark or first lines say, or from UTF-8.

    Raises:
        PlugInError: it cannot be read, or is no text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PlugInError(f"{path}: cannot be read ({error.strerror}); name a Python file") from None
    try:
        return hashlib.sha256(content).hexdigest(), decode_source(content)
    except (SyntaxError, UnicodeDecodeError) as error:
        line = content.count(b"\n", 0, _first_odd(content)) + 1
        raise PlugInError(
            f"{path}:{line}: no Python text ({error}); save it in UTF-8, or say its encoding in the first line, as "
            "in # -*- coding: latin-1 -*-"
        ) from None


def _first_odd(content: bytes) -> int:
    """The first byte that is not UTF-8, of text that states no other encoding; else 0."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


class _Text(SourceLoader):
    """Runs the text that was read, wherever its file may be."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    def get_filename(self, fullname: str) -> str:
        """Of tracebacks."""
        return self.origin.name

    def get_data(self, path: str | bytes) -> bytes:
        """Nothing but the text is asked for."""
        raise OSError(path)

    def get_source(self, fullname: str) -> str:
        """The text, of which tracebacks show lines."""
        return self.origin.text or ""

    def get_code(self, fullname: str) -> CodeType:
        """The text, compiled as such: an encoding that it states has been gone by."""
        return self.source_to_code(self.get_source(fullname), self.origin.name)


def run(origin: Origin) -> ModuleType:
    """Runs a file's text, or imports a module, which must be the same here as where its origin was written down."""
    if origin.text is None:
        if (found := digest_of(origin.name)) != origin.digest:
            raise PlugInError(
                f"what is installed is not the same ({found[:12]} for {origin.digest[:12]}); install the same here"
            )
        load(f"{origin.name}:__name__")
        return sys.modules[origin.name]
    name = module_of(origin)
    spec = spec_from_loader(name, _Text(origin), origin=origin.name)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def module_of(origin: Origin) -> str:
    """The name of the module that an origin becomes."""
    return origin.name if origin.text is None else f"suite_plugin_{origin.digest[:16]}"


def digest_of(module: str) -> str:
    """Of all source files of the package that a module is in; of none where there is no such package."""
    spec = find_spec(module.partition(".")[0])
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    if spec and spec.origin and not files:
        files = [Path(spec.origin)]
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def told(origin: Origin, error: BaseException) -> str:
    """An error in a line: the plug-in's file, the line of it that was run last, what is wrong, and what to do."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == origin.name]
    own = isinstance(error, SyntaxError) and error.filename == origin.name
    line = error.lineno if own and isinstance(error, SyntaxError) else lines[-1] if lines else None
    place = f"{origin.name}:{line}" if line else origin.name
    if isinstance(error, PlugInError):
        return f"{place}: {error}"
    what = " ".join((error.msg if own and isinstance(error, SyntaxError) else str(error)).split())
    return f"{place}: {type(error).__name__}: {what}; {_cure(origin, error)}"


def _cure(origin: Origin, error: BaseException) -> str:
    if not isinstance(error, ImportError):
        return "mend it, or leave the plug-in out" if origin.text is not None else "mend it"
    beside = Path(origin.name).parent / (error.name or "").partition(".")[0]
    if origin.text is not None and error.name and (beside.is_dir() or beside.with_suffix(".py").is_file()):
        return "what lies beside a plug-in does not come with it: put that into the file, too, or install it"
    return "install it where this runs"

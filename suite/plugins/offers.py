"""Decorated functions of modules: what a plug-in that is taken up adds of them, and which it may not borrow."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from sys import modules
from types import ModuleType
from typing import Any

from suite.plugins.origins import Origin, PlugInError, module_of


@dataclass
class Offer:
    """A decorated function of a module that may have been imported before it is taken up, or never is.

    Attributes:
        module: where it was decorated.
        name: by which specs call it.
        function: what is decorated.
        add: adds it to the catalog.
        by: the origin that has it, by name; None while it is an ordinary function.
        imported: whether its module was known by its name when it was decorated.
    """

    module: str
    name: str
    function: Callable[..., Any]
    add: Callable[[], None]
    by: str | None = None
    imported: bool = field(init=False)

    def __post_init__(self) -> None:
        self.imported = self.module in modules

    def is_former(self) -> bool:
        """Whether its module was imported, and is not any more: should it be again, it may have something else."""
        return self.imported and self.module not in modules

    def is_reached_from(self, module: ModuleType) -> bool:
        """Whether it stands in a module, or it or the module that it stands in was imported there."""
        return self.module == module.__name__ or any(
            value is self.function or (isinstance(value, ModuleType) and value.__name__ == self.module)
            for value in vars(module).values()
        )

    def is_hashed_with(self, origin: Origin) -> bool:
        """Whether an origin's digest is of its text, too: that of a file is of one module, else of a whole package."""
        own = module_of(origin)
        return self.module == own if origin.text is not None else _package(self.module) == _package(own)


def check_own(origin: Origin, borrowed: Collection[Offer], installed: Collection[str]) -> None:
    """Results follow an origin's digest, so nothing is added, or used, that could change while the digest stays.

    Args:
        origin: that is taken up.
        borrowed: what its module has, by an import, that is not hashed with it.
        installed: modules that are plug-ins themselves; their packages add what they have.

    Raises:
        PlugInError: it has decorated functions that no plug-in adds.
    """
    packages = {_package(module) for module in installed}
    strange = [offer for offer in borrowed if _package(offer.module) not in packages]
    if not strange:
        return
    module = strange[0].module
    names = " and ".join(sorted({offer.name for offer in strange if offer.module == module}))
    what = f"it imports {names} from {module}, and results would not follow edits there"
    if origin.text is None:
        raise PlugInError(f"{what}; put that into the package {_package(origin.name)}, or import it nowhere in this")
    file = Path(getattr(modules.get(module), "__file__", None) or f"{module}.py").name
    raise PlugInError(f"{what}; put that into this file, or import nothing of it and give it, too: --plugin {file}")


def told_of_borrowed(borrowed: Collection[Offer]) -> str:
    """Who adds what a file, which adds nothing itself, imports; empty where it imports no such thing."""
    return "".join(f", and {offer.name}, which it imports, is of the plug-in {offer.module}" for offer in borrowed)


def _package(module: str) -> str:
    return module.partition(".")[0]

"""Load a network from a Python file of the user's own."""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path

from torch import nn

from suite.formatting import short_error

_MISSING = object()


class UsageError(Exception):
    """The function that builds the network cannot be called without arguments."""


def _check_no_arguments(function: Callable[..., object], path: str, name: str) -> None:
    """Raise UsageError if a function needs arguments."""
    try:
        signature(function).bind()
    except TypeError as error:
        raise UsageError(
            f"{path}: {name} needs arguments ({error}); add a function without any, such as "
            f"def net(): return {name}(...), and name that"
        ) from None
    except ValueError:
        return  # it has no signature


def load_model(model: str) -> nn.Module:
    """Return the module that FILE.py:NAME names, or that the function of this name returns.

    Raises:
        ValueError: If there is no such file or name, it cannot be run, or it gives something else.
    """
    path, colon, name = model.rpartition(":")
    if not colon or not path.endswith(".py") or not name.isidentifier():
        raise ValueError(f"{model}: expected FILE.py:NAME, such as model.py:net")
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"{path}: no such file; check the path")
    found = spec_from_file_location(file.stem, file)
    assert found is not None
    assert found.loader is not None
    module = module_from_spec(found)
    sys.modules.setdefault(file.stem, module)
    sys.path.insert(0, str(file.parent.resolve()))  # so that the file can import its neighbors
    arguments, sys.argv = sys.argv, [path]  # not those of this command
    try:
        found.loader.exec_module(module)
        net = getattr(module, name, _MISSING)
        if callable(net) and not isinstance(net, nn.Module):
            _check_no_arguments(net, path, name)
            net = net()
    except SystemExit as error:
        raise ValueError(
            f"{path}: ends the program when it is run; put what it does under if __name__ == '__main__':"
        ) from error
    except UsageError as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # the user's own code may raise anything
        raise ValueError(f"{path}: cannot be run ({short_error(error, 160)}); correct it") from error
    finally:
        sys.argv = arguments
        sys.path.remove(str(file.parent.resolve()))
    if net is _MISSING:
        raise ValueError(f"{path}: has no {name}; use the name of a torch.nn.Module, or of a function that returns one")
    if not isinstance(net, nn.Module):
        raise ValueError(
            f"{path}: {name} is {type(net).__name__}, expected a torch.nn.Module or a function that returns one"
        )
    return net

"""A declarative benchmark suite for the trainability of multi-layer perceptrons.

In a notebook:

    import suite

    spec = suite.load("specs/variability.toml")
    results = suite.run(spec)
    results.members, results.measurements, results.summary  # pandas frames
    results.verdicts                                        # a pandas frame of the spec's claims
    results.charts                                          # Altair charts by name
    suite.recommend("private.csv", target="label")          # which network to train on a data file
    print(suite.diagnose(net, x, y))                        # why a network of your own does not train
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.api import SpecError, __version__, diagnose, initialize_, load, measure, plug_in, recommend, run

__all__ = ["SpecError", "__version__", "diagnose", "initialize_", "load", "measure", "plug_in", "recommend", "run"]


def __getattr__(name: str) -> Any:
    """Return a public function or class; `suite.api` is loaded at first use."""
    if name not in __all__:
        raise AttributeError(f"module 'suite' has no attribute {name!r}")
    from suite import api  # noqa: PLC0415  # `import suite` stays instant

    globals()[name] = getattr(api, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

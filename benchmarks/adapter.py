"""The names that the benchmarks use; only this module of the benchmarks imports modules of the suite.

asv runs the current benchmarks on older commits, whose modules have other names. `PLACES` lists, for each name, where
it is in any layout, the newest first. Benchmarks use the names as attributes of this module:

    from benchmarks import adapter

    adapter.v3(networks, domain, adapter.V3Settings(step=0.125))

A benchmark that asv runs looks names up in `setup`. If a commit lacks one, the lookup raises NotImplementedError, and
asv reports the benchmark as not available ("n/a").
"""

from importlib import import_module
from types import ModuleType
from typing import Any

PLACES: dict[str, tuple[str, ...]] = {
    # catalog entries
    "ACTIVATIONS": ("suite.catalog.activations",),
    "DOMAINS": ("suite.catalog.domain",),
    "INITIALIZATIONS": ("suite.catalog.initializations",),
    "MEASURES": ("suite.catalog.measures",),
    "Normalization": ("suite.spec.model",),
    "OPTIMIZERS": ("suite.catalog.optimizers",),
    "SHIPPED": ("suite.catalog.datasets",),
    "TASKS": ("suite.catalog.tasks",),
    "Adam": ("suite.catalog.optimizers",),
    "Checkerboard": ("suite.catalog.tasks",),
    "Critical": ("suite.catalog.initializations",),
    "Relu": ("suite.catalog.activations",),
    "load": ("suite.catalog.dotted",),
    # settings of measures
    "AccuracySettings": ("suite.catalog.measures.training", "suite.catalog.measure_settings"),
    "CollapseSettings": ("suite.catalog.measures.collapse", "suite.catalog.measure_settings", "suite.catalog.measures"),
    "CorrelationSettings": ("suite.catalog.measures.signal", "suite.catalog.measure_settings"),
    "DeadNeuronsSettings": ("suite.catalog.measures.death", "suite.catalog.measure_settings"),
    "FeatureDiversitySettings": ("suite.catalog.measures.training", "suite.catalog.measure_settings"),
    "JacobianSettings": ("suite.catalog.measures.signal", "suite.catalog.measure_settings"),
    "RevivalSettings": ("suite.catalog.measures.training", "suite.catalog.measure_settings"),
    "ScoreSettings": ("suite.catalog.measures.scores", "suite.catalog.measure_settings"),
    "TrainabilitySettings": ("suite.catalog.measures.death", "suite.catalog.measure_settings"),
    "V3LimitSettings": ("suite.catalog.measures.variability", "suite.catalog.measure_settings"),
    "V3Settings": ("suite.catalog.measures.variability", "suite.catalog.measure_settings", "suite.catalog.measures"),
    # kernels
    "computing_with": ("suite.native.build",),
    "kernels": ("suite.native.build",),
    # networks
    "BINARY_CROSS_ENTROPY": ("suite.nets.losses",),
    "Ensemble": ("suite.nets.ensemble",),
    "HALF_SQUARE": ("suite.nets.losses",),
    "LossAt": ("suite.nets.losses",),
    "draw_pairs": ("suite.nets.pairs",),
    "draw_parameters": ("suite.nets.initialization",),
    "layer_variances": ("suite.theory.scaling",),
    "sample_domain": ("suite.nets.sample",),
    # measures
    "TaskAt": ("suite.measures.trainability",),
    "collapse": ("suite.measures.collapse",),
    "correlation": ("suite.measures.correlation",),
    "dead_neurons": ("suite.measures.dead_neurons",),
    "jacobian": ("suite.measures.jacobian",),
    "trainability": ("suite.measures.trainability",),
    "v3": ("suite.measures.v3",),
    "v3_limit": ("suite.measures.v3_limit",),
    # training
    "Data": ("suite.training.tasks",),
    "FeatureDiversity": ("suite.training.features",),
    "Points": ("suite.training.tasks",),
    "Revival": ("suite.training.revival",),
    "make_data": ("suite.training.tasks",),
    "observe": ("suite.training.observer",),
    "train": ("suite.training.trainer",),
    # runs
    "Cache": ("suite.cells.cache", "suite.cells.cache:Store", "suite.runs.store:Store"),
    "Cell": ("suite.cells.cell", "suite.runs.cells"),
    "DaskCluster": ("suite.cells.cluster", "suite.cells.cluster:Cluster", "suite.runs.cluster:Cluster"),
    "Executor": ("suite.cells.executor", "suite.cells.executor:Crew", "suite.runs.crew:Crew"),
    "ProcessPool": (
        "suite.cells.executor",
        "suite.cells.executor:Pool",
        "suite.cells.pool:Pool",
        "suite.runs.pool:Pool",
    ),
    "Resources": ("suite.cells.resources", "suite.runs.resources"),
    "Study": ("suite.spec.load",),
    "cells_of": ("suite.cells.sampling", "suite.cells.cell", "suite.runs.cells"),
    "compute": ("suite.cells.compute", "suite.runs.compute"),
    "execute": ("suite.cells.execute", "suite.runs.execute"),
    "load_studies": ("suite.spec.load",),
    "compute_tables": ("suite.runs.run", "suite.runs.run:run_study"),
}


def __getattr__(name: str) -> Any:
    """Return the object with this name in the installed suite.

    Raises:
        NotImplementedError: If this commit of the suite does not have it.
        AttributeError: If `PLACES` does not list the name.
    """
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; list it in PLACES")
    for place in PLACES[name]:
        path, _, other_name = place.partition(":")
        try:
            module = import_module(path)
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("suite"):
                raise  # a missing dependency is not a difference between commits
            continue
        found = getattr(module, other_name or name, None)
        if found is not None and not isinstance(found, ModuleType):  # modules of a package are attributes of it, too
            return found
    raise NotImplementedError(f"this commit of the suite has no {name} in {' or '.join(PLACES[name])}")

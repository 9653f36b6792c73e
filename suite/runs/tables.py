"""From blocks of draws to tidy tables: raw values, and their summary beside the law."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.quantities import QUANTITIES
from suite.runs.blocks import Array, Block
from suite.runs.laws import mean_field_facts, tells_by_z
from suite.spec.members import Member
from suite.statistics.summary import STATISTICS, deviation, summarise

ALWAYS = ("depth", "activation", "initialization")
"""Axes that every table has, whether or not the study varies them."""

COMPARISON = ("theory", "z", "relative_difference")
"""Columns that lay a summary beside its law."""


def member_axes(members: Sequence[Member]) -> list[str]:
    """The axes that tables show: depth, activation, initialisation, and whatever else the study varies."""
    keys = dict.fromkeys(key for member in members for key in member.axes)
    varied = [key for key in keys if len({member.axes.get(key) for member in members}) > 1]
    return [*ALWAYS, *(key for key in varied if key not in ALWAYS)]


def measurements_table(blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> pd.DataFrame:
    """Every raw value, one a row; a ratio of means has none."""
    raw = [block for block in blocks if QUANTITIES[block.quantity].kind != "ratio"]
    sizes = [block.values.size for block in raw]
    columns = _identity(raw, sizes, axes)
    columns["draw"] = _whole([_draws(block) for block in raw])
    columns |= {name: _whole([_along(block, name, len(block.values)) for block in raw]) for name in _INDICES}
    columns |= _training(raw, sizes, training)
    columns["method"] = _methods(raw, [len(block.values) for block in raw])
    columns["value"] = np.concatenate([block.values.ravel() for block in raw])
    return pd.DataFrame(columns, copy=False)


def summary_table(blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> pd.DataFrame:
    """Summary statistics over draws, beside the law where there is one.

    Trained quantities are at the learning rate that validation chose. `theory` is the law's value; beside it
    stands the z-score of the mean where the law is exact or the network ten times wider than deep, else the
    relative difference, which is finite width showing.
    """
    chosen = select_rates(blocks)
    sizes = [block.values.shape[1] for block in chosen]
    columns = _identity(chosen, sizes, axes)
    columns |= {name: _whole([_along(block, name, 1) for block in chosen]) for name in _INDICES}
    columns |= _training(chosen, sizes, training)
    columns["method"] = _methods(chosen, [1] * len(chosen))
    summaries = [summarise(block.values, QUANTITIES[block.quantity].kind) for block in chosen]
    columns |= {name: np.concatenate([summary[name] for summary in summaries]) for name in STATISTICS}
    compared = [_comparison(block, summary) for block, summary in zip(chosen, summaries, strict=True)]
    columns |= {name: np.concatenate([found[name] for found in compared]) for name in COMPARISON}
    table = pd.DataFrame(columns)
    return table.astype({"n": "int64"})


def _comparison(block: Block, summary: dict[str, Array]) -> dict[str, Array]:
    gap = np.full(block.values.shape[1], np.nan)
    law = block.law
    if law is None:
        return {"theory": gap, "z": gap, "relative_difference": gap}
    by_z, relative = deviation(summary, law.values, law.spread)
    meant = ~np.isnan(by_z) & tells_by_z(law, block.member)
    return {
        "theory": law.values,
        "z": np.where(meant, by_z, np.nan),
        "relative_difference": np.where(meant | law.exact, np.nan, relative),
    }


def _score(block: Block) -> float | None:
    """What learning rates are chosen by, the higher the better; None for quantities that have no say.

    A run that diverged has no accuracy, and the error of a constant, which caps all others too: one lost run
    must not outweigh all that the others learned.
    """
    last = block.values[:, -1:]
    if block.quantity == "validation_accuracy":
        return float(np.nan_to_num(last, nan=0.0).mean())
    if block.quantity == "validation_error":
        worst = (block.cell.task.label_variance if block.cell.task else None) or inf
        return -float(np.minimum(np.nan_to_num(last, nan=worst, posinf=worst), worst).mean())
    return None


def select_rates(blocks: Sequence[Block]) -> list[Block]:
    """The blocks whose learning rate has the best mean validation score after the last step.

    The choice is made for each member and setting of the other training axes; of equal scores the smaller
    rate wins. Test data have no part in it. Blocks without a learning rate stay.
    """
    best: dict[tuple[Any, ...], tuple[float, float]] = {}
    for block in blocks:
        rate, score = block.training.get("learning_rate"), _score(block)
        if score is not None and rate is not None:
            place = _setting(block)
            best[place] = max(best.get(place, (score, -rate)), (score, -rate))
    return [
        block
        for block in blocks
        if block.training.get("learning_rate") is None or best[_setting(block)][1] == -block.training["learning_rate"]
    ]


def _setting(block: Block) -> tuple[Any, ...]:
    return (block.member.name, *(value for key, value in block.training.items() if key != "learning_rate"))


def members_table(members: Sequence[Member], axes: Sequence[str]) -> pd.DataFrame:
    """One row a member: its axes, widths, exact size, weights' variances, and what mean-field theory makes of them.

    `weight_variance` and `bias_variance` are sigma_w^2 and sigma_b^2 of the hidden layers, empty where these
    differ; the columns in the plural say all layers, the readout last. `fixed_point` is q*, `stability` V'(q*),
    `chi` chi_1, `correlation_fixed_point` c*, `xi_q` and `xi_c` the depth scales of the variance and the
    correlation; empty where q* or the column does not exist, and for networks that are not plain.
    """
    rows = []
    for member in members:
        row = {"member": member.name} | {axis: member.axes.get(axis) for axis in axes}
        row |= {"parameters": member.parameters, "widths": " ".join(map(str, member.widths))}
        for place, name in enumerate(("weight_variance", "bias_variance")):
            layers = [variances[place] for variances in member.variances]
            row[name] = layers[0] if len(set(layers[:-1])) == 1 else None
            row[f"{name}s"] = " ".join(f"{value:.10g}" for value in layers)
        rows.append(row | mean_field_facts(member))
    return pd.DataFrame(rows)


_INDICES = ("layer", "step")


def _identity(blocks: Sequence[Block], sizes: Sequence[int], axes: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {"member": _labels([block.member.name for block in blocks], sizes)}
    for axis in axes:
        columns[axis] = _repeated([block.member.axes.get(axis) for block in blocks], sizes)
    columns["parameters"] = np.repeat([block.member.parameters for block in blocks], sizes)
    columns["quantity"] = _labels([block.quantity for block in blocks], sizes)
    return columns


def _training(blocks: Sequence[Block], sizes: Sequence[int], columns: Sequence[str]) -> dict[str, Any]:
    return {column: _repeated([block.training.get(column) for block in blocks], sizes) for column in columns}


def _repeated(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    """One value a block, as often as the block has rows; text as categories, whole numbers with gaps allowed."""
    if any(isinstance(value, str) for value in values):
        return _labels(values, sizes)
    numbers = np.array([np.nan if value is None else float(value) for value in values])
    if any(isinstance(value, float) for value in values):
        return np.repeat(numbers, sizes)
    return _whole([np.full(size, number) for number, size in zip(numbers, sizes, strict=True)])


def _labels(names: Sequence[str | None], sizes: Sequence[int]) -> Any:
    categories = list(dict.fromkeys(name for name in names if name is not None))
    codes = {name: code for code, name in enumerate(categories)}
    repeated = np.repeat(np.array([codes.get(name or "", -1) for name in names]), sizes)
    return pd.Categorical.from_codes(repeated, pd.Index(categories))


def _whole(parts: Sequence[Array]) -> Any:
    """Whole numbers, or gaps where they are nan."""
    numbers = np.concatenate(parts)
    missing = np.isnan(numbers)
    return pd.arrays.IntegerArray(np.where(missing, 0, numbers).astype(np.int64), missing)


def _draws(block: Block) -> Array:
    draws, width = block.values.shape
    return np.repeat(np.arange(draws) if block.drawn else np.full(draws, np.nan), width).astype(np.float64)


def _along(block: Block, index: str, repeats: int) -> Array:
    """What the block's columns stand for in one index, for one repeat after the other."""
    if index not in block.places:
        return np.full(block.values.shape[1] * repeats, np.nan)
    return np.tile(block.places[index].astype(np.float64), repeats)


def _methods(blocks: Sequence[Block], repeats: Sequence[int]) -> Any:
    """How each value was decided, for one repeat of each block's columns after the other."""
    codes = [np.array([_METHODS.index(name) for name in block.methods], dtype=np.int8) - 1 for block in blocks]
    tiled = [np.tile(code, times) for code, times in zip(codes, repeats, strict=True)]
    joined = np.concatenate(tiled) if tiled else np.empty(0, dtype=np.int8)
    return pd.Categorical.from_codes(joined, pd.Index(_METHODS[1:])).remove_unused_categories()


_METHODS: tuple[str | None, ...] = (None, "exact", "sampled", "training points")

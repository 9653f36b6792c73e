"""From blocks of draws to tidy tables: raw values, and their summary beside the theory."""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any

import numpy as np
import pandas as pd

from suite.catalog.quantities import QUANTITIES
from suite.cells.blocks import Array, Block, Parts, chunks
from suite.spec.members import Member
from suite.statistics.summary import STATISTICS, deviation, summarise
from suite.theory.networks import mean_field_facts
from suite.theory.quantities import is_compared_by_z

Column = Callable[[Sequence[Any], Sequence[int]], Any]
"""(one value a block, how many rows each has) -> the column."""

_INDICES = ("layer", "step")
_METHODS = ("exact", "sampled", "training points")


class Layout:
    """What stands before the numbers, whichever of a study's blocks a piece of the table holds.

    Args:
        blocks: all that the table will hold: its categories and types follow from them.
        axes: of the members.
        training: settings that the tables show.
    """

    def __init__(self, blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> None:
        self._member = _labels([block.member.name for block in blocks])
        self._axes = {axis: _column([block.member.axes.get(axis) for block in blocks]) for axis in axes}
        self._quantity = _labels([block.quantity for block in blocks])
        self._training = {name: _column([block.training.get(name) for block in blocks]) for name in training}
        used = {name for block in blocks for name in block.methods}
        self._methods = [name for name in _METHODS if name in used]

    def columns(self, blocks: Sequence[Block], draws: Sequence[range] | None = None) -> dict[str, Any]:
        """The columns by name, in order.

        Args:
            blocks: of the rows, one after the other.
            draws: which of each block's draws have a row a column; one row a column for all draws if not said.
        """
        repeats = [1] * len(blocks) if draws is None else [len(some) for some in draws]
        sizes = [block.columns * times for block, times in zip(blocks, repeats, strict=True)]
        pairs = list(zip(blocks, repeats, strict=True))
        columns: dict[str, Any] = {"member": self._member([block.member.name for block in blocks], sizes)}
        for axis, column in self._axes.items():
            columns[axis] = column([block.member.axes.get(axis) for block in blocks], sizes)
        columns["parameters"] = np.repeat([block.member.parameters for block in blocks], sizes)
        columns["quantity"] = self._quantity([block.quantity for block in blocks], sizes)
        if draws is not None:
            columns["draw"] = _whole([_numbered(block, some) for block, some in zip(blocks, draws, strict=True)])
        columns |= {name: _whole([_along(block, name, times) for block, times in pairs]) for name in _INDICES}
        for name, column in self._training.items():
            columns[name] = column([block.training.get(name) for block in blocks], sizes)
        columns["method"] = self._decided(pairs)
        return columns

    def _decided(self, pairs: Sequence[tuple[Block, int]]) -> Any:
        """How each value was decided, for one repeat of each block's columns after the other."""
        codes = {name: code for code, name in enumerate(self._methods)}
        tiled = [np.tile([codes.get(name or "", -1) for name in block.methods], times) for block, times in pairs]
        return pd.Categorical.from_codes(np.concatenate(tiled).astype(np.int8), _names(self._methods))


def _column(values: Sequence[Any]) -> Column:
    """Text as categories; else numbers, whole ones with gaps allowed."""
    if any(isinstance(value, str) for value in values):
        return _labels(values)
    broken = any(isinstance(value, float) for value in values)

    def repeated(some: Sequence[Any], sizes: Sequence[int]) -> Any:
        numbers = np.array([np.nan if value is None else float(value) for value in some])
        return np.repeat(numbers, sizes) if broken else _whole([np.repeat(numbers, sizes)])

    return repeated


def _labels(names: Sequence[str | None]) -> Column:
    categories = list(dict.fromkeys(name for name in names if name is not None))
    codes = {name: code for code, name in enumerate(categories)}

    def repeated(some: Sequence[str | None], sizes: Sequence[int]) -> Any:
        found = np.array([codes.get(name or "", -1) for name in some], dtype=np.int64)
        return pd.Categorical.from_codes(np.repeat(found, sizes), _names(categories))

    return repeated


def _names(categories: list[str]) -> "pd.Index[Any]":
    return pd.Index(categories, dtype="str")


def _whole(parts: Sequence[Array]) -> Any:
    """Whole numbers, or gaps where they are nan."""
    numbers = np.concatenate(parts)
    missing = np.isnan(numbers)
    return pd.arrays.IntegerArray(np.where(missing, 0, numbers).astype(np.int64), missing)


def _numbered(block: Block, draws: range) -> Array:
    numbers = np.array(draws, dtype=np.float64) if block.drawn else np.full(len(draws), np.nan)
    return np.repeat(numbers, block.columns)


def _along(block: Block, index: str, repeats: int) -> Array:
    """What the block's columns stand for in one index, for one repeat after the other."""
    if index not in block.places:
        return np.full(block.columns * repeats, np.nan)
    return np.tile(block.places[index].astype(np.float64), repeats)


ALWAYS = ("depth", "activation", "initialization")
"""Axes that every table has, whether or not the study varies them."""

COMPARISON = ("theory", "z", "relative_difference")
"""Columns that compare a summary with its theory."""

ROWS_AT_A_TIME = 2**15
"""Rows of raw values that are written together, at least; a cell's own stay together."""


def member_axes(members: Sequence[Member]) -> list[str]:
    """The axes that tables show: depth, activation, initialisation, and whatever else the study varies."""
    keys = dict.fromkeys(key for member in members for key in member.axes)
    varied = [key for key in keys if len({member.axes.get(key) for member in members}) > 1]
    return [*ALWAYS, *(key for key in varied if key not in ALWAYS)]


def measurements_tables(
    blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Every raw value, one a row, in tables of about so many rows as are written together; a ratio of means has none.

    One table at least; all have the same columns and types.
    """
    raw = [block for block in blocks if QUANTITIES[block.quantity].kind != "ratio"]
    layout = Layout(raw, axes, training)
    for pieces in _gathered(raw):
        columns = layout.columns(
            [block for block, _, _ in pieces], [range(first, first + len(values)) for _, first, values in pieces]
        )
        columns["value"] = np.concatenate([values.ravel() for _, _, values in pieces])
        yield pd.DataFrame(columns, copy=False)


def _gathered(blocks: Sequence[Block]) -> Iterator[list[tuple[Block, int, Array]]]:
    """All parts of the blocks with their first draws, as many together as make up a table."""
    pieces: list[tuple[Block, int, Array]] = []
    rows = 0
    for block in blocks:
        assert isinstance(block.draws, Parts)
        for first, values in block.draws.rows():
            pieces.append((block, first, values))
            rows += values.size
            if rows >= ROWS_AT_A_TIME:
                yield pieces
                pieces, rows = [], 0
    if pieces:
        yield pieces


def summary_table(blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]) -> pd.DataFrame:
    """Summarize the draws, and compare the summary with the theory if one is known.

    Trained quantities are at the learning rate that validation chose. `theory` is the theoretical value; beside it
    stands the z-score of the mean where the theory is exact or the network ten times wider than deep, else the
    relative difference, which is finite width showing.
    """
    chosen = select_rates(blocks)
    columns = Layout(chosen, axes, training).columns(chosen)
    summaries = [_summary(block) for block in chosen]
    columns |= {name: np.concatenate([summary[name] for summary in summaries]) for name in STATISTICS}
    compared = [_comparison(block, summary) for block, summary in zip(chosen, summaries, strict=True)]
    columns |= {name: np.concatenate([found[name] for found in compared]) for name in COMPARISON}
    table = pd.DataFrame(columns)
    return table.astype({"n": "int64"})


def _summary(block: Block) -> dict[str, Array]:
    """A block's statistics, one a column, without holding all of its values."""
    kind = QUANTITIES[block.quantity].kind
    parts = [summarise(values, kind) for values in chunks(block.draws)]
    return {name: np.concatenate([part[name] for part in parts]) for name in STATISTICS}


def _comparison(block: Block, summary: dict[str, Array]) -> dict[str, Array]:
    gap = np.full(block.columns, np.nan)
    theory = block.theory
    if theory is None:
        return {"theory": gap, "z": gap, "relative_difference": gap}
    by_z, relative = deviation(summary, theory.values, theory.spread)
    meant = ~np.isnan(by_z) & is_compared_by_z(theory, block.member)
    return {
        "theory": theory.values,
        "z": np.where(meant, by_z, np.nan),
        "relative_difference": np.where(meant | theory.exact, np.nan, relative),
    }


def _score(block: Block) -> float | None:
    """What learning rates are chosen by, the higher the better; None for quantities that have no say.

    A run that diverged has no accuracy, and the error of a constant, which caps all others too: one lost run
    must not outweigh all that the others learned.
    """
    if not block.quantity.startswith("validation_"):
        return None
    last = block.draws.columns(block.columns - 1, block.columns)
    if block.quantity == "validation_accuracy":
        return float(np.nan_to_num(last, nan=0.0).mean())
    worst = (block.cell.task.label_variance if block.cell.task else None) or inf
    return -float(np.minimum(np.nan_to_num(last, nan=worst, posinf=worst), worst).mean())


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

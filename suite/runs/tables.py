"""Build the tables of a run: measurements, summary with theory, members, landscapes and precision."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.catalog.domain import GRID_INPUTS, INTERVALS, Box
from suite.catalog.measures import LANDSCAPES
from suite.catalog.measures.training import DIVERGED
from suite.catalog.quantities import QUANTITIES
from suite.catalog.training import training_settings
from suite.cells.blocks import Array, Block, Parts, blocks_of, chunks, training_columns
from suite.cells.cache import Read, Shapes
from suite.cells.cell import Cell
from suite.cells.sampling import PrecisionTarget
from suite.results.tables import write_tables
from suite.runs.columns import Layout
from suite.spec.load import Study
from suite.spec.members import Member, member_axes
from suite.statistics.summary import STATISTICS, deviation, summarize
from suite.theory.networks import mean_field_facts
from suite.theory.quantities import is_compared_by_z

_COMPARISON = ("theory", "z", "relative_difference")
"""Columns that compare a summary with its theory."""

ROWS_AT_A_TIME = 2**15
"""Minimum number of rows of raw values that are written together; the rows of a cell stay together."""


def write_study_tables(
    study: Study,
    folder: Path,
    cells: Sequence[Cell],
    shapes: Mapping[str, Shapes],
    read: Read,
    targets: Sequence[PrecisionTarget],
    run: dict[str, Any],
) -> None:
    """Write a study's tables.

    Args:
        study: The study.
        folder: The results folder of the study.
        cells: The cells of the study, in the order of the tables.
        shapes: The shapes of the arrays of each finished cell, by the keys of the cells.
        read: Returns one quantity of a finished cell.
        targets: The precision targets.
        run: The content of run.json.
    """
    axes, training = member_axes(study.members), training_columns(study)
    blocks = blocks_of(cells, shapes, read, training)
    summary = summary_table(blocks, axes, training)
    write_tables(
        folder,
        members_table(study.members, axes),
        measurements_tables(blocks, axes, training),
        summary,
        landscapes_table(cells, shapes, read, axes, training),
        precision_table(targets),
        run | {"trained": count_trained(blocks, summary)},
    )


def count_trained(blocks: Sequence[Block], summary: pd.DataFrame) -> dict[str, int]:
    """Return the numbers of training `runs` and of those `lost` to divergence, and those at the selected rates."""
    rows = summary[summary["quantity"] == DIVERGED]
    every = [block.values for block in blocks if block.quantity == DIVERGED]
    return {
        "runs": sum(values.size for values in every),
        "lost": sum(int(values.sum()) for values in every),
        "selected_runs": int(rows["n"].sum()),
        "selected_lost": round(float((rows["n"] * rows["mean"]).sum())),
    }


def measurements_tables(
    blocks: Sequence[Block], axes: Sequence[str], training: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """Yield every raw value, one per row, in tables of at least `ROWS_AT_A_TIME` rows, except the last.

    All tables have the same columns and types. A ratio of means has no raw values.
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
    """Yield lists of parts to write together, each part as its block, first draw and values."""
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

    Trained quantities are those at the learning rate that `select_rates` selects. `theory` is the theoretical value.
    `z` is the z-score of the mean if the theory is exact or the network is ten times wider than deep; otherwise
    `relative_difference` shows the effect of finite width.
    """
    chosen = select_rates(blocks)
    columns = Layout(chosen, axes, training).columns(chosen)
    summaries = [_summary(block) for block in chosen]
    columns |= {name: np.concatenate([summary[name] for summary in summaries]) for name in STATISTICS}
    compared = [_comparison(block, summary) for block, summary in zip(chosen, summaries, strict=True)]
    columns |= {name: np.concatenate([found[name] for found in compared]) for name in _COMPARISON}
    table = pd.DataFrame(columns)
    return table.astype({"n": "int64"})


def _summary(block: Block) -> dict[str, Array]:
    """Return the statistics of each column of a block, without all of its values in memory."""
    kind = QUANTITIES[block.quantity].kind
    parts = [summarize(values, kind) for values in chunks(block.draws)]
    return {name: np.concatenate([part[name] for part in parts]) for name in STATISTICS}


def _comparison(block: Block, summary: dict[str, Array]) -> dict[str, Array]:
    """Return the theory of each column of a block with its z-score or relative difference, or nan."""
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
    """Return the score that selects a learning rate, larger is better; None if the quantity selects none.

    A run that diverged has no score of its own. It counts as an accuracy of 0, or as the error of the best constant
    prediction. That error is the maximum for all runs, so that one failed run does not outweigh the others.
    """
    quantity = QUANTITIES[block.quantity]
    if not quantity.selects_rate:
        return None
    last = block.draws.columns(block.columns - 1, block.columns)
    if quantity.sign > 0:
        return float(np.nan_to_num(last, nan=0.0).mean())
    worst = (block.cell.task.label_variance if block.cell.task else None) or inf
    return -float(np.minimum(np.nan_to_num(last, nan=worst, posinf=worst), worst).mean())


def select_rates(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks whose learning rate has the best mean validation score after the last step.

    The rate is selected for each member and setting of the other training axes. If scores are equal, as they are where
    all runs diverged at several rates, the smaller rate is selected. Test data are not used. Blocks without a learning
    rate are all returned.
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
    """Return one row per member: axes, widths, parameter count, variances and mean-field theory.

    `weight_variance` and `bias_variance` are sigma_w^2 and sigma_b^2 of the hidden layers, empty if these differ;
    the columns in the plural list all layers, the readout last. `fixed_point` is q*, `stability` V'(q*), `chi` chi_1,
    `correlation_fixed_point` c*, `xi_q` and `xi_c` the depth scales of the variance and the correlation. They are
    empty if there is no q*, or the network has normalization or residual connections.
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


def landscapes_table(
    cells: Sequence[Cell], shapes: Mapping[str, Shapes], read: Read, axes: Sequence[str], training: Sequence[str]
) -> pd.DataFrame | None:
    """Return outputs on the grid, one per row: of a few random draws, and at some steps of training.

    Returns:
        Columns member, the axes, `state` (random or trained), draw, the training settings, `step` (of training;
        missing for random networks), x1, x2 and value. Training has rows for every learning rate. None if no member has
        two inputs.
    """
    frames = []
    for cell in cells:
        if LANDSCAPES not in shapes.get(cell.key, {}) or cell.start > 0:
            continue
        trained_in = cell.task.plane if cell.trains and cell.task else None
        box = Box(half_width=trained_in) if trained_in else cell.domain
        assert isinstance(box, Box)
        x1, x2 = _plane(box)
        of: dict[str, Any] = {"member": cell.member.name} | {axis: cell.member.axes.get(axis) for axis in axes}
        of |= {"state": "trained" if cell.trains else "random"}
        for board in cell.boards(read(cell.key, LANDSCAPES)):
            values = training_settings(cell.task, board.optimizer) if board.optimizer else {}
            row = {"draw": board.draw} | {column: values.get(column) for column in training} | {"step": board.step}
            with np.errstate(over="ignore"):  # outputs of exploding networks
                outputs = board.values.astype(np.float32)
            frames.append(pd.DataFrame(of | row | {"x1": x1, "x2": x2, "value": outputs}))
    if not frames:
        return None
    table = pd.concat([frame.dropna(axis=1, how="all") for frame in frames], ignore_index=True)
    text = [
        column
        for column in table.columns
        if table[column].dtype == object or pd.api.types.is_string_dtype(table[column])
    ]
    step = pd.Series(table.get("step"), index=table.index, dtype="Int64")  # no column if nothing is trained
    return table.assign(step=step).astype(dict.fromkeys(text, "category"))


def _plane(box: Box) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of the grid points, row by row."""
    sides = (np.linspace(low, high, INTERVALS + 1) for low, high in zip(*box.bounds(GRID_INPUTS), strict=True))
    x1, x2 = np.meshgrid(*sides, indexing="ij")
    return x1.ravel(), x2.ravel()


_STATISTIC = {"value": "mean", "frequency": "frequency", "ratio": "ratio of means"}


def precision_table(targets: Sequence[PrecisionTarget]) -> pd.DataFrame | None:
    """Return one row per member, quantity and layer with the half-width reached; None without targets.

    `half_width` of the 95% interval is absolute for a frequency, otherwise relative to the mean, as is `precision`,
    the value that the spec asks for. `reached` is yes or no; `note` gives the reason if it is not reached, or a reason
    to doubt it. `draws`, `looks` and `seconds` are those of all layers together.
    """
    if not targets:
        return None
    table = pd.DataFrame([row for target in targets for row in _precision_rows(target)])
    return table.astype({"layer": "Int64"})


def _precision_rows(target: PrecisionTarget) -> Iterator[dict[str, Any]]:
    cell, found, block = target.cells[0], target.found, target.block
    known: dict[str, Any] = {"member": cell.member.name, "measure": cell.name, "quantity": target.quantity}
    known |= dict.fromkeys(target.training) | (block.training if block else {})
    statistic = _STATISTIC[QUANTITIES[target.quantity].kind]
    effort = {"draws": target.draws, "looks": target.looks, "seconds": round(target.seconds, 2)}
    if found is None or block is None:
        note = "not defined for these networks" if target.done else "some cells failed"
        outcome = {"half_width": np.nan, **effort, "reached": "no", "note": note}
        yield {**known, "layer": None, "statistic": statistic, "precision": target.precision, **outcome}
        return
    failed = "" if target.done else "some cells failed"
    needed, reached = found.needed(target.precision), found.reached(target.precision)
    for place, half in enumerate(found.half_width):
        yield {
            **known,
            "layer": block.places["layer"][place] if "layer" in block.places else None,
            "statistic": statistic,
            "precision": target.precision,
            "half_width": half if np.isfinite(half) else np.nan,
            **effort,
            "reached": "yes" if reached[place] else "no",
            "note": "; ".join(
                part
                for part in (
                    _precision_note(bool(reached[place]), bool(found.doubtful[place]), half, needed[place]),
                    failed,
                )
                if part
            ),
        }


def _precision_note(reached: bool, doubtful: bool, half_width: float, needed: float) -> str:
    if np.isnan(half_width):
        return "no draw is finite"
    if np.isinf(half_width):
        return "relative half-width undefined: the mean is 0 or too large"
    foreseen = "" if reached else f"about {float(f'{needed:.2g}'):,.0f} draws needed"
    carried = "the mean depends on few draws; its interval may be too narrow" if doubtful else ""
    if doubtful and half_width == 0:
        carried = "all draws are equal; rare other values may exist"
    return "; ".join(part for part in (foreseen, carried) if part)

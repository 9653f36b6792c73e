"""Landscapes as small multiples: random networks where collapse can be seen, and learned boards beside the true one."""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.analysis.series import with_series
from suite.catalog.charts.declaration import ChartDeclaration

_SIZE = 84
_TRUE = "true"
_SURE = 20.0
_ROWS = 12
"""Of the pictures of boundaries, at most, unless there are more series."""
_LOW, _MIDDLE, _HIGH = (np.array(color, dtype=float) for color in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))


def draw_landscapes(
    landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Sequence[Mapping[str, Any]], chart: ChartDeclaration
) -> Any | None:
    """Draw the outputs of each member's first draw before training and after it, at the selected learning rate.

    Random outputs are scaled by their own largest absolute value, so that a collapsed network is one color, and have
    the number std / rms in their corner; trained ones are shown as probabilities, behind the true board.

    Args:
        landscapes: Outputs over the plane.
        summary: Says which learning rate each member's training kept.
        tasks: The tasks that networks are trained on, as run.json has them.
        chart: The declaration of this chart.
    """
    (outcome,) = chart.beside
    data = _boards(landscapes, summary, outcome)
    if data.empty:
        return None
    axis = str(data["axis"].iloc[0])
    pictures: dict[str, list[dict[str, Any]]] = {"random": [], "trained": []}
    for (series, along, state), board in _last(data).groupby(["series", "along", "state"], sort=False):
        values, trained = board["value"].to_numpy(dtype=float), state == "trained"
        said = "" if trained else _evenness(values)
        place = {"member": str(board["member"].iloc[0]), "series": series, axis: f"{along:g}", "state": state}
        rows = pictures[str(state)]
        if trained and not any(row["series"] == series for row in rows):
            rows += [place | {"member": "", axis: _TRUE, **true} for true in _true_pictures(board, tasks)]
        rows.append(place | {"said": said, "picture": _picture(values, trained)})
    places = [_TRUE, *(f"{along:g}" for along in sorted(data["along"].unique()))]
    charts = [
        _grid(pd.DataFrame(pictures[state]), axis, places, title)
        for state, title in (
            ("random", "random networks, draw 0; in the corner std / rms, which is near 0 where they have collapsed"),
            ("trained", "the same networks after training, behind the board that they are to learn"),
        )
        if pictures[state]
    ]
    return alt.vconcat(*charts)


def draw_decision_boundary(
    landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Sequence[Mapping[str, Any]], chart: ChartDeclaration
) -> Any | None:
    """Draw the first draw of some members at some steps of its training, as probabilities, beside the true board.

    Of each series the members at the ends of the main axis and in its middle, or fewer where there are many series;
    none of regressions, which have no boundary.

    Args:
        landscapes: Outputs over the plane.
        summary: Says which learning rate each member's training kept.
        tasks: The tasks that networks are trained on, as run.json has them.
        chart: The declaration of this chart.
    """
    _, outcome = chart.drawn
    data = _boards(landscapes, summary, outcome)
    data = data[data["state"] == "trained"]
    if data.empty:
        return None
    axis, each = str(data["axis"].iloc[0]), max(1, min(3, _ROWS // data["series"].nunique()))
    pictures: list[dict[str, Any]] = []
    for series, boards in data.groupby("series", sort=False):
        for along in _spread_over(sorted(boards["along"].unique()), each):
            here = boards[boards["along"] == along]
            row = {"member": str(here["member"].iloc[0]), "series": series, "network": f"{series}, {axis} {along:g}"}
            last = here[here["step"] == here["step"].max()]
            for step, board in here.groupby("step", sort=True):
                picture = _picture(board["value"].to_numpy(dtype=float), trained=True)
                pictures.append(row | {"step": f"{step:,}", "said": "", "picture": picture})
            pictures += [row | {"member": "", "step": _TRUE, **true} for true in _true_pictures(last, tasks)]
    places = [*(f"{step:,}" for step in sorted(data["step"].unique())), _TRUE]
    known = any(row["step"] == _TRUE for row in pictures)
    title = f"draw 0 after so many steps of training{', and what it is to learn' if known else ''}"
    return _grid(pd.DataFrame(pictures), "step", places, title, "network")


def _boards(landscapes: pd.DataFrame, summary: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return those of the first draws at the learning rates that validation chose, with their series.

    Args:
        landscapes: Outputs over the plane.
        summary: Statistics over draws.
        outcome: A quantity that the trained ones have.
    """
    first = _selected(landscapes[landscapes["draw"] == 0], summary, outcome)
    return with_series(first).assign(state=first["state"].astype(str))


def _last(boards: pd.DataFrame) -> pd.DataFrame:
    """Random ones, and trained ones after the last step of their training."""
    if boards["step"].isna().all():
        return boards
    of = boards.groupby(["series", "along", "state"])["step"].transform("max")
    return boards[of.isna() | (boards["step"] == of)]


def _evenness(values: NDArray[np.float64]) -> str:
    """std / rms in words, 0 of the function that is 0."""
    rms = np.sqrt(np.mean(values**2))
    return f"{values.std() / rms:.2g}" if rms > 0 else "0"


def _spread_over(places: Sequence[float], count: int) -> list[float]:
    """So many of the places, from the first to the last; of one, the middle."""
    if count == 1 or len(places) == 1:
        return [places[len(places) // 2]]
    return [places[index] for index in sorted({round(step * (len(places) - 1) / (count - 1)) for step in range(count)})]


def _true_pictures(board: pd.DataFrame, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The board that a trained network was to learn, where the task is one; at most one."""
    named = [name for name in ("task", "squares") if name in board.columns]
    task = dict(tasks[0]) if len(tasks) == 1 else dict(board[named].iloc[0]) if named else {}
    if pd.isna(task.get("squares")):
        return []
    truth = true_board(board[["x1", "x2"]].to_numpy(dtype=float), int(task["squares"]))
    return [{"said": "", "picture": _picture(truth, trained=True)}]


def _grid(rows: pd.DataFrame, axis: str, places: Sequence[str], title: str, by: str = "series") -> Any:
    """Pictures in rows by series, or whatever else, in columns along an axis."""
    header = alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False)
    names = alt.Axis(domain=False, ticks=False, labelLimit=260)
    shown = [place for place in places if (rows[axis] == place).any()]
    base = alt.Chart(rows, title=title).encode(
        x=alt.X(f"{axis}:O", title=axis, sort=shown, axis=header),
        y=alt.Y(f"{by}:N", title=None, sort=None, axis=names),
    )
    images = base.mark_image(width=_SIZE, height=_SIZE).encode(url="picture:N", tooltip=[f"{by}:N", f"{axis}:O"])
    corner: dict[str, Any] = {
        "dx": 3 - _SIZE / 2,
        "dy": _SIZE / 2 - 3,
        "align": "left",
        "baseline": "bottom",
        "fontSize": 10,
    }
    # White behind black: readable on every color.
    halo = base.mark_text(**corner, stroke="#ffffff", strokeWidth=3, opacity=0.85).encode(text="said:N")
    said = base.mark_text(**corner, color="#111111").encode(text="said:N")
    return alt.layer(images, halo, said).properties(width=alt.Step(_SIZE + 8), height=alt.Step(_SIZE + 8))


def true_board(points: NDArray[np.float64], squares: int) -> NDArray[np.float64]:
    """The board as a network that is sure of it would give it: positive where the label is 1."""
    places = np.floor((points + 1) * (squares / 2)).clip(0, squares - 1)
    return np.where(places.sum(axis=1) % 2 == 1, _SURE, -_SURE)


def _selected(landscapes: pd.DataFrame, summary: pd.DataFrame, of: str) -> pd.DataFrame:
    """Without the trained networks of learning rates that validation did not choose, or that lack the quantity."""
    trained = landscapes["state"] == "trained"
    if not trained.any():
        return landscapes
    keys = [
        "member",
        *(name for name in landscapes.columns if name in summary.columns and name not in ("member", "step")),
    ]
    chosen = summary[summary["quantity"] == of][keys].drop_duplicates().astype({"member": str})
    kept = landscapes[trained].astype({"member": str}).merge(chosen, on=keys, how="inner")
    return pd.concat([landscapes[~trained].astype({"member": str}), kept], ignore_index=True)


def _picture(values: NDArray[np.floating], trained: bool) -> str:
    """A board of outputs as a small PNG in a data URL, x1 to the right and x2 upwards."""
    side = round(len(values) ** 0.5)
    board = values.astype(float).reshape(side, side).T[::-1]
    if trained:
        shade = np.tanh(board / 2)  # 2 sigmoid(f) - 1
    else:
        largest = np.abs(board).max()
        shade = board / largest if largest > 0 else board
    shade = np.nan_to_num(shade)[..., None]
    colors = np.where(shade < 0, _MIDDLE + shade * (_MIDDLE - _LOW), _MIDDLE + shade * (_HIGH - _MIDDLE))
    return "data:image/png;base64," + base64.b64encode(_png(colors.round().astype(np.uint8))).decode()


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """A true-color PNG file; the format needs no more than the standard library for this."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")

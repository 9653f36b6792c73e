"""Pictures of outputs over the plane: random networks, and trained ones beside the true board."""

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
"""Largest number of rows with pictures of decision boundaries, unless there are more series."""
_LOW, _MIDDLE, _HIGH = (np.array(color, dtype=float) for color in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))


def draw_landscapes(
    landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Sequence[Mapping[str, Any]], chart: ChartDeclaration
) -> Any | None:
    """Draw the outputs of each member's first draw, before and after training.

    Trained networks are those at the selected learning rate. Random outputs are scaled by their largest absolute value,
    so that a collapsed network has a single color. The number in the corner is std / rms. Trained outputs are drawn as
    probabilities, after the true board.

    Args:
        landscapes: Outputs over the plane.
        summary: Statistics over draws, which show the learning rate that was selected for each member.
        tasks: The tasks that networks are trained on, in the form of run.json.
        chart: The declaration of this chart.
    """
    (outcome,) = chart.beside
    data = _select_boards(landscapes, summary, outcome)
    if data.empty:
        return None
    axis = str(data["axis"].iloc[0])
    pictures: dict[str, list[dict[str, Any]]] = {"random": [], "trained": []}
    for (series, along, state), board in _select_last_step(data).groupby(["series", "along", "state"], sort=False):
        values, trained = board["value"].to_numpy(dtype=float), state == "trained"
        label = "" if trained else _format_std_over_rms(values)
        place = {"member": str(board["member"].iloc[0]), "series": series, axis: f"{along:g}", "state": state}
        rows = pictures[str(state)]
        if trained and not any(row["series"] == series for row in rows):
            rows += [place | {"member": "", axis: _TRUE, **true} for true in _draw_true_board(board, tasks)]
        rows.append(place | {"label": label, "picture": _encode_picture(values, trained)})
    known = any(row[axis] == _TRUE for row in pictures["trained"])
    places = [_TRUE, *(f"{along:g}" for along in sorted(data["along"].unique()))]
    charts = [
        _draw_grid(pd.DataFrame(pictures[state]), axis, places, title)
        for state, title in (
            ("random", f"random networks by {axis}, draw 0; the number is std / rms, near 0 if it has collapsed"),
            ("trained", f"the same networks by {axis} after training{', after the true board' if known else ''}"),
        )
        if pictures[state]
    ]
    return alt.vconcat(*charts)


def draw_decision_boundary(
    landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Sequence[Mapping[str, Any]], chart: ChartDeclaration
) -> Any | None:
    """Draw the first draw of some members at several steps of training, beside the true board.

    Outputs are drawn as probabilities. Each series has up to three members, from the ends and the middle of the main
    axis, or fewer if there are many series. A regression has no boundary and is not drawn.

    Args:
        landscapes: Outputs over the plane.
        summary: Statistics over draws, which show the learning rate that was selected for each member.
        tasks: The tasks that networks are trained on, in the form of run.json.
        chart: The declaration of this chart.
    """
    _, outcome = chart.drawn
    data = _select_boards(landscapes, summary, outcome)
    data = data[data["state"] == "trained"]
    if data.empty:
        return None
    axis, each = str(data["axis"].iloc[0]), max(1, min(3, _ROWS // data["series"].nunique()))
    pictures: list[dict[str, Any]] = []
    for series, boards in data.groupby("series", sort=False):
        for along in _choose_evenly(sorted(boards["along"].unique()), each):
            here = boards[boards["along"] == along]
            row = {"member": str(here["member"].iloc[0]), "series": series, "network": f"{series}, {axis} {along:g}"}
            last = here[here["step"] == here["step"].max()]
            for step, board in here.groupby("step", sort=True):
                picture = _encode_picture(board["value"].to_numpy(dtype=float), trained=True)
                pictures.append(row | {"step": f"{step:,}", "label": "", "picture": picture})
            pictures += [row | {"member": "", "step": _TRUE, **true} for true in _draw_true_board(last, tasks)]
    places = [*(f"{step:,}" for step in sorted(data["step"].unique())), _TRUE]
    known = any(row["step"] == _TRUE for row in pictures)
    title = f"draw 0 by training step{', and the true board' if known else ''}"
    return _draw_grid(pd.DataFrame(pictures), "step", places, title, "network")


def _select_boards(landscapes: pd.DataFrame, summary: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return the outputs of first draws at the learning rates that validation selected, with their series.

    Args:
        landscapes: Outputs over the plane.
        summary: Statistics over draws.
        outcome: A quantity that the trained networks have.
    """
    first = _select_trained(landscapes[landscapes["draw"] == 0], summary, outcome)
    return with_series(first).assign(state=first["state"].astype(str))


def _select_last_step(boards: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of random networks, and those of trained networks after their last step."""
    if boards["step"].isna().all():
        return boards
    last = boards.groupby(["series", "along", "state"])["step"].transform("max")
    return boards[last.isna() | (boards["step"] == last)]


def _format_std_over_rms(values: NDArray[np.float64]) -> str:
    """Format std / rms of a function; it is 0 for the function 0."""
    rms = np.sqrt(np.mean(values**2))
    return f"{values.std() / rms:.2g}" if rms > 0 else "0"


def _choose_evenly(places: Sequence[float], count: int) -> list[float]:
    """Return up to `count` values, evenly from the first to the last; if it is one, the middle."""
    if count == 1 or len(places) == 1:
        return [places[len(places) // 2]]
    return [places[index] for index in sorted({round(step * (len(places) - 1) / (count - 1)) for step in range(count)})]


def _draw_true_board(board: pd.DataFrame, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the picture of the board that a trained network learns, in a list that may be empty."""
    named = [name for name in ("task", "squares") if name in board.columns]
    task = dict(tasks[0]) if len(tasks) == 1 else dict(board[named].iloc[0]) if named else {}
    if pd.isna(task.get("squares")):
        return []
    truth = true_board(board[["x1", "x2"]].to_numpy(dtype=float), int(task["squares"]))
    return [{"label": "", "picture": _encode_picture(truth, trained=True)}]


def _draw_grid(rows: pd.DataFrame, axis: str, places: Sequence[str], title: str, by: str = "series") -> Any:
    """Draw one strip of pictures for each series or value of another column, with one picture per value of an axis."""
    strips = [
        _draw_strip(found, axis, [place for place in places if (found[axis] == place).any()], str(name))
        for name, found in rows.groupby(by, sort=False)
    ]
    return alt.concat(*strips, columns=1, spacing=12, title=title)


def _draw_strip(rows: pd.DataFrame, axis: str, places: Sequence[str], title: str) -> Any:
    """Draw pictures next to each other, each with its value of the axis above it."""
    box = {"x": alt.value(0), "y": alt.value("height")}
    base = alt.Chart(rows)
    images = base.mark_image(aspect=False).encode(
        x=alt.value(0),
        x2=alt.value("width"),
        y=alt.value(0),
        y2=alt.value("height"),
        url="picture:N",
        tooltip=["series:N", f"{axis}:O"],
    )
    corner: dict[str, Any] = {"dx": 3, "dy": -3, "align": "left", "baseline": "bottom", "fontSize": 10}
    # Black text with a white halo is readable on every color.
    halo = base.mark_text(**corner, stroke="#ffffff", strokeWidth=3, opacity=0.85).encode(text="label:N", **box)
    label = base.mark_text(**corner, color="#111111").encode(text="label:N", **box)
    header = alt.Header(labelFontSize=10, labelPadding=2)
    return (
        alt.layer(images, halo, label)
        .properties(width=_SIZE, height=_SIZE)
        .facet(facet=alt.Facet(f"{axis}:N", title=None, sort=list(places), header=header), columns=len(places))
        .properties(title=title, spacing=6)
    )


def true_board(points: NDArray[np.float64], squares: int) -> NDArray[np.float64]:
    """Return the outputs of a network that is certain of the board: positive where the label is 1.

    Args:
        points: (points, 2), between -1 and 1.
        squares: Number of squares along each side.
    """
    places = np.floor((points + 1) * (squares / 2)).clip(0, squares - 1)
    return np.where(places.sum(axis=1) % 2 == 1, _SURE, -_SURE)


def _select_trained(landscapes: pd.DataFrame, summary: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Remove the trained networks at learning rates that validation did not select.

    Those that lack the quantity are removed, too.
    """
    trained = landscapes["state"] == "trained"
    if not trained.any():
        return landscapes
    keys = [
        "member",
        *(name for name in landscapes.columns if name in summary.columns and name not in ("member", "step")),
    ]
    chosen = summary[summary["quantity"] == quantity][keys].drop_duplicates().astype({"member": str})
    matching = landscapes[trained].astype({"member": str}).merge(chosen, on=keys, how="inner")
    return pd.concat([landscapes[~trained].astype({"member": str}), matching], ignore_index=True)


def _encode_picture(values: NDArray[np.floating], trained: bool) -> str:
    """Encode a board of outputs as a PNG in a data URL, with x1 to the right and x2 upwards."""
    side = round(len(values) ** 0.5)
    board = values.astype(float).reshape(side, side).T[::-1]
    if trained:
        shade = np.tanh(board / 2)  # 2 sigmoid(f) - 1
    else:
        largest = np.abs(board[np.isfinite(board)]).max(initial=0.0)
        shade = np.clip(board / largest if largest > 0 else board, -1, 1)  # infinite outputs have the darkest colors
    shade = np.nan_to_num(shade)[..., None]
    colors = np.where(shade < 0, _MIDDLE + shade * (_MIDDLE - _LOW), _MIDDLE + shade * (_HIGH - _MIDDLE))
    return "data:image/png;base64," + base64.b64encode(_encode_png(colors.round().astype(np.uint8))).decode()


def _encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels as a true-color PNG file, for which the standard library is enough."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")

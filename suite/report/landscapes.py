"""Landscapes as small multiples: random networks where collapse can be seen, and what was learned beside the truth."""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.report.series import with_series

_SIZE = 84
_TRUE = "true"
_SURE = 20.0
_LOW, _MIDDLE, _HIGH = (np.array(color, dtype=float) for color in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))


def landscapes_chart(
    landscapes: pd.DataFrame, summary: pd.DataFrame, tasks: Sequence[Mapping[str, Any]] = ()
) -> Any | None:
    """The first draw of each member before training and after, at the selected learning rate.

    Random outputs are scaled by their own largest absolute value, so that a collapsed network is one colour, and have
    the number std / rms in their corner; trained ones are shown as probabilities, behind the true board.

    Args:
        landscapes: outputs over the plane.
        summary: says which learning rate each member's training kept.
        tasks: that networks are trained on, as run.json has them.
    """
    kept = _selected(landscapes[landscapes["draw"] == 0], summary)
    data = with_series(kept).assign(state=kept["state"].astype(str))
    if data.empty:
        return None
    axis, boards = str(data["axis"].iloc[0]), [name for name in ("task", "squares") if name in data.columns]
    pictures: list[dict[str, Any]] = []
    for (series, along, state), board in data.groupby(["series", "along", "state"], sort=True):
        values, trained = board["value"].to_numpy(dtype=float), state == "trained"
        rms = np.sqrt(np.mean(values**2))
        said = "" if trained else f"{values.std() / rms:.2g}" if rms > 0 else "0"
        place = {"member": str(board["member"].iloc[0]), "series": series, axis: f"{along:g}", "state": state}
        pictures.append(place | {"said": said, "picture": _picture(values, trained)})
        task = dict(tasks[0]) if len(tasks) == 1 else dict(board[boards].iloc[0]) if boards else {}
        known = any(row["series"] == series and row[axis] == _TRUE for row in pictures)
        if trained and pd.notna(task.get("squares")) and not known:
            truth = true_board(board[["x1", "x2"]].to_numpy(dtype=float), int(task["squares"]))
            picture = {"series": series, axis: _TRUE, "state": state, "said": "", "picture": _picture(truth, True)}
            pictures.append({"member": ""} | picture)
    rows = pd.DataFrame(pictures)
    places = [_TRUE, *(f"{along:g}" for along in sorted(data["along"].unique()))]
    charts = [
        _grid(rows[rows["state"] == state], axis, places, title)
        for state, title in (
            ("random", "random networks, draw 0; in the corner std / rms, which is near 0 where they have collapsed"),
            ("trained", "the same networks after training, behind the board that they are to learn"),
        )
        if (rows["state"] == state).any()
    ]
    return alt.vconcat(*charts)


def _grid(rows: pd.DataFrame, axis: str, places: Sequence[str], title: str) -> Any:
    """Pictures in rows by series, in columns along the main axis."""
    header = alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False)
    names = alt.Axis(domain=False, ticks=False, labelLimit=260)
    shown = [place for place in places if (rows[axis] == place).any()]
    base = alt.Chart(rows, title=title).encode(
        x=alt.X(f"{axis}:O", title=axis, sort=shown, axis=header),
        y=alt.Y("series:N", title=None, sort=None, axis=names),
    )
    images = base.mark_image(width=_SIZE, height=_SIZE).encode(url="picture:N", tooltip=["series:N", f"{axis}:O"])
    corner: dict[str, Any] = {
        "dx": 3 - _SIZE / 2,
        "dy": _SIZE / 2 - 3,
        "align": "left",
        "baseline": "bottom",
        "fontSize": 10,
    }
    # White behind black: readable on every colour.
    halo = base.mark_text(**corner, stroke="#ffffff", strokeWidth=3, opacity=0.85).encode(text="said:N")
    said = base.mark_text(**corner, color="#111111").encode(text="said:N")
    return alt.layer(images, halo, said).properties(width=alt.Step(_SIZE + 8), height=alt.Step(_SIZE + 8))


def true_board(points: NDArray[np.float64], squares: int) -> NDArray[np.float64]:
    """The board as a network that is sure of it would give it: positive where the label is 1."""
    places = np.floor((points + 1) * (squares / 2)).clip(0, squares - 1)
    return np.where(places.sum(axis=1) % 2 == 1, _SURE, -_SURE)


def _selected(landscapes: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    """Without the trained networks of learning rates that validation did not choose."""
    trained = landscapes["state"] == "trained"
    if not trained.any():
        return landscapes
    keys = [
        "member",
        *(name for name in landscapes.columns if name in summary.columns and name not in ("member", "mean")),
    ]
    chosen = summary[summary["quantity"] == "success"][keys].drop_duplicates().astype({"member": str})
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
    """A true-colour PNG file; the format needs no more than the standard library for this."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")

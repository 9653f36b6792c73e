"""Landscapes as small multiples: random networks where collapse can be seen, and what was learned."""

import base64
import struct
import zlib

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.report.series import with_series

_SIZE = 84
_LOW, _MIDDLE, _HIGH = (np.array(color, dtype=float) for color in ((33, 102, 172), (247, 247, 247), (178, 24, 43)))


def landscapes_chart(landscapes: pd.DataFrame, summary: pd.DataFrame) -> alt.TopLevelMixin | None:
    """The first draw of each member before training and after, at the selected learning rate.

    Random outputs are scaled by their own largest absolute value, so that a collapsed network is one colour;
    trained ones are shown as probabilities.

    Args:
        landscapes: outputs over the plane.
        summary: says which learning rate each member's training kept.
    """
    kept = _selected(landscapes[landscapes["draw"] == 0], summary)
    data = with_series(kept).assign(state=kept["state"].astype(str))
    if data.empty:
        return None
    axis = str(data["axis"].iloc[0])
    pictures = [
        {
            "series": series,
            axis: along,
            "state": state,
            "picture": _picture(board["value"].to_numpy(), state == "trained"),
        }
        for (series, along, state), board in data.groupby(["series", "along", "state"], sort=True)
    ]
    rows = pd.DataFrame(pictures)
    charts = [
        alt.Chart(rows[rows["state"] == state], title=title)
        .mark_image(width=_SIZE, height=_SIZE)
        .encode(
            x=alt.X(f"{axis}:O", title=axis, axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False)),
            y=alt.Y("series:N", title=None, axis=alt.Axis(domain=False, ticks=False)),
            url="picture:N",
            tooltip=["series:N", f"{axis}:O"],
        )
        .properties(width=alt.Step(_SIZE + 8), height=alt.Step(_SIZE + 8))
        for state, title in (
            ("random", "random networks, draw 0"),
            ("trained", "the same networks after training"),
        )
        if (rows["state"] == state).any()
    ]
    return alt.vconcat(*charts)


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

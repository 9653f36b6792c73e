"""Tables of times by case and contender, and the contenders' times relative to the suite's."""

from collections.abc import Sequence
from math import exp, fsum, log

from benchmarks.peers.timing import Row

BESIDE = ("forward", "collapse")
"""Rows that are no contenders: V3's forward pass, and Collapse to Constant on the same points."""
NETWORK_STEP = 1e6
"""Microseconds per second; training times are in microseconds per network and step."""


def print_table(rows: Sequence[Row]) -> None:
    """Print the table of one computation in one precision on one device."""
    print("\n".join(format_table(rows)))


def format_table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table of one computation in one precision on one device."""
    first = rows[0]
    names = list(dict.fromkeys(row.contender for row in rows if row.contender != "gemm"))
    by = {(row.case, row.contender): row for row in rows}
    cases = list(dict.fromkeys(row.case for row in rows))
    unit = "us per network and step" if first.work == "training" else "ms"
    title = f"{first.work}, {first.dtype}, {first.device}: {unit}, median +- half the interquartile range"
    lines = ["", title, _line("draws, width, depth, points", [*names, "GFLOP/s", "of torch.mm"])]
    for case in cases:
        formatted = [_format_time(by[case, name]) if (case, name) in by else "-" for name in names]
        rate, peak = (row.flop / row.seconds / 1e9 for row in (by[case, "ours"], by[case, "gemm"]))
        lines.append(_line(case, [*formatted, f"{rate:.0f}", f"{rate / peak:.2f}"]))
    if BESIDE[0] in names:
        for name, title in (("ours", "V3"), (BESIDE[1], "collapse")):
            shares = [by[case, name].seconds / by[case, BESIDE[0]].seconds for case in cases]
            lines.append(f"{title}: {_mean(shares):.2f} times its forward pass, geometric mean")
    ratios = {
        name: [by[case, name].seconds / by[case, "ours"].seconds for case in cases if (case, name) in by]
        for name in names
        if name not in ("ours", *BESIDE)
    }
    if "jax" in ratios:
        ratios["jax, faster"] = [min(pair) for pair in zip(ratios["jax"], ratios["jax_features_first"], strict=True)]
    means = ", ".join(f"{name} {_mean(each):.2f}x" for name, each in ratios.items())
    lines.append(f"speedup of ours, geometric mean: {means}")
    return lines


def _mean(ratios: Sequence[float]) -> float:
    """Return the geometric mean."""
    return exp(fsum(map(log, ratios)) / len(ratios))


def _format_time(row: Row) -> str:
    draws = int(row.case.split(",")[0])
    value = row.seconds * NETWORK_STEP / draws if row.work == "training" else row.seconds * 1e3
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} +-{row.spread:.0%}"


def _line(label: str, cells: Sequence[str]) -> str:
    return f"{label:<28}" + "".join(f"{cell:>20}" for cell in cells)

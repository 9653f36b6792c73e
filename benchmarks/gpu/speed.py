"""The suite's speed compared with that of its peers and with the device's limits."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import get_args

import torch

from benchmarks.gpu.limits import count_launches, measure_limits
from benchmarks.gpu.record import Row, Rows, Setup
from benchmarks.peers.cases import Case, Contender, Problem, Work, cases, problem_of
from benchmarks.peers.jax_process import JaxProcess, installed
from benchmarks.peers.tables import format_table
from benchmarks.peers.timing import Row as Times
from benchmarks.peers.timing import compare
from benchmarks.peers.torch_peers import ByHand, Gemm, InTorch, Loop, Ours, TorchCompile, Vmap
from benchmarks.shapes import Shape

BUDGET = 1.0
"""Seconds of rounds for each case."""

LOOP_LAYERS = 10_000
"""Maximum number of layers of all networks together for which a loop of training is timed; beyond it, a step takes
seconds.
"""


def rows(setup: Setup) -> Iterator[tuple[str, Callable[[], Row]]]:
    """Yield the device's limits, then a row for each case of the peers' tables."""
    yield "limits", lambda: measure_limits(setup.device, setup.tiny)
    with ExitStack() as stack:
        jax = stack.enter_context(JaxProcess(setup.device)) if installed() else None
        if jax and not jax.works_there():
            jax = None
        for case in _cases(setup.tiny):
            key = f"{case.work}, {case.dtype}, {case.name}"
            yield key, lambda case=case: _time_case(case, setup, jax)  # type: ignore[misc]


def line(key: str, row: Row) -> str:
    """Return the suite's time, the ratios of its peers' times to it, and the peers that were left out."""
    if key == "limits":
        return (
            f"torch.mm {row['float32'] / 1e12:.3g} TFLOP/s in float32, {row['float64'] / 1e12:.3g} in float64; "
            f"copy {row['bytes'] / 1e9:.4g} GB/s; launch {row['launch'] * 1e6:.2f} us"
        )
    ours = next(each for each in row["times"] if each["contender"] == "ours")
    others = ", ".join(
        f"{each['contender']} {each['seconds'] / ours['seconds']:.2g}x"
        for each in row["times"]
        if each["contender"] not in ("ours", "gemm")
    )
    left_out = "".join(f"; {name} skipped: {reason}" for name, reason in row["left_out"].items())
    return f"{ours['seconds'] * 1e3:.3g} ms; {others}{left_out}"


def summary(found: Rows) -> list[str]:
    """Return the peers' tables, and a table of limits.

    The latter has the least time that each limit permits, and the share of the limit that is reached.
    """
    taken = {key: row for key, row in found.items() if key != "limits"}
    times = [Times(**each) for row in taken.values() for each in row["times"]]
    lines = []
    for kind in dict.fromkeys((each.work, each.dtype) for each in times):
        lines += format_table([each for each in times if (each.work, each.dtype) == kind])
    return lines + (_limits_table(taken, found["limits"]) if "limits" in found else [])


def _limits_table(taken: Rows, limits: Row) -> list[str]:
    """Return a line for each case and contender, all times in milliseconds."""
    heads = ("MFLOP", "MB", "launches", "FLOP ms", "bytes ms", "launch ms", "time ms")
    lines = [
        "",
        "Operations, bytes and launches; the minimum time of each; the measured time; the share of the limit",
        f"{'work, precision, draws, width, depth, points':<46}{'contender':<15}"
        + "".join(f"{head:>12}" for head in heads),
    ]
    for key, row in taken.items():
        seconds = {each["contender"]: each["seconds"] for each in row["times"]}
        dtype = key.split(", ")[1]
        for name, launches in row["launches"].items():
            least = {"operations": row["flop"] / limits[dtype], "bytes": row["bytes"] / limits["bytes"]}
            if launches is not None:
                least["launches"] = launches * limits["launch"]
            counts = [f"{row['flop'] / 1e6:.4g}", f"{row['bytes'] / 1e6:.4g}", "-" if launches is None else launches]
            least_ms = [f"{one * 1e3:.3g}" for one in least.values()] + ["-"] * (3 - len(least))
            binds = max(least, key=lambda limit: least[limit])
            cells = "".join(f"{one:>12}" for one in (*counts, *least_ms, f"{seconds[name] * 1e3:.3g}"))
            lines.append(f"{key:<46}{name:<15}{cells}   {least[binds] / seconds[name]:.0%} of {binds}")
    return lines


def _cases(tiny: bool) -> list[Case]:
    """Return all cases of the peers' tables, or a very small one of each computation."""
    everything = [case for work in get_args(Work) for case in cases(work)]
    if not tiny:
        return everything
    first = {case.work: case for case in reversed(everything)}
    return [Case(case.work, case.dtype, Shape(4, 6, 3), 81) for case in reversed(first.values())]


def _time_case(case: Case, setup: Setup, jax: JaxProcess | None) -> Row:
    """Time all contenders of a case in turn, and count the kernels that each starts on the device."""
    with torch.no_grad():
        contenders, left_out = _contenders(problem_of(case), setup, jax)
        found = compare(case, contenders, Gemm(case.dtype, setup.device), setup.device, 0.0 if setup.tiny else BUDGET)
        launches = {
            each.name: _count_launches(each, setup.device)
            if isinstance(each, InTorch) and not isinstance(each, Loop)  # a loop starts too many kernels to be profiled
            else None
            for each in contenders
        }
    times = [each.as_json() for each in found]
    return {"flop": case.flop, "bytes": case.bytes, "times": times, "launches": launches, "left_out": left_out}


def _count_launches(contender: InTorch, device: str) -> int | None:
    """Return the number of kernels that a contender starts; for training, in one step."""
    found = count_launches(contender.work, device, isinstance(contender, TorchCompile))
    return None if found is None else round(found / contender.steps)


def _contenders(problem: Problem, setup: Setup, jax: JaxProcess | None) -> tuple[list[Contender], dict[str, str]]:
    """Return the contenders, ready to run, and the reasons why others are left out."""
    case, device, left_out = problem.case, setup.device, {}
    contenders: list[Contender] = [Ours(problem, device), ByHand(problem, device), Vmap(problem, device)]
    brief = case.dtype == "float64" or (setup.tiny and case.work == "training")
    if brief:
        left_out["torch_compile"] = "compilation is slow"
    elif reason := _try_to_compile(device):
        left_out["torch_compile"] = reason
    else:
        contenders.append(TorchCompile(problem, device))
    if case.work == "training" and case.shape.draws * case.shape.depth > LOOP_LAYERS:
        left_out["loop"] = "a step takes seconds"
    else:
        contenders.append(Loop(problem, device))
    if brief and case.work != "v3":
        left_out["jax"] = "compilation is slow"
    elif jax:
        contenders += jax.contenders(problem)
    else:
        left_out["jax"] = "not installed with a backend for this device"
    return contenders, left_out


@cache
def _try_to_compile(device: str) -> str:
    """Return the reason why torch.compile fails here, or an empty string."""
    one = torch.ones(2, device=device)
    try:
        torch.compile(lambda x: x.sin() + 1, fullgraph=True)(one)
    except Exception as error:  # such as a missing C compiler
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return ""

"""Compare the speed of the suite with a loop, torch.func.vmap and JAX."""

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import torch

from benchmarks.ensembles import available_devices
from benchmarks.peers.cases import TABLES, Case, Contender, cases, problem_of
from benchmarks.peers.jax_process import JaxProcess, installed
from benchmarks.peers.tables import print_table
from benchmarks.peers.timing import Row, compare
from benchmarks.peers.torch_peers import CollapseInstead, ForwardAlone, Gemm, Loop, Ours, OursInTorch, Vmap


def options() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument(
        "--work",
        nargs="+",
        choices=list(TABLES),
        default=list(TABLES),
        help="computations to compare (default: all)",
    )
    parser.add_argument("--dtype", choices=("float32", "float64"), help="measure only this precision")
    parser.add_argument(
        "--seconds", type=float, help="seconds of rounds per case (default: 6; with --quick, the minimum)"
    )
    parser.add_argument("--quick", action="store_true", help="use an eighth of the draws and depth, to try the script")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file in which to save the rows")
    chosen = parser.parse_args()
    if chosen.seconds is not None and not chosen.seconds >= 0:
        parser.error(f"--seconds: expected a number >= 0, got {chosen.seconds}")
    if chosen.json and not chosen.json.parent.is_dir():
        parser.error(f"--json {chosen.json}: the folder {chosen.json.parent} does not exist")
    return chosen


def contenders(case: Case, device: str, jax: JaxProcess | None) -> Iterator[Contender]:
    """Yield the contenders for a case on a device."""
    problem = problem_of(case)
    yield Ours(problem, device)
    if device == "cpu":
        yield OursInTorch(problem, device)
    if case.work == "v3":
        yield from (ForwardAlone(problem, device), CollapseInstead(problem, device))
    yield from (Loop(problem, device), Vmap(problem, device))
    if jax and device == "cpu":
        yield from jax.contenders(problem)


def main() -> None:
    """Print a table for each computation and precision."""
    chosen = options()
    torch.set_grad_enabled(False)
    shrink, budget = (8, 0.0) if chosen.quick else (1, 6.0)
    budget = budget if chosen.seconds is None else chosen.seconds
    rows: list[Row] = []
    with ExitStack() as stack:
        jax = stack.enter_context(JaxProcess()) if installed() else None
        if jax is None:
            print("JAX is not installed, so its columns are missing; install the extra `bench`.")
        for device in available_devices():
            for work in chosen.work:
                for dtype in ("float32", "float64"):
                    wanted = [case for case in cases(work, shrink) if case.dtype == dtype]
                    if not wanted or chosen.dtype not in (None, dtype):
                        continue
                    found = [each for case in wanted for each in timed(case, device, jax, budget)]
                    print_table(found)
                    rows += found
    if chosen.json:
        chosen.json.write_text(json.dumps([each.as_json() for each in rows], indent=1) + "\n", encoding="utf-8")


def timed(case: Case, device: str, jax: JaxProcess | None, budget: float) -> list[Row]:
    """Return the rows of all contenders at a case, and the row of the matrix product."""
    return compare(case, list(contenders(case, device, jax)), Gemm(case.dtype, device), device, budget)


if __name__ == "__main__":
    main()

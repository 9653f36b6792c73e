"""Check and measure the suite on a GPU in at most eight minutes.

To continue an interrupted call, run the same command again: rows that FILE contains are not repeated. FILE must come
from the same GPU, versions, commit and options.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.gpu import agreement, environment, history, load, speed
from benchmarks.gpu.record import Record, Section, Setup, run_section, say

SECTIONS = (
    Section("weights", 15, agreement.weight_rows, agreement.weight_line),
    Section("correctness", 110, agreement.path_rows, agreement.path_line, agreement.path_summary),
    Section("peers", 155, speed.rows, speed.line, speed.summary),
    Section("memory", 25, load.memory_rows, load.memory_line),
    Section("workers", 45, load.worker_rows, load.worker_line, load.worker_summary),
    Section("asv", 80, history.rows, history.line),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all sections; return 0, or 1 if something deviates, failed or is missing."""
    start = time.monotonic()
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="file in which to save the results")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="device to measure (default: cuda)")
    parser.add_argument(
        "--tiny", action="store_true", help="use the smallest sizes and fewest repeats, to try the script"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="SECTION",
        help=f"sections to run: {', '.join(names)} (default: all)",
    )
    parser.add_argument("--commit", metavar="HASH", help="commit of these files, if they are not a git checkout")
    chosen = parser.parse_args(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is available; add --device cpu, or use a machine with a GPU")
    torch.set_num_threads(1)
    setup = Setup(chosen.device, chosen.tiny, environment.identify(chosen.device, chosen.tiny, chosen.commit))
    try:
        record = Record(chosen.json, setup.identity)
    except (OSError, ValueError) as error:
        parser.error(f"--json: {error}")
    for key, value in setup.identity.items():
        say(f"{key}: {value}")
    stop, whole = start, True
    for section in SECTIONS:
        if section.name in chosen.only:
            stop += section.limit
            whole = run_section(section, setup, record, stop) and whole
    return _conclude(record, whole, time.monotonic() - start)


def _conclude(record: Record, whole: bool, seconds: float) -> int:
    """Print all problems, and return the exit status."""
    problems = [f"beyond tolerance: {each}" for each in agreement.find_deviations(record.rows("correctness"))]
    problems += [
        f"weights or data differ from the CPU: {key}" for key, row in record.rows("weights").items() if row["different"]
    ]
    problems += [f"failed: {key}: {message}" for key, message in record.failures().items()]
    problems += [] if whole else ["some rows are missing; run the same command again"]
    say(f"\n{seconds:.0f} s; results are in {record.file}")
    for problem in problems:
        say(problem)
    if not problems:
        say("no failures" + ("; every path agrees with float64 on the CPU" if record.rows("correctness") else ""))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

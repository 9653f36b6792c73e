"""Count what a study consists of, for the strip of counts on the first screen of its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from suite.formatting import format_duration
from suite.report.verdicts import FORMS, Row, has_passed, is_control


@dataclass(frozen=True)
class Count:
    """One entry of the strip.

    Attributes:
        number: The number as text.
        what: The words after it.
        verdict: The verdict that it counts; empty if it counts something else.
    """

    number: str
    what: str
    verdict: str = ""


def count_study(run: dict[str, Any], summary: pd.DataFrame, verdicts: Sequence[Row]) -> list[Count]:
    """Return the counts of a study: claims by verdict, controls, members, draws, diverged runs and computing time.

    Args:
        run: The content of run.json.
        summary: Statistics over draws.
        verdicts: The rows of verdicts.csv.
    """
    claims, controls = ([row for row in verdicts if is_control(row) is which] for which in (False, True))
    found = []
    for verdict, (one, several) in FORMS.items():
        if number := sum(row["verdict"] == verdict for row in claims):
            found.append(Count(str(number), f"claim {one}" if number == 1 else f"claims {several}", verdict))
    if controls:
        passed = sum(map(has_passed, controls))
        found.append(Count(f"{passed} of {len(controls)}", f"control{'' if len(controls) == 1 else 's'} passed"))
    members = summary["member"].nunique()
    found.append(Count(f"{members:,}", "member" if members == 1 else "members"))
    draws: dict[str, int] = {}
    for cell in run["cells"]:
        draws[cell["member"]] = max(cell["draws"][1], draws.get(cell["member"], 0))
    if draws:
        most = max(draws.values())
        upto = "" if min(draws.values()) == most else "up to "
        found.append(Count(f"{upto}{most:,}", "draw per member" if most == 1 else "draws per member"))
    if "trained" in run and run["trained"]["runs"]:
        trained = run["trained"]
        found.append(Count(f"{trained['lost']:,} of {trained['runs']:,}", "training runs diverged"))
    if run["failed"]:
        found.append(Count(f"{len(run['failed']):,}", "cell failed" if len(run["failed"]) == 1 else "cells failed"))
    found.append(Count(format_duration(sum(cell["seconds"] for cell in run["cells"])), "of computing time"))
    return found

"""The analysis and the page of a study whose spec is known from its results alone."""

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from suite.analysis.derive import derive
from suite.catalog.claims import AnyClaim
from suite.report.page import write_report
from suite.results.folder import Results

R = TypeVar("R", bound=Results)


def analyzed(results: R) -> R:
    """Write the tables of the analysis, with verdicts on the claims that run.json has; return the results."""
    spec = results.run["spec"]
    claims = TypeAdapter(list[AnyClaim]).validate_python(spec.get("claim", []))
    derive(results, claims, spec.get("source", ""))
    return results


def draw(results: Results) -> Path:
    """Analyze the tables of a run and draw its page."""
    return write_report(analyzed(results))

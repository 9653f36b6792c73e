"""Analyze the tables of a run and draw its page."""

from pathlib import Path

from suite.analysis.derive import derive
from suite.report.page import write_report
from suite.results.folder import Results
from suite.spec.load import Study


def analyze_and_draw(study: Study, results: Results) -> Path:
    """Judge the claims of a study by its tables, write the analysis and draw the page; return its path."""
    derive(results, study.spec.claim, study.spec.source)
    return write_report(results)

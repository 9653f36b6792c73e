"""Names of the files of a results folder, and columns of the tables that the analysis writes."""

from collections.abc import Mapping

MEMBERS, SUMMARY, PRECISION = "members.csv", "summary.csv", "precision.csv"

MEASUREMENTS, EXACT_SUMMARY, LANDSCAPES = "measurements.parquet", "summary.parquet", "landscapes.parquet"

REPORT, INDEX, MANIFEST = "report.html", "index.html", "manifest.json"

VERDICTS, PREDICTORS = "verdicts.csv", "predictors.csv"

AGREEMENT, BOUNDS, PHASES, COMPARISONS = "agreement.csv", "bounds.csv", "phases.csv", "comparisons.csv"

VERDICT_COLUMNS: Mapping[str, type] = {
    "claim": str,
    "source": str,
    "test": str,
    "verdict": str,
    "expected": str,
    "estimate": float,
    "ci_low": float,
    "ci_high": float,
    "p": float,
    "draws": int,
    "members": int,
    "needed": float,
    "unit": str,
    "leaning": str,
    "estimate_of": str,
    "required": str,
}
"""The columns of verdicts.csv with their types; an empty number is nan."""

PREDICTOR_COLUMNS: Mapping[str, type] = {
    "outcome": str,
    "training": str,
    "group": str,
    "predictor": str,
    "kind": str,
    "statistic": str,
    "members": int,
    "spearman": float,
    "spearman_low": float,
    "spearman_high": float,
    "kendall": float,
    "kendall_low": float,
    "kendall_high": float,
    "baseline": str,
    "advantage": float,
    "advantage_low": float,
    "advantage_high": float,
    "over_depth": float,
    "over_depth_low": float,
    "over_depth_high": float,
    "without_low": float,
    "without_high": float,
    "hinges_on": str,
    "draw_by_draw": float,
    "draw_by_draw_low": float,
    "draw_by_draw_high": float,
    "draw_by_draw_members": int,
    "draws": int,
    "seconds": float,
    "note": str,
}

ALL_MEMBERS, WITHIN_ACTIVATION = "all", "within activation"
"""Values of the column `group` of the predictor ranking: all members, and the average over activations."""

AGREEMENT_COLUMNS: Mapping[str, type] = {
    "quantity": str,
    "series": str,
    "verdict": str,
    "values": int,
    "tested": int,
    "largest_z": float,
    "compared": int,
    "largest_relative": float,
    "limit": str,
}
"""`limit` is yes if the theory is that of infinite width; `largest_relative` is then relative to 1 - c."""

BOUND_COLUMNS: Mapping[str, type] = {
    "series": str,
    "axis": str,
    "along": float,
    "member": str,
    "theory": float,
    "trainability": float,
    "trainability_low": float,
    "trainability_high": float,
    "success": float,
    "success_low": float,
    "success_high": float,
    "replicates": int,
    "without": int,
    "bound": str,
}

PHASE_COLUMNS: Mapping[str, type] = {
    "series": str,
    "axis": str,
    "along": float,
    "layer": int,
    "n": int,
    "start": float,
    "peak": float,
    "peak_step": int,
    "in_phase_1": float,
    "in_low": float,
    "in_high": float,
    "after": float,
    "after_low": float,
    "after_high": float,
}

COMPARISON_COLUMNS: Mapping[str, type] = {
    "quantity": str,
    "axis": str,
    "reference": str,
    "setting": str,
    "at": str,
    "of_reference": float,
    "of_setting": float,
    "difference": float,
    "ci_low": float,
    "ci_high": float,
    "n": int,
    "censored": int,
    "diverged_runs": str,
    "p": float,
    "p_holm": float,
    "verdict": str,
}
"""`diverged_runs` is "3 of 8 against 0 of 8" for setting and reference; empty for times, and if no run diverged."""

ANALYSIS: Mapping[str, Mapping[str, type]] = {
    PREDICTORS: PREDICTOR_COLUMNS,
    AGREEMENT: AGREEMENT_COLUMNS,
    BOUNDS: BOUND_COLUMNS,
    PHASES: PHASE_COLUMNS,
    COMPARISONS: COMPARISON_COLUMNS,
    VERDICTS: VERDICT_COLUMNS,
}
"""The tables of the analysis with their columns. Each file exists if its table has rows."""

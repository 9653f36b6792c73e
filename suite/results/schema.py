"""Names of the files of a results folder, and columns of the tables that the analysis writes."""

from collections.abc import Mapping

MEMBERS, SUMMARY, PRECISION = "members.csv", "summary.csv", "precision.csv"

MEASUREMENTS, EXACT_SUMMARY, LANDSCAPES = "measurements.parquet", "summary.parquet", "landscapes.parquet"

REPORT, INDEX, MANIFEST = "report.html", "index.html", "manifest.json"

VERDICTS, PREDICTORS = "verdicts.csv", "predictors.csv"

AGREEMENT, BOUNDS, PHASES, COMPARISONS = "agreement.csv", "bounds.csv", "phases.csv", "comparisons.csv"

TRENDS = "trends.csv"

VERDICT_COLUMNS: Mapping[str, type] = {
    "claim": str,
    "source": str,
    "test": str,
    "verdict": str,
    "expected": str,
    "control": str,
    "answers": str,
    "population": str,
    "quantities": str,
    "estimate": float,
    "ci_low": float,
    "ci_high": float,
    "p": float,
    "p_holm": float,
    "claimed_low": float,
    "claimed_high": float,
    "draws": int,
    "members": int,
    "detectable": float,
    "needed": float,
    "unit": str,
    "estimate_of": str,
    "required": str,
    "note": str,
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
    "p": float,
    "p_holm": float,
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

TREND_COLUMNS: Mapping[str, type] = {
    "quantity": str,
    "statistic": str,
    "series": str,
    "axis": str,
    "main_axis": str,
    "along": float,
    "layer": float,
    "shape": str,
    "places": int,
    "missing": int,
    "first_at": str,
    "first": float,
    "first_low": float,
    "first_high": float,
    "first_n": float,
    "last_at": str,
    "last": float,
    "last_low": float,
    "last_high": float,
    "last_n": float,
    "extreme_at": str,
    "extreme": float,
    "extreme_low": float,
    "extreme_high": float,
    "extreme_n": float,
    "extreme_from": str,
    "extreme_to": str,
    "change": float,
    "change_low": float,
    "change_high": float,
    "p": float,
    "p_holm": float,
}
"""`along`, the value of the main axis, and `layer` say which curve along another axis it is; otherwise empty."""

RISES, FALLS, PEAKS, DIPS, FLAT = "rises", "falls", "peaks inside", "dips inside", "flat"
DIFFERS, NONE = "differs", "no established trend"
"""Values of the column `shape` of trends.csv."""

FREQUENCY, SHARE = "frequency", "share"
"""Values of the column `statistic` of trends.csv besides mean and median; a share is the mean share of a layer."""

SERIES, STEP, LAYER = "series", "step", "layer"
"""Values of the column `axis` of trends.csv besides the main axis."""

ANALYSIS: Mapping[str, Mapping[str, type]] = {
    PREDICTORS: PREDICTOR_COLUMNS,
    AGREEMENT: AGREEMENT_COLUMNS,
    BOUNDS: BOUND_COLUMNS,
    PHASES: PHASE_COLUMNS,
    COMPARISONS: COMPARISON_COLUMNS,
    TRENDS: TREND_COLUMNS,
    VERDICTS: VERDICT_COLUMNS,
}
"""The tables of the analysis with their columns. Each file exists if its table has rows."""

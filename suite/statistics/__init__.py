"""Statistics of draws and members: summaries, confidence intervals, tests and rank correlations."""

"""What can be said from draws: summaries, intervals and rank correlations, in numpy alone."""

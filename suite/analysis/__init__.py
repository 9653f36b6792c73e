"""From tables to tables: verdicts on claims, the predictor ranking, comparisons, phases and bounds."""

"""The pipeline: run, plan, explain and show progress."""

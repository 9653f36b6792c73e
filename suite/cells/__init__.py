"""Cells: the units of computation of a study, their executors and their cache."""

"""Measures of random networks: one function of an ensemble per measure, each in its own file."""

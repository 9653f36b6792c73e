"""Measures of networks at random weights: one file a measure, each a function of an ensemble."""

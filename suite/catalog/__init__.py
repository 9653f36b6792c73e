"""Declarations of activations, initializations, measures, tasks and everything else a spec can name."""
